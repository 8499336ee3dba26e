//! Lifecycle configurations: checked and kept; nothing expires here by itself.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{configure, find, invalid_argument, invalid_request, malformed};
use crate::answer::{Answer, Refusal};
use crate::aws::input::{flag, given, items, number, text};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Rules at most: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html>
const MOST: usize = 1000;
/// Days before objects may go to the classes for seldom access:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html>
const BEFORE_INFREQUENT: i64 = 30;

/// A configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// Its rules as S3 reports them.
    pub rules: Vec<Value>,
    /// `all_storage_classes_128K` or `varies_by_storage_class`.
    pub minimum_size: String,
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html>
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let seen = match &bucket.lifecycle_before {
        Some((until, before)) if call.at < *until => before,
        _ => &bucket.lifecycle,
    };
    let lifecycle = seen.as_ref().ok_or_else(|| {
        Refusal::new(
            404,
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist",
        )
        .with("BucketName", bucket.name.as_str())
    })?;
    Ok(said(json!({
        "Rules": lifecycle.rules,
        "TransitionDefaultMinimumObjectSize": lifecycle.minimum_size,
    })))
}

/// Writes it. For `s3.lifecycle.spread` (no time by default) what stood before is still read:
/// hashicorp/terraform-provider-aws issues 40316 and 41199.
fn replace(world: &mut World, call: &Call, lifecycle: Option<Lifecycle>) -> Result<(), Refusal> {
    let lasts = world.behaviour.duration("s3.lifecycle.spread", 0.0);
    let bucket = configure(world, call)?;
    let before = std::mem::replace(&mut bucket.lifecycle, lifecycle);
    bucket.lifecycle_before =
        (!lasts.is_zero()).then(|| (call.at.saturating_add(lasts).unwrap_or(Timestamp::MAX), before));
    Ok(())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html>
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    find(world, call)?;
    let configuration = call
        .input
        .get("LifecycleConfiguration")
        .cloned()
        .unwrap_or_default();
    let rules = items(&configuration, "Rules");
    if rules.is_empty() || rules.len() > MOST {
        return Err(malformed());
    }
    let mut ids = BTreeSet::new();
    let mut kept = Vec::new();
    for rule in rules {
        check(rule)?;
        let mut rule = rule.clone();
        // A rule without a name gets one.
        if text(&rule, "ID").is_none_or(str::is_empty) {
            rule["ID"] = json!(world.random.uuid());
        }
        let id = text(&rule, "ID").unwrap_or_default().to_owned();
        if id.len() > 255 {
            return Err(invalid_argument(
                "ID length should not exceed allowed limit of 255",
            ));
        }
        if !ids.insert(id) {
            return Err(invalid_argument(
                "Rule ID must be unique. Found same ID for more than one rule",
            ));
        }
        kept.push(rule);
    }
    let minimum_size = call
        .text("TransitionDefaultMinimumObjectSize")
        .unwrap_or("all_storage_classes_128K")
        .to_owned();
    let lifecycle = Lifecycle {
        rules: kept,
        minimum_size: minimum_size.clone(),
    };
    replace(world, call, Some(lifecycle))?;
    Ok(said(json!({"TransitionDefaultMinimumObjectSize": minimum_size})))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketLifecycle.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    replace(world, call, None)?;
    Ok(Answer::empty())
}

/// Refuses a rule that S3 would not keep. The rules are those of "Lifecycle configuration elements" in the user guide.
fn check(rule: &Value) -> Result<(), Refusal> {
    if !matches!(text(rule, "Status"), Some("Enabled" | "Disabled")) {
        return Err(malformed());
    }
    if given(rule, "Filter").is_some() == given(rule, "Prefix").is_some() {
        return Err(malformed());
    }
    let by_tags = check_filter(rule)?;
    let expiration = given(rule, "Expiration");
    let of_old = given(rule, "NoncurrentVersionExpiration");
    let abort = given(rule, "AbortIncompleteMultipartUpload");
    let (moves, old_moves) = (
        items(rule, "Transitions"),
        items(rule, "NoncurrentVersionTransitions"),
    );
    if expiration.is_none() && of_old.is_none() && abort.is_none() && moves.is_empty() && old_moves.is_empty()
    {
        return Err(invalid_request(
            "At least one action needs to be specified in a rule",
        ));
    }
    if let Some(expiration) = expiration {
        check_expiration(expiration, by_tags)?;
    }
    if let Some(abort) = abort {
        if by_tags {
            return Err(invalid_request(
                "AbortIncompleteMultipartUpload cannot be specified with Tags.",
            ));
        }
        positive(abort, "DaysAfterInitiation", "AbortIncompleteMultipartUpload")?;
    }
    if let Some(of_old) = of_old {
        positive(of_old, "NoncurrentDays", "NoncurrentVersionExpiration")?;
        if number(of_old, "NewerNoncurrentVersions").is_some_and(|count| !(1..=100).contains(&count)) {
            return Err(invalid_argument(
                "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be between 1 and 100",
            ));
        }
    }
    check_moves(moves, "Days", expiration, "Transition")?;
    check_moves(old_moves, "NoncurrentDays", of_old, "NoncurrentVersionTransition")
}

/// Exactly one thing in a filter; several go under `And`. Whether it is by tags.
fn check_filter(rule: &Value) -> Result<bool, Refusal> {
    let Some(filter) = given(rule, "Filter") else {
        return Ok(false);
    };
    let named = [
        "Prefix",
        "Tag",
        "And",
        "ObjectSizeGreaterThan",
        "ObjectSizeLessThan",
    ]
    .iter()
    .filter(|member| given(filter, member).is_some())
    .count();
    if named > 1 {
        return Err(malformed());
    }
    let and = given(filter, "And");
    Ok(given(filter, "Tag").is_some() || and.is_some_and(|and| !items(and, "Tags").is_empty()))
}

fn check_expiration(expiration: &Value, by_tags: bool) -> Result<(), Refusal> {
    let marker = flag(expiration, "ExpiredObjectDeleteMarker");
    let (days, date) = (number(expiration, "Days"), text(expiration, "Date"));
    match (days, date, marker) {
        (Some(_), None, None) => positive(expiration, "Days", "Expiration"),
        (None, Some(date), None) => at_midnight(date),
        (None, None, Some(_)) if by_tags => Err(invalid_request(
            "ExpiredObjectDeleteMarker cannot be specified with Tags.",
        )),
        (None, None, Some(_)) => Ok(()),
        _ => Err(malformed()),
    }
}

fn positive(action: &Value, member: &str, name: &str) -> Result<(), Refusal> {
    match number(action, member) {
        Some(days) if days > 0 => Ok(()),
        _ => Err(invalid_argument(format!(
            "'{member}' for {name} action must be a positive integer"
        ))),
    }
}

fn at_midnight(date: &str) -> Result<(), Refusal> {
    match date.parse::<Timestamp>() {
        Ok(at) if at.as_second() % 86_400 == 0 && at.subsec_nanosecond() == 0 => Ok(()),
        _ => Err(invalid_argument("'Date' must be at midnight GMT")),
    }
}

/// Moves to other storage classes: late enough, each class once, and before what expires.
fn check_moves(moves: &[Value], member: &str, end: Option<&Value>, name: &str) -> Result<(), Refusal> {
    let mut classes = BTreeSet::new();
    for one in moves {
        let class = text(one, "StorageClass").ok_or_else(malformed)?;
        if !classes.insert(class) {
            return Err(invalid_request(format!(
                "'StorageClass' must be different for '{name}' actions in same 'Rule'"
            )));
        }
        let (days, date) = (number(one, member), text(one, "Date"));
        match (days, date) {
            (None, Some(date)) if member == "Days" => at_midnight(date)?,
            (Some(days), None) => {
                if days < 0 {
                    return Err(invalid_argument(format!(
                        "'{member}' in {name} action must be nonnegative"
                    )));
                }
                if matches!(class, "STANDARD_IA" | "ONEZONE_IA") && days < BEFORE_INFREQUENT {
                    return Err(invalid_argument(format!(
                        "'{member}' in {name} action must be greater than or equal to 30 for storageClass '{class}'"
                    )));
                }
                let end = end.and_then(|end| number(end, member));
                if end.is_some_and(|end| end <= days) {
                    return Err(invalid_argument(format!(
                        "'{member}' in the Expiration action must be greater than '{member}' in the {name} action"
                    )));
                }
            }
            _ => return Err(malformed()),
        }
    }
    Ok(())
}
