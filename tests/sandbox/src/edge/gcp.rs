//! Google's edge: it is at home with its services, which know Google's words.

use crate::answer::Refusal;
use crate::call::Call;
use crate::world::World;

pub(crate) use crate::gcp::{receive, waits};

/// Whether the caller may. Whom an identity lets in is asked in any case, by `iamcredentials` itself.
pub(crate) fn allowed(world: &World, call: &Call, enforce: bool) -> Result<(), Refusal> {
    if enforce {
        crate::gcp::authorize(world, call)
    } else {
        Ok(())
    }
}
