use std::path::Path;
use std::process::Command;

use mlops_sandbox::Sandbox;
use mlops_sandbox::gcp::USUAL_PROJECT;
use serde_json::{Value, json};

#[test]
fn googles_python_client_agrees_where_installed() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = here.join("../.venv/bin/python");
    let installed = Command::new(&python)
        .args(["-c", "import googleapiclient"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !installed {
        eprintln!(
            "SKIPPED: {} has no googleapiclient; `make venv` installs it",
            python.display()
        );
        return;
    }
    let sandbox = Sandbox::builder().start().unwrap();
    let output = Command::new(&python)
        .arg(here.join("clients/read_back.py"))
        .args([&sandbox.url, USUAL_PROJECT])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        found,
        json!({
            "operation": "CREATE_CLUSTER",
            "cluster": ["RUNNING", "RUNNING", 3],
            "again": 409,
            "unknown_field": 400,
            "policy": [{
                "role": "roles/iam.workloadIdentityUser",
                "members": [format!("serviceAccount:{USUAL_PROJECT}.svc.id.goog[churn/churn-sa]")],
            }],
            "stale": 409,
            "open_provider": 400,
            "provider": "ACTIVE",
            "key": "ENABLED",
            "object": "model",
            "resumable": "600000",
            "not_empty": 409,
            "repository": format!("europe-west1-docker.pkg.dev/{USUAL_PROJECT}/prod"),
            "secrets": 1,
            "log_bucket": 30,
            "project": USUAL_PROJECT,
            "subnetwork": "default",
            "api": "ENABLED",
        })
    );
}
