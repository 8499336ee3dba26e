//! # MI05 gcp-authoritative-policy
//!
//! Rejects authoritative grants at project, folder or organisation: `google_project_iam_policy` (replaces everything) and
//! `google_project_iam_binding` (replaces all members of a role).
//!
//! ## Why
//!
//! An apply silently removes everybody whom this configuration does not know, Google's own service agents included.
//!
//! ## Bad
//!
//! ```hcl
//! resource "google_project_iam_binding" "logs" {
//!   project = "acme-ml"
//!   role    = "roles/logging.logWriter"
//!   members = ["serviceAccount:node@acme-ml.iam.gserviceaccount.com"]
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "google_project_iam_member" "logs" {
//!   project = "acme-ml"
//!   role    = "roles/logging.logWriter"
//!   member  = "serviceAccount:node@acme-ml.iam.gserviceaccount.com"
//! }
//! ```
//!
//! ## Reads
//!
//! `google_project_iam_policy`, `google_project_iam_binding`, the same of folders and organisations.
//!
//! ## Limits
//!
//! On a bucket, secret or account of one's own an authoritative grant is a good way to keep it exclusive, and is not reported.
//!
//! ## References
//!
//! - <https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/google_project_iam>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct GcpAuthoritativePolicy;

static META: Meta = Meta {
    code: "MI05",
    name: "gcp-authoritative-policy",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "authoritative grants on a project",
    why: "an apply silently removes everybody whom this configuration does not know, Google's own service agents included",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("gcp_authoritative.rs"),
};

impl Rule for GcpAuthoritativePolicy {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &[
            "google_project_iam_policy",
            "google_project_iam_binding",
            "google_folder_iam_policy",
            "google_folder_iam_binding",
            "google_organization_iam_policy",
            "google_organization_iam_binding",
        ]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let scope = r
            .kind
            .trim_start_matches("google_")
            .split("_iam_")
            .next()
            .unwrap_or("project")
            .to_owned();
        let role = cx
            .resolve(r, values, "role")
            .as_str()
            .unwrap_or("<role>")
            .to_owned();
        let what = if r.kind.ends_with("_policy") {
            format!("replaces every grant of the {scope}")
        } else {
            format!("replaces every member of `{role}` on the {scope}")
        };
        out.report(r.at(""), what).fix(format!("resource \"google_{scope}_iam_member\" \"{}\" {{ # one for each member\n  {scope} = <the {scope}>\n  role    = \"{role}\"\n  member  = <one member>\n}}", r.name));
    }
}
