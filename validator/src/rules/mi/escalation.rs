//! # MI13 privilege-escalation
//!
//! Rejects permissions that lead to more: the documented ways from some IAM permissions to all (a new policy version, attaching a
//! policy, passing a role to something one can start, changing a trust or a function's code), `iam:PassRole` and `sts:AssumeRole` on every role,
//! and custom roles on Google Cloud that set policies, create keys or act as accounts. Decided by evaluating requests: what a denial,
//! boundary or condition takes away is not reported.
//!
//! ## Why
//!
//! Whoever may do this may do everything, a few calls later.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_policy" "deploy" {
//!   name = "deploy"
//!   policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = "iam:PassRole", Resource = "*" }]
//!   })
//! }
//! ```
//!
//! ```hcl
//! resource "aws_iam_policy" "ops" {
//!   name = "ops"
//!   policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = ["iam:CreatePolicyVersion", "iam:AttachRolePolicy"], Resource = "arn:aws:iam::111122223333:*" }]
//!   })
//! }
//! ```
//!
//! ```hcl
//! resource "google_project_iam_custom_role" "ci" {
//!   role_id     = "ci"
//!   title       = "ci"
//!   permissions = ["resourcemanager.projects.get", "resourcemanager.projects.setIamPolicy"]
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_policy" "deploy" {
//!   name = "deploy"
//!   policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "iam:PassRole"
//!       Resource  = "arn:aws:iam::111122223333:role/mlops/churn-task"
//!       Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Every AWS identity policy with those of the same identity, its boundary; `google_project_iam_custom_role`,
//! `google_organization_iam_custom_role`: `permissions`.
//!
//! ## Limits
//!
//! Escalations on named resources are not reported. With a service pinned by `iam:PassedToService`, passing any role is a warning. Administrators are MI01's.
//!
//! ## References
//!
//! - <https://rhinosecuritylabs.com/aws/aws-privilege-escalation-methods-mitigation/>
//! - <https://rhinosecuritylabs.com/gcp/privilege-escalation-google-cloud-platform-part-1/>

use std::sync::LazyLock;

use mlops_access::aws::{FindingKind, METHODS, Word, actions};

use super::{effective, fix, glance};
use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Document, Graph, Purpose, Reading};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct PrivilegeEscalation;

static META: Meta = Meta {
    code: "MI13",
    name: "privilege-escalation",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "permissions that lead to all permissions",
    why: "whoever may do this may do everything, a few calls later",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("escalation.rs"),
};

/// Permissions of custom roles on Google Cloud that lead to more.
const GCP: &[&str] = &[
    "iam.roles.update",
    "iam.serviceAccounts.actAs",
    "iam.serviceAccounts.getAccessToken",
    "iam.serviceAccounts.getOpenIdToken",
    "iam.serviceAccounts.signBlob",
    "iam.serviceAccounts.signJwt",
    "iam.serviceAccounts.implicitDelegation",
    "iam.serviceAccountKeys.create",
    "storage.hmacKeys.create",
    "orgpolicy.policy.set",
    "deploymentmanager.deployments.create",
    "deploymentmanager.deployments.update",
    "cloudbuild.builds.create",
    "serviceusage.apiKeys.create",
    "apikeys.keys.create",
];

/// The services of which every way up needs some action.
static NEEDED: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let needs = METHODS.iter().flat_map(|m| m.needs).map(|n| n.action);
    let mut services: Vec<String> = needs
        .filter_map(|a| a.split_once(':'))
        .map(|(s, _)| s.to_ascii_lowercase())
        .collect();
    services.sort();
    services.dedup();
    services
        .into_iter()
        .filter_map(|s| actions::service(&s).map(|s| s.prefix))
        .collect()
});

impl Rule for PrivilegeEscalation {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &[
            "google_project_iam_custom_role",
            "google_organization_iam_custom_role",
        ]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let permissions = cx.resolve(r, values, "permissions").into_owned();
        let found: Vec<String> = permissions
            .items()
            .iter()
            .filter_map(|p| p.as_str())
            .filter(|p| GCP.contains(p) || p.ends_with(".setIamPolicy"))
            .map(str::to_owned)
            .collect();
        if !found.is_empty() {
            let kept: Vec<String> = permissions
                .items()
                .iter()
                .filter_map(|p| p.as_str())
                .filter(|p| !found.iter().any(|f| f == p))
                .map(|p| format!("\"{p}\""))
                .collect();
            out.report(
                r.at("permissions"),
                format!("the custom role holds {}", fix::listed(&found)),
            )
            .fix(format!(
                "resource \"{}\" \"{}\" {{\n  permissions = [{}]\n}}",
                r.kind,
                r.name,
                kept.join(", ")
            ));
        }
        if permissions.is_unknown() || permissions.items().iter().any(Value::is_unknown) {
            out.undecided(
                r.at("permissions"),
                "some permissions of the custom role are not known before apply",
            );
        }
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Identity, Purpose::Loose]
    }

    fn glance(&self, _: &Context<'_>, word: Word<'_>) -> bool {
        glance::is_of(word, &NEEDED)
    }

    fn sift(&self, _: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        matches!(purpose, Purpose::Identity | Purpose::Loose) && glance::speaks_of(policy, &NEEDED)
    }

    fn policy(
        &self,
        cx: &Context<'_>,
        graph: &Graph,
        document: &Document,
        policy: &Reading<'_>,
        out: &mut Findings<'_>,
    ) {
        if document.purpose == Purpose::Boundary {
            return;
        }
        let findings = policy.findings();
        let all = |k: &FindingKind| {
            matches!(k, FindingKind::Administrator | FindingKind::AllowNotAction)
                || matches!(k, FindingKind::ServiceWildcard { service } if service == "iam")
        };
        // Whoever may do everything is MI01's.
        if findings.iter().any(|f| all(&f.kind)) || policy.statements.iter().any(|s| s.principals.is_some()) {
            return;
        }
        let name = fix::name_of(&document.place);
        let mut reported = false;
        for f in findings {
            let (what, instead, action) = match f.kind {
                FindingKind::PassAnyRole => (
                    "passes every role of the account (`iam:PassRole`)",
                    "resources = [aws_iam_role.<the one role>.arn]\n    condition {\n      test     = \"StringEquals\"\n      variable = \"iam:PassedToService\"\n      values   = [\"<service>.amazonaws.com\"]\n    }",
                    "iam:PassRole",
                ),
                FindingKind::AssumeAnyRole => (
                    "assumes every role that lets it (`sts:AssumeRole`)",
                    "resources = [\"<the ARN of the one role>\"]",
                    "sts:AssumeRole",
                ),
                _ => continue,
            };
            let holders = effective::of_holders(cx, graph, document, policy);
            let given: &[(&str, &str)] = if action == "iam:PassRole" {
                &[("iam:PassedToService", "lambda.amazonaws.com")]
            } else {
                &[]
            };
            let open = holders
                .iter()
                .any(|h| h.grants().is_unscoped(action, given) || h.grants().is_unscoped(action, &[]))
                || f.narrowed;
            if !open {
                continue;
            }
            reported = true;
            let finding = out.report(
                document.place.clone(),
                format!("statement {} {what}", super::fix::label(policy, f.statement)),
            );
            finding.fix(format!("data \"aws_iam_policy_document\" \"{name}\" {{\n  statement {{\n    actions   = [\"{action}\"]\n    {instead}\n  }}\n}}"));
            if f.narrowed {
                finding.level(Level::Warning);
            }
        }
        // The ways open to whoever holds this document, of which a statement here is a part.
        let mut ways: Vec<(&str, &str, bool, Vec<String>)> = Vec::new();
        for holder in effective::of_holders(cx, graph, document, policy) {
            for e in holder.grants().escalations() {
                // Statements are compared by content: the graph's copy is another one than this.
                let here = e.by.iter().any(|s| policy.statements.iter().any(|own| own == *s));
                let by_role_alone = reported && e.method.needs.iter().all(|n| n.action == "iam:PassRole");
                if e.unscoped
                    && e.verdict.is_yes()
                    && here
                    && !by_role_alone
                    && !ways.iter().any(|w| w.0 == e.method.name)
                {
                    let needs = e.method.needs.iter().map(|n| n.action.to_owned()).collect();
                    ways.push((
                        e.method.name,
                        e.method.explanation,
                        e.narrowed_by().next().is_some(),
                        needs,
                    ));
                }
            }
        }
        if let Some((first, explanation, narrowed, needs)) = ways.first() {
            let more = if ways.len() > 1 {
                format!(", and {} more ways", ways.len() - 1)
            } else {
                String::new()
            };
            let finding = out.report(
                document.place.clone(),
                format!("{} lead to all permissions (`{first}`{more})", fix::listed(needs)),
            );
            finding
                .why(format!(
                    "{}: whoever may do this may do everything, a few calls later",
                    explanation.trim_end_matches('.')
                ))
                .fix(fix::statement(&name, needs));
            if ways.iter().all(|w| w.2) && *narrowed {
                finding.level(Level::Warning);
            }
        }
    }
}
