//! # LS03 unlocked-backend
//!
//! Rejects backends on which two applies can run at the same time: `s3` without `use_lockfile` or a lock table, `http` without
//! `lock_address`. A lock table alone is a warning: it is deprecated in favour of the lock file.
//!
//! ## Why
//!
//! Two applies at once corrupt the state, and what one of them made is forgotten.
//!
//! ## Bad
//!
//! ```hcl
//! terraform {
//!   backend "http" {
//!     address = "https://state.acme.example/prod"
//!   }
//! }
//! ```
//!
//! ```hcl
//! terraform {
//!   backend "s3" {
//!     bucket       = "acme-tfstate"
//!     key          = "prod/terraform.tfstate"
//!     region       = "eu-west-1"
//!     use_lockfile = false
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! terraform {
//!   backend "s3" {
//!     bucket       = "acme-tfstate"
//!     key          = "prod/terraform.tfstate"
//!     region       = "eu-west-1"
//!     encrypt      = true
//!     use_lockfile = true
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! The backend: `use_lockfile`, `dynamodb_table`, `lock_address`.
//!
//! ## Limits
//!
//! From the source alone settings may be missing that `-backend-config` gives. A block that names its bucket and key and no lock is
//! taken as it is written; where more of it is missing the result is undecided. `-lock=false` on the command line is recorded nowhere.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/backend/s3#state-locking>

use super::settings::{Setting, compliant, is_whole, setting};
use crate::backend::Evidence;
use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct UnlockedBackend;

static META: Meta = Meta {
    code: "LS03",
    name: "unlocked-backend",
    family: Family::StateBackend,
    level: Level::Error,
    title: "backend without a lock",
    why: "two applies at once corrupt the state, and what one of them made is forgotten",
    invariants: &["D-10"],
    since: "0.1.0",
    source: include_str!("unlocked_backend.rs"),
};

impl Rule for UnlockedBackend {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn backend(&self, _: &Context<'_>, evidence: &Evidence, out: &mut Findings<'_>) {
        let Some(backend) = evidence.decided() else { return };
        match backend.kind.as_str() {
            "s3" => {
                let lockfile = match setting(backend, "use_lockfile") {
                    Setting::Given(v) => v.as_bool(),
                    _ => None,
                };
                let table = matches!(setting(backend, "dynamodb_table"), Setting::Given(_))
                    || matches!(setting(backend, "dynamodb_endpoint"), Setting::Given(_));
                match (lockfile, table) {
                    (Some(true), _) => {}
                    (_, true) => {
                        out.report(Place::backend("dynamodb_table"), "the lock table of the s3 backend is deprecated, and one more thing to protect").level(Level::Warning).why("the s3 backend locks by itself since Terraform 1.10; a table adds a second place with its own permissions").fix(compliant(Some(backend)));
                    }
                    (Some(false), false) => {
                        out.report(Place::backend("use_lockfile"), "the s3 backend does not lock")
                            .fix(compliant(Some(backend)));
                    }
                    (None, false) if is_whole(backend) => {
                        out.report(
                            Place::backend(""),
                            "the s3 backend does not lock: neither `use_lockfile` nor a lock table is set",
                        )
                        .fix(compliant(Some(backend)));
                    }
                    (None, false) => {
                        out.undecided(Place::backend(""), "whether the s3 backend locks is not known: its settings are given outside of the source; pass the saved plan");
                    }
                }
            }
            "http" => match setting(backend, "lock_address") {
                Setting::Given(_) => {}
                _ if is_whole(backend) => {
                    let address = backend
                        .config
                        .get("address")
                        .as_str()
                        .unwrap_or("<address>")
                        .to_owned();
                    out.report(Place::backend("lock_address"), "the http backend does not lock: it has no `lock_address`")
                        .fix(format!("terraform {{\n  backend \"http\" {{\n    address        = \"{address}\"\n    lock_address   = \"{address}/lock\"\n    unlock_address = \"{address}/lock\"\n  }}\n}}"));
                }
                _ => {
                    out.undecided(Place::backend(""), "whether the http backend locks is not known: its settings are given outside of the source; pass the saved plan");
                }
            },
            "consul" if backend.config.get("lock").as_bool() == Some(false) => {
                out.report(Place::backend("lock"), "the consul backend does not lock")
                    .fix("terraform {\n  backend \"consul\" {\n    lock = true\n  }\n}");
            }
            _ => {}
        }
    }
}
