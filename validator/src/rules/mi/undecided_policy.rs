//! # MI27 undecided-policy
//!
//! Says which policies could not be judged: unknown until apply and not recoverable from the source, or no policy documents at all.
//! Undecided results, not findings; with `--strict` they fail.
//!
//! ## Why
//!
//! Silence about a policy is no statement that it is safe.
//!
//! ## Bad
//!
//! A document that is none is a finding:
//!
//! ```hcl
//! resource "aws_iam_policy" "broken" {
//!   name   = "broken"
//!   policy = "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\""
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_policy" "reader" {
//!   name = "reader"
//!   policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "arn:aws:s3:::acme-models/churn/*" }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Every policy document, trust and attachment.
//!
//! ## Limits
//!
//! A resource that is unknown in an otherwise known policy is no doubt: what is judged is the rest. An unknown action or principal is.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/expressions/references#values-not-yet-known>

use mlops_access::aws::{Effect, Policy, PrincipalName, Word};

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Document, Grant, Graph, Identity, NoPolicy, Purpose, Reading};
use crate::rules::{Meta, Rule};
use crate::source::UNKNOWN_TEXT;

/// See the page above.
pub(super) struct UndecidedPolicy;

static META: Meta = Meta {
    code: "MI27",
    name: "undecided-policy",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "policy that cannot be judged",
    why: "silence about a policy is no statement that it is safe",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("undecided_policy.rs"),
};

/// A role for a message: what is not known of it is said in words.
fn shown(role: &str) -> String {
    role.replace(UNKNOWN_TEXT, "(known after apply)")
}

fn hangs_on(references: &[String]) -> String {
    if references.is_empty() {
        String::new()
    } else {
        format!("; it hangs on {}", super::fix::listed(references))
    }
}

impl Rule for UndecidedPolicy {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn unreadable(
        &self,
        _: &Context<'_>,
        _: &Graph,
        document: &Document,
        why: &NoPolicy,
        out: &mut Findings<'_>,
    ) {
        match why {
            NoPolicy::Undecided(references) => {
                // Where nothing is known of an expression, it hangs on itself.
                let references: Vec<String> = references
                    .iter()
                    .filter(|r| !r.starts_with(&document.place.address))
                    .cloned()
                    .collect();
                out.undecided(document.place.clone(), format!("the policy is not known before apply{}", hangs_on(&references)))
                    .fix("# write the policy where it can be seen (jsonencode, a policy document), or give the saved plan and --root");
            }
            NoPolicy::Malformed(problem) => {
                out.report(
                    document.place.clone(),
                    format!("this is no policy document: {problem}"),
                )
                .fix(super::fix::statement(&super::fix::name_of(&document.place), &[]));
            }
        }
    }

    fn documents(&self) -> &'static [Purpose] {
        &Purpose::ALL
    }

    fn glance(&self, _: &Context<'_>, _: Word<'_>) -> bool {
        // A plain policy has no part that could not be read.
        false
    }

    fn sift(&self, _: &Context<'_>, _: Purpose, policy: &Reading<'_>) -> bool {
        policy.statements.iter().any(|s| {
            !s.unread.is_empty()
                || s.actions.items().iter().any(|a| a.is_unknown())
                || s.principals
                    .iter()
                    .flat_map(|p| &p.names)
                    .any(|n| matches!(n, PrincipalName::Unread { .. }))
        })
    }

    fn policy(
        &self,
        _: &Context<'_>,
        _: &Graph,
        document: &Document,
        policy: &Reading<'_>,
        out: &mut Findings<'_>,
    ) {
        if document.purpose != Purpose::Loose {
            in_part(document, policy, out);
        }
    }

    fn trust(
        &self,
        _: &Context<'_>,
        _: &Graph,
        document: &Document,
        policy: &Reading<'_>,
        out: &mut Findings<'_>,
    ) {
        in_part(document, policy, out);
        for s in policy.statements.iter().filter(|s| s.effect == Effect::Allow) {
            let vague = s.principals.iter().flat_map(|p| &p.names).any(|n| matches!(n, PrincipalName::Unread { kind, name } if kind.eq_ignore_ascii_case("aws") && name.trim() == "\u{fffc}"));
            if vague && s.narrowing_conditions().next().is_none() {
                out.undecided(
                    document.place.clone(),
                    format!(
                        "who enters by statement {} is not known before apply{}",
                        super::fix::label(policy, s),
                        hangs_on(&document.unknown)
                    ),
                );
            }
        }
    }

    fn grant(&self, _: &Context<'_>, _: &Graph, grant: &Grant, out: &mut Findings<'_>) {
        let dark = |text: &str| {
            text.trim_start_matches("serviceAccount:")
                .starts_with(UNKNOWN_TEXT)
        };
        // Of a project the role is MI04's.
        if dark(&grant.role) && !grant.scope.is_wide() {
            out.undecided(
                grant.place.clone(),
                "which role is given is not known before apply",
            );
        }
        if grant
            .members
            .iter()
            .any(|m| m.identity.is_none() && dark(&m.text))
        {
            out.undecided(
                grant.place.clone(),
                format!("who gets `{}` is not known before apply", shown(&grant.role)),
            );
        }
    }

    fn identity(&self, _: &Context<'_>, _: &Graph, identity: &Identity, out: &mut Findings<'_>) {
        for (place, references) in &identity.unresolved {
            out.undecided(
                place.clone(),
                format!(
                    "which policy is attached to {} is not known before apply{}",
                    identity.label(),
                    hangs_on(references)
                ),
            );
        }
    }
}

fn in_part(document: &Document, policy: &Policy, out: &mut Findings<'_>) {
    for s in &policy.statements {
        if s.effect == Effect::Allow && s.actions.items().iter().any(|a| a.is_unknown()) {
            out.undecided(
                document.place.clone(),
                format!(
                    "some actions of statement {} are not known before apply{}",
                    super::fix::label(policy, s),
                    hangs_on(&document.unknown)
                ),
            );
        }
        for u in &s.unread {
            out.undecided(
                document.place.clone(),
                format!(
                    "statement {} holds what cannot be read: {}",
                    super::fix::label(policy, s),
                    u.why.replace('\u{fffc}', "(known after apply)")
                ),
            );
        }
    }
}
