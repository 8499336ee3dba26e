//! Values as they cross the wire: known, null or unknown at any depth.

use std::collections::BTreeMap;

use crate::ty::Type;

/// A value of some [`Type`]. `Unknown` and `Null` may stand at any depth.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq, Default)]
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

/// A number without loss: Terraform's numbers are 512-bit floats.
#[derive(Debug, Clone, PartialEq)]
pub enum Number {
    /// An integer that fits.
    Int(i64),
    /// A finite or infinite float that is exact.
    Float(f64),
    /// Anything else, as canonical decimal text.
    Decimal(String),
}
