//! Which state Terraform keeps for the configuration that it runs here.
//!
//! Terraform does not tell its providers. It starts them in the folder that it works in, where it notes its backend and its workspace
//! (<https://developer.hashicorp.com/terraform/cli/init>, "Working Directory Contents"). The address is only ever compared: where these
//! notes change their form, an apply that was killed at its very last moment is taken for somebody else's, and refused, as without them.

use std::fs;
use std::path::{Path, PathBuf};

use mlops_environment::claim::Origin;
use serde_json::Value;

use super::lease;

/// Settings of backends that say where the state is. Others may be secret.
const ADDRESS: [&str; 16] = [
    "address",
    "bucket",
    "container_name",
    "endpoint",
    "hostname",
    "key",
    "namespace",
    "organization",
    "path",
    "prefix",
    "region",
    "schema_name",
    "secret_suffix",
    "storage_account_name",
    "workspace_key_prefix",
    "workspaces",
];

/// Where an apply that begins now comes from.
pub(super) fn here() -> Option<Origin> {
    address().map(|state| Origin {
        state,
        process: lease::this(),
    })
}

/// The address of the state of this run.
pub(super) fn address() -> Option<String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let folder = std::env::current_dir().ok()?;
    let data = PathBuf::from(variable("TF_DATA_DIR").unwrap_or_else(|| ".terraform".to_owned()));
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    of(&folder, &data, variable("TF_WORKSPACE"), machine.trim())
}

fn of(folder: &Path, data: &Path, workspace: Option<String>, machine: &str) -> Option<String> {
    let note = |name: &str| fs::read_to_string(folder.join(data).join(name)).ok();
    let workspace = workspace
        .or_else(|| note("environment").map(|name| name.trim().to_owned()))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "default".to_owned());
    let backend: Option<Value> = match note("terraform.tfstate") {
        // A note that cannot be read is no proof of anything.
        Some(text) => Some(serde_json::from_str(&text).ok()?),
        None => None,
    };
    let backend = backend.as_ref().and_then(|note| note.get("backend"));
    let kind = backend
        .and_then(|backend| backend.get("type")?.as_str())
        .unwrap_or("local");
    let settings = backend.and_then(|backend| backend.get("config")?.as_object());
    let mut address = vec![kind.to_owned()];
    for name in ADDRESS {
        let value = settings.and_then(|settings| settings.get(name));
        // What comes before an @ in a URL may be a password.
        if let Some(value) = value.filter(|value| !value.is_null() && !value.to_string().contains('@')) {
            address.push(format!("{name}={value}"));
        }
    }
    if kind == "local" {
        address.push(format!("on {machine} in {}", folder.display()));
    }
    address.push(format!("workspace={workspace}"));
    Some(address.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const S3: &str = r#"{"version":3,"backend":{"type":"s3","config":{"bucket":"acme-state","key":"churn/dev.tfstate",
        "region":"eu-west-1","access_key":"AKIAIOSFODNN7EXAMPLE","profile":null},"hash":1}}"#;

    fn folder(notes: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join(".terraform")).expect("its folder");
        for (name, text) in notes {
            fs::write(folder.path().join(".terraform").join(name), text).expect("a note");
        }
        folder
    }

    fn at(folder: &tempfile::TempDir, workspace: Option<&str>, machine: &str) -> Option<String> {
        let workspace = workspace.map(str::to_owned);
        of(folder.path(), Path::new(".terraform"), workspace, machine)
    }

    #[test]
    fn a_state_in_a_bucket_is_the_same_from_every_machine_and_folder() {
        let (one, other) = (
            folder(&[("terraform.tfstate", S3)]),
            folder(&[("terraform.tfstate", S3)]),
        );
        assert_eq!(at(&one, None, "a"), at(&other, None, "b"));
        let address = at(&one, None, "a").expect("an address");
        assert!(address.contains("churn/dev.tfstate"), "{address}");
        assert!(!address.contains("AKIA"), "{address}");
    }

    #[test]
    fn a_state_on_a_disk_is_that_of_its_folder() {
        let (one, other) = (folder(&[]), folder(&[]));
        assert_eq!(at(&one, None, "a"), at(&one, None, "a"));
        assert_ne!(at(&one, None, "a"), at(&other, None, "a"));
        assert_ne!(at(&one, None, "a"), at(&one, None, "b"));
    }

    #[test]
    fn workspaces_have_states_of_their_own() {
        let one = folder(&[("terraform.tfstate", S3)]);
        let other = folder(&[("terraform.tfstate", S3), ("environment", "blue\n")]);
        assert_ne!(at(&one, None, "a"), at(&other, None, "a"));
        assert_eq!(at(&one, Some("blue"), "a"), at(&other, None, "a"));
        assert_ne!(at(&other, Some("green"), "a"), at(&other, None, "a"));
    }

    #[test]
    fn a_note_that_cannot_be_read_tells_nothing() {
        assert_eq!(at(&folder(&[("terraform.tfstate", "{")]), None, "a"), None);
    }
}
