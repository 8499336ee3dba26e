//! Object lock: retention and legal holds.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::object::{Content, chosen, chosen_mut};
use super::{Bucket, configure, find, invalid_argument, invalid_request, malformed};
use crate::answer::{Answer, Refusal};
use crate::aws::input::{given, number, text};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

const GOVERNANCE: &str = "GOVERNANCE";

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html>
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let lock = bucket.lock.as_ref().ok_or_else(|| {
        Refusal::new(
            404,
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        )
        .with("BucketName", bucket.name.as_str())
    })?;
    Ok(said(json!({"ObjectLockConfiguration": lock})))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html>: versioning first.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let configuration = call
        .input
        .get("ObjectLockConfiguration")
        .cloned()
        .unwrap_or_default();
    if text(&configuration, "ObjectLockEnabled") != Some("Enabled") {
        return Err(malformed());
    }
    if let Some(retention) = given(&configuration, "Rule").and_then(|rule| given(rule, "DefaultRetention")) {
        let (days, years) = (number(retention, "Days"), number(retention, "Years"));
        if text(retention, "Mode").is_none() || days.is_some() == years.is_some() {
            return Err(malformed());
        }
        if days.or(years).is_none_or(|period| period <= 0) {
            return Err(invalid_argument(
                "Default retention period must be a positive integer value",
            ));
        }
    }
    if find(world, call)?.versioning.as_deref() != Some("Enabled") {
        return Err(Refusal::new(
            409,
            "InvalidBucketState",
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
        ));
    }
    configure(world, call)?.lock = Some(configuration);
    Ok(Answer::empty())
}

fn without_lock() -> Refusal {
    invalid_request("Bucket is missing Object Lock Configuration")
}

/// What a write says about the lock of the new object, or the bucket's default.
pub(super) fn of_new_object(content: &mut Content, bucket: &Bucket, call: &Call) -> Result<(), Refusal> {
    let (mode, until) = (
        call.text("ObjectLockMode"),
        call.text("ObjectLockRetainUntilDate"),
    );
    let hold = call.text("ObjectLockLegalHoldStatus");
    let Some(lock) = &bucket.lock else {
        return if mode.is_some() || until.is_some() || hold.is_some() {
            Err(without_lock())
        } else {
            Ok(())
        };
    };
    content.hold = hold == Some("ON");
    content.retention = match (mode, until) {
        (Some(mode), Some(until)) => Some((mode.to_owned(), later(until, call.at)?)),
        (None, None) => given(lock, "Rule")
            .and_then(|rule| given(rule, "DefaultRetention"))
            .and_then(|retention| {
                let days = number(retention, "Days")
                    .or_else(|| number(retention, "Years").map(|years| years.saturating_mul(365)))?;
                let period = SignedDuration::from_hours(days.saturating_mul(24).min(24 * 365 * 1000));
                let until = call.at.saturating_add(period).unwrap_or(Timestamp::MAX);
                Some((text(retention, "Mode")?.to_owned(), until))
            }),
        _ => {
            return Err(invalid_argument(
                "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
            ));
        }
    };
    Ok(())
}

fn later(text: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    match text.parse::<Timestamp>() {
        Ok(at) if at > now => Ok(at),
        _ => Err(invalid_argument("The retain until date must be in the future!")),
    }
}

/// Whether a version is kept from being deleted.
pub(super) fn protects(content: &Content, bypass: bool, now: Timestamp) -> bool {
    let retained = content
        .retention
        .as_ref()
        .is_some_and(|(mode, until)| now < *until && !(bypass && mode == GOVERNANCE));
    content.hold || retained
}

fn locked<'w>(world: &'w World, call: &Call) -> Result<&'w Bucket, Refusal> {
    let bucket = find(world, call)?;
    if bucket.lock.is_none() {
        return Err(without_lock());
    }
    Ok(bucket)
}

fn nothing() -> Refusal {
    Refusal::new(
        404,
        "NoSuchObjectLockConfiguration",
        "The specified object does not have a ObjectLock configuration",
    )
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectRetention.html>
pub(super) fn get_retention(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let (_, content) = chosen(locked(world, call)?, call)?;
    let (mode, until) = content.retention.as_ref().ok_or_else(nothing)?;
    Ok(said(
        json!({"Retention": {"Mode": mode, "RetainUntilDate": until.to_string()}}),
    ))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html>: longer at any time; shorter, or to nothing,
/// only under governance and with the bypass.
pub(super) fn put_retention(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (_, content) = chosen(locked(world, call)?, call)?;
    let retention = call.input.get("Retention").cloned().unwrap_or_default();
    let wanted = match (text(&retention, "Mode"), text(&retention, "RetainUntilDate")) {
        (Some(mode), Some(until)) => Some((mode.to_owned(), later(until, call.at)?)),
        (None, None) => None,
        _ => return Err(malformed()),
    };
    let standing = content.retention.as_ref().filter(|(_, until)| call.at < *until);
    if let Some((mode, until)) = standing {
        let longer = wanted
            .as_ref()
            .is_some_and(|(new, end)| end >= until && (new == mode || mode == GOVERNANCE));
        let bypass = call.flag("BypassGovernanceRetention") && mode == GOVERNANCE;
        if !longer && !bypass {
            return Err(protected());
        }
    }
    chosen_mut(world, call)?.1.retention = wanted;
    Ok(Answer::empty())
}

pub(super) fn protected() -> Refusal {
    Refusal::new(
        403,
        "AccessDenied",
        "Access Denied because object protected by object lock.",
    )
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLegalHold.html>
pub(super) fn get_hold(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let (_, content) = chosen(locked(world, call)?, call)?;
    let status = if content.hold { "ON" } else { "OFF" };
    Ok(said(json!({"LegalHold": {"Status": status}})))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html>
pub(super) fn put_hold(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    locked(world, call)?;
    let on = call
        .input
        .get("LegalHold")
        .and_then(|hold| hold.get("Status"))
        .and_then(Value::as_str)
        == Some("ON");
    chosen_mut(world, call)?.1.hold = on;
    Ok(Answer::empty())
}
