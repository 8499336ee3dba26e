//! The control plane: the environment's own, or somebody else's.

use mlops_access::Purpose;

use super::blueprint::Draft;
use super::network::private_subnets;
use super::{Cluster, ExistingCluster};
use crate::component::{Address, Kind, Management, OnDestroy};
use crate::reference;

pub(super) fn add(draft: &mut Draft<'_>) {
    let spec = draft.spec;
    let name = draft.names.cluster().to_owned();
    let arn = draft.names.cluster_arn();
    let cluster = Cluster {
        name: name.clone(),
        role_arn: reference::to(&Address::new(&["identities", "cluster"]), "arn"),
        version: spec
            .cluster
            .version
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        subnet_ids: private_subnets(&draft.aws.network).into_iter().collect(),
        endpoint_private: spec.cluster.endpoint.private,
        endpoint_public: spec.cluster.endpoint.public,
        public_cidrs: spec
            .cluster
            .endpoint
            .public_cidrs
            .iter()
            .map(ToString::to_string)
            .collect(),
        encryption_key: draft.key("cluster"),
        log_types: spec.cluster.log_types.clone(),
        deletion_protection: spec.protect_deletion,
        extended_support: draft.aws.extended_support,
        tags: draft.tags(&["cluster"]),
    };
    draft
        .want(&["cluster"], Kind::AwsCluster, &cluster)
        .id(name.clone())
        .output("arn", arn)
        .output("name", name)
        .after(&["log_groups", "cluster"])
        .after(&["network"]);
}

/// Only looked at: it has to be of a kind that identities can be wired to.
pub(super) fn add_existing(draft: &mut Draft<'_>) {
    let name = draft.names.cluster().to_owned();
    let arn = draft.names.cluster_arn();
    let enters = draft.spec.has_identity(Purpose::Deploy) || !draft.spec.cluster.admins.is_empty();
    let cluster = ExistingCluster {
        name: name.clone(),
        issuer: true,
        access_entries: enters,
    };
    draft
        .want(&["cluster"], Kind::AwsExistingCluster, &cluster)
        .id(name.clone())
        .output("arn", arn)
        .output("name", name)
        .managed(Management::Existing)
        .on_destroy(OnDestroy::Retain);
}
