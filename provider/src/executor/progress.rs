//! Tells the user what is going on, and the work when to stop.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use mlops_environment::component::Address;
use mlops_environment::driver::Monitor;
use tokio_util::sync::CancellationToken;

/// The monitor of one component's work: progress goes to the log at info level with the time spent.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    address: Address,
    started: Instant,
    cancelled: CancellationToken,
}

impl Progress {
    pub(crate) fn new(address: Address, cancelled: CancellationToken) -> Self {
        Self {
            address,
            started: Instant::now(),
            cancelled,
        }
    }
}

impl Monitor for Progress {
    fn progress(&self, text: &str) {
        tracing::info!(component = %self.address, elapsed_s = self.started.elapsed().as_secs(), "{}: {text}", self.address);
    }

    fn cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            tokio::select! {
                () = tokio::time::sleep(duration) => {}
                () = self.cancelled.cancelled() => {}
            }
        })
    }
}

/// How often long work says that it is still going on.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Runs `work`, saying from time to time that it is still going on.
pub(crate) async fn with_heartbeat<T>(progress: &impl Monitor, work: impl Future<Output = T>) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => return result,
            () = tokio::time::sleep(HEARTBEAT) => progress.progress("still at work"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Lines(Mutex<Vec<Instant>>);

    impl Monitor for Lines {
        fn progress(&self, _: &str) {
            let elapsed = tokio::time::Instant::now().into_std();
            self.0.lock().unwrap().push(elapsed);
        }
        fn cancelled(&self) -> bool {
            false
        }
        fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(tokio::time::sleep(duration))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn long_work_says_at_least_once_a_minute_that_it_goes_on() {
        let lines = Lines::default();
        let started = tokio::time::Instant::now().into_std();
        let twelve_minutes = Duration::from_secs(12 * 60);
        with_heartbeat(&lines, tokio::time::sleep(twelve_minutes)).await;
        let mut said = vec![started];
        said.extend(lines.0.into_inner().unwrap());
        said.push(started + twelve_minutes);
        let longest = said.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(longest <= Some(Duration::from_secs(60)), "{longest:?} of silence");
    }
}
