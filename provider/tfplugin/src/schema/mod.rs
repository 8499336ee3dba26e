//! What a provider's objects look like to Terraform.

mod build;
mod check;
mod paths;

use std::collections::BTreeMap;

pub use check::{Role, SchemaFault};

use crate::ty::Type;
use crate::value::Value;

/// The schema of a provider, resource, data source or ephemeral resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schema {
    /// State version, counted up when stored state must be upgraded.
    pub version: u64,
    /// Markdown.
    pub description: String,
    /// Attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// Nested blocks by name. Attributes are preferred; `timeouts` is customarily a block.
    pub blocks: BTreeMap<String, Block>,
}

/// Who sets an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The configuration must.
    Required,
    /// The configuration may; null otherwise.
    Optional,
    /// The configuration may; the provider does otherwise.
    OptionalComputed,
    /// The provider does.
    Computed,
}

/// How children of a nested attribute or block are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// One object.
    Single,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// A map of objects. Preferred: stable keys.
    Map,
}

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A plain value.
    Plain(Type),
    /// Attributes with descriptions and modes of their own.
    Nested(Nesting, BTreeMap<String, Attribute>),
}

/// What a plan does to a computed value when something in the resource changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnChange {
    /// It becomes unknown.
    #[default]
    Unknown,
    /// It keeps its prior value; on create it is unknown.
    Keep,
}

/// One attribute.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// Plain or nested.
    pub kind: Kind,
    /// Who sets it.
    pub mode: Mode,
    /// Markdown: values, default, what a change does.
    pub description: String,
    /// Hidden in Terraform's output.
    pub sensitive: bool,
    /// Never in plan or state.
    pub write_only: bool,
    /// Message shown to users of a deprecated attribute.
    pub deprecated: Option<String>,
    /// Planned where the configuration is null (the mode must be `OptionalComputed`).
    pub default: Option<Value>,
    /// A change replaces the resource.
    pub requires_replace: bool,
    /// For computed values.
    pub on_change: OnChange,
}

/// A nested block.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// How many, and how they are held.
    pub nesting: Nesting,
    /// Attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// Blocks in the block.
    pub blocks: BTreeMap<String, Block>,
    /// Markdown.
    pub description: String,
    /// Fewest allowed (lists and sets).
    pub min_items: u32,
    /// Most allowed, 0 = no limit (lists and sets).
    pub max_items: u32,
}

impl Mode {
    /// Whether the provider may set it.
    pub fn is_computed(self) -> bool {
        matches!(self, Mode::Computed | Mode::OptionalComputed)
    }

    /// Whether the configuration may leave it out or give it.
    pub fn is_optional(self) -> bool {
        matches!(self, Mode::Optional | Mode::OptionalComputed)
    }
}

impl Nesting {
    /// The type of children of type `object` held this way.
    pub fn of(self, object: Type) -> Type {
        match self {
            Nesting::Single => object,
            Nesting::List => Type::list(object),
            Nesting::Set => Type::set(object),
            Nesting::Map => Type::map(object),
        }
    }
}

impl Schema {
    /// The type of the values this describes: an object of all attributes and blocks.
    pub fn ty(&self) -> Type {
        object_type(&self.attributes, &self.blocks)
    }
}

impl Attribute {
    /// The type of its values.
    pub fn ty(&self) -> Type {
        match &self.kind {
            Kind::Plain(ty) => ty.clone(),
            Kind::Nested(nesting, attributes) => nesting.of(object_type(attributes, &BTreeMap::new())),
        }
    }
}

impl Block {
    /// The type of its values.
    pub fn ty(&self) -> Type {
        self.nesting.of(object_type(&self.attributes, &self.blocks))
    }
}

fn object_type(attributes: &BTreeMap<String, Attribute>, blocks: &BTreeMap<String, Block>) -> Type {
    let attributes = attributes
        .iter()
        .map(|(name, attribute)| (name.clone(), attribute.ty()));
    let blocks = blocks.iter().map(|(name, block)| (name.clone(), block.ty()));
    Type::Object(attributes.chain(blocks).collect())
}

#[cfg(test)]
mod tests;
