//! From Terraform's values to JSON, the form that the typed configuration is read from.

use serde_json::{Map, Value as Json};
use tfplugin::{Number, Path, PathStep, Type, Value};

/// A configuration as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Partial {
    /// The known part, without nulls. Text that is not known yet is a reference to nothing, `@{unknown:<path>}`, so
    /// that whatever is made of it is not known either.
    pub(crate) json: Json,
    /// Paths of unknowns that could not be stood in for: numbers, switches, whole objects.
    pub(crate) missing: Vec<Path>,
}

/// A wholly known value as JSON, without its nulls.
///
/// # Errors
/// The path of the first value that is not known.
pub(crate) fn known(value: &Value, ty: &Type) -> Result<Json, Path> {
    let mut reader = Reader {
        stand_in: false,
        missing: Vec::new(),
    };
    let json = reader.read(value, ty, &Path::root());
    match reader.missing.into_iter().next() {
        Some(path) => Err(path),
        None => Ok(json.unwrap_or(Json::Null)),
    }
}

/// A configuration as JSON, as far as it is known.
pub(crate) fn partial(value: &Value, ty: &Type) -> Partial {
    let mut reader = Reader {
        stand_in: true,
        missing: Vec::new(),
    };
    let json = reader.read(value, ty, &Path::root()).unwrap_or(Json::Null);
    Partial {
        json,
        missing: reader.missing,
    }
}

/// A path as users write it: `node_pools["gpu"].min`.
pub(crate) fn dotted(path: &Path) -> String {
    let mut text = String::new();
    for step in path.steps() {
        match step {
            PathStep::Attribute(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
            PathStep::Key(key) => text.push_str(&format!("[\"{key}\"]")),
            PathStep::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

struct Reader {
    stand_in: bool,
    missing: Vec<Path>,
}

impl Reader {
    /// `None` for null, and for what is not known and cannot be stood in for.
    fn read(&mut self, value: &Value, ty: &Type, path: &Path) -> Option<Json> {
        match value {
            Value::Null => None,
            Value::Unknown(_) => self.unknown(ty, path),
            Value::String(text) => Some(Json::String(text.clone())),
            Value::Bool(flag) => Some(Json::Bool(*flag)),
            Value::Number(number) => Some(number_to_json(number)),
            Value::List(items) | Value::Set(items) => {
                let inner = match ty {
                    Type::List(inner) | Type::Set(inner) => inner.as_ref(),
                    _ => &Type::Dynamic,
                };
                let items = items.iter().zip(0..);
                Some(Json::Array(
                    items
                        .filter_map(|(item, at)| self.read(item, inner, &path.clone().index(at)))
                        .collect(),
                ))
            }
            Value::Tuple(items) => {
                let items = items.iter().zip(0..);
                Some(Json::Array(
                    items
                        .filter_map(|(item, at)| self.read(item, &Type::Dynamic, &path.clone().index(at)))
                        .collect(),
                ))
            }
            Value::Map(entries) => {
                let inner = match ty {
                    Type::Map(inner) => inner.as_ref(),
                    _ => &Type::Dynamic,
                };
                Some(Json::Object(
                    entries
                        .iter()
                        .filter_map(|(key, item)| {
                            Some((
                                key.clone(),
                                self.read(item, inner, &path.clone().key(key.clone()))?,
                            ))
                        })
                        .collect::<Map<_, _>>(),
                ))
            }
            Value::Object(entries) => Some(Json::Object(
                entries
                    .iter()
                    .filter_map(|(name, item)| {
                        let inner = match ty {
                            Type::Object(fields) => fields.get(name).unwrap_or(&Type::Dynamic),
                            _ => &Type::Dynamic,
                        };
                        Some((
                            name.clone(),
                            self.read(item, inner, &path.clone().attribute(name.clone()))?,
                        ))
                    })
                    .collect::<Map<_, _>>(),
            )),
            Value::Dynamic(inner) => self.read(&inner.1, &inner.0, path),
        }
    }

    fn unknown(&mut self, ty: &Type, path: &Path) -> Option<Json> {
        let text = || Json::String(format!("@{{unknown:{}}}", dotted(path)));
        match ty {
            Type::String if self.stand_in => Some(text()),
            Type::List(inner) | Type::Set(inner) if self.stand_in && **inner == Type::String => {
                Some(Json::Array(vec![text()]))
            }
            _ => {
                self.missing.push(path.clone());
                None
            }
        }
    }
}

fn number_to_json(number: &Number) -> Json {
    match number {
        Number::Int(int) => Json::from(*int),
        Number::Float(float) => Json::from(*float),
        Number::Decimal(text) => Json::String(text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn object(entries: Vec<(&str, Value)>) -> Value {
        Value::Object(
            entries
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    fn ty() -> Type {
        Type::Object(BTreeMap::from([
            ("name".into(), Type::String),
            ("size".into(), Type::Number),
            ("subnets".into(), Type::Set(Box::new(Type::String))),
        ]))
    }

    #[test]
    fn unknown_text_becomes_a_reference_to_nothing() {
        let value = object(vec![
            ("name", Value::Unknown(Default::default())),
            ("size", Value::Null),
            ("subnets", Value::Unknown(Default::default())),
        ]);
        let partial = partial(&value, &ty());
        assert_eq!(
            partial.json,
            serde_json::json!({"name": "@{unknown:name}", "subnets": ["@{unknown:subnets}"]})
        );
        assert!(partial.missing.is_empty());
    }

    #[test]
    fn an_unknown_number_is_reported() {
        let value = object(vec![("size", Value::Unknown(Default::default()))]);
        assert_eq!(partial(&value, &ty()).missing, [Path::root().attribute("size")]);
    }

    #[test]
    fn a_known_value_must_be_wholly_known() {
        let value = object(vec![("name", Value::Unknown(Default::default()))]);
        assert_eq!(known(&value, &ty()), Err(Path::root().attribute("name")));
    }
}
