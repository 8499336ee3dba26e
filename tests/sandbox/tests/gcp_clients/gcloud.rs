use std::path::Path;
use std::process::Command;

use mlops_sandbox::Sandbox;
use mlops_sandbox::gcp::USUAL_PROJECT;
use serde_json::Value;
use tempfile::TempDir;

/// `gcloud` with everything pointed at a sandbox, and nothing of the user's own.
/// <https://cloud.google.com/sdk/gcloud/reference/topic/configurations>
struct Gcloud<'a> {
    sandbox: &'a Sandbox,
    home: TempDir,
}

impl Gcloud<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("gcloud");
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("CLOUDSDK_CONFIG", self.home.path())
            .env("KUBECONFIG", self.home.path().join("kubeconfig"))
            .env("CLOUDSDK_CORE_PROJECT", USUAL_PROJECT)
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

    /// A command that goes through: what it says as JSON (null where it says nothing).
    fn ok(&self, line: &str) -> Value {
        let mut arguments: Vec<&str> = line.split(' ').collect();
        arguments.push("--format=json");
        let output = self.command(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "gcloud {line}\n{said}");
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// A command that is refused, and in which words.
    fn no(&self, line: &str, words: &str) {
        let arguments: Vec<&str> = line.split(' ').collect();
        let output = self.command(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "gcloud {line} went through");
        assert!(said.contains(words), "gcloud {line}\n{said}");
    }
}

/// Runs with a sandbox where `gcloud` is installed.
fn with(test: impl FnOnce(&Gcloud<'_>)) {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&paths)
        .any(|folder: std::path::PathBuf| Path::new(&folder).join("gcloud").exists());
    if !installed {
        eprintln!("SKIPPED: gcloud is not installed: https://cloud.google.com/sdk/docs/install");
        return;
    }
    let sandbox = Sandbox::builder().start().unwrap();
    test(&Gcloud {
        sandbox: &sandbox,
        home: tempfile::tempdir().unwrap(),
    });
}

#[test]
fn identities_and_pools_where_gcloud_is_installed() {
    with(|gcloud| {
        assert_eq!(
            gcloud.ok(&format!("projects describe {USUAL_PROJECT}"))["lifecycleState"],
            "ACTIVE"
        );
        gcloud.ok("iam service-accounts create runtime-churn --display-name=churn");
        let email = format!("runtime-churn@{USUAL_PROJECT}.iam.gserviceaccount.com");
        gcloud.ok(&format!("projects add-iam-policy-binding {USUAL_PROJECT} --member=serviceAccount:{email} --role=roles/monitoring.metricWriter"));
        gcloud.ok(&format!("iam service-accounts add-iam-policy-binding {email} --member=user:a@example.com --role=roles/iam.workloadIdentityUser"));
        gcloud.no(
            &format!("iam service-accounts add-iam-policy-binding {email} --member=serviceAccount:{USUAL_PROJECT}.svc.id.goog[a/b] --role=roles/iam.workloadIdentityUser"),
            "Identity Pool does not exist",
        );
        let pools = "iam workload-identity-pools";
        gcloud.ok(&format!("{pools} create mlops-prod --location=global"));
        let provider = format!(
            "{pools} providers create-oidc github --location=global --workload-identity-pool=mlops-prod --issuer-uri=https://token.actions.githubusercontent.com --attribute-mapping=google.subject=assertion.sub"
        );
        gcloud.no(&provider, "must reference one of the provider's claims");
        gcloud.ok(&format!(
            "{provider} --attribute-condition=assertion.repository_id=='42'"
        ));
        let list = gcloud.ok(&format!(
            "{pools} providers list --location=global --workload-identity-pool=mlops-prod"
        ));
        assert_eq!(list.as_array().unwrap().len(), 1);
        gcloud.ok(&format!("{pools} delete mlops-prod --location=global"));
        gcloud.no(
            &format!("{pools} create mlops-prod --location=global"),
            "already exists",
        );
        gcloud.ok(&format!("{pools} undelete mlops-prod --location=global"));
    });
}

#[test]
fn data_keys_and_secrets_where_gcloud_is_installed() {
    with(|gcloud| {
        gcloud.ok("artifacts repositories create prod --repository-format=docker --location=europe-west1");
        assert_eq!(
            gcloud.ok("artifacts repositories describe prod --location=europe-west1")["format"],
            "DOCKER"
        );
        gcloud.ok("artifacts repositories add-iam-policy-binding prod --location=europe-west1 --member=user:a@example.com --role=roles/artifactregistry.reader");
        gcloud.ok("storage buckets create gs://acme-models --location=europe-west1 --uniform-bucket-level-access --public-access-prevention");
        let bucket = gcloud.ok("storage buckets describe gs://acme-models");
        assert_eq!(
            (
                bucket["location"].as_str(),
                bucket["public_access_prevention"].as_str()
            ),
            (Some("EUROPE-WEST1"), Some("enforced"))
        );
        gcloud.ok("storage buckets add-iam-policy-binding gs://acme-models --member=user:a@example.com --role=roles/storage.objectViewer");
        gcloud.ok("kms keyrings create prod --location=europe-west1");
        gcloud.ok("kms keys create storage --keyring=prod --location=europe-west1 --purpose=encryption");
        gcloud.ok("kms keys add-iam-policy-binding storage --keyring=prod --location=europe-west1 --member=user:a@example.com --role=roles/cloudkms.cryptoKeyEncrypterDecrypter");
        gcloud.ok("secrets create token --replication-policy=automatic");
        gcloud.ok("secrets add-iam-policy-binding token --member=user:a@example.com --role=roles/secretmanager.secretAccessor");
        gcloud.ok("logging buckets create prod --location=europe-west1 --retention-days=30");
    });
}

#[test]
fn clusters_and_networks_where_gcloud_is_installed() {
    with(|gcloud| {
        gcloud.ok("compute networks create prod --subnet-mode=custom");
        gcloud.ok(
            "compute networks subnets create nodes --network=prod --region=europe-west1 --range=10.0.0.0/20",
        );
        gcloud.ok("container clusters create prod --location=europe-west1 --num-nodes=1 --network=prod --subnetwork=nodes");
        let cluster = gcloud.ok("container clusters describe prod --location=europe-west1");
        assert_eq!(
            (cluster["status"].as_str(), cluster["network"].as_str()),
            (Some("RUNNING"), Some("prod"))
        );
        gcloud.no(
            "container clusters create prod --location=europe-west1 --num-nodes=1",
            "Already exists",
        );
        gcloud.ok("container node-pools create gpu --cluster=prod --location=europe-west1 --num-nodes=1");
        assert_eq!(gcloud.ok("container clusters list").as_array().unwrap().len(), 1);
        gcloud.ok("container clusters get-credentials prod --location=europe-west1");
        gcloud.no("compute networks delete prod", "already being used by");
        gcloud.ok("container clusters delete prod --location=europe-west1");
    });
}
