//! Carries out what was decided: calls the driver, in order, concurrently, and records what was reached.
//!
//! Nothing here decides. What to do with a component comes from [`mlops_environment::plan`]; this is the loop around it.

mod converge;
mod destroy;
mod observe;
mod progress;
mod schedule;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use mlops_environment::component::{Address, Component, Present};
use mlops_environment::driver::{Driver, Failure, Reason};
use mlops_environment::plan::Refusal;
use mlops_environment::reference::Unresolved;
use tokio_util::sync::CancellationToken;

pub(crate) use converge::{Approach, Converge};
pub(crate) use destroy::Destroy;
pub(crate) use observe::Sighting;

/// The hands of one call: a driver, how many components at a time, and when to stop.
#[derive(Clone)]
pub(crate) struct Executor {
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) limit: usize,
    pub(crate) cancelled: CancellationToken,
}

/// Why a component is not as wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Problem {
    /// The cloud said no.
    Cloud(Failure),
    /// We say no.
    Refused(Refusal),
    /// Something it builds on is not there.
    Unresolved(Unresolved),
    /// A bug of ours.
    Panicked(String),
    /// Stopped while at work; what was reached is not known.
    Aborted,
}

impl Problem {
    /// Whether the user's interruption is the cause.
    pub(crate) fn is_interruption(&self) -> bool {
        match self {
            Self::Aborted => true,
            Self::Cloud(failure) => failure.reason == Reason::Cancelled,
            _ => false,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cloud(failure) => {
                write!(f, "{}: ", failure.operation)?;
                if !failure.code.is_empty() {
                    write!(f, "{}: ", failure.code)?;
                }
                f.write_str(&failure.message)?;
                match &failure.request_id {
                    Some(id) => write!(f, " (request id {id})"),
                    None => Ok(()),
                }
            }
            Self::Refused(refusal) => write!(f, "{refusal}"),
            Self::Unresolved(unresolved) => write!(f, "{unresolved}"),
            Self::Panicked(message) => write!(
                f,
                "the provider failed: {message}; this is a bug, please report it"
            ),
            Self::Aborted => f.write_str("stopped while the cloud was at work on it"),
        }
    }
}

/// What a component makes known: what could be computed beforehand, and what was found.
pub(crate) fn telling(component: &Component, mut present: Present) -> Present {
    for (name, value) in &component.outputs {
        present
            .outputs
            .entry(name.clone())
            .or_insert_with(|| value.clone());
    }
    present
}

/// What a run reached.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Results {
    /// Components that are as wanted (or gone, on destroy), as last seen.
    pub(crate) done: BTreeMap<Address, Option<Present>>,
    /// Components that are not, and why.
    pub(crate) problems: BTreeMap<Address, Problem>,
    /// Components whose turn never came.
    pub(crate) not_started: Vec<Address>,
}

impl Results {
    /// Whether everything is as wanted.
    pub(crate) fn complete(&self) -> bool {
        self.problems.is_empty() && self.not_started.is_empty()
    }
}
