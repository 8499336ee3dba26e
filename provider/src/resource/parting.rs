//! What is said of an environment once Terraform has the answer.
//!
//! The claim that an apply leaves names the state that it came from, so that the next apply knows it for its own where this one is killed
//! before the state is saved. A provider that Terraform lets go of was not killed: then the claim names none, and whoever creates the
//! environment once more, from whatever state, is told that it exists.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::join_all;
use mlops_environment::claim::Claim;
use mlops_environment::driver::{ClaimVersion, Driver};

use super::claims::store;

/// Claims that this process has brought to an end.
#[derive(Default)]
pub(crate) struct Partings(Mutex<Vec<Parting>>);

/// One of them, as it stands.
pub(super) struct Parting {
    pub(super) driver: Arc<dyn Driver>,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) claim: Claim,
    pub(super) version: ClaimVersion,
}

impl fmt::Debug for Partings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partings").finish_non_exhaustive()
    }
}

impl Partings {
    pub(super) fn add(&self, parting: Parting) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(parting);
    }

    /// Terraform has every answer. What cannot be written stays as it is: the next apply of the same state rewrites it anyway.
    pub(crate) async fn say(&self) {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        join_all(all.iter().map(|parting| async move {
            let claim = parting.claim.clone().applied_from(None);
            let place = (parting.bucket.as_str(), parting.key.as_str());
            if let Err(failure) = store(&parting.driver, place, &claim, Some(&parting.version)).await {
                tracing::debug!("{}: its claim still names its state: {failure}", claim.id);
            }
        }))
        .await;
    }
}
