//! A NAT gateway with its public address. The address is made first and released last, and both carry the mark: an address
//! that was left without its gateway is found, and costs nobody anything for long.

use async_trait::async_trait;
use mlops_environment::aws::NatGateway;
use mlops_environment::component::{Component, Observation, Present, Status};
use mlops_environment::driver::Monitor;
use roxmltree::Node;

use super::marked::{Ec2Kind, ended, remove, retag, set_tag};
use crate::driver::Aws;
use crate::ec2::{self, Form, items, text};
use crate::failure::{Outcome, gone};
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::wait::{LONG, Look, until};

const KIND: Ec2Kind = Ec2Kind {
    describe: "ec2:DescribeNatGateways",
    list: "natGatewaySet",
    id: "natGatewayId",
    resource: "natgateway",
};

const ADDRESS: Ec2Kind = Ec2Kind {
    describe: "ec2:DescribeAddresses",
    list: "addressesSet",
    id: "allocationId",
    resource: "elastic-ip",
};

/// A gateway as found.
#[derive(Default)]
struct Gateway {
    id: String,
    state: String,
    reason: String,
    subnet_id: String,
    public_ip: String,
    tags: mlops_environment::aws::Tags,
}

impl Wanted<NatGateway> {
    /// The gateway with the mark; deleted ones are seen for an hour, and count for nothing.
    async fn gateway(&self, aws: &Aws) -> Outcome<Option<Gateway>> {
        let read = |item: Node<'_, '_>| {
            let of = |name| text(item, name).unwrap_or_default();
            let address = items(item, "natGatewayAddressSet").into_iter().next();
            Gateway {
                state: of("state"),
                reason: of("failureMessage"),
                subnet_id: of("subnetId"),
                public_ip: address.and_then(|of| text(of, "publicIp")).unwrap_or_default(),
                ..Gateway::default()
            }
        };
        let all = KIND.all(aws, &self.tags, read).await?;
        let mut standing: Vec<Gateway> = all
            .into_iter()
            .map(|found| Gateway {
                id: found.id,
                tags: found.tags,
                ..found.value
            })
            .filter(|gateway| gateway.state != "deleted")
            .collect();
        // One that is on its way out does not hide one that comes.
        standing.sort_by_key(|gateway| gateway.state == "deleting");
        Ok(standing.into_iter().next())
    }

    fn present(&self, gateway: Gateway) -> Present {
        let typed = NatGateway {
            subnet_id: gateway.subnet_id,
            tags: gateway.tags,
        };
        let known = outputs([("id", gateway.id.clone()), ("public_ip", gateway.public_ip)]);
        let mut present = ready(gateway.id, &typed.tags, &typed, known);
        present.status = match gateway.state.as_str() {
            "available" => Status::Ready,
            "deleting" => Status::Deleting,
            "failed" => Status::Failed {
                reason: gateway.reason,
            },
            state => Status::InProgress {
                what: state.to_owned(),
                operation: None,
            },
        };
        present
    }

    /// Waits until it is of use.
    async fn available(&self, aws: &Aws, id: &str, monitor: &dyn Monitor) -> Outcome<Gateway> {
        until(KIND.describe, id, LONG, monitor, || async {
            match self.gateway(aws).await? {
                Some(gateway) if gateway.state == "available" => Ok(Look::Done(gateway)),
                Some(gateway) if gateway.state == "failed" => {
                    Err(ended(KIND.describe, id, &format!("failed: {}", gateway.reason)))
                }
                Some(gateway) => Ok(Look::Busy(gateway.state)),
                None => Ok(Look::Busy("not seen yet".to_owned())),
            }
        })
        .await
    }

    async fn vanished(&self, aws: &Aws, id: &str, monitor: &dyn Monitor) -> Outcome<()> {
        until(KIND.describe, id, LONG, monitor, || async {
            let gateway = self.gateway(aws).await?;
            Ok(match gateway.filter(|gateway| gateway.id == id) {
                Some(gateway) => Look::Busy(gateway.state),
                None => Look::Done(()),
            })
        })
        .await
    }
}

#[async_trait]
impl Object for Wanted<NatGateway> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        if let Some(gateway) = self.gateway(aws).await? {
            return Ok(Observation::Present(self.present(gateway)));
        }
        let Some(address) = ADDRESS.find(aws, &self.tags, |_| ()).await? else {
            return Ok(Observation::Absent);
        };
        let known = outputs([("id", String::new())]);
        let mut present = ready(address.id, &address.tags, &self.0, known);
        present.status = Status::Failed {
            reason: "its address stands, the gateway does not".to_owned(),
        };
        Ok(Observation::Present(present))
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let form = Form::default().set("Domain", "vpc");
        let address = ADDRESS
            .make(aws, "ec2:AllocateAddress", form, &self.tags, None, monitor)
            .await?;
        let form = Form::default()
            .set("SubnetId", &self.subnet_id)
            .set("AllocationId", &address)
            .set("ConnectivityType", "public")
            // One gateway for one address, however often this is asked.
            .set("ClientToken", &address);
        let within = Some("natGateway");
        let id = KIND
            .make(aws, "ec2:CreateNatGateway", form, &self.tags, within, monitor)
            .await?;
        let gateway = self.available(aws, &id, monitor).await?;
        Ok(self.present(gateway))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("ec2:CreateNatGateway", &["subnet_id"])?;
        retag(aws, change).await
    }

    async fn settle(&self, aws: &Aws, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        if found.status == Status::Deleting {
            return self.vanished(aws, &found.id, monitor).await;
        }
        self.available(aws, &found.id, monitor).await.map(drop)
    }

    async fn delete(&self, aws: &Aws, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        if found.id.starts_with("nat-") {
            let form = Form::default().set("NatGatewayId", &found.id);
            gone(ec2::call(&aws.clients, "ec2:DeleteNatGateway", form, |_| ()).await)?;
            self.vanished(aws, &found.id, monitor).await?;
        }
        for address in ADDRESS.all(aws, &self.tags, |_| ()).await? {
            let form = Form::default().set("AllocationId", &address.id);
            remove(aws, "ec2:ReleaseAddress", form, &address.id, monitor).await?;
        }
        Ok(())
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        set_tag(aws, &found.id, key, value).await
    }
}
