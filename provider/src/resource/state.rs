//! The state's value: reading from it, and writing down what was reached.

use std::collections::{BTreeMap, BTreeSet};

use mlops_environment::component::{Address, Outputs};
use mlops_environment::reference::World;
use mlops_environment::spec::Spec;
use mlops_environment::{Environment as Model, outputs, reference};
use serde_json::Value as Json;
use tfplugin::Value;
use tfplugin::schema::{Mode, Schema};

/// A top-level text.
pub(super) fn text<'a>(state: &'a Value, name: &str) -> Option<&'a str> {
    state.get(name)?.as_str()
}

/// `READY`, `INCOMPLETE`, `DELETING`.
pub(super) fn phase(state: &Value) -> Option<&str> {
    text(state, "phase")
}

/// A top-level value as JSON; null where it is absent or unknown.
pub(super) fn json(state: &Value, name: &str) -> Json {
    state
        .get(name)
        .and_then(|value| value.to_json().ok())
        .unwrap_or(Json::Null)
}

/// Components that were not ready when last seen.
pub(super) fn not_ready(state: &Value) -> BTreeSet<Address> {
    let components = state.get("components").and_then(Value::entries);
    components
        .into_iter()
        .flatten()
        .filter(|(_, component)| component.get("state").and_then(Value::as_str) != Some("ready"))
        .map(|(address, _)| Address::new(&[address]))
        .collect()
}

/// Settings with every default filled in, by attribute.
pub(super) fn settings(spec: &Spec) -> BTreeMap<String, Json> {
    match serde_json::to_value(spec.resolved_config()) {
        Ok(Json::Object(fields)) => fields.into_iter().collect(),
        // The configuration is structs of options, texts and maps with text keys: always an object.
        _ => BTreeMap::new(),
    }
}

/// Everything computed, by attribute, with references where nothing is known; components are all `ready`.
pub(super) fn computed(model: &Model) -> BTreeMap<String, Json> {
    let mut values: BTreeMap<String, Json> = model
        .outputs()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let components = model.components.iter().map(|component| {
        let id = reference::to(&component.address, "id");
        let id = component.id.as_deref().unwrap_or(&id);
        (
            component.address.to_string(),
            outputs::component_info(component, Some(id), "ready"),
        )
    });
    values.insert("components".into(), Json::Object(components.collect()));
    values.insert("id".into(), outputs::id(&model.spec).into());
    values.insert("uid".into(), reference::to(&environment_address(), "uid").into());
    values.insert("drift".into(), Json::Array(Vec::new()));
    values
}

/// Settings and computed values with every reference filled in from what was seen, by attribute. What was not reached
/// stays a reference.
pub(super) fn told(model: &Model, seen: World, own: Outputs) -> BTreeMap<String, Json> {
    let mut world: World = model
        .components
        .iter()
        .map(|component| (component.address.clone(), component.outputs.clone()))
        .collect();
    for (address, outputs) in seen {
        world.entry(address).or_default().extend(outputs);
    }
    world.insert(environment_address(), own);
    let mut values = settings(&model.spec);
    values.extend(computed(model));
    values
        .iter()
        .map(|(name, value)| (name.clone(), reference::fill_value(value, &world)))
        .collect()
}

/// What a state holds beside what is computed, as JSON: attributes that can be set, and blocks.
pub(super) fn settings_of(schema: &Schema, state: &Value) -> Json {
    let settable = schema
        .attributes
        .iter()
        .filter(|(_, attribute)| attribute.mode != Mode::Computed)
        .map(|(name, _)| name);
    settable
        .chain(schema.blocks.keys())
        .map(|name| (name.clone(), json(state, name)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// What an imported state knows from the claim: settings and the environment's own values. What was computed from an
/// earlier look goes, so that it is computed again.
pub(super) fn claimed(schema: &Schema, state: &Value) -> Value {
    let mut known = state.clone();
    for (name, attribute) in &schema.attributes {
        if attribute.mode == Mode::Computed && !CLAIMED.contains(&name.as_str()) {
            known.set_entry(name, Value::Null);
        }
    }
    known
}

/// Computed attributes that the claim tells, or that nobody can compute.
const CLAIMED: [&str; 5] = ["id", "uid", "phase", "generation", "last_change"];

/// Address of the environment's own values in the world of references.
pub(super) fn environment_address() -> Address {
    Address::new(&[reference::ENVIRONMENT])
}

/// The environment's own values as given before.
pub(super) fn own_values(state: &Value) -> Outputs {
    ["uid", "owner"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), text(state, name)?.to_owned())))
        .collect()
}

/// The state after a refresh: states of components and drift, nothing else.
pub(super) fn refreshed(
    state: &Value,
    states: &BTreeMap<Address, &'static str>,
    drift: Vec<String>,
) -> Value {
    let mut new = state.clone();
    for (address, found) in states {
        set_component(&mut new, address, "state", Value::from(*found));
    }
    new.set_entry("drift", Value::list(drift));
    new
}

/// Sets one field of one component, where the component is there.
pub(super) fn set_component(state: &mut Value, address: &Address, field: &str, value: Value) {
    let component = state
        .entries_mut()
        .and_then(|fields| fields.get_mut("components"))
        .and_then(Value::entries_mut)
        .and_then(|components| components.get_mut(address.as_str()));
    if let Some(component) = component {
        component.set_entry(field, value);
    }
}

/// The plan with everything that was unknown filled in from what is known now. What the plan knew stays: Terraform
/// holds us to it.
pub(super) fn settled(planned: &Value, actual: &Value) -> Value {
    match (planned, actual) {
        (Value::Unknown(_), actual) => actual.clone(),
        (Value::Object(fields), Value::Object(_)) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| {
                    (
                        name.clone(),
                        settled(field, actual.get(name).unwrap_or(&Value::Null)),
                    )
                })
                .collect(),
        ),
        (Value::Map(entries), Value::Map(_)) => Value::Map(
            entries
                .iter()
                .map(|(key, entry)| {
                    (
                        key.clone(),
                        settled(entry, actual.get(key).unwrap_or(&Value::Null)),
                    )
                })
                .collect(),
        ),
        (Value::List(items), Value::List(others)) if items.len() == others.len() => Value::List(
            items
                .iter()
                .zip(others)
                .map(|(item, other)| settled(item, other))
                .collect(),
        ),
        (planned, actual) if !planned.is_wholly_known() => actual.clone(),
        (planned, _) => planned.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_planned_stays_and_what_was_unknown_is_filled_in() {
        let planned = Value::object([
            ("name", Value::from("a")),
            ("arn", Value::unknown()),
            (
                "pools",
                Value::map([("x", Value::object([("id", Value::unknown())]))]),
            ),
        ]);
        let actual = Value::object([
            ("name", Value::from("other")),
            ("arn", Value::from("arn:a")),
            (
                "pools",
                Value::map([("x", Value::object([("id", Value::from("i"))]))]),
            ),
        ]);
        let state = settled(&planned, &actual);
        assert_eq!(text(&state, "name"), Some("a"));
        assert_eq!(text(&state, "arn"), Some("arn:a"));
        assert_eq!(
            state
                .get("pools")
                .and_then(|pools| pools.get("x")?.get("id")?.as_str()),
            Some("i")
        );
    }

    #[test]
    fn a_component_that_is_not_there_is_not_invented() {
        let mut state = Value::object([(
            "components",
            Value::map([("a", Value::object([("state", "ready")]))]),
        )]);
        set_component(&mut state, &Address::new(&["b"]), "state", Value::from("missing"));
        assert_eq!(not_ready(&state), BTreeSet::new());
        set_component(&mut state, &Address::new(&["a"]), "state", Value::from("missing"));
        assert_eq!(not_ready(&state), BTreeSet::from([Address::new(&["a"])]));
    }
}
