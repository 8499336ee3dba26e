//! Changing clusters and node pools.

use serde_json::{Map, Value, json};

use super::operation::{Begin, Effect, begin, check_free};
use super::{cluster_name, pool as pools, versions};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::gcp::names::piece;
use crate::gcp::refuse::{invalid, precondition};
use crate::world::World;

/// Members of `ClusterUpdate` that go together with others.
const COMPANIONS: [&str; 4] = [
    "desiredNodePoolId",
    "desiredImageType",
    "desiredImage",
    "desiredImageProject",
];

/// `clusters.update`: one change at a time (description of `ClusterUpdate`).
pub(super) fn cluster(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let standing = super::standing(world, name)?.clone();
    let update = call
        .body()
        .get("update")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    check_etag(&standing.body, update.get("etag"))?;
    let main: Vec<&String> = update
        .keys()
        .filter(|member| member.starts_with("desired") && !COMPANIONS.contains(&member.as_str()))
        .collect();
    let [desired] = main.as_slice() else {
        // That there is one stands in the description; the words are a guess.
        return Err(invalid(
            if main.is_empty() && !update.contains_key("desiredImageType") {
                "Must specify a field to update.".to_owned()
            } else {
                format!(
                    "Exactly one update can be applied to a cluster with each request: {} are given.",
                    main.iter()
                        .map(|member| member.as_str())
                        .collect::<Vec<_>>()
                        .join(", ")
                )
            },
        ));
    };
    let value = &update[*desired];
    let pool = update.get("desiredNodePoolId").and_then(Value::as_str);
    check_free(world.gcp.project(name)?, name, None, call.at)?;
    let change = |member: &str, value: &Value| Effect::Change {
        cluster: json!({member: value}),
        pools: Vec::new(),
    };
    let (kind, usual, effect) = match desired.as_str() {
        "desiredMasterVersion" => {
            let version = upgrade(&standing.body, value, "currentMasterVersion")?;
            // Public logs of control plane upgrades: eight to fifteen minutes.
            ("UPGRADE_MASTER", 600.0, change("currentMasterVersion", &version))
        }
        "desiredNodeVersion" => {
            let version = resolved(&standing.body, value)?;
            let chosen = standing
                .pools
                .keys()
                .filter(|known| pool.is_none_or(|pool| pool == *known))
                .map(|known| (known.clone(), json!({"version": version})))
                .collect();
            let effect = Effect::Change {
                cluster: json!({}),
                pools: chosen,
            };
            ("UPGRADE_NODES", 600.0, effect)
        }
        "desiredNodePoolAutoscaling" => {
            pools::check_scaling(value)?;
            let effect = Effect::Change {
                cluster: json!({}),
                pools: vec![(
                    pool.unwrap_or("default-pool").to_owned(),
                    json!({"autoscaling": value}),
                )],
            };
            ("UPDATE_CLUSTER", 60.0, effect)
        }
        "desiredDefaultEnablePrivateNodes" => (
            "UPDATE_CLUSTER",
            120.0,
            change("networkConfig", &json!({"defaultEnablePrivateNodes": value})),
        ),
        "desiredLocations" => ("UPDATE_CLUSTER", 120.0, change("locations", value)),
        "desiredWorkloadIdentityConfig" => {
            let asked = value
                .get("workloadPool")
                .and_then(Value::as_str)
                .unwrap_or_default();
            super::cluster::check_identity(piece(name, "projects"), asked)?;
            ("UPDATE_CLUSTER", 120.0, change("workloadIdentityConfig", value))
        }
        "desiredDatabaseEncryption" => {
            super::cluster::check_encryption(world, name, &json!({"databaseEncryption": value}))?;
            ("UPDATE_CLUSTER", 300.0, change("databaseEncryption", value))
        }
        "desiredDatapathProvider" => {
            return Err(invalid(
                "The datapath provider cannot be changed in place to this value.",
            ));
        }
        other => {
            let member = plain(other);
            if !CHANGEABLE.contains(&member.as_str()) {
                return Err(crate::gcp::refuse::not_carried(&format!(
                    "container update of {other}"
                )));
            }
            // Lists and messages are replaced whole, except add-ons, which are told one by one.
            let mut patch = value.clone();
            if !matches!(member.as_str(), "addonsConfig" | "controlPlaneEndpointsConfig") {
                clear_missing(&mut patch, standing.body.get(&member));
            }
            ("UPDATE_CLUSTER", 120.0, change(&member, &patch))
        }
    };
    reconcile(world, name, None, &effect)?;
    let effect = with_etag(world, effect);
    begin(
        world,
        call,
        Begin {
            kind,
            work: "container.cluster.update",
            usual,
            cluster: name,
            pool: None,
            effect,
        },
    )
}

/// Members of a cluster that `desired…` of the same name changes.
const CHANGEABLE: [&str; 23] = [
    "addonsConfig",
    "autoscaling",
    "binaryAuthorization",
    "controlPlaneEndpointsConfig",
    "costManagementConfig",
    "fleet",
    "gatewayApiConfig",
    "identityServiceConfig",
    "loggingConfig",
    "loggingService",
    "masterAuthorizedNetworksConfig",
    "meshCertificates",
    "monitoringConfig",
    "monitoringService",
    "notificationConfig",
    "privateClusterConfig",
    "rbacBindingConfig",
    "releaseChannel",
    "resourceUsageExportConfig",
    "secretManagerConfig",
    "securityPostureConfig",
    "shieldedNodes",
    "verticalPodAutoscaling",
];

/// `releaseChannel` of `desiredReleaseChannel`; some names differ.
fn plain(desired: &str) -> String {
    let rest = desired.strip_prefix("desired").unwrap_or(desired);
    let mut characters = rest.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    let name: String = first.into_iter().chain(characters).collect();
    match name.as_str() {
        "clusterAutoscaling" => "autoscaling".to_owned(),
        _ => name,
    }
}

/// Sets to `null` what a message had and its successor has not, so that merging replaces it.
fn clear_missing(patch: &mut Value, standing: Option<&Value>) {
    if let (Value::Object(patch), Some(Value::Object(standing))) = (patch, standing) {
        for (name, before) in standing {
            match patch.get_mut(name) {
                Some(after) => clear_missing(after, Some(before)),
                None => {
                    patch.insert(name.clone(), Value::Null);
                }
            }
        }
    }
}

fn resolved(cluster: &Value, value: &Value) -> Result<Value, Refusal> {
    let channel = cluster
        .pointer("/releaseChannel/channel")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let alias = value.as_str().unwrap_or_default();
    let version = match alias {
        // The control plane's version (description of `desiredNodeVersion`).
        "-" => cluster
            .get("currentMasterVersion")
            .and_then(Value::as_str)
            .unwrap_or_default(),
        alias => versions::resolve(alias, channel)?,
    };
    let master = cluster
        .get("currentMasterVersion")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if versions::numbers(version) > versions::numbers(master) {
        return Err(invalid(format!(
            "Node version \"{version}\" must not be greater than master version."
        )));
    }
    Ok(json!(version))
}

/// The version that a control plane goes to: one minor at most at a time, never back
/// (<https://cloud.google.com/kubernetes-engine/docs/how-to/upgrading-a-cluster>); words are guesses.
fn upgrade(cluster: &Value, value: &Value, member: &str) -> Result<Value, Refusal> {
    let channel = cluster
        .pointer("/releaseChannel/channel")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let version = versions::resolve(value.as_str().unwrap_or_default(), channel)?;
    let from = cluster.get(member).and_then(Value::as_str).unwrap_or_default();
    let (before, after) = (versions::numbers(from), versions::numbers(version));
    if after < before {
        return Err(invalid(format!(
            "Master cannot be downgraded to \"{version}\" from \"{from}\"."
        )));
    }
    if after
        .get(1)
        .zip(before.get(1))
        .is_some_and(|(after, before)| after - before > 1)
    {
        return Err(invalid(format!(
            "Master cannot be upgraded to \"{version}\": cannot upgrade the master more than a minor version at a time."
        )));
    }
    Ok(json!(version))
}

/// Optimistic locking (description of `ClusterUpdate.etag`; code and words are a guess).
fn check_etag(standing: &Value, given: Option<&Value>) -> Result<(), Refusal> {
    match given.and_then(Value::as_str) {
        Some(etag) if !etag.is_empty() && standing.get("etag").and_then(Value::as_str) != Some(etag) => Err(
            precondition("The etag does not match: the object was changed in between."),
        ),
        _ => Ok(()),
    }
}

/// Shows that work is under way: the cluster and the pools that it is about reconcile.
fn reconcile(world: &mut World, name: &str, pool: Option<&str>, effect: &Effect) -> Result<(), Refusal> {
    let Some(cluster) = world
        .gcp
        .project_mut(name)?
        .container
        .clusters
        .get_mut(cluster_name(name))
    else {
        return Ok(());
    };
    cluster.body["status"] = json!("RECONCILING");
    let touched = match effect {
        Effect::Change { pools, .. } => pools.iter().map(|(name, _)| name.as_str()).collect(),
        Effect::Run | Effect::Remove => Vec::new(),
    };
    for name in touched.into_iter().chain(pool) {
        if let Some(pool) = cluster.pools.get_mut(name) {
            pool["status"] = json!("RECONCILING");
        }
    }
    Ok(())
}

/// The effect with fresh etags.
fn with_etag(world: &mut World, effect: Effect) -> Effect {
    match effect {
        Effect::Change {
            mut cluster,
            mut pools,
        } => {
            cluster["etag"] = json!(world.random.uuid());
            for (_, change) in &mut pools {
                change["etag"] = json!(world.random.uuid());
            }
            Effect::Change { cluster, pools }
        }
        other => other,
    }
}

fn simple(world: &mut World, call: &Call, name: &str, usual: f64, patch: Value) -> Result<Answer, Refusal> {
    check_free(world.gcp.project(name)?, name, None, call.at)?;
    let effect = Effect::Change {
        cluster: patch,
        pools: Vec::new(),
    };
    reconcile(world, name, None, &effect)?;
    let effect = with_etag(world, effect);
    begin(
        world,
        call,
        Begin {
            kind: "UPDATE_CLUSTER",
            work: "container.cluster.update",
            usual,
            cluster: name,
            pool: None,
            effect,
        },
    )
}

/// `clusters.setResourceLabels`: all labels at once, under the fingerprint of those that were read.
pub(super) fn labels(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let standing = super::standing(world, name)?.body.clone();
    let sent = call
        .body()
        .get("labelFingerprint")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if standing.get("labelFingerprint").and_then(Value::as_str) != Some(sent) {
        // Words from public issues.
        return Err(invalid("Labels could not be set due to fingerprint mismatch."));
    }
    let mut labels = call
        .body()
        .get("resourceLabels")
        .cloned()
        .unwrap_or_else(|| json!({}));
    clear_missing(&mut labels, standing.get("resourceLabels"));
    let patch = json!({"resourceLabels": labels, "labelFingerprint": world.random.hex(8)});
    simple(world, call, name, 30.0, patch)
}

/// `clusters.setLegacyAbac`.
pub(super) fn legacy_abac(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    super::standing(world, name)?;
    let enabled = call
        .body()
        .get("enabled")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    simple(
        world,
        call,
        name,
        60.0,
        json!({"legacyAbac": {"enabled": enabled}}),
    )
}

/// `clusters.setMaintenancePolicy`.
pub(super) fn maintenance(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let standing = super::standing(world, name)?.body.clone();
    let mut policy = call
        .body()
        .get("maintenancePolicy")
        .cloned()
        .unwrap_or_else(|| json!({}));
    clear_missing(&mut policy, standing.get("maintenancePolicy"));
    policy["resourceVersion"] = json!(world.random.hex(8));
    simple(world, call, name, 30.0, json!({"maintenancePolicy": policy}))
}

/// Changes one pool.
fn one(
    world: &mut World,
    call: &Call,
    name: &str,
    kind: &str,
    usual: f64,
    patch: Value,
) -> Result<Answer, Refusal> {
    let (cluster, pool) = (cluster_name(name), piece(name, "nodePools"));
    check_free(world.gcp.project(name)?, cluster, Some(pool), call.at)?;
    let effect = Effect::Change {
        cluster: json!({}),
        pools: vec![(pool.to_owned(), patch)],
    };
    reconcile(world, name, Some(pool), &effect)?;
    let effect = with_etag(world, effect);
    begin(
        world,
        call,
        Begin {
            kind,
            work: "container.nodePool.update",
            usual,
            cluster,
            pool: Some(pool),
            effect,
        },
    )
}

/// `nodePools.update`.
pub(super) fn pool(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let standing = pools::standing(world, name)?.clone();
    let given = call.body().as_object().cloned().unwrap_or_default();
    check_etag(&standing, given.get("etag"))?;
    let cluster = super::standing(world, name)?.body.clone();
    let mut config = Map::new();
    let mut patch = Map::new();
    let mut upgrades = false;
    for (member, value) in &given {
        match member.as_str() {
            "nodeVersion" => {
                let version = match value.as_str() {
                    None | Some("") => continue,
                    Some(_) => resolved(&cluster, value)?,
                };
                upgrades |= standing.get("version") != Some(&version);
                patch.insert("version".to_owned(), version);
            }
            "locations" => {
                if value.as_array().is_some_and(|zones| !zones.is_empty()) {
                    patch.insert(member.clone(), value.clone());
                }
            }
            "upgradeSettings" => {
                patch.insert(member.clone(), value.clone());
            }
            "nodeNetworkConfig" => {
                patch.insert("networkConfig".to_owned(), value.clone());
            }
            // Each wraps a list or a map, so that it can be emptied.
            "labels" | "resourceLabels" | "taints" | "tags" => {
                let inner = match member.as_str() {
                    "resourceLabels" => "labels",
                    other => other,
                };
                let mut inner = value.get(inner).cloned().unwrap_or(match member.as_str() {
                    "taints" | "tags" => json!([]),
                    _ => json!({}),
                });
                clear_missing(&mut inner, standing.pointer(&format!("/config/{member}")));
                config.insert(member.clone(), inner);
            }
            "machineType" => {
                let machine = value.as_str().unwrap_or_default();
                if !pools::is_machine(machine) {
                    return Err(invalid(format!(
                        "Machine type with name '{machine}' does not exist."
                    )));
                }
                config.insert(member.clone(), value.clone());
            }
            "diskSizeGb" => {
                config.insert(
                    member.clone(),
                    json!(value.as_str().and_then(|text| text.parse::<i64>().ok())),
                );
            }
            "imageType" | "diskType" if value.as_str().is_some_and(str::is_empty) => {}
            "imageType"
            | "diskType"
            | "workloadMetadataConfig"
            | "kubeletConfig"
            | "linuxNodeConfig"
            | "gcfsConfig"
            | "confidentialNodes"
            | "fastSocket"
            | "gvnic"
            | "loggingConfig"
            | "resourceManagerTags"
            | "windowsNodeConfig"
            | "accelerators"
            | "containerdConfig" => {
                config.insert(member.clone(), value.clone());
            }
            "etag" | "name" | "projectId" | "zone" | "clusterId" | "nodePoolId" | "image"
            | "imageProject" => {}
            other => {
                return Err(crate::gcp::refuse::not_carried(&format!(
                    "container update of nodePool.{other}"
                )));
            }
        }
    }
    if !config.is_empty() {
        patch.insert("config".to_owned(), Value::Object(config));
    }
    let kind = if upgrades {
        "UPGRADE_NODES"
    } else {
        "UPDATE_CLUSTER"
    };
    // Nodes are exchanged one by one: a guess at a small pool.
    one(world, call, name, kind, 300.0, Value::Object(patch))
}

/// `nodePools.setSize`.
pub(super) fn size(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    pools::standing(world, name)?;
    let count = call.body().get("nodeCount").cloned().unwrap_or_else(|| json!(0));
    one(
        world,
        call,
        name,
        "SET_NODE_POOL_SIZE",
        60.0,
        json!({"initialNodeCount": count}),
    )
}

/// `nodePools.setAutoscaling`.
pub(super) fn autoscaling(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let standing = pools::standing(world, name)?.clone();
    let mut scaling = call
        .body()
        .get("autoscaling")
        .cloned()
        .unwrap_or_else(|| json!({}));
    pools::check_scaling(&scaling)?;
    clear_missing(&mut scaling, standing.get("autoscaling"));
    one(
        world,
        call,
        name,
        "UPDATE_CLUSTER",
        30.0,
        json!({"autoscaling": scaling}),
    )
}

/// `nodePools.setManagement`.
pub(super) fn management(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let standing = pools::standing(world, name)?.clone();
    let mut management = call
        .body()
        .get("management")
        .cloned()
        .unwrap_or_else(|| json!({}));
    let channel = super::standing(world, name)?
        .body
        .pointer("/releaseChannel/channel")
        .cloned();
    let upgrades = management
        .get("autoUpgrade")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    if !upgrades && channel.is_some_and(|channel| channel != "UNSPECIFIED") {
        // Words from public issues.
        return Err(invalid("Auto_upgrade must be true when release_channel is set."));
    }
    clear_missing(&mut management, standing.get("management"));
    one(
        world,
        call,
        name,
        "SET_NODE_POOL_MANAGEMENT",
        30.0,
        json!({"management": management}),
    )
}
