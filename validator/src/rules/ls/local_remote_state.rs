//! # LS06 local-remote-state
//!
//! Rejects `terraform_remote_state` that reads a file on the disk (`backend = "local"`), holds credentials in its `config`, or reads
//! the state of another environment.
//!
//! ## Why
//!
//! It proves that a state lies on a disk, and reading another configuration's state means reading every secret in it.
//!
//! ## Bad
//!
//! ```hcl
//! data "terraform_remote_state" "network" {
//!   backend = "local"
//!   config = {
//!     path = "../network/terraform.tfstate"
//!   }
//! }
//!
//! output "vpc" {
//!   value = data.terraform_remote_state.network.outputs
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! data "aws_ssm_parameter" "vpc" {
//!   name = "/network/prod/vpc-id"
//! }
//! ```
//!
//! ## Reads
//!
//! `data.terraform_remote_state`: `backend`, `config`; the configuration too, since a state that was read while planning is in
//! the plan's prior state only.
//!
//! ## Limits
//!
//! "Another environment" is told by words (`dev`, `test`, `staging`, `prod`) in bucket, key and prefix against those of the plan's own backend.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/state/remote-state-data>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::{Path, Value};

/// See the page above.
pub(super) struct LocalRemoteState;

static META: Meta = Meta {
    code: "LS06",
    name: "local-remote-state",
    family: Family::StateBackend,
    level: Level::Error,
    title: "state read from a local file or of another environment",
    why: "a state on a disk has no lock, no history and no access control, and whoever reads one reads every secret in it",
    invariants: &["D-10"],
    since: "0.1.0",
    source: include_str!("local_remote_state.rs"),
};

impl Rule for LocalRemoteState {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &["data.terraform_remote_state"]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let fix = format!(
            "# publish what is needed and read only that\ndata \"aws_ssm_parameter\" \"{n}\" {{ # or data \"google_secret_manager_secret_version\", or the outputs of data \"mlops_environment\"\n  name = \"/{n}/<what is needed>\"\n}}",
            n = r.name
        );
        let backend = cx.resolve(r, values, "backend").into_owned();
        match backend.as_str() {
            Some("local") => {
                out.report(r.at("backend"), "reads a state from the local disk")
                    .fix(fix);
                return;
            }
            None if backend.is_unknown() => {
                out.undecided(
                    r.at("backend"),
                    "which backend this state is read from is not known",
                );
            }
            _ => {}
        }
        let config = cx.resolve(r, values, "config").into_owned();
        for (path, leaf, _) in config.leaves() {
            let name = path.last_name().unwrap_or_default();
            if matches!(
                name,
                "access_key"
                    | "secret_key"
                    | "token"
                    | "password"
                    | "credentials"
                    | "access_token"
                    | "sas_token"
            ) && !leaf.is_empty()
            {
                out.report(
                    r.at(Path::from("config").join(&path)),
                    format!("`{name}` for reading a state is a static credential"),
                )
                .fix(fix.clone());
            }
        }
        let theirs = ["key", "prefix", "bucket", "path"]
            .iter()
            .find_map(|k| cx.environment(config.get(k).as_str()?));
        let own = cx.backend.decided().and_then(|b| {
            ["key", "prefix", "bucket"]
                .iter()
                .find_map(|k| cx.environment(b.config.get(k).as_str()?))
        });
        if let (Some(theirs), Some(own)) = (theirs, own)
            && theirs != own
        {
            out.report(
                r.at("config"),
                format!("an environment `{own}` reads the state of `{theirs}`"),
            )
            .level(Level::Warning)
            .fix(fix)
            .why("nothing should cross between environments, least of all a state with every secret in it");
        }
    }
}
