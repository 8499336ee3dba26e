//! Puts an object's value together: what the user wrote, what the defaults say, what is computed.

use std::collections::BTreeMap;

use mlops_environment::component::Reference;
use mlops_environment::reference;
use serde_json::Value as Json;
use tfplugin::schema::{Attribute, Block, Kind, Mode, Nesting, Schema};
use tfplugin::{Number, Type, Value};

/// What stands where a reference cannot be resolved.
pub(crate) trait Unresolved {
    /// The value for a text that holds these references; `prior` is what stood in the same place.
    fn value(&self, references: &[Reference], prior: &Value) -> Value;
}

/// Always unknown: a create.
pub(crate) struct Unknown;

impl Unresolved for Unknown {
    fn value(&self, _: &[Reference], _: &Value) -> Value {
        unknown()
    }
}

/// Always null: what was not reached does not exist.
pub(crate) struct Absent;

impl Unresolved for Absent {
    fn value(&self, _: &[Reference], _: &Value) -> Value {
        Value::Null
    }
}

/// A value that is known after apply.
pub(crate) fn unknown() -> Value {
    Value::Unknown(tfplugin::value::Refinements::default())
}

/// The whole object.
///
/// * `config`: the configuration (or, after apply, the plan): what is set there stays.
/// * `resolved`: settings with every default filled in and computed attributes, as JSON by attribute; what is missing
///   there is not known yet.
/// * `prior`: the prior state, or null.
pub(crate) fn object(
    schema: &Schema,
    config: &Value,
    resolved: &BTreeMap<String, Json>,
    prior: &Value,
    unresolved: &dyn Unresolved,
) -> Value {
    let mut fields: BTreeMap<String, Value> = schema
        .attributes
        .iter()
        .map(|(name, attribute)| {
            let config = field(config, name);
            (
                name.clone(),
                value(
                    attribute,
                    config,
                    resolved.get(name),
                    field(prior, name),
                    unresolved,
                ),
            )
        })
        .collect();
    for (name, block) in &schema.blocks {
        fields.insert(name.clone(), block_value(block, field(config, name)));
    }
    Value::Object(fields)
}

fn block_value(_: &Block, config: &Value) -> Value {
    config.clone()
}

fn field<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

fn value(
    attribute: &Attribute,
    config: &Value,
    resolved: Option<&Json>,
    prior: &Value,
    unresolved: &dyn Unresolved,
) -> Value {
    let computed = matches!(attribute.mode, Mode::Computed | Mode::OptionalComputed);
    match (&attribute.kind, config) {
        (_, Value::Unknown(_)) => config.clone(),
        (Kind::Plain(ty), Value::Null) if computed => match resolved {
            Some(json) => from_json(json, ty, prior, unresolved),
            None => unknown(),
        },
        (Kind::Nested(nesting, children), Value::Null) if computed => match resolved {
            Some(Json::Null) => Value::Null,
            Some(json) => nested(
                *nesting,
                children,
                &Value::Null,
                Some(json),
                prior,
                unresolved,
                true,
            ),
            None => unknown(),
        },
        (Kind::Plain(_), _) | (_, Value::Null) => config.clone(),
        (Kind::Nested(nesting, children), _) => {
            nested(*nesting, children, config, resolved, prior, unresolved, false)
        }
    }
}

/// `whole`: the parent itself is computed here, so that every child may be.
fn nested(
    nesting: Nesting,
    children: &BTreeMap<String, Attribute>,
    config: &Value,
    resolved: Option<&Json>,
    prior: &Value,
    unresolved: &dyn Unresolved,
    whole: bool,
) -> Value {
    let one = |config: &Value, resolved: Option<&Json>, prior: &Value| {
        let fields = children
            .iter()
            .map(|(name, child)| {
                // Where the parent is known, a child that it does not mention is null, not unknown.
                let json = resolved.map(|json| json.get(name).unwrap_or(&Json::Null));
                let child_config = field(config, name);
                let value = if whole && child_config.is_null() {
                    let computed = Attribute {
                        mode: Mode::OptionalComputed,
                        ..child.clone()
                    };
                    value(&computed, child_config, json, field(prior, name), unresolved)
                } else {
                    value(child, child_config, json, field(prior, name), unresolved)
                };
                (name.clone(), value)
            })
            .collect();
        Value::Object(fields)
    };
    match nesting {
        Nesting::Single => one(config, resolved, prior),
        Nesting::Map => {
            let mut items = BTreeMap::new();
            if let Value::Map(entries) = config {
                for (key, config) in entries {
                    let item = if matches!(config, Value::Object(_)) {
                        one(config, resolved.and_then(|json| json.get(key)), field(prior, key))
                    } else {
                        config.clone()
                    };
                    items.insert(key.clone(), item);
                }
            } else if let Some(Json::Object(entries)) = resolved {
                for (key, json) in entries {
                    items.insert(key.clone(), one(&Value::Null, Some(json), field(prior, key)));
                }
            }
            Value::Map(items)
        }
        Nesting::List | Nesting::Set => {
            let prior_items = elements(prior);
            let items: Vec<Value> = if let Value::List(items) | Value::Set(items) = config {
                items
                    .iter()
                    .enumerate()
                    .map(|(at, config)| {
                        let json = resolved.and_then(|json| json.get(at));
                        one(config, json, prior_items.get(at).unwrap_or(&Value::Null))
                    })
                    .collect()
            } else {
                let entries = resolved.and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
                entries
                    .iter()
                    .enumerate()
                    .map(|(at, json)| {
                        one(
                            &Value::Null,
                            Some(json),
                            prior_items.get(at).unwrap_or(&Value::Null),
                        )
                    })
                    .collect()
            };
            if nesting == Nesting::List {
                Value::List(items)
            } else {
                Value::Set(items)
            }
        }
    }
}

fn elements(value: &Value) -> &[Value] {
    match value {
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => items,
        _ => &[],
    }
}

/// JSON of a known type as a value; text with references that are left becomes what `unresolved` says.
pub(crate) fn from_json(json: &Json, ty: &Type, prior: &Value, unresolved: &dyn Unresolved) -> Value {
    match (json, ty) {
        (Json::Null, _) => Value::Null,
        (Json::String(text), Type::Number) => Value::Number(Number::Decimal(text.clone())),
        (Json::String(text), _) => {
            let references = reference::find(text);
            if references.is_empty() {
                Value::String(text.clone())
            } else {
                unresolved.value(&references, prior)
            }
        }
        (Json::Bool(flag), _) => Value::Bool(*flag),
        (Json::Number(number), _) => number.as_i64().map_or_else(
            || {
                number
                    .as_f64()
                    .map_or(Value::Null, |float| Value::Number(Number::Float(float)))
            },
            |int| Value::Number(Number::Int(int)),
        ),
        (Json::Array(items), Type::Set(inner)) => Value::Set(
            items
                .iter()
                .map(|item| from_json(item, inner, &Value::Null, unresolved))
                .collect(),
        ),
        (Json::Array(items), Type::List(inner)) => {
            let before = elements(prior);
            Value::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| {
                        from_json(item, inner, before.get(at).unwrap_or(&Value::Null), unresolved)
                    })
                    .collect(),
            )
        }
        (Json::Object(entries), Type::Map(inner)) => Value::Map(
            entries
                .iter()
                .map(|(key, item)| (key.clone(), from_json(item, inner, field(prior, key), unresolved)))
                .collect(),
        ),
        (Json::Object(entries), Type::Object(fields)) => Value::Object(
            fields
                .iter()
                .map(|(name, inner)| {
                    let item = entries.get(name).unwrap_or(&Json::Null);
                    (
                        name.clone(),
                        from_json(item, inner, field(prior, name), unresolved),
                    )
                })
                .collect(),
        ),
        // A shape that the schema does not have cannot be shown; a test compares shapes.
        (Json::Array(_) | Json::Object(_), _) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn attributes(list: Vec<(&str, Attribute)>) -> BTreeMap<String, Attribute> {
        list.into_iter()
            .map(|(name, attribute)| (name.to_owned(), attribute))
            .collect()
    }

    fn schema() -> Schema {
        Schema {
            attributes: attributes(vec![
                ("name", Attribute::string().required()),
                ("note", Attribute::string().optional()),
                ("size", Attribute::number().optional_computed()),
                ("arn", Attribute::string().computed()),
                (
                    "pools",
                    Attribute::map_nested(attributes(vec![
                        ("min", Attribute::number().optional_computed()),
                        ("label", Attribute::string().optional()),
                    ]))
                    .optional_computed(),
                ),
            ]),
            ..Schema::default()
        }
    }

    fn record(list: Vec<(&str, Value)>) -> Value {
        Value::Object(
            list.into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    fn text(text: &str) -> Value {
        Value::String(text.into())
    }

    fn number(number: i64) -> Value {
        Value::Number(Number::Int(number))
    }

    fn resolved(json: Json) -> BTreeMap<String, Json> {
        json.as_object().unwrap().clone().into_iter().collect()
    }

    #[test]
    fn what_the_user_wrote_wins_and_defaults_fill_the_rest() {
        let config = record(vec![
            ("name", text("a")),
            ("note", Value::Null),
            ("size", Value::Null),
            ("arn", Value::Null),
            (
                "pools",
                Value::Map(BTreeMap::from([(
                    "x".into(),
                    record(vec![("min", Value::Null), ("label", Value::Null)]),
                )])),
            ),
        ]);
        let resolved = resolved(
            json!({"size": 3, "note": "ignored", "arn": "arn:a", "pools": {"x": {"min": 1, "label": "no"}}}),
        );
        let value = object(&schema(), &config, &resolved, &Value::Null, &Unknown);
        assert_eq!(
            value.get("note"),
            Some(&Value::Null),
            "an optional attribute is the user's alone"
        );
        assert_eq!(value.get("size"), Some(&number(3)));
        let pool = value.get("pools").and_then(|pools| pools.get("x")).unwrap();
        assert_eq!(pool.get("min"), Some(&number(1)));
        assert_eq!(pool.get("label"), Some(&Value::Null));
    }

    #[test]
    fn a_computed_parent_is_filled_with_all_its_children() {
        let resolved =
            resolved(json!({"size": null, "arn": "x", "pools": {"system": {"min": 1, "label": "l"}}}));
        let value = object(
            &schema(),
            &record(vec![("name", text("a"))]),
            &resolved,
            &Value::Null,
            &Unknown,
        );
        let pool = value.get("pools").and_then(|pools| pools.get("system")).unwrap();
        assert_eq!(pool.get("label"), Some(&text("l")));
    }

    #[test]
    fn a_reference_that_is_left_is_unknown_or_absent_as_asked() {
        let resolved = resolved(json!({"arn": "@{keys.storage:arn}"}));
        let config = record(vec![("name", text("a"))]);
        assert!(matches!(
            object(&schema(), &config, &resolved, &Value::Null, &Unknown).get("arn"),
            Some(Value::Unknown(_))
        ));
        assert_eq!(
            object(&schema(), &config, &resolved, &Value::Null, &Absent).get("arn"),
            Some(&Value::Null)
        );
    }

    #[test]
    fn without_any_answer_computed_values_are_unknown() {
        let value = object(
            &schema(),
            &record(vec![("name", text("a"))]),
            &BTreeMap::new(),
            &Value::Null,
            &Unknown,
        );
        assert!(matches!(value.get("size"), Some(Value::Unknown(_))));
        assert!(matches!(value.get("pools"), Some(Value::Unknown(_))));
        assert_eq!(value.get("note"), Some(&Value::Null));
    }
}
