//! The six buckets.

use std::collections::BTreeSet;

use mlops_access::gcp::Resource;
use mlops_access::generate::aws::Bucket as Use;

use super::blueprint::Draft;
use super::scope::bucket_name;
use super::{Bucket, LifecycleRule};
use crate::component::{Kind, OnDestroy};
use crate::spec::{BucketOnDestroy, BucketSpec};

/// What expires in the logs bucket: the claim beside it must not. Whoever has access logs delivered puts them there.
const ACCESS_LOGS: &str = "access-logs/";

/// Deleted objects can be brought back for so long: what the cloud does by itself.
/// <https://cloud.google.com/storage/docs/soft-delete>
const SOFT_DELETE_DAYS: i64 = 7;

pub(super) fn add(draft: &mut Draft<'_>) {
    for (usage, spec) in &draft.spec.buckets {
        add_bucket(draft, *usage, spec);
    }
}

fn add_bucket(draft: &mut Draft<'_>, usage: Use, spec: &BucketSpec) {
    let address = ["buckets", usage.as_str()];
    let name = bucket_name(draft.spec, &draft.names, usage);
    let logs = usage == Use::Logs;
    let grants = draft.granted.on(&Resource::Bucket(name.clone()));
    let folders = draft.granted.folders(&name);
    let accounts = draft.accounts_of(folders.values().flatten().chain(&grants));
    let bucket = Bucket {
        name: name.clone(),
        project: draft.spec.id.account().to_owned(),
        location: draft.spec.id.region().to_owned(),
        uniform_access: true,
        public_access_prevention: "enforced".to_owned(),
        versioning: spec.versioning,
        // The claim is there before any key.
        kms_key: if logs { None } else { draft.key("storage") },
        lifecycle: lifecycle(spec, logs),
        soft_delete_days: SOFT_DELETE_DAYS,
        retention_lock: spec.locked_days().map(Into::into),
        grants,
        folders,
        family: draft.names.family(),
        tags: draft.tags(&address),
    };
    let on_destroy = match spec.on_destroy {
        BucketOnDestroy::Refuse => OnDestroy::Refuse,
        BucketOnDestroy::Purge => OnDestroy::Purge,
        BucketOnDestroy::Retain => OnDestroy::Retain,
    };
    draft
        .want(&address, Kind::GcpBucket, &bucket)
        .id(name.clone())
        .output("name", name)
        .after_all(&accounts)
        .on_destroy(on_destroy);
}

fn lifecycle(spec: &BucketSpec, logs: bool) -> BTreeSet<LifecycleRule> {
    let prefix = || if logs { ACCESS_LOGS } else { "" }.to_owned();
    let expire = spec.retention_days.map(|days| LifecycleRule::Expire {
        days: days.into(),
        prefix: prefix(),
    });
    let transition = spec.transition_days.map(|days| LifecycleRule::Transition {
        days: days.into(),
        prefix: prefix(),
    });
    let always = [
        LifecycleRule::ExpireReplaced {
            days: spec.noncurrent_days.into(),
        },
        LifecycleRule::AbortUploads { days: 7 },
    ];
    always.into_iter().chain(expire).chain(transition).collect()
}
