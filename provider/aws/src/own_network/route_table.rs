//! A route table: one default route, and the subnets that follow it. The route to an S3 gateway is the endpoint's business.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use mlops_environment::aws::RouteTable;
use mlops_environment::component::{Component, Observation, Present};
use mlops_environment::driver::Monitor;

use super::marked::{Ec2Kind, remove, retag, set_tag};
use crate::driver::Aws;
use crate::ec2::{self, Form, items, text};
use crate::failure::{Outcome, gone};
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::wait::says;

const KIND: Ec2Kind = Ec2Kind {
    describe: "ec2:DescribeRouteTables",
    list: "routeTableSet",
    id: "routeTableId",
    resource: "route-table",
};

const EVERYTHING: &str = "0.0.0.0/0";

/// A table as found.
struct Table {
    vpc_id: String,
    default_route: String,
    /// Associations by subnet.
    subnets: BTreeMap<String, String>,
}

fn read(item: roxmltree::Node<'_, '_>) -> Table {
    let default = items(item, "routeSet")
        .into_iter()
        .find(|route| text(*route, "destinationCidrBlock").as_deref() == Some(EVERYTHING));
    Table {
        vpc_id: text(item, "vpcId").unwrap_or_default(),
        default_route: default
            .and_then(|route| text(route, "natGatewayId").or_else(|| text(route, "gatewayId")))
            .unwrap_or_default(),
        subnets: items(item, "associationSet")
            .into_iter()
            .filter_map(|of| Some((text(of, "subnetId")?, text(of, "routeTableAssociationId")?)))
            .collect(),
    }
}

impl Wanted<RouteTable> {
    /// Everything goes where it shall.
    async fn lead(&self, aws: &Aws, id: &str, now: &str) -> Outcome<()> {
        let form = Form::default()
            .set("RouteTableId", id)
            .set("DestinationCidrBlock", EVERYTHING);
        let to = &self.default_route;
        if to.is_empty() {
            return gone(ec2::call(&aws.clients, "ec2:DeleteRoute", form, |_| ()).await);
        }
        let by = if to.starts_with("nat-") {
            "NatGatewayId"
        } else {
            "GatewayId"
        };
        let form = form.set(by, to);
        if now.is_empty() {
            match ec2::call(&aws.clients, "ec2:CreateRoute", form.clone(), |_| ()).await {
                // A lost answer, repeated; or somebody was quicker: ours is the one that counts.
                Err(failure) if says(&failure, &["RouteAlreadyExists"], &[]) => {}
                other => return other,
            }
        }
        ec2::call(&aws.clients, "ec2:ReplaceRoute", form, |_| ()).await
    }

    async fn follow(&self, aws: &Aws, id: &str, subnet: &str) -> Outcome<()> {
        let form = Form::default().set("RouteTableId", id).set("SubnetId", subnet);
        match ec2::call(&aws.clients, "ec2:AssociateRouteTable", form, |_| ()).await {
            Err(failure) if says(&failure, &["Resource.AlreadyAssociated"], &[]) => Ok(()),
            other => other,
        }
    }
}

async fn unfollow(aws: &Aws, association: &str) -> Outcome<()> {
    let form = Form::default().set("AssociationId", association);
    gone(ec2::call(&aws.clients, "ec2:DisassociateRouteTable", form, |_| ()).await)
}

#[async_trait]
impl Object for Wanted<RouteTable> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        let Some(found) = KIND.find(aws, &self.tags, read).await? else {
            return Ok(Observation::Absent);
        };
        let typed = RouteTable {
            vpc_id: found.value.vpc_id,
            default_route: found.value.default_route,
            subnet_ids: found.value.subnets.into_keys().collect(),
            tags: found.tags,
        };
        let known = outputs([("id", found.id.clone())]);
        Ok(Observation::Present(ready(found.id, &typed.tags, &typed, known)))
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let form = Form::default().set("VpcId", &self.vpc_id);
        let within = Some("routeTable");
        let id = KIND
            .make(aws, "ec2:CreateRouteTable", form, &self.tags, within, monitor)
            .await?;
        if !self.default_route.is_empty() {
            self.lead(aws, &id, "").await?;
        }
        for subnet in &self.subnet_ids {
            self.follow(aws, &id, subnet).await?;
        }
        let known = outputs([("id", id.clone())]);
        Ok(ready(id, &self.tags, self, known))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("ec2:CreateRouteTable", &["vpc_id"])?;
        let id = &change.found.id;
        if change.any(&["default_route", "subnet_ids"])
            && let Some(found) = KIND.find(aws, &self.tags, read).await?
        {
            if found.value.default_route != self.default_route {
                self.lead(aws, id, &found.value.default_route).await?;
            }
            let following: BTreeSet<String> = found.value.subnets.keys().cloned().collect();
            for subnet in self.subnet_ids.difference(&following) {
                self.follow(aws, id, subnet).await?;
            }
            for subnet in following.difference(&self.subnet_ids) {
                unfollow(aws, &found.value.subnets[subnet]).await?;
            }
        }
        retag(aws, change).await
    }

    async fn delete(&self, aws: &Aws, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        if let Some(table) = KIND.find(aws, &self.tags, read).await? {
            for association in table.value.subnets.values() {
                unfollow(aws, association).await?;
            }
        }
        let form = Form::default().set("RouteTableId", &found.id);
        remove(aws, "ec2:DeleteRouteTable", form, &found.id, monitor).await
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        set_tag(aws, &found.id, key, value).await
    }
}
