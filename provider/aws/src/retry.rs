//! The SDK's retries, bounded as [`Retry`] says.
//!
//! Its standard mode, not the adaptive one, where one throttled resource slows all others:
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>

use std::error::Error;
use std::io;
use std::time::Instant;

use aws_config::retry::RetryConfig;
use aws_smithy_runtime::client::retries::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::retries::RequestAttempts;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use mlops_environment::retry::Retry;

/// The policy in the SDK's terms.
pub(crate) fn config(retry: &Retry) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(retry.attempts)
        .with_initial_backoff(retry.first_pause)
        .with_max_backoff(retry.longest_pause)
}

/// What retries cost: nothing. By default all clients of a process draw on 500 tokens, 5 or 10 a retry, and in bad weather an
/// apply of some hundred calls has spent them half-way; then every failure is final. Attempts, pauses, the deadline and the
/// number of components at work bound what a service has to bear.
pub(crate) fn partition() -> RetryPartition {
    RetryPartition::custom("mlops")
        .token_bucket(TokenBucket::unlimited())
        .build()
}

/// Ends the SDK's retries at the policy's deadline, and early where nobody listens; the last failure is the one told.
#[derive(Debug)]
pub(crate) struct Patience(pub(crate) Retry);

/// When the first attempt of a call began.
#[derive(Debug)]
struct Began(Instant);

impl Storable for Began {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Patience {
    fn name(&self) -> &'static str {
        "Patience"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(Began(Instant::now()));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Err(error)) = context.output_or_error() else {
            return Ok(());
        };
        let retry = match error.as_connector_error() {
            Some(error) if nobody_there(error) => self.0.unreachable(),
            _ => self.0.clone(),
        };
        let number = config
            .load::<RequestAttempts>()
            .map_or(1, RequestAttempts::attempts);
        let spent = config
            .load::<Began>()
            .map_or_else(Default::default, |began| began.0.elapsed());
        if !retry.goes_on(number, spent + retry.ceiling(number)) {
            config.interceptor_state().store_put(RetryConfig::disabled());
        }
        Ok(())
    }
}

/// Whether a connection failed because nobody listens at the address, or no name server knows it.
pub(crate) fn nobody_there(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let refused = error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
        // The resolver's error has no kind of its own.
        if refused || error.to_string() == "dns error" {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;
    use mlops_environment::driver::Reason;

    use super::*;
    use crate::client::{Clients, SERVICES, Settings};
    use crate::failure::{Outcome, call};

    /// What every call is answered with.
    #[derive(Debug, Clone, Copy)]
    enum Answer {
        Status(u16, &'static str),
        Refused,
        Reset,
    }

    /// Answers so many of 25 calls badly and the others well.
    #[derive(Debug, Clone)]
    struct Weather {
        answer: Answer,
        bad: usize,
        seen: Arc<AtomicUsize>,
    }

    impl HttpConnector for Weather {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            let number = self.seen.fetch_add(1, Ordering::SeqCst);
            let answer = if number % 25 < self.bad {
                self.answer
            } else {
                Answer::Status(200, "")
            };
            let io = |kind: io::ErrorKind| Err(ConnectorError::io(io::Error::from(kind).into()));
            HttpConnectorFuture::ready(match answer {
                Answer::Status(200, _) => response(200, r#"{"cluster":{"name":"a"}}"#),
                Answer::Status(status, code) => response(
                    status,
                    &format!(r#"{{"__type":"{code}","message":"as scripted"}}"#),
                ),
                Answer::Refused => io(io::ErrorKind::ConnectionRefused),
                Answer::Reset => io(io::ErrorKind::ConnectionReset),
            })
        }
    }

    fn response(status: u16, body: &str) -> Result<HttpResponse, ConnectorError> {
        let status = http::StatusCode::from_u16(status).unwrap();
        Ok(HttpResponse::new(status.into(), SdkBody::from(body)))
    }

    /// Short pauses, all else as usual.
    fn hasty() -> Retry {
        Retry {
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(2),
            ..Retry::default()
        }
    }

    /// Asks for a cluster `times` over; the outcomes and how many calls went out.
    async fn ask(times: usize, answer: Answer, bad: usize, retry: Retry) -> (Vec<Outcome<()>>, usize) {
        let weather = Weather {
            answer,
            bad,
            seen: Arc::default(),
        };
        let clients = Clients::connect(Settings {
            region: Some("eu-west-1".into()),
            endpoints: SERVICES
                .iter()
                .map(|s| ((*s).to_owned(), "http://127.0.0.1:1".to_owned()))
                .collect(),
            connector: Some(SharedHttpConnector::new(weather.clone())),
            retry,
            ..Settings::default()
        })
        .await
        .unwrap();
        let credentials = aws_credential_types::Credentials::new("a", "b", None, None, "test");
        let eks = aws_sdk_eks::Client::from_conf(
            clients
                .eks
                .config()
                .to_builder()
                .credentials_provider(credentials)
                .build(),
        );
        let mut outcomes = Vec::new();
        for _ in 0..times {
            let describe = eks.describe_cluster().name("a").send();
            outcomes.push(call("eks:DescribeCluster", describe).await.map(|_| ()));
        }
        (outcomes, weather.seen.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn throttling_and_lost_connections_are_outlasted_for_all_attempts_of_the_policy() {
        for answer in [
            Answer::Status(400, "ThrottlingException"),
            Answer::Status(503, "ServiceUnavailableException"),
            Answer::Reset,
        ] {
            let (outcomes, calls) = ask(1, answer, 24, hasty()).await;
            assert_eq!((outcomes, calls), (vec![Ok(())], 25), "{answer:?}");
            let (outcomes, calls) = ask(1, answer, usize::MAX, hasty()).await;
            let reason = outcomes[0].as_ref().unwrap_err().reason;
            assert!(
                matches!(reason, Reason::Throttled | Reason::Unavailable),
                "{outcomes:?}"
            );
            assert_eq!(calls, 25, "{answer:?}");
        }
    }

    #[tokio::test]
    async fn no_budget_of_retries_is_spent_by_a_long_apply() {
        // 60 calls that are refused 24 times each would cost 7,200 of the SDK's 500 tokens.
        let (outcomes, calls) = ask(60, Answer::Status(400, "ThrottlingException"), 24, hasty()).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!(calls, 60 * 25);
    }

    #[tokio::test]
    async fn what_is_refused_for_good_is_asked_once() {
        for code in [
            "AccessDeniedException",
            "InvalidParameterException",
            "ResourceNotFoundException",
        ] {
            let (outcomes, calls) = ask(1, Answer::Status(400, code), usize::MAX, hasty()).await;
            assert!(outcomes[0].is_err(), "{code}");
            assert_eq!(calls, 1, "{code}");
        }
    }

    #[tokio::test]
    async fn an_address_where_nobody_listens_is_given_up_sooner() {
        let (outcomes, calls) = ask(1, Answer::Refused, usize::MAX, hasty()).await;
        assert_eq!(outcomes[0].as_ref().unwrap_err().reason, Reason::Unavailable);
        assert_eq!(calls, 8);
    }

    #[tokio::test]
    async fn no_attempt_begins_after_the_deadline_and_the_last_refusal_is_told() {
        let late = Retry {
            deadline: Duration::from_millis(20),
            first_pause: Duration::from_millis(4),
            longest_pause: Duration::from_millis(4),
            attempts: 1000,
        };
        let (outcomes, calls) = ask(1, Answer::Status(400, "ThrottlingException"), usize::MAX, late).await;
        let failure = outcomes[0].as_ref().unwrap_err();
        assert_eq!(
            (failure.reason, failure.message.as_str()),
            (Reason::Throttled, "as scripted")
        );
        assert!((2..30).contains(&calls), "{calls}");
    }
}
