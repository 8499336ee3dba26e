//! Secrets Manager: secrets, their versions, deletion after a window, and names that stay taken meanwhile.
//!
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/Welcome.html>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Refusal};
use crate::aws::not_carried;
use crate::call::Call;
use crate::world::World;

mod deletion;
mod hidden;
mod list;
mod needs;
mod password;
mod policy;
mod secret;
mod tagging;
mod value;

pub use hidden::Hidden;
pub use needs::needs;
pub use secret::{Deletion, Secret};
pub use value::Version;

/// Secrets of a region.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// By name, those that wait for their deletion included.
    pub secrets: BTreeMap<String, Secret>,
}

/// Answers a call.
///
/// # Errors
/// The service's refusal. Secrets Manager answers 400 to whatever the caller did wrong.
pub fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    deletion::settle(world, call);
    match call.operation.as_str() {
        "CreateSecret" => secret::create(world, call),
        "DescribeSecret" => secret::describe(world, call),
        "UpdateSecret" => secret::update(world, call),
        "ListSecrets" => list::list(world, call),
        "DeleteSecret" => deletion::delete(world, call),
        "RestoreSecret" => deletion::restore(world, call),
        "GetSecretValue" => value::get(world, call),
        "BatchGetSecretValue" => value::get_many(world, call),
        "PutSecretValue" => value::put(world, call),
        "ListSecretVersionIds" => value::list(world, call),
        "UpdateSecretVersionStage" => value::move_stage(world, call),
        "GetResourcePolicy" => policy::get(world, call),
        "PutResourcePolicy" => policy::put(world, call),
        "DeleteResourcePolicy" => policy::delete(world, call),
        "ValidateResourcePolicy" => policy::validate(world, call),
        "TagResource" => tagging::tag(world, call),
        "UntagResource" => tagging::untag(world, call),
        "GetRandomPassword" => password::draw(world, call),
        _ => Err(not_carried(call)),
    }
}

fn refusal(code: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(400, code, message)
}

fn invalid_parameter(message: impl Into<String>) -> Refusal {
    refusal("InvalidParameterException", message)
}

fn invalid_request(message: impl Into<String>) -> Refusal {
    refusal("InvalidRequestException", message)
}

#[cfg(test)]
mod tests;
