//! # SK17 credential-in-provisioner
//!
//! Rejects credentials in provisioners and local commands: `aws configure set` of a key, `gcloud auth activate-service-account` with a
//! key file, `docker login` with a password on the command line, and any secret in their text or environment.
//!
//! ## Why
//!
//! A provisioner is a hidden channel: what it is given stands in the plan, in the process list and in the log.
//!
//! ## Bad
//!
//! ```hcl
//! resource "terraform_data" "login" {
//!   provisioner "local-exec" {
//!     command = "gcloud auth activate-service-account --key-file=/tmp/key.json && gcloud builds submit"
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "terraform_data" "login" {
//!   provisioner "local-exec" {
//!     command = "aws ecr get-login-password | docker login --username AWS --password-stdin 111122223333.dkr.ecr.eu-west-1.amazonaws.com"
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! Provisioners of every resource: `command`, `inline`, `environment`. `local_file` is SK06's.
//!
//! ## Limits
//!
//! A command in a script file is not in a plan. A command with references is in a plan only as their names; its text is judged where
//! the source is at hand.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/provisioners>

use crate::address;
use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::rules::{Meta, Rule};
use crate::secrets;
use crate::value::Path;

/// See the page above.
pub(super) struct CredentialInProvisioner;

static META: Meta = Meta {
    code: "SK17",
    name: "credential-in-provisioner",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "credential in a provisioner",
    why: "what a provisioner is given stands in the plan, in the process list and in the log",
    invariants: &["D-18", "D-17"],
    since: "0.1.0",
    source: include_str!("credential_in_provisioner.rs"),
};

/// What a command does with a static credential, if it does.
fn deed(command: &str) -> Option<&'static str> {
    let has = |words: &[&str]| words.iter().all(|w| command.contains(w));
    if has(&["aws configure set", "aws_secret_access_key"])
        || has(&["aws configure set", "aws_access_key_id"])
    {
        Some("writes an access key into the AWS configuration")
    } else if has(&["activate-service-account", "--key-file"]) {
        Some("signs in to gcloud with a key file")
    } else if has(&["iam create-access-key"]) || has(&["service-accounts keys create"]) {
        Some("makes a static key")
    } else if command.contains("docker login")
        && !command.contains("--password-stdin")
        && (command.contains(" -p ") || command.contains("--password"))
    {
        Some("signs in to a registry with a password on the command line")
    } else {
        None
    }
}

impl Rule for CredentialInProvisioner {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn plan(&self, cx: &Context<'_>, out: &mut Findings<'_>) {
        for module in cx.plan.configuration.modules() {
            for block in &module.blocks {
                let provisioners = block.provisioners();
                if provisioners.is_empty() {
                    continue;
                }
                let instances = cx
                    .plan
                    .instances(&address::in_module(&module.path, &block.address));
                let Some(first) = instances.first() else { continue };
                for (i, (kind, expressions)) in provisioners.iter().enumerate() {
                    let at = Path::default().name("provisioner").index(i);
                    let mut report = |path: Path, what: String| {
                        out.report(first.at(at.join(&path)), what).fix(format!("# remove the provisioner of {}; a step of the pipeline does this, signed in with the job's own token:\n#   permissions: {{ id-token: write }}\n#   - uses: aws-actions/configure-aws-credentials@v4 # or google-github-actions/auth@v2", first.block()));
                    };
                    // What a command does is told by its text, wherever that is written; a secret is one where it is written.
                    for (path, e) in expressions.parts() {
                        let value = cx.written(first.module(), e);
                        for (inner, leaf, _) in value.leaves() {
                            if let Some(d) = crate::source::with_holes(leaf).as_deref().and_then(deed) {
                                report(path.join(&inner), format!("a {kind} provisioner {d}"));
                            }
                        }
                    }
                    for (path, value) in expressions.constants() {
                        for (inner, leaf, _) in value.leaves() {
                            let path = path.join(&inner);
                            let text = leaf.as_str().filter(|t| deed(t).is_none()).unwrap_or_default();
                            if let Some(f) =
                                secrets::inspect(path.last_name().unwrap_or_default(), text).first()
                            {
                                report(path, format!("a {kind} provisioner holds {}", f.describe()));
                            }
                        }
                    }
                }
            }
        }
    }
}
