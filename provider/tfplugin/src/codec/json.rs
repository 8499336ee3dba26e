//! The JSON form of values, as state is stored and as `UpgradeResourceState` brings it.
//!
//! Numbers are read from their text (`RawValue`), so none is rounded. Source: `zclconf/go-cty:cty/json`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{MAX_DEPTH, MAX_VALUES};
use crate::path::{Path, PathStep};
use crate::ty::Type;
use crate::value::{Number, Problem, Value, ValueError};

/// Decodes stored JSON as a value of type `ty`.
///
/// State may be older or newer than the schema, also within one version: attributes the JSON lacks are null, and
/// attributes `ty` does not know are left out. Scalars are converted as Terraform does: text to number or bool where it
/// is one, number and bool to text.
///
/// # Errors
/// When the bytes are no JSON, do not fit `ty`, or nest or count beyond the limits.
pub fn decode(ty: &Type, bytes: &[u8]) -> Result<Value, ValueError> {
    let path = Path::root();
    let json: &RawValue =
        serde_json::from_slice(bytes).map_err(|e| ValueError::malformed(&path, format!("not JSON: {e}")))?;
    let mut decoder = Decoder { path, values: 0 };
    decoder.value(ty, json, 0)
}

/// Encodes a value of type `ty`, which must be wholly known.
///
/// # Errors
/// When something is unknown, or not of the type.
pub fn encode(ty: &Type, value: &Value) -> Result<Vec<u8>, ValueError> {
    let mut out = Vec::new();
    write(&mut out, ty, value, &mut Path::root())?;
    Ok(out)
}

struct Decoder {
    path: Path,
    values: usize,
}

impl Decoder {
    fn value(&mut self, ty: &Type, json: &RawValue, depth: usize) -> Result<Value, ValueError> {
        self.values += 1;
        if depth > MAX_DEPTH {
            return Err(self.error(Problem::TooDeep(MAX_DEPTH)));
        }
        if self.values > MAX_VALUES {
            return Err(self.error(Problem::TooMany(MAX_VALUES)));
        }
        // A RawValue is one valid JSON text without surrounding white space: its first byte tells its kind.
        let text = json.get();
        let first = text.as_bytes().first().copied().unwrap_or(b'n');
        match (ty, first) {
            (_, b'n') => Ok(Value::Null),
            (Type::String, b'"') => Ok(Value::String(self.parse(json)?)),
            (Type::String, b't' | b'f' | b'-' | b'0'..=b'9') => Ok(Value::String(text.to_owned())),
            (Type::Number, b'-' | b'0'..=b'9') => self.number(text),
            (Type::Number, b'"') => {
                let text: String = self.parse(json)?;
                self.number(&text)
            }
            (Type::Bool, b't' | b'f') => Ok(Value::Bool(first == b't')),
            (Type::Bool, b'"') => match self.parse::<String>(json)?.as_str() {
                "true" | "1" => Ok(Value::Bool(true)),
                "false" | "0" => Ok(Value::Bool(false)),
                _ => Err(self.wrong(ty, first)),
            },
            (Type::List(element), b'[') => Ok(Value::List(self.sequence(element, json, depth)?)),
            (Type::Set(element), b'[') => Ok(Value::Set(self.sequence(element, json, depth)?)),
            (Type::Tuple(types), b'[') => {
                let items: Vec<&RawValue> = self.borrow(json)?;
                if items.len() != types.len() {
                    return Err(self.error(Problem::Length {
                        expected: types.len(),
                        found: items.len(),
                    }));
                }
                let mut values = Vec::with_capacity(items.len());
                for ((index, ty), item) in (0..).zip(types).zip(items) {
                    values.push(self.inside(PathStep::Index(index), ty, item, depth)?);
                }
                Ok(Value::Tuple(values))
            }
            (Type::Map(element), b'{') => {
                let entries: BTreeMap<String, &RawValue> = self.borrow(json)?;
                let mut values = BTreeMap::new();
                for (key, item) in entries {
                    let value = self.inside(PathStep::Key(key.clone()), element, item, depth)?;
                    values.insert(key, value);
                }
                Ok(Value::Map(values))
            }
            (Type::Object(types), b'{') => {
                let entries: BTreeMap<String, &RawValue> = self.borrow(json)?;
                let mut values = BTreeMap::new();
                for (name, ty) in types {
                    let value = match entries.get(name) {
                        Some(item) => self.inside(PathStep::Attribute(name.clone()), ty, item, depth)?,
                        None => Value::Null,
                    };
                    values.insert(name.clone(), value);
                }
                Ok(Value::Object(values))
            }
            (Type::Dynamic, b'{') => {
                let typed: Typed<'_> = self.borrow(json)?;
                let ty = Type::from_json(typed.ty.get().as_bytes())
                    .map_err(|e| ValueError::malformed(&self.path, e.to_string()))?;
                let value = self.value(&ty, typed.value, depth + 1)?;
                Ok(Value::Dynamic(Box::new((ty, value))))
            }
            (ty, first) => Err(self.wrong(ty, first)),
        }
    }

    fn sequence(&mut self, element: &Type, json: &RawValue, depth: usize) -> Result<Vec<Value>, ValueError> {
        let items: Vec<&RawValue> = self.borrow(json)?;
        let mut values = Vec::new();
        for (index, item) in (0..).zip(items) {
            values.push(self.inside(PathStep::Index(index), element, item, depth)?);
        }
        Ok(values)
    }

    fn inside(
        &mut self,
        step: PathStep,
        ty: &Type,
        json: &RawValue,
        depth: usize,
    ) -> Result<Value, ValueError> {
        self.path.push(step);
        let value = self.value(ty, json, depth + 1)?;
        self.path.pop();
        Ok(value)
    }

    fn number(&self, text: &str) -> Result<Value, ValueError> {
        Number::parse(text)
            .map(Value::Number)
            .map_err(|_| self.error(Problem::BadNumber(text.chars().take(40).collect())))
    }

    fn parse<T: DeserializeOwned>(&self, json: &RawValue) -> Result<T, ValueError> {
        self.borrow(json)
    }

    fn borrow<'a, T: Deserialize<'a>>(&self, json: &'a RawValue) -> Result<T, ValueError> {
        serde_json::from_str(json.get()).map_err(|e| ValueError::malformed(&self.path, e.to_string()))
    }

    fn error(&self, problem: Problem) -> ValueError {
        ValueError::new(&self.path, problem)
    }

    fn wrong(&self, ty: &Type, first: u8) -> ValueError {
        let found = match first {
            b'{' => "an object",
            b'[' => "an array",
            b'"' => "a string",
            b't' | b'f' => "a bool",
            _ => "a number",
        };
        self.error(Problem::WrongType {
            expected: ty.to_string(),
            found,
        })
    }
}

/// A value in a place of type `dynamic`.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(rename = "type", borrow)]
    ty: &'a RawValue,
    #[serde(borrow)]
    value: &'a RawValue,
}

fn write(out: &mut Vec<u8>, ty: &Type, value: &Value, path: &mut Path) -> Result<(), ValueError> {
    match (ty, value) {
        (_, Value::Null) => out.extend_from_slice(b"null"),
        (_, Value::Unknown(_)) => return Err(ValueError::new(path, Problem::Unknown)),
        (Type::String, Value::String(text)) => quoted(out, text),
        (Type::Bool, Value::Bool(bool)) => out.extend_from_slice(bool.to_string().as_bytes()),
        (Type::Number, Value::Number(number)) => {
            let finite = !matches!(number, Number::Float(float) if !float.is_finite());
            if !number.is_valid() || !finite {
                return Err(ValueError::new(path, Problem::BadNumber(number.to_string())));
            }
            out.extend_from_slice(number.to_string().as_bytes());
        }
        (
            Type::List(element) | Type::Set(element),
            Value::List(items) | Value::Set(items) | Value::Tuple(items),
        ) => {
            sequence(out, items.iter().map(|item| (element.as_ref(), item)), path)?;
        }
        (Type::Tuple(types), Value::List(items) | Value::Set(items) | Value::Tuple(items)) => {
            if types.len() != items.len() {
                let problem = Problem::Length {
                    expected: types.len(),
                    found: items.len(),
                };
                return Err(ValueError::new(path, problem));
            }
            sequence(out, types.iter().zip(items), path)?;
        }
        (Type::Map(element), Value::Map(entries) | Value::Object(entries)) => {
            out.push(b'{');
            for (position, (key, item)) in entries.iter().enumerate() {
                member(out, position, key);
                path.push(PathStep::Key(key.clone()));
                write(out, element, item, path)?;
                path.pop();
            }
            out.push(b'}');
        }
        (Type::Object(types), Value::Map(entries) | Value::Object(entries)) => {
            if let Some(extra) = entries.keys().find(|name| !types.contains_key(*name)) {
                return Err(ValueError::new(path, Problem::Unsupported(extra.clone())));
            }
            out.push(b'{');
            for (position, (name, ty)) in types.iter().enumerate() {
                let Some(item) = entries.get(name) else {
                    return Err(ValueError::new(path, Problem::Missing(name.clone())));
                };
                member(out, position, name);
                path.push(PathStep::Attribute(name.clone()));
                write(out, ty, item, path)?;
                path.pop();
            }
            out.push(b'}');
        }
        (Type::Dynamic, Value::Dynamic(boxed)) => {
            out.extend_from_slice(b"{\"value\":");
            write(out, &boxed.0, &boxed.1, path)?;
            out.extend_from_slice(b",\"type\":");
            out.extend_from_slice(&boxed.0.to_json());
            out.push(b'}');
        }
        (ty, value) => {
            let problem = Problem::WrongType {
                expected: ty.to_string(),
                found: value.kind(),
            };
            return Err(ValueError::new(path, problem));
        }
    }
    Ok(())
}

fn sequence<'a>(
    out: &mut Vec<u8>,
    items: impl Iterator<Item = (&'a Type, &'a Value)>,
    path: &mut Path,
) -> Result<(), ValueError> {
    out.push(b'[');
    for (index, (ty, item)) in (0..).zip(items) {
        if index > 0 {
            out.push(b',');
        }
        path.push(PathStep::Index(index));
        write(out, ty, item, path)?;
        path.pop();
    }
    out.push(b']');
    Ok(())
}

fn member(out: &mut Vec<u8>, position: usize, name: &str) {
    if position > 0 {
        out.push(b',');
    }
    quoted(out, name);
    out.push(b':');
}

fn quoted(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}

#[cfg(test)]
mod tests;
