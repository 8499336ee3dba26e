//! The example provider under the played core: scenarios without terraform, and random ones.

// Helpers outside of the test functions may fail as loudly as these.
#![allow(clippy::unwrap_used)]

#[path = "../examples/terraform-provider-example/main.rs"]
#[allow(dead_code)]
mod example;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tfplugin::testing::{Action, Failure, FakeCore, Object};
use tfplugin::value::Refinements;
use tfplugin::{Number, Value};

async fn core(folder: &Path) -> FakeCore {
    FakeCore::start(example::Example::default(), json!({ "folder": folder }))
        .await
        .unwrap()
}

fn board(core: &FakeCore, config: Json) -> Value {
    core.config("example_board", config).unwrap()
}

const A: &str = "example_board.a";

#[tokio::test]
async fn a_board_is_made_changed_replaced_and_destroyed() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = core(folder.path()).await;
    let config = board(&core, json!({ "name": "a", "notes": { "one": { "text": "x" } } }));
    assert_eq!(core.converge(A, &config).await.unwrap().action, Action::Create);
    let config = board(
        &core,
        json!({ "name": "a", "title": "t", "notes": { "two": { "text": "y" } } }),
    );
    let applied = core.converge(A, &config).await.unwrap();
    assert_eq!(applied.action, Action::Update);
    assert_eq!(
        applied.state.get("revision"),
        Some(&Value::Number(Number::Int(2)))
    );
    let config = board(&core, json!({ "name": "b" }));
    assert_eq!(core.converge(A, &config).await.unwrap().action, Action::Replace);
    assert!(!folder.path().join("a.json").exists());
    assert_eq!(core.destroy(A).await.unwrap().action, Action::Delete);
    assert!(core.objects().is_empty());
    assert!(!folder.path().join("b.json").exists());
}

#[tokio::test]
async fn what_vanished_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = core(folder.path()).await;
    let config = board(&core, json!({ "name": "a" }));
    core.converge(A, &config).await.unwrap();
    std::fs::remove_file(folder.path().join("a.json")).unwrap();
    assert_eq!(core.converge(A, &config).await.unwrap().action, Action::Create);
}

#[tokio::test]
async fn a_value_unknown_in_the_plan_may_be_known_in_the_apply() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = core(folder.path()).await;
    let mut config = board(&core, json!({ "name": "a" }));
    config.set_entry("title", Value::Unknown(Refinements::default()));
    let planned = core.plan(A, &config).await.unwrap();
    assert!(planned.planned.get("title").unwrap().is_unknown());
    config.set_entry("title", "known now");
    core.apply_planned(A, &planned, &config).await.unwrap();
    core.converge(A, &config).await.unwrap();
}

#[tokio::test]
async fn a_create_that_fails_half_way_is_stored_and_tainted() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = core(folder.path()).await;
    let notes = json!({ "one": { "text": "x" }, "two": { "text": "y" } });
    let config = board(&core, json!({ "name": "a", "notes": notes, "fault": "half" }));
    let failure = core.apply(A, &config).await.unwrap_err();
    assert!(
        failure.to_string().contains("The second note did not stick."),
        "{failure}"
    );
    let object = core.object(A).unwrap();
    assert!(object.tainted);
    assert_eq!(object.private, b"applied");
    let config = board(&core, json!({ "name": "a", "notes": notes }));
    assert_eq!(core.converge(A, &config).await.unwrap().action, Action::Replace);
}

#[tokio::test]
async fn an_answer_against_the_rules_is_an_error_that_keeps_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = core(folder.path()).await;
    let config = board(&core, json!({ "name": "a", "fault": "lie" }));
    let failure = core.apply(A, &config).await.unwrap_err();
    let said = failure
        .diagnostics()
        .expect("told by the guard, not by core")
        .to_owned();
    assert!(said.0[0].detail.contains("title"), "{said:?}");
    assert_eq!(
        core.object(A).unwrap().value.get("id").unwrap().as_str(),
        Some("board-a")
    );
}

#[tokio::test]
async fn an_interrupted_create_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = core(folder.path()).await;
    let config = board(&core, json!({ "name": "a", "fault": "slow" }));
    let interrupt = core.interrupt();
    let file = folder.path().join("a.json");
    let stopper = tokio::spawn(async move {
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        interrupt.stop();
    });
    let failure = core.apply(A, &config).await.unwrap_err();
    stopper.await.unwrap();
    assert!(failure.to_string().contains("Interrupted"), "{failure}");
    assert_eq!(
        core.object(A).unwrap().value.get("id").unwrap().as_str(),
        Some("board-a")
    );
    // The stop is over: later calls are not told to stop.
    let config = board(&core, json!({ "name": "a" }));
    core.converge(A, &config).await.unwrap();
}

#[tokio::test]
async fn an_existing_board_is_imported_and_a_page_moved() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = core(folder.path()).await;
    assert!(matches!(core.import(A, "a").await, Err(Failure::Refused(_))));
    let stored = json!({ "name": "a", "title": "old", "id": "board-a", "revision": 3 });
    std::fs::write(folder.path().join("a.json"), stored.to_string()).unwrap();
    core.import(A, "a").await.unwrap();
    let config = board(&core, json!({ "name": "a", "title": "old" }));
    assert_eq!(core.converge(A, &config).await.unwrap().action, Action::NoOp);
    core.move_from("example_board.b", "example_page", &json!({ "name": "b" }))
        .await
        .unwrap();
    assert_eq!(
        core.object("example_board.b")
            .unwrap()
            .value
            .get("id")
            .unwrap()
            .as_str(),
        Some("board-b")
    );
    let refused = core
        .move_from("example_board.c", "example_poster", &json!({}))
        .await;
    assert!(matches!(refused, Err(Failure::Refused(_))));
}

#[tokio::test]
async fn state_of_version_0_is_upgraded() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = core(folder.path()).await;
    let old = json!({ "name": "a", "label": "old", "id": "board-a", "revision": 1 });
    core.store_old(A, 0, &old).await.unwrap();
    let Object { value, version, .. } = core.object(A).unwrap();
    assert_eq!(value.get("title").unwrap().as_str(), Some("old"));
    assert_eq!(*version, 1);
}

#[tokio::test]
async fn data_ephemeral_resources_and_functions_answer() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = core(folder.path()).await;
    let config = board(&core, json!({ "name": "a", "title": "t" }));
    core.converge(A, &config).await.unwrap();
    let data = core
        .read_data("example_board", json!({ "name": "a" }))
        .await
        .unwrap();
    assert_eq!(data.get("title").unwrap().as_str(), Some("t"));
    assert!(
        core.read_data("example_board", json!({ "name": "b" }))
            .await
            .is_err()
    );

    let mut token = core.open("example_token", json!({ "board": "a" })).await.unwrap();
    assert_eq!(token.result.get("token").unwrap().as_str(), Some("key-to-a"));
    core.renew(&mut token).await.unwrap();
    core.close(token).await.unwrap();

    let texts = ["-", "a", "b"].map(|text| Value::String(text.to_owned()));
    let joined = core.call("join", &texts).await.unwrap();
    assert_eq!(joined.unwrap().as_str(), Some("a-b"));
    let number = Value::Number(Number::Int(-1));
    let refused = core.call("positive", &[number]).await.unwrap().unwrap_err();
    assert_eq!(refused.argument, Some(0));
}

#[tokio::test]
async fn a_panic_in_any_handler_is_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let mut core = core(folder.path()).await;
    let config = board(&core, json!({ "name": "a", "fault": "validate-panic" }));
    let failure = core.plan(A, &config).await.unwrap_err();
    assert!(
        failure.to_string().contains("cannot even look at it"),
        "{failure}"
    );
    let answer = Value::Number(Number::Int(42));
    let refused = core.call("positive", &[answer]).await.unwrap().unwrap_err();
    assert!(refused.text.contains("no answer may be 42"), "{refused:?}");
}

/// A board as anybody might write it.
fn any_config() -> impl Strategy<Value = Json> {
    let note = (any::<String>(), proptest::option::of("[a-z]{1,5}"))
        .prop_map(|(text, pin)| json!({ "text": text, "pin": pin }));
    let notes = proptest::option::of(proptest::collection::btree_map("[a-z]{1,2}", note, 0..4));
    let fault = prop_oneof![
        4 => Just(None),
        1 => Just(Some("half")),
        1 => Just(Some("panic")),
        1 => Just(Some("lie")),
        1 => Just(Some("validate")),
    ];
    let title = proptest::option::of(any::<String>());
    ("[ab]", title, notes, fault, any::<bool>()).prop_map(|(name, title, notes, fault, secret)| {
        let notes: Option<BTreeMap<String, Json>> = notes;
        json!({
            "name": name, "title": title, "notes": notes, "fault": fault,
            "secret_wo": secret.then_some("s"),
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_scenario_breaks_cores_rules_or_loses_a_board(configs in proptest::collection::vec(any_config(), 1..5)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let mut core = core(folder.path()).await;
            for config in &configs {
                let config = board(&core, config.clone());
                match core.converge(A, &config).await {
                    Ok(_) | Err(Failure::Refused(_)) => {}
                    Err(failure) => panic!("{failure}"),
                }
                for name in ["a", "b"] {
                    let stands = folder.path().join(format!("{name}.json")).exists();
                    let stored = core.object(A).and_then(|object| object.value.get("name")?.as_str().map(str::to_owned));
                    assert!(!stands || stored.as_deref() == Some(name), "{name} is orphaned; stored: {stored:?}");
                }
            }
            let sound = board(&core, json!({ "name": "a" }));
            core.converge(A, &sound).await.unwrap();
            core.destroy(A).await.unwrap();
            assert!(!folder.path().join("a.json").exists());
        });
    }
}
