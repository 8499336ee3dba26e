//! # MI14 trust-anyone
//!
//! Rejects trusts in everybody (`*`), in a whole account without a condition, in an IAM user, in three or more compute services at once,
//! or in a service and people at once. Where `tfplan-check.toml` lists trusted accounts, a whole account of the list is accepted, and a
//! principal of an account that is not on it is an error however exactly it is named.
//!
//! ## Why
//!
//! Such a trust delegates the decision who enters to somebody else, or merges what should be several roles.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_role" "shared" {
//!   name = "shared"
//!   assume_role_policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = "*" } }]
//!   })
//! }
//! ```
//!
//! ```hcl
//! resource "aws_iam_role" "partner" {
//!   name = "partner"
//!   assume_role_policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = "arn:aws:iam::444455556666:root" } }]
//!   })
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_role" "partner" {
//!   name = "partner"
//!   assume_role_policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "sts:AssumeRole"
//!       Principal = { AWS = "arn:aws:iam::444455556666:root" }
//!       Condition = { StringEquals = { "sts:ExternalId" = "acme-4711" } }
//!     }]
//!   })
//! }
//!
//! resource "aws_iam_role" "function" {
//!   name = "function"
//!   assume_role_policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Trust policies of `aws_iam_role`.
//!
//! ## Limits
//!
//! A condition that really narrows (external id, organisation, MFA, principal ARN) clears a trust in an account. A role of another
//! account named exactly is not reported. Break-glass roles need a waiver.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>

use mlops_access::aws::{Arn, Effect, FindingKind, PrincipalName, is_account_id};

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Document, Graph, Purpose, Reading};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct TrustAnyone;

static META: Meta = Meta {
    code: "MI14",
    name: "trust-anyone",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "trust in everybody, an account, a user, or many at once",
    why: "such a trust leaves the decision who enters to somebody else, or merges what should be several roles",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("trust_anyone.rs"),
};

/// Services by which somebody's code runs.
const COMPUTE: &[&str] = &[
    "ec2.amazonaws.com",
    "lambda.amazonaws.com",
    "ecs-tasks.amazonaws.com",
    "eks.amazonaws.com",
    "pods.eks.amazonaws.com",
    "batch.amazonaws.com",
    "glue.amazonaws.com",
    "sagemaker.amazonaws.com",
    "codebuild.amazonaws.com",
    "elasticmapreduce.amazonaws.com",
    "build.apprunner.amazonaws.com",
    "tasks.apprunner.amazonaws.com",
    "states.amazonaws.com",
    "airflow.amazonaws.com",
    "emr-serverless.amazonaws.com",
    "cloudformation.amazonaws.com",
];

/// An account that the configuration lists as trusted.
fn listed(cx: &Context<'_>, account: &str) -> bool {
    !cx.config.trusted_accounts.is_empty() && cx.config.trusts_account(account)
}

/// An account that is known and not on the configuration's list.
fn foreign(cx: &Context<'_>, account: &str) -> bool {
    is_account_id(account) && !cx.config.trusts_account(account)
}

impl Rule for TrustAnyone {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Trust]
    }

    fn sift(&self, _: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        let names = || {
            policy
                .statements
                .iter()
                .filter_map(|s| s.principals.as_ref())
                .flat_map(|p| &p.names)
        };
        let services = names().filter(|n| matches!(n, PrincipalName::Service(_))).count();
        purpose == Purpose::Trust
            && (services >= 3
                || policy
                    .statements
                    .iter()
                    .filter_map(|s| s.principals.as_ref())
                    .any(|p| p.negated)
                || names().any(|n| {
                    matches!(
                        n,
                        PrincipalName::Anyone | PrincipalName::Account(_) | PrincipalName::Arn(_)
                    )
                }))
    }

    fn trust(
        &self,
        cx: &Context<'_>,
        _: &Graph,
        document: &Document,
        policy: &Reading<'_>,
        out: &mut Findings<'_>,
    ) {
        let name = super::fix::name_of(&document.place);
        let fix = format!(
            "resource \"aws_iam_role\" \"{name}\" {{\n  assume_role_policy = data.aws_iam_policy_document.{name}_trust.json # one principal, named exactly: a role's ARN, a service, or a token's subject\n}}"
        );
        // Dear to ask, and nothing to hear where every principal is named.
        let everybody = policy
            .statements
            .iter()
            .filter_map(|s| s.principals.as_ref())
            .any(|p| p.negated || p.names.iter().any(|n| matches!(n, PrincipalName::Anyone)));
        for f in everybody.then(|| policy.findings()).into_iter().flatten() {
            if f.kind == FindingKind::AnyPrincipal {
                out.report(
                    document.place.clone(),
                    format!(
                        "statement {} lets everybody in",
                        super::fix::label(policy, f.statement)
                    ),
                )
                .fix(fix.clone());
            }
        }
        let stranger = |out: &mut Findings<'_>, account: &str| {
            out.report(
                document.place.clone(),
                format!("the trust lets principals of account {account} in, which is not among the trusted accounts"),
            )
            .why("tfplan-check.toml lists the accounts whose principals may enter, and this is none of them")
            .fix(format!("{fix}\n# or, if it is yours, in tfplan-check.toml:\n[trusted]\naccounts = [\"{account}\"]"));
        };
        let mut services: Vec<&str> = Vec::new();
        let mut people = false;
        for s in policy.statements.iter().filter(|s| s.effect == Effect::Allow) {
            let Some(principals) = s.principals.as_ref().filter(|p| !p.negated) else {
                continue;
            };
            let narrowed = s.narrowing_conditions().next().is_some();
            for p in &principals.names {
                match p {
                    PrincipalName::Service(service) => {
                        let known = COMPUTE.iter().find(|c| service.eq_ignore_ascii_case(c));
                        if let Some(known) = known.filter(|k| !services.contains(k)) {
                            services.push(known);
                        }
                    }
                    PrincipalName::Account(account) if listed(cx, account) => people |= !narrowed,
                    PrincipalName::Account(account) => {
                        people |= !narrowed;
                        if foreign(cx, account) {
                            stranger(out, account);
                        } else if !narrowed {
                            out.report(document.place.clone(), format!("statement {} lets the whole account {account} in", super::fix::label(policy, s)))
                                .why("whoever may call sts:AssumeRole in that account enters: the account decides, not this role")
                                .fix(format!("{fix}\n# or, for a partner, a condition: StringEquals sts:ExternalId"));
                        }
                    }
                    PrincipalName::Arn(arn) => {
                        let parsed = Arn::parse(arn);
                        let user = parsed.is_some_and(|a| a.resource.starts_with("user/"));
                        people |= user;
                        let account = parsed.map(|a| a.account).filter(|a| foreign(cx, a));
                        if let Some(account) = account {
                            stranger(out, account);
                        } else if user {
                            out.report(
                                document.place.clone(),
                                format!(
                                    "statement {} lets the IAM user `{arn}` in",
                                    super::fix::label(policy, s)
                                ),
                            )
                            .why("a user's key never expires, and with it this role is entered")
                            .fix(fix.clone());
                        }
                    }
                    _ => {}
                }
            }
        }
        if services.len() >= 3 {
            out.report(
                document.place.clone(),
                format!(
                    "{} compute services share this role: {}",
                    services.len(),
                    services.join(", ")
                ),
            )
            .why("what any of them is given all of them have")
            .fix(format!("# one role for each:\n{fix}"));
        } else if !services.is_empty() && people {
            out.report(document.place.clone(), format!("{} and people share this role", services.join(", "))).why("what a workload needs and what people need are different things, and a log cannot tell who it was").fix(format!("# one role for each:\n{fix}"));
        }
    }
}
