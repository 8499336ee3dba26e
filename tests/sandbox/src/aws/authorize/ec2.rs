//! EC2: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html>

use super::need::{Need, tags_in};
use crate::aws::{arn, input};
use crate::call::Call;
use crate::world::World;

/// Members that name what a call is about, with the type in its ARN.
const NAMED: [(&str, &str); 15] = [
    ("VpcId", "vpc"),
    ("SubnetId", "subnet"),
    ("InternetGatewayId", "internet-gateway"),
    ("GatewayId", "internet-gateway"),
    ("AllocationId", "elastic-ip"),
    ("NatGatewayId", "natgateway"),
    ("RouteTableId", "route-table"),
    ("GroupId", "security-group"),
    ("NetworkInterfaceId", "network-interface"),
    ("VpcEndpointId", "vpc-endpoint"),
    ("VpcEndpointIds", "vpc-endpoint"),
    ("RouteTableIds", "route-table"),
    ("SubnetIds", "subnet"),
    ("SecurityGroupIds", "security-group"),
    ("LaunchTemplateId", "launch-template"),
];

/// What an operation makes.
const MADE: [(&str, &str); 10] = [
    ("AllocateAddress", "elastic-ip"),
    ("CreateInternetGateway", "internet-gateway"),
    ("CreateLaunchTemplate", "launch-template"),
    ("CreateNatGateway", "natgateway"),
    ("CreateRouteTable", "route-table"),
    ("CreateSecurityGroup", "security-group"),
    ("CreateSubnet", "subnet"),
    ("CreateVpc", "vpc"),
    ("CreateVpcEndpoint", "vpc-endpoint"),
    ("CreateTags", ""),
];

pub(super) fn needs(world: &World, call: &Call) -> Vec<Need> {
    let operation = call.operation.as_str();
    if operation.starts_with("Describe") {
        // No description can be narrowed to resources.
        return vec![Need::own(call, "*").with("ec2:Region", call.region.as_str())];
    }
    let named = |kind: &str, id: &str| {
        let account = if kind == "image" { "" } else { &call.account };
        arn::regional("ec2", &call.region, account, &format!("{kind}/{id}"))
    };
    let on = |kind: &str, id: &str| {
        let tags = world.aws.region(&call.account, &call.region).ec2.tags_of(id);
        Need::own(call, named(kind, id))
            .with("ec2:Region", call.region.as_str())
            .tagged(Some("ec2"), &tags)
    };
    let mut needs = Vec::new();
    for id in input::texts(&call.input, "Resources") {
        let tags = tags_in(call.input.get("Tags"));
        needs.push(on(kind_of(id), id).requested(&tags));
    }
    let made = MADE
        .iter()
        .find(|(name, kind)| *name == operation && !kind.is_empty());
    if let Some((_, kind)) = made {
        let specifications = input::items(&call.input, "TagSpecifications");
        let tags = specifications
            .iter()
            .map(|specification| tags_in(specification.get("Tags")))
            .fold(crate::aws::tags::Tags::new(), |mut all, more| {
                all.extend(more);
                all
            });
        needs.push(
            Need::own(call, named(kind, "*"))
                .with("ec2:Region", call.region.as_str())
                .requested(&tags),
        );
        if !tags.is_empty() {
            // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
            needs.push(
                Need::of("ec2:CreateTags", named(kind, "*"))
                    .with("ec2:CreateAction", operation)
                    .requested(&tags),
            );
        }
    }
    for (member, kind) in NAMED {
        let listed = input::texts(&call.input, member);
        for id in call.text(member).into_iter().chain(listed) {
            needs.push(on(kind, id));
        }
    }
    // A table is named by what leads to it.
    if operation == "DisassociateRouteTable"
        && let Some(association) = call.text("AssociationId")
    {
        let tables = &world.aws.region(&call.account, &call.region).ec2.route_tables;
        let found = tables
            .iter()
            .find(|(_, table)| table.associations.contains_key(association));
        needs.extend(found.map(|(id, _)| on("route-table", id)));
    }
    // A template is named by either; who makes one names what is not there yet.
    if let Some(name) = call
        .text("LaunchTemplateName")
        .filter(|_| operation != "CreateLaunchTemplate")
    {
        let templates = &world.aws.region(&call.account, &call.region).ec2.launch_templates;
        let found = templates.iter().find(|(_, template)| template.name == name);
        needs.extend(found.map(|(id, _)| on("launch-template", id)));
    }
    if needs.is_empty() {
        needs.push(Need::own(call, "*").with("ec2:Region", call.region.as_str()));
    }
    needs
}

/// The type of an object by the beginning of its id.
fn kind_of(id: &str) -> &'static str {
    match id.rsplit_once('-').map_or("", |(prefix, _)| prefix) {
        "vpc" => "vpc",
        "subnet" => "subnet",
        "igw" => "internet-gateway",
        "eipalloc" => "elastic-ip",
        "nat" => "natgateway",
        "rtb" => "route-table",
        "acl" => "network-acl",
        "sg" => "security-group",
        "sgr" => "security-group-rule",
        "eni" => "network-interface",
        "vpce" => "vpc-endpoint",
        "lt" => "launch-template",
        _ => "*",
    }
}
