//! A cluster of somebody else: which one, and what cannot be said beside it.

use super::collector::Collector;
use super::{AttributePath, CloudSpec, Context, EksClusterName, GkeClusterName, Late, managed_network};
use crate::config::Config;
use crate::names::Place;

/// Whether the configuration names one.
pub(super) fn given(config: &Config) -> bool {
    config
        .cluster
        .as_ref()
        .is_some_and(|cluster| cluster.existing.is_some())
}

/// Its short name. The cluster stands in the account and region of the environment: pods, images and buckets are there.
pub(super) fn build(
    config: &Config,
    place: Option<&Place>,
    cloud: Option<&CloudSpec>,
    context: &Context<'_>,
    collector: &mut Collector,
) -> Option<Late<String>> {
    let text = config.cluster.as_ref()?.existing.as_deref()?;
    refuse_unused(config, collector);
    let path = AttributePath::root("cluster").attribute("existing");
    if context.cloud == super::Cloud::Aws {
        let name = collector.late::<EksClusterName>(&path, text)?;
        return Some(name.map(|name| name.to_string()));
    }
    let name = collector.late::<GkeClusterName>(&path, text)?;
    let Late::Known(full) = name else {
        return Some(name.map(|name| name.to_string()));
    };
    let (parent, short) = full.as_str().rsplit_once('/').unwrap_or(("", full.as_str()));
    if let (false, Some(Place::Gcp { project, .. }), Some(CloudSpec::Gcp(gcp))) =
        (parent.is_empty(), place, cloud)
    {
        let own = format!("projects/{project}/locations/{}/clusters", gcp.location);
        if parent != own {
            collector.refuse(
                &path,
                format!("{full} stands elsewhere"),
                format!(
                    "The environment is at {own}. Set gcp.project and gcp.location to where the cluster is, or name a cluster of \
                     this place."
                ),
            );
        }
    }
    Some(Late::Known(short.to_owned()))
}

/// What would be accepted and not honoured: nothing but identities is wired to a cluster of somebody else.
fn refuse_unused(config: &Config, collector: &mut Collector) {
    let root = AttributePath::root;
    let cluster = config.cluster.clone().unwrap_or_default();
    let aws = config.aws.clone().unwrap_or_default();
    let gcp = config.gcp.clone().unwrap_or_default();
    let encryption = config.encryption.clone().unwrap_or_default();
    let in_cluster = root("cluster");
    let in_encryption = root("encryption");
    let said = [
        (in_cluster.attribute("version"), cluster.version.is_some()),
        (
            in_cluster.attribute("release_channel"),
            cluster.release_channel.is_some(),
        ),
        (in_cluster.attribute("endpoint"), cluster.endpoint.is_some()),
        (in_cluster.attribute("log_types"), cluster.log_types.is_some()),
        (root("node_pools"), config.node_pools.is_some()),
        (root("logging"), config.logging.is_some()),
        (
            root("aws").attribute("existing_network"),
            aws.existing_network.is_some(),
        ),
        (
            root("aws").attribute("extended_support"),
            aws.extended_support.is_some(),
        ),
        (
            root("gcp").attribute("existing_network"),
            gcp.existing_network.is_some(),
        ),
        (root("gcp").attribute("dns_endpoint"), gcp.dns_endpoint.is_some()),
        (in_encryption.attribute("cluster"), encryption.cluster.is_some()),
        (in_encryption.attribute("logs"), encryption.logs.is_some()),
    ];
    for (path, _) in said.iter().filter(|(_, said)| *said) {
        collector.refuse(
            path,
            "The cluster is somebody else's",
            format!(
                "With cluster.existing only identities are wired to it: its version, nodes, network, logs and keys are its owner's, so {path} \
                 would not be honoured. Remove it, or remove cluster.existing to have a cluster made."
            ),
        );
    }
    managed_network::refuse_unused(config, "The cluster stands in a network already", collector);
}
