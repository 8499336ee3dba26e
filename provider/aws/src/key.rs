//! A KMS key with its alias. The alias is the name by which the key is found; without it a key of ours is an orphan.

use std::time::Instant;

use async_trait::async_trait;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::types::{KeyState, Tag};
use futures::try_join;
use mlops_environment::aws::{Key, Tags};
use mlops_environment::component::{Component, Management, Observation, Owner, Present, Properties, Status};
use mlops_environment::driver::{Monitor, Reason};

use crate::document;
use crate::driver::Aws;
use crate::failure::{Outcome, call, failure, gone, missing, optional};
use crate::object::{Changes, Object, Wanted, outputs, properties, ready};
use crate::{nameless_key, tags, wait};

/// A key has one policy, and this is its name.
const POLICY: &str = "default";

fn kms_tags(tags: &Tags) -> Outcome<Vec<Tag>> {
    tags.iter()
        .map(|(key, value)| {
            Tag::builder()
                .tag_key(key)
                .tag_value(value)
                .build()
                .map_err(|error| failure("kms:TagResource", Reason::Invalid, error.to_string()))
        })
        .collect()
}

fn known(arn: &str, id: &str) -> mlops_environment::component::Outputs {
    outputs([("arn", arn.to_owned()), ("id", id.to_owned())])
}

impl Wanted<Key> {
    async fn rotate(&self, aws: &Aws, id: &str) -> Outcome<()> {
        let kms = &aws.clients.kms;
        if self.rotation_days > 0 {
            let on = kms
                .enable_key_rotation()
                .key_id(id)
                .rotation_period_in_days(self.rotation_days);
            call("kms:EnableKeyRotation", on.send()).await?;
        } else {
            call(
                "kms:DisableKeyRotation",
                kms.disable_key_rotation().key_id(id).send(),
            )
            .await?;
        }
        Ok(())
    }

    async fn schedule_deletion(&self, aws: &Aws, id: &str) -> Outcome<()> {
        let schedule = aws
            .clients
            .kms
            .schedule_key_deletion()
            .key_id(id)
            .pending_window_in_days(self.deletion_window_days);
        match gone(call("kms:ScheduleKeyDeletion", schedule.send()).await) {
            // Already pending: deleting twice is fine.
            Err(failure)
                if failure.code == "KMSInvalidStateException"
                    && failure.message.contains("pending deletion") =>
            {
                Ok(())
            }
            other => other,
        }
    }

    /// Makes a key; ARN and id.
    ///
    /// The call cannot be repeated blindly: where its answer is lost, a second one would make a second key. So it is sent
    /// once, and where nobody can tell what became of it, its tags are looked for before the next try.
    async fn make(&self, aws: &Aws, monitor: &dyn Monitor) -> Outcome<(String, String)> {
        const OPERATION: &str = "kms:CreateKey";
        let retry = &aws.clients.retry;
        let (started, mut number) = (Instant::now(), 0);
        loop {
            number += 1;
            let once = aws_sdk_kms::config::Builder::new().retry_config(RetryConfig::disabled());
            let create = aws
                .clients
                .kms
                .create_key()
                .description(&self.description)
                .policy(&self.policy)
                .set_tags(Some(kms_tags(&self.tags)?))
                .customize()
                .config_override(once);
            let failed = match call(OPERATION, create.send()).await {
                Ok(answer) => {
                    let key = answer
                        .key_metadata
                        .ok_or_else(|| missing(OPERATION, "KeyMetadata"))?;
                    let arn = key.arn.ok_or_else(|| missing(OPERATION, "Arn"))?;
                    return Ok((arn, key.key_id));
                }
                Err(failure) => failure,
            };
            let passing = matches!(failed.reason, Reason::Throttled | Reason::Unavailable);
            let pause = retry.pause(number, fastrand::f64());
            if !passing || !retry.goes_on(number, started.elapsed() + pause) {
                return Err(failed);
            }
            if failed.reason == Reason::Unavailable {
                let keys = nameless_key::tagged(aws).await?;
                if let Some(id) = nameless_key::find(aws, &keys, &self.tags).await? {
                    return self.take_up(aws, &id).await;
                }
            }
            wait::rest(OPERATION, &self.alias, pause, monitor).await?;
        }
    }

    /// Brings a key that was left without a name to what is wanted now; ARN and id.
    async fn take_up(&self, aws: &Aws, id: &str) -> Outcome<(String, String)> {
        const OPERATION: &str = "kms:DescribeKey";
        let kms = &aws.clients.kms;
        let described = call(OPERATION, kms.describe_key().key_id(id).send()).await?;
        let arn = described
            .key_metadata
            .and_then(|key| key.arn)
            .ok_or_else(|| missing(OPERATION, "Arn"))?;
        let policy = kms
            .put_key_policy()
            .key_id(id)
            .policy_name(POLICY)
            .policy(&self.policy);
        let description = kms
            .update_key_description()
            .key_id(id)
            .description(&self.description);
        let tag = kms
            .tag_resource()
            .key_id(id)
            .set_tags(Some(kms_tags(&self.tags)?));
        try_join!(
            call("kms:PutKeyPolicy", policy.send()),
            call("kms:UpdateKeyDescription", description.send()),
            call("kms:TagResource", tag.send()),
        )?;
        Ok((arn, id.to_owned()))
    }

    /// Names and rotates a key just made.
    async fn finish(&self, aws: &Aws, id: &str) -> Outcome<()> {
        let alias = aws
            .clients
            .kms
            .create_alias()
            .alias_name(&self.alias)
            .target_key_id(id);
        call("kms:CreateAlias", alias.send()).await?;
        if self.rotation_days > 0 {
            self.rotate(aws, id).await
        } else {
            Ok(())
        }
    }
}

/// A key of somebody else's, by its ARN: all that matters is that it is there and can be used.
async fn given_key(aws: &Aws, arn: &str) -> Outcome<Observation> {
    const OPERATION: &str = "kms:DescribeKey";
    let describe = aws.clients.kms.describe_key().key_id(arn);
    let Some(described) = optional(call(OPERATION, describe.send()).await)? else {
        return Ok(Observation::Absent);
    };
    let key = described
        .key_metadata
        .ok_or_else(|| missing(OPERATION, "KeyMetadata"))?;
    Ok(Observation::Present(Present {
        owner: Owner::Unmarked,
        status: status(key.key_state),
        properties: Properties::new(),
        outputs: known(arn, &key.key_id),
        foreign: Vec::new(),
        id: arn.to_owned(),
    }))
}

fn status(state: Option<KeyState>) -> Status {
    match state {
        None | Some(KeyState::Enabled) => Status::Ready,
        Some(KeyState::PendingDeletion | KeyState::PendingReplicaDeletion) => Status::Suspended {
            what: "scheduled for deletion".into(),
        },
        Some(KeyState::Disabled) => Status::Suspended {
            what: "disabled".into(),
        },
        Some(KeyState::Creating | KeyState::Updating) => Status::InProgress {
            what: "Creating".into(),
            operation: None,
        },
        Some(other) => Status::Failed {
            reason: format!("the key is {other}"),
        },
    }
}

#[async_trait]
impl Object for Wanted<Key> {
    async fn observe(&self, aws: &Aws, component: &Component) -> Outcome<Observation> {
        const OPERATION: &str = "kms:DescribeKey";
        let kms = &aws.clients.kms;
        if let (Management::Existing, Some(given)) = (component.management, &component.id) {
            return given_key(aws, given).await;
        }
        let described = optional(call(OPERATION, kms.describe_key().key_id(&self.alias).send()).await)?;
        let Some(described) = described else {
            // A key that was made and not yet named when everything stopped: the create will take it up.
            let keys = nameless_key::before_us(aws).await?;
            if let Some(id) = nameless_key::find(aws, keys, &self.tags).await? {
                aws.nameless_keys().insert(self.alias.clone(), id);
            }
            return Ok(Observation::Absent);
        };
        let key = described
            .key_metadata
            .ok_or_else(|| missing(OPERATION, "KeyMetadata"))?;
        let arn = key.arn.ok_or_else(|| missing(OPERATION, "Arn"))?;
        let id = &key.key_id;
        let (policy, rotation, found_tags) = try_join!(
            call(
                "kms:GetKeyPolicy",
                kms.get_key_policy().key_id(id).policy_name(POLICY).send()
            ),
            call(
                "kms:GetKeyRotationStatus",
                kms.get_key_rotation_status().key_id(id).send()
            ),
            call("kms:ListResourceTags", kms.list_resource_tags().key_id(id).send()),
        )?;
        let found_tags = tags::found(
            found_tags
                .tags()
                .iter()
                .map(|tag| (tag.tag_key(), tag.tag_value())),
        );
        let found = Key {
            alias: self.alias.clone(),
            description: key.description.unwrap_or_default(),
            policy: document::reported(policy.policy().unwrap_or_default(), &self.policy),
            // A key that rotates without a period in the answer does so yearly, the default.
            rotation_days: if rotation.key_rotation_enabled {
                rotation.rotation_period_in_days.unwrap_or(365)
            } else {
                0
            },
            deletion_window_days: self.deletion_window_days,
            tags: found_tags,
        };
        let mut found_properties = properties(&found);
        found_properties.remove("deletion_window_days");
        let status = status(key.key_state);
        Ok(Observation::Present(Present {
            owner: tags::owner(&found.tags),
            status,
            properties: found_properties,
            outputs: known(&arn, id),
            foreign: Vec::new(),
            id: arn,
        }))
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let left = aws.nameless_keys().remove(&self.alias);
        let (arn, id) = match left {
            Some(id) => self.take_up(aws, &id).await?,
            None => self.make(aws, monitor).await?,
        };
        if let Err(failure) = self.finish(aws, &id).await {
            // Where the name is somebody else's no later apply can use the key, and it costs money each month. In every
            // other case the next apply finds it, by its name or by its tags, and goes on with it.
            if failure.reason == Reason::AlreadyExists {
                self.schedule_deletion(aws, &id).await.ok();
            }
            return Err(failure);
        }
        Ok(ready(arn.clone(), &self.tags, self, known(&arn, &id)))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        const REFUSED: &str = "kms:UpdateAlias";
        change.refuse(REFUSED, &["alias"])?;
        let (kms, id) = (&aws.clients.kms, &change.found.id);
        if change.any(&["description"]) {
            let update = kms
                .update_key_description()
                .key_id(id)
                .description(&self.description);
            call("kms:UpdateKeyDescription", update.send()).await?;
        }
        if change.any(&["policy"]) {
            call(
                "kms:PutKeyPolicy",
                kms.put_key_policy()
                    .key_id(id)
                    .policy_name(POLICY)
                    .policy(&self.policy)
                    .send(),
            )
            .await?;
        }
        if change.any(&["rotation_days"]) {
            self.rotate(aws, id).await?;
        }
        if let Some((set, removed)) = change.tags() {
            if !set.is_empty() {
                let tag = kms.tag_resource().key_id(id).set_tags(Some(kms_tags(&set)?));
                call("kms:TagResource", tag.send()).await?;
            }
            if !removed.is_empty() {
                let untag = kms.untag_resource().key_id(id).set_tag_keys(Some(removed));
                call("kms:UntagResource", untag.send()).await?;
            }
        }
        Ok(())
    }

    /// Brings back a key that somebody scheduled for deletion or disabled. A key whose deletion is cancelled is disabled.
    async fn settle(&self, aws: &Aws, _: &Component, found: &Present, _: &dyn Monitor) -> Outcome<()> {
        if !matches!(found.status, Status::Suspended { .. }) {
            return Ok(());
        }
        let (kms, id) = (&aws.clients.kms, &found.id);
        let cancel = kms.cancel_key_deletion().key_id(id);
        match call("kms:CancelKeyDeletion", cancel.send()).await {
            // It was only disabled, or an earlier attempt's answer was lost.
            Err(failure) if failure.code == "KMSInvalidStateException" => {}
            other => {
                other?;
            }
        }
        call("kms:EnableKey", kms.enable_key().key_id(id).send()).await?;
        Ok(())
    }

    async fn delete(&self, aws: &Aws, _: &Component, found: &Present, _: &dyn Monitor) -> Outcome<()> {
        // The alias first: its name is free at once, while the key waits for days.
        gone(
            call(
                "kms:DeleteAlias",
                aws.clients.kms.delete_alias().alias_name(&self.alias).send(),
            )
            .await,
        )?;
        self.schedule_deletion(aws, &found.id).await
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        let set = kms_tags(&[(key.to_owned(), value.to_owned())].into())?;
        call(
            "kms:TagResource",
            aws.clients
                .kms
                .tag_resource()
                .key_id(&found.id)
                .set_tags(Some(set))
                .send(),
        )
        .await?;
        Ok(())
    }
}
