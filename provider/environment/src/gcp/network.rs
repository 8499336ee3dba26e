//! The network in use.

use super::Network;
use super::blueprint::Draft;
use crate::component::{Kind, Management, OnDestroy};
use crate::reference;

pub(super) fn add(draft: &mut Draft<'_>) {
    let project = draft.spec.id.account();
    let spec = &draft.gcp.network;
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
