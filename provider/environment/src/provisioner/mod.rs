//! What the principal that applies an environment has to be allowed, and nothing more: derived from the driver's calls.
//!
//! A test applies, changes and destroys environments on the local clouds as a principal that has exactly this, and shows
//! that every action is needed by some call.

mod aws;
mod gcp;

pub use aws::{BEYOND_CALLS, policies, policies_in_cluster};
pub(crate) use aws::{budget_arn, look_at_networks, network};
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

/// What the provisioner of an environment needs; `cluster`: in a cluster of somebody else of this name.
pub fn provisioner(id: &EnvironmentId, cluster: Option<&str>) -> Provisioner {
    match &id.place {
        Place::Aws { region, .. } => {
            let partition = crate::names::aws::partition_of(region);
            let documents = match cluster {
                Some(cluster) => policies_in_cluster(id, partition, cluster).to_vec(),
                None => policies(id, partition).to_vec(),
            };
            Provisioner::Aws(documents.iter().map(ToString::to_string).collect())
        }
        Place::Gcp { .. } => Provisioner::Gcp(permissions().into_iter().map(str::to_owned).collect()),
    }
}
