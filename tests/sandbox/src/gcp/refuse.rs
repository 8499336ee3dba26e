//! Refusals in Google's words.

use serde_json::{Value, json};

use crate::answer::Refusal;

/// 404 `NOT_FOUND`.
pub(crate) fn not_found(message: impl Into<String>) -> Refusal {
    Refusal::new(404, "NOT_FOUND", message)
}

/// 409 `ALREADY_EXISTS`.
pub(crate) fn exists(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "ALREADY_EXISTS", message)
}

/// 400 `INVALID_ARGUMENT`.
pub(crate) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "INVALID_ARGUMENT", message)
}

/// 400 `FAILED_PRECONDITION`.
pub(crate) fn precondition(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "FAILED_PRECONDITION", message)
}

/// 403 `PERMISSION_DENIED`.
pub(crate) fn denied(message: impl Into<String>) -> Refusal {
    Refusal::new(403, "PERMISSION_DENIED", message)
}

/// 409 `ABORTED`: somebody else was faster.
pub(crate) fn aborted(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "ABORTED", message)
}

/// 429 `RESOURCE_EXHAUSTED`.
pub(crate) fn exhausted(message: impl Into<String>) -> Refusal {
    Refusal::new(429, "RESOURCE_EXHAUSTED", message)
}

/// 401 `UNAUTHENTICATED`, in the words of Google's front end.
pub(crate) fn unauthenticated() -> Refusal {
    Refusal::new(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid \
         authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    )
    .with(
        "details",
        json!([error_info("ACCESS_TOKEN_EXPIRED", "googleapis.com", &json!({}))]),
    )
}

/// 501 `UNIMPLEMENTED`: never a friendly 200 for what is not carried.
pub(crate) fn not_carried(operation: &str) -> Refusal {
    Refusal::new(
        501,
        "UNIMPLEMENTED",
        format!("{operation} is not carried by this sandbox"),
    )
}

/// `google.rpc.ErrorInfo` (<https://cloud.google.com/apis/design/errors#error_info>).
pub(crate) fn error_info(reason: &str, domain: &str, metadata: &Value) -> Value {
    json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": domain,
        "metadata": metadata,
    })
}

/// 403 for a caller without a permission; words and details as in
/// <https://cloud.google.com/iam/docs/permission-error-messages>.
pub(crate) fn lacks(permission: &str, resource: &str, service: &str) -> Refusal {
    denied(format!(
        "Permission '{permission}' denied on resource '{resource}' (or it may not exist)."
    ))
    .with(
        "details",
        json!([error_info(
            "IAM_PERMISSION_DENIED",
            &format!("{service}.googleapis.com"),
            &json!({"permission": permission, "resource": resource}),
        )]),
    )
}

/// 403 for a project that has an API switched off: words and details as published with `google.api.ErrorReason`.
pub(crate) fn disabled(title: &str, host: &str, number: u64) -> Refusal {
    let url = format!("https://console.developers.google.com/apis/api/{host}/overview?project={number}");
    denied(format!(
        "{title} has not been used in project {number} before or it is disabled. Enable it by visiting {url} then retry. If \
         you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry."
    ))
    .with(
        "details",
        json!([
            {
                "@type": "type.googleapis.com/google.rpc.Help",
                "links": [{"description": "Google developers console API activation", "url": url}],
            },
            error_info(
                "SERVICE_DISABLED",
                "googleapis.com",
                &json!({"service": host, "consumer": format!("projects/{number}"), "serviceTitle": title}),
            ),
        ]),
    )
    .with("reason", "accessNotConfigured")
}

/// 403 for a project that nobody has; words from public issues with reason `CONSUMER_INVALID`.
pub(crate) fn no_project(project: &str) -> Refusal {
    denied(format!("Permission denied on resource project {project}.")).with(
        "details",
        json!([error_info(
            "CONSUMER_INVALID",
            "googleapis.com",
            &json!({"consumer": format!("projects/{project}")}),
        )]),
    )
}
