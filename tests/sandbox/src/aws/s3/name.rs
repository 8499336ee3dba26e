//! Names of buckets.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>

use crate::answer::Refusal;
use crate::call::Call;

const PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// Whether buckets may have this name.
pub(super) fn is_valid(name: &str) -> bool {
    let edge =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
        && edge(bytes.first())
        && edge(bytes.last())
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        && !SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
}

/// Refuses a name that the caller cannot make a bucket with.
///
/// Names in an account's own namespace end with account, region and `-an`, and need the namespace in the call:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html>. The codes for a missing or wrong
/// namespace are a guess.
pub(super) fn check(call: &Call) -> Result<(), Refusal> {
    let name = call.required("Bucket");
    let invalid = || {
        Err(
            Refusal::new(400, "InvalidBucketName", "The specified bucket is not valid.")
                .with("BucketName", name),
        )
    };
    if !is_valid(name) {
        return invalid();
    }
    let own = format!("-{}-{}-an", call.account, call.region);
    match call.text("BucketNamespace") {
        Some("account-regional") if name.ends_with(&own) && name.len() > own.len() => Ok(()),
        Some("account-regional") => invalid(),
        _ if is_of_an_account(name) => invalid(),
        _ => Ok(()),
    }
}

/// Whether a name belongs into the namespace of some account: `…-<12 digits>-<region>-an`.
fn is_of_an_account(name: &str) -> bool {
    let Some(rest) = name.strip_suffix("-an") else {
        return false;
    };
    let parts: Vec<&str> = rest.split('-').collect();
    let is_account = |part: &str| part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    // Regions have three or four parts, the last a number.
    [3, 4].iter().any(|length| {
        parts.len() > length + 1
            && is_account(parts[parts.len() - length - 1])
            && parts.last().is_some_and(|part| is_number(part))
    })
}
