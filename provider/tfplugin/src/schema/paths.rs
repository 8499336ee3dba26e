//! From a path to the attribute it leads to.

use std::collections::BTreeMap;

use super::{Attribute, Block, Kind, Nesting, Schema};
use crate::path::{Path, PathStep};

/// Where a walk through a schema stands.
enum Place<'a> {
    /// In an object with these.
    Body(
        &'a BTreeMap<String, Attribute>,
        Option<&'a BTreeMap<String, Block>>,
    ),
    /// In a collection of such objects.
    Elements(
        &'a BTreeMap<String, Attribute>,
        Option<&'a BTreeMap<String, Block>>,
    ),
    /// In a plain value of this attribute.
    Value,
}

impl Schema {
    /// The attribute at `path`, or the one whose plain value `path` leads into; `None` for blocks and nonsense.
    pub fn attribute_at(&self, path: &Path) -> Option<&Attribute> {
        self.attributes_along(path).last().copied()
    }

    /// Whether Terraform hides what is at `path`: it, or something around it, is sensitive or write-only.
    pub fn is_sensitive(&self, path: &Path) -> bool {
        self.attributes_along(path)
            .iter()
            .any(|attribute| attribute.sensitive || attribute.write_only)
    }

    /// Whether something at `path`, around it or below it is sensitive. Nonsense counts as sensitive.
    pub fn holds_sensitive(&self, path: &Path) -> bool {
        fn hidden(attribute: &Attribute) -> bool {
            attribute.sensitive
                || attribute.write_only
                || matches!(&attribute.kind, Kind::Nested(_, attributes) if attributes.values().any(hidden))
        }
        fn hidden_block(block: &Block) -> bool {
            block.attributes.values().any(hidden) || block.blocks.values().any(hidden_block)
        }
        let (passed, place) = self.walk(path);
        if passed
            .iter()
            .any(|attribute| attribute.sensitive || attribute.write_only)
        {
            return true;
        }
        match place {
            Some(Place::Body(attributes, blocks) | Place::Elements(attributes, blocks)) => {
                attributes.values().any(hidden)
                    || blocks.into_iter().flatten().any(|(_, block)| hidden_block(block))
            }
            Some(Place::Value) => false,
            None => true,
        }
    }

    /// Every attribute passed on the way along `path`.
    fn attributes_along(&self, path: &Path) -> Vec<&Attribute> {
        self.walk(path).0
    }

    /// Every attribute passed on the way along `path`, and where it ends; `None` where it leaves the schema.
    fn walk(&self, path: &Path) -> (Vec<&Attribute>, Option<Place<'_>>) {
        let mut passed = Vec::new();
        let mut place = Place::Body(&self.attributes, Some(&self.blocks));
        for step in path.steps() {
            place = match (place, step) {
                (Place::Body(attributes, blocks), PathStep::Attribute(name)) => {
                    if let Some(attribute) = attributes.get(name) {
                        passed.push(attribute);
                        match &attribute.kind {
                            Kind::Plain(_) => Place::Value,
                            Kind::Nested(Nesting::Single, attributes) => Place::Body(attributes, None),
                            Kind::Nested(_, attributes) => Place::Elements(attributes, None),
                        }
                    } else if let Some(block) = blocks.and_then(|blocks| blocks.get(name)) {
                        match block.nesting {
                            Nesting::Single => Place::Body(&block.attributes, Some(&block.blocks)),
                            _ => Place::Elements(&block.attributes, Some(&block.blocks)),
                        }
                    } else {
                        return (passed, None);
                    }
                }
                (Place::Elements(attributes, blocks), PathStep::Key(_) | PathStep::Index(_)) => {
                    Place::Body(attributes, blocks)
                }
                (Place::Value, _) => Place::Value,
                _ => return (passed, None),
            };
        }
        (passed, Some(place))
    }
}
