//! What is known before anything exists.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

mod fixtures;

use std::collections::{BTreeMap, BTreeSet};

use fixtures::{environment, full, minimal, with};
use mlops_environment::outputs::{component_info, fingerprint};
use mlops_environment::reference::find_in;
use serde_json::{Value, json};

/// Paths of values that are known only after the apply.
fn unknown(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| unknown(value, &format!("{at}.{key}"), found)),
        other => {
            let mut references = BTreeSet::new();
            find_in(other, &mut references);
            if !references.is_empty() {
                found.insert(at.to_owned());
            }
        }
    }
}

fn unknowns(outputs: &BTreeMap<&str, Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    outputs
        .iter()
        .for_each(|(name, value)| unknown(value, name, &mut found));
    found
}

#[test]
fn everything_that_can_be_computed_is_known_on_the_first_plan() {
    let expected = [
        "cluster_info.ca_certificate",
        "cluster_info.endpoint",
        "cluster_info.oidc_issuer",
        "cluster_info.version",
        "federation_info.pod_provider",
        "keys.cluster",
        "keys.logs",
        "keys.secrets",
        "keys.storage",
        "kubeconfig",
    ];
    assert_eq!(
        unknowns(&environment(minimal()).outputs()),
        expected.map(str::to_owned).into()
    );
}

#[test]
fn the_outputs_of_a_full_environment() {
    insta::assert_yaml_snapshot!(environment(full()).outputs());
}

#[test]
fn an_annotation_names_the_role_that_trusts_the_service_account() {
    let environment = environment(full());
    let workload = &environment.outputs()["identity_info"]["retrain"]["churn"];
    assert_eq!(
        workload["annotation"]["eks.amazonaws.com/role-arn"],
        workload["principal"]
    );
    let role = environment.component("identities.retrain.churn").expect("there");
    let trust = role.properties["trust"].as_str().expect("text");
    let subject = format!(
        "system:serviceaccount:{}:{}",
        workload["namespace"].as_str().expect("text"),
        workload["service_account"].as_str().expect("text")
    );
    assert!(
        trust.contains(&format!("\"@{{federation.pods:issuer}}:sub\":\"{subject}\"")),
        "{trust}"
    );
    assert_eq!(workload["namespace"], "churn-prod-train");
}

#[test]
fn variables_of_a_github_environment_hold_the_role_it_enters() {
    let github = &environment(full()).outputs()["github"];
    let role = |name: &str| format!("arn:aws:iam::111122223333:role/mlops/shop-prod/shop-prod-{name}");
    assert_eq!(github["aws-production"]["AWS_ROLE_ARN"], role("deploy"));
    assert_eq!(github[""]["AWS_ROLE_ARN"], role("ci"));
    assert_eq!(
        github["aws-prod-drift"]["AWS_ROLE_ARN_CHURN"],
        role("drift-churn")
    );
}

#[test]
fn what_is_switched_off_is_not_told() {
    let outputs = environment(with(minimal(), "/identities/drift/enabled", false.into())).outputs();
    assert_eq!(outputs["identity_info"]["drift"], json!({}));
    let alone = environment(with(minimal(), "/federation", Value::Null)).outputs();
    assert_eq!(alone["identity_info"]["ci"], Value::Null);
    assert_eq!(alone["federation_info"]["github_provider"], Value::Null);
    assert_eq!(alone["github"], json!({}));
}

#[test]
fn no_output_holds_a_secret() {
    let config = with(
        minimal(),
        "/services/churn/secrets/db",
        json!({ "readers": ["runtime"] }),
    );
    let text = serde_json::to_string(&environment(config).outputs()).expect("json");
    assert!(
        !text.contains("secretsmanager") && !text.contains("AKIA"),
        "{text}"
    );
}

#[test]
fn a_fingerprint_changes_with_the_wish_and_with_nothing_else() {
    let of = |config: Value| fingerprint(environment(config).component("buckets.data").expect("there"));
    assert_eq!(
        of(minimal()),
        of(with(minimal(), "/logging/retention_days", json!(7)))
    );
    assert_ne!(
        of(minimal()),
        of(with(minimal(), "/buckets/data/versioning", false.into()))
    );
}

#[test]
fn a_fingerprint_waits_for_values_that_are_not_known_and_ignores_the_pinned_version() {
    let of =
        |config: Value, address: &str| fingerprint(environment(config).component(address).expect(address));
    let unknown = with(minimal(), "/encryption/storage/key", "@{unknown:key}".into());
    assert_eq!(of(unknown, "keys.storage"), "@{unknown:fingerprint}");
    let pinned = with(minimal(), "/cluster/version", "1.33".into());
    for address in ["cluster", "node_pools.system"] {
        assert_eq!(of(minimal(), address), of(pinned.clone(), address));
    }
}

#[test]
fn a_component_is_told_with_the_clouds_id_once_there_is_one() {
    let environment = environment(full());
    let bucket = environment.component("buckets.mlflow").expect("there");
    let info = component_info(bucket, None, "pending");
    assert_eq!(
        (&info["id"], &info["managed"], &info["kind"]),
        (&json!("acme-mlflow"), &json!("existing"), &json!("aws_bucket"))
    );
    let key = environment.component("keys.logs").expect("there");
    assert_eq!(component_info(key, None, "pending")["id"], Value::Null);
    assert_eq!(component_info(key, Some("1234"), "ready")["id"], "1234");
}
