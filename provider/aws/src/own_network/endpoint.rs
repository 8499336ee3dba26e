//! An endpoint of a service: S3 as a gateway, which costs nothing, the others as interfaces.

use std::collections::BTreeSet;

use async_trait::async_trait;
use mlops_environment::aws::Endpoint;
use mlops_environment::component::{Component, Observation, Present, Status};
use mlops_environment::driver::Monitor;

use super::marked::{Ec2Kind, ended, retag, set_tag};
use crate::driver::Aws;
use crate::ec2::{self, Form, child, items, text};
use crate::failure::{Outcome, failure};
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::wait::{LONG, Look, until};

const KIND: Ec2Kind = Ec2Kind {
    describe: "ec2:DescribeVpcEndpoints",
    list: "vpcEndpointSet",
    id: "vpcEndpointId",
    resource: "vpc-endpoint",
};

/// An endpoint as found.
struct Seen {
    state: String,
    typed: Endpoint,
}

/// Texts of a list without structure.
fn texts(item: roxmltree::Node<'_, '_>, list: &str) -> BTreeSet<String> {
    items(item, list)
        .into_iter()
        .filter_map(|entry| entry.text().map(str::to_owned))
        .collect()
}

/// Names of the services that have an endpoint in this region: their first parts differ by partition.
fn full_name(aws: &Aws, service: &str) -> String {
    format!("com.amazonaws.{}.{service}", aws.region())
}

fn read(aws: &Aws, item: roxmltree::Node<'_, '_>) -> Seen {
    let of = |name| text(item, name).unwrap_or_default();
    let prefix = full_name(aws, "");
    let service = of("serviceName");
    Seen {
        state: of("state").to_lowercase(),
        typed: Endpoint {
            vpc_id: of("vpcId"),
            service: service.strip_prefix(&prefix).unwrap_or(&service).to_owned(),
            interface: of("vpcEndpointType") == "Interface",
            route_table_ids: texts(item, "routeTableIdSet"),
            subnet_ids: texts(item, "subnetIdSet"),
            security_group_ids: items(item, "groupSet")
                .into_iter()
                .filter_map(|group| text(group, "groupId"))
                .collect(),
            tags: ec2::tag_set(item),
        },
    }
}

impl Wanted<Endpoint> {
    async fn seen(&self, aws: &Aws) -> Outcome<Option<(String, Seen)>> {
        let found = KIND.all(aws, &self.tags, |item| read(aws, item)).await?;
        let standing = found.into_iter().find(|found| found.value.state != "deleted");
        Ok(standing.map(|found| (found.id, found.value)))
    }

    fn present(id: &str, seen: &Seen) -> Present {
        let known = outputs([("id", id.to_owned())]);
        let mut present = ready(id, &seen.typed.tags, &seen.typed, known);
        present.status = match seen.state.as_str() {
            "available" => Status::Ready,
            "deleting" => Status::Deleting,
            "failed" | "rejected" | "expired" => Status::Failed {
                reason: seen.state.clone(),
            },
            state => Status::InProgress {
                what: state.to_owned(),
                operation: None,
            },
        };
        present
    }

    async fn available(&self, aws: &Aws, id: &str, monitor: &dyn Monitor) -> Outcome<Present> {
        until(KIND.describe, id, LONG, monitor, || async {
            let Some((id, seen)) = self.seen(aws).await? else {
                return Ok(Look::Busy("not seen yet".to_owned()));
            };
            let present = Self::present(&id, &seen);
            match present.status {
                Status::Ready => Ok(Look::Done(present)),
                Status::Failed { reason } => Err(ended(KIND.describe, &id, &reason)),
                _ => Ok(Look::Busy(seen.state)),
            }
        })
        .await
    }

    async fn vanished(&self, aws: &Aws, id: &str, monitor: &dyn Monitor) -> Outcome<()> {
        until(KIND.describe, id, LONG, monitor, || async {
            Ok(match self.seen(aws).await? {
                Some((_, seen)) => Look::Busy(seen.state),
                None => Look::Done(()),
            })
        })
        .await
    }
}

#[async_trait]
impl Object for Wanted<Endpoint> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        Ok(match self.seen(aws).await? {
            Some((id, seen)) => Observation::Present(Self::present(&id, &seen)),
            None => Observation::Absent,
        })
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let kind = if self.interface { "Interface" } else { "Gateway" };
        let form = Form::default()
            .set("VpcId", &self.vpc_id)
            .set("ServiceName", full_name(aws, &self.service))
            .set("VpcEndpointType", kind)
            .list("RouteTableId", &self.route_table_ids)
            .list("SubnetId", &self.subnet_ids)
            .list("SecurityGroupId", &self.security_group_ids);
        // The service's own name leads to it: nobody has to configure anything.
        let form = if self.interface {
            form.set("PrivateDnsEnabled", "true")
        } else {
            form
        };
        let within = Some("vpcEndpoint");
        let id = KIND
            .make(aws, "ec2:CreateVpcEndpoint", form, &self.tags, within, monitor)
            .await?;
        self.available(aws, &id, monitor).await
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        const OPERATION: &str = "ec2:ModifyVpcEndpoint";
        change.refuse("ec2:CreateVpcEndpoint", &["vpc_id", "service", "interface"])?;
        let parts = ["route_table_ids", "subnet_ids", "security_group_ids"];
        if change.any(&parts)
            && let Some((id, seen)) = self.seen(aws).await?
        {
            let mut form = Form::default().set("VpcEndpointId", &id);
            let found = &seen.typed;
            for (name, wanted, found) in [
                ("RouteTableId", &self.route_table_ids, &found.route_table_ids),
                ("SubnetId", &self.subnet_ids, &found.subnet_ids),
                (
                    "SecurityGroupId",
                    &self.security_group_ids,
                    &found.security_group_ids,
                ),
            ] {
                form = form
                    .list(&format!("Add{name}"), wanted.difference(found))
                    .list(&format!("Remove{name}"), found.difference(wanted));
            }
            ec2::call(&aws.clients, OPERATION, form, |_| ()).await?;
            self.available(aws, &id, change.monitor).await?;
        }
        retag(aws, change).await
    }

    async fn settle(&self, aws: &Aws, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        if found.status == Status::Deleting {
            return self.vanished(aws, &found.id, monitor).await;
        }
        self.available(aws, &found.id, monitor).await.map(drop)
    }

    async fn delete(&self, aws: &Aws, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        const OPERATION: &str = "ec2:DeleteVpcEndpoints";
        let form = Form::default().set("VpcEndpointId.1", &found.id);
        // What could not be deleted is told in the answer, not refused.
        let refused = ec2::call(&aws.clients, OPERATION, form, |root| {
            let first = items(root, "unsuccessful").into_iter().next()?;
            let error = child(first, "error")?;
            Some((text(error, "code")?, text(error, "message").unwrap_or_default()))
        })
        .await?;
        if let Some((code, message)) = refused.filter(|(code, _)| !code.ends_with("NotFound")) {
            let reason = crate::failure::classify(400, &code, &message);
            return Err(mlops_environment::driver::Failure {
                code,
                ..failure(OPERATION, reason, message)
            });
        }
        self.vanished(aws, &found.id, monitor).await
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        set_tag(aws, &found.id, key, value).await
    }
}
