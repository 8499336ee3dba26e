//! On Google Cloud: every grant and every way in that is planned, read back out of the components.

use std::collections::BTreeSet;

use mlops_access::gcp::{Condition, Provider, Resource};
use mlops_access::generate::RegistryMode;
use mlops_access::generate::gcp::{Grant, Scope};
use mlops_access::matrix::{GcpDocuments, check_gcp};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{unjudgeable, violation};
use crate::component::{Component, Kind};
use crate::gcp::{
    Bucket, Key, ProjectGrants, Repository, Secret, Trust, WorkloadIdentityProvider, scope as scope_of,
};
use crate::spec::{AttributePath, GcpSpec, Spec, Violation};

/// Everything that must not be.
pub(super) fn judge(spec: &Spec, gcp: &GcpSpec, components: &[Component]) -> Vec<Violation> {
    let scope = scope_of(spec, gcp);
    let planned = Planned::of(components);
    let mut violations = homeless(spec, &planned);
    match check_gcp(&scope, &planned.documents(&scope)) {
        Ok(breaches) => {
            let mut found: Vec<Violation> = breaches.iter().map(|breach| violation(spec, breach)).collect();
            // A grant too many also makes rows of others fail: whoever takes it away needs to hear of it once.
            let added = |violation: &Violation| violation.path.to_string().contains("additional_permissions");
            if found.iter().any(added) {
                found.retain(added);
            }
            violations.extend(found);
        }
        Err(error) => violations.push(unjudgeable(&error)),
    }
    violations.dedup();
    violations
}

/// What was added on things that are none of the environment's: nobody would make the grant.
fn homeless(spec: &Spec, planned: &Planned) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (purpose, identity) in &spec.identities {
        for (index, permission) in identity.additional_roles.iter().enumerate() {
            for (text, resource) in &permission.resources {
                if planned.places.contains(&place(resource)) {
                    continue;
                }
                violations.push(Violation::new(
                    AttributePath::root("identities")
                        .attribute(purpose.as_str())
                        .attribute("additional_permissions")
                        .index(index)
                        .attribute("resources"),
                    format!("{text} is not of this environment"),
                    format!(
                        "The environment writes grants on its own buckets, secrets, repository and keys only. Grant the role \
                         where {text} is managed, to the accounts of identity_info.{purpose}, or correct the name."
                    ),
                ));
            }
        }
    }
    violations
}

/// What components say about access, as documents.
pub(crate) fn documents_of(scope: &Scope, components: &[Component]) -> GcpDocuments {
    Planned::of(components).documents(scope)
}

/// What a policy is written on: a folder's bucket.
fn place(resource: &Resource) -> Resource {
    match resource {
        Resource::Folder { bucket, .. } | Resource::Object { bucket, .. } => Resource::Bucket(bucket.clone()),
        other => other.clone(),
    }
}

/// What the components say about access.
#[derive(Default)]
struct Planned {
    grants: Vec<Grant>,
    entrances: Vec<Grant>,
    providers: Vec<Provider>,
    places: BTreeSet<Resource>,
}

impl Planned {
    fn of(components: &[Component]) -> Self {
        let mut planned = Self::default();
        for component in components {
            planned.add(component);
        }
        planned
    }

    fn add(&mut self, component: &Component) {
        match component.kind {
            Kind::GcpBucket => {
                let Some(bucket) = typed::<Bucket>(component) else {
                    return;
                };
                for (prefix, grants) in bucket.folders {
                    let resource = Resource::Folder {
                        bucket: bucket.name.clone(),
                        prefix,
                    };
                    self.grant(resource, grants);
                }
                self.grant(Resource::Bucket(bucket.name), bucket.grants);
            }
            Kind::GcpSecret => {
                let Some(secret) = typed::<Secret>(component) else {
                    return;
                };
                let id = secret.name.rsplit('/').next().unwrap_or_default().to_owned();
                self.grant(Resource::Secret(id), secret.grants);
            }
            Kind::GcpRepository => {
                let Some(repository) = typed::<Repository>(component) else {
                    return;
                };
                self.grant(Resource::Repository(repository.name), repository.grants);
            }
            Kind::GcpKey => {
                let Some(key) = typed::<Key>(component) else {
                    return;
                };
                self.grant(Resource::Key(key.name), key.grants);
            }
            Kind::GcpProjectGrants => {
                let Some(project) = typed::<ProjectGrants>(component) else {
                    return;
                };
                self.grant(Resource::Project(project.project), project.grants);
            }
            Kind::GcpTrust => {
                let Some(trust) = typed::<Trust>(component) else {
                    return;
                };
                self.entrances
                    .extend(trust.members.into_iter().map(|member| Grant {
                        resource: Resource::ServiceAccount(trust.account.clone()),
                        role: "roles/iam.workloadIdentityUser".to_owned(),
                        member,
                        condition: None,
                    }));
            }
            Kind::GcpWorkloadIdentityProvider => {
                let Some(provider) = typed::<WorkloadIdentityProvider>(component) else {
                    return;
                };
                let pool = component
                    .outputs
                    .get("name")
                    .map(String::as_str)
                    .unwrap_or_default();
                self.providers.push(Provider {
                    pool: pool.split("/providers/").next().unwrap_or_default().to_owned(),
                    issuer: provider.issuer.trim_start_matches("https://").to_owned(),
                    audiences: provider.audiences.into_iter().collect(),
                    mapping: provider.attribute_mapping,
                    condition: Some(provider.attribute_condition),
                });
            }
            _ => {}
        }
    }

    fn grant(&mut self, resource: Resource, grants: BTreeSet<crate::gcp::Grant>) {
        self.places.insert(resource.clone());
        self.grants.extend(grants.into_iter().map(|grant| Grant {
            resource: resource.clone(),
            role: grant.role,
            member: grant.member,
            condition: grant.condition.map(|condition| Condition {
                title: condition.title,
                expression: condition.expression,
            }),
        }));
    }

    /// The documents as planned. Grants on somebody else's repository are not ours to make; that they are made there is
    /// taken for granted, or nothing could be pulled.
    fn documents(&self, scope: &Scope) -> GcpDocuments {
        let mut documents = GcpDocuments::generated(scope);
        documents.providers.clone_from(&self.providers);
        for identity in &mut documents.identities {
            let elsewhere = |grant: &Grant| {
                scope.registry.mode == RegistryMode::Reference
                    && grant.resource == Resource::Repository(scope.registry.prefix.clone())
            };
            identity.grants.retain(elsewhere);
            let planned = self.grants.iter().filter(|grant| grant.member == identity.member);
            identity.grants.extend(planned.cloned());
            let account = identity.member.trim_start_matches("serviceAccount:").to_owned();
            let on = Resource::ServiceAccount(account);
            identity.entrances = self
                .entrances
                .iter()
                .filter(|grant| grant.resource == on)
                .cloned()
                .collect();
        }
        documents
    }
}

/// The typed properties of a component of ours: they were made from the same type.
fn typed<T: DeserializeOwned>(component: &Component) -> Option<T> {
    let fields = component.properties.clone().into_iter().collect();
    serde_json::from_value(Value::Object(fields)).ok()
}
