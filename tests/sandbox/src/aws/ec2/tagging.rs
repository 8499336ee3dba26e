//! Tags on anything of EC2.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html>

use serde_json::{Value, json};

use super::describe::{self, Kind};
use super::{State, flawed, refused};
use crate::answer::{Answer, Refusal};
use crate::aws::input;
use crate::aws::tags;
use crate::call::Call;
use crate::world::World;

/// Kind of an object by the beginning of its id, and whether it stands; `None` for an id of no kind that there is.
fn kind(state: &State, id: &str) -> Option<(&'static str, bool)> {
    let prefix = id.rsplit_once('-').map_or("", |(prefix, _)| prefix);
    Some(match prefix {
        "vpc" => ("vpc", state.vpcs.contains_key(id)),
        "subnet" => ("subnet", state.subnets.contains_key(id)),
        "igw" => ("internet-gateway", state.internet_gateways.contains_key(id)),
        "eipalloc" => ("elastic-ip", state.addresses.contains_key(id)),
        "nat" => ("natgateway", state.nat_gateways.contains_key(id)),
        "rtb" => ("route-table", state.route_tables.contains_key(id)),
        "acl" => ("network-acl", state.network_acls.contains_key(id)),
        "sg" => ("security-group", state.security_groups.contains_key(id)),
        "sgr" => (
            "security-group-rule",
            state
                .security_groups
                .values()
                .any(|group| group.rules.contains_key(id)),
        ),
        "eni" => ("network-interface", state.interfaces.contains_key(id)),
        "vpce" => ("vpc-endpoint", state.endpoints.contains_key(id)),
        "lt" => ("launch-template", state.launch_templates.contains_key(id)),
        _ => return None,
    })
}

fn all_stand(state: &State, call: &Call) -> Result<(), Refusal> {
    for id in input::texts(&call.input, "Resources") {
        match kind(state, id) {
            Some((_, true)) => {}
            Some((kind, false)) => {
                let code = match kind {
                    "vpc" => "InvalidVpcID.NotFound",
                    "subnet" => "InvalidSubnetID.NotFound",
                    "security-group" => "InvalidGroup.NotFound",
                    "launch-template" => "InvalidLaunchTemplateId.NotFound",
                    "natgateway" => "NatGatewayNotFound",
                    "elastic-ip" => "InvalidAllocationID.NotFound",
                    "internet-gateway" => "InvalidInternetGatewayID.NotFound",
                    "route-table" => "InvalidRouteTableID.NotFound",
                    _ => "InvalidID",
                };
                return Err(refused(code, format!("The {kind} ID '{id}' does not exist")));
            }
            None => {
                return Err(refused("InvalidID", format!("The ID '{id}' is not valid")));
            }
        }
    }
    Ok(())
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let new = tags::read(call.input.get("Tags"), ("Key", "Value")).map_err(flawed)?;
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    all_stand(state, call)?;
    let mut changed = Vec::new();
    for id in input::texts(&call.input, "Resources") {
        let mut tags = state.tags_of(id);
        tags::add(&mut tags, new.clone()).map_err(flawed)?;
        changed.push((id.to_owned(), tags));
    }
    state.tags.extend(changed);
    Ok(Answer::empty())
}

/// Without tags all go; with a value only where it is that: the same reference, DeleteTags.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    all_stand(state, call)?;
    let named = input::items(&call.input, "Tags");
    for id in input::texts(&call.input, "Resources") {
        let Some(tags) = state.tags.get_mut(id) else {
            continue;
        };
        if named.is_empty() {
            tags.retain(|key, _| key.starts_with("aws:"));
        }
        for tag in named {
            let key = input::text(tag, "Key").unwrap_or_default();
            let value = input::text(tag, "Value");
            if value.is_none_or(|value| tags.get(key).map(String::as_str) == Some(value)) {
                tags.remove(key);
            }
        }
        if tags.is_empty() {
            state.tags.remove(id);
        }
    }
    Ok(Answer::empty())
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "Tags",
        ids: "",
        id: "Order",
        filters: &[
            ("key", &["Key"]),
            ("value", &["Value"]),
            ("resource-id", &["ResourceId"]),
            ("resource-type", &["ResourceType"]),
        ],
        missing: ("", ""),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let entries: Vec<Value> = state
        .tags
        .iter()
        .flat_map(|(id, tags)| tags.iter().map(move |(key, value)| (id, key, value)))
        .map(|(id, key, value)| {
            json!({
                "Order": format!("{id}/{key}"),
                "ResourceId": id,
                "ResourceType": kind(state, id).map_or("", |(kind, _)| kind),
                "Key": key,
                "Value": value,
            })
        })
        .collect();
    let mut answer = describe::describe(world, call, &KIND, entries)?;
    for entry in answer.output["Tags"].as_array_mut().into_iter().flatten() {
        if let Some(members) = entry.as_object_mut() {
            members.remove("Order");
        }
    }
    Ok(answer)
}
