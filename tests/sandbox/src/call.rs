//! A call as the services see it: read by the API's description, caller known, time fixed.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

/// One API call.
#[derive(Debug, Clone)]
pub struct Call {
    /// The service as its vendor's endpoint names it: `eks`, `iam`, `s3`; `container`, `cloudkms`, `storage`.
    pub service: String,
    /// The operation in the vendor's spelling: `CreateCluster`; `container.projects.locations.clusters.create`.
    pub operation: String,
    /// The input by the member names of the API's description: path, query, headers and body together, checked against it
    /// (required, type, enumeration, length, pattern); [`crate::protocol`] says how values look. For Google Cloud: path and
    /// query parameters by name, the JSON body under `body`.
    pub input: Value,
    /// Bytes of a streaming payload (an object's content).
    pub payload: Bytes,
    /// Who calls.
    pub caller: Caller,
    /// The account (AWS) that the caller acts in; empty for Google Cloud, where the project stands in the path.
    pub account: String,
    /// The region that the request was signed for; empty for Google Cloud.
    pub region: String,
    /// The sandbox's time, the same for the whole call.
    pub at: Timestamp,
    /// Names this call in answers and in the journal.
    pub request_id: String,
    /// `http://127.0.0.1:<port>`: for links that answers carry.
    pub origin: String,
}

/// Whose credentials signed a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// ARN (`arn:aws:iam::111122223333:user/operator`, `arn:aws:sts::…:assumed-role/…`) or member
    /// (`serviceAccount:…`, `principal://…`).
    pub principal: String,
    /// May do everything: the account's operator, who made the sandbox, not an identity inside it.
    pub operator: bool,
}

impl Call {
    /// A string of the input by member name.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.input.get(member).and_then(Value::as_str)
    }

    /// A string of the input that the description requires; empty when it is missing all the same.
    pub fn required(&self, member: &str) -> &str {
        self.text(member).unwrap_or_default()
    }

    /// A whole number of the input that counts something; `None` when it is missing or negative.
    pub fn count(&self, member: &str) -> Option<usize> {
        let number = self.input.get(member).and_then(Value::as_u64)?;
        usize::try_from(number).ok()
    }

    /// Whether a switch of the input is on.
    pub fn flag(&self, member: &str) -> bool {
        self.input.get(member).and_then(Value::as_bool) == Some(true)
    }

    /// The JSON body of a Google Cloud call.
    pub fn body(&self) -> &Value {
        self.input.get("body").unwrap_or(&Value::Null)
    }
}
