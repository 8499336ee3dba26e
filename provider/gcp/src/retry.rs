//! How one call is repeated. Google's clients give up on the first 429, and on the first 503 of any POST, reads of IAM
//! policies among them; so theirs is switched off and this one stands around every call.
//!
//! What may be repeated: reads; deletes; writes of a value, where twice is once; writes under an etag or a generation,
//! which the service refuses the second time; creates by name, whose lost answer shows as "exists already". A call that
//! would do its work twice is made once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use google_cloud_gax::error::Error;
use mlops_environment::driver::Reason;
use mlops_environment::retry::Retry;
use tokio::time::Instant;

use crate::calls::Calls;
use crate::failure::{Outcome, Refusal, refused};

/// What a second attempt may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twice {
    /// Nothing more than one.
    Harmless,
    /// Its work once more: never repeated once it may have arrived.
    Harmful,
}

/// What became of a create.
#[derive(Debug)]
pub(crate) enum Created<T> {
    /// Made; this was answered.
    Answered(T),
    /// An earlier attempt's answer was lost, and now it is there: to be read back.
    Unanswered,
}

/// Makes calls: each is noted, and repeated as allowed.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    pub(crate) retry: Retry,
    pub(crate) calls: Calls,
    pub(crate) enabled: Enabled,
}

impl Attempts {
    /// Makes the call until it succeeds or fails for good.
    pub(crate) async fn call<T, F>(
        &self,
        operation: &'static str,
        twice: Twice,
        attempt: impl Fn() -> F,
    ) -> Outcome<T>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.repeat(operation, twice, attempt)
            .await
            .map_err(|(refusal, _)| refusal.failure)
    }

    /// Creates something by name.
    pub(crate) async fn create<T, F>(
        &self,
        operation: &'static str,
        attempt: impl Fn() -> F,
    ) -> Outcome<Created<T>>
    where
        F: Future<Output = Result<T, Error>>,
    {
        match self.repeat(operation, Twice::Harmless, attempt).await {
            Ok(made) => Ok(Created::Answered(made)),
            Err((refusal, true)) if refusal.failure.reason == Reason::AlreadyExists => {
                Ok(Created::Unanswered)
            }
            Err((refusal, _)) => Err(refusal.failure),
        }
    }

    /// The failure comes with whether an earlier attempt may have been carried out.
    async fn repeat<T, F>(
        &self,
        operation: &'static str,
        twice: Twice,
        attempt: impl Fn() -> F,
    ) -> Result<T, (Refusal, bool)>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let started = Instant::now();
        let (mut number, mut lost) = (0, false);
        loop {
            number += 1;
            self.calls.add(operation);
            // On the heap: requests carry models of hundreds of fields, and a worker's stack is small.
            let refusal = match Box::pin(attempt()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => refused(operation, &error),
            };
            let spreads = refusal
                .disabled
                .as_deref()
                .is_some_and(|service| self.enabled.lately(service));
            let passing = match refusal.failure.reason {
                Reason::Throttled => true,
                Reason::Unavailable => !refusal.unanswered || twice == Twice::Harmless,
                _ => false,
            };
            let retry = if refusal.unreachable {
                self.retry.unreachable()
            } else {
                self.retry.clone()
            };
            // Never shorter than what the service asks for.
            let pause = retry
                .pause(number, fastrand::f64())
                .max(refusal.wait.unwrap_or_default());
            let goes_on = spreads || (passing && retry.goes_on(number, started.elapsed() + pause));
            if !goes_on {
                return Err((refusal, lost));
            }
            lost |= refusal.unanswered;
            tracing::debug!(
                "{operation} failed, again in {} ms: {}",
                pause.as_millis(),
                refusal.failure.message
            );
            tokio::time::sleep(pause).await;
        }
    }
}

/// APIs that this process enabled. For some minutes others of Google's servers go on saying that they are not.
///
/// <https://cloud.google.com/service-usage/docs/enable-disable>
#[derive(Debug, Default)]
pub(crate) struct Enabled(Mutex<BTreeMap<String, Instant>>);

impl Enabled {
    /// Longest time for an API to be known as enabled everywhere.
    const SPREADS: Duration = Duration::from_secs(300);

    pub(crate) fn add<'a>(&self, services: impl IntoIterator<Item = &'a str>) {
        let now = Instant::now();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(services.into_iter().map(|service| (service.to_owned(), now)));
    }

    fn lately(&self, service: &str) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(service)
            .is_some_and(|since| since.elapsed() < Self::SPREADS)
    }
}

#[cfg(test)]
mod tests {
    use google_cloud_gax::error::rpc::{Code, Status};

    use super::*;

    /// Short pauses, all else as usual.
    fn attempts() -> Attempts {
        Attempts {
            retry: Retry {
                first_pause: Duration::from_millis(1),
                longest_pause: Duration::from_millis(4),
                ..Retry::default()
            },
            ..Attempts::default()
        }
    }

    fn status(code: Code) -> Error {
        Error::service(Status::default().set_code(code).set_message("as scripted"))
    }

    async fn run(twice: Twice, answers: Vec<Result<u8, Error>>) -> (Outcome<Created<u8>>, usize) {
        let (attempts, answers) = (attempts(), Mutex::new(answers));
        let next = || std::future::ready(answers.lock().unwrap().remove(0));
        let outcome = match twice {
            Twice::Harmless => attempts.create("x:Create", next).await,
            Twice::Harmful => attempts
                .call("x:Create", twice, next)
                .await
                .map(Created::Answered),
        };
        (outcome, attempts.calls.log().len())
    }

    #[tokio::test]
    async fn repeats_what_was_refused_for_the_moment() {
        let (outcome, calls) = run(
            Twice::Harmful,
            vec![
                Err(status(Code::ResourceExhausted)),
                Err(Error::connect("refused")),
                Ok(1),
            ],
        )
        .await;
        assert!(matches!(outcome, Ok(Created::Answered(1))), "{outcome:?}");
        assert_eq!(calls, 3);
    }

    #[tokio::test]
    async fn never_repeats_what_may_have_been_done_and_would_be_done_twice() {
        let (outcome, calls) = run(Twice::Harmful, vec![Err(Error::io("reset")), Ok(1)]).await;
        assert_eq!((outcome.unwrap_err().reason, calls), (Reason::Unavailable, 1));
    }

    #[tokio::test]
    async fn a_create_whose_answer_was_lost_is_told_from_one_that_another_made() {
        let (outcome, _) = run(
            Twice::Harmless,
            vec![Err(Error::io("reset")), Err(status(Code::AlreadyExists))],
        )
        .await;
        assert!(matches!(outcome, Ok(Created::Unanswered)), "{outcome:?}");
        let (outcome, _) = run(
            Twice::Harmless,
            vec![
                Err(status(Code::ResourceExhausted)),
                Err(status(Code::AlreadyExists)),
            ],
        )
        .await;
        assert_eq!(outcome.unwrap_err().reason, Reason::AlreadyExists);
    }

    #[tokio::test]
    async fn a_final_refusal_is_not_repeated() {
        for code in [
            Code::PermissionDenied,
            Code::InvalidArgument,
            Code::NotFound,
            Code::FailedPrecondition,
            Code::Aborted,
        ] {
            let (outcome, calls) = run(Twice::Harmless, vec![Err(status(code)), Ok(1)]).await;
            assert!(outcome.is_err(), "{code:?}");
            assert_eq!(calls, 1, "{code:?}");
        }
    }

    #[tokio::test]
    async fn gives_up_after_its_attempts_with_the_last_refusal() {
        let answers = (0..40).map(|_| Err(status(Code::Unavailable))).collect();
        let (outcome, calls) = run(Twice::Harmless, answers).await;
        assert_eq!(
            (outcome.unwrap_err().message.as_str(), calls),
            ("as scripted", 25)
        );
    }

    #[tokio::test]
    async fn an_address_where_nobody_listens_is_given_up_sooner() {
        let answers = (0..40).map(|_| Err(Error::connect("refused"))).collect();
        let (outcome, calls) = run(Twice::Harmless, answers).await;
        assert_eq!((outcome.unwrap_err().reason, calls), (Reason::Unavailable, 8));
    }

    #[tokio::test]
    async fn what_the_service_asks_for_is_obeyed() {
        let (attempts, started) = (attempts(), Instant::now());
        let asked = Mutex::new(false);
        let outcome = attempts
            .call("x:Get", Twice::Harmless, || {
                let headers = [(http::header::RETRY_AFTER, http::HeaderValue::from_static("1"))];
                let again = std::mem::replace(&mut *asked.lock().unwrap(), true);
                let refused = Error::http(429, headers.into_iter().collect(), "later".into());
                std::future::ready(if again { Ok(()) } else { Err(refused) })
            })
            .await;
        assert_eq!(outcome, Ok(()));
        assert!(started.elapsed() >= Duration::from_secs(1));
    }

    #[tokio::test]
    async fn does_not_wait_past_its_deadline() {
        let (attempts, started) = (attempts(), Instant::now());
        let headers = [(http::header::RETRY_AFTER, http::HeaderValue::from_static("600"))];
        let outcome: Outcome<()> = attempts
            .call("x:Get", Twice::Harmless, || {
                let headers = headers.iter().cloned().collect();
                std::future::ready(Err(Error::http(429, headers, "later".into())))
            })
            .await;
        assert_eq!(outcome.unwrap_err().reason, Reason::Throttled);
        assert_eq!(attempts.calls.log().len(), 1);
        assert!(started.elapsed() < Duration::from_secs(60));
    }

    #[tokio::test]
    async fn an_api_that_was_enabled_just_now_is_waited_for_and_no_other() {
        let body = r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"disabled","details":[
            {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED","domain":"googleapis.com",
             "metadata":{"service":"container.googleapis.com"}}]}}"#;
        let disabled = || {
            let payload = bytes::Bytes::from_static(body.as_bytes());
            let status = Status::try_from(&payload).unwrap();
            Error::service_with_http_metadata(status, Some(403), None)
        };
        let attempts = attempts();
        let ask = || async {
            let left = Mutex::new(20);
            attempts
                .call::<(), _>("container:GetCluster", Twice::Harmless, || {
                    let mut left = left.lock().unwrap();
                    *left -= 1;
                    std::future::ready(if *left > 0 { Err(disabled()) } else { Ok(()) })
                })
                .await
        };
        assert_eq!(ask().await.unwrap_err().code, "SERVICE_DISABLED");
        attempts.enabled.add(["container.googleapis.com"]);
        assert_eq!(ask().await, Ok(()));
    }
}
