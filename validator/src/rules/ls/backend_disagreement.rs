//! # LS15 backend-disagreement
//!
//! Rejects evidence that disagrees: the saved plan keeps its state elsewhere than the source or the data directory says, or
//! the operator claims another backend than is written.
//!
//! ## Why
//!
//! Somebody reviewed one backend and will apply to another: an override file, a stale plan, or the wrong directory.
//!
//! ## Bad
//!
//! A directory whose `backend.tf` says `s3` and whose `backend_override.tf` says `local`, with the plan made of it; or
//!
//! ```hcl
//! # tfplan-check --backend s3
//! terraform {
//!   backend "local" {}
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
//! All evidence about the backend: saved plan, data directory, source, claim.
//!
//! ## Limits
//!
//! Types are compared, and of the same type bucket, key, prefix, path and address where both know them.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/files/override>

use crate::backend::{Backend, Evidence};
use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct BackendDisagreement;

static META: Meta = Meta {
    code: "LS15",
    name: "backend-disagreement",
    family: Family::StateBackend,
    level: Level::Error,
    title: "evidence about the backend disagrees",
    why: "one backend was reviewed and another will be used: an override file, a stale plan, or the wrong directory",
    invariants: &["D-10"],
    since: "0.1.0",
    source: include_str!("backend_disagreement.rs"),
};

fn differs(a: &Backend, b: &Backend) -> Option<&'static str> {
    ["bucket", "key", "prefix", "path", "address", "organization"]
        .into_iter()
        .find(|s| match (a.config.get(s).as_str(), b.config.get(s).as_str()) {
            (Some(x), Some(y)) => x != y,
            _ => false,
        })
}

impl Rule for BackendDisagreement {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn backend(&self, _: &Context<'_>, evidence: &Evidence, out: &mut Findings<'_>) {
        let Some(decided) = evidence.decided() else { return };
        for other in evidence.disagreeing() {
            // `cloud` and `remote` are two ways to write the same.
            if matches!(
                (decided.kind.as_str(), other.kind.as_str()),
                ("cloud", "remote") | ("remote", "cloud")
            ) {
                continue;
            }
            out.report(Place::backend(""), format!("{} says `{}`, {} says `{}`", decided.source, decided.kind, other.source, other.kind))
                .fix("# remove the override, plan again in the reviewed directory, and give the plan that will be applied");
        }
        for other in evidence.found.iter().skip(1).filter(|b| b.kind == decided.kind) {
            if let Some(setting) = differs(decided, other) {
                out.report(
                    Place::backend(setting),
                    format!(
                        "{} and {} name different values of `{setting}`",
                        decided.source, other.source
                    ),
                )
                .fix("# plan again in the reviewed directory, and give the plan that will be applied");
            }
        }
    }
}
