//! Kubernetes Engine: clusters, node pools and the operations that change them.

mod cluster;
mod operation;
mod pool;
mod update;
mod versions;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Project;
use super::names::{check_location, piece};
use super::refuse::{not_carried, not_found};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

pub use operation::{Effect, Operation};
pub(super) use pool::{ACCELERATORS, is_machine};

/// A project's clusters.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// Clusters by full name (`projects/<id>/locations/<location>/clusters/<cluster>`).
    pub clusters: BTreeMap<String, Cluster>,
    /// Operations by full name.
    pub operations: BTreeMap<String, Operation>,
    /// What is to go wrong: clusters and pools, by short name, whose next operation ends in this error message.
    pub doomed: BTreeMap<String, String>,
}

/// One cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// As the API describes it, without its pools.
    pub body: Value,
    /// Node pools by short name, as the API describes them.
    pub pools: BTreeMap<String, Value>,
}

impl Cluster {
    /// As the API tells it, with its pools and what follows from them.
    fn told(&self) -> Value {
        let mut told = self.body.clone();
        let pools: Vec<Value> = self.pools.values().cloned().collect();
        let nodes: u64 = pools
            .iter()
            .map(|pool| {
                let zones = pool
                    .get("locations")
                    .and_then(Value::as_array)
                    .map_or(1, Vec::len) as u64;
                pool.get("initialNodeCount").and_then(Value::as_u64).unwrap_or(0) * zones
            })
            .sum();
        if nodes > 0 {
            told["currentNodeCount"] = json!(nodes);
        }
        if let Some(first) = pools.first() {
            told["nodeConfig"] = first.get("config").cloned().unwrap_or_else(|| json!({}));
            told["currentNodeVersion"] = first.get("version").cloned().unwrap_or_default();
            told["instanceGroupUrls"] = pools
                .iter()
                .flat_map(|pool| {
                    pool.get("instanceGroupUrls")
                        .and_then(Value::as_array)
                        .into_iter()
                        .flatten()
                })
                .cloned()
                .collect();
        }
        if !pools.is_empty() {
            told["nodePools"] = Value::Array(pools);
        }
        told
    }
}

/// Carries out operations that have ended.
pub(super) fn settle(id: &str, project: &mut Project, at: Timestamp) {
    operation::settle(id, project, at);
}

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const OF: &str = "container.projects.locations.";
    let method = call.operation.strip_prefix(OF).unwrap_or_default();
    let name = call
        .text("name")
        .or_else(|| call.text("parent"))
        .unwrap_or_default();
    let name = world.gcp.with_id(name)?;
    let location = piece(&name, "locations");
    if location != "-" {
        check_location(location, true, &[])?;
    }
    match method {
        "getServerConfig" => Ok(versions::config().into()),
        "clusters.create" => cluster::create(world, call, &name),
        "clusters.get" => Ok(standing(world, &name)?.told().into()),
        "clusters.list" => {
            let clusters: Vec<Value> = world
                .gcp
                .project(&name)?
                .container
                .clusters
                .iter()
                .filter(|(known, _)| location == "-" || piece(known, "locations") == location)
                .map(|(_, cluster)| cluster.told())
                .collect();
            Ok(some("clusters", clusters))
        }
        "clusters.delete" => cluster::delete(world, call, &name),
        "clusters.update" => update::cluster(world, call, &name),
        "clusters.setResourceLabels" => update::labels(world, call, &name),
        "clusters.setLegacyAbac" => update::legacy_abac(world, call, &name),
        "clusters.setMaintenancePolicy" => update::maintenance(world, call, &name),
        "clusters.getJwks" => {
            standing(world, &name)?;
            Ok(json!({"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "sandbox", "n": "AQAB", "e": "AQAB"}]}).into())
        }
        "clusters.well-known.getOpenid-configuration" => {
            standing(world, &name)?;
            let issuer = format!("https://container.googleapis.com/v1/{name}");
            Ok(json!({
                "issuer": issuer,
                "jwks_uri": format!("{issuer}/jwks"),
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "claims_supported": ["iss", "sub", "kubernetes.io"],
                "grant_types": ["urn:kubernetes:grant_type:programmatic_authorization"],
            })
            .into())
        }
        "clusters.nodePools.create" => pool::create(world, call, &name),
        "clusters.nodePools.get" => Ok(pool::standing(world, &name)?.clone().into()),
        "clusters.nodePools.list" => {
            let pools = standing(world, &name)?.pools.values().cloned().collect();
            Ok(some("nodePools", pools))
        }
        "clusters.nodePools.delete" => pool::delete(world, call, &name),
        "clusters.nodePools.update" => update::pool(world, call, &name),
        "clusters.nodePools.setSize" => update::size(world, call, &name),
        "clusters.nodePools.setAutoscaling" => update::autoscaling(world, call, &name),
        "clusters.nodePools.setManagement" => update::management(world, call, &name),
        "operations.get" => operation::get(world, call, &name),
        "operations.list" => operation::list(world, call, &name),
        "operations.cancel" => operation::cancel(world, call, &name),
        _ => Err(not_carried(&call.operation)),
    }
}

/// A list that is left out when it is empty, as protobuf's JSON does.
fn some(member: &str, values: Vec<Value>) -> Answer {
    if values.is_empty() {
        Answer::empty()
    } else {
        json!({member: values}).into()
    }
}

/// A cluster that stands.
fn standing<'a>(world: &'a World, name: &str) -> Result<&'a Cluster, Refusal> {
    world
        .gcp
        .project(name)?
        .container
        .clusters
        .get(cluster_name(name))
        .ok_or_else(|| not_found(format!("Not found: {}.", cluster_name(name))))
}

/// The cluster's part of a name.
fn cluster_name(name: &str) -> &str {
    name.split_once("/nodePools").map_or(name, |(cluster, _)| cluster)
}
