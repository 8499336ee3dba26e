//! # MI19 same-pod-two-environments
//!
//! Rejects a pod of GKE that enters the accounts of two environments of a project, and a warning where an account of an environment is
//! entered from a namespace that does not say which environment it is of.
//!
//! ## Why
//!
//! The workload identity pool is the project's, not the cluster's: a pod of dev with this namespace and account *is* the pod of prod.
//!
//! ## Bad
//!
//! ```hcl
//! resource "google_service_account" "runtime" {
//!   account_id = "churn-runtime-prod"
//! }
//!
//! resource "google_service_account_iam_member" "runtime" {
//!   service_account_id = google_service_account.runtime.name
//!   role               = "roles/iam.workloadIdentityUser"
//!   member             = "serviceAccount:acme-ml.svc.id.goog[ml-services/churn-sa]"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "google_service_account" "runtime" {
//!   account_id = "churn-runtime-prod"
//! }
//!
//! resource "google_service_account_iam_member" "runtime" {
//!   service_account_id = google_service_account.runtime.name
//!   role               = "roles/iam.workloadIdentityUser"
//!   member             = "serviceAccount:acme-ml.svc.id.goog[churn-prod/churn-sa]"
//! }
//! ```
//!
//! ## Reads
//!
//! Grants of `roles/iam.workloadIdentityUser` on service accounts.
//!
//! ## Limits
//!
//! A project per environment, told by its name, is silent.
//!
//! ## References
//!
//! - <https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity#identity_sameness>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Graph, Identity, IdentityKind};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct SamePodTwoEnvironments;

static META: Meta = Meta {
    code: "MI19",
    name: "same-pod-two-environments",
    family: Family::MonolithicIam,
    level: Level::Warning,
    title: "namespace and account that are the same in every environment",
    why: "the workload identity pool is the project's: a pod of another environment with this namespace and account is this one",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("same_pod_two_environments.rs"),
};

impl Rule for SamePodTwoEnvironments {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn identity(&self, cx: &Context<'_>, graph: &Graph, identity: &Identity, out: &mut Findings<'_>) {
        if identity.kind != IdentityKind::ServiceAccount {
            return;
        }
        let Some(environment) = cx.environment(identity.name.as_deref().unwrap_or_default()) else {
            return;
        };
        for g in identity.entered_by.iter().map(|&g| &graph.grants[g]) {
            for m in &g.members {
                let Some((project, pod)) = m
                    .text
                    .trim_start_matches("serviceAccount:")
                    .split_once(".svc.id.goog[")
                else {
                    continue;
                };
                if pod.contains('\u{fffc}') || cx.environment(project) == Some(environment) {
                    continue;
                }
                match cx.environment(pod) {
                    Some(e) if e == environment => {}
                    Some(other) => {
                        out.report(
                            g.place.clone(),
                            format!(
                                "a pod of `{other}` enters an account of `{environment}`: {}",
                                m.text
                            ),
                        )
                        .level(Level::Error)
                        .fix(member(&g.place, project, environment, pod));
                    }
                    None => {
                        out.report(g.place.clone(), format!("the pod `[{pod}` of every environment in this project enters an account of `{environment}`")).fix(member(&g.place, project, environment, pod));
                    }
                }
            }
        }
    }
}

fn member(place: &crate::finding::Place, project: &str, environment: &str, pod: &str) -> String {
    let (namespace, account) = pod
        .trim_end_matches(']')
        .split_once('/')
        .unwrap_or((pod, "<account>"));
    format!(
        "resource \"google_service_account_iam_member\" \"{}\" {{\n  member = \"serviceAccount:{project}.svc.id.goog[{namespace}-{environment}/{account}]\"\n}}",
        super::fix::name_of(place)
    )
}
