//! A network of the environment's own: its addresses, how it is cut, and how what stands in it gets out.

use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

use super::collector::{Collector, word_of};
use super::{AttributePath, Cidr, Cloud, Context};
use crate::config;
use crate::names::{EnvironmentId, hash};

/// How what stands in private subnets reaches the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Egress {
    /// Through one NAT gateway. Without its zone nobody gets out.
    NatSingle,
    /// Through a NAT gateway in each zone.
    NatPerZone,
    /// Not at all: endpoints only.
    None,
}

const EGRESS: &[(&str, Egress)] = &[
    ("nat_single", Egress::NatSingle),
    ("nat_per_zone", Egress::NatPerZone),
    ("none", Egress::None),
];

/// Cloud NAT is regional: there is nothing to have per zone.
const GCP_EGRESS: &[(&str, Egress)] = &[("nat_single", Egress::NatSingle), ("none", Egress::None)];

/// Endpoints by the words of the configuration, each with the services behind it: component and service name.
/// <https://docs.aws.amazon.com/eks/latest/userguide/private-clusters.html>
const ENDPOINTS: [(&str, &[(&str, &str)]); 8] = [
    ("ec2", &[("ec2", "ec2")]),
    ("eks", &[("eks", "eks")]),
    ("kms", &[("kms", "kms")]),
    ("logs", &[("logs", "logs")]),
    (
        "registry",
        &[("registry_api", "ecr.api"), ("registry_dkr", "ecr.dkr")],
    ),
    ("s3", &[("s3", "s3")]),
    ("secrets", &[("secrets", "secretsmanager")]),
    ("sts", &[("sts", "sts")]),
];

/// Without these no node joins a cluster from a network without a way out.
const NEEDED_WITHOUT_EGRESS: [&str; 5] = ["ec2", "eks", "registry", "s3", "sts"];

/// A network of the environment's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedNetwork {
    /// All its addresses.
    pub block: Block,
    /// Availability zones in use; none where subnetworks are regional.
    pub zones: u32,
    /// The way out.
    pub egress: Egress,
    /// AWS: services that are reached without leaving the network, by their words.
    pub endpoints: BTreeSet<String>,
    cloud: Cloud,
}

/// A range of IPv4 addresses that can be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    address: u32,
    bits: u32,
}

impl Block {
    fn of(cidr: &Cidr) -> Option<Self> {
        let (address, bits) = cidr.as_str().split_once('/')?;
        Some(Self {
            address: address.parse::<Ipv4Addr>().ok()?.into(),
            bits: bits.parse().ok()?,
        })
    }

    /// The `index`-th of the ranges that are longer by `more` bits.
    #[must_use]
    pub fn part(self, more: u32, index: u32) -> Self {
        let bits = self.bits + more;
        let offset = index.checked_shl(32 - bits).unwrap_or(0);
        Self {
            address: self.address | offset,
            bits,
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.address), self.bits)
    }
}

pub(super) fn build(
    config: &config::Config,
    id: Option<&EnvironmentId>,
    context: &Context<'_>,
    collector: &mut Collector,
) -> ManagedNetwork {
    let path = AttributePath::root("network");
    let network = config.network.clone().unwrap_or_default();
    let aws = context.cloud == Cloud::Aws;
    let cidr = network.cidr.clone().unwrap_or_else(|| default_cidr(id));
    let at = path.attribute("cidr");
    let block = collector
        .known::<Cidr>(&at, &cidr)
        .and_then(|cidr| Block::of(&cidr));
    // The smallest subnets are cut eight bits below, and AWS takes none below /28.
    // https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    let widest = if aws { 16 } else { 12 };
    if let Some(block) = block.filter(|block| !(widest..=20).contains(&block.bits)) {
        collector.refuse(
            &at,
            format!("A network of /{} is not possible", block.bits),
            format!("Subnets are cut from it: give a range of /{widest} to /20, for example 10.20.0.0/16."),
        );
    }
    let zones = if aws {
        let zones = path.attribute("zones");
        collector.number(&zones, network.zones, context.defaults.zones, 2, 4)
    } else {
        if network.zones.is_some() {
            collector.refuse(
                &path.attribute("zones"),
                "Subnetworks of Google Cloud are regional",
                "They reach into every zone of their region. Remove zones.",
            );
        }
        0
    };
    let default = match context.defaults.egress {
        Egress::NatPerZone if !aws => Egress::NatSingle,
        egress => egress,
    };
    let words = if aws { EGRESS } else { GCP_EGRESS };
    let egress = collector.word(
        &path.attribute("egress"),
        network.egress.as_deref(),
        default,
        words,
    );
    ManagedNetwork {
        block: block.unwrap_or(Block {
            address: 0x0A00_0000,
            bits: 16,
        }),
        zones,
        egress,
        endpoints: if aws {
            endpoints(config, egress, context, collector)
        } else {
            BTreeSet::new()
        },
        cloud: context.cloud,
    }
}

fn endpoints(
    config: &config::Config,
    egress: Egress,
    context: &Context<'_>,
    collector: &mut Collector,
) -> BTreeSet<String> {
    let path = AttributePath::root("aws").attribute("vpc_endpoints");
    let known: Vec<&str> = ENDPOINTS.iter().map(|(word, _)| *word).collect();
    let given = config.aws.as_ref().and_then(|aws| aws.vpc_endpoints.clone());
    let mut default: BTreeSet<String> = context
        .defaults
        .vpc_endpoints
        .iter()
        .map(|word| (*word).to_owned())
        .collect();
    if egress == Egress::None {
        default.extend(NEEDED_WITHOUT_EGRESS.map(str::to_owned));
    }
    let endpoints = given.unwrap_or(default);
    for word in endpoints.iter().filter(|word| !known.contains(&word.as_str())) {
        collector.refuse(
            &path,
            format!("{word:?} is no service with an endpoint here"),
            format!("Use any of {}.", known.join(", ")),
        );
    }
    let missing: Vec<&str> = NEEDED_WITHOUT_EGRESS
        .into_iter()
        .filter(|word| egress == Egress::None && !endpoints.contains(*word))
        .collect();
    if !missing.is_empty() {
        collector.refuse(
            &path,
            "No node could join the cluster",
            format!(
                "With network.egress = \"none\" nodes reach AWS through endpoints only. Add {}.",
                missing.join(", ")
            ),
        );
    }
    endpoints
}

/// Environments of one account rarely get the same addresses, so that their networks can be joined. 10.100.0.0/16 is what EKS
/// gives to Kubernetes services by default.
fn default_cidr(id: Option<&EnvironmentId>) -> String {
    let text = id.map(|id| format!("{id}/network")).unwrap_or_default();
    let number = u32::from_str_radix(&hash(&text, 6), 16).unwrap_or_default();
    let second = match number % 254 + 1 {
        100 => 255,
        second => second,
    };
    format!("10.{second}.0.0/16")
}

/// Refuses what is said of a network that is not made.
pub(super) fn refuse_unused(config: &config::Config, why: &str, collector: &mut Collector) {
    if config.network.is_some() {
        collector.refuse(
            &AttributePath::root("network"),
            "No network is made",
            format!("{why}, so nothing of the network block would be honoured. Remove it."),
        );
    }
    let endpoints = config.aws.as_ref().and_then(|aws| aws.vpc_endpoints.as_ref());
    if endpoints.is_some() {
        collector.refuse(
            &AttributePath::root("aws").attribute("vpc_endpoints"),
            "No network is made",
            format!("{why}: its endpoints are its owner's. Remove vpc_endpoints."),
        );
    }
}

impl ManagedNetwork {
    /// Private range of a zone, counted from 1: nodes and pods.
    pub fn private(&self, zone: u32) -> Block {
        self.block.part(3, zone - 1)
    }

    /// Public range of a zone, counted from 1: NAT gateways and load balancers.
    pub fn public(&self, zone: u32) -> Block {
        self.block.part(8, 7 * 32 + zone - 1)
    }

    /// The zones, counted from 1.
    pub fn each_zone(&self) -> impl Iterator<Item = u32> + use<> {
        1..=self.zones
    }

    /// The zones with a NAT gateway.
    pub fn nat_zones(&self) -> impl Iterator<Item = u32> + use<> {
        let last = match self.egress {
            Egress::NatSingle => 1,
            Egress::NatPerZone => self.zones,
            Egress::None => 0,
        };
        1..=last
    }

    /// The services behind the endpoints: component, name of the service.
    pub fn endpoint_services(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        ENDPOINTS
            .into_iter()
            .filter(|(word, _)| self.endpoints.contains(*word))
            .flat_map(|(_, services)| services.iter().copied())
    }

    pub(super) fn resolved(&self) -> config::Network {
        config::Network {
            cidr: Some(self.block.to_string()),
            zones: (self.cloud == Cloud::Aws).then(|| self.zones.into()),
            egress: word_of(&self.egress, EGRESS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(cidr: &str, zones: u32) -> ManagedNetwork {
        ManagedNetwork {
            block: Block::of(&cidr.parse().unwrap()).unwrap(),
            zones,
            egress: Egress::NatPerZone,
            endpoints: BTreeSet::new(),
            cloud: Cloud::Aws,
        }
    }

    #[test]
    fn subnets_are_cut_without_overlap_and_large_enough() {
        let wide = network("10.20.0.0/16", 3);
        let cut = |blocks: Vec<Block>| blocks.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            cut(wide.each_zone().map(|zone| wide.private(zone)).collect()),
            ["10.20.0.0/19", "10.20.32.0/19", "10.20.64.0/19"]
        );
        assert_eq!(
            cut(wide.each_zone().map(|zone| wide.public(zone)).collect()),
            ["10.20.224.0/24", "10.20.225.0/24", "10.20.226.0/24"]
        );
        let narrow = network("192.168.16.0/20", 4);
        assert_eq!(narrow.private(4).to_string(), "192.168.22.0/23");
        assert_eq!(narrow.public(4).to_string(), "192.168.30.48/28");
    }

    #[test]
    fn a_single_gateway_stands_in_the_first_zone() {
        let mut network = network("10.20.0.0/16", 3);
        assert_eq!(network.nat_zones().collect::<Vec<_>>(), [1, 2, 3]);
        network.egress = Egress::NatSingle;
        assert_eq!(network.nat_zones().collect::<Vec<_>>(), [1]);
        network.egress = Egress::None;
        assert_eq!(network.nat_zones().count(), 0);
    }

    #[test]
    fn the_default_is_an_environments_own_and_private() {
        let id =
            |name: &str| -> EnvironmentId { format!("aws/111122223333/eu-west-1/{name}").parse().unwrap() };
        let (a, b) = (default_cidr(Some(&id("shop"))), default_cidr(Some(&id("churn"))));
        assert_ne!(a, b);
        assert_eq!(a, default_cidr(Some(&id("shop"))));
        assert!(a.starts_with("10.") && a.ends_with(".0.0/16"), "{a}");
    }
}
