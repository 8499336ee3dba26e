//! # SK01 aws-access-key
//!
//! Rejects `aws_iam_access_key`: a long-lived key pair of an IAM user. Created, changed, imported, moved or simply still there:
//! an old static key is a static key. Encrypting its secret with `pgp_key` does not excuse it.
//!
//! ## Why
//!
//! The key works until somebody deletes it, from anywhere, for anybody who has a copy; and its secret stands in the Terraform state.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_user" "ci" {
//!   name = "ci"
//! }
//!
//! resource "aws_iam_access_key" "ci" {
//!   user = aws_iam_user.ci.name
//! }
//! ```
//!
//! ## Good
//!
//! A role that the workload enters with a token of its own: here a GitHub job of one repository and one environment.
//!
//! ```hcl
//! data "aws_iam_policy_document" "ci_trust" {
//!   statement {
//!     actions = ["sts:AssumeRoleWithWebIdentity"]
//!     principals {
//!       type        = "Federated"
//!       identifiers = ["arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"]
//!     }
//!     condition {
//!       test     = "StringEquals"
//!       variable = "token.actions.githubusercontent.com:aud"
//!       values   = ["sts.amazonaws.com"]
//!     }
//!     condition {
//!       test     = "StringEquals"
//!       variable = "token.actions.githubusercontent.com:sub"
//!       values   = ["repo:acme/churn:ref:refs/heads/main"]
//!     }
//!   }
//! }
//!
//! resource "aws_iam_role" "ci" {
//!   name               = "ci"
//!   assume_role_policy = data.aws_iam_policy_document.ci_trust.json
//! }
//! ```
//!
//! ## Reads
//!
//! `aws_iam_access_key`: `user`, `status`.
//!
//! ## Limits
//!
//! An inactive key is reported as a warning: it cannot be used, but one call makes it usable again.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#bp-workloads-use-roles>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct AwsAccessKey;

static META: Meta = Meta {
    code: "SK01",
    name: "aws-access-key",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "long-lived AWS access key",
    why: "an access key has no expiry, works from anywhere for whoever has a copy, and its secret is kept in the state",
    invariants: &["D-18"],
    since: "0.1.0",
    source: include_str!("aws_access_key.rs"),
};

impl Rule for AwsAccessKey {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &["aws_iam_access_key"]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let users = cx.targets(r, "user");
        let user = values
            .get("user")
            .as_str()
            .map(str::to_owned)
            .or_else(|| users.first().map(|u| u.address.to_string()));
        let what = user.map_or_else(
            || "access key of an IAM user".to_owned(),
            |u| format!("access key of IAM user `{u}`"),
        );
        let finding = out.report(r.at(""), what);
        finding.fix(format!(
            "# remove {address} and its user; let the workload enter a role with a token of its own\n\
             resource \"aws_iam_role\" \"{name}\" {{\n  name               = \"{name}\"\n  assume_role_policy = data.aws_iam_policy_document.{name}_trust.json # sts:AssumeRoleWithWebIdentity, exact aud and sub\n}}",
            address = r.address,
            name = r.name,
        ));
        if values.get("status").as_str() == Some("Inactive") {
            finding.level(Level::Warning);
        }
        for user in users {
            finding.related(user.at(""), "the user is declared here");
        }
    }
}
