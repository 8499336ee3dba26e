//! Retention policies and their lock (<https://cloud.google.com/storage/docs/bucket-lock>): no object is deleted or replaced
//! before it is old enough, and a locked policy is only ever made longer.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Bucket, Object, bucket_mut, bucket_of, check_metageneration, say};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::gcp::names::moment;
use crate::world::World;

/// Greater than none, and less than a hundred years: the field's description in the discovery document.
const LONGEST: i64 = 3_155_760_000;

/// Seconds of the policy of a bucket's body.
fn period(body: &Value) -> Option<i64> {
    body.pointer("/retentionPolicy/retentionPeriod")?
        .as_str()?
        .parse()
        .ok()
}

fn locked(body: &Value) -> bool {
    body.pointer("/retentionPolicy/isLocked") == Some(&json!(true))
}

/// Judges a new body of a bucket by the one that stands, and fills in what only Cloud Storage sets.
pub(super) fn complete(standing: &Value, body: &mut Value, at: Timestamp) -> Result<(), Refusal> {
    let (before, after) = (period(standing), period(body));
    if locked(standing) && after < before {
        // <https://cloud.google.com/storage/docs/json_api/v1/buckets#retentionPolicy>: PERMISSION_DENIED; words are a guess.
        return Err(say::forbidden(match after {
            None => "A locked Retention Policy cannot be removed.",
            Some(_) => "Cannot reduce retention duration of a locked Retention Policy.",
        }));
    }
    if body.get("retentionPolicy").is_none() {
        return Ok(());
    }
    if !after.is_some_and(|seconds| (1..LONGEST).contains(&seconds)) {
        return Err(say::invalid(
            "The retention period must be between 1 second and 100 years.",
        ));
    }
    if body.pointer("/versioning/enabled") == Some(&json!(true)) {
        // <https://cloud.google.com/storage/docs/object-versioning>: one or the other; words are a guess.
        return Err(say::invalid(
            "Object Versioning cannot be enabled on a bucket that has a retention policy.",
        ));
    }
    let kept = standing.pointer("/retentionPolicy/effectiveTime");
    let since = kept
        .filter(|_| before == after)
        .cloned()
        .unwrap_or_else(|| json!(moment(at)));
    body["retentionPolicy"] =
        json!({"retentionPeriod": after.map(|seconds| seconds.to_string()), "effectiveTime": since});
    if locked(standing) {
        body["retentionPolicy"]["isLocked"] = json!(true);
    }
    Ok(())
}

/// Locks the policy of the bucket as it was read (<https://cloud.google.com/storage/docs/json_api/v1/buckets/lockRetentionPolicy>).
pub(super) fn lock(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = bucket_of(world, call)?;
    check_metageneration(call, bucket.metageneration)?;
    if period(&bucket.body).is_none() {
        return Err(say::invalid("The bucket has no retention policy to lock."));
    }
    let bucket = bucket_mut(world, call)?;
    bucket.body["retentionPolicy"]["isLocked"] = json!(true);
    bucket.metageneration += 1;
    bucket.updated = call.at;
    let bucket = bucket.clone();
    Ok(super::bucket::told(world, &bucket).into())
}

/// From when on an object can be deleted.
pub(super) fn until(bucket: &Bucket, object: &Object) -> Option<Timestamp> {
    let seconds = period(&bucket.body)?;
    let until = object.created.saturating_add(SignedDuration::from_secs(seconds));
    Some(until.unwrap_or(Timestamp::MAX))
}

/// Refuses to delete or replace what must stay.
pub(super) fn check(bucket: &Bucket, object: &Object, at: Timestamp) -> Result<(), Refusal> {
    match until(bucket, object).filter(|until| at < *until) {
        // Words of Cloud Storage's, seen in public issues (treeverse/lakeFS#1339).
        Some(until) => Err(Refusal::new(
            403,
            "PERMISSION_DENIED",
            format!(
                "Object '{}/{}' is subject to bucket's retention policy and cannot be deleted, overwritten or archived until {}",
                bucket.name,
                object.name,
                moment(until)
            ),
        )
        .with("reason", "retentionPolicyNotMet")),
        None => Ok(()),
    }
}
