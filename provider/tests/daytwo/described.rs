//! What is told of an environment beside the resource: its documents and manifests before it stands, and a way into its
//! cluster.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tfplugin::Value;
use tfplugin::testing::FakeCore;

use crate::memory::Memory;
use crate::{BOTH, On, core, messages, settings, text};

const PERMISSIONS: &str = "mlops_permission_set";
const MANIFESTS: &str = "mlops_kubernetes_manifests";

fn described(on: On, change: impl FnOnce(&mut Json)) -> Json {
    settings(|settings| {
        on.place(settings);
        change(settings);
    })
}

async fn refused(core: &mut FakeCore, source: &str, config: Json) -> String {
    messages(&core.read_data(source, config).await.unwrap_err())
}

#[tokio::test]
async fn the_documents_of_every_purpose_are_told_before_anything_stands() {
    for on in BOTH {
        let memory = Arc::new(Memory::new());
        let mut core = core(&memory).await;
        let config = json!({ "environment": described(on, |_| {}) });
        let told = core.read_data(PERMISSIONS, config).await.unwrap();
        let identities = told.get("identities").and_then(Value::entries).unwrap();
        let names: Vec<&str> = identities.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["ci", "deploy", "drift.churn", "retrain.churn", "runtime.churn"]
        );
        for (name, identity) in identities {
            let trust: Json = serde_json::from_str(&text(identity, &["trust"])).unwrap();
            assert!(trust.is_object(), "{name}: {trust}");
            let permissions = identity.get("permissions").and_then(Value::entries).unwrap();
            assert!(!permissions.is_empty(), "{on:?} {name} may do nothing");
            for document in permissions.values() {
                let document: Json = serde_json::from_str(document.as_str().unwrap()).unwrap();
                assert!(document.is_object(), "{name}: {document}");
            }
            let bounded = identity
                .get("boundary")
                .is_some_and(|boundary| !boundary.is_null());
            assert_eq!(bounded, on == On::Aws, "{name}");
        }
        assert!(memory.ids().is_empty(), "nothing was made");
    }
}

/// The same judgement as in the resource, at the attribute that describes it.
#[tokio::test]
async fn an_environment_that_could_not_be_made_is_not_described() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let widened = described(On::Aws, |settings| {
        settings["identities"] = json!({ "runtime": { "additional_permissions": [
            { "id": "X", "actions": ["sqs:SendMessage"], "resources": ["*"] }] } });
    });
    let said = refused(&mut core, PERMISSIONS, json!({ "environment": widened })).await;
    assert!(
        said.contains("identities.runtime.additional_permissions[0]: Breaks row I02"),
        "{said}"
    );

    let strange = described(On::Aws, |settings| settings["colour"] = json!("blue"));
    let said = refused(&mut core, PERMISSIONS, json!({ "environment": strange })).await;
    assert!(said.contains("An environment has no colour"), "{said}");

    let long = described(On::Aws, |settings| {
        settings["name"] = json!("a-name-that-is-much-too-long")
    });
    let said = refused(
        &mut core,
        MANIFESTS,
        json!({ "environment": long, "service": "churn" }),
    )
    .await;
    assert!(said.contains("name: ") && said.contains("3 to 20"), "{said}");

    let said = refused(&mut core, PERMISSIONS, json!({ "environment": "churn-dev" })).await;
    assert!(said.contains("Not an environment"), "{said}");
}

#[tokio::test]
async fn a_service_gets_its_own_manifests_and_nobody_elses() {
    for on in BOTH {
        let memory = Arc::new(Memory::new());
        let mut core = core(&memory).await;
        let environment = described(on, |settings| settings["services"]["fraud"] = json!({}));
        let config = json!({ "environment": environment, "service": "churn" });
        let told = core.read_data(MANIFESTS, config).await.unwrap();
        let overlay = if on == On::Aws { "aws-dev" } else { "gcp-dev" };
        assert_eq!(text(&told, &["overlay"]), overlay);
        let files = told.get("manifests").and_then(Value::entries).unwrap();
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "00-namespaces.yaml",
                "10-service-accounts.yaml",
                "30-quotas.yaml",
                "40-network-policies.yaml",
                "kustomization.yaml"
            ]
        );
        for (name, file) in files {
            let file = file.as_str().unwrap();
            assert!(
                !file.contains("fraud"),
                "{name} speaks of another service:\n{file}"
            );
        }
        let kustomization = text(&told, &["manifests", "kustomization.yaml"]);
        for name in names.iter().filter(|name| **name != "kustomization.yaml") {
            assert!(kustomization.contains(name), "{name}: {kustomization}");
        }
        assert_eq!(
            text(&told, &["manifests", "10-service-accounts.yaml"]),
            text(&told, &["service_account_patch"])
        );

        let config = json!({ "environment": described(on, |_| {}), "service": "frod" });
        let said = refused(&mut core, MANIFESTS, config).await;
        assert!(
            said.contains("There is no service") && said.contains("The environment has: churn"),
            "{said}"
        );
    }
}

/// Terraform asks for a renewal when the token runs out. It cannot take another one: it is told so, once, and nothing fails
/// that has not failed already.
#[tokio::test]
async fn a_token_says_when_it_runs_out_and_that_no_other_can_be_given() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let cluster = json!({ "cluster": {
        "arn": "arn:aws:eks:eu-west-1:123456789012:cluster/churn-dev", "endpoint": "https://1.eks", "ca_certificate": "Y2E=" } });
    let mut opened = core.open("mlops_cluster_token", cluster).await.unwrap();
    assert_eq!(text(&opened.result, &["token"]), "token of churn-dev");
    let end: jiff::Timestamp = text(&opened.result, &["expires_at"]).parse().unwrap();
    // Terraform asks a minute before the time that it is told.
    assert_eq!(opened.renew_at, Some(end.as_second() + 60));
    core.renew(&mut opened).await.unwrap();
    assert_eq!(opened.renew_at, None, "it is asked once");
    core.close(opened).await.unwrap();
}
