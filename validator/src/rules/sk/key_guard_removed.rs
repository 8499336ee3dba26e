//! # SK16 key-guard-removed
//!
//! Rejects organisation policies that allow what keeps static keys out: `iam.disableServiceAccountKeyCreation`,
//! `iam.disableServiceAccountKeyUpload` or `iam.managed.disableServiceAccountKeyCreation` switched off.
//!
//! ## Why
//!
//! The guard is what makes the absence of keys a fact and not a habit.
//!
//! ## Bad
//!
//! ```hcl
//! resource "google_project_organization_policy" "keys" {
//!   project    = "acme-ml"
//!   constraint = "iam.disableServiceAccountKeyCreation"
//!   boolean_policy {
//!     enforced = false
//!   }
//! }
//! ```
//!
//! ```hcl
//! resource "google_org_policy_policy" "keys" {
//!   name   = "projects/acme-ml/policies/iam.disableServiceAccountKeyCreation"
//!   parent = "projects/acme-ml"
//!   spec {
//!     rules {
//!       enforce = "FALSE"
//!     }
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "google_org_policy_policy" "keys" {
//!   name   = "projects/acme-ml/policies/iam.disableServiceAccountKeyCreation"
//!   parent = "projects/acme-ml"
//!   spec {
//!     rules {
//!       enforce = "TRUE"
//!     }
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! `google_org_policy_policy`: `name`, `spec.rules.enforce`. `google_project_organization_policy`, `google_folder_organization_policy`,
//! `google_organization_policy`: `constraint`, `boolean_policy`.
//!
//! ## Limits
//!
//! A service control policy of AWS that is detached is not told from one that is replaced.
//!
//! ## References
//!
//! - <https://cloud.google.com/resource-manager/docs/organization-policy/restricting-service-accounts>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct KeyGuardRemoved;

static META: Meta = Meta {
    code: "SK16",
    name: "key-guard-removed",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "organisation policy against keys switched off",
    why: "the policy is what makes the absence of keys a fact; without it the next key is one click away",
    invariants: &["D-18"],
    since: "0.1.0",
    source: include_str!("key_guard_removed.rs"),
};

const GUARDS: &[&str] = &[
    "iam.disableServiceAccountKeyCreation",
    "iam.disableServiceAccountKeyUpload",
    "iam.managed.disableServiceAccountKeyCreation",
    "iam.managed.disableServiceAccountKeyUpload",
];

impl Rule for KeyGuardRemoved {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &[
            "google_org_policy_policy",
            "google_project_organization_policy",
            "google_folder_organization_policy",
            "google_organization_policy",
        ]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let new = &*r.kind == "google_org_policy_policy";
        let named = cx
            .resolve(r, values, if new { "name" } else { "constraint" })
            .into_owned();
        let Some(constraint) = named
            .as_str()
            .and_then(|n| GUARDS.iter().find(|g| n.rsplit('/').next() == Some(**g)))
        else {
            return;
        };
        let switch = if new { "spec" } else { "boolean_policy" };
        let open = if new {
            let rules = values.path("spec.0.rules");
            rules.is_unknown() || rules.items().iter().any(|rule| rule.get("enforce").is_unknown())
        } else {
            values.path("boolean_policy.0.enforced").is_unknown()
        };
        if open {
            out.undecided(
                r.at(switch),
                format!("whether `{constraint}` stays on is not known before apply"),
            );
            return;
        }
        let off = if new {
            values
                .path("spec.0.rules")
                .items()
                .iter()
                .position(|rule| {
                    rule.get("enforce").as_bool() == Some(false)
                        || rule
                            .get("enforce")
                            .as_str()
                            .is_some_and(|e| e.eq_ignore_ascii_case("false"))
                })
                .map(|i| format!("spec.0.rules.{i}.enforce"))
        } else {
            (values.path("boolean_policy.0.enforced").as_bool() == Some(false))
                .then(|| "boolean_policy.0.enforced".to_owned())
        };
        if let Some(path) = off {
            let fix = if new {
                format!(
                    "resource \"{}\" \"{}\" {{\n  spec {{\n    rules {{\n      enforce = \"TRUE\"\n    }}\n  }}\n}}",
                    r.kind, r.name
                )
            } else {
                format!(
                    "resource \"{}\" \"{}\" {{\n  boolean_policy {{\n    enforced = true\n  }}\n}}",
                    r.kind, r.name
                )
            };
            out.report(r.at(path.as_str()), format!("switches `{constraint}` off"))
                .fix(fix);
        }
    }
}
