//! One value against its field: type, format, enum; and into the one form that the services see.

use base64::Engine as _;
use serde_json::{Map, Value};

use super::{Api, Field};

/// One thing that is wrong with a request, as `google.rpc.BadRequest` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// Path of the member in snake case; empty for the message itself.
    pub(super) field: String,
    /// What is wrong.
    pub(super) description: String,
}

/// Reads a body or a value of one.
pub(super) struct Reader<'a> {
    pub(super) api: &'a Api,
    /// The method's id: some members are required by some methods only.
    pub(super) method: &'a str,
    pub(super) violations: Vec<Violation>,
}

/// More nesting than any schema has.
const DEEPEST: usize = 60;

impl Reader<'_> {
    /// A message: unknown and missing members, then each one's value. Members that only Google sets are left out, as Google
    /// ignores them (<https://google.aip.dev/203#output-only>).
    pub(super) fn message(&mut self, schema: &str, value: &Value, at: &str, depth: usize) -> Value {
        let Some(members) = self.api.schemas.get(schema) else {
            return value.clone();
        };
        let Value::Object(given) = value else {
            self.wrong(at, format!("Invalid value at '{at}' (message), {}", shown(value)));
            return Value::Null;
        };
        if depth > DEEPEST {
            self.wrong(at, "Message too deep. Max recursion depth reached".to_owned());
            return Value::Null;
        }
        let mut taken = Map::new();
        for (name, value) in given {
            let known = members
                .get_key_value(name)
                .or_else(|| {
                    let either = self.api.is_protobuf() && name.contains('_');
                    either.then(|| members.get_key_value(&camel(name))).flatten()
                })
                .or_else(|| members.get_key_value("*").map(|(_, field)| (name, field)));
            let Some((name, field)) = known else {
                // Words as Google's front end says them, seen in many public issues ("Invalid JSON payload received").
                let place = if at.is_empty() {
                    String::new()
                } else {
                    format!(" at '{at}'")
                };
                self.wrong(
                    at,
                    format!(
                        "Invalid JSON payload received. Unknown name \"{name}\"{place}: Cannot find field."
                    ),
                );
                continue;
            };
            // `null` is the same as not given (<https://protobuf.dev/programming-guides/json/>), except where a patch of the
            // oldest APIs takes a member away by it.
            if value.is_null() && self.api.is_protobuf() {
                continue;
            }
            if field.output && self.api.is_protobuf() {
                continue;
            }
            let place = joined(at, name);
            if value.is_null() {
                taken.insert(name.clone(), Value::Null);
                continue;
            }
            let value = self.value(field, value, &place, depth + 1);
            taken.insert(name.clone(), value);
        }
        for (name, field) in members {
            let empty = match taken.get(name) {
                None | Some(Value::Null) => true,
                Some(Value::String(text)) => text.is_empty(),
                // Of protobuf's messages an empty list travels as nothing too.
                Some(Value::Array(items)) => items.is_empty() && self.api.is_protobuf(),
                Some(_) => false,
            };
            // Numbers and truths that are zero travel as nothing.
            let visible = field.reference.is_some() || field.items.is_some() || field.kind == "string";
            // Prose says of a message that a member is required; an update sends only what it changes.
            let partial =
                matches!(self.method.rsplit('.').next(), Some("patch" | "update")) && self.api.is_protobuf();
            if empty && visible && !partial && !field.output && field.required.by(self.method) {
                let place = joined(at, name);
                // Each service has its own words; this is a guess at common ones.
                self.wrong(&place, format!("Required field '{place}' is missing."));
            }
        }
        Value::Object(taken)
    }

    /// A value of a field.
    pub(super) fn value(&mut self, field: &Field, value: &Value, at: &str, depth: usize) -> Value {
        if let Some(reference) = &field.reference {
            return self.message(reference, value, at, depth);
        }
        if let Some(items) = &field.items {
            let Value::Array(given) = value else {
                self.wrong(at, format!("Invalid value at '{at}' (list), {}", shown(value)));
                return Value::Null;
            };
            return given
                .iter()
                .enumerate()
                .map(|(index, item)| self.value(items, item, &format!("{at}[{index}]"), depth + 1))
                .collect();
        }
        if let Some(values) = &field.map {
            let Value::Object(given) = value else {
                self.wrong(at, format!("Invalid value at '{at}' (map), {}", shown(value)));
                return Value::Null;
            };
            return given
                .iter()
                .map(|(key, value)| {
                    let place = format!("{at}[{key}]");
                    // A patch of the oldest APIs removes a key by `null`.
                    let value = if value.is_null() {
                        Value::Null
                    } else {
                        self.value(values, value, &place, depth + 1)
                    };
                    (key.clone(), value)
                })
                .collect();
        }
        match scalar(self.api, field, value) {
            Ok(value) => value,
            Err(kind) => {
                self.wrong(at, format!("Invalid value at '{at}' ({kind}), {}", shown(value)));
                Value::Null
            }
        }
    }

    pub(super) fn wrong(&mut self, field: &str, description: String) {
        self.violations.push(Violation {
            field: field.to_owned(),
            description,
        });
    }
}

/// A scalar in its one form: 64-bit numbers as text, enums by name.
///
/// # Errors
/// The name of the type that it is not a value of.
pub(super) fn scalar(api: &Api, field: &Field, value: &Value) -> Result<Value, String> {
    let format = field.format.as_deref().unwrap_or_default();
    if let Some(name) = &field.enumeration {
        let wrong = || format!("type.googleapis.com/{name}");
        let known = api.enums.get(name).ok_or_else(wrong)?;
        return match value {
            Value::String(text) if known.contains_key(text) => Ok(value.clone()),
            Value::Number(number) => known
                .iter()
                .find(|(_, known)| known.map(i64::from) == number.as_i64())
                .map(|(name, _)| Value::from(name.as_str()))
                .ok_or_else(wrong),
            _ => Err(wrong()),
        };
    }
    match (field.kind.as_str(), format) {
        ("string", "int64" | "uint64") => {
            let kind = format!("TYPE_{}", format.to_uppercase());
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => return Err(kind),
            };
            let fits = if format == "int64" {
                text.parse::<i64>().is_ok()
            } else {
                text.parse::<u64>().is_ok()
            };
            fits.then(|| Value::from(text)).ok_or(kind)
        }
        ("string", _) => {
            let Value::String(text) = value else {
                return Err("TYPE_STRING".to_owned());
            };
            match format {
                "google-datetime" | "date-time" if !is_timestamp(text) => {
                    Err("type.googleapis.com/google.protobuf.Timestamp".to_owned())
                }
                "google-duration" if seconds(text).is_none() => {
                    Err("type.googleapis.com/google.protobuf.Duration".to_owned())
                }
                "byte" => bytes(text)
                    .map(|content| Value::from(base64::engine::general_purpose::STANDARD.encode(content)))
                    .ok_or_else(|| "TYPE_BYTES".to_owned()),
                "date" if text.parse::<jiff::civil::Date>().is_err() => Err("TYPE_STRING".to_owned()),
                _ => Ok(value.clone()),
            }
        }
        ("integer", _) => {
            let kind = || {
                format!(
                    "TYPE_{}",
                    if format.is_empty() {
                        "INT32".to_owned()
                    } else {
                        format.to_uppercase()
                    }
                )
            };
            let number = match value {
                Value::Number(number) => number.as_i64().or_else(|| {
                    number
                        .as_f64()
                        .filter(|float| float.fract() == 0.0)
                        .map(|float| float as i64)
                }),
                // Numbers may come as text (<https://protobuf.dev/programming-guides/json/>).
                Value::String(text) => text.parse().ok(),
                _ => None,
            }
            .ok_or_else(kind)?;
            let fits = match format {
                "uint32" => u32::try_from(number).is_ok(),
                _ => i32::try_from(number).is_ok(),
            };
            fits.then(|| Value::from(number)).ok_or_else(kind)
        }
        ("number", _) => match value {
            Value::Number(_) => Ok(value.clone()),
            Value::String(text) => text
                .parse::<f64>()
                .ok()
                .and_then(serde_json::Number::from_f64)
                .map(Value::Number)
                .ok_or_else(|| "TYPE_DOUBLE".to_owned()),
            _ => Err("TYPE_DOUBLE".to_owned()),
        },
        ("boolean", _) => match value {
            Value::Bool(_) => Ok(value.clone()),
            _ => Err("TYPE_BOOL".to_owned()),
        },
        ("object", _) if !value.is_object() => Err("message".to_owned()),
        _ => Ok(value.clone()),
    }
}

/// RFC 3339; the last day that Google writes for "never" is one more than the reader's calendar has.
fn is_timestamp(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok() || text == "9999-12-31T23:59:59Z"
}

/// Seconds of a duration such as `604800s`, `3.5s`.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    let digits = text.strip_suffix('s')?;
    let plain = digits
        .strip_prefix('-')
        .unwrap_or(digits)
        .chars()
        .all(|character| character.is_ascii_digit() || character == '.');
    plain.then(|| digits.parse().ok()).flatten()
}

/// Base64 in either alphabet, padded or not.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    base64::engine::general_purpose::STANDARD_NO_PAD.decode(text).ok()
}

/// A value as the message quotes it.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 200 {
        text.chars().take(200).collect::<String>() + "..."
    } else {
        text
    }
}

fn joined(at: &str, name: &str) -> String {
    let name = snake(name);
    if at.is_empty() {
        name
    } else {
        format!("{at}.{name}")
    }
}

/// `nodePools` for `node_pools`.
pub(crate) fn camel(name: &str) -> String {
    let mut upper = false;
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        if character == '_' {
            upper = true;
        } else if std::mem::take(&mut upper) {
            text.extend(character.to_uppercase());
        } else {
            text.push(character);
        }
    }
    text
}

/// `node_pools` for `nodePools`.
pub(crate) fn snake(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            text.push('_');
            text.push(character.to_ascii_lowercase());
        } else {
            text.push(character);
        }
    }
    text
}
