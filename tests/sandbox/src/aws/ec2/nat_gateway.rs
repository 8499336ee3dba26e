//! NAT gateways: minutes to make, minutes to go, and seen for an hour after.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html>

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::describe::{self, Kind, tagged};
use super::{State, address, interface, new_id, refused, specified, subnet};
use crate::answer::{Answer, Refusal};
use crate::aws::Region;
use crate::call::Call;
use crate::world::World;

/// A NAT gateway.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NatGateway {
    /// Its network.
    pub vpc: String,
    /// Its subnet.
    pub subnet: String,
    /// Its public address; a private gateway has none.
    pub allocation: Option<String>,
    /// Its public address, kept for those who look after it is gone.
    pub public_ip: Option<String>,
    /// Its interface.
    pub interface: String,
    /// Its private address.
    pub private_ip: String,
    /// Id of the association of its address.
    pub association: Option<String>,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it is ready.
    pub ready: Timestamp,
    /// When its deletion is over, once it was asked for.
    pub gone: Option<Timestamp>,
    /// When it was deleted: its interface and address are free.
    pub deleted: Option<Timestamp>,
    /// The caller's token for repeated calls.
    pub token: Option<String>,
}

impl NatGateway {
    fn state(&self, at: Timestamp) -> &'static str {
        match (self.deleted, self.gone) {
            (Some(_), _) => "deleted",
            (None, Some(_)) => "deleting",
            (None, None) if at < self.ready => "pending",
            (None, None) => "available",
        }
    }
}

/// How long a deleted gateway is still seen: "about an hour", the guide says.
const SEEN: SignedDuration = SignedDuration::from_hours(1);

/// Ends deletions whose time has come, and forgets what was deleted long ago.
pub(crate) fn settle(region: &mut Region, at: Timestamp) {
    let state = &mut region.ec2;
    for gateway in state.nat_gateways.values_mut() {
        if gateway.deleted.is_none() && gateway.gone.is_some_and(|gone| gone <= at) {
            gateway.deleted = gateway.gone;
            state.interfaces.remove(&gateway.interface);
            if let Some(address) = gateway
                .allocation
                .as_ref()
                .and_then(|allocation| state.addresses.get_mut(allocation))
            {
                address.association = None;
            }
        }
    }
    let old: Vec<String> = state
        .nat_gateways
        .iter()
        .filter(|(_, gateway)| gateway.deleted.is_some_and(|deleted| deleted + SEEN <= at))
        .map(|(id, _)| id.clone())
        .collect();
    for id in old {
        state.nat_gateways.remove(&id);
        state.tags.remove(&id);
    }
}

fn shown(id: &str, gateway: &NatGateway, state: &State, at: Timestamp) -> Value {
    let mut address = json!({
        "NetworkInterfaceId": gateway.interface,
        "PrivateIp": gateway.private_ip,
        "IsPrimary": true,
        "Status": "succeeded",
    });
    for (member, value) in [
        ("AllocationId", &gateway.allocation),
        ("PublicIp", &gateway.public_ip),
        ("AssociationId", &gateway.association),
    ] {
        if let Some(value) = value {
            address[member] = value.as_str().into();
        }
    }
    let mut entry = json!({
        "NatGatewayId": id,
        "ConnectivityType": if gateway.allocation.is_some() { "public" } else { "private" },
        "AvailabilityMode": "zonal",
        "CreateTime": gateway.created.to_string(),
        "NatGatewayAddresses": [address],
        "State": gateway.state(at),
        "SubnetId": gateway.subnet,
        "VpcId": gateway.vpc,
    });
    if let Some(deleted) = gateway.deleted {
        entry["DeleteTime"] = deleted.to_string().into();
    }
    tagged(entry, &state.tags_of(id))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let tags = specified(call, "natgateway")?;
    let state = &world.aws.region(&call.account, &call.region).ec2;
    if let Some(token) = call.text("ClientToken")
        && let Some((id, gateway)) = state
            .nat_gateways
            .iter()
            .find(|(_, gateway)| gateway.token.as_deref() == Some(token))
    {
        return Ok(Answer::of(json!({
            "ClientToken": token,
            "NatGateway": shown(id, gateway, state, call.at),
        })));
    }
    let Some(subnet_id) = call.text("SubnetId") else {
        return Err(refused(
            "MissingParameter",
            "The request must contain the parameter subnetId (this sandbox has zonal gateways only)",
        ));
    };
    let vpc = subnet::known(state, subnet_id)?.vpc.clone();
    let public = call.text("ConnectivityType") != Some("private");
    let allocation = call.text("AllocationId").map(str::to_owned);
    if public {
        let Some(allocation) = &allocation else {
            return Err(refused(
                "MissingParameter",
                "The request must contain the parameter allocationId",
            ));
        };
        let address = state
            .addresses
            .get(allocation)
            .ok_or_else(|| address::unknown(allocation))?;
        if address.association.is_some() {
            return Err(refused(
                "Resource.AlreadyAssociated",
                format!("Elastic IP address [{allocation}] is already associated"),
            ));
        }
        // https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
        if !state
            .internet_gateways
            .values()
            .any(|network| network.as_deref() == Some(&vpc))
        {
            return Err(refused(
                "Gateway.NotAttached",
                format!("Network {vpc} has no Internet gateway attached"),
            ));
        }
    }
    let id = new_id(world, "nat");
    let association = new_id(world, "eipassoc");
    let (interface, private_ip) = interface::make(
        world,
        call,
        subnet_id,
        Vec::new(),
        format!("Interface for NAT Gateway {id}"),
        "nat_gateway",
    );
    let ready = call.at + world.behaviour.duration("ec2.nat_gateway.create", 100.0);
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let mut public_ip = None;
    if let Some(address) = allocation
        .as_ref()
        .and_then(|allocation| state.addresses.get_mut(allocation))
    {
        public_ip = Some(address.ip.clone());
        address.association = Some(address::Association {
            id: association.clone(),
            interface: interface.clone(),
            private_ip: private_ip.clone(),
        });
    }
    let gateway = NatGateway {
        vpc,
        subnet: subnet_id.to_owned(),
        association: allocation.is_some().then_some(association),
        allocation,
        public_ip,
        interface,
        private_ip,
        created: call.at,
        ready,
        gone: None,
        deleted: None,
        token: call.text("ClientToken").map(str::to_owned),
    };
    if !tags.is_empty() {
        state.tags.insert(id.clone(), tags);
    }
    let mut answer = json!({"NatGateway": shown(&id, &gateway, state, call.at)});
    if let Some(token) = &gateway.token {
        answer["ClientToken"] = token.as_str().into();
    }
    state.nat_gateways.insert(id, gateway);
    Ok(Answer::of(answer))
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "NatGateways",
        ids: "NatGatewayIds",
        id: "NatGatewayId",
        filters: &[
            ("nat-gateway-id", &["NatGatewayId"]),
            ("state", &["State"]),
            ("subnet-id", &["SubnetId"]),
            ("vpc-id", &["VpcId"]),
        ],
        missing: ("NatGatewayNotFound", "The Nat Gateway {} was not found"),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let entries = state
        .nat_gateways
        .iter()
        .map(|(id, gateway)| shown(id, gateway, state, call.at))
        .collect();
    describe::describe(world, call, &KIND, entries)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("NatGatewayId");
    let gone = call.at + world.behaviour.duration("ec2.nat_gateway.delete", 40.0);
    let region = world.aws.region_mut(&call.account, &call.region);
    let gateway = region
        .ec2
        .nat_gateways
        .get_mut(id)
        .filter(|gateway| gateway.deleted.is_none())
        .ok_or_else(|| {
            refused(
                "NatGatewayNotFound",
                format!("The Nat Gateway {id} was not found"),
            )
        })?;
    gateway.gone.get_or_insert(gone);
    settle(region, call.at);
    Ok(Answer::of(json!({"NatGatewayId": id})))
}
