//! The `aws` block.

use super::collector::Collector;
use super::{
    AccountId, AttributePath, AwsNetworkSpec, AwsSpec, CloudFacts, CloudSpec, Context, EnvironmentName,
    Facts, Region, existing_cluster, managed_network, network,
};
use crate::config::{self, Config};
use crate::names::{EnvironmentId, Place};

/// Where the environment is, and what only AWS has; either is missing where something is wrong with it.
pub(super) fn build(
    config: &Config,
    name: Option<&EnvironmentName>,
    context: &Context<'_>,
    facts: &Facts,
    collector: &mut Collector,
) -> (Option<Place>, Option<CloudSpec>) {
    let CloudFacts::Aws {
        account: own,
        partition,
        region: default,
    } = &facts.cloud
    else {
        return (None, None);
    };
    let path = AttributePath::root("aws");
    let block = config.aws.clone().unwrap_or_default();
    let account: Option<AccountId> = match block.account_id.as_deref() {
        Some(text) => collector.known(&path.attribute("account_id"), text),
        None => Some(own.clone()),
    };
    if let Some(account) = account.as_ref().filter(|account| *account != own) {
        collector.refuse(
            &path.attribute("account_id"),
            "Credentials are of another account",
            format!(
                "The environment belongs to account {account}, the credentials to {own}. Use credentials of {account}, or \
                 correct account_id."
            ),
        );
    }
    let region = match (block.region.as_deref(), default) {
        (Some(text), _) => collector.known::<Region>(&path.attribute("region"), text),
        (None, Some(region)) => Some(region.clone()),
        (None, None) => {
            collector.refuse(
                &path.attribute("region"),
                "No region given",
                "Set aws.region here, or region in the provider's aws block, or AWS_REGION.",
            );
            None
        }
    };
    let role_path = match (block.role_path.as_deref(), name) {
        (Some(text), _) => collector.known(&path.attribute("role_path"), text),
        (None, Some(name)) => format!("/mlops/{name}/").parse().ok(),
        (None, None) => None,
    };
    let permissions_boundary = block
        .permissions_boundary
        .as_deref()
        .and_then(|text| collector.late(&path.attribute("permissions_boundary"), text));
    let place = account
        .zip(region)
        .map(|(account, region)| Place::Aws { account, region });
    let network = match block.existing_network.as_ref() {
        _ if existing_cluster::given(config) => Some(AwsNetworkSpec::OfCluster),
        Some(existing) => {
            managed_network::refuse_unused(config, "The network is there already", collector);
            network::build(existing, collector).map(AwsNetworkSpec::Existing)
        }
        None => {
            let id = place.clone().zip(name.cloned());
            let id = id.map(|(place, name)| EnvironmentId { place, name });
            let network = managed_network::build(config, id.as_ref(), context, collector);
            Some(AwsNetworkSpec::Managed(network))
        }
    };
    let spec = role_path.zip(network).map(|(role_path, network)| {
        CloudSpec::Aws(AwsSpec {
            partition: partition.clone(),
            role_path,
            permissions_boundary,
            extended_support: block.extended_support.unwrap_or(false),
            network,
        })
    });
    (place, spec)
}

impl AwsSpec {
    pub(super) fn resolved(&self, account: &str, region: &str) -> config::Aws {
        config::Aws {
            account_id: Some(account.to_owned()),
            region: Some(region.to_owned()),
            existing_network: match &self.network {
                AwsNetworkSpec::Existing(network) => Some(network.resolved()),
                AwsNetworkSpec::Managed(_) | AwsNetworkSpec::OfCluster => None,
            },
            vpc_endpoints: self.network.managed().map(|network| network.endpoints.clone()),
            permissions_boundary: self.permissions_boundary.as_ref().map(ToString::to_string),
            role_path: Some(self.role_path.to_string()),
            extended_support: match self.network {
                AwsNetworkSpec::OfCluster => None,
                _ => Some(self.extended_support),
            },
        }
    }
}

/// What only Google Cloud has.
pub(super) fn refuse_others(config: &Config, collector: &mut Collector) {
    let root = AttributePath::root;
    if config
        .cluster
        .as_ref()
        .is_some_and(|cluster| cluster.release_channel.is_some())
    {
        collector.refuse(
            &root("cluster").attribute("release_channel"),
            "EKS has no release channels",
            "Remove it, and set cluster.version where the newest is not what you want.",
        );
    }
}
