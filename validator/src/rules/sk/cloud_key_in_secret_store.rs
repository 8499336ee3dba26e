//! # SK07 cloud-key-in-secret-store
//!
//! Rejects static AWS or Google credentials kept in a secret store: a secret version or parameter whose content, key names or own
//! name are those of an access key or a key file.
//!
//! ## Why
//!
//! A long-lived key that is stored well is still a long-lived key; the workload that may read it can have an identity of its own.
//!
//! ## Bad
//!
//! ```hcl
//! variable "minio_key" {
//!   type = string
//! }
//!
//! resource "aws_secretsmanager_secret" "minio" {
//!   name = "pipelines/minio"
//! }
//!
//! resource "aws_secretsmanager_secret_version" "minio" {
//!   secret_id = aws_secretsmanager_secret.minio.id
//!   secret_string = jsonencode({
//!     AWS_ACCESS_KEY_ID     = "AKIAQ7XK2LMR9VTZ4WBJ"
//!     AWS_SECRET_ACCESS_KEY = "q7Xk2LmR9vTz4WbJ8sHcN3fYdG6pAeU5iQoKtVyM"
//!   })
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_secretsmanager_secret" "weather_api" {
//!   name = "pipelines/weather-api"
//! }
//! ```
//!
//! ## Reads
//!
//! `aws_secretsmanager_secret_version`, `aws_ssm_parameter`, `google_secret_manager_secret_version` (and regional),
//! `vault_generic_secret`, `vault_kv_secret_v2`: the content. `aws_secretsmanager_secret`, `aws_ssm_parameter`: `name`,
//! `google_secret_manager_secret`: `secret_id`.
//!
//! ## Limits
//!
//! A secret without a value in the plan is judged by its name alone, and as a warning.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::secrets::{self, name};
use crate::value::Value;

/// See the page above.
pub(super) struct CloudKeyInSecretStore;

static META: Meta = Meta {
    code: "SK07",
    name: "cloud-key-in-secret-store",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "static cloud credentials in a secret store",
    why: "storing a long-lived key well does not make it short-lived, and whoever may read it can have an identity of its own",
    invariants: &["D-18"],
    since: "0.1.0",
    source: include_str!("cloud_key_in_secret_store.rs"),
};

const CONTENT: &[&str] = &[
    "secret_string",
    "secret_binary",
    "secret_data",
    "value",
    "insecure_value",
    "data_json",
    "secret_string_wo",
    "secret_data_wo",
    "value_wo",
];

impl Rule for CloudKeyInSecretStore {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &[
            "aws_secretsmanager_secret",
            "aws_secretsmanager_secret_version",
            "aws_ssm_parameter",
            "google_secret_manager_secret",
            "google_secret_manager_secret_version",
            "google_secret_manager_regional_secret_version",
            "vault_generic_secret",
            "vault_kv_secret_v2",
        ]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        for attribute in CONTENT {
            let value = cx.resolve(r, values, attribute);
            let Some(text) = value.as_str() else { continue };
            // The names of the keys speak even where the values are placeholders.
            let named = key_names(text).into_iter().find(|k| name::promise(k).is_cloud());
            let found = secrets::inspect(attribute, text)
                .into_iter()
                .find(|f| f.kind.is_cloud() && !f.kind.is_short_lived());
            let what = match (found, named) {
                (Some(f), _) => f.describe(),
                (None, Some(k)) => format!("static cloud credentials, as its key `{k}` says"),
                _ => continue,
            };
            out.report(r.at(*attribute), format!("`{attribute}` stores {what}"))
                .fix(identity(&r.name));
            return;
        }
        let called = ["name", "secret_id"]
            .iter()
            .find_map(|a| values.get(a).as_str().map(|v| (*a, v)));
        let secret_itself = matches!(
            &*r.kind,
            "aws_secretsmanager_secret" | "google_secret_manager_secret" | "aws_ssm_parameter"
        );
        if let Some((attribute, called)) = called.filter(|_| secret_itself) {
            let last = called.rsplit('/').next().unwrap_or(called);
            if name::promise(last).is_cloud() {
                out.report(
                    r.at(attribute),
                    format!("secret `{called}` is made for static cloud credentials, as its name says"),
                )
                .fix(identity(&r.name))
                .level(Level::Warning);
            }
        }
    }
}

fn key_names(text: &str) -> Vec<String> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Object(map)) => map.keys().cloned().collect(),
        _ => Vec::new(),
    }
}

fn identity(name: &str) -> String {
    format!(
        "# remove the stored key; the workload enters a role by its own service account\nresource \"aws_iam_role\" \"{name}\" {{\n  name               = \"{name}\"\n  assume_role_policy = data.aws_iam_policy_document.{name}_trust.json # <issuer>:sub = system:serviceaccount:<namespace>:<account>\n}}"
    )
}
