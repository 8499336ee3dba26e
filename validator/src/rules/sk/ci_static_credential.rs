//! # SK08 ci-static-credential
//!
//! Rejects static credentials handed to a CI system: secrets and variables of GitHub, GitLab, HCP Terraform and CircleCI named
//! `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `GOOGLE_CREDENTIALS`, `GCP_SA_KEY` and the like, and any secret whose plain text is a literal.
//!
//! ## Why
//!
//! It is the most common way by which keys leak: every workflow of the repository, and every action it uses, can read them.
//!
//! ## Bad
//!
//! ```hcl
//! variable "key" {
//!   type      = string
//!   sensitive = true
//! }
//!
//! resource "github_actions_secret" "aws" {
//!   repository      = "churn"
//!   secret_name     = "AWS_SECRET_ACCESS_KEY"
//!   plaintext_value = var.key
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "github_actions_variable" "role" {
//!   repository    = "churn"
//!   variable_name = "AWS_ROLE_ARN"
//!   value         = "arn:aws:iam::111122223333:role/mlops-dev-ci"
//! }
//! ```
//!
//! ## Reads
//!
//! `github_actions_secret`, `github_actions_environment_secret`, `github_actions_organization_secret`, `github_dependabot_secret`,
//! `github_codespaces_secret`, `github_actions_variable`, `github_actions_environment_variable`, `gitlab_project_variable`,
//! `gitlab_group_variable`, `gitlab_instance_variable`, `tfe_variable`, `circleci_context_environment_variable`, `bitbucket_repository_variable`.
//!
//! ## Limits
//!
//! Secrets set by hand in the CI system are not in a plan.
//!
//! ## References
//!
//! - <https://docs.github.com/en/actions/concepts/security/openid-connect>

use super::origin;
use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::secrets::{self, name};
use crate::value::{Path, Value};

/// See the page above.
pub(super) struct CiStaticCredential;

static META: Meta = Meta {
    code: "SK08",
    name: "ci-static-credential",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "static credential handed to CI",
    why: "every workflow of the repository and every action it uses can read the key, and nothing expires it",
    invariants: &["D-18"],
    since: "0.1.0",
    source: include_str!("ci_static_credential.rs"),
};

impl Rule for CiStaticCredential {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &[
            "github_actions_secret",
            "github_actions_environment_secret",
            "github_actions_organization_secret",
            "github_dependabot_secret",
            "github_codespaces_secret",
            "github_actions_variable",
            "github_actions_environment_variable",
            "gitlab_project_variable",
            "gitlab_group_variable",
            "gitlab_instance_variable",
            "tfe_variable",
            "circleci_context_environment_variable",
            "bitbucket_repository_variable",
        ]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let key = ["secret_name", "variable_name", "key", "name", "variable"]
            .into_iter()
            .find_map(|a| values.get(a).as_str().map(|v| (a, v)));
        if let Some((attribute, called)) = key {
            // The region or the ARN of a role is no credential; the names that are, are listed.
            if name::promise(called).is_cloud() {
                let cloud = if name::promise(called) == name::Promise::GoogleKey {
                    "Google"
                } else {
                    "AWS"
                };
                out.report(
                    r.at(attribute),
                    format!("hands `{called}`, a static {cloud} credential, to CI"),
                )
                .fix(federation(cloud));
                return;
            }
        }
        for attribute in ["plaintext_value", "value"] {
            let path = Path::from(attribute);
            let Some(text) = values
                .get(attribute)
                .as_str()
                .map(str::to_owned)
                .or_else(|| cx.resolve(r, values, attribute).as_str().map(str::to_owned))
            else {
                continue;
            };
            let origin = origin::of(cx, r, &path);
            let called = key.map_or("", |(_, k)| k);
            for f in secrets::inspect(called, &text) {
                if f.kind.is_structural() || origin.is_written() {
                    out.report(
                        r.at(attribute),
                        format!("`{attribute}` holds {}{}", f.describe(), origin.note()),
                    )
                    .fix(federation("AWS"));
                }
            }
        }
    }
}

fn federation(cloud: &str) -> String {
    if cloud == "Google" {
        "# in the workflow, in place of the key:\n#   permissions: { id-token: write }\n#   - uses: google-github-actions/auth@v2\n#     with: { workload_identity_provider: <provider>, service_account: <account> }\nresource \"github_actions_variable\" \"account\" {\n  variable_name = \"GCP_SERVICE_ACCOUNT\"\n  value         = google_service_account.<account>.email\n}".to_owned()
    } else {
        "# in the workflow, in place of the key:\n#   permissions: { id-token: write }\n#   - uses: aws-actions/configure-aws-credentials@v4\n#     with: { role-to-assume: ${{ vars.AWS_ROLE_ARN }}, aws-region: <region> }\nresource \"github_actions_variable\" \"role\" {\n  variable_name = \"AWS_ROLE_ARN\"\n  value         = aws_iam_role.<role>.arn\n}".to_owned()
    }
}
