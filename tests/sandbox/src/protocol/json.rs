//! Bodies in JSON: protocols `json` and `rest-json`.

use serde_json::{Map, Value};

use super::check::in_body;
use super::description::{Kind, Member, Service, Shape};
use super::time;

/// The value of a body: members by their own names, moments as RFC 3339. What does not fit is left as it came, for
/// [`super::check`] to object to.
pub fn read(service: &'static Service, shape: &'static Shape, body: Value) -> Value {
    let Value::Object(found) = body else {
        return body;
    };
    let mut members = Map::new();
    for (name, value) in found {
        let known = shape
            .members
            .iter()
            .find(|(own, member)| in_body(member) && member.location_name.as_deref().unwrap_or(own) == name);
        match known {
            Some((own, member)) => members.insert(own.clone(), inner(service, member, value)),
            // A member that travels elsewhere is unknown in the body.
            None if shape.members.contains_key(&name) => {
                members.insert(format!("{name} (in the body)"), value)
            }
            None => members.insert(name, value),
        };
    }
    Value::Object(members)
}

fn inner(service: &'static Service, member: &'static Member, value: Value) -> Value {
    let shape = service.shape(&member.shape);
    match (shape.kind, value) {
        (Kind::Structure, value) => read(service, shape, value),
        (Kind::List, Value::Array(elements)) => match &shape.member {
            Some(element) => elements
                .into_iter()
                .map(|value| inner(service, element, value))
                .collect(),
            None => Value::Array(elements),
        },
        (Kind::Map, Value::Object(entries)) => match &shape.value {
            Some(member) => entries
                .into_iter()
                .map(|(key, value)| (key, inner(service, member, value)))
                .collect(),
            None => Value::Object(entries),
        },
        (Kind::Timestamp, value @ Value::Number(_)) => match time::read(&value) {
            Some(moment) => moment.to_string().into(),
            None => value,
        },
        (_, value) => value,
    }
}

/// The body of a value that was checked.
pub fn write(service: &'static Service, shape: &'static Shape, value: &Value) -> Value {
    let mut body = Map::new();
    for (name, member) in shape.members.iter().filter(|(_, member)| in_body(member)) {
        if let Some(value) = value.get(name).filter(|value| !value.is_null()) {
            let name = member.location_name.as_ref().unwrap_or(name);
            body.insert(name.clone(), outer(service, member, value));
        }
    }
    Value::Object(body)
}

fn outer(service: &'static Service, member: &'static Member, value: &Value) -> Value {
    let shape = service.shape(&member.shape);
    match (shape.kind, value) {
        (Kind::Structure, value) => write(service, shape, value),
        (Kind::List, Value::Array(elements)) => match &shape.member {
            Some(element) => elements
                .iter()
                .map(|value| outer(service, element, value))
                .collect(),
            None => value.clone(),
        },
        (Kind::Map, Value::Object(entries)) => match &shape.value {
            Some(member) => entries
                .iter()
                .map(|(key, value)| (key.clone(), outer(service, member, value)))
                .collect(),
            None => value.clone(),
        },
        (Kind::Timestamp, value) => match time::read(value) {
            Some(moment) => Value::Number(time::epoch(moment)),
            None => value.clone(),
        },
        (_, value) => value.clone(),
    }
}
