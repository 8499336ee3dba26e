//! Virtual time: what takes a cloud twelve minutes may take a test milliseconds.

use std::sync::Mutex;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// The sandbox's clock: runs `factor` times as fast as real time, and can be moved ahead.
#[derive(Debug)]
pub struct Clock {
    started: Instant,
    origin: Timestamp,
    factor: f64,
    skipped: Mutex<SignedDuration>,
}

impl Clock {
    /// A clock that starts at `origin` and runs `factor` times as fast as real time (1 = real time).
    pub fn new(origin: Timestamp, factor: f64) -> Self {
        Self {
            started: Instant::now(),
            origin,
            factor,
            skipped: Mutex::new(SignedDuration::ZERO),
        }
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        let ran = SignedDuration::from_secs_f64(self.started.elapsed().as_secs_f64() * self.factor);
        // A poisoned lock holds a plain number all the same.
        let skipped = *self
            .skipped
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        self.origin + ran + skipped
    }

    /// Moves time ahead.
    pub fn skip(&self, duration: SignedDuration) {
        let mut skipped = self
            .skipped
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *skipped += duration;
    }
}
