//! Looking into values.

use std::collections::BTreeMap;

use super::{Number, Value};
use crate::path::{Path, PathStep};

impl Value {
    /// Whether this is null. A null inside a `dynamic` counts.
    pub fn is_null(&self) -> bool {
        matches!(self.inner(), Value::Null)
    }

    /// Whether this itself is unknown (its children may be either way).
    pub fn is_unknown(&self) -> bool {
        matches!(self.inner(), Value::Unknown(_))
    }

    /// Whether nothing in it is unknown.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Value::Unknown(_) => false,
            Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
                items.iter().all(Value::is_wholly_known)
            }
            Value::Map(entries) | Value::Object(entries) => entries.values().all(Value::is_wholly_known),
            Value::Dynamic(boxed) => boxed.1.is_wholly_known(),
            Value::Null | Value::String(_) | Value::Number(_) | Value::Bool(_) => true,
        }
    }

    /// The value without the `dynamic` around it.
    pub fn inner(&self) -> &Value {
        match self {
            Value::Dynamic(boxed) => boxed.1.inner(),
            value => value,
        }
    }

    /// The text, if this is a known string.
    pub fn as_str(&self) -> Option<&str> {
        match self.inner() {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if this is a known one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.inner() {
            Value::Bool(bool) => Some(*bool),
            _ => None,
        }
    }

    /// The number, if this is a known one.
    pub fn as_number(&self) -> Option<&Number> {
        match self.inner() {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The integer, if this is a known number without fraction that fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The nearest float, if this is a known number.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    /// The elements of a known list, set or tuple.
    pub fn elements(&self) -> Option<&[Value]> {
        match self.inner() {
            Value::List(items) | Value::Set(items) | Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a known map or the attributes of an object.
    pub fn entries(&self) -> Option<&BTreeMap<String, Value>> {
        match self.inner() {
            Value::Map(entries) | Value::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// As [`Value::entries`], to change them.
    pub fn entries_mut(&mut self) -> Option<&mut BTreeMap<String, Value>> {
        match self {
            Value::Map(entries) | Value::Object(entries) => Some(entries),
            Value::Dynamic(boxed) => boxed.1.entries_mut(),
            _ => None,
        }
    }

    /// The attribute or entry of this name; `None` where there is none (also on null and unknown).
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.entries()?.get(name)
    }

    /// Puts an attribute or entry into an object or map; anything else stays as it is.
    pub fn set_entry(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        if let Some(entries) = self.entries_mut() {
            entries.insert(name.into(), value.into());
        }
    }

    /// What stands at `path`; `None` where the path leads nowhere. Sets have no places inside.
    pub fn at(&self, path: &Path) -> Option<&Value> {
        path.steps()
            .iter()
            .try_fold(self, |value, step| value.child(step))
    }

    /// As [`Value::at`], to change it.
    pub fn at_mut(&mut self, path: &Path) -> Option<&mut Value> {
        let mut value = self;
        for step in path.steps() {
            value = value.child_mut(step)?;
        }
        Some(value)
    }

    fn child(&self, step: &PathStep) -> Option<&Value> {
        match (self.inner(), step) {
            (Value::Object(entries), PathStep::Attribute(name))
            | (Value::Map(entries), PathStep::Key(name)) => entries.get(name),
            (Value::List(items) | Value::Tuple(items), PathStep::Index(index)) => {
                items.get(usize::try_from(*index).ok()?)
            }
            _ => None,
        }
    }

    fn child_mut(&mut self, step: &PathStep) -> Option<&mut Value> {
        match (self, step) {
            (Value::Dynamic(boxed), step) => boxed.1.child_mut(step),
            (Value::Object(entries), PathStep::Attribute(name))
            | (Value::Map(entries), PathStep::Key(name)) => entries.get_mut(name),
            (Value::List(items) | Value::Tuple(items), PathStep::Index(index)) => {
                items.get_mut(usize::try_from(*index).ok()?)
            }
            _ => None,
        }
    }

    /// What kind of value this is, in words; never the value.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Unknown(_) => "an unknown value",
            Value::String(_) => "a string",
            Value::Number(_) => "a number",
            Value::Bool(_) => "a bool",
            Value::List(_) => "a list",
            Value::Set(_) => "a set",
            Value::Map(_) => "a map",
            Value::Object(_) => "an object",
            Value::Tuple(_) => "a tuple",
            Value::Dynamic(_) => "a dynamic value",
        }
    }

    /// Places of unknown values, in order. Elements of a set are shown by their position.
    pub fn unknown_paths(&self) -> Vec<Path> {
        let mut found = Vec::new();
        collect_unknown(self, &mut Path::root(), &mut found);
        found
    }

    /// This value with every unknown made null: what may be saved of a plan that was not carried out.
    #[must_use]
    pub fn unknown_as_null(&self) -> Value {
        self.map_leaves(&mut |leaf| match leaf {
            Value::Unknown(_) => Value::Null,
            leaf => leaf.clone(),
        })
    }

    /// A copy with every leaf (anything without children) replaced by what `f` makes of it.
    #[must_use]
    pub(crate) fn map_leaves(&self, f: &mut impl FnMut(&Value) -> Value) -> Value {
        match self {
            Value::List(items) => Value::List(items.iter().map(|item| item.map_leaves(f)).collect()),
            Value::Set(items) => Value::Set(items.iter().map(|item| item.map_leaves(f)).collect()),
            Value::Tuple(items) => Value::Tuple(items.iter().map(|item| item.map_leaves(f)).collect()),
            Value::Map(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.map_leaves(f)))
                    .collect(),
            ),
            Value::Object(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.map_leaves(f)))
                    .collect(),
            ),
            Value::Dynamic(boxed) => Value::Dynamic(Box::new((boxed.0.clone(), boxed.1.map_leaves(f)))),
            leaf => f(leaf),
        }
    }
}

fn collect_unknown(value: &Value, path: &mut Path, found: &mut Vec<Path>) {
    let mut visit = |step: PathStep, child: &Value, path: &mut Path| {
        path.push(step);
        collect_unknown(child, path, found);
        path.pop();
    };
    match value {
        Value::Unknown(_) => found.push(path.clone()),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
            for (index, item) in (0i64..).zip(items) {
                visit(PathStep::Index(index), item, path);
            }
        }
        Value::Map(entries) => {
            for (key, item) in entries {
                visit(PathStep::Key(key.clone()), item, path);
            }
        }
        Value::Object(entries) => {
            for (name, item) in entries {
                visit(PathStep::Attribute(name.clone()), item, path);
            }
        }
        Value::Dynamic(boxed) => collect_unknown(&boxed.1, path, found),
        Value::Null | Value::String(_) | Value::Number(_) | Value::Bool(_) => {}
    }
}
