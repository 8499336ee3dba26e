//! From what a service answered to a [`Failure`]: which call, what it means, the service's own words.
//!
//! REST and gRPC answers, typed clients and our own requests all end in one error type of Google's, judged here.

use std::time::Duration;

use google_cloud_gax::error::Error;
use google_cloud_gax::error::rpc::{Code, Status, StatusDetails};
use mlops_environment::driver::{Failure, Reason};

/// Result of a call.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// A failed attempt: what to tell, and what it means for another attempt.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) failure: Failure,
    /// How long the service asks to wait.
    pub(crate) wait: Option<Duration>,
    /// The request may have been carried out although its answer did not arrive.
    pub(crate) unanswered: bool,
    /// No connection came about.
    pub(crate) unreachable: bool,
    /// The API that is not enabled, where that is why.
    pub(crate) disabled: Option<String>,
}

/// What Google's client or our own request says of a failed `operation`.
pub(crate) fn refused(operation: &str, error: &Error) -> Refusal {
    let status = error.status();
    let http = error.http_status_code();
    let reason_code = status.and_then(error_reason).unwrap_or_default();
    let code = match status {
        _ if !reason_code.is_empty() => reason_code.to_owned(),
        Some(status) if status.code != Code::Unknown => status.code.name().to_owned(),
        _ => http.map(|http| http.to_string()).unwrap_or_default(),
    };
    let said = match status {
        Some(status) if !status.message.is_empty() => status.message.clone(),
        _ => unexplained(error, http),
    };
    let reason = if error.is_authentication() {
        Reason::Denied
    } else if error.is_binding() || error.is_serialization() {
        Reason::Invalid
    } else {
        match (status, http) {
            (None, None) => Reason::Unavailable,
            _ => classify(http, status.map(|status| status.code), &code, &said),
        }
    };
    let message = explained(&code, said, status);
    Refusal {
        disabled: (code == "SERVICE_DISABLED")
            .then(|| metadata(status, "service"))
            .flatten(),
        wait: asked_wait(error, status),
        unreachable: error.is_connect(),
        unanswered: reason == Reason::Unavailable && !error.is_connect() && !error.is_authentication(),
        failure: Failure {
            operation: operation.to_owned(),
            reason,
            code,
            message,
            request_id: request_id(error, status),
        },
    }
}

/// What a refusal means. The reason in the error's details decides, then the canonical code, then the HTTP status.
///
/// <https://cloud.google.com/apis/design/errors>, <https://cloud.google.com/storage/docs/json_api/v1/status-codes>,
/// `google.api.ErrorReason`.
pub(crate) fn classify(http: Option<u16>, code: Option<Code>, reason: &str, message: &str) -> Reason {
    match reason {
        "RATE_LIMIT_EXCEEDED" | "rateLimitExceeded" | "userRateLimitExceeded" | "SlowDown" => {
            return Reason::Throttled;
        }
        "QUOTA_EXCEEDED" | "RESOURCE_QUOTA_EXCEEDED" | "quotaExceeded" | "limitExceeded" => {
            return Reason::Quota;
        }
        "SERVICE_DISABLED" | "BILLING_DISABLED" | "accessNotConfigured" | "CONSUMER_INVALID" => {
            return Reason::Denied;
        }
        // Storage: the bucket exists; `conditionNotMet` is a lost race.
        "conflict" if !message.contains("not empty") => return Reason::AlreadyExists,
        "conditionNotMet" => return Reason::Conflict,
        _ => {}
    }
    // The same two where storage is asked by gRPC, which has one code for both.
    if message.contains("not empty") || message.contains("pre-conditions you specified did not hold") {
        return Reason::Conflict;
    }
    // That a bucket exists is told by gRPC as FAILED_PRECONDITION (googleapis/google-cloud-cpp#10799).
    if message.contains("you already own it") || message.contains("bucket name is not available") {
        return Reason::AlreadyExists;
    }
    // GKE says it with 403, as if it were a permission: https://cloud.google.com/kubernetes-engine/quotas
    if message.contains("nsufficient") && message.contains("quota") {
        return Reason::Quota;
    }
    // GKE answers 429 to a sixth operation at a time: somebody works on the cluster, the rate is fine.
    if message.contains("concurrent operations quota") {
        return Reason::Conflict;
    }
    match (code, http) {
        (Some(Code::AlreadyExists), _) => Reason::AlreadyExists,
        (Some(Code::NotFound), _) | (_, Some(404)) => Reason::NotFound,
        (Some(Code::Unauthenticated), _) | (_, Some(401)) => Reason::Unauthenticated,
        (Some(Code::PermissionDenied), _) | (_, Some(403)) => Reason::Denied,
        (Some(Code::ResourceExhausted), _) | (_, Some(429)) => {
            // Both limits of rate and limits of number have this code; only the words tell.
            let number = [
                "maximum number",
                "limit on the number",
                "Insufficient",
                "quota limit reached",
            ];
            if number.iter().any(|words| message.contains(words)) {
                Reason::Quota
            } else {
                Reason::Throttled
            }
        }
        (Some(Code::Aborted), _) | (_, Some(412)) => Reason::Conflict,
        (Some(Code::FailedPrecondition), _) => Reason::Invalid,
        (Some(Code::Unavailable | Code::Internal | Code::DeadlineExceeded | Code::Unknown), None) => {
            Reason::Unavailable
        }
        (_, Some(409)) => Reason::Conflict,
        (_, Some(408 | 500..)) => Reason::Unavailable,
        (Some(Code::Cancelled), _) => Reason::Unavailable,
        _ => Reason::Invalid,
    }
}

/// The service's words with the way forward where there is one that is always right.
fn explained(code: &str, said: String, status: Option<&Status>) -> String {
    let metadata = |key: &str| metadata(status, key);
    match code {
        "SERVICE_DISABLED" | "accessNotConfigured" => {
            let service = metadata("service").unwrap_or_else(|| "an API".to_owned());
            let project = metadata("consumer").map(|consumer| consumer.replace("projects/", ""));
            let flag = project
                .map(|project| format!(" --project {project}"))
                .unwrap_or_default();
            format!(
                "{service} is not enabled: run `gcloud services enable {service}{flag}`, wait a minute and apply again. {said}"
            )
        }
        "BILLING_DISABLED" => format!("the project has no billing account: link one and apply again. {said}"),
        "IAM_PERMISSION_DENIED" | "PERMISSION_DENIED" => match (metadata("permission"), metadata("resource"))
        {
            (Some(permission), resource) if !said.contains(&permission) => format!(
                "{said} (needs {permission}{})",
                resource
                    .map(|resource| format!(" on {resource}"))
                    .unwrap_or_default()
            ),
            _ => said,
        },
        _ => said,
    }
}

/// A field of `ErrorInfo.metadata`.
fn metadata(status: Option<&Status>, key: &str) -> Option<String> {
    status?.details.iter().find_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) => info.metadata.get(key).cloned(),
        _ => None,
    })
}

/// The machine-readable reason: `ErrorInfo.reason`, into which the client also puts the older `errors[].reason`.
fn error_reason(status: &Status) -> Option<&str> {
    status.details.iter().find_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) if !info.reason.is_empty() => Some(info.reason.as_str()),
        _ => None,
    })
}

/// `Retry-After` in seconds, or `google.rpc.RetryInfo`.
fn asked_wait(error: &Error, status: Option<&Status>) -> Option<Duration> {
    let header = error
        .http_headers()
        .and_then(|headers| headers.get("retry-after"))
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    header.or_else(|| {
        status?.details.iter().find_map(|detail| match detail {
            StatusDetails::RetryInfo(info) => {
                let delay = info.retry_delay?;
                Some(Duration::new(
                    delay.seconds().try_into().ok()?,
                    delay.nanos().try_into().ok()?,
                ))
            }
            _ => None,
        })
    })
}

/// What Google's support asks for: few APIs tell it.
fn request_id(error: &Error, status: Option<&Status>) -> Option<String> {
    let named = status.and_then(|status| {
        status.details.iter().find_map(|detail| match detail {
            StatusDetails::RequestInfo(info) if !info.request_id.is_empty() => Some(info.request_id.clone()),
            _ => None,
        })
    });
    named.or_else(|| {
        let headers = error.http_headers()?;
        [
            "x-goog-request-id",
            "x-guploader-uploadid",
            "x-cloud-trace-context",
        ]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok().map(str::to_owned))
    })
}

/// Words for an answer without a status in Google's form.
fn unexplained(error: &Error, http: Option<u16>) -> String {
    /// More than this of an unexpected answer helps nobody.
    const SHOWN: usize = 200;
    let Some(http) = http else {
        return chain(error);
    };
    let body = error
        .http_payload()
        .map(|payload| String::from_utf8_lossy(payload).trim().to_owned())
        .unwrap_or_default();
    if body.is_empty() {
        return format!("answered HTTP {http} without a message");
    }
    let shown: String = body.chars().take(SHOWN).collect();
    let more = if shown.len() < body.len() { "…" } else { "" };
    format!("answered HTTP {http}: {shown}{more}")
}

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_words = cause.to_string();
        // Many errors repeat their cause.
        if !words.contains(&cause_words) {
            words.push_str(": ");
            words.push_str(&cause_words);
        }
        next = cause.source();
    }
    words
}

/// A failure that we state ourselves.
pub(crate) fn failure(operation: &str, reason: Reason, message: impl Into<String>) -> Failure {
    Failure {
        operation: operation.to_owned(),
        reason,
        code: String::new(),
        message: message.into(),
        request_id: None,
    }
}

/// A required field that the answer did not have.
pub(crate) fn missing(operation: &str, field: &str) -> Failure {
    failure(
        operation,
        Reason::Unavailable,
        format!("the answer has no {field}"),
    )
}

/// What is already so is fine: used by deletes.
pub(crate) fn gone<T>(outcome: Outcome<T>) -> Outcome<()> {
    match outcome {
        Ok(_) => Ok(()),
        Err(failure) if failure.reason == Reason::NotFound => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// `None` for what is not there.
pub(crate) fn optional<T>(outcome: Outcome<T>) -> Outcome<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(failure) if failure.reason == Reason::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use google_cloud_gax::error::rpc::Status;

    use super::*;

    fn answer(http: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Refusal {
        let mut map = http::HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, http::HeaderValue::from_static(value));
        }
        let bytes = body.into();
        let error = match Status::try_from(&bytes) {
            Ok(status) => Error::service_with_http_metadata(status, Some(http), Some(map)),
            Err(_) => Error::http(http, map, bytes),
        };
        refused("container:GetCluster", &error)
    }

    #[test]
    fn a_disabled_api_is_named_with_the_command_that_enables_it() {
        let refusal = answer(
            403,
            &[],
            r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Kubernetes Engine API has not been used in project 42 before or it is disabled.",
               "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED","domain":"googleapis.com",
               "metadata":{"consumer":"projects/42","service":"container.googleapis.com"}}]}}"#,
        );
        let failure = refusal.failure;
        assert_eq!(
            (failure.reason, failure.code.as_str()),
            (Reason::Denied, "SERVICE_DISABLED")
        );
        assert!(
            failure
                .message
                .contains("gcloud services enable container.googleapis.com --project 42")
                && failure.message.contains("has not been used in project 42"),
            "{failure}"
        );
    }

    #[test]
    fn a_missing_permission_is_named() {
        let refusal = answer(
            403,
            &[],
            r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Permission denied on resource.",
               "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"IAM_PERMISSION_DENIED","domain":"iam.googleapis.com",
               "metadata":{"permission":"container.clusters.get","resource":"projects/p"}}]}}"#,
        );
        assert_eq!(refusal.failure.reason, Reason::Denied);
        assert_eq!(
            refusal.failure.message,
            "Permission denied on resource. (needs container.clusters.get on projects/p)"
        );
    }

    #[test]
    fn classifies_by_the_reason_then_the_code_then_the_status() {
        let code = |name: &str| Code::try_from(name).ok();
        for (http, status, reason, message, wanted) in [
            (
                403,
                "PERMISSION_DENIED",
                "rateLimitExceeded",
                "",
                Reason::Throttled,
            ),
            (
                429,
                "RESOURCE_EXHAUSTED",
                "RATE_LIMIT_EXCEEDED",
                "",
                Reason::Throttled,
            ),
            (
                429,
                "RESOURCE_EXHAUSTED",
                "",
                "Too many requests",
                Reason::Throttled,
            ),
            (
                429,
                "RESOURCE_EXHAUSTED",
                "",
                "The maximum number of service accounts on project p has been reached.",
                Reason::Quota,
            ),
            (403, "", "quotaExceeded", "", Reason::Quota),
            (
                403,
                "PERMISSION_DENIED",
                "forbidden",
                "Insufficient regional quota to satisfy request: resource \"CPUS\"",
                Reason::Quota,
            ),
            (
                429,
                "RESOURCE_EXHAUSTED",
                "",
                "Operation hits the concurrent operations quota 5",
                Reason::Conflict,
            ),
            (409, "ALREADY_EXISTS", "", "", Reason::AlreadyExists),
            (
                409,
                "",
                "conflict",
                "Your previous request to create the named bucket succeeded",
                Reason::AlreadyExists,
            ),
            (
                400,
                "FAILED_PRECONDITION",
                "",
                "Your previous request to create the named bucket succeeded and you already own it.",
                Reason::AlreadyExists,
            ),
            (
                409,
                "",
                "conflict",
                "The bucket you tried to delete is not empty.",
                Reason::Conflict,
            ),
            (
                409,
                "ABORTED",
                "",
                "There were concurrent policy changes",
                Reason::Conflict,
            ),
            (412, "", "conditionNotMet", "", Reason::Conflict),
            (404, "NOT_FOUND", "", "", Reason::NotFound),
            (401, "UNAUTHENTICATED", "", "", Reason::Unauthenticated),
            (400, "FAILED_PRECONDITION", "", "busy", Reason::Invalid),
            (400, "INVALID_ARGUMENT", "", "", Reason::Invalid),
            (500, "INTERNAL", "", "", Reason::Unavailable),
            (503, "UNAVAILABLE", "", "", Reason::Unavailable),
        ] {
            assert_eq!(
                classify(Some(http), code(status), reason, message),
                wanted,
                "{http} {status} {reason} {message}"
            );
        }
        for (status, wanted) in [
            (Code::NotFound, Reason::NotFound),
            (Code::AlreadyExists, Reason::AlreadyExists),
            (Code::Unavailable, Reason::Unavailable),
            (Code::Internal, Reason::Unavailable),
            (Code::InvalidArgument, Reason::Invalid),
            (Code::Aborted, Reason::Conflict),
        ] {
            assert_eq!(classify(None, Some(status), "", ""), wanted, "{status:?}");
        }
    }

    #[test]
    fn honours_what_the_service_asks_to_wait() {
        let refusal = answer(429, &[("retry-after", "7")], "slow down");
        assert_eq!(refusal.wait, Some(Duration::from_secs(7)));
        assert_eq!(refusal.failure.message, "answered HTTP 429: slow down");
        let refusal = answer(
            429,
            &[],
            r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"x",
               "details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2.5s"}]}}"#,
        );
        assert_eq!(refusal.wait, Some(Duration::from_millis(2500)));
    }

    #[test]
    fn only_a_request_that_may_have_arrived_is_unanswered() {
        assert!(answer(503, &[], "").unanswered);
        assert!(refused("x", &Error::io("reset")).unanswered);
        assert!(refused("x", &Error::timeout("late")).unanswered);
        assert!(!refused("x", &Error::connect("refused")).unanswered);
        assert!(!answer(429, &[], "").unanswered);
        assert!(!answer(404, &[], "").unanswered);
    }

    #[test]
    fn a_refusal_is_never_taken_for_absence() {
        let denied = failure("storage:GetBucket", Reason::Denied, "no");
        assert_eq!(gone::<()>(Err(denied.clone())), Err(denied.clone()));
        assert_eq!(optional::<()>(Err(denied.clone())), Err(denied));
    }
}
