//! Google's cloud: projects, and one room a service.
//!
//! `description` reads and checks requests and answers by Google's own documents, `edge` goes between HTTP and calls, and each
//! service is a pure function of world and call. Long work is a value with an end in time: [`settle`] carries out what has
//! ended, before anything looks.

mod artifactregistry;
mod authorize;
mod billingbudgets;
mod cloudkms;
mod cloudresourcemanager;
mod compute;
pub mod container;
pub mod description;
mod edge;
mod filter;
mod grpc;
mod iam;
mod iamcredentials;
mod logging;
mod longrunning;
mod merge;
mod names;
mod page;
mod policy;
mod refuse;
mod secretmanager;
mod serviceusage;
mod storage;
mod sts;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

pub use artifactregistry::Repository;
pub use authorize::authorize;
pub(crate) use authorize::may;
pub(crate) use authorize::permissions;
pub use cloudkms::{CryptoKey, KeyRing};
pub(crate) use edge::receive;
pub use iam::{Account, AccountKey, Pool, Provider};
pub use logging::LogBucket;
pub use longrunning::Operation;
pub use policy::{Binding, Policy};
pub use secretmanager::Secret;
pub use storage::{Bucket, Folder, Object, Session};
pub use sts::Token;

/// The project that every sandbox has.
pub const USUAL_PROJECT: &str = "mlops-sandbox";

/// Every project, and what is global.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gcp {
    /// Projects by id.
    pub projects: BTreeMap<String, Project>,
    /// Buckets by name: there is one space of names in all of Google Cloud.
    pub buckets: BTreeMap<String, Bucket>,
    /// Buckets that were deleted and can still be restored, newest last.
    pub deleted_buckets: Vec<Bucket>,
    /// Resumable uploads by id.
    pub sessions: BTreeMap<String, Session>,
    /// Budgets by full name.
    pub budgets: BTreeMap<String, Value>,
    /// Access tokens that were given out.
    pub tokens: BTreeMap<String, Token>,
    /// When each project last made or deleted a bucket.
    #[serde(default)]
    pub bucket_changes: BTreeMap<String, Timestamp>,
}

/// One project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Its number.
    pub number: u64,
    /// Its billing account, `billingAccounts/…`.
    pub billing: String,
    /// Enabled APIs by host name, with the time since when they answer.
    pub services: BTreeMap<String, Timestamp>,
    /// Who may do what in the whole project.
    pub policy: Policy,
    /// Service accounts by e-mail.
    pub accounts: BTreeMap<String, Account>,
    /// Service accounts that were deleted, by unique id.
    pub deleted_accounts: BTreeMap<String, Account>,
    /// E-mails of Google's own accounts that work for this project.
    pub agents: BTreeSet<String>,
    /// Custom roles by full name.
    pub roles: BTreeMap<String, Value>,
    /// Workload identity pools by id, deleted ones too.
    pub pools: BTreeMap<String, Pool>,
    /// Whether `<project>.svc.id.goog` is there: since the first cluster with workload identity.
    pub workload_pool: bool,
    /// Clusters and their operations.
    pub container: container::Container,
    /// Artifact Registry's repositories by full name.
    pub repositories: BTreeMap<String, Repository>,
    /// Key rings by full name.
    pub key_rings: BTreeMap<String, KeyRing>,
    /// Secrets by id.
    pub secrets: BTreeMap<String, Secret>,
    /// Log buckets by full name.
    pub log_buckets: BTreeMap<String, LogBucket>,
    /// Log sinks by id.
    pub sinks: BTreeMap<String, Value>,
    /// Networks, subnetworks, routers, addresses by their path (`global/networks/n`).
    pub network: BTreeMap<String, Value>,
    /// Operations of the compute API by path (`regions/r/operations/o`).
    pub compute_operations: BTreeMap<String, compute::Operation>,
    /// Operations in Google's common form, by API and name.
    pub operations: BTreeMap<String, Operation>,
}

/// The billing account of projects that say nothing else.
const BILLING: &str = "billingAccounts/01AB23-CD45EF-67AB89";

/// APIs that a project made for the sandbox has enabled.
const ENABLED: [&str; 15] = [
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudkms.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "secretmanager.googleapis.com",
    "serviceusage.googleapis.com",
    "storage-api.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com",
];

impl Project {
    /// A project with every API that the sandbox carries enabled, Google's default network and nobody in its policy.
    pub fn new(number: u64) -> Self {
        let mut project = Self {
            number,
            billing: BILLING.to_owned(),
            services: ENABLED
                .iter()
                .map(|host| ((*host).to_owned(), Timestamp::UNIX_EPOCH))
                .collect(),
            policy: Policy::default(),
            accounts: BTreeMap::new(),
            deleted_accounts: BTreeMap::new(),
            agents: BTreeSet::new(),
            roles: BTreeMap::new(),
            pools: BTreeMap::new(),
            workload_pool: false,
            container: container::Container::default(),
            repositories: BTreeMap::new(),
            key_rings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            log_buckets: BTreeMap::new(),
            sinks: BTreeMap::new(),
            network: BTreeMap::new(),
            compute_operations: BTreeMap::new(),
            operations: BTreeMap::new(),
        };
        compute::found(&mut project);
        // These come with their APIs (<https://cloud.google.com/iam/docs/service-agents>).
        project.agents.extend([
            format!("{number}-compute@developer.gserviceaccount.com"),
            format!("{number}@cloudservices.gserviceaccount.com"),
            format!("service-{number}@container-engine-robot.iam.gserviceaccount.com"),
            format!("service-{number}@compute-system.iam.gserviceaccount.com"),
        ]);
        project
    }
}

impl Default for Gcp {
    fn default() -> Self {
        let mut gcp = Self {
            projects: BTreeMap::new(),
            buckets: BTreeMap::new(),
            deleted_buckets: Vec::new(),
            sessions: BTreeMap::new(),
            budgets: BTreeMap::new(),
            tokens: BTreeMap::new(),
            bucket_changes: BTreeMap::new(),
        };
        gcp.add_project(USUAL_PROJECT);
        gcp
    }
}

impl Gcp {
    /// Adds a project, see [`Project::new`]. Its number comes from its id, the same in every run.
    pub fn add_project(&mut self, id: &str) -> &mut Project {
        let number = id.bytes().fold(100_000_000_000_u64, |number, byte| {
            (number * 31 + u64::from(byte)) % 900_000_000_000
        });
        self.projects
            .entry(id.to_owned())
            .or_insert_with(|| Project::new(100_000_000_000 + number % 900_000_000_000))
    }

    /// Every policy that stands, to change members in all of them.
    fn policies_mut(&mut self) -> impl Iterator<Item = &mut Policy> {
        let buckets = self.buckets.values_mut().flat_map(|bucket| {
            std::iter::once(&mut bucket.policy)
                .chain(bucket.folders.values_mut().map(|folder| &mut folder.policy))
        });
        let projects = self.projects.values_mut().flat_map(|project| {
            let rings = project.key_rings.values_mut().flat_map(|ring| {
                std::iter::once(&mut ring.policy).chain(ring.keys.values_mut().map(|key| &mut key.policy))
            });
            std::iter::once(&mut project.policy)
                .chain(project.accounts.values_mut().map(|account| &mut account.policy))
                .chain(project.pools.values_mut().map(|pool| &mut pool.policy))
                .chain(
                    project
                        .repositories
                        .values_mut()
                        .map(|repository| &mut repository.policy),
                )
                .chain(project.secrets.values_mut().map(|secret| &mut secret.policy))
                .chain(rings)
        });
        buckets.chain(projects)
    }
}

/// Carries out what has ended by a time.
pub fn settle(world: &mut World, at: Timestamp) {
    for (id, project) in &mut world.gcp.projects {
        container::settle(id, project, at);
        artifactregistry::settle(project, at);
        iam::settle(project, at);
        logging::settle(project, at);
        compute::settle(project, at);
    }
    storage::settle(&mut world.gcp, at);
    world
        .gcp
        .tokens
        .retain(|_, token| token.expires > at - jiff::SignedDuration::from_hours(1));
}

/// Until when a call is kept waiting: those that ask for the end of an operation.
pub(crate) fn waits(world: &World, call: &Call) -> Option<Timestamp> {
    match call.service.as_str() {
        "compute" => compute::waits(world, call),
        _ => None,
    }
}

/// Answers a call that is read, known and allowed: shared out to the service's file.
///
/// # Errors
/// The service's refusal; `UNIMPLEMENTED` for what no file carries.
pub fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    settle(world, call.at);
    serviceusage::check_enabled(world, call)?;
    match call.service.as_str() {
        "artifactregistry" => artifactregistry::answer(world, call),
        "billingbudgets" => billingbudgets::answer(world, call),
        "cloudkms" => cloudkms::answer(world, call),
        "cloudresourcemanager" => cloudresourcemanager::answer(world, call),
        "compute" => compute::answer(world, call),
        "container" => container::answer(world, call),
        "iam" => iam::answer(world, call),
        "iamcredentials" => iamcredentials::answer(world, call),
        "logging" => logging::answer(world, call),
        "secretmanager" => secretmanager::answer(world, call),
        "serviceusage" => serviceusage::answer(world, call),
        "storage" => storage::answer(world, call),
        "sts" => sts::answer(world, call),
        _ => Err(refuse::not_carried(&call.operation)),
    }
}
