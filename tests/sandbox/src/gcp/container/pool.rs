//! Node pools.

use serde_json::{Value, json};

use super::operation::{Begin, Effect, begin, check_free};
use super::{Cluster, cluster_name, versions};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::gcp::merge::merge;
use crate::gcp::names::{is_label, piece, short};
use crate::gcp::refuse::{exists, invalid, not_found};
use crate::world::World;

/// Accelerators (<https://cloud.google.com/compute/docs/gpus>).
pub(crate) const ACCELERATORS: [&str; 9] = [
    "nvidia-a100-80gb",
    "nvidia-b200",
    "nvidia-h100-80gb",
    "nvidia-h200-141gb",
    "nvidia-l4",
    "nvidia-tesla-a100",
    "nvidia-tesla-p4",
    "nvidia-tesla-t4",
    "nvidia-tesla-v100",
];

/// Scopes of nodes that ask for none (description of `NodeConfig.oauthScopes` and the console's default).
const SCOPES: [&str; 7] = [
    "https://www.googleapis.com/auth/devstorage.read_only",
    "https://www.googleapis.com/auth/logging.write",
    "https://www.googleapis.com/auth/monitoring",
    "https://www.googleapis.com/auth/service.management.readonly",
    "https://www.googleapis.com/auth/servicecontrol",
    "https://www.googleapis.com/auth/trace.append",
    "https://www.googleapis.com/auth/monitoring.write",
];

/// A pool that stands.
pub(super) fn standing<'a>(world: &'a World, name: &str) -> Result<&'a Value, Refusal> {
    super::standing(world, name)?
        .pools
        .get(piece(name, "nodePools"))
        .ok_or_else(|| not_found(format!("Not found: {name}.")))
}

/// Whether a machine type is of a family that Compute Engine has (<https://cloud.google.com/compute/docs/machine-resource>).
pub(crate) fn is_machine(machine: &str) -> bool {
    let pieces: Vec<&str> = machine.split('-').collect();
    let families = [
        "a2", "a3", "a4", "c2", "c2d", "c3", "c3d", "c4", "c4a", "c4d", "e2", "f1", "g1", "g2", "g4", "h3",
        "m1", "m2", "m3", "n1", "n2", "n2d", "n4", "n4d", "t2a", "t2d", "z3",
    ];
    let number = |piece: &&str| {
        piece
            .trim_end_matches('g')
            .parse::<u32>()
            .is_ok_and(|cpus| (1..=416).contains(&cpus))
    };
    match pieces.as_slice() {
        ["e2", "micro" | "small" | "medium"] | ["f1", "micro"] | ["g1", "small"] => true,
        [family, "custom", ..] => families.contains(family),
        [
            family,
            "standard" | "highmem" | "highcpu" | "highgpu" | "megagpu" | "ultragpu" | "megamem" | "ultramem"
            | "edgegpu",
            cpus,
            ..,
        ] => families.contains(family) && number(cpus),
        _ => false,
    }
}

/// A pool as it stands after creation: what was asked for, what is filled in.
///
/// # Errors
/// 400 for what no pool can be.
pub(super) fn filled(
    world: &mut World,
    cluster: &Value,
    full: &str,
    given: &Value,
    at: jiff::Timestamp,
) -> Result<Value, Refusal> {
    let name = given.get("name").and_then(Value::as_str).unwrap_or_default();
    // 40 characters, as the console says; the words are a guess.
    if !is_label(name, 1, 40) {
        return Err(invalid(format!(
            "Node pool name \"{name}\" is invalid: it must match regex '(?:[a-z](?:[-a-z0-9]{{0,38}}[a-z0-9])?)'."
        )));
    }
    let text = |value: &Value, path: &str| {
        value
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let number = |path: &str| given.pointer(path).and_then(Value::as_i64).unwrap_or(0);
    let machine = text(given, "/config/machineType");
    if !machine.is_empty() && !is_machine(&machine) {
        // Words of Compute Engine's, as they come through in public issues.
        return Err(invalid(format!(
            "Machine type with name '{machine}' does not exist."
        )));
    }
    for accelerator in given
        .pointer("/config/accelerators")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let kind = text(accelerator, "/acceleratorType");
        if !ACCELERATORS.contains(&kind.as_str()) {
            return Err(invalid(format!("Accelerator type \"{kind}\" does not exist.")));
        }
    }
    check_scaling(given.get("autoscaling").unwrap_or(&Value::Null))?;
    let scaled = given
        .pointer("/autoscaling/enabled")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    if number("/initialNodeCount") < 0
        || (number("/initialNodeCount") == 0 && !scaled && given.get("initialNodeCount").is_none())
    {
        // Seen in public issues for the field of the same name on the cluster.
        return Err(invalid("NodePool.initial_node_count must be greater than zero."));
    }
    check_account(world, &text(given, "/config/serviceAccount"), at)?;
    let version = match text(given, "/version").as_str() {
        "" | "-" => text(cluster, "/currentMasterVersion"),
        alias => versions::resolve(alias, &text(cluster, "/releaseChannel/channel"))?.to_owned(),
    };
    if versions::numbers(&version) > versions::numbers(&text(cluster, "/currentMasterVersion")) {
        // Words from public issues.
        return Err(invalid(format!(
            "Node version \"{version}\" must not be greater than master version."
        )));
    }
    let locations = given
        .get("locations")
        .filter(|locations| !locations.is_null())
        .or_else(|| cluster.get("locations"))
        .cloned()
        .unwrap_or_else(|| json!([]));
    let project = piece(full, "projects");
    let groups: Vec<String> = locations
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|zone| {
            let suffix = world.random.hex(8);
            format!(
                "https://www.googleapis.com/compute/v1/projects/{project}/zones/{zone}/instanceGroupManagers/gke-{}-{name}-{suffix}-grp",
                short(cluster_name(full)),
            )
        })
        .collect();
    let mut pool = json!({
        "config": {
            "machineType": "e2-medium",
            "diskSizeGb": 100,
            "diskType": "pd-balanced",
            "imageType": "COS_CONTAINERD",
            "serviceAccount": "default",
            "oauthScopes": SCOPES,
            "metadata": {"disable-legacy-endpoints": "true"},
            "shieldedInstanceConfig": {"enableIntegrityMonitoring": true},
        },
        "management": {"autoUpgrade": true, "autoRepair": true},
        "maxPodsConstraint": {"maxPodsPerNode": "110"},
        "podIpv4CidrSize": 24,
        "upgradeSettings": {"maxSurge": 1, "strategy": "SURGE"},
    });
    merge(&mut pool, given);
    if let Some(scopes) = given
        .pointer("/config/oauthScopes")
        .filter(|scopes| scopes.as_array().is_some_and(|s| !s.is_empty()))
    {
        pool["config"]["oauthScopes"] = scopes.clone();
    }
    pool["version"] = json!(version);
    pool["locations"] = locations;
    pool["instanceGroupUrls"] = json!(groups);
    pool["selfLink"] = json!(format!(
        "https://container.googleapis.com/v1/{full}/nodePools/{name}"
    ));
    pool["status"] = json!("PROVISIONING");
    pool["etag"] = json!(world.random.uuid());
    Ok(pool)
}

/// Bounds of autoscaling: per zone or over all zones, never both (description of `NodePoolAutoscaling`; words are a guess).
pub(super) fn check_scaling(scaling: &Value) -> Result<(), Refusal> {
    let number = |name: &str| scaling.get(name).and_then(Value::as_i64).unwrap_or(0);
    let zonal = number("minNodeCount") != 0 || number("maxNodeCount") != 0;
    let total = number("totalMinNodeCount") != 0 || number("totalMaxNodeCount") != 0;
    if zonal && total {
        return Err(invalid(
            "Invalid autoscaling: total_min_node_count and total_max_node_count are mutually exclusive with min_node_count and \
             max_node_count.",
        ));
    }
    let enabled = scaling.get("enabled").and_then(Value::as_bool).unwrap_or(false);
    let (min, max) = (
        number("minNodeCount").max(number("totalMinNodeCount")),
        number("maxNodeCount").max(number("totalMaxNodeCount")),
    );
    if enabled && (max < 1 || min > max || min < 0) {
        return Err(invalid(format!(
            "Invalid autoscaling: the minimum of {min} and the maximum of {max} must satisfy 0 <= minimum <= maximum, 1 <= maximum."
        )));
    }
    Ok(())
}

/// The nodes' account must exist; words from public issues.
fn check_account(world: &World, email: &str, at: jiff::Timestamp) -> Result<(), Refusal> {
    if email.is_empty() || email == "default" || world.gcp.account_stands(email, at, world.behaviour.lag) {
        return Ok(());
    }
    Err(invalid(format!("Service account \"{email}\" does not exist.")))
}

/// `nodePools.create`.
pub(super) fn create(world: &mut World, call: &Call, parent: &str) -> Result<Answer, Refusal> {
    let cluster: Cluster = super::standing(world, parent)?.clone();
    let given = call.body().get("nodePool").cloned().unwrap_or_default();
    let name = given
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if cluster.pools.contains_key(&name) {
        return Err(exists(format!("Already exists: {parent}/nodePools/{name}.")));
    }
    check_free(world.gcp.project(parent)?, parent, Some(&name), call.at)?;
    let pool = filled(world, &cluster.body, parent, &given, call.at)?;
    if let Some(cluster) = world.gcp.project_mut(parent)?.container.clusters.get_mut(parent) {
        cluster.pools.insert(name.clone(), pool);
    }
    begin(
        world,
        call,
        Begin {
            kind: "CREATE_NODE_POOL",
            work: "container.nodePool.create",
            // From public Terraform logs: 64 to 116 seconds.
            usual: 90.0,
            cluster: parent,
            pool: Some(&name),
            effect: Effect::Run,
        },
    )
}

/// `nodePools.delete`.
pub(super) fn delete(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    standing(world, name)?;
    let (parent, pool) = (cluster_name(name), piece(name, "nodePools"));
    check_free(world.gcp.project(name)?, parent, Some(pool), call.at)?;
    let cluster = world.gcp.project_mut(name)?.container.clusters.get_mut(parent);
    if let Some(body) = cluster.and_then(|cluster| cluster.pools.get_mut(pool)) {
        body["status"] = json!("STOPPING");
    }
    begin(
        world,
        call,
        Begin {
            kind: "DELETE_NODE_POOL",
            work: "container.nodePool.delete",
            // No published figure was found: a guess between a creation's and a cluster's.
            usual: 120.0,
            cluster: parent,
            pool: Some(pool),
            effect: Effect::Remove,
        },
    )
}
