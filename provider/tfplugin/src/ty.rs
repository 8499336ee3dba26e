//! Terraform's type system (cty), as far as it crosses the wire.

use std::collections::BTreeMap;

/// A type constraint. Source: `hashicorp/terraform:docs/plugin-protocol/object-wire-format.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// A string.
    String,
    /// A number of any size and precision.
    Number,
    /// A boolean.
    Bool,
    /// Any type; the value carries its own.
    Dynamic,
    /// An ordered sequence.
    List(Box<Type>),
    /// An unordered collection without duplicates.
    Set(Box<Type>),
    /// String keys to values of one type.
    Map(Box<Type>),
    /// Exactly these attributes.
    Object(BTreeMap<String, Type>),
    /// A fixed sequence of differently typed elements.
    Tuple(Vec<Type>),
}
