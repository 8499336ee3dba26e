//! REST: members in path, query, headers and body; protocols `rest-json` and `rest-xml`.

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value};

use super::check::{Objection, scalar, text};
use super::description::{Kind, Location, Member, Operation, Protocol, Service, Shape};
use super::time::Format;
use super::{Decoded, chunked, json, route, xml};
use crate::answer::Answer;
use crate::exchange::{Reply, Request};

/// Query parameters that signing and SDKs add.
fn foreign_parameter(name: &str) -> bool {
    const OLDER: &[&str] = &["AWSAccessKeyId", "Signature", "Expires", "x-amz-security-token"];
    name == "x-id" || name.starts_with("X-Amz-") || OLDER.contains(&name)
}

/// Headers of S3's namespace that signing, transport and SDKs add.
const FOREIGN_HEADERS: &[&str] = &[
    "x-amz-api-version",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-region-set",
    "x-amz-security-token",
    "x-amz-te",
    "x-amz-trailer",
    "x-amz-user-agent",
];

/// What went wrong in reading a request, before there is an input to check.
#[derive(Debug)]
pub enum Unread {
    /// The description knows no such operation.
    NoOperation,
    /// The body is not what its content type says.
    Malformed(&'static Operation, String),
    /// Bytes and checksum differ, or the chunks are broken.
    Payload(&'static Operation, chunked::Broken),
    /// Members that are unknown or of another type.
    Objections(&'static Operation, Vec<Objection>),
}

/// Reads a request.
///
/// # Errors
/// [`Unread`].
pub fn read(service: &'static Service, request: &Request) -> Result<Decoded, Unread> {
    let route = route::route(service, request).ok_or(Unread::NoOperation)?;
    let operation = route.operation;
    let (body, trailers) = chunked::read(request).map_err(|broken| Unread::Payload(operation, broken))?;
    let Some(shape) = service.input(operation) else {
        return Ok(Decoded::new(operation, Value::Object(Map::new())));
    };
    let mut objections = Vec::new();
    let mut members = Map::new();
    for (name, member) in &shape.members {
        let wire = member.location_name.as_deref().unwrap_or(name);
        let found = match member.location {
            Location::Uri => route
                .labels
                .iter()
                .find(|(label, _)| *label == wire)
                .map(|(_, value)| scalar(service, member, value, name)),
            Location::Query => query(service, member, request, wire),
            Location::Header => trailers
                .iter()
                .find(|(trailer, _)| trailer == wire)
                .map(|(_, value)| value.as_str())
                .or_else(|| request.header(wire))
                .map(|value| header(service, member, value, wire)),
            Location::Headers => Some(Ok(prefixed(request, wire))),
            Location::Body | Location::StatusCode => None,
        };
        match found {
            Some(Ok(value)) => {
                members.insert(name.clone(), value);
            }
            Some(Err(objection)) => objections.push(objection),
            None => {}
        }
    }
    objections.extend(unknown(service, operation, shape, request));
    let payload = into_body(service, operation, shape, body, &mut members)?;
    if objections.is_empty() {
        Ok(Decoded {
            operation,
            input: Value::Object(members),
            payload,
        })
    } else {
        Err(Unread::Objections(operation, objections))
    }
}

fn query(
    service: &'static Service,
    member: &'static Member,
    request: &Request,
    wire: &str,
) -> Option<Result<Value, Objection>> {
    let shape = service.shape(&member.shape);
    if let (Kind::List, Some(element)) = (shape.kind, &shape.member) {
        let given: Vec<&(String, String)> = request.query.iter().filter(|(name, _)| name == wire).collect();
        if given.is_empty() {
            return None;
        }
        return Some(
            given
                .into_iter()
                .map(|(_, value)| scalar(service, element, value, wire))
                .collect(),
        );
    }
    let value = request.parameter(wire)?;
    Some(scalar(service, member, value, wire))
}

fn header(
    service: &'static Service,
    member: &'static Member,
    value: &str,
    wire: &str,
) -> Result<Value, Objection> {
    let shape = service.shape(&member.shape);
    if let (Kind::List, Some(element)) = (shape.kind, &shape.member) {
        return value
            .split(',')
            .map(|value| scalar(service, element, value.trim(), wire))
            .collect();
    }
    if wire.eq_ignore_ascii_case("content-encoding") {
        // The transport's own coding is not the object's.
        let codings: Vec<&str> = value
            .split(',')
            .map(str::trim)
            .filter(|coding| !coding.eq_ignore_ascii_case("aws-chunked"))
            .collect();
        return Ok(if codings.is_empty() {
            Value::Null
        } else {
            codings.join(",").into()
        });
    }
    scalar(service, member, value, wire)
}

fn prefixed(request: &Request, prefix: &str) -> Value {
    request
        .headers
        .iter()
        .filter_map(|(name, value)| {
            let key = name.as_str().strip_prefix(&prefix.to_ascii_lowercase())?;
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            Some((key.to_owned(), Value::String(value)))
        })
        .collect::<Map<String, Value>>()
        .into()
}

fn unknown<'a>(
    service: &'static Service,
    operation: &'static Operation,
    shape: &'static Shape,
    request: &'a Request,
) -> impl Iterator<Item = Objection> + 'a {
    let fixed = operation
        .http
        .request_uri
        .split_once('?')
        .map_or("", |(_, query)| query);
    let known = move |location: Location, wire: &str| {
        shape.members.iter().any(|(name, member)| {
            member.location == location
                && member
                    .location_name
                    .as_deref()
                    .unwrap_or(name)
                    .eq_ignore_ascii_case(wire)
        })
    };
    let parameters = request
        .query
        .iter()
        .map(|(name, _)| name)
        .filter(move |name| {
            !known(Location::Query, name)
                && !route::fixed(fixed).any(|(fixed, _)| fixed == name.as_str())
                && !foreign_parameter(name)
        })
        .cloned();
    let headers = request
        .headers
        .keys()
        .map(|name| name.as_str())
        .filter(move |name| {
            service.name == "s3"
                && name.starts_with("x-amz-")
                && !FOREIGN_HEADERS.contains(name)
                && !name.starts_with("x-amz-meta-")
                && !name.starts_with("x-amz-checksum-")
                && *name != "x-amz-sdk-checksum-algorithm"
                && !known(Location::Header, name)
        })
        .map(str::to_owned);
    parameters.chain(headers).map(|path| Objection::Unknown { path })
}

fn into_body(
    service: &'static Service,
    operation: &'static Operation,
    shape: &'static Shape,
    body: Bytes,
    members: &mut Map<String, Value>,
) -> Result<Bytes, Unread> {
    let malformed = |words: String| Unread::Malformed(operation, words);
    if let Some(name) = &shape.payload {
        let member = &shape.members[name.as_str()];
        let inner = service.shape(&member.shape);
        match inner.kind {
            Kind::Blob => return Ok(body),
            Kind::String if !body.is_empty() => {
                let text = String::from_utf8(body.to_vec()).map_err(|error| malformed(error.to_string()))?;
                members.insert(name.clone(), text.into());
            }
            Kind::Structure if !body.is_empty() => {
                let value = document(service, operation, inner, &body, member.location_name.as_deref())?;
                members.insert(name.clone(), value);
            }
            _ => {}
        }
        return Ok(Bytes::new());
    }
    if body.is_empty() {
        return Ok(Bytes::new());
    }
    if !shape.members.values().any(super::check::in_body) {
        // Clients may send `{}` where nothing is to be said.
        if service.metadata.protocol == Protocol::RestJson && body.trim_ascii() == b"{}" {
            return Ok(Bytes::new());
        }
        return Err(malformed("the operation takes no body".into()));
    }
    if let Value::Object(found) = document(service, operation, shape, &body, None)? {
        members.extend(found);
    }
    Ok(Bytes::new())
}

fn document(
    service: &'static Service,
    operation: &'static Operation,
    shape: &'static Shape,
    body: &[u8],
    root: Option<&str>,
) -> Result<Value, Unread> {
    let malformed = |words: String| Unread::Malformed(operation, words);
    if service.metadata.protocol == Protocol::RestJson {
        let body: Value = serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
        if !body.is_object() {
            return Err(malformed("the body is no JSON object".into()));
        }
        return Ok(json::read(service, shape, body));
    }
    let text = std::str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
    let document = roxmltree::Document::parse(text).map_err(|error| malformed(error.to_string()))?;
    let element = document.root_element();
    let name = element.tag_name().name();
    if root.is_some_and(|root| root != name) {
        return Err(malformed(format!(
            "<{name}> stands where <{}> belongs",
            root.unwrap_or_default()
        )));
    }
    xml::read(service, shape, element).map_err(|objection| Unread::Objections(operation, vec![objection]))
}

/// Writes an answer that was checked.
pub fn write(
    service: &'static Service,
    operation: &'static Operation,
    answer: &Answer,
    method: &Method,
) -> Reply {
    let output = &answer.output;
    let partial = service.name == "s3" && output.get("ContentRange").is_some_and(|range| !range.is_null());
    let status = if partial {
        206
    } else {
        operation.http.response_code
    };
    let Some(shape) = service.output(operation) else {
        return Reply::new(status, "", Bytes::new());
    };
    let mut reply = body(service, operation, shape, answer, status);
    for (name, member) in &shape.members {
        let Some(value) = output.get(name).filter(|value| !value.is_null()) else {
            continue;
        };
        let wire = member.location_name.as_deref().unwrap_or(name);
        match member.location {
            // Whoever sends the body knows its length; only an answer without one has to tell.
            Location::Header if wire.eq_ignore_ascii_case("content-length") && method != Method::HEAD => {}
            Location::Header => reply.set(wire, &text(service, member, value, Format::Http)),
            Location::Headers => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    reply.set(&format!("{wire}{key}"), value.as_str().unwrap_or_default());
                }
            }
            _ => {}
        }
    }
    reply
}

fn body(
    service: &'static Service,
    operation: &'static Operation,
    shape: &'static Shape,
    answer: &Answer,
    status: u16,
) -> Reply {
    let json = service.metadata.protocol == Protocol::RestJson;
    let content_type = if json {
        "application/json"
    } else {
        "application/xml"
    };
    if let Some(name) = &shape.payload {
        let member = &shape.members[name.as_str()];
        let inner = service.shape(&member.shape);
        let value = answer.output.get(name).filter(|value| !value.is_null());
        return match (inner.kind, value) {
            (Kind::Blob, _) => Reply::new(
                status,
                "application/octet-stream",
                answer.payload.clone().unwrap_or_default(),
            ),
            (Kind::String, Some(value)) => Reply::new(
                status,
                "application/json",
                value.as_str().unwrap_or_default().to_owned(),
            ),
            (_, Some(value)) if json => Reply::new(
                status,
                content_type,
                json::write(service, inner, value).to_string(),
            ),
            (_, Some(value)) => {
                let root = member.location_name.as_deref().unwrap_or(&member.shape);
                Reply::new(status, content_type, element(service, inner, value, root))
            }
            (_, None) => Reply::new(status, content_type, Bytes::new()),
        };
    }
    if json {
        return Reply::new(
            status,
            content_type,
            json::write(service, shape, &answer.output).to_string(),
        );
    }
    if operation.name == "GetBucketLocation" {
        // The one output that is an element itself, empty for us-east-1:
        // <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html>
        let region = answer.output["LocationConstraint"].as_str().unwrap_or_default();
        let text = format!(
            "{DECLARATION}<LocationConstraint xmlns=\"{S3}\">{}</LocationConstraint>",
            xml::escaped(region)
        );
        return Reply::new(status, content_type, text);
    }
    if !shape.members.values().any(super::check::in_body) {
        return Reply::new(status, content_type, Bytes::new());
    }
    let output = operation.output.as_ref().map_or("", |output| &output.shape);
    Reply::new(
        status,
        content_type,
        element(service, shape, &answer.output, root(output)),
    )
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const S3: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

fn element(service: &'static Service, shape: &'static Shape, value: &Value, root: &str) -> String {
    let mut writer = xml::Writer::new(service, Format::IsoMillis);
    writer.text.push_str(DECLARATION);
    writer.open(root, &format!(" xmlns=\"{S3}\""));
    writer.members(shape, value);
    writer.close(root);
    writer.text
}

/// The element that S3 puts around an output: botocore's description leaves it out, the API reference of each operation
/// shows it, and Amazon's SDK for Rust refuses another one.
fn root(output: &str) -> &str {
    match output {
        "CompleteMultipartUploadOutput" => "CompleteMultipartUploadResult",
        "CreateMultipartUploadOutput" => "InitiateMultipartUploadResult",
        "DeleteObjectsOutput" => "DeleteResult",
        "GetBucketAccelerateConfigurationOutput" => "AccelerateConfiguration",
        "GetBucketAclOutput" | "GetObjectAclOutput" => "AccessControlPolicy",
        "GetBucketCorsOutput" => "CORSConfiguration",
        "GetBucketLifecycleConfigurationOutput" => "LifecycleConfiguration",
        "GetBucketLoggingOutput" => "BucketLoggingStatus",
        "GetBucketRequestPaymentOutput" => "RequestPaymentConfiguration",
        "GetBucketTaggingOutput" | "GetObjectTaggingOutput" => "Tagging",
        "GetBucketVersioningOutput" => "VersioningConfiguration",
        "GetBucketWebsiteOutput" => "WebsiteConfiguration",
        "GetObjectAttributesOutput" => "GetObjectAttributesResponse",
        "ListBucketsOutput" => "ListAllMyBucketsResult",
        "ListMultipartUploadsOutput" => "ListMultipartUploadsResult",
        "ListObjectVersionsOutput" => "ListVersionsResult",
        "ListObjectsOutput" | "ListObjectsV2Output" => "ListBucketResult",
        "ListPartsOutput" => "ListPartsResult",
        other => other,
    }
}
