//! Conditions on requests: `If-Match` and its kin.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html>

use jiff::Timestamp;
use serde_json::Value;

use super::Bucket;
use super::object::{Version, no_such_key};
use crate::answer::Refusal;
use crate::call::Call;

pub(super) fn failed(condition: &str) -> Refusal {
    Refusal::new(
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
    )
    .with("Condition", condition)
}

/// Whether a header's value names an ETag; quotes do not matter.
fn names(value: &str, etag: &str) -> bool {
    value
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.trim_matches('"') == etag.trim_matches('"'))
}

/// The current version of a key, unless it is a delete marker.
fn current<'b>(bucket: &'b Bucket, key: &str) -> Option<&'b Version> {
    let newest = bucket.keys.get(key)?.first()?;
    newest.content.is_some().then_some(newest)
}

/// Whether something may be written.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>: `If-None-Match` takes `*` only;
/// `If-Match` on a key that is not there is 404.
pub(super) fn write(bucket: &Bucket, call: &Call) -> Result<(), Refusal> {
    let key = call.required("Key");
    let current = current(bucket, key);
    match call.text("IfNoneMatch") {
        Some("*") if current.is_some() => return Err(failed("If-None-Match")),
        Some("*") | None => {}
        Some(_) => {
            return Err(Refusal::new(
                501,
                "NotImplemented",
                "A header you provided implies functionality that is not implemented",
            )
            .with("Header", "If-None-Match"));
        }
    }
    if let Some(wanted) = call.text("IfMatch") {
        let found = current.and_then(|version| version.content.as_ref());
        match found {
            None => return Err(no_such_key(key)),
            Some(content) if !names(wanted, &content.etag) => return Err(failed("If-Match")),
            Some(_) => {}
        }
    }
    Ok(())
}

/// Whether a key may be deleted.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html>: of the current version; another ETag is
/// 412. That a key that is not there is 404 and one under a delete marker 412 is a guess.
pub(super) fn delete(bucket: &Bucket, key: &str, wanted: Option<&str>) -> Result<(), Refusal> {
    let Some(wanted) = wanted else {
        return Ok(());
    };
    match bucket.keys.get(key).and_then(|versions| versions.first()) {
        None => Err(no_such_key(key)),
        Some(newest) => match &newest.content {
            Some(content) if names(wanted, &content.etag) => Ok(()),
            _ => Err(failed("If-Match")),
        },
    }
}

/// The names of the four headers of a read, or of the source of a copy.
pub(super) const OF_READ: [&str; 4] = ["IfMatch", "IfUnmodifiedSince", "IfNoneMatch", "IfModifiedSince"];
/// The same for a copy.
pub(super) const OF_COPY: [&str; 4] = [
    "CopySourceIfMatch",
    "CopySourceIfUnmodifiedSince",
    "CopySourceIfNoneMatch",
    "CopySourceIfModifiedSince",
];

/// Whether something may be read: 412, or 304 for what the reader knows already (of a copy, 412 as well).
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-reads.html>: an ETag beats a date.
pub(super) fn read(etag: &str, modified: Timestamp, call: &Call, headers: [&str; 4]) -> Result<(), Refusal> {
    let [matches, unmodified, none, since] = headers;
    let date = |name: &str| {
        call.input
            .get(name)
            .and_then(Value::as_str)
            .and_then(|text| text.parse::<Timestamp>().ok())
            .map(Timestamp::as_second)
    };
    let modified = modified.as_second();
    match call.text(matches) {
        Some(value) if !names(value, etag) => return Err(failed("If-Match")),
        Some(_) => {}
        None if date(unmodified).is_some_and(|date| modified > date) => {
            return Err(failed("If-Unmodified-Since"));
        }
        None => {}
    }
    let known = match call.text(none) {
        Some(value) => names(value, etag),
        None => date(since).is_some_and(|date| modified <= date),
    };
    if known && headers == OF_COPY {
        return Err(failed("x-amz-copy-source-If-None-Match"));
    }
    if known {
        return Err(Refusal::new(304, "NotModified", "Not Modified"));
    }
    Ok(())
}
