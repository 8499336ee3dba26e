//! Which changes replace the resource.

use super::{Body, child, element};
use crate::path::{Path, PathStep};
use crate::schema::{Attribute, Kind, Nesting, Schema};
use crate::value::Value;

/// Paths of changed attributes whose change replaces the resource, sorted. Empty on create and destroy.
///
/// Attributes inside nested objects count where the object is in both values (by map key or list index): to add or
/// remove a pool is a change of `pools`, not of every attribute in the pool. Sets cannot be looked into, so an attribute
/// inside one stands for the whole set.
pub fn replace_paths(schema: &Schema, prior: &Value, planned: &Value) -> Vec<Path> {
    let mut paths = Vec::new();
    if !prior.is_null() && !planned.is_null() {
        body(
            Body::of_schema(schema),
            prior,
            planned,
            &mut Path::root(),
            &mut paths,
        );
    }
    paths.sort();
    paths
}

fn body(body: Body<'_>, prior: &Value, planned: &Value, path: &mut Path, paths: &mut Vec<Path>) {
    for (name, schema) in body.attributes {
        path.push(PathStep::Attribute(name.clone()));
        attribute(schema, child(prior, name), child(planned, name), path, paths);
        path.pop();
    }
    for (name, schema) in body.blocks() {
        path.push(PathStep::Attribute(name.clone()));
        let inner = Body::of_block(schema);
        nested(
            schema.nesting,
            inner,
            child(prior, name),
            child(planned, name),
            path,
            paths,
        );
        path.pop();
    }
}

fn attribute(schema: &Attribute, prior: &Value, planned: &Value, path: &mut Path, paths: &mut Vec<Path>) {
    if prior.same(planned) {
        return;
    }
    if schema.requires_replace {
        paths.push(path.clone());
    } else if let Kind::Nested(nesting, attributes) = &schema.kind {
        nested(
            *nesting,
            Body::of_attributes(attributes),
            prior,
            planned,
            path,
            paths,
        );
    }
}

fn nested(
    nesting: Nesting,
    inner: Body<'_>,
    prior: &Value,
    planned: &Value,
    path: &mut Path,
    paths: &mut Vec<Path>,
) {
    let mut both = |step: PathStep, prior: &Value, planned: &Value| {
        if prior.entries().is_some() && planned.entries().is_some() {
            path.push(step);
            body(inner, prior, planned, path, paths);
            path.pop();
        }
    };
    match nesting {
        Nesting::Single => {
            if prior.entries().is_some() && planned.entries().is_some() {
                body(inner, prior, planned, path, paths);
            }
        }
        Nesting::List => {
            for (index, prior) in prior.elements().unwrap_or_default().iter().enumerate() {
                if let (Some(planned), Ok(step)) = (element(planned, index), i64::try_from(index)) {
                    both(PathStep::Index(step), prior, planned);
                }
            }
        }
        Nesting::Map => {
            for (key, prior) in prior.entries().into_iter().flatten() {
                both(PathStep::Key(key.clone()), prior, child(planned, key));
            }
        }
        Nesting::Set => {
            if !prior.same(planned) && replaces(inner) {
                paths.push(path.clone());
            }
        }
    }
}

/// Whether any attribute in it replaces the resource.
fn replaces(body: Body<'_>) -> bool {
    let attribute = |schema: &Attribute| {
        schema.requires_replace
            || matches!(&schema.kind, Kind::Nested(_, attributes) if replaces(Body::of_attributes(attributes)))
    };
    body.attributes.values().any(attribute) || body.blocks().any(|(_, block)| replaces(Body::of_block(block)))
}
