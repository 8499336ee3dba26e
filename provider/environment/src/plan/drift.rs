//! What was found to be otherwise than it was left.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::decide::Decision;
use super::diff::diff;
use super::step::Change;
use crate::component::{Address, Component, Management, Observation, Owner, Status};

/// Something about a component that is otherwise than it was left. Prints as a line of `drift`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deviation {
    /// Which component.
    pub address: Address,
    /// What.
    pub finding: Finding,
}

/// What is otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It is gone.
    Missing,
    /// A property was changed; `from` as found, `to` as wanted.
    Changed(Change),
    /// Something is there that no property can express.
    Foreign(String),
    /// The cloud gave it up.
    Failed(String),
    /// Somebody put it out of use.
    Suspended(String),
    /// Its mark is another environment's.
    Lost {
        /// Id of the other environment.
        owner: String,
    },
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.address)?;
        match &self.finding {
            Finding::Missing => f.write_str("missing"),
            Finding::Changed(change) => write!(f, "changed outside, {change} restores it"),
            Finding::Foreign(what) => f.write_str(what),
            Finding::Failed(reason) => write!(f, "failed: {reason}"),
            Finding::Suspended(what) => write!(f, "{what} outside"),
            Finding::Lost { owner } => write!(f, "now carries the mark of environment {owner}"),
        }
    }
}

/// Of what was found, that which is shown and left alone: grants that somebody else made, where `enforcement` says so.
pub fn reported<'a>(
    drift: &'a [Deviation],
    components: &[Component],
    decision: &Decision,
) -> Vec<&'a Deviation> {
    let left_alone = |deviation: &&Deviation| {
        matches!(deviation.finding, Finding::Foreign(_))
            && components.iter().any(|component| {
                component.address == deviation.address && decision.reports_only(component.kind)
            })
    };
    drift.iter().filter(left_alone).collect()
}

/// What is otherwise about a component. The component is as wanted last time, references filled in.
pub fn deviations(component: &Component, observation: &Observation, decision: &Decision) -> Vec<Deviation> {
    let deviation = |finding| Deviation {
        address: component.address.clone(),
        finding,
    };
    let found = match observation {
        Observation::Absent => return vec![deviation(Finding::Missing)],
        Observation::Present(found) => found,
    };
    if component.management == Management::Existing {
        return Vec::new();
    }
    match (&found.owner, component.management) {
        (_, Management::Shared) => {}
        (owner @ Owner::Environment { id, .. }, _) if !owner.is(&decision.environment) => {
            return vec![deviation(Finding::Lost { owner: id.clone() })];
        }
        _ => {}
    }
    match &found.status {
        Status::Failed { reason } => return vec![deviation(Finding::Failed(reason.clone()))],
        Status::Suspended { what } => return vec![deviation(Finding::Suspended(what.clone()))],
        Status::Deleting => return vec![deviation(Finding::Missing)],
        Status::Ready | Status::InProgress { .. } => {}
    }
    let changes = diff(component, &found.properties, Some(&component.properties));
    let changed = changes
        .into_iter()
        .map(|change| deviation(Finding::Changed(change)));
    let foreign = found
        .foreign
        .iter()
        .map(|what| deviation(Finding::Foreign(what.clone())));
    changed.chain(foreign).collect()
}
