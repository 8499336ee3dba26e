//! Whether a value is of a type, and what of it can be saved when it is not.

use std::collections::BTreeMap;

use super::Type;
use crate::path::{Path, PathStep};
use crate::value::{Problem, Value, ValueError};

impl Type {
    /// The type a value has by itself: sequences are tuples, maps objects, and null could be anything.
    pub fn of(value: &Value) -> Type {
        match value {
            Value::Null | Value::Unknown(_) => Type::Dynamic,
            Value::String(_) => Type::String,
            Value::Number(_) => Type::Number,
            Value::Bool(_) => Type::Bool,
            Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
                Type::Tuple(items.iter().map(Type::of).collect())
            }
            Value::Map(entries) | Value::Object(entries) => Type::Object(
                entries
                    .iter()
                    .map(|(name, value)| (name.clone(), Type::of(value)))
                    .collect(),
            ),
            Value::Dynamic(boxed) => boxed.0.clone(),
        }
    }

    /// Whether `value` is of this type: exact attribute sets, the right kind of collection, valid numbers.
    ///
    /// # Errors
    /// The first fault, with its path.
    pub fn check(&self, value: &Value) -> Result<(), ValueError> {
        self.faults(value).into_iter().next().map_or(Ok(()), Err)
    }

    /// Everything in `value` that is not of this type.
    pub fn faults(&self, value: &Value) -> Vec<ValueError> {
        let mut faults = Vec::new();
        find_faults(self, value, &mut Path::root(), &mut faults);
        faults
    }

    /// The value of this type that keeps the most of `value`, and what had to be changed.
    ///
    /// Missing attributes become null, unsupported ones go, a value of the wrong kind becomes null (a scalar becomes
    /// text where text is wanted). A list given for a set or tuple and a map given for an object (and the other way
    /// round) are converted without remark: they differ in Rust only, not on the wire.
    pub fn conform(&self, value: Value) -> (Value, Vec<ValueError>) {
        let mut changes = Vec::new();
        let value = conform(self, value, &mut Path::root(), &mut changes);
        (value, changes)
    }
}

fn wrong(ty: &Type, value: &Value, path: &Path) -> ValueError {
    ValueError::new(
        path,
        Problem::WrongType {
            expected: ty.to_string(),
            found: value.kind(),
        },
    )
}

fn find_faults(ty: &Type, value: &Value, path: &mut Path, faults: &mut Vec<ValueError>) {
    let mut inside = |ty: &Type, step: PathStep, value: &Value, path: &mut Path| {
        path.push(step);
        find_faults(ty, value, path, faults);
        path.pop();
    };
    match (ty, value) {
        (_, Value::Null | Value::Unknown(_))
        | (Type::String, Value::String(_))
        | (Type::Bool, Value::Bool(_)) => {}
        (Type::Number, Value::Number(number)) if number.is_valid() => {}
        (Type::Number, Value::Number(number)) => {
            faults.push(ValueError::new(path, Problem::BadNumber(number.to_string())));
        }
        (Type::Dynamic, Value::Dynamic(boxed)) => find_faults(&boxed.0, &boxed.1, path, faults),
        (Type::List(element), Value::List(items)) | (Type::Set(element), Value::Set(items)) => {
            for (index, item) in (0..).zip(items) {
                inside(element, PathStep::Index(index), item, path);
            }
        }
        (Type::Map(element), Value::Map(entries)) => {
            for (key, item) in entries {
                inside(element, PathStep::Key(key.clone()), item, path);
            }
        }
        (Type::Tuple(types), Value::Tuple(items)) if types.len() == items.len() => {
            for ((index, ty), item) in (0..).zip(types).zip(items) {
                inside(ty, PathStep::Index(index), item, path);
            }
        }
        (Type::Tuple(types), Value::Tuple(items)) => {
            let problem = Problem::Length {
                expected: types.len(),
                found: items.len(),
            };
            faults.push(ValueError::new(path, problem));
        }
        (Type::Object(types), Value::Object(entries)) => {
            for (name, ty) in types {
                if let Some(item) = entries.get(name) {
                    inside(ty, PathStep::Attribute(name.clone()), item, path);
                }
            }
            let missing = types
                .keys()
                .filter(|name| !entries.contains_key(*name))
                .cloned()
                .map(Problem::Missing);
            let extra = entries
                .keys()
                .filter(|name| !types.contains_key(*name))
                .cloned()
                .map(Problem::Unsupported);
            faults.extend(missing.chain(extra).map(|problem| ValueError::new(path, problem)));
        }
        (ty, value) => faults.push(wrong(ty, value, path)),
    }
}

fn conform(ty: &Type, value: Value, path: &mut Path, changes: &mut Vec<ValueError>) -> Value {
    let mut inside = |ty: &Type, step: PathStep, value: Value, path: &mut Path| {
        path.push(step);
        let value = conform(ty, value, path, changes);
        path.pop();
        value
    };
    match (ty, value) {
        (_, value @ (Value::Null | Value::Unknown(_)))
        | (Type::String, value @ Value::String(_))
        | (Type::Bool, value @ Value::Bool(_)) => value,
        (Type::Number, Value::Number(number)) if number.is_valid() => Value::Number(number),
        (Type::Number, Value::Number(number)) => {
            changes.push(ValueError::new(path, Problem::BadNumber(number.to_string())));
            Value::Null
        }
        (Type::Dynamic, Value::Dynamic(boxed)) => {
            let (ty, value) = *boxed;
            let value = conform(&ty, value, path, changes);
            Value::Dynamic(Box::new((ty, value)))
        }
        (Type::Dynamic, value) => {
            let ty = Type::of(&value);
            let value = conform(&ty, value, path, changes);
            Value::Dynamic(Box::new((ty, value)))
        }
        (ty, Value::Dynamic(boxed)) => conform(ty, boxed.1, path, changes),
        (Type::List(element), Value::List(items) | Value::Set(items) | Value::Tuple(items)) => {
            let items = (0..)
                .zip(items)
                .map(|(index, item)| inside(element, PathStep::Index(index), item, path));
            Value::List(items.collect())
        }
        (Type::Set(element), Value::List(items) | Value::Set(items) | Value::Tuple(items)) => {
            let items = (0..)
                .zip(items)
                .map(|(index, item)| inside(element, PathStep::Index(index), item, path));
            Value::Set(items.collect())
        }
        (Type::Tuple(types), Value::List(mut items) | Value::Set(mut items) | Value::Tuple(mut items)) => {
            if items.len() != types.len() {
                let problem = Problem::Length {
                    expected: types.len(),
                    found: items.len(),
                };
                changes.push(ValueError::new(path, problem));
                items.resize(types.len(), Value::Null);
            }
            let mut conformed = Vec::with_capacity(items.len());
            for ((index, ty), item) in (0..).zip(types).zip(items) {
                path.push(PathStep::Index(index));
                conformed.push(conform(ty, item, path, changes));
                path.pop();
            }
            Value::Tuple(conformed)
        }
        (Type::Map(element), Value::Map(entries) | Value::Object(entries)) => {
            let entries = entries
                .into_iter()
                .map(|(key, item)| (key.clone(), inside(element, PathStep::Key(key), item, path)));
            Value::Map(entries.collect())
        }
        (Type::Object(types), Value::Map(mut entries) | Value::Object(mut entries)) => {
            let mut whole = BTreeMap::new();
            for (name, ty) in types {
                let item = if let Some(item) = entries.remove(name) {
                    path.push(PathStep::Attribute(name.clone()));
                    let item = conform(ty, item, path, changes);
                    path.pop();
                    item
                } else {
                    changes.push(ValueError::new(path, Problem::Missing(name.clone())));
                    Value::Null
                };
                whole.insert(name.clone(), item);
            }
            changes.extend(
                entries
                    .into_keys()
                    .map(|name| ValueError::new(path, Problem::Unsupported(name))),
            );
            Value::Object(whole)
        }
        (ty, value) => {
            changes.push(wrong(ty, &value, path));
            match (ty, value) {
                (Type::String, Value::Number(number)) => Value::String(number.to_string()),
                (Type::String, Value::Bool(bool)) => Value::String(bool.to_string()),
                _ => Value::Null,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Number;

    fn ty() -> Type {
        Type::object([
            ("name", Type::String),
            ("size", Type::Number),
            ("tags", Type::set(Type::String)),
            ("pools", Type::map(Type::object([("on", Type::Bool)]))),
        ])
    }

    #[test]
    fn faults_carry_their_path() {
        let value = Value::object([
            ("name", Value::from(1)),
            ("tags", Value::list(["a"])),
            (
                "pools",
                Value::map([(
                    "a",
                    Value::object([("on", Value::from("yes")), ("off", Value::Null)]),
                )]),
            ),
        ]);
        let texts: Vec<_> = ty().faults(&value).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "name: string is required, found a number",
                r#"pools["a"].on: bool is required, found a string"#,
                r#"pools["a"]: unsupported attribute "off""#,
                "tags: set of string is required, found a list",
                r#"(root): attribute "size" is missing"#,
            ]
        );
    }

    #[test]
    fn conforming_keeps_what_it_can() {
        let value = Value::map([
            ("name", Value::from(1)),
            ("extra", Value::from("x")),
            ("tags", Value::list(["a", "a"])),
            (
                "pools",
                Value::map([
                    ("a", Value::object([("off", Value::Null)])),
                    ("b", Value::from("?")),
                ]),
            ),
        ]);
        let (conformed, changes) = ty().conform(value);
        assert_eq!(changes.len(), 6, "{changes:?}");
        assert_eq!(ty().check(&conformed), Ok(()));
        assert_eq!(conformed.get("name"), Some(&"1".into()));
        assert_eq!(conformed.get("tags"), Some(&Value::set(["a"])));
        assert_eq!(conformed.get("size"), Some(&Value::Null));
    }

    #[test]
    fn a_bare_value_in_a_dynamic_place_gets_its_type() {
        let (value, changes) = Type::Dynamic.conform(Value::list([Value::from("a"), Value::from(2)]));
        assert!(changes.is_empty());
        assert_eq!(Type::Dynamic.check(&value), Ok(()));
        assert_eq!(Type::of(&value), Type::Tuple(vec![Type::String, Type::Number]));
    }

    #[test]
    fn refuses_numbers_terraform_cannot_hold() {
        assert!(
            Type::Number
                .check(&Value::Number(Number::Float(f64::NAN)))
                .is_err()
        );
        let (value, changes) = Type::Number.conform(Value::Number(Number::Decimal("ten".into())));
        assert_eq!((value, changes.len()), (Value::Null, 1));
    }
}
