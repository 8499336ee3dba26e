//! The network: somebody else's, or the environment's own.

use super::blueprint::Draft;
use super::{Network, Router, Subnetwork, Vpc};
use crate::component::{Address, Kind, Management, OnDestroy};
use crate::reference;
use crate::spec::{Egress, GcpExistingNetwork, GcpNetworkSpec, ManagedNetwork};

/// Secondary ranges of a subnetwork of ours.
const PODS: &str = "pods";
const SERVICES: &str = "services";

/// How the cluster names its place in the network.
pub(super) struct InUse {
    pub(super) network: String,
    pub(super) subnetwork: String,
    pub(super) pods_range: String,
    pub(super) services_range: String,
    /// What must stand before nodes start.
    pub(super) ways_out: Vec<Vec<String>>,
}

/// Where a cluster of the environment's own goes.
pub(super) fn in_use(network: &GcpNetworkSpec) -> Option<InUse> {
    let to = |component: &str, output: &str| reference::to(&Address::new(&[component]), output);
    match network {
        GcpNetworkSpec::OfCluster => None,
        GcpNetworkSpec::Existing(spec) => Some(InUse {
            network: to("network", "network"),
            subnetwork: to("network", "subnetwork"),
            pods_range: spec.pods_range.to_string(),
            services_range: spec.services_range.to_string(),
            ways_out: Vec::new(),
        }),
        GcpNetworkSpec::Managed(network) => Some(InUse {
            network: to("network", "network"),
            subnetwork: to("subnetwork", "subnetwork"),
            pods_range: PODS.to_owned(),
            services_range: SERVICES.to_owned(),
            ways_out: match network.egress {
                Egress::None => Vec::new(),
                _ => vec![vec!["router".to_owned()]],
            },
        }),
    }
}

pub(super) fn add(draft: &mut Draft<'_>) {
    let gcp = draft.gcp;
    match &gcp.network {
        GcpNetworkSpec::OfCluster => {}
        GcpNetworkSpec::Existing(spec) => existing(draft, spec),
        GcpNetworkSpec::Managed(network) => managed(draft, network),
    }
}

fn existing(draft: &mut Draft<'_>, spec: &GcpExistingNetwork) {
    let project = draft.spec.id.account();
    let network = full(&spec.network.to_string(), |name| {
        format!("projects/{project}/global/networks/{name}")
    });
    let region = draft.spec.id.region();
    let subnetwork = full(&spec.subnetwork.to_string(), |name| {
        format!("projects/{project}/regions/{region}/subnetworks/{name}")
    });
    let wanted = Network {
        network: network.clone(),
        subnetwork: subnetwork.clone(),
        pods_range: spec.pods_range.to_string(),
        services_range: spec.services_range.to_string(),
    };
    draft
        .want(&["network"], Kind::GcpNetwork, &wanted)
        .id(subnetwork.clone())
        .output("network", network)
        .output("subnetwork", subnetwork)
        .managed(Management::Existing)
        .on_destroy(OnDestroy::Retain);
}

/// The full name of what was written short. What is not known yet will be full: nobody knows better.
fn full(text: &str, name: impl Fn(&str) -> String) -> String {
    if text.starts_with("projects/") || reference::is_placeholder(text) {
        text.to_owned()
    } else {
        name(text)
    }
}

/// Nodes in the first sixteenth of the range, services in the second, pods in the upper half.
fn managed(draft: &mut Draft<'_>, network: &ManagedNetwork) {
    let (project, region, name) = (
        draft.spec.id.account(),
        draft.spec.id.region(),
        draft.spec.id.name.as_str(),
    );
    let vpc = Vpc {
        name: format!("projects/{project}/global/networks/{name}"),
        description: draft.mark(&["network"]),
    };
    let regional = |collection: &str| format!("projects/{project}/regions/{region}/{collection}/{name}");
    let subnetwork = Subnetwork {
        name: regional("subnetworks"),
        network: vpc.name.clone(),
        cidr: network.block.part(4, 0).to_string(),
        pods_range: PODS.to_owned(),
        pods_cidr: network.block.part(1, 1).to_string(),
        services_range: SERVICES.to_owned(),
        services_cidr: network.block.part(4, 1).to_string(),
        private_google_access: true,
        description: draft.mark(&["subnetwork"]),
    };
    let router = Router {
        name: regional("routers"),
        network: vpc.name.clone(),
        nat: "nat".to_owned(),
        description: draft.mark(&["router"]),
    };
    draft
        .want(&["network"], Kind::GcpVpc, &vpc)
        .id(vpc.name.clone())
        .output("network", vpc.name.clone());
    draft
        .want(&["subnetwork"], Kind::GcpSubnetwork, &subnetwork)
        .id(subnetwork.name.clone())
        .output("subnetwork", subnetwork.name.clone())
        .after(&["network"]);
    if network.egress != Egress::None {
        draft
            .want(&["router"], Kind::GcpRouter, &router)
            .id(router.name.clone())
            .after(&["network"])
            .after(&["subnetwork"]);
    }
}
