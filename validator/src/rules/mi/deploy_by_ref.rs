//! # MI12 deploy-by-ref
//!
//! Rejects a deploying identity that a branch or tag enters (instead of a protected environment), a building identity that the
//! environment of prod enters, and a GitHub environment of staging or prod without reviewers.
//!
//! ## Why
//!
//! A push is not an approval: what deploys must have passed the environment's reviewers.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_role" "deploy" {
//!   name = "churn-deploy"
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
//! ```hcl
//! resource "github_repository_environment" "prod" {
//!   repository  = "churn"
//!   environment = "aws-prod"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_role" "deploy" {
//!   name = "churn-deploy"
//!   assume_role_policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "sts:AssumeRoleWithWebIdentity"
//!       Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }
//!       Condition = { StringEquals = {
//!         "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
//!         "token.actions.githubusercontent.com:sub" = "repo:acme/churn:environment:aws-prod"
//!       } }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Trust policies of roles that deploy (by their name or by what they may do), `github_repository_environment`: `reviewers`.
//!
//! ## Limits
//!
//! Prod wants two reviewers or a team: one person is a warning.
//!
//! ## References
//!
//! - Seed invariant D-26
//! - <https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/manage-environments>

use mlops_access::matrix::Capability;

use super::two_purposes::held;
use crate::context::Context;
use crate::environment::environment_of;
use crate::finding::{Family, Findings, Level};
use crate::graph::entrance::{Issuer, Pinned};
use crate::graph::{Graph, Identity, Purpose, Reading};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::secrets::name::words;
use crate::value::Value;

/// See the page above.
pub(super) struct DeployByRef;

static META: Meta = Meta {
    code: "MI12",
    name: "deploy-by-ref",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "deployment that no environment gates",
    why: "a push is not an approval: what deploys must have passed the reviewers of its environment",
    invariants: &["D-26"],
    since: "0.1.0",
    source: include_str!("deploy_by_ref.rs"),
};

/// The tier of an environment: what it is mapped to may have a name of the user's own, in which the usual words are looked for.
fn tier<'a>(cx: &Context<'a>, name: &str) -> Option<&'a str> {
    let environment = cx.environment(name)?;
    Some(environment_of(environment).unwrap_or(environment))
}

impl Rule for DeployByRef {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &["github_repository_environment"]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let name = cx.resolve(r, values, "environment").into_owned();
        if name.is_unknown() && values.get("reviewers").is_empty() {
            out.undecided(
                r.at("environment"),
                "whether this environment needs reviewers is not known before apply: its name is not",
            );
            return;
        }
        let name = name.as_str().unwrap_or_default().to_owned();
        let Some(tier @ ("staging" | "prod")) = tier(cx, &name) else {
            return;
        };
        let reviewers = values.path("reviewers.0");
        if reviewers.is_unknown() || values.get("reviewers").is_unknown() {
            out.undecided(
                r.at("reviewers"),
                "who reviews deployments is not known before apply",
            );
            return;
        }
        let fix = format!(
            "resource \"github_repository_environment\" \"{}\" {{\n  reviewers {{\n    teams = [<team id>]\n  }}\n  deployment_branch_policy {{\n    protected_branches     = true\n    custom_branch_policies = false\n  }}\n}}",
            r.name
        );
        let (teams, users) = (
            reviewers.get("teams").items().len(),
            reviewers.get("users").items().len(),
        );
        if teams + users == 0 && !reviewers.get("teams").is_unknown() && !reviewers.get("users").is_unknown()
        {
            out.report(r.at("reviewers"), format!("nobody reviews what enters `{name}`"))
                .fix(fix);
        } else if tier == "prod" && teams == 0 && users == 1 {
            out.report(
                r.at("reviewers"),
                format!("one person alone reviews what enters `{name}`"),
            )
            .level(Level::Warning)
            .fix(fix);
        }
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Trust]
    }

    fn sift(&self, _: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        purpose == Purpose::Trust && policy.entrances().iter().any(|e| e.kind == Issuer::Ci)
    }

    fn reads_documents(&self) -> bool {
        false
    }

    fn identity(&self, cx: &Context<'_>, graph: &Graph, identity: &Identity, out: &mut Findings<'_>) {
        let (Some(trust), Some(policy)) = (identity.trust, graph.trust_for(cx, identity, &META)) else {
            return;
        };
        let mapped = cx.purposes(identity);
        let named = words(
            identity
                .name
                .as_deref()
                .or(identity.address.as_deref())
                .unwrap_or_default(),
        );
        // What the configuration says it is for counts before its name.
        let is = |list: &[&str]| {
            if mapped.is_empty() {
                named.iter().any(|w| list.contains(&w.as_str()))
            } else {
                mapped.iter().any(|p| list.contains(p))
            }
        };
        let place = &graph.policies[trust].place;
        for e in Reading::of(&policy)
            .entrances()
            .iter()
            .filter(|e| e.kind == Issuer::Ci)
        {
            let Pinned::To(subjects) = e.pinned() else {
                continue;
            };
            let by_ref: Vec<&String> = subjects
                .iter()
                .filter(|s| s.contains(":ref:refs/") || s.contains(":ref_type:"))
                .collect();
            if !by_ref.is_empty() {
                let deploys = is(&["deploy", "deployer", "deployment", "release", "cd"])
                    || held(cx, graph, identity)
                        .iter()
                        .any(|(c, _)| *c == Capability::Deploy);
                if deploys {
                    let repository = by_ref[0]
                        .strip_prefix("repo:")
                        .and_then(|r| r.split_once(':'))
                        .map_or("<owner>/<repository>", |(r, _)| r);
                    out.report(place.clone(), format!("{} deploys, and `{}` enters it: a push, not an approval", identity.label(), by_ref[0]))
                        .fix(format!("condition {{\n  test     = \"StringEquals\"\n  variable = \"{}:sub\"\n  values   = [\"repo:{repository}:environment:<protected environment>\"]\n}}", e.issuer));
                }
            }
            let prod = subjects.iter().find(|s| {
                s.split_once(":environment:")
                    .is_some_and(|(_, e)| tier(cx, e) == Some("prod"))
            });
            let builds =
                is(&["ci", "build", "builder", "push", "pusher"]) && !is(&["deploy", "deployer", "cd"]);
            if let Some(subject) = prod.filter(|_| builds) {
                out.report(place.clone(), format!("{} builds, and `{subject}` enters it", identity.label()))
                    .why("a job that was approved for prod should have what deploying needs, and building should not need that approval")
                    .level(Level::Warning)
                    .fix(format!("condition {{\n  test     = \"StringEquals\"\n  variable = \"{}:sub\"\n  values   = [\"repo:<owner>/<repository>:ref:refs/heads/main\"]\n}}", e.issuer));
            }
        }
    }
}
