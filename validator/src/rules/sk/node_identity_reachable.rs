//! # SK11 node-identity-reachable
//!
//! Rejects GKE clusters and node pools on which every pod can take the identity of its node: no workload identity pool,
//! a metadata server other than `GKE_METADATA`, the scope `cloud-platform` together with the default account.
//!
//! ## Why
//!
//! A node's account that any pod can use is a shared static identity in effect: what one pod may, all may.
//!
//! ## Bad
//!
//! ```hcl
//! resource "google_container_cluster" "ml" {
//!   name     = "ml"
//!   location = "europe-west1"
//! }
//!
//! resource "google_container_node_pool" "default" {
//!   name    = "default"
//!   cluster = google_container_cluster.ml.id
//!   node_config {
//!     oauth_scopes = ["https://www.googleapis.com/auth/cloud-platform"]
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "google_service_account" "node" {
//!   account_id = "ml-node"
//! }
//!
//! resource "google_container_cluster" "ml" {
//!   name     = "ml"
//!   location = "europe-west1"
//!   workload_identity_config {
//!     workload_pool = "acme-ml.svc.id.goog"
//!   }
//! }
//!
//! resource "google_container_node_pool" "default" {
//!   name    = "default"
//!   cluster = google_container_cluster.ml.id
//!   node_config {
//!     service_account = google_service_account.node.email
//!     oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
//!     workload_metadata_config {
//!       mode = "GKE_METADATA"
//!     }
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! `google_container_cluster`: `workload_identity_config`, `enable_autopilot`, `node_config`. `google_container_node_pool`:
//! `node_config.workload_metadata_config`, `oauth_scopes`, `service_account`.
//!
//! ## Limits
//!
//! Autopilot clusters always have workload identity. A node pool without its own setting inherits the cluster's: it is reported only
//! when it says otherwise, or when the cluster has no pool.
//!
//! ## References
//!
//! - <https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct NodeIdentityReachable;

static META: Meta = Meta {
    code: "SK11",
    name: "node-identity-reachable",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "pods can use the identity of their node",
    why: "a node's identity that every pod can use is a shared static identity in effect",
    invariants: &["D-18", "D-31"],
    since: "0.1.0",
    source: include_str!("node_identity_reachable.rs"),
};

impl Rule for NodeIdentityReachable {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &["google_container_cluster", "google_container_node_pool"]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let cluster = &*r.kind == "google_container_cluster";
        if cluster && values.get("enable_autopilot").as_bool() != Some(true) {
            let pool = cx.resolve(r, values, "workload_identity_config");
            if pool.is_empty() {
                out.report(r.at("workload_identity_config"), "the cluster has no workload identity pool: pods use the account of their node").fix(format!(
                    "resource \"google_container_cluster\" \"{}\" {{\n  workload_identity_config {{\n    workload_pool = \"{}.svc.id.goog\"\n  }}\n}}",
                    r.name,
                    values.get("project").as_str().unwrap_or("<project>")
                ));
            } else if pool.is_unknown()
                && !cx.is_set(r, "workload_identity_config")
                && r.action == crate::plan::Action::Create
            {
                // Computed when nothing is written; what is written in a dynamic block cannot be seen here.
                out.undecided(
                    r.at("workload_identity_config"),
                    "whether the cluster has a workload identity pool is unknown until apply",
                );
            }
        }
        let node = values.path("node_config.0");
        if node.is_null() {
            return;
        }
        let mode = node.path("workload_metadata_config.0.mode");
        if mode
            .as_str()
            .is_some_and(|m| !matches!(m, "GKE_METADATA" | "GKE_METADATA_SERVER" | "MODE_UNSPECIFIED"))
        {
            out.report(r.at("node_config.0.workload_metadata_config.0.mode"), "pods on these nodes see the metadata of the node, and with it its token").fix(format!(
                "resource \"{}\" \"{}\" {{\n  node_config {{\n    workload_metadata_config {{\n      mode = \"GKE_METADATA\"\n    }}\n  }}\n}}",
                r.kind, r.name
            ));
        }
        let broad = node.get("oauth_scopes").items().iter().any(|s| {
            s.as_str()
                .is_some_and(|s| s.ends_with("/auth/cloud-platform") || s == "cloud-platform")
        });
        let account = node.get("service_account");
        let default = account.is_null() && !cx.is_set(r, "node_config.0.service_account")
            || account
                .as_str()
                .is_some_and(|a| a == "default" || a.ends_with("-compute@developer.gserviceaccount.com"));
        if broad && default {
            out.report(r.at("node_config.0.oauth_scopes"), "the default compute account with the scope cloud-platform: by default an editor of the whole project on every node").fix(format!(
                "resource \"google_service_account\" \"{n}\" {{\n  account_id = \"{n}-node\"\n}}\n\nresource \"{k}\" \"{n}\" {{\n  node_config {{\n    service_account = google_service_account.{n}.email # roles/container.defaultNodeServiceAccount and no more\n  }}\n}}",
                n = r.name,
                k = r.kind
            ));
        }
    }
}
