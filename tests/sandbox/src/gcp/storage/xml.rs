//! Downloads as the XML API has them, `GET /<bucket>/<object>`: Google's own libraries read objects that way, Terraform's `gcs`
//! backend among them (<https://cloud.google.com/storage/docs/xml-api/get-object-download>).
//!
//! A download is the JSON API's, asked for in other words; everything else of the XML API is refused.

use crate::answer::Refusal;
use crate::edge::{Context, Received};
use crate::exchange::{Reply, Request};
use crate::gcp::refuse::not_carried;
use crate::world::World;

/// Whether a path without a service's prefix is the XML API's.
pub(in crate::gcp) fn speaks(path: &str) -> bool {
    !path.starts_with("storage/v1/") && !path.starts_with("upload/storage/v1/")
}

/// Recognises a request.
pub(in crate::gcp) fn receive(world: &World, request: &Request, context: Context) -> Received {
    let path = request.path.trim_start_matches('/');
    let (bucket, object) = path.split_once('/').unwrap_or((path, ""));
    let carried = request.method == http::Method::GET && !object.is_empty();
    let mut same = request.clone();
    // A name is one segment of the JSON API's path, slashes and all.
    same.path = format!(
        "/gcp/storage/storage/v1/b/{bucket}/o/{}",
        if carried {
            object.replace('/', "%2F")
        } else {
            "-".to_owned()
        }
    );
    same.method = http::Method::GET;
    same.query = vec![("alt".to_owned(), "media".to_owned())];
    same.query.extend(
        request
            .query
            .iter()
            .filter(|(name, _)| name == "generation")
            .cloned(),
    );
    let mut received = crate::gcp::edge::receive(world, &same, context);
    if !carried {
        received.call = Err(not_carried(&format!("the XML API's {} /{path}", request.method)));
    }
    let write = received.write;
    received.write = Box::new(move |outcome| match outcome {
        Err(refusal) => Ok(refused(refusal)),
        answered => write(answered),
    });
    received
}

/// <https://cloud.google.com/storage/docs/xml-api/reference-status>
fn refused(refusal: &Refusal) -> Reply {
    let code = match (refusal.status, refusal.message.contains("bucket")) {
        (404, true) => "NoSuchBucket",
        (404, false) => "NoSuchKey",
        (403, _) => "AccessDenied",
        (401, _) => "AuthenticationRequired",
        (412, _) => "PreconditionFailed",
        (501, _) => "NotImplemented",
        _ => "InvalidArgument",
    };
    let message = refusal
        .message
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    Reply::new(
        refusal.status,
        "application/xml; charset=UTF-8",
        format!(
            "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        ),
    )
}
