//! What the generated grants and trust are made from.

use std::collections::BTreeMap;

use mlops_access::Purpose;
use mlops_access::generate::gcp::{AdditionalRole, Bucket, Options, Scope};
use mlops_access::generate::{Github, Gitlab, Registry, RegistryMode};

use super::identities::principals;
use crate::component::Address;
use crate::names::gcp::Names;
use crate::spec::{GcpSpec, IdentitySpec, Late, RegistryReference, ServiceName, Spec, WriteOnce};

/// The scope of an environment's grants.
pub fn scope(spec: &Spec, gcp: &GcpSpec) -> Scope {
    let names = super::names(spec, gcp);
    let accounts = principals(spec).into_iter().map(|(principal, service)| {
        let email = names.email(&names.account_id(principal.purpose, service.as_ref()));
        let service = service.as_ref().map(ServiceName::to_string);
        ((principal.purpose, service), email)
    });
    let ci_environment = |purpose| {
        let identity = spec.identities.get(&purpose)?;
        identity.ci_environment.as_ref().map(ToString::to_string)
    };
    let additional = spec
        .identities
        .iter()
        .filter(|(_, identity)| !identity.additional_roles.is_empty())
        .map(|(purpose, identity)| (*purpose, additional(identity)));
    Scope {
        project: spec.id.account().to_owned(),
        project_number: gcp.number.clone(),
        environment: spec.id.name.to_string(),
        accounts: accounts.collect(),
        buckets: Bucket::ALL
            .map(|bucket| (bucket, bucket_name(spec, &names, bucket)))
            .into(),
        services: spec
            .services
            .iter()
            .map(|(name, service)| {
                let secret = |secret: &str| names.secret_id(name, secret);
                (name.to_string(), service.generated(secret))
            })
            .collect(),
        registry: Registry {
            mode: spec.registry.mode,
            prefix: match (spec.registry.mode, &spec.registry.reference) {
                (RegistryMode::Reference, Some(Late::Known(RegistryReference::Artifact(repository)))) => {
                    repository.name()
                }
                (RegistryMode::Reference, Some(Late::Unknown(text))) => text.clone(),
                _ => names.repository(),
            },
        },
        cluster: Some(names.cluster_name()),
        storage_key: spec.encryption.customer.then(|| {
            let given = spec.encryption.given.get("storage").map(ToString::to_string);
            given.unwrap_or_else(|| names.key("storage"))
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
            provider: "gitlab".to_owned(),
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
            provider_arn: String::new(),
        }),
        pool: names.pool_id(),
        provider: "github".to_owned(),
        options: Options {
            mutable_records: spec
                .buckets
                .get(&Bucket::Mlflow)
                .is_some_and(|bucket| bucket.write_once == WriteOnce::Versioned),
            ..Options::default()
        },
        additional_permissions: additional.collect::<BTreeMap<_, _>>(),
    }
}

fn additional(identity: &IdentitySpec) -> Vec<AdditionalRole> {
    let permissions = identity.additional_roles.iter().flat_map(|permission| {
        permission.roles.iter().flat_map(|role| {
            permission.resources.values().map(|resource| AdditionalRole {
                id: permission.id.clone(),
                role: role.clone(),
                resource: resource.clone(),
                condition: None,
            })
        })
    });
    permissions.collect()
}

/// Name of a bucket: one taken over, or our own.
pub(super) fn bucket_name(spec: &Spec, names: &Names<'_>, bucket: Bucket) -> String {
    let address = Address::new(&["buckets", bucket.as_str()]);
    spec.adopt
        .get(&address)
        .cloned()
        .unwrap_or_else(|| names.bucket(bucket))
}
