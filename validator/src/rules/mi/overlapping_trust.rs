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

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use mlops_access::aws::{ActionPattern, Effect, Statement};
use mlops_access::trust::{Caller, Overlap, TokenSet};
use rayon::prelude::*;

use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::graph::entrance::Pinned;
use crate::graph::{Graph, Identity, IdentityKind, PolicyId, Purpose, Reading};
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

/// With so many others one trust is compared; more that tokens could fit are a fault of another kind, and said to be undecided.
const MOST: usize = 400;

/// A role that tokens enter.
struct Door<'g> {
    place: &'g Place,
    label: &'g str,
    /// What its subjects begin with, in lower case, and whether that is all of them.
    subjects: Vec<(String, bool)>,
    /// Read only when there is something to compare with.
    tokens: OnceCell<TokenSet>,
    trust: PolicyId,
}

impl<'g> Door<'g> {
    fn of(cx: &Context<'_>, graph: &'g Graph, identity: &'g Identity) -> Option<Self> {
        let policy = graph.trust_for(cx, identity, &META)?;
        let trust = identity.trust?;
        let mut subjects: Vec<(String, bool)> = Vec::new();
        let reading = Reading::of(&policy);
        for e in reading.entrances() {
            match e.pinned() {
                Pinned::To(values) if e.subject.iter().all(|c| c.key.folded().ends_with(":sub")) => {
                    subjects.extend(values.iter().map(|v| beginning(v)));
                }
                _ => subjects.push((String::new(), false)),
            }
        }
        // What could not be read as an entrance may be any.
        let named: usize = policy
            .statements
            .iter()
            .filter(|s| lets_in(s))
            .filter_map(|s| s.principals.as_ref())
            .map(|p| if p.negated { usize::MAX } else { p.names.len() })
            .fold(0, usize::saturating_add);
        if named > reading.entrances().len() {
            subjects.push((String::new(), false));
        }
        Some(Self {
            place: &graph.policies[trust].place,
            label: identity.label(),
            subjects,
            tokens: OnceCell::new(),
            trust,
        })
    }

    /// The tokens that enter.
    fn tokens(&self, cx: &Context<'_>, graph: &Graph) -> &TokenSet {
        self.tokens.get_or_init(|| {
            // A provider can only be of the role's own account: while the account is not known, it is the same unknown one in all.
            let own = format!("arn:aws:iam::{UNKNOWN_TEXT}:oidc-provider/");
            let text = graph
                .text(cx, self.trust)
                .replace(&own, "arn:aws:iam::000000000000:oidc-provider/");
            let mut tokens = TokenSet::of_aws_trust(&text).unwrap_or_default();
            tokens.entries.retain(|e| e.caller == Caller::Oidc);
            tokens
        })
    }
}

/// A statement by which tokens may enter.
fn lets_in(s: &Statement) -> bool {
    let enters = |a: &ActionPattern| a.matches("sts:AssumeRoleWithWebIdentity");
    s.effect != Effect::Deny && s.actions.items().iter().any(enters) != s.actions.is_negated()
}

/// The part of a subject before its first open place.
fn beginning(subject: &str) -> (String, bool) {
    let open = subject.find(['*', '?', '$', UNKNOWN_TEXT]);
    (
        subject[..open.unwrap_or(subject.len())].to_ascii_lowercase(),
        open.is_none(),
    )
}

/// Finds the earlier doors that a token of another may fit: those whose subjects begin alike.
#[derive(Default)]
struct Doors {
    open: BTreeMap<String, Vec<usize>>,
    exact: BTreeMap<String, Vec<usize>>,
}

impl Doors {
    fn like(&self, door: &Door<'_>) -> Vec<usize> {
        let mut out: BTreeSet<usize> = BTreeSet::new();
        for (beginning, exact) in &door.subjects {
            // Open ones that begin with less.
            for end in (0..=beginning.len()).filter(|&i| beginning.is_char_boundary(i)) {
                out.extend(self.open.get(&beginning[..end]).into_iter().flatten());
            }
            if *exact {
                out.extend(self.exact.get(beginning).into_iter().flatten());
                continue;
            }
            for all in [&self.open, &self.exact] {
                let more = all
                    .range(beginning.clone()..)
                    .take_while(|(b, _)| b.starts_with(beginning));
                for (_, doors) in more {
                    out.extend(doors);
                    if out.len() > MOST {
                        break;
                    }
                }
            }
        }
        out.into_iter().collect()
    }

    fn add(&mut self, n: usize, door: &Door<'_>) {
        for (beginning, exact) in &door.subjects {
            let all = if *exact { &mut self.exact } else { &mut self.open };
            all.entry(beginning.clone()).or_default().push(n);
        }
    }
}

impl Rule for OverlappingTrust {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn documents(&self) -> &'static [Purpose] {
        &[Purpose::Trust]
    }

    fn sift(&self, _: &Context<'_>, purpose: Purpose, policy: &Reading<'_>) -> bool {
        purpose == Purpose::Trust && policy.statements.iter().any(lets_in)
    }

    fn reads_documents(&self) -> bool {
        false
    }

    fn graph(&self, cx: &Context<'_>, graph: &Graph, out: &mut Findings<'_>) {
        let roles: Vec<&Identity> = graph
            .identities
            .iter()
            .filter(|i| i.kind == IdentityKind::Role)
            .collect();
        let doors: Vec<Door<'_>> = roles.par_iter().filter_map(|i| Door::of(cx, graph, i)).collect();
        let mut earlier = Doors::default();
        for (n, door) in doors.iter().enumerate() {
            let like = earlier.like(door);
            earlier.add(n, door);
            let decided = like
                .iter()
                .take(MOST)
                .any(|&o| compare(cx, graph, door, &doors[o], out));
            if !decided && like.len() > MOST {
                out.undecided(
                    door.place.clone(),
                    format!(
                        "{} may be entered by tokens that fit more than {MOST} other roles: not all of them were compared",
                        door.label
                    ),
                );
            }
        }
        on_google(graph, out);
    }
}

/// Says what two doors share. True when something was said: the first one that a role shares a token with says enough.
fn compare(
    cx: &Context<'_>,
    graph: &Graph,
    door: &Door<'_>,
    other: &Door<'_>,
    out: &mut Findings<'_>,
) -> bool {
    let label = door.label;
    let (own, theirs) = (door.tokens(cx, graph), other.tokens(cx, graph));
    match own.overlap(theirs) {
        Overlap::None => false,
        Overlap::Token(token) => {
            let shown = token.to_string().replace(UNKNOWN_TEXT, "(known after apply)");
            out.report(
                door.place.clone(),
                format!("{label} and {} can both be entered by one {shown}", other.label),
            )
            .related(other.place.clone(), "the other trust")
            .fix(format!(
                "condition {{ # in {label}: a subject of its own, in no other trust\n  test     = \"StringEquals\"\n  variable = \"{issuer}:sub\"\n  values   = [\"repo:<owner>/<repository>:environment:<environment of this purpose>\"]\n}}",
                issuer = token.name
            ));
            true
        }
        Overlap::Unknown(token, doubt) => {
            // Names that do not exist yet differ as a rule: doubt is said only where some token would fit.
            let fits = token.is_some()
                && own.entries.iter().any(|e| {
                    theirs
                        .entries
                        .iter()
                        .any(|o| e.claims.get("sub") == o.claims.get("sub") && e.claims.contains_key("sub"))
                });
            if fits {
                out.undecided(
                    door.place.clone(),
                    format!(
                        "whether one token can enter both {label} and {} is not known: {}",
                        other.label,
                        doubt.to_string().replace(UNKNOWN_TEXT, "(known after apply)")
                    ),
                )
                .related(other.place.clone(), "the other trust");
            }
            fits
        }
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
