//! What the principal that applies an environment has to be allowed, and nothing more: derived from the driver's calls.
//!
//! A test applies, changes and destroys environments on the local clouds as a principal that has exactly this, and shows
//! that every action is needed by some call.

mod aws;
mod gcp;

pub use aws::{BEYOND_CALLS, policies};
pub(crate) use aws::{look_at_networks, network};
pub use gcp::{BEYOND_CALLS as GCP_BEYOND_CALLS, permissions};

use crate::names::{EnvironmentId, Place};

/// What an environment's provisioner is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provisioner {
    /// On AWS: policy documents, each small enough for a managed policy.
    Aws(Vec<String>),
    /// On Google Cloud: permissions of a custom role on the project.
    Gcp(Vec<String>),
}

/// What the provisioner of an environment needs.
pub fn provisioner(id: &EnvironmentId) -> Provisioner {
    match &id.place {
        Place::Aws { region, .. } => Provisioner::Aws(
            policies(id, crate::names::aws::partition_of(region))
                .iter()
                .map(ToString::to_string)
                .collect(),
        ),
        Place::Gcp { .. } => Provisioner::Gcp(permissions().into_iter().map(str::to_owned).collect()),
    }
}
