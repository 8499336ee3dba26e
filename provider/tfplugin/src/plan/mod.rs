//! Planning: what Terraform proposes, and what a provider makes of it before its own code runs.

mod correlation;
mod propose;
mod proposed_new;
mod replace;

pub use propose::propose;
pub use proposed_new::proposed_new;
pub use replace::replace_paths;

use std::collections::BTreeMap;

use crate::schema::{Attribute, Block};
use crate::value::Value;

/// The attributes and blocks of one object: a schema, a nested attribute or a nested block.
#[derive(Clone, Copy)]
pub(crate) struct Body<'a> {
    pub(crate) attributes: &'a BTreeMap<String, Attribute>,
    pub(crate) blocks: Option<&'a BTreeMap<String, Block>>,
}

impl<'a> Body<'a> {
    pub(crate) fn of_schema(schema: &'a crate::schema::Schema) -> Self {
        Self {
            attributes: &schema.attributes,
            blocks: Some(&schema.blocks),
        }
    }

    pub(crate) fn of_block(block: &'a Block) -> Self {
        Self {
            attributes: &block.attributes,
            blocks: Some(&block.blocks),
        }
    }

    pub(crate) fn of_attributes(attributes: &'a BTreeMap<String, Attribute>) -> Self {
        Self {
            attributes,
            blocks: None,
        }
    }

    pub(crate) fn blocks(&self) -> impl Iterator<Item = (&'a String, &'a Block)> + use<'a> {
        self.blocks.into_iter().flatten()
    }
}

/// What stands for anything missing.
pub(crate) static NULL: Value = Value::Null;

/// The attribute of a value that may be null or incomplete.
pub(crate) fn child<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&NULL)
}

/// The element of a list that may be null, unknown or shorter.
pub(crate) fn element(value: &Value, index: usize) -> Option<&Value> {
    value.elements().and_then(|items| items.get(index))
}

#[cfg(test)]
mod terraform;
#[cfg(test)]
mod tests;
