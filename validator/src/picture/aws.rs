//! Roles, users and groups of AWS.

use mlops_access::aws::{
    Condition, Effect, Finding, FindingKind, Policy, PrincipalName, Scope, Statement, managed,
};

use super::{Entrance, HIDDEN, Portrait, Right, hides, is_sensitive, shown};
use crate::context::Context;
use crate::finding::Place;
use crate::graph::entrance::{Entrance as Token, Issuer, Pinned, entrances};
use crate::graph::{Boundary, Graph, Identity, NoPolicy, PolicyId, follow};
use crate::rules::statement_label;

/// Fills in who enters, what it may do and what bounds it. True when it may do everything.
pub(super) fn fill(cx: &Context<'_>, graph: &Graph, identity: &Identity, p: &mut Portrait) -> bool {
    let mut everything = false;
    if let Some(trust) = identity.trust {
        let place = graph.policies[trust].place.clone();
        p.is_told_at(&place);
        match readable(cx, graph, trust) {
            Ok(policy) => p.entrances.extend(ways_in(&policy, &place)),
            Err(why) => p.unknown.push(format!("who may enter it: {why}")),
        }
    }
    for &id in &identity.policies {
        let place = graph.policies[id].place.clone();
        p.is_told_at(&place);
        match readable(cx, graph, id) {
            Ok(policy) => {
                everything |= policy.findings().iter().any(is_everything);
                p.rights.extend(rights(&policy, &place));
            }
            Err(why) => p.unknown.push(format!("what {place} gives it: {why}")),
        }
    }
    for (place, arn) in &identity.managed {
        p.is_told_at(place);
        if hides(cx, &place.address, &["policy_arn", "managed_policy_arns"]) {
            p.unknown.push(format!("what {place} attaches to it: {HIDDEN}"));
            continue;
        }
        let document = managed::document(arn);
        everything |= document
            .as_ref()
            .is_some_and(|d| d.findings().iter().any(is_everything));
        p.rights.push(Right {
            denied: false,
            what: vec![shown(arn)],
            on: vec![if document.is_some() {
                "what this policy of AWS names".to_owned()
            } else {
                "what this policy names, which is not in the plan".to_owned()
            }],
            when: Vec::new(),
            place: place.clone(),
            statement: None,
        });
    }
    for (place, references) in &identity.unresolved {
        p.is_told_at(place);
        let on = references.join(", ");
        p.unknown
            .push(format!("what {place} attaches to it: it hangs on {on}"));
    }
    p.boundary = identity.boundary.as_ref().map(|b| match b {
        Boundary::Planned(id) => graph.policies[*id].place.address.clone(),
        Boundary::Arn(arn) => shown(arn),
        Boundary::Unknown => "set, and known after apply".to_owned(),
    });
    everything
}

fn is_everything(f: &Finding<'_>) -> bool {
    matches!(f.kind, FindingKind::Administrator | FindingKind::AllowNotAction)
}

fn readable(cx: &Context<'_>, graph: &Graph, id: PolicyId) -> Result<std::sync::Arc<Policy>, String> {
    let place = &graph.policies[id].place;
    let hidden = cx
        .plan
        .resource(&place.address)
        .is_some_and(|r| r.marks_sensitive() && is_sensitive(follow(&r.values(), &place.path)));
    if hidden {
        return Err(HIDDEN.to_owned());
    }
    graph.policy(cx, id).map_err(|why| match why {
        NoPolicy::Undecided(on) if on.is_empty() => "known after apply".to_owned(),
        NoPolicy::Undecided(on) => format!("known after apply, it hangs on {}", on.join(", ")),
        NoPolicy::Malformed(why) => format!("no policy document ({why})"),
    })
}

fn rights(policy: &Policy, place: &Place) -> Vec<Right> {
    let of = |s: &Statement| Right {
        denied: s.effect == Effect::Deny,
        what: listed(&s.actions, |a| shown(a.text()), "everything but "),
        on: match &s.resources {
            Some(r) => listed(r, |t| shown(t.source()), "everything but "),
            None => vec!["(no resource)".to_owned()],
        },
        when: conditions(&s.conditions),
        place: place.clone(),
        statement: Some(statement_label(policy, s)),
    };
    policy.statements.iter().map(of).collect()
}

fn listed<T>(scope: &Scope<T>, text: impl Fn(&T) -> String, but: &str) -> Vec<String> {
    let but = if scope.is_negated() { but } else { "" };
    scope
        .items()
        .iter()
        .map(|i| format!("{but}{}", text(i)))
        .collect()
}

fn conditions<'a>(all: impl IntoIterator<Item = &'a Condition>) -> Vec<String> {
    let one = |c: &Condition| {
        let values: Vec<String> = if c.key.folded() == "sts:externalid" {
            // What a partner has to know to enter.
            vec!["***".to_owned()]
        } else {
            c.values.iter().map(|v| shown(v.source())).collect()
        };
        format!(
            "{} {} {}",
            shown(c.key.text()),
            c.operator_name(),
            values.join(" or ")
        )
    };
    all.into_iter().map(one).collect()
}

fn ways_in(policy: &Policy, place: &Place) -> Vec<Entrance> {
    let mut out: Vec<Entrance> = entrances(policy).iter().map(|t| token(t, place)).collect();
    for s in policy.statements.iter().filter(|s| s.effect == Effect::Allow) {
        let Some(principals) = &s.principals else { continue };
        let mut by = conditions(&s.conditions);
        if principals.negated {
            out.push(Entrance {
                how: "everybody but",
                who: principals.names.iter().map(|n| principal(n).1).collect(),
                by,
                open: true,
                place: place.clone(),
            });
            continue;
        }
        let token = s
            .actions
            .items()
            .iter()
            .any(|a| a.matches("sts:AssumeRoleWithWebIdentity"));
        by.dedup();
        for name in &principals.names {
            let (how, who) = principal(name);
            if token && how == "identity provider" && !who.contains("saml-provider") {
                continue; // told above, with its subjects
            }
            out.push(Entrance {
                how,
                who: vec![who],
                by: by.clone(),
                open: matches!(name, PrincipalName::Anyone) && by.is_empty(),
                place: place.clone(),
            });
        }
    }
    out
}

fn token(t: &Token<'_>, place: &Place) -> Entrance {
    let mut by = vec![format!("issued by {}", shown(&t.issuer))];
    if !t.audience {
        by.push("for any audience".to_owned());
    }
    let (who, open) = match t.pinned() {
        Pinned::To(subjects) => (subjects.iter().map(|s| shown(s)).collect(), false),
        Pinned::Nothing(why) => (vec![format!("anybody of this issuer: {}", shown(why))], true),
        Pinned::Unknown => (vec!["a subject known after apply".to_owned()], false),
    };
    Entrance {
        how: match t.kind {
            Issuer::Ci => "CI token",
            Issuer::Cluster => "pod",
        },
        who,
        by,
        open,
        place: place.clone(),
    }
}

fn principal(name: &PrincipalName) -> (&'static str, String) {
    match name {
        PrincipalName::Anyone => ("anybody", "everybody, of any account".to_owned()),
        PrincipalName::Account(a) => ("AWS account", shown(a)),
        PrincipalName::Arn(a) => ("AWS principal", shown(a)),
        PrincipalName::Id(a) => ("deleted principal", shown(a)),
        PrincipalName::Service(s) => ("AWS service", shown(s)),
        PrincipalName::Federated(f) => ("identity provider", shown(f)),
        PrincipalName::CanonicalUser(u) => ("S3 user", shown(u)),
        PrincipalName::Unread { kind, name } if kind.eq_ignore_ascii_case("federated") => {
            ("identity provider", shown(name))
        }
        PrincipalName::Unread { name, .. } => ("principal", shown(name)),
    }
}
