//! `gcloud`, pointed at a local cloud, with nothing of the user's own.
//!
//! <https://cloud.google.com/sdk/gcloud/reference/topic/configurations>

use std::process::Command;

use mlops_sandbox::Sandbox;
use serde_json::Value;
use tempfile::TempDir;

/// `gcloud` with every service at a sandbox.
#[derive(Debug)]
pub struct Gcloud<'a> {
    sandbox: &'a Sandbox,
    project: &'a str,
    home: TempDir,
}

impl<'a> Gcloud<'a> {
    /// One at a sandbox; none where it is not installed.
    ///
    /// # Panics
    /// Where no temporary directory can be made.
    pub fn installed(sandbox: &'a Sandbox, project: &'a str) -> Option<Self> {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&paths)
            .any(|folder| folder.join("gcloud").exists())
            .then(|| Self {
                sandbox,
                project,
                home: tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary directory: {error}")),
            })
    }

    /// A command, ready to run.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("CLOUDSDK_CONFIG", self.home.path())
            .env("KUBECONFIG", self.home.path().join("kubeconfig"))
            .env("CLOUDSDK_CORE_PROJECT", self.project)
            .env("CLOUDSDK_AUTH_DISABLE_CREDENTIALS", "true")
            .env("CLOUDSDK_CORE_DISABLE_PROMPTS", "1")
            .env("CLOUDSDK_CORE_SHOULD_PROMPT_TO_ENABLE_API", "false")
            .env("CLOUDSDK_CORE_DISABLE_USAGE_REPORTING", "true")
            .env("CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK", "true");
        for service in [
            "artifactregistry",
            "cloudkms",
            "cloudresourcemanager",
            "container",
            "iam",
            "iamcredentials",
            "logging",
            "secretmanager",
            "serviceusage",
        ] {
            let name = format!("CLOUDSDK_API_ENDPOINT_OVERRIDES_{}", service.to_uppercase());
            command.env(name, format!("{}/", self.sandbox.gcp(service)));
        }
        command
            .env(
                "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE",
                format!("{}/storage/v1/", self.sandbox.gcp("storage")),
            )
            .env(
                "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE",
                format!("{}/compute/v1/", self.sandbox.gcp("compute")),
            );
        command
    }

    /// What a command that goes through says, as JSON; arguments are parted by spaces.
    ///
    /// # Panics
    /// Where it does not go through.
    pub fn read(&self, line: &str) -> Value {
        let output = self
            .command("gcloud")
            .args(line.split(' '))
            .arg("--format=json")
            .output()
            .unwrap_or_else(|error| panic!("gcloud cannot be started: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "gcloud {line}\n{said}");
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }
}
