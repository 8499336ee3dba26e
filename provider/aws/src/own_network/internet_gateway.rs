//! An internet gateway: made, then attached.

use async_trait::async_trait;
use mlops_environment::aws::InternetGateway;
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
    describe: "ec2:DescribeInternetGateways",
    list: "internetGatewaySet",
    id: "internetGatewayId",
    resource: "internet-gateway",
};

/// What a gateway is attached to.
fn vpc_of(item: Node<'_, '_>) -> String {
    let first = items(item, "attachmentSet").into_iter().next();
    first.and_then(|of| text(of, "vpcId")).unwrap_or_default()
}

async fn attach(aws: &Aws, id: &str, vpc_id: &str) -> Outcome<()> {
    let form = Form::default().set("InternetGatewayId", id).set("VpcId", vpc_id);
    match ec2::call(&aws.clients, "ec2:AttachInternetGateway", form, |_| ()).await {
        // A lost answer, repeated.
        Err(failure) if says(&failure, &["Resource.AlreadyAssociated"], &[vpc_id]) => Ok(()),
        other => other,
    }
}

#[async_trait]
impl Object for Wanted<InternetGateway> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        let Some(found) = KIND.find(aws, &self.tags, vpc_of).await? else {
            return Ok(Observation::Absent);
        };
        let typed = InternetGateway {
            vpc_id: found.value,
            tags: found.tags,
        };
        let known = outputs([("id", found.id.clone())]);
        Ok(Observation::Present(ready(found.id, &typed.tags, &typed, known)))
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        const OPERATION: &str = "ec2:CreateInternetGateway";
        let within = Some("internetGateway");
        let id = KIND
            .make(aws, OPERATION, Form::default(), &self.tags, within, monitor)
            .await?;
        attach(aws, &id, &self.vpc_id).await?;
        let known = outputs([("id", id.clone())]);
        Ok(ready(id, &self.tags, self, known))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        if change.any(&["vpc_id"]) {
            attach(aws, &change.found.id, &self.vpc_id).await?;
        }
        retag(aws, change).await
    }

    async fn delete(&self, aws: &Aws, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        let id = &found.id;
        let attached = KIND.find(aws, &self.tags, vpc_of).await?.map(|found| found.value);
        let attached = attached.unwrap_or_default();
        if !attached.is_empty() {
            let form = Form::default()
                .set("InternetGatewayId", id)
                .set("VpcId", attached);
            match remove(aws, "ec2:DetachInternetGateway", form, id, monitor).await {
                Err(failure) if says(&failure, &["Gateway.NotAttached"], &[]) => {}
                other => other?,
            }
        }
        let form = Form::default().set("InternetGatewayId", id);
        remove(aws, "ec2:DeleteInternetGateway", form, id, monitor).await
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        set_tag(aws, &found.id, key, value).await
    }
}
