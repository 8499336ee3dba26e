//! The configuration, judged: every value is legal, every default is filled in, and what can still be unknown says so.

mod buckets;
mod cluster;
mod collector;
mod encryption;
mod federation;
mod identities;
mod network;
mod node_pools;
mod registry;
mod services;
mod text;
mod violation;

use std::collections::BTreeMap;

pub use buckets::{BucketOnDestroy, BucketSpec, WriteOnce};
pub use cluster::{ClusterSpec, Endpoint, LOG_TYPES};
pub(crate) use encryption::KEY_USES;
pub use encryption::{EncryptionSpec, KeyUse};
pub use federation::{GithubSpec, OidcProviderMode};
pub use identities::IdentitySpec;
pub use mlops_access::Purpose;
pub use mlops_access::generate::aws::{AdditionalPermission, Bucket, KubernetesAccess};
pub use mlops_access::generate::{RegistryMode, SubjectFormat};
pub use network::NetworkSpec;
pub use node_pools::{NodePoolSpec, PoolPurpose, Size, TaintSpec};
pub use registry::{RegistryReference, RegistrySpec};
pub use services::ServiceSpec;
pub use text::*;
pub use violation::{AttributePath, Segment, Violation};

use crate::component::Address;
use crate::config::{self, Config};
use crate::defaults::{self, Defaults};
use crate::names::{EnvironmentId, Names};
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

/// What is known from the provider's configuration and the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Account of the credentials.
    pub account: AccountId,
    /// Partition of the credentials.
    pub partition: String,
    /// Region of the provider, used where the environment names none.
    pub region: Option<Region>,
    /// Tags of the provider; those of the environment win.
    pub default_tags: BTreeMap<String, String>,
}

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
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// IAM path.
    pub role_path: RolePath,
    /// A boundary in place of our own.
    pub permissions_boundary: Option<Late<Arn>>,
    /// Pay for versions out of standard support.
    pub extended_support: bool,
    /// The network in use.
    pub network: NetworkSpec,
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
    /// Keys.
    pub encryption: EncryptionSpec,
    /// Control plane logs are kept so many days.
    pub log_retention_days: u32,
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

/// Tags that every object carries beside the user's.
pub const OWN_TAGS: usize = 4;

/// What every section of the configuration is read with.
struct Context<'a> {
    tier: Tier,
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
        let (Ok(account), region) = ("000000000000".parse::<AccountId>(), "us-east-1".parse().ok()) else {
            return Vec::new();
        };
        let configured = config.aws.as_ref().and_then(|aws| aws.account_id.as_deref());
        let account = configured.and_then(|text| text.parse().ok()).unwrap_or(account);
        let facts = Facts {
            account,
            partition: "aws".to_owned(),
            region,
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

    /// Names of this environment's objects.
    pub fn names(&self) -> Names<'_> {
        Names::new(&self.id, &self.partition, self.role_path.as_str())
    }

    /// The configuration with every default filled in: what optional attributes hold in the state. What only the cloud
    /// decides is a reference: `owner` and `cluster.version` where nobody says them.
    pub fn resolved_config(&self) -> Config {
        let addresses = |map: &BTreeMap<Address, String>| {
            map.iter()
                .map(|(address, value)| (address.to_string(), value.clone()))
                .collect::<BTreeMap<_, _>>()
        };
        Config {
            name: Some(self.id.name.to_string()),
            tier: Some(self.tier.as_str().to_owned()),
            owner: Some(self.owner.to_string()),
            defaults_version: Some(self.defaults_version.into()),
            tags: filled(self.own_tags.clone()),
            aws: Some(config::Aws {
                account_id: Some(self.id.account.to_string()),
                region: Some(self.id.region.to_string()),
                existing_network: Some(self.network.resolved()),
                permissions_boundary: self.permissions_boundary.as_ref().map(ToString::to_string),
                role_path: Some(self.role_path.to_string()),
                extended_support: Some(self.extended_support),
            }),
            cluster: Some(self.cluster.resolved()),
            node_pools: Some(
                self.node_pools
                    .iter()
                    .map(|(name, pool)| (name.to_string(), pool.resolved()))
                    .collect(),
            ),
            registry: Some(self.registry.resolved()),
            buckets: Some(buckets::resolved(&self.buckets)),
            services: filled(
                self.services
                    .iter()
                    .map(|(name, service)| (name.to_string(), service.resolved()))
                    .collect(),
            ),
            identities: Some(identities::resolved(&self.identities)),
            federation: self.github.as_ref().map(|github| config::Federation {
                github: Some(github.resolved()),
            }),
            encryption: Some(self.encryption.resolved()),
            logging: Some(config::Logging {
                retention_days: Some(self.log_retention_days.into()),
            }),
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
    refuse_references(config, collector);
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
    let table = defaults::of(defaults_version, tier)?;
    let context = Context {
        tier,
        defaults: &table,
        defaults_version,
    };
    let tags = merged_tags(config, facts, collector);

    let aws = root("aws");
    if config.aws.is_none() {
        collector.refuse(
            &aws,
            "No cloud chosen",
            "Give an aws block: aws = { existing_network = { … } }. Account and region default to the provider's.",
        );
    }
    let block = config.aws.clone().unwrap_or_default();
    let account = match block.account_id.as_deref() {
        Some(text) => collector.known(&aws.attribute("account_id"), text),
        None => Some(facts.account.clone()),
    };
    if let Some(account) = account.as_ref().filter(|account| **account != facts.account) {
        collector.refuse(
            &aws.attribute("account_id"),
            "Credentials are of another account",
            format!(
                "The environment belongs to account {account}, the credentials to {}. Use credentials of {account}, or \
                 correct account_id.",
                facts.account
            ),
        );
    }
    let region = match (block.region.as_deref(), &facts.region) {
        (Some(text), _) => collector.known::<Region>(&aws.attribute("region"), text),
        (None, Some(region)) => Some(region.clone()),
        (None, None) => {
            collector.refuse(
                &aws.attribute("region"),
                "No region given",
                "Set aws.region here, or region in the provider's aws block, or AWS_REGION.",
            );
            None
        }
    };
    let role_path = match (block.role_path.as_deref(), &name) {
        (Some(text), _) => collector.known(&aws.attribute("role_path"), text),
        (None, Some(name)) => format!("/mlops/{name}/").parse().ok(),
        (None, None) => None,
    };
    let permissions_boundary = block
        .permissions_boundary
        .as_deref()
        .and_then(|text| collector.late(&aws.attribute("permissions_boundary"), text));
    let network = network::build(block.existing_network.as_ref(), config.aws.is_some(), collector);

    let cluster = cluster::build(config.cluster.as_ref(), &context, collector);
    let node_pools = node_pools::build(config.node_pools.as_ref(), &context, collector);
    let registry = registry::build(config.registry.as_ref(), &context, collector);
    let protection = config.protection.clone().unwrap_or_default();
    let protect_data = protection.data.unwrap_or(true);
    let buckets = buckets::build(config.buckets.as_ref(), protect_data, &context, collector);
    let services = services::build(config.services.as_ref(), &context, collector);
    let identities = identities::build(config.identities.as_ref(), collector);
    let federation = config
        .federation
        .as_ref()
        .and_then(|federation| federation.github.as_ref());
    let github = federation::build(federation, &identities, &context, collector);
    let encryption = encryption::build(config.encryption.as_ref(), &context, collector);

    let log_retention_days = log_retention(config, &table, collector);
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
    let boundaries = guardrails.permissions_boundary.unwrap_or(true);
    if !boundaries && permissions_boundary.is_some() {
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
    let builder = registry
        .reference
        .as_ref()
        .and_then(Late::known)
        .map(|reference| &reference.account);
    if let (Some(builder), Some(account)) = (builder, account.as_ref().filter(|own| Some(*own) != builder)) {
        collector.warn(
            &root("registry").attribute("reference"),
            format!("Images come from account {builder}"),
            format!("Its repositories must let account {account} pull, by a repository policy made there."),
        );
    }
    let cluster = cluster?;
    if access == KubernetesAccess::Group && cluster.admins.is_empty() && !services.is_empty() {
        collector.warn(
            &root("cluster").attribute("admins"),
            "Nobody can apply the Kubernetes roles",
            "With kubernetes.access = \"group\" deploy acts through RBAC that an administrator has to apply once. Name \
             role ARNs in cluster.admins.",
        );
    }

    Some(Spec {
        id: EnvironmentId {
            account: account?,
            region: region?,
            name: name?,
        },
        tier,
        owner: owner?,
        defaults_version,
        own_tags: config.tags.clone().unwrap_or_default(),
        tags,
        partition: facts.partition.clone(),
        role_path: role_path?,
        permissions_boundary,
        extended_support: block.extended_support.unwrap_or(false),
        network: network?,
        cluster,
        node_pools,
        registry,
        buckets,
        services,
        identities,
        github,
        encryption,
        log_retention_days,
        protect_deletion: protection.deletion.unwrap_or(table.protect_deletion),
        protect_data,
        boundaries,
        exclusive_writers,
        bucket_tls_only: guardrails.bucket_tls_only.unwrap_or(true),
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

fn log_retention(config: &Config, table: &Defaults, collector: &mut Collector) -> u32 {
    let path = AttributePath::root("logging").attribute("retention_days");
    let given = config.logging.as_ref().and_then(|logging| logging.retention_days);
    let days = given.unwrap_or(table.log_retention_days.into());
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
            table.log_retention_days
        }
    }
}

/// Tags of the provider and the environment.
/// Limits: <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html#id_tags_naming_best_practices>
fn merged_tags(config: &Config, facts: &Facts, collector: &mut Collector) -> BTreeMap<String, String> {
    let path = AttributePath::root("tags");
    let mut tags = facts.default_tags.clone();
    tags.extend(config.tags.clone().unwrap_or_default());
    for (key, value) in &tags {
        let at = path.key(key);
        let lower = key.to_ascii_lowercase();
        if lower.starts_with("mlops:") || lower.starts_with("aws:") {
            collector.refuse(
                &at,
                "Reserved tag",
                "Keys that begin with mlops: or aws: are not the user's. Rename it.",
            );
        }
        let legal = |c: char| c.is_alphanumeric() || " +-=._:/@".contains(c);
        let late = reference::is_placeholder(value);
        if key.is_empty() || key.chars().count() > 128 || !key.chars().all(legal) {
            collector.refuse(
                &at,
                "Tag key is not possible",
                "1 to 128 letters, digits, spaces and + - = . _ : / @",
            );
        }
        if !late && (value.chars().count() > 256 || !value.chars().all(legal)) {
            collector.refuse(
                &at,
                "Tag value is not possible",
                "At most 256 letters, digits, spaces and + - = . _ : / @",
            );
        }
    }
    if tags.len() > 50 - OWN_TAGS {
        collector.refuse(
            &path,
            format!("{} tags are too many", tags.len()),
            format!("AWS takes 50 on an object, {OWN_TAGS} of which mark it as ours. Remove some here or in default_tags."),
        );
    }
    tags
}

/// Nobody but us writes references: text of the user that looks like one would be filled in with a component's output.
fn refuse_references(config: &Config, collector: &mut Collector) {
    if let Ok(value) = serde_json::to_value(config) {
        refuse_references_in(&value, &AttributePath::default(), collector);
    }
}

fn refuse_references_in(value: &serde_json::Value, path: &AttributePath, collector: &mut Collector) {
    let judge = |text: &str, path: &AttributePath, collector: &mut Collector| {
        if text.contains("@{") && !reference::is_placeholder(text) {
            collector.refuse(
                path,
                "Text must not contain \"@{\"",
                "The provider marks values that are known later with these characters. Write it differently.",
            );
        }
    };
    match value {
        serde_json::Value::String(text) => judge(text, path, collector),
        serde_json::Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                // Texts stand in sets and short lists: the list is place enough.
                let at = if item.is_string() {
                    path.clone()
                } else {
                    path.index(at)
                };
                refuse_references_in(item, &at, collector);
            }
        }
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                let at = if is_map(path) {
                    path.key(key)
                } else {
                    path.attribute(key)
                };
                judge(key, &at, collector);
                refuse_references_in(value, &at, collector);
            }
        }
        _ => {}
    }
}

/// Whether the keys at a path are the user's.
fn is_map(path: &AttributePath) -> bool {
    let maps = [
        "tags",
        "node_pools",
        "services",
        "secrets",
        "labels",
        "adopt",
        "replace_components",
    ];
    let encryption = AttributePath::root("encryption").attribute("secrets");
    match path.0.last() {
        Some(Segment::Attribute(name)) => maps.contains(&name.as_str()) && *path != encryption,
        _ => false,
    }
}
