//! What is wanted of each kind of AWS component: typed on both sides of the driver's door.
//!
//! A struct serialises to the [`crate::component::Properties`] of its component. Strings may hold references
//! (`@{keys.storage:arn}`) until resolved. JSON documents are canonical text: sorted keys, no white space.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Tags on an object, ownership mark included.
pub type Tags = BTreeMap<String, String>;

/// The VPC and subnets of an environment. Outputs: `vpc_id`, `zones`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// The VPC.
    pub vpc_id: String,
    /// Subnets of nodes and of the control plane's interfaces: two zones at least.
    pub private_subnet_ids: BTreeSet<String>,
    /// Subnets of public load balancers.
    pub public_subnet_ids: BTreeSet<String>,
}

/// A VPC of the environment's own. Outputs: `vpc_id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// All its addresses.
    pub cidr: String,
    /// Availability zones that it is cut for: the cloud does not know.
    pub zones: u32,
    /// Names are resolved, and interfaces have some: endpoints need both.
    pub dns: bool,
    /// Tags.
    pub tags: Tags,
}

/// A subnet. Outputs: `id`, `zone` (name of its availability zone).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// Its VPC.
    pub vpc_id: String,
    /// Its addresses.
    pub cidr: String,
    /// Which of the region's zones, counted from 1; which one that is, is decided when it is made.
    pub zone: u32,
    /// Tags.
    pub tags: Tags,
}

/// An internet gateway, attached. Outputs: `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// What it is attached to.
    pub vpc_id: String,
    /// Tags.
    pub tags: Tags,
}

/// A public NAT gateway with an address of its own. Outputs: `id`, `public_ip`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatGateway {
    /// Its public subnet.
    pub subnet_id: String,
    /// Tags, also of the address.
    pub tags: Tags,
}

/// A route table with the subnets that follow it. Outputs: `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Its VPC.
    pub vpc_id: String,
    /// Internet or NAT gateway that everything else goes to; empty = nowhere.
    pub default_route: String,
    /// Subnets that follow it.
    pub subnet_ids: BTreeSet<String>,
    /// Tags.
    pub tags: Tags,
}

/// A security group. Outputs: `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Its VPC.
    pub vpc_id: String,
    /// Name (only at creation).
    pub name: String,
    /// Description (only at creation).
    pub description: String,
    /// What comes in: `tcp/443/10.0.0.0/16`.
    pub ingress: BTreeSet<String>,
    /// Tags.
    pub tags: Tags,
}

/// An endpoint of a service of AWS inside the VPC. Outputs: `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its VPC.
    pub vpc_id: String,
    /// The service without the region's part: `ecr.api`.
    pub service: String,
    /// It has interfaces in subnets; else it is a gateway that route tables lead to.
    pub interface: bool,
    /// Tables that lead to a gateway.
    pub route_table_ids: BTreeSet<String>,
    /// Subnets with an interface.
    pub subnet_ids: BTreeSet<String>,
    /// Security groups of the interfaces.
    pub security_group_ids: BTreeSet<String>,
    /// Tags.
    pub tags: Tags,
}

/// A KMS key with its alias. Outputs: `arn`, `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// `alias/<environment>-<use>`.
    pub alias: String,
    /// Shown in the console.
    pub description: String,
    /// Key policy.
    pub policy: String,
    /// Days between rotations.
    pub rotation_days: i32,
    /// Days a deleted key can be brought back.
    pub deletion_window_days: i32,
    /// Tags.
    pub tags: Tags,
}

/// An S3 bucket with its sub-resources. Always: public access blocked, owner enforced. Outputs: `arn`, `name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Global name.
    pub name: String,
    /// Region.
    pub region: String,
    /// All four switches of the public access block.
    pub block_public_access: bool,
    /// `BucketOwnerEnforced`.
    pub ownership: String,
    /// Old versions are kept.
    pub versioning: bool,
    /// Key ARN, or `AES256`.
    pub encryption: String,
    /// Bucket policy.
    pub policy: String,
    /// Rules by id.
    pub lifecycle: BTreeMap<String, LifecycleRule>,
    /// Access logs go here.
    pub logging: Option<AccessLogging>,
    /// Object Lock with a default retention of so many days in compliance mode: once on, it is only raised.
    pub retention_lock: Option<i32>,
    /// Tags.
    pub tags: Tags,
}

/// A lifecycle rule. All days count from the object's (or version's) creation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleRule {
    /// Key prefix; empty = all.
    pub prefix: String,
    /// Current versions expire.
    pub expire_days: Option<i32>,
    /// Old versions expire.
    pub noncurrent_days: Option<i32>,
    /// Unfinished uploads are dropped.
    pub abort_upload_days: Option<i32>,
    /// Move to infrequent access.
    pub transition_days: Option<i32>,
}

/// Where access logs go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessLogging {
    /// Name of the target bucket.
    pub bucket: String,
    /// Key prefix there.
    pub prefix: String,
}

/// A CloudWatch Logs group. Outputs: `arn`, `name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogGroup {
    /// Name.
    pub name: String,
    /// One of the retentions that the API allows.
    pub retention_days: i32,
    /// Key ARN.
    pub kms_key: Option<String>,
    /// Tags.
    pub tags: Tags,
}

/// An ECR repository. Outputs: `arn`, `url`, `name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// `<environment>/<repository>`.
    pub name: String,
    /// Tags cannot be moved.
    pub immutable_tags: bool,
    /// Scan each push.
    pub scan_on_push: bool,
    /// Key ARN (only at creation).
    pub kms_key: Option<String>,
    /// Lifecycle policy document.
    pub lifecycle: String,
    /// Tags.
    pub tags: Tags,
}

/// A secret's name. Its value is never ours. Outputs: `arn` (with the random suffix), `name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// `<environment>/<service>/<secret>`.
    pub name: String,
    /// Shown in the console.
    pub description: String,
    /// Key ARN.
    pub kms_key: Option<String>,
    /// Days a deleted secret can be brought back.
    pub recovery_window_days: i64,
    /// Tags.
    pub tags: Tags,
}

/// A customer-managed policy: a permissions boundary. Outputs: `arn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// Name.
    pub name: String,
    /// Path.
    pub path: String,
    /// Shown in the console (only at creation).
    pub description: String,
    /// The document.
    pub document: String,
    /// Tags.
    pub tags: Tags,
}

/// An IAM role. Outputs: `arn`, `name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Name, 64 characters at most.
    pub name: String,
    /// Path (only at creation).
    pub path: String,
    /// Shown in the console.
    pub description: String,
    /// Trust policy.
    pub trust: String,
    /// Inline policies by name.
    pub inline_policies: BTreeMap<String, String>,
    /// ARNs of attached managed policies.
    pub managed_policies: BTreeSet<String>,
    /// ARN of the permissions boundary.
    pub permissions_boundary: Option<String>,
    /// Longest session.
    pub max_session_seconds: i32,
    /// Tags.
    pub tags: Tags,
}

/// An IAM OIDC provider. Outputs: `arn`, `issuer` (without `https://`, as trust policies write it).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcProvider {
    /// Issuer, with `https://`.
    pub url: String,
    /// Audiences that must be accepted; others may be there when shared.
    pub audiences: BTreeSet<String>,
    /// Tags (of the maker, when shared).
    pub tags: Tags,
}

/// An EKS cluster. Outputs: `arn`, `endpoint`, `ca_certificate`, `issuer`, `version`, `security_group`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Name.
    pub name: String,
    /// ARN of the control plane's role.
    pub role_arn: String,
    /// Minor version; empty = newest at creation, then pinned.
    pub version: String,
    /// Subnets of the control plane's interfaces.
    pub subnet_ids: BTreeSet<String>,
    /// Reachable inside the VPC.
    pub endpoint_private: bool,
    /// Reachable from outside.
    pub endpoint_public: bool,
    /// Who may reach it from outside.
    pub public_cidrs: BTreeSet<String>,
    /// Key ARN for secrets (only at creation).
    pub encryption_key: Option<String>,
    /// `api`, `audit`, `authenticator`, `controllerManager`, `scheduler`.
    pub log_types: BTreeSet<String>,
    /// The cloud itself refuses deletion.
    pub deletion_protection: bool,
    /// Pay for versions out of standard support.
    pub extended_support: bool,
    /// Tags.
    pub tags: Tags,
}

/// An EKS cluster of somebody else. Outputs: those of [`Cluster`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExistingCluster {
    /// Name.
    pub name: String,
    /// It signs tokens for its pods, by which they become identities.
    pub issuer: bool,
    /// Access entries let somebody in. Wanted only where somebody is to be let in.
    pub access_entries: bool,
}

/// A monthly cost budget of the account. Outputs: `name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Name.
    pub name: String,
    /// Amount, in the currency, without zeros behind the point.
    pub monthly: String,
    /// `USD`.
    pub currency: String,
    /// What of the account's cost counts: values by the name of a filter.
    pub filters: BTreeMap<String, BTreeSet<String>>,
    /// Who is told when: `ACTUAL GREATER_THAN 80 PERCENTAGE` to `EMAIL ml@example.com`, `SNS arn:…`.
    pub notifications: BTreeMap<String, BTreeSet<String>>,
    /// Tags.
    pub tags: Tags,
}

/// An EKS access entry. Outputs: `arn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEntry {
    /// Name of the cluster.
    pub cluster: String,
    /// ARN of the role.
    pub principal_arn: String,
    /// Kubernetes groups.
    pub groups: BTreeSet<String>,
    /// Access policy ARN to namespaces; no namespace = whole cluster.
    pub policies: BTreeMap<String, BTreeSet<String>>,
    /// Tags.
    pub tags: Tags,
}

/// An EKS managed node group with a launch template of its own. Outputs: `arn`, `name`.
///
/// What EKS cannot change in place is part of the name (`serving-1a2b3c`): a rotation makes the new group under its new
/// name, then deletes the old one. An observation finds any group of the pool: the exact name first, else one that
/// carries the pool's ownership mark; a superseded group beside the new one is a foreign deviation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePool {
    /// Name of the cluster.
    pub cluster: String,
    /// Name of the node group.
    pub name: String,
    /// ARN of the nodes' role.
    pub role_arn: String,
    /// Subnets.
    pub subnet_ids: BTreeSet<String>,
    /// Machine types in order of preference.
    pub instance_types: Vec<String>,
    /// Spare capacity.
    pub spot: bool,
    /// For example `AL2023_x86_64_STANDARD`.
    pub ami_type: String,
    /// Size of the root volume.
    pub disk_gb: i32,
    /// For example `gp3`.
    pub disk_type: String,
    /// Fewest nodes.
    pub min: i32,
    /// Most nodes.
    pub max: i32,
    /// Kubernetes minor version; empty = the cluster's.
    pub version: String,
    /// Node labels.
    pub labels: BTreeMap<String, String>,
    /// Node taints.
    pub taints: BTreeSet<Taint>,
    /// Nodes that may be down during an update.
    pub max_unavailable: i32,
    /// `required`: no credentials of the node without a session token.
    pub metadata_tokens: String,
    /// 1: pods cannot reach the node's metadata.
    pub metadata_hop_limit: i32,
    /// Tags, also of the instances and volumes.
    pub tags: Tags,
}

/// A node taint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Taint {
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
    /// `NO_SCHEDULE`, `NO_EXECUTE`, `PREFER_NO_SCHEDULE`.
    pub effect: String,
}
