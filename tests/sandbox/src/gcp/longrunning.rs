//! Long-running operations in Google's common form (<https://google.aip.dev/151>): done at a time that is set when they
//! begin.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// `projects/p/locations/l/operations/o`, `operations/o`.
    pub name: String,
    /// When it is done.
    pub ends: Timestamp,
    /// What it is about, as the API's metadata type says.
    pub metadata: Value,
    /// What it ends in: a message with its `@type`.
    pub response: Value,
}

impl Operation {
    /// As the API tells it at a time.
    pub fn told(&self, at: Timestamp) -> Value {
        let mut told = json!({"name": self.name});
        if !self.metadata.is_null() {
            told["metadata"] = self.metadata.clone();
        }
        if at >= self.ends {
            told["done"] = Value::Bool(true);
            told["response"] = self.response.clone();
        }
        told
    }
}

/// A message as `google.protobuf.Any`.
pub(crate) fn any(kind: &str, message: &Value) -> Value {
    let mut any = json!({"@type": format!("type.googleapis.com/{kind}")});
    if let (Some(any), Some(members)) = (any.as_object_mut(), message.as_object()) {
        any.extend(members.clone());
    }
    any
}
