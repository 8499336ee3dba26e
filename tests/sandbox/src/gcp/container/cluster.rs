//! Creating and deleting clusters.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::operation::{Begin, Effect, begin, check_free};
use super::{Cluster, pool, versions};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::gcp::compute;
use crate::gcp::merge::merge;
use crate::gcp::names::{is_label, is_region, piece, region_of, short, zones};
use crate::gcp::refuse::{exists, invalid};
use crate::world::World;

/// `clusters.create`.
pub(super) fn create(world: &mut World, call: &Call, parent: &str) -> Result<Answer, Refusal> {
    let given = call.body().get("cluster").cloned().unwrap_or_default();
    let short_name = given
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if !is_label(&short_name, 1, 40) {
        // The rule stands in the description of `Cluster.name`; the words are a guess.
        return Err(invalid(format!(
            "Invalid value for field \"cluster.name\": \"{short_name}\". Names must be at most 40 characters of lowercase \
             letters, digits and hyphens, starting with a letter and ending with a letter or digit."
        )));
    }
    let name = format!("{parent}/clusters/{short_name}");
    if world.gcp.project(parent)?.container.clusters.contains_key(&name) {
        return Err(exists(format!("Already exists: {name}.")));
    }
    let mut body = filled(world, call, &name, &given)?;
    let mut pools = BTreeMap::new();
    for given in asked_pools(&given)? {
        let pool = pool::filled(world, &body, &name, &given, call.at)?;
        let pool_name = pool
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if pools.insert(pool_name.clone(), pool).is_some() {
            return Err(invalid(format!("Node pool name \"{pool_name}\" is not unique.")));
        }
    }
    // Pools are kept beside the cluster.
    if let Some(members) = body.as_object_mut() {
        for member in ["nodePools", "nodeConfig", "initialNodeCount"] {
            members.remove(member);
        }
    }
    let cluster = Cluster { body, pools };
    world
        .gcp
        .project_mut(parent)?
        .container
        .clusters
        .insert(name.clone(), cluster);
    begin(
        world,
        call,
        Begin {
            kind: "CREATE_CLUSTER",
            work: "container.cluster.create",
            // From recent public Terraform logs: 325, 403 and 562 seconds.
            usual: 400.0,
            cluster: &name,
            pool: None,
            effect: Effect::Run,
        },
    )
}

/// The pools that a request asks for: its list, or the default pool of the older form.
fn asked_pools(given: &Value) -> Result<Vec<Value>, Refusal> {
    let listed = given
        .get("nodePools")
        .and_then(Value::as_array)
        .filter(|pools| !pools.is_empty());
    let count = given.get("initialNodeCount").and_then(Value::as_i64).unwrap_or(0);
    let config = given.get("nodeConfig");
    let autopilot = given
        .pointer("/autopilot/enabled")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    match listed {
        // Descriptions of `initialNodeCount`, `nodeConfig`: "should not be used in conjunction with". Words are a guess.
        Some(_) if count != 0 || config.is_some() => Err(invalid(
            "Cluster.initial_node_count and Cluster.node_config must not be specified if Cluster.node_pools is specified.",
        )),
        Some(pools) => Ok(pools.clone()),
        None if autopilot => Ok(Vec::new()),
        // Words from public issues.
        None if count < 1 => Err(invalid("Cluster.initial_node_count must be greater than zero.")),
        None => Ok(vec![json!({
            "name": "default-pool",
            "initialNodeCount": count,
            "config": config.cloned().unwrap_or_else(|| json!({})),
        })]),
    }
}

/// A cluster as it stands after creation.
fn filled(world: &mut World, call: &Call, name: &str, given: &Value) -> Result<Value, Refusal> {
    let project_id = piece(name, "projects").to_owned();
    let location = piece(name, "locations").to_owned();
    let text = |path: &str| {
        given
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let channel = match text("/releaseChannel/channel").as_str() {
        // Clusters are in the regular channel unless they say otherwise (<https://cloud.google.com/kubernetes-engine/docs/concepts/release-channels>).
        "" if given.get("releaseChannel").is_none() => "REGULAR".to_owned(),
        channel => channel.to_owned(),
    };
    let version = versions::resolve(&text("/initialClusterVersion"), &channel)?;
    check_identity(&project_id, &text("/workloadIdentityConfig/workloadPool"))?;
    check_network(world, &project_id, &location, given)?;
    check_encryption(world, &project_id, given)?;
    let locations = if is_region(&location) {
        zones(&location)
    } else {
        vec![location.clone()]
    };
    let id = world.random.hex(64);
    let endpoint = format!(
        "34.{}.{}.{}",
        64 + world.random.next() % 64,
        world.random.next() % 256,
        1 + world.random.next() % 254
    );
    let number = world.gcp.project(name)?.number;
    let region = if is_region(&location) {
        location.as_str()
    } else {
        region_of(&location).unwrap_or(&location)
    };
    let mut body = json!({
        "network": "default",
        "subnetwork": "default",
        "locations": locations,
        "clusterIpv4Cidr": "10.48.0.0/14",
        "servicesIpv4Cidr": "34.118.224.0/20",
        "addonsConfig": {
            "kubernetesDashboard": {"disabled": true},
            "networkPolicyConfig": {"disabled": true},
            "dnsCacheConfig": {"enabled": true},
            "gcePersistentDiskCsiDriverConfig": {"enabled": true},
        },
        "autoscaling": {"autoscalingProfile": "BALANCED"},
        "databaseEncryption": {"state": "DECRYPTED"},
        "defaultMaxPodsConstraint": {"maxPodsPerNode": "110"},
        "ipAllocationPolicy": {"useIpAliases": true, "stackType": "IPV4"},
        "legacyAbac": {},
        "loggingService": "logging.googleapis.com/kubernetes",
        "loggingConfig": {"componentConfig": {"enableComponents": ["SYSTEM_COMPONENTS", "WORKLOADS"]}},
        "monitoringService": "monitoring.googleapis.com/kubernetes",
        "monitoringConfig": {"componentConfig": {"enableComponents": ["SYSTEM_COMPONENTS"]}, "managedPrometheusConfig": {"enabled": true}},
        "controlPlaneEndpointsConfig": {
            "dnsEndpointConfig": {"allowExternalTraffic": false},
            "ipEndpointsConfig": {"enabled": true, "enablePublicEndpoint": true},
        },
        "networkConfig": {"datapathProvider": "LEGACY_DATAPATH"},
        "releaseChannel": {"channel": channel},
        "shieldedNodes": {"enabled": true},
        "nodePoolDefaults": {"nodeConfigDefaults": {}},
    });
    merge(&mut body, given);
    let network = short(&text_of(&body, "/network")).to_owned();
    let subnetwork = short(&text_of(&body, "/subnetwork")).to_owned();
    let dns = format!("gke-{}-{number}.{region}.gke.goog", &id[..28]);
    merge(
        &mut body,
        &json!({
            "name": short(name),
            "id": id,
            "location": location,
            "zone": location,
            "selfLink": format!("https://container.googleapis.com/v1/{name}"),
            "createTime": call.at.to_string(),
            "status": "PROVISIONING",
            "endpoint": endpoint,
            "initialClusterVersion": version,
            "currentMasterVersion": version,
            "etag": world.random.uuid(),
            "labelFingerprint": world.random.hex(8),
            "network": network,
            "subnetwork": subnetwork,
            "masterAuth": {"clusterCaCertificate": CERTIFICATE},
            "networkConfig": {
                "network": format!("projects/{project_id}/global/networks/{network}"),
                "subnetwork": format!("projects/{project_id}/regions/{region}/subnetworks/{subnetwork}"),
            },
            "controlPlaneEndpointsConfig": {
                "dnsEndpointConfig": {"endpoint": dns},
                "ipEndpointsConfig": {"publicEndpoint": endpoint, "privateEndpoint": "10.128.0.2"},
            },
        }),
    );
    Ok(body)
}

fn text_of(value: &Value, path: &str) -> String {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The one workload pool of a project; words from public issues.
pub(super) fn check_identity(project: &str, pool: &str) -> Result<(), Refusal> {
    let only = format!("{project}.svc.id.goog");
    if pool.is_empty() || pool == only {
        return Ok(());
    }
    Err(invalid(format!(
        "Currently, the only supported workload pool is \"{only}\", got \"{pool}\"."
    )))
}

/// Network, subnetwork and secondary ranges must be there; words from public issues where there are some.
fn check_network(world: &World, project: &str, location: &str, given: &Value) -> Result<(), Refusal> {
    let text = |path: &str, usual: &str| {
        let given = text_of(given, path);
        if given.is_empty() { usual.to_owned() } else { given }
    };
    let network = text("/network", "default");
    let subnetwork = text("/subnetwork", "default");
    let of = |name: &str| match piece(name, "projects") {
        "" => project.to_owned(),
        host => host.to_owned(),
    };
    let region = if is_region(location) {
        location
    } else {
        region_of(location).unwrap_or(location)
    };
    if compute::network(&world.gcp, &of(&network), short(&network)).is_none() {
        return Err(invalid(format!(
            "Project \"{}\" has no network named \"{}\".",
            of(&network),
            short(&network)
        )));
    }
    let Some(found) = compute::subnetwork(&world.gcp, &of(&subnetwork), region, short(&subnetwork)) else {
        return Err(invalid(format!("Subnetwork \"{subnetwork}\" does not exist.")));
    };
    if short(&text_of(&found, "/network")) != short(&network) {
        return Err(invalid(format!(
            "Subnetwork \"{}\" is not in network \"{}\".",
            short(&subnetwork),
            short(&network)
        )));
    }
    for (field, whose) in [
        ("clusterSecondaryRangeName", "Pod"),
        ("servicesSecondaryRangeName", "Services"),
    ] {
        let range = text_of(given, &format!("/ipAllocationPolicy/{field}"));
        let known = found
            .get("secondaryIpRanges")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .any(|known| known.get("rangeName").and_then(Value::as_str) == Some(&range));
        if !range.is_empty() && !known {
            return Err(invalid(format!(
                "{whose} secondary range \"{range}\" does not exist in network \"{}\", subnetwork \"{}\".",
                short(&network),
                short(&subnetwork)
            )));
        }
    }
    Ok(())
}

/// The key of encrypted secrets must let the service in; words from the how-to's troubleshooting
/// (<https://cloud.google.com/kubernetes-engine/docs/how-to/encrypting-secrets>).
pub(super) fn check_encryption(world: &World, project: &str, given: &Value) -> Result<(), Refusal> {
    let key = text_of(given, "/databaseEncryption/keyName");
    if key.is_empty() {
        return Ok(());
    }
    let number = world.gcp.project(project)?.number;
    let agent = format!("service-{number}@container-engine-robot.iam.gserviceaccount.com");
    if crate::gcp::cloudkms::may_encrypt(world, &key, &agent) {
        return Ok(());
    }
    Err(invalid(format!(
        "Cloud KMS Key \"{key}\" cannot be used: permission cloudkms.cryptoKeyVersions.useToEncrypt is denied to {agent}."
    )))
}

/// `clusters.delete`: with all pools at once.
pub(super) fn delete(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    super::standing(world, name)?;
    check_free(world.gcp.project(name)?, name, None, call.at)?;
    if let Some(cluster) = world.gcp.project_mut(name)?.container.clusters.get_mut(name) {
        cluster.body["status"] = json!("STOPPING");
        for pool in cluster.pools.values_mut() {
            pool["status"] = json!("STOPPING");
        }
    }
    begin(
        world,
        call,
        Begin {
            kind: "DELETE_CLUSTER",
            work: "container.cluster.delete",
            // A guess from public Terraform logs of three to five minutes.
            usual: 240.0,
            cluster: name,
            pool: None,
            effect: Effect::Remove,
        },
    )
}

/// A certificate's place: base64 of PEM text that says what it is. Nothing is ever signed with it.
const CERTIFICATE: &str =
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCnNhbmRib3gKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";
