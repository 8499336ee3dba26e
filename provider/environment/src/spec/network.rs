//! The network in use.

use std::collections::BTreeSet;

use super::collector::Collector;
use super::{AttributePath, Late, SubnetId, VpcId};
use crate::config;

/// A VPC and subnets of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSpec {
    /// The VPC.
    pub vpc_id: Late<VpcId>,
    /// Of nodes and the control plane's interfaces.
    pub private_subnet_ids: BTreeSet<Late<SubnetId>>,
    /// Of public load balancers.
    pub public_subnet_ids: BTreeSet<Late<SubnetId>>,
}

pub(super) fn build(config: &config::ExistingNetwork, collector: &mut Collector) -> Option<NetworkSpec> {
    let path = AttributePath::root("aws").attribute("existing_network");
    let vpc_id = match config.vpc_id.as_deref() {
        Some(text) => collector.late(&path.attribute("vpc_id"), text),
        None => {
            collector.refuse(
                &path.attribute("vpc_id"),
                "Missing",
                "Name the VPC of the subnets.",
            );
            None
        }
    };
    let mut subnets = |attribute: &str, ids: &Option<BTreeSet<String>>| -> BTreeSet<Late<SubnetId>> {
        let path = path.attribute(attribute);
        ids.iter()
            .flatten()
            .filter_map(|text| collector.late(&path, text))
            .collect()
    };
    let private_subnet_ids = subnets("private_subnet_ids", &config.private_subnet_ids);
    let public_subnet_ids = subnets("public_subnet_ids", &config.public_subnet_ids);
    let all_known = private_subnet_ids.iter().all(|id| id.known().is_some());
    if private_subnet_ids.len() < 2 && all_known {
        collector.refuse(
            &path.attribute("private_subnet_ids"),
            "Too few private subnets",
            "EKS needs subnets in two availability zones at least: name two or more private subnets.",
        );
    }
    for id in private_subnet_ids.intersection(&public_subnet_ids) {
        collector.refuse(
            &path.attribute("public_subnet_ids"),
            format!("{id} is named as private too"),
            "A subnet is either private or public: name it once.",
        );
    }
    Some(NetworkSpec {
        vpc_id: vpc_id?,
        private_subnet_ids,
        public_subnet_ids,
    })
}

impl NetworkSpec {
    pub(super) fn resolved(&self) -> config::ExistingNetwork {
        let texts = |ids: &BTreeSet<Late<SubnetId>>| ids.iter().map(ToString::to_string).collect();
        config::ExistingNetwork {
            vpc_id: Some(self.vpc_id.to_string()),
            private_subnet_ids: Some(texts(&self.private_subnet_ids)),
            public_subnet_ids: (!self.public_subnet_ids.is_empty()).then(|| texts(&self.public_subnet_ids)),
        }
    }
}
