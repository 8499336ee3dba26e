//! Between HTTP and calls: which service is meant, who calls, and how the reply is written.

use http::Method;
use serde_json::Value;

use super::{Cloud, Context, Received, Write};
use crate::account::{ANONYMOUS, Accounts, USUAL_ACCOUNT, Unknown, operator};
use crate::answer::{Answer, Refusal};
use crate::aws;
use crate::call::Call;

use crate::exchange::{Reply, Request};
use crate::protocol::check::Objection;
use crate::protocol::description::{self, Operation, SERVICES, Service, service};
use crate::protocol::{self, refuse, sigv4};
use crate::world::World;

/// Where a request stands that was signed for several regions, or for none.
const USUAL_REGION: &str = "us-east-1";

/// Recognises a request.
pub(crate) fn receive(world: &World, accounts: &Accounts, request: &Request, context: Context) -> Received {
    let request = &path_style(request);
    let Some(scope) = sigv4::scope(request) else {
        return nobody(
            "",
            "the request is signed for no AWS service, and its path is none of Google's",
            context,
        );
    };
    let Some(service) = service(&scope.service) else {
        let words = format!("the sandbox knows no service \"{}\"", scope.service);
        return nobody(&scope.service, &words, context);
    };
    let caller = accounts
        .caller(
            world,
            scope.access_key.as_deref(),
            scope.token.as_deref(),
            context.at,
        )
        .map_err(|unknown| unknown_caller(service, &unknown));
    let read = protocol::read(service, request);
    let operation = match &read {
        Ok(decoded) => Some(decoded.operation),
        Err(refused) => refused.operation,
    };
    let resource = read
        .as_ref()
        .ok()
        .and_then(|decoded| resource(service, decoded.operation, &decoded.input));
    let call = caller.and_then(|(account, caller)| {
        let decoded = read.map_err(|refused| refused.refusal)?;
        let region = region(world, &scope.region, &decoded.input);
        Ok(Call {
            service: service.name.to_owned(),
            operation: decoded.operation.name.clone(),
            input: decoded.input,
            payload: decoded.payload,
            caller,
            account,
            region,
            at: context.at,
            request_id: context.request_id.clone(),
            origin: context.origin.clone(),
        })
    });
    Received {
        cloud: Cloud::Aws,
        service: service.name.to_owned(),
        operation: operation
            .map(|operation| operation.name.clone())
            .unwrap_or_default(),
        reads: operation.is_none_or(Operation::reads),
        resource,
        call,
        write: writer(service, operation, context.request_id, request.method.clone()),
    }
}

/// The region that a call is meant for: the signature's; where it names none, the bucket's.
fn region(world: &World, signed: &str, input: &Value) -> String {
    if !signed.is_empty() {
        return signed.to_owned();
    }
    let bucket = input["Bucket"]
        .as_str()
        .and_then(|name| world.aws.s3.buckets.get(name));
    bucket.map_or_else(|| USUAL_REGION.to_owned(), |bucket| bucket.region.clone())
}

fn writer(
    service: &'static Service,
    operation: Option<&'static Operation>,
    request_id: String,
    method: Method,
) -> Write {
    Box::new(move |outcome| match (outcome, operation) {
        (Ok(answer), Some(operation)) => protocol::write(service, operation, answer, &request_id, &method)
            .map_err(|objections| words(&objections)),
        (Ok(_), None) => Err("an answer to an operation that is not known".to_owned()),
        (Err(refusal), operation) => Ok(protocol::refuse(
            service,
            operation,
            refusal,
            &request_id,
            &method,
        )),
    })
}

/// A request that cannot be anybody's: refused in a form that every client shows.
fn nobody(service: &str, words: &str, context: Context) -> Received {
    let refusal = Refusal::new(
        404,
        "UnknownService",
        format!("{words}; it carries {}", SERVICES.join(", ")),
    );
    Received {
        cloud: Cloud::Aws,
        service: service.to_owned(),
        operation: String::new(),
        reads: true,
        resource: None,
        call: Err(refusal),
        write: Box::new(move |outcome| {
            let refusal = match outcome {
                Err(refusal) => refusal.clone(),
                Ok(_) => return Err("an answer to nobody".to_owned()),
            };
            let mut reply = Reply::json(
                refusal.status,
                &serde_json::json!({"__type": refusal.code, "message": refusal.message}),
            );
            reply.set("x-amzn-errortype", &refusal.code);
            reply.set("x-amzn-requestid", &context.request_id);
            Ok(reply)
        }),
    }
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html>
fn unknown_caller(service: &Service, unknown: &Unknown) -> Refusal {
    match unknown {
        Unknown::Expired => refuse::expired(service.name),
        Unknown::Key => refuse::unknown_key(service.name),
    }
}

/// Whether the caller may. Without a signature nobody may anything but enter a role by a token, or read what S3 shows to all:
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
pub(crate) fn allowed(world: &World, call: &Call, enforce: bool) -> Result<(), Refusal> {
    if call.operation == "AssumeRoleWithWebIdentity" {
        return Ok(());
    }
    let anonymous = call.caller.principal == ANONYMOUS;
    if anonymous && call.service != "s3" {
        return Err(Refusal::new(
            403,
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        ));
    }
    if call.caller.operator || !(enforce || anonymous) {
        return Ok(());
    }
    aws::authorize::authorize(world, call)
}

/// A call that the account's operator makes from inside the process, checked as one that came over the wire.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn inside(
    region: &str,
    service: &str,
    operation: &str,
    input: Value,
    context: Context,
) -> Result<Call, Refusal> {
    let unknown = || {
        Refusal::new(
            400,
            "UnknownOperationException",
            format!("{service}:{operation} is not known"),
        )
    };
    let described = description::service(service).ok_or_else(unknown)?;
    let operation = described.operations.get(operation).ok_or_else(unknown)?;
    let objections = described
        .input(operation)
        .map(|shape| protocol::check::input(described, shape, &input))
        .unwrap_or_default();
    if !objections.is_empty() {
        return Err(refuse::objections_refused(described, &objections));
    }
    Ok(Call {
        service: service.to_owned(),
        operation: operation.name.clone(),
        input,
        payload: bytes::Bytes::new(),
        caller: operator(USUAL_ACCOUNT),
        account: USUAL_ACCOUNT.to_owned(),
        region: region.to_owned(),
        at: context.at,
        request_id: context.request_id,
        origin: context.origin,
    })
}

/// Whether an answer fits the description of its call.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn fits(call: &Call, answer: &Answer) -> Result<(), String> {
    let Some(service) = service(&call.service) else {
        return Ok(());
    };
    let Some(operation) = service.operations.get(&call.operation) else {
        return Ok(());
    };
    protocol::write(service, operation, answer, &call.request_id, &Method::GET)
        .map(|_| ())
        .map_err(|objections| words(&objections))
}

fn words(objections: &[Objection]) -> String {
    let words: Vec<String> = objections.iter().map(ToString::to_string).collect();
    words.join("; ")
}

/// A bucket in the host's name becomes the first segment of the path.
///
/// `bucket.s3.localhost`, `bucket.localhost`, `bucket.s3.eu-west-1.amazonaws.com` (through a proxy):
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>
fn path_style(request: &Request) -> Request {
    let host = request.header("host").unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let bucket = [".s3.localhost", ".localhost"]
        .into_iter()
        .find_map(|end| host.strip_suffix(end))
        .or_else(|| {
            let inside = host.strip_suffix(".amazonaws.com")?;
            inside
                .split_once(".s3.")
                .or_else(|| inside.rsplit_once(".s3"))
                .map(|(bucket, _)| bucket)
        })
        .filter(|bucket| !bucket.is_empty() && *bucket != "s3");
    let mut request = request.clone();
    if let Some(bucket) = bucket {
        request.path = format!("/{bucket}{}", request.path);
    }
    request
}

/// What a call is about: the first required member that is text, else the first that is.
fn resource(service: &'static Service, operation: &'static Operation, input: &Value) -> Option<String> {
    let shape = service.input(operation)?;
    let text = |name: &String| input.get(name).and_then(Value::as_str).map(str::to_owned);
    shape
        .required
        .iter()
        .find_map(text)
        .or_else(|| shape.members.keys().find_map(text))
}
