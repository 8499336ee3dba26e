//! # MI04 gcp-broad-role
//!
//! Rejects roles on Google Cloud that are too broad where they are given: basic roles (`owner`, `editor`; `viewer` is a warning),
//! `*.admin` and impersonation roles at project, folder or organisation, and roles given to the whole project that could be given
//! on one bucket, secret or repository (a warning; an error for those that read secrets or write and delete objects).
//!
//! ## Why
//!
//! What is given on a project is given on everything in it, today's and tomorrow's, of every environment that shares it.
//!
//! ## Bad
//!
//! ```hcl
//! resource "google_project_iam_member" "ci" {
//!   project = "acme-ml"
//!   role    = "roles/editor"
//!   member  = "serviceAccount:ci@acme-ml.iam.gserviceaccount.com"
//! }
//! ```
//!
//! ```hcl
//! resource "google_service_account" "ci" {
//!   account_id = "ci"
//! }
//!
//! resource "google_project_iam_member" "ci" {
//!   for_each = toset(["roles/storage.admin", "roles/iam.serviceAccountUser"])
//!   project  = "acme-ml"
//!   role     = each.value
//!   member   = "serviceAccount:${google_service_account.ci.email}"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "google_service_account" "ci" {
//!   account_id = "ci"
//! }
//!
//! resource "google_artifact_registry_repository_iam_member" "ci" {
//!   project    = "acme-ml"
//!   location   = "europe-west1"
//!   repository = "dev"
//!   role       = "roles/artifactregistry.writer"
//!   member     = "serviceAccount:${google_service_account.ci.email}"
//! }
//!
//! resource "google_project_iam_member" "logs" {
//!   project = "acme-ml"
//!   role    = "roles/logging.logWriter"
//!   member  = "serviceAccount:${google_service_account.ci.email}"
//! }
//! ```
//!
//! ## Reads
//!
//! Every `google_…_iam_member`, `_binding` and `_policy`.
//!
//! ## Limits
//!
//! A condition on `resource.name` narrows and is silent. For people (`user:`, `group:`, `domain:`) an error is a warning, and a warning a note. Google's
//! own service agents are left alone. Custom roles are judged by their permissions (MI13).
//!
//! ## References
//!
//! - <https://cloud.google.com/iam/docs/using-iam-securely>

use super::fix;
use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Grant, Graph};
use crate::rules::{Meta, Rule};
use crate::source::UNKNOWN_TEXT;

/// See the page above.
pub(super) struct GcpBroadRole;

static META: Meta = Meta {
    code: "MI04",
    name: "gcp-broad-role",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "role that is too broad where it is given",
    why: "what is given on a project is given on everything in it, today's and tomorrow's, of every environment that shares it",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("gcp_broad_role.rs"),
};

const IMPERSONATION: &[&str] = &[
    "roles/iam.serviceAccountUser",
    "roles/iam.serviceAccountTokenCreator",
    "roles/iam.workloadIdentityUser",
    "roles/iam.serviceAccountKeyAdmin",
    "roles/iam.serviceAccountOpenIdTokenCreator",
];

/// Roles without `admin` in their name that are as broad.
const AS_BROAD: &[&str] = &[
    "roles/container.developer",
    "roles/cloudbuild.builds.editor",
    "roles/deploymentmanager.editor",
    "roles/composer.worker",
    "roles/dataflow.developer",
    "roles/notebooks.runner",
];

/// Given on the whole project although the thing itself can carry them: what they reach, the resource to write instead.
const ON_THE_THING: &[(&str, Level, &str)] = &[
    (
        "roles/storage.objectAdmin",
        Level::Error,
        "google_storage_bucket_iam_member",
    ),
    (
        "roles/storage.objectUser",
        Level::Error,
        "google_storage_bucket_iam_member",
    ),
    (
        "roles/storage.objectCreator",
        Level::Warning,
        "google_storage_bucket_iam_member",
    ),
    (
        "roles/storage.objectViewer",
        Level::Warning,
        "google_storage_bucket_iam_member",
    ),
    (
        "roles/storage.legacyBucketWriter",
        Level::Warning,
        "google_storage_bucket_iam_member",
    ),
    (
        "roles/secretmanager.secretAccessor",
        Level::Error,
        "google_secret_manager_secret_iam_member",
    ),
    (
        "roles/secretmanager.secretVersionAdder",
        Level::Warning,
        "google_secret_manager_secret_iam_member",
    ),
    (
        "roles/secretmanager.viewer",
        Level::Warning,
        "google_secret_manager_secret_iam_member",
    ),
    (
        "roles/artifactregistry.writer",
        Level::Warning,
        "google_artifact_registry_repository_iam_member",
    ),
    (
        "roles/artifactregistry.reader",
        Level::Note,
        "google_artifact_registry_repository_iam_member",
    ),
    (
        "roles/artifactregistry.repoAdmin",
        Level::Error,
        "google_artifact_registry_repository_iam_member",
    ),
    (
        "roles/pubsub.publisher",
        Level::Warning,
        "google_pubsub_topic_iam_member",
    ),
    (
        "roles/pubsub.subscriber",
        Level::Warning,
        "google_pubsub_subscription_iam_member",
    ),
    (
        "roles/pubsub.editor",
        Level::Warning,
        "google_pubsub_topic_iam_member",
    ),
    (
        "roles/run.invoker",
        Level::Warning,
        "google_cloud_run_v2_service_iam_member",
    ),
    (
        "roles/cloudkms.cryptoKeyEncrypterDecrypter",
        Level::Warning,
        "google_kms_crypto_key_iam_member",
    ),
    (
        "roles/cloudkms.cryptoKeyDecrypter",
        Level::Warning,
        "google_kms_crypto_key_iam_member",
    ),
    (
        "roles/bigquery.dataEditor",
        Level::Warning,
        "google_bigquery_dataset_iam_member",
    ),
    (
        "roles/bigquery.dataViewer",
        Level::Warning,
        "google_bigquery_dataset_iam_member",
    ),
    (
        "roles/bigquery.dataOwner",
        Level::Error,
        "google_bigquery_dataset_iam_member",
    ),
];

fn is_person(member: &str) -> bool {
    ["user:", "group:", "domain:"]
        .iter()
        .any(|p| member.starts_with(p))
}

fn is_service_agent(member: &str) -> bool {
    member.contains("@gcp-sa-")
        || member.contains("@cloudservices.gserviceaccount.com")
        || member.contains("@container-engine-robot.")
        || member.contains("@compute-system.")
        || member.contains(".iam.gserviceaccount.com") && member.starts_with("serviceAccount:service-")
}

/// A condition that names the resource really narrows; one on time or on the type alone does not.
fn narrows(condition: Option<&str>) -> bool {
    condition.is_some_and(|c| c.contains("resource.name") || c.contains("resource.matchTag"))
}

fn judge(role: &str, wide: bool) -> Option<(Level, String, Option<&'static str>)> {
    match role {
        "roles/owner" | "roles/editor" => {
            return Some((Level::Error, format!("gives the basic role `{role}`"), None));
        }
        "roles/viewer" => {
            return Some((
                Level::Warning,
                "gives the basic role `roles/viewer`: it reads nearly everything".to_owned(),
                None,
            ));
        }
        _ => {}
    }
    if !wide {
        return None;
    }
    if IMPERSONATION.contains(&role) {
        return Some((
            Level::Error,
            format!("gives `{role}` on everything: its holder can become every service account there"),
            Some("google_service_account_iam_member"),
        ));
    }
    if let Some((_, level, instead)) = ON_THE_THING.iter().find(|(r, _, _)| *r == role) {
        return Some((
            *level,
            format!("gives `{role}` on everything where one thing would do"),
            Some(instead),
        ));
    }
    let name = role.rsplit('/').next().unwrap_or(role);
    let admin = name
        .split('.')
        .next_back()
        .is_some_and(|n| n == "admin" || n.ends_with("Admin"))
        || matches!(
            name,
            "resourcemanager.projectIamAdmin" | "iam.securityAdmin" | "resourcemanager.organizationAdmin"
        );
    if role.starts_with("roles/") && (admin || AS_BROAD.contains(&role)) {
        return Some((
            Level::Error,
            format!("gives `{role}` on everything of the service"),
            None,
        ));
    }
    None
}

impl Rule for GcpBroadRole {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn grant(&self, _: &Context<'_>, _: &Graph, grant: &Grant, out: &mut Findings<'_>) {
        if grant.role.contains(UNKNOWN_TEXT) {
            if grant.scope.is_wide() {
                out.undecided(
                    grant.place.clone(),
                    format!(
                        "which role is given on the {} is not known before apply",
                        grant.scope.kind
                    ),
                );
            }
            return;
        }
        if narrows(grant.condition.as_deref()) {
            return;
        }
        let Some((mut level, what, instead)) = judge(&grant.role, grant.scope.is_wide()) else {
            return;
        };
        let members: Vec<&str> = grant
            .members
            .iter()
            .map(|m| m.text.as_str())
            .filter(|m| !is_service_agent(m))
            .collect();
        if members.is_empty() && !grant.members.is_empty() {
            return;
        }
        if !members.is_empty() && members.iter().all(|m| is_person(m)) {
            level = if level == Level::Error {
                Level::Warning
            } else {
                Level::Note
            };
        }
        let name = fix::name_of(&grant.place);
        let on = if grant.scope.is_wide() {
            format!(" (on the {})", grant.scope.kind)
        } else {
            String::new()
        };
        let finding = out.report(grant.place.clone(), format!("{what}{on}"));
        finding.level(level).fix(match instead {
            Some("google_service_account_iam_member") => format!(
                "resource \"google_service_account_iam_member\" \"{name}\" {{\n  service_account_id = google_service_account.<the one account>.name\n  role               = \"{}\"\n  member             = <the same member>\n}}",
                grant.role
            ),
            Some(kind) => format!("resource \"{kind}\" \"{name}\" {{\n  # the one bucket, secret, repository, … that it needs\n  role   = \"{}\"\n  member = <the same member>\n}}", grant.role),
            None => format!("# {}: the roles of one purpose, each on the thing itself, such as\nresource \"google_storage_bucket_iam_member\" \"{name}\" {{\n  bucket = google_storage_bucket.<bucket>.name\n  role   = \"roles/storage.objectViewer\"\n  member = <the same member>\n}}", grant.place.address),
        });
    }
}
