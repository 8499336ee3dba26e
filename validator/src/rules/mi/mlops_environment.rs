//! # MI26 mlops-environment
//!
//! Rejects a `mlops_environment` that leaves its own guards: additional permissions that cross purposes, or foreign grants
//! only reported (`enforcement.identities = "report"`) in staging or prod.
//!
//! ## Why
//!
//! The matrix of who may do what is what the resource promises; every exception is a way around it.
//!
//! ## Bad
//!
//! ```hcl
//! resource "mlops_environment" "prod" {
//!   name = "shop-prod"
//!   tier = "prod"
//!   enforcement = {
//!     identities = "report"
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "mlops_environment" "prod" {
//!   name = "shop-prod"
//!   tier = "prod"
//!   enforcement = {
//!     identities = "exclusive"
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! `mlops_environment`: `tier`, `enforcement`, `identities.*.additional_permissions`, `identities.*.enabled`.
//!
//! ## Limits
//!
//! Additional permissions are a note here with their actions named; wildcards in them are errors. The provider itself checks them against the matrix.
//!
//! ## References
//!
//! - Seed invariant D-31

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::{Path, Value};

/// See the page above.
pub(super) struct MlopsEnvironment;

static META: Meta = Meta {
    code: "MI26",
    name: "mlops-environment",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "environment that leaves its own guards",
    why: "the matrix of who may do what is what the resource promises; every exception is a way around it",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("mlops_environment.rs"),
};

impl Rule for MlopsEnvironment {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &["mlops_environment"]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let tier = cx
            .resolve(r, values, "tier")
            .as_str()
            .unwrap_or("prod")
            .to_owned();
        for part in ["identities", "buckets"] {
            if values.get("enforcement").get(part).as_str() == Some("report") && tier != "dev" {
                let finding = out.report(
                    r.at(format!("enforcement.{part}").as_str()),
                    format!("foreign grants on {part} are only reported in `{tier}`"),
                );
                finding.fix(format!("resource \"mlops_environment\" \"{}\" {{\n  enforcement = {{\n    {part} = \"exclusive\"\n  }}\n}}", r.name));
                if tier != "prod" {
                    finding.level(Level::Warning);
                }
            }
        }
        for (purpose, identity) in values.get("identities").entries() {
            let given = identity.get("additional_permissions");
            for (i, permission) in given.items().iter().enumerate() {
                let actions: Vec<String> = permission
                    .get("actions")
                    .items()
                    .iter()
                    .chain(permission.get("roles").items())
                    .filter_map(|a| a.as_str().map(str::to_owned))
                    .collect();
                let wild = actions.iter().any(|a| {
                    a.ends_with(":*")
                        || a == "*"
                        || a.ends_with(".admin")
                        || matches!(a.as_str(), "roles/owner" | "roles/editor")
                }) || permission
                    .get("resources")
                    .items()
                    .iter()
                    .any(|x| x.as_str() == Some("*"));
                let path = Path::from("identities")
                    .name(purpose)
                    .name("additional_permissions")
                    .index(i);
                let finding = out.report(
                    r.at(path),
                    format!(
                        "{purpose} gets more than its purpose: {}",
                        super::fix::listed(&actions)
                    ),
                );
                finding.fix(format!("resource \"mlops_environment\" \"{}\" {{\n  identities = {{\n    {} = {{\n      additional_permissions = []\n    }}\n  }}\n}}", r.name, &**purpose));
                if !wild {
                    finding.level(Level::Note);
                }
            }
        }
    }
}
