//! Values as they cross the wire: known, null or unknown at any depth.

mod access;
mod build;
mod equality;
mod error;
mod json;
mod number;

use std::collections::BTreeMap;

pub use error::{Problem, ValueError};
pub use number::{NotANumber, Number};

use crate::ty::Type;

/// A value of some [`Type`]. `Unknown` and `Null` may stand at any depth.
///
/// Equality is Terraform's: numbers by what they mean, sets without order and duplicates, and unknown values by their
/// refinements ([`Value::same`] leaves those out, as Terraform does when it compares a plan with the configuration).
#[derive(Debug, Clone)]
pub enum Value {
    /// No value.
    Null,
    /// Known after apply; the refinements say what is known already.
    Unknown(Refinements),
    /// A string.
    String(String),
    /// A number.
    Number(Number),
    /// A boolean.
    Bool(bool),
    /// A list.
    List(Vec<Value>),
    /// A set; order carries no meaning.
    Set(Vec<Value>),
    /// A map.
    Map(BTreeMap<String, Value>),
    /// An object: exactly the attributes of its type.
    Object(BTreeMap<String, Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// A value in a place of type `dynamic`, with its own type.
    Dynamic(Box<(Type, Value)>),
}

/// What is known of an unknown value (wire extension type 12). Kept and handed back unchanged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Refinements {
    /// `Some(false)`: certainly not null.
    pub null: Option<bool>,
    /// Certain beginning of the string.
    pub prefix: Option<String>,
    /// Lower bound and whether it is inclusive.
    pub min: Option<(Number, bool)>,
    /// Upper bound and whether it is inclusive.
    pub max: Option<(Number, bool)>,
    /// Least number of elements.
    pub min_length: Option<i64>,
    /// Greatest number of elements.
    pub max_length: Option<i64>,
}

impl Refinements {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether `value` may take the place of an unknown with these refinements. An unknown value always may.
    pub fn admits(&self, value: &Value) -> bool {
        let length_ok = |length: usize| {
            let length = i64::try_from(length).unwrap_or(i64::MAX);
            self.min_length.is_none_or(|min| length >= min) && self.max_length.is_none_or(|max| length <= max)
        };
        let above = |n: &Number| {
            self.min
                .as_ref()
                .is_none_or(|(min, inclusive)| n > min || (*inclusive && n == min))
        };
        let below = |n: &Number| {
            self.max
                .as_ref()
                .is_none_or(|(max, inclusive)| n < max || (*inclusive && n == max))
        };
        match value {
            Value::Unknown(_) => true,
            Value::Null => self.null != Some(false),
            _ if self.null == Some(true) => false,
            Value::String(text) => self.prefix.as_ref().is_none_or(|prefix| text.starts_with(prefix)),
            Value::Number(number) => above(number) && below(number),
            Value::List(items) | Value::Set(items) => length_ok(items.len()),
            Value::Map(entries) => length_ok(entries.len()),
            Value::Bool(_) | Value::Object(_) | Value::Tuple(_) | Value::Dynamic(_) => true,
        }
    }
}

#[cfg(test)]
mod tests;
