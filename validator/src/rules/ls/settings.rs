//! Settings of a backend, told apart by what their absence means.

use crate::backend::Backend;
use crate::value::Value;

/// What is known of a setting.
#[derive(Debug, PartialEq)]
pub(super) enum Setting<'b> {
    /// Its value.
    Given(&'b Value<'static>),
    /// It is not set, for certain.
    Missing,
    /// It may be given elsewhere (`-backend-config`, environment).
    Unseen,
}

/// What is known of the setting at `path`.
pub(super) fn setting<'b>(backend: &'b Backend, path: &str) -> Setting<'b> {
    let v = backend.config.path(path);
    match v.bare() {
        Value::Null if backend.partial => Setting::Unseen,
        Value::Null => Setting::Missing,
        Value::String(s) if s.is_empty() => Setting::Missing,
        Value::Unknown(_) | Value::Template(_) => Setting::Unseen,
        _ => Setting::Given(v),
    }
}

/// True when the evidence shows enough of the block to take what it does not say as not said.
pub(super) fn is_whole(backend: &Backend) -> bool {
    let needed = if backend.kind == "http" { 1 } else { 2 };
    let told = ["bucket", "key", "address"]
        .iter()
        .filter(|s| !backend.config.get(s).is_null());
    !backend.partial || told.count() >= needed
}

/// The backend block to write instead, with what is known of the user's own filled in.
pub(super) fn compliant(backend: Option<&Backend>) -> String {
    let known = |name: &str, otherwise: &str| {
        let v = backend
            .map(|b| b.config.get(name))
            .and_then(|v| if v.is_sensitive() { None } else { v.as_str() });
        v.map_or_else(|| format!("\"{otherwise}\""), |v| format!("\"{v}\""))
    };
    match backend.map(|b| b.kind.as_str()) {
        Some("gcs") => format!(
            "terraform {{\n  backend \"gcs\" {{\n    bucket             = {}\n    prefix             = {}\n    kms_encryption_key = \"<key>\"\n  }}\n}}",
            known("bucket", "<your state bucket>"),
            known("prefix", "<environment>")
        ),
        _ => format!(
            "terraform {{\n  backend \"s3\" {{\n    bucket       = {}\n    key          = {}\n    region       = {}\n    encrypt      = true\n    kms_key_id   = {}\n    use_lockfile = true\n  }}\n}}",
            known("bucket", "<your state bucket>"),
            known("key", "<environment>/terraform.tfstate"),
            known("region", "<region>"),
            known("kms_key_id", "<key>")
        ),
    }
}
