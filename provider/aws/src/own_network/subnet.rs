//! A subnet in one of the region's zones.

use async_trait::async_trait;
use mlops_environment::aws::Subnet;
use mlops_environment::component::{Component, Observation, Present};
use mlops_environment::driver::{Failure, Monitor, Reason};
use roxmltree::Node;

use super::marked::{Ec2Kind, remove, retag, set_tag};
use crate::driver::Aws;
use crate::ec2::{self, Form, items, tag_set, text};
use crate::failure::{Outcome, failure, gone};
use crate::object::{Changes, Object, Wanted, outputs, ready};

const KIND: Ec2Kind = Ec2Kind {
    describe: "ec2:DescribeSubnets",
    list: "subnetSet",
    id: "subnetId",
    resource: "subnet",
};

/// Zones in which EKS has no control planes: <https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>
const WITHOUT_EKS: [&str; 3] = ["use1-az3", "usw1-az2", "cac1-az3"];

/// On interfaces that a node's network add-on made: a node that dies early leaves them behind.
/// <https://docs.aws.amazon.com/eks/latest/best-practices/vpc-cni.html>
const OF_A_NODE: &str = "node.k8s.amazonaws.com/instance_id";

/// The region's zones that a cluster can use, in the order of their names.
async fn zones(aws: &Aws) -> Outcome<Vec<String>> {
    let form = Form::default()
        .set("Filter.1.Name", "zone-type")
        .set("Filter.1.Value.1", "availability-zone")
        .set("Filter.2.Name", "state")
        .set("Filter.2.Value.1", "available");
    let mut zones = ec2::call(&aws.clients, "ec2:DescribeAvailabilityZones", form, |root| {
        items(root, "availabilityZoneInfo")
            .into_iter()
            .filter(|item| !text(*item, "zoneId").is_some_and(|id| WITHOUT_EKS.contains(&id.as_str())))
            .filter_map(|item| text(item, "zoneName"))
            .collect::<Vec<_>>()
    })
    .await?;
    zones.sort();
    Ok(zones)
}

impl Wanted<Subnet> {
    async fn zone_name(&self, aws: &Aws) -> Outcome<String> {
        let zones = aws.zones.get_or_try_init(|| zones(aws)).await?;
        let index = usize::try_from(self.zone).unwrap_or(usize::MAX).wrapping_sub(1);
        zones.get(index).cloned().ok_or_else(|| too_few(self.zone, zones))
    }

    /// Interfaces in it that belonged to nodes and that nothing uses any more.
    async fn sweep(&self, aws: &Aws, id: &str) -> Outcome<()> {
        let form = Form::default()
            .set("Filter.1.Name", "subnet-id")
            .set("Filter.1.Value.1", id)
            .set("Filter.2.Name", "status")
            .set("Filter.2.Value.1", "available")
            .set("Filter.3.Name", "tag-key")
            .set("Filter.3.Value.1", OF_A_NODE);
        let left = ec2::call(&aws.clients, "ec2:DescribeNetworkInterfaces", form, |root| {
            items(root, "networkInterfaceSet")
                .into_iter()
                .filter(|item| tag_set(*item).contains_key(OF_A_NODE))
                .filter_map(|item| text(item, "networkInterfaceId"))
                .collect::<Vec<_>>()
        })
        .await?;
        for interface in left {
            let form = Form::default().set("NetworkInterfaceId", interface);
            gone(ec2::call(&aws.clients, "ec2:DeleteNetworkInterface", form, |_| ()).await)?;
        }
        Ok(())
    }
}

fn too_few(zone: u32, zones: &[String]) -> Failure {
    failure(
        "ec2:DescribeAvailabilityZones",
        Reason::Invalid,
        format!(
            "a subnet is wanted in zone number {zone} of the region, which has {} that a cluster can use: {}. Set \
             network.zones to that number",
            zones.len(),
            zones.join(", ")
        ),
    )
}

#[async_trait]
impl Object for Wanted<Subnet> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        let read = |item: Node<'_, '_>| {
            let of = |name| text(item, name).unwrap_or_default();
            (of("vpcId"), of("cidrBlock"), of("availabilityZone"))
        };
        let Some(found) = KIND.find(aws, &self.tags, read).await? else {
            return Ok(Observation::Absent);
        };
        let (vpc_id, cidr, zone) = found.value;
        let typed = Subnet {
            vpc_id,
            cidr,
            zone: self.zone,
            tags: found.tags,
        };
        let known = outputs([("id", found.id.clone()), ("zone", zone)]);
        Ok(Observation::Present(ready(found.id, &typed.tags, &typed, known)))
    }

    async fn create(&self, aws: &Aws, _: &Component, monitor: &dyn Monitor) -> Outcome<Present> {
        let zone = self.zone_name(aws).await?;
        let form = Form::default()
            .set("VpcId", &self.vpc_id)
            .set("CidrBlock", &self.cidr)
            .set("AvailabilityZone", &zone);
        let id = KIND
            .make(aws, "ec2:CreateSubnet", form, &self.tags, Some("subnet"), monitor)
            .await?;
        let known = outputs([("id", id.clone()), ("zone", zone)]);
        Ok(ready(id, &self.tags, self, known))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("ec2:CreateSubnet", &["vpc_id", "cidr", "zone"])?;
        retag(aws, change).await
    }

    async fn delete(&self, aws: &Aws, _: &Component, found: &Present, monitor: &dyn Monitor) -> Outcome<()> {
        self.sweep(aws, &found.id).await?;
        let form = Form::default().set("SubnetId", &found.id);
        remove(aws, "ec2:DeleteSubnet", form, &found.id, monitor).await
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        set_tag(aws, &found.id, key, value).await
    }
}
