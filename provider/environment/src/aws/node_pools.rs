//! Node pools.

use super::blueprint::Draft;
use super::network::{private_subnets, ways_out};
use super::{NodePool, Taint};
use crate::component::{Address, Kind};
use crate::spec::TaintSpec;
use crate::{names, reference};

pub(super) fn add(draft: &mut Draft<'_>) {
    let before = ways_out(&draft.aws.network);
    for (key, spec) in &draft.spec.node_pools {
        let address = ["node_pools", key.as_str()];
        let subnets = private_subnets(&draft.aws.network);
        let name = names::aws::node_group(key, &spec.machine_types, spec.spot, &spec.image_type, &subnets);
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let pool = NodePool {
            cluster: reference::to(&Address::new(&["cluster"]), "name"),
            name: name.clone(),
            role_arn: reference::to(&Address::new(&["identities", "node"]), "arn"),
            subnet_ids: subnets.into_iter().collect(),
            instance_types: spec.machine_types.clone(),
            spot: spec.spot,
            ami_type: spec.image_type.clone(),
            disk_gb: number(spec.disk_gb),
            disk_type: spec.disk_type.clone(),
            min: number(spec.min),
            max: number(spec.max),
            version: draft
                .spec
                .cluster
                .version
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            labels: spec.labels(),
            taints: spec.taints().iter().map(taint).collect(),
            max_unavailable: number(spec.max_unavailable),
            // Pods have two hops to the metadata service: they get no answer, so none can become the node.
            metadata_tokens: "required".to_owned(),
            metadata_hop_limit: 1,
            tags: draft.tags(&address),
        };
        // The id is the pool's, not the group's: it stays when the group is built anew.
        let id = format!("{}/{key}", draft.names.cluster());
        draft
            .want(&address, Kind::AwsNodePool, &pool)
            .id(id)
            .output("name", name)
            .after_all(&before);
    }
}

/// Kubernetes' words in EKS' spelling.
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
