//! The bucket that holds the states, and its key.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Worker;
use super::Draft;
use super::workers::address;
use crate::component::{Address, Kind, OnDestroy};
use crate::gcp::{Bucket, Condition, Grant, Key, KeyRing, LifecycleRule, ServiceAgent};
use crate::reference;
use crate::spec::{TextError, Tier};

const RING: [&str; 2] = ["state", "key_ring"];
const KEY: [&str; 2] = ["state", "key"];
const BUCKET: [&str; 2] = ["state", "bucket"];

/// A state that was deleted or replaced can be brought back for so long, whoever did it.
/// <https://cloud.google.com/storage/docs/soft-delete>
const SOFT_DELETE_DAYS: i64 = 30;

pub(super) const VIEWER: &str = "roles/storage.objectViewer";
pub(super) const USER: &str = "roles/storage.objectUser";

pub(super) fn add(draft: &mut Draft<'_>) -> Result<(), TextError> {
    add_key(draft);
    let name = draft.names.bucket();
    let mut folders = BTreeMap::new();
    let mut grants = BTreeSet::new();
    let mut accounts = Vec::new();
    for tier in draft.spec.tiers.clone() {
        let environment = draft.spec.environment(tier)?;
        let environment = environment.name.as_str();
        folders.insert(format!("{environment}/"), on_folder(draft, tier));
        grants.insert(lock(draft, tier, &name, environment));
        grants.insert(first(draft, tier, &name, environment));
        accounts.extend(Worker::ALL.map(|worker| address(worker, tier)));
    }
    let bucket = Bucket {
        name: name.clone(),
        project: draft.place.project.to_string(),
        location: draft.place.region.to_string(),
        uniform_access: true,
        public_access_prevention: "enforced".to_owned(),
        versioning: true,
        kms_key: Some(reference::to(&Address::new(&KEY), "name")),
        lifecycle: BTreeSet::from([
            LifecycleRule::ExpireReplaced {
                days: draft.spec.retention_days.into(),
            },
            LifecycleRule::AbortUploads { days: 7 },
        ]),
        soft_delete_days: SOFT_DELETE_DAYS,
        retention_lock: None,
        grants,
        folders,
        family: draft.names.family(),
        tags: draft.tags(&BUCKET),
    };
    let mut wanted = draft
        .want(&BUCKET, Kind::GcpBucket, &bucket)
        .id(name.clone())
        .output("name", name)
        .on_destroy(OnDestroy::Retain);
    for account in accounts {
        wanted = wanted.after(&account);
    }
    Ok(())
}

fn add_key(draft: &mut Draft<'_>) {
    let name = draft.names.key_ring();
    let ring = KeyRing {
        name: name.clone(),
        owner: draft.spec.id(),
    };
    draft
        .want(&RING, Kind::GcpKeyRing, &ring)
        .id(name.clone())
        .output("name", name)
        .on_destroy(OnDestroy::Retain);
    let name = draft.names.key();
    let key = Key {
        name: name.clone(),
        rotation_days: 90,
        agents: BTreeSet::from([ServiceAgent::Storage]),
        grants: BTreeSet::new(),
        family: draft.names.family(),
        tags: draft.tags(&KEY),
    };
    draft
        .want(&KEY, Kind::GcpKey, &key)
        .id(name.clone())
        .output("name", name)
        .after(&RING)
        .on_destroy(OnDestroy::Retain);
}

/// One prefix for an environment: its planner reads what is below, its provisioner writes it.
fn on_folder(draft: &Draft<'_>, tier: Tier) -> BTreeSet<Grant> {
    let grant = |worker: Worker, role: &str| Grant {
        role: role.to_owned(),
        member: format!("serviceAccount:{}", draft.names.email(worker, tier)),
        condition: None,
    };
    BTreeSet::from([grant(Worker::Planner, VIEWER), grant(Worker::Provisioner, USER)])
}

/// The lock is an object beside the state that is written and deleted by whoever plans:
/// <https://developer.hashicorp.com/terraform/language/backend/gcs>.
fn lock(draft: &Draft<'_>, tier: Tier, bucket: &str, environment: &str) -> Grant {
    Grant {
        role: USER.to_owned(),
        member: format!("serviceAccount:{}", draft.names.email(Worker::Planner, tier)),
        condition: Some(Condition {
            title: format!("locks of {environment}"),
            expression: format!(
                "resource.name.startsWith(\"projects/_/buckets/{bucket}/objects/{environment}/\") && \
                 resource.name.endsWith(\".tflock\")"
            ),
        }),
    }
}

/// The backend writes an empty state where there is none yet, whoever asks first. To create is not to replace: that takes the
/// right to delete, which a planner does not have here.
/// <https://cloud.google.com/storage/docs/access-control/iam-permissions#object_permissions>
fn first(draft: &Draft<'_>, tier: Tier, bucket: &str, environment: &str) -> Grant {
    Grant {
        role: "roles/storage.objectCreator".to_owned(),
        member: format!("serviceAccount:{}", draft.names.email(Worker::Planner, tier)),
        condition: Some(Condition {
            title: format!("first state of {environment}"),
            expression: format!(
                "resource.name == \"projects/_/buckets/{bucket}/objects/{environment}/default.tfstate\""
            ),
        }),
    }
}
