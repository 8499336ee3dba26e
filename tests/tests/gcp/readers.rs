//! What the provider made, read back by clients that others wrote: Google's Python client and `gcloud`. They know nothing of the
//! provider; what they read is compared with what the environment tells of itself.

use std::collections::BTreeSet;
use std::process::Command;

use mlops_e2e::gcloud::Gcloud;
use mlops_e2e::gcp::{PROJECT, REGION};
use mlops_e2e::root;
use serde_json::Value;

use crate::ground::{Ground, SERVICE, account, ground, text};

fn made(test: &str) -> Option<(Ground, Value)> {
    let ground = ground(test)?;
    ground.configure(SERVICE);
    ground.apply().expect(0);
    let environment = ground.environment();
    Some((ground, environment))
}

/// Everything that stands in the project, as Google's Python client reads it; none where it is not installed.
fn read(ground: &Ground, test: &str) -> Option<Value> {
    let python = root().join("tests/.venv/bin/python");
    let installed = Command::new(&python)
        .args(["-c", "import googleapiclient"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !installed {
        eprintln!("skipped {test}: tests/.venv has no googleapiclient; `make venv` installs it");
        return None;
    }
    let output = Command::new(&python)
        .arg(root().join("tests/readers/read_google.py"))
        .args([&ground.sandbox.url, PROJECT, REGION])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

/// Grants to the environment's identities in a policy as the reader tells it: `(role, member)`.
fn granted(policy: &Value) -> BTreeSet<(String, String)> {
    policy
        .as_array()
        .unwrap()
        .iter()
        .map(|grant| (text(grant, "/0").to_owned(), text(grant, "/1").to_owned()))
        .filter(|(_, member)| !member.starts_with("project"))
        .collect()
}

fn grant(role: &str, email: &str) -> (String, String) {
    (format!("roles/{role}"), format!("serviceAccount:{email}"))
}

/// The account that nodes run as.
fn node_account(found: &Value) -> &str {
    let pools = found["clusters"]["churn-dev"]["pools"].as_object().unwrap();
    text(pools.values().next().unwrap(), "/config/serviceAccount")
}

#[test]
fn googles_python_client_reads_what_the_environment_tells() {
    const TEST: &str = "googles_python_client_reads_what_the_environment_tells";
    let Some((ground, environment)) = made(TEST) else {
        return;
    };
    let Some(found) = read(&ground, TEST) else { return };
    the_cluster(&found, &environment);
    the_images(&found, &environment);
    the_data(&found, &environment);
    the_keys(&found, &environment);
    the_secrets(&found, &environment);
    the_identities(&found, &environment);
    the_federation(&found, &environment);
    assert_eq!(
        found["log_buckets"][text(&environment, "/log_groups/cluster")
            .rsplit('/')
            .next()
            .unwrap()]["retentionDays"],
        30
    );
}

fn the_cluster(found: &Value, environment: &Value) {
    let name = text(environment, "/cluster_info/name");
    let cluster = &found["clusters"][name];
    assert_eq!(cluster["status"], "RUNNING");
    assert_eq!(cluster["location"], environment["cluster_info"]["location"]);
    assert_eq!(
        cluster["workloadIdentityConfig"]["workloadPool"],
        environment["cluster_info"]["workload_pool"]
    );
    assert_eq!(cluster["databaseEncryption"]["state"], "ENCRYPTED");
    assert_eq!(
        cluster["databaseEncryption"]["keyName"],
        environment["keys"]["cluster"]
    );
    assert_eq!(cluster["networkConfig"]["defaultEnablePrivateNodes"], true);
    assert_eq!(cluster["networkConfig"]["datapathProvider"], "ADVANCED_DATAPATH");
    assert_eq!(cluster["shieldedNodes"]["enabled"], true);
    assert_ne!(cluster["legacyAbac"]["enabled"], true);
    let dns = &cluster["controlPlaneEndpointsConfig"]["dnsEndpointConfig"];
    assert_eq!(
        format!("https://{}", text(dns, "/endpoint")),
        text(environment, "/cluster_info/endpoint")
    );
    assert!(
        text(cluster, "/currentMasterVersion").starts_with(text(environment, "/cluster_info/version")),
        "{cluster:#}"
    );
    let pools = &cluster["pools"];
    assert_eq!(pools.as_object().unwrap().len(), 2);
    for (name, pool) in pools.as_object().unwrap() {
        let config = &pool["config"];
        assert_eq!(config["workloadMetadataConfig"]["mode"], "GKE_METADATA", "{name}");
        assert_eq!(
            config["shieldedInstanceConfig"]["enableIntegrityMonitoring"], true,
            "{name}"
        );
        let node = text(config, "/serviceAccount");
        assert!(found["accounts"][node].is_object(), "{name} runs as {node}");
        assert!(
            node.starts_with("nd-"),
            "nodes have an account of their own: {node}"
        );
    }
}

fn the_images(found: &Value, environment: &Value) {
    let url = text(environment, "/registry_info/url");
    let id = url.rsplit('/').next().unwrap();
    let repository = &found["repositories"][id];
    assert_eq!(repository["registryUri"], *url);
    assert_eq!(repository["dockerConfig"]["immutableTags"], true);
    assert_eq!(repository["kmsKeyName"], environment["keys"]["storage"]);
    let node = node_account(found);
    assert_eq!(
        granted(&repository["policy"]),
        [
            grant("artifactregistry.writer", &account(environment, "ci", None)),
            grant("artifactregistry.reader", &account(environment, "deploy", None)),
            grant("artifactregistry.reader", node),
        ]
        .into()
    );
}

fn the_data(found: &Value, environment: &Value) {
    let ours: BTreeSet<String> = environment["bucket_info"]
        .as_object()
        .unwrap()
        .values()
        .map(|info| text(info, "/name").to_owned())
        .collect();
    assert_eq!(keys(&found["buckets"]), ours);
    let of = |purpose: &str| &found["buckets"][text(&environment["bucket_info"][purpose], "/name")];
    for purpose in keys(&environment["bucket_info"]) {
        let bucket = of(&purpose);
        let access = &bucket["iamConfiguration"];
        assert_eq!(access["uniformBucketLevelAccess"]["enabled"], true, "{purpose}");
        assert_eq!(access["publicAccessPrevention"], "enforced", "{purpose}");
        assert_eq!(bucket["versioning"]["enabled"], true, "{purpose}");
        let key = &bucket["encryption"]["defaultKmsKeyName"];
        if purpose == "logs" {
            assert!(key.is_null(), "the claim is there before any key");
        } else {
            assert_eq!(key, &environment["keys"]["storage"], "{purpose}");
        }
        assert_eq!(
            granted(&bucket["policy"]),
            BTreeSet::new(),
            "{purpose}: nobody has a whole bucket"
        );
    }
    let (runtime, drift, retrain) = (
        account(environment, "runtime", Some("churn")),
        account(environment, "drift", Some("churn")),
        account(environment, "retrain", Some("churn")),
    );
    let (reads, creates) = ("storage.objectViewer", "storage.objectCreator");
    for (purpose, folder, wanted) in [
        (
            "models",
            "churn/",
            vec![grant(reads, &runtime), grant(reads, &retrain)],
        ),
        ("models", "churn/versions/", vec![grant(creates, &retrain)]),
        (
            "predictions",
            "churn/",
            vec![
                grant(creates, &runtime),
                grant(reads, &drift),
                grant(reads, &retrain),
            ],
        ),
        ("data", "churn/", vec![grant(reads, &retrain)]),
        ("data", "churn/reference/", vec![grant(reads, &drift)]),
        ("reports", "churn/", vec![grant(creates, &drift)]),
        (
            "mlflow",
            "churn/",
            vec![grant(reads, &retrain), grant(creates, &retrain)],
        ),
    ] {
        assert_eq!(
            granted(&of(purpose)["folders"][folder]),
            wanted.into_iter().collect(),
            "{purpose}/{folder}"
        );
    }
    let folders: usize = found["buckets"]
        .as_object()
        .unwrap()
        .values()
        .map(|bucket| bucket["folders"].as_object().unwrap().len())
        .sum();
    assert_eq!(folders, 7, "and no other folder");
}

fn the_keys(found: &Value, environment: &Value) {
    let ours: BTreeSet<String> = environment["keys"]
        .as_object()
        .unwrap()
        .values()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(keys(&found["keys"]), ours);
    for (name, key) in found["keys"].as_object().unwrap() {
        assert_eq!(key["primary"]["state"], "ENABLED", "{name}");
        assert_eq!(key["rotationPeriod"], format!("{}s", 90 * 86_400), "{name}");
        let users = granted(&key["policy"]);
        assert!(!users.is_empty(), "{name}");
        for (role, member) in users {
            assert_eq!(role, "roles/cloudkms.cryptoKeyEncrypterDecrypter", "{name}");
            let project = format!("@{PROJECT}.iam.gserviceaccount.com");
            assert!(
                !member.ends_with(&project),
                "{name}: only Google's agents have keys: {member}"
            );
        }
    }
}

fn the_secrets(found: &Value, environment: &Value) {
    let secrets = found["secrets"].as_object().unwrap();
    let (name, secret) = secrets.iter().next().unwrap();
    assert_eq!(secrets.len(), 1);
    assert!(name.contains("feature-store"), "{name}");
    assert_eq!(secret["values"], 0, "names alone: no value was ever written");
    let replica = &secret["replication"]["userManaged"]["replicas"][0];
    assert_eq!(replica["location"], REGION);
    assert_eq!(
        replica["customerManagedEncryption"]["kmsKeyName"],
        environment["keys"]["secrets"]
    );
    assert_eq!(
        granted(&secret["policy"]),
        [grant(
            "secretmanager.secretAccessor",
            &account(environment, "runtime", Some("churn"))
        )]
        .into()
    );
}

fn the_identities(found: &Value, environment: &Value) {
    let node = node_account(found).to_owned();
    let (ci, deploy) = (
        account(environment, "ci", None),
        account(environment, "deploy", None),
    );
    let mut ours: BTreeSet<String> = [ci.clone(), deploy.clone(), node.clone()].into();
    let pool = text(environment, "/cluster_info/workload_pool");
    for purpose in ["runtime", "drift", "retrain"] {
        let email = account(environment, purpose, Some("churn"));
        let info = &environment["identity_info"][purpose]["churn"];
        let pod = format!(
            "serviceAccount:{pool}[{}/{}]",
            text(info, "/namespace"),
            text(info, "/service_account")
        );
        assert_eq!(
            granted(&found["accounts"][&email]["policy"]),
            [("roles/iam.workloadIdentityUser".to_owned(), pod)].into(),
            "{purpose}"
        );
        ours.insert(email);
    }
    let made: BTreeSet<String> = keys(&found["accounts"]);
    assert_eq!(made, ours);
    for (email, account) in found["accounts"].as_object().unwrap() {
        assert_eq!(account["keys"].as_array().unwrap().len(), 0, "{email} has no key");
    }
    // Project-wide: the three that cannot be granted on less.
    let project: BTreeSet<(String, String)> = granted(&found["project"])
        .into_iter()
        .filter(|(_, member)| ours.iter().any(|email| member.ends_with(email.as_str())))
        .collect();
    assert_eq!(
        project,
        [
            grant("container.clusterViewer", &deploy),
            grant(
                "monitoring.metricWriter",
                &account(environment, "drift", Some("churn"))
            ),
            grant("container.defaultNodeServiceAccount", &node),
        ]
        .into()
    );
    let bounded = found["project"]
        .as_array()
        .unwrap()
        .iter()
        .find(|grant| grant[0] == "roles/container.clusterViewer")
        .unwrap();
    assert!(
        text(bounded, "/2").contains("/clusters/churn-dev"),
        "deploy sees this cluster alone: {bounded}"
    );
}

fn the_federation(found: &Value, environment: &Value) {
    let name = text(environment, "/federation_info/github_provider");
    let provider = &found["providers"][name];
    assert_eq!(provider["state"], "ACTIVE", "{:?}", keys(&found["providers"]));
    assert_eq!(
        provider["oidc"]["issuerUri"],
        "https://token.actions.githubusercontent.com"
    );
    assert!(text(provider, "/attributeCondition").contains("repository_id"));
    let pool = name.split("/providers/").next().unwrap();
    assert_eq!(found["pools"][pool]["state"], "ACTIVE");
    for (purpose, gate) in [("ci", "/2/ref/refs/heads/main"), ("deploy", "/2/env/gcp-dev")] {
        let members = granted(&found["accounts"][account(environment, purpose, None)]["policy"]);
        let wanted = format!("principalSet://iam.googleapis.com/{pool}/attribute.gate{gate}");
        assert!(
            members.contains(&("roles/iam.workloadIdentityUser".to_owned(), wanted)),
            "{purpose}: {members:#?}"
        );
        assert!(
            members.iter().all(|(role, member)| {
                role == "roles/iam.workloadIdentityUser" && member.contains("/attribute.gate/2/")
            }),
            "{purpose}: {members:#?}"
        );
    }
}

#[test]
fn gcloud_reads_what_the_environment_tells() {
    const TEST: &str = "gcloud_reads_what_the_environment_tells";
    let Some((ground, environment)) = made(TEST) else {
        return;
    };
    let Some(gcloud) = Gcloud::installed(&ground.sandbox, PROJECT) else {
        eprintln!("skipped {TEST}: gcloud is not on the path (https://cloud.google.com/sdk/docs/install)");
        return;
    };
    let cluster = gcloud.read(&format!(
        "container clusters describe {} --location={REGION}",
        text(&environment, "/cluster_info/name")
    ));
    assert_eq!(cluster["status"], "RUNNING");
    assert_eq!(
        cluster["workloadIdentityConfig"]["workloadPool"],
        environment["cluster_info"]["workload_pool"]
    );
    assert_eq!(cluster["nodePools"].as_array().unwrap().len(), 2);

    let repository = text(&environment, "/registry_info/url")
        .rsplit('/')
        .next()
        .unwrap();
    let policy = gcloud.read(&format!(
        "artifacts repositories get-iam-policy {repository} --location={REGION}"
    ));
    let ci = account(&environment, "ci", None);
    assert!(policy.to_string().contains(&ci), "{policy:#}");

    let models = text(&environment, "/bucket_info/models/uri");
    let bucket = gcloud.read(&format!("storage buckets describe {models}"));
    assert_eq!(bucket["public_access_prevention"], "enforced");
    assert_eq!(bucket["uniform_bucket_level_access"], true);
    assert_eq!(bucket["default_kms_key"], environment["keys"]["storage"]);
    let policy = gcloud.read(&format!("storage managed-folders get-iam-policy {models}/churn/"));
    let runtime = account(&environment, "runtime", Some("churn"));
    assert!(policy.to_string().contains(&runtime), "{policy:#}");

    let key = gcloud.read(&format!(
        "kms keys describe {}",
        text(&environment, "/keys/storage")
    ));
    assert_eq!(key["primary"]["state"], "ENABLED");
    let policy = gcloud.read(&format!(
        "kms keys get-iam-policy {}",
        text(&environment, "/keys/storage")
    ));
    assert!(policy.to_string().contains("gs-project-accounts"), "{policy:#}");

    let secrets = gcloud.read("secrets list");
    assert_eq!(secrets.as_array().unwrap().len(), 1);
    let policy = gcloud.read(&format!("secrets get-iam-policy {}", text(&secrets[0], "/name")));
    assert!(policy.to_string().contains(&runtime), "{policy:#}");

    let accounts = gcloud.read("iam service-accounts list");
    assert_eq!(accounts.as_array().unwrap().len(), 6, "{accounts:#}");
    let policy = gcloud.read(&format!("iam service-accounts get-iam-policy {runtime}"));
    assert!(
        policy.to_string().contains("svc.id.goog[churn-dev/churn-sa]"),
        "{policy:#}"
    );

    let provider = text(&environment, "/federation_info/github_provider");
    let read = gcloud.read(&format!(
        "iam workload-identity-pools providers describe {provider}"
    ));
    assert_eq!(read["name"], *provider);
    assert_eq!(read["state"], "ACTIVE");

    let project = gcloud.read(&format!("projects get-iam-policy {PROJECT}"));
    let deploy = account(&environment, "deploy", None);
    let bounded = project["bindings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|binding| binding["members"].to_string().contains(&deploy))
        .unwrap_or_else(|| panic!("{project:#}"));
    assert_eq!(bounded["role"], "roles/container.clusterViewer");
}
