//! Core's own merge of prior state and configuration.
//!
//! Source: `hashicorp/terraform:internal/plans/objchange` at v1.11 (`ProposedNew`). Needed by a fake core in tests, and
//! as the start of [`propose`](super::propose): the wire brings core's result, but computing it here lets a plan be
//! tested without core.

use std::collections::BTreeMap;

use super::correlation::Correlation;
use super::{Body, NULL, child, element};
use crate::schema::{Attribute, Block, Kind, Nesting, Schema};
use crate::value::Value;

/// What Terraform sends as `proposed_new_state`: the configuration, and prior values where a computed attribute is not
/// configured. Null when both are null; on a destroy core sends null itself, without asking this.
///
/// # Arguments
/// `prior` must be wholly known; both must be of the schema's type.
pub fn proposed_new(schema: &Schema, prior: &Value, config: &Value) -> Value {
    Correlation::Core.merge(schema, prior, config)
}

/// The merge, with one way or the other of finding an element of a set again.
impl Correlation {
    /// The whole object.
    pub(super) fn merge(self, schema: &Schema, prior: &Value, config: &Value) -> Value {
        self.object(Body::of_schema(schema), prior, config)
    }

    /// An object that a schema or block describes. A null configuration takes the prior value.
    fn object(self, body: Body<'_>, prior: &Value, config: &Value) -> Value {
        if config.is_null() || config.is_unknown() {
            return prior.clone();
        }
        let attributes = body.attributes.iter().map(|(name, schema)| {
            (
                name.clone(),
                self.attribute(schema, child(prior, name), child(config, name)),
            )
        });
        let blocks = body.blocks().map(|(name, schema)| {
            (
                name.clone(),
                self.block(schema, child(prior, name), child(config, name)),
            )
        });
        Value::Object(attributes.chain(blocks).collect())
    }

    fn attribute(self, schema: &Attribute, prior: &Value, config: &Value) -> Value {
        if schema.mode.is_computed() && config.is_null() {
            // A prior value that can only have come from the configuration goes with it.
            return if came_from_config(schema, prior) {
                config.clone()
            } else {
                prior.clone()
            };
        }
        match &schema.kind {
            Kind::Nested(nesting, attributes) => {
                self.nested(*nesting, Body::of_attributes(attributes), prior, config)
            }
            Kind::Plain(_) => config.clone(),
        }
    }

    fn block(self, schema: &Block, prior: &Value, config: &Value) -> Value {
        self.nested(schema.nesting, Body::of_block(schema), prior, config)
    }

    fn nested(self, nesting: Nesting, body: Body<'_>, prior: &Value, config: &Value) -> Value {
        if config.is_unknown() || config.is_null() {
            return config.clone();
        }
        match nesting {
            Nesting::Single => self.object_or_config(body, prior, config),
            Nesting::List => {
                let items = config.elements().unwrap_or_default().iter().enumerate();
                Value::List(
                    items
                        .map(|(index, item)| match element(prior, index) {
                            Some(prior) => self.object_or_config(body, prior, item),
                            None => item.clone(),
                        })
                        .collect(),
                )
            }
            Nesting::Map => {
                let entries = config.entries().cloned().unwrap_or_default();
                Value::Map(
                    entries
                        .into_iter()
                        .map(|(key, item)| match prior.get(&key) {
                            Some(prior) => {
                                let item = self.object_or_config(body, prior, &item);
                                (key, item)
                            }
                            None => (key, item),
                        })
                        .collect(),
                )
            }
            Nesting::Set => {
                let items = config.elements().unwrap_or_default();
                let priors = self.correlate(body, prior.elements().unwrap_or_default(), items);
                Value::Set(
                    items
                        .iter()
                        .zip(priors)
                        .map(|(item, prior)| self.object_or_config(body, prior.unwrap_or(&NULL), item))
                        .collect(),
                )
            }
        }
    }

    /// An object inside a collection: a null or unknown element stays what the configuration says.
    fn object_or_config(self, body: Body<'_>, prior: &Value, config: &Value) -> Value {
        if config.is_null() || config.is_unknown() {
            config.clone()
        } else {
            self.object(body, prior, config)
        }
    }
}

/// Whether a value of an optional nested attribute holds something that no provider may compute.
fn came_from_config(schema: &Attribute, prior: &Value) -> bool {
    fn holds_configured(attributes: &BTreeMap<String, Attribute>, object: &Value) -> bool {
        attributes.iter().any(|(name, schema)| {
            let value = child(object, name);
            if value.is_null() {
                return false;
            }
            !schema.mode.is_computed()
                || matches!(&schema.kind, Kind::Nested(nesting, attributes)
                    if objects(*nesting, value).any(|object| holds_configured(attributes, object)))
        })
    }
    match &schema.kind {
        Kind::Nested(nesting, attributes) if schema.mode.is_optional() => {
            objects(*nesting, prior).any(|object| holds_configured(attributes, object))
        }
        _ => false,
    }
}

/// The objects held in a nested value.
fn objects(nesting: Nesting, value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match nesting {
        Nesting::Single => Box::new(std::iter::once(value)),
        Nesting::List | Nesting::Set => Box::new(value.elements().unwrap_or_default().iter()),
        Nesting::Map => Box::new(value.entries().into_iter().flat_map(BTreeMap::values)),
    }
}
