//! # SK15 secret-value-in-state
//!
//! Rejects the *values* of secrets in Terraform: a secret version or secure parameter whose value is a literal (an error, also in a
//! write-only argument, because the code has it), or comes from a variable or another resource (a warning, because the state keeps it).
//!
//! ## Why
//!
//! Terraform needs the name of a secret, not its value; with the value, the code, the plan or the state is one more copy.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_secretsmanager_secret" "weather" {
//!   name = "churn/weather-api"
//! }
//!
//! resource "aws_secretsmanager_secret_version" "weather" {
//!   secret_id     = aws_secretsmanager_secret.weather.id
//!   secret_string = "wx-4711-8hG2kLm9"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! variable "weather_api" {
//!   type      = string
//!   ephemeral = true
//! }
//!
//! resource "aws_secretsmanager_secret" "weather" {
//!   name = "churn/weather-api"
//! }
//!
//! resource "aws_secretsmanager_secret_version" "weather" {
//!   secret_id                = aws_secretsmanager_secret.weather.id
//!   secret_string_wo         = var.weather_api
//!   secret_string_wo_version = 1
//! }
//! ```
//!
//! ## Reads
//!
//! `aws_secretsmanager_secret_version`: `secret_string`, `secret_binary`, `secret_string_wo`. `aws_ssm_parameter` of type `SecureString`:
//! `value`, `value_wo`. `google_secret_manager_secret_version` (and regional): `secret_data`, `secret_data_wo`. `vault_generic_secret`,
//! `vault_kv_secret_v2`: `data_json`.
//!
//! ## Limits
//!
//! Placeholders (`CHANGE_ME` and the like), with which people create a secret that is filled by hand, are silent.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/manage-sensitive-data/write-only>

use super::origin::{self, Origin};
use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::secrets::lookalike;
use crate::value::{Path, Value};

/// See the page above.
pub(super) struct SecretValueInState;

static META: Meta = Meta {
    code: "SK15",
    name: "secret-value-in-state",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "value of a secret in Terraform",
    why: "Terraform needs the name of a secret, not its value; with the value, the code, the plan and the state are copies of it",
    invariants: &["D-17"],
    since: "0.1.0",
    source: include_str!("secret_value_in_state.rs"),
};

impl Rule for SecretValueInState {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &[
            "aws_secretsmanager_secret_version",
            "aws_ssm_parameter",
            "google_secret_manager_secret_version",
            "google_secret_manager_regional_secret_version",
            "vault_generic_secret",
            "vault_kv_secret_v2",
        ]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let attributes: &[&str] = match &*r.kind {
            "aws_ssm_parameter" if values.get("type").as_str() != Some("SecureString") => return,
            "aws_ssm_parameter" => &["value", "value_wo"],
            "aws_secretsmanager_secret_version" => &["secret_string", "secret_binary", "secret_string_wo"],
            "vault_generic_secret" | "vault_kv_secret_v2" => &["data_json"],
            _ => &["secret_data", "secret_data_wo"],
        };
        for attribute in attributes {
            let path = Path::from(*attribute);
            let write_only = attribute.ends_with("_wo");
            let expression = cx
                .plan
                .block_of(r)
                .map(|b| b.expressions().get(attribute).clone())
                .unwrap_or_default();
            if !expression.is_set() && (write_only || values.get(attribute).is_null()) {
                continue;
            }
            let value = cx.resolve(r, values, attribute);
            let value = if write_only {
                expression.constant().cloned().unwrap_or_default()
            } else {
                value.into_owned()
            };
            if value.as_str().is_some_and(only_placeholders) {
                continue;
            }
            let origin = origin::of(cx, r, &path);
            let empty = value.is_null() && !value.is_unknown() && !expression.is_set();
            match origin {
                Origin::Literal | Origin::Default(_) | Origin::Argument(_) if !empty => {
                    let finding = out.report(
                        r.at(*attribute),
                        format!("the value of the secret is written in the code{}", origin.note()),
                    );
                    finding.fix(fix(r, attribute));
                    if let Some(p) = origin.written_at() {
                        finding.related(p.clone(), "written here");
                    }
                }
                Origin::Computed => {}
                _ if !write_only && !empty => {
                    out.report(r.at(*attribute), "the state keeps the value of the secret")
                        .level(Level::Warning)
                        .fix(fix(r, attribute));
                }
                _ => {}
            }
        }
    }
}

/// A placeholder, or a JSON object of nothing else.
fn only_placeholders(text: &str) -> bool {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(map)) => map
            .values()
            .all(|v| v.as_str().is_some_and(lookalike::is_placeholder)),
        _ => lookalike::is_placeholder(text),
    }
}

fn fix(r: &Resource<'_>, attribute: &str) -> String {
    let plain = attribute.trim_end_matches("_wo");
    format!(
        "variable \"{n}\" {{\n  type      = string\n  ephemeral = true\n}}\n\nresource \"{k}\" \"{n}\" {{\n  {plain}_wo         = var.{n} # given at run time, never kept; or leave the version out and set it by hand\n  {plain}_wo_version = 1\n}}",
        n = r.name,
        k = r.kind
    )
}
