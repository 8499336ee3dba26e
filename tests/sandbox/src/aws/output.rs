//! Outputs: members that have no value are left out, as the services leave them out.

use serde_json::Value;

use crate::answer::Answer;

/// An answer without the members of `output` that are null, at any depth.
pub fn said(output: Value) -> Answer {
    Answer::of(without_nulls(output))
}

/// The value without members that are null.
pub fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        Value::Array(values) => values.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
