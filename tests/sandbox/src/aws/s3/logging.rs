//! Server access logging: where to.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html>

use mlops_access::aws::{Caller, Policies, Policy, Request, evaluate};
use serde_json::{Value, json};

use super::{Bucket, acl, arn, configure, find};
use crate::answer::{Answer, Refusal};
use crate::aws::input::{given, items, text};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Who delivers.
const SERVICE: &str = "logging.s3.amazonaws.com";

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLogging.html>: nothing where it is off.
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    Ok(said(json!({"LoggingEnabled": find(world, call)?.logging})))
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(400, "InvalidTargetBucketForLogging", message)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html>
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let source = find(world, call)?;
    let enabled = call
        .input
        .get("BucketLoggingStatus")
        .and_then(|status| given(status, "LoggingEnabled"))
        .cloned();
    if let Some(enabled) = &enabled {
        check(world, source, enabled)?;
    }
    configure(world, call)?.logging = enabled;
    Ok(Answer::empty())
}

/// Refuses a target that logs could not be delivered to.
fn check(world: &World, source: &Bucket, enabled: &Value) -> Result<(), Refusal> {
    let name = text(enabled, "TargetBucket").unwrap_or_default();
    let prefix = text(enabled, "TargetPrefix").unwrap_or_default();
    let Some(target) = world.aws.s3.buckets.get(name) else {
        return Err(invalid("The target bucket for logging does not exist"));
    };
    if target.account != source.account {
        return Err(invalid(
            "The owner for the bucket to be logged and the target bucket must be the same.",
        ));
    }
    if target.region != source.region {
        return Err(invalid(
            "The target bucket for logging must be in the same region as the bucket being logged",
        ));
    }
    if target.ownership.as_deref() == Some(acl::ENFORCED) && !items(enabled, "TargetGrants").is_empty() {
        // The API page: grants are not taken where lists are off. The code is a guess.
        return Err(invalid(
            "You cannot use TargetGrants when the target bucket has ACLs disabled",
        ));
    }
    if !delivers(target, source, prefix) {
        return Err(invalid(
            "You must either provide the necessary permissions to the logging service using a bucket policy or give the log-delivery group WRITE and READ_ACP permissions to the target bucket",
        ));
    }
    Ok(())
}

/// Whether logs of `source` may be written into `target`: by the target's policy, or by the list of old.
pub(super) fn delivers(target: &Bucket, source: &Bucket, prefix: &str) -> bool {
    if target.acl == "log-delivery-write" {
        return true;
    }
    let Some(policy) = target.policy.as_ref().and_then(|text| Policy::parse(text).ok()) else {
        return false;
    };
    let object = format!(
        "{}/{prefix}2026-01-01-00-00-00-0000000000000000",
        arn(&target.region, &target.name)
    );
    let request = Request::new(Caller::Service(SERVICE.to_owned()), "s3:PutObject", &object)
        .owned_by(&target.account)
        .with("aws:SourceArn", arn(&source.region, &source.name))
        .with("aws:SourceAccount", &source.account)
        .with("aws:SecureTransport", "true");
    evaluate(&request, &Policies::resource(&policy)).is_allowed()
}
