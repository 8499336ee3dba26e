//! The configuration, judged: every value is legal, every default is filled in, and what can still be unknown says so.

mod accelerators;
mod aws;
mod buckets;
mod budget;
mod cloud;
mod cluster;
mod collector;
mod encryption;
mod existing_cluster;
mod federation;
mod gcp;
mod gitlab;
mod identities;
mod managed_network;
mod network;
mod node_pools;
mod references;
mod registry;
mod services;
mod tags;
mod text;
mod violation;

use std::collections::BTreeMap;

pub use accelerators::AcceleratorSpec;
pub use buckets::{BucketOnDestroy, BucketSpec, WriteOnce};
pub use budget::BudgetSpec;
pub use cloud::{AwsNetworkSpec, AwsSpec, Cloud, CloudFacts, CloudSpec, Facts, GcpNetworkSpec, GcpSpec};
pub use cluster::{ClusterSpec, Endpoint, LOG_TYPES};
pub(crate) use encryption::KEY_USES;
pub use encryption::{EncryptionSpec, KeyUse};
pub use federation::{GithubSpec, OidcProviderMode};
pub use gcp::GcpExistingNetwork;
pub use gitlab::GitlabSpec;
pub use identities::{AdditionalRoles, IdentitySpec};
pub use managed_network::{Block, Egress, ManagedNetwork};
pub use mlops_access::Purpose;
pub use mlops_access::generate::aws::{AdditionalPermission, Bucket, KubernetesAccess};
pub use mlops_access::generate::{RegistryMode, SubjectFormat};
pub use network::NetworkSpec;
pub use node_pools::{NodePoolSpec, PoolPurpose, Size, TaintSpec};
pub use registry::{ArtifactRepository, EcrPrefix, RegistryReference, RegistrySpec};
pub use services::ServiceSpec;
pub use tags::OWN_TAGS;
pub use text::*;
pub use violation::{AttributePath, Rule, Segment, Violation};

use crate::component::Address;
use crate::config::{self, Config};
use crate::defaults::{self, Defaults};
use crate::names::EnvironmentId;
use crate::reference;
use collector::{Collector, word_of};

/// How much is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// For trying things.
    Dev,
    /// Like production, without its users.
    Staging,
    /// Production.
    Prod,
}

const TIERS: &[(&str, Tier)] = &[
    ("dev", Tier::Dev),
    ("staging", Tier::Staging),
    ("prod", Tier::Prod),
];

impl Tier {
    /// The word in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Prod => "prod",
        }
    }
}

/// Pod security level of the service namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PsaLevel {
    /// Known escalations are refused.
    Baseline,
    /// Hardened pods only.
    Restricted,
}

const PSA_LEVELS: &[(&str, PsaLevel)] = &[
    ("baseline", PsaLevel::Baseline),
    ("restricted", PsaLevel::Restricted),
];
const ACCESS: &[(&str, KubernetesAccess)] = &[
    ("managed", KubernetesAccess::Managed),
    ("group", KubernetesAccess::Group),
];

/// What happens with grants that we did not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enforcement {
    /// They are removed.
    Exclusive,
    /// They are shown.
    Report,
}

const ENFORCEMENT: &[(&str, Enforcement)] = &[
    ("exclusive", Enforcement::Exclusive),
    ("report", Enforcement::Report),
];

/// How an incomplete create ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartialCreate {
    /// With an error: Terraform taints.
    Error,
    /// With a warning: a postcondition on `phase` must fail the apply.
    Warn,
}

const PARTIAL_CREATE: &[(&str, PartialCreate)] =
    &[("error", PartialCreate::Error), ("warn", PartialCreate::Warn)];

/// One environment, as it shall be.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Address of the environment.
    pub id: EnvironmentId,
    /// Its tier.
    pub tier: Tier,
    /// Who claims it; unknown until applied where nobody is named.
    pub owner: Late<Claimant>,
    /// Its table of defaults.
    pub defaults_version: u32,
    /// Tags of the environment itself.
    pub own_tags: BTreeMap<String, String>,
    /// Tags of the environment and the provider.
    pub tags: BTreeMap<String, String>,
    /// What only its cloud has.
    pub cloud: CloudSpec,
    /// The control plane.
    pub cluster: ClusterSpec,
    /// Node pools.
    pub node_pools: BTreeMap<NodePoolName, NodePoolSpec>,
    /// Images.
    pub registry: RegistrySpec,
    /// All six buckets.
    pub buckets: BTreeMap<Bucket, BucketSpec>,
    /// Services.
    pub services: BTreeMap<ServiceName, ServiceSpec>,
    /// All five purposes.
    pub identities: BTreeMap<Purpose, IdentitySpec>,
    /// GitHub federation.
    pub github: Option<GithubSpec>,
    /// GitLab federation.
    pub gitlab: Option<GitlabSpec>,
    /// Keys.
    pub encryption: EncryptionSpec,
    /// Control plane logs are kept so many days.
    pub log_retention_days: u32,
    /// What it may cost before somebody is told.
    pub budget: Option<BudgetSpec>,
    /// Destroy is refused.
    pub protect_deletion: bool,
    /// Purging data is refused.
    pub protect_data: bool,
    /// Roles get a boundary of ours.
    pub boundaries: bool,
    /// Only retrain writes models.
    pub exclusive_writers: bool,
    /// Buckets refuse plain HTTP.
    pub bucket_tls_only: bool,
    /// Deploy's access in the cluster.
    pub access: KubernetesAccess,
    /// Pod security.
    pub psa_level: PsaLevel,
    /// Foreign grants on identities.
    pub enforce_identities: Enforcement,
    /// Foreign settings on buckets.
    pub enforce_buckets: Enforcement,
    /// How an incomplete create ends.
    pub partial_create: PartialCreate,
    /// Components to take over, by the cloud's id.
    pub adopt: BTreeMap<Address, String>,
    /// Components that may be replaced, by consent token.
    pub replace_components: BTreeMap<Address, String>,
    /// What should be looked at, though it is possible.
    pub warnings: Vec<Violation>,
}

/// What CloudWatch Logs takes.
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
pub const LOG_RETENTION_DAYS: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/// What every section of the configuration is read with.
struct Context<'a> {
    tier: Tier,
    cloud: Cloud,
    defaults: &'a Defaults,
    defaults_version: u32,
}

impl Spec {
    /// Judges a configuration and fills in the defaults.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its path and remedy.
    pub fn build(config: &Config, facts: &Facts) -> Result<Self, Vec<Violation>> {
        let mut collector = Collector::default();
        match (
            build(config, facts, &mut collector),
            collector.violations.is_empty(),
        ) {
            (Some(mut spec), true) => {
                collector.warnings.sort();
                spec.warnings = collector.warnings;
                Ok(spec)
            }
            _ => {
                collector.violations.sort();
                collector.violations.dedup();
                Err(collector.violations)
            }
        }
    }

    /// Judges a configuration without credentials and without a plan: values may be unknown anywhere, and nothing is
    /// asked of the account.
    pub fn check(config: &Config) -> Vec<Violation> {
        let given = |text: Option<&str>, otherwise: &str| text.unwrap_or(otherwise).to_owned();
        let cloud = if config.gcp.is_some() {
            let gcp = config.gcp.as_ref();
            let project = given(gcp.and_then(|gcp| gcp.project.as_deref()), "some-project");
            let (Ok(project), region) = (
                project.parse().or_else(|_| "some-project".parse()),
                "us-central1".parse().ok(),
            ) else {
                return Vec::new();
            };
            CloudFacts::Gcp {
                project,
                number: "0".to_owned(),
                region,
            }
        } else {
            let aws = config.aws.as_ref();
            let account = given(aws.and_then(|aws| aws.account_id.as_deref()), "000000000000");
            let (Ok(account), region) = (
                account.parse().or_else(|_| "000000000000".parse()),
                "us-east-1".parse().ok(),
            ) else {
                return Vec::new();
            };
            CloudFacts::Aws {
                account,
                partition: "aws".to_owned(),
                region,
            }
        };
        let facts = Facts {
            cloud,
            default_tags: BTreeMap::new(),
        };
        let mut collector = Collector {
            lenient: true,
            ..Collector::default()
        };
        build(config, &facts, &mut collector);
        collector.violations.sort();
        collector.violations.dedup();
        collector.violations
    }

    /// Where the environment's claim stands in its logs bucket.
    pub fn claim_key(&self) -> String {
        crate::names::claim_key(&self.id.name)
    }

    /// Whether a purpose has identities in this environment: it is wanted, and there is a way in.
    pub fn has_identity(&self, purpose: Purpose) -> bool {
        let enabled = self
            .identities
            .get(&purpose)
            .is_some_and(|identity| identity.enabled);
        let entered = match purpose {
            Purpose::Ci => self.github.is_some() || self.gitlab.is_some(),
            Purpose::Deploy => self.github.is_some() || self.gitlab.as_ref().is_some_and(GitlabSpec::deploys),
            Purpose::Runtime | Purpose::Drift | Purpose::Retrain => !self.services.is_empty(),
            // The machines of a cluster of somebody else have an identity of somebody else.
            Purpose::Node => return self.cluster.existing.is_none(),
        };
        enabled && entered
    }

    /// What keys are made for: the secrets and logs of a cluster of somebody else are its owner's.
    pub(crate) fn key_uses(&self) -> impl Iterator<Item = (&'static str, KeyUse)> + use<> {
        let own = self.cluster.existing.is_none();
        KEY_USES
            .into_iter()
            .filter(move |(_, usage)| own || !matches!(usage, KeyUse::Cluster | KeyUse::Logs))
    }

    /// The configuration with every default filled in: what optional attributes hold in the state. What only the cloud
    /// decides is a reference: `owner` and `cluster.version` where nobody says them.
    pub fn resolved_config(&self) -> Config {
        let addresses = |map: &BTreeMap<Address, String>| {
            map.iter()
                .map(|(address, value)| (address.to_string(), value.clone()))
                .collect::<BTreeMap<_, _>>()
        };
        let own = self.cluster.existing.is_none();
        Config {
            name: Some(self.id.name.to_string()),
            tier: Some(self.tier.as_str().to_owned()),
            owner: Some(self.owner.to_string()),
            defaults_version: Some(self.defaults_version.into()),
            tags: filled(self.own_tags.clone()),
            aws: match &self.cloud {
                CloudSpec::Aws(aws) => Some(aws.resolved(self.id.account(), self.id.region())),
                CloudSpec::Gcp(_) => None,
            },
            gcp: match &self.cloud {
                CloudSpec::Gcp(gcp) => Some(gcp.resolved(self.id.account(), self.id.region())),
                CloudSpec::Aws(_) => None,
            },
            network: match &self.cloud {
                CloudSpec::Aws(aws) => aws.network.managed().map(ManagedNetwork::resolved),
                CloudSpec::Gcp(gcp) => gcp.network.managed().map(ManagedNetwork::resolved),
            },
            cluster: Some(self.cluster.resolved()),
            node_pools: own.then(|| {
                self.node_pools
                    .iter()
                    .map(|(name, pool)| (name.to_string(), pool.resolved()))
                    .collect()
            }),
            registry: Some(self.registry.resolved()),
            buckets: Some(buckets::resolved(&self.buckets)),
            services: filled(
                self.services
                    .iter()
                    .map(|(name, service)| (name.to_string(), service.resolved()))
                    .collect(),
            ),
            identities: Some(identities::resolved(&self.identities)),
            federation: (self.github.is_some() || self.gitlab.is_some()).then(|| config::Federation {
                github: self.github.as_ref().map(GithubSpec::resolved),
                gitlab: self.gitlab.as_ref().map(GitlabSpec::resolved),
            }),
            encryption: Some(self.encryption.resolved()),
            logging: own.then(|| config::Logging {
                retention_days: Some(self.log_retention_days.into()),
            }),
            budget: self.budget.as_ref().map(BudgetSpec::resolved),
            protection: Some(config::Protection {
                deletion: Some(self.protect_deletion),
                data: Some(self.protect_data),
            }),
            guardrails: Some(config::Guardrails {
                permissions_boundary: Some(self.boundaries),
                exclusive_writers: Some(self.exclusive_writers),
                bucket_tls_only: Some(self.bucket_tls_only),
            }),
            kubernetes: Some(config::Kubernetes {
                access: word_of(&self.access, ACCESS),
                psa_level: word_of(&self.psa_level, PSA_LEVELS),
            }),
            enforcement: Some(config::Enforcement {
                identities: word_of(&self.enforce_identities, ENFORCEMENT),
                buckets: word_of(&self.enforce_buckets, ENFORCEMENT),
            }),
            partial_create: word_of(&self.partial_create, PARTIAL_CREATE),
            adopt: filled(addresses(&self.adopt)),
            replace_components: filled(addresses(&self.replace_components)),
        }
    }
}

/// An optional collection that nobody filled stays as absent as it was.
fn filled<K: Ord, V>(map: BTreeMap<K, V>) -> Option<BTreeMap<K, V>> {
    (!map.is_empty()).then_some(map)
}

/// Reads every section even after one failed, so that all complaints come at once; `None` if something is missing.
fn build(config: &Config, facts: &Facts, collector: &mut Collector) -> Option<Spec> {
    references::refuse_references(config, collector);
    let root = AttributePath::root;
    let name = required(collector, &root("name"), config.name.as_deref());
    let name: Option<EnvironmentName> = name.and_then(|text| collector.known(&root("name"), text));
    let tier_given = required(collector, &root("tier"), config.tier.as_deref());
    let tier = collector.word(&root("tier"), tier_given, Tier::Dev, TIERS);
    let owner: Option<Late<Claimant>> = match config.owner.as_deref() {
        Some(text) => collector.late(&root("owner"), text),
        None => Some(Late::Unknown(reference::to(
            &Address::new(&[reference::ENVIRONMENT]),
            "owner",
        ))),
    };
    let latest = defaults::LATEST;
    let defaults_version = collector.number(
        &root("defaults_version"),
        config.defaults_version,
        latest,
        1,
        latest,
    );
    let chosen = cloud::chosen(config, collector);
    let cloud = chosen.unwrap_or(facts.cloud.cloud());
    let table = defaults::of(defaults_version, cloud, tier)?;
    let context = Context {
        tier,
        cloud,
        defaults: &table,
        defaults_version,
    };
    let tags = tags::merged(config, facts, collector);
    let (place, cloud_spec) = match chosen {
        Some(cloud) if cloud != facts.cloud.cloud() => {
            collector.refuse(
                &root(cloud.as_str()),
                "Judged by what is known of the other cloud",
                "This is a mistake in the provider: please report it.",
            );
            (None, None)
        }
        None => (None, None),
        Some(Cloud::Aws) => {
            aws::refuse_others(config, collector);
            aws::build(config, name.as_ref(), &context, facts, collector)
        }
        Some(Cloud::Gcp) => {
            gcp::refuse_others(config, name.as_ref(), collector);
            gcp::build(config, name.as_ref(), &context, facts, collector)
        }
    };

    let dns_endpoint = match &cloud_spec {
        Some(CloudSpec::Gcp(gcp)) => gcp.dns_endpoint,
        Some(CloudSpec::Aws(_)) => false,
        // Something else is wrong already.
        None => cloud == Cloud::Gcp,
    };
    let (cluster, node_pools) = if existing_cluster::given(config) {
        let name = existing_cluster::build(config, place.as_ref(), cloud_spec.as_ref(), &context, collector);
        let cluster = cluster::build_existing(name, config.cluster.as_ref(), collector);
        (cluster, BTreeMap::new())
    } else {
        let cluster = cluster::build(config.cluster.as_ref(), dns_endpoint, &context, collector);
        (
            cluster,
            node_pools::build(config.node_pools.as_ref(), &context, collector),
        )
    };
    let registry = registry::build(config.registry.as_ref(), &context, collector);
    let protection = config.protection.clone().unwrap_or_default();
    let protect_data = protection.data.unwrap_or(true);
    let buckets = buckets::build(config.buckets.as_ref(), protect_data, &context, collector);
    let services = services::build(config.services.as_ref(), &context, collector);
    let identities = identities::build(config.identities.as_ref(), &context, collector);
    let entrances = config.federation.clone().unwrap_or_default();
    let (by_github, by_gitlab) = (entrances.github.as_ref(), entrances.gitlab.as_ref());
    let github = federation::build(by_github, &identities, by_gitlab.is_some(), &context, collector);
    let gitlab = gitlab::build(by_gitlab, &identities, by_github.is_some(), &context, collector);
    let encryption = encryption::build(config.encryption.as_ref(), &context, collector);

    let budget = budget::build(config.budget.as_ref(), &context, collector);
    let log_retention_days = log_retention(config, &context, collector);
    let guardrails = config.guardrails.clone().unwrap_or_default();
    let kubernetes = config.kubernetes.clone().unwrap_or_default();
    let in_kubernetes = root("kubernetes");
    let access = collector.word(
        &in_kubernetes.attribute("access"),
        kubernetes.access.as_deref(),
        table.access,
        ACCESS,
    );
    let psa_level = collector.word(
        &in_kubernetes.attribute("psa_level"),
        kubernetes.psa_level.as_deref(),
        table.psa_level,
        PSA_LEVELS,
    );
    let enforcement = config.enforcement.clone().unwrap_or_default();
    let in_enforcement = root("enforcement");
    let enforce_identities = collector.word(
        &in_enforcement.attribute("identities"),
        enforcement.identities.as_deref(),
        Enforcement::Exclusive,
        ENFORCEMENT,
    );
    let enforce_buckets = collector.word(
        &in_enforcement.attribute("buckets"),
        enforcement.buckets.as_deref(),
        Enforcement::Exclusive,
        ENFORCEMENT,
    );
    let partial_create = collector.word(
        &root("partial_create"),
        config.partial_create.as_deref(),
        PartialCreate::Error,
        PARTIAL_CREATE,
    );
    let exclusive_writers = guardrails.exclusive_writers.unwrap_or(table.exclusive_writers);
    let boundaries = guardrails.permissions_boundary.unwrap_or(cloud == Cloud::Aws);
    let given = config
        .aws
        .as_ref()
        .is_some_and(|aws| aws.permissions_boundary.is_some());
    if !boundaries && given {
        collector.refuse(
            &root("guardrails").attribute("permissions_boundary"),
            "Contradicts aws.permissions_boundary",
            "Roles cannot both have no boundary and the one named in aws.permissions_boundary. Remove one of the two.",
        );
    }
    let addresses = |map: &Option<BTreeMap<String, String>>| -> BTreeMap<Address, String> {
        let entries = map.iter().flatten();
        entries
            .map(|(address, value)| (Address::new(&[address]), value.clone()))
            .collect()
    };
    let models = buckets.get(&Bucket::Models);
    if exclusive_writers && models.is_some_and(|models| models.on_destroy == BucketOnDestroy::Purge) {
        collector.refuse(
            &root("buckets").attribute("models").attribute("on_destroy"),
            "Nobody but retrain may delete models",
            "guardrails.exclusive_writers refuses everybody else, the provider too. Set exclusive_writers = false first, or \
             use \"refuse\" or \"retain\".",
        );
    }
    for (address, name) in config.adopt.iter().flatten() {
        let path = root("adopt").key(address);
        if address.starts_with("buckets.") {
            collector.late::<BucketName>(&path, name);
        } else if reference::is_placeholder(name) {
            collector.known::<Claimant>(&path, name);
        }
    }
    let registry = registry?;
    registry::warn_of_another_account(&registry, place.as_ref(), collector);
    let cluster = cluster?;
    if cloud == Cloud::Gcp && access == KubernetesAccess::Managed {
        collector.refuse(
            &in_kubernetes.attribute("access"),
            "Google Cloud has no access to single namespaces",
            "roles/container.developer is for every namespace of every cluster of the project, secrets and exec included. Use \
             \"group\": the user is the deploy account's e-mail, bound to a Role in each namespace.",
        );
    }
    if cloud == Cloud::Aws
        && access == KubernetesAccess::Group
        && cluster.existing.is_none()
        && cluster.admins.is_empty()
        && !services.is_empty()
    {
        collector.warn(
            &root("cluster").attribute("admins"),
            "Nobody can apply the Kubernetes roles",
            "With kubernetes.access = \"group\" deploy acts through RBAC that an administrator has to apply once. Name \
             role ARNs in cluster.admins.",
        );
    }

    Some(Spec {
        id: EnvironmentId {
            place: place?,
            name: name?,
        },
        tier,
        owner: owner?,
        defaults_version,
        own_tags: config.tags.clone().unwrap_or_default(),
        tags,
        cloud: cloud_spec?,
        cluster,
        node_pools,
        registry,
        buckets,
        services,
        identities,
        github,
        gitlab,
        encryption,
        log_retention_days,
        budget,
        protect_deletion: protection.deletion.unwrap_or(table.protect_deletion),
        protect_data,
        boundaries,
        exclusive_writers,
        bucket_tls_only: guardrails.bucket_tls_only.unwrap_or(cloud == Cloud::Aws),
        access,
        psa_level,
        enforce_identities,
        enforce_buckets,
        partial_create,
        adopt: addresses(&config.adopt),
        replace_components: addresses(&config.replace_components),
        warnings: Vec::new(),
    })
}

fn required<'a>(collector: &mut Collector, path: &AttributePath, text: Option<&'a str>) -> Option<&'a str> {
    if text.is_none() {
        collector.refuse(path, "Missing", format!("{path} is required."));
    }
    text
}

fn log_retention(config: &Config, context: &Context<'_>, collector: &mut Collector) -> u32 {
    let path = AttributePath::root("logging").attribute("retention_days");
    let given = config.logging.as_ref().and_then(|logging| logging.retention_days);
    let default = context.defaults.log_retention_days;
    if context.cloud == Cloud::Gcp {
        return collector.number(&path, given, default, 1, 3650);
    }
    let days = given.unwrap_or(default.into());
    match LOG_RETENTION_DAYS
        .iter()
        .find(|allowed| i64::from(**allowed) == days)
    {
        Some(days) => *days,
        None => {
            let allowed = LOG_RETENTION_DAYS.map(|days| days.to_string()).join(", ");
            collector.refuse(
                &path,
                format!("{days} days are not possible"),
                format!("CloudWatch Logs takes {allowed}."),
            );
            default
        }
    }
}
