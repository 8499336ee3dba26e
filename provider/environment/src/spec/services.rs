//! Services: where they run and what belongs to them.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::Purpose;
use mlops_access::generate::{Secret, Service, ServiceAccounts};

use super::collector::Collector;
use super::{
    AttributePath, Context, Namespace, RepositoryName, SecretName, ServiceAccountName, ServiceName, Tier,
};
use crate::config;

/// A service as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceSpec {
    /// Where it serves.
    pub namespace: Namespace,
    /// Where it trains.
    pub train_namespace: Namespace,
    /// Service accounts of runtime, drift and retrain.
    pub service_accounts: BTreeMap<Purpose, ServiceAccountName>,
    /// Image repositories, without the environment's prefix.
    pub repositories: BTreeSet<RepositoryName>,
    /// Secrets and who reads them.
    pub secrets: BTreeMap<SecretName, BTreeSet<Purpose>>,
}

const WORKLOADS: [Purpose; 3] = [Purpose::Runtime, Purpose::Drift, Purpose::Retrain];

impl ServiceSpec {
    /// Namespace and service account of a purpose's pods; none for purposes that are not pods.
    pub fn workload(&self, purpose: Purpose) -> Option<(&Namespace, &ServiceAccountName)> {
        let namespace = match purpose {
            Purpose::Runtime | Purpose::Drift => &self.namespace,
            Purpose::Retrain => &self.train_namespace,
            Purpose::Ci | Purpose::Deploy | Purpose::Node => return None,
        };
        Some((namespace, self.service_accounts.get(&purpose)?))
    }

    /// What documents are generated from; `secret` gives the cloud's id of a secret.
    pub(crate) fn generated(&self, secret: impl Fn(&str) -> String) -> Service {
        let account = |purpose| {
            self.service_accounts
                .get(&purpose)
                .map(ToString::to_string)
                .unwrap_or_default()
        };
        let secrets = self.secrets.iter().map(|(name, readers)| {
            let id = secret(name.as_str());
            (
                name.to_string(),
                Secret {
                    id,
                    readers: readers.clone(),
                },
            )
        });
        Service {
            namespace: self.namespace.to_string(),
            train_namespace: self.train_namespace.to_string(),
            service_accounts: ServiceAccounts {
                runtime: account(Purpose::Runtime),
                drift: account(Purpose::Drift),
                retrain: account(Purpose::Retrain),
            },
            repositories: self.repositories.iter().map(ToString::to_string).collect(),
            secrets: secrets.collect(),
        }
    }

    pub(super) fn resolved(&self) -> config::Service {
        let account = |purpose| self.service_accounts.get(&purpose).map(ToString::to_string);
        let readers = |readers: &BTreeSet<Purpose>| readers.iter().map(ToString::to_string).collect();
        let secrets: BTreeMap<String, config::Secret> = self
            .secrets
            .iter()
            .map(|(name, purposes)| {
                (
                    name.to_string(),
                    config::Secret {
                        readers: Some(readers(purposes)),
                    },
                )
            })
            .collect();
        config::Service {
            namespace: Some(self.namespace.to_string()),
            train_namespace: Some(self.train_namespace.to_string()),
            service_accounts: Some(config::ServiceAccounts {
                runtime: account(Purpose::Runtime),
                drift: account(Purpose::Drift),
                retrain: account(Purpose::Retrain),
            }),
            repositories: Some(self.repositories.iter().map(ToString::to_string).collect()),
            secrets: (!secrets.is_empty()).then_some(secrets),
        }
    }
}

pub(super) fn build(
    config: Option<&BTreeMap<String, config::Service>>,
    context: &Context<'_>,
    collector: &mut Collector,
) -> BTreeMap<ServiceName, ServiceSpec> {
    let path = AttributePath::root("services");
    let mut services = BTreeMap::new();
    for (name, service) in config.into_iter().flatten() {
        let at = path.key(name);
        let Some(name) = collector.known::<ServiceName>(&at, name) else {
            continue;
        };
        if let Some(service) = build_service(&name, service, context, &at, collector) {
            services.insert(name, service);
        }
    }
    refuse_shared_accounts(&services, &path, collector);
    refuse_shared_repositories(&services, &path, collector);
    services
}

fn build_service(
    name: &ServiceName,
    config: &config::Service,
    context: &Context<'_>,
    path: &AttributePath,
    collector: &mut Collector,
) -> Option<ServiceSpec> {
    let tier = context.tier;
    let namespace = config
        .namespace
        .clone()
        .unwrap_or_else(|| format!("{name}-{}", tier.as_str()));
    let train = if tier == Tier::Dev {
        namespace.clone()
    } else {
        format!("{namespace}-train")
    };
    let train_namespace = config.train_namespace.clone().unwrap_or(train);
    let namespace = namespace_at(&path.attribute("namespace"), &namespace, collector);
    let train_namespace = namespace_at(&path.attribute("train_namespace"), &train_namespace, collector);
    let accounts = config.service_accounts.clone().unwrap_or_default();
    let mut service_accounts = BTreeMap::new();
    for (purpose, given, suffix) in [
        (Purpose::Runtime, &accounts.runtime, "sa"),
        (Purpose::Drift, &accounts.drift, "drift-sa"),
        (Purpose::Retrain, &accounts.retrain, "retrain-sa"),
    ] {
        let at = path.attribute("service_accounts").attribute(purpose.as_str());
        let account = given.clone().unwrap_or_else(|| format!("{name}-{suffix}"));
        if account == "default" {
            collector.refuse(
                &at,
                "The default service account cannot have an identity",
                "Every pod of the namespace that names no account runs under it. Give the purpose an account of its own.",
            );
        } else if let Some(account) = collector.known(&at, &account) {
            service_accounts.insert(purpose, account);
        }
    }
    let at = path.attribute("repositories");
    let repositories = match &config.repositories {
        Some(names) => names
            .iter()
            .filter_map(|text| collector.known(&at, text))
            .collect(),
        None => collector
            .known(&at, &format!("{name}-predictor"))
            .into_iter()
            .collect(),
    };
    let secrets = secrets(config, path, collector);
    Some(ServiceSpec {
        namespace: namespace?,
        train_namespace: train_namespace?,
        service_accounts,
        repositories,
        secrets,
    })
}

fn namespace_at(path: &AttributePath, text: &str, collector: &mut Collector) -> Option<Namespace> {
    let namespace: Namespace = collector.known(path, text)?;
    if namespace.as_str().starts_with("kube-") || namespace.as_str() == "default" {
        collector.refuse(
            path,
            format!("{namespace} belongs to Kubernetes"),
            "Deploy may change workloads in this namespace: use one that holds nothing else.",
        );
        return None;
    }
    Some(namespace)
}

fn secrets(
    config: &config::Service,
    path: &AttributePath,
    collector: &mut Collector,
) -> BTreeMap<SecretName, BTreeSet<Purpose>> {
    let mut secrets = BTreeMap::new();
    for (name, secret) in config.secrets.iter().flatten() {
        let at = path.attribute("secrets").key(name);
        let Some(name) = collector.known::<SecretName>(&at, name) else {
            continue;
        };
        let mut readers = BTreeSet::new();
        for word in secret.readers.iter().flatten() {
            match word.parse::<Purpose>() {
                Ok(purpose) if purpose.per_service() => {
                    readers.insert(purpose);
                }
                _ => collector.refuse(
                    &at.attribute("readers"),
                    format!("{word:?} cannot read secrets"),
                    "Secrets are read by pods only: runtime, drift, retrain.",
                ),
            }
        }
        if secret.readers.as_ref().is_none_or(BTreeSet::is_empty) {
            collector.refuse(
                &at.attribute("readers"),
                "A secret that nobody reads",
                "Name the purposes that read it among runtime, drift, retrain.",
            );
        }
        secrets.insert(name, readers);
    }
    secrets
}

/// One Kubernetes service account is one identity in the cloud.
fn refuse_shared_accounts(
    services: &BTreeMap<ServiceName, ServiceSpec>,
    path: &AttributePath,
    collector: &mut Collector,
) {
    let mut seen: BTreeMap<(&str, &str), String> = BTreeMap::new();
    for (name, service) in services {
        for purpose in WORKLOADS {
            let Some((namespace, account)) = service.workload(purpose) else {
                continue;
            };
            let user = format!("{purpose} of {name}");
            if let Some(other) = seen.get(&(namespace.as_str(), account.as_str())) {
                collector.refuse(
                    &path.key(name.as_str()).attribute("service_accounts").attribute(purpose.as_str()),
                    format!("{namespace}/{account} is used twice"),
                    format!(
                        "{other} and {user} would be the same identity: a pod of one could do what the other may. Give \
                         them different service accounts or namespaces."
                    ),
                );
            } else {
                seen.insert((namespace.as_str(), account.as_str()), user);
            }
        }
    }
}

fn refuse_shared_repositories(
    services: &BTreeMap<ServiceName, ServiceSpec>,
    path: &AttributePath,
    collector: &mut Collector,
) {
    let mut seen: BTreeMap<&RepositoryName, &ServiceName> = BTreeMap::new();
    for (name, service) in services {
        for repository in &service.repositories {
            if let Some(other) = seen.insert(repository, name) {
                collector.refuse(
                    &path.key(name.as_str()).attribute("repositories"),
                    format!("{repository} belongs to {other} already"),
                    "A repository belongs to one service. Name it there only; every service's images can be pulled.",
                );
            }
        }
    }
}
