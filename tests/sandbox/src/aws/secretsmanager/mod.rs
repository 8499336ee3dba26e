//! To be filled.

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Refusal};
use crate::aws::not_carried;
use crate::call::Call;
use crate::world::World;

/// What stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {}

/// Answers a call.
///
/// # Errors
/// The service's refusal.
pub fn answer(_world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    Err(not_carried(call))
}
