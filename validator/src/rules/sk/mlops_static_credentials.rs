//! # SK18 mlops-static-credentials
//!
//! Rejects `static_credentials = "warn"` (or `"allow"`) in a `provider "mlops"` block: the provider would accept a long-term key it
//! finds in its environment. An error when the plan has an environment of tier staging or prod, else a warning.
//!
//! ## Why
//!
//! A rule against static keys that can be switched off for the convenience of a run is no rule.
//!
//! ## Bad
//!
//! ```hcl
//! provider "mlops" {
//!   static_credentials = "warn"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! provider "mlops" {
//!   static_credentials = "forbid"
//! }
//! ```
//!
//! ## Reads
//!
//! Provider `mlops`: `static_credentials`. `mlops_environment`: `tier`.
//!
//! ## Limits
//!
//! `forbid` is the default, so that nothing needs to be written.
//!
//! ## References
//!
//! - Seed invariant D-18

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Provider;
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct MlopsStaticCredentials;

static META: Meta = Meta {
    code: "SK18",
    name: "mlops-static-credentials",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "the mlops provider accepts static credentials",
    why: "with it a long-term key in the environment of a run is used instead of refused",
    invariants: &["D-18"],
    since: "0.1.0",
    source: include_str!("mlops_static_credentials.rs"),
};

impl Rule for MlopsStaticCredentials {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn provider(&self, cx: &Context<'_>, provider: &Provider<'_>, out: &mut Findings<'_>) {
        if &*provider.name != "mlops" || !provider.expressions.get("static_credentials").is_set() {
            return;
        }
        let value = cx.provider_argument(provider, "static_credentials");
        let fix = "provider \"mlops\" {\n  static_credentials = \"forbid\"\n}";
        match value.as_str() {
            Some("forbid") => {}
            Some(other) => {
                let finding = out.report(
                    provider.at("static_credentials"),
                    format!("`static_credentials` is `{other}`: a long-term key is accepted"),
                );
                finding.fix(fix);
                let only_dev = cx
                    .plan
                    .of_type("mlops_environment")
                    .all(|e| e.values().get("tier").as_str() == Some("dev"))
                    && cx.plan.of_type("mlops_environment").next().is_some();
                if only_dev {
                    finding.level(Level::Warning);
                }
            }
            None if value.is_null() => {}
            None => {
                out.undecided(
                    provider.at("static_credentials"),
                    "whether the provider accepts static credentials is not known from this plan",
                );
            }
        }
    }
}
