//! The last look at every answer before it is sent.
//!
//! Terraform loses what it cannot take: after an apply, an answer with a missing attribute, a null, or a write-only
//! value that came back means that nothing is saved and cloud objects are orphaned. The guard runs core's own
//! [rules](crate::rules) on each answer first. An answer that breaks one becomes an answer Terraform can take: the
//! state is kept, and an error says that this is a bug of the provider, where, what was expected, and what was saved.
//!
//! Repaired without a word, because there is only one right value: write-only values become null; lists given for sets
//! and maps given for objects become those; after an error, unknown values become null; a path in `requires_replace`
//! that leads into a set is cut to the set.

mod apply;
mod lookup;
mod plan;
mod report;

pub use apply::{Checkpoint, apply, interrupted_apply};
pub use lookup::{data, ephemeral, identity, import, read, upgrade};
pub use plan::plan;

use crate::path::Path;
use crate::rules::{Violation, write_only_as_null};
use crate::schema::Schema;
use crate::value::{Problem, Value, ValueError};

/// What a guard works for: names for the messages, and the schema.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Type of the resource or data source, for example `example_thing`.
    pub type_name: &'a str,
    /// Its schema.
    pub schema: &'a Schema,
}

impl<'a> Subject<'a> {
    /// The resource or data source of this type.
    pub fn new(type_name: &'a str, schema: &'a Schema) -> Self {
        Self { type_name, schema }
    }

    /// The closest value that Terraform can decode and may save, and what had to be changed in a way that loses or
    /// invents something.
    fn fit(&self, value: Value) -> (Value, Vec<ValueError>) {
        let (value, mut changes) = self.schema.ty().conform(value);
        if value.is_unknown() {
            changes.push(ValueError::new(&Path::root(), Problem::Unknown));
            return (Value::Null, changes);
        }
        (write_only_as_null(self.schema, value), changes)
    }
}

/// Changes of shape as violations of `rule`.
fn as_violations(rule: crate::rules::Rule, changes: Vec<ValueError>) -> Vec<Violation> {
    changes
        .into_iter()
        .map(|change| Violation {
            rule,
            path: change.path,
            text: change.problem.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
