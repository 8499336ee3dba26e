//! References in strings: finding them, and putting values in their place.
//!
//! `@{keys.storage:arn}` refers to a component's output; `@{environment:uid}` to the environment itself;
//! `@{unknown:aws.existing_network.vpc_id}` stands for a configured value that is not known yet.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::component::{Address, Component, Outputs, Properties, Reference};

/// Address under which the environment's own values are referred to: `uid`, `owner`.
pub const ENVIRONMENT: &str = "environment";
/// Address under which configured values stand that are not known yet.
pub const UNKNOWN: &str = "unknown";

/// Known outputs by component.
pub type World = BTreeMap<Address, Outputs>;

/// A reference to an output of a component, as text.
pub fn to(address: &Address, output: &str) -> String {
    Reference {
        address: address.clone(),
        output: output.to_owned(),
    }
    .to_string()
}

/// Whether the whole text is one reference that stands for a value from outside the components.
pub fn is_placeholder(text: &str) -> bool {
    let mut parts = parts(text);
    match (parts.next(), parts.next()) {
        (Some(Part::Reference(reference)), None) => {
            matches!(reference.address.as_str(), UNKNOWN | ENVIRONMENT) || reference.is_version()
        }
        _ => false,
    }
}

impl Reference {
    /// The cluster's version is a configured attribute *and* an output: unset, it stands in the configuration.
    fn is_version(&self) -> bool {
        self.address.as_str() == "cluster" && self.output == "version"
    }
}

/// All references in a text, in order.
pub fn find(text: &str) -> Vec<Reference> {
    parts(text)
        .filter_map(|part| match part {
            Part::Reference(reference) => Some(reference),
            Part::Text(_) => None,
        })
        .collect()
}

/// Whether a text still holds a reference.
pub fn is_resolved(text: &str) -> bool {
    find(text).is_empty()
}

/// All references anywhere in a value.
pub fn find_in(value: &Value, found: &mut BTreeSet<Reference>) {
    match value {
        Value::String(text) => found.extend(find(text)),
        Value::Array(items) => items.iter().for_each(|item| find_in(item, found)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            found.extend(find(key));
            find_in(value, found);
        }),
        _ => {}
    }
}

/// All references in a component's properties.
pub fn of(component: &Component) -> BTreeSet<Reference> {
    let mut found = BTreeSet::new();
    component
        .properties
        .values()
        .for_each(|value| find_in(value, &mut found));
    component
        .outputs
        .values()
        .for_each(|text| found.extend(find(text)));
    found.extend(component.id.iter().flat_map(|id| find(id)));
    found
}

/// The text with every known reference replaced; unknown ones stay.
pub fn fill(text: &str, world: &World) -> String {
    fill_to_depth(text, world, 8)
}

fn fill_to_depth(text: &str, world: &World, depth: usize) -> String {
    if !text.contains("@{") {
        return text.to_owned();
    }
    parts(text)
        .map(|part| match part {
            Part::Text(text) => text.to_owned(),
            Part::Reference(reference) => {
                match world
                    .get(&reference.address)
                    .and_then(|outputs| outputs.get(&reference.output))
                {
                    // An output may itself be computed from another's; the depth keeps a cycle from hanging us.
                    Some(value) if depth > 0 => fill_to_depth(value, world, depth - 1),
                    _ => reference.to_string(),
                }
            }
        })
        .collect()
}

/// The value with every known reference in it replaced, in keys too.
pub fn fill_value(value: &Value, world: &World) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text, world)),
        Value::Array(items) => items.iter().map(|item| fill_value(item, world)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (fill(key, world), fill_value(value, world)))
            .collect(),
        other => other.clone(),
    }
}

/// The component with every known reference replaced, and the references that remain.
pub fn fill_component(component: &Component, world: &World) -> (Component, BTreeSet<Reference>) {
    let properties: Properties = component
        .properties
        .iter()
        .map(|(name, value)| (name.clone(), fill_value(value, world)))
        .collect();
    let outputs = component
        .outputs
        .iter()
        .map(|(name, text)| (name.clone(), fill(text, world)))
        .collect();
    let id = component.id.as_ref().map(|id| fill(id, world));
    let filled = Component {
        properties,
        outputs,
        id,
        ..component.clone()
    };
    let rest = of(&filled);
    (filled, rest)
}

/// A component could not be handed to a driver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address}: {} not known yet", list(.missing))]
pub struct Unresolved {
    /// Which component.
    pub address: Address,
    /// What is missing.
    pub missing: BTreeSet<Reference>,
}

fn list(references: &BTreeSet<Reference>) -> String {
    references
        .iter()
        .map(Reference::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The component ready for a driver.
///
/// # Errors
/// [`Unresolved`] with every reference for which the world has no value.
pub fn resolve(component: &Component, world: &World) -> Result<Component, Unresolved> {
    match fill_component(component, world) {
        (filled, rest) if rest.is_empty() => Ok(filled),
        (_, missing) => Err(Unresolved {
            address: component.address.clone(),
            missing,
        }),
    }
}

enum Part<'a> {
    Text(&'a str),
    Reference(Reference),
}

/// Cuts a text into plain parts and references. `@{` without a well-formed end is plain text.
fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut from = 0;
        while let Some(start) = rest[from..].find("@{").map(|at| at + from) {
            if let Some((reference, end)) = reference_at(rest, start) {
                if start > 0 {
                    let (plain, after) = rest.split_at(start);
                    rest = after;
                    return Some(Part::Text(plain));
                }
                rest = &rest[end..];
                return Some(Part::Reference(reference));
            }
            from = start + 2;
        }
        Some(Part::Text(std::mem::take(&mut rest)))
    })
}

fn reference_at(text: &str, start: usize) -> Option<(Reference, usize)> {
    let inside = &text[start + 2..];
    let end = inside.find('}')?;
    let (address, output) = inside[..end].split_once(':')?;
    let plain = |part: &str| !part.is_empty() && !part.contains("@{");
    (plain(address) && plain(output)).then(|| {
        (
            Reference {
                address: Address::new(&[address]),
                output: output.to_owned(),
            },
            start + 2 + end + 1,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        let outputs = Outputs::from([("arn".to_owned(), "arn:k".to_owned())]);
        World::from([(Address::new(&["keys", "storage"]), outputs)])
    }

    #[test]
    fn finds_references_among_other_text_and_leaves_policy_variables_alone() {
        let found = find("a @{keys.storage:arn} ${aws:username} @{b:c}@{");
        assert_eq!(
            found.iter().map(Reference::to_string).collect::<Vec<_>>(),
            ["@{keys.storage:arn}", "@{b:c}"]
        );
    }

    #[test]
    fn fills_what_is_known_and_keeps_the_rest() {
        assert_eq!(fill("<@{keys.storage:arn}|@{x:y}>", &world()), "<arn:k|@{x:y}>");
    }

    #[test]
    fn a_cycle_of_outputs_ends() {
        let outputs = |text: &str| Outputs::from([("v".to_owned(), text.to_owned())]);
        let world = World::from([
            (Address::new(&["a"]), outputs("@{b:v}")),
            (Address::new(&["b"]), outputs("@{a:v}")),
        ]);
        assert!(!is_resolved(&fill("@{a:v}", &world)));
    }

    #[test]
    fn only_a_whole_reference_from_outside_is_a_placeholder() {
        assert!(is_placeholder("@{unknown:aws.region}"));
        assert!(!is_placeholder("x@{unknown:aws.region}"));
        assert!(!is_placeholder("@{keys.storage:arn}"));
        assert!(!is_placeholder("plain"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_cut_and_put_together_again(text in "[@{}:a\u{e9} ]{0,40}") {
            proptest::prop_assert_eq!(fill(&text, &World::new()), text);
        }
    }
}
