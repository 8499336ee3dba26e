use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{Bucket, Principal};
use crate::{
    Purpose,
    gcp::{Condition, Resource},
    generate::{Github, Gitlab, Registry, RegistryMode, Secret, Service, SubjectFormat},
};

/// What the grants of an environment on Google Cloud are made from. Every text may hold references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Project id.
    pub project: String,
    /// Project number: pools are named by it.
    pub project_number: String,
    /// Name of the environment.
    pub environment: String,
    /// E-mail of each identity; services for runtime, drift and retrain. Identities without one get nothing.
    pub accounts: BTreeMap<(Purpose, Option<String>), String>,
    /// Bucket names by purpose.
    pub buckets: BTreeMap<Bucket, String>,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
    /// Image registry; its prefix is the repository's full name.
    pub registry: Registry,
    /// Full name of the cluster, `projects/<project>/locations/<location>/clusters/<name>`.
    pub cluster: Option<String>,
    /// Full name of the storage key.
    pub storage_key: Option<String>,
    /// GitHub federation.
    pub github: Option<Github>,
    /// GitLab federation.
    pub gitlab: Option<Gitlab>,
    /// Id of the workload identity pool for CI.
    pub pool: String,
    /// Id of its provider for GitHub.
    pub provider: String,
    /// Switches.
    pub options: Options,
    /// What the user adds to a purpose, on every identity of it.
    pub additional_permissions: BTreeMap<Purpose, Vec<AdditionalRole>>,
}

/// Switches that change what is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Drift may read metrics, by a custom role of two permissions.
    pub metrics_read: bool,
    /// Runtime may write metrics and traces, which cannot be scoped below the project.
    pub runtime_telemetry: bool,
    /// Ci may read scan results, project-wide.
    pub scan_results: bool,
    /// Experiment records may be overwritten (MLflow rewrites some files of a run).
    pub mutable_records: bool,
}

/// A role that the user adds to a purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdditionalRole {
    /// Names it in messages.
    pub id: String,
    /// Role.
    pub role: String,
    /// On what.
    pub resource: Resource,
    /// When.
    pub condition: Option<Condition>,
}

/// A role for one member on one thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// On what.
    pub resource: Resource,
    /// Role.
    pub role: String,
    /// Member.
    pub member: String,
    /// When.
    pub condition: Option<Condition>,
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.role, self.resource)
    }
}

impl Scope {
    /// Every federated identity of the environment, in a stable order.
    #[must_use]
    pub fn principals(&self) -> Vec<Principal<'_>> {
        let environment = [Purpose::Ci, Purpose::Deploy].map(Principal::of_environment);
        let services = self.services.keys().flat_map(|service| {
            [Purpose::Runtime, Purpose::Drift, Purpose::Retrain]
                .map(|purpose| Principal::of_service(purpose, service))
        });
        environment.into_iter().chain(services).collect()
    }

    /// E-mail of an identity.
    #[must_use]
    pub fn account(&self, principal: Principal<'_>) -> Option<&str> {
        self.accounts
            .get(&(principal.purpose, principal.service.map(str::to_owned)))
            .map(String::as_str)
    }

    /// The production environment of documentation and tests: two services, ids known.
    #[must_use]
    pub fn example() -> Self {
        let (project, environment) = ("acme-ml-prod", "shop");
        let email =
            |purpose: &str, stem: &str| format!("{purpose}-{stem}-0a1b2c@{project}.iam.gserviceaccount.com");
        let mut accounts = BTreeMap::from([
            ((Purpose::Ci, None), email("ci", environment)),
            ((Purpose::Deploy, None), email("dp", environment)),
            ((Purpose::Node, None), email("nd", environment)),
        ]);
        let mut services = BTreeMap::new();
        for name in ["churn", "fraud"] {
            let short = [
                (Purpose::Runtime, "rt"),
                (Purpose::Drift, "dr"),
                (Purpose::Retrain, "tr"),
            ];
            for (purpose, prefix) in short {
                accounts.insert((purpose, Some(name.to_owned())), email(prefix, name));
            }
            let mut service = Service::named(name, "prod");
            service.secrets.insert(
                "api".to_owned(),
                Secret {
                    id: format!("{environment}-{name}-api"),
                    readers: BTreeSet::from([Purpose::Runtime]),
                },
            );
            services.insert(name.to_owned(), service);
        }
        Self {
            project: project.to_owned(),
            project_number: "123456789012".to_owned(),
            environment: environment.to_owned(),
            accounts,
            buckets: Bucket::ALL
                .map(|b| (b, format!("{environment}-{b}-0a1b2c3d")))
                .into(),
            services,
            registry: Registry {
                mode: RegistryMode::Create,
                prefix: format!("projects/{project}/locations/europe-west1/repositories/{environment}"),
            },
            cluster: Some(format!(
                "projects/{project}/locations/europe-west1/clusters/{environment}"
            )),
            storage_key: Some(format!(
                "projects/{project}/locations/europe-west1/keyRings/{environment}/cryptoKeys/storage"
            )),
            github: Some(Github {
                repository: "acme/churn".to_owned(),
                owner_id: Some("1".to_owned()),
                repository_id: Some("2".to_owned()),
                subject_format: SubjectFormat::Immutable,
                ci_refs: BTreeSet::from(["refs/tags/v*".to_owned()]),
                deploy_environment: "gcp-prod".to_owned(),
                drift_environment: None,
                retrain_environment: None,
                issuer: Github::ISSUER.to_owned(),
                provider_arn: String::new(),
            }),
            gitlab: None,
            pool: format!("mlops-{environment}"),
            provider: "github".to_owned(),
            options: Options::default(),
            additional_permissions: BTreeMap::new(),
        }
    }
}
