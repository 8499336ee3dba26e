//! What a sandbox's connections share.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::account::Accounts;
use crate::clock::Clock;
use crate::fault::Faults;
use crate::hold::Hold;
use crate::journal::Journal;
use crate::random::Random;
use crate::store::{Keep, Store};
use crate::world::World;

/// One sandbox.
#[derive(Debug)]
pub(crate) struct Shared {
    /// `http://127.0.0.1:<port>`.
    pub(crate) origin: String,
    pub(crate) clock: Clock,
    pub(crate) hold: Hold,
    /// Whether callers who are not operators are asked for permission.
    pub(crate) enforce: AtomicBool,
    /// Real time that every call takes on its way.
    pub(crate) latency: Duration,
    pub(crate) store: Option<Store>,
    pub(crate) world: Mutex<World>,
    pub(crate) accounts: Mutex<Accounts>,
    pub(crate) journal: Mutex<Journal>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) ids: Mutex<Random>,
    pub(crate) mistakes: Mutex<Vec<String>>,
}

/// A lock that outlives a panic: what it guards is plain data, and a panic of a service is caught and told as a mistake.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        locked(&self.world)
    }

    pub(crate) fn accounts(&self) -> MutexGuard<'_, Accounts> {
        locked(&self.accounts)
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        locked(&self.journal)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    pub(crate) fn mistakes(&self) -> MutexGuard<'_, Vec<String>> {
        locked(&self.mistakes)
    }

    pub(crate) fn request_id(&self) -> String {
        locked(&self.ids).uuid()
    }

    /// Something that the sandbox itself did wrong: said aloud, and kept for tests to fail on.
    pub(crate) fn mistake(&self, words: &str) {
        eprintln!("mlops-sandbox: MISTAKE: {words}");
        self.mistakes().push(words.to_owned());
    }

    /// Keeps the world, if there is a folder for it.
    pub(crate) fn save(&self, world: &World) {
        let Some(store) = &self.store else { return };
        let accounts = self.accounts();
        let keep = Keep {
            at: self.clock.now(),
            world,
            accounts: &accounts,
        };
        if let Err(error) = store.save(&keep) {
            self.mistake(&format!("the state cannot be saved: {error}"));
        }
    }
}
