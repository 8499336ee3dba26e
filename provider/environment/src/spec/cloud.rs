//! The two clouds, and what is peculiar to each.

use std::collections::BTreeMap;

use super::collector::Collector;
use super::{
    AccountId, Arn, AttributePath, GcpExistingNetwork, GcpRegion, Late, Location, ManagedNetwork,
    NetworkSpec, ProjectId, Region, RolePath,
};
use crate::config::Config;

/// A cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cloud {
    /// Amazon Web Services.
    Aws,
    /// Google Cloud.
    Gcp,
}

impl Cloud {
    /// The word in ids and in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
        }
    }
}

/// What is known from the provider's configuration and the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Of the cloud in use.
    pub cloud: CloudFacts,
    /// Tags of the provider; those of the environment win.
    pub default_tags: BTreeMap<String, String>,
}

/// What is known of an account or a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloudFacts {
    /// On AWS.
    Aws {
        /// Account of the credentials.
        account: AccountId,
        /// Partition of the credentials: `aws`, `aws-cn`, `aws-us-gov`.
        partition: String,
        /// Region of the provider, used where the environment names none.
        region: Option<Region>,
    },
    /// On Google Cloud.
    Gcp {
        /// The project at work.
        project: ProjectId,
        /// Its number.
        number: String,
        /// Region of the provider, used where the environment names none.
        region: Option<GcpRegion>,
    },
}

impl CloudFacts {
    /// Which cloud they are of.
    pub fn cloud(&self) -> Cloud {
        match self {
            Self::Aws { .. } => Cloud::Aws,
            Self::Gcp { .. } => Cloud::Gcp,
        }
    }
}

/// What only one cloud has.
#[derive(Debug, Clone, PartialEq)]
pub enum CloudSpec {
    /// On AWS.
    Aws(AwsSpec),
    /// On Google Cloud.
    Gcp(GcpSpec),
}

/// What only AWS has.
#[derive(Debug, Clone, PartialEq)]
pub struct AwsSpec {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// IAM path.
    pub role_path: RolePath,
    /// A boundary in place of our own.
    pub permissions_boundary: Option<Late<Arn>>,
    /// Pay for versions out of standard support.
    pub extended_support: bool,
    /// The network.
    pub network: AwsNetworkSpec,
}

/// Whose the network on AWS is.
#[derive(Debug, Clone, PartialEq)]
pub enum AwsNetworkSpec {
    /// Where the cluster of somebody else stands.
    OfCluster,
    /// Somebody else's.
    Existing(NetworkSpec),
    /// The environment's own.
    Managed(ManagedNetwork),
}

impl AwsNetworkSpec {
    /// What is wanted of the environment's own.
    pub fn managed(&self) -> Option<&ManagedNetwork> {
        match self {
            Self::Managed(network) => Some(network),
            Self::Existing(_) | Self::OfCluster => None,
        }
    }
}

/// Whose the network on Google Cloud is.
#[derive(Debug, Clone, PartialEq)]
pub enum GcpNetworkSpec {
    /// Where the cluster of somebody else stands.
    OfCluster,
    /// Somebody else's.
    Existing(GcpExistingNetwork),
    /// The environment's own.
    Managed(ManagedNetwork),
}

impl GcpNetworkSpec {
    /// What is wanted of the environment's own.
    pub fn managed(&self) -> Option<&ManagedNetwork> {
        match self {
            Self::Managed(network) => Some(network),
            Self::Existing(_) | Self::OfCluster => None,
        }
    }
}

/// What only Google Cloud has.
#[derive(Debug, Clone, PartialEq)]
pub struct GcpSpec {
    /// Number of the project.
    pub number: String,
    /// Region or zone of the cluster.
    pub location: Location,
    /// The network.
    pub network: GcpNetworkSpec,
    /// The API is reached by its DNS name with IAM alone.
    pub dns_endpoint: bool,
    /// Needed APIs are enabled.
    pub manage_apis: bool,
}

/// Which block the configuration has.
pub(super) fn chosen(config: &Config, collector: &mut Collector) -> Option<Cloud> {
    match (&config.aws, &config.gcp) {
        (Some(_), None) => Some(Cloud::Aws),
        (None, Some(_)) => Some(Cloud::Gcp),
        (Some(_), Some(_)) => {
            collector.refuse(
                &AttributePath::root("gcp"),
                "Two clouds chosen",
                "An environment is on one cloud: keep aws or gcp. For both, write two environments; their outputs have the \
                 same shape.",
            );
            None
        }
        (None, None) => {
            collector.refuse(
                &AttributePath::root("aws"),
                "No cloud chosen",
                "Give `aws = { … }` or `gcp = { … }`, with existing_network inside where the network is there already. Account or \
                 project and region default to the provider's.",
            );
            None
        }
    }
}
