//! # MI08 overlapping-trust
//!
//! Rejects two identities that one token can enter, and shows the token: two roles whose trusts accept the same subject, two service
//! accounts with the same workload identity member.
//!
//! ## Why
//!
//! Separate roles that the same job can enter are one role: the split is on paper only.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_role" "split" {
//!   for_each = toset(["ci", "deploy"])
//!   name     = each.key
//!   assume_role_policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "sts:AssumeRoleWithWebIdentity"
//!       Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }
//!       Condition = { StringEquals = {
//!         "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
//!         "token.actions.githubusercontent.com:sub" = ["repo:acme/churn:ref:refs/heads/main", "repo:acme/churn:environment:${each.key}"]
//!       } }
//!     }]
//!   })
//! }
//! ```
//!
//! ```hcl
//! resource "google_service_account" "split" {
//!   for_each   = toset(["runtime", "drift"])
//!   account_id = each.key
//! }
//!
//! resource "google_service_account_iam_member" "split" {
//!   for_each           = google_service_account.split
//!   service_account_id = each.value.name
//!   role               = "roles/iam.workloadIdentityUser"
//!   member             = "serviceAccount:acme-ml.svc.id.goog[churn/churn-sa]"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_role" "split" {
//!   for_each = { ci = "ref:refs/heads/main", deploy = "environment:aws-prod" }
//!   name     = each.key
//!   assume_role_policy = jsonencode({
//!     Version = "2012-10-17"
//!     Statement = [{
//!       Effect    = "Allow"
//!       Action    = "sts:AssumeRoleWithWebIdentity"
//!       Principal = { Federated = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com" }
//!       Condition = { StringEquals = {
//!         "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
//!         "token.actions.githubusercontent.com:sub" = "repo:acme/churn:${each.value}"
//!       } }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! Trust policies of all roles, pair by pair; grants of `roles/iam.workloadIdentityUser`.
//!
//! ## Limits
//!
//! Signed tokens only: that one service may assume several roles is how services work. Roles that differ only in their provider
//! alias (the same role in several accounts) are reported when their names differ.
//!
//! ## References
//!
//! - Seed invariants D-26, D-31

use std::collections::HashMap;

use mlops_access::trust::{Caller, Overlap, TokenSet};

use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::graph::{Graph, IdentityKind};
use crate::rules::{Meta, Rule};
use crate::source::UNKNOWN_TEXT;

/// See the page above.
pub(super) struct OverlappingTrust;

static META: Meta = Meta {
    code: "MI08",
    name: "overlapping-trust",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "two identities that one token can enter",
    why: "separate identities that the same job or pod can enter are one: the split is on paper only",
    invariants: &["D-26", "D-31"],
    since: "0.1.0",
    source: include_str!("overlapping_trust.rs"),
};

/// More roles than this are compared only where their issuers are the same text.
const MOST: usize = 400;

impl Rule for OverlappingTrust {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn graph(&self, cx: &Context<'_>, graph: &Graph, out: &mut Findings<'_>) {
        let mut trusts: Vec<(Place, String, TokenSet)> = Vec::new();
        for i in graph.identities.iter().filter(|i| i.kind == IdentityKind::Role) {
            let Some(trust) = i.trust else { continue };
            if graph.policies[trust].undecided {
                continue;
            }
            let text = graph.text(cx, trust);
            // Only what a token can enter is worth the comparison.
            if !text.contains("WebIdentity") && !text.contains("sts:*") {
                continue;
            }
            let Ok(mut set) = TokenSet::of_aws_trust(&text) else {
                continue;
            };
            set.entries.retain(|e| e.caller == Caller::Oidc);
            if !set.entries.is_empty() {
                trusts.push((graph.policies[trust].place.clone(), i.label().to_owned(), set));
            }
        }
        trusts.truncate(MOST);
        for (n, (place, label, set)) in trusts.iter().enumerate() {
            // One finding for each role: the first one it shares a token with says enough.
            for (other_place, other, other_set) in &trusts[..n] {
                match set.overlap(other_set) {
                    Overlap::None => {}
                    Overlap::Token(token) => {
                        let shown = token.to_string().replace(UNKNOWN_TEXT, "(known after apply)");
                        out.report(place.clone(), format!("{label} and {other} can both be entered by one {shown}")).related(other_place.clone(), "the other trust").fix(format!(
                            "condition {{ # in {label}: a subject of its own, in no other trust\n  test     = \"StringEquals\"\n  variable = \"{issuer}:sub\"\n  values   = [\"repo:<owner>/<repository>:environment:<environment of this purpose>\"]\n}}",
                            issuer = token.name
                        ));
                        break;
                    }
                    Overlap::Unknown(token, doubt) => {
                        // Names that do not exist yet differ as a rule: doubt is said only where some token would fit.
                        if token.is_some()
                            && set.entries.iter().any(|e| {
                                other_set.entries.iter().any(|o| {
                                    e.claims.get("sub") == o.claims.get("sub") && e.claims.contains_key("sub")
                                })
                            })
                        {
                            out.undecided(
                                place.clone(),
                                format!(
                                    "whether one token can enter both {label} and {other} is not known: {}",
                                    doubt.to_string().replace(UNKNOWN_TEXT, "(known after apply)")
                                ),
                            )
                            .related(other_place.clone(), "the other trust");
                            break;
                        }
                    }
                }
            }
        }
        on_google(graph, out);
    }
}

/// Members are compared as text: a pod, a subject or an attribute's value stands for the same tokens wherever it is written. Pods of
/// two environments are MI19's.
fn on_google(graph: &Graph, out: &mut Findings<'_>) {
    let mut first: HashMap<&str, (usize, &Place)> = HashMap::new();
    for (n, i) in graph
        .identities
        .iter()
        .enumerate()
        .filter(|(_, i)| i.kind == IdentityKind::ServiceAccount)
    {
        for g in i
            .entered_by
            .iter()
            .map(|&g| &graph.grants[g])
            .filter(|g| g.role == "roles/iam.workloadIdentityUser")
        {
            for m in &g.members {
                let federated = m.text.contains(".svc.id.goog[") || m.text.starts_with("principal");
                // A member of which more than the pool's name is unknown may be another one each time.
                let vague = m.text.ends_with(UNKNOWN_TEXT) || m.text.matches(UNKNOWN_TEXT).count() > 1;
                if !federated || vague {
                    continue;
                }
                match first.get(m.text.as_str()) {
                    None => {
                        first.insert(&m.text, (n, &g.place));
                    }
                    Some((other, at)) if *other != n => {
                        let o = &graph.identities[*other];
                        out.report(g.place.clone(), format!("{} and {} can both be entered by {}", i.label(), o.label(), m.text.replace(UNKNOWN_TEXT, "(known after apply)")))
                            .related((*at).clone(), "the other grant")
                            .fix(format!("resource \"google_service_account_iam_member\" \"{}\" {{\n  member = \"serviceAccount:<project>.svc.id.goog[<namespace>/<an account of its own>]\"\n}}", super::fix::name_of(&g.place)));
                    }
                    Some(_) => {}
                }
            }
        }
    }
}
