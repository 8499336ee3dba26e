//! Deletion: after a window in which the secret can be restored and its name stays taken, or at once.
//!
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html>

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::secret::{Deletion, change_any, find, state};
use super::{invalid_parameter, invalid_request};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Days to wait where the caller says nothing.
const USUAL: i64 = 30;
/// Seconds that a name stays taken after a deletion without a window. That there are some:
/// hashicorp/terraform-provider-aws issues 4467 and 10259; how many is a guess.
const ERASING: f64 = 5.0;

/// Removes what has gone since the last call.
pub(super) fn settle(world: &mut World, call: &Call) {
    let gone = |deletion: &Option<Deletion>| deletion.as_ref().is_some_and(|deletion| deletion.at <= call.at);
    if state(world, call)
        .secrets
        .values()
        .any(|secret| gone(&secret.deletion))
    {
        world
            .aws
            .region_mut(&call.account, &call.region)
            .secretsmanager
            .secrets
            .retain(|_, secret| !gone(&secret.deletion));
    }
}

/// Why a name cannot be taken again yet.
pub(super) fn name_blocked(deletion: &Deletion) -> Refusal {
    invalid_request(if deletion.forced {
        "You can't create this secret because a secret with this name was deleted a moment ago. Try again later."
    } else {
        "You can't create this secret because a secret with this name is already scheduled for deletion."
    })
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let forced = call.flag("ForceDeleteWithoutRecovery");
    let window = call.input.get("RecoveryWindowInDays").and_then(Value::as_i64);
    if forced && window.is_some() {
        return Err(invalid_parameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    let days = window.unwrap_or(USUAL);
    if !(7..=30).contains(&days) {
        return Err(invalid_parameter(
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ));
    }
    let wait = if forced {
        world.behaviour.duration("secretsmanager.secret.erase", ERASING)
    } else {
        SignedDuration::from_hours(24 * days)
    };
    let found = find(world, call)?;
    if found.deletion.is_some() && !forced {
        return Err(invalid_request(
            "You can't perform this operation on the secret because it was already scheduled for deletion.",
        ));
    }
    let at = call.at.saturating_add(wait).unwrap_or(Timestamp::MAX);
    let secret = change_any(world, call)?;
    secret.deletion = Some(Deletion {
        asked: call.at,
        at,
        forced,
    });
    let mut output = secret.named();
    output["DeletionDate"] = json!(if forced { call.at } else { at }.to_string());
    Ok(said(output))
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RestoreSecret.html>: of one that is not deleted, too.
pub(super) fn restore(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let secret = change_any(world, call)?;
    secret.deletion = None;
    Ok(said(secret.named()))
}
