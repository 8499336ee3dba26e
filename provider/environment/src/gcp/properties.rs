//! What is wanted of each kind of Google Cloud component: typed on both sides of the driver's door.
//!
//! A struct serialises to the [`crate::component::Properties`] of its component. Strings may hold references
//! (`@{keys.storage:name}`) until resolved.
//!
//! **Names** are full resource names with the project's *id* (`projects/<project>/locations/<location>/…`) and are the
//! component's id too, except of buckets (their name) and service accounts (their e-mail). Where the API answers with the
//! project's number, the driver puts the id back.
//!
//! **The mark of ownership** is in `tags` (labels, which Google Cloud takes in lower case) where the object has labels,
//! else in `description` as JSON ([`Mark`]). A kind with neither says so; the driver then reports the environment that
//! asks as its owner ([`crate::component::Owner::Environment`] with `owner`).
//!
//! **Grants** are managed one by one, by read-modify-write with etag and policy version 3; members of others stay. A grant
//! is *of the environment* if its member is wanted here, or is a service account whose e-mail ends with `family`, also in
//! the form `deleted:serviceAccount:…?uid=…`. An observation's `grants` hold every grant of the environment that stands,
//! and its `foreign` one line for each that is not wanted, and for each member that opens the object to everybody
//! (`allUsers`, `allAuthenticatedUsers`, `projectViewer:…` and its like when not among the object's legacy roles, a whole
//! workload identity pool). An update adds what is in `to` and not there, takes away what is in `from` and not in `to`, and takes away
//! what the given `foreign` lines name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

/// Labels on an object, ownership mark included.
pub type Tags = BTreeMap<String, String>;

/// The mark of ownership in a `description`: `{"environment":"gcp/…","uid":"…","component":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Id of the environment.
    pub environment: String,
    /// Distinguishes re-creations.
    pub uid: String,
    /// Address of the component.
    pub component: String,
}

/// A role for one member, perhaps under a condition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// For example `roles/storage.objectViewer`.
    pub role: String,
    /// For example `serviceAccount:rt-churn-1a2b3c4d5e@acme.iam.gserviceaccount.com`.
    pub member: String,
    /// When it holds; none = always.
    #[serde(default)]
    pub condition: Option<Condition>,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.role, self.member)?;
        match &self.condition {
            Some(condition) => write!(f, " if {}", condition.expression),
            None => Ok(()),
        }
    }
}

/// When a grant holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Condition {
    /// Shown to people.
    pub title: String,
    /// CEL.
    pub expression: String,
}

/// APIs that must be enabled. Never disabled: others may use them. Carries no mark. Outputs: none.
///
/// An observation's `services` are those of the wanted ones that are enabled; absent if none is. Retaining it does nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Services {
    /// Project id.
    pub project: String,
    /// For example `container.googleapis.com`.
    pub services: BTreeSet<String>,
    /// Id of the environment.
    pub owner: String,
}

/// The VPC network, subnetwork and its secondary ranges in use; always somebody else's. Outputs: `network`,
/// `subnetwork` (full names).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// `projects/<host project>/global/networks/<network>`.
    pub network: String,
    /// `projects/<host project>/regions/<region>/subnetworks/<subnetwork>`.
    pub subnetwork: String,
    /// Name of the secondary range of pods.
    pub pods_range: String,
    /// Name of the secondary range of Kubernetes services.
    pub services_range: String,
}

/// A VPC network of the environment's own, without subnetworks that Google makes. Outputs: `network`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    /// `projects/<project>/global/networks/<environment>`.
    pub name: String,
    /// The mark ([`Mark`]); only at creation.
    pub description: String,
}

/// A subnetwork with secondary ranges for a VPC-native cluster. Outputs: `subnetwork`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnetwork {
    /// `projects/<project>/regions/<region>/subnetworks/<environment>`.
    pub name: String,
    /// Its network.
    pub network: String,
    /// Addresses of nodes.
    pub cidr: String,
    /// Name of the secondary range of pods.
    pub pods_range: String,
    /// Its addresses.
    pub pods_cidr: String,
    /// Name of the secondary range of Kubernetes services.
    pub services_range: String,
    /// Its addresses.
    pub services_cidr: String,
    /// Google's APIs are reached without a public address.
    pub private_google_access: bool,
    /// The mark ([`Mark`]); only at creation.
    pub description: String,
}

/// A router with a Cloud NAT for every range of its region's subnetworks. Outputs: none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Router {
    /// `projects/<project>/regions/<region>/routers/<environment>`.
    pub name: String,
    /// Its network.
    pub network: String,
    /// Name of the NAT; empty = none stands.
    pub nat: String,
    /// The mark ([`Mark`]).
    pub description: String,
}

/// A KMS key ring. Cannot be deleted, so it is found again by the next environment of that name: no error. Carries no
/// mark. Outputs: `name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRing {
    /// `projects/<project>/locations/<region>/keyRings/<environment>`.
    pub name: String,
    /// Id of the environment.
    pub owner: String,
}

/// A symmetric KMS key. Never deleted by us: its name would be lost for ever. Outputs: `name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// `<key ring>/cryptoKeys/<use>`.
    pub name: String,
    /// Days between rotations. The next rotation is set to so many days from now when it is set or changed.
    pub rotation_days: i64,
    /// Services of Google's whose agents hold `roles/cloudkms.cryptoKeyEncrypterDecrypter` on it. The driver finds each
    /// agent's e-mail by API (making it where it has to be made). An observation holds those that have the role.
    pub agents: BTreeSet<ServiceAgent>,
    /// Grants beside the agents': none are wanted.
    pub grants: BTreeSet<Grant>,
    /// How e-mails of the environment's accounts end.
    pub family: String,
    /// Labels.
    pub tags: Tags,
}

/// A service of Google's that encrypts with our key in its own name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceAgent {
    /// Artifact Registry: `service-<number>@gcp-sa-artifactregistry.iam.gserviceaccount.com`.
    ArtifactRegistry,
    /// Kubernetes Engine: `service-<number>@container-engine-robot.iam.gserviceaccount.com`.
    Container,
    /// Logging: `kmsServiceAccountId` of the project's log settings.
    Logging,
    /// Secret Manager: `service-<number>@gcp-sa-secretmanager.iam.gserviceaccount.com`, to be generated first.
    SecretManager,
    /// Cloud Storage: what `projects.serviceAccount.get` answers.
    Storage,
}

/// A service account. Outputs: `email`, `unique_id`.
///
/// One deleted not long ago is brought back where its unique id is known. A key made by a user is a foreign deviation
/// (`static key 1a2b… made 2026-11-02`), and taking it away means: disable it, and delete it when it is disabled already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// `<account id>@<project>.iam.gserviceaccount.com`.
    pub email: String,
    /// 6 to 30 characters.
    pub account_id: String,
    /// Shown in the console.
    pub display_name: String,
    /// [`Mark`].
    pub description: String,
}

/// Who may enter a service account: all members of `roles/iam.workloadIdentityUser` on it, and nobody else in any role.
/// Carries no mark; absent if the account is, or if the role has no member. Outputs: none.
///
/// An observation's `members` are *all* members of that role. A member of any other role on the account is a foreign
/// deviation (`roles/iam.serviceAccountTokenCreator to user:…`). A member `serviceAccount:<project>.svc.id.goog[…]` can
/// only be bound once the project's first cluster with workload identity stands: the component comes after the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// E-mail of the account.
    pub account: String,
    /// Workload identity users and federated principals.
    pub members: BTreeSet<String>,
    /// Id of the environment.
    pub owner: String,
}

/// What the environment's accounts may do project-wide: nothing but what cannot be granted on less. Carries no mark.
/// Outputs: none.
///
/// Absent if none of the wanted grants stands. Only members of `family` are looked at; everybody else's grants stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectGrants {
    /// Project id.
    pub project: String,
    /// Wanted.
    pub grants: BTreeSet<Grant>,
    /// How e-mails of the environment's accounts end.
    pub family: String,
    /// Id of the environment.
    pub owner: String,
}

/// A custom role of the project. Outputs: `name`.
///
/// A deleted one keeps its id for weeks: it is brought back and brought up to date.
/// <https://cloud.google.com/iam/docs/creating-custom-roles#deleting-custom-role>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomRole {
    /// `projects/<project>/roles/<id>`.
    pub name: String,
    /// 100 characters at most.
    pub title: String,
    /// [`Mark`].
    pub description: String,
    /// What it allows.
    pub permissions: BTreeSet<String>,
}

/// A bucket with its managed folders. Outputs: `name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Global name.
    pub name: String,
    /// Project id.
    pub project: String,
    /// Region in lower case, though the API answers in upper case (only at creation).
    pub location: String,
    /// IAM only, no ACLs.
    pub uniform_access: bool,
    /// `enforced` or `inherited`.
    pub public_access_prevention: String,
    /// Old versions are kept.
    pub versioning: bool,
    /// Full name of the key; none = Google's.
    pub kms_key: Option<String>,
    /// Rules by what they are for; the API knows no names, so the driver sets them all and names those found by what
    /// they say.
    pub lifecycle: BTreeSet<LifecycleRule>,
    /// Days for which deleted objects can be brought back: 0, or 7 to 90.
    pub soft_delete_days: i64,
    /// A locked retention policy of so many days: once locked, it is only raised.
    pub retention_lock: Option<i64>,
    /// Grants on the whole bucket: none are wanted of the environment's accounts.
    pub grants: BTreeSet<Grant>,
    /// Managed folders by prefix (ends in `/`), each with its grants. A folder that is no longer wanted loses its grants
    /// of the environment; it is deleted only if it is empty.
    pub folders: BTreeMap<String, BTreeSet<Grant>>,
    /// How e-mails of the environment's accounts end.
    pub family: String,
    /// Labels.
    pub tags: Tags,
}

/// A lifecycle rule. Days count from the object's creation, or from when it was replaced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum LifecycleRule {
    /// Live objects go (`Delete`, `age`, `isLive: true`, `matchesPrefix`).
    Expire {
        /// Days.
        days: i64,
        /// Only names that begin so; empty = all.
        prefix: String,
    },
    /// Replaced versions go (`Delete`, `daysSinceNoncurrentTime`).
    ExpireReplaced {
        /// Days.
        days: i64,
    },
    /// Unfinished uploads go (`AbortIncompleteMultipartUpload`, `age`).
    AbortUploads {
        /// Days.
        days: i64,
    },
    /// Live objects get cheaper (`SetStorageClass` to `NEARLINE`, `age`, `isLive: true`, `matchesPrefix`).
    Transition {
        /// Days.
        days: i64,
        /// Only names that begin so; empty = all.
        prefix: String,
    },
    /// A rule that is none of the above, as the API says it. Never wanted.
    Other {
        /// Its JSON, sorted keys.
        rule: String,
    },
}

/// An Artifact Registry repository of container images. Outputs: `name`, `url`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    /// `projects/<project>/locations/<region>/repositories/<environment>`.
    pub name: String,
    /// Tags cannot be moved or deleted.
    pub immutable_tags: bool,
    /// `INHERITED` (scanned where the project has scanning on) or `DISABLED`.
    pub scanning: String,
    /// Full name of the key (only at creation).
    pub kms_key: Option<String>,
    /// Untagged images go after so many days.
    pub untagged_days: Option<i64>,
    /// So many tagged versions of an image are kept, older ones go; none = all are kept.
    pub keep_tagged: Option<i64>,
    /// Wanted.
    pub grants: BTreeSet<Grant>,
    /// How e-mails of the environment's accounts end.
    pub family: String,
    /// Labels.
    pub tags: Tags,
}

/// A secret's name. Its value is never ours. Outputs: `name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// `projects/<project>/secrets/<environment>-<service>-<secret>`.
    pub name: String,
    /// The only region it is kept in (only at creation).
    pub location: String,
    /// Full name of the key.
    pub kms_key: Option<String>,
    /// Wanted.
    pub grants: BTreeSet<Grant>,
    /// How e-mails of the environment's accounts end.
    pub family: String,
    /// Labels.
    pub tags: Tags,
}

/// A log bucket and the sink that fills it. Outputs: `name`.
///
/// A sink into a log bucket of its own project needs no grant. Deleting deletes the sink, then the bucket, which can be
/// brought back for seven days: one found in state `DELETE_REQUESTED` is undeleted when it is made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogBucket {
    /// `projects/<project>/locations/<region>/buckets/<environment>`.
    pub name: String,
    /// 1 to 3650.
    pub retention_days: i64,
    /// Full name of the key (it can be set, and changed to another, but not taken away).
    pub kms_key: Option<String>,
    /// Id of the sink.
    pub sink: String,
    /// Which entries it takes.
    pub filter: String,
    /// [`Mark`]; the sink carries the same.
    pub description: String,
}

/// A workload identity pool. Outputs: `name` (with the project's *number*, as principals are written).
///
/// A deleted one keeps its id for thirty days: it is brought back, enabled and brought up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadIdentityPool {
    /// `projects/<project>/locations/global/workloadIdentityPools/<id>`.
    pub name: String,
    /// 32 characters at most.
    pub display_name: String,
    /// [`Mark`].
    pub description: String,
}

/// An OIDC provider of a workload identity pool. Outputs: `name` (with the project's *number*).
///
/// Brought back like its pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadIdentityProvider {
    /// `<pool>/providers/<id>`.
    pub name: String,
    /// With `https://` (only at creation: another issuer is another provider).
    pub issuer: String,
    /// Audiences that a token may be for.
    pub audiences: BTreeSet<String>,
    /// Attribute to CEL expression.
    pub attribute_mapping: BTreeMap<String, String>,
    /// CEL: which tokens are accepted at all.
    pub attribute_condition: String,
    /// 32 characters at most.
    pub display_name: String,
    /// [`Mark`].
    pub description: String,
}

/// A GKE cluster (Standard). Outputs: `name` (the short one), `endpoint` (a URL: of the DNS endpoint where there is
/// one), `ca_certificate`, `version` (minor), `issuer` (`https://container.googleapis.com/v1/<full name>`),
/// `workload_pool`, `unique_id`.
///
/// Always: VPC-native, Dataplane V2, private nodes, shielded nodes, no client certificate, no basic authentication, no legacy
/// ABAC, Secure Boot and no insecure kubelet port in its pools. One operation at a time: the driver waits for the operation that
/// blocks it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// `projects/<project>/locations/<region or zone>/clusters/<environment>`.
    pub name: String,
    /// Minor version, `1.33`; empty = the channel's default at creation, then pinned. Patches are never told.
    pub version: String,
    /// `RAPID`, `REGULAR`, `STABLE` or `EXTENDED`.
    pub release_channel: String,
    /// Full name (only at creation).
    pub network: String,
    /// Full name (only at creation).
    pub subnetwork: String,
    /// Secondary range of pods (only at creation).
    pub pods_range: String,
    /// Secondary range of services (only at creation).
    pub services_range: String,
    /// Nodes have no public addresses.
    pub private_nodes: bool,
    /// The API is reachable by its DNS name with IAM alone, also from outside Google Cloud.
    pub dns_endpoint: bool,
    /// The API has an address inside the network.
    pub endpoint_private: bool,
    /// The API has an address outside.
    pub endpoint_public: bool,
    /// Who may reach the address outside; empty with a public endpoint is nobody.
    pub public_cidrs: BTreeSet<String>,
    /// `<project>.svc.id.goog`.
    pub workload_pool: String,
    /// Full name of the key that encrypts Kubernetes secrets.
    pub database_encryption_key: Option<String>,
    /// Nodes prove who they are.
    pub shielded_nodes: bool,
    /// `SYSTEM_COMPONENTS`, `WORKLOADS`, `APISERVER`, `SCHEDULER`, `CONTROLLER_MANAGER`.
    pub log_components: BTreeSet<String>,
    /// Labels.
    pub tags: Tags,
    /// The pools that are sent inside `CreateCluster`, by component address; counts only at creation. One operation in
    /// place of four: the components `node_pools.*` come after the cluster, find their pools standing, and keep them.
    pub initial_pools: BTreeMap<String, NodePool>,
}

/// A GKE cluster of somebody else. Outputs: those of [`Cluster`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExistingCluster {
    /// `projects/<project>/locations/<region or zone>/clusters/<name>`.
    pub name: String,
    /// `<project>.svc.id.goog`, by which its pods become identities; empty where that is switched off.
    pub workload_pool: String,
}

/// A monthly budget of a billing account. It has an id that Google gives, and neither labels nor a description: it is found
/// by its display name, and the owner is whoever asks. Outputs: `name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Display name.
    pub name: String,
    /// Id of the billing account (only at creation).
    pub billing_account: String,
    /// `projects/<number>` whose cost counts.
    pub project: String,
    /// Value of the label `mlops_environment` on what counts of that.
    pub label: String,
    /// Whole units of the currency.
    pub monthly: String,
    /// The billing account's (only at creation).
    pub currency: String,
    /// Percent of the amount at which somebody is told.
    pub thresholds: BTreeSet<u32>,
    /// Pub/Sub topic.
    pub topic: Option<String>,
    /// Notification channels.
    pub channels: BTreeSet<String>,
    /// Id of the environment that asks.
    pub owner: String,
}

/// A GKE node pool. Outputs: `name` (the short one).
///
/// Always: `GKE_METADATA`, scope `cloud-platform`, Secure Boot and integrity monitoring, auto-repair, auto-upgrade.
///
/// What GKE cannot change in place is part of the name (`serving-1a2b3c`): a rotation makes the new pool under its new
/// name, then drains and deletes the old one. An observation finds any pool of the component: the exact name first, else one that
/// carries the component's mark; a superseded pool beside the new one is a foreign deviation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePool {
    /// Full name of the cluster.
    pub cluster: String,
    /// The short name, 40 characters at most.
    pub name: String,
    /// E-mail of the nodes' own account (only at creation).
    pub service_account: String,
    /// For example `e2-standard-4`. Changed in place: GKE exchanges the nodes.
    pub machine_type: String,
    /// Spare capacity (only at creation).
    pub spot: bool,
    /// GPUs (only at creation).
    pub accelerator: Option<Accelerator>,
    /// For example `COS_CONTAINERD`. Changed in place: GKE exchanges the nodes.
    pub image_type: String,
    /// Size of the boot disk.
    pub disk_gb: i64,
    /// For example `pd-balanced`.
    pub disk_type: String,
    /// Fewest nodes over all zones (`totalMinNodeCount`).
    pub min: i64,
    /// Most nodes over all zones (`totalMaxNodeCount`).
    pub max: i64,
    /// Nodes in each zone at creation.
    pub initial_count: i64,
    /// Kubernetes minor version; empty = the cluster's.
    pub version: String,
    /// Kubernetes labels of the nodes.
    pub labels: BTreeMap<String, String>,
    /// Taints of the nodes.
    pub taints: BTreeSet<Taint>,
    /// Extra nodes during an upgrade.
    pub max_surge: i64,
    /// Nodes that may be down during an upgrade.
    pub max_unavailable: i64,
    /// `GKE_METADATA`: pods get tokens of their own account and never the node's.
    pub metadata_mode: String,
    /// Labels of the machines (`resourceLabels`).
    pub tags: Tags,
}

/// GPUs of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accelerator {
    /// For example `nvidia-l4`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many.
    pub count: i64,
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
