//! Security groups and their rules.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cidr::Cidr;
use super::describe::{self, Kind, tagged};
use super::{State, new_id, refused, specified, vpc};
use crate::answer::{Answer, Refusal};
use crate::aws::{arn, input};
use crate::call::Call;
use crate::world::World;

/// Rules in one direction unless the quota is raised:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>.
const MOST_RULES: usize = 60;

/// A security group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Name, unique in its network.
    pub name: String,
    /// Description.
    pub description: String,
    /// Its network.
    pub vpc: String,
    /// Rules by id.
    pub rules: BTreeMap<String, Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Whether it is about traffic that leaves.
    pub egress: bool,
    /// Protocol: `tcp`, `udp`, `icmp`, `-1` for all, or a number.
    pub protocol: String,
    /// Ports; none for all.
    pub ports: Option<(i64, i64)>,
    /// The other side.
    pub peer: Peer,
    /// Description.
    pub description: Option<String>,
}

/// The other side of a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Peer {
    /// Addresses.
    Ipv4(String),
    /// Addresses of version 6.
    Ipv6(String),
    /// A prefix list.
    PrefixList(String),
    /// Another group, or the same.
    Group(String),
}

impl Rule {
    fn same(&self, other: &Self) -> bool {
        (self.egress, &self.protocol, self.ports, &self.peer)
            == (other.egress, &other.protocol, other.ports, &other.peer)
    }

    fn words(&self) -> String {
        let peer = match &self.peer {
            Peer::Ipv4(text) | Peer::Ipv6(text) | Peer::PrefixList(text) | Peer::Group(text) => text,
        };
        let protocol = if self.protocol == "-1" {
            "ALL".to_owned()
        } else {
            self.protocol.to_uppercase()
        };
        match self.ports {
            Some((from, to)) => format!("peer: {peer}, {protocol}, from port: {from}, to port: {to}, ALLOW"),
            None => format!("peer: {peer}, {protocol}, ALLOW"),
        }
    }

    fn shown(&self, id: &str, group: &str, account: &str) -> Value {
        let (from, to) = self.ports.unwrap_or((-1, -1));
        let mut entry = json!({
            "SecurityGroupRuleId": id,
            "GroupId": group,
            "GroupOwnerId": account,
            "IsEgress": self.egress,
            "IpProtocol": self.protocol,
            "FromPort": from,
            "ToPort": to,
        });
        match &self.peer {
            Peer::Ipv4(block) => entry["CidrIpv4"] = block.as_str().into(),
            Peer::Ipv6(block) => entry["CidrIpv6"] = block.as_str().into(),
            Peer::PrefixList(list) => entry["PrefixListId"] = list.as_str().into(),
            Peer::Group(other) => {
                entry["ReferencedGroupInfo"] = json!({"GroupId": other, "UserId": account});
            }
        }
        if let Some(description) = &self.description {
            entry["Description"] = description.as_str().into();
        }
        entry
    }
}

/// Everything may leave, which is what a new group starts with.
fn all_out() -> Rule {
    Rule {
        egress: true,
        protocol: "-1".to_owned(),
        ports: None,
        peer: Peer::Ipv4("0.0.0.0/0".to_owned()),
        description: None,
    }
}

/// The group that every network has: its members reach each other.
pub(super) fn default_of(world: &mut World, vpc: &str) -> (String, SecurityGroup) {
    let id = new_id(world, "sg");
    let inside = Rule {
        egress: false,
        peer: Peer::Group(id.clone()),
        ..all_out()
    };
    let rules = [(new_id(world, "sgr"), all_out()), (new_id(world, "sgr"), inside)];
    let group = SecurityGroup {
        name: "default".to_owned(),
        description: "default VPC security group".to_owned(),
        vpc: vpc.to_owned(),
        rules: rules.into(),
    };
    (id, group)
}

/// Makes a group whose members reach each other: what EKS makes for a cluster.
pub(crate) fn make_inside(
    world: &mut World,
    call: &Call,
    vpc: &str,
    name: String,
    description: &str,
) -> String {
    let (id, mut group) = default_of(world, vpc);
    group.name = name;
    description.clone_into(&mut group.description);
    world
        .aws
        .region_mut(&call.account, &call.region)
        .ec2
        .security_groups
        .insert(id.clone(), group);
    id
}

fn unknown(id: &str) -> Refusal {
    refused(
        "InvalidGroup.NotFound",
        format!("The security group '{id}' does not exist"),
    )
}

/// The rules of one direction as the API groups them: by protocol and ports.
fn permissions(group: &SecurityGroup, egress: bool, account: &str) -> Value {
    type Ports = Option<(i64, i64)>;
    let mut grouped: BTreeMap<(&str, Ports), Vec<&Rule>> = BTreeMap::new();
    for rule in group.rules.values().filter(|rule| rule.egress == egress) {
        grouped
            .entry((&rule.protocol, rule.ports))
            .or_default()
            .push(rule);
    }
    grouped
        .into_iter()
        .map(|((protocol, ports), rules)| {
            let list = |member: &str, pick: &dyn Fn(&Peer) -> Option<String>| -> Vec<Value> {
                rules
                    .iter()
                    .filter_map(|rule| {
                        let mut entry = json!({member: pick(&rule.peer)?});
                        if let Some(description) = &rule.description {
                            entry["Description"] = description.as_str().into();
                        }
                        if member == "GroupId" {
                            entry["UserId"] = account.into();
                        }
                        Some(entry)
                    })
                    .collect()
            };
            let mut permission = json!({
                "IpProtocol": protocol,
                "IpRanges": list("CidrIp", &|peer| match peer { Peer::Ipv4(block) => Some(block.clone()), _ => None }),
                "Ipv6Ranges": list("CidrIpv6", &|peer| match peer { Peer::Ipv6(block) => Some(block.clone()), _ => None }),
                "PrefixListIds": list("PrefixListId", &|peer| match peer { Peer::PrefixList(id) => Some(id.clone()), _ => None }),
                "UserIdGroupPairs": list("GroupId", &|peer| match peer { Peer::Group(id) => Some(id.clone()), _ => None }),
            });
            if let Some((from, to)) = ports {
                permission["FromPort"] = from.into();
                permission["ToPort"] = to.into();
            }
            permission
        })
        .collect()
}

fn shown(id: &str, group: &SecurityGroup, state: &State, call: &Call) -> Value {
    let entry = json!({
        "GroupId": id,
        "GroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc,
        "OwnerId": call.account,
        "SecurityGroupArn": arn::regional("ec2", &call.region, &call.account, &format!("security-group/{id}")),
        "IpPermissions": permissions(group, false, &call.account),
        "IpPermissionsEgress": permissions(group, true, &call.account),
    });
    tagged(entry, &state.tags_of(id))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("GroupName");
    let Some(network) = call.text("VpcId") else {
        return Err(refused(
            "VPCIdNotSpecified",
            "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.",
        ));
    };
    let tags = specified(call, "security-group")?;
    let state = &world.aws.region(&call.account, &call.region).ec2;
    vpc::known(state, network)?;
    if name.starts_with("sg-") {
        return Err(refused(
            "InvalidParameterValue",
            format!(
                "Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*."
            ),
        ));
    }
    if state
        .security_groups
        .values()
        .any(|group| group.vpc == network && group.name == name)
    {
        return Err(refused(
            "InvalidGroup.Duplicate",
            format!("The security group '{name}' already exists for VPC '{network}'"),
        ));
    }
    let id = new_id(world, "sg");
    let rule = new_id(world, "sgr");
    let group = SecurityGroup {
        name: name.to_owned(),
        description: call.required("Description").to_owned(),
        vpc: network.to_owned(),
        rules: [(rule, all_out())].into(),
    };
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let mut answer = json!({
        "GroupId": id,
        "SecurityGroupArn": arn::regional("ec2", &call.region, &call.account, &format!("security-group/{id}")),
    });
    if !tags.is_empty() {
        answer["Tags"] = crate::aws::tags::list(&tags, ("Key", "Value"));
        state.tags.insert(id.clone(), tags);
    }
    state.security_groups.insert(id, group);
    Ok(Answer::of(answer))
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "SecurityGroups",
        ids: "GroupIds",
        id: "GroupId",
        filters: &[
            ("group-id", &["GroupId"]),
            ("group-name", &["GroupName"]),
            ("description", &["Description"]),
            ("vpc-id", &["VpcId"]),
            ("owner-id", &["OwnerId"]),
            ("ip-permission.cidr", &["IpPermissions", "IpRanges", "CidrIp"]),
            (
                "ip-permission.group-id",
                &["IpPermissions", "UserIdGroupPairs", "GroupId"],
            ),
            ("ip-permission.protocol", &["IpPermissions", "IpProtocol"]),
            (
                "egress.ip-permission.cidr",
                &["IpPermissionsEgress", "IpRanges", "CidrIp"],
            ),
            (
                "egress.ip-permission.group-id",
                &["IpPermissionsEgress", "UserIdGroupPairs", "GroupId"],
            ),
        ],
        missing: ("InvalidGroup.NotFound", "The security group '{}' does not exist"),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let names = input::texts(&call.input, "GroupNames");
    if let Some(missing) = names
        .iter()
        .find(|name| !state.security_groups.values().any(|group| group.name == **name))
    {
        return Err(unknown(missing));
    }
    let entries = state
        .security_groups
        .iter()
        .filter(|(_, group)| names.is_empty() || names.contains(&group.name.as_str()))
        .map(|(id, group)| shown(id, group, state, call))
        .collect();
    describe::describe(world, call, &KIND, entries)
}

pub(super) fn describe_rules(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "SecurityGroupRules",
        ids: "SecurityGroupRuleIds",
        id: "SecurityGroupRuleId",
        filters: &[
            ("group-id", &["GroupId"]),
            ("security-group-rule-id", &["SecurityGroupRuleId"]),
        ],
        missing: (
            "InvalidSecurityGroupRuleId.NotFound",
            "The security group rule ID '{}' does not exist",
        ),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let entries = state
        .security_groups
        .iter()
        .flat_map(|(group, entry)| entry.rules.iter().map(move |(id, rule)| (group, id, rule)))
        .map(|(group, id, rule)| tagged(rule.shown(id, group, &call.account), &state.tags_of(id)))
        .collect();
    describe::describe(world, call, &KIND, entries)
}

/// Numbers of the protocols that have names.
fn protocol(text: &str) -> String {
    match text.to_ascii_lowercase().as_str() {
        "6" => "tcp".to_owned(),
        "17" => "udp".to_owned(),
        "1" => "icmp".to_owned(),
        "58" => "icmpv6".to_owned(),
        "all" => "-1".to_owned(),
        other => other.to_owned(),
    }
}

/// The rules that a call speaks of, in both of its spellings.
fn wanted(call: &Call, state: &State, egress: bool) -> Result<Vec<Rule>, Refusal> {
    let mut rules = Vec::new();
    let mut add = |permission: &Value, peer: Peer, description: Option<&str>| {
        let protocol = protocol(input::text(permission, "IpProtocol").unwrap_or("-1"));
        let ports = match (
            input::number(permission, "FromPort"),
            input::number(permission, "ToPort"),
        ) {
            _ if protocol == "-1" => None,
            (None, None) => None,
            (from, to) => Some((from.unwrap_or(-1), to.unwrap_or(-1))),
        };
        if matches!(protocol.as_str(), "tcp" | "udp") {
            let (from, to) = ports.unwrap_or((0, 65_535));
            if from > to || !(0..=65_535).contains(&from) || to > 65_535 {
                return Err(refused(
                    "InvalidParameterValue",
                    format!(
                        "Invalid value '{from}-{to}' for portRange. Must specify both from and to ports with TCP/UDP."
                    ),
                ));
            }
        }
        rules.push(Rule {
            egress,
            protocol,
            ports,
            peer,
            description: description.map(str::to_owned),
        });
        Ok(())
    };
    let block = |text: &str| {
        Cidr::read(text)
            .map(|cidr| Peer::Ipv4(cidr.to_string()))
            .ok_or_else(|| refused("InvalidParameterValue", format!("CIDR block {text} is malformed")))
    };
    if let Some(text) = call.text("CidrIp") {
        add(&call.input, block(text)?, None)?;
    }
    for permission in input::items(&call.input, "IpPermissions") {
        for range in input::items(permission, "IpRanges") {
            let peer = block(input::text(range, "CidrIp").unwrap_or_default())?;
            add(permission, peer, input::text(range, "Description"))?;
        }
        for range in input::items(permission, "Ipv6Ranges") {
            let peer = Peer::Ipv6(input::text(range, "CidrIpv6").unwrap_or_default().to_owned());
            add(permission, peer, input::text(range, "Description"))?;
        }
        for list in input::items(permission, "PrefixListIds") {
            let peer = Peer::PrefixList(input::text(list, "PrefixListId").unwrap_or_default().to_owned());
            add(permission, peer, input::text(list, "Description"))?;
        }
        for pair in input::items(permission, "UserIdGroupPairs") {
            let other = input::text(pair, "GroupId").unwrap_or_default();
            if !state.security_groups.contains_key(other) {
                return Err(unknown(other));
            }
            add(
                permission,
                Peer::Group(other.to_owned()),
                input::text(pair, "Description"),
            )?;
        }
    }
    Ok(rules)
}

fn egress(call: &Call) -> bool {
    call.operation.ends_with("Egress")
}

pub(super) fn authorize(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("GroupId");
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let group = state.security_groups.get(id).ok_or_else(|| unknown(id))?;
    let rules = wanted(call, state, egress(call))?;
    if rules.is_empty() {
        return Err(refused(
            "MissingParameter",
            "Either 'cidrIp' or 'ipPermissions' should be provided.",
        ));
    }
    if let Some(twice) = rules
        .iter()
        .find(|rule| group.rules.values().any(|standing| standing.same(rule)))
    {
        return Err(refused(
            "InvalidPermission.Duplicate",
            format!("the specified rule \"{}\" already exists", twice.words()),
        ));
    }
    let standing = group
        .rules
        .values()
        .filter(|rule| rule.egress == egress(call))
        .count();
    if standing + rules.len() > MOST_RULES {
        return Err(refused(
            "RulesPerSecurityGroupLimitExceeded",
            "The maximum number of rules per security group has been reached.",
        ));
    }
    let rules: Vec<(String, Rule)> = rules
        .into_iter()
        .map(|rule| (new_id(world, "sgr"), rule))
        .collect();
    let shown: Vec<Value> = rules
        .iter()
        .map(|(rule, entry)| entry.shown(rule, id, &call.account))
        .collect();
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    if let Some(group) = state.security_groups.get_mut(id) {
        group.rules.extend(rules);
    }
    Ok(Answer::of(json!({"Return": true, "SecurityGroupRules": shown})))
}

pub(super) fn revoke(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("GroupId");
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let group = state.security_groups.get(id).ok_or_else(|| unknown(id))?;
    let mut gone: Vec<String> = Vec::new();
    for rule in input::texts(&call.input, "SecurityGroupRuleIds") {
        if !group.rules.contains_key(rule) {
            return Err(refused(
                "InvalidSecurityGroupRuleId.NotFound",
                format!("The security group rule ID '{rule}' does not exist"),
            ));
        }
        gone.push(rule.to_owned());
    }
    for rule in wanted(call, state, egress(call))? {
        let found = group.rules.iter().find(|(_, standing)| standing.same(&rule));
        let (key, _) = found.ok_or_else(|| {
            refused(
                "InvalidPermission.NotFound",
                "The specified rule does not exist in this security group.",
            )
        })?;
        gone.push(key.clone());
    }
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    if let Some(group) = state.security_groups.get_mut(id) {
        group.rules.retain(|rule, _| !gone.contains(rule));
    }
    for rule in &gone {
        state.tags.remove(rule);
    }
    Ok(Answer::of(json!({"Return": true})))
}

/// Interfaces that use it, and rules of others that name it, keep it.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("GroupId");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let group = state.security_groups.get(id).ok_or_else(|| unknown(id))?;
    if group.name == "default" {
        return Err(refused(
            "CannotDelete",
            format!("the specified group: \"{id}\" name: \"default\" cannot be deleted by a user"),
        ));
    }
    let peer = Peer::Group(id.to_owned());
    let used = state
        .interfaces
        .values()
        .any(|interface| interface.groups.iter().any(|group| group == id))
        || state
            .security_groups
            .iter()
            .any(|(other, group)| other != id && group.rules.values().any(|rule| rule.peer == peer));
    if used {
        return Err(refused(
            "DependencyViolation",
            format!("resource {id} has a dependent object"),
        ));
    }
    state.security_groups.remove(id);
    state.tags.remove(id);
    Ok(Answer::of(json!({"Return": true, "GroupId": id})))
}
