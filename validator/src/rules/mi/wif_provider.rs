//! # MI10 wif-provider
//!
//! Rejects a workload identity pool provider for an issuer of many tenants (GitHub, GitLab, HCP Terraform and the like) without an
//! attribute condition, with one that always holds, or one on claims that whoever starts the job sets (`actor`, `head_ref`, `workflow`). A condition on the
//! owner alone is a warning. Also a member `principalSet://…/*`, which is the whole pool, and one by such a claim.
//!
//! ## Why
//!
//! The pool is every repository of the issuer.
//!
//! ## Bad
//!
//! ```hcl
//! resource "google_iam_workload_identity_pool_provider" "github" {
//!   workload_identity_pool_id          = "github"
//!   workload_identity_pool_provider_id = "github"
//!   attribute_mapping = {
//!     "google.subject" = "assertion.sub"
//!   }
//!   oidc {
//!     issuer_uri = "https://token.actions.githubusercontent.com"
//!   }
//! }
//! ```
//!
//! ```hcl
//! resource "google_service_account_iam_member" "ci" {
//!   service_account_id = "projects/acme-ml/serviceAccounts/ci@acme-ml.iam.gserviceaccount.com"
//!   role               = "roles/iam.workloadIdentityUser"
//!   member             = "principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/github/*"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "google_iam_workload_identity_pool_provider" "github" {
//!   workload_identity_pool_id          = "github"
//!   workload_identity_pool_provider_id = "github"
//!   attribute_mapping = {
//!     "google.subject"       = "assertion.sub"
//!     "attribute.repository" = "assertion.repository"
//!   }
//!   attribute_condition = "assertion.repository_owner_id == '4711' && assertion.repository_id == '123456'"
//!   oidc {
//!     issuer_uri = "https://token.actions.githubusercontent.com"
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! `google_iam_workload_identity_pool_provider`: `attribute_condition`, `oidc.issuer_uri`; members of grants.
//!
//! ## Limits
//!
//! An issuer of one's own (a cluster, a self-hosted GitLab) needs no condition. What a condition lets through is judged by the claims it reads.
//!
//! ## References
//!
//! - <https://cloud.google.com/iam/docs/best-practices-for-using-workload-identity-federation>

use mlops_access::aws::UNKNOWN_TEXT;

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Grant, Graph};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct WifProvider;

static META: Meta = Meta {
    code: "MI10",
    name: "wif-provider",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "identity federation open to the whole issuer",
    why: "the pool is then every repository of the issuer, anybody's",
    invariants: &["D-26", "D-31"],
    since: "0.1.0",
    source: include_str!("wif_provider.rs"),
};

/// Issuers of many tenants.
const SHARED: &[&str] = &[
    "token.actions.githubusercontent.com",
    "gitlab.com",
    "app.terraform.io",
    "api.bitbucket.org",
    "oidc.circleci.com",
    "agent.buildkite.com",
    "vstoken.dev.azure.com",
    "oidc.codefresh.io",
    "api.semaphoreci.com",
];

/// Claims that only the owner of a repository decides.
const OWNERS: &[&str] = &[
    "repository_owner",
    "repository_owner_id",
    "namespace_path",
    "namespace_id",
    "enterprise",
    "enterprise_id",
    "terraform_organization_name",
    "terraform_organization_id",
    "organization_id",
];
/// Claims that name one repository, project or workspace.
const PLACES: &[&str] = &[
    "repository",
    "repository_id",
    "project_path",
    "project_id",
    "job_workflow_ref",
    "sub",
    "terraform_workspace_id",
    "terraform_workspace_name",
    "terraform_project_id",
    "repositoryUuid",
    "workspaceUuid",
    "environment",
];
/// Claims that whoever starts the job sets.
const SET_BY_ANYBODY: &[&str] = &[
    "actor",
    "actor_id",
    "workflow",
    "head_ref",
    "base_ref",
    "ref",
    "ref_type",
    "event_name",
    "run_id",
    "user_login",
    "user_email",
    "user_id",
    "user_path",
];

fn claims(condition: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for root in ["assertion.", "attribute.", "google."] {
        for (at, _) in condition.match_indices(root) {
            let rest = &condition[at + root.len()..];
            let n = rest
                .bytes()
                .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
                .count();
            out.push(if root == "google." { "sub" } else { &rest[..n] });
        }
    }
    out
}

impl Rule for WifProvider {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &["google_iam_workload_identity_pool_provider"]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let issuer = cx.resolve(r, values, "oidc.0.issuer_uri").into_owned();
        let shared = issuer
            .as_str()
            .is_some_and(|i| SHARED.iter().any(|s| i.contains(s)));
        if !shared {
            if issuer.is_unknown() {
                out.undecided(r.at("oidc.0.issuer_uri"), "the issuer is not known before apply");
            }
            return;
        }
        let fix = format!(
            "resource \"google_iam_workload_identity_pool_provider\" \"{}\" {{\n  attribute_condition = \"assertion.repository_owner_id == '<owner id>' && assertion.repository_id == '<repository id>'\"\n}}",
            r.name
        );
        let condition = cx
            .resolve(r, values, "attribute_condition")
            .into_owned()
            .into_owned();
        let text = crate::source::with_holes(&condition).unwrap_or_default();
        if condition.is_unknown() || text.trim() == UNKNOWN_TEXT.to_string() {
            out.undecided(
                r.at("attribute_condition"),
                "the attribute condition is not known before apply",
            );
            return;
        }
        let text = text.trim();
        if text.is_empty() {
            out.report(
                r.at("attribute_condition"),
                format!(
                    "every token of {} is accepted: there is no attribute condition",
                    issuer.as_str().unwrap_or_default()
                ),
            )
            .fix(fix);
            return;
        }
        let read = claims(text);
        let any = |list: &[&str]| read.iter().any(|c| list.contains(c));
        // `x == y || true`, `true`, `1 == 1`.
        let always =
            text == "true" || text.ends_with("|| true") || text.starts_with("true ||") || read.is_empty();
        if always {
            out.report(
                r.at("attribute_condition"),
                "the attribute condition holds for every token",
            )
            .fix(fix);
        } else if any(PLACES) {
            // It names a repository; that is what it is for.
        } else if any(OWNERS) {
            out.report(
                r.at("attribute_condition"),
                "the attribute condition lets every repository of the owner in",
            )
            .level(Level::Warning)
            .fix(fix)
            .why("any repository of the organisation, a fork or an experiment, is then as good as this one");
        } else if any(SET_BY_ANYBODY) {
            out.report(
                r.at("attribute_condition"),
                "the attribute condition reads only claims that whoever starts the job sets",
            )
            .fix(fix);
        } else {
            out.undecided(
                r.at("attribute_condition"),
                "what the attribute condition lets through cannot be told from the claims it reads",
            );
        }
    }

    fn grant(&self, _: &Context<'_>, _: &Graph, grant: &Grant, out: &mut Findings<'_>) {
        for m in grant
            .members
            .iter()
            .filter(|m| m.text.starts_with("principalSet://"))
        {
            let set_by_anybody = m
                .text
                .split_once("/attribute.")
                .and_then(|(_, a)| a.split('/').next())
                .filter(|a| SET_BY_ANYBODY.contains(a));
            let what = if m.text.ends_with("/*") && !m.text.contains("/attribute.") {
                "the member is the whole pool".to_owned()
            } else if let Some(claim) = set_by_anybody {
                format!("the member is told by `{claim}`, which whoever starts the job sets")
            } else {
                continue;
            };
            out.report(grant.place.clone(), what).fix(format!(
                "resource \"google_service_account_iam_member\" \"{}\" {{\n  role   = \"{}\"\n  member = \"principalSet://iam.googleapis.com/<pool>/attribute.repository/<owner>/<repository>\"\n}}",
                super::fix::name_of(&grant.place),
                grant.role
            ));
        }
    }
}
