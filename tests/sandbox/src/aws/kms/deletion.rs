//! Deletion of keys: after a window of days, never at once.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::key::change;
use super::refusal;
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Days to wait where the caller says nothing.
const USUAL: i64 = 30;

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html>
pub(super) fn schedule(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let days = call
        .input
        .get("PendingWindowInDays")
        .and_then(Value::as_i64)
        .unwrap_or(USUAL);
    let key = change(world, call)?;
    // The API's description allows 1 to 365, its documentation and the service 7 to 30.
    if !(7..=30).contains(&days) {
        return Err(refusal(
            "ValidationException",
            format!("PendingWindowInDays must be between 7 and 30, and is {days}"),
        ));
    }
    key.not_pending()?;
    let window = SignedDuration::from_hours(24 * days);
    let at = call.at.saturating_add(window).unwrap_or(jiff::Timestamp::MAX);
    key.deletion = Some((at, days));
    Ok(said(json!({
        "KeyId": key.arn,
        "DeletionDate": at.to_string(),
        "KeyState": key.state(),
        "PendingWindowInDays": days,
    })))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CancelKeyDeletion.html>: the key is disabled afterwards.
pub(super) fn cancel(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let key = change(world, call)?;
    if key.deletion.take().is_none() {
        return Err(refusal(
            "KMSInvalidStateException",
            format!("{} is not pending deletion.", key.arn),
        ));
    }
    key.enabled = false;
    Ok(said(json!({"KeyId": key.arn})))
}
