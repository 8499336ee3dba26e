//! A GKE cluster of somebody else: looked at, never changed.

use async_trait::async_trait;
use mlops_environment::component::{Component, Observation, Owner, Present, Status};
use mlops_environment::driver::{Failure, Monitor, Reason};
use mlops_environment::gcp::ExistingCluster;

use crate::cluster::{known, open_by_name, status, steady, workload_pool};
use crate::driver::Gcp;
use crate::failure::{Outcome, failure};
use crate::glance;
use crate::object::{Changes, Object, Wanted, ready};

fn not_ours(component: &Component) -> Failure {
    failure(
        "manage a cluster",
        Reason::Invalid,
        format!(
            "{}: a cluster of somebody else is used, never made, changed or deleted",
            component.address
        ),
    )
}

#[async_trait]
impl Object for Wanted<ExistingCluster> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let Some(cluster) = glance::cluster(gcp, &self.name).await? else {
            return Ok(Observation::Absent);
        };
        let found = ExistingCluster {
            name: self.name.clone(),
            workload_pool: workload_pool(&cluster),
        };
        let by_name = open_by_name(&cluster);
        let told = known(&self.name, &self.workload_pool, by_name, &cluster);
        let mut present = ready(&self.name, Owner::Unmarked, &found, told);
        present.status = match status(&cluster) {
            // While it is updated it can be used; while it is made it has no address yet.
            Status::InProgress { .. } if !cluster.endpoint.is_empty() => Status::Ready,
            status => status,
        };
        Ok(Observation::Present(present))
    }

    async fn create(&self, _: &Gcp, component: &Component, _: &dyn Monitor) -> Outcome<Present> {
        Err(not_ours(component))
    }

    async fn update(&self, _: &Gcp, component: &Component, _: &Changes<'_>) -> Outcome<()> {
        Err(not_ours(component))
    }

    async fn settle(&self, gcp: &Gcp, _: &Component, _: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        // Gone or failed meanwhile: the observation that follows tells.
        match steady(gcp, &self.name, monitor).await {
            Err(failure) if matches!(failure.reason, Reason::NotFound | Reason::Failed) => Ok(()),
            other => other.map(drop),
        }
    }

    async fn delete(&self, _: &Gcp, component: &Component, _: &Present, _: &dyn Monitor) -> Outcome<()> {
        Err(not_ours(component))
    }
}
