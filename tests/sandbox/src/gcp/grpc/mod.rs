//! Cloud Storage over gRPC: frames and statuses here, what the messages mean in `request` and `answer`.
//!
//! Messages are read and written by their descriptors (`proto/`), as JSON in protobuf's own mapping, and translated to and from
//! the JSON API, whose functions answer.

mod answer;
mod request;
mod status;

use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor, MethodDescriptor,
    ReflectMessage as _, SerializeOptions,
};
use serde_json::Value;

use super::refuse::{invalid, not_carried};
use crate::answer::Refusal;
use crate::exchange::{Reply, Request};

pub(super) use status::refused;

/// Every message and method of `proto/`.
static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    match DescriptorPool::decode(include_bytes!(concat!(env!("OUT_DIR"), "/storage.bin")).as_ref()) {
        Ok(pool) => pool,
        // Compiled in: nothing that a caller sends can bring this about.
        Err(error) => unreachable!("the descriptors of proto/ cannot be read: {error}"),
    }
});

/// A method that was called.
#[derive(Debug, Clone)]
pub(super) struct Method(MethodDescriptor);

/// What a request is, in the JSON API's terms.
pub(super) struct Read {
    pub(super) method: Method,
    /// The JSON API's method.
    pub(super) operation: &'static str,
    pub(super) input: Value,
}

/// Whether a request speaks gRPC.
pub(super) fn is_grpc(request: &Request) -> bool {
    request
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/grpc"))
}

/// The name of the method that a path means: `Storage.GetBucket`, for the journal.
pub(super) fn name(path: &str) -> String {
    let (service, method) = path.trim_matches('/').split_once('/').unwrap_or_default();
    format!("{}.{method}", service.rsplit('.').next().unwrap_or_default())
}

/// Reads a request.
///
/// # Errors
/// `UNIMPLEMENTED` for a method that is not carried, `INVALID_ARGUMENT` for a message that cannot be read.
pub(super) fn read(request: &Request) -> Result<Read, Refusal> {
    let (service, method) = request.path.trim_matches('/').split_once('/').unwrap_or_default();
    let method = POOL
        .get_service_by_name(service)
        .and_then(|service| service.methods().find(|known| known.name() == method))
        .ok_or_else(|| not_carried(&name(&request.path)))?;
    let message = message(method.input(), &request.body)?;
    let (operation, input) =
        request::translated(method.parent_service().full_name(), method.name(), &message)?;
    Ok(Read {
        method: Method(method),
        operation,
        input,
    })
}

/// The one message of a unary call: a byte for compression, four for the length, then the message
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).
fn message(kind: MessageDescriptor, body: &Bytes) -> Result<Value, Refusal> {
    let wrong = |what: &str| invalid(format!("The request's message cannot be read: {what}."));
    let (&compressed, rest) = body.split_first().ok_or_else(|| wrong("there is none"))?;
    if compressed != 0 {
        return Err(not_carried("compression of gRPC messages"));
    }
    let (length, rest) = rest
        .split_at_checked(4)
        .ok_or_else(|| wrong("its length is missing"))?;
    let length = length
        .iter()
        .fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    let bytes = rest
        .get(..length)
        .ok_or_else(|| wrong("it is shorter than it says"))?;
    let message = DynamicMessage::decode(kind, bytes).map_err(|error| wrong(&error.to_string()))?;
    if let Some(field) = unknown(&message) {
        // A field that the descriptors do not have would be dropped in silence.
        return Err(not_carried(&format!(
            "field {field} of {}",
            message.descriptor().full_name()
        )));
    }
    json(&message).map_err(|error| wrong(&error))
}

/// The number of a field that the descriptor does not know, in the message or below.
fn unknown(message: &DynamicMessage) -> Option<u32> {
    use prost_reflect::Value as Field;
    let own = message.unknown_fields().map(|field| field.number()).next();
    own.or_else(|| {
        message.fields().find_map(|(_, value)| match value {
            Field::Message(inner) => unknown(inner),
            Field::List(items) => items.iter().find_map(|item| item.as_message().and_then(unknown)),
            Field::Map(items) => items
                .values()
                .find_map(|item| item.as_message().and_then(unknown)),
            _ => None,
        })
    })
}

fn json(message: &DynamicMessage) -> Result<Value, String> {
    let options = SerializeOptions::new().skip_default_fields(true);
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(|error| error.to_string())
}

/// Writes an answer of the JSON API as the method's.
///
/// # Errors
/// What is wrong with an answer that has no such form: a mistake of the sandbox.
pub(super) fn answered(method: &Method, output: &Value) -> Result<Reply, String> {
    let value = answer::translated(method.0.name(), output);
    let message =
        DynamicMessage::deserialize_with_options(method.0.output(), value, &DeserializeOptions::new())
            .map_err(|error| error.to_string())?;
    use prost::Message as _;
    let bytes = message.encode_to_vec();
    let mut body = BytesMut::with_capacity(bytes.len() + 5);
    body.extend_from_slice(&[0]);
    body.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    body.extend_from_slice(&bytes);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
    let mut reply = Reply::new(200, "application/grpc", body.freeze());
    reply.trailers = Some(trailers);
    Ok(reply)
}
