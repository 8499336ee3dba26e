//! Settings that stay as they were made although no single component says so: a change would take whole groups of
//! components away, and what they hold with them.

use super::refusal::{Cause, Refusal, consent_token};
use super::step::Change;
use crate::component::Address;
use crate::spec::Spec;

/// What of a change of settings is refused, unless its token consents to it.
pub fn fixed_settings(before: &Spec, after: &Spec) -> Vec<Refusal> {
    let mode = |spec: &Spec| {
        let registry = spec.resolved_config().registry;
        registry.and_then(|registry| registry.mode).unwrap_or_default()
    };
    let (from, to) = (mode(before), mode(after));
    if from == to {
        return Vec::new();
    }
    let address = Address::new(&["registry"]);
    let changes = vec![Change {
        property: "mode".to_owned(),
        from: from.into(),
        to: to.into(),
    }];
    let token = consent_token(&address, &changes);
    if after.replace_components.get(&address) == Some(&token) {
        return Vec::new();
    }
    vec![Refusal {
        address,
        cause: Cause::Immutable { changes, token },
    }]
}
