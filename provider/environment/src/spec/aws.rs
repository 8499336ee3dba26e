//! The `aws` block.

use super::collector::Collector;
use super::{
    AccountId, AttributePath, AwsSpec, CloudFacts, CloudSpec, EnvironmentName, Facts, Region, network,
};
use crate::config::{self, Config};
use crate::names::Place;

/// Where the environment is, and what only AWS has; either is missing where something is wrong with it.
pub(super) fn build(
    config: &Config,
    name: Option<&EnvironmentName>,
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
    let network = network::build(block.existing_network.as_ref(), collector);
    let spec = role_path.zip(network).map(|(role_path, network)| {
        CloudSpec::Aws(AwsSpec {
            partition: partition.clone(),
            role_path,
            permissions_boundary,
            extended_support: block.extended_support.unwrap_or(false),
            network,
        })
    });
    let place = account
        .zip(region)
        .map(|(account, region)| Place::Aws { account, region });
    (place, spec)
}

impl AwsSpec {
    pub(super) fn resolved(&self, account: &str, region: &str) -> config::Aws {
        config::Aws {
            account_id: Some(account.to_owned()),
            region: Some(region.to_owned()),
            existing_network: Some(self.network.resolved()),
            permissions_boundary: self.permissions_boundary.as_ref().map(ToString::to_string),
            role_path: Some(self.role_path.to_string()),
            extended_support: Some(self.extended_support),
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
