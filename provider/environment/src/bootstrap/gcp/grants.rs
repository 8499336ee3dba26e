//! What each worker is granted on the project, confined by conditions as far as Google Cloud can.

use std::collections::BTreeSet;

use mlops_access::generate::aws::Bucket as Use;

use super::super::Worker;
use super::Draft;
use super::roles::{self, Role};
use super::state::{USER, VIEWER};
use super::workers::address;
use crate::component::Kind;
use crate::gcp::{Condition, Grant, ProjectGrants};
use crate::names::{EnvironmentId, bucket};
use crate::spec::{TextError, Tier};

/// Roles that environments grant on the project; a test holds this list to what their components want.
const GRANTED: [&str; 5] = [
    "roles/cloudtrace.agent",
    "roles/container.clusterViewer",
    "roles/container.defaultNodeServiceAccount",
    "roles/containeranalysis.occurrences.viewer",
    "roles/monitoring.metricWriter",
];

pub(super) fn add(draft: &mut Draft<'_>) -> Result<(), TextError> {
    let mut grants = BTreeSet::new();
    for tier in draft.spec.tiers.clone() {
        let environment = draft.spec.environment(tier)?;
        grants.extend(of_tier(draft, tier, &environment));
    }
    let project = draft.place.project.to_string();
    let wanted = ProjectGrants {
        project: project.clone(),
        grants,
        family: draft.names.family(),
        owner: draft.spec.id(),
    };
    let tiers = draft.spec.tiers.clone();
    let mut wanted = draft
        .want(&["project_grants"], Kind::GcpProjectGrants, &wanted)
        .id(format!("projects/{project}"));
    for role in Role::ALL {
        wanted = wanted.after(&roles::address(role));
    }
    for tier in tiers {
        for worker in Worker::ALL {
            wanted = wanted.after(&address(worker, tier));
        }
    }
    Ok(())
}

fn of_tier(draft: &Draft<'_>, tier: Tier, environment: &EnvironmentId) -> Vec<Grant> {
    let grant = |worker: Worker, role: String, condition: Option<Condition>| Grant {
        role,
        member: format!("serviceAccount:{}", draft.names.email(worker, tier)),
        condition,
    };
    let role = |role: Role| draft.names.role(role);
    let claim = claim(environment);
    vec![
        grant(Worker::Planner, role(Role::Reader), None),
        grant(Worker::Planner, VIEWER.to_owned(), Some(claim.clone())),
        grant(Worker::Provisioner, role(Role::Reader), None),
        grant(Worker::Provisioner, role(Role::Writer), None),
        grant(
            Worker::Provisioner,
            role(Role::Keeper),
            Some(of_environment(draft, environment)),
        ),
        grant(Worker::Provisioner, role(Role::Granter), Some(only_granted())),
        grant(Worker::Provisioner, USER.to_owned(), Some(claim)),
    ]
}

/// The environment's claim, in its logs bucket.
fn claim(environment: &EnvironmentId) -> Condition {
    let bucket = bucket(environment, Use::Logs);
    let name = &environment.name;
    Condition {
        title: format!("claim of {name}"),
        expression: format!(
            "resource.name.startsWith(\"projects/_/buckets/{bucket}/objects/mlops/{name}/\")"
        ),
    }
}

/// The environment's buckets and key ring, each by its whole name: what another system's are called may begin with this one's
/// (`churn-dev` is an environment, and a system that keeps its states in `churn-dev-tfstate-…`).
/// <https://cloud.google.com/iam/docs/conditions-resource-attributes>
fn of_environment(draft: &Draft<'_>, environment: &EnvironmentId) -> Condition {
    let (project, region) = (&draft.place.project, &draft.place.region);
    let name = &environment.name;
    let ring = format!("projects/{project}/locations/{region}/keyRings/{name}");
    let buckets = Use::ALL.iter().map(|usage| {
        let bucket = bucket(environment, *usage);
        // Names end in a hash, so that this is the bucket and what is in it.
        format!("resource.name.startsWith(\"projects/_/buckets/{bucket}\") || ")
    });
    Condition {
        title: format!("buckets and keys of {name}"),
        expression: format!(
            "{}resource.name == \"{ring}\" || resource.name.startsWith(\"{ring}/\")",
            buckets.collect::<String>()
        ),
    }
}

/// Whoever may write a project's policy could make itself its owner: this lets through what environments need.
/// <https://cloud.google.com/iam/docs/setting-limits-on-granting-roles>
fn only_granted() -> Condition {
    let roles = GRANTED.map(|role| format!("\"{role}\"")).join(", ");
    Condition {
        title: "roles that environments grant".to_owned(),
        expression: format!(
            "api.getAttribute(\"iam.googleapis.com/modifiedGrantsByRole\", []).hasOnly([{roles}])"
        ),
    }
}
