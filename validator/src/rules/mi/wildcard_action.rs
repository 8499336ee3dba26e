//! # MI01 wildcard-action
//!
//! Rejects policies that allow everything (`*`, `*:*`, `NotAction`) or everything of a service (`s3:*` in any spelling) on every
//! resource. On named resources all actions are a warning and all actions of one service a note.
//!
//! ## Why
//!
//! What AWS adds next year is allowed today, to whoever gets hold of the identity.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_role_policy" "ci" {
//!   name = "ci"
//!   role = "ci"
//!   policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }]
//!   })
//! }
//! ```
//!
//! ```hcl
//! data "aws_iam_policy_document" "ci" {
//!   statement {
//!     not_actions = ["iam:*"]
//!     resources   = ["*"]
//!   }
//! }
//!
//! resource "aws_iam_policy" "ci" {
//!   name   = "ci"
//!   policy = data.aws_iam_policy_document.ci.json
//! }
//! ```
//!
//! ```hcl
//! resource "aws_iam_policy" "models" {
//!   name = "models"
//!   policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = { Effect = "Allow", Action = ["S3:*"], Resource = "arn:aws:s3:::*" }
//!   })
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_policy" "models" {
//!   name = "models"
//!   policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect   = "Allow"
//!       Action   = ["s3:GetObject", "s3:GetObjectVersion"]
//!       Resource = "arn:aws:s3:::acme-models/churn/*"
//!     }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Every identity policy: inline, customer managed, attached, and policy-document data sources that nothing visibly uses.
//!
//! ## Limits
//!
//! Denials, permissions boundaries and conditions count where they really bind: what they leave open is reported. A boundary that is
//! not in the plan makes the finding a warning.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege>

use mlops_access::aws::actions::{self, AccessLevel};
use mlops_access::aws::{Effect, FindingKind, Scope, Statement, Template, UNKNOWN_TEXT, Word};

use super::{effective, fix, glance};
use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Document, Graph, Purpose, Reading};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct WildcardAction;

static META: Meta = Meta {
    code: "MI01",
    name: "wildcard-action",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "policy that allows everything, or everything of a service",
    why: "what AWS adds next year is allowed today, to whoever gets hold of the identity",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("wildcard_action.rs"),
};

/// Actions that stand for what a service can do: if all of these are taken away, the wildcard is none.
fn samples(service: &str) -> Vec<&'static str> {
    let services: Vec<&str> = if service == "*" {
        vec!["iam", "s3", "ec2", "kms", "secretsmanager"]
    } else {
        vec![service]
    };
    services
        .into_iter()
        .filter_map(actions::service)
        .flat_map(|s| {
            s.actions
                .iter()
                .filter(|a| a.level.is_write() || a.level == AccessLevel::Read)
                .take(40)
        })
        .map(|a| a.id())
        .collect()
}

impl Rule for WildcardAction {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Identity, Purpose::Loose]
    }

    fn glance(&self, _: &Context<'_>, word: Word<'_>) -> bool {
        glance::is_open(word)
    }

    fn sift(&self, _: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        matches!(purpose, Purpose::Identity | Purpose::Loose) && glance::has_open_action(policy)
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
        let mut said: Vec<&Statement> = Vec::new();
        let name = fix::name_of(&document.place);
        let mut holders = None;
        for f in policy
            .findings()
            .iter()
            .filter(|f| f.statement.principals.is_none())
        {
            let (what, service, level) = match &f.kind {
                FindingKind::Administrator => (
                    "allows every action on every resource".to_owned(),
                    "*",
                    Level::Error,
                ),
                FindingKind::AllowNotAction => (
                    "allows everything but a list (`NotAction`)".to_owned(),
                    "*",
                    Level::Error,
                ),
                FindingKind::AllowNotResource => (
                    "allows its actions on everything but a list (`NotResource`)".to_owned(),
                    "",
                    Level::Error,
                ),
                FindingKind::ServiceWildcard { service } => (
                    format!("allows `{service}:*` on every resource"),
                    service.as_str(),
                    Level::Error,
                ),
                FindingKind::ServiceWildcardOnSome { service } if service == "*" => (
                    "allows every action on the resources it names".to_owned(),
                    "",
                    Level::Warning,
                ),
                FindingKind::ServiceWildcardOnSome { service } => (
                    format!("allows `{service}:*` on the resources it names"),
                    "",
                    Level::Note,
                ),
                _ => continue,
            };
            let mut level = level;
            let mut bounded = false;
            if !service.is_empty() {
                let holders =
                    holders.get_or_insert_with(|| effective::of_holders(cx, graph, document, policy));
                let open = holders.iter().any(|h| {
                    let grants = h.grants();
                    samples(service).iter().any(|a| grants.is_unscoped(a, &[]))
                });
                // A condition may keep every sample out of reach of a request that says nothing; then it narrows, or not.
                if !open && (!f.narrowed || f.statement.narrowing_conditions().next().is_some()) {
                    continue;
                }
                bounded = holders.iter().all(|h| h.boundary_unknown);
            }
            if f.narrowed || bounded {
                level = level.min(Level::Warning);
            }
            said.push(f.statement);
            let finding = out.report(
                document.place.clone(),
                format!("statement {} {what}", super::fix::label(policy, f.statement)),
            );
            finding.level(level).fix(fix::statement(&name, &[]));
            for &h in &document.holders {
                if let Some(place) = graph.identities[h]
                    .place()
                    .filter(|p| p.address != document.place.address)
                {
                    finding.related(place, "who may do it");
                }
            }
        }
        // Everything but a list, on nobody knows what.
        for s in &policy.statements {
            let dark = |r: &Template| r.source().chars().all(|c| c == UNKNOWN_TEXT);
            if s.effect == Effect::Allow
                && s.actions.is_negated()
                && s.principals.is_none()
                && s.resources.iter().flat_map(Scope::items).any(dark)
                && !said.iter().any(|told| std::ptr::eq(*told, s))
            {
                out.undecided(
                    document.place.clone(),
                    format!(
                        "on what statement {} allows everything but a list is not known before apply",
                        super::fix::label(policy, s)
                    ),
                );
            }
        }
    }
}
