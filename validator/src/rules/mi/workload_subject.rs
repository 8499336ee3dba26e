//! # MI11 workload-subject
//!
//! Rejects a trust in a cluster's tokens that does not name one namespace and one service account exactly: wildcards, no condition on
//! `sub`, the account `default`; on Google Cloud members that stand for a whole namespace or cluster. A missing `aud` is a warning.
//!
//! ## Why
//!
//! Whoever can start a pod under a name that fits is this identity.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_role" "runtime" {
//!   name = "runtime"
//!   assume_role_policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "sts:AssumeRoleWithWebIdentity"
//!       Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC" }
//!       Condition = {
//!         StringEquals = { "oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud" = "sts.amazonaws.com" }
//!         StringLike   = { "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub" = "system:serviceaccount:churn:*" }
//!       }
//!     }]
//!   })
//! }
//! ```
//!
//! ```hcl
//! resource "google_service_account" "runtime" {
//!   account_id = "runtime"
//! }
//!
//! resource "google_service_account_iam_member" "runtime" {
//!   service_account_id = google_service_account.runtime.name
//!   role               = "roles/iam.workloadIdentityUser"
//!   member             = "serviceAccount:acme-ml.svc.id.goog[churn/default]"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_role" "runtime" {
//!   name = "runtime"
//!   assume_role_policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "sts:AssumeRoleWithWebIdentity"
//!       Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC" }
//!       Condition = { StringEquals = {
//!         "oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud" = "sts.amazonaws.com"
//!         "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub" = "system:serviceaccount:churn:churn-sa"
//!       } }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Trust policies of `aws_iam_role`; Google Cloud grants of `roles/iam.workloadIdentityUser`.
//!
//! ## Limits
//!
//! EKS Pod Identity (`pods.eks.amazonaws.com`) names the account in the association, which is always exact.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html>

use mlops_access::aws::UNKNOWN_TEXT;

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::entrance::{Issuer, Pinned, fixed_part};
use crate::graph::{Document, Grant, Graph, Purpose, Reading};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct WorkloadSubject;

static META: Meta = Meta {
    code: "MI11",
    name: "workload-subject",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "pod trust that does not name one account",
    why: "whoever can start a pod under a name that fits is this identity",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("workload_subject.rs"),
};

fn open(subject: &str) -> Option<&'static str> {
    let (fixed, wild) = fixed_part(subject);
    let rest = fixed.strip_prefix("system:serviceaccount:")?;
    match (rest.split_once(':'), wild) {
        (None, true) => Some("leaves the namespace open"),
        (Some(_), true) => Some("leaves the service account open"),
        (Some((_, "default")), false) => {
            Some("is the default service account, which every pod of the namespace has")
        }
        _ => None,
    }
}

fn leaves_open(subject: &str) -> Option<&'static str> {
    if subject.starts_with("system:") || subject.contains(UNKNOWN_TEXT) {
        open(subject)
    } else {
        fixed_part(subject).1.then_some("leaves the pod open")
    }
}

impl Rule for WorkloadSubject {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Trust]
    }

    fn sift(&self, _: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        let exact =
            |pinned: &Pinned| matches!(pinned, Pinned::To(v) if v.iter().all(|v| leaves_open(v).is_none()));
        purpose == Purpose::Trust
            && policy
                .entrances()
                .iter()
                .any(|e| e.kind == Issuer::Cluster && !(e.audience && exact(e.pinned())))
    }

    fn trust(
        &self,
        _: &Context<'_>,
        _: &Graph,
        document: &Document,
        policy: &Reading<'_>,
        out: &mut Findings<'_>,
    ) {
        for e in policy.entrances().iter().filter(|e| e.kind == Issuer::Cluster) {
            let fix = format!(
                "condition {{\n  test     = \"StringEquals\"\n  variable = \"{i}:sub\"\n  values   = [\"system:serviceaccount:<namespace>:<service account>\"]\n}}\ncondition {{\n  test     = \"StringEquals\"\n  variable = \"{i}:aud\"\n  values   = [\"sts.amazonaws.com\"]\n}}",
                i = e.issuer
            );
            match e.pinned() {
                Pinned::Nothing(why) => {
                    out.report(
                        document.place.clone(),
                        format!("any pod of the cluster enters: {why}"),
                    )
                    .fix(fix.clone());
                }
                Pinned::Unknown => {
                    out.undecided(
                        document.place.clone(),
                        "which pods enter is not known before apply",
                    );
                }
                Pinned::To(values) => {
                    for v in values {
                        if let Some(how) = leaves_open(v) {
                            out.report(
                                document.place.clone(),
                                format!(
                                    "the subject `{}` {how}",
                                    v.replace(UNKNOWN_TEXT, "(known after apply)")
                                ),
                            )
                            .fix(fix.clone());
                        }
                    }
                }
            }
            if !e.audience {
                out.report(
                    document.place.clone(),
                    "the audience of pods' tokens is not pinned",
                )
                .level(Level::Warning)
                .why("a token made for another service enters too")
                .fix(fix);
            }
        }
    }

    fn grant(&self, _: &Context<'_>, _: &Graph, grant: &Grant, out: &mut Findings<'_>) {
        if grant.role != "roles/iam.workloadIdentityUser" || grant.scope.kind != "service_account" {
            return;
        }
        for m in &grant.members {
            let how = if m.text.contains(".svc.id.goog[") && m.text.ends_with("/default]") {
                "is the default service account, which every pod of the namespace has"
            } else if m.text.starts_with("principalSet://")
                && m.text.contains(".svc.id.goog/")
                && m.text.contains("/namespace/")
            {
                "is a whole namespace"
            } else if m.text.starts_with("principalSet://") && m.text.contains(".svc.id.goog/") {
                "is a whole cluster"
            } else {
                continue;
            };
            out.report(grant.place.clone(), format!("the member `{}` {how}", m.text.replace(UNKNOWN_TEXT, "(known after apply)"))).fix(format!(
                "resource \"google_service_account_iam_member\" \"{}\" {{\n  role   = \"roles/iam.workloadIdentityUser\"\n  member = \"serviceAccount:<project>.svc.id.goog[<namespace>/<service account>]\"\n}}",
                super::fix::name_of(&grant.place)
            ));
        }
    }
}
