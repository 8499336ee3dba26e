//! A security group with its ingress. What goes out is not restricted.

use std::collections::BTreeSet;

use async_trait::async_trait;
use mlops_environment::aws::SecurityGroup;
use mlops_environment::component::{Component, Observation, Present};
use mlops_environment::driver::Monitor;
use roxmltree::Node;

use super::marked::{Ec2Kind, remove, retag, set_tag};
use crate::driver::Aws;
use crate::ec2::{self, Form, items, text};
use crate::failure::Outcome;
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::wait::says;

const KIND: Ec2Kind = Ec2Kind {
    describe: "ec2:DescribeSecurityGroups",
    list: "securityGroupInfo",
    id: "groupId",
    resource: "security-group",
};

/// `tcp/443/10.0.0.0/16` and the like; what is not of one port and ranges of addresses shows as what it is.
fn rules(item: roxmltree::Node<'_, '_>) -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    for permission in items(item, "ipPermissions") {
        let of = |name| text(permission, name).unwrap_or_default();
        let (from, to) = (of("fromPort"), of("toPort"));
        let ports = if from == to { from } else { format!("{from}-{to}") };
        let sources = [
            ("ipRanges", "cidrIp"),
            ("ipv6Ranges", "cidrIpv6"),
            ("groups", "groupId"),
            ("prefixListIds", "prefixListId"),
        ];
        for (list, name) in sources {
            let sources = items(permission, list).into_iter();
            rules.extend(
                sources
                    .filter_map(|source| text(source, name))
                    .map(|source| format!("{}/{ports}/{source}", of("ipProtocol"))),
            );
        }
    }
    rules
}

/// The form of a rule; `None` for one of a shape that we never make.
fn form(id: &str, rule: &str) -> Option<Form> {
    let (protocol, rest) = rule.split_once('/')?;
    let (ports, source) = rest.split_once('/')?;
    let (from, to) = ports.split_once('-').unwrap_or((ports, ports));
    let form = Form::default()
        .set("GroupId", id)
        .set("IpPermissions.1.IpProtocol", protocol);
    let form = if from.is_empty() {
        form
    } else {
        form.set("IpPermissions.1.FromPort", from)
            .set("IpPermissions.1.ToPort", to)
    };
    let at = match source {
        group if group.starts_with("sg-") => "IpPermissions.1.Groups.1.GroupId",
        list if list.starts_with("pl-") => "IpPermissions.1.PrefixListIds.1.PrefixListId",
        v6 if v6.contains(':') => "IpPermissions.1.Ipv6Ranges.1.CidrIpv6",
        _ => "IpPermissions.1.IpRanges.1.CidrIp",
    };
    Some(form.set(at, source))
}

async fn authorize(aws: &Aws, id: &str, rule: &str) -> Outcome<()> {
    let Some(form) = form(id, rule) else { return Ok(()) };
    match ec2::call(&aws.clients, "ec2:AuthorizeSecurityGroupIngress", form, |_| ()).await {
        Err(failure) if says(&failure, &["InvalidPermission.Duplicate"], &[]) => Ok(()),
        other => other,
    }
}

async fn revoke(aws: &Aws, id: &str, rule: &str) -> Outcome<()> {
    let Some(form) = form(id, rule) else { return Ok(()) };
    crate::failure::gone(ec2::call(&aws.clients, "ec2:RevokeSecurityGroupIngress", form, |_| ()).await)
}

#[async_trait]
impl Object for Wanted<SecurityGroup> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        let read = |item: Node<'_, '_>| {
            let of = |name| text(item, name).unwrap_or_default();
            (of("vpcId"), of("groupName"), of("groupDescription"), rules(item))
        };
        let Some(found) = KIND.find(aws, &self.tags, read).await? else {
            return Ok(Observation::Absent);
        };
        let (vpc_id, name, description, ingress) = found.value;
        let typed = SecurityGroup {
            vpc_id,
            name,
            description,
            ingress,
            tags: found.tags,
        };
        let known = outputs([("id", found.id.clone())]);
        Ok(Observation::Present(ready(found.id, &typed.tags, &typed, known)))
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let form = Form::default()
            .set("GroupName", &self.name)
            .set("GroupDescription", &self.description)
            .set("VpcId", &self.vpc_id);
        let id = KIND
            .make(aws, "ec2:CreateSecurityGroup", form, &self.tags, None, monitor)
            .await?;
        for rule in &self.ingress {
            authorize(aws, &id, rule).await?;
        }
        let known = outputs([("id", id.clone())]);
        Ok(ready(id, &self.tags, self, known))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("ec2:CreateSecurityGroup", &["vpc_id", "name"])?;
        let id = &change.found.id;
        if change.any(&["ingress"])
            && let Some(found) = KIND.find(aws, &self.tags, rules).await?
        {
            for rule in self.ingress.difference(&found.value) {
                authorize(aws, id, rule).await?;
            }
            for rule in found.value.difference(&self.ingress) {
                revoke(aws, id, rule).await?;
            }
        }
        retag(aws, change).await
    }

    async fn delete(&self, aws: &Aws, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        let form = Form::default().set("GroupId", &found.id);
        remove(aws, "ec2:DeleteSecurityGroup", form, &found.id, monitor).await
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        set_tag(aws, &found.id, key, value).await
    }
}
