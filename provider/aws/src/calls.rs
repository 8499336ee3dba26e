//! How often each operation was called: what a test compares with the fewest calls that can do the work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// A log of the API calls made, retries included.
///
/// Clones share one log.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<Vec<String>>>);

impl Calls {
    /// Every call so far in the order in which they went out, as `service:Operation`.
    pub fn log(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

    /// Notes a call, and says so at debug level: `calling eks:CreateCluster`.
    pub(crate) fn add(&self, service: &str, operation: &str) {
        tracing::debug!("calling {service}:{operation}");
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(format!("{service}:{operation}"));
    }
}

/// Notes the calls of one SDK client, under the service's IAM prefix.
#[derive(Debug)]
pub(crate) struct Counter {
    pub(crate) service: &'static str,
    pub(crate) calls: Calls,
}

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "Counter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(metadata) = config.load::<Metadata>() {
            self.calls.add(self.service, metadata.name());
        }
        Ok(())
    }
}
