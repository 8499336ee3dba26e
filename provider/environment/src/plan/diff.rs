//! What differs between a component as wanted and as found, where "different" means what the cloud means by it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::rules::{self, Comparison};
use super::step::Change;
use crate::component::{Component, Management, Properties};
use crate::reference;

/// The differences, by name of property.
///
/// * `found`: properties as found; one that is left out is one that the cloud does not tell, and is not compared.
/// * `before`: properties as wanted last time, if known: a tag that was ours and is no longer wanted goes.
///
/// A wanted property that still holds a reference cannot be compared and is taken to be as wanted.
pub fn diff(wanted: &Component, found: &Properties, before: Option<&Properties>) -> Vec<Change> {
    differences(wanted, found, before, false)
}

/// The differences as a plan foresees them: what holds a reference will be something else than what was found.
pub(super) fn foreseen(wanted: &Component, found: &Properties) -> Vec<Change> {
    differences(wanted, found, None, true)
}

fn differences(
    wanted: &Component,
    found: &Properties,
    before: Option<&Properties>,
    pending: bool,
) -> Vec<Change> {
    if wanted.management == Management::Existing {
        return Vec::new();
    }
    let shared = wanted.management == Management::Shared;
    let mut changes = Vec::new();
    for (property, to) in &wanted.properties {
        let Some(from) = found.get(property) else { continue };
        let comparison = rules::of(wanted.kind, property).0;
        // What is shared is brought up to our needs and gets the mark of our use; nothing else about it is ours.
        if shared && !matches!(comparison, Comparison::AtLeast | Comparison::Tags) {
            continue;
        }
        let comparison = if !shared && comparison == Comparison::AtLeast {
            Comparison::Value
        } else {
            comparison
        };
        let before = before.and_then(|before| before.get(property));
        if !pending && !settled(to) && from != to {
            // Text against the same text is equal; anything else cannot be told yet.
            continue;
        }
        changes.extend(compare(property, comparison, from, to, before));
    }
    changes
}

/// Whether a value holds no reference.
fn settled(value: &Value) -> bool {
    let mut found = BTreeSet::new();
    reference::find_in(value, &mut found);
    found.is_empty()
}

fn compare(
    property: &str,
    comparison: Comparison,
    from: &Value,
    to: &Value,
    before: Option<&Value>,
) -> Option<Change> {
    let change = |from: Value, to: Value| {
        Some(Change {
            property: property.to_owned(),
            from,
            to,
        })
    };
    let same = match comparison {
        Comparison::Never => true,
        Comparison::Ordered => from == to,
        Comparison::Value => as_set(from) == as_set(to),
        Comparison::Document => document(from) == document(to),
        Comparison::Documents => documents(from) == documents(to),
        Comparison::Grants => {
            let from = own_grants(from, to, before);
            if as_set(&from) == as_set(to) {
                return None;
            }
            return change(from, to.clone());
        }
        Comparison::GrantsByFolder => {
            let from = own_folders(from, to, before);
            if as_set(&from) == as_set(to) {
                return None;
            }
            return change(from, to.clone());
        }
        Comparison::Version => to.as_str().is_none_or(str::is_empty) || from == to,
        Comparison::AtLeast => {
            let has = from.as_array().cloned().unwrap_or_default();
            if to.as_array().into_iter().flatten().all(|item| has.contains(item)) {
                return None;
            }
            let mut all = has.clone();
            all.extend(
                to.as_array()
                    .into_iter()
                    .flatten()
                    .filter(|item| !has.contains(item))
                    .cloned(),
            );
            return change(from.clone(), Value::Array(all));
        }
        Comparison::Tags => {
            let from = own_tags(from, to, before);
            if from == *to {
                return None;
            }
            return change(from, to.clone());
        }
    };
    if same {
        None
    } else {
        change(from.clone(), to.clone())
    }
}

/// Of the tags found, those that are ours: wanted now, or wanted last time.
fn own_tags(from: &Value, to: &Value, before: Option<&Value>) -> Value {
    let key_in = |tags: Option<&Value>, key: &str| tags.is_some_and(|tags| tags.get(key).is_some());
    let found = from.as_object().into_iter().flatten();
    found
        .filter(|(key, _)| key_in(Some(to), key) || key_in(before, key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect::<Map<_, _>>()
        .into()
}

/// Of the grants found, those wanted now or last time: the rest is foreign or somebody else's.
fn own_grants(from: &Value, to: &Value, before: Option<&Value>) -> Value {
    let holds = |grants: Option<&Value>, grant: &Value| {
        let grants = grants.and_then(Value::as_array).into_iter().flatten();
        grants.into_iter().any(|other| as_set(other) == as_set(grant))
    };
    let found = from.as_array().into_iter().flatten();
    found
        .filter(|grant| holds(Some(to), grant) || holds(before, grant))
        .cloned()
        .collect()
}

/// The same by folder; a folder that was never wanted is somebody else's.
fn own_folders(from: &Value, to: &Value, before: Option<&Value>) -> Value {
    let nothing = Value::Array(Vec::new());
    let found = from.as_object().into_iter().flatten();
    found
        .filter_map(|(folder, grants)| {
            let (now, last) = (to.get(folder), before.and_then(|before| before.get(folder)));
            now.or(last)?;
            let own = own_grants(grants, now.unwrap_or(&nothing), last);
            Some((folder.clone(), own))
        })
        .collect::<Map<_, _>>()
        .into()
}

/// Lists as sets, all the way down. An empty list or map is the same as none.
fn as_set(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Object(fields) if fields.is_empty() => Value::Null,
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(as_set).collect();
            items.sort_by_key(Value::to_string);
            items.dedup();
            items.into()
        }
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), as_set(value)))
            .collect(),
        other => other.clone(),
    }
}

/// A policy document in one spelling. Text that is no JSON stands for itself.
fn document(value: &Value) -> Value {
    match value.as_str().map(serde_json::from_str::<Value>) {
        Some(Ok(parsed)) => spelling(&parsed),
        _ => value.clone(),
    }
}

fn documents(value: &Value) -> Value {
    let fields = value.as_object().into_iter().flatten();
    fields
        .map(|(name, text)| (name.clone(), document(text)))
        .collect::<Map<_, _>>()
        .into()
}

/// One or many, in any order, is the same to IAM; an anonymous principal has two spellings.
fn spelling(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(spelling).collect();
            items.sort_by_key(Value::to_string);
            items.dedup();
            if items.len() == 1 {
                items.remove(0)
            } else {
                items.into()
            }
        }
        Value::Object(fields) => {
            let fields: Map<String, Value> = fields
                .iter()
                .map(|(key, value)| (key.clone(), spelling(value)))
                .collect();
            if fields.len() == 1 && fields.get("AWS").is_some_and(|value| value == "*") {
                return "*".into();
            }
            fields.into()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::component::{Address, Kind, OnDestroy, Outputs};

    fn wanted(kind: Kind, properties: Value) -> Component {
        Component {
            address: Address::new(&["x"]),
            kind,
            management: Management::Create,
            on_destroy: OnDestroy::Delete,
            id: None,
            properties: map(properties),
            outputs: Outputs::new(),
            after: BTreeSet::new(),
        }
    }

    fn map(value: Value) -> Properties {
        serde_json::from_value(value).expect("an object")
    }

    fn changed(kind: Kind, to: Value, from: Value) -> Vec<String> {
        diff(&wanted(kind, to), &map(from), None)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn documents_are_compared_by_meaning() {
        let ours = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":["b","a"],"Resource":"x"}]}"#;
        let theirs = r#"{"Statement":{"Resource":["x"],"Action":["a","b"],"Principal":{"AWS":"*"},"Effect":"Deny"},"Version":"2012-10-17"}"#;
        assert!(
            changed(
                Kind::AwsBucket,
                json!({ "policy": ours }),
                json!({ "policy": theirs })
            )
            .is_empty()
        );
        let wider = ours.replace("\"b\"", "\"*\"");
        assert_eq!(
            changed(
                Kind::AwsBucket,
                json!({ "policy": ours }),
                json!({ "policy": wider })
            ),
            ["policy changes"]
        );
        assert_eq!(
            changed(
                Kind::AwsBucket,
                json!({ "policy": ours }),
                json!({ "policy": null })
            ),
            ["policy changes"]
        );
    }

    #[test]
    fn tags_of_others_are_left_alone_and_ours_come_and_go() {
        let component = wanted(Kind::AwsBucket, json!({ "tags": { "a": "1" } }));
        let found = map(json!({ "tags": { "a": "1", "scanner": "x", "old": "2" } }));
        assert!(diff(&component, &found, None).is_empty());
        let before = map(json!({ "tags": { "a": "1", "old": "2" } }));
        let changes = diff(&component, &found, Some(&before));
        assert_eq!(changes[0].from, json!({ "a": "1", "old": "2" }));
        assert_eq!(changes[0].to, json!({ "a": "1" }));
    }

    #[test]
    fn what_the_cloud_does_not_tell_is_not_compared() {
        assert!(changed(Kind::AwsKey, json!({ "rotation_days": 365 }), json!({})).is_empty());
    }

    #[test]
    fn what_is_not_known_yet_is_not_compared() {
        let to = json!({ "encryption": "@{keys.storage:arn}" });
        assert!(changed(Kind::AwsBucket, to, json!({ "encryption": "AES256" })).is_empty());
    }

    #[test]
    fn no_version_wanted_is_whatever_is_there() {
        assert!(
            changed(
                Kind::AwsCluster,
                json!({ "version": "" }),
                json!({ "version": "1.33" })
            )
            .is_empty()
        );
        assert_eq!(
            changed(
                Kind::AwsCluster,
                json!({ "version": "1.34" }),
                json!({ "version": "1.33" })
            ),
            ["version 1.33 → 1.34"]
        );
    }

    #[test]
    fn a_shared_provider_only_gains_an_audience_and_our_mark() {
        let mut component = wanted(
            Kind::AwsOidcProvider,
            json!({ "audiences": ["sts.amazonaws.com"], "tags": { "mlops:uid": "u" } }),
        );
        component.management = Management::Shared;
        let found = map(json!({ "audiences": ["other"], "tags": {} }));
        let lines: Vec<String> = diff(&component, &found, None)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(lines, ["audiences +sts.amazonaws.com", "tags +mlops:uid"]);
        component.management = Management::Create;
        let both = map(json!({ "audiences": ["other", "sts.amazonaws.com"], "tags": { "mlops:uid": "u" } }));
        assert_eq!(diff(&component, &both, None).len(), 1);
    }

    #[test]
    fn existing_things_never_differ() {
        let mut component = wanted(Kind::AwsBucket, json!({ "versioning": true }));
        component.management = Management::Existing;
        assert!(diff(&component, &map(json!({ "versioning": false })), None).is_empty());
    }
}
