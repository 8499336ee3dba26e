//! # LS04 unencrypted-backend
//!
//! Rejects backends that keep or send the state in clear text: `encrypt = false`, an `http://` address, certificates that are not
//! checked, PostgreSQL or Consul without TLS. An `s3` backend that does not say `encrypt` is a warning; one without a key of its own a note.
//!
//! ## Why
//!
//! The state holds every attribute of every resource, the sensitive ones too.
//!
//! ## Bad
//!
//! ```hcl
//! terraform {
//!   backend "s3" {
//!     bucket       = "acme-tfstate"
//!     key          = "prod/terraform.tfstate"
//!     region       = "eu-west-1"
//!     encrypt      = false
//!     use_lockfile = true
//!   }
//! }
//! ```
//!
//! ```hcl
//! terraform {
//!   backend "http" {
//!     address      = "http://state.acme.example/prod"
//!     lock_address = "http://state.acme.example/prod/lock"
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
//!     kms_key_id   = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
//!     use_lockfile = true
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! The backend: `encrypt`, `kms_key_id`, `address`, `skip_cert_verification`, `insecure`, `scheme`, the mode in `conn_str`, endpoints.
//!
//! ## Limits
//!
//! S3 encrypts every object since 2023 with a key of its own; what is missing without `encrypt` is the bucket owner's key and the intent.
//!
//! ## References
//!
//! - <https://developer.hashicorp.com/terraform/language/backend/s3>

use super::settings::{Setting, compliant, is_whole, setting};
use crate::backend::Evidence;
use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::rules::{Meta, Rule};

/// See the page above.
pub(super) struct UnencryptedBackend;

static META: Meta = Meta {
    code: "LS04",
    name: "unencrypted-backend",
    family: Family::StateBackend,
    level: Level::Error,
    title: "state kept or sent in clear text",
    why: "the state holds every attribute of every resource, the sensitive ones too",
    invariants: &["D-10", "D-17"],
    since: "0.1.0",
    source: include_str!("unencrypted_backend.rs"),
};

impl Rule for UnencryptedBackend {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn backend(&self, _: &Context<'_>, evidence: &Evidence, out: &mut Findings<'_>) {
        let Some(backend) = evidence.decided() else { return };
        let fix = compliant(Some(backend));
        match backend.kind.as_str() {
            "s3" => {
                match setting(backend, "encrypt") {
                    Setting::Given(v) if v.as_bool() == Some(false) => {
                        out.report(Place::backend("encrypt"), "the s3 backend is told not to encrypt")
                            .fix(fix.clone());
                    }
                    Setting::Given(_) => {}
                    Setting::Missing | Setting::Unseen if !is_whole(backend) => {
                        out.undecided(Place::backend("encrypt"), "whether the s3 backend encrypts is not known: its settings are given outside of the source; pass the saved plan");
                    }
                    // What a partial block leaves out is usually not given elsewhere either, but it may be.
                    Setting::Missing | Setting::Unseen => {
                        out.report(
                            Place::backend("encrypt"),
                            "the s3 backend does not say `encrypt = true`",
                        )
                        .level(Level::Warning)
                        .why(
                            "the state is then encrypted with a key of S3's, if the bucket says nothing else",
                        )
                        .fix(fix.clone());
                    }
                }
                if setting(backend, "kms_key_id") == Setting::Missing
                    && setting(backend, "sse_customer_key") == Setting::Missing
                {
                    out.report(
                        Place::backend("kms_key_id"),
                        "the state is not encrypted with a key of your own",
                    )
                    .level(Level::Note)
                    .why("who may decrypt the state is then whoever may read the bucket")
                    .fix(fix.clone());
                }
                for endpoint in ["endpoint", "endpoints.0.s3", "endpoints.s3"] {
                    if backend
                        .config
                        .path(endpoint)
                        .as_str()
                        .is_some_and(|a| a.starts_with("http://") && !is_loopback(a))
                    {
                        out.report(Place::backend(endpoint), "the state is sent in clear text")
                            .fix(fix.clone());
                    }
                }
            }
            "http" => {
                for address in ["address", "lock_address", "unlock_address"] {
                    if backend
                        .config
                        .get(address)
                        .as_str()
                        .is_some_and(|a| a.starts_with("http://"))
                    {
                        out.report(Place::backend(address), "the state is sent in clear text")
                            .fix("terraform {\n  backend \"http\" {\n    address = \"https://…\"\n  }\n}");
                        break;
                    }
                }
                if backend.config.get("skip_cert_verification").as_bool() == Some(true) {
                    out.report(
                        Place::backend("skip_cert_verification"),
                        "the server's certificate is not checked",
                    )
                    .fix("terraform {\n  backend \"http\" {\n    skip_cert_verification = false\n  }\n}");
                }
            }
            "pg" if plaintext_postgres(backend.config.get("conn_str").as_str()) => {
                out.report(Place::backend("conn_str"), "the connection to PostgreSQL may be in clear text")
                    .fix("terraform {\n  backend \"pg\" {} # conn_str from PG_CONN_STR, with sslmode=verify-full\n}");
            }
            "consul" if backend.config.get("scheme").as_str() == Some("http") => {
                out.report(
                    Place::backend("scheme"),
                    "the state is sent to Consul in clear text",
                )
                .fix("terraform {\n  backend \"consul\" {\n    scheme = \"https\"\n  }\n}");
            }
            "kubernetes" if backend.config.get("insecure").as_bool() == Some(true) => {
                out.report(
                    Place::backend("insecure"),
                    "the cluster's certificate is not checked",
                )
                .fix("terraform {\n  backend \"kubernetes\" {\n    insecure = false\n  }\n}");
            }
            _ => {}
        }
    }
}

fn plaintext_postgres(conn_str: Option<&str>) -> bool {
    let modes = ["sslmode=disable", "sslmode=allow", "sslmode=prefer"];
    conn_str.is_some_and(|c| modes.iter().any(|m| c.contains(m)))
}

fn is_loopback(address: &str) -> bool {
    let host = address.trim_start_matches("http://");
    host.starts_with("localhost") || host.starts_with("127.") || host.starts_with("[::1]")
}
