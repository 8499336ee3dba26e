//! Names of what bootstrap makes on Google Cloud.

use super::super::{Spec, Worker};
use super::Place;
use super::roles::Role;
use crate::names::hash;
use crate::spec::Tier;

/// Names and e-mails.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    spec: &'a Spec,
    place: &'a Place,
}

impl<'a> Names<'a> {
    /// Names of what is asked for.
    #[must_use]
    pub fn new(spec: &'a Spec, place: &'a Place) -> Self {
        Self { spec, place }
    }

    /// The state bucket. Bucket names are global: the hash keeps equal names of two projects or regions apart.
    #[must_use]
    pub fn bucket(&self) -> String {
        format!("{}-tfstate-{}", self.spec.name, hash(&self.spec.id(), 8))
    }

    /// Key ring of the states' key.
    #[must_use]
    pub fn key_ring(&self) -> String {
        format!(
            "projects/{}/locations/{}/keyRings/{}-tfstate",
            self.place.project, self.place.region, self.spec.name
        )
    }

    /// The states' key.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/cryptoKeys/state", self.key_ring())
    }

    /// Id of the workload identity pool. Those of environments begin with `mlops-`.
    #[must_use]
    pub fn pool_id(&self) -> String {
        format!("bootstrap-{}", self.spec.name)
    }

    /// The pool, under the project's id or number.
    #[must_use]
    pub fn pool(&self, project: &str) -> String {
        format!(
            "projects/{project}/locations/global/workloadIdentityPools/{}",
            self.pool_id()
        )
    }

    /// The provider for the forge, as principals and workflows name it: by the project's number.
    #[must_use]
    pub fn provider(&self) -> String {
        format!(
            "{}/providers/{}",
            self.pool(&self.place.number),
            self.spec.forge.as_str()
        )
    }

    /// Jobs that pass a gate.
    pub(super) fn gate(&self, gate: &str) -> String {
        format!(
            "principalSet://iam.googleapis.com/{}/attribute.gate/{gate}",
            self.pool(&self.place.number)
        )
    }

    /// Id of a worker's account: 30 characters at most.
    #[must_use]
    pub fn account_id(&self, worker: Worker, tier: Tier) -> String {
        let prefix = match worker {
            Worker::Planner => "pl",
            Worker::Provisioner => "pv",
        };
        format!("{prefix}-{}-{}-{}", self.spec.name, tier.as_str(), self.digits())
    }

    fn digits(&self) -> String {
        hash(&self.spec.id(), 6)
    }

    fn email_of(&self, id: &str) -> String {
        format!("{id}@{}.iam.gserviceaccount.com", self.place.project)
    }

    /// E-mail of a worker's account.
    #[must_use]
    pub fn email(&self, worker: Worker, tier: Tier) -> String {
        self.email_of(&self.account_id(worker, tier))
    }

    /// How e-mails of all workers end.
    #[must_use]
    pub fn family(&self) -> String {
        self.email_of(&self.digits())
    }

    /// A custom role. Ids of roles have no hyphens.
    pub(super) fn role(&self, role: Role) -> String {
        format!(
            "projects/{}/roles/mlops_{}_{}",
            self.place.project,
            self.spec.name.as_str().replace('-', "_"),
            role.as_str()
        )
    }
}
