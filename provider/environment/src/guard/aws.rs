//! On AWS: the policy documents, and the sizes that IAM takes.

use std::collections::BTreeMap;

use mlops_access::generate::Gitlab;
use mlops_access::generate::aws::Scope;
use mlops_access::matrix::{AwsDocuments, check_aws};

use super::{unjudgeable, violation};
use crate::component::{Component, Kind, Reference};
use crate::names::hash;
use crate::reference::{self, World};
use crate::spec::{AttributePath, AwsSpec, GitlabSpec, Spec, Violation};

/// Characters that the inline policies of a role may have together.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const INLINE_MAX: usize = 10_240;
/// Characters of a managed policy.
const MANAGED_MAX: usize = 6_144;
/// Characters of a trust policy, unless the quota was raised.
const TRUST_MAX: usize = 2_048;
/// What a reference may become: ARNs are at most this long in practice.
const REFERENCE_LENGTH: usize = 100;

/// Everything that must not be.
pub(super) fn judge(spec: &Spec, aws: &AwsSpec, components: &[Component]) -> Vec<Violation> {
    let mut violations: Vec<Violation> = components.iter().flat_map(too_long).collect();
    violations.extend(breaches(spec, aws));
    violations
}

/// What breaks the matrix.
fn breaches(spec: &Spec, aws: &AwsSpec) -> Vec<Violation> {
    let scope = scope_in(spec, aws, &World::new());
    let mut documents = match AwsDocuments::generated(&scope) {
        Ok(documents) => documents,
        Err(error) => {
            return vec![unjudgeable(&error)];
        }
    };
    documents
        .identities
        .retain(|identity| spec.has_identity(identity.purpose));
    if !spec.boundaries || aws.permissions_boundary.is_some() {
        documents.boundaries.clear();
    }
    let mut violations: Vec<Violation> = check_aws(&scope, &documents)
        .iter()
        .map(|breach| violation(spec, breach))
        .collect();
    violations.dedup();
    violations
}

/// The scope of the documents with every reference filled in from `world`, or stood in for.
pub(crate) fn scope_in(spec: &Spec, aws: &AwsSpec, world: &World) -> Scope {
    let mut scope = crate::aws::scope(spec, aws);
    let known = |text: &str| -> String {
        let text = reference::fill(text, world);
        reference::find(&text)
            .iter()
            .fold(text.clone(), |text, reference| {
                text.replace(&reference.to_string(), &stand_in_for(spec, aws, reference))
            })
    };
    let change = |text: &mut String| *text = known(text);
    scope.buckets.values_mut().for_each(change);
    scope
        .storage_key_arn
        .iter_mut()
        .chain(scope.secrets_key_arn.iter_mut())
        .for_each(change);
    for service in scope.services.values_mut() {
        service
            .secrets
            .values_mut()
            .for_each(|secret| change(&mut secret.id));
    }
    change(&mut scope.registry.prefix);
    // Another account's repositories take a policy of that account, which is not ours to judge: only our side is.
    let parts: Vec<&str> = scope.registry.prefix.splitn(6, ':').collect();
    if let [arn, partition, ecr, region, _, resource] = parts[..] {
        scope.registry.prefix = [arn, partition, ecr, region, spec.id.account(), resource].join(":");
    }
    if let Some(cluster) = &mut scope.cluster {
        change(&mut cluster.name);
        change(&mut cluster.arn);
        change(&mut cluster.oidc_issuer);
        change(&mut cluster.oidc_provider_arn);
    }
    if let Some(github) = &mut scope.github {
        change(&mut github.provider_arn);
    }
    if let Some(gitlab) = &mut scope.gitlab {
        change(&mut gitlab.provider);
    }
    for permission in scope.additional_permissions.values_mut().flatten() {
        let service = permission
            .actions
            .first()
            .and_then(|action| action.split(':').next())
            .unwrap_or("x")
            .to_owned();
        for resource in &mut permission.resources {
            if !reference::is_resolved(resource) {
                *resource = unknown_arn(spec, aws, &service, resource);
            }
        }
        let conditions = permission.conditions.values_mut().flat_map(BTreeMap::values_mut);
        conditions.flatten().for_each(change);
    }
    scope
}

/// Text of the form that a reference will have.
fn stand_in_for(spec: &Spec, aws: &AwsSpec, reference: &Reference) -> String {
    let names = crate::aws::names(spec, aws);
    let issuer = format!(
        "oidc.eks.{}.amazonaws.com/id/00000000000000000000000000000000",
        spec.id.region()
    );
    let parts: Vec<&str> = reference.address.as_str().split('.').collect();
    match (parts.as_slice(), reference.output.as_str()) {
        (["keys", usage], "arn") => {
            unknown_arn(spec, aws, "kms", usage).replace(":unknown-", ":key/00000000-0000-0000-0000-")
        }
        (["secrets", service, name], "arn") => {
            let secret = format!("secret:{}/{service}/{name}-AbCdEf", spec.id.name);
            format!(
                "arn:{}:secretsmanager:{}:{}:{secret}",
                aws.partition,
                spec.id.region(),
                spec.id.account()
            )
        }
        (["federation", "pods"], "issuer") => issuer,
        (["federation", "pods"], _) => names.oidc_provider_arn(&issuer),
        (["federation", "github"], _) => names.oidc_provider_arn(mlops_access::generate::Github::ISSUER),
        (["federation", "gitlab"], _) => {
            let issuer = spec.gitlab.as_ref().map_or(Gitlab::ISSUER, GitlabSpec::issuer);
            names.oidc_provider_arn(issuer)
        }
        ([reference::UNKNOWN], what) if what.starts_with("registry") => {
            names.repository_arn(&format!("unknown-{}", hash(what, 6)))
        }
        (_, what) => format!("unknown-{}", hash(what, 6)),
    }
}

/// Some resource of a service in this account that is none of the environment's.
fn unknown_arn(spec: &Spec, aws: &AwsSpec, service: &str, text: &str) -> String {
    let name = hash(text, 12);
    match service {
        "s3" => format!("arn:{}:s3:::unknown-{name}/unknown", aws.partition),
        _ => format!(
            "arn:{}:{service}:{}:{}:unknown-{name}",
            aws.partition,
            spec.id.region(),
            spec.id.account()
        ),
    }
}

fn too_long(component: &Component) -> Vec<Violation> {
    let text = |name: &str| {
        component
            .properties
            .get(name)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
    };
    let inline = || {
        let policies = component
            .properties
            .get("inline_policies")
            .and_then(|value| value.as_object());
        policies
            .into_iter()
            .flatten()
            .filter_map(|(_, value)| value.as_str())
            .map(length)
            .sum()
    };
    let sizes: Vec<(&str, usize, usize)> = match component.kind {
        Kind::AwsRole => {
            vec![
                ("trust policy", length(text("trust")), TRUST_MAX),
                ("permissions", inline(), INLINE_MAX),
            ]
        }
        Kind::AwsPolicy => vec![("policy", length(text("document")), MANAGED_MAX)],
        _ => Vec::new(),
    };
    sizes
        .into_iter()
        .filter(|(_, size, most)| size > most)
        .map(|(what, size, most)| {
            Violation::new(
                AttributePath::root(if what == "trust policy" { "federation" } else { "services" }),
                format!("The {what} of {} is too long", component.address),
                format!(
                    "It has {size} characters, IAM takes {most}. Name fewer refs, repositories, secrets or additional \
                     permissions, or make a second environment."
                ),
            )
        })
        .collect()
}

/// Length once references are filled in.
fn length(text: &str) -> usize {
    let references = reference::find(text);
    let written: usize = references
        .iter()
        .map(|reference| reference.to_string().chars().count())
        .sum();
    text.chars().count() - written + references.len() * REFERENCE_LENGTH
}
