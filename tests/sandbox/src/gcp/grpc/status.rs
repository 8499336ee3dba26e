//! Refusals over gRPC: a code, a sentence, and `google.rpc` details.

use base64::Engine as _;
use http::HeaderValue;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};

use super::POOL;
use crate::answer::Refusal;
use crate::exchange::Reply;

/// Codes by number (<https://grpc.io/docs/guides/status-codes/>).
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// The number of a refusal's code; by the HTTP status where it is none of Google's.
fn number(refusal: &Refusal) -> usize {
    // A pre-condition that does not hold is ABORTED here, where JSON says 412 (googleapis/google-cloud-cpp#9273,
    // googleapis/storage-testbench#390).
    let code = match refusal.members.get("reason").and_then(Value::as_str) {
        Some("conditionNotMet") => "ABORTED",
        _ => refusal.code.as_str(),
    };
    CODES
        .iter()
        .position(|known| *known == code)
        .unwrap_or(match refusal.status {
            400 => 3,
            401 => 16,
            403 => 7,
            404 => 5,
            409 => 10,
            412 => 9,
            429 => 8,
            501 => 12,
            503 => 14,
            504 => 4,
            _ => 13,
        })
}

/// Writes a refusal: a reply of headers alone.
pub(in crate::gcp) fn refused(refusal: &Refusal) -> Reply {
    let code = number(refusal);
    let mut reply = Reply {
        status: http::StatusCode::OK,
        ..Reply::default()
    };
    reply.headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/grpc"),
    );
    reply.set("grpc-status", &code.to_string());
    reply.set("grpc-message", &percent(&refusal.message));
    // Cloud Storage's refusals come without details (googleapis/google-cloud-rust#6732).
    let details = refusal
        .members
        .get("details")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if let Some(bytes) = encoded(code, &refusal.message, &details) {
        reply.set(
            "grpc-status-details-bin",
            &base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes),
        );
    }
    reply
}

/// `google.rpc.Status`; none where a detail is of a type that `proto/` does not have.
fn encoded(code: usize, message: &str, details: &[Value]) -> Option<Vec<u8>> {
    let kind = POOL.get_message_by_name("google.rpc.Status")?;
    let status = json!({"code": code, "message": message, "details": details});
    let message = DynamicMessage::deserialize(kind, status).ok()?;
    Some(message.encode_to_vec())
}

/// As the protocol writes messages in a header.
fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'%' => "%25".to_owned(),
            b' '..=b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
