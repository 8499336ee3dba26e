//! Google's cloud: projects, and one file a service.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// Every project, and what is global.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Gcp {
    /// Projects by id.
    pub projects: BTreeMap<String, Project>,
}

/// One project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Its number.
    pub number: u64,
}

/// Answers a call that is read, known and allowed: shared out to the service's file.
///
/// # Errors
/// The service's refusal; `UNIMPLEMENTED` for what no file carries.
pub fn answer(_world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    Err(Refusal::new(
        501,
        "UNIMPLEMENTED",
        format!("{} is not carried by this sandbox", call.operation),
    ))
}
