//! Long-running operations in Google's common form: `{name, done, error | response}`, looked at until done.
//!
//! <https://google.aip.dev/151>. Kubernetes Engine has its own form, see `gke.rs`.

use google_cloud_longrunning::model::{Operation, operation};
use google_cloud_rpc::model::Status;
use http::Method;
use mlops_environment::driver::{Failure, Monitor, Reason};
use serde_json::Value;

use crate::driver::Gcp;
use crate::failure::{Outcome, classify, failure, missing};
use crate::wait::{LONG, Look, until};

/// What an operation ended in.
pub(crate) fn ended(operation: &str, subject: &str, code: i32, message: &str) -> Failure {
    let code = google_cloud_gax::error::rpc::Code::from(code);
    let reason = match classify(None, Some(code), "", message) {
        // It was accepted and then did not work out: asking again in the same way does not help.
        Reason::Invalid | Reason::Unavailable => Reason::Failed,
        reason => reason,
    };
    Failure {
        code: code.name().to_owned(),
        ..failure(operation, reason, format!("{subject}: {message}"))
    }
}

/// The result of a typed operation; `None` while it is under way.
///
/// # Errors
///
/// What it ended in.
pub(crate) fn result(operation: &str, subject: &str, found: &Operation) -> Option<Outcome<()>> {
    if !found.done {
        return None;
    }
    Some(match &found.result {
        Some(operation::Result::Error(status)) => {
            let Status { code, message, .. } = status.as_ref();
            Err(ended(operation, subject, *code, message))
        }
        _ => Ok(()),
    })
}

/// Waits for an operation that a REST call answered, and returns its `response`.
///
/// `base` is the URL that the operation's name is appended to, with the API's version.
///
/// # Errors
///
/// What it ended in; [`Reason::Cancelled`], [`Reason::Timeout`].
pub(crate) async fn awaited(
    gcp: &Gcp,
    operation: &'static str,
    subject: &str,
    base: &str,
    answer: Value,
    monitor: &dyn Monitor,
) -> Outcome<Value> {
    let name = answer
        .get("name")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| missing(operation, "operation name"))?;
    let first = std::sync::Mutex::new(Some(answer));
    let url = format!("{}/{name}", base.trim_end_matches('/'));
    until(operation, subject, LONG, monitor, || {
        let known = first.lock().ok().and_then(|mut first| first.take());
        let url = &url;
        async move {
            let found = match known {
                Some(answer) => answer,
                None => gcp.clients.rest(operation, Method::GET, url, &[], None).await?,
            };
            if found.get("done").and_then(Value::as_bool) != Some(true) {
                return Ok(Look::Busy("under way".to_owned()));
            }
            if let Some(error) = found.get("error") {
                let code = error.get("code").and_then(Value::as_i64).unwrap_or_default();
                let message = error
                    .get("message")
                    .and_then(Value::as_str)
                    .unwrap_or("no reason given");
                return Err(ended(
                    operation,
                    subject,
                    i32::try_from(code).unwrap_or_default(),
                    message,
                ));
            }
            Ok(Look::Done(found.get("response").cloned().unwrap_or(Value::Null)))
        }
    })
    .await
}
