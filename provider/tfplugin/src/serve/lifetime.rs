//! From the first call to the last: who is running, who is told to stop, and when the process may end.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a handler may take to answer after it was told to stop. Terraform's second Ctrl-C loses the state of what
/// has not answered, and people press it after some seconds.
pub(crate) const GRACE: Duration = Duration::from_secs(4);

/// The calls of one process.
#[derive(Debug)]
pub(crate) struct Lifetime {
    /// Cancelled by StopProvider and replaced: a stop ends the calls that run, not those that come later. A process in
    /// reattach mode serves many runs.
    generation: std::sync::Mutex<CancellationToken>,
    /// Handlers that run, also those whose caller is gone.
    pub(crate) handlers: TaskTracker,
    /// Fires when the server is to end.
    pub(crate) ending: CancellationToken,
    /// Fires when the host asked for the end.
    pub(crate) asked_to_end: CancellationToken,
    /// Grace of a stopped handler.
    pub(crate) grace: Duration,
}

impl Lifetime {
    pub(crate) fn new(grace: Duration) -> Self {
        Self {
            generation: std::sync::Mutex::default(),
            handlers: TaskTracker::new(),
            ending: CancellationToken::new(),
            asked_to_end: CancellationToken::new(),
            grace,
        }
    }

    /// A token for one call: fires on the next [`stop`](Self::stop), and may be cancelled alone.
    pub(crate) fn call(&self) -> CancellationToken {
        self.lock().child_token()
    }

    /// Tells every running call to stop. Later calls are not touched.
    pub(crate) fn stop(&self) {
        let running = std::mem::take(&mut *self.lock());
        running.cancel();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, CancellationToken> {
        // A token is never half-written: a poisoned lock still holds a good one.
        self.generation
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Waits until no handler runs, at most `limit`. Says whether all were done.
    pub(crate) async fn drained(&self, limit: Duration) -> bool {
        self.handlers.close();
        tokio::time::timeout(limit, self.handlers.wait()).await.is_ok()
    }
}

/// Why the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The host called Shutdown.
    Asked,
    /// SIGTERM (or, in reattach mode, SIGINT).
    Signalled,
    /// The host is gone without a word.
    Orphaned,
}

/// A host that lost its connection may come back; one that does not in this time is gone.
const RECONNECT: Duration = Duration::from_secs(5);
/// Terraform waits 60 s for the handshake line and connects at once.
const FIRST_CONNECTION: Duration = Duration::from_secs(120);
const PARENT_POLL: Duration = Duration::from_millis(250);

/// Waits until our host is gone: our parent process changed, or the last connection closed and none came again.
pub(super) async fn orphaned(parent: u32, mut open: watch::Receiver<usize>, lifetime: &Lifetime) -> End {
    let parent_gone = async {
        let mut tick = tokio::time::interval(PARENT_POLL);
        while std::os::unix::process::parent_id() == parent {
            tick.tick().await;
        }
        tracing::warn!("the host process is gone");
    };
    let unconnected = async {
        if tokio::time::timeout(FIRST_CONNECTION, open.wait_for(|count| *count > 0))
            .await
            .is_err()
        {
            tracing::warn!("nobody connected");
            return;
        }
        loop {
            // The sender lives in the listener; without it nobody can connect any more.
            if open.wait_for(|count| *count == 0).await.is_err() {
                return;
            }
            // Whom should they answer?
            lifetime.stop();
            let again = tokio::time::timeout(RECONNECT, open.wait_for(|count| *count > 0)).await;
            if !matches!(again, Ok(Ok(_))) {
                tracing::warn!("the host closed its connection without asking for the end");
                return;
            }
        }
    };
    tokio::select! {
        () = parent_gone => {}
        () = unconnected => {}
    }
    End::Orphaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_ends_running_calls_and_spares_later_ones() {
        let lifetime = Lifetime::new(GRACE);
        let running = lifetime.call();
        lifetime.stop();
        let later = lifetime.call();
        assert!(running.is_cancelled());
        assert!(!later.is_cancelled());
    }

    #[test]
    fn cancelling_one_call_spares_the_others() {
        let lifetime = Lifetime::new(GRACE);
        let (one, other) = (lifetime.call(), lifetime.call());
        one.cancel();
        assert!(!other.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_comes_back_is_no_end() {
        let lifetime = Lifetime::new(GRACE);
        let (open, watching) = watch::channel(1);
        let call = lifetime.call();
        let watch = orphaned(std::os::unix::process::parent_id(), watching, &lifetime);
        let host = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            open.send_replace(0);
            tokio::time::sleep(Duration::from_secs(1)).await;
            open.send_replace(1);
            tokio::time::sleep(Duration::from_secs(3600)).await;
        };
        tokio::select! {
            _ = watch => panic!("ended although the host came back"),
            () = host => {}
        }
        assert!(call.is_cancelled(), "calls of the lost connection are stopped");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_stays_away_is_the_end() {
        let lifetime = Lifetime::new(GRACE);
        let (open, watching) = watch::channel(1);
        open.send_replace(1);
        let host = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            open.send_replace(0);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            end = orphaned(std::os::unix::process::parent_id(), watching, &lifetime) => assert_eq!(end, End::Orphaned),
            () = host => {}
        }
    }
}
