//! How often each operation was called: what a test compares with the fewest calls that can do the work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A log of the API calls made, retries included.
///
/// Clones share one log.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<Vec<&'static str>>>);

impl Calls {
    /// Every call so far in the order in which they went out, as `service:Method`.
    pub fn log(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|call| (*call).to_owned())
            .collect()
    }

    /// Calls so far by operation.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        self.log().into_iter().fold(BTreeMap::new(), |mut counts, call| {
            *counts.entry(call).or_default() += 1;
            counts
        })
    }

    /// Forgets the calls so far.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Notes a call, and says so at debug level: `calling container:CreateCluster`.
    pub(crate) fn add(&self, operation: &'static str) {
        tracing::debug!("calling {operation}");
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(operation);
    }
}
