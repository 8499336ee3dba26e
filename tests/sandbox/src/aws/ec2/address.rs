//! Public addresses.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateAddress.html>

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::describe::{self, Kind, tagged};
use super::{State, new_id, refused, specified};
use crate::answer::{Answer, Refusal};
use crate::aws::input;
use crate::call::Call;
use crate::world::World;

/// Addresses in a region unless the quota is raised:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>.
const MOST: usize = 5;

/// A public address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Address {
    /// The address.
    pub ip: String,
    /// What it is used by.
    pub association: Option<Association>,
}

/// What an address is used by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Association {
    /// Id.
    pub id: String,
    /// Network interface.
    pub interface: String,
    /// The private address behind it.
    pub private_ip: String,
}

pub(super) fn unknown(id: &str) -> Refusal {
    refused(
        "InvalidAllocationID.NotFound",
        format!("The allocation ID '{id}' does not exist"),
    )
}

pub(super) fn allocate(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let tags = specified(call, "elastic-ip")?;
    let id = new_id(world, "eipalloc");
    let last = world.random.next() % 250;
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    if state.addresses.len() >= MOST {
        return Err(refused(
            "AddressLimitExceeded",
            "The maximum number of addresses has been reached.",
        ));
    }
    // Addresses for documentation, RFC 5737.
    let ip = (0..=250)
        .map(|step| format!("203.0.113.{}", 1 + (last + step) % 250))
        .find(|ip| !state.addresses.values().any(|address| address.ip == *ip))
        .unwrap_or_default();
    state.addresses.insert(
        id.clone(),
        Address {
            ip: ip.clone(),
            association: None,
        },
    );
    if !tags.is_empty() {
        state.tags.insert(id.clone(), tags);
    }
    Ok(Answer::of(json!({
        "AllocationId": id,
        "PublicIp": ip,
        "Domain": "vpc",
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": call.region,
    })))
}

fn shown(id: &str, address: &Address, state: &State, call: &Call) -> Value {
    let mut entry = json!({
        "AllocationId": id,
        "PublicIp": address.ip,
        "Domain": "vpc",
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": call.region,
    });
    if let Some(association) = &address.association {
        entry["AssociationId"] = association.id.as_str().into();
        entry["NetworkInterfaceId"] = association.interface.as_str().into();
        entry["NetworkInterfaceOwnerId"] = call.account.as_str().into();
        entry["PrivateIpAddress"] = association.private_ip.as_str().into();
    }
    tagged(entry, &state.tags_of(id))
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "Addresses",
        ids: "AllocationIds",
        id: "AllocationId",
        filters: &[
            ("allocation-id", &["AllocationId"]),
            ("association-id", &["AssociationId"]),
            ("domain", &["Domain"]),
            ("network-interface-id", &["NetworkInterfaceId"]),
            ("private-ip-address", &["PrivateIpAddress"]),
            ("public-ip", &["PublicIp"]),
            ("network-border-group", &["NetworkBorderGroup"]),
        ],
        missing: (
            "InvalidAllocationID.NotFound",
            "The allocation ID '{}' does not exist",
        ),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let public = input::texts(&call.input, "PublicIps");
    if let Some(missing) = public
        .iter()
        .find(|ip| !state.addresses.values().any(|address| address.ip == **ip))
    {
        return Err(refused(
            "InvalidAddress.NotFound",
            format!("Address '{missing}' not found."),
        ));
    }
    let entries = state
        .addresses
        .iter()
        .filter(|(_, address)| public.is_empty() || public.contains(&address.ip.as_str()))
        .map(|(id, address)| shown(id, address, state, call))
        .collect();
    // Not in pages: the description has no token here.
    describe::describe(world, call, &KIND, entries)
}

/// Names of addresses, of which there are none:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAddressesAttribute.html>
pub(super) fn attribute(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "Addresses",
        ids: "AllocationIds",
        id: "AllocationId",
        filters: &[],
        missing: (
            "InvalidAllocationID.NotFound",
            "The allocation ID '{}' does not exist",
        ),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let entries = state
        .addresses
        .iter()
        .map(|(id, address)| json!({"AllocationId": id, "PublicIp": address.ip}))
        .collect();
    describe::describe(world, call, &KIND, entries)
}

/// Addresses of NAT gateways stay until the gateway goes; nothing else uses any here.
pub(super) fn disassociate(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("AssociationId");
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let used = state
        .addresses
        .values()
        .any(|address| address.association.as_ref().is_some_and(|used| used.id == id));
    Err(if used {
        refused(
            "AuthFailure",
            "You do not have permission to access the specified resource.",
        )
    } else {
        refused(
            "InvalidAssociationID.NotFound",
            format!("The association ID '{id}' does not exist"),
        )
    })
}

pub(super) fn release(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let id = match (call.text("AllocationId"), call.text("PublicIp")) {
        (Some(id), _) => id.to_owned(),
        (None, Some(ip)) => state
            .addresses
            .iter()
            .find(|(_, address)| address.ip == ip)
            .map(|(id, _)| id.clone())
            .ok_or_else(|| refused("InvalidAddress.NotFound", format!("Address '{ip}' not found.")))?,
        (None, None) => {
            return Err(refused(
                "MissingParameter",
                "Either public IP or allocation id must be specified",
            ));
        }
    };
    let address = state.addresses.get(&id).ok_or_else(|| unknown(&id))?;
    if address.association.is_some() {
        return Err(refused(
            "InvalidIPAddress.InUse",
            format!("Address {} is in use.", address.ip),
        ));
    }
    state.addresses.remove(&id);
    state.tags.remove(&id);
    Ok(Answer::empty())
}
