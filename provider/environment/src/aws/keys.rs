//! Customer keys by use.

use mlops_access::generate::aws::key_policy;

use super::Key;
use super::blueprint::{Draft, canonical};
use crate::component::{Address, Kind, Management, OnDestroy};
use crate::spec::{Bucket, BucketOnDestroy, Spec};

pub(super) fn add(draft: &mut Draft<'_>) {
    if !draft.spec.encryption.customer {
        return;
    }
    for (usage, key_use) in draft.spec.key_uses() {
        let address = ["keys", usage];
        let encryption = &draft.spec.encryption;
        let key = Key {
            alias: draft.names.key_alias(usage),
            description: format!("{} of ML environment {}", purpose(usage), draft.spec.id.name),
            policy: canonical(&key_policy(&draft.scope, key_use)),
            rotation_days: i32::try_from(encryption.rotation_days).unwrap_or(365),
            deletion_window_days: i32::try_from(encryption.deletion_window_days.unwrap_or(30)).unwrap_or(30),
            tags: draft.tags(&address),
        };
        let outlives = usage == "storage" && some_bucket_stays(draft.spec);
        let given = encryption.given.get(usage).map(ToString::to_string);
        let wanted = draft.want(&address, Kind::AwsKey, &key);
        let wanted = if outlives {
            wanted.on_destroy(OnDestroy::Retain)
        } else {
            wanted
        };
        if let Some(arn) = given {
            let id = arn.rsplit('/').next().unwrap_or(&arn).to_owned();
            let wanted = wanted
                .id(arn.clone())
                .managed(Management::Existing)
                .on_destroy(OnDestroy::Retain);
            let wanted = wanted.output("arn", arn.clone());
            if id != arn {
                wanted.output("id", id);
            }
        }
    }
}

/// A bucket that outlives the environment must not lose the key of its objects.
fn some_bucket_stays(spec: &Spec) -> bool {
    spec.buckets
        .iter()
        .filter(|(usage, _)| **usage != Bucket::Logs)
        .any(|(usage, bucket)| {
            let adopted = spec
                .adopt
                .contains_key(&Address::new(&["buckets", usage.as_str()]));
            bucket.existing.is_none() && (adopted || bucket.on_destroy == BucketOnDestroy::Retain)
        })
}

fn purpose(usage: &str) -> &'static str {
    match usage {
        "cluster" => "Kubernetes secrets",
        "logs" => "Log groups",
        "secrets" => "Secrets",
        _ => "Buckets and images",
    }
}
