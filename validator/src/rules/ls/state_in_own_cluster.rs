//! # LS12 state-in-own-cluster
//!
//! Rejects the `kubernetes` backend in a configuration that makes a cluster.
//!
//! ## Why
//!
//! The state then lives in what it describes: it cannot exist before the cluster and dies with it.
//!
//! ## Bad
//!
//! ```hcl
//! terraform {
//!   backend "kubernetes" {
//!     secret_suffix = "ml"
//!   }
//! }
//!
//! resource "aws_eks_cluster" "ml" {
//!   name     = "ml"
//!   role_arn = "arn:aws:iam::111122223333:role/ml-cluster"
//!   vpc_config {
//!     subnet_ids = ["subnet-1", "subnet-2"]
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! terraform {
//!   backend "kubernetes" {
//!     secret_suffix = "apps"
//!   }
//! }
//!
//! resource "kubernetes_namespace" "churn" {
//!   metadata {
//!     name = "churn"
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! The backend; `aws_eks_cluster`, `google_container_cluster`, `azurerm_kubernetes_cluster`, `mlops_environment`.
//!
//! ## Limits
//!
//! Any cluster counts: whether it is the one that keeps the state cannot be seen.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/backend/kubernetes>

use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct StateInOwnCluster;

static META: Meta = Meta {
    code: "LS12",
    name: "state-in-own-cluster",
    family: Family::StateBackend,
    level: Level::Error,
    title: "state kept in a cluster that the same configuration makes",
    why: "the state lives in what it describes: it cannot exist before the cluster and dies with it",
    invariants: &["D-10"],
    since: "0.1.0",
    source: include_str!("state_in_own_cluster.rs"),
};

impl Rule for StateInOwnCluster {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn plan(&self, cx: &Context<'_>, out: &mut Findings<'_>) {
        if cx.backend.decided().is_none_or(|b| b.kind != "kubernetes") {
            return;
        }
        let cluster = [
            "aws_eks_cluster",
            "google_container_cluster",
            "azurerm_kubernetes_cluster",
            "mlops_environment",
        ]
        .iter()
        .find_map(|k| cx.plan.of_type(k).next());
        if let Some(cluster) = cluster {
            out.report(
                Place::backend(""),
                format!(
                    "the state is kept in a cluster, and this plan makes one: {}",
                    cluster.address
                ),
            )
            .related(cluster.at(""), "the cluster")
            .fix(super::settings::compliant(None));
        }
    }
}
