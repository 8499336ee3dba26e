//! A provider that is newer than the state: what was recorded is read, and plans nothing.
//!
//! `state-<version>-<cloud>.json` is what the version of the schema stored, as Terraform keeps it. A version that changes the
//! shape gets a step in `resource/upgrade.rs` and keeps the records of those before it.

use std::sync::Arc;

use serde_json::Value as Json;
use terraform_provider_mlops::resource::schema::{VERSION, schema};
use tfplugin::schema::Mode;
use tfplugin::testing::Action;

use crate::memory::Memory;
use crate::{ADDRESS, On, core};

/// Every state that was ever stored, by version and cloud.
const RECORDS: [(u64, On); 2] = [(0, On::Aws), (0, On::Gcp)];

fn place(version: u64, on: On) -> String {
    let name = format!("state-{version}-{on:?}.json").to_lowercase();
    format!("{}/tests/daytwo/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn record(version: u64, on: On) -> Json {
    let place = place(version, on);
    let text = std::fs::read_to_string(&place).unwrap_or_else(|error| panic!("{place}: {error}"));
    serde_json::from_str(&text).unwrap()
}

/// How a record of today's version is made: `MLOPS_RECORD=1 cargo test --test lifecycle a_record_is_made`.
#[tokio::test]
async fn a_record_is_made_when_asked_for() {
    if std::env::var_os("MLOPS_RECORD").is_none() {
        eprintln!("skipped a_record_is_made_when_asked_for: MLOPS_RECORD is not set");
        return;
    }
    for on in crate::BOTH {
        let mut core = core(&Arc::new(Memory::new())).await;
        let config = on.config(&core, |_| {});
        let state = core.converge(ADDRESS, &config).await.unwrap().state;
        let text = serde_json::to_string_pretty(&state.to_json().unwrap()).unwrap();
        std::fs::write(place(VERSION, on), text + "\n").unwrap();
    }
}

#[tokio::test]
async fn a_recorded_state_of_every_version_plans_nothing() {
    for (version, on) in RECORDS {
        let record = record(version, on);
        let mut core = core(&Arc::new(Memory::new())).await;
        core.store_old(ADDRESS, version, &record).await.unwrap();
        let plan = core.plan(ADDRESS, &on.config(&core, |_| {})).await.unwrap();
        assert_eq!(plan.action, Action::NoOp, "version {version} on {on:?}");
    }
    for on in crate::BOTH {
        assert!(
            RECORDS.contains(&(VERSION, on)),
            "version {VERSION} has no record of {on:?}"
        );
    }
}

/// What is taken out of the schema would be dropped from states without a word.
#[test]
fn nothing_of_a_recorded_state_is_forgotten() {
    let schema = schema();
    for (version, on) in RECORDS.into_iter().filter(|(version, _)| *version == VERSION) {
        let record = record(version, on);
        for name in record.as_object().unwrap().keys() {
            assert!(
                schema.attributes.contains_key(name) || schema.blocks.contains_key(name),
                "{name} of version {version} on {on:?} is in no schema any more: write a step that takes it along"
            );
        }
    }
}

#[tokio::test]
async fn a_state_of_a_newer_provider_is_refused() {
    let mut core = core(&Arc::new(Memory::new())).await;
    let failure = core
        .store_old(ADDRESS, VERSION + 1, &serde_json::json!({}))
        .await
        .unwrap_err();
    assert!(
        crate::messages(&failure).contains("Use the version of the provider that stored it"),
        "{}",
        crate::messages(&failure)
    );
}

/// B23: the version of the defaults is kept, so that a provider with other ones plans nothing.
#[test]
fn the_version_of_the_defaults_is_kept() {
    let version = &schema().attributes["defaults_version"];
    assert_eq!(version.mode, Mode::OptionalComputed);
    assert_eq!(version.on_change, tfplugin::schema::OnChange::Keep);
}
