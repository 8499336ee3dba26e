//! Making values.

use std::collections::BTreeMap;

use super::{Number, Refinements, Value};

impl Value {
    /// Known after apply, and nothing more.
    pub fn unknown() -> Self {
        Value::Unknown(Refinements::default())
    }

    /// Known after apply, but certainly not null. A promise: the applied value must keep it.
    pub fn unknown_not_null() -> Self {
        Value::Unknown(Refinements {
            null: Some(false),
            ..Refinements::default()
        })
    }

    /// An object of these attributes.
    pub fn object<K: Into<String>, V: Into<Value>>(attributes: impl IntoIterator<Item = (K, V)>) -> Self {
        Value::Object(
            attributes
                .into_iter()
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
        )
    }

    /// A map of these entries.
    pub fn map<K: Into<String>, V: Into<Value>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Value::Map(entries.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }

    /// A list of these elements.
    pub fn list<V: Into<Value>>(elements: impl IntoIterator<Item = V>) -> Self {
        Value::List(elements.into_iter().map(Into::into).collect())
    }

    /// A set of these elements; duplicates do no harm.
    pub fn set<V: Into<Value>>(elements: impl IntoIterator<Item = V>) -> Self {
        Value::Set(elements.into_iter().map(Into::into).collect())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::String(text)
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Value::Bool(bool)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Value::Number(number)
    }
}

macro_rules! from_number {
    ($($int:ty => $wide:ty),*) => {$(
        impl From<$int> for Value {
            fn from(number: $int) -> Self {
                Value::Number(Number::from(<$wide>::from(number)))
            }
        }
    )*};
}

from_number!(i8 => i64, i16 => i64, i32 => i64, i64 => i64, u8 => u64, u16 => u64, u32 => u64, u64 => u64, f32 => f64, f64 => f64);

/// `None` is null.
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(option: Option<T>) -> Self {
        option.map_or(Value::Null, Into::into)
    }
}

/// A list.
impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(elements: Vec<T>) -> Self {
        Value::list(elements)
    }
}

/// A map.
impl<T: Into<Value>> From<BTreeMap<String, T>> for Value {
    fn from(entries: BTreeMap<String, T>) -> Self {
        Value::map(entries)
    }
}
