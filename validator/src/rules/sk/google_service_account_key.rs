//! # SK03 google-service-account-key
//!
//! Rejects `google_service_account_key` (a JSON key file) and `google_storage_hmac_key`. A key made elsewhere and only uploaded
//! (`public_key_data`) is a warning: its private half is not in the state, and still never expires.
//!
//! ## Why
//!
//! The key works until somebody deletes it, from anywhere, for anybody who has a copy; and its private half stands in the Terraform state.
//!
//! ## Bad
//!
//! ```hcl
//! resource "google_service_account" "ci" {
//!   account_id = "ci"
//! }
//!
//! resource "google_service_account_key" "ci" {
//!   service_account_id = google_service_account.ci.name
//! }
//! ```
//!
//! ```hcl
//! resource "google_storage_hmac_key" "uploader" {
//!   service_account_email = "uploader@acme-ml.iam.gserviceaccount.com"
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
//! resource "google_service_account_iam_member" "ci" {
//!   service_account_id = google_service_account.ci.name
//!   role               = "roles/iam.workloadIdentityUser"
//!   member             = "principalSet://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/mlops-dev/attribute.gate/4711/env/gcp-dev"
//! }
//! ```
//!
//! ## Reads
//!
//! `google_service_account_key`: `service_account_id`, `public_key_data`. `google_storage_hmac_key`: `service_account_email`, `state`.
//!
//! ## Limits
//!
//! Keys made outside Terraform are not in a plan; the organisation policy `iam.disableServiceAccountKeyCreation` forbids them (SK16).
//!
//! ## References
//!
//! - <https://cloud.google.com/iam/docs/best-practices-for-managing-service-account-keys>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct GoogleServiceAccountKey;

static META: Meta = Meta {
    code: "SK03",
    name: "google-service-account-key",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "key of a Google service account",
    why: "a service account key has no expiry, works from anywhere for whoever has a copy, and its private half is kept in the state",
    invariants: &["D-18"],
    since: "0.1.0",
    source: include_str!("google_service_account_key.rs"),
};

impl Rule for GoogleServiceAccountKey {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &["google_service_account_key", "google_storage_hmac_key"]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let hmac = &*r.kind == "google_storage_hmac_key";
        let argument = if hmac {
            "service_account_email"
        } else {
            "service_account_id"
        };
        let accounts = cx.targets(r, argument);
        let account = accounts
            .first()
            .map(|a| a.address.to_string())
            .or_else(|| {
                values
                    .get(argument)
                    .as_str()
                    .map(|s| s.rsplit('/').next().unwrap_or(s).to_owned())
            })
            .unwrap_or_else(|| r.name.to_string());
        let what = if hmac { "HMAC key" } else { "key" };
        let uploaded = !hmac && !values.get("public_key_data").is_null() && cx.is_set(r, "public_key_data");
        let finding = out.report(r.at(""), format!("{what} of service account `{account}`"));
        finding.fix(format!(
            "# remove {}; let the workload use the account without a key\nresource \"google_service_account_iam_member\" \"{name}\" {{\n  service_account_id = {id}\n  role               = \"roles/iam.workloadIdentityUser\"\n  member             = \"principalSet://iam.googleapis.com/<pool>/attribute.gate/<repository id>/env/<environment>\" # or serviceAccount:<project>.svc.id.goog[<namespace>/<account>]\n}}",
            r.address,
            name = r.name,
            id = accounts.first().map_or_else(|| format!("\"{account}\""), |a| format!("{}.name", a.address)),
        ));
        if uploaded {
            finding.level(Level::Warning).why("the private half of an uploaded key is elsewhere, and works there without an expiry for whoever has a copy");
        }
        if values.get("state").as_str() == Some("INACTIVE") {
            finding.level(Level::Warning);
        }
        for account in accounts {
            finding.related(account.at(""), "the account is declared here");
        }
    }
}
