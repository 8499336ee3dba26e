//! What the generated documents are made from.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::Purpose;
use mlops_access::generate::aws::{Bucket, Cluster, Options, Scope};
use mlops_access::generate::{Github, Gitlab, Registry, RegistryMode};

use crate::component::Address;
use crate::names::aws::Names;
use crate::reference;
use crate::spec::{AwsSpec, Late, RegistryReference, Spec, WriteOnce};

/// The scope of an environment's documents. What is not known yet is a reference.
pub fn scope(spec: &Spec, aws: &AwsSpec) -> Scope {
    let names = super::names(spec, aws);
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
        partition: aws.partition.clone(),
        account: spec.id.account().to_owned(),
        region: spec.id.region().to_owned(),
        environment: spec.id.name.to_string(),
        role_path: aws.role_path.to_string(),
        buckets: Bucket::ALL
            .map(|bucket| (bucket, bucket_name(spec, &names, bucket)))
            .into(),
        storage_key_arn: key("storage"),
        secrets_key_arn: key("secrets"),
        services: spec
            .services
            .iter()
            .map(|(name, service)| {
                let secret = |secret: &str| refer(&["secrets", name.as_str(), secret], "arn");
                (name.to_string(), service.generated(secret))
            })
            .collect(),
        registry: Registry {
            mode: spec.registry.mode,
            prefix: registry_prefix(spec, aws),
        },
        cluster: Some(Cluster {
            name: names.cluster().to_owned(),
            arn: names.cluster_arn(),
            oidc_issuer: refer(&["federation", "pods"], "issuer"),
            oidc_provider_arn: refer(&["federation", "pods"], "arn"),
        }),
        gitlab: spec.gitlab.as_ref().map(|gitlab| Gitlab {
            project_path: gitlab.project_path.to_string(),
            project_id: gitlab.project_id.as_ref().map(ToString::to_string),
            ci_refs: gitlab.ci_refs.iter().map(ToString::to_string).collect(),
            deploy_environment: gitlab.deploy_environment.to_string(),
            deploy_tier: gitlab.deploy_tier.map(str::to_owned),
            protected_only: gitlab.protected_only,
            issuer: gitlab.issuer().to_owned(),
            audience: gitlab.audience.to_string(),
            provider: refer(&["federation", "gitlab"], "arn"),
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
pub(super) fn bucket_name(spec: &Spec, names: &Names<'_>, bucket: Bucket) -> String {
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
        .unwrap_or_else(|| names.bucket(bucket))
}

/// What stands before a repository's name in its ARN.
fn registry_prefix(spec: &Spec, aws: &AwsSpec) -> String {
    let names = super::names(spec, aws);
    match (spec.registry.mode, &spec.registry.reference) {
        (RegistryMode::Reference, Some(Late::Known(RegistryReference::Ecr(registry)))) => {
            registry.arn_prefix(&aws.partition)
        }
        // Written as URL or as ARN, nobody knows yet: the text stands for the prefix until it is known.
        (RegistryMode::Reference, Some(Late::Unknown(reference))) => format!("{reference}/"),
        _ => names.repository_arn(&names.repository("")),
    }
}
