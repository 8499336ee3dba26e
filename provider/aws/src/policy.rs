//! A customer-managed policy: a permissions boundary.

use async_trait::async_trait;
use mlops_environment::aws::{ManagedPolicy, Tags};
use mlops_environment::component::{Component, Observation, Present};
use mlops_environment::driver::{Failure, Monitor};

use crate::document;
use crate::driver::Aws;
use crate::failure::{Outcome, call, gone, missing, optional};
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::role::{found_tags, iam_tags};
use crate::wait::{SPREADING, patiently, says};

impl Wanted<ManagedPolicy> {
    async fn arn(&self, aws: &Aws) -> Outcome<String> {
        aws.arn("iam", &format!("policy{}{}", self.path, self.name)).await
    }

    /// Versions that are not the default one, oldest first.
    async fn old_versions(&self, aws: &Aws, arn: &str) -> Outcome<Vec<String>> {
        let list = aws.clients.iam.list_policy_versions().policy_arn(arn);
        let answer = aws
            .clients
            .iam(call("iam:ListPolicyVersions", list.send()))
            .await?;
        let mut versions: Vec<_> = answer
            .versions()
            .iter()
            .filter(|version| !version.is_default_version)
            .collect();
        versions.sort_by_key(|version| {
            // `v12`: the number tells the order, the date may be the same second.
            version
                .version_id()
                .and_then(|id| id.strip_prefix('v')?.parse::<u64>().ok())
                .unwrap_or(0)
        });
        Ok(versions
            .into_iter()
            .filter_map(|version| version.version_id.clone())
            .collect())
    }

    async fn delete_version(&self, aws: &Aws, arn: &str, version: &str) -> Outcome<()> {
        let delete = aws
            .clients
            .iam
            .delete_policy_version()
            .policy_arn(arn)
            .version_id(version);
        gone(
            aws.clients
                .iam(call("iam:DeletePolicyVersion", delete.send()))
                .await,
        )
    }

    async fn new_version(&self, aws: &Aws, arn: &str) -> Outcome<()> {
        let create = aws
            .clients
            .iam
            .create_policy_version()
            .policy_arn(arn)
            .policy_document(&self.document)
            .set_as_default(true);
        aws.clients
            .iam(call("iam:CreatePolicyVersion", create.send()))
            .await
            .map(drop)
    }

    async fn set_tags(&self, aws: &Aws, arn: &str, set: &Tags) -> Outcome<()> {
        let tag = aws
            .clients
            .iam
            .tag_policy()
            .policy_arn(arn)
            .set_tags(Some(iam_tags(set)?));
        aws.clients.iam(call("iam:TagPolicy", tag.send())).await.map(drop)
    }
}

#[async_trait]
impl Object for Wanted<ManagedPolicy> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        const OPERATION: &str = "iam:GetPolicy";
        let (iam, arn) = (&aws.clients.iam, self.arn(aws).await?);
        let answer = optional(
            aws.clients
                .iam(call(OPERATION, iam.get_policy().policy_arn(&arn).send()))
                .await,
        )?;
        let Some(answer) = answer else {
            return Ok(Observation::Absent);
        };
        let policy = answer.policy.ok_or_else(|| missing(OPERATION, "Policy"))?;
        let version = policy
            .default_version_id()
            .ok_or_else(|| missing(OPERATION, "DefaultVersionId"))?;
        let get = iam.get_policy_version().policy_arn(&arn).version_id(version);
        let answer = aws.clients.iam(call("iam:GetPolicyVersion", get.send())).await?;
        let text = answer
            .policy_version()
            .and_then(|version| version.document())
            .unwrap_or_default();
        let found = ManagedPolicy {
            name: self.name.clone(),
            path: policy.path.clone().unwrap_or_else(|| "/".to_owned()),
            description: policy.description.clone().unwrap_or_default(),
            document: document::reported(&document::decoded(text), &self.document),
            tags: found_tags(policy.tags()),
        };
        Ok(Observation::Present(ready(
            &arn,
            &found.tags,
            &found,
            outputs([("arn", arn.clone())]),
        )))
    }

    async fn create(&self, aws: &Aws, _: &Component, _: &dyn Monitor) -> Outcome<Present> {
        let arn = self.arn(aws).await?;
        let create = aws
            .clients
            .iam
            .create_policy()
            .policy_name(&self.name)
            .path(&self.path)
            .description(&self.description)
            .policy_document(&self.document)
            .set_tags(Some(iam_tags(&self.tags)?));
        aws.clients.iam(call("iam:CreatePolicy", create.send())).await?;
        Ok(ready(&arn, &self.tags, self, outputs([("arn", arn.clone())])))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("iam:CreatePolicyVersion", &["name", "path", "description"])?;
        let arn = &change.found.id;
        if change.any(&["document"]) {
            match self.new_version(aws, arn).await {
                // Five versions at most: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
                Err(failure) if says(&failure, &["LimitExceeded", "LimitExceededException"], &[]) => {
                    if let Some(oldest) = self.old_versions(aws, arn).await?.first() {
                        self.delete_version(aws, arn, oldest).await?;
                    }
                    self.new_version(aws, arn).await?;
                }
                other => other?,
            }
        }
        if let Some((set, removed)) = change.tags() {
            if !set.is_empty() {
                self.set_tags(aws, arn, &set).await?;
            }
            if !removed.is_empty() {
                let untag = aws
                    .clients
                    .iam
                    .untag_policy()
                    .policy_arn(arn)
                    .set_tag_keys(Some(removed));
                aws.clients.iam(call("iam:UntagPolicy", untag.send())).await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        let arn = &found.id;
        let delete = || async {
            gone(
                aws.clients
                    .iam(call(
                        "iam:DeletePolicy",
                        aws.clients.iam.delete_policy().policy_arn(arn).send(),
                    ))
                    .await,
            )
        };
        // The roles it bounded have just gone; and old versions must go before the policy.
        let conflict = |failure: &Failure| says(failure, &["DeleteConflict", "DeleteConflictException"], &[]);
        match delete().await {
            Err(failure) if conflict(&failure) => {
                patiently(
                    &format!("policy {}", self.name),
                    SPREADING,
                    monitor,
                    conflict,
                    || async {
                        for version in optional(self.old_versions(aws, arn).await)?.unwrap_or_default() {
                            self.delete_version(aws, arn, &version).await?;
                        }
                        delete().await
                    },
                )
                .await
            }
            other => other,
        }
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        self.set_tags(aws, &found.id, &[(key.to_owned(), value.to_owned())].into())
            .await
    }
}
