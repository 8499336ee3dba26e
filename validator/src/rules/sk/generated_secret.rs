//! # SK14 generated-secret
//!
//! Rejects secrets that Terraform makes and keeps: `tls_private_key`, and a `random_password` that feeds another resource.
//!
//! ## Why
//!
//! What Terraform generates stands in the state in clear text for as long as the state and its versions live.
//!
//! ## Bad
//!
//! ```hcl
//! resource "tls_private_key" "deploy" {
//!   algorithm = "ED25519"
//! }
//! ```
//!
//! ```hcl
//! resource "random_password" "db" {
//!   length = 32
//! }
//!
//! resource "aws_db_instance" "features" {
//!   identifier        = "features"
//!   engine            = "postgres"
//!   instance_class    = "db.t4g.small"
//!   allocated_storage = 20
//!   username          = "app"
//!   password          = random_password.db.result
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! ephemeral "random_password" "db" {
//!   length = 32
//! }
//!
//! resource "aws_db_instance" "features" {
//!   identifier          = "features"
//!   engine              = "postgres"
//!   instance_class      = "db.t4g.small"
//!   allocated_storage   = 20
//!   username            = "app"
//!   password_wo         = ephemeral.random_password.db.result
//!   password_wo_version = 1
//! }
//! ```
//!
//! ## Reads
//!
//! `tls_private_key`, `random_password`, and the expressions that refer to them.
//!
//! ## Limits
//!
//! A warning for `random_password`: it is random, per environment and can be rotated. `random_id` and `random_string` are not looked at.
//!
//! ## References
//!
//! - <https://registry.terraform.io/providers/hashicorp/tls/latest/docs/resources/private_key>
//! - <https://developer.hashicorp.com/terraform/language/manage-sensitive-data/write-only>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::{Mode, Resource};
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct GeneratedSecret;

static META: Meta = Meta {
    code: "SK14",
    name: "generated-secret",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "secret generated into the state",
    why: "what Terraform generates stands in the state in clear text for as long as the state and its versions live",
    invariants: &["D-17"],
    since: "0.1.0",
    source: include_str!("generated_secret.rs"),
};

impl Rule for GeneratedSecret {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &["tls_private_key"]
    }

    fn resource(&self, _: &Context<'_>, r: &Resource<'_>, _: &Value<'_>, out: &mut Findings<'_>) {
        out.report(r.at(""), "a private key is generated into the state")
            .fix(format!("ephemeral \"tls_private_key\" \"{}\" {{ # never kept; hand it to a write-only argument\n  algorithm = \"ED25519\"\n}}", r.name));
    }

    fn plan(&self, cx: &Context<'_>, out: &mut Findings<'_>) {
        // Without a password nothing can refer to one: spare the walk.
        if cx.plan.of_type("random_password").next().is_none() {
            return;
        }
        for r in cx
            .plan
            .live()
            .filter(|r| r.mode == Mode::Managed && &*r.kind != "random_password")
        {
            let Some(block) = cx.plan.block_of(r) else {
                continue;
            };
            let expressions = block.expressions();
            let crate::plan::Expression::Block(arguments) = &*expressions else {
                continue;
            };
            for (argument, _) in arguments {
                if argument.ends_with("_wo") {
                    continue;
                }
                for source in cx
                    .targets(r, argument)
                    .into_iter()
                    .filter(|t| &*t.kind == "random_password")
                {
                    out.report(r.at(&**argument), format!("`{argument}` takes the generated password {} , which the state keeps", source.address).replace(" ,", ","))
                        .level(Level::Warning)
                        .related(source.at("result"), "generated here")
                        .fix(format!(
                            "ephemeral \"random_password\" \"{p}\" {{\n  length = 32\n}}\n\nresource \"{k}\" \"{n}\" {{\n  {argument}_wo         = ephemeral.random_password.{p}.result # where the provider has the write-only form\n  {argument}_wo_version = 1\n}}",
                            p = source.name,
                            k = r.kind,
                            n = r.name
                        ));
                }
            }
        }
    }
}
