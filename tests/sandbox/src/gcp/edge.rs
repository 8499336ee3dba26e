//! Between HTTP and calls: which service and method are meant, who calls, and how the reply is written.
//!
//! Requests come as REST (`/gcp/<service>/<the API's own path>`) or, for Cloud Storage, as gRPC on the same port.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::description::{self, Found, Query, Unfound};
use super::refuse::{not_carried, not_found, unauthenticated};
use super::{grpc, storage, sts};
use crate::answer::{Answer, Refusal};
use crate::call::{Call, Caller};
use crate::edge::{Cloud, Context, Received};
use crate::exchange::{Reply, Request};
use crate::world::World;

/// How a REST call is answered.
#[derive(Debug, Clone)]
struct Form {
    found: Found,
    /// Enums by number.
    numbers: bool,
    /// The content is asked for, not what is known about it.
    media: bool,
    range: Option<String>,
    fields: Option<String>,
}

/// Recognises a request; its body is whole.
pub(crate) fn receive(world: &World, request: &Request, context: Context) -> Received {
    if grpc::is_grpc(request) {
        return receive_grpc(world, request, context);
    }
    let path = request.path.trim_start_matches('/');
    let (service, path) = match path.strip_prefix("gcp/") {
        Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
        // Without a prefix only Cloud Storage's paths come here.
        None if storage::xml::speaks(path) => return storage::xml::receive(world, request, context),
        None => ("storage", path),
    };
    let service = service.to_owned();
    // Clients that append to an endpoint with a slash at its end send two.
    let path = path.trim_start_matches('/');
    let found = match description::find(&service, request.method.as_str(), path) {
        Ok(found) => found,
        Err(unfound) => return unknown(service, request, path, &unfound),
    };
    let query = Query(request.query.clone());
    let form = Form {
        numbers: query.wants_enum_numbers(),
        media: found.method.download && query.get("alt") == Some("media"),
        range: request.header("range").map(str::to_owned),
        fields: query.get("fields").or(query.get("$fields")).map(str::to_owned),
        found,
    };
    let read = if form.found.upload {
        storage::upload::read(
            &form.found,
            &query,
            &request.headers,
            &request.body,
            request.method.as_str(),
        )
    } else {
        let body = unformed(request).unwrap_or_else(|| request.body.clone());
        description::read(&form.found, &query, &body).map(|input| (input, Bytes::new()))
    };
    let operation = form.found.id;
    let call = read
        .and_then(|(input, payload)| called(world, request, &service, operation, input, payload, context));
    Received {
        cloud: Cloud::Gcp,
        operation: operation.to_owned(),
        reads: reads(request.method == http::Method::GET, operation),
        resource: form.found.path.first().map(|(_, value)| value.clone()),
        call,
        write: {
            let service = service.clone();
            Box::new(move |outcome| match outcome {
                Ok(answer) => write(&service, &form, answer),
                Err(refusal) => Ok(written(&service, refusal)),
            })
        },
        service,
    }
}

/// A form as JSON: clients of the token exchange send one (RFC 8693, section 2.1).
fn unformed(request: &Request) -> Option<Bytes> {
    let kind = request.header("content-type")?;
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let text = std::str::from_utf8(&request.body).ok()?;
    let members: Map<String, Value> = crate::exchange::parameters(text)
        .into_iter()
        .map(|(name, value)| (name, json!(value)))
        .collect();
    Some(Bytes::from(Value::Object(members).to_string()))
}

fn receive_grpc(world: &World, request: &Request, context: Context) -> Received {
    const SERVICE: &str = "storage";
    let read = grpc::read(request);
    let mut received = Received {
        cloud: Cloud::Gcp,
        service: SERVICE.to_owned(),
        operation: String::new(),
        reads: true,
        resource: None,
        call: Err(not_carried(&grpc::name(&request.path))),
        write: Box::new(|outcome| match outcome {
            Ok(_) => Err("no method".to_owned()),
            Err(refusal) => Ok(grpc::refused(refusal)),
        }),
    };
    match read {
        Err(refusal) => received.call = Err(refusal),
        Ok(grpc::Read {
            method,
            operation,
            input,
        }) => {
            operation.clone_into(&mut received.operation);
            received.reads = reads(false, operation);
            received.resource = input.get("bucket").and_then(Value::as_str).map(str::to_owned);
            received.call = called(world, request, SERVICE, operation, input, Bytes::new(), context);
            received.write = Box::new(move |outcome| match outcome {
                Ok(answer) => grpc::answered(&method, &answer.output),
                Err(refusal) => Ok(grpc::refused(refusal)),
            });
        }
    }
    received
}

/// A request that no description, or no method that is carried, knows.
fn unknown(service: String, request: &Request, path: &str, unfound: &Unfound) -> Received {
    let refusal = match unfound {
        Unfound::Api => not_found(format!(
            "There is no service \"{service}\" here, but {}.",
            description::names().collect::<Vec<_>>().join(", ")
        )),
        // As Google's front end answers what it does not know (it does so in HTML).
        Unfound::Method => not_found(format!(
            "The requested URL {} /{path} was not found on this server.",
            request.method
        )),
        Unfound::NotCarried(id) => not_carried(id),
    };
    Received {
        cloud: Cloud::Gcp,
        operation: match unfound {
            Unfound::NotCarried(id) => (*id).to_owned(),
            _ => String::new(),
        },
        reads: true,
        resource: None,
        call: Err(refusal),
        write: {
            let service = service.clone();
            Box::new(move |outcome| match outcome {
                Ok(answer) => Ok(Reply::json(200, &answer.output)),
                Err(refusal) => Ok(written(&service, refusal)),
            })
        },
        service,
    }
}

/// Whether a method leaves everything as it is. Asking for a service's own account makes it.
fn reads(get: bool, operation: &str) -> bool {
    let verb = operation.rsplit('.').next().unwrap_or_default();
    let asks = matches!(
        verb,
        "get"
            | "list"
            | "search"
            | "getIamPolicy"
            | "testIamPermissions"
            | "getStorageLayout"
            | "wait"
            | "queryTestablePermissions"
            | "encrypt"
            | "decrypt"
    );
    let makes = matches!(
        operation,
        "storage.projects.serviceAccount.get"
            | "logging.projects.getSettings"
            | "logging.projects.getCmekSettings"
    );
    (get || asks) && !makes
}

/// The call of a request, with its caller.
fn called(
    world: &World,
    request: &Request,
    service: &str,
    operation: &str,
    input: Value,
    payload: Bytes,
    context: Context,
) -> Result<Call, Refusal> {
    Ok(Call {
        service: service.to_owned(),
        operation: operation.to_owned(),
        input,
        payload,
        caller: caller(world, request, &context)?,
        account: String::new(),
        region: String::new(),
        at: context.at,
        request_id: context.request_id,
        origin: context.origin,
    })
}

/// Who holds the token. Tokens that the sandbox gave out are known; anything else is the operator's, who made the sandbox.
fn caller(world: &World, request: &Request, context: &Context) -> Result<Caller, Refusal> {
    let token = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::trim);
    match token {
        Some(token) if token.starts_with(sts::PREFIX) => {
            let known = world.gcp.tokens.get(token).ok_or_else(unauthenticated)?;
            if known.expires <= context.at {
                return Err(unauthenticated());
            }
            Ok(Caller {
                principal: known.holder(),
                operator: false,
            })
        }
        _ => Ok(Caller {
            principal: "operator".to_owned(),
            operator: true,
        }),
    }
}

/// Writes an answer, after checking it against the description.
fn write(service: &str, form: &Form, answer: &Answer) -> Result<Reply, String> {
    if let Some(status) = answer.output.get("$status").and_then(Value::as_u64) {
        return Ok(bare(u16::try_from(status).unwrap_or(500), &answer.output));
    }
    if form.media {
        return Ok(media(answer, form.range.as_deref()));
    }
    let problems = description::check_answer(form.found.api, form.found.method, &answer.output);
    if !problems.is_empty() {
        return Err(problems.join("; "));
    }
    let mut output = answer.output.clone();
    if form.numbers {
        output = description::with_enum_numbers(form.found.api, form.found.method, &output);
    }
    if let Some(fields) = &form.fields {
        output = partial(&output, fields);
    }
    // Cloud Storage deletes with 204.
    let empty = output.as_object().is_some_and(Map::is_empty);
    if service == "storage" && empty && form.found.id.ends_with(".delete") {
        return Ok(Reply::new(204, "application/json", Bytes::new()));
    }
    Ok(Reply::json(200, &output))
}

/// An answer of headers alone: resumable uploads.
fn bare(status: u16, output: &Value) -> Reply {
    let mut reply = Reply::new(status, "application/json", Bytes::new());
    for (name, value) in output
        .get("$headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        reply.set(name, value.as_str().unwrap_or_default());
    }
    reply
}

/// An object's content, whole or a range of it (RFC 9110, section 14).
fn media(answer: &Answer, range: Option<&str>) -> Reply {
    let content = answer.payload.clone().unwrap_or_default();
    let text = |name: &str| {
        answer
            .output
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut reply = Reply::new(200, "application/octet-stream", content.clone());
    let kind = text("contentType");
    if !kind.is_empty() {
        reply.set("content-type", &kind);
    }
    for (name, member) in [
        ("etag", "etag"),
        ("x-goog-generation", "generation"),
        ("x-goog-metageneration", "metageneration"),
        ("x-goog-storage-class", "storageClass"),
        ("x-goog-stored-content-length", "size"),
    ] {
        reply.set(name, &text(member));
    }
    reply.set("x-goog-stored-content-encoding", "identity");
    reply.set(
        "x-goog-hash",
        &format!("crc32c={},md5={}", text("crc32c"), text("md5Hash")),
    );
    let Some(range) = range else {
        return reply;
    };
    match asked_range(range, content.len()) {
        Some((first, last)) if first <= last => {
            reply.set(
                "content-range",
                &format!("bytes {first}-{last}/{}", content.len()),
            );
            reply.status = http::StatusCode::PARTIAL_CONTENT;
            reply.body = content.slice(first..=last);
        }
        _ => {
            reply.status = http::StatusCode::RANGE_NOT_SATISFIABLE;
            reply.body = Bytes::new();
        }
    }
    reply
}

/// First and last byte of `bytes=1-5`, `bytes=3-`, `bytes=-4`; first > last where there is nothing to give.
fn asked_range(range: &str, length: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = length.checked_sub(1)?;
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= end => Some((first, last.min(end))),
        (Ok(first), _) if first <= end => Some((first, end)),
        (Ok(_), _) => Some((1, 0)),
        (Err(_), Ok(last)) if first.is_empty() => Some((length.saturating_sub(last), end)),
        _ => None,
    }
}

/// `google.rpc.Status` as JSON (<https://cloud.google.com/apis/design/errors#http_mapping>), with the older list of errors that
/// clients still read. Storage and compute have the older form alone.
fn written(service: &str, refusal: &Refusal) -> Reply {
    let reason = match refusal.members.get("reason").and_then(Value::as_str) {
        Some(reason) => reason,
        None => reason(&refusal.code),
    };
    let old = matches!(service, "storage" | "compute");
    let mut error = json!({
        "code": refusal.status,
        "message": refusal.message,
        "errors": [{"message": refusal.message, "domain": "global", "reason": reason}],
    });
    if !old {
        error["status"] = json!(refusal.code);
    }
    if let Some(details) = refusal.members.get("details") {
        error["details"] = details.clone();
    }
    let mut body = json!({"error": error});
    if service == "sts" {
        // RFC 6749, section 5.2.
        let code = refusal
            .members
            .get("reason")
            .and_then(Value::as_str)
            .unwrap_or("invalid_request");
        body = json!({"error": code, "error_description": refusal.message});
    }
    Reply::json(refusal.status, &body)
}

/// The older reason for a canonical code.
fn reason(code: &str) -> &'static str {
    match code {
        "INVALID_ARGUMENT" | "OUT_OF_RANGE" => "badRequest",
        "FAILED_PRECONDITION" => "failedPrecondition",
        "UNAUTHENTICATED" => "authError",
        "PERMISSION_DENIED" => "forbidden",
        "NOT_FOUND" => "notFound",
        "ALREADY_EXISTS" => "alreadyExists",
        "ABORTED" => "aborted",
        "RESOURCE_EXHAUSTED" => "rateLimitExceeded",
        "UNIMPLEMENTED" => "notImplemented",
        _ => "backendError",
    }
}

/// The members that a `fields` selector asks for: `items(name,size),nextPageToken`
/// (<https://cloud.google.com/storage/docs/json_api#partial-response>).
fn partial(value: &Value, fields: &str) -> Value {
    let mut wanted = Map::new();
    parse_fields(&mut fields.chars().peekable(), &mut wanted);
    select(value, &Value::Object(wanted))
}

/// A tree of wanted members; an empty tree wants everything.
fn parse_fields(text: &mut std::iter::Peekable<std::str::Chars<'_>>, into: &mut Map<String, Value>) {
    let mut path: Vec<String> = vec![String::new()];
    while let Some(character) = text.next() {
        match character {
            '/' | '.' => path.push(String::new()),
            '(' => {
                let mut inner = Map::new();
                parse_fields(text, &mut inner);
                want(into, &path, Value::Object(inner));
                path = vec![String::new()];
            }
            ')' => break,
            ',' => {
                want(into, &path, Value::Null);
                path = vec![String::new()];
            }
            other if other.is_whitespace() => {}
            other => {
                if let Some(last) = path.last_mut() {
                    last.push(other);
                }
            }
        }
    }
    want(into, &path, Value::Null);
}

fn want(into: &mut Map<String, Value>, path: &[String], inner: Value) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if first.is_empty() {
        return;
    }
    if rest.is_empty() {
        into.insert(first.clone(), inner);
        return;
    }
    let next = into.entry(first.clone()).or_insert_with(|| json!({}));
    if let Value::Object(next) = next {
        want(next, rest, inner);
    }
}

fn select(value: &Value, wanted: &Value) -> Value {
    let Value::Object(tree) = wanted else {
        return value.clone();
    };
    if tree.is_empty() || tree.contains_key("*") {
        return value.clone();
    }
    match value {
        Value::Array(items) => items.iter().map(|item| select(item, wanted)).collect(),
        Value::Object(members) => members
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), select(value, tree.get(name)?))))
            .collect(),
        other => other.clone(),
    }
}
