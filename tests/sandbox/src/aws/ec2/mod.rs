//! Elastic compute cloud, as far as a network and node groups need it.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Refusal};
use crate::aws::input;
use crate::aws::tags::{self, Flaw, Tags};
use crate::call::Call;
use crate::world::World;

pub mod address;
mod cidr;
mod describe;
pub mod endpoint;
pub mod interface;
pub mod internet_gateway;
pub mod launch_template;
pub mod nat_gateway;
pub mod network_acl;
pub mod place;
pub mod route_table;
pub mod security_group;
pub mod subnet;
mod tagging;
pub mod vpc;

/// What stands in a region's EC2, each kind by its id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Virtual networks.
    pub vpcs: BTreeMap<String, vpc::Vpc>,
    /// Subnets.
    pub subnets: BTreeMap<String, subnet::Subnet>,
    /// Internet gateways: the network that each is attached to.
    pub internet_gateways: BTreeMap<String, Option<String>>,
    /// Public addresses by allocation.
    pub addresses: BTreeMap<String, address::Address>,
    /// NAT gateways.
    pub nat_gateways: BTreeMap<String, nat_gateway::NatGateway>,
    /// Route tables.
    pub route_tables: BTreeMap<String, route_table::RouteTable>,
    /// Network access lists: the network of each, which is its default.
    pub network_acls: BTreeMap<String, String>,
    /// Security groups.
    pub security_groups: BTreeMap<String, security_group::SecurityGroup>,
    /// Network interfaces.
    pub interfaces: BTreeMap<String, interface::Interface>,
    /// Endpoints of services inside networks.
    pub endpoints: BTreeMap<String, endpoint::Endpoint>,
    /// Launch templates.
    pub launch_templates: BTreeMap<String, launch_template::LaunchTemplate>,
    /// Tags of anything, by id.
    pub tags: BTreeMap<String, Tags>,
}

impl State {
    /// The tags of an object.
    pub fn tags_of(&self, id: &str) -> Tags {
        self.tags.get(id).cloned().unwrap_or_default()
    }
}

/// Answers a call to EC2.
///
/// # Errors
/// EC2's refusals.
pub fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let run = operation(call).ok_or_else(|| crate::aws::not_carried(call))?;
    // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
    if input::flag(&call.input, "DryRun") == Some(true) {
        return Err(Refusal::new(
            412,
            "DryRunOperation",
            "Request would have succeeded, but DryRun flag is set.",
        ));
    }
    nat_gateway::settle(world.aws.region_mut(&call.account, &call.region), call.at);
    run(world, call)
}

type Run = fn(&mut World, &Call) -> Result<Answer, Refusal>;

fn operation(call: &Call) -> Option<Run> {
    Some(match call.operation.as_str() {
        "CreateVpc" => vpc::create,
        "DescribeVpcs" => vpc::describe,
        "DeleteVpc" => vpc::delete,
        "ModifyVpcAttribute" => vpc::modify,
        "DescribeVpcAttribute" => vpc::attribute,
        "CreateSubnet" => subnet::create,
        "DescribeSubnets" => subnet::describe,
        "ModifySubnetAttribute" => subnet::modify,
        "DeleteSubnet" => subnet::delete,
        "CreateInternetGateway" => internet_gateway::create,
        "AttachInternetGateway" => internet_gateway::attach,
        "DetachInternetGateway" => internet_gateway::detach,
        "DescribeInternetGateways" => internet_gateway::describe,
        "DeleteInternetGateway" => internet_gateway::delete,
        "AllocateAddress" => address::allocate,
        "DescribeAddresses" => address::describe,
        "DescribeAddressesAttribute" => address::attribute,
        "DisassociateAddress" => address::disassociate,
        "ReleaseAddress" => address::release,
        "CreateNatGateway" => nat_gateway::create,
        "DescribeNatGateways" => nat_gateway::describe,
        "DeleteNatGateway" => nat_gateway::delete,
        "CreateRouteTable" => route_table::create,
        "DescribeRouteTables" => route_table::describe,
        "AssociateRouteTable" => route_table::associate,
        "ReplaceRouteTableAssociation" => route_table::replace_association,
        "DisassociateRouteTable" => route_table::disassociate,
        "CreateRoute" => route_table::create_route,
        "ReplaceRoute" => route_table::replace_route,
        "DeleteRoute" => route_table::delete_route,
        "DeleteRouteTable" => route_table::delete,
        "DescribeNetworkAcls" => network_acl::describe,
        "CreateSecurityGroup" => security_group::create,
        "DescribeSecurityGroups" => security_group::describe,
        "DescribeSecurityGroupRules" => security_group::describe_rules,
        "AuthorizeSecurityGroupIngress" | "AuthorizeSecurityGroupEgress" => security_group::authorize,
        "RevokeSecurityGroupIngress" | "RevokeSecurityGroupEgress" => security_group::revoke,
        "DeleteSecurityGroup" => security_group::delete,
        "DescribeNetworkInterfaces" => interface::describe,
        "DeleteNetworkInterface" => interface::delete,
        "CreateVpcEndpoint" => endpoint::create,
        "DescribeVpcEndpoints" => endpoint::describe,
        "ModifyVpcEndpoint" => endpoint::modify,
        "DeleteVpcEndpoints" => endpoint::delete,
        "DescribeVpcEndpointServices" => endpoint::services,
        "DescribePrefixLists" => endpoint::prefix_lists,
        "DescribeManagedPrefixLists" => endpoint::managed_prefix_lists,
        "CreateLaunchTemplate" => launch_template::create,
        "CreateLaunchTemplateVersion" => launch_template::create_version,
        "DescribeLaunchTemplates" => launch_template::describe,
        "DescribeLaunchTemplateVersions" => launch_template::describe_versions,
        "ModifyLaunchTemplate" => launch_template::modify,
        "DeleteLaunchTemplate" => launch_template::delete,
        "DeleteLaunchTemplateVersions" => launch_template::delete_versions,
        "CreateTags" => tagging::create,
        "DeleteTags" => tagging::delete,
        "DescribeTags" => tagging::describe,
        "DescribeAvailabilityZones" => place::zones,
        "DescribeRegions" => place::regions,
        "DescribeAccountAttributes" => place::account_attributes,
        "DescribeInstanceTypeOfferings" => place::offerings,
        "DescribeDhcpOptions" => place::dhcp_options,
        _ => return None,
    })
}

pub(crate) fn refused(code: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(400, code, message)
}

/// What hangs on an object keeps it: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
pub(crate) fn dependency(kind: &str, id: &str) -> Refusal {
    refused(
        "DependencyViolation",
        format!("The {kind} '{id}' has dependencies and cannot be deleted."),
    )
}

/// An id of EC2's: prefix and 17 hexadecimal digits.
pub(crate) fn new_id(world: &mut World, prefix: &str) -> String {
    format!("{prefix}-0{}", world.random.hex(16))
}

/// Reads the tags for `kind` out of `TagSpecifications`.
pub(crate) fn specified(call: &Call, kind: &str) -> Result<Tags, Refusal> {
    let mut all = Tags::new();
    for specification in input::items(&call.input, "TagSpecifications") {
        let named = input::text(specification, "ResourceType").unwrap_or_default();
        if named != kind {
            return Err(refused(
                "InvalidParameterValue",
                format!("'{named}' is not a valid taggable resource type for this operation."),
            ));
        }
        all.extend(tags::read(specification.get("Tags"), ("Key", "Value")).map_err(flawed)?);
    }
    Ok(all)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
pub(crate) fn flawed(flaw: Flaw) -> Refusal {
    match flaw {
        Flaw::TooMany => refused("TagLimitExceeded", "The maximum number of Tags has been reached."),
        Flaw::Twice(key) => refused(
            "InvalidParameterValue",
            format!("Duplicate tag key '{key}' specified."),
        ),
        Flaw::Reserved(key) => refused(
            "InvalidParameterValue",
            format!("Tag keys starting with 'aws:' are reserved for internal use: {key}"),
        ),
    }
}
