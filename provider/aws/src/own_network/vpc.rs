//! A VPC. Its main route table, access list and default security group come and go with it, and are used by nobody.

use async_trait::async_trait;
use mlops_environment::aws::{Tags, Vpc};
use mlops_environment::component::{Component, Observation, Present};
use mlops_environment::driver::Monitor;
use roxmltree::Node;

use super::marked::{Ec2Kind, remove, retag, set_tag};
use crate::driver::Aws;
use crate::ec2::{self, Form, child, items, tag_set, text};
use crate::failure::Outcome;
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::tags::ENVIRONMENT;

const KIND: Ec2Kind = Ec2Kind {
    describe: "ec2:DescribeVpcs",
    list: "vpcSet",
    id: "vpcId",
    resource: "vpc",
};

impl Wanted<Vpc> {
    fn present(&self, id: &str, tags: Tags, cidr: String, dns: bool) -> Present {
        let found = Vpc {
            cidr,
            zones: self.zones,
            dns,
            tags,
        };
        let known = outputs([("vpc_id", id.to_owned())]);
        ready(id, &found.tags, &found, known)
    }
}

/// Interfaces get names; that names are resolved is so from the start.
async fn name_interfaces(aws: &Aws, id: &str) -> Outcome<()> {
    let form = Form::default()
        .set("VpcId", id)
        .set("EnableDnsHostnames.Value", "true");
    ec2::call(&aws.clients, "ec2:ModifyVpcAttribute", form, |_| ()).await
}

#[async_trait]
impl Object for Wanted<Vpc> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        let cidr = |item: Node<'_, '_>| text(item, "cidrBlock").unwrap_or_default();
        let Some(found) = KIND.find(aws, &self.tags, cidr).await? else {
            return Ok(Observation::Absent);
        };
        let form = Form::default()
            .set("VpcId", &found.id)
            .set("Attribute", "enableDnsHostnames");
        let dns = ec2::call(&aws.clients, "ec2:DescribeVpcAttribute", form, |root| {
            child(root, "enableDnsHostnames").and_then(|value| text(value, "value"))
        })
        .await?;
        let dns = dns.as_deref() == Some("true");
        Ok(Observation::Present(self.present(
            &found.id,
            found.tags,
            found.value,
            dns,
        )))
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let form = Form::default().set("CidrBlock", &self.cidr);
        let id = KIND
            .make(aws, "ec2:CreateVpc", form, &self.tags, Some("vpc"), monitor)
            .await?;
        name_interfaces(aws, &id).await?;
        Ok(self.present(&id, self.tags.clone(), self.cidr.clone(), true))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("ec2:CreateVpc", &["cidr", "zones"])?;
        if change.any(&["dns"]) {
            name_interfaces(aws, &change.found.id).await?;
        }
        retag(aws, change).await
    }

    async fn delete(&self, aws: &Aws, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        let form = Form::default().set("VpcId", &found.id);
        remove(aws, "ec2:DeleteVpc", form, &found.id, monitor).await
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        set_tag(aws, &found.id, key, value).await
    }

    /// Subnets that somebody else put into it would keep it, after everything else is gone.
    async fn obstacles(&self, aws: &Aws, _: &Component, found: &Present) -> Outcome<Vec<String>> {
        let own = self.tags.get(ENVIRONMENT);
        let form = Form::default()
            .set("Filter.1.Name", "vpc-id")
            .set("Filter.1.Value.1", &found.id);
        ec2::call(&aws.clients, "ec2:DescribeSubnets", form, |root| {
            items(root, "subnetSet")
                .into_iter()
                .filter(|item| tag_set(*item).get(ENVIRONMENT) != own)
                .filter_map(|item| text(item, "subnetId"))
                .map(|id| {
                    format!(
                        "{id} in {} was made by somebody else: have it removed first",
                        found.id
                    )
                })
                .collect()
        })
        .await
    }
}
