//! What the environment's accounts may do project-wide. The project's policy is everybody's: only members of the
//! environment are looked at and touched.

use std::collections::BTreeSet;

use async_trait::async_trait;
use google_cloud_iam_v1::model::Policy;
use mlops_environment::component::{Component, Observation, Outputs, Present};
use mlops_environment::driver::Monitor;
use mlops_environment::gcp::{Grant, ProjectGrants};

use crate::driver::Gcp;
use crate::failure::Outcome;
use crate::mark::asking;
use crate::object::{Changes, Object, Wanted, ready};
use crate::policy::{self, Delta, modify_policy, read_policy};

impl Wanted<ProjectGrants> {
    fn resource(&self) -> String {
        format!("projects/{}", self.project)
    }

    fn present(&self, grants: BTreeSet<Grant>) -> Present {
        let found = ProjectGrants {
            grants,
            ..self.0.clone()
        };
        let id = format!("{}/grants", self.resource());
        ready(id, asking(&self.owner), &found, Outputs::new())
    }

    /// Deviations among the environment's own accounts; what others gave to everybody is theirs to judge.
    fn foreign(&self, policy: &Policy) -> Vec<String> {
        policy::of_environment(policy, &self.grants, &self.family)
            .difference(&self.grants)
            .map(|grant| policy::line(grant, ""))
            .collect()
    }

    async fn modify(&self, gcp: &Gcp, delta: &Delta, monitor: &dyn Monitor) -> Outcome<()> {
        let resource = &self.resource();
        let subject = format!("project {}", self.project);
        modify_policy!(
            gcp,
            projects,
            "cloudresourcemanager",
            resource,
            &subject,
            "",
            delta,
            None,
            monitor
        )
        .await
    }
}

#[async_trait]
impl Object for Wanted<ProjectGrants> {
    async fn observe(&self, gcp: &Gcp, _: &Component) -> Outcome<Observation> {
        let resource = &self.resource();
        let policy = read_policy!(gcp, projects, "cloudresourcemanager", resource).await?;
        let standing = policy::of_environment(&policy, &self.grants, &self.family);
        if standing.is_disjoint(&self.grants) {
            return Ok(Observation::Absent);
        }
        let mut present = self.present(standing);
        present.foreign = self.foreign(&policy);
        Ok(Observation::Present(present))
    }

    async fn create(&self, gcp: &Gcp, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let delta = Delta {
            add: self.grants.clone(),
            ..Delta::default()
        };
        self.modify(gcp, &delta, monitor).await?;
        Ok(self.present(self.grants.clone()))
    }

    async fn update(&self, gcp: &Gcp, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        let delta = Delta {
            add: self.grants.clone(),
            remove: change.withdrawn("grants"),
            remove_lines: change.found.foreign.clone(),
        };
        self.modify(gcp, &delta, change.monitor).await
    }

    async fn delete(&self, gcp: &Gcp, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        let standing: BTreeSet<Grant> = found
            .properties
            .get("grants")
            .and_then(|grants| serde_json::from_value(grants.clone()).ok())
            .unwrap_or_default();
        let delta = Delta {
            remove: standing.union(&self.grants).cloned().collect(),
            remove_lines: found.foreign.clone(),
            ..Delta::default()
        };
        self.modify(gcp, &delta, monitor).await
    }
}
