//! The validator is small: it reads files and talks to nobody, and `cargo install --path validator` must not build the clouds' clients.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

/// Beginnings of the names of what the validator has no use for: clients of clouds, and everything that opens a connection.
const FOREIGN: [&str; 12] = [
    "aws-",
    "google-cloud-",
    "hyper",
    "reqwest",
    "rustls",
    "aws-lc",
    "openssl",
    "tokio",
    "tonic",
    "mlops-aws",
    "mlops-gcp",
    "mlops-environment",
];

#[test]
fn no_client_of_a_cloud_and_nothing_that_opens_a_connection_is_pulled_in() {
    let out = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--package",
            "tfplan-check",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let tree = String::from_utf8(out.stdout).unwrap();
    let packages: std::collections::BTreeSet<&str> =
        tree.lines().filter_map(|l| l.split(' ').next()).collect();
    assert!(
        packages.contains("serde_json") && packages.contains("mlops-access"),
        "{tree}"
    );
    let foreign: Vec<&&str> = packages
        .iter()
        .filter(|p| FOREIGN.iter().any(|f| p.starts_with(f)))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    // A guard that refuses: the provider does pull them in.
    assert!(FOREIGN.iter().any(|f| "aws-sdk-iam".starts_with(f)));
    assert!(packages.len() < 110, "{} packages: what came in?", packages.len());
}
