//! Virtual networks.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html>

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cidr::Cidr;
use super::describe::{self, Kind, tagged};
use super::{State, dependency, new_id, refused, route_table, security_group, specified};
use crate::answer::{Answer, Refusal};
use crate::aws::input;
use crate::call::Call;
use crate::world::World;

/// Networks in a region unless the quota is raised: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>.
const MOST: usize = 5;
/// The options that every network has unless others are chosen.
pub(super) const DHCP_OPTIONS: &str = "dopt-0a1b2c3d4e5f60718";

/// A virtual network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vpc {
    /// Its addresses.
    pub cidr: String,
    /// Id of the association of its addresses.
    pub association: String,
    /// Tenancy of its instances.
    pub tenancy: String,
    /// Whether names are resolved inside.
    pub dns_support: bool,
    /// Whether instances get names.
    pub dns_hostnames: bool,
    /// Whether its use of addresses is measured.
    pub metrics: bool,
}

pub(super) fn unknown(id: &str) -> Refusal {
    refused(
        "InvalidVpcID.NotFound",
        format!("The vpc ID '{id}' does not exist"),
    )
}

/// A network, or EC2's word for its absence.
pub(super) fn known<'a>(state: &'a State, id: &str) -> Result<&'a Vpc, Refusal> {
    state.vpcs.get(id).ok_or_else(|| unknown(id))
}

fn shown(id: &str, vpc: &Vpc, state: &State, account: &str) -> Value {
    let entry = json!({
        "VpcId": id,
        "OwnerId": account,
        "CidrBlock": vpc.cidr,
        "CidrBlockAssociationSet": [{
            "AssociationId": vpc.association,
            "CidrBlock": vpc.cidr,
            "CidrBlockState": {"State": "associated"},
        }],
        "Ipv6CidrBlockAssociationSet": [],
        "DhcpOptionsId": DHCP_OPTIONS,
        "InstanceTenancy": vpc.tenancy,
        "IsDefault": false,
        "State": "available",
    });
    tagged(entry, &state.tags_of(id))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let text = call.required("CidrBlock");
    let cidr = Cidr::read(text).ok_or_else(|| {
        refused(
            "InvalidParameterValue",
            format!("Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."),
        )
    })?;
    if !cidr.fits_a_network() {
        return Err(refused(
            "InvalidVpc.Range",
            format!("The CIDR '{cidr}' is invalid."),
        ));
    }
    let tags = specified(call, "vpc")?;
    if world.aws.region(&call.account, &call.region).ec2.vpcs.len() >= MOST {
        return Err(refused(
            "VpcLimitExceeded",
            "The maximum number of VPCs has been reached.",
        ));
    }
    let id = new_id(world, "vpc");
    let vpc = Vpc {
        cidr: cidr.to_string(),
        association: new_id(world, "vpc-cidr-assoc"),
        tenancy: call.text("InstanceTenancy").unwrap_or("default").to_owned(),
        dns_support: true,
        dns_hostnames: false,
        metrics: false,
    };
    // Every network has a main route table, a default access list and a default security group from the start:
    // https://docs.aws.amazon.com/vpc/latest/userguide/create-vpc.html
    let table = new_id(world, "rtb");
    let association = new_id(world, "rtbassoc");
    let acl = new_id(world, "acl");
    let group = security_group::default_of(world, &id);
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    state
        .route_tables
        .insert(table, route_table::RouteTable::main(&id, &vpc.cidr, association));
    state.network_acls.insert(acl, id.clone());
    state.security_groups.insert(group.0, group.1);
    if !tags.is_empty() {
        state.tags.insert(id.clone(), tags);
    }
    let mut entry = shown(&id, &vpc, state, &call.account);
    state.vpcs.insert(id, vpc);
    entry["State"] = "pending".into();
    Ok(Answer::of(json!({"Vpc": entry})))
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "Vpcs",
        ids: "VpcIds",
        id: "VpcId",
        filters: &[
            ("vpc-id", &["VpcId"]),
            ("cidr", &["CidrBlock"]),
            ("cidr-block", &["CidrBlock"]),
            (
                "cidr-block-association.cidr-block",
                &["CidrBlockAssociationSet", "CidrBlock"],
            ),
            (
                "cidr-block-association.association-id",
                &["CidrBlockAssociationSet", "AssociationId"],
            ),
            ("dhcp-options-id", &["DhcpOptionsId"]),
            ("is-default", &["IsDefault"]),
            ("isDefault", &["IsDefault"]),
            ("owner-id", &["OwnerId"]),
            ("state", &["State"]),
        ],
        missing: ("InvalidVpcID.NotFound", "The vpc ID '{}' does not exist"),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let entries = state
        .vpcs
        .iter()
        .map(|(id, vpc)| shown(id, vpc, state, &call.account))
        .collect();
    describe::describe(world, call, &KIND, entries)
}

/// One attribute a call: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcAttribute.html>
pub(super) fn modify(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("VpcId");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let vpc = state.vpcs.get_mut(id).ok_or_else(|| unknown(id))?;
    let value = |member: &str| {
        call.input
            .get(member)
            .and_then(|value| input::flag(value, "Value"))
    };
    let wanted = [
        value("EnableDnsSupport"),
        value("EnableDnsHostnames"),
        value("EnableNetworkAddressUsageMetrics"),
    ];
    match wanted {
        [Some(on), None, None] => vpc.dns_support = on,
        [None, Some(on), None] => vpc.dns_hostnames = on,
        [None, None, Some(on)] => vpc.metrics = on,
        [None, None, None] => {
            return Err(refused("MissingParameter", "No attributes specified."));
        }
        _ => {
            return Err(refused(
                "InvalidParameterCombination",
                "Fields for multiple attribute types specified.",
            ));
        }
    }
    Ok(Answer::empty())
}

pub(super) fn attribute(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("VpcId");
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let vpc = known(state, id)?;
    let (member, on) = match call.required("Attribute") {
        "enableDnsSupport" => ("EnableDnsSupport", vpc.dns_support),
        "enableDnsHostnames" => ("EnableDnsHostnames", vpc.dns_hostnames),
        _ => ("EnableNetworkAddressUsageMetrics", vpc.metrics),
    };
    Ok(Answer::of(json!({"VpcId": id, member: {"Value": on}})))
}

/// What was made with it goes with it; what was put into it keeps it:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("VpcId");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    known(state, id)?;
    let kept = state.subnets.values().any(|subnet| subnet.vpc == id)
        || state
            .internet_gateways
            .values()
            .any(|vpc| vpc.as_deref() == Some(id))
        || state
            .route_tables
            .values()
            .any(|table| table.vpc == id && !table.is_main())
        || state
            .security_groups
            .values()
            .any(|group| group.vpc == id && group.name != "default")
        || state.endpoints.values().any(|endpoint| endpoint.vpc == id)
        || state
            .nat_gateways
            .values()
            .any(|gateway| gateway.vpc == id && gateway.deleted.is_none());
    if kept {
        return Err(dependency("vpc", id));
    }
    state.route_tables.retain(|_, table| table.vpc != id);
    state.network_acls.retain(|_, vpc| vpc != id);
    state.security_groups.retain(|_, group| group.vpc != id);
    state.vpcs.remove(id);
    state.tags.remove(id);
    Ok(Answer::empty())
}
