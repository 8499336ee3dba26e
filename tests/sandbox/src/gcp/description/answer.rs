//! An answer against its method's description: one that breaks it is a fault of the sandbox.

use serde_json::{Map, Value};

use super::{Api, Field, Method};

/// What an answer has that its description does not allow; empty when it is right.
pub fn check_answer(api: &Api, method: &Method, answer: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(schema) = &method.response {
        message(api, schema, answer, schema, &mut problems);
    } else if answer.as_object().is_some_and(|members| !members.is_empty()) {
        problems.push("the method answers nothing".to_owned());
    }
    problems
}

/// The same answer with enums by number, as `$alt=json;enum-encoding=int` asks; those without a known number stay names.
pub fn with_enum_numbers(api: &Api, method: &Method, answer: &Value) -> Value {
    match &method.response {
        Some(schema) => numbered(api, schema, answer),
        None => answer.clone(),
    }
}

fn message(api: &Api, schema: &str, value: &Value, at: &str, problems: &mut Vec<String>) {
    let Some(members) = api.schemas.get(schema) else {
        return;
    };
    let Value::Object(given) = value else {
        problems.push(format!("{at} is not a message"));
        return;
    };
    for (name, value) in given {
        let at = format!("{at}.{name}");
        match members.get(name).or_else(|| members.get("*")) {
            Some(field) => check(api, field, value, &at, problems),
            None => problems.push(format!("{at} is not described")),
        }
    }
}

fn check(api: &Api, field: &Field, value: &Value, at: &str, problems: &mut Vec<String>) {
    if let Some(reference) = &field.reference {
        return message(api, reference, value, at, problems);
    }
    if let Some(items) = &field.items {
        match value.as_array() {
            Some(list) => list.iter().for_each(|item| check(api, items, item, at, problems)),
            None => problems.push(format!("{at} is not a list")),
        }
        return;
    }
    if let Some(values) = &field.map {
        match value.as_object() {
            Some(map) => map
                .iter()
                .for_each(|(key, value)| check(api, values, value, &format!("{at}.{key}"), problems)),
            None => problems.push(format!("{at} is not a map")),
        }
        return;
    }
    // Google writes one form only: 64-bit numbers as text, enums by name.
    match super::value::scalar(api, field, value) {
        Ok(same) if same == *value || field.format.as_deref() == Some("byte") => {}
        Ok(same) => problems.push(format!("{at} is {value} and must be {same}")),
        Err(kind) => problems.push(format!("{at} is {value}, no value of {kind}")),
    }
}

fn numbered(api: &Api, schema: &str, value: &Value) -> Value {
    let (Some(members), Value::Object(given)) = (api.schemas.get(schema), value) else {
        return value.clone();
    };
    let taken: Map<String, Value> = given
        .iter()
        .map(|(name, value)| {
            let field = members.get(name).or_else(|| members.get("*"));
            let value = field.map_or_else(|| value.clone(), |field| number(api, field, value));
            (name.clone(), value)
        })
        .collect();
    Value::Object(taken)
}

fn number(api: &Api, field: &Field, value: &Value) -> Value {
    match (field, value) {
        (
            Field {
                reference: Some(schema),
                ..
            },
            value,
        ) => numbered(api, schema, value),
        (
            Field {
                items: Some(items), ..
            },
            Value::Array(list),
        ) => list.iter().map(|item| number(api, items, item)).collect(),
        (
            Field {
                map: Some(values), ..
            },
            Value::Object(map),
        ) => map
            .iter()
            .map(|(key, value)| (key.clone(), number(api, values, value)))
            .collect(),
        (
            Field {
                enumeration: Some(name),
                ..
            },
            Value::String(text),
        ) => api
            .enums
            .get(name)
            .and_then(|known| known.get(text).copied().flatten())
            .map_or_else(|| value.clone(), Value::from),
        _ => value.clone(),
    }
}
