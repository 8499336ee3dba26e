//! Changes as JSON says them.

use serde_json::{Value, json};

/// JSON merge patch (RFC 7396).
pub(crate) fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    for (name, value) in members {
        if value.is_null() {
            if let Some(into) = into.as_object_mut() {
                into.remove(name);
            }
        } else {
            merge(&mut into[name], value);
        }
    }
}
