//! Whether Terraform would take a schema.
//!
//! One fault makes Terraform refuse the whole provider ("Failed to load plugin schemas"), so a provider checks its
//! schemas in a test. The first half are core's rules (`hashicorp/terraform:internal/configs/configschema`,
//! `InternalValidate`); the second half are promises of this crate that would otherwise fail later, in a plan.

use std::collections::BTreeMap;
use std::fmt;

use super::{Attribute, Block, Kind, Mode, Nesting, OnChange, Schema};
use crate::ty::Type;

/// What a schema is for: some names are taken in some places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The provider block.
    Provider,
    /// A managed resource, data source or ephemeral resource.
    Resource,
    /// The identity of a resource: plain attributes of simple types only.
    Identity,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {fault}")]
pub struct SchemaFault {
    /// Attribute or block, with the names it is nested in: `pools.size`.
    pub name: String,
    /// What is wrong.
    pub fault: String,
}

/// Taken by Terraform's language in every resource block.
const RESOURCE_NAMES: &[&str] = &[
    "connection",
    "count",
    "depends_on",
    "for_each",
    "lifecycle",
    "provider",
    "provisioner",
];
/// Taken by Terraform's language in every provider block.
const PROVIDER_NAMES: &[&str] = &[
    "alias",
    "count",
    "depends_on",
    "for_each",
    "lifecycle",
    "source",
    "version",
];

impl Schema {
    /// Everything wrong with this schema.
    pub fn faults(&self, role: Role) -> Vec<SchemaFault> {
        let mut check = Check {
            prefix: String::new(),
            faults: Vec::new(),
            in_set: false,
            in_repeated_block: false,
        };
        if i64::try_from(self.version).is_err() {
            check.fault("(schema)", "the version does not fit 63 bits");
        }
        let reserved = match role {
            Role::Provider => PROVIDER_NAMES,
            Role::Resource => RESOURCE_NAMES,
            Role::Identity => &[],
        };
        for name in self.attributes.keys().chain(self.blocks.keys()) {
            if reserved.contains(&name.as_str()) {
                check.fault(name, "the name belongs to Terraform's language");
            }
        }
        if role == Role::Identity {
            check.identity(self);
        }
        check.body(&self.attributes, &self.blocks);
        check.faults
    }
}

struct Check {
    prefix: String,
    faults: Vec<SchemaFault>,
    in_set: bool,
    in_repeated_block: bool,
}

impl Check {
    fn fault(&mut self, name: &str, fault: impl fmt::Display) {
        self.faults.push(SchemaFault {
            name: format!("{}{name}", self.prefix),
            fault: fault.to_string(),
        });
    }

    fn inside(&mut self, name: &str, set: bool, check: impl FnOnce(&mut Self)) {
        let length = self.prefix.len();
        let outside = self.in_set;
        self.prefix.push_str(name);
        self.prefix.push('.');
        self.in_set |= set;
        check(self);
        self.prefix.truncate(length);
        self.in_set = outside;
    }

    fn body(&mut self, attributes: &BTreeMap<String, Attribute>, blocks: &BTreeMap<String, Block>) {
        for (name, attribute) in attributes {
            self.attribute(name, attribute);
        }
        for (name, block) in blocks {
            if attributes.contains_key(name) {
                self.fault(name, "is both an attribute and a block");
            }
            self.block(name, block);
        }
    }

    fn name(&mut self, name: &str) {
        let valid = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if name.is_empty() || !name.bytes().all(valid) || name.as_bytes()[0].is_ascii_digit() {
            self.fault(
                name,
                "a name is made of lower-case letters, digits and underscores, not starting with a digit",
            );
        }
    }

    fn block(&mut self, name: &str, block: &Block) {
        self.name(name);
        let (min, max) = (block.min_items, block.max_items);
        match block.nesting {
            Nesting::Single if min != max => {
                self.fault(name, "min_items and max_items of a single block must be equal");
            }
            Nesting::Single if min > 1 => {
                self.fault(name, "min_items and max_items of a single block are 0 or 1")
            }
            Nesting::Map if min != 0 || max != 0 => {
                self.fault(name, "min_items and max_items of a map of blocks must be 0");
            }
            Nesting::List | Nesting::Set if max != 0 && min > max => {
                self.fault(name, "min_items is greater than max_items");
            }
            _ => {}
        }
        self.collection(name, block.nesting, &block.ty(), block_is_write_only(block));
        let outside = self.in_repeated_block;
        self.in_repeated_block |= block.nesting != Nesting::Single;
        self.inside(name, block.nesting == Nesting::Set, |check| {
            check.body(&block.attributes, &block.blocks)
        });
        self.in_repeated_block = outside;
    }

    /// What must not be inside collections of objects.
    fn collection(&mut self, name: &str, nesting: Nesting, ty: &Type, write_only: bool) {
        if nesting == Nesting::Set && write_only {
            self.fault(name, "a set must not contain write-only attributes");
        }
        // Core forbids it in sets; in lists and maps the value would change its kind (tuple, object) with its content,
        // and no plan could be compared.
        if nesting != Nesting::Single && ty.has_dynamic() {
            self.fault(name, "a collection must not contain values of dynamic type");
        }
    }

    fn attribute(&mut self, name: &str, attribute: &Attribute) {
        self.name(name);
        let computed = attribute.mode.is_computed();
        if attribute.write_only && computed {
            self.fault(
                name,
                "a write-only attribute cannot be computed, nor have a default",
            );
        }
        if attribute.default.is_some() && attribute.mode != Mode::OptionalComputed {
            self.fault(name, "an attribute with a default must be optional and computed");
        }
        if attribute.default.is_some() && self.in_set {
            self.fault(name, "defaults inside a set would change which element is which");
        }
        if attribute.on_change == OnChange::Keep && !computed {
            self.fault(name, "only a computed value can be kept");
        }
        if attribute.requires_replace && attribute.mode == Mode::Computed {
            self.fault(
                name,
                "a computed value that is replaced by itself would replace the resource on any change",
            );
        }
        if let Some(default) = &attribute.default {
            // Conforming tells List from Set from Tuple for the author, and reports everything else.
            let (_, changes) = attribute.ty().conform(default.clone());
            if let Some(change) = changes.first() {
                self.fault(name, format!("the default does not fit the type: {change}"));
            }
            if default.is_null() || !default.is_wholly_known() {
                self.fault(name, "a default must be known and not null");
            }
        }
        match &attribute.kind {
            Kind::Plain(ty) => {
                if has_dynamic_elements(ty) {
                    self.fault(name, "a collection must not contain values of dynamic type");
                }
            }
            Kind::Nested(nesting, attributes) => {
                // Tried with 1.11.4: "panic: inconsistent map element types" where one block sets the attribute and
                // another does not.
                if self.in_repeated_block {
                    self.fault(
                        name,
                        "a nested attribute in a repeated block makes Terraform crash",
                    );
                }
                self.collection(
                    name,
                    *nesting,
                    &attribute.ty(),
                    attributes.values().any(is_write_only),
                );
                self.inside(name, *nesting == Nesting::Set, |check| {
                    check.body(attributes, &BTreeMap::new())
                });
            }
        }
    }

    /// `hashicorp/terraform` v1.12: simple types and lists of them; every attribute names the object.
    fn identity(&mut self, schema: &Schema) {
        for name in schema.blocks.keys() {
            self.fault(name, "an identity has no blocks");
        }
        for (name, attribute) in &schema.attributes {
            let simple = |ty: &Type| matches!(ty, Type::String | Type::Number | Type::Bool);
            let plain = match &attribute.kind {
                Kind::Plain(Type::List(element)) => simple(element),
                Kind::Plain(ty) => simple(ty),
                Kind::Nested(..) => false,
            };
            if !plain {
                self.fault(
                    name,
                    "an identity is made of strings, numbers, bools and lists of them",
                );
            }
        }
    }
}

fn is_write_only(attribute: &Attribute) -> bool {
    attribute.write_only
        || matches!(&attribute.kind, Kind::Nested(_, attributes) if attributes.values().any(is_write_only))
}

fn block_is_write_only(block: &Block) -> bool {
    block.attributes.values().any(is_write_only) || block.blocks.values().any(block_is_write_only)
}

fn has_dynamic_elements(ty: &Type) -> bool {
    match ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) => element.has_dynamic(),
        Type::Object(attributes) => attributes.values().any(has_dynamic_elements),
        Type::Tuple(elements) => elements.iter().any(has_dynamic_elements),
        Type::String | Type::Number | Type::Bool | Type::Dynamic => false,
    }
}
