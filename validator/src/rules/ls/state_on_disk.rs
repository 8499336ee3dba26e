//! # LS11 state-on-disk
//!
//! Rejects files that Terraform writes beside itself and that are state, backend settings, kubeconfigs or keys:
//! `local_file` and `local_sensitive_file` by their name and content.
//!
//! ## Why
//!
//! A file on the disk of whoever runs Terraform is outside of every policy, and is committed or uploaded sooner or later.
//!
//! ## Bad
//!
//! ```hcl
//! resource "local_sensitive_file" "kubeconfig" {
//!   filename = "kubeconfig"
//!   content  = "apiVersion: v1"
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! output "kubeconfig_command" {
//!   value = "aws eks update-kubeconfig --name ml"
//! }
//! ```
//!
//! ## Reads
//!
//! `local_file`, `local_sensitive_file`: `filename`, `content`.
//!
//! ## Limits
//!
//! Files written by commands are judged by SK17 as far as they hold credentials.
//!
//! ## References
//!
//! - <https://registry.terraform.io/providers/hashicorp/local/latest/docs/resources/sensitive_file>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct StateOnDisk;

static META: Meta = Meta {
    code: "LS11",
    name: "state-on-disk",
    family: Family::StateBackend,
    level: Level::Error,
    title: "state, key or kubeconfig written to the disk",
    why: "a file on the disk of whoever runs Terraform is outside of every policy, and is committed or uploaded sooner or later",
    invariants: &["D-10", "D-17"],
    since: "0.1.0",
    source: include_str!("state_on_disk.rs"),
};

/// What a file with this name is.
fn by_name(filename: &str) -> Option<&'static str> {
    let name = filename
        .rsplit('/')
        .next()
        .unwrap_or(filename)
        .to_ascii_lowercase();
    let is = |suffix: &str| name.ends_with(suffix);
    if is(".tfstate") || name.contains(".tfstate.") {
        Some("a state")
    } else if name.contains("kubeconfig") || filename.ends_with(".kube/config") {
        Some("a kubeconfig")
    } else if is(".pem") && !name.contains("cert") && !name.contains("ca") && !name.contains("pub")
        || is(".key")
        || name == "id_rsa"
        || name == "id_ed25519"
        || is(".p12")
        || is(".pfx")
    {
        Some("a private key")
    } else if is(".tfbackend") || name.starts_with("backend") && is(".hcl") {
        Some("settings of a backend")
    } else if filename.ends_with(".aws/credentials")
        || name == "credentials.json"
        || name == "key.json"
        || name.contains("service-account") && is(".json")
    {
        Some("a credentials file")
    } else {
        None
    }
}

impl Rule for StateOnDisk {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &["local_file", "local_sensitive_file"]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let filename = cx.resolve(r, values, "filename").into_owned().into_owned();
        let known = crate::source::with_holes(&filename).unwrap_or_default();
        let content = cx.resolve(r, values, "content").into_owned();
        let settings_without_secret = |what: &str| {
            what == "settings of a backend"
                && content
                    .as_str()
                    .is_some_and(|c| !c.contains("secret") && !c.contains("_key") && !c.contains("token"))
        };
        if let Some(what) = by_name(&known) {
            let finding = out.report(r.at("filename"), format!("writes {what} to the disk"));
            finding.fix(format!("# remove {}; give people the command that makes it:\noutput \"{n}_command\" {{\n  value = \"aws eks update-kubeconfig --name <cluster>\" # gcloud container clusters get-credentials <cluster>\n}}", r.address, n = r.name));
            if settings_without_secret(what) {
                finding.level(Level::Warning);
            }
        }
    }
}
