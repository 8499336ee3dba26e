//! The network in use: somebody else's, only looked at.

use std::collections::BTreeSet;

use async_trait::async_trait;
use mlops_environment::aws::{Network, Tags};
use mlops_environment::component::{Component, Observation, Present};
use mlops_environment::driver::{Monitor, Reason};

use crate::driver::Aws;
use crate::ec2::{Form, call, items, text};
use crate::failure::{Outcome, failure, optional};
use crate::object::{Changes, Object, Wanted, outputs, ready};

struct Subnet {
    id: String,
    vpc: String,
    zone: String,
}

fn not_ours(component: &Component) -> mlops_environment::driver::Failure {
    failure(
        "change network",
        Reason::Invalid,
        format!(
            "{} is a network that is there already: it is used, never made, changed or deleted",
            component.address
        ),
    )
}

#[async_trait]
impl Object for Wanted<Network> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        let wanted: BTreeSet<&String> = self.private_subnet_ids.union(&self.public_subnet_ids).collect();
        if wanted.is_empty() {
            let form = Form::default().list("VpcId", [&self.vpc_id]);
            let found = call(&aws.clients, "ec2:DescribeVpcs", form, |root| {
                !items(root, "vpcSet").is_empty()
            })
            .await;
            return Ok(match optional(found)? {
                Some(true) => {
                    let known = outputs([("vpc_id", self.vpc_id.clone()), ("zones", String::new())]);
                    Observation::Present(ready(&self.vpc_id, &Tags::new(), self, known))
                }
                _ => Observation::Absent,
            });
        }
        // Subnets know their VPC and zone: one call tells all.
        let form = Form::default().list("SubnetId", wanted);
        let subnets = call(&aws.clients, "ec2:DescribeSubnets", form, |root| {
            items(root, "subnetSet")
                .into_iter()
                .filter_map(|item| {
                    Some(Subnet {
                        id: text(item, "subnetId")?,
                        vpc: text(item, "vpcId")?,
                        zone: text(item, "availabilityZone")?,
                    })
                })
                .collect::<Vec<_>>()
        })
        .await?;
        let vpcs: BTreeSet<&str> = subnets.iter().map(|subnet| subnet.vpc.as_str()).collect();
        let zones: BTreeSet<&str> = subnets
            .iter()
            .filter(|subnet| self.private_subnet_ids.contains(&subnet.id))
            .map(|subnet| subnet.zone.as_str())
            .collect();
        let ids: BTreeSet<&String> = subnets.iter().map(|subnet| &subnet.id).collect();
        // Subnets of several VPCs show as several ids, which equal no wanted one.
        let vpc_id = vpcs.into_iter().collect::<Vec<_>>().join(",");
        let found = Network {
            vpc_id: vpc_id.clone(),
            private_subnet_ids: self
                .private_subnet_ids
                .iter()
                .filter(|id| ids.contains(id))
                .cloned()
                .collect(),
            public_subnet_ids: self
                .public_subnet_ids
                .iter()
                .filter(|id| ids.contains(id))
                .cloned()
                .collect(),
        };
        let known = outputs([
            ("vpc_id", vpc_id.clone()),
            ("zones", zones.into_iter().collect::<Vec<_>>().join(",")),
        ]);
        Ok(Observation::Present(ready(vpc_id, &Tags::new(), &found, known)))
    }

    async fn create(&self, _: &Aws, component: &Component, _: &dyn Monitor) -> Outcome<Present> {
        Err(not_ours(component))
    }

    async fn update(&self, _: &Aws, component: &Component, _: &Changes<'_>) -> Outcome<()> {
        Err(not_ours(component))
    }

    async fn delete(&self, _: &Aws, component: &Component, _: &Present, _: &dyn Monitor) -> Outcome<()> {
        Err(not_ours(component))
    }

    async fn tag(&self, _: &Aws, _: &Present, _: &str, _: &str) -> Outcome<()> {
        Ok(())
    }
}
