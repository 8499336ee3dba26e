//! # MI07 two-environments
//!
//! Rejects an identity of two environments: entered by the tokens of both, used by workloads in both, or with rights on the things of both.
//!
//! ## Why
//!
//! Nothing should cross: what happens to dev must not be able to happen to prod.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_role" "deploy" {
//!   name = "deploy"
//!   assume_role_policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "sts:AssumeRoleWithWebIdentity"
//!       Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }
//!       Condition = { StringEquals = {
//!         "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
//!         "token.actions.githubusercontent.com:sub" = ["repo:acme/churn:environment:dev", "repo:acme/churn:environment:prod"]
//!       } }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_role" "deploy" {
//!   for_each = toset(["dev", "prod"])
//!   name     = "deploy-${each.key}"
//!   assume_role_policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "sts:AssumeRoleWithWebIdentity"
//!       Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }
//!       Condition = { StringEquals = {
//!         "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
//!         "token.actions.githubusercontent.com:sub" = "repo:acme/churn:environment:${each.key}"
//!       } }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Trusts, workloads, policies and grants of every identity.
//!
//! ## Limits
//!
//! Environments are told by their usual words (`dev`, `test`, `staging`, `prod` and the like) in subjects, namespaces, module keys, names and ARNs.
//! Rights alone are a warning: reading what was built in staging may be promotion.
//!
//! ## References
//!
//! - Seed invariant D-31

use std::collections::BTreeMap;

use mlops_access::aws::{Effect, Policy, Word};

use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::graph::entrance::Pinned;
use crate::graph::{Graph, Identity, IdentityKind, Purpose, Reading, UseKind};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct TwoEnvironments;

static META: Meta = Meta {
    code: "MI07",
    name: "two-environments",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "one identity for two environments",
    why: "nothing should cross: what happens to one environment must not be able to happen to the other",
    invariants: &["D-31", "D-26"],
    since: "0.1.0",
    source: include_str!("two_environments.rs"),
};

type Seen<'a> = BTreeMap<&'a str, (String, Option<Place>)>;

fn note<'a>(
    cx: &Context<'a>,
    seen: &mut Seen<'a>,
    text: &str,
    how: impl FnOnce() -> String,
    place: Option<&Place>,
) {
    if let Some(e) = cx.environment(text) {
        seen.entry(e).or_insert_with(|| (how(), place.cloned()));
    }
}

/// What of a subject may name an environment: what comes behind the repository, whose own name may hold such a word.
fn behind_the_repository(subject: &str) -> &str {
    subject
        .strip_prefix("repo:")
        .and_then(|r| r.split_once(':'))
        .map_or(subject, |(_, what)| what)
}

/// What of a resource may name one.
fn behind_the_account(resource: &str) -> &str {
    mlops_access::aws::Arn::parse(resource).map_or(resource, |a| a.resource)
}

fn resources(policy: &Policy) -> impl Iterator<Item = &str> {
    policy
        .statements
        .iter()
        .filter(|s| s.effect == Effect::Allow)
        .filter_map(|s| s.resources.as_ref())
        .filter(|r| !r.is_negated())
        .flat_map(|r| r.items())
        .map(|r| r.source())
}

impl Rule for TwoEnvironments {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn documents(&self) -> &'static [Purpose] {
        &Purpose::ALL
    }

    fn glance(&self, cx: &Context<'_>, word: Word<'_>) -> bool {
        matches!(word, Word::Resource(r) if cx.environment(behind_the_account(r)).is_some())
    }

    fn sift(&self, cx: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        let says = |text: &str| cx.environment(text).is_some();
        match purpose {
            Purpose::Trust => policy.entrances().iter().any(
                |e| matches!(e.pinned(), Pinned::To(v) if v.iter().any(|s| says(behind_the_repository(s)))),
            ),
            _ => resources(policy).any(|r| says(behind_the_account(r))),
        }
    }

    fn reads_documents(&self) -> bool {
        false
    }

    fn identity(&self, cx: &Context<'_>, graph: &Graph, identity: &Identity, out: &mut Findings<'_>) {
        let Some(place) = identity.place() else { return };
        if identity.kind == IdentityKind::Group {
            return;
        }
        let mut entered: Seen = BTreeMap::new();
        if let Some(policy) = graph.trust_for(cx, identity, &META) {
            for e in Reading::of(&policy).entrances() {
                if let Pinned::To(subjects) = e.pinned() {
                    for s in subjects {
                        let how = || format!("entered by `{}`", super::fix::shown(s));
                        note(cx, &mut entered, behind_the_repository(s), how, None);
                    }
                }
            }
        }
        for g in identity.entered_by.iter().map(|&g| &graph.grants[g]) {
            for m in &g.members {
                let what = m
                    .text
                    .rsplit_once(".svc.id.goog")
                    .map(|(_, w)| w)
                    .or_else(|| m.text.split_once("/attribute.").map(|(_, w)| w))
                    .unwrap_or_default();
                note(
                    cx,
                    &mut entered,
                    what,
                    || format!("entered by `{}`", super::fix::shown(what)),
                    Some(&g.place),
                );
            }
        }
        for u in &identity.uses {
            let namespace = if let UseKind::Pod {
                namespace: Some(n), ..
            } = &u.kind
            {
                n.as_str()
            } else {
                ""
            };
            note(
                cx,
                &mut entered,
                namespace,
                || format!("used in namespace `{namespace}`"),
                Some(&u.place),
            );
            note(
                cx,
                &mut entered,
                &u.place.address,
                || format!("used by {}", u.place.address),
                Some(&u.place),
            );
        }
        // An identity of an environment that something of another one enters.
        if !entered.is_empty() {
            let own = identity
                .name
                .as_deref()
                .or(identity.address.as_deref())
                .unwrap_or_default();
            note(cx, &mut entered, own, || format!("named `{own}`"), None);
        }
        if entered.len() >= 2 {
            let how: Vec<&str> = entered.values().map(|(h, _)| h.as_str()).collect();
            let names: Vec<&str> = entered.keys().copied().collect();
            let finding = out.report(
                place.clone(),
                format!("one identity of {}: {}", names.join(" and "), how.join(", ")),
            );
            finding.fix(one_each(identity, &place, &names));
            for (_, p) in entered
                .values()
                .filter(|(_, p)| p.as_ref().is_some_and(|p| p.address != place.address))
            {
                finding.related(p.clone().unwrap_or_else(|| place.clone()), "here");
            }
            return;
        }
        let mut reached: Seen = BTreeMap::new();
        for (id, policy) in graph.policies_for(cx, identity, &META) {
            for r in resources(&policy) {
                let what = behind_the_account(r);
                let how = || format!("rights on `{}`", super::fix::shown(what));
                note(cx, &mut reached, what, how, Some(&graph.policies[id].place));
            }
        }
        for g in identity.grants.iter().map(|&g| &graph.grants[g]) {
            note(
                cx,
                &mut reached,
                g.scope.name.as_deref().unwrap_or_default(),
                || format!("{} on `{}`", g.role, g.scope.name.as_deref().unwrap_or_default()),
                Some(&g.place),
            );
        }
        if reached.len() >= 2 {
            let how: Vec<&str> = reached.values().map(|(h, _)| h.as_str()).collect();
            let names: Vec<&str> = reached.keys().copied().collect();
            out.report(
                place.clone(),
                format!("one identity reaches {}: {}", names.join(" and "), how.join(", ")),
            )
            .level(Level::Warning)
            .fix(one_each(identity, &place, &names));
        }
    }
}

fn one_each(identity: &Identity, place: &Place, environments: &[&str]) -> String {
    let kind = if identity.kind == IdentityKind::ServiceAccount {
        "google_service_account"
    } else {
        "aws_iam_role"
    };
    let name = super::fix::name_of(place);
    environments
        .iter()
        .map(|e| {
            format!("resource \"{kind}\" \"{name}_{e}\" {{ … }} # entered from and with rights in {e} only")
        })
        .collect::<Vec<_>>()
        .join("\n")
}
