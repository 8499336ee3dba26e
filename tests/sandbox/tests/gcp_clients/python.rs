use std::path::Path;
use std::process::Command;

use mlops_sandbox::Sandbox;
use mlops_sandbox::gcp::USUAL_PROJECT;
use serde_json::{Value, json};

/// Runs a program of `clients/` on a sandbox; none where Google's client is not installed.
fn run(program: &str, sandbox: &Sandbox) -> Option<Value> {
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
        return None;
    }
    let output = Command::new(&python)
        .arg(here.join("clients").join(program))
        .args([&sandbox.url, USUAL_PROJECT])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn googles_python_client_agrees_where_installed() {
    let sandbox = Sandbox::builder().start().unwrap();
    let Some(found) = run("read_back.py", &sandbox) else {
        return;
    };
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

#[test]
fn a_pipeline_enters_by_googles_library_and_may_what_it_was_granted_where_installed() {
    let sandbox = Sandbox::builder().enforce(true).start().unwrap();
    let Some(found) = run("federate.py", &sandbox) else {
        return;
    };
    assert_eq!(
        found,
        json!({
            "own": "model",
            "others": 403,
            "delete": 403,
            "clusters": 403,
            "prod": 200,
            "dev": "getAccessToken",
            "other_repository": "attribute condition",
        })
    );
}
