//! # LS02 disguised-local-state
//!
//! Rejects local state that looks like something else: the local backend with a `path` or `workspace_dir` (a mounted share, a
//! directory under version control), and an `http` backend on the machine itself.
//!
//! ## Why
//!
//! A path is not a lock, a history or an access control, wherever it leads.
//!
//! ## Bad
//!
//! ```hcl
//! terraform {
//!   backend "local" {
//!     path = "/mnt/share/prod.tfstate"
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! terraform {
//!   backend "gcs" {
//!     bucket = "acme-tfstate"
//!     prefix = "prod"
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! The backend: `path`, `workspace_dir`, `address`.
//!
//! ## Limits
//!
//! `-state=FILE` on the command line is recorded nowhere. The local backend itself is LS01.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/backend/local>

use super::settings::compliant;
use crate::backend::Evidence;
use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct DisguisedLocalState;

static META: Meta = Meta {
    code: "LS02",
    name: "disguised-local-state",
    family: Family::StateBackend,
    level: Level::Error,
    title: "local state in disguise",
    why: "a path or a server on the same machine is not a lock, a history or an access control, wherever it leads",
    invariants: &["D-10"],
    since: "0.1.0",
    source: include_str!("disguised_local_state.rs"),
};

impl Rule for DisguisedLocalState {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn backend(&self, _: &Context<'_>, evidence: &Evidence, out: &mut Findings<'_>) {
        let Some(backend) = evidence.decided() else { return };
        if backend.is_local() {
            for setting in ["path", "workspace_dir"] {
                if let Some(path) = backend.config.get(setting).as_str().filter(|p| !p.is_empty()) {
                    out.report(
                        Place::backend(setting),
                        format!("the state is written to the path `{path}`"),
                    )
                    .fix(compliant(None));
                }
            }
        } else if backend.kind == "http" {
            let here = [
                "http://localhost",
                "http://127.",
                "https://localhost",
                "https://127.",
                "http://[::1]",
                "http://0.0.0.0",
            ];
            if backend
                .config
                .get("address")
                .as_str()
                .is_some_and(|a| here.iter().any(|h| a.starts_with(h)))
            {
                out.report(
                    Place::backend("address"),
                    "the state is kept by a server on the machine itself",
                )
                .fix(compliant(None));
            }
        } else if !backend.is_remote() {
            out.undecided(
                Place::backend(""),
                format!(
                    "whether `{}` keeps the state away from this machine is not known here",
                    backend.kind
                ),
            );
        }
    }
}
