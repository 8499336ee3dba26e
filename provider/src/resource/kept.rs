//! Choices made once: what was decided at creation stays, however the defaults move.

use std::collections::BTreeMap;

use tfplugin::Value;
use tfplugin::schema::{Attribute, Kind, Mode, Nesting, OnChange, Schema};

/// The configuration with every kept attribute that it leaves open taken from the prior state.
pub(crate) fn with_kept(schema: &Schema, config: &Value, prior: &Value) -> Value {
    if prior.is_null() {
        return config.clone();
    }
    let mut fields = match object(&schema.attributes, config, prior) {
        Value::Object(fields) => fields,
        other => return other,
    };
    for name in schema.blocks.keys() {
        fields.insert(name.clone(), config.get(name).cloned().unwrap_or(Value::Null));
    }
    Value::Object(fields)
}

fn object(children: &BTreeMap<String, Attribute>, config: &Value, prior: &Value) -> Value {
    let fields: BTreeMap<String, Value> = children
        .iter()
        .map(|(name, child)| {
            let field = |of: &Value| of.get(name).cloned().unwrap_or(Value::Null);
            (name.clone(), attribute(child, &field(config), &field(prior)))
        })
        .collect();
    // An object that nobody wrote and in which nothing is kept is not there.
    if config.is_null() && fields.values().all(Value::is_null) {
        Value::Null
    } else {
        Value::Object(fields)
    }
}

fn attribute(attribute: &Attribute, config: &Value, prior: &Value) -> Value {
    let open = config.is_null() && attribute.mode == Mode::OptionalComputed;
    match &attribute.kind {
        _ if matches!(config, Value::Unknown(_)) => config.clone(),
        Kind::Plain(_) if open && attribute.on_change == OnChange::Keep => prior.clone(),
        Kind::Nested(Nesting::Single, children) if open || !config.is_null() => {
            object(children, config, prior)
        }
        Kind::Nested(Nesting::Map, children) => match config {
            Value::Map(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, config)| {
                        let before = prior.get(key).cloned().unwrap_or(Value::Null);
                        let kept = if matches!(config, Value::Object(_)) {
                            object(children, config, &before)
                        } else {
                            config.clone()
                        };
                        (key.clone(), kept)
                    })
                    .collect(),
            ),
            other => other.clone(),
        },
        _ => config.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn schema() -> Schema {
        let children = BTreeMap::from([
            (
                "namespace".to_owned(),
                Attribute::string().optional_computed().keep(),
            ),
            ("size".to_owned(), Attribute::string().optional_computed()),
        ]);
        Schema {
            attributes: BTreeMap::from([
                (
                    "services".to_owned(),
                    Attribute::map_nested(children.clone()).optional(),
                ),
                (
                    "cluster".to_owned(),
                    Attribute::object(children).optional_computed(),
                ),
            ]),
            ..Schema::default()
        }
    }

    #[test]
    fn keeps_what_was_decided_once_and_nothing_else() {
        let config = record(vec![
            (
                "services",
                Value::Map(BTreeMap::from([(
                    "a".into(),
                    record(vec![("size", Value::Null)]),
                )])),
            ),
            ("cluster", Value::Null),
        ]);
        let before = record(vec![("namespace", text("a-dev")), ("size", text("small"))]);
        let prior = record(vec![
            (
                "services",
                Value::Map(BTreeMap::from([
                    ("a".into(), before.clone()),
                    ("gone".into(), before.clone()),
                ])),
            ),
            ("cluster", before),
        ]);
        let kept = with_kept(&schema(), &config, &prior);
        let service = kept
            .get("services")
            .and_then(|services| services.get("a"))
            .unwrap();
        assert_eq!(service.get("namespace"), Some(&text("a-dev")));
        assert_eq!(
            service.get("size"),
            Some(&Value::Null),
            "a default follows the tier"
        );
        assert!(
            kept.get("services")
                .and_then(|services| services.get("gone"))
                .is_none()
        );
        assert_eq!(
            kept.get("cluster").and_then(|cluster| cluster.get("namespace")),
            Some(&text("a-dev"))
        );
    }

    #[test]
    fn a_word_of_the_user_wins() {
        let config = record(vec![
            ("cluster", record(vec![("namespace", text("mine"))])),
            ("services", Value::Null),
        ]);
        let prior = record(vec![
            ("cluster", record(vec![("namespace", text("a-dev"))])),
            ("services", Value::Null),
        ]);
        let kept = with_kept(&schema(), &config, &prior);
        assert_eq!(
            kept.get("cluster").and_then(|cluster| cluster.get("namespace")),
            Some(&text("mine"))
        );
    }
}
