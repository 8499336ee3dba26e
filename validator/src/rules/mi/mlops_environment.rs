//! # MI26 mlops-environment
//!
//! Rejects a `mlops_environment` that leaves its own guards: additional permissions that are too wide or belong to another purpose,
//! foreign grants only reported (`enforcement.identities = "report"`) in staging or prod, guardrails switched off, one of its own
//! identities as administrator of the cluster, and sessions of CI longer than an hour.
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
//! `mlops_environment`: `tier`, `enforcement`, `guardrails`, `cluster.admins`, `identities.*.additional_permissions`, `identities.*.max_session`,
//! and the planned `identity_info`.
//!
//! ## Limits
//!
//! Additional permissions that are narrow and of the identity's own purpose are a note with their actions named. The provider itself
//! checks them against its whole matrix; here they are judged alone. Administrators of the cluster (`cluster.admins`) are people's
//! business: somebody has to apply the roles inside of it. In staging and prod a note says how many there are.
//!
//! ## References
//!
//! - Seed invariant D-31

use mlops_access::aws::{FindingKind, Policy, Statement};
use mlops_access::matrix::{Capability, capabilities_aws};

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
            let enforcement = cx
                .resolve(r, values, "enforcement")
                .get(part)
                .clone()
                .into_owned();
            if enforcement.is_unknown() && tier != "dev" {
                out.undecided(
                    r.at(format!("enforcement.{part}").as_str()),
                    format!("whether foreign grants on {part} are taken away is not known before apply"),
                );
            }
            if enforcement.as_str() == Some("report") && tier != "dev" {
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
        guardrails(r, values, &tier, out);
        administrators(r, values, &cx.resolve(r, values, "cluster.admins"), &tier, out);
        for (purpose, identity) in values.get("identities").entries() {
            session(r, purpose, identity, out);
            for (i, permission) in identity.get("additional_permissions").items().iter().enumerate() {
                let path = Path::from("identities")
                    .name(purpose)
                    .name("additional_permissions")
                    .index(i);
                additional(r, purpose, permission, path, out);
            }
        }
    }
}

/// Who rules the cluster. That somebody does is needed; that one of the five purposes does breaks the matrix.
fn administrators(
    r: &Resource<'_>,
    values: &Value<'_>,
    admins: &Value<'_>,
    tier: &str,
    out: &mut Findings<'_>,
) {
    let mut own: Vec<(String, String)> = Vec::new();
    for (purpose, info) in values.get("identity_info").entries() {
        let mut add = |v: &Value<'_>| {
            if let Some(p) = v.get("principal").as_str() {
                own.push((p.to_owned(), purpose.as_str().to_owned()));
            }
        };
        add(info);
        info.entries().iter().for_each(|(_, v)| add(v));
    }
    for (i, admin) in admins.items().iter().enumerate() {
        let Some((_, purpose)) = own.iter().find(|(p, _)| Some(p.as_str()) == admin.as_str()) else {
            continue;
        };
        out.report(
            r.at(Path::from("cluster.admins").index(i)),
            format!("{purpose} gets everything in the cluster"),
        )
        .why("an administrator of the cluster is every workload in it, and has every secret of every namespace")
        .fix(format!(
            "resource \"mlops_environment\" \"{}\" {{\n  cluster = {{\n    admins = [] # the roles of people, none of the five\n  }}\n}}",
            r.name
        ));
    }
    let n = admins.items().len();
    if n > 0 && tier != "dev" {
        let who = if n == 1 {
            "one role gets".to_owned()
        } else {
            format!("{n} roles get")
        };
        out.report(r.at("cluster.admins"), format!("{who} everything in the cluster of `{tier}`"))
            .level(Level::Note)
            .why("an administrator of the cluster is every workload in it; an access entry for the hour in which it is needed is less");
    }
}

/// Limits that hold even where a grant is wrong, switched off.
fn guardrails(r: &Resource<'_>, values: &Value<'_>, tier: &str, out: &mut Findings<'_>) {
    // Google Cloud has none of the three: its buckets take TLS alone, and no account has a boundary.
    if !values.get("gcp").is_null() {
        return;
    }
    for (guard, what) in [
        (
            "permissions_boundary",
            "no boundary limits what its roles may ever do",
        ),
        (
            "exclusive_writers",
            "whoever is granted it writes models, not retraining alone",
        ),
        ("bucket_tls_only", "its buckets take requests without TLS"),
    ] {
        // In dev models are written by people too, by default.
        if values.get("guardrails").get(guard).as_bool() != Some(false)
            || guard == "exclusive_writers" && tier == "dev"
        {
            continue;
        }
        let finding = out.report(
            r.at(format!("guardrails.{guard}").as_str()),
            format!("a guardrail is off in `{tier}`: {what}"),
        );
        finding.fix(format!(
            "resource \"mlops_environment\" \"{}\" {{\n  guardrails = {{\n    {guard} = true\n  }}\n}}",
            r.name
        ));
        if tier == "dev" {
            finding.level(Level::Warning);
        }
    }
}

/// Sessions of CI that outlive a job.
fn session(r: &Resource<'_>, purpose: &str, identity: &Value<'_>, out: &mut Findings<'_>) {
    let longest = identity.get("max_session");
    let hours = longest
        .as_str()
        .and_then(|s| s.strip_suffix('h'))
        .and_then(|h| h.parse::<f64>().ok());
    if let Some(hours) = hours.filter(|h| *h > 1.0 && matches!(purpose, "ci" | "deploy")) {
        out.report(
            r.at(Path::from("identities").name(purpose).name("max_session")),
            format!("a CI job keeps {purpose} for up to {hours} hours"),
        )
        .level(Level::Warning)
        .why("a stolen session works until it ends; a job that needs more than an hour can ask again")
        .fix(format!(
            "resource \"mlops_environment\" \"{}\" {{\n  identities = {{\n    {purpose} = {{\n      max_session = \"1h\"\n    }}\n  }}\n}}",
            r.name
        ));
    }
}

/// Judges one additional statement by what it allows.
fn additional(r: &Resource<'_>, purpose: &str, permission: &Value<'_>, path: Path, out: &mut Findings<'_>) {
    let strings = |name: &str| -> Vec<String> {
        let items = permission.get(name).items().iter();
        items.filter_map(|a| a.as_str().map(str::to_owned)).collect()
    };
    let (actions, roles) = (strings("actions"), strings("roles"));
    let policy = Policy::new([Statement::allow(&actions).on(strings("resources"))]);
    let conditioned = !permission.get("conditions").is_empty();
    let wide = policy.findings().iter().any(|f| {
        matches!(
            f.kind,
            FindingKind::Administrator
                | FindingKind::ServiceWildcard { .. }
                | FindingKind::PassAnyRole
                | FindingKind::AssumeAnyRole
        ) || matches!(
            f.kind,
            FindingKind::UnscopedResource { .. } | FindingKind::ServiceWildcardOnSome { .. }
        ) && !conditioned
    }) || roles
        .iter()
        .any(|a| a.ends_with(".admin") || matches!(a.as_str(), "roles/owner" | "roles/editor"));
    let foreign = capabilities_aws(&[&policy])
        .into_iter()
        .map(|(c, _)| c)
        .find(|c| c.purpose().to_string() != purpose && *c != Capability::Deploy);
    let named: Vec<String> = actions.into_iter().chain(roles).collect();
    let what = match foreign {
        Some(c) => format!("{purpose} may {c}, which is {}'s", c.purpose()),
        None if wide => format!(
            "{purpose} gets what is wider than any purpose: {}",
            super::fix::listed(&named)
        ),
        None => format!(
            "{purpose} gets more than its purpose: {}",
            super::fix::listed(&named)
        ),
    };
    let finding = out.report(r.at(path.clone()), what);
    finding.fix(format!(
        "resource \"mlops_environment\" \"{}\" {{\n  identities = {{\n    {purpose} = {{\n      additional_permissions = []\n    }}\n  }}\n}}",
        r.name
    ));
    if !wide && foreign.is_none() {
        finding.level(Level::Note);
    }
    if permission.get("actions").is_unknown()
        || permission.get("actions").items().iter().any(Value::is_unknown)
    {
        out.undecided(
            r.at(path),
            format!("what {purpose} gets beside its purpose is not known before apply"),
        );
    }
}
