//! # LS09 shared-state
//!
//! Rejects a state that is kept apart from other environments' only by a workspace: same bucket, same key, same credentials.
//!
//! ## Why
//!
//! Whoever may apply to dev may apply to prod; one forgotten `terraform workspace select` does it by accident.
//!
//! ## Bad
//!
//! ```hcl
//! data "terraform_remote_state" "prod" {
//!   backend   = "s3"
//!   workspace = "prod"
//!   config = {
//!     bucket = "acme-tfstate"
//!     key    = "platform/terraform.tfstate"
//!     region = "eu-west-1"
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! terraform {
//!   backend "s3" {
//!     bucket       = "acme-tfstate-prod"
//!     key          = "platform/terraform.tfstate"
//!     region       = "eu-west-1"
//!     encrypt      = true
//!     use_lockfile = true
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! The backend: workspace, bucket, key, prefix. `data.terraform_remote_state`: `workspace`.
//!
//! ## Limits
//!
//! A workspace counts when its name is that of an environment. Two plans of different environments with the same bucket and key are
//! told only when both are given. HCP Terraform's workspaces have permissions of their own and are left alone.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/cli/workspaces#when-not-to-use-multiple-workspaces>

use crate::backend::Evidence;
use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct SharedState;

static META: Meta = Meta {
    code: "LS09",
    name: "shared-state",
    family: Family::StateBackend,
    level: Level::Warning,
    title: "environments told apart by a workspace only",
    why: "whoever may apply to one environment may apply to the others, and one forgotten switch of the workspace does it by accident",
    invariants: &["D-10"],
    since: "0.1.0",
    source: include_str!("shared_state.rs"),
};

impl Rule for SharedState {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &["data.terraform_remote_state"]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let workspace = cx.resolve(r, values, "workspace").into_owned();
        let remote = matches!(
            cx.resolve(r, values, "backend").as_str(),
            Some("remote" | "cloud")
        );
        if workspace.is_unknown() && !remote {
            out.undecided(
                r.at("workspace"),
                "the workspace of which the state is read is not known before apply",
            );
        }
        if let Some(environment) = workspace
            .as_str()
            .and_then(|w| cx.environment(w))
            .filter(|_| !remote)
        {
            out.report(r.at("workspace"), format!("the state of `{environment}` is told apart by its workspace only")).fix("config = {\n  bucket = \"<state bucket of that environment>\"\n  key    = \"<environment>/terraform.tfstate\"\n}");
        }
    }

    fn backend(&self, cx: &Context<'_>, evidence: &Evidence, out: &mut Findings<'_>) {
        let Some(backend) = evidence.decided() else { return };
        if matches!(backend.kind.as_str(), "cloud" | "remote" | "local") {
            return;
        }
        let Some(environment) = backend.workspace.as_deref().and_then(|w| cx.environment(w)) else {
            return;
        };
        let apart = ["bucket", "key", "prefix", "container_name", "schema_name", "path"]
            .iter()
            .any(|s| backend.config.get(s).as_str().and_then(|v| cx.environment(v)) == Some(environment));
        if !apart {
            out.report(Place::backend(""), format!("the state of `{environment}` is told apart by its workspace only")).fix(format!(
                "terraform {{\n  backend \"{k}\" {{\n    bucket = \"<state bucket of {environment}>\" # entered with an identity of {environment}\n  }}\n}}",
                k = backend.kind
            ));
        }
    }
}
