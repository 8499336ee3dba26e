//! Customer keys by use.

use mlops_access::generate::aws::key_policy;

use super::Key;
use super::blueprint::{Draft, canonical};
use crate::component::{Kind, Management, OnDestroy};
use crate::spec::KEY_USES;

pub(super) fn add(draft: &mut Draft<'_>) {
    if !draft.spec.encryption.customer {
        return;
    }
    for (usage, key_use) in KEY_USES {
        let address = ["keys", usage];
        let encryption = &draft.spec.encryption;
        let key = Key {
            alias: draft.names.key_alias(usage),
            description: format!("{} of ML environment {}", purpose(usage), draft.spec.id.name),
            policy: canonical(&key_policy(&draft.scope, key_use)),
            rotation_days: i32::try_from(encryption.rotation_days).unwrap_or(365),
            deletion_window_days: i32::try_from(encryption.deletion_window_days).unwrap_or(30),
            tags: draft.tags(&address),
        };
        let given = encryption.given.get(usage).map(ToString::to_string);
        let wanted = draft.want(&address, Kind::AwsKey, &key);
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

fn purpose(usage: &str) -> &'static str {
    match usage {
        "cluster" => "Kubernetes secrets",
        "logs" => "Log groups",
        "secrets" => "Secrets",
        _ => "Buckets and images",
    }
}
