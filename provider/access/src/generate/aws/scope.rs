use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    Purpose,
    generate::{Conditions, Github, Gitlab, Registry, RegistryMode, Secret, Service, SubjectFormat},
};

/// What the documents of an environment on AWS are made from. Every text may hold references (`@{component:output}`),
/// which pass through untouched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// `aws`, `aws-us-gov`, `aws-cn`.
    pub partition: String,
    /// Account id.
    pub account: String,
    /// Region.
    pub region: String,
    /// Name of the environment.
    pub environment: String,
    /// IAM path of its roles, with both slashes: `/mlops/<environment>/`.
    pub role_path: String,
    /// Bucket names by purpose. A bucket that is missing here is granted to nobody.
    pub buckets: BTreeMap<Bucket, String>,
    /// Key of the buckets, when it is the customer's.
    pub storage_key_arn: Option<String>,
    /// Key of the secrets, when it is the customer's.
    pub secrets_key_arn: Option<String>,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
    /// Image registry.
    pub registry: Registry,
    /// The cluster; without one, workloads cannot enter and their roles trust nobody.
    pub cluster: Option<Cluster>,
    /// GitHub federation.
    pub github: Option<Github>,
    /// GitLab federation.
    pub gitlab: Option<Gitlab>,
    /// Who manages the environment: stays a writer and key manager where guardrails exclude others.
    pub provisioner_arns: BTreeSet<String>,
    /// Switches.
    pub options: Options,
    /// What the user adds to a purpose, on every identity of it.
    pub additional_permissions: BTreeMap<Purpose, Vec<AdditionalPermission>>,
}

/// The six buckets of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each variant is the bucket of that name")]
pub enum Bucket {
    Data,
    Models,
    Predictions,
    Reports,
    Mlflow,
    Logs,
}

impl Bucket {
    /// All six.
    pub const ALL: [Self; 6] = [
        Self::Data,
        Self::Models,
        Self::Predictions,
        Self::Reports,
        Self::Mlflow,
        Self::Logs,
    ];

    /// The word used in names and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Models => "models",
            Self::Predictions => "predictions",
            Self::Reports => "reports",
            Self::Mlflow => "mlflow",
            Self::Logs => "logs",
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The cluster whose pods may enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Issuer of pod tokens, without `https://`.
    pub oidc_issuer: String,
    /// ARN of the IAM OIDC provider for that issuer.
    pub oidc_provider_arn: String,
}

/// Switches that change what is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Predictions can only be created, never overwritten (breaks `CopyObject` and some clients).
    pub write_once: bool,
    /// Drift may read metrics (cannot be scoped).
    pub metrics_read: bool,
    /// The models bucket refuses every writer but retrain and the provisioner.
    pub exclusive_writers: bool,
    /// Buckets refuse plain HTTP.
    pub tls_only: bool,
    /// How deploy reaches the Kubernetes API.
    pub kubernetes: KubernetesAccess,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            write_once: false,
            metrics_read: false,
            exclusive_writers: true,
            tls_only: true,
            kubernetes: KubernetesAccess::Group,
        }
    }
}

/// How deploy's rights inside the cluster come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KubernetesAccess {
    /// Our own RBAC for a group: no secrets, no exec.
    Group,
    /// The cloud's edit policy in the service namespaces: includes secrets and exec.
    Managed,
}

/// A statement that the user adds to a purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdditionalPermission {
    /// Letters and digits; becomes part of the statement's Sid.
    pub id: String,
    /// Actions.
    pub actions: Vec<String>,
    /// Resources.
    pub resources: Vec<String>,
    /// Conditions.
    pub conditions: Conditions,
}

/// One identity of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal<'a> {
    /// Its purpose.
    pub purpose: Purpose,
    /// Its service, where the purpose has one identity for each.
    pub service: Option<&'a str>,
}

impl<'a> Principal<'a> {
    /// The identity of a purpose that has one for the whole environment: ci, deploy, node.
    #[must_use]
    pub const fn of_environment(purpose: Purpose) -> Self {
        Self {
            purpose,
            service: None,
        }
    }

    /// The identity of a purpose for one service: runtime, drift, retrain.
    #[must_use]
    pub const fn of_service(purpose: Purpose, service: &'a str) -> Self {
        Self {
            purpose,
            service: Some(service),
        }
    }
}

impl fmt::Display for Principal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.service {
            Some(service) => write!(f, "{}/{service}", self.purpose),
            None => self.purpose.fmt(f),
        }
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

    /// ARN of a bucket, if the environment has it.
    pub(crate) fn bucket_arn(&self, bucket: Bucket) -> Option<String> {
        self.buckets
            .get(&bucket)
            .map(|name| format!("arn:{}:s3:::{name}", self.partition))
    }

    /// Suffix of service host names in the partition.
    pub(crate) fn dns_suffix(&self) -> &'static str {
        if self.partition == "aws-cn" {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        }
    }

    /// The production environment of documentation and tests: two services, customer keys, ids known.
    #[must_use]
    pub fn example() -> Self {
        let environment = "shop";
        let account = "111122223333";
        let key = |id: &str| format!("arn:aws:kms:eu-west-1:{account}:key/{id}");
        let service = |name: &str| {
            let mut service = Service::named(name, "prod");
            service.secrets.insert(
                "api".to_owned(),
                Secret {
                    id: format!(
                        "arn:aws:secretsmanager:eu-west-1:{account}:secret:{environment}/{name}/api-AbCdEf"
                    ),
                    readers: BTreeSet::from([Purpose::Runtime]),
                },
            );
            (name.to_owned(), service)
        };
        let issuer = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE";
        Self {
            partition: "aws".to_owned(),
            account: account.to_owned(),
            region: "eu-west-1".to_owned(),
            environment: environment.to_owned(),
            role_path: format!("/mlops/{environment}/"),
            buckets: Bucket::ALL
                .map(|b| (b, format!("{environment}-{b}-0a1b2c3d")))
                .into(),
            storage_key_arn: Some(key("1111aaaa-storage")),
            secrets_key_arn: Some(key("2222bbbb-secrets")),
            services: BTreeMap::from([service("churn"), service("fraud")]),
            registry: Registry {
                mode: RegistryMode::Create,
                prefix: format!("arn:aws:ecr:eu-west-1:{account}:repository/{environment}/"),
            },
            cluster: Some(Cluster {
                name: environment.to_owned(),
                arn: format!("arn:aws:eks:eu-west-1:{account}:cluster/{environment}"),
                oidc_issuer: issuer.to_owned(),
                oidc_provider_arn: format!("arn:aws:iam::{account}:oidc-provider/{issuer}"),
            }),
            github: Some(Github {
                repository: "acme/churn".to_owned(),
                owner_id: Some("1".to_owned()),
                repository_id: Some("2".to_owned()),
                subject_format: SubjectFormat::Immutable,
                ci_refs: BTreeSet::from(["refs/tags/v*".to_owned()]),
                deploy_environment: "aws-prod".to_owned(),
                drift_environment: None,
                retrain_environment: None,
                issuer: Github::ISSUER.to_owned(),
                provider_arn: format!("arn:aws:iam::{account}:oidc-provider/{}", Github::ISSUER),
            }),
            gitlab: None,
            provisioner_arns: BTreeSet::from([format!(
                "arn:aws:iam::{account}:role/mlops-provisioner-{environment}"
            )]),
            options: Options::default(),
            additional_permissions: BTreeMap::new(),
        }
    }
}
