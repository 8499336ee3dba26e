use std::{collections::BTreeSet, fmt};

use crate::{
    Purpose,
    aws::{Effect, Policy, Scope as Choice},
    gcp::{Resource, role},
    generate::gcp::Grant,
};

/// What belongs to one purpose alone. Holding two of these is having two purposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Push an image.
    PushImage,
    /// Reach a cluster to change workloads.
    Deploy,
    /// Write a model.
    WriteModel,
    /// Append a prediction.
    AppendPrediction,
    /// Append a report.
    AppendReport,
}

impl Capability {
    /// The purpose that it belongs to.
    #[must_use]
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::PushImage => Purpose::Ci,
            Self::Deploy => Purpose::Deploy,
            Self::WriteModel => Purpose::Retrain,
            Self::AppendPrediction => Purpose::Runtime,
            Self::AppendReport => Purpose::Drift,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PushImage => "push an image",
            Self::Deploy => "deploy",
            Self::WriteModel => "write a model",
            Self::AppendPrediction => "append a prediction",
            Self::AppendReport => "append a report",
        })
    }
}

/// What a bucket or prefix is for, by the words in its name. A name that says nothing is not guessed at.
const STORES: [(Capability, &[&str]); 3] = [
    (Capability::WriteModel, &["model"]),
    (
        Capability::AppendPrediction,
        &["prediction", "inference", "scoring"],
    ),
    (Capability::AppendReport, &["report", "drift", "monitoring"]),
];

/// The capabilities that a set of identity policies gives, also when they are not ours: each with the statement and the
/// resource that give it.
///
/// Stores are told by the words in their names; a grant on every bucket gives all three.
///
/// ```
/// use mlops_access::{aws::Policy, matrix::{capabilities_aws, purposes}};
/// let policy = Policy::parse(r#"{"Version": "2012-10-17", "Statement": [
///     {"Effect": "Allow", "Action": "ecr:*", "Resource": "*"},
///     {"Effect": "Allow", "Action": ["s3:GetObject", "s3:Put*"], "Resource": "arn:aws:s3:::acme-models/*"}]}"#).unwrap();
/// let held = capabilities_aws(&[&policy]);
/// assert_eq!(purposes(&held).len(), 2, "ci and retrain in one identity");
/// ```
#[must_use]
pub fn capabilities_aws(policies: &[&Policy]) -> Vec<(Capability, String)> {
    let mut held = Vec::new();
    for statement in policies
        .iter()
        .flat_map(|p| &p.statements)
        .filter(|s| s.effect == Effect::Allow)
    {
        let grants = |action: &str| match &statement.actions {
            Choice::Only(list) => list.iter().any(|a| a.matches(action)),
            Choice::AllBut(list) => !list.iter().any(|a| a.matches(action)),
        };
        let resources: Vec<(String, bool)> = match &statement.resources {
            Some(Choice::Only(list)) => list
                .iter()
                .map(|r| (r.source().to_owned(), every_bucket(r.source())))
                .collect(),
            _ => vec![("*".to_owned(), true)],
        };
        let label = statement.label();
        for (resource, all) in &resources {
            let why = || format!("{label} on {resource}");
            let about = |service: &str| {
                resource == "*"
                    || resource
                        .split(':')
                        .nth(2)
                        .is_some_and(|s| s == service || s == "*")
            };
            if grants("ecr:putimage") && about("ecr") {
                held.push((Capability::PushImage, why()));
            }
            if (grants("eks:describecluster") || grants("eks:accesskubernetesapi")) && about("eks") {
                held.push((Capability::Deploy, why()));
            }
            if grants("s3:putobject") && about("s3") {
                held.extend(stores(resource, *all).map(|c| (c, why())));
            }
        }
    }
    held.sort();
    held.dedup();
    held
}

fn every_bucket(resource: &str) -> bool {
    matches!(
        resource,
        "*" | "arn:aws:s3:::*" | "arn:*:s3:::*" | "arn:aws:s3:::*/*"
    )
}

fn stores(name: &str, all: bool) -> impl Iterator<Item = Capability> {
    let name = name.to_ascii_lowercase();
    STORES
        .into_iter()
        .filter(move |(_, words)| all || words.iter().any(|word| name.contains(word)))
        .map(|(capability, _)| capability)
}

/// The capabilities that grants on Google Cloud give. A grant on a project gives them on every store in it.
#[must_use]
pub fn capabilities_gcp<'a>(grants: impl IntoIterator<Item = &'a Grant>) -> Vec<(Capability, String)> {
    let mut held = Vec::new();
    for grant in grants {
        let Some(role) = role(&grant.role) else { continue };
        let project = matches!(grant.resource, Resource::Project(_));
        let why = || grant.to_string();
        let upload = "artifactregistry.repositories.uploadArtifacts";
        if role.holds(upload) && (project || matches!(grant.resource, Resource::Repository(_))) {
            held.push((Capability::PushImage, why()));
        }
        let reach = role.holds("container.clusters.connect") || role.holds("container.deployments.update");
        if reach && (project || matches!(grant.resource, Resource::Cluster(_))) {
            held.push((Capability::Deploy, why()));
        }
        let store = match &grant.resource {
            Resource::Bucket(name) => Some(name.clone()),
            Resource::Folder { bucket, prefix } => Some(format!("{bucket}/{prefix}")),
            _ => None,
        };
        if role.holds("storage.objects.create") && (project || store.is_some()) {
            held.extend(stores(&store.unwrap_or_default(), project).map(|c| (c, why())));
        }
    }
    held.sort();
    held.dedup();
    held
}

/// The purposes that capabilities add up to.
#[must_use]
pub fn purposes(held: &[(Capability, String)]) -> BTreeSet<Purpose> {
    held.iter().map(|(capability, _)| capability.purpose()).collect()
}
