use std::collections::{BTreeMap, BTreeSet};

use crate::Purpose;

/// One service of the environment: where its pods run and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Namespace of the serving pods and the drift job.
    pub namespace: String,
    /// Namespace of the training job.
    pub train_namespace: String,
    /// Kubernetes service accounts by purpose.
    pub service_accounts: ServiceAccounts,
    /// Image repositories, named without the environment's prefix.
    pub repositories: BTreeSet<String>,
    /// Secrets by short name.
    pub secrets: BTreeMap<String, Secret>,
}

impl Service {
    /// A service with the names that an environment gives by default.
    ///
    /// ```
    /// use mlops_access::generate::Service;
    /// let churn = Service::named("churn", "prod");
    /// assert_eq!(churn.namespace, "churn-prod");
    /// assert_eq!(churn.train_namespace, "churn-prod-train");
    /// assert_eq!(churn.service_accounts.drift, "churn-drift-sa");
    /// ```
    #[must_use]
    pub fn named(name: &str, tier: &str) -> Self {
        let namespace = format!("{name}-{tier}");
        Self {
            train_namespace: if tier == "dev" {
                namespace.clone()
            } else {
                format!("{namespace}-train")
            },
            namespace,
            service_accounts: ServiceAccounts {
                runtime: format!("{name}-sa"),
                drift: format!("{name}-drift-sa"),
                retrain: format!("{name}-retrain-sa"),
            },
            repositories: BTreeSet::from([format!("{name}-predictor")]),
            secrets: BTreeMap::new(),
        }
    }

    /// Namespace and service account of the pods of a purpose; none for purposes that are not pods.
    #[must_use]
    pub fn workload(&self, purpose: Purpose) -> Option<(&str, &str)> {
        match purpose {
            Purpose::Runtime => Some((&self.namespace, &self.service_accounts.runtime)),
            Purpose::Drift => Some((&self.namespace, &self.service_accounts.drift)),
            Purpose::Retrain => Some((&self.train_namespace, &self.service_accounts.retrain)),
            Purpose::Ci | Purpose::Deploy | Purpose::Node => None,
        }
    }

    /// The secrets that a purpose may read, in order of their names.
    pub fn secrets_of(&self, purpose: Purpose) -> impl Iterator<Item = &str> {
        self.secrets
            .values()
            .filter(move |s| s.readers.contains(&purpose))
            .map(|s| s.id.as_str())
    }
}

/// Kubernetes service accounts of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAccounts {
    /// Of the serving pods.
    pub runtime: String,
    /// Of the drift job.
    pub drift: String,
    /// Of the training job.
    pub retrain: String,
}

/// A secret of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// AWS: full ARN with the random suffix. Google Cloud: the secret's short id.
    pub id: String,
    /// Which of runtime, drift, retrain may read it.
    pub readers: BTreeSet<Purpose>,
}

/// Where images are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// Whether this environment's ci pushes here.
    pub mode: RegistryMode,
    /// AWS: what stands before a repository's name in its ARN, `arn:aws:ecr:<region>:<account>:repository/<environment>/`.
    /// Google Cloud: the repository, `projects/<project>/locations/<region>/repositories/<environment>`.
    pub prefix: String,
}

/// Whether an environment owns its image registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryMode {
    /// Images are built here.
    Create,
    /// Images were built elsewhere and are only pulled.
    Reference,
}

/// The GitHub repository whose workflows may enter, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Github {
    /// `owner/name`.
    pub repository: String,
    /// Numeric id of the owner: survives renaming, stops re-registration.
    pub owner_id: Option<String>,
    /// Numeric id of the repository.
    pub repository_id: Option<String>,
    /// How the subject of a token names the repository.
    pub subject_format: SubjectFormat,
    /// Refs that enter ci: exact, or tags with one trailing `*`.
    pub ci_refs: BTreeSet<String>,
    /// GitHub environment that enters deploy.
    pub deploy_environment: String,
    /// GitHub environment that may also enter drift.
    pub drift_environment: Option<String>,
    /// GitHub environment that may also enter retrain.
    pub retrain_environment: Option<String>,
    /// Host (and path) of the issuer, without `https://`.
    pub issuer: String,
    /// AWS: ARN of the OIDC provider. Google Cloud: unused.
    pub provider_arn: String,
}

impl Github {
    /// The issuer of github.com.
    pub const ISSUER: &'static str = "token.actions.githubusercontent.com";

    /// The CI environment that enters a purpose, when there is one.
    #[must_use]
    pub fn environment_of(&self, purpose: Purpose) -> Option<&str> {
        match purpose {
            Purpose::Deploy => Some(&self.deploy_environment),
            Purpose::Drift => self.drift_environment.as_deref(),
            Purpose::Retrain => self.retrain_environment.as_deref(),
            Purpose::Ci | Purpose::Runtime | Purpose::Node => None,
        }
    }

    /// The ways in which a subject names the repository, each to be followed by `:ref:…` or `:environment:…`.
    ///
    /// Immutable subjects name owner and repository with their ids, so a repository of the same name registered by
    /// someone else later is another subject
    /// (<https://docs.github.com/en/actions/reference/security/oidc>). Without ids only the name form exists.
    #[must_use]
    pub fn subjects(&self) -> Vec<String> {
        let ids = self.owner_id.as_deref().zip(self.repository_id.as_deref());
        subjects(&self.repository, ids, self.subject_format)
    }
}

/// The ways in which a subject names a repository (`owner/name`), each to be followed by `:ref:…` or `:environment:…`;
/// `ids` are the numeric ones of owner and repository. Without them only the name form exists.
#[must_use]
pub fn subjects(repository: &str, ids: Option<(&str, &str)>, format: SubjectFormat) -> Vec<String> {
    let by_name = format!("repo:{repository}");
    let (Some((owner_id, repository_id)), Some((owner, name))) = (ids, repository.split_once('/')) else {
        return vec![by_name];
    };
    let immutable = format!("repo:{owner}@{owner_id}/{name}@{repository_id}");
    match format {
        SubjectFormat::Name => vec![by_name],
        SubjectFormat::Immutable => vec![immutable],
        SubjectFormat::Both => vec![by_name, immutable],
    }
}

/// How the subject of a GitHub token names the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectFormat {
    /// `repo:owner/name:…`
    Name,
    /// `repo:owner@id/name@id:…`
    Immutable,
    /// Both, while migrating.
    Both,
}
