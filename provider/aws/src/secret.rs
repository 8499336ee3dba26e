//! A secret's name, description and key. Its value is never read and never written.

use async_trait::async_trait;
use aws_sdk_secretsmanager::types::Tag;
use mlops_environment::aws::{Secret, Tags};
use mlops_environment::component::{Component, Observation, Outputs, Present};
use mlops_environment::driver::{Failure, Monitor, Reason};

use crate::driver::Aws;
use crate::failure::{Outcome, call, failure, gone, missing, optional};
use crate::object::{Changes, Object, Wanted, outputs, properties, ready};
use crate::tags::{self, ENVIRONMENT};
use crate::wait::{SPREADING, patiently, says};

fn secret_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect()
}

/// The name waits for the deletion of its last bearer.
fn scheduled(failure: &Failure) -> bool {
    says(
        failure,
        &["InvalidRequestException"],
        &["scheduled for deletion", "marked deleted", "marked for deletion"],
    )
}

/// A forced deletion is not over everywhere yet.
fn just_deleted(failure: &Failure) -> bool {
    says(
        failure,
        &["InvalidRequestException"],
        &["was deleted", "being deleted"],
    )
}

impl Wanted<Secret> {
    fn known(&self, arn: &str) -> Outputs {
        outputs([("arn", arn.to_owned()), ("name", self.name.clone())])
    }

    async fn set_tags(&self, aws: &Aws, id: &str, set: &Tags) -> Outcome<()> {
        let tag = aws
            .clients
            .secrets
            .tag_resource()
            .secret_id(id)
            .set_tags(Some(secret_tags(set)));
        call("secretsmanager:TagResource", tag.send()).await.map(drop)
    }

    async fn describe(
        &self,
        aws: &Aws,
    ) -> Outcome<aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput> {
        call(
            "secretsmanager:DescribeSecret",
            aws.clients.secrets.describe_secret().secret_id(&self.name).send(),
        )
        .await
    }

    async fn update_secret(&self, aws: &Aws, id: &str) -> Outcome<()> {
        let update = aws
            .clients
            .secrets
            .update_secret()
            .secret_id(id)
            .description(&self.description)
            .set_kms_key_id(self.kms_key.clone());
        call("secretsmanager:UpdateSecret", update.send()).await.map(drop)
    }

    /// Brings back the secret of this name that an earlier life of the environment deleted.
    async fn restore(&self, aws: &Aws, refused: Failure) -> Outcome<String> {
        const OPERATION: &str = "secretsmanager:RestoreSecret";
        let known = self.describe(aws).await?;
        let found = tags::found(
            known
                .tags()
                .iter()
                .filter_map(|tag| Some((tag.key()?, tag.value().unwrap_or_default()))),
        );
        if !found.contains_key(ENVIRONMENT) || found.get(ENVIRONMENT) != self.tags.get(ENVIRONMENT) {
            return Err(Failure {
                message: format!(
                    "{} (it belongs to {}): restore it with `aws secretsmanager restore-secret --secret-id {}` and \
                     adopt it, or wait until it is gone",
                    refused.message,
                    found.get(ENVIRONMENT).map_or("somebody else", String::as_str),
                    self.name
                ),
                ..refused
            });
        }
        let answer = call(
            OPERATION,
            aws.clients.secrets.restore_secret().secret_id(&self.name).send(),
        )
        .await?;
        let arn = answer.arn.ok_or_else(|| missing(OPERATION, "ARN"))?;
        self.update_secret(aws, &arn).await?;
        self.set_tags(aws, &arn, &self.tags).await?;
        Ok(arn)
    }
}

#[async_trait]
impl Object for Wanted<Secret> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        let Some(answer) = optional(self.describe(aws).await)? else {
            return Ok(Observation::Absent);
        };
        if answer.deleted_date.is_some() {
            // Deleted, but its name is not free: a create brings it back.
            return Ok(Observation::Absent);
        }
        let arn = answer
            .arn
            .clone()
            .ok_or_else(|| missing("secretsmanager:DescribeSecret", "ARN"))?;
        let found = Secret {
            name: self.name.clone(),
            description: answer.description.clone().unwrap_or_default(),
            kms_key: answer.kms_key_id.clone(),
            recovery_window_days: self.recovery_window_days,
            tags: tags::found(
                answer
                    .tags()
                    .iter()
                    .filter_map(|tag| Some((tag.key()?, tag.value().unwrap_or_default()))),
            ),
        };
        let mut present = ready(&arn, &found.tags, &found, self.known(&arn));
        present.properties.remove("recovery_window_days");
        Ok(Observation::Present(present))
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        const OPERATION: &str = "secretsmanager:CreateSecret";
        let made = patiently(
            &format!("secret {}", self.name),
            SPREADING,
            monitor,
            just_deleted,
            || async {
                let create = aws
                    .clients
                    .secrets
                    .create_secret()
                    .name(&self.name)
                    .description(&self.description)
                    .set_kms_key_id(self.kms_key.clone())
                    .set_tags(Some(secret_tags(&self.tags)));
                call(OPERATION, create.send()).await
            },
        )
        .await;
        let arn = match made {
            Ok(answer) => answer.arn.ok_or_else(|| missing(OPERATION, "ARN"))?,
            Err(failure) if scheduled(&failure) => self.restore(aws, failure).await?,
            Err(failure) => return Err(failure),
        };
        let mut present = ready(&arn, &self.tags, self, self.known(&arn));
        present.properties = properties(self);
        Ok(present)
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("secretsmanager:UpdateSecret", &["name"])?;
        let id = &change.found.id;
        if change.any(&["kms_key"]) && self.kms_key.is_none() {
            return Err(failure(
                "secretsmanager:UpdateSecret",
                Reason::Invalid,
                format!(
                    "secret {} cannot go back to the account's default key: name one",
                    self.name
                ),
            ));
        }
        if change.any(&["description", "kms_key"]) {
            self.update_secret(aws, id).await?;
        }
        if let Some((set, removed)) = change.tags() {
            if !set.is_empty() {
                self.set_tags(aws, id, &set).await?;
            }
            if !removed.is_empty() {
                let untag = aws
                    .clients
                    .secrets
                    .untag_resource()
                    .secret_id(id)
                    .set_tag_keys(Some(removed));
                call("secretsmanager:UntagResource", untag.send()).await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, _: &Component, found: &Present, _: &dyn Monitor) -> Outcome<()> {
        let delete = aws.clients.secrets.delete_secret().secret_id(&found.id);
        let delete = match self.recovery_window_days {
            0 => delete.force_delete_without_recovery(true),
            days => delete.recovery_window_in_days(days),
        };
        match gone(call("secretsmanager:DeleteSecret", delete.send()).await) {
            Err(failure) if scheduled(&failure) => Ok(()),
            other => other,
        }
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        self.set_tags(aws, &found.id, &[(key.to_owned(), value.to_owned())].into())
            .await
    }
}
