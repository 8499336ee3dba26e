//! What the generated documents are made from.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::Purpose;
use mlops_access::generate::aws::{Bucket, Cluster, Options, Scope};
use mlops_access::generate::{Github, Registry, RegistryMode, Secret, Service, ServiceAccounts};

use crate::component::Address;
use crate::reference;
use crate::spec::{Late, ServiceSpec, Spec, WriteOnce};

/// The scope of an environment's documents. What is not known yet is a reference.
pub fn scope(spec: &Spec) -> Scope {
    let names = spec.names();
    let refer = |address: &[&str], output: &str| reference::to(&Address::new(address), output);
    let identity = |purpose| spec.identities.get(&purpose);
    let ci_environment = |purpose| {
        identity(purpose).and_then(|identity| identity.ci_environment.as_ref().map(ToString::to_string))
    };
    let key = |usage: &str| spec.encryption.customer.then(|| refer(&["keys", usage], "arn"));
    let additional: BTreeMap<Purpose, _> = spec
        .identities
        .iter()
        .filter(|(_, identity)| !identity.additional_permissions.is_empty())
        .map(|(purpose, identity)| (*purpose, identity.additional_permissions.clone()))
        .collect();
    Scope {
        partition: spec.partition.clone(),
        account: spec.id.account.to_string(),
        region: spec.id.region.to_string(),
        environment: spec.id.name.to_string(),
        role_path: spec.role_path.to_string(),
        buckets: Bucket::ALL
            .map(|bucket| (bucket, bucket_name(spec, bucket)))
            .into(),
        storage_key_arn: key("storage"),
        secrets_key_arn: key("secrets"),
        services: spec
            .services
            .iter()
            .map(|(name, service)| (name.to_string(), service_of(name.as_str(), service)))
            .collect(),
        registry: Registry {
            mode: spec.registry.mode,
            prefix: registry_prefix(spec),
        },
        cluster: Some(Cluster {
            name: names.cluster().to_owned(),
            arn: names.cluster_arn(),
            oidc_issuer: refer(&["federation", "pods"], "issuer"),
            oidc_provider_arn: refer(&["federation", "pods"], "arn"),
        }),
        github: spec.github.as_ref().map(|github| Github {
            repository: github.repository.to_string(),
            owner_id: github.owner_id.as_ref().map(ToString::to_string),
            repository_id: github.repository_id.as_ref().map(ToString::to_string),
            subject_format: github.subject_format,
            ci_refs: github.ci_refs.iter().map(ToString::to_string).collect(),
            deploy_environment: github.deploy_environment.to_string(),
            drift_environment: ci_environment(Purpose::Drift),
            retrain_environment: ci_environment(Purpose::Retrain),
            issuer: Github::ISSUER.to_owned(),
            provider_arn: refer(&["federation", "github"], "arn"),
        }),
        provisioner_arns: BTreeSet::new(),
        options: Options {
            write_once: spec
                .buckets
                .get(&Bucket::Predictions)
                .is_some_and(|bucket| bucket.write_once == WriteOnce::Conditional),
            metrics_read: identity(Purpose::Drift).is_some_and(|identity| identity.metrics_read),
            exclusive_writers: spec.exclusive_writers,
            tls_only: spec.bucket_tls_only,
            kubernetes: spec.access,
        },
        additional_permissions: additional,
    }
}

/// Name of a bucket: somebody else's, one taken over, or our own.
pub(crate) fn bucket_name(spec: &Spec, bucket: Bucket) -> String {
    if let Some(existing) = spec
        .buckets
        .get(&bucket)
        .and_then(|bucket| bucket.existing.as_ref())
    {
        return existing.to_string();
    }
    let address = Address::new(&["buckets", bucket.as_str()]);
    spec.adopt
        .get(&address)
        .cloned()
        .unwrap_or_else(|| spec.names().bucket(bucket))
}

/// What stands before a repository's name in its ARN.
fn registry_prefix(spec: &Spec) -> String {
    match (spec.registry.mode, &spec.registry.reference) {
        (RegistryMode::Reference, Some(Late::Known(registry))) => registry.arn_prefix(&spec.partition),
        // Written as URL or as ARN, nobody knows yet: the text stands for the prefix until it is known.
        (RegistryMode::Reference, Some(Late::Unknown(reference))) => format!("{reference}/"),
        _ => spec.names().repository_arn(&spec.names().repository("")),
    }
}

fn service_of(name: &str, service: &ServiceSpec) -> Service {
    let account = |purpose| {
        service
            .service_accounts
            .get(&purpose)
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    Service {
        namespace: service.namespace.to_string(),
        train_namespace: service.train_namespace.to_string(),
        service_accounts: ServiceAccounts {
            runtime: account(Purpose::Runtime),
            drift: account(Purpose::Drift),
            retrain: account(Purpose::Retrain),
        },
        repositories: service.repositories.iter().map(ToString::to_string).collect(),
        secrets: service
            .secrets
            .iter()
            .map(|(secret, readers)| {
                let address = Address::new(&["secrets", name, secret.as_str()]);
                let id = reference::to(&address, "arn");
                (
                    secret.to_string(),
                    Secret {
                        id,
                        readers: readers.clone(),
                    },
                )
            })
            .collect(),
    }
}
