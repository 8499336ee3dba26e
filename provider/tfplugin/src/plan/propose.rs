//! What a provider proposes before its own code runs.

use super::correlation::Correlation;
use super::{Body, NULL, child, element};
use crate::rules::write_only_as_null;
use crate::schema::{Attribute, Kind, Nesting, OnChange, Schema};
use crate::value::Value;

/// The planned state as the schema has it: null on destroy, else configuration, defaults and computed values.
///
/// The order is that of HashiCorp's framework (`internal/fwserver`): core's merge, then defaults where the
/// configuration is null, then write-only values become null; and **only if that differs from the prior state** are
/// computed values marked unknown, because an unknown in an unchanged resource is a change that never ends.
///
/// A computed value that is not configured becomes:
/// - its default, if it has one;
/// - the prior value, if it has one and the attribute is `OptionalComputed` or [`OnChange::Keep`];
/// - else unknown.
///
/// "Prior" goes by map key, list index, or for sets by what was configured, so a kept value in one pool is kept when
/// another pool is added, and a new pool's value is unknown. A nested attribute that is itself computed and not
/// configured is treated as one value; as in core, an `OptionalComputed` one goes away with its configuration if it holds
/// attributes that only a configuration can set, so give the children of such an attribute a computed mode.
///
/// # Arguments
/// `prior` (null on create) and `config` (null on destroy) of the schema's type.
pub fn propose(schema: &Schema, prior: &Value, config: &Value) -> Value {
    if config.is_null() {
        return Value::Null;
    }
    let body = Body::of_schema(schema);
    let merged = Correlation::Wide.merge(schema, prior, config);
    let settled = write_only_as_null(schema, object(body, Step::Settle, &merged, prior, config));
    if settled.same(prior) {
        return prior.clone();
    }
    write_only_as_null(schema, object(body, Step::Mark, &settled, prior, config))
}

/// Which of the two passes is made over the merged value.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    /// Defaults in, write-only values out.
    Settle,
    /// Computed values unknown, or kept.
    Mark,
}

fn object(body: Body<'_>, step: Step, planned: &Value, prior: &Value, config: &Value) -> Value {
    if config.is_null() || config.is_unknown() || planned.entries().is_none() {
        return planned.clone();
    }
    let attributes = body.attributes.iter().map(|(name, schema)| {
        (
            name.clone(),
            attribute(
                schema,
                step,
                child(planned, name),
                child(prior, name),
                child(config, name),
            ),
        )
    });
    let blocks = body.blocks().map(|(name, schema)| {
        let (planned, prior, config) = (child(planned, name), child(prior, name), child(config, name));
        (
            name.clone(),
            nested(
                schema.nesting,
                Body::of_block(schema),
                step,
                planned,
                prior,
                config,
            ),
        )
    });
    Value::Object(attributes.chain(blocks).collect())
}

fn attribute(schema: &Attribute, step: Step, planned: &Value, prior: &Value, config: &Value) -> Value {
    if !config.is_null() {
        return match &schema.kind {
            Kind::Plain(_) => planned.clone(),
            Kind::Nested(nesting, attributes) => nested(
                *nesting,
                Body::of_attributes(attributes),
                step,
                planned,
                prior,
                config,
            ),
        };
    }
    if let Some(default) = &schema.default {
        return schema.ty().conform(default.clone()).0;
    }
    if step == Step::Settle || !schema.mode.is_computed() {
        return planned.clone();
    }
    let keep = schema.mode.is_optional() || schema.on_change == OnChange::Keep;
    // `planned` is the prior value, unless core found that it went away with the configuration.
    if keep && !planned.is_null() {
        planned.clone()
    } else {
        Value::unknown()
    }
}

fn nested(
    nesting: Nesting,
    body: Body<'_>,
    step: Step,
    planned: &Value,
    prior: &Value,
    config: &Value,
) -> Value {
    match (nesting, planned) {
        (Nesting::Single, Value::Object(_)) => object(body, step, planned, prior, config),
        (Nesting::List, Value::List(items)) => Value::List(
            items
                .iter()
                .enumerate()
                .map(|(index, planned)| {
                    let at = |value| element(value, index).unwrap_or(&NULL);
                    object(body, step, planned, at(prior), at(config))
                })
                .collect(),
        ),
        (Nesting::Map, Value::Map(entries)) => Value::Map(
            entries
                .iter()
                .map(|(key, planned)| {
                    (
                        key.clone(),
                        object(body, step, planned, child(prior, key), child(config, key)),
                    )
                })
                .collect(),
        ),
        (Nesting::Set, Value::Set(items)) => {
            // Core's merge and the passes here keep the order of the configuration.
            let configured = config.elements().unwrap_or_default();
            let priors = Correlation::Wide.correlate(body, prior.elements().unwrap_or_default(), configured);
            let items = items.iter().zip(configured).zip(priors);
            Value::Set(
                items
                    .map(|((planned, config), prior)| {
                        object(body, step, planned, prior.unwrap_or(&NULL), config)
                    })
                    .collect(),
            )
        }
        // Null or unknown as configured.
        _ => planned.clone(),
    }
}
