//! The claim: an environment's record of itself in the cloud, so that nothing depends on Terraform's state alone.

use serde::{Deserialize, Serialize};

use crate::component::Address;

/// Phase of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// First apply under way, or cut off.
    Creating,
    /// Complete.
    Ready,
    /// An apply ended early; the next one goes on.
    Incomplete,
    /// Released by the delete leg of a taint replacement; the create leg goes on.
    Resumable,
    /// Destroy under way, or cut off.
    Deleting,
}

/// The record, stored as JSON at `mlops/<name>/claim.json` in the logs bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The environment's id.
    pub id: String,
    /// Random; in every ownership mark.
    pub uid: String,
    /// Who claims it.
    pub owner: String,
    /// Where it is in its life.
    pub phase: Phase,
    /// Counts completed applies.
    pub generation: u64,
    /// Version of the provider that wrote it.
    pub provider_version: String,
    /// RFC 3339.
    pub updated_at: String,
    /// What is about to be made: recorded before, removed after.
    pub intents: Vec<Intent>,
}

/// "About to make this": recovers objects whose answer was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Which component.
    pub address: Address,
    /// Under which name.
    pub name: String,
}
