//! A Cloud Storage bucket with its managed folders. All settings are made in one call, because a bucket takes one change of
//! its settings a second.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use futures::future::try_join_all;
use futures::try_join;
use google_cloud_iam_v1::model::Policy;
use google_cloud_storage::model::Bucket as Found;
use google_cloud_storage::model::bucket::iam_config::UniformBucketLevelAccess;
use google_cloud_storage::model::bucket::{
    Encryption, IamConfig, RetentionPolicy, SoftDeletePolicy, Versioning,
};
use google_cloud_wkt::{Duration, FieldMask};
use mlops_environment::component::{Component, Management, Observation, OnDestroy, Owner, Present};
use mlops_environment::driver::{Failure, Monitor, Reason};
use mlops_environment::gcp::{Bucket, Grant};

use crate::cluster::Quiet;
use crate::driver::Gcp;
use crate::failure::{Outcome, failure, gone, optional};
use crate::folders::Folders;
use crate::name::{as_wanted, short};
use crate::object::{Changes, Object, Wanted, outputs, ready, standing};
use crate::policy::{self, Delta, modify_policy, read_policy};
use crate::retry::Created;
use crate::wait::{SPREADING, patiently};
use crate::{lifecycle, mark, purge};

const GET: &str = "storage:GetBucket";
const CREATE: &str = "storage:CreateBucket";
const UPDATE: &str = "storage:UpdateBucket";
const DELETE: &str = "storage:DeleteBucket";
const LOCK: &str = "storage:LockBucketRetentionPolicy";
const DAY: i64 = 86_400;

/// What Cloud Storage keeps for a bucket's whole life.
const FIXED: [&str; 3] = ["name", "project", "location"];
/// Lost races before giving up.
const TRIES: usize = 5;

/// Storage does not see a grant on the key that was made moments ago.
fn key_unseen(failure: &Failure) -> bool {
    matches!(failure.reason, Reason::Denied | Reason::Invalid) && failure.message.contains("Cloud KMS key")
}

/// Says what a refusal means for a name that all of Google Cloud shares.
fn explained(failure: Failure, name: &str) -> Failure {
    if failure.reason != Reason::Denied {
        return failure;
    }
    Failure {
        message: format!(
            "bucket {name}: {} Bucket names are shared by everybody: if this one is not yours, choose another name for the \
             environment",
            failure.message
        ),
        ..failure
    }
}

fn days_of(policy: &RetentionPolicy) -> Option<i64> {
    Some(policy.retention_duration?.seconds() / DAY)
}

/// Whether a bucket is of another project than that of this number.
fn elsewhere(bucket: &Found, number: &str) -> bool {
    let theirs = short(&bucket.project);
    !theirs.is_empty() && theirs != number
}

impl Wanted<Bucket> {
    fn resource(&self) -> String {
        format!("projects/_/buckets/{}", self.name)
    }

    fn folders_of(&self) -> Folders<'_> {
        Folders {
            bucket: self.resource(),
            name: &self.name,
            family: &self.family,
        }
    }

    fn access(&self) -> IamConfig {
        IamConfig::new()
            .set_uniform_bucket_level_access(UniformBucketLevelAccess::new().set_enabled(self.uniform_access))
            .set_public_access_prevention(&self.public_access_prevention)
    }

    fn soft_delete(&self) -> SoftDeletePolicy {
        SoftDeletePolicy::new().set_retention_duration(Duration::clamp(self.soft_delete_days * DAY, 0))
    }

    fn encryption(&self) -> Option<Encryption> {
        self.kms_key
            .as_ref()
            .map(|key| Encryption::new().set_default_kms_key(key))
    }

    fn wanted(&self) -> Found {
        Found::new()
            .set_project(format!("projects/{}", self.project))
            .set_location(self.location.to_uppercase())
            .set_storage_class("STANDARD")
            .set_iam_config(self.access())
            .set_versioning(Versioning::new().set_enabled(self.versioning))
            .set_or_clear_encryption(self.encryption())
            .set_lifecycle(lifecycle::api(&self.lifecycle))
            .set_soft_delete_policy(self.soft_delete())
            .set_labels(self.tags.clone())
    }

    async fn get(&self, gcp: &Gcp) -> Outcome<Found> {
        let resource = &self.resource();
        gcp.clients
            .call(GET, || gcp.clients.storage.get_bucket().set_name(resource).send())
            .await
    }

    async fn patch(&self, gcp: &Gcp, bucket: Found, paths: &[&str], monitor: &dyn Monitor) -> Outcome<()> {
        let bucket = bucket.set_name(self.resource());
        let subject = format!("bucket {}", self.name);
        patiently(&subject, SPREADING, monitor, key_unseen, || {
            gcp.clients.call(UPDATE, || {
                gcp.clients
                    .storage
                    .update_bucket()
                    .set_bucket(bucket.clone())
                    .set_update_mask(FieldMask::default().set_paths(paths.iter().copied()))
                    .send()
            })
        })
        .await
        .map(drop)
    }

    /// Writes labels over those that were read, again if others changed the bucket in between.
    async fn patch_labels(
        &self,
        gcp: &Gcp,
        change: impl Fn(&std::collections::HashMap<String, String>) -> std::collections::HashMap<String, String>,
    ) -> Outcome<()> {
        let mut tries = 0;
        loop {
            let found = self.get(gcp).await?;
            let bucket = Found::new()
                .set_name(self.resource())
                .set_labels(change(&found.labels));
            let written = gcp
                .clients
                .call(UPDATE, || {
                    gcp.clients
                        .storage
                        .update_bucket()
                        .set_bucket(bucket.clone())
                        .set_if_metageneration_match(found.metageneration)
                        .set_update_mask(FieldMask::default().set_paths(["labels"]))
                        .send()
                })
                .await;
            tries += 1;
            match written {
                Err(failure) if failure.reason == Reason::Conflict && tries < TRIES => {}
                other => return other.map(drop),
            }
        }
    }

    /// Sets the retention policy and locks it. What cannot be taken back is only done to a bucket that is as it was read: by
    /// its metageneration, with the very days that are wanted.
    async fn lock(&self, gcp: &Gcp) -> Outcome<()> {
        let Some(days) = self.retention_lock else {
            return Ok(());
        };
        let resource = &self.resource();
        let mut found = self.get(gcp).await?;
        for _ in 0..TRIES {
            let standing = found.retention_policy.as_ref();
            let locked = standing.is_some_and(|policy| policy.is_locked);
            let written = if standing.and_then(days_of) != Some(days) {
                let policy = RetentionPolicy::new()
                    .set_retention_duration(Duration::clamp(days * DAY, 0))
                    .set_is_locked(locked);
                let bucket = Found::new().set_name(resource).set_retention_policy(policy);
                gcp.clients
                    .call(UPDATE, || {
                        gcp.clients
                            .storage
                            .update_bucket()
                            .set_bucket(bucket.clone())
                            .set_if_metageneration_match(found.metageneration)
                            .set_update_mask(FieldMask::default().set_paths(["retention_policy"]))
                            .send()
                    })
                    .await
            } else if locked {
                return Ok(());
            } else {
                gcp.clients
                    .call(LOCK, || {
                        gcp.clients
                            .storage
                            .lock_bucket_retention_policy()
                            .set_bucket(resource)
                            .set_if_metageneration_match(found.metageneration)
                            .send()
                    })
                    .await
            };
            found = match written {
                Ok(changed) => changed,
                Err(failure) if failure.reason == Reason::Conflict => self.get(gcp).await?,
                Err(failure) => return Err(failure),
            };
        }
        Err(failure(
            LOCK,
            Reason::Conflict,
            format!(
                "bucket {} was changed by others each time it was to be locked",
                self.name
            ),
        ))
    }

    async fn grant(&self, gcp: &Gcp, delta: &Delta, monitor: &dyn Monitor) -> Outcome<()> {
        let resource = &self.resource();
        let subject = format!("bucket {}", self.name);
        modify_policy!(
            gcp, storage, "storage", resource, &subject, "", delta, None, monitor
        )
        .await
    }

    async fn put_folders(
        &self,
        gcp: &Gcp,
        found: &BTreeMap<String, BTreeSet<Grant>>,
        foreign: &[String],
        monitor: &dyn Monitor,
    ) -> Outcome<()> {
        let folders = &self.folders_of();
        let none = &BTreeSet::new();
        let prefixes: BTreeSet<&String> = self.folders.keys().chain(found.keys()).collect();
        try_join_all(prefixes.into_iter().map(|prefix| async move {
            let wanted = self.folders.get(prefix).unwrap_or(none);
            let standing = found.get(prefix);
            let delta = Delta {
                add: wanted.clone(),
                remove: standing.unwrap_or(none).difference(wanted).cloned().collect(),
                remove_lines: foreign.to_vec(),
            };
            folders
                .put(gcp, prefix, standing.is_none(), &delta, monitor)
                .await?;
            if !self.folders.contains_key(prefix) {
                folders.remove(gcp, prefix, false).await?;
            }
            Ok::<_, Failure>(())
        }))
        .await
        .map(drop)
    }

    /// Takes the environment's grants off what stays: its accounts go, and whoever gets their names later is somebody else.
    /// Folders stay, with the grants of others.
    async fn let_go(&self, gcp: &Gcp, found: &Present) -> Outcome<()> {
        let read = |property: &str| found.properties.get(property).cloned().unwrap_or_default();
        let grants: BTreeSet<Grant> = serde_json::from_value(read("grants")).unwrap_or_default();
        let folders: BTreeMap<String, BTreeSet<Grant>> =
            serde_json::from_value(read("folders")).unwrap_or_default();
        let without = |grants: BTreeSet<Grant>| Delta {
            remove: grants,
            ..Delta::default()
        };
        if !grants.is_empty() {
            self.grant(gcp, &without(grants), &Quiet).await?;
        }
        let standing = &self.folders_of();
        try_join_all(
            folders
                .into_iter()
                .filter(|(_, grants)| !grants.is_empty())
                .map(|(prefix, grants)| async move {
                    standing.put(gcp, &prefix, false, &without(grants), &Quiet).await
                }),
        )
        .await
        .map(drop)
    }

    /// Removes every managed folder; objects stay.
    async fn clear(&self, gcp: &Gcp) -> Outcome<()> {
        let folders = &self.folders_of();
        let standing = optional(folders.list(gcp).await)?.unwrap_or_default();
        try_join_all(
            standing
                .iter()
                .map(|prefix| async move { folders.remove(gcp, prefix, true).await }),
        )
        .await
        .map(drop)
    }

    fn present(
        &self,
        bucket: &Found,
        policy: &Policy,
        folders: BTreeMap<String, BTreeSet<Grant>>,
    ) -> Present {
        let access = bucket.iam_config.as_ref();
        let key = bucket
            .encryption
            .as_ref()
            .map(|encryption| encryption.default_kms_key.as_str())
            .filter(|key| !key.is_empty());
        let found = Bucket {
            name: self.name.clone(),
            project: self.project.clone(),
            location: bucket.location.to_lowercase(),
            uniform_access: access
                .and_then(|access| access.uniform_bucket_level_access.as_ref())
                .is_some_and(|uniform| uniform.enabled),
            public_access_prevention: access
                .map(|access| access.public_access_prevention.clone())
                .unwrap_or_default(),
            versioning: bucket
                .versioning
                .as_ref()
                .is_some_and(|versioning| versioning.enabled),
            kms_key: key.map(|key| as_wanted(key, self.kms_key.as_deref().unwrap_or_default())),
            lifecycle: lifecycle::found(bucket.lifecycle.as_ref()),
            soft_delete_days: bucket
                .soft_delete_policy
                .as_ref()
                .and_then(|policy| policy.retention_duration)
                .map_or(0, |duration| duration.seconds() / DAY),
            retention_lock: bucket
                .retention_policy
                .as_ref()
                .filter(|policy| policy.is_locked)
                .and_then(days_of),
            grants: policy::of_environment(policy, &self.grants, &self.family),
            folders,
            family: self.family.clone(),
            tags: mark::found(&bucket.labels),
        };
        let known = outputs([("name", self.name.clone())]);
        let mut present = ready(&self.name, mark::owner(&found.tags), &found, known);
        present.foreign = policy::foreign(policy, &self.grants, &self.family, "");
        present
    }
}

#[async_trait]
impl Object for Wanted<Bucket> {
    async fn observe(&self, gcp: &Gcp, component: &Component) -> Outcome<Observation> {
        let (resource, folders) = (&self.resource(), &self.folders_of());
        let found = try_join!(
            self.get(gcp),
            read_policy!(gcp, storage, "storage", resource),
            async {
                let standing = folders.list(gcp).await?;
                folders.look(gcp, &self.folders, &standing).await
            },
        );
        let Some((bucket, policy, (folders, lines))) =
            optional(found).map_err(|failure| explained(failure, &self.name))?
        else {
            return Ok(Observation::Absent);
        };
        let mut present = self.present(&bucket, &policy, folders);
        present.foreign.extend(lines);
        let nobodys = present.owner == Owner::Unmarked && component.management == Management::Create;
        if nobodys && elsewhere(&bucket, &gcp.project().await?.number) {
            return Err(failure(
                "storage:GetBucket",
                Reason::Invalid,
                format!(
                    "the name {} is taken by a bucket of another project: bucket names are global, choose another one",
                    self.name
                ),
            ));
        }
        Ok(Observation::Present(present))
    }

    async fn create(&self, gcp: &Gcp, component: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let (subject, wanted) = (format!("bucket {}", self.name), self.wanted());
        gcp.clients.buckets.turn(CREATE, monitor).await?;
        let made = patiently(&subject, SPREADING, monitor, key_unseen, || {
            gcp.clients.make(CREATE, || {
                gcp.clients
                    .storage
                    .create_bucket()
                    .set_parent("projects/_")
                    .set_bucket_id(&self.name)
                    .set_bucket(wanted.clone())
                    .send()
            })
        })
        .await?;
        self.lock(gcp).await?;
        if !self.grants.is_empty() {
            let delta = Delta {
                add: self.grants.clone(),
                ..Delta::default()
            };
            self.grant(gcp, &delta, monitor).await?;
        }
        self.put_folders(gcp, &BTreeMap::new(), &[], monitor).await?;
        if matches!(made, Created::Unanswered) {
            return standing(gcp, self, component).await;
        }
        let known = outputs([("name", self.name.clone())]);
        Ok(ready(&self.name, mark::owner(&self.tags), self, known))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse(UPDATE, &FIXED)?;
        let (mut bucket, mut paths) = (Found::new(), Vec::new());
        if change.any(&["uniform_access", "public_access_prevention"]) {
            bucket = bucket.set_iam_config(self.access());
            paths.push("iam_config");
        }
        if change.any(&["versioning"]) {
            bucket = bucket.set_versioning(Versioning::new().set_enabled(self.versioning));
            paths.push("versioning");
        }
        if change.any(&["kms_key"]) {
            bucket = bucket.set_or_clear_encryption(self.encryption());
            paths.push("encryption");
        }
        if change.any(&["lifecycle"]) {
            bucket = bucket.set_lifecycle(lifecycle::api(&self.lifecycle));
            paths.push("lifecycle");
        }
        if change.any(&["soft_delete_days"]) {
            bucket = bucket.set_soft_delete_policy(self.soft_delete());
            paths.push("soft_delete_policy");
        }
        if !paths.is_empty() {
            self.patch(gcp, bucket, &paths, change.monitor).await?;
        }
        // Old versions are off by now: Cloud Storage takes one or the other.
        if change.any(&["retention_lock"]) {
            self.lock(gcp).await?;
        }
        if let Some(tags) = change.of("tags") {
            self.patch_labels(gcp, |now| mark::changed(now, tags)).await?;
        }
        let on_folders = |line: &String| line.contains(" on folder ");
        if change.any(&["grants"]) || change.found.foreign.iter().any(|line| !on_folders(line)) {
            let delta = Delta {
                add: self.grants.clone(),
                remove: change.withdrawn("grants"),
                remove_lines: change.found.foreign.clone(),
            };
            self.grant(gcp, &delta, change.monitor).await?;
        }
        if change.any(&["folders"]) || change.found.foreign.iter().any(on_folders) {
            let found = change
                .found
                .properties
                .get("folders")
                .and_then(|folders| serde_json::from_value(folders.clone()).ok())
                .unwrap_or_default();
            self.put_folders(gcp, &found, &change.found.foreign, change.monitor)
                .await?;
        }
        Ok(())
    }

    async fn delete(
        &self,
        gcp: &Gcp,
        component: &Component,
        _: &Present,
        monitor: &dyn Monitor,
    ) -> Outcome<()> {
        if component.on_destroy == OnDestroy::Purge {
            purge::purge(gcp, &self.name, monitor).await?;
        }
        let resource = &self.resource();
        let delete = || {
            gcp.clients.call(DELETE, || {
                gcp.clients.storage.delete_bucket().set_name(resource).send()
            })
        };
        // Managed folders stand in the way of deleting an empty bucket, so they go first; but never from one that is not.
        let mut cleared = false;
        if !self.folders.is_empty() && purge::contents(gcp, &self.name).await?.is_none() {
            self.clear(gcp).await?;
            cleared = true;
        }
        gcp.clients.buckets.turn(DELETE, monitor).await?;
        match gone(delete().await) {
            // Folders that others made.
            Err(failure) if failure.reason == Reason::Conflict && !cleared => {
                if purge::contents(gcp, &self.name).await?.is_some() {
                    return Err(failure);
                }
                self.clear(gcp).await?;
                gone(delete().await)
            }
            other => other,
        }
    }

    async fn retain(&self, gcp: &Gcp, found: &Present, now: &str) -> Outcome<()> {
        self.let_go(gcp, found).await?;
        self.patch_labels(gcp, |labels| {
            let mut labels = labels.clone();
            labels.insert(mark::RETAINED_AT.to_owned(), mark::label_time(now));
            labels
        })
        .await
    }

    async fn obstacles(&self, gcp: &Gcp, component: &Component, _: &Present) -> Outcome<Vec<String>> {
        if component.on_destroy == OnDestroy::Purge {
            return Ok(Vec::new());
        }
        Ok(purge::contents(gcp, &self.name).await?.into_iter().collect())
    }
}
