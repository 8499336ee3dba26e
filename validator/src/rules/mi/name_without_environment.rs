//! # MI20 name-without-environment
//!
//! Notes secrets, repositories, roles and service accounts whose names do not say which environment they are of, in a plan whose
//! other names do.
//!
//! ## Why
//!
//! The second environment of the account collides with the name, or quietly uses the first one's secret.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_s3_bucket" "models" {
//!   for_each = toset(["models", "data"])
//!   bucket   = "acme-dev-${each.key}"
//! }
//!
//! resource "aws_secretsmanager_secret" "weather" {
//!   name = "churn/weather-api"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_s3_bucket" "models" {
//!   for_each = toset(["models", "data"])
//!   bucket   = "acme-dev-${each.key}"
//! }
//!
//! resource "aws_secretsmanager_secret" "weather" {
//!   name = "dev/churn/weather-api"
//! }
//! ```
//!
//! ## Reads
//!
//! `aws_secretsmanager_secret`, `aws_ecr_repository`, `aws_iam_role`, `google_secret_manager_secret`, `google_service_account`,
//! `google_artifact_registry_repository`: their names.
//!
//! ## Limits
//!
//! A note: one plan cannot show whether another environment shares the account. At least two names must carry the environment, and
//! no more than a third of all may be without it: else the plan has another way of telling.
//!
//! ## References
//!
//! - Seed invariant D-31

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct NameWithoutEnvironment;

static META: Meta = Meta {
    code: "MI20",
    name: "name-without-environment",
    family: Family::MonolithicIam,
    level: Level::Note,
    title: "name that does not say its environment",
    why: "the second environment of the account collides with the name, or quietly uses the first one's",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("name_without_environment.rs"),
};

/// What must carry its environment: type, attribute.
const SHARED: &[(&str, &str)] = &[
    ("aws_secretsmanager_secret", "name"),
    ("aws_ecr_repository", "name"),
    ("aws_iam_role", "name"),
    ("google_secret_manager_secret", "secret_id"),
    ("google_service_account", "account_id"),
    ("google_artifact_registry_repository", "repository_id"),
];

/// What else tells the environment of a plan.
const TELLING: &[(&str, &str)] = &[
    ("aws_s3_bucket", "bucket"),
    ("aws_eks_cluster", "name"),
    ("google_storage_bucket", "name"),
    ("google_container_cluster", "name"),
];

/// More than these are not needed to know how a plan names its things.
const MOST: usize = 200;

impl Rule for NameWithoutEnvironment {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn plan(&self, cx: &Context<'_>, out: &mut Findings<'_>) {
        let mut told: Vec<&str> = Vec::new();
        let mut silent: Vec<(&Resource<'_>, &'static str, String)> = Vec::new();
        for (kind, attribute) in SHARED.iter().chain(TELLING) {
            for r in cx.plan.of_type(kind).take(MOST) {
                let values = r.values();
                let Some(name) = values.get(attribute).as_str() else {
                    continue;
                };
                match cx.environment(name) {
                    Some(e) => told.push(e),
                    None if SHARED.iter().any(|(k, _)| k == kind) => {
                        silent.push((r, attribute, name.to_owned()));
                    }
                    None => {}
                }
            }
        }
        told.sort_unstable();
        let one = told
            .first()
            .zip(told.last())
            .filter(|(a, b)| a == b)
            .map(|(e, _)| *e);
        let Some(environment) = one.filter(|_| told.len() >= 2 && silent.len() * 2 <= told.len()) else {
            return;
        };
        for (r, attribute, name) in silent {
            out.report(
                r.at(attribute),
                format!(
                    "`{name}` does not say that it is of `{environment}`, as other names of this plan do"
                ),
            )
            .fix(format!(
                "resource \"{}\" \"{}\" {{\n  {attribute} = \"{environment}{}{name}\"\n}}",
                r.kind,
                r.name,
                if name.contains('/') { "/" } else { "-" }
            ));
        }
    }
}
