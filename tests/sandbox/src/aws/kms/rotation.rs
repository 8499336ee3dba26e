//! Automatic rotation of the key material.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::key::{change, find_by_id};
use super::{Key, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Days between rotations where the caller says nothing:
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html>
const YEARLY: i64 = 365;

/// Rotation that is switched on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rotation {
    /// Days between rotations, 90 to 2560.
    pub days: i64,
    /// Since when.
    pub since: Timestamp,
}

fn rotates(key: &Key) -> Result<(), Refusal> {
    if key.spec != "SYMMETRIC_DEFAULT" || key.origin == "EXTERNAL" {
        // https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html: only symmetric keys made by KMS.
        return Err(refusal(
            "UnsupportedOperationException",
            "You cannot perform this operation on this type of KMS key.",
        ));
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html>
pub(super) fn enable(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let key = change(world, call)?;
    key.usable()?;
    rotates(key)?;
    let asked = call.input.get("RotationPeriodInDays").and_then(Value::as_i64);
    let days = asked.unwrap_or_else(|| key.rotation.as_ref().map_or(YEARLY, |rotation| rotation.days));
    if !(90..=2560).contains(&days) {
        return Err(refusal(
            "ValidationException",
            format!("RotationPeriodInDays {days} must be between 90 and 2560"),
        ));
    }
    key.rotation = Some(Rotation { days, since: call.at });
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKeyRotation.html>
pub(super) fn disable(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let key = change(world, call)?;
    key.usable()?;
    rotates(key)?;
    key.rotation = None;
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyRotationStatus.html>: a key that waits for its deletion
/// reports that it does not rotate, and rotates again if the deletion is cancelled.
pub(super) fn status(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let key = find_by_id(world, call)?;
    let rotation = key.rotation.as_ref().filter(|_| key.deletion.is_none());
    let next = rotation.map(|rotation| {
        let period = SignedDuration::from_hours(24 * rotation.days);
        let mut next = rotation.since.saturating_add(period).unwrap_or(Timestamp::MAX);
        while next <= call.at && !period.is_zero() && next < Timestamp::MAX {
            next = next.saturating_add(period).unwrap_or(Timestamp::MAX);
        }
        next.to_string()
    });
    Ok(said(json!({
        "KeyId": key.id,
        "KeyRotationEnabled": rotation.is_some(),
        "RotationPeriodInDays": rotation.map(|rotation| rotation.days),
        "NextRotationDate": next,
    })))
}
