//! # MI03 managed-full-access
//!
//! Rejects AWS managed policies that give everything: `AdministratorAccess`, `PowerUserAccess`, `IAMFullAccess`,
//! `SecretsManagerReadWrite`, and `…FullAccess` of a service on a role.
//!
//! ## Why
//!
//! Whoever gets hold of the identity gets the account, or the whole service in every environment of the account.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_role_policy_attachment" "ci_admin" {
//!   role       = "ci"
//!   policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_role_policy_attachment" "node" {
//!   role       = "node"
//!   policy_arn = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"
//! }
//! ```
//!
//! ## Reads
//!
//! `aws_iam_role_policy_attachment`, `aws_iam_user_policy_attachment`, `aws_iam_group_policy_attachment`, `aws_iam_policy_attachment`: `policy_arn`.
//! `aws_iam_role`: `managed_policy_arns`. `aws_iam_role_policy_attachments_exclusive`: `policy_arns`.
//! `aws_ssoadmin_managed_policy_attachment`: `managed_policy_arn` (a warning: people, for a session).
//!
//! ## Limits
//!
//! Customer managed policies are judged by their documents (MI01, MI02, MI13), not by their names.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::{Path, Value};

/// See the page above.
pub(super) struct ManagedFullAccess;

static META: Meta = Meta {
    code: "MI03",
    name: "managed-full-access",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "AWS managed policy with full access",
    why: "whoever gets hold of this identity gets the account, or the whole service in every environment of the account",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("managed_full_access.rs"),
};

/// The name of an AWS managed policy when it gives too much.
fn too_much(arn: &str) -> Option<&str> {
    let (prefix, name) = arn.split_once(":policy/")?;
    if !(prefix.starts_with("arn:aws") && prefix.ends_with(":iam::aws")) {
        return None;
    }
    let name = name.rsplit('/').next()?;
    let whole = [
        "AdministratorAccess",
        "PowerUserAccess",
        "IAMFullAccess",
        "SecretsManagerReadWrite",
    ]
    .contains(&name);
    (whole || name.ends_with("FullAccess") || name.starts_with("AdministratorAccess-")).then_some(name)
}

impl Rule for ManagedFullAccess {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &[
            "aws_iam_role_policy_attachment",
            "aws_iam_user_policy_attachment",
            "aws_iam_group_policy_attachment",
            "aws_iam_policy_attachment",
            "aws_iam_role",
            "aws_iam_role_policy_attachments_exclusive",
            "aws_ssoadmin_managed_policy_attachment",
        ]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let attribute = match &*r.kind {
            "aws_iam_role" => "managed_policy_arns",
            "aws_iam_role_policy_attachments_exclusive" => "policy_arns",
            "aws_ssoadmin_managed_policy_attachment" => "managed_policy_arn",
            _ => "policy_arn",
        };
        // Optional and computed: unless the configuration sets it, `after` shows what was attached before the plan.
        if attribute == "managed_policy_arns" && !cx.is_set(r, attribute) {
            return;
        }
        let resolved = cx.resolve(r, values, attribute);
        for (i, arn) in resolved.one_or_many().iter().enumerate() {
            let Some(name) = arn.as_str().and_then(too_much) else {
                continue;
            };
            let path = if attribute.ends_with('s') {
                Path::default().name(attribute).index(i)
            } else {
                Path::from(attribute)
            };
            let finding = out.report(r.at(path), format!("attaches the AWS managed policy `{name}`"));
            finding.fix(format!(
                "resource \"aws_iam_role_policy\" \"{name}\" {{\n  name   = \"{name}\"\n  role   = <the role>\n  policy = data.aws_iam_policy_document.{name}.json # the actions this identity needs, on the ARNs it needs\n}}",
                name = r.name
            ));
            if &*r.kind == "aws_ssoadmin_managed_policy_attachment" {
                finding.level(Level::Warning);
            }
        }
    }
}
