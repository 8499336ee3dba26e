//! The network calls of Compute Engine (<https://cloud.google.com/compute/docs/reference/rest/v1>): networks, subnetworks,
//! routers, addresses, firewall rules and their operations; and what a pre-flight reads: regions, zones, machine types.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::filter::Filter;
use super::names::{REGIONS, is_region, moment, region_of, short, zones};
use super::page::page;
use super::refuse::{invalid, not_carried, not_found};
use super::{Gcp, Project};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// An operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// `insert`, `delete`, `patch`.
    pub kind: String,
    /// Path of what it is about.
    pub target: String,
    /// When it was begun.
    pub started: Timestamp,
    /// When it is done.
    pub ends: Timestamp,
    /// What stands there afterwards; null = nothing.
    pub after: Value,
    /// Whether that has been carried out.
    pub settled: bool,
    /// `requestId` of the call that began it.
    pub request: String,
}

/// How long `wait` holds its caller at most.
const LONGEST_WAIT: jiff::SignedDuration = jiff::SignedDuration::from_mins(2);

/// The network that every project is made with (<https://cloud.google.com/vpc/docs/vpc#default-network>).
pub(super) fn found(project: &mut Project) {
    project.network.insert(
        "global/networks/default".to_owned(),
        json!({
            "kind": "compute#network",
            "id": "1",
            "name": "default",
            "description": "Default network for the project",
            "autoCreateSubnetworks": true,
            "routingConfig": {"routingMode": "REGIONAL"},
            "networkFirewallPolicyEnforcementOrder": "AFTER_CLASSIC_FIREWALL",
        }),
    );
}

fn url(project: &str, path: &str) -> String {
    format!("https://www.googleapis.com/compute/v1/projects/{project}/{path}")
}

/// A network that is usable.
pub(crate) fn network(gcp: &Gcp, project: &str, name: &str) -> Option<Value> {
    let id = gcp.project_id(project).ok()?;
    let path = format!("global/networks/{name}");
    let mut body = gcp.projects.get(&id)?.network.get(&path)?.clone();
    body["selfLink"] = json!(url(&id, &path));
    Some(body)
}

/// A subnetwork that is usable: one that was made, or the one of an automatic network in a region.
pub(crate) fn subnetwork(gcp: &Gcp, project: &str, region: &str, name: &str) -> Option<Value> {
    let id = gcp.project_id(project).ok()?;
    let path = format!("regions/{region}/subnetworks/{name}");
    if let Some(body) = gcp.projects.get(&id)?.network.get(&path) {
        return Some(body.clone());
    }
    let of = network(gcp, &id, name)?;
    let index = REGIONS.iter().position(|known| *known == region)?;
    (of.get("autoCreateSubnetworks") == Some(&json!(true))).then(|| {
        json!({
            "kind": "compute#subnetwork",
            "id": (1_000 + index).to_string(),
            "name": name,
            "network": url(&id, &format!("global/networks/{name}")),
            // 10.128.0.0/9 in pieces of /20 (<https://cloud.google.com/vpc/docs/subnets#ip-ranges>).
            "ipCidrRange": format!("10.{}.{}.0/20", 128 + index * 4 / 16, (index * 4 % 16) * 16),
            "region": url(&id, &format!("regions/{region}")),
            "privateIpGoogleAccess": false,
            "purpose": "PRIVATE",
            "selfLink": url(&id, &path),
        })
    })
}

/// Carries out what has ended.
pub(super) fn settle(project: &mut Project, at: Timestamp) {
    let mut ended: Vec<&mut Operation> = project
        .compute_operations
        .values_mut()
        .filter(|operation| !operation.settled && at >= operation.ends)
        .collect();
    ended.sort_by_key(|operation| operation.ends);
    for operation in ended {
        operation.settled = true;
        if operation.after.is_null() {
            project.network.remove(&operation.target);
        } else {
            project
                .network
                .insert(operation.target.clone(), operation.after.clone());
        }
    }
}

/// `regions/r/operations/o`, `global/operations/o`.
fn operation_path(call: &Call) -> String {
    format!("{}/operations/{}", scope(call), call.required("operation"))
}

/// `global`, `regions/r`, `zones/z`.
fn scope(call: &Call) -> String {
    match (call.text("region"), call.text("zone")) {
        (Some(region), _) => format!("regions/{region}"),
        (_, Some(zone)) => format!("zones/{zone}"),
        _ => "global".to_owned(),
    }
}

fn told(id: &str, path: &str, operation: &Operation, at: Timestamp) -> Value {
    let status = if at >= operation.ends {
        "DONE"
    } else if at == operation.started {
        "PENDING"
    } else {
        "RUNNING"
    };
    let mut told = json!({
        "kind": "compute#operation",
        "id": operation.started.as_millisecond().to_string(),
        "name": short(path),
        "operationType": operation.kind,
        "targetLink": url(id, &operation.target),
        "targetId": operation.after.get("id").cloned().unwrap_or_else(|| json!("1")),
        "status": status,
        "user": "operator@example.com",
        "progress": if status == "DONE" { 100 } else { 0 },
        "insertTime": moment(operation.started),
        "startTime": moment(operation.started),
        "selfLink": url(id, path),
    });
    if status == "DONE" {
        told["endTime"] = json!(moment(operation.ends));
    }
    let place = path.split("/operations").next().unwrap_or_default();
    if place.starts_with("regions/") {
        told["region"] = json!(url(id, place));
    } else if place.starts_with("zones/") {
        told["zone"] = json!(url(id, place));
    }
    told
}

/// Until when `wait` keeps its caller: the operation's end, and two minutes at most
/// (<https://cloud.google.com/compute/docs/reference/rest/v1/regionOperations/wait>).
pub(super) fn waits(world: &World, call: &Call) -> Option<Timestamp> {
    if !call.operation.ends_with("Operations.wait") {
        return None;
    }
    let id = world.gcp.project_id(call.required("project")).ok()?;
    let operation = world
        .gcp
        .projects
        .get(&id)?
        .compute_operations
        .get(&operation_path(call))?;
    Some(operation.ends.min(call.at + LONGEST_WAIT))
}

/// 404 in Compute Engine's words.
fn missing(id: &str, path: &str) -> Refusal {
    not_found(format!("The resource 'projects/{id}/{path}' was not found"))
}

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = world.gcp.project_id(call.required("project"))?;
    let method = call.operation.strip_prefix("compute.").unwrap_or_default();
    let (collection, verb) = method.split_once('.').unwrap_or_default();
    if let Some(region) = call.text("region")
        && !is_region(region)
    {
        return Err(invalid(format!(
            "Invalid value for field 'region': '{region}'. Unknown region."
        )));
    }
    if let Some(zone) = call.text("zone")
        && region_of(zone).is_none()
    {
        return Err(invalid(format!(
            "Invalid value for field 'zone': '{zone}'. Unknown zone."
        )));
    }
    match (collection, verb) {
        ("networks" | "subnetworks" | "routers" | "addresses" | "firewalls", _) => {
            resource(world, call, &id, collection, verb)
        }
        ("regionOperations" | "globalOperations" | "zoneOperations", "list") => {
            let prefix = format!("{}/operations/", scope(call));
            let operations = world
                .gcp
                .project(&id)?
                .compute_operations
                .iter()
                .filter(|(path, _)| path.starts_with(&prefix))
                .map(|(path, operation)| told(&id, path, operation, call.at))
                .collect();
            listed(world, call, "compute#operationList", operations)
        }
        ("regionOperations" | "globalOperations" | "zoneOperations", _) => {
            let path = operation_path(call);
            let operation = world
                .gcp
                .project(&id)?
                .compute_operations
                .get(&path)
                .ok_or_else(|| missing(&id, &path))?;
            Ok(told(&id, &path, operation, call.at).into())
        }
        ("projects", "get") => Ok(json!({
            "kind": "compute#project",
            "id": world.gcp.project(&id)?.number.to_string(),
            "name": id,
            "selfLink": format!("https://www.googleapis.com/compute/v1/projects/{id}"),
            "defaultServiceAccount": format!("{}-compute@developer.gserviceaccount.com", world.gcp.project(&id)?.number),
        })
        .into()),
        ("regions", "get") => Ok(region(&id, call.required("region")).into()),
        ("regions", "list") => {
            let regions = REGIONS.iter().map(|name| region(&id, name)).collect();
            listed(world, call, "compute#regionList", regions)
        }
        ("zones", "get") => Ok(zone(&id, call.required("zone")).into()),
        ("zones", "list") => {
            let zones = REGIONS.iter().flat_map(|region| zones(region)).map(|name| zone(&id, &name)).collect();
            listed(world, call, "compute#zoneList", zones)
        }
        ("machineTypes", "get") => {
            let name = call.required("machineType");
            let path = format!("zones/{}/machineTypes/{name}", call.required("zone"));
            if !super::container::is_machine(name) {
                return Err(missing(&id, &path));
            }
            Ok(machine(&id, call.required("zone"), name).into())
        }
        ("machineTypes", "list") => {
            let machines = MACHINES.iter().map(|name| machine(&id, call.required("zone"), name)).collect();
            listed(world, call, "compute#machineTypeList", machines)
        }
        ("acceleratorTypes", "get" | "list") => {
            let all = super::container::ACCELERATORS.iter().map(|name| accelerator(&id, call.required("zone"), name));
            if verb == "list" {
                return listed(world, call, "compute#acceleratorTypeList", all.collect());
            }
            let name = call.required("acceleratorType");
            let path = format!("zones/{}/acceleratorTypes/{name}", call.required("zone"));
            if !super::container::ACCELERATORS.contains(&name) {
                return Err(missing(&id, &path));
            }
            Ok(accelerator(&id, call.required("zone"), name).into())
        }
        _ => Err(not_carried(&call.operation)),
    }
}

/// Machine types that a list shows: a few of those that are accepted.
const MACHINES: [&str; 10] = [
    "a2-highgpu-1g",
    "c3-standard-4",
    "e2-medium",
    "e2-standard-2",
    "e2-standard-4",
    "e2-standard-8",
    "g2-standard-4",
    "n1-standard-4",
    "n2-standard-4",
    "n2-standard-8",
];

fn machine(id: &str, zone: &str, name: &str) -> Value {
    let cpus: i64 = name
        .rsplit('-')
        .next()
        .and_then(|last| last.trim_end_matches('g').parse().ok())
        .unwrap_or(2);
    json!({
        "kind": "compute#machineType",
        "name": name,
        "guestCpus": cpus,
        "memoryMb": cpus * 4_096,
        "zone": zone,
        "selfLink": url(id, &format!("zones/{zone}/machineTypes/{name}")),
    })
}

fn accelerator(id: &str, zone: &str, name: &str) -> Value {
    json!({
        "kind": "compute#acceleratorType",
        "name": name,
        "zone": url(id, &format!("zones/{zone}")),
        "selfLink": url(id, &format!("zones/{zone}/acceleratorTypes/{name}")),
    })
}

fn region(id: &str, name: &str) -> Value {
    json!({
        "kind": "compute#region",
        "name": name,
        "status": "UP",
        "zones": zones(name).iter().map(|zone| url(id, &format!("zones/{zone}"))).collect::<Vec<_>>(),
        "selfLink": url(id, &format!("regions/{name}")),
    })
}

fn zone(id: &str, name: &str) -> Value {
    json!({
        "kind": "compute#zone",
        "name": name,
        "status": "UP",
        "region": url(id, &format!("regions/{}", region_of(name).unwrap_or_default())),
        "selfLink": url(id, &format!("zones/{name}")),
    })
}

/// A page of a list with its kind.
fn listed(world: &World, call: &Call, kind: &str, mut items: Vec<Value>) -> Result<Answer, Refusal> {
    if let Some(filter) = Filter::read(call.text("filter").unwrap_or_default())? {
        items.retain(|item| filter.lets_through(item));
    }
    let mut answer = page(call, &world.behaviour, "items", "maxResults", 500, items)?;
    answer.output["kind"] = json!(kind);
    answer.output["id"] = json!(format!("projects/{}", call.required("project")));
    answer.output["selfLink"] = json!(url(call.required("project"), ""));
    Ok(answer)
}

/// Path of what a call is about.
fn path(call: &Call, collection: &str, name: &str) -> String {
    format!("{}/{collection}/{name}", scope(call))
}

fn resource(
    world: &mut World,
    call: &Call,
    id: &str,
    collection: &str,
    verb: &str,
) -> Result<Answer, Refusal> {
    let singular = match collection {
        "addresses" => "address",
        other => other.trim_end_matches('s'),
    };
    let name = call
        .text(singular)
        .or_else(|| call.body().get("name").and_then(Value::as_str))
        .unwrap_or_default()
        .to_owned();
    let at = path(call, collection, &name);
    match verb {
        "list" => {
            let prefix = format!("{}/{collection}/", scope(call));
            let mut items: Vec<Value> = world
                .gcp
                .project(id)?
                .network
                .iter()
                .filter(|(path, _)| path.starts_with(&prefix))
                .map(|(path, _)| standing(world, id, path))
                .collect::<Result<_, _>>()?;
            if collection == "subnetworks" {
                let region = call.required("region");
                items.extend(subnetwork(&world.gcp, id, region, "default"));
            }
            listed(world, call, &format!("compute#{singular}List"), items)
        }
        "get" => Ok(standing(world, id, &at)?.into()),
        "insert" => {
            let request = call.text("requestId").unwrap_or_default().to_owned();
            if let Some(earlier) = repeated(world, id, &request)? {
                return Ok(told(id, &earlier.0, &earlier.1, call.at).into());
            }
            check_name(&name, collection)?;
            if world.gcp.project(id)?.network.contains_key(&at) || pending(world, id, &at)? {
                // Words of Compute Engine's.
                return Err(Refusal::new(
                    409,
                    "ALREADY_EXISTS",
                    format!("The resource 'projects/{id}/{at}' already exists"),
                )
                .with("reason", "alreadyExists"));
            }
            let body = filled(world, call, id, collection, &name)?;
            begin(world, call, id, "insert", &at, body)
        }
        "patch" => {
            let mut body = standing(world, id, &at)?;
            for (member, value) in call.body().as_object().into_iter().flatten() {
                body[member.as_str()] = value.clone();
            }
            begin(world, call, id, "patch", &at, body)
        }
        "setPrivateIpGoogleAccess" => {
            let mut body = standing(world, id, &at)?;
            let wanted = call.body().get("privateIpGoogleAccess").cloned();
            body["privateIpGoogleAccess"] = wanted.unwrap_or(json!(false));
            begin(world, call, id, "setPrivateIpGoogleAccess", &at, body)
        }
        "delete" => {
            standing(world, id, &at)?;
            check_unused(world, id, &at)?;
            begin(world, call, id, "delete", &at, Value::Null)
        }
        _ => Err(not_carried(&call.operation)),
    }
}

/// A repeated `requestId` gets the operation of the first (description of `requestId`).
fn repeated(world: &World, id: &str, request: &str) -> Result<Option<(String, Operation)>, Refusal> {
    Ok(world
        .gcp
        .project(id)?
        .compute_operations
        .iter()
        .find(|(_, operation)| !request.is_empty() && operation.request == request)
        .map(|(path, operation)| (path.clone(), operation.clone())))
}

fn pending(world: &World, id: &str, at: &str) -> Result<bool, Refusal> {
    Ok(world
        .gcp
        .project(id)?
        .compute_operations
        .values()
        .any(|operation| !operation.settled && operation.kind == "insert" && operation.target == at))
}

fn standing(world: &World, id: &str, at: &str) -> Result<Value, Refusal> {
    let project = world.gcp.project(id)?;
    let stands = project.network.get(at).cloned().or_else(|| {
        let pieces: Vec<&str> = at.split('/').collect();
        match pieces.as_slice() {
            ["regions", region, "subnetworks", name] => subnetwork(&world.gcp, id, region, name),
            _ => None,
        }
    });
    match stands {
        Some(mut body) => {
            body["selfLink"] = json!(url(id, at));
            if at.starts_with("global/networks/") {
                let links: Vec<&String> = project
                    .network
                    .iter()
                    .filter(|(path, subnetwork)| {
                        path.contains("/subnetworks/")
                            && subnetwork.get("network").and_then(Value::as_str).map(short) == Some(short(at))
                    })
                    .map(|(path, _)| path)
                    .collect();
                if !links.is_empty() {
                    body["subnetworks"] = links.iter().map(|path| json!(url(id, path))).collect();
                }
            }
            Ok(body)
        }
        // What is being made is there and not ready (`resourceNotReady`, hashicorp/terraform-provider-google's
        // error_retry_predicates.go).
        None if pending(world, id, at)? => Err(not_ready(id, at)),
        None => Err(missing(id, at)),
    }
}

fn not_ready(id: &str, at: &str) -> Refusal {
    invalid(format!("The resource 'projects/{id}/{at}' is not ready")).with("reason", "resourceNotReady")
}

/// RFC 1035 names (descriptions of the `name` fields).
fn check_name(name: &str, collection: &str) -> Result<(), Refusal> {
    if super::names::is_label(name, 1, 63) {
        return Ok(());
    }
    Err(invalid(format!(
        "Invalid value for field 'resource.name': '{name}'. Must be a match of regex '(?:[a-z](?:[-a-z0-9]{{0,61}}[a-z0-9])?)' \
         ({collection})"
    )))
}

fn filled(world: &mut World, call: &Call, id: &str, collection: &str, name: &str) -> Result<Value, Refusal> {
    let mut body = call.body().clone();
    body["name"] = json!(name);
    body["id"] = json!((world.random.next() >> 1).to_string());
    body["creationTimestamp"] = json!(moment(call.at));
    body["kind"] = json!(format!(
        "compute#{}",
        match collection {
            "addresses" => "address",
            other => other.trim_end_matches('s'),
        }
    ));
    if let Some(region) = call.text("region") {
        body["region"] = json!(url(id, &format!("regions/{region}")));
    }
    if collection == "networks" {
        if body.get("routingConfig").is_none() {
            body["routingConfig"] = json!({"routingMode": "REGIONAL"});
        }
        if body.get("autoCreateSubnetworks").is_none() && body.get("IPv4Range").is_none() {
            body["autoCreateSubnetworks"] = json!(true);
        }
        return Ok(body);
    }
    if collection == "addresses" {
        body["status"] = json!("RESERVED");
        body["address"] = json!(format!(
            "34.{}.0.{}",
            100 + world.random.next() % 50,
            1 + world.random.next() % 250
        ));
        return Ok(body);
    }
    if collection == "firewalls" {
        // Defaults of the fields' descriptions.
        let defaults = [
            ("direction", json!("INGRESS")),
            ("disabled", json!(false)),
            ("logConfig", json!({"enable": false})),
            ("network", json!("global/networks/default")),
            ("priority", json!(1000)),
        ];
        for (member, default) in defaults {
            if body.get(member).is_none() {
                body[member] = default;
            }
        }
    }
    let of = body
        .get("network")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let path = format!("global/networks/{}", short(&of));
    // The network must be there and ready.
    standing(world, id, &path)?;
    body["network"] = json!(url(id, &path));
    if collection == "subnetworks" {
        let range = body
            .get("ipCidrRange")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        check_range(&range, "ipCidrRange")?;
        for secondary in body
            .get("secondaryIpRanges")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            check_range(
                secondary
                    .get("ipCidrRange")
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
                "secondaryIpRanges",
            )?;
        }
        let taken = world.gcp.project(id)?.network.iter().find(|(path, other)| {
            path.contains("/subnetworks/")
                && other.get("network") == body.get("network")
                && other
                    .get("ipCidrRange")
                    .and_then(Value::as_str)
                    .is_some_and(|other| overlap(other, &range))
        });
        if let Some((path, _)) = taken {
            // Words of Compute Engine's, seen in public issues.
            return Err(invalid(format!(
                "Invalid IPCidrRange: {range} conflicts with existing subnetwork '{}' in region '{}'.",
                short(path),
                path.split('/').nth(1).unwrap_or_default()
            )));
        }
        body["fingerprint"] = json!("AAAAAAAAAAA=");
        body["gatewayAddress"] = json!(
            range
                .split('/')
                .next()
                .unwrap_or_default()
                .replacen(".0", ".1", 0)
        );
        body["purpose"] = json!("PRIVATE");
        body["stackType"] = json!("IPV4_ONLY");
    }
    Ok(body)
}

/// Address and length of an IPv4 range.
fn range(text: &str) -> Option<(u32, u32)> {
    let (address, length) = text.split_once('/')?;
    let address: std::net::Ipv4Addr = address.parse().ok()?;
    let length: u32 = length.parse().ok().filter(|length| (8..=29).contains(length))?;
    let address = u32::from(address);
    let mask = u32::MAX << (32 - length);
    (address & mask == address).then_some((address, length))
}

fn overlap(one: &str, two: &str) -> bool {
    let (Some(one), Some(two)) = (range(one), range(two)) else {
        return false;
    };
    let mask = u32::MAX << (32 - one.1.min(two.1));
    one.0 & mask == two.0 & mask
}

fn check_range(text: &str, field: &str) -> Result<(), Refusal> {
    if range(text).is_some() {
        return Ok(());
    }
    Err(invalid(format!(
        "Invalid value for field 'resource.{field}': '{text}'. Must be a CIDR address range with a prefix length of 8 to 29."
    )))
}

/// Refuses to delete what others use; words of Compute Engine's (`resourceInUseByAnotherResource`).
fn check_unused(world: &World, id: &str, at: &str) -> Result<(), Refusal> {
    let project = world.gcp.project(id)?;
    let link = url(id, at);
    let user = project
        .network
        .iter()
        .find(|(_, body)| body.get("network").and_then(Value::as_str) == Some(&link))
        .map(|(path, _)| format!("projects/{id}/{path}"));
    let cluster = project.container.clusters.iter().find_map(|(name, cluster)| {
        let uses = |member: &str| {
            cluster
                .body
                .pointer(&format!("/networkConfig/{member}"))
                .and_then(Value::as_str)
        };
        [uses("network"), uses("subnetwork")]
            .into_iter()
            .flatten()
            .any(|used| link.ends_with(used))
            .then(|| name.clone())
    });
    match user.or(cluster) {
        None => Ok(()),
        Some(user) => Err(invalid(format!(
            "The {} resource 'projects/{id}/{at}' is already being used by '{user}'",
            at.rsplit('/').nth(1).unwrap_or_default().trim_end_matches('s')
        ))
        .with("reason", "resourceInUseByAnotherResource")),
    }
}

fn begin(
    world: &mut World,
    call: &Call,
    id: &str,
    kind: &str,
    target: &str,
    after: Value,
) -> Result<Answer, Refusal> {
    // Nobody publishes figures: ten to twenty seconds by experience of public Terraform logs.
    let takes = world.behaviour.duration("compute.network", 12.0);
    let path = format!(
        "{}/operations/operation-{}-{}",
        scope(call),
        call.at.as_millisecond(),
        world.random.hex(16)
    );
    let operation = Operation {
        kind: kind.to_owned(),
        target: target.to_owned(),
        started: call.at,
        ends: call.at + takes,
        after,
        settled: false,
        request: call.text("requestId").unwrap_or_default().to_owned(),
    };
    let told = told(id, &path, &operation, call.at);
    let project = world.gcp.project_mut(id)?;
    project.compute_operations.insert(path, operation);
    settle(project, call.at);
    Ok(told.into())
}
