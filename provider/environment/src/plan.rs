//! Planning: from what is wanted and what was found to printable steps.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::component::{Address, Kind};

/// One property that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Name of the property.
    pub property: String,
    /// As found (null: absent).
    pub from: Value,
    /// As wanted.
    pub to: Value,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Make it.
    Create,
    /// Take it over, then bring it in line.
    Adopt {
        /// What will be changed on it.
        changes: Vec<Change>,
    },
    /// Change it in place.
    Update {
        /// Properties to change.
        changes: Vec<Change>,
        /// Deviations to remove.
        foreign: Vec<String>,
    },
    /// Build anew beside the old, then remove the old.
    Rotate {
        /// Properties to change.
        changes: Vec<Change>,
    },
    /// Wait for what the cloud has under way, then look again.
    Settle,
    /// Delete it.
    Delete,
    /// Keep the object, let go of it.
    Retain,
    /// Nothing.
    Keep,
}

/// How users notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disruption {
    /// Not at all.
    None,
    /// Something restarts.
    Restart,
    /// Nodes or objects are built anew.
    Rotate,
    /// Data is deleted.
    DataLoss,
}

/// One planned change to one component. Prints as a line of `last_change`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which component.
    pub address: Address,
    /// What it is.
    pub kind: Kind,
    /// What is done.
    pub action: Action,
    /// How users notice.
    pub disruption: Disruption,
    /// Details for the reader, for example `gpu-small, 0..2`.
    pub detail: String,
}
