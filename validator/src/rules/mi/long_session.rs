//! # MI24 long-session
//!
//! Rejects sessions longer than an hour for roles that a CI system enters, by `max_session_duration`.
//!
//! ## Why
//!
//! A stolen session works until it ends; a job that needs more than an hour can ask again.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_role" "ci" {
//!   name                 = "ci"
//!   max_session_duration = 43200
//!   assume_role_policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "sts:AssumeRoleWithWebIdentity"
//!       Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }
//!       Condition = { StringEquals = {
//!         "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
//!         "token.actions.githubusercontent.com:sub" = "repo:acme/churn:ref:refs/heads/main"
//!       } }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_role" "ci" {
//!   name                 = "ci"
//!   max_session_duration = 3600
//!   assume_role_policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "sts:AssumeRoleWithWebIdentity"
//!       Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }
//!       Condition = { StringEquals = {
//!         "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
//!         "token.actions.githubusercontent.com:sub" = "repo:acme/churn:ref:refs/heads/main"
//!       } }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! `aws_iam_role`: `max_session_duration`, `assume_role_policy`.
//!
//! ## Limits
//!
//! A warning. Roles of people and of services are not judged. What a session asks for is in the workflow, not in a plan.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-settings.html>

use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::graph::entrance::Issuer;
use crate::graph::{Document, Graph, Purpose, Reading};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct LongSession;

static META: Meta = Meta {
    code: "MI24",
    name: "long-session",
    family: Family::MonolithicIam,
    level: Level::Warning,
    title: "CI session longer than an hour",
    why: "a stolen session works until it ends; a job that needs more than an hour can ask again",
    invariants: &["D-18"],
    since: "0.1.0",
    source: include_str!("long_session.rs"),
};

impl Rule for LongSession {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Trust]
    }

    fn sift(&self, _: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        purpose == Purpose::Trust && policy.entrances().iter().any(|e| e.kind == Issuer::Ci)
    }

    fn trust(
        &self,
        cx: &Context<'_>,
        _: &Graph,
        document: &Document,
        _: &Reading<'_>,
        out: &mut Findings<'_>,
    ) {
        let seconds = cx.evaluate(&document.place.address, "max_session_duration");
        if seconds.is_unknown() {
            out.undecided(
                Place::new(document.place.address.clone(), "max_session_duration"),
                "how long a CI job keeps this role is not known before apply",
            );
        }
        if let Some(s) = seconds.as_f64().filter(|s| *s > 3600.0) {
            out.report(
                Place::new(document.place.address.clone(), "max_session_duration"),
                format!(
                    "a CI job keeps this role for up to {} hours",
                    (s / 360.0).round() / 10.0
                ),
            )
            .fix(format!(
                "resource \"aws_iam_role\" \"{}\" {{\n  max_session_duration = 3600\n}}",
                super::fix::name_of(&document.place)
            ));
        }
    }
}
