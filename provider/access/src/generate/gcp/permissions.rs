use super::{AdditionalRole, Bucket, Grant, Principal, Scope};
use crate::{
    Purpose,
    gcp::{Condition, DenyRule, Resource},
    generate::{RegistryMode, Service},
};

/// Id of the one custom role, made only when drift may read metrics.
pub const METRICS_READER: &str = "mlopsMetricsReader";
/// What it holds; `roles/monitoring.viewer` would hold more than thirty permissions.
pub const METRICS_READER_PERMISSIONS: [&str; 2] =
    ["monitoring.timeSeries.list", "monitoring.metricDescriptors.list"];

const VIEWER: &str = "roles/storage.objectViewer";
const CREATOR: &str = "roles/storage.objectCreator";

/// What an identity may do: roles on the smallest thing that the cloud lets them be bound on.
///
/// Objects are granted on managed folders, which also cover listing, unlike conditions on object names. Creating without
/// deleting means that nothing can be overwritten.
#[must_use]
pub fn permissions(scope: &Scope, principal: Principal<'_>) -> Vec<Grant> {
    let Some(email) = scope.account(principal) else {
        return Vec::new();
    };
    let mut grants = Grants {
        scope,
        member: format!("serviceAccount:{email}"),
        all: Vec::new(),
    };
    let service = principal
        .service
        .and_then(|name| Some((name, scope.services.get(name)?)));
    match (principal.purpose, service) {
        (Purpose::Ci, _) => {
            let role = match scope.registry.mode {
                RegistryMode::Create => "roles/artifactregistry.writer",
                RegistryMode::Reference => "roles/artifactregistry.reader",
            };
            grants.add(role, repository(scope));
            if scope.options.scan_results {
                grants.on_project("roles/containeranalysis.occurrences.viewer");
            }
        }
        (Purpose::Deploy, _) => {
            if let Some(cluster) = &scope.cluster {
                grants.all.push(Grant {
                    resource: Resource::Project(scope.project.clone()),
                    role: "roles/container.clusterViewer".to_owned(),
                    member: grants.member.clone(),
                    condition: Some(only_cluster(cluster)),
                });
            }
            grants.add("roles/artifactregistry.reader", repository(scope));
        }
        (Purpose::Runtime, Some((name, service))) => {
            grants.folder(VIEWER, Bucket::Models, &format!("{name}/"));
            grants.folder(CREATOR, Bucket::Predictions, &format!("{name}/"));
            grants.secrets(service, Purpose::Runtime);
            if scope.options.runtime_telemetry {
                grants.on_project("roles/monitoring.metricWriter");
                grants.on_project("roles/cloudtrace.agent");
            }
        }
        (Purpose::Drift, Some((name, service))) => {
            grants.folder(VIEWER, Bucket::Data, &format!("{name}/reference/"));
            grants.folder(VIEWER, Bucket::Predictions, &format!("{name}/"));
            grants.folder(CREATOR, Bucket::Reports, &format!("{name}/"));
            grants.on_project("roles/monitoring.metricWriter");
            if scope.options.metrics_read {
                let role = format!("projects/{}/roles/{METRICS_READER}", scope.project);
                grants.on_project(&role);
            }
            grants.secrets(service, Purpose::Drift);
        }
        (Purpose::Retrain, Some((name, service))) => {
            for bucket in [Bucket::Data, Bucket::Predictions, Bucket::Models, Bucket::Mlflow] {
                grants.folder(VIEWER, bucket, &format!("{name}/"));
            }
            grants.folder(CREATOR, Bucket::Models, &format!("{name}/versions/"));
            let records = if scope.options.mutable_records {
                "roles/storage.objectUser"
            } else {
                CREATOR
            };
            grants.folder(records, Bucket::Mlflow, &format!("{name}/"));
            grants.secrets(service, Purpose::Retrain);
        }
        (Purpose::Node, _) => {
            grants.on_project("roles/container.defaultNodeServiceAccount");
            grants.add("roles/artifactregistry.reader", repository(scope));
        }
        (Purpose::Runtime | Purpose::Drift | Purpose::Retrain, None) => {}
    }
    for added in scope
        .additional_permissions
        .get(&principal.purpose)
        .into_iter()
        .flatten()
    {
        let AdditionalRole {
            role,
            resource,
            condition,
            ..
        } = added.clone();
        grants.all.push(Grant {
            resource,
            role,
            member: grants.member.clone(),
            condition,
        });
    }
    grants.all
}

/// Clusters have no policy of their own, so the project's binding is narrowed to this one.
fn only_cluster(cluster: &str) -> Condition {
    Condition {
        title: "only this environment's cluster".to_owned(),
        expression: format!(
            "resource.type == \"container.googleapis.com/Cluster\" && resource.name == \"{cluster}\""
        ),
    }
}

fn repository(scope: &Scope) -> Resource {
    Resource::Repository(scope.registry.prefix.clone())
}

struct Grants<'a> {
    scope: &'a Scope,
    member: String,
    all: Vec<Grant>,
}

impl Grants<'_> {
    fn add(&mut self, role: &str, resource: Resource) {
        self.all.push(Grant {
            resource,
            role: role.to_owned(),
            member: self.member.clone(),
            condition: None,
        });
    }

    fn on_project(&mut self, role: &str) {
        self.add(role, Resource::Project(self.scope.project.clone()));
    }

    fn folder(&mut self, role: &str, bucket: Bucket, prefix: &str) {
        if let Some(name) = self.scope.buckets.get(&bucket) {
            self.add(
                role,
                Resource::Folder {
                    bucket: name.clone(),
                    prefix: prefix.to_owned(),
                },
            );
        }
    }

    fn secrets(&mut self, service: &Service, purpose: Purpose) {
        for id in service.secrets_of(purpose) {
            self.add(
                "roles/secretmanager.secretAccessor",
                Resource::Secret(id.to_owned()),
            );
        }
    }
}

/// What none of the five may do, whoever grants it. Setting it needs the organisation's Deny Admin, so it is optional.
#[must_use]
pub fn deny_rule(scope: &Scope) -> DenyRule {
    let five = scope
        .accounts
        .iter()
        .filter(|((purpose, _), _)| *purpose != Purpose::Node);
    DenyRule {
        principals: five
            .map(|(_, email)| format!("principal://iam.googleapis.com/projects/-/serviceAccounts/{email}"))
            .collect(),
        permissions: [
            "iam.googleapis.com/serviceAccountKeys.create",
            "iam.googleapis.com/serviceAccounts.setIamPolicy",
            "cloudresourcemanager.googleapis.com/projects.setIamPolicy",
            "storage.googleapis.com/buckets.setIamPolicy",
            "container.googleapis.com/clusters.update",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..DenyRule::default()
    }
}
