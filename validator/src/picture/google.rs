//! Service accounts of Google Cloud.

use super::{Entrance, HIDDEN, Portrait, Right, hides, shown};
use crate::context::Context;
use crate::graph::{Grant, Graph, Identity};

/// Fills in who enters and what it may do. True when it may do everything.
pub(super) fn fill(cx: &Context<'_>, graph: &Graph, identity: &Identity, p: &mut Portrait) -> bool {
    let mut everything = false;
    for g in identity.grants.iter().map(|&g| &graph.grants[g]) {
        p.is_told_at(&g.place);
        if hidden(cx, g) {
            p.unknown.push(format!("what {} gives it: {HIDDEN}", g.place));
            continue;
        }
        everything |= g.scope.is_wide() && matches!(g.role.as_str(), "roles/owner" | "roles/editor");
        p.rights.push(Right {
            denied: false,
            what: vec![shown(&g.role)],
            on: vec![on(g)],
            when: g.condition.iter().map(|c| shown(c)).collect(),
            place: g.place.clone(),
            statement: None,
        });
    }
    for g in identity.entered_by.iter().map(|&g| &graph.grants[g]) {
        p.is_told_at(&g.place);
        if hidden(cx, g) {
            p.unknown.push(format!("who enters it by {}: {HIDDEN}", g.place));
            continue;
        }
        for m in &g.members {
            let how = how(&m.text);
            let mut by = vec![format!("by {}", shown(&g.role))];
            by.extend(g.condition.iter().map(|c| shown(c)));
            p.entrances.push(Entrance {
                how,
                who: vec![shown(&m.text)],
                by,
                open: how == "anybody",
                place: g.place.clone(),
            });
        }
    }
    everything
}

fn hidden(cx: &Context<'_>, g: &Grant) -> bool {
    let written = [
        "role",
        "member",
        "members",
        "condition",
        "policy_data",
        "project",
        "bucket",
    ];
    hides(cx, &g.place.address, &written)
}

fn on(g: &Grant) -> String {
    let kind = g.scope.kind.replace('_', " ");
    match &g.scope.name {
        Some(name) => format!("{} {}", shown(&kind), shown(name)),
        None => format!("{} (its name is known after apply)", shown(&kind)),
    }
}

fn how(member: &str) -> &'static str {
    if matches!(member, "allUsers" | "allAuthenticatedUsers") {
        "anybody"
    } else if member.contains(".svc.id.goog[") {
        "pod"
    } else if member.starts_with("principal") {
        "federated token"
    } else if member.starts_with("serviceAccount:") {
        "service account"
    } else if member.starts_with("user:") {
        "person"
    } else if member.starts_with("group:") {
        "group"
    } else {
        "member"
    }
}

#[cfg(test)]
mod tests {
    use super::how;

    #[test]
    fn members_are_told_by_how_iam_writes_them() {
        assert_eq!(how("serviceAccount:acme-ml.svc.id.goog[churn/score]"), "pod");
        assert_eq!(
            how("principalSet://iam.googleapis.com/x/attribute.sub/y"),
            "federated token"
        );
        assert_eq!(how("allAuthenticatedUsers"), "anybody");
    }
}
