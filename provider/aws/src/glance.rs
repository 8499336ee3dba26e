//! One look at many components: what tells of several of them is asked for once.
//!
//! Every node pool looks through all groups of its cluster. Nothing is kept beyond the look
//! ([`Driver::glance`](mlops_environment::driver::Driver::glance)), so nobody sees what was so a moment ago.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::failure::Outcome;

/// What is shared in one look.
#[derive(Debug, Default)]
pub(crate) struct Glance {
    /// Names of node groups by cluster.
    groups: Mutex<BTreeMap<String, Arc<OnceCell<Vec<String>>>>>,
}

impl Glance {
    /// The node groups of a cluster, as `ask` tells them to the first who wants to know. A failure is not kept: whoever asks next asks
    /// anew.
    pub(crate) async fn groups<F>(&self, cluster: &str, ask: impl FnOnce() -> F) -> Outcome<Vec<String>>
    where
        F: Future<Output = Outcome<Vec<String>>>,
    {
        let cell = {
            let mut cells = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(cluster.to_owned()).or_default())
        };
        cell.get_or_try_init(ask).await.cloned()
    }
}
