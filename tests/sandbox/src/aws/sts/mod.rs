//! Security token service: who calls, and how one becomes another.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html>

use serde_json::json;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

mod assume;
mod federate;
pub mod session;
mod token;

pub use session::{Closed, Session, open};

/// The unique id of the account's operator.
pub(crate) const OPERATOR_ID: &str = "AIDAAAAAAAAAAAAAAAAAA";

/// Answers a call to STS.
///
/// # Errors
/// STS's refusals.
pub fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    match call.operation.as_str() {
        "GetCallerIdentity" => Ok(identity(world, call)),
        "AssumeRole" => assume::assume(world, call),
        "AssumeRoleWithWebIdentity" => federate::federate(world, call),
        "GetAccessKeyInfo" => key_info(world, call),
        _ => Err(crate::aws::not_carried(call)),
    }
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
fn identity(world: &World, call: &Call) -> Answer {
    let id = session::latest(world, &call.caller.principal, call.at)
        .map_or(OPERATOR_ID, |session| session.user_id.as_str());
    Answer::of(json!({
        "UserId": id,
        "Account": call.account,
        "Arn": call.caller.principal,
    }))
}

/// Of keys of sessions the account is known; any other key is the operator's.
///
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html>
fn key_info(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let key = call.required("AccessKeyId");
    let account = world
        .aws
        .sessions
        .get(key)
        .map_or(call.account.as_str(), |session| session.account.as_str());
    Ok(Answer::of(json!({"Account": account})))
}

fn denied(message: impl Into<String>) -> Refusal {
    Refusal::new(403, "AccessDenied", message)
}

fn validation(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "ValidationError", message)
}
