//! # LS05 backend-credentials
//!
//! Rejects static credentials in the settings of the backend, also those given by `-backend-config`: `access_key`, `secret_key`,
//! `token`, `credentials`, `access_token`, `password`, a connection string with a password.
//!
//! ## Why
//!
//! They stand in the code or the shell history, in every saved plan, and in `.terraform/terraform.tfstate`, in clear text.
//!
//! ## Bad
//!
//! ```hcl
//! terraform {
//!   backend "s3" {
//!     bucket       = "acme-tfstate"
//!     key          = "prod/terraform.tfstate"
//!     region       = "eu-west-1"
//!     access_key   = "AKIAQ7XK2LMR9VTZ4WBJ"
//!     secret_key   = "q7Xk2LmR9vTz4WbJ8sHcN3fYdG6pAeU5iQoKtVyM"
//!     encrypt      = true
//!     use_lockfile = true
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! terraform {
//!   backend "s3" {
//!     bucket       = "acme-tfstate"
//!     key          = "prod/terraform.tfstate"
//!     region       = "eu-west-1"
//!     encrypt      = true
//!     use_lockfile = true
//!     assume_role = {
//!       role_arn = "arn:aws:iam::111122223333:role/state-prod"
//!     }
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! Every setting of the backend that holds a credential.
//!
//! ## Limits
//!
//! Credentials in the environment of the run are recorded nowhere. A path in `credentials` of `gcs` is a warning: it may lead to a
//! federation configuration.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/backend#credentials-and-sensitive-data>

use super::settings::compliant;
use crate::backend::Evidence;
use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::rules::{Meta, Rule};
use crate::secrets::{self, lookalike};
use crate::value::Value;

/// See the page above.
pub(super) struct BackendCredentials;

static META: Meta = Meta {
    code: "LS05",
    name: "backend-credentials",
    family: Family::StateBackend,
    level: Level::Error,
    title: "static credentials in the backend",
    why: "they stand in the code or the shell history, in every saved plan and in the data directory, in clear text",
    invariants: &["D-18", "D-10"],
    since: "0.1.0",
    source: include_str!("backend_credentials.rs"),
};

/// Settings that are credentials whatever they hold.
const CREDENTIALS: &[&str] = &[
    "access_key",
    "secret_key",
    "token",
    "session_token",
    "password",
    "credentials",
    "access_token",
    "sas_token",
    "client_secret",
    "client_certificate_password",
    "sse_customer_key",
    "encryption_key",
    "customer_encryption_key",
    "http_auth",
    "security_token",
    "secret_id",
    "private_key",
    "client_private_key_pem",
    "client_private_key",
    "oidc_token",
];

impl Rule for BackendCredentials {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn backend(&self, _: &Context<'_>, evidence: &Evidence, out: &mut Findings<'_>) {
        for backend in &evidence.found {
            let mut reported = false;
            for (path, leaf, _) in backend.config.leaves() {
                let name = path.last_name().unwrap_or_default();
                let text = leaf.as_str();
                let empty = leaf.is_null()
                    || text.is_some_and(|t| {
                        t.is_empty() || lookalike::is_placeholder(t) && t.starts_with(['<', '$'])
                    });
                let credential = CREDENTIALS.contains(&name)
                    && !empty
                    && !matches!(leaf, Value::Bool(_) | Value::Number(_));
                let inside =
                    text.is_some_and(|t| secrets::inspect(name, t).iter().any(|f| f.kind.is_structural()));
                if !credential && !inside {
                    continue;
                }
                let encryption = name.contains("encryption_key") || name == "sse_customer_key";
                let file = name == "credentials" && text.is_some_and(|t| !t.trim_start().starts_with('{'));
                let finding = out.report(
                    Place::new("terraform.backend", path.clone()),
                    match (file, encryption) {
                        (true, _) => format!(
                            "`{path}` of the {} backend names a file with credentials",
                            backend.kind
                        ),
                        (_, true) => {
                            format!("`{path}` of the {} backend holds an encryption key", backend.kind)
                        }
                        _ => format!(
                            "`{path}` of the {} backend holds a static credential",
                            backend.kind
                        ),
                    },
                );
                finding.fix(compliant(Some(backend)));
                if file {
                    finding.level(Level::Warning);
                }
                reported = true;
            }
            // The same block seen in the saved plan and in the source is one fault.
            if reported {
                return;
            }
        }
    }
}
