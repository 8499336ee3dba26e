//! Identity and Access Management: service accounts, roles, workload identity pools.

mod account;
mod pool;
mod role;

use jiff::Timestamp;

pub use account::{Account, AccountKey};
pub use pool::{Pool, Provider};

use super::Project;
use super::refuse::not_carried;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// Forgets what was deleted long enough ago.
pub(super) fn settle(project: &mut Project, at: Timestamp) {
    account::settle(project, at);
    pool::settle(project, at);
}

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let method = call.operation.strip_prefix("iam.").unwrap_or_default();
    if let Some(method) = method.strip_prefix("projects.serviceAccounts.keys.") {
        return account::keys(world, call, method);
    }
    if let Some(method) = method.strip_prefix("projects.serviceAccounts.") {
        return account::answer(world, call, method);
    }
    if let Some(method) = method.strip_prefix("projects.locations.workloadIdentityPools.") {
        return pool::answer(world, call, method);
    }
    match method {
        "roles.get" => role::predefined(call),
        _ => match method.strip_prefix("projects.roles.") {
            Some(method) => role::custom(world, call, method),
            None => Err(not_carried(&call.operation)),
        },
    }
}
