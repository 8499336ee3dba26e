//! # SK05 google-provider-credentials
//!
//! Rejects `credentials` and `access_token` in a `provider "google"` (or `google-beta`) block: a key file read with `file()`, its
//! content in a literal or variable, a token. The path of a file is a warning: that file may be a federation configuration.
//!
//! ## Why
//!
//! What stands in a provider block is a key in the code, in the plan, or in a file beside it.
//!
//! ## Bad
//!
//! ```hcl
//! variable "gcp_key" {
//!   type    = string
//!   default = "{}"
//! }
//!
//! provider "google" {
//!   project     = "acme-ml"
//!   credentials = var.gcp_key
//! }
//!
//! resource "google_pubsub_topic" "retrain" {
//!   name = "retrain"
//! }
//! ```
//!
//! ## Good
//!
//! Application default credentials, in CI those of workload identity federation, and an account to impersonate.
//!
//! ```hcl
//! provider "google" {
//!   project                     = "acme-ml"
//!   impersonate_service_account = "provisioner@acme-ml.iam.gserviceaccount.com"
//! }
//!
//! resource "google_pubsub_topic" "retrain" {
//!   name = "retrain"
//! }
//! ```
//!
//! ## Reads
//!
//! Providers `google` and `google-beta`: `credentials`, `access_token`.
//!
//! ## Limits
//!
//! A plan shows that a function is called, not which file it reads. `GOOGLE_CREDENTIALS` in the environment is not in a plan.
//!
//! ## References
//!
//! - <https://registry.terraform.io/providers/hashicorp/google/latest/docs/guides/provider_reference#authentication>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Provider;
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct GoogleProviderCredentials;

static META: Meta = Meta {
    code: "SK05",
    name: "google-provider-credentials",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "static credentials in a google provider block",
    why: "a key in a provider block is a key in the code, in the plan or in a file beside it",
    invariants: &["D-18", "D-17"],
    since: "0.1.0",
    source: include_str!("google_provider_credentials.rs"),
};

impl Rule for GoogleProviderCredentials {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn provider(&self, cx: &Context<'_>, provider: &Provider<'_>, out: &mut Findings<'_>) {
        if !matches!(&*provider.name, "google" | "google-beta") {
            return;
        }
        for argument in ["credentials", "access_token"] {
            let e = provider.expressions.get(argument);
            let Some(how) = super::provider::written(cx, provider, e) else {
                continue;
            };
            let constant = e.constant().and_then(|v| v.as_str());
            if argument == "credentials" && constant.is_some_and(|c| c.contains("\"external_account\"")) {
                continue;
            }
            let path =
                argument == "credentials" && constant.is_some_and(|c| !c.trim_start().starts_with('{'));
            let finding = out.report(
                provider.at(argument),
                format!(
                    "`{argument}` of provider {} is {}",
                    provider.key,
                    if path { "the path of a file" } else { &how }
                ),
            );
            if path {
                finding
                    .level(Level::Warning)
                    .why("unless that file is a federation configuration, it is a key beside the code");
            }
            finding.fix(format!(
                "provider \"{}\" {{{}\n  impersonate_service_account = \"<account of this pipeline>\" # application default credentials, in CI from workload identity federation\n}}",
                provider.name,
                provider.alias.as_ref().map(|a| format!("\n  alias = \"{a}\"")).unwrap_or_default(),
            ));
        }
    }
}
