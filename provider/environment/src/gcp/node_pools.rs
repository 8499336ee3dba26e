//! Node pools.

use mlops_access::Purpose;

use super::blueprint::Draft;
use super::{Accelerator, NodePool, Taint};
use crate::component::Kind;
use crate::names;
use crate::spec::{NodePoolName, NodePoolSpec, TaintSpec};

pub(super) fn add(draft: &mut Draft<'_>) {
    for (key, spec) in &draft.spec.node_pools {
        let pool = properties(draft, key, spec);
        let address = ["node_pools", key.as_str()];
        // The id is the pool's, not the node pool's: it stays when that is built anew.
        let id = format!("{}/nodePools/{key}", draft.names.cluster_name());
        let name = pool.name.clone();
        draft
            .want(&address, Kind::GcpNodePool, &pool)
            .id(id)
            .output("name", name)
            .after(&["cluster"]);
    }
}

/// What is wanted of a pool, made with the cluster or later.
pub(super) fn properties(draft: &Draft<'_>, key: &NodePoolName, spec: &NodePoolSpec) -> NodePool {
    let accelerator = spec
        .accelerator
        .as_ref()
        .map(|accelerator| (accelerator.kind, accelerator.count));
    let zones = if draft.gcp.location.is_zone() { 1 } else { 3 };
    let version = draft.spec.cluster.version.as_ref();
    NodePool {
        cluster: draft.names.cluster_name(),
        name: names::gcp::node_pool(key, spec.spot, accelerator),
        service_account: draft.names.email(&draft.names.account_id(Purpose::Node, None)),
        machine_type: spec.machine_types.first().cloned().unwrap_or_default(),
        spot: spec.spot,
        accelerator: accelerator.map(|(kind, count)| Accelerator {
            kind: kind.to_owned(),
            count: count.into(),
        }),
        image_type: spec.image_type.clone(),
        disk_gb: spec.disk_gb.into(),
        disk_type: spec.disk_type.clone(),
        min: spec.min.into(),
        max: spec.max.into(),
        // A region's pool begins in three zones; the autoscaler takes it from there.
        initial_count: i64::from(spec.min.div_ceil(zones)),
        version: version.map(ToString::to_string).unwrap_or_default(),
        labels: spec.labels(),
        taints: spec.taints().iter().map(taint).collect(),
        max_surge: 1,
        max_unavailable: spec.max_unavailable.into(),
        metadata_mode: "GKE_METADATA".to_owned(),
        tags: draft.tags(&["node_pools", key.as_str()]),
    }
}

/// Kubernetes' words in GKE's spelling.
fn taint(taint: &TaintSpec) -> Taint {
    let effect = match taint.effect.as_str() {
        "NoExecute" => "NO_EXECUTE",
        "PreferNoSchedule" => "PREFER_NO_SCHEDULE",
        _ => "NO_SCHEDULE",
    };
    Taint {
        key: taint.key.clone(),
        value: taint.value.clone(),
        effect: effect.to_owned(),
    }
}
