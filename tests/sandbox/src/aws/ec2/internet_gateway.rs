//! Internet gateways.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateInternetGateway.html>

use serde_json::{Value, json};

use super::describe::{self, Kind, tagged};
use super::{State, dependency, new_id, refused, specified, vpc};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

fn unknown(id: &str) -> Refusal {
    refused(
        "InvalidInternetGatewayID.NotFound",
        format!("The internetGateway ID '{id}' does not exist"),
    )
}

fn shown(id: &str, state: &State, account: &str) -> Value {
    let attached: Vec<Value> = state
        .internet_gateways
        .get(id)
        .into_iter()
        .flatten()
        .map(|vpc| json!({"State": "attached", "VpcId": vpc}))
        .collect();
    let entry = json!({"InternetGatewayId": id, "OwnerId": account, "Attachments": attached});
    tagged(entry, &state.tags_of(id))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let tags = specified(call, "internet-gateway")?;
    let id = new_id(world, "igw");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    state.internet_gateways.insert(id.clone(), None);
    if !tags.is_empty() {
        state.tags.insert(id.clone(), tags);
    }
    Ok(Answer::of(
        json!({"InternetGateway": shown(&id, state, &call.account)}),
    ))
}

/// A network has one at most, a gateway one network.
pub(super) fn attach(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (id, network) = (call.required("InternetGatewayId"), call.required("VpcId"));
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    vpc::known(state, network)?;
    let taken = state
        .internet_gateways
        .values()
        .any(|vpc| vpc.as_deref() == Some(network));
    let gateway = state.internet_gateways.get_mut(id).ok_or_else(|| unknown(id))?;
    if let Some(other) = gateway {
        return Err(refused(
            "Resource.AlreadyAssociated",
            format!("resource {id} is already attached to network {other}"),
        ));
    }
    if taken {
        return Err(refused(
            "InvalidParameterValue",
            format!("Network {network} already has an internet gateway attached"),
        ));
    }
    *gateway = Some(network.to_owned());
    Ok(Answer::empty())
}

/// Refused while public addresses are in use in the network.
pub(super) fn detach(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (id, network) = (call.required("InternetGatewayId"), call.required("VpcId"));
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let mapped = state
        .nat_gateways
        .values()
        .any(|gateway| gateway.vpc == network && gateway.deleted.is_none() && gateway.allocation.is_some());
    let gateway = state.internet_gateways.get_mut(id).ok_or_else(|| unknown(id))?;
    if gateway.as_deref() != Some(network) {
        return Err(refused(
            "Gateway.NotAttached",
            format!("resource {id} is not attached to network {network}"),
        ));
    }
    if mapped {
        return Err(refused(
            "DependencyViolation",
            format!(
                "Network {network} has some mapped public address(es). Please unmap those public address(es) before \
                 detaching the gateway."
            ),
        ));
    }
    *gateway = None;
    Ok(Answer::empty())
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "InternetGateways",
        ids: "InternetGatewayIds",
        id: "InternetGatewayId",
        filters: &[
            ("internet-gateway-id", &["InternetGatewayId"]),
            ("attachment.vpc-id", &["Attachments", "VpcId"]),
            ("attachment.state", &["Attachments", "State"]),
            ("owner-id", &["OwnerId"]),
        ],
        missing: (
            "InvalidInternetGatewayID.NotFound",
            "The internetGateway ID '{}' does not exist",
        ),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let entries = state
        .internet_gateways
        .keys()
        .map(|id| shown(id, state, &call.account))
        .collect();
    describe::describe(world, call, &KIND, entries)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("InternetGatewayId");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    if state
        .internet_gateways
        .get(id)
        .ok_or_else(|| unknown(id))?
        .is_some()
    {
        return Err(dependency("internetGateway", id));
    }
    state.internet_gateways.remove(id);
    state.tags.remove(id);
    Ok(Answer::empty())
}
