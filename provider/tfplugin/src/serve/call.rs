//! Running a handler so that it always ends: in an answer, a panic caught, or its grace used up.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument as _;

use super::lifetime::Lifetime;
use crate::logging::panic_text;
use crate::provider::{CallContext, StopReason};

/// How a handler ended.
#[derive(Debug)]
pub(super) enum Ended<T> {
    /// It answered.
    Answered(T),
    /// It panicked with these words.
    Panicked(String),
    /// It was told to stop and did not answer within the grace; it is gone now.
    Overran(StopReason),
}

/// Runs `handler` as a task of its own, with a context that fires on StopProvider and after `timeout`.
///
/// The task outlives the caller: when the host is killed, its call is dropped, and the handler still has its grace to stop
/// in order. A handler that overruns the grace is aborted, for what it would do afterwards no state would know.
pub(super) async fn run<T, F>(
    lifetime: &Arc<Lifetime>,
    context: &CallContext,
    timeout: Option<Duration>,
    handler: F,
) -> Ended<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let span = tracing::Span::current();
    let task = tokio::spawn(handler.instrument(span.clone()));
    let supervisor = supervise(task, context.clone(), timeout, lifetime.grace).instrument(span);
    match lifetime.handlers.spawn(supervisor).await {
        Ok(ended) => ended,
        // The supervisor has nothing to panic about and is aborted only with the whole runtime.
        Err(error) => Ended::Panicked(error.to_string()),
    }
}

async fn supervise<T>(
    mut task: tokio::task::JoinHandle<T>,
    context: CallContext,
    timeout: Option<Duration>,
    grace: Duration,
) -> Ended<T> {
    let limit = async {
        match timeout {
            Some(timeout) => {
                tokio::time::sleep(timeout).await;
                timeout
            }
            None => std::future::pending().await,
        }
    };
    let reason = tokio::select! {
        ended = &mut task => return answered(ended),
        () = context.cancelled.cancelled() => StopReason::Interrupted,
        timeout = limit => StopReason::TimedOut(timeout),
    };
    context.stop(reason);
    tokio::select! {
        ended = &mut task => answered(ended),
        () = tokio::time::sleep(grace) => {
            task.abort();
            Ended::Overran(reason)
        }
    }
}

fn answered<T>(ended: Result<T, tokio::task::JoinError>) -> Ended<T> {
    match ended {
        Ok(answer) => Ended::Answered(answer),
        Err(error) => Ended::Panicked(match error.try_into_panic() {
            Ok(payload) => panic_text(payload.as_ref()),
            Err(error) => error.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime() -> Arc<Lifetime> {
        Arc::new(Lifetime::new(Duration::from_secs(4)))
    }

    #[tokio::test]
    async fn a_panic_is_caught_with_its_words() {
        let lifetime = lifetime();
        let context = CallContext::new(lifetime.call());
        let ended = run(&lifetime, &context, None, async { panic!("oh {}", "no") }).await;
        assert!(matches!(ended, Ended::<()>::Panicked(text) if text == "oh no"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_stops_in_order_gives_its_answer() {
        let lifetime = lifetime();
        let context = CallContext::new(lifetime.call());
        let inner = context.clone();
        let call = run(&lifetime, &context, None, async move {
            inner.cancelled.cancelled().await;
            tokio::time::sleep(Duration::from_secs(3)).await;
            "saved"
        });
        let (ended, ()) = tokio::join!(call, async { lifetime.stop() });
        assert!(matches!(ended, Ended::Answered("saved")));
        assert_eq!(context.stop_reason(), Some(StopReason::Interrupted));
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_deaf_to_the_stop_is_given_up_after_the_grace() {
        let lifetime = lifetime();
        let context = CallContext::new(lifetime.call());
        let started = tokio::time::Instant::now();
        let call = run(&lifetime, &context, None, std::future::pending::<()>());
        let (ended, ()) = tokio::join!(call, async { lifetime.stop() });
        assert!(matches!(ended, Ended::Overran(StopReason::Interrupted)));
        assert_eq!(started.elapsed().as_secs(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timeout_stops_this_call_only() {
        let lifetime = lifetime();
        let other = lifetime.call();
        let context = CallContext::new(lifetime.call());
        let limit = Duration::from_secs(60);
        let ended = run(&lifetime, &context, Some(limit), std::future::pending::<()>()).await;
        assert!(matches!(ended, Ended::Overran(StopReason::TimedOut(time)) if time == limit));
        assert!(!other.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_whose_caller_is_gone_still_finishes() {
        let lifetime = lifetime();
        let context = CallContext::new(lifetime.call());
        let (done, finished) = tokio::sync::oneshot::channel();
        {
            let call = run(&lifetime, &context, None, async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                let _ = done.send(());
            });
            let dropped = tokio::time::timeout(Duration::from_millis(10), call).await;
            assert!(dropped.is_err());
        }
        assert!(lifetime.drained(Duration::from_secs(2)).await);
        assert!(finished.await.is_ok());
    }
}
