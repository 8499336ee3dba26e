//! A request read by its method's description into one input: parameters by name, the body under `body`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::value::{Reader, Violation, scalar};
use super::{Field, Found, mask};
use crate::answer::Refusal;

/// The parameters that every method takes (<https://cloud.google.com/apis/docs/system-parameters>).
const SYSTEM: [&str; 15] = [
    "$.xgafv",
    "$alt",
    "$apiVersion",
    "$fields",
    "$prettyPrint",
    "access_token",
    "alt",
    "callback",
    "fields",
    "key",
    "oauth_token",
    "prettyPrint",
    "quotaUser",
    "uploadType",
    "upload_protocol",
];

/// A query string, decoded, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(pub Vec<(String, String)>);

impl Query {
    /// The first value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether enums are wanted by number: `$alt=json;enum-encoding=int`.
    pub fn wants_enum_numbers(&self) -> bool {
        ["$alt", "alt"]
            .iter()
            .filter_map(|name| self.get(name))
            .any(|alt| alt.contains("enum-encoding=int"))
    }
}

/// Reads a request.
///
/// # Errors
/// `INVALID_ARGUMENT` with everything that is wrong, as Google's front end words it.
pub fn read(found: &Found, query: &Query, body: &[u8]) -> Result<Value, Refusal> {
    let mut reader = Reader {
        api: found.api,
        method: found.id,
        violations: Vec::new(),
    };
    let mut input = Map::new();
    input.insert("$version".to_owned(), Value::from(found.api.version.as_str()));
    for (name, value) in &found.path {
        let field = found.method.params.get(name);
        if let Some(pattern) = field.and_then(|field| field.pattern.as_deref())
            && !fits(pattern, value)
        {
            reader.wrong(
                name,
                format!("Invalid value for field '{name}': '{value}'. Must be a match of regex '{pattern}'"),
            );
        }
        input.insert(name.clone(), Value::from(value.as_str()));
    }
    read_query(found, query, &mut input, &mut reader);
    if let Some(schema) = &found.method.request {
        input.insert("body".to_owned(), read_body(found, schema, body, &mut reader)?);
    }
    for (name, field) in &found.method.params {
        if field.required.by(found.id) && !input.contains_key(name) {
            reader.wrong(name, format!("Required parameter: {name}"));
        }
    }
    if reader.violations.is_empty() {
        Ok(Value::Object(input))
    } else {
        Err(refused(reader.violations))
    }
}

fn read_query(found: &Found, query: &Query, input: &mut Map<String, Value>, reader: &mut Reader<'_>) {
    let params: BTreeMap<&String, &Field> = found
        .method
        .params
        .iter()
        .filter(|(_, field)| field.place == "query")
        .collect();
    for (name, text) in &query.0 {
        // gRPC's spelling of a parameter comes too.
        let spelled = super::value::camel(name);
        let known = params
            .get_key_value(name)
            .or_else(|| params.get_key_value(&spelled));
        let Some((name, field)) = known else {
            let upload = found.upload && matches!(name.as_str(), "upload_id" | "name");
            // Names in the path come once more in queries of Google's own clients.
            let in_path = found.method.params.contains_key(name);
            if !SYSTEM.contains(&name.as_str()) && !upload && !in_path {
                reader.wrong(
                    "",
                    format!(
                        "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query parameter. Field '{name}' \
                         could not be found in request message."
                    ),
                );
            }
            continue;
        };
        // A parameter without a value is one that is not given: Google's Rust clients send old ones so.
        if text.is_empty() && !matches!(name.as_str(), "prefix" | "delimiter") {
            continue;
        }
        let value = match (field.kind.as_str(), text.as_str()) {
            ("boolean", "true" | "True") => Ok(Value::Bool(true)),
            ("boolean", "false" | "False") => Ok(Value::Bool(false)),
            _ if field.enumeration.is_some() => {
                let number = text.parse::<i64>().map(Value::from);
                scalar(
                    found.api,
                    field,
                    &number.unwrap_or_else(|_| Value::from(text.as_str())),
                )
            }
            _ => scalar(found.api, field, &Value::from(text.as_str())),
        };
        let value = match value {
            Ok(value) if field.format.as_deref() == Some("google-fieldmask") => {
                let schema = found.method.request.as_deref().unwrap_or_default();
                Value::from(mask::checked(
                    found.api,
                    schema,
                    value.as_str().unwrap_or_default(),
                    &mut reader.violations,
                ))
            }
            Ok(value) => value,
            Err(kind) => {
                let at = super::value::snake(name);
                reader.wrong(
                    &at,
                    format!("Invalid value at '{at}' ({kind}), {}", Value::from(text.as_str())),
                );
                continue;
            }
        };
        if field.repeated {
            let list = input.entry((*name).clone()).or_insert_with(|| json!([]));
            if let Value::Array(values) = list {
                values.push(value);
            }
        } else {
            input.insert((*name).clone(), value);
        }
    }
}

fn read_body(found: &Found, schema: &str, body: &[u8], reader: &mut Reader<'_>) -> Result<Value, Refusal> {
    let text = std::str::from_utf8(body).unwrap_or("\u{0}");
    if text.trim().is_empty() {
        // A body that is not sent is one without members.
        return Ok(reader.message(schema, &json!({}), "", 0));
    }
    let given: Value = serde_json::from_str(text).map_err(|error| {
        let message = format!(
            "Invalid JSON payload received. Unexpected token.\n{} (line {}, column {})",
            text.lines()
                .nth(error.line().saturating_sub(1))
                .unwrap_or_default()
                .chars()
                .take(80)
                .collect::<String>(),
            error.line(),
            error.column()
        );
        refused(vec![Violation {
            field: String::new(),
            description: message,
        }])
    })?;
    if !given.is_object() {
        let description =
            "Invalid JSON payload received. Unknown name \"\": Root element must be a message.".to_owned();
        return Err(refused(vec![Violation {
            field: String::new(),
            description,
        }]));
    }
    let mut taken = reader.message(schema, &given, "", 0);
    // A mask inside the body is about the message beside it.
    let members = found.api.schemas.get(schema);
    let beside = members.and_then(|members| {
        let mut references = members.values().filter_map(|field| field.reference.as_deref());
        references.next().filter(|_| references.next().is_none())
    });
    for (name, field) in members.into_iter().flatten() {
        if field.format.as_deref() == Some("google-fieldmask")
            && let (Some(schema), Some(text)) = (beside, taken.get(name).and_then(Value::as_str))
            && schema != "Policy"
        {
            taken[name.as_str()] =
                Value::from(mask::checked(found.api, schema, text, &mut reader.violations));
        }
    }
    Ok(taken)
}

/// Whether a value has the form that the description asks for. Few patterns are in use, and none is of the caller's making.
fn fits(pattern: &str, value: &str) -> bool {
    regex::Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|regex| regex.is_match(value))
}

fn refused(violations: Vec<Violation>) -> Refusal {
    let message = violations
        .iter()
        .map(|violation| violation.description.as_str())
        .collect::<Vec<_>>()
        .join("\n");
    let violations: Vec<Value> = violations
        .into_iter()
        .map(|violation| {
            if violation.field.is_empty() {
                json!({"description": violation.description})
            } else {
                json!({"field": violation.field, "description": violation.description})
            }
        })
        .collect();
    Refusal::new(400, "INVALID_ARGUMENT", message).with(
        "details",
        json!([{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}]),
    )
}
