//! Amazon's cloud: accounts with their regions, and one file a service.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// Every account, and what is global.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Aws {
    /// Accounts by their twelve digits.
    pub accounts: BTreeMap<String, Account>,
}

/// One account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Regions by name.
    pub regions: BTreeMap<String, Region>,
}

/// One region of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Region {}

/// Answers a call that is read, known and allowed: shared out to the service's file.
///
/// # Errors
/// The service's refusal; `UnknownOperationException` for what no file carries.
pub fn answer(_world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    Err(Refusal::new(
        404,
        "UnknownOperationException",
        format!("{}:{} is not carried by this sandbox", call.service, call.operation),
    ))
}
