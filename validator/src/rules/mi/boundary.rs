//! # MI21 missing-boundary
//!
//! Rejects an identity that makes or changes roles without having to give them a permissions boundary, and one that may take
//! boundaries away. Where other roles of a plan have a boundary, one without is a note.
//!
//! ## Why
//!
//! Who may make a role without limits may make one with none, and enter it.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_policy" "provisioner" {
//!   name = "provisioner"
//!   policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = ["iam:CreateRole", "iam:PutRolePolicy"], Resource = "arn:aws:iam::111122223333:role/mlops/*" }]
//!   })
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_policy" "provisioner" {
//!   name = "provisioner"
//!   policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = ["iam:CreateRole", "iam:PutRolePolicy"]
//!       Resource  = "arn:aws:iam::111122223333:role/mlops/*"
//!       Condition = { StringEquals = { "iam:PermissionsBoundary" = "arn:aws:iam::111122223333:policy/mlops-boundary" } }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Identity policies; `aws_iam_role`: `permissions_boundary`.
//!
//! ## Limits
//!
//! Unscoped permissions of this kind are MI13's, all permissions MI01's.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate>

use mlops_access::aws::{Effect, FindingKind, Scope, Word};

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Document, Graph, IdentityKind, Purpose, Reading};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct MissingBoundary;

static META: Meta = Meta {
    code: "MI21",
    name: "missing-boundary",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "making roles without a permissions boundary",
    why: "who may make a role without limits may make one with none, and enter it",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("boundary.rs"),
};

const MAKES: &[&str] = &[
    "iam:CreateRole",
    "iam:PutRolePolicy",
    "iam:AttachRolePolicy",
    "iam:CreateUser",
    "iam:PutUserPolicy",
    "iam:AttachUserPolicy",
];

impl Rule for MissingBoundary {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Identity]
    }

    fn glance(&self, _: &Context<'_>, word: Word<'_>) -> bool {
        super::glance::is_of(word, &["iam"])
    }

    fn sift(&self, _: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        purpose == Purpose::Identity && super::glance::speaks_of(policy, &["iam"])
    }

    fn policy(
        &self,
        _: &Context<'_>,
        _: &Graph,
        document: &Document,
        policy: &Reading<'_>,
        out: &mut Findings<'_>,
    ) {
        if document.purpose != Purpose::Identity {
            return;
        }
        let findings = policy.findings();
        let broad = |i: usize| {
            findings.iter().any(|f| {
                f.index == i
                    && matches!(
                        f.kind,
                        FindingKind::Administrator
                            | FindingKind::AllowNotAction
                            | FindingKind::ServiceWildcard { .. }
                    )
            })
        };
        let denied = |action: &str| {
            policy.statements.iter().any(|s| {
                s.effect == Effect::Deny
                    && s.actions.items().iter().any(|a| a.matches(action))
                    && !s.actions.is_negated()
            })
        };
        for (i, s) in policy.statements.iter().enumerate() {
            let Scope::Only(actions) = &s.actions else {
                continue;
            };
            if s.effect != Effect::Allow || s.principals.is_some() || broad(i) {
                continue;
            }
            let allows = |action: &&&str| actions.iter().any(|a| a.matches(action));
            let conditioned = s
                .conditions
                .iter()
                .any(|c| c.key.folded() == "iam:permissionsboundary");
            let unscoped = s
                .resources
                .iter()
                .flat_map(|r| r.items())
                .any(|r| r.source() == "*");
            let name = super::fix::name_of(&document.place);
            let fix = format!(
                "data \"aws_iam_policy_document\" \"{name}\" {{\n  statement {{\n    actions   = [\"iam:CreateRole\", \"iam:PutRolePolicy\"]\n    resources = [\"arn:aws:iam::<account>:role/<path>/*\"]\n    condition {{\n      test     = \"StringEquals\"\n      variable = \"iam:PermissionsBoundary\"\n      values   = [\"<the boundary's ARN>\"]\n    }}\n  }}\n}}"
            );
            if let Some(action) = MAKES.iter().find(allows).filter(|_| !conditioned && !unscoped) {
                out.report(
                    document.place.clone(),
                    format!(
                        "statement {} allows {action} without asking for a permissions boundary",
                        super::fix::label(policy, s)
                    ),
                )
                .fix(fix.clone());
            }
            let removes = [
                "iam:DeleteRolePermissionsBoundary",
                "iam:PutRolePermissionsBoundary",
            ]
            .iter()
            .find(|a| allows(a) && !denied(a) && !conditioned);
            if let Some(action) = removes {
                out.report(
                    document.place.clone(),
                    format!(
                        "statement {} allows {action}: a boundary that can be taken away binds nobody",
                        super::fix::label(policy, s)
                    ),
                )
                .fix(fix);
            }
        }
    }

    fn graph(&self, _: &Context<'_>, graph: &Graph, out: &mut Findings<'_>) {
        let roles = || {
            graph
                .identities
                .iter()
                .filter(|i| i.kind == IdentityKind::Role && i.address.is_some())
        };
        let Some(with) = roles().find(|i| i.boundary.is_some()) else {
            return;
        };
        for i in roles().filter(|i| i.boundary.is_none()) {
            // A role of the platform itself (a cluster, a service) is AWS's to limit.
            let platform = i
                .uses
                .iter()
                .any(|u| matches!(u.kind, crate::graph::UseKind::ControlPlane(_)));
            if let Some(place) = i.place().filter(|_| !platform) {
                out.report(
                    place,
                    format!(
                        "{} has no permissions boundary, while {} has one",
                        i.label(),
                        with.label()
                    ),
                )
                .level(Level::Note)
                .why("a boundary that only some have is forgotten on the next")
                .fix("permissions_boundary = <the same boundary>");
            }
        }
    }
}
