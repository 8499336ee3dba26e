//! Checks a value against its shape: what the service must never see, and what it must never say.

use jiff::Timestamp;
use serde_json::Value;

use super::description::{Kind, Location, Member, Service, Shape, pattern};

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// A member that the description does not know.
    #[error("{path} is not known")]
    Unknown {
        /// Where: `tags.1.member.key`.
        path: String,
    },
    /// Another type than the description's.
    #[error("{path} is no {expected}: {found}")]
    Type {
        /// Where.
        path: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A required member is missing.
    #[error("{path} is missing")]
    Missing {
        /// Where.
        path: String,
    },
    /// A value out of bounds.
    #[error("{path} is \"{value}\": {rule}")]
    Constraint {
        /// Where.
        path: String,
        /// The value.
        value: String,
        /// The rule in AWS's words: `Member must have length less than or equal to 64`.
        rule: String,
    },
}

impl Objection {
    /// Where.
    pub fn path(&self) -> &str {
        match self {
            Self::Unknown { path }
            | Self::Type { path, .. }
            | Self::Missing { path }
            | Self::Constraint { path, .. } => path,
        }
    }
}

/// Everything that is wrong with an input.
pub fn input(service: &'static Service, shape: &'static Shape, value: &Value) -> Vec<Objection> {
    check(service, shape, value, true)
}

/// Everything that is wrong with an output. Lists and maps may be empty whatever their description says: services tell that
/// there is nothing with shapes that want one element of an input (EKS's `tags`:
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>).
pub fn output(service: &'static Service, shape: &'static Shape, value: &Value) -> Vec<Objection> {
    check(service, shape, value, false)
}

fn check(service: &'static Service, shape: &'static Shape, value: &Value, input: bool) -> Vec<Objection> {
    let mut checker = Checker {
        service,
        input,
        objections: Vec::new(),
    };
    checker.structure(shape, value, "");
    checker.objections
}

struct Checker {
    service: &'static Service,
    input: bool,
    objections: Vec<Objection>,
}

/// AWS names a place by its members in lower camel case, and a list's element by its number.
fn below(path: &str, name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    let name: String = first.into_iter().chain(letters).collect();
    if path.is_empty() {
        name
    } else {
        format!("{path}.{name}")
    }
}

impl Checker {
    fn structure(&mut self, shape: &'static Shape, value: &Value, path: &str) {
        let Some(members) = value.as_object() else {
            self.kind(path, "structure", value);
            return;
        };
        for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            match shape.members.get(name) {
                Some(member) => self.member(member, value, &below(path, name)),
                None => self.objections.push(Objection::Unknown {
                    path: below(path, name),
                }),
            }
        }
        for required in &shape.required {
            let streams = shape.payload.as_ref() == Some(required)
                && self.service.shape(&shape.members[required.as_str()].shape).kind == Kind::Blob;
            if !streams && members.get(required).is_none_or(Value::is_null) {
                self.objections.push(Objection::Missing {
                    path: below(path, required),
                });
            }
        }
        let given = members.values().filter(|value| !value.is_null()).count();
        if shape.union && given != 1 {
            self.constraint(path, value, "Exactly one member must be set".into());
        }
    }

    fn member(&mut self, member: &'static Member, value: &Value, path: &str) {
        let shape = self.service.shape(&member.shape);
        match shape.kind {
            Kind::Structure => self.structure(shape, value, path),
            Kind::List => match (value.as_array(), &shape.member) {
                (Some(elements), Some(element)) => {
                    self.size(shape, elements.len(), value, path);
                    for (index, value) in elements.iter().enumerate() {
                        self.member(element, value, &format!("{path}.{}.member", index + 1));
                    }
                }
                _ => self.kind(path, "list", value),
            },
            Kind::Map => match (value.as_object(), &shape.key, &shape.value) {
                (Some(entries), Some(key), Some(inner)) => {
                    self.size(shape, entries.len(), value, path);
                    for (name, value) in entries {
                        // A map's keys keep their case.
                        let below = format!("{path}.{name}");
                        self.member(key, &Value::String(name.clone()), &below);
                        self.member(inner, value, &below);
                    }
                }
                _ => self.kind(path, "map", value),
            },
            Kind::String => self.text(shape, value, path),
            Kind::Integer | Kind::Long => match value.as_i64() {
                Some(number) if shape.kind == Kind::Long || i32::try_from(number).is_ok() => {
                    self.range(shape, number as f64, value, path);
                }
                _ => self.kind(path, "integer", value),
            },
            Kind::Double | Kind::Float => match value.as_f64() {
                Some(number) => self.range(shape, number, value, path),
                None => self.kind(path, "number", value),
            },
            Kind::Boolean if value.is_boolean() => {}
            Kind::Boolean => self.kind(path, "boolean", value),
            Kind::Timestamp if super::time::read(value).is_some() => {}
            Kind::Timestamp => self.kind(path, "timestamp", value),
            Kind::Blob => match value.as_str().and_then(super::bytes_of) {
                Some(bytes) => self.size(shape, bytes.len(), value, path),
                None => self.kind(path, "blob (base64)", value),
            },
        }
    }

    fn text(&mut self, shape: &'static Shape, value: &Value, path: &str) {
        let Some(text) = value.as_str() else {
            self.kind(path, "string", value);
            return;
        };
        self.size(shape, text.chars().count(), value, path);
        if !shape.values.is_empty() && !shape.values.iter().any(|allowed| allowed == text) {
            let rule = format!(
                "Member must satisfy enum value set: [{}]",
                shape.values.join(", ")
            );
            self.constraint(path, value, rule);
        }
        if let Some(source) = &shape.pattern
            && pattern(source).is_some_and(|regex| !regex.is_match(text))
        {
            let rule = format!("Member must satisfy regular expression pattern: {source}");
            self.constraint(path, value, rule);
        }
    }

    fn size(&mut self, shape: &Shape, size: usize, value: &Value, path: &str) {
        let size = size as f64;
        let empty = size == 0.0 && !self.input && matches!(shape.kind, Kind::List | Kind::Map);
        if let Some(min) = shape.min.filter(|min| size < *min && !empty) {
            let rule = format!("Member must have length greater than or equal to {min}");
            self.constraint(path, value, rule);
        }
        if let Some(max) = shape.max.filter(|max| size > *max) {
            let rule = format!("Member must have length less than or equal to {max}");
            self.constraint(path, value, rule);
        }
    }

    fn range(&mut self, shape: &Shape, number: f64, value: &Value, path: &str) {
        if let Some(min) = shape.min.filter(|min| number < *min) {
            let rule = format!("Member must have value greater than or equal to {min}");
            self.constraint(path, value, rule);
        }
        if let Some(max) = shape.max.filter(|max| number > *max) {
            let rule = format!("Member must have value less than or equal to {max}");
            self.constraint(path, value, rule);
        }
    }

    fn kind(&mut self, path: &str, expected: &'static str, found: &Value) {
        self.objections.push(Objection::Type {
            path: path.to_owned(),
            expected,
            found: shown(found),
        });
    }

    fn constraint(&mut self, path: &str, value: &Value, rule: String) {
        self.objections.push(Objection::Constraint {
            path: path.to_owned(),
            value: shown(value),
            rule,
        });
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A scalar out of text, as paths, queries, headers, forms and XML carry it.
///
/// # Errors
/// [`Objection::Type`].
pub fn scalar(
    service: &'static Service,
    member: &'static Member,
    text: &str,
    path: &str,
) -> Result<Value, Objection> {
    let shape = service.shape(&member.shape);
    let wrong = |expected| Objection::Type {
        path: path.to_owned(),
        expected,
        found: text.to_owned(),
    };
    Ok(match shape.kind {
        Kind::Integer | Kind::Long => text.trim().parse::<i64>().map_err(|_| wrong("integer"))?.into(),
        Kind::Double | Kind::Float => text.trim().parse::<f64>().map_err(|_| wrong("number"))?.into(),
        Kind::Boolean => match text.trim() {
            "true" | "True" | "TRUE" => true.into(),
            "false" | "False" | "FALSE" => false.into(),
            _ => return Err(wrong("boolean")),
        },
        Kind::Timestamp => {
            let moment: Timestamp = super::time::parse(text.trim()).ok_or_else(|| wrong("timestamp"))?;
            moment.to_string().into()
        }
        _ => text.into(),
    })
}

/// The text of a scalar, as the same places carry it.
pub fn text(
    service: &'static Service,
    member: &'static Member,
    value: &Value,
    format: super::time::Format,
) -> String {
    let shape = service.shape(&member.shape);
    match (shape.kind, value) {
        (Kind::Timestamp, value) => {
            let chosen = member
                .timestamp_format
                .as_deref()
                .or(shape.timestamp_format.as_deref());
            super::time::read(value)
                .map(|moment| {
                    super::time::written(moment, super::time::Format::named(chosen).unwrap_or(format))
                })
                .unwrap_or_default()
        }
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

/// Whether a member travels in the body.
pub fn in_body(member: &Member) -> bool {
    member.location == Location::Body
}
