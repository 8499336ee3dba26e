//! What a service says: an output by the API's description, or a refusal in the vendor's words.

use bytes::Bytes;
use serde_json::{Map, Value};

/// A successful answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The output by the member names of the API's description, those that travel as headers included. It is checked
    /// against the description; null members are left out; timestamps are RFC 3339 strings or seconds since 1970.
    pub output: Value,
    /// Bytes of a streaming payload (an object's content).
    pub payload: Option<Bytes>,
}

impl Answer {
    /// An output without a payload.
    pub fn of(output: Value) -> Self {
        Self {
            output,
            payload: None,
        }
    }

    /// Nothing to say beyond success.
    pub fn empty() -> Self {
        Self::of(Value::Object(Map::new()))
    }
}

impl From<Value> for Answer {
    fn from(output: Value) -> Self {
        Self::of(output)
    }
}

/// A refusal as the vendor words it; the edge writes it in the protocol's shape.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{status} {code}: {message}")]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// AWS: the error code (`ResourceInUseException`). Google Cloud: the canonical status (`FAILED_PRECONDITION`).
    pub code: String,
    /// The sentence a user sees.
    pub message: String,
    /// AWS: further members of the error shape. Google Cloud: under `details`, the list of `google.rpc` details, and under
    /// `reason` the legacy `errors[0].reason`.
    pub members: Map<String, Value>,
}

impl Refusal {
    /// A refusal without further members.
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            members: Map::new(),
        }
    }

    /// With one more member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }
}
