//! Core's own merge of prior state and configuration.
//!
//! Source: `hashicorp/terraform:internal/plans/objchange` at v1.11 (`ProposedNew`). Needed by a fake core in tests, and
//! as the start of [`propose`](super::propose): the wire brings core's result, but computing it here lets a plan be
//! tested without core.

use std::collections::BTreeMap;

use super::{Body, NULL, child, element};
use crate::schema::{Attribute, Block, Kind, Nesting, Schema};
use crate::value::Value;

/// What Terraform sends as `proposed_new_state`: the configuration, and prior values where a computed attribute is not
/// configured. Null when both are null; on a destroy core sends null itself, without asking this.
///
/// # Arguments
/// `prior` must be wholly known; both must be of the schema's type.
pub fn proposed_new(schema: &Schema, prior: &Value, config: &Value) -> Value {
    merge(schema, Correlation::Core, prior, config)
}

/// The merge, with one way or the other of finding an element of a set again.
pub(super) fn merge(schema: &Schema, correlation: Correlation, prior: &Value, config: &Value) -> Value {
    object(Body::of_schema(schema), correlation, prior, config)
}

/// How an element of a set is found again.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Correlation {
    /// As core does: a nested object that the provider computed makes an element a stranger.
    Core,
    /// That is overcome, so that such a resource does not change with every plan.
    Wide,
}

/// An object that a schema or block describes. A null configuration takes the prior value.
fn object(body: Body<'_>, correlation: Correlation, prior: &Value, config: &Value) -> Value {
    if config.is_null() || config.is_unknown() {
        return prior.clone();
    }
    let attributes = body.attributes.iter().map(|(name, schema)| {
        (
            name.clone(),
            attribute(schema, correlation, child(prior, name), child(config, name)),
        )
    });
    let blocks = body.blocks().map(|(name, schema)| {
        (
            name.clone(),
            block(schema, correlation, child(prior, name), child(config, name)),
        )
    });
    Value::Object(attributes.chain(blocks).collect())
}

fn attribute(schema: &Attribute, correlation: Correlation, prior: &Value, config: &Value) -> Value {
    if schema.mode.is_computed() && config.is_null() {
        // A prior value that can only have come from the configuration goes with it.
        return if came_from_config(schema, prior) {
            config.clone()
        } else {
            prior.clone()
        };
    }
    match &schema.kind {
        Kind::Nested(nesting, attributes) => nested(
            *nesting,
            Body::of_attributes(attributes),
            correlation,
            prior,
            config,
        ),
        Kind::Plain(_) => config.clone(),
    }
}

fn block(schema: &Block, correlation: Correlation, prior: &Value, config: &Value) -> Value {
    nested(schema.nesting, Body::of_block(schema), correlation, prior, config)
}

fn nested(
    nesting: Nesting,
    body: Body<'_>,
    correlation: Correlation,
    prior: &Value,
    config: &Value,
) -> Value {
    if config.is_unknown() || config.is_null() {
        return config.clone();
    }
    match nesting {
        Nesting::Single => object_or_config(body, correlation, prior, config),
        Nesting::List => {
            let items = config.elements().unwrap_or_default().iter().enumerate();
            Value::List(
                items
                    .map(|(index, item)| match element(prior, index) {
                        Some(prior) => object_or_config(body, correlation, prior, item),
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
                            let item = object_or_config(body, correlation, prior, &item);
                            (key, item)
                        }
                        None => (key, item),
                    })
                    .collect(),
            )
        }
        Nesting::Set => {
            let items = config.elements().unwrap_or_default();
            let priors = correlate(body, correlation, prior.elements().unwrap_or_default(), items);
            Value::Set(
                items
                    .iter()
                    .zip(priors)
                    .map(|(item, prior)| object_or_config(body, correlation, prior.unwrap_or(&NULL), item))
                    .collect(),
            )
        }
    }
}

/// An object inside a collection: a null or unknown element stays what the configuration says.
fn object_or_config(body: Body<'_>, correlation: Correlation, prior: &Value, config: &Value) -> Value {
    if config.is_null() || config.is_unknown() {
        config.clone()
    } else {
        object(body, correlation, prior, config)
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

/// For every configured element of a set the prior element it may have become, each used once.
pub(super) fn correlate<'a>(
    body: Body<'_>,
    correlation: Correlation,
    prior: &'a [Value],
    config: &[Value],
) -> Vec<Option<&'a Value>> {
    let mut found = vec![None; config.len()];
    // An element that is not known yet may turn out to be any of the prior ones, and another element must not have been
    // promised the values of that one: the plan made at apply would break the promise.
    if correlation == Correlation::Wide && !config.iter().all(Value::is_wholly_known) {
        return found;
    }
    let mut used = vec![false; prior.len()];
    let mut pass = |found: &mut Vec<Option<&'a Value>>, fits: &dyn Fn(&Value, &Value) -> bool| {
        for (slot, item) in found.iter_mut().zip(config).filter(|(slot, _)| slot.is_none()) {
            let first = (0..prior.len()).find(|index| !used[*index] && fits(&prior[*index], item));
            if let Some(index) = first {
                used[index] = true;
                *slot = Some(&prior[index]);
            }
        }
    };
    // Core takes the first that may be it, also where a later element is the very one.
    if correlation == Correlation::Wide {
        pass(&mut found, &|prior, config| prior.same(config));
    }
    pass(&mut found, &|prior, config| {
        may_come_from(body, correlation, prior, config)
    });
    found
}

/// Whether a prior object may be what the provider made of `config`: only unset computed values may differ.
fn may_come_from(body: Body<'_>, correlation: Correlation, prior: &Value, config: &Value) -> bool {
    if prior.same(config) {
        return true;
    }
    let (Some(_), Some(_)) = (prior.entries(), config.entries()) else {
        // Core walks the prior value: one that is null or unknown has nothing that contradicts.
        return prior.entries().is_none();
    };
    body.attributes.iter().all(|(name, schema)| {
        let (prior, config) = (child(prior, name), child(config, name));
        prior.same(config)
            || match &schema.kind {
                Kind::Plain(_) => schema.mode.is_computed() && config.is_null(),
                Kind::Nested(nesting, attributes) => {
                    let computed = schema.mode.is_computed() && config.is_null();
                    let body = Body::of_attributes(attributes);
                    (correlation == Correlation::Wide && computed)
                        || elements_may_come_from(*nesting, body, correlation, prior, config)
                }
            }
    }) && body.blocks().all(|(name, schema)| {
        let (prior, config) = (child(prior, name), child(config, name));
        prior.same(config)
            || elements_may_come_from(schema.nesting, Body::of_block(schema), correlation, prior, config)
    })
}

fn elements_may_come_from(
    nesting: Nesting,
    body: Body<'_>,
    correlation: Correlation,
    prior: &Value,
    config: &Value,
) -> bool {
    match nesting {
        // Core does not look into a set within a set.
        Nesting::Set if correlation == Correlation::Core => false,
        Nesting::Set => {
            let (prior, config) = (
                prior.elements().unwrap_or_default(),
                config.elements().unwrap_or_default(),
            );
            prior.len() == config.len()
                && correlate(body, correlation, prior, config)
                    .iter()
                    .all(Option::is_some)
        }
        Nesting::Single => may_come_from(body, correlation, prior, config),
        Nesting::List => prior
            .elements()
            .unwrap_or_default()
            .iter()
            .enumerate()
            .all(|(index, prior)| {
                element(config, index).is_some_and(|config| may_come_from(body, correlation, prior, config))
            }),
        Nesting::Map => prior.entries().into_iter().flatten().all(|(key, prior)| {
            config
                .get(key)
                .is_some_and(|config| may_come_from(body, correlation, prior, config))
        }),
    }
}
