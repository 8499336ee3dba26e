//! The control plane.

use std::collections::BTreeSet;

use super::collector::Collector;
use super::{Arn, AttributePath, Cidr, Cloud, Context, KubernetesVersion, Late, Tier};
use crate::component::Address;
use crate::{config, reference};

/// All logs of the control plane.
/// <https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html>
pub const LOG_TYPES: [&str; 5] = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

/// Those that GKE has by another name; it has audit logs always, and no authenticator.
/// <https://cloud.google.com/kubernetes-engine/docs/how-to/view-logs#control_plane_logs>
const GKE_LOG_TYPES: [&str; 4] = ["api", "audit", "controllerManager", "scheduler"];

/// <https://cloud.google.com/kubernetes-engine/docs/concepts/release-channels>
const CHANNELS: &[(&str, &str)] = &[
    ("RAPID", "RAPID"),
    ("REGULAR", "REGULAR"),
    ("STABLE", "STABLE"),
    ("EXTENDED", "EXTENDED"),
];

/// The control plane as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSpec {
    /// Name of a cluster of somebody else, used in place of one of our own. Of what follows, only `admins` is said then.
    pub existing: Option<Late<String>>,
    /// Minor version; newest at creation where nobody says one.
    pub version: Option<Late<KubernetesVersion>>,
    /// Release channel, where the cloud has them.
    pub release_channel: Option<&'static str>,
    /// From where the API is reached.
    pub endpoint: Endpoint,
    /// Role ARNs with cluster admin.
    pub admins: BTreeSet<Late<Arn>>,
    /// Control plane logs.
    pub log_types: BTreeSet<String>,
}

/// From where the API is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Inside the network.
    pub private: bool,
    /// From outside.
    pub public: bool,
    /// From where outside.
    pub public_cidrs: BTreeSet<Late<Cidr>>,
}

pub(super) fn build(
    config: Option<&config::Cluster>,
    dns_endpoint: bool,
    context: &Context<'_>,
    collector: &mut Collector,
) -> Option<ClusterSpec> {
    let path = AttributePath::root("cluster");
    let config = config.cloned().unwrap_or_default();
    let version = config
        .version
        .as_deref()
        .map(|text| collector.late(&path.attribute("version"), text));
    let endpoint = endpoint(
        config.endpoint.as_ref(),
        dns_endpoint,
        context,
        &path.attribute("endpoint"),
        collector,
    );
    let admins = admins(config.admins.as_ref(), &path.attribute("admins"), collector);
    let known: &[&str] = match context.cloud {
        Cloud::Aws => &LOG_TYPES,
        Cloud::Gcp => &GKE_LOG_TYPES,
    };
    let log_types = config
        .log_types
        .unwrap_or_else(|| known.iter().map(|word| (*word).to_owned()).collect());
    for unknown in log_types.iter().filter(|word| !known.contains(&word.as_str())) {
        collector.refuse(
            &path.attribute("log_types"),
            format!("{unknown:?} is no log of the control plane"),
            format!("Use any of {}.", known.join(", ")),
        );
    }
    let release_channel = (context.cloud == Cloud::Gcp).then(|| {
        collector.word(
            &path.attribute("release_channel"),
            config.release_channel.as_deref(),
            context.defaults.release_channel,
            CHANNELS,
        )
    });
    let version = match version {
        Some(None) => return None,
        Some(version) => version,
        None => None,
    };
    // What the state holds while nobody named a version stands for "newest at creation".
    let version = version.filter(|version| version.to_string() != newest());
    Some(ClusterSpec {
        existing: None,
        version,
        release_channel,
        endpoint,
        admins,
        log_types,
    })
}

/// One of somebody else: what it is like is not ours to say, only who administers it.
pub(super) fn build_existing(
    name: Option<Late<String>>,
    config: Option<&config::Cluster>,
    collector: &mut Collector,
) -> Option<ClusterSpec> {
    let path = AttributePath::root("cluster");
    let admins = config.and_then(|config| config.admins.as_ref());
    Some(ClusterSpec {
        existing: Some(name?),
        version: None,
        release_channel: None,
        endpoint: Endpoint {
            private: false,
            public: false,
            public_cidrs: BTreeSet::new(),
        },
        admins: self::admins(admins, &path.attribute("admins"), collector),
        log_types: BTreeSet::new(),
    })
}

fn newest() -> String {
    reference::to(&Address::new(&["cluster"]), "version")
}

fn endpoint(
    config: Option<&config::Endpoint>,
    dns_endpoint: bool,
    context: &Context<'_>,
    path: &AttributePath,
    collector: &mut Collector,
) -> Endpoint {
    let config = config.cloned().unwrap_or_default();
    let at = path.attribute("public_cidrs");
    let cidrs = config.public_cidrs.iter().flatten();
    let public_cidrs: BTreeSet<Late<Cidr>> = cidrs.filter_map(|text| collector.late(&at, text)).collect();
    // In dev the API is reachable from outside as soon as the user says from where.
    let public = config
        .public
        .unwrap_or(context.tier == Tier::Dev && !public_cidrs.is_empty());
    // Whoever comes by the DNS name needs no address.
    let private = config.private.unwrap_or(!dns_endpoint);
    if !private && !public && !dns_endpoint {
        let gcp = if context.cloud == Cloud::Gcp {
            ", or gcp.dns_endpoint"
        } else {
            ""
        };
        collector.refuse(
            path,
            "Nobody could reach the cluster",
            format!("Switch on private, or public with public_cidrs{gcp}."),
        );
    }
    if public && config.public_cidrs.as_ref().is_none_or(BTreeSet::is_empty) {
        collector.refuse(
            &at,
            "Public endpoint without ranges",
            "Name the ranges that may reach the API, for example public_cidrs = [\"203.0.113.0/24\"].",
        );
    }
    if !public && !public_cidrs.is_empty() {
        collector.refuse(
            &at,
            "Ranges without public endpoint",
            "Set public = true, or remove public_cidrs.",
        );
    }
    let open = public_cidrs
        .iter()
        .filter_map(Late::known)
        .any(|cidr| cidr.as_str().ends_with("/0"));
    if open && context.tier != Tier::Dev {
        collector.refuse(
            &at,
            "The API would be open to the whole internet",
            format!(
                "0.0.0.0/0 is only possible in tier dev, not in {}. Name your own ranges.",
                context.tier.as_str()
            ),
        );
    }
    Endpoint {
        private,
        public,
        public_cidrs,
    }
}

fn admins(
    config: Option<&BTreeSet<String>>,
    path: &AttributePath,
    collector: &mut Collector,
) -> BTreeSet<Late<Arn>> {
    let mut admins = BTreeSet::new();
    for text in config.into_iter().flatten() {
        let Some(arn) = collector.late::<Arn>(path, text) else {
            continue;
        };
        let role =
            |arn: &Arn| arn.as_str().split(':').nth(2) == Some("iam") && arn.as_str().contains(":role/");
        if arn.known().is_some_and(|arn| !role(arn)) {
            collector.refuse(
                path,
                format!("{text} is not a role"),
                "Administrators enter as roles: users have static keys, and session ARNs change. Give the role's ARN, \
                 arn:aws:iam::<account>:role/<name>.",
            );
        }
        admins.insert(arn);
    }
    admins
}

impl ClusterSpec {
    pub(super) fn resolved(&self) -> config::Cluster {
        let admins =
            || (!self.admins.is_empty()).then(|| self.admins.iter().map(ToString::to_string).collect());
        if let Some(name) = &self.existing {
            return config::Cluster {
                existing: Some(name.to_string()),
                admins: admins(),
                ..config::Cluster::default()
            };
        }
        let version = self.version.as_ref().map_or_else(newest, ToString::to_string);
        config::Cluster {
            existing: None,
            version: Some(version),
            release_channel: self.release_channel.map(str::to_owned),
            endpoint: Some(config::Endpoint {
                private: Some(self.endpoint.private),
                public: Some(self.endpoint.public),
                public_cidrs: (!self.endpoint.public_cidrs.is_empty()).then(|| {
                    self.endpoint
                        .public_cidrs
                        .iter()
                        .map(ToString::to_string)
                        .collect()
                }),
            }),
            admins: admins(),
            log_types: Some(self.log_types.clone()),
        }
    }
}
