//! # SK13 token-in-state
//!
//! Rejects tokens that data sources fetch and that then flow into outputs or resources: `aws_eks_cluster_auth`, the `access_token` of
//! `google_client_config`, `google_service_account_access_token`, `_id_token`, `_jwt`, and `aws_ecr_authorization_token`.
//! Using them to configure a provider is left alone.
//!
//! ## Why
//!
//! A token is made for one run; in the state and in the plan it is kept.
//!
//! ## Bad
//!
//! ```hcl
//! data "google_client_config" "me" {}
//!
//! output "token" {
//!   value     = data.google_client_config.me.access_token
//!   sensitive = true
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! data "google_client_config" "me" {}
//!
//! provider "kubernetes" {
//!   host  = "https://10.0.0.2"
//!   token = data.google_client_config.me.access_token
//! }
//!
//! output "project" {
//!   value = data.google_client_config.me.project
//! }
//! ```
//!
//! ## Reads
//!
//! Expressions of all resource blocks and root outputs.
//!
//! ## Limits
//!
//! What passes through locals is followed only where the source is at hand.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/resources/ephemeral>

use crate::address;
use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::plan::{Expression, Mode};
use crate::rules::{Meta, Rule};
use crate::value::Path;

/// See the page above.
pub(super) struct TokenInState;

static META: Meta = Meta {
    code: "SK13",
    name: "token-in-state",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "token kept in the state",
    why: "a token made for one run is kept in the plan and in the state for whoever can read them",
    invariants: &["D-17"],
    since: "0.1.0",
    source: include_str!("token_in_state.rs"),
};

/// Data sources that fetch tokens, and the attributes that hold them.
const TOKENS: &[(&str, &[&str])] = &[
    ("aws_eks_cluster_auth", &["token"]),
    (
        "aws_ecr_authorization_token",
        &["authorization_token", "password"],
    ),
    (
        "aws_ecrpublic_authorization_token",
        &["authorization_token", "password"],
    ),
    ("google_client_config", &["access_token"]),
    ("google_service_account_access_token", &["access_token"]),
    ("google_service_account_id_token", &["id_token"]),
    ("google_service_account_jwt", &["jwt"]),
    ("kubernetes_token_request_v1", &["token"]),
];

fn token(reference: &str) -> Option<(&str, &str)> {
    let parts = address::parts(reference);
    let (kind, attribute) = match parts.as_slice() {
        ["data", kind, _, attribute, ..] => (*kind, *attribute),
        // The resource form of a token request keeps it in the state just the same.
        [kind @ "kubernetes_token_request_v1", _, attribute, ..] => (*kind, *attribute),
        _ => return None,
    };
    TOKENS
        .iter()
        .find(|(k, a)| *k == kind && a.contains(&attribute))
        .map(|_| (kind, attribute))
}

/// Every token reference in an expression, with the path of the argument.
fn tokens<'e>(e: &'e Expression<'_>, at: &Path, out: &mut Vec<(Path, &'e str)>) {
    match e {
        Expression::References(refs) => out.extend(
            refs.iter()
                .filter(|r| token(r).is_some())
                .map(|r| (at.clone(), &**r)),
        ),
        Expression::Block(entries) => entries.iter().for_each(|(k, e)| tokens(e, &at.name(k), out)),
        Expression::Blocks(blocks) => blocks
            .iter()
            .enumerate()
            .for_each(|(i, e)| tokens(e, &at.index(i), out)),
        _ => {}
    }
}

impl Rule for TokenInState {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn plan(&self, cx: &Context<'_>, out: &mut Findings<'_>) {
        for module in cx.plan.configuration.modules() {
            for block in module.blocks.iter().filter(|b| !b.address.starts_with("data.")) {
                let whole = address::in_module(&module.path, &block.address);
                let expressions = block.expressions();
                let mut found = Vec::new();
                tokens(&expressions, &Path::default(), &mut found);
                if found.is_empty() {
                    continue;
                }
                let instances = cx.plan.instances(&whole);
                for r in instances.iter().filter(|r| r.mode == Mode::Managed) {
                    for (path, reference) in &found {
                        // Write-only arguments are not kept.
                        if path.last_name().is_some_and(|n| n.ends_with("_wo")) {
                            continue;
                        }
                        out.report(
                            r.at(path.clone()),
                            format!("`{path}` takes the token of {reference} into the state"),
                        )
                        .fix(ephemeral(reference));
                    }
                }
            }
        }
        for (name, e, _) in &cx.plan.configuration.root.outputs {
            let mut found = Vec::new();
            tokens(e, &Path::default(), &mut found);
            for (_, reference) in found {
                out.report(
                    Place::new(format!("output.{name}"), ""),
                    format!("output `{name}` takes the token of {reference} into the state"),
                )
                .fix(ephemeral(reference));
            }
        }
    }
}

fn ephemeral(reference: &str) -> String {
    let name = address::parts(reference).get(2).map_or("token", |n| n).to_owned();
    match token(reference).map(|(k, _)| k) {
        Some("aws_eks_cluster_auth") => format!(
            "ephemeral \"aws_eks_cluster_auth\" \"{name}\" {{ # never kept; may feed providers and write-only arguments\n  name = <cluster>\n}}"
        ),
        Some(k) if k.starts_with("google_") => format!(
            "ephemeral \"google_service_account_access_token\" \"{name}\" {{ # never kept; may feed providers and write-only arguments\n  target_service_account = <account>\n  scopes                 = [\"cloud-platform\"]\n}}"
        ),
        Some(k) => format!(
            "ephemeral \"{k}\" \"{name}\" {{}} # never kept; may feed providers and write-only arguments"
        ),
        None => String::new(),
    }
}
