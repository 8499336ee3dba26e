//! Values to and from `serde_json`, for providers that speak JSON to their API or like plain structs.

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::{Number, Problem, Value, ValueError};
use crate::codec::MAX_DEPTH;
use crate::path::{Path, PathStep};
use crate::ty::Type;

impl Value {
    /// This value as JSON, nulls kept. A number JSON (and `serde_json`) would round is written as a string.
    ///
    /// # Errors
    /// When something in it is unknown, or a number is infinite or none.
    pub fn to_json(&self) -> Result<Json, ValueError> {
        to_json(self, &mut Path::root(), false)
    }

    /// Reads JSON as a value of type `ty`: missing attributes are null, unsupported ones are left out, text is taken
    /// for a number and the other way round where the type says so.
    ///
    /// # Errors
    /// The first place where the JSON does not fit the type.
    pub fn from_json(ty: &Type, json: &Json) -> Result<Self, ValueError> {
        from_json(ty, json, &mut Path::root(), 0)
    }

    /// Reads this value into a struct of the provider. Null attributes are left out, so that `Option` and
    /// `#[serde(default)]` both work.
    ///
    /// # Errors
    /// When something in it is unknown, or it does not fit `T`; the message is serde's.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, ValueError> {
        let json = to_json(self, &mut Path::root(), true)?;
        serde_json::from_value(json).map_err(|e| ValueError::malformed(&Path::root(), e.to_string()))
    }
}

fn to_json(value: &Value, path: &mut Path, drop_nulls: bool) -> Result<Json, ValueError> {
    let inside = |step: PathStep, value: &Value, path: &mut Path| {
        path.push(step);
        let json = to_json(value, path, drop_nulls);
        path.pop();
        json
    };
    match value {
        Value::Null => Ok(Json::Null),
        Value::Unknown(_) => Err(ValueError::new(path, Problem::Unknown)),
        Value::String(text) => Ok(Json::String(text.clone())),
        Value::Bool(bool) => Ok(Json::Bool(*bool)),
        Value::Number(number) => number_to_json(number)
            .ok_or_else(|| ValueError::new(path, Problem::BadNumber(number.to_string()))),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
            let items = (0..)
                .zip(items)
                .map(|(index, item)| inside(PathStep::Index(index), item, path));
            Ok(Json::Array(items.collect::<Result<_, _>>()?))
        }
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, item)| {
                let json = inside(PathStep::Key(key.clone()), item, path)?;
                Ok((key.clone(), json))
            });
            Ok(Json::Object(entries.collect::<Result<_, _>>()?))
        }
        Value::Object(entries) => {
            let kept = entries.iter().filter(|(_, item)| !(drop_nulls && item.is_null()));
            let entries = kept.map(|(name, item)| {
                let json = inside(PathStep::Attribute(name.clone()), item, path)?;
                Ok((name.clone(), json))
            });
            Ok(Json::Object(entries.collect::<Result<_, _>>()?))
        }
        Value::Dynamic(boxed) => to_json(&boxed.1, path, drop_nulls),
    }
}

/// `None` for what JSON has no number for.
fn number_to_json(number: &Number) -> Option<Json> {
    match number.canonical() {
        Number::Int(int) => Some(Json::from(int)),
        Number::Float(float) => serde_json::Number::from_f64(float).map(Json::Number),
        Number::Decimal(text) => {
            if !number.is_valid() {
                return None;
            }
            if let Ok(int) = text.parse::<u64>() {
                return Some(Json::from(int));
            }
            let nearest = text
                .parse::<f64>()
                .ok()
                .filter(|float| Number::from(*float) == *number);
            // `0.1` is written `0.1` by serde_json; what would come out different is kept as text.
            Some(
                nearest
                    .and_then(serde_json::Number::from_f64)
                    .map_or(Json::String(text), Json::Number),
            )
        }
    }
}

fn from_json(ty: &Type, json: &Json, path: &mut Path, depth: usize) -> Result<Value, ValueError> {
    if depth > MAX_DEPTH {
        return Err(ValueError::new(path, Problem::TooDeep(MAX_DEPTH)));
    }
    let inside = |ty: &Type, step: PathStep, json: &Json, path: &mut Path| {
        path.push(step);
        let value = from_json(ty, json, path, depth + 1);
        path.pop();
        value
    };
    let sequence = |element: &Type, items: &[Json], path: &mut Path| -> Result<Vec<Value>, ValueError> {
        (0..)
            .zip(items)
            .map(|(index, item)| inside(element, PathStep::Index(index), item, path))
            .collect()
    };
    let number = |text: &str, path: &Path| {
        Number::parse(text)
            .map(Value::Number)
            .map_err(|_| ValueError::new(path, Problem::BadNumber(text.chars().take(40).collect())))
    };
    match (ty, json) {
        (_, Json::Null) => Ok(Value::Null),
        (Type::String, Json::String(text)) => Ok(Value::String(text.clone())),
        (Type::String, Json::Number(number)) => Ok(Value::String(number.to_string())),
        (Type::String, Json::Bool(bool)) => Ok(Value::String(bool.to_string())),
        (Type::Bool, Json::Bool(bool)) => Ok(Value::Bool(*bool)),
        (Type::Bool, Json::String(text)) if text == "true" || text == "false" => {
            Ok(Value::Bool(text == "true"))
        }
        (Type::Number, Json::Number(json)) => number(&json.to_string(), path),
        (Type::Number, Json::String(text)) => number(text, path),
        (Type::List(element), Json::Array(items)) => Ok(Value::List(sequence(element, items, path)?)),
        (Type::Set(element), Json::Array(items)) => Ok(Value::Set(sequence(element, items, path)?)),
        (Type::Tuple(types), Json::Array(items)) => {
            if types.len() != items.len() {
                return Err(ValueError::new(
                    path,
                    Problem::Length {
                        expected: types.len(),
                        found: items.len(),
                    },
                ));
            }
            let pairs = (0..).zip(types.iter().zip(items));
            let items = pairs.map(|(index, (ty, item))| inside(ty, PathStep::Index(index), item, path));
            Ok(Value::Tuple(items.collect::<Result<_, _>>()?))
        }
        (Type::Map(element), Json::Object(entries)) => {
            let entries = entries.iter().map(|(key, item)| {
                let value = inside(element, PathStep::Key(key.clone()), item, path)?;
                Ok((key.clone(), value))
            });
            Ok(Value::Map(entries.collect::<Result<_, _>>()?))
        }
        (Type::Object(types), Json::Object(entries)) => {
            let attributes = types.iter().map(|(name, ty)| {
                let json = entries.get(name).unwrap_or(&Json::Null);
                let value = inside(ty, PathStep::Attribute(name.clone()), json, path)?;
                Ok((name.clone(), value))
            });
            Ok(Value::Object(attributes.collect::<Result<_, _>>()?))
        }
        (Type::Dynamic, json) => {
            let ty = type_of(json);
            let value = from_json(&ty, json, path, depth + 1)?;
            Ok(Value::Dynamic(Box::new((ty, value))))
        }
        (ty, json) => {
            let found = match json {
                Json::Null => "null",
                Json::Bool(_) => "a bool",
                Json::Number(_) => "a number",
                Json::String(_) => "a string",
                Json::Array(_) => "an array",
                Json::Object(_) => "an object",
            };
            Err(ValueError::new(
                path,
                Problem::WrongType {
                    expected: ty.to_string(),
                    found,
                },
            ))
        }
    }
}

/// The type JSON has by itself: arrays are tuples, null could be anything.
fn type_of(json: &Json) -> Type {
    match json {
        Json::Null => Type::Dynamic,
        Json::Bool(_) => Type::Bool,
        Json::Number(_) => Type::Number,
        Json::String(_) => Type::String,
        Json::Array(items) => Type::Tuple(items.iter().map(type_of).collect()),
        Json::Object(entries) => Type::Object(
            entries
                .iter()
                .map(|(name, json)| (name.clone(), type_of(json)))
                .collect(),
        ),
    }
}
