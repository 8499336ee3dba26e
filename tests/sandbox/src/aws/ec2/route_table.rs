//! Route tables.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRouteTable.html>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cidr::Cidr;
use super::describe::{self, Kind, tagged};
use super::{State, dependency, new_id, refused, specified, subnet, vpc};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// A route table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Its network.
    pub vpc: String,
    /// Routes by destination: a block or a prefix list.
    pub routes: BTreeMap<String, Route>,
    /// Associations by id: a subnet, or none for the main table of the network.
    pub associations: BTreeMap<String, Option<String>>,
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// Member of the API that names the target: `GatewayId`, `NatGatewayId`.
    pub by: String,
    /// The target.
    pub target: String,
    /// Whether it came with the table.
    pub own: bool,
}

impl RouteTable {
    fn empty(vpc: &str, cidr: &str) -> Self {
        let local = Route {
            by: "GatewayId".to_owned(),
            target: "local".to_owned(),
            own: true,
        };
        Self {
            vpc: vpc.to_owned(),
            routes: [(cidr.to_owned(), local)].into(),
            associations: BTreeMap::new(),
        }
    }

    pub(super) fn main(vpc: &str, cidr: &str, association: String) -> Self {
        Self {
            associations: [(association, None)].into(),
            ..Self::empty(vpc, cidr)
        }
    }

    pub(super) fn is_main(&self) -> bool {
        self.associations.values().any(Option::is_none)
    }
}

fn unknown(id: &str) -> Refusal {
    refused(
        "InvalidRouteTableID.NotFound",
        format!("The routeTable ID '{id}' does not exist"),
    )
}

pub(super) fn known_mut<'a>(state: &'a mut State, id: &str) -> Result<&'a mut RouteTable, Refusal> {
    state.route_tables.get_mut(id).ok_or_else(|| unknown(id))
}

fn no_association(id: &str) -> Refusal {
    refused(
        "InvalidAssociationID.NotFound",
        format!("The association ID '{id}' does not exist"),
    )
}

/// Whether a route's target still stands: else the route is a black hole.
fn stands(state: &State, route: &Route) -> bool {
    match route.by.as_str() {
        "NatGatewayId" => state
            .nat_gateways
            .get(&route.target)
            .is_some_and(|gateway| gateway.deleted.is_none()),
        "GatewayId" => {
            route.target == "local"
                || state
                    .internet_gateways
                    .get(&route.target)
                    .is_some_and(Option::is_some)
                || state.endpoints.contains_key(&route.target)
        }
        "NetworkInterfaceId" => state.interfaces.contains_key(&route.target),
        _ => false,
    }
}

fn shown(id: &str, table: &RouteTable, state: &State, account: &str) -> Value {
    let routes: Vec<Value> = table
        .routes
        .iter()
        .map(|(destination, route)| {
            let to = if destination.starts_with("pl-") {
                "DestinationPrefixListId"
            } else {
                "DestinationCidrBlock"
            };
            json!({
                to: destination,
                route.by.as_str(): route.target,
                "Origin": if route.own { "CreateRouteTable" } else { "CreateRoute" },
                "State": if stands(state, route) { "active" } else { "blackhole" },
            })
        })
        .collect();
    let associations: Vec<Value> = table
        .associations
        .iter()
        .map(|(association, subnet)| {
            let mut entry = json!({
                "RouteTableAssociationId": association,
                "RouteTableId": id,
                "Main": subnet.is_none(),
                "AssociationState": {"State": "associated"},
            });
            if let Some(subnet) = subnet {
                entry["SubnetId"] = subnet.as_str().into();
            }
            entry
        })
        .collect();
    let entry = json!({
        "RouteTableId": id,
        "VpcId": table.vpc,
        "OwnerId": account,
        "Routes": routes,
        "Associations": associations,
        "PropagatingVgws": [],
    });
    tagged(entry, &state.tags_of(id))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let network = call.required("VpcId");
    let tags = specified(call, "route-table")?;
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let table = RouteTable::empty(network, &vpc::known(state, network)?.cidr);
    let id = new_id(world, "rtb");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    if !tags.is_empty() {
        state.tags.insert(id.clone(), tags);
    }
    let entry = shown(&id, &table, state, &call.account);
    state.route_tables.insert(id, table);
    Ok(Answer::of(json!({"RouteTable": entry})))
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "RouteTables",
        ids: "RouteTableIds",
        id: "RouteTableId",
        filters: &[
            ("route-table-id", &["RouteTableId"]),
            ("vpc-id", &["VpcId"]),
            ("owner-id", &["OwnerId"]),
            ("association.main", &["Associations", "Main"]),
            ("association.subnet-id", &["Associations", "SubnetId"]),
            ("association.gateway-id", &["Associations", "GatewayId"]),
            ("association.route-table-id", &["Associations", "RouteTableId"]),
            (
                "association.route-table-association-id",
                &["Associations", "RouteTableAssociationId"],
            ),
            (
                "route.destination-cidr-block",
                &["Routes", "DestinationCidrBlock"],
            ),
            (
                "route.destination-prefix-list-id",
                &["Routes", "DestinationPrefixListId"],
            ),
            ("route.gateway-id", &["Routes", "GatewayId"]),
            ("route.nat-gateway-id", &["Routes", "NatGatewayId"]),
            ("route.origin", &["Routes", "Origin"]),
            ("route.state", &["Routes", "State"]),
        ],
        missing: (
            "InvalidRouteTableID.NotFound",
            "The routeTable ID '{}' does not exist",
        ),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let entries = state
        .route_tables
        .iter()
        .map(|(id, table)| shown(id, table, state, &call.account))
        .collect();
    describe::describe(world, call, &KIND, entries)
}

/// A subnet has one table; what is so already stays.
pub(super) fn associate(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("RouteTableId");
    let Some(place) = call.text("SubnetId") else {
        return Err(refused(
            "InvalidParameterValue",
            "this sandbox associates route tables with subnets only",
        ));
    };
    let association = new_id(world, "rtbassoc");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let network = subnet::known(state, place)?.vpc.clone();
    let table = state.route_tables.get(id).ok_or_else(|| unknown(id))?;
    if table.vpc != network {
        return Err(refused(
            "InvalidParameterValue",
            format!("Route table {id} and subnet {place} belong to different networks"),
        ));
    }
    let standing = state
        .route_tables
        .iter()
        .flat_map(|(table, entry)| {
            entry
                .associations
                .iter()
                .map(move |(id, subnet)| (table, id, subnet))
        })
        .find(|(_, _, subnet)| subnet.as_deref() == Some(place))
        .map(|(table, association, _)| (table.clone(), association.clone()));
    let association = match standing {
        Some((table, association)) if table == id => association,
        Some((_, association)) => {
            return Err(refused(
                "Resource.AlreadyAssociated",
                format!(
                    "the specified association for route table {id} conflicts with an existing association {association}"
                ),
            ));
        }
        None => {
            known_mut(state, id)?
                .associations
                .insert(association.clone(), Some(place.to_owned()));
            association
        }
    };
    Ok(Answer::of(json!({
        "AssociationId": association,
        "AssociationState": {"State": "associated"},
    })))
}

pub(super) fn replace_association(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (old, id) = (call.required("AssociationId"), call.required("RouteTableId"));
    let new = new_id(world, "rtbassoc");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    if !state.route_tables.contains_key(id) {
        return Err(unknown(id));
    }
    let subnet = state
        .route_tables
        .values_mut()
        .find_map(|table| table.associations.remove(old))
        .ok_or_else(|| no_association(old))?;
    known_mut(state, id)?.associations.insert(new.clone(), subnet);
    Ok(Answer::of(json!({
        "NewAssociationId": new,
        "AssociationState": {"State": "associated"},
    })))
}

pub(super) fn disassociate(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("AssociationId");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let table = state
        .route_tables
        .values_mut()
        .find(|table| table.associations.contains_key(id))
        .ok_or_else(|| no_association(id))?;
    if table.associations.get(id).is_some_and(Option::is_none) {
        return Err(refused(
            "InvalidParameterValue",
            format!("cannot disassociate the main route table association {id}"),
        ));
    }
    table.associations.remove(id);
    Ok(Answer::empty())
}

/// Destination and target of a route call.
fn wanted(call: &Call) -> Result<(String, Route), Refusal> {
    let destination = destination(call)?;
    for by in ["NatGatewayId", "GatewayId", "NetworkInterfaceId"] {
        if let Some(target) = call.text(by) {
            let route = Route {
                by: by.to_owned(),
                target: target.to_owned(),
                own: false,
            };
            return Ok((destination, route));
        }
    }
    Err(refused(
        "InvalidParameterCombination",
        "this sandbox routes to internet gateways, NAT gateways and network interfaces only",
    ))
}

fn destination(call: &Call) -> Result<String, Refusal> {
    if let Some(list) = call.text("DestinationPrefixListId") {
        return Ok(list.to_owned());
    }
    let text = call.text("DestinationCidrBlock").ok_or_else(|| {
        refused(
            "MissingParameter",
            "The request must contain the parameter destinationCidrBlock or destinationPrefixListId",
        )
    })?;
    Cidr::read(text).map(|cidr| cidr.to_string()).ok_or_else(|| {
        refused(
            "InvalidParameterValue",
            format!("Value ({text}) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block."),
        )
    })
}

fn target_stands(state: &State, route: &Route) -> Result<(), Refusal> {
    if stands(state, route) {
        return Ok(());
    }
    let target = &route.target;
    Err(match route.by.as_str() {
        "NatGatewayId" => refused(
            "InvalidNatGatewayID.NotFound",
            format!("The natGateway ID '{target}' does not exist"),
        ),
        "NetworkInterfaceId" => refused(
            "InvalidNetworkInterfaceID.NotFound",
            format!("The networkInterface ID '{target}' does not exist"),
        ),
        _ => refused(
            "InvalidGatewayID.NotFound",
            format!("The gateway ID '{target}' does not exist"),
        ),
    })
}

pub(super) fn create_route(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("RouteTableId");
    let (destination, route) = wanted(call)?;
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    if !state.route_tables.contains_key(id) {
        return Err(unknown(id));
    }
    target_stands(state, &route)?;
    let table = known_mut(state, id)?;
    if table.routes.contains_key(&destination) {
        return Err(refused(
            "RouteAlreadyExists",
            format!("The route identified by {destination} already exists."),
        ));
    }
    table.routes.insert(destination, route);
    Ok(Answer::of(json!({"Return": true})))
}

fn no_route(destination: &str, table: &str) -> Refusal {
    refused(
        "InvalidRoute.NotFound",
        format!("no route with destination-cidr-block {destination} in route table {table}"),
    )
}

pub(super) fn replace_route(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("RouteTableId");
    let (destination, route) = wanted(call)?;
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    if !state.route_tables.contains_key(id) {
        return Err(unknown(id));
    }
    target_stands(state, &route)?;
    let table = known_mut(state, id)?;
    if !table.routes.contains_key(&destination) {
        return Err(no_route(&destination, id));
    }
    table.routes.insert(destination, route);
    Ok(Answer::empty())
}

pub(super) fn delete_route(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("RouteTableId");
    let destination = destination(call)?;
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let table = known_mut(state, id)?;
    match table.routes.get(&destination) {
        None => Err(no_route(&destination, id)),
        Some(route) if route.own => Err(refused(
            "InvalidParameterValue",
            format!("cannot remove local route {destination} in route table {id}"),
        )),
        Some(_) => {
            table.routes.remove(&destination);
            Ok(Answer::empty())
        }
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRouteTable.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("RouteTableId");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    if !known_mut(state, id)?.associations.is_empty() {
        return Err(dependency("routeTable", id));
    }
    for endpoint in state.endpoints.values_mut() {
        endpoint.route_tables.remove(id);
    }
    state.route_tables.remove(id);
    state.tags.remove(id);
    Ok(Answer::empty())
}
