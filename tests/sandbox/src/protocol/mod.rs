//! AWS's protocols, driven by AWS's own descriptions.
//!
//! Values by the names of the description, in JSON: structures and maps are objects, lists arrays, numbers and booleans
//! themselves, blobs base64. **Timestamps** are RFC 3339 strings in inputs (`2026-03-01T00:00:00Z`); outputs may hold that
//! or a number of seconds since 1970. A member that is null counts as left out. Streaming bytes (an object's content)
//! travel beside the value, as `payload`. Members of a refusal travel in the error's body, but for those named `x-amz-…`,
//! which travel as headers.

pub mod check;
pub mod chunked;
pub mod description;
pub mod form;
pub mod json;
pub mod refuse;
pub mod rest;
pub mod route;
pub mod sigv4;
pub mod time;
pub mod xml;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value};

use crate::answer::{Answer, Refusal};
use crate::exchange::{Reply, Request, parameters};
use check::Objection;
use description::{Operation, Protocol, Service};
use rest::Unread;
use time::Format;

/// A request that was read and fits its description.
#[derive(Debug)]
pub struct Decoded {
    /// The operation.
    pub operation: &'static Operation,
    /// Its input.
    pub input: Value,
    /// Bytes of a streaming payload.
    pub payload: Bytes,
}

impl Decoded {
    fn new(operation: &'static Operation, input: Value) -> Self {
        Self {
            operation,
            input,
            payload: Bytes::new(),
        }
    }
}

/// A request that was refused in reading.
#[derive(Debug)]
pub struct Refused {
    /// The operation, as far as it is known.
    pub operation: Option<&'static Operation>,
    /// What the vendor says.
    pub refusal: Refusal,
}

/// Bytes of a blob.
pub fn bytes_of(base64: &str) -> Option<Vec<u8>> {
    STANDARD.decode(base64).ok()
}

/// Reads a request to a service and checks it against the description.
///
/// # Errors
/// [`Refused`], as the vendor words it.
pub fn read(service: &'static Service, request: &Request) -> Result<Decoded, Refused> {
    let asked = asked(service, request);
    let read = match service.metadata.protocol {
        Protocol::RestJson | Protocol::RestXml => rest::read(service, request),
        Protocol::Json => target(service, request, &asked),
        Protocol::Query | Protocol::Ec2 => action(service, request, &asked),
    };
    let decoded = read.map_err(|unread| Refused {
        operation: match &unread {
            Unread::NoOperation => None,
            Unread::Malformed(operation, _)
            | Unread::Payload(operation, _)
            | Unread::Objections(operation, _) => Some(operation),
        },
        refusal: refuse::unread(service, &unread, &asked),
    })?;
    let objections = service
        .input(decoded.operation)
        .map(|shape| check::input(service, shape, &decoded.input))
        .unwrap_or_default();
    if objections.is_empty() {
        return Ok(decoded);
    }
    Err(Refused {
        operation: Some(decoded.operation),
        refusal: refuse::objections_refused(service, &objections),
    })
}

/// What a request asks for, in words.
fn asked(service: &Service, request: &Request) -> String {
    match service.metadata.protocol {
        Protocol::RestJson | Protocol::RestXml => {
            let query: Vec<&str> = request.query.iter().map(|(name, _)| name.as_str()).collect();
            let mark = if query.is_empty() { "" } else { "?" };
            format!("{} {}{mark}{}", request.method, request.path, query.join("&"))
        }
        Protocol::Json => request
            .header("x-amz-target")
            .unwrap_or("a call without X-Amz-Target")
            .to_owned(),
        Protocol::Query | Protocol::Ec2 => form_of(request)
            .into_iter()
            .find(|(name, _)| name == "Action")
            .map_or_else(|| "a call without Action".to_owned(), |(_, value)| value),
    }
}

fn target(service: &'static Service, request: &Request, asked: &str) -> Result<Decoded, Unread> {
    let operation = asked
        .strip_prefix(&service.metadata.target_prefix)
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|name| service.operations.get(name))
        .filter(|_| request.method == Method::POST)
        .ok_or(Unread::NoOperation)?;
    let body = if request.body.is_empty() {
        Value::Object(Map::new())
    } else {
        serde_json::from_slice(&request.body)
            .map_err(|error| Unread::Malformed(operation, error.to_string()))?
    };
    if !body.is_object() {
        return Err(Unread::Malformed(operation, "the body is no JSON object".into()));
    }
    let input = match service.input(operation) {
        Some(shape) => json::read(service, shape, body),
        None => body,
    };
    Ok(Decoded::new(operation, input))
}

fn form_of(request: &Request) -> Vec<(String, String)> {
    let mut all = request.query.clone();
    all.extend(parameters(&String::from_utf8_lossy(&request.body)));
    all
}

fn action(service: &'static Service, request: &Request, asked: &str) -> Result<Decoded, Unread> {
    let operation = service.operations.get(asked).ok_or(Unread::NoOperation)?;
    let form = form_of(request);
    let version = form
        .iter()
        .find(|(name, _)| name == "Version")
        .map(|(_, value)| value.as_str());
    if version != Some(&service.metadata.api_version) {
        return Err(Unread::NoOperation);
    }
    let rest = form
        .into_iter()
        .filter(|(name, _)| name != "Action" && name != "Version" && !name.starts_with("X-Amz-"));
    let Some(shape) = service.input(operation) else {
        return match rest.into_iter().next() {
            Some((path, _)) => Err(Unread::Objections(operation, vec![Objection::Unknown { path }])),
            None => Ok(Decoded::new(operation, Value::Object(Map::new()))),
        };
    };
    form::read(service, shape, rest)
        .map(|input| Decoded::new(operation, input))
        .map_err(|objections| Unread::Objections(operation, objections))
}

/// The reply to a call, if the answer fits the description.
///
/// # Errors
/// What is wrong with the answer: a mistake of the sandbox's.
pub fn write(
    service: &'static Service,
    operation: &'static Operation,
    answer: &Answer,
    request_id: &str,
    method: &Method,
) -> Result<Reply, Vec<Objection>> {
    match service.output(operation) {
        Some(shape) => {
            let objections = check::output(service, shape, &answer.output);
            if !objections.is_empty() {
                return Err(objections);
            }
        }
        None => {
            if let Some(name) = answer
                .output
                .as_object()
                .and_then(|members| members.keys().next())
            {
                return Err(vec![Objection::Unknown { path: name.clone() }]);
            }
        }
    }
    let mut reply = match service.metadata.protocol {
        Protocol::RestJson | Protocol::RestXml => rest::write(service, operation, answer, method),
        Protocol::Json => match service.output(operation) {
            Some(shape) => Reply::new(
                200,
                "application/x-amz-json-1.1",
                json::write(service, shape, &answer.output).to_string(),
            ),
            None => Reply::new(200, "application/x-amz-json-1.1", Bytes::new()),
        },
        Protocol::Query | Protocol::Ec2 => Reply::new(
            200,
            "text/xml;charset=UTF-8",
            response(service, operation, &answer.output, request_id),
        ),
    };
    identify(service, &mut reply, request_id);
    Ok(reply)
}

/// The reply that carries a refusal.
pub fn refuse(
    service: &'static Service,
    operation: Option<&'static Operation>,
    refusal: &Refusal,
    request_id: &str,
    method: &Method,
) -> Reply {
    let mut reply = refuse::reply(service, operation, refusal, request_id, method);
    identify(service, &mut reply, request_id);
    reply
}

fn identify(service: &Service, reply: &mut Reply, request_id: &str) {
    if service.metadata.protocol == Protocol::RestXml {
        reply.set("x-amz-request-id", request_id);
        reply.set("x-amz-id-2", request_id);
    } else {
        reply.set("x-amzn-requestid", request_id);
    }
}

fn response(
    service: &'static Service,
    operation: &'static Operation,
    output: &Value,
    request_id: &str,
) -> String {
    let name = format!("{}Response", operation.name);
    let namespace = &service.metadata.xml_namespace;
    let ec2 = service.metadata.protocol == Protocol::Ec2;
    let mut writer = xml::Writer::new(service, if ec2 { Format::IsoMillis } else { Format::Iso });
    writer.open(
        &name,
        &format!(" xmlns=\"{}{}\"", namespace, if ec2 { "/" } else { "" }),
    );
    if ec2 {
        writer.element("requestId", request_id);
    }
    let wrapper = operation
        .output
        .as_ref()
        .and_then(|output| output.result_wrapper.as_deref());
    if let Some(wrapper) = wrapper {
        writer.open(wrapper, "");
    }
    if let Some(shape) = service.output(operation) {
        writer.members(shape, output);
    } else if ec2 {
        // What has no output says that it went well.
        writer.element("return", "true");
    }
    if let Some(wrapper) = wrapper {
        writer.close(wrapper);
    }
    if !ec2 {
        writer.open("ResponseMetadata", "");
        writer.element("RequestId", request_id);
        writer.close("ResponseMetadata");
    }
    writer.close(&name);
    writer.text
}

impl Operation {
    /// Whether a call of this operation leaves everything as it is.
    pub fn reads(&self) -> bool {
        const READING: &[&str] = &[
            "Batch", "Check", "Decode", "Decrypt", "Describe", "Encrypt", "Filter", "Generate", "Get",
            "Head", "List", "Lookup", "Simulate", "Validate",
        ];
        self.name != "BatchDeleteImage"
            && self.name != "GetSessionToken"
            && READING.iter().any(|prefix| self.name.starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::description::{SERVICES, service};
    use super::*;

    fn bodies() -> impl Strategy<Value = Vec<u8>> {
        let text = prop_oneof![
            "\\PC{0,40}",
            r#"\{("[a-zA-Z]{1,8}":("x"|1|null|\[\]|\{\}|true)(,"name":"x")?)?\}"#,
            "<[A-Z][a-zA-Z]{0,12}>(<[A-Z][a-z]{0,8}>[a-z]{0,4}</[A-Z][a-z]{0,8}>)?</[A-Z][a-zA-Z]{0,12}>",
            "(Action=[A-Z][a-zA-Z]{0,12}&)?Version=2016-11-15(&[A-Za-z]{1,8}(\\.[a-zA-Z0-9]{1,6}){0,3}=[a-z0-9%+]{0,6}){0,4}",
            "[0-9a-f]{1,2}(;x=y)?\r\n[a-z]{0,20}\r\n0\r\n(x-amz-[a-z]{1,9}:[a-z]{1,9}\r\n)?",
        ];
        prop_oneof![
            text.prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..40)
        ]
    }

    proptest! {
        #[test]
        fn no_request_is_too_strange_to_be_refused(
            name in proptest::sample::select(SERVICES),
            method in proptest::sample::select(&["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"]),
            path in "(/[a-zA-Z0-9%.-]{0,12}){0,4}|/\\PC{0,20}",
            query in "([a-zA-Z-]{1,12}(=[a-z0-9%]{0,6})?&?){0,3}",
            operation in any::<proptest::sample::Index>(),
            chunked in any::<bool>(),
            body in bodies(),
        ) {
            let service = service(name).unwrap();
            let mut headers = HeaderMap::new();
            let known: Vec<&String> = service.operations.keys().collect();
            let target = format!("{}.{}", service.metadata.target_prefix, known[operation.index(known.len())]);
            headers.insert("x-amz-target", HeaderValue::from_str(&target).unwrap());
            if chunked {
                headers.insert(
                    HeaderName::from_static("x-amz-content-sha256"),
                    HeaderValue::from_static("STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
                );
            }
            let request = Request {
                method: method.parse().unwrap(),
                path,
                query: parameters(&query),
                headers,
                body: body.into(),
            };
            if let Err(refused) = read(service, &request) {
                prop_assert!((400..=501).contains(&refused.refusal.status));
                let reply = refuse(service, refused.operation, &refused.refusal, "id", &request.method);
                prop_assert_eq!(reply.status.as_u16(), refused.refusal.status);
            }
        }
    }
}
