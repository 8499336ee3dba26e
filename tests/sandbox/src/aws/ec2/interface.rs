//! Network interfaces: made by services inside a network, and in the way when it is to go.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/requester-managed-eni.html>

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cidr::Cidr;
use super::describe::{self, Kind};
use super::{State, new_id, refused};
use crate::answer::{Answer, Refusal};
use crate::aws::tags;
use crate::call::Call;
use crate::world::World;

/// A network interface.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interface {
    /// Its network.
    pub vpc: String,
    /// Its subnet.
    pub subnet: String,
    /// Its private address.
    pub private_ip: String,
    /// Its security groups.
    pub groups: Vec<String>,
    /// What it is for, in the words of the service that made it.
    pub description: String,
    /// Kind: `interface`, `nat_gateway`, `vpc_endpoint`.
    pub kind: String,
    /// Whether something is attached to it.
    pub used: bool,
}

/// Makes an interface in a subnet: its id and its address.
pub(crate) fn make(
    world: &mut World,
    call: &Call,
    subnet: &str,
    groups: Vec<String>,
    description: String,
    kind: &str,
) -> (String, String) {
    let id = new_id(world, "eni");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let (vpc, cidr) = state
        .subnets
        .get(subnet)
        .map(|subnet| (subnet.vpc.clone(), Cidr::read(&subnet.cidr)))
        .unwrap_or_default();
    // The first four addresses are AWS's own.
    let private_ip = cidr
        .and_then(|cidr| {
            (4..cidr.size().min(70_000))
                .map(|number| cidr.address(number).to_string())
                .find(|ip| {
                    !state
                        .interfaces
                        .values()
                        .any(|other| other.subnet == subnet && other.private_ip == *ip)
                })
        })
        .unwrap_or_default();
    let interface = Interface {
        vpc,
        subnet: subnet.to_owned(),
        private_ip: private_ip.clone(),
        groups,
        description,
        kind: kind.to_owned(),
        used: true,
    };
    state.interfaces.insert(id.clone(), interface);
    (id, private_ip)
}

fn shown(id: &str, interface: &Interface, state: &State, call: &Call) -> Value {
    let zone = state
        .subnets
        .get(&interface.subnet)
        .map(|subnet| subnet.zone.clone())
        .unwrap_or_default();
    let groups: Vec<Value> = interface
        .groups
        .iter()
        .map(|group| {
            let name = state.security_groups.get(group).map(|group| group.name.as_str());
            json!({"GroupId": group, "GroupName": name.unwrap_or_default()})
        })
        .collect();
    let mut entry = json!({
        "NetworkInterfaceId": id,
        "AvailabilityZone": zone,
        "Description": interface.description,
        "Groups": groups,
        "InterfaceType": interface.kind,
        "OwnerId": call.account,
        "PrivateIpAddress": interface.private_ip,
        "PrivateIpAddresses": [{"Primary": true, "PrivateIpAddress": interface.private_ip}],
        "RequesterManaged": true,
        "SourceDestCheck": true,
        "Status": if interface.used { "in-use" } else { "available" },
        "SubnetId": interface.subnet,
        "TagSet": tags::list(&state.tags_of(id), ("Key", "Value")),
        "VpcId": interface.vpc,
    });
    if interface.used {
        entry["Attachment"] = json!({
            "AttachmentId": id.replacen("eni-", "eni-attach-", 1),
            "DeleteOnTermination": false,
            "DeviceIndex": 1,
            "InstanceOwnerId": "amazon-aws",
            "Status": "attached",
        });
    }
    entry
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "NetworkInterfaces",
        ids: "NetworkInterfaceIds",
        id: "NetworkInterfaceId",
        filters: &[
            ("network-interface-id", &["NetworkInterfaceId"]),
            ("vpc-id", &["VpcId"]),
            ("subnet-id", &["SubnetId"]),
            ("group-id", &["Groups", "GroupId"]),
            ("description", &["Description"]),
            ("status", &["Status"]),
            ("interface-type", &["InterfaceType"]),
            ("private-ip-address", &["PrivateIpAddress"]),
            ("requester-managed", &["RequesterManaged"]),
            ("attachment.attachment-id", &["Attachment", "AttachmentId"]),
            ("attachment.instance-owner-id", &["Attachment", "InstanceOwnerId"]),
            ("attachment.instance-id", &["Attachment", "InstanceId"]),
        ],
        missing: (
            "InvalidNetworkInterfaceID.NotFound",
            "The networkInterface ID '{}' does not exist",
        ),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let entries = state
        .interfaces
        .iter()
        .map(|(id, interface)| shown(id, interface, state, call))
        .collect();
    describe::describe(world, call, &KIND, entries)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("NetworkInterfaceId");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let interface = state.interfaces.get(id).ok_or_else(|| {
        refused(
            "InvalidNetworkInterfaceID.NotFound",
            format!("The networkInterface ID '{id}' does not exist"),
        )
    })?;
    if interface.used {
        return Err(refused(
            "InvalidParameterValue",
            format!("Network interface '{id}' is currently in use."),
        ));
    }
    state.interfaces.remove(id);
    state.tags.remove(id);
    Ok(Answer::empty())
}
