//! # LS01 local-backend
//!
//! Rejects state on the machine that runs Terraform: no `backend` or `cloud` block, or `backend "local"`, whatever its `path` leads to (a
//! mounted share, a directory under version control). What counts is the backend that will really be used, so an override file or a
//! migrated data directory does not hide it.
//!
//! ## Why
//!
//! A local state has no lock, no history and no access control, and it holds every secret of the environment in clear text.
//!
//! ## Bad
//!
//! ```hcl
//! terraform {
//!   backend "local" {
//!     path = "terraform.tfstate"
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! terraform {
//!   backend "s3" {
//!     bucket       = "acme-prod-tfstate"
//!     key          = "churn/prod/terraform.tfstate"
//!     region       = "eu-west-1"
//!     encrypt      = true
//!     kms_key_id   = "alias/tfstate"
//!     use_lockfile = true
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! The saved plan, the data directory, `terraform { backend … }` and `terraform { cloud … }` in the source, in this order.
//!
//! ## Limits
//!
//! Plan JSON does not say where the state is: give the saved plan (`tfplan-check plan.bin`) or the directory (`--root`). `-state=FILE` on
//! the command line is recorded nowhere.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/backend>

use crate::backend::Evidence;
use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct LocalBackend;

static META: Meta = Meta {
    code: "LS01",
    name: "local-backend",
    family: Family::StateBackend,
    level: Level::Error,
    title: "state on the local disk",
    why: "local state has no lock, no history and no access control, and holds every secret of the environment in clear text",
    invariants: &["D-10"],
    since: "0.1.0",
    source: include_str!("local_backend.rs"),
};

impl Rule for LocalBackend {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn backend(&self, _cx: &Context<'_>, evidence: &Evidence, out: &mut Findings<'_>) {
        let Some(backend) = evidence.decided().filter(|b| b.is_local()) else {
            return;
        };
        let set = |name| backend.config.get(name).as_str().filter(|p| !p.is_empty());
        let what = match set("path").or_else(|| set("workspace_dir")) {
            _ if backend.no_block => {
                "no backend is configured: state is written to the local disk".to_owned()
            }
            Some(path) if path != "terraform.tfstate" => format!(
                "the state is kept by the local backend at `{path}`: a path is not a lock, a history or an access control, wherever it leads"
            ),
            _ => "the state is kept by the local backend".to_owned(),
        };
        out.report(Place::backend(""), format!("{what} (known from {})", backend.source)).fix(
            "terraform {\n  backend \"s3\" { # or \"gcs\"\n    bucket       = \"<your state bucket>\"\n    key          = \"<environment>/terraform.tfstate\"\n    region       = \"<region>\"\n    encrypt      = true\n    use_lockfile = true\n  }\n}",
        );
    }
}
