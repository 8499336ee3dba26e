//! The `gcp` block, and what the shared blocks cannot have on Google Cloud.

use super::collector::Collector;
use super::{
    AttributePath, CloudFacts, CloudSpec, Context, EnvironmentName, Facts, GcpNetworkSpec, GcpRegion,
    GcpSpec, Late, Location, NetworkName, ProjectId, RangeName, SubnetworkName, Tier, existing_cluster,
    managed_network,
};
use crate::config::{self, Config};
use crate::names::{EnvironmentId, Place};

/// A network, a subnetwork and two secondary ranges of somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcpExistingNetwork {
    /// The VPC network.
    pub network: Late<NetworkName>,
    /// Of nodes.
    pub subnetwork: Late<SubnetworkName>,
    /// Secondary range of pods.
    pub pods_range: Late<RangeName>,
    /// Secondary range of Kubernetes services.
    pub services_range: Late<RangeName>,
}

/// Where the environment is, and what only Google Cloud has; either is missing where something is wrong with it.
pub(super) fn build(
    config: &Config,
    name: Option<&EnvironmentName>,
    context: &Context<'_>,
    facts: &Facts,
    collector: &mut Collector,
) -> (Option<Place>, Option<CloudSpec>) {
    let CloudFacts::Gcp {
        project: own,
        number,
        region: default,
    } = &facts.cloud
    else {
        return (None, None);
    };
    let path = AttributePath::root("gcp");
    let block = config.gcp.clone().unwrap_or_default();
    let project: Option<ProjectId> = match block.project.as_deref() {
        Some(text) => collector.known(&path.attribute("project"), text),
        None => Some(own.clone()),
    };
    if let Some(project) = project.as_ref().filter(|project| *project != own) {
        collector.refuse(
            &path.attribute("project"),
            "The provider works in another project",
            format!(
                "The environment belongs to project {project}, the provider works in {own}. Set project in the provider's \
                 gcp block (or GOOGLE_CLOUD_PROJECT) to {project}, or correct gcp.project."
            ),
        );
    }
    let location: Option<Location> = block
        .location
        .as_deref()
        .and_then(|text| collector.known(&path.attribute("location"), text));
    let region = match (block.region.as_deref(), &location, default) {
        (Some(text), ..) => collector.known::<GcpRegion>(&path.attribute("region"), text),
        (None, Some(location), _) => location.region().parse().ok(),
        (None, None, Some(region)) => Some(region.clone()),
        (None, None, None) => {
            collector.refuse(
                &path.attribute("region"),
                "No region given",
                "Set gcp.region here, or region in the provider's gcp block, or GOOGLE_CLOUD_REGION.",
            );
            None
        }
    };
    if let (Some(location), Some(region)) = (&location, &region) {
        let at = path.attribute("location");
        if location.region() != region.as_str() {
            collector.refuse(
                &at,
                format!("{location} is not in {region}"),
                "The cluster stands where its buckets, keys and images are. Use that region, or a zone of it.",
            );
        } else if location.is_zone() && context.tier != Tier::Dev {
            collector.refuse(
                &at,
                format!(
                    "A cluster in one zone is not possible in {}",
                    context.tier.as_str()
                ),
                format!("It is gone for as long as the zone is. Use the region, {region}, or tier dev."),
            );
        }
    }
    let place = project
        .zip(region.clone())
        .map(|(project, region)| Place::Gcp { project, region });
    let network = match block.existing_network.as_ref() {
        _ if existing_cluster::given(config) => Some(GcpNetworkSpec::OfCluster),
        Some(existing) => {
            managed_network::refuse_unused(config, "The network is there already", collector);
            network(existing, &path, collector).map(GcpNetworkSpec::Existing)
        }
        None => {
            let id = place.clone().zip(name.cloned());
            let id = id.map(|(place, name)| EnvironmentId { place, name });
            let network = managed_network::build(config, id.as_ref(), context, collector);
            Some(GcpNetworkSpec::Managed(network))
        }
    };
    let location = location.or_else(|| region.as_ref()?.as_str().parse().ok());
    let spec = location.zip(network).map(|(location, network)| {
        CloudSpec::Gcp(GcpSpec {
            number: number.clone(),
            location,
            network,
            dns_endpoint: block.dns_endpoint.unwrap_or(true),
            manage_apis: block.manage_apis.unwrap_or(true),
        })
    });
    (place, spec)
}

fn network(
    config: &config::GcpNetwork,
    path: &AttributePath,
    collector: &mut Collector,
) -> Option<GcpExistingNetwork> {
    let path = path.attribute("existing_network");
    fn part<T: super::Text>(
        path: &AttributePath,
        attribute: &str,
        text: &Option<String>,
        collector: &mut Collector,
    ) -> Option<Late<T>> {
        let at = path.attribute(attribute);
        let Some(text) = text.as_deref() else {
            collector.refuse(
                &at,
                "Missing",
                "A network is named with network, subnetwork, pods_range and services_range.",
            );
            return None;
        };
        collector.late(&at, text)
    }
    let network = part(&path, "network", &config.network, collector);
    let subnetwork = part(&path, "subnetwork", &config.subnetwork, collector);
    let pods_range = part(&path, "pods_range", &config.pods_range, collector);
    let services_range = part(&path, "services_range", &config.services_range, collector);
    let spec = GcpExistingNetwork {
        network: network?,
        subnetwork: subnetwork?,
        pods_range: pods_range?,
        services_range: services_range?,
    };
    if spec.pods_range == spec.services_range {
        collector.refuse(
            &path.attribute("services_range"),
            format!("{} is the range of pods already", spec.services_range),
            "Pods and Kubernetes services need a secondary range each.",
        );
    }
    Some(spec)
}

impl GcpSpec {
    pub(super) fn resolved(&self, project: &str, region: &str) -> config::Gcp {
        config::Gcp {
            project: Some(project.to_owned()),
            region: Some(region.to_owned()),
            location: Some(self.location.to_string()),
            existing_network: match &self.network {
                GcpNetworkSpec::Existing(network) => Some(config::GcpNetwork {
                    network: Some(network.network.to_string()),
                    subnetwork: Some(network.subnetwork.to_string()),
                    pods_range: Some(network.pods_range.to_string()),
                    services_range: Some(network.services_range.to_string()),
                }),
                GcpNetworkSpec::Managed(_) | GcpNetworkSpec::OfCluster => None,
            },
            dns_endpoint: match self.network {
                GcpNetworkSpec::OfCluster => None,
                _ => Some(self.dns_endpoint),
            },
            manage_apis: Some(self.manage_apis),
        }
    }
}

/// What only AWS has. What is refused here would be accepted and not honoured otherwise.
pub(super) fn refuse_others(config: &Config, name: Option<&EnvironmentName>, collector: &mut Collector) {
    let root = AttributePath::root;
    let name = name.map_or("<name>", EnvironmentName::as_str);
    let guardrails = config.guardrails.clone().unwrap_or_default();
    let in_guardrails = root("guardrails");
    if guardrails.permissions_boundary == Some(true) {
        collector.refuse(
            &in_guardrails.attribute("permissions_boundary"),
            "Google Cloud has no permissions boundary",
            "What an identity can ever do is bounded by deny policies of the organisation. Remove it here.",
        );
    }
    if guardrails.exclusive_writers == Some(true) {
        collector.refuse(
            &in_guardrails.attribute("exclusive_writers"),
            "Not possible on Google Cloud",
            "Buckets have no policy that denies. Nobody but retrain is granted to write models, and foreign grants are shown \
             as drift. Remove it here.",
        );
    }
    if guardrails.bucket_tls_only == Some(true) {
        collector.refuse(
            &in_guardrails.attribute("bucket_tls_only"),
            "Not possible on Google Cloud",
            "Requests with credentials are made over TLS; refusing others takes the organisation policy \
             constraints/storage.secureHttpTransport. Remove it here.",
        );
    }
    let cluster = config.cluster.clone().unwrap_or_default();
    if cluster.admins.is_some_and(|admins| !admins.is_empty()) {
        collector.refuse(
            &root("cluster").attribute("admins"),
            "Administrators are not named here on Google Cloud",
            format!(
                "Whoever holds roles/container.admin in the project is one; granted for the cluster {name} alone, with a \
                 ClusterRoleBinding to cluster-admin. The environment makes no such grant. Remove cluster.admins."
            ),
        );
    }
    let buckets = config.buckets.clone().unwrap_or_default();
    for (purpose, bucket) in [
        ("data", buckets.data),
        ("models", buckets.models),
        ("predictions", buckets.predictions),
        ("reports", buckets.reports),
        ("mlflow", buckets.mlflow),
    ] {
        if bucket.is_some_and(|bucket| bucket.existing.is_some()) {
            collector.refuse(
                &root("buckets").attribute(purpose).attribute("existing"),
                "A bucket cannot be used without changing it on Google Cloud",
                format!(
                    "Who may read objects is written on the bucket itself. Take it over, and it is kept on destroy: adopt = \
                     {{ \"buckets.{purpose}\" = \"…\" }}."
                ),
            );
        }
    }
    let drift = config
        .identities
        .as_ref()
        .and_then(|identities| identities.drift.as_ref());
    if drift.is_some_and(|drift| drift.metrics_read == Some(true)) {
        collector.refuse(
            &root("identities").attribute("drift").attribute("metrics_read"),
            "Not possible on Google Cloud",
            "Metrics can only be read project-wide, and the environment makes no project-wide grant that it can do without. \
             Remove it here; where it must be, grant roles/monitoring.viewer to the accounts of identity_info.drift yourself.",
        );
    }
    let encryption = config.encryption.clone().unwrap_or_default();
    if encryption.deletion_window_days.is_some() {
        collector.refuse(
            &root("encryption").attribute("deletion_window_days"),
            "Keys are not deleted on Google Cloud",
            "A deleted key's name would be lost for ever, so keys outlive the environment. Remove it here.",
        );
    }
    let github = config
        .federation
        .as_ref()
        .and_then(|federation| federation.github.as_ref());
    if github.is_some_and(|github| github.oidc_provider.as_deref() == Some("reference")) {
        collector.refuse(
            &root("federation").attribute("github").attribute("oidc_provider"),
            "Every environment has a workload identity pool of its own",
            "Nothing is shared with others, so there is nothing to refer to. Remove it.",
        );
    }
}
