//! A CloudWatch Logs group. The cluster's own group may come back after its deletion: EKS delivers late.

use async_trait::async_trait;
use futures::try_join;
use mlops_environment::aws::{LogGroup, Tags};
use mlops_environment::component::{Component, Observation, Present};
use mlops_environment::driver::{Failure, Monitor};

use crate::driver::Aws;
use crate::failure::{Outcome, call, gone, optional};
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::tags;
use crate::wait::{SPREADING, patiently, says};

/// Groups that EKS writes to: <https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html>
const OF_EKS: &str = "/aws/eks/";
/// How often EKS's group may come back before it is left behind. How long it must stay away to be taken for gone is
/// [`crate::client::Settings::quiet`].
const RETURNS: usize = 6;

/// The key's policy is not in force everywhere yet; a key that never admits the Logs service ends the same way, later.
fn key_unseen(failure: &Failure) -> bool {
    says(
        failure,
        &["AccessDeniedException", "InvalidParameterException"],
        &["KMS", "kms"],
    )
}

impl Wanted<LogGroup> {
    async fn arn(&self, aws: &Aws) -> Outcome<String> {
        aws.arn("logs", &format!("log-group:{}", self.name)).await
    }

    async fn retain_for(&self, aws: &Aws) -> Outcome<()> {
        let logs = &aws.clients.logs;
        if self.retention_days > 0 {
            let put = logs
                .put_retention_policy()
                .log_group_name(&self.name)
                .retention_in_days(self.retention_days);
            call("logs:PutRetentionPolicy", put.send()).await?;
        } else {
            let delete = logs.delete_retention_policy().log_group_name(&self.name);
            call("logs:DeleteRetentionPolicy", delete.send()).await?;
        }
        Ok(())
    }

    async fn set_tags(&self, aws: &Aws, set: Tags) -> Outcome<()> {
        let tag = aws.clients.logs.tag_resource().resource_arn(self.arn(aws).await?);
        call(
            "logs:TagResource",
            tag.set_tags(Some(set.into_iter().collect())).send(),
        )
        .await?;
        Ok(())
    }
}

#[async_trait]
impl Object for Wanted<LogGroup> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        let logs = &aws.clients.logs;
        let arn = self.arn(aws).await?;
        let (groups, found_tags) = try_join!(
            call(
                "logs:DescribeLogGroups",
                logs.describe_log_groups()
                    .log_group_name_prefix(&self.name)
                    .send()
            ),
            async {
                let list = logs.list_tags_for_resource().resource_arn(&arn);
                optional(call("logs:ListTagsForResource", list.send()).await)
            },
        )?;
        // A page holds 50 groups in the order of their names: the one that equals the prefix is the first.
        let group = groups
            .log_groups()
            .iter()
            .find(|group| group.log_group_name() == Some(&self.name));
        let Some(group) = group else {
            return Ok(Observation::Absent);
        };
        let found = LogGroup {
            name: self.name.clone(),
            retention_days: group.retention_in_days().unwrap_or(0),
            kms_key: group.kms_key_id().map(str::to_owned),
            tags: tags::found(found_tags.and_then(|answer| answer.tags).unwrap_or_default()),
        };
        let known = outputs([("arn", arn.clone()), ("name", self.name.clone())]);
        Ok(Observation::Present(ready(arn, &found.tags, &found, known)))
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let arn = self.arn(aws).await?;
        patiently(
            &format!("log group {}", self.name),
            SPREADING,
            monitor,
            key_unseen,
            || async {
                let create = aws
                    .clients
                    .logs
                    .create_log_group()
                    .log_group_name(&self.name)
                    .set_kms_key_id(self.kms_key.clone())
                    .set_tags(Some(self.tags.clone().into_iter().collect()));
                call("logs:CreateLogGroup", create.send()).await
            },
        )
        .await?;
        if self.retention_days > 0 {
            self.retain_for(aws).await?;
        }
        let known = outputs([("arn", arn.clone()), ("name", self.name.clone())]);
        Ok(ready(arn, &self.tags, self, known))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("logs:CreateLogGroup", &["name"])?;
        let logs = &aws.clients.logs;
        if change.any(&["kms_key"]) {
            match &self.kms_key {
                Some(key) => {
                    let subject = format!("log group {}", self.name);
                    patiently(&subject, SPREADING, change.monitor, key_unseen, || async {
                        let associate = logs
                            .associate_kms_key()
                            .log_group_name(&self.name)
                            .kms_key_id(key);
                        call("logs:AssociateKmsKey", associate.send()).await
                    })
                    .await?;
                }
                None => {
                    let part = logs.disassociate_kms_key().log_group_name(&self.name);
                    call("logs:DisassociateKmsKey", part.send()).await?;
                }
            }
        }
        if change.any(&["retention_days"]) {
            self.retain_for(aws).await?;
        }
        if let Some((set, removed)) = change.tags() {
            if !set.is_empty() {
                self.set_tags(aws, set).await?;
            }
            if !removed.is_empty() {
                let untag = logs
                    .untag_resource()
                    .resource_arn(self.arn(aws).await?)
                    .set_tag_keys(Some(removed));
                call("logs:UntagResource", untag.send()).await?;
            }
        }
        Ok(())
    }

    async fn delete(
        &self,
        aws: &Aws,
        component: &Component,
        _: &Present,
        monitor: &dyn Monitor,
    ) -> Outcome<()> {
        for round in 0..RETURNS {
            gone(
                call(
                    "logs:DeleteLogGroup",
                    aws.clients
                        .logs
                        .delete_log_group()
                        .log_group_name(&self.name)
                        .send(),
                )
                .await,
            )?;
            if !self.name.starts_with(OF_EKS) || monitor.cancelled() {
                return Ok(());
            }
            if round == 0 {
                monitor.progress(&format!(
                    "log group {}: waits for late deliveries of EKS",
                    self.name
                ));
            }
            monitor.sleep(aws.clients.quiet).await;
            if self.observe(aws, component).await? == Observation::Absent {
                return Ok(());
            }
        }
        monitor.progress(&format!(
            "log group {}: EKS keeps making it anew, left behind",
            self.name
        ));
        Ok(())
    }

    async fn tag(&self, aws: &Aws, _: &Present, key: &str, value: &str) -> Outcome<()> {
        self.set_tags(aws, [(key.to_owned(), value.to_owned())].into())
            .await
    }
}
