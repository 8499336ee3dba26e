//! Subnets.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html>

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cidr::Cidr;
use super::describe::{self, Kind, tagged};
use super::{State, dependency, new_id, place, refused, specified, vpc};
use crate::answer::{Answer, Refusal};
use crate::aws::{arn, input};
use crate::call::Call;
use crate::world::World;

/// A subnet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its network.
    pub vpc: String,
    /// Its addresses.
    pub cidr: String,
    /// Its zone.
    pub zone: String,
    /// Whether instances get a public address.
    pub public: bool,
    /// How instances are named.
    pub hostname: String,
    /// Whether names of resources resolve to their addresses.
    pub resource_names: bool,
}

pub(super) fn unknown(id: &str) -> Refusal {
    refused(
        "InvalidSubnetID.NotFound",
        format!("The subnet ID '{id}' does not exist"),
    )
}

pub(super) fn known<'a>(state: &'a State, id: &str) -> Result<&'a Subnet, Refusal> {
    state.subnets.get(id).ok_or_else(|| unknown(id))
}

fn shown(id: &str, subnet: &Subnet, state: &State, call: &Call) -> Value {
    let used = state
        .interfaces
        .values()
        .filter(|interface| interface.subnet == id)
        .count() as u64;
    // Five addresses of each subnet are AWS's own: https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    let free = Cidr::read(&subnet.cidr).map_or(0, |cidr| cidr.size().saturating_sub(5 + used));
    let entry = json!({
        "SubnetId": id,
        "SubnetArn": arn::regional("ec2", &call.region, &call.account, &format!("subnet/{id}")),
        "VpcId": subnet.vpc,
        "OwnerId": call.account,
        "CidrBlock": subnet.cidr,
        "AvailabilityZone": subnet.zone,
        "AvailabilityZoneId": place::zone_id(&subnet.zone),
        "AvailableIpAddressCount": free,
        "DefaultForAz": false,
        "MapPublicIpOnLaunch": subnet.public,
        "MapCustomerOwnedIpOnLaunch": false,
        "AssignIpv6AddressOnCreation": false,
        "Ipv6CidrBlockAssociationSet": [],
        "EnableDns64": false,
        "Ipv6Native": false,
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": subnet.hostname,
            "EnableResourceNameDnsARecord": subnet.resource_names,
            "EnableResourceNameDnsAAAARecord": false,
        },
        "State": "available",
    });
    tagged(entry, &state.tags_of(id))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let vpc_id = call.required("VpcId");
    let text = call.required("CidrBlock");
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let network = vpc::known(state, vpc_id)?;
    let cidr = Cidr::read(text).ok_or_else(|| {
        refused(
            "InvalidParameterValue",
            format!("Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."),
        )
    })?;
    let inside = Cidr::read(&network.cidr).is_some_and(|network| network.contains(cidr));
    if !inside || !cidr.fits_a_network() {
        return Err(refused(
            "InvalidSubnet.Range",
            format!("The CIDR '{cidr}' is invalid."),
        ));
    }
    let taken = state
        .subnets
        .values()
        .filter(|subnet| subnet.vpc == vpc_id)
        .filter_map(|subnet| Cidr::read(&subnet.cidr))
        .any(|other| other.overlaps(cidr));
    if taken {
        return Err(refused(
            "InvalidSubnet.Conflict",
            format!("The CIDR '{cidr}' conflicts with another subnet"),
        ));
    }
    let zones = place::zone_names(&call.region);
    let wanted = call.text("AvailabilityZone").map(str::to_owned).or_else(|| {
        let id = call.text("AvailabilityZoneId")?;
        Some(
            zones
                .iter()
                .find(|zone| place::zone_id(zone) == id)
                .cloned()
                .unwrap_or_else(|| id.to_owned()),
        )
    });
    // Where none is named EC2 chooses: here the first.
    let zone = wanted.unwrap_or_else(|| zones[0].clone());
    if !zones.contains(&zone) {
        return Err(refused(
            "InvalidParameterValue",
            format!(
                "Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only be created in the \
                 following availability zones: {}.",
                zones.join(", ")
            ),
        ));
    }
    let tags = specified(call, "subnet")?;
    let id = new_id(world, "subnet");
    let subnet = Subnet {
        vpc: vpc_id.to_owned(),
        cidr: cidr.to_string(),
        zone,
        public: false,
        hostname: "ip-name".to_owned(),
        resource_names: false,
    };
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    if !tags.is_empty() {
        state.tags.insert(id.clone(), tags);
    }
    let entry = shown(&id, &subnet, state, call);
    state.subnets.insert(id, subnet);
    Ok(Answer::of(json!({"Subnet": entry})))
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "Subnets",
        ids: "SubnetIds",
        id: "SubnetId",
        filters: &[
            ("subnet-id", &["SubnetId"]),
            ("vpc-id", &["VpcId"]),
            ("availability-zone", &["AvailabilityZone"]),
            ("availabilityZone", &["AvailabilityZone"]),
            ("availability-zone-id", &["AvailabilityZoneId"]),
            ("cidr-block", &["CidrBlock"]),
            ("cidr", &["CidrBlock"]),
            ("default-for-az", &["DefaultForAz"]),
            ("defaultForAz", &["DefaultForAz"]),
            ("map-public-ip-on-launch", &["MapPublicIpOnLaunch"]),
            ("owner-id", &["OwnerId"]),
            ("state", &["State"]),
            ("subnet-arn", &["SubnetArn"]),
        ],
        missing: ("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let entries = state
        .subnets
        .iter()
        .map(|(id, subnet)| shown(id, subnet, state, call))
        .collect();
    describe::describe(world, call, &KIND, entries)
}

/// One attribute a call: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySubnetAttribute.html>
pub(super) fn modify(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("SubnetId");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let subnet = state.subnets.get_mut(id).ok_or_else(|| unknown(id))?;
    let value = |member: &str| {
        call.input
            .get(member)
            .and_then(|value| input::flag(value, "Value"))
    };
    if let Some(on) = value("MapPublicIpOnLaunch") {
        subnet.public = on;
    } else if let Some(on) = value("EnableResourceNameDnsARecordOnLaunch") {
        subnet.resource_names = on;
    } else if let Some(kind) = call.text("PrivateDnsHostnameTypeOnLaunch") {
        subnet.hostname = kind.to_owned();
    } else {
        return Err(refused(
            "InvalidParameterValue",
            "this sandbox has only subnets of IPv4 in a region's own zones: of their attributes the public address, the \
             kind of host names and the resource names can be changed",
        ));
    }
    Ok(Answer::empty())
}

/// Network interfaces keep it; its place in route tables goes with it:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("SubnetId");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    known(state, id)?;
    if state.interfaces.values().any(|interface| interface.subnet == id) {
        return Err(dependency("subnet", id));
    }
    for table in state.route_tables.values_mut() {
        table
            .associations
            .retain(|_, subnet| subnet.as_deref() != Some(id));
    }
    state.subnets.remove(id);
    state.tags.remove(id);
    Ok(Answer::empty())
}
