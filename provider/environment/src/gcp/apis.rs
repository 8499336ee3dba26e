//! APIs that the environment needs.

use super::Services;
use super::blueprint::{APIS, Draft};
use crate::component::{Kind, OnDestroy};

/// Those that no environment does without.
pub const ALWAYS: [&str; 10] = [
    "artifactregistry",
    "cloudresourcemanager",
    "compute",
    "container",
    "iam",
    "iamcredentials",
    "logging",
    "monitoring",
    "storage",
    "sts",
];

pub(super) fn add(draft: &mut Draft<'_>) {
    if !draft.gcp.manage_apis {
        return;
    }
    let spec = draft.spec;
    let mut services = ALWAYS.to_vec();
    if spec.encryption.customer {
        services.push("cloudkms");
    }
    if spec.services.values().any(|service| !service.secrets.is_empty()) {
        services.push("secretmanager");
    }
    if spec.registry.scan_on_push {
        services.push("containerscanning");
    }
    if spec.budget.is_some() {
        services.push("billingbudgets");
    }
    let wanted = Services {
        project: spec.id.account().to_owned(),
        services: services
            .into_iter()
            .map(|name| format!("{name}.googleapis.com"))
            .collect(),
        owner: draft.owner(),
    };
    let id = format!("projects/{}/services", spec.id.account());
    draft
        .want(&APIS, Kind::GcpServices, &wanted)
        .id(id)
        .on_destroy(OnDestroy::Retain);
}
