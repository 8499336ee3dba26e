//! The configuration as the user wrote it: one struct per block, everything optional, nothing judged yet.
//!
//! Attribute names are those of the schema. A string that is not known while planning arrives as
//! `@{unknown:<attribute path>}`. [`crate::spec::Spec::build`] turns this into something that can be relied on.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// One `mlops_environment` as configured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of the environment; with cloud, account and region it is its address.
    pub name: Option<String>,
    /// `dev`, `staging` or `prod`.
    pub tier: Option<String>,
    /// Who claims it.
    pub owner: Option<String>,
    /// Which table of defaults applies.
    pub defaults_version: Option<i64>,
    /// Tags of the user.
    pub tags: Option<BTreeMap<String, String>>,
    /// AWS mode.
    pub aws: Option<Aws>,
    /// Google Cloud mode.
    pub gcp: Option<Gcp>,
    /// A network of the environment's own.
    pub network: Option<Network>,
    /// The Kubernetes control plane.
    pub cluster: Option<Cluster>,
    /// Node pools by name.
    pub node_pools: Option<BTreeMap<String, NodePool>>,
    /// Where images live.
    pub registry: Option<Registry>,
    /// The six buckets.
    pub buckets: Option<Buckets>,
    /// Services by name.
    pub services: Option<BTreeMap<String, Service>>,
    /// The five purposes.
    pub identities: Option<Identities>,
    /// Who may enter from outside.
    pub federation: Option<Federation>,
    /// Customer keys.
    pub encryption: Option<Encryption>,
    /// Logs of the control plane.
    pub logging: Option<Logging>,
    /// What it may cost before somebody is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// What destroy refuses.
    pub protection: Option<Protection>,
    /// Second lines of defence.
    pub guardrails: Option<Guardrails>,
    /// Access inside the cluster.
    pub kubernetes: Option<Kubernetes>,
    /// What happens with foreign grants.
    pub enforcement: Option<Enforcement>,
    /// `error` or `warn`.
    pub partial_create: Option<String>,
    /// Component address to cloud id: take it over.
    pub adopt: Option<BTreeMap<String, String>>,
    /// Component address to consent token: may be replaced.
    pub replace_components: Option<BTreeMap<String, String>>,
}

/// `aws`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Aws {
    /// Asserted against the credentials.
    pub account_id: Option<String>,
    /// Kept once created.
    pub region: Option<String>,
    /// The network in use.
    pub existing_network: Option<ExistingNetwork>,
    /// Services that are reached without leaving a network of the environment's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_endpoints: Option<BTreeSet<String>>,
    /// ARN of a boundary to use in place of our own.
    pub permissions_boundary: Option<String>,
    /// IAM path of roles and policies.
    pub role_path: Option<String>,
    /// Pay for Kubernetes versions out of standard support.
    pub extended_support: Option<bool>,
}

/// `aws.existing_network`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExistingNetwork {
    /// The VPC.
    pub vpc_id: Option<String>,
    /// Nodes and control plane interfaces.
    pub private_subnet_ids: Option<BTreeSet<String>>,
    /// Public load balancers.
    pub public_subnet_ids: Option<BTreeSet<String>>,
}

/// `network`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// All its addresses.
    pub cidr: Option<String>,
    /// Availability zones in use; AWS only.
    pub zones: Option<i64>,
    /// `nat_single`, `nat_per_zone` or `none`.
    pub egress: Option<String>,
}

/// `gcp`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gcp {
    /// Asserted against the provider's project.
    pub project: Option<String>,
    /// Kept once created.
    pub region: Option<String>,
    /// Region or zone of the cluster.
    pub location: Option<String>,
    /// The network in use.
    pub existing_network: Option<GcpNetwork>,
    /// The API is reached by its DNS name with IAM alone.
    pub dns_endpoint: Option<bool>,
    /// Needed APIs are enabled.
    pub manage_apis: Option<bool>,
}

/// `gcp.existing_network`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GcpNetwork {
    /// The VPC network.
    pub network: Option<String>,
    /// Nodes and internal load balancers.
    pub subnetwork: Option<String>,
    /// Secondary range of pods.
    pub pods_range: Option<String>,
    /// Secondary range of Kubernetes services.
    pub services_range: Option<String>,
}

/// `cluster`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cluster {
    /// Name of a cluster to use as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing: Option<String>,
    /// Minor version.
    pub version: Option<String>,
    /// `REGULAR`, `STABLE`, …; Google Cloud only.
    pub release_channel: Option<String>,
    /// From where the API is reached.
    pub endpoint: Option<Endpoint>,
    /// Role ARNs with cluster admin; AWS only.
    pub admins: Option<BTreeSet<String>>,
    /// Control plane logs.
    pub log_types: Option<BTreeSet<String>>,
}

/// `cluster.endpoint`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Endpoint {
    /// Inside the network.
    pub private: Option<bool>,
    /// From outside.
    pub public: Option<bool>,
    /// From where outside.
    pub public_cidrs: Option<BTreeSet<String>>,
}

/// `node_pools[*]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NodePool {
    /// `system`, `serving`, `training`, `gpu` or `general`.
    pub purpose: Option<String>,
    /// `small` … `xlarge`, `gpu-small` … `gpu-large`.
    pub size: Option<String>,
    /// Overrides `size`.
    pub machine_types: Option<Vec<String>>,
    /// Fewest nodes.
    pub min: Option<i64>,
    /// Most nodes.
    pub max: Option<i64>,
    /// Spare capacity.
    pub spot: Option<bool>,
    /// Root volume.
    pub disk_gb: Option<i64>,
    /// `gp3`.
    pub disk_type: Option<String>,
    /// EKS AMI type.
    pub image_type: Option<String>,
    /// Node labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// Node taints.
    pub taints: Option<Vec<Taint>>,
    /// How nodes are exchanged.
    pub rotate: Option<Rotate>,
}

/// `node_pools[*].taints[*]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Taint {
    /// Key.
    pub key: Option<String>,
    /// Value.
    pub value: Option<String>,
    /// `NoSchedule`, `NoExecute`, `PreferNoSchedule`.
    pub effect: Option<String>,
}

/// `node_pools[*].rotate`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rotate {
    /// Nodes that may be down at a time.
    pub max_unavailable: Option<i64>,
}

/// `registry`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Registry {
    /// `create` or `reference`.
    pub mode: Option<String>,
    /// Prefix of repositories made elsewhere.
    pub reference: Option<String>,
    /// Tags cannot be moved.
    pub immutable_tags: Option<bool>,
    /// Scan each push.
    pub scan_on_push: Option<bool>,
    /// Untagged images are kept so long.
    pub untagged_days: Option<i64>,
    /// So many tagged images are kept.
    pub keep_tagged: Option<i64>,
}

/// `buckets`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Buckets {
    /// Reference and training data.
    pub data: Option<Bucket>,
    /// Model versions.
    pub models: Option<Bucket>,
    /// What services answered.
    pub predictions: Option<Bucket>,
    /// Drift reports.
    pub reports: Option<Bucket>,
    /// Experiment records.
    pub mlflow: Option<Bucket>,
    /// Access logs and the claim.
    pub logs: Option<Bucket>,
}

/// One of the six buckets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bucket {
    /// Name of a bucket to use as it is.
    pub existing: Option<String>,
    /// Old versions are kept.
    pub versioning: Option<bool>,
    /// Objects expire.
    pub retention_days: Option<i64>,
    /// Nobody can delete or overwrite before `retention_days` are over, for ever.
    pub retention_locked: Option<bool>,
    /// Old versions expire.
    pub noncurrent_days: Option<i64>,
    /// Move to infrequent access.
    pub transition_days: Option<i64>,
    /// `versioned` or `conditional`.
    pub write_once: Option<String>,
    /// `refuse`, `purge` or `retain`.
    pub on_destroy: Option<String>,
}

/// `services[*]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    /// Where it serves.
    pub namespace: Option<String>,
    /// Where it trains.
    pub train_namespace: Option<String>,
    /// Kubernetes service accounts.
    pub service_accounts: Option<ServiceAccounts>,
    /// Image repositories.
    pub repositories: Option<BTreeSet<String>>,
    /// Secrets by name: who reads them, never their value.
    pub secrets: Option<BTreeMap<String, Secret>>,
}

/// `services[*].service_accounts`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceAccounts {
    /// Serves.
    pub runtime: Option<String>,
    /// Watches.
    pub drift: Option<String>,
    /// Trains.
    pub retrain: Option<String>,
}

/// `services[*].secrets[*]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secret {
    /// Purposes among `runtime`, `drift`, `retrain`.
    pub readers: Option<BTreeSet<String>>,
}

/// `identities`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identities {
    /// Builds and pushes images.
    pub ci: Option<Identity>,
    /// Changes workloads.
    pub deploy: Option<Identity>,
    /// Serves.
    pub runtime: Option<Identity>,
    /// Watches.
    pub drift: Option<Identity>,
    /// Trains.
    pub retrain: Option<Identity>,
}

/// One purpose. `ci_environment` belongs to drift and retrain, `metrics_read` to drift.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// Made at all.
    pub enabled: Option<bool>,
    /// Longest session, `1h`.
    pub max_session: Option<String>,
    /// More rights, judged like ours.
    pub additional_permissions: Option<Vec<AdditionalPermission>>,
    /// A GitHub environment that may enter too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci_environment: Option<String>,
    /// May read metrics of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_read: Option<bool>,
}

/// `identities.*.additional_permissions[*]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdditionalPermission {
    /// Sid of the statement.
    pub id: Option<String>,
    /// Actions (AWS).
    pub actions: Option<BTreeSet<String>>,
    /// Roles (Google Cloud).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<BTreeSet<String>>,
    /// Resource ARNs, or full names.
    pub resources: Option<BTreeSet<String>>,
    /// Conditions.
    pub conditions: Option<Vec<Condition>>,
}

/// One condition of a permission.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Condition {
    /// Operator, for example `StringEquals`.
    pub test: Option<String>,
    /// Condition key.
    pub variable: Option<String>,
    /// Values.
    pub values: Option<BTreeSet<String>>,
}

/// `federation`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Federation {
    /// GitHub Actions.
    pub github: Option<Github>,
    /// GitLab CI/CD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gitlab: Option<Gitlab>,
}

/// `federation.github`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Github {
    /// `owner/name`.
    pub repository: Option<String>,
    /// Number that survives renames.
    pub owner_id: Option<String>,
    /// Number that survives renames.
    pub repository_id: Option<String>,
    /// `name`, `immutable` or `both`.
    pub subject_format: Option<String>,
    /// Refs that may build.
    pub ci_refs: Option<BTreeSet<String>>,
    /// Environments that may deploy.
    pub environments: Option<GithubEnvironments>,
    /// `auto`, `create` or `reference`.
    pub oidc_provider: Option<String>,
}

/// `federation.github.environments`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GithubEnvironments {
    /// Whose jobs deploy.
    pub deploy: Option<String>,
}

/// `federation.gitlab`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gitlab {
    /// `https://gitlab.com`, or the instance's own.
    pub url: Option<String>,
    /// `group/project`.
    pub project_path: Option<String>,
    /// Number that survives renames; Google Cloud only.
    pub project_id: Option<String>,
    /// Refs that may build.
    pub ci_refs: Option<BTreeSet<String>>,
    /// Environments that may deploy.
    pub environments: Option<GitlabEnvironments>,
    /// Jobs of protected refs only; Google Cloud only.
    pub protected_only: Option<bool>,
    /// What jobs ask their token for; AWS only.
    pub audience: Option<String>,
    /// `auto`, `create` or `reference`.
    pub oidc_provider: Option<String>,
}

/// `federation.gitlab.environments`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GitlabEnvironments {
    /// The protected environment whose jobs deploy.
    pub deploy: Option<String>,
    /// Its deployment tier; AWS only.
    pub tier: Option<String>,
}

/// `encryption`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Encryption {
    /// `customer` or `cloud`.
    pub mode: Option<String>,
    /// Kubernetes secrets.
    pub cluster: Option<Key>,
    /// Buckets and images.
    pub storage: Option<Key>,
    /// Secrets.
    pub secrets: Option<Key>,
    /// Log groups.
    pub logs: Option<Key>,
    /// Days between rotations.
    pub rotation_days: Option<i64>,
    /// Days a deleted key can be brought back.
    pub deletion_window_days: Option<i64>,
}

/// `encryption.*`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Key {
    /// ARN of a key to use in place of our own.
    pub key: Option<String>,
}

/// `logging`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Logging {
    /// Days.
    pub retention_days: Option<i64>,
}

/// `budget`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// In whole units of the currency.
    pub monthly: Option<i64>,
    /// `USD`.
    pub currency: Option<String>,
    /// Percent of it.
    pub thresholds: Option<BTreeSet<i64>>,
    /// Who is written to; AWS only.
    pub emails: Option<BTreeSet<String>>,
    /// SNS topic; Pub/Sub topic or notification channels.
    pub topics: Option<BTreeSet<String>>,
    /// Google Cloud only.
    pub billing_account: Option<String>,
}

/// `protection`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Protection {
    /// Destroy is refused.
    pub deletion: Option<bool>,
    /// Purging data is refused.
    pub data: Option<bool>,
}

/// `guardrails`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guardrails {
    /// Roles get a boundary.
    pub permissions_boundary: Option<bool>,
    /// Only retrain writes models.
    pub exclusive_writers: Option<bool>,
    /// Buckets refuse plain HTTP.
    pub bucket_tls_only: Option<bool>,
}

/// `kubernetes`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kubernetes {
    /// `managed` or `group`.
    pub access: Option<String>,
    /// `baseline` or `restricted`.
    pub psa_level: Option<String>,
}

/// `enforcement`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Enforcement {
    /// `exclusive` or `report`.
    pub identities: Option<String>,
    /// `exclusive` or `report`.
    pub buckets: Option<String>,
}
