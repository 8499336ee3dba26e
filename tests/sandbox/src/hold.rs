//! The hold: from one call on nothing moves, so that a process can be killed at exactly that moment.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// What calls wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Calls pass.
    Open,
    /// Calls wait.
    Held,
    /// Calls that waited are dropped; later ones pass.
    Dropped,
}

/// Holds calls back.
#[derive(Debug)]
pub(crate) struct Hold {
    state: watch::Sender<State>,
    waiting: AtomicU64,
}

impl Default for Hold {
    fn default() -> Self {
        Self {
            state: watch::Sender::new(State::Open),
            waiting: AtomicU64::new(0),
        }
    }
}

impl Hold {
    /// From now on calls wait.
    pub(crate) fn begin(&self) {
        self.state.send_replace(State::Held);
    }

    /// Whether calls wait now.
    pub(crate) fn held(&self) -> bool {
        *self.state.borrow() == State::Held
    }

    /// How many calls wait now.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Ends the hold: calls that wait go on, or are dropped without an effect or an answer.
    pub(crate) fn end(&self, drop: bool) {
        self.state
            .send_replace(if drop { State::Dropped } else { State::Open });
    }

    /// Waits while calls are held; false for a call that is dropped.
    pub(crate) async fn pass(&self) -> bool {
        if !self.held() {
            return true;
        }
        let mut states = self.state.subscribe();
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let ended = states.wait_for(|state| *state != State::Held).await;
        let pass = ended.is_ok_and(|state| *state == State::Open);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        pass
    }
}
