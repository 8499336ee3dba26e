//! Names of what bootstrap makes on AWS.

use super::super::{Spec, Worker};
use super::Place;
use crate::names::hash;
use crate::spec::Tier;

/// Names and ARNs.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    spec: &'a Spec,
    pub(super) place: &'a Place,
}

impl<'a> Names<'a> {
    /// Names of what is asked for.
    #[must_use]
    pub fn new(spec: &'a Spec, place: &'a Place) -> Self {
        Self { spec, place }
    }

    pub(super) fn arn(&self, service: &str, region: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{region}:{}:{resource}",
            self.place.partition, self.place.account
        )
    }

    /// ARN in the region.
    pub(super) fn regional(&self, service: &str, resource: &str) -> String {
        self.arn(service, self.place.region.as_str(), resource)
    }

    /// The state bucket. Bucket names are global: the hash keeps equal names of two accounts or regions apart.
    #[must_use]
    pub fn bucket(&self) -> String {
        format!("{}-tfstate-{}", self.spec.name, hash(&self.spec.id(), 8))
    }

    /// Its ARN.
    #[must_use]
    pub fn bucket_arn(&self) -> String {
        format!("arn:{}:s3:::{}", self.place.partition, self.bucket())
    }

    /// Alias of its key.
    #[must_use]
    pub fn key_alias(&self) -> String {
        format!("alias/{}-tfstate", self.spec.name)
    }

    /// Path of roles and policies: apart from those of environments, so that no provisioner can touch its own.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/mlops-bootstrap/{}/", self.spec.name)
    }

    /// Role of a worker.
    #[must_use]
    pub fn role(&self, worker: Worker, tier: Tier) -> String {
        format!("{}-{}-{}", self.spec.name, tier.as_str(), worker.as_str())
    }

    /// ARN of a worker's role.
    #[must_use]
    pub fn role_arn(&self, worker: Worker, tier: Tier) -> String {
        self.arn(
            "iam",
            "",
            &format!("role{}{}", self.path(), self.role(worker, tier)),
        )
    }

    /// The most that any role of a tier's environment can ever do.
    #[must_use]
    pub fn boundary(&self, tier: Tier) -> String {
        format!("{}-{}-boundary", self.spec.name, tier.as_str())
    }

    /// What both workers of a tier may read.
    #[must_use]
    pub fn reading(&self, tier: Tier) -> String {
        format!("{}-{}-reading", self.spec.name, tier.as_str())
    }

    /// What the provisioner of a tier may do with a network of the environment's own.
    #[must_use]
    pub fn network(&self, tier: Tier) -> String {
        format!("{}-{}-network", self.spec.name, tier.as_str())
    }

    /// The most that any planner or provisioner can ever do.
    #[must_use]
    pub fn worker_boundary(&self) -> String {
        format!("{}-workers-boundary", self.spec.name)
    }

    /// ARN of a policy.
    #[must_use]
    pub fn policy_arn(&self, name: &str) -> String {
        self.arn("iam", "", &format!("policy{}{name}", self.path()))
    }

    /// ARN of an OIDC provider; `issuer` without scheme.
    #[must_use]
    pub fn oidc_provider_arn(&self, issuer: &str) -> String {
        self.arn("iam", "", &format!("oidc-provider/{issuer}"))
    }

    /// Who issues tokens of the infrastructure's repository.
    pub(super) fn issuer(&self) -> &'a str {
        self.spec.forge.issuer()
    }

    /// `amazonaws.com`, or China's.
    pub(super) fn dns_suffix(&self) -> &'static str {
        if self.place.partition == "aws-cn" {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        }
    }
}
