//! A pace to keep: for what a service takes only so many of in a time. Waiting one's turn is cheaper than being refused, and
//! it leaves the project's allowance to others too.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mlops_environment::driver::{Monitor, Reason};
use tokio::time::Instant;

use crate::failure::{Outcome, failure};

/// Gives out turns, one a pace.
#[derive(Debug)]
pub(crate) struct Pacer {
    pace: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pacer {
    pub(crate) fn new(pace: Duration) -> Self {
        Self {
            pace,
            next: Mutex::default(),
        }
    }

    /// How long to wait for a turn, which is taken.
    fn wait(&self, now: Instant) -> Duration {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + self.pace);
        turn - now
    }

    /// Waits for one's turn.
    ///
    /// # Errors
    ///
    /// [`Reason::Cancelled`] when told to stop.
    pub(crate) async fn turn(&self, operation: &str, monitor: &dyn Monitor) -> Outcome<()> {
        let wait = self.wait(Instant::now());
        if !wait.is_zero() && !monitor.cancelled() {
            monitor.sleep(wait).await;
        }
        if monitor.cancelled() {
            return Err(failure(
                operation,
                Reason::Cancelled,
                "stopped while waiting for its turn",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_a_pace_apart_and_none_is_saved_up() {
        let (second, now) = (Duration::from_secs(1), Instant::now());
        let pacer = Pacer::new(2 * second);
        assert_eq!(
            [pacer.wait(now), pacer.wait(now), pacer.wait(now)],
            [Duration::ZERO, 2 * second, 4 * second]
        );
        let later = now + 60 * second;
        assert_eq!(
            [pacer.wait(later), pacer.wait(later)],
            [Duration::ZERO, 2 * second]
        );
        let none = Pacer::new(Duration::ZERO);
        assert_eq!([none.wait(now), none.wait(now)], [Duration::ZERO; 2]);
    }
}
