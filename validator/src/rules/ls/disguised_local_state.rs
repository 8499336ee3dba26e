//! # LS02 disguised-local-state
//!
//! Rejects local state that looks remote: an `http` backend on the machine itself. Of a backend that is not known, it says that it could
//! not be decided.
//!
//! ## Why
//!
//! A server on the machine that runs Terraform keeps the state on that machine, and goes when it goes.
//!
//! ## Bad
//!
//! ```hcl
//! terraform {
//!   backend "http" {
//!     address        = "https://localhost:8080/prod"
//!     lock_address   = "https://localhost:8080/prod/lock"
//!     unlock_address = "https://localhost:8080/prod/lock"
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
//! The backend: its type, and `address`.
//!
//! ## Limits
//!
//! The local backend, wherever its path leads, is LS01. A name that leads to this machine by DNS or a tunnel is not seen.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/backend/http>

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
    why: "a server on the machine that runs Terraform keeps the state on that machine, and goes when it goes",
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
        if backend.kind == "http" {
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
        } else if !backend.is_remote() && !backend.is_local() {
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
