//! Network access lists: the default one of each network, only looked at.

use serde_json::{Value, json};

use super::State;
use super::describe::{self, Kind, tagged};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

fn shown(id: &str, vpc: &str, state: &State, account: &str) -> Value {
    // The default list lets everything through: https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html
    let entry = |number: i64, egress: bool, action: &str| {
        json!({
            "CidrBlock": "0.0.0.0/0",
            "Egress": egress,
            "Protocol": "-1",
            "RuleAction": action,
            "RuleNumber": number,
        })
    };
    let associations: Vec<Value> = state
        .subnets
        .iter()
        .filter(|(_, subnet)| subnet.vpc == vpc)
        .map(|(subnet, _)| {
            json!({
                "NetworkAclAssociationId": subnet.replacen("subnet-", "aclassoc-", 1),
                "NetworkAclId": id,
                "SubnetId": subnet,
            })
        })
        .collect();
    let shown = json!({
        "NetworkAclId": id,
        "VpcId": vpc,
        "OwnerId": account,
        "IsDefault": true,
        "Associations": associations,
        "Entries": [
            entry(100, true, "allow"),
            entry(32_767, true, "deny"),
            entry(100, false, "allow"),
            entry(32_767, false, "deny"),
        ],
    });
    tagged(shown, &state.tags_of(id))
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "NetworkAcls",
        ids: "NetworkAclIds",
        id: "NetworkAclId",
        filters: &[
            ("network-acl-id", &["NetworkAclId"]),
            ("vpc-id", &["VpcId"]),
            ("default", &["IsDefault"]),
            ("association.subnet-id", &["Associations", "SubnetId"]),
            (
                "association.association-id",
                &["Associations", "NetworkAclAssociationId"],
            ),
            ("owner-id", &["OwnerId"]),
        ],
        missing: (
            "InvalidNetworkAclID.NotFound",
            "The networkAcl ID '{}' does not exist",
        ),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let entries = state
        .network_acls
        .iter()
        .map(|(id, vpc)| shown(id, vpc, state, &call.account))
        .collect();
    describe::describe(world, call, &KIND, entries)
}
