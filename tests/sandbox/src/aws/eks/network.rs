//! Where a cluster stands: subnets in two zones of one network, security groups, who may reach the endpoint, and the
//! interfaces and the security group that EKS makes.
//!
//! <https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::Value;

use super::refusal;
use crate::answer::Refusal;
use crate::aws::ec2::{interface, security_group};
use crate::aws::input;
use crate::call::Call;
use crate::world::World;

/// The network that subnets belong to, once all of them exist and stand in two zones at least.
///
/// # Errors
/// `InvalidParameterException`. The sentence on zones is that of public reports; the one on missing subnets is EC2's own.
pub(super) fn of_subnets(world: &World, call: &Call, ids: &[String]) -> Result<String, Refusal> {
    let ec2 = &world.aws.region(&call.account, &call.region).ec2;
    let (mut zones, mut vpcs) = (BTreeSet::new(), BTreeSet::new());
    for id in ids {
        let subnet = ec2.subnets.get(id).ok_or_else(|| no_subnet(id))?;
        zones.insert(&subnet.zone);
        vpcs.insert(&subnet.vpc);
    }
    if zones.len() < 2 {
        return Err(refusal::invalid(
            "Subnets specified must be in at least two different AZs",
        ));
    }
    match vpcs.pop_first() {
        Some(vpc) if vpcs.is_empty() => Ok(vpc.clone()),
        // The wording is a guess.
        _ => Err(refusal::invalid("Subnets specified must belong to the same VPC")),
    }
}

pub(super) fn no_subnet(id: &str) -> Refusal {
    refusal::invalid(format!("The subnet ID '{id}' does not exist"))
}

/// Security groups must stand in the cluster's network.
///
/// # Errors
/// `InvalidParameterException`; the sentences are guesses after EC2's.
pub(super) fn groups_stand(world: &World, call: &Call, ids: &[String], vpc: &str) -> Result<(), Refusal> {
    let groups = &world.aws.region(&call.account, &call.region).ec2.security_groups;
    if ids.len() > 5 {
        return Err(refusal::invalid("A cluster can have at most 5 security groups"));
    }
    for id in ids {
        let group = groups
            .get(id)
            .ok_or_else(|| refusal::invalid(format!("The security group '{id}' does not exist")))?;
        if group.vpc != vpc {
            return Err(refusal::invalid(format!(
                "Security group {id} does not belong to the VPC {vpc} of the cluster's subnets"
            )));
        }
    }
    Ok(())
}

/// Who may reach a cluster's endpoint.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Endpoint {
    /// From the internet.
    pub public: bool,
    /// From the network.
    pub private: bool,
    /// From where in the internet; empty while it is not public.
    pub cidrs: Vec<String>,
}

/// Members of `resourcesVpcConfig` that are the endpoint's.
pub(super) const ENDPOINT: [&str; 3] = [
    "endpointPublicAccess",
    "endpointPrivateAccess",
    "publicAccessCidrs",
];

impl Default for Endpoint {
    /// <https://docs.aws.amazon.com/eks/latest/APIReference/API_VpcConfigRequest.html>
    fn default() -> Self {
        Self {
            public: true,
            private: false,
            cidrs: vec!["0.0.0.0/0".to_owned()],
        }
    }
}

impl Endpoint {
    /// The endpoint after a request: what it does not say stays.
    ///
    /// # Errors
    /// `InvalidParameterException`. The sentences are those of public reports.
    pub(super) fn changed(&self, config: &Value) -> Result<Self, Refusal> {
        let public = input::flag(config, "endpointPublicAccess").unwrap_or(self.public);
        let private = input::flag(config, "endpointPrivateAccess").unwrap_or(self.private);
        if !public && !private {
            return Err(refusal::invalid(
                "Private and public endpoint access cannot be false",
            ));
        }
        let mut cidrs = match input::given(config, "publicAccessCidrs") {
            Some(_) => input::strings(config, "publicAccessCidrs"),
            None => self.cidrs.clone(),
        };
        for cidr in &cidrs {
            public_block(cidr)?;
        }
        if !public {
            cidrs.clear();
        } else if cidrs.is_empty() {
            cidrs = Self::default().cidrs;
        }
        Ok(Self {
            public,
            private,
            cidrs,
        })
    }
}

/// Addresses of the internet only: <https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html>.
fn public_block(cidr: &str) -> Result<(), Refusal> {
    let refuse = || {
        Err(refusal::invalid(format!(
            "The following CIDRs are invalid in publicAccessCidrs: [{cidr}]"
        )))
    };
    let Some((address, bits)) = cidr.split_once('/') else {
        return refuse();
    };
    let (Ok(address), Ok(bits)) = (address.parse::<Ipv4Addr>(), bits.parse::<u32>()) else {
        // Dual-stack clusters take blocks of IPv6 too; this sandbox has none.
        return refuse();
    };
    let host = if bits == 0 {
        u32::MAX
    } else {
        u32::MAX.checked_shr(bits).unwrap_or(0)
    };
    let inside = address.is_private() || address.is_loopback() || address.is_link_local();
    if bits > 32 || address.to_bits() & host != 0 || inside {
        return refuse();
    }
    Ok(())
}

/// Services' addresses: a private block between /24 and /12.
///
/// # Errors
/// `InvalidParameterException`; the page: <https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html>;
/// the wording is a guess.
pub(super) fn service_block(cidr: &str) -> Result<(), Refusal> {
    let read = cidr
        .split_once('/')
        .and_then(|(address, bits)| Some((address.parse::<Ipv4Addr>().ok()?, bits.parse::<u32>().ok()?)));
    match read {
        Some((address, 12..=24)) if address.is_private() => Ok(()),
        _ => Err(refusal::invalid(format!(
            "Invalid serviceIpv4Cidr {cidr}: it must be a block between /24 and /12 within 10.0.0.0/8, 172.16.0.0/12, or 192.168.0.0/16"
        ))),
    }
}

/// The interfaces by which a control plane reaches a network: one in each of at most four subnets.
///
/// "Two to four": the page on network requirements above.
pub(super) fn interfaces(
    world: &mut World,
    call: &Call,
    cluster: &str,
    subnets: &[String],
    groups: &[String],
) -> Vec<String> {
    subnets
        .iter()
        .take(4)
        .map(|subnet| {
            let words = format!("Amazon EKS {cluster}");
            interface::make(world, call, subnet, groups.to_vec(), words, "interface").0
        })
        .collect()
}

/// The security group that EKS makes for a cluster.
///
/// <https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html>
pub(super) fn own_group(world: &mut World, call: &Call, cluster: &str, vpc: &str) -> String {
    let name = format!("eks-cluster-sg-{cluster}-{}", world.random.text("0123456789", 9));
    let id = security_group::make_inside(
        world,
        call,
        vpc,
        name.clone(),
        "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any managed workloads.",
    );
    let tags = [
        ("Name".to_owned(), name),
        (format!("kubernetes.io/cluster/{cluster}"), "owned".to_owned()),
        ("aws:eks:cluster-name".to_owned(), cluster.to_owned()),
    ];
    let ec2 = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    ec2.tags.insert(id.clone(), tags.into());
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_of_the_internet_reach_the_endpoint() {
        for good in ["0.0.0.0/0", "203.0.113.0/24", "198.51.100.7/32"] {
            assert!(public_block(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "203.0.113.1/24",
            "10.0.0.0/8",
            "203.0.113.0/33",
            "x/8",
            "203.0.113.0",
        ] {
            assert!(public_block(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn services_get_private_blocks_of_a_sane_size() {
        assert!(service_block("172.20.0.0/16").is_ok());
        for bad in ["172.20.0.0/8", "172.20.0.0/25", "203.0.113.0/24", "x"] {
            assert!(service_block(bad).is_err(), "{bad}");
        }
    }
}
