//! The six buckets.

use std::collections::BTreeMap;

use mlops_access::generate::aws::{Bucket as Use, bucket_policy};

use super::blueprint::{Draft, canonical};
use super::scope::bucket_name;
use super::{AccessLogging, Bucket, LifecycleRule};
use crate::blueprint::LOGS;
use crate::component::{Kind, Management, OnDestroy};
use crate::spec::{BucketOnDestroy, BucketSpec};

/// Where S3 delivers access logs, in the logs bucket.
const ACCESS_LOGS: &str = "access-logs/";

pub(super) fn add(draft: &mut Draft<'_>) {
    for (usage, spec) in &draft.spec.buckets {
        add_bucket(draft, *usage, spec);
    }
}

fn add_bucket(draft: &mut Draft<'_>, usage: Use, spec: &BucketSpec) {
    let address = ["buckets", usage.as_str()];
    let name = bucket_name(draft.spec, &draft.names, usage);
    let logs = usage == Use::Logs;
    // S3 delivers access logs only into buckets without a customer key.
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    let key = if logs { None } else { draft.key("storage") };
    let logging = (!logs).then(|| AccessLogging {
        bucket: bucket_name(draft.spec, &draft.names, Use::Logs),
        prefix: format!("{ACCESS_LOGS}{usage}/"),
    });
    let bucket = Bucket {
        name: name.clone(),
        region: draft.spec.id.region().to_owned(),
        block_public_access: true,
        ownership: "BucketOwnerEnforced".to_owned(),
        versioning: spec.versioning,
        encryption: key.unwrap_or_else(|| "AES256".to_owned()),
        policy: canonical(&bucket_policy(&draft.scope, usage)),
        lifecycle: lifecycle(spec, logs),
        logging,
        retention_lock: spec.locked_days().and_then(|days| i32::try_from(days).ok()),
        tags: draft.tags(&address),
    };
    let on_destroy = match spec.on_destroy {
        BucketOnDestroy::Refuse => OnDestroy::Refuse,
        BucketOnDestroy::Purge => OnDestroy::Purge,
        BucketOnDestroy::Retain => OnDestroy::Retain,
    };
    let existing = spec.existing.is_some();
    let arn = draft.names.bucket_arn(&name);
    draft
        .want(&address, Kind::AwsBucket, &bucket)
        .id(name.clone())
        .output("arn", arn)
        .output("name", name)
        .managed(if existing {
            Management::Existing
        } else {
            Management::Create
        })
        .on_destroy(on_destroy);
    debug_assert_eq!(LOGS, ["buckets", Use::Logs.as_str()]);
}

/// One rule for what lives, one for what was replaced. In the logs bucket only access logs expire: the claim must not.
fn lifecycle(spec: &BucketSpec, logs: bool) -> BTreeMap<String, LifecycleRule> {
    let mut rules = BTreeMap::new();
    let days = |days: u32| i32::try_from(days).ok();
    if spec.retention_days.is_some() || spec.transition_days.is_some() {
        rules.insert(
            "retention".to_owned(),
            LifecycleRule {
                prefix: if logs {
                    ACCESS_LOGS.to_owned()
                } else {
                    String::new()
                },
                expire_days: spec.retention_days.and_then(days),
                noncurrent_days: None,
                abort_upload_days: None,
                transition_days: spec.transition_days.and_then(days),
            },
        );
    }
    rules.insert(
        "leftovers".to_owned(),
        LifecycleRule {
            prefix: String::new(),
            expire_days: None,
            noncurrent_days: days(spec.noncurrent_days),
            abort_upload_days: Some(7),
            transition_days: None,
        },
    );
    rules
}
