//! No environment whose documents break the rules can be planned.
//!
//! Judged are the documents as they will be written, with what the user added to them.

use crate::component::{Component, Kind};
use crate::spec::{AttributePath, Spec, Violation};

/// Characters that the inline policies of a role may have together.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const INLINE_MAX: usize = 10_240;
/// Characters of a managed policy.
const MANAGED_MAX: usize = 6_144;
/// Characters of a trust policy, unless the quota was raised.
const TRUST_MAX: usize = 2_048;
/// What a reference may become: ARNs are at most this long in practice.
const REFERENCE_LENGTH: usize = 100;

/// Everything that must not be.
pub fn judge(spec: &Spec, components: &[Component]) -> Vec<Violation> {
    let _ = spec;
    components.iter().flat_map(too_long).collect()
}

fn too_long(component: &Component) -> Vec<Violation> {
    let text = |name: &str| {
        component
            .properties
            .get(name)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
    };
    let inline = || {
        let policies = component
            .properties
            .get("inline_policies")
            .and_then(|value| value.as_object());
        policies
            .into_iter()
            .flatten()
            .filter_map(|(_, value)| value.as_str())
            .map(length)
            .sum()
    };
    let sizes: Vec<(&str, usize, usize)> = match component.kind {
        Kind::AwsRole => {
            vec![
                ("trust policy", length(text("trust")), TRUST_MAX),
                ("permissions", inline(), INLINE_MAX),
            ]
        }
        Kind::AwsPolicy => vec![("policy", length(text("document")), MANAGED_MAX)],
        _ => Vec::new(),
    };
    sizes
        .into_iter()
        .filter(|(_, size, most)| size > most)
        .map(|(what, size, most)| Violation {
            path: AttributePath::root(if what == "trust policy" { "federation" } else { "services" }),
            summary: format!("The {what} of {} is too long", component.address),
            detail: format!(
                "It has {size} characters, IAM takes {most}. Name fewer refs, repositories, secrets or additional \
                 permissions, or make a second environment."
            ),
        })
        .collect()
}

/// Length once references are filled in.
fn length(text: &str) -> usize {
    let references = crate::reference::find(text);
    let written: usize = references
        .iter()
        .map(|reference| reference.to_string().chars().count())
        .sum();
    text.chars().count() - written + references.len() * REFERENCE_LENGTH
}
