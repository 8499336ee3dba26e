//! Refusals: what a vendor says when a request breaks its description, and how each protocol carries an error.

use http::Method;
use serde_json::{Map, Value};

use super::check::Objection;
use super::chunked::Broken;
use super::description::{Kind, Operation, Protocol, Service};
use super::rest::Unread;
use super::xml::escaped;
use crate::answer::Refusal;
use crate::exchange::Reply;

/// What the vendor says to a request that cannot be read.
pub fn unread(service: &Service, unread: &Unread, asked: &str) -> Refusal {
    match unread {
        Unread::NoOperation => no_operation(service, asked),
        Unread::Malformed(_, words) => malformed(service, words),
        Unread::Payload(_, broken) => payload(broken),
        Unread::Objections(_, objections) => objections_refused(service, objections),
    }
}

fn payload(broken: &Broken) -> Refusal {
    let code = match broken {
        Broken::Chunks(_) | Broken::Length { .. } => "IncompleteBody",
        Broken::Checksum { .. } => "BadDigest",
        Broken::ContentSha256 => "XAmzContentSHA256Mismatch",
    };
    Refusal::new(400, code, broken.to_string())
}

/// What the vendor says about an operation that does not exist; `asked` is what the request named.
pub fn no_operation(service: &Service, asked: &str) -> Refusal {
    match service.metadata.protocol {
        Protocol::Json => Refusal::new(
            400,
            "UnknownOperationException",
            format!("{asked} is no operation that this sandbox knows"),
        ),
        Protocol::RestJson => Refusal::new(
            404,
            "UnknownOperationException",
            format!("{asked} is no operation that this sandbox knows"),
        ),
        Protocol::Query => Refusal::new(
            400,
            "InvalidAction",
            format!(
                "Could not find operation {asked} for version {} (not known to this sandbox)",
                service.metadata.api_version
            ),
        ),
        Protocol::Ec2 => Refusal::new(
            400,
            "InvalidAction",
            format!("The action {asked} is not valid for this web service (not known to this sandbox)."),
        ),
        Protocol::RestXml => Refusal::new(
            501,
            "NotImplemented",
            format!(
                "A header or query you provided implies functionality that is not implemented: this sandbox knows no {asked}"
            ),
        ),
    }
}

fn malformed(service: &Service, words: &str) -> Refusal {
    match service.metadata.protocol {
        Protocol::Json | Protocol::RestJson => Refusal::new(400, "SerializationException", words),
        Protocol::Query | Protocol::Ec2 => Refusal::new(400, "MalformedQueryString", words),
        Protocol::RestXml => Refusal::new(
            400,
            "MalformedXML",
            format!(
                "The XML you provided was not well-formed or did not validate against our published schema ({words})"
            ),
        ),
    }
}

/// What the vendor says about an input that breaks its description.
///
/// The codes are those of real refusals: KMS and Secrets Manager `ValidationException`, ECR, EKS and Logs
/// `InvalidParameterException`, IAM and STS `ValidationError`, each with the sentences of AWS's common validation. AWS
/// ignores many members that it does not know; here every one is refused, as a slip in our own driver would be silent
/// otherwise.
pub fn objections_refused(service: &Service, objections: &[Objection]) -> Refusal {
    match service.metadata.protocol {
        Protocol::Json | Protocol::RestJson | Protocol::Query => common(service, objections),
        Protocol::Ec2 => ec2(objections),
        Protocol::RestXml => s3(objections),
    }
}

fn common(service: &Service, objections: &[Objection]) -> Refusal {
    let query = service.metadata.protocol == Protocol::Query;
    let unreadable = objections
        .iter()
        .find(|objection| matches!(objection, Objection::Unknown { .. } | Objection::Type { .. }));
    if let Some(objection) = unreadable {
        let code = if query {
            "MalformedInput"
        } else {
            "SerializationException"
        };
        return Refusal::new(400, code, objection.to_string());
    }
    let sentences: Vec<String> = objections
        .iter()
        .map(|objection| match objection {
            Objection::Constraint { path, value, rule } => {
                format!("Value '{value}' at '{path}' failed to satisfy constraint: {rule}")
            }
            other => format!(
                "Value null at '{}' failed to satisfy constraint: Member must not be null",
                other.path()
            ),
        })
        .collect();
    let code = match service.name {
        "iam" | "sts" => "ValidationError",
        "ecr" | "eks" | "logs" => "InvalidParameterException",
        _ => "ValidationException",
    };
    let noun = if sentences.len() == 1 {
        "validation error"
    } else {
        "validation errors"
    };
    Refusal::new(
        400,
        code,
        format!("{} {noun} detected: {}", sentences.len(), sentences.join("; ")),
    )
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>
fn ec2(objections: &[Objection]) -> Refusal {
    match objections.first() {
        Some(Objection::Unknown { path }) => Refusal::new(
            400,
            "UnknownParameter",
            format!("The parameter {path} is not recognized"),
        ),
        Some(Objection::Missing { path }) => Refusal::new(
            400,
            "MissingParameter",
            format!("The request must contain the parameter {path}"),
        ),
        Some(Objection::Type {
            path,
            found,
            expected,
        }) => Refusal::new(
            400,
            "InvalidParameterValue",
            format!("Value ({found}) for parameter {path} is invalid. Expected a valid {expected}"),
        ),
        Some(Objection::Constraint { path, value, rule }) => Refusal::new(
            400,
            "InvalidParameterValue",
            format!("Value ({value}) for parameter {path} is invalid. {rule}"),
        ),
        None => Refusal::new(500, "InternalError", "an empty list of objections"),
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
fn s3(objections: &[Objection]) -> Refusal {
    let Some(objection) = objections.first() else {
        return Refusal::new(500, "InternalError", "an empty list of objections");
    };
    let in_body = objection.path().contains('.');
    match objection {
        Objection::Unknown { path } if !in_body => Refusal::new(
            501,
            "NotImplemented",
            format!("A header or query you provided implies functionality that is not implemented: {path}"),
        ),
        Objection::Missing { path } if !in_body => Refusal::new(
            400,
            "InvalidRequest",
            format!("Missing required header for this request: {path}"),
        ),
        _ if !in_body => Refusal::new(400, "InvalidArgument", objection.to_string()),
        _ => Refusal::new(
            400,
            "MalformedXML",
            format!(
                "The XML you provided was not well-formed or did not validate against our published schema ({objection})"
            ),
        ),
    }
}

/// The reply that carries a refusal. Members whose name begins with `x-amz-` become headers.
pub fn reply(
    service: &'static Service,
    operation: Option<&'static Operation>,
    refusal: &Refusal,
    request_id: &str,
    method: &Method,
) -> Reply {
    let (headers, members): (Vec<_>, Vec<_>) = refusal
        .members
        .iter()
        .partition(|(name, _)| name.to_ascii_lowercase().starts_with("x-amz-"));
    let mut reply = match service.metadata.protocol {
        Protocol::Json | Protocol::RestJson => {
            let mut body = Map::new();
            body.insert("__type".into(), refusal.code.clone().into());
            body.insert(
                message(service, operation, &refusal.code).into(),
                refusal.message.clone().into(),
            );
            body.extend(
                members
                    .into_iter()
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
            let content_type = if service.metadata.protocol == Protocol::Json {
                "application/x-amz-json-1.1"
            } else {
                "application/json"
            };
            let mut reply = Reply::new(refusal.status, content_type, Value::Object(body).to_string());
            reply.set("x-amzn-errortype", &refusal.code);
            reply
        }
        Protocol::Query => Reply::new(
            refusal.status,
            "text/xml",
            format!(
                "<ErrorResponse xmlns=\"{}\"><Error><Type>{}</Type>{}</Error><RequestId>{request_id}</RequestId></ErrorResponse>",
                service.metadata.xml_namespace,
                if refusal.status < 500 {
                    "Sender"
                } else {
                    "Receiver"
                },
                words(refusal, &members),
            ),
        ),
        Protocol::Ec2 => Reply::new(
            refusal.status,
            "text/xml;charset=UTF-8",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>{}</Error></Errors><RequestID>{request_id}</RequestID></Response>",
                words(refusal, &members),
            ),
        ),
        // No body where HTTP allows none.
        Protocol::RestXml if method == Method::HEAD || refusal.status == 304 => {
            Reply::new(refusal.status, "", "")
        }
        Protocol::RestXml => Reply::new(
            refusal.status,
            "application/xml",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{}<RequestId>{request_id}</RequestId><HostId>{request_id}</HostId></Error>",
                words(refusal, &members),
            ),
        ),
    };
    for (name, value) in headers {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        reply.set(name, &text);
    }
    reply
}

fn words(refusal: &Refusal, members: &[(&String, &Value)]) -> String {
    let mut text = format!(
        "<Code>{}</Code><Message>{}</Message>",
        escaped(&refusal.code),
        escaped(&refusal.message)
    );
    for (name, value) in members {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        text.push_str(&format!("<{name}>{}</{name}>", escaped(&value)));
    }
    text
}

/// The name of the message in an error's shape: `message` or `Message`.
fn message(service: &'static Service, operation: Option<&'static Operation>, code: &str) -> &'static str {
    operation
        .and_then(|operation| service.error(operation, code))
        .filter(|shape| shape.kind == Kind::Structure)
        .and_then(|shape| {
            shape
                .members
                .keys()
                .find(|name| name.eq_ignore_ascii_case("message"))
        })
        .map_or("message", |name| name.as_str())
}

/// What a service says to too many calls.
///
/// S3: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>; EC2:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>; the others: `Throttling` and
/// `ThrottlingException` of their common errors.
pub fn throttled(service: &str) -> Refusal {
    match service {
        "s3" => Refusal::new(503, "SlowDown", "Please reduce your request rate."),
        "ec2" => Refusal::new(503, "RequestLimitExceeded", "Request limit exceeded."),
        "iam" | "sts" => Refusal::new(400, "Throttling", "Rate exceeded"),
        "eks" => Refusal::new(429, "ThrottlingException", "Rate exceeded"),
        _ => Refusal::new(400, "ThrottlingException", "Rate exceeded"),
    }
}

/// What a service says when it is down.
pub fn unavailable(service: &str) -> Refusal {
    let (code, message) = match service {
        "s3" => ("ServiceUnavailable", "Service is unable to handle request."),
        "ec2" => (
            "Unavailable",
            "The server is overloaded and can't handle the request.",
        ),
        "iam" | "sts" => (
            "ServiceUnavailable",
            "The request has failed due to a temporary failure of the server.",
        ),
        _ => (
            "ServiceUnavailableException",
            "The request has failed due to a temporary failure of the server.",
        ),
    };
    Refusal::new(503, code, message)
}

/// What a service says to a session that is over.
pub fn expired(service: &str) -> Refusal {
    let words = "The security token included in the request is expired";
    match service {
        "s3" => Refusal::new(400, "ExpiredToken", "The provided token has expired."),
        "ec2" => Refusal::new(400, "RequestExpired", "Request has expired."),
        "iam" | "sts" => Refusal::new(403, "ExpiredToken", words),
        "eks" => Refusal::new(403, "ExpiredTokenException", words),
        _ => Refusal::new(400, "ExpiredTokenException", words),
    }
}

/// What a service says to a key that is nobody's.
pub fn unknown_key(service: &str) -> Refusal {
    let words = "The security token included in the request is invalid.";
    match service {
        "s3" => Refusal::new(
            403,
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        "ec2" => Refusal::new(
            401,
            "AuthFailure",
            "AWS was not able to validate the provided access credentials",
        ),
        "iam" | "sts" => Refusal::new(403, "InvalidClientTokenId", words),
        "eks" => Refusal::new(403, "UnrecognizedClientException", words),
        _ => Refusal::new(400, "UnrecognizedClientException", words),
    }
}

/// What a service says to a caller who may not; `words` are the whole sentence.
pub fn denied(service: &str, words: &str) -> Refusal {
    match service {
        "s3" | "iam" | "sts" => Refusal::new(403, "AccessDenied", words),
        "ec2" => Refusal::new(403, "UnauthorizedOperation", words),
        "eks" => Refusal::new(403, "AccessDeniedException", words),
        _ => Refusal::new(400, "AccessDeniedException", words),
    }
}
