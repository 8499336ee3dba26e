//! Cheap questions to a policy, asked before the dear ones: most policies of a plan name a few actions on a few things, and no
//! rule has anything to say about them.

use mlops_access::aws::{Effect, Policy, Scope, Statement, Word};

fn statements(policy: &Policy) -> impl Iterator<Item = &Statement> {
    policy.statements.iter().filter(|s| s.effect != Effect::Deny)
}

/// Some statement lists what it is *not* about, or has a wildcard in an action.
pub(super) fn has_open_action(policy: &Policy) -> bool {
    statements(policy).any(|s| {
        s.actions.is_negated()
            || s.resources.as_ref().is_some_and(Scope::is_negated)
            || s.actions.items().iter().any(|a| a.text().contains(['*', '?']))
    })
}

/// Some statement allows an action, whatever on.
pub(super) fn allows(policy: &Policy, action: &str) -> bool {
    statements(policy).any(|s| s.actions.items().iter().any(|a| a.matches(action)) != s.actions.is_negated())
}

/// Some statement is on everything, or on everything but something.
pub(super) fn is_on_everything(policy: &Policy) -> bool {
    statements(policy).any(|s| match &s.resources {
        Some(Scope::AllBut(_)) => true,
        Some(Scope::Only(items)) => items
            .iter()
            .any(|r| !r.source().is_empty() && r.source().bytes().all(|b| b == b'*')),
        None => false,
    })
}

/// Some statement speaks of one of these services, given in lower case, or of all.
pub(super) fn speaks_of(policy: &Policy, services: &[&str]) -> bool {
    statements(policy)
        .any(|s| s.actions.is_negated() || s.actions.items().iter().any(|a| is_action_of(a.text(), services)))
}

// The same questions to one word of a plain policy.

/// An action with a wildcard.
pub(super) fn is_open(word: Word<'_>) -> bool {
    matches!(word, Word::Action(a) if a.contains(['*', '?']))
}

/// A resource that is everything.
pub(super) fn is_everything(word: Word<'_>) -> bool {
    matches!(word, Word::Resource(r) if !r.is_empty() && r.bytes().all(|b| b == b'*'))
}

/// An action of one of these services, given in lower case, or of all.
pub(super) fn is_of(word: Word<'_>, services: &[&str]) -> bool {
    match word {
        Word::Action(action) => is_action_of(action, services),
        Word::Resource(_) => false,
    }
}

fn is_action_of(action: &str, services: &[&str]) -> bool {
    match action.split_once(':') {
        Some((service, _)) => {
            service.contains(['*', '?', '\u{fffc}'])
                || services.iter().any(|x| service.eq_ignore_ascii_case(x))
        }
        None => true,
    }
}
