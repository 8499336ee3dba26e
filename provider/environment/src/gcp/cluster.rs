//! The control plane, with the pools it is made with; or somebody else's.

use std::collections::BTreeSet;

use super::blueprint::Draft;
use super::{Cluster, ExistingCluster};
use crate::component::{Address, Kind, Management, OnDestroy};

pub(super) fn add(draft: &mut Draft<'_>) {
    let spec = draft.spec;
    let Some(place) = super::network::in_use(&draft.gcp.network) else {
        return;
    };
    let initial_pools = spec
        .node_pools
        .iter()
        .map(|(name, pool)| {
            let address = Address::new(&["node_pools", name.as_str()]);
            (
                address.to_string(),
                super::node_pools::properties(draft, name, pool),
            )
        })
        .collect();
    let name = draft.names.cluster_name();
    let cluster = Cluster {
        name: name.clone(),
        version: spec
            .cluster
            .version
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        release_channel: spec.cluster.release_channel.unwrap_or("REGULAR").to_owned(),
        network: place.network,
        subnetwork: place.subnetwork,
        pods_range: place.pods_range,
        services_range: place.services_range,
        private_nodes: true,
        dns_endpoint: draft.gcp.dns_endpoint,
        endpoint_private: spec.cluster.endpoint.private,
        endpoint_public: spec.cluster.endpoint.public,
        public_cidrs: spec
            .cluster
            .endpoint
            .public_cidrs
            .iter()
            .map(ToString::to_string)
            .collect(),
        workload_pool: draft.names.workload_pool(),
        database_encryption_key: draft.key("cluster"),
        shielded_nodes: true,
        log_components: log_components(&spec.cluster.log_types),
        tags: draft.tags(&["cluster"]),
        initial_pools,
    };
    let workload_pool = cluster.workload_pool.clone();
    draft
        .want(&["cluster"], Kind::GcpCluster, &cluster)
        .id(name.clone())
        .output("name", spec.id.name.to_string())
        .output("issuer", issuer(&name))
        .output("workload_pool", workload_pool)
        .after(&["log_groups", "cluster"])
        .after(&["identities", "node"])
        .after(&["project_grants"])
        .after(&["network"])
        .after_all(&place.ways_out);
}

/// <https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity>
fn issuer(name: &str) -> String {
    format!("https://container.googleapis.com/v1/{name}")
}

/// Only looked at: its pods have to become identities.
pub(super) fn add_existing(draft: &mut Draft<'_>) {
    let cluster = ExistingCluster {
        name: draft.names.cluster_name(),
        workload_pool: draft.names.workload_pool(),
    };
    let short = draft.names.cluster().to_owned();
    draft
        .want(&["cluster"], Kind::GcpExistingCluster, &cluster)
        .id(cluster.name.clone())
        .output("name", short)
        .output("issuer", issuer(&cluster.name))
        .output("workload_pool", cluster.workload_pool)
        .managed(Management::Existing)
        .on_destroy(OnDestroy::Retain);
}

/// The same logs under GKE's names. Audit logs are always there; what nodes and workloads write is always taken.
/// <https://cloud.google.com/kubernetes-engine/docs/how-to/view-logs#control_plane_logs>
fn log_components(types: &BTreeSet<String>) -> BTreeSet<String> {
    let named = types.iter().filter_map(|name| match name.as_str() {
        "api" => Some("APISERVER"),
        "controllerManager" => Some("CONTROLLER_MANAGER"),
        "scheduler" => Some("SCHEDULER"),
        _ => None,
    });
    ["SYSTEM_COMPONENTS", "WORKLOADS"]
        .into_iter()
        .chain(named)
        .map(str::to_owned)
        .collect()
}
