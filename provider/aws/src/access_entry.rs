//! An EKS access entry with its access policies: who may reach the cluster's API, as what.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use aws_sdk_eks::types::{AccessScope, AccessScopeType};
use futures::try_join;
use mlops_environment::aws::AccessEntry;
use mlops_environment::component::{Component, Observation, Present};
use mlops_environment::driver::{Failure, Monitor};

use crate::cluster::{busy, change_tags, set_tags, unseen};
use crate::driver::Aws;
use crate::failure::{Outcome, call, gone, missing, optional};
use crate::object::{Changes, Object, Wanted, as_found, outputs, ready};
use crate::tags;
use crate::wait::{SPREADING, patiently};

impl Wanted<AccessEntry> {
    fn subject(&self) -> String {
        format!("access of {} to cluster {}", self.principal_arn, self.cluster)
    }

    async fn policies(&self, aws: &Aws) -> Outcome<BTreeMap<String, BTreeSet<String>>> {
        let (mut found, mut token) = (BTreeMap::new(), None);
        loop {
            let list = aws
                .clients
                .eks
                .list_associated_access_policies()
                .cluster_name(&self.cluster)
                .principal_arn(&self.principal_arn)
                .set_next_token(token);
            let answer = call("eks:ListAssociatedAccessPolicies", list.send()).await?;
            for policy in answer.associated_access_policies() {
                let namespaces = policy
                    .access_scope()
                    .map(|scope| scope.namespaces())
                    .unwrap_or_default();
                found.insert(
                    policy.policy_arn().unwrap_or_default().to_owned(),
                    namespaces.iter().cloned().collect(),
                );
            }
            token = answer.next_token;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    async fn associate(
        &self,
        aws: &Aws,
        monitor: &dyn Monitor,
        arn: &str,
        namespaces: &BTreeSet<String>,
    ) -> Outcome<()> {
        let scope = if namespaces.is_empty() {
            AccessScope::builder().r#type(AccessScopeType::Cluster).build()
        } else {
            AccessScope::builder()
                .r#type(AccessScopeType::Namespace)
                .set_namespaces(Some(namespaces.iter().cloned().collect()))
                .build()
        };
        let passing = |failure: &Failure| busy(failure) || failure.code == "ResourceNotFoundException";
        patiently(&self.subject(), SPREADING, monitor, passing, || async {
            let associate = aws
                .clients
                .eks
                .associate_access_policy()
                .cluster_name(&self.cluster)
                .principal_arn(&self.principal_arn)
                .policy_arn(arn)
                .access_scope(scope.clone());
            call("eks:AssociateAccessPolicy", associate.send())
                .await
                .map(drop)
        })
        .await
    }
}

#[async_trait]
impl Object for Wanted<AccessEntry> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        const OPERATION: &str = "eks:DescribeAccessEntry";
        let describe = aws
            .clients
            .eks
            .describe_access_entry()
            .cluster_name(&self.cluster)
            .principal_arn(&self.principal_arn);
        let found = try_join!(call(OPERATION, describe.send()), self.policies(aws));
        let Some((answer, policies)) = optional(found)? else {
            return Ok(Observation::Absent);
        };
        let entry = answer
            .access_entry
            .ok_or_else(|| missing(OPERATION, "accessEntry"))?;
        let arn = entry
            .access_entry_arn()
            .ok_or_else(|| missing(OPERATION, "accessEntryArn"))?;
        let found = AccessEntry {
            cluster: self.cluster.clone(),
            principal_arn: self.principal_arn.clone(),
            groups: entry.kubernetes_groups().iter().cloned().collect(),
            policies,
            tags: tags::found(entry.tags().into_iter().flatten()),
        };
        Ok(Observation::Present(ready(
            arn,
            &found.tags,
            &found,
            outputs([("arn", arn.to_owned())]),
        )))
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        const OPERATION: &str = "eks:CreateAccessEntry";
        let passing = |failure: &Failure| unseen(failure) || busy(failure);
        let answer = patiently(&self.subject(), SPREADING, monitor, passing, || async {
            let create = aws
                .clients
                .eks
                .create_access_entry()
                .cluster_name(&self.cluster)
                .principal_arn(&self.principal_arn)
                .set_kubernetes_groups(Some(self.groups.iter().cloned().collect()))
                .set_tags(Some(self.tags.clone().into_iter().collect()));
            call(OPERATION, create.send()).await
        })
        .await?;
        for (arn, namespaces) in &self.policies {
            self.associate(aws, monitor, arn, namespaces).await?;
        }
        let arn = answer
            .access_entry
            .and_then(|entry| entry.access_entry_arn)
            .ok_or_else(|| missing(OPERATION, "accessEntryArn"))?;
        Ok(ready(&arn, &self.tags, self, outputs([("arn", arn.clone())])))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("eks:UpdateAccessEntry", &["cluster", "principal_arn"])?;
        let eks = &aws.clients.eks;
        let before = as_found(self, change.found)?;
        if change.any(&["policies"]) {
            for arn in before
                .policies
                .keys()
                .filter(|arn| !self.policies.contains_key(*arn))
            {
                let part = eks
                    .disassociate_access_policy()
                    .cluster_name(&self.cluster)
                    .principal_arn(&self.principal_arn)
                    .policy_arn(arn);
                gone(call("eks:DisassociateAccessPolicy", part.send()).await)?;
            }
            for (arn, namespaces) in &self.policies {
                if before.policies.get(arn) != Some(namespaces) {
                    self.associate(aws, change.monitor, arn, namespaces).await?;
                }
            }
        }
        if change.any(&["groups"]) {
            let update = eks
                .update_access_entry()
                .cluster_name(&self.cluster)
                .principal_arn(&self.principal_arn)
                .set_kubernetes_groups(Some(self.groups.iter().cloned().collect()));
            call("eks:UpdateAccessEntry", update.send()).await?;
        }
        change_tags(aws, &change.found.id, change).await
    }

    async fn delete(&self, aws: &Aws, _: &Component, _: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        // Its policies go with it.
        patiently(&self.subject(), SPREADING, monitor, busy, || async {
            let delete = aws
                .clients
                .eks
                .delete_access_entry()
                .cluster_name(&self.cluster)
                .principal_arn(&self.principal_arn);
            gone(call("eks:DeleteAccessEntry", delete.send()).await)
        })
        .await
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        set_tags(aws, &found.id, [(key.to_owned(), value.to_owned())].into()).await
    }
}
