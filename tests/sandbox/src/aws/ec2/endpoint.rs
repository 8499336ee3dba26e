//! Endpoints of services inside a network, and the prefix lists that lead to them.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html>

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::describe::{self, Kind, tagged};
use super::route_table::{self, Route};
use super::{State, interface, new_id, refused, specified, subnet, vpc};
use crate::answer::{Answer, Refusal};
use crate::aws::input;
use crate::call::Call;
use crate::world::World;

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its network.
    pub vpc: String,
    /// The service: `com.amazonaws.eu-central-1.s3`.
    pub service: String,
    /// `Gateway` or `Interface`.
    pub kind: String,
    /// Who may do what through it, as a document.
    pub policy: Option<String>,
    /// Tables with a route to it.
    pub route_tables: BTreeSet<String>,
    /// Subnets with an interface of it.
    pub subnets: BTreeSet<String>,
    /// Security groups of its interfaces.
    pub groups: BTreeSet<String>,
    /// Its interfaces.
    pub interfaces: Vec<String>,
    /// Whether the service's own name leads to it.
    pub private_dns: bool,
    /// When it was made.
    pub created: Timestamp,
}

/// Services with a gateway, and with an interface, as far as an environment needs them:
/// <https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html>.
const GATEWAYS: [&str; 2] = ["s3", "dynamodb"];
const INTERFACES: [&str; 14] = [
    "ec2",
    "ec2messages",
    "ecr.api",
    "ecr.dkr",
    "eks",
    "eks-auth",
    "elasticloadbalancing",
    "autoscaling",
    "kms",
    "logs",
    "monitoring",
    "s3",
    "secretsmanager",
    "sts",
];

fn name(region: &str, service: &str) -> String {
    format!("com.amazonaws.{region}.{service}")
}

/// The prefix list of a gateway's service. Ids differ by region; these are made up.
fn list_id(service: &str) -> String {
    let number = if service.ends_with(".s3") { 1 } else { 2 };
    format!("pl-6ea5400{number}")
}

fn unknown(id: &str) -> Refusal {
    refused(
        "InvalidVpcEndpointId.NotFound",
        format!("The Vpc Endpoint Id '{id}' does not exist"),
    )
}

fn shown(id: &str, endpoint: &Endpoint, state: &State, call: &Call) -> Value {
    let groups: Vec<Value> = endpoint
        .groups
        .iter()
        .map(|group| {
            let name = state.security_groups.get(group).map(|group| group.name.as_str());
            json!({"GroupId": group, "GroupName": name.unwrap_or_default()})
        })
        .collect();
    let entry = json!({
        "VpcEndpointId": id,
        "VpcEndpointType": endpoint.kind,
        "VpcId": endpoint.vpc,
        "ServiceName": endpoint.service,
        "State": "Available",
        "PolicyDocument": endpoint.policy.clone().unwrap_or_else(everything),
        "RouteTableIds": endpoint.route_tables,
        "SubnetIds": endpoint.subnets,
        "Groups": groups,
        "NetworkInterfaceIds": endpoint.interfaces,
        "PrivateDnsEnabled": endpoint.private_dns,
        "RequesterManaged": false,
        "DnsEntries": [],
        "IpAddressType": "ipv4",
        "CreationTimestamp": endpoint.created.to_string(),
        "OwnerId": call.account,
    });
    tagged(entry, &state.tags_of(id))
}

/// What an endpoint lets through where nothing is said.
fn everything() -> String {
    "{\"Statement\":[{\"Action\":\"*\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Resource\":\"*\"}],\"Version\":\"2008-10-17\"}"
        .to_owned()
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (network, service) = (call.required("VpcId"), call.required("ServiceName"));
    let kind = call.text("VpcEndpointType").unwrap_or("Gateway");
    let tags = specified(call, "vpc-endpoint")?;
    let state = &world.aws.region(&call.account, &call.region).ec2;
    vpc::known(state, network)?;
    let offered: &[&str] = match kind {
        "Gateway" => &GATEWAYS,
        "Interface" => &INTERFACES,
        _ => &[],
    };
    if !offered.iter().any(|known| name(&call.region, known) == service) {
        return Err(refused(
            "InvalidServiceName",
            format!("The Vpc Endpoint Service '{service}' does not exist"),
        ));
    }
    let tables: BTreeSet<String> = input::strings(&call.input, "RouteTableIds").into_iter().collect();
    let subnets: BTreeSet<String> = input::strings(&call.input, "SubnetIds").into_iter().collect();
    let groups: BTreeSet<String> = input::strings(&call.input, "SecurityGroupIds")
        .into_iter()
        .collect();
    for table in &tables {
        if !state.route_tables.contains_key(table) {
            return Err(refused(
                "InvalidRouteTableId.NotFound",
                format!("The routeTable ID '{table}' does not exist"),
            ));
        }
    }
    for place in &subnets {
        subnet::known(state, place)?;
    }
    let taken = state
        .endpoints
        .values()
        .any(|other| other.vpc == network && other.service == service && other.kind == "Gateway");
    if kind == "Gateway" && taken && tables.iter().any(|table| has_route(state, table, service)) {
        return Err(refused(
            "RouteAlreadyExists",
            format!(
                "route table already has a route with destination-prefix-list-id {}",
                list_id(service)
            ),
        ));
    }
    let id = new_id(world, "vpce");
    let mut interfaces = Vec::new();
    for place in &subnets {
        let description = format!("VPC Endpoint Interface {id}");
        let groups = groups.iter().cloned().collect();
        interfaces.push(interface::make(world, call, place, groups, description, "vpc_endpoint").0);
    }
    let endpoint = Endpoint {
        vpc: network.to_owned(),
        service: service.to_owned(),
        kind: kind.to_owned(),
        policy: call.text("PolicyDocument").map(str::to_owned),
        route_tables: tables,
        subnets,
        groups,
        interfaces,
        private_dns: kind == "Interface" && input::flag(&call.input, "PrivateDnsEnabled").unwrap_or(true),
        created: call.at,
    };
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    for table in &endpoint.route_tables {
        lead(state, table, &id, service)?;
    }
    if !tags.is_empty() {
        state.tags.insert(id.clone(), tags);
    }
    let entry = shown(&id, &endpoint, state, call);
    state.endpoints.insert(id, endpoint);
    Ok(Answer::of(json!({"VpcEndpoint": entry})))
}

fn has_route(state: &State, table: &str, service: &str) -> bool {
    state
        .route_tables
        .get(table)
        .is_some_and(|table| table.routes.contains_key(&list_id(service)))
}

/// Puts the route to an endpoint into a table.
fn lead(state: &mut State, table: &str, id: &str, service: &str) -> Result<(), Refusal> {
    let route = Route {
        by: "GatewayId".to_owned(),
        target: id.to_owned(),
        own: false,
    };
    route_table::known_mut(state, table)?
        .routes
        .insert(list_id(service), route);
    Ok(())
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "VpcEndpoints",
        ids: "VpcEndpointIds",
        id: "VpcEndpointId",
        filters: &[
            ("vpc-endpoint-id", &["VpcEndpointId"]),
            ("vpc-endpoint-state", &["State"]),
            ("vpc-endpoint-type", &["VpcEndpointType"]),
            ("vpc-id", &["VpcId"]),
            ("service-name", &["ServiceName"]),
        ],
        missing: (
            "InvalidVpcEndpointId.NotFound",
            "The Vpc Endpoint Id '{}' does not exist",
        ),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let entries = state
        .endpoints
        .iter()
        .map(|(id, endpoint)| shown(id, endpoint, state, call))
        .collect();
    describe::describe(world, call, &KIND, entries)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html>
pub(super) fn modify(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("VpcEndpointId");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let mut endpoint = state.endpoints.get(id).cloned().ok_or_else(|| unknown(id))?;
    if !input::items(&call.input, "AddSubnetIds").is_empty()
        || !input::items(&call.input, "RemoveSubnetIds").is_empty()
    {
        return Err(refused(
            "InvalidParameter",
            "this sandbox does not move an endpoint between subnets: make a new one",
        ));
    }
    if input::flag(&call.input, "ResetPolicy") == Some(true) {
        endpoint.policy = None;
    } else if let Some(policy) = call.text("PolicyDocument") {
        endpoint.policy = Some(policy.to_owned());
    }
    if let Some(on) = input::flag(&call.input, "PrivateDnsEnabled") {
        endpoint.private_dns = on;
    }
    for group in input::texts(&call.input, "RemoveSecurityGroupIds") {
        endpoint.groups.remove(group);
    }
    endpoint
        .groups
        .extend(input::strings(&call.input, "AddSecurityGroupIds"));
    for table in input::texts(&call.input, "RemoveRouteTableIds") {
        endpoint.route_tables.remove(table);
        if let Some(table) = state.route_tables.get_mut(table) {
            table.routes.remove(&list_id(&endpoint.service));
        }
    }
    let added = input::strings(&call.input, "AddRouteTableIds");
    if let Some(missing) = added
        .iter()
        .find(|table| !state.route_tables.contains_key(*table))
    {
        return Err(refused(
            "InvalidRouteTableId.NotFound",
            format!("The routeTable ID '{missing}' does not exist"),
        ));
    }
    for table in added {
        lead(state, &table, id, &endpoint.service)?;
        endpoint.route_tables.insert(table);
    }
    for interface in &endpoint.interfaces {
        if let Some(interface) = state.interfaces.get_mut(interface) {
            interface.groups = endpoint.groups.iter().cloned().collect();
        }
    }
    state.endpoints.insert(id.to_owned(), endpoint);
    Ok(Answer::of(json!({"Return": true})))
}

/// What is not there is told in the answer, not refused.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let mut failed = Vec::new();
    for id in input::texts(&call.input, "VpcEndpointIds") {
        let Some(endpoint) = state.endpoints.remove(id) else {
            failed.push(json!({
                "ResourceId": id,
                "Error": {
                    "Code": "InvalidVpcEndpoint.NotFound",
                    "Message": format!("The Vpc Endpoint Id '{id}' does not exist"),
                },
            }));
            continue;
        };
        for interface in &endpoint.interfaces {
            state.interfaces.remove(interface);
        }
        for table in &endpoint.route_tables {
            if let Some(table) = state.route_tables.get_mut(table) {
                table.routes.remove(&list_id(&endpoint.service));
            }
        }
        state.tags.remove(id);
    }
    Ok(Answer::of(json!({"Unsuccessful": failed})))
}

pub(super) fn services(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "ServiceDetails",
        ids: "ServiceNames",
        id: "ServiceName",
        filters: &[
            ("service-name", &["ServiceName"]),
            ("service-type", &["ServiceType", "ServiceType"]),
            ("owner", &["Owner"]),
        ],
        missing: (
            "InvalidServiceName",
            "The Vpc Endpoint Service '{}' does not exist",
        ),
    };
    let mut known: Vec<Value> = Vec::new();
    for (kind, services) in [("Gateway", &GATEWAYS[..]), ("Interface", &INTERFACES[..])] {
        for service in services {
            known.push(json!({
                "ServiceName": name(&call.region, service),
                "ServiceType": [{"ServiceType": kind}],
                "AvailabilityZones": super::place::zone_names(&call.region),
                "Owner": "amazon",
                "VpcEndpointPolicySupported": true,
                "AcceptanceRequired": false,
                "ManagesVpcEndpoints": false,
            }));
        }
    }
    let mut answer = describe::describe(world, call, &KIND, known)?;
    answer.output["ServiceNames"] = answer.output["ServiceDetails"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|service| service["ServiceName"].clone())
        .collect();
    Ok(answer)
}

fn lists(call: &Call) -> Vec<Value> {
    GATEWAYS
        .iter()
        .map(|service| {
            let service = name(&call.region, service);
            json!({
                "PrefixListId": list_id(&service),
                "PrefixListName": service,
                // Addresses for documentation, RFC 5737.
                "Cidrs": ["192.0.2.0/24"],
            })
        })
        .collect()
}

pub(super) fn prefix_lists(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "PrefixLists",
        ids: "PrefixListIds",
        id: "PrefixListId",
        filters: &[
            ("prefix-list-id", &["PrefixListId"]),
            ("prefix-list-name", &["PrefixListName"]),
        ],
        missing: (
            "InvalidPrefixListId.NotFound",
            "The prefix list ID '{}' does not exist",
        ),
    };
    describe::describe(world, call, &KIND, lists(call))
}

pub(super) fn managed_prefix_lists(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "PrefixLists",
        ids: "PrefixListIds",
        id: "PrefixListId",
        filters: &[
            ("owner-id", &["OwnerId"]),
            ("prefix-list-id", &["PrefixListId"]),
            ("prefix-list-name", &["PrefixListName"]),
        ],
        missing: (
            "InvalidPrefixListID.NotFound",
            "The prefix list ID '{}' does not exist",
        ),
    };
    let entries = lists(call)
        .into_iter()
        .map(|list| {
            json!({
                "PrefixListId": list["PrefixListId"],
                "PrefixListName": list["PrefixListName"],
                "AddressFamily": "IPv4",
                "State": "create-complete",
                "OwnerId": "AWS",
                "PrefixListArn": format!(
                    "arn:{}:ec2:{}:aws:prefix-list/{}",
                    crate::aws::partition::of(&call.region),
                    call.region,
                    list["PrefixListId"].as_str().unwrap_or_default(),
                ),
            })
        })
        .collect();
    describe::describe(world, call, &KIND, entries)
}
