//! An environment under another state: everything is read, and its own configuration has nothing to change.

use std::sync::Arc;

use mlops_environment::component::Kind;
use serde_json::json;
use tfplugin::Value;
use tfplugin::testing::{Action, FakeCore};

use crate::memory::{Memory, Strike};
use crate::{ADDRESS, BOTH, On, core, messages, text};

const IDS: [(On, &str); 2] = [
    (On::Aws, "aws/123456789012/eu-west-1/churn-dev"),
    (On::Gcp, "gcp/acme-ml-dev/europe-west1/churn-dev"),
];

/// As much of the schema as one environment of either cloud can hold.
fn rich(core: &FakeCore, on: On) -> Value {
    on.config(core, |settings| {
        settings["tags"] = json!({ "team": "ml" });
        settings["buckets"] = json!({ "data": { "noncurrent_days": 60, "transition_days": 30 } });
        settings["node_pools"] = json!({
            "system": { "purpose": "system", "size": "small", "min": 1, "max": 3 },
            "serving": { "purpose": "serving", "min": 0, "max": 3, "labels": { "a": "b" },
                "taints": [{ "key": "only", "value": "x", "effect": "NoSchedule" }] },
        });
        settings["identities"] = json!({ "drift": { "enabled": false } });
        settings["protection"] = json!({ "data": false });
        settings["timeouts"] = json!({ "create": "80m" });
    })
}

fn without_news(state: &Value) -> Value {
    let mut state = state.clone();
    state.set_entry("last_change", Value::Null);
    state
}

#[tokio::test]
async fn an_imported_environment_is_what_it_was_and_has_nothing_to_change() {
    for (on, id) in IDS {
        let memory = Arc::new(Memory::new());
        let mut first = core(&memory).await;
        let config = rich(&first, on);
        let applied = first.converge(ADDRESS, &config).await.unwrap();
        let mut second = core(&memory).await;
        second.import(ADDRESS, id).await.unwrap();
        let imported = second.object(ADDRESS).unwrap().value.clone();
        assert_eq!(without_news(&imported), without_news(&applied.state), "{on:?}");
        assert_eq!(
            second.plan(ADDRESS, &config).await.unwrap().action,
            Action::NoOp,
            "{on:?}"
        );
        // It lives on under its new state.
        second
            .converge(ADDRESS, &on.config(&second, |_| {}))
            .await
            .unwrap();
        second.destroy(ADDRESS).await.unwrap();
    }
}

#[tokio::test]
async fn an_environment_is_imported_by_its_identity() {
    for (on, [cloud, account, region]) in [
        (On::Aws, ["aws", "123456789012", "eu-west-1"]),
        (On::Gcp, ["gcp", "acme-ml-dev", "europe-west1"]),
    ] {
        let memory = Arc::new(Memory::new());
        let mut first = core(&memory).await;
        let config = on.config(&first, |_| {});
        first.converge(ADDRESS, &config).await.unwrap();
        let mut second = core(&memory).await;
        let identity = json!({ "cloud": cloud, "account": account, "region": region, "name": "churn-dev" });
        second.import_by_identity(ADDRESS, &identity).await.unwrap();
        assert_eq!(second.plan(ADDRESS, &config).await.unwrap().action, Action::NoOp);
    }
}

#[tokio::test]
async fn an_environment_whose_logs_bucket_was_taken_over_is_found_by_it() {
    let memory = Arc::new(Memory::new());
    memory.squat(Kind::AwsBucket, "acme-logs");
    let mut first = core(&memory).await;
    let config = On::Aws.config(&first, |settings| {
        settings["adopt"] = json!({ "buckets.logs": "acme-logs" });
    });
    first.converge(ADDRESS, &config).await.unwrap();
    let mut second = core(&memory).await;
    let id = IDS[0].1;
    let failure = second.import(ADDRESS, id).await.unwrap_err();
    assert!(
        messages(&failure).contains(&format!("{id}@<bucket>")),
        "{}",
        messages(&failure)
    );
    second.import(ADDRESS, &format!("{id}@acme-logs")).await.unwrap();
    assert_eq!(second.plan(ADDRESS, &config).await.unwrap().action, Action::NoOp);
    let mut third = core(&memory).await;
    let identity = json!({ "cloud": "aws", "account": "123456789012", "region": "eu-west-1", "name": "churn-dev",
        "logs_bucket": "acme-logs" });
    third.import_by_identity(ADDRESS, &identity).await.unwrap();
    assert_eq!(third.plan(ADDRESS, &config).await.unwrap().action, Action::NoOp);
}

#[tokio::test]
async fn an_incomplete_environment_is_imported_and_finished() {
    for (on, id) in IDS {
        let memory = Arc::new(Memory::new());
        let mut first = core(&memory).await;
        let config = on.config(&first, |_| {});
        memory.fail_write(9, Strike::Before);
        first.apply(ADDRESS, &config).await.unwrap_err();
        let made = memory.ids();
        let mut second = core(&memory).await;
        second.import(ADDRESS, id).await.unwrap();
        let object = second.object(ADDRESS).unwrap();
        assert_eq!(text(&object.value, &["phase"]), "INCOMPLETE");
        let applied = second.converge(ADDRESS, &config).await.unwrap();
        assert_eq!(applied.action, Action::Update);
        let after = memory.ids();
        for (name, id) in made {
            assert_eq!(after[&name], id, "{name} was made once");
        }
    }
}

/// What could not be read at import is filled in as soon as it can be.
#[tokio::test]
async fn what_was_hidden_at_import_is_filled_in_later() {
    let memory = Arc::new(Memory::new());
    let mut first = core(&memory).await;
    let config = On::Aws.config(&first, |_| {});
    let applied = first.converge(ADDRESS, &config).await.unwrap();
    memory.hide(Some(Kind::AwsCluster));
    let mut second = core(&memory).await;
    second.import(ADDRESS, IDS[0].1).await.unwrap();
    memory.hide(None);
    second.refresh(ADDRESS).await.unwrap();
    let imported = &second.object(ADDRESS).unwrap().value;
    assert_eq!(without_news(imported), without_news(&applied.state));
    assert_eq!(second.plan(ADDRESS, &config).await.unwrap().action, Action::NoOp);
}

#[tokio::test]
async fn what_cannot_be_imported_is_said_with_what_to_do() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    for (id, says) in [
        ("churn-dev", "expected aws/<account>/<region>/<name>"),
        ("aws/123456789012/eu-west-1/other-dev", "There is no environment"),
        ("aws/999999999999/eu-west-1/churn-dev", "is elsewhere"),
        (
            "gcp/other-project/europe-west1/churn-dev",
            "provider of other-project",
        ),
    ] {
        let said = messages(&core.import(ADDRESS, id).await.unwrap_err());
        assert!(said.contains(says), "{id}: {said}");
    }
    let config = On::Aws.config(&core, |_| {});
    core.converge(ADDRESS, &config).await.unwrap();
    core.forget(ADDRESS);
    memory.age_claims();
    let said = messages(&core.import(ADDRESS, IDS[0].1).await.unwrap_err());
    assert!(said.contains("Apply once with this version"), "{said}");
    assert!(core.object(ADDRESS).is_none());
}

/// B10: what the claim tells is as public as the state.
#[tokio::test]
async fn the_claim_holds_settings_and_nothing_that_is_computed() {
    for on in BOTH {
        let memory = Arc::new(Memory::new());
        let mut core = core(&memory).await;
        let config = on.config(&core, |_| {});
        core.converge(ADDRESS, &config).await.unwrap();
        let claims = memory.claims();
        let settings = claims[0]
            .settings
            .as_ref()
            .and_then(|all| all.as_object())
            .unwrap();
        assert!(settings.contains_key("services") && settings.contains_key("timeouts"));
        for computed in ["components", "cluster_info", "kubeconfig", "manifests", "uid"] {
            assert!(!settings.contains_key(computed), "{computed}");
        }
    }
}
