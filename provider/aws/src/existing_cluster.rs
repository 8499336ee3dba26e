//! An EKS cluster of somebody else: looked at, never changed.

use async_trait::async_trait;
use aws_sdk_eks::types::{AuthenticationMode, ClusterStatus};
use mlops_environment::aws::{ExistingCluster, Tags};
use mlops_environment::component::{Component, Observation, Present, Status};
use mlops_environment::driver::{Failure, Monitor, Reason};

use crate::cluster::{describe, health, known, steady};
use crate::driver::Aws;
use crate::failure::{Outcome, failure, optional};
use crate::object::{Changes, Object, Wanted, ready};

fn not_ours(component: &Component) -> Failure {
    failure(
        "change cluster",
        Reason::Invalid,
        format!(
            "{} is a cluster of somebody else: it is used, never made, changed or deleted",
            component.address
        ),
    )
}

#[async_trait]
impl Object for Wanted<ExistingCluster> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        let Some(cluster) = optional(describe(aws, &self.name).await)? else {
            return Ok(Observation::Absent);
        };
        let told = known(&cluster);
        let mode = cluster
            .access_config()
            .and_then(|access| access.authentication_mode());
        let found = ExistingCluster {
            name: self.name.clone(),
            issuer: told.get("issuer").is_some_and(|issuer| !issuer.is_empty()),
            access_entries: mode != Some(&AuthenticationMode::ConfigMap),
        };
        let id = cluster.arn().unwrap_or(&self.name);
        let mut present = ready(id, &Tags::new(), &found, told);
        present.status = match cluster.status() {
            Some(ClusterStatus::Deleting) => Status::Deleting,
            Some(ClusterStatus::Failed) => Status::Failed {
                reason: health(&cluster),
            },
            // While it is updated it can be used.
            Some(status @ (ClusterStatus::Creating | ClusterStatus::Pending)) => Status::InProgress {
                what: status.as_str().to_owned(),
                operation: None,
            },
            _ => Status::Ready,
        };
        Ok(Observation::Present(present))
    }

    async fn create(&self, _: &Aws, component: &Component, _: &dyn Monitor) -> Outcome<Present> {
        Err(not_ours(component))
    }

    async fn update(&self, _: &Aws, component: &Component, _: &Changes<'_>) -> Outcome<()> {
        Err(not_ours(component))
    }

    async fn settle(&self, aws: &Aws, _: &Component, _: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        // Gone or failed meanwhile: the observation that follows tells.
        match steady(aws, &self.name, monitor).await {
            Err(failure) if matches!(failure.reason, Reason::NotFound | Reason::Failed) => Ok(()),
            other => other.map(drop),
        }
    }

    async fn delete(&self, _: &Aws, component: &Component, _: &Present, _: &dyn Monitor) -> Outcome<()> {
        Err(not_ours(component))
    }

    async fn tag(&self, _: &Aws, _: &Present, _: &str, _: &str) -> Outcome<()> {
        Ok(())
    }
}
