//! What holds for every object: its type, and write-only values.

use super::Findings;
use crate::path::{Path, PathStep};
use crate::plan::{Body, child};
use crate::schema::{Kind, Nesting, Schema};
use crate::value::Value;

impl Findings<'_> {
    /// Whether the value is of the schema's type: core could not even decode it otherwise.
    pub(super) fn shape(&mut self, value: &Value) -> bool {
        let faults = self.schema.ty().faults(value);
        for fault in &faults {
            self.add(&fault.path, fault.problem.to_string());
        }
        // Attributes may be unknown, the object never.
        if value.is_unknown() {
            self.add(&Path::root(), "the object as a whole is unknown");
            return false;
        }
        faults.is_empty()
    }

    /// Whether every write-only attribute is null.
    pub(super) fn write_only(&mut self, value: &Value) -> bool {
        let mut paths = Vec::new();
        walk(
            Body::of_schema(self.schema),
            value,
            &mut Path::root(),
            &mut |path, _| paths.push(path.clone()),
        );
        for path in &paths {
            self.add(path, "the write-only attribute is not null");
        }
        paths.is_empty()
    }
}

/// `value` with every write-only attribute null, as plan and state must have it.
#[must_use]
pub fn write_only_as_null(schema: &Schema, mut value: Value) -> Value {
    let mut paths = Vec::new();
    walk(
        Body::of_schema(schema),
        &value,
        &mut Path::root(),
        &mut |path, _| paths.push(path.clone()),
    );
    for path in paths {
        // Sets, which have no places inside, hold no write-only attributes: the schema check sees to that.
        if let Some(place) = value.at_mut(&path) {
            *place = Value::Null;
        }
    }
    value
}

/// Calls `found` for every write-only attribute that is not null.
fn walk(body: Body<'_>, value: &Value, path: &mut Path, found: &mut impl FnMut(&Path, &Value)) {
    for (name, schema) in body.attributes {
        let value = child(value, name);
        if value.is_null() {
            continue;
        }
        path.push(PathStep::Attribute(name.clone()));
        if schema.write_only {
            found(path, value);
        } else if let Kind::Nested(nesting, attributes) = &schema.kind {
            elements(*nesting, Body::of_attributes(attributes), value, path, found);
        }
        path.pop();
    }
    for (name, schema) in body.blocks() {
        path.push(PathStep::Attribute(name.clone()));
        elements(
            schema.nesting,
            Body::of_block(schema),
            child(value, name),
            path,
            found,
        );
        path.pop();
    }
}

fn elements(
    nesting: Nesting,
    body: Body<'_>,
    value: &Value,
    path: &mut Path,
    found: &mut impl FnMut(&Path, &Value),
) {
    match nesting {
        Nesting::Single => walk(body, value, path, found),
        Nesting::List | Nesting::Set => {
            for (index, item) in (0..).zip(value.elements().unwrap_or_default()) {
                path.push(PathStep::Index(index));
                walk(body, item, path, found);
                path.pop();
            }
        }
        Nesting::Map => {
            for (key, item) in value.entries().into_iter().flatten() {
                path.push(PathStep::Key(key.clone()));
                walk(body, item, path, found);
                path.pop();
            }
        }
    }
}
