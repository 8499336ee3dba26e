//! # MI16 shared-identity
//!
//! Rejects one identity that several workloads use: two functions, a function and a task, two service accounts of Kubernetes with the same
//! role or Google account, a role that two pods' subjects enter. Replicas by `count` or `for_each` are one workload, and so are the node
//! groups of a cluster.
//!
//! ## Why
//!
//! What one of them is given, all have; and when one is taken over, all are.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_role" "app" {
//!   name = "app"
//!   assume_role_policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
//!   })
//! }
//!
//! resource "aws_lambda_function" "score" {
//!   function_name = "score"
//!   role          = aws_iam_role.app.arn
//!   package_type  = "Image"
//!   image_uri     = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/score:1"
//! }
//!
//! resource "aws_lambda_function" "retrain" {
//!   function_name = "retrain"
//!   role          = aws_iam_role.app.arn
//!   package_type  = "Image"
//!   image_uri     = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/retrain:1"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_role" "app" {
//!   for_each = toset(["score", "retrain"])
//!   name     = each.key
//!   assume_role_policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
//!   })
//! }
//!
//! resource "aws_lambda_function" "app" {
//!   for_each      = toset(["score", "retrain"])
//!   function_name = each.key
//!   role          = aws_iam_role.app[each.key].arn
//!   package_type  = "Image"
//!   image_uri     = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/${each.key}:1"
//! }
//! ```
//!
//! ## Reads
//!
//! Every resource that runs as a role or service account, pod associations, annotations of Kubernetes service accounts, trusts of pods.
//!
//! ## Limits
//!
//! Roles by which the platform acts (task execution, Fargate, add-ons, schedules, event targets, control planes) are made to be shared.
//!
//! ## References
//!
//! - Seed invariant D-31

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::entrance::{Issuer, Pinned};
use crate::graph::{Graph, Identity, IdentityKind, Purpose, Reading, Use, UseKind};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct SharedIdentity;

static META: Meta = Meta {
    code: "MI16",
    name: "shared-identity",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "one identity for several workloads",
    why: "what one of them is given all have, and when one is taken over all are",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("shared_identity.rs"),
};

/// What acts for the platform, not for a workload.
const PLATFORM: &[&str] = &[
    "ECS task execution",
    "Fargate pod execution",
    "EKS add-on",
    "schedule",
    "event target",
    "scheduler job",
    "CodePipeline",
    "Cloud Build trigger",
    "Firehose stream",
];

/// What a use is a use by: one name for what counts once.
fn workload(u: &Use) -> Option<String> {
    match &u.kind {
        UseKind::Service(s) if PLATFORM.contains(s) => None,
        UseKind::ControlPlane(_) | UseKind::ClusterAccess => None,
        UseKind::Node
            if [
                "aws_eks_node_group",
                "google_container",
                "aws_launch_",
                "aws_batch",
            ]
            .iter()
            .any(|n| u.workload.contains(n)) =>
        {
            Some("the nodes".to_owned())
        }
        // The association and the annotation of one account are the same workload.
        UseKind::Pod {
            namespace,
            account: Some(a),
        } => Some(format!(
            "service account {}/{a}",
            namespace.as_deref().unwrap_or("(unknown)")
        )),
        _ => Some(u.workload.clone()),
    }
}

/// The pods that a trust names exactly.
fn pods(policy: &Reading<'_>) -> Vec<String> {
    let mut pods: Vec<String> = Vec::new();
    for e in policy.entrances().iter().filter(|e| e.kind == Issuer::Cluster) {
        if let Pinned::To(subjects) = e.pinned() {
            let exact = |s: &&String| !s.contains(['*', '?', '\u{fffc}']);
            pods.extend(subjects.iter().filter(exact).cloned());
        }
    }
    pods.sort();
    pods.dedup();
    pods
}

impl Rule for SharedIdentity {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Trust]
    }

    fn sift(&self, _: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        purpose == Purpose::Trust && pods(policy).len() >= 2
    }

    fn reads_documents(&self) -> bool {
        false
    }

    fn identity(&self, cx: &Context<'_>, graph: &Graph, identity: &Identity, out: &mut Findings<'_>) {
        let mut workloads: Vec<(String, &Use)> = Vec::new();
        for u in &identity.uses {
            if let Some(w) = workload(u).filter(|w| !workloads.iter().any(|(have, _)| have == w)) {
                workloads.push((w, u));
            }
        }
        let Some(place) = identity.place() else { return };
        let name = super::fix::name_of(&place);
        let kind = if identity.kind == IdentityKind::ServiceAccount {
            "google_service_account"
        } else {
            "aws_iam_role"
        };
        let fix = |n: usize| {
            format!(
                "resource \"{kind}\" \"{name}\" {{\n  for_each = toset([<the {n} workloads>]) # one identity for each, with what that one needs\n  …\n}}"
            )
        };
        if workloads.len() >= 2 {
            let names: Vec<String> = workloads.iter().map(|(w, _)| w.clone()).collect();
            let finding = out.report(
                place.clone(),
                format!(
                    "{} workloads run as one identity: {}",
                    names.len(),
                    super::fix::listed(&names)
                ),
            );
            finding.fix(fix(names.len()));
            for (_, u) in &workloads {
                finding.related(u.place.clone(), "used here");
            }
            return;
        }
        if let Some(policy) = graph.trust_for(cx, identity, &META) {
            let pods = pods(&Reading::of(&policy));
            if pods.len() >= 2 {
                out.report(
                    place.clone(),
                    format!(
                        "{} service accounts enter one identity: {}",
                        pods.len(),
                        super::fix::listed(&pods)
                    ),
                )
                .fix(fix(pods.len()));
                return;
            }
        }
        let mut pods: Vec<String> = identity
            .entered_by
            .iter()
            .flat_map(|&g| &graph.grants[g].members)
            .filter_map(|m| {
                m.text
                    .split_once(".svc.id.goog[")
                    .map(|(_, p)| p.trim_end_matches(']').to_owned())
            })
            .filter(|p| !p.contains('\u{fffc}'))
            .collect();
        pods.sort();
        pods.dedup();
        if pods.len() >= 2 {
            out.report(
                place,
                format!(
                    "{} service accounts enter one identity: {}",
                    pods.len(),
                    super::fix::listed(&pods)
                ),
            )
            .fix(fix(pods.len()));
        }
    }
}
