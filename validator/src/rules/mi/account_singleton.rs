//! # MI25 account-singleton
//!
//! Rejects an environment that makes what an account or project has only once: registry scanning, account-wide settings, the `_Default` log
//! bucket, APIs that are switched off with it. A warning, where the plan is one environment's.
//!
//! ## Why
//!
//! The second environment fails or fights over it, and destroying dev takes it away from prod.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_ecr_registry_scanning_configuration" "this" {
//!   scan_type = "ENHANCED"
//! }
//!
//! resource "aws_s3_bucket" "models" {
//!   bucket = "acme-models-dev"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_ecr_repository" "churn" {
//!   name = "dev/churn"
//!   image_scanning_configuration {
//!     scan_on_push = true
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! `aws_ecr_registry_scanning_configuration`, `aws_ecr_registry_policy`, `aws_ecr_replication_configuration`, `aws_s3_account_public_access_block`,
//! `aws_ebs_encryption_by_default`, `aws_iam_account_password_policy`, `aws_iam_account_alias`, `google_logging_project_bucket_config` of
//! `_Default`, `google_project_service` with `disable_on_destroy`.
//!
//! ## Limits
//!
//! That a plan is one environment's is told by names of buckets, roles, clusters and accounts that carry its word. The OIDC provider of GitHub is
//! reported too, as a note: it can be shared by reference.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct AccountSingleton;

static META: Meta = Meta {
    code: "MI25",
    name: "account-singleton",
    family: Family::MonolithicIam,
    level: Level::Warning,
    title: "what an account has once, made by an environment",
    why: "the second environment fails or fights over it, and destroying one takes it away from the others",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("account_singleton.rs"),
};

const SINGLETONS: &[&str] = &[
    "aws_ecr_registry_scanning_configuration",
    "aws_ecr_registry_policy",
    "aws_ecr_replication_configuration",
    "aws_s3_account_public_access_block",
    "aws_ebs_encryption_by_default",
    "aws_iam_account_password_policy",
    "aws_iam_account_alias",
    "google_logging_project_bucket_config",
    "google_project_service",
    "aws_iam_openid_connect_provider",
];

/// The environment that the names of a plan's things carry.
fn environment<'a>(cx: &Context<'a>) -> Option<&'a str> {
    let kinds = [
        ("aws_s3_bucket", "bucket"),
        ("aws_iam_role", "name"),
        ("aws_eks_cluster", "name"),
        ("google_container_cluster", "name"),
        ("google_storage_bucket", "name"),
        ("google_service_account", "account_id"),
        ("aws_ecr_repository", "name"),
    ];
    kinds.iter().find_map(|(kind, attribute)| {
        cx.plan
            .of_type(kind)
            .take(50)
            .find_map(|r| r.values().get(attribute).as_str().and_then(|n| cx.environment(n)))
    })
}

fn is_singleton(r: &Resource<'_>) -> Option<Level> {
    let v = r.values();
    match &*r.kind {
        "google_logging_project_bucket_config" => {
            (v.get("bucket_id").as_str() == Some("_Default")).then_some(Level::Warning)
        }
        "google_project_service" => {
            (v.get("disable_on_destroy").as_bool() == Some(true)).then_some(Level::Warning)
        }
        "aws_iam_openid_connect_provider" => v
            .get("url")
            .as_str()
            .is_some_and(|u| u.contains("token.actions.githubusercontent.com") || u.contains("gitlab.com"))
            .then_some(Level::Note),
        _ => Some(Level::Warning),
    }
}

impl Rule for AccountSingleton {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn plan(&self, cx: &Context<'_>, out: &mut Findings<'_>) {
        let mut found = SINGLETONS
            .iter()
            .flat_map(|k| cx.plan.of_type(k))
            .filter_map(|r| Some((r, is_singleton(r)?)))
            .peekable();
        if found.peek().is_none() {
            return;
        }
        let Some(environment) = environment(cx) else {
            return;
        };
        for (r, level) in found {
            let fix = if &*r.kind == "google_project_service" {
                format!(
                    "resource \"google_project_service\" \"{}\" {{\n  disable_on_destroy = false\n}}",
                    r.name
                )
            } else {
                format!(
                    "# move {} to the configuration of the account, and refer to it:\ndata \"{}\" \"{}\" {{ … }}",
                    r.address, r.kind, r.name
                )
            };
            out.report(
                r.at(""),
                format!("environment `{environment}` makes what the account has once"),
            )
            .level(level)
            .fix(fix);
        }
    }
}
