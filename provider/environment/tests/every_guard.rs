//! Every guard refuses: for each reason not to touch something there is a case, on both clouds, that is refused for it.
//!
//! Which reasons there are is read from the source, so that a new one fails here until it has a case.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

mod fixtures;

use std::collections::{BTreeMap, BTreeSet};

use fixtures::cloud::{Cloud, UID};
use fixtures::{environment, gcp_minimal, in_cluster, minimal, with};
use jiff::Timestamp;
use mlops_environment::claim::{Claim, Claimant, Conflict, Operation, Phase, admit};
use mlops_environment::component::{Component, Management, Observation, Owner, Present, Status};
use mlops_environment::plan::{Decision, Foresight, Refusal, decide, plan_change};
use mlops_environment::reference::fill_component;
use serde_json::{Value, json};

/// The variants of an enum, as its source lists them.
fn variants(source: &str, name: &str) -> BTreeSet<String> {
    let (_, body) = source
        .split_once(&format!("pub enum {name} {{\n"))
        .expect("the enum is in its file");
    let (body, _) = body.split_once("\n}").expect("it ends");
    body.lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(char::is_uppercase))
        .map(|line| {
            line.split(|letter: char| !letter.is_alphanumeric())
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

/// The variant of a value, as `Debug` writes it.
fn variant(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let end = text.find(|letter: char| !letter.is_alphanumeric());
    text[..end.unwrap_or(text.len())].to_owned()
}

/// What deciding about a component says when the world is not as it was left.
fn met(
    config: Value,
    address: &str,
    meet: impl FnOnce(&mut Component, Present) -> Observation,
) -> Vec<Refusal> {
    let environment = environment(config);
    let decision = Decision::new(&environment.spec, UID);
    let mut cloud = Cloud::with_existing(&environment);
    cloud.apply(&environment, &decision).expect("applies");
    let component = environment.component(address).expect(address);
    let (mut component, _) = fill_component(component, &cloud.world(&environment));
    let Observation::Present(found) = cloud.observe(&component) else {
        panic!("{address} was not made")
    };
    let observation = meet(&mut component, found);
    decide(&component, &observation, &decision)
        .err()
        .into_iter()
        .collect()
}

/// What planning a change of the configuration says.
fn planned(prior: Value, next: Value) -> Vec<Refusal> {
    let (prior, next) = (environment(prior), environment(next));
    let (standing, summaries) = (BTreeMap::new(), next.summaries());
    let foresight = Foresight {
        prior: &prior.components,
        next: &next.components,
        drift: &[],
        standing: &standing,
        summaries: &summaries,
    };
    plan_change(&foresight, &Decision::new(&next.spec, UID))
        .err()
        .unwrap_or_default()
}

fn present(found: Present, change: impl FnOnce(&mut Present)) -> Observation {
    let mut found = found;
    change(&mut found);
    Observation::Present(found)
}

/// Cases by the reason that they are refused for, with the way out that is told.
fn cases(base: fn() -> Value) -> Vec<(&'static str, Vec<Refusal>, &'static str)> {
    let bucket = "buckets.data";
    let adopting = |name: &str| with(base(), "/adopt", json!({ bucket: name }));
    let locked = |days: i64| {
        let lock = json!({ "retention_days": days, "retention_locked": true });
        with(base(), "/buckets/data", lock)
    };
    let version = |version: &str| with(base(), "/cluster/version", version.into());
    let key = if base().get("gcp").is_some() {
        "projects/acme/locations/europe-west1/keyRings/ml/cryptoKeys/objects"
    } else {
        "arn:aws:kms:eu-west-1:111122223333:key/1"
    };
    let network = if base().get("gcp").is_some() {
        with(base(), "/gcp/existing_network/network", "another".into())
    } else {
        let other = "vpc-0123456789abcdeff".into();
        with(base(), "/aws/existing_network/vpc_id", other)
    };
    let (cloud, zones) = if base().get("gcp").is_some() {
        ("/gcp", "/network/cidr")
    } else {
        ("/aws", "/network/zones")
    };
    let own = || with(base(), cloud, json!({}));
    let wider = if cloud == "/gcp" {
        json!("10.99.0.0/16")
    } else {
        json!(3)
    };
    vec![
        (
            "Lasting",
            planned(own(), with(own(), zones, wider)),
            "everything of the environment stands in it",
        ),
        (
            "Foreign",
            met(base(), bucket, |_, found| {
                let (id, uid) = ("somebody/elses".to_owned(), "u".to_owned());
                present(found, |found| found.owner = Owner::Environment { id, uid })
            }),
            "choose another name",
        ),
        (
            "Unmarked",
            met(base(), bucket, |_, found| {
                present(found, |found| found.owner = Owner::Unmarked)
            }),
            "adopt = {",
        ),
        (
            "Missing",
            met(base(), "network", |_, _| Observation::Absent),
            "Correct its id",
        ),
        (
            "Unfit",
            met(in_cluster(base(), "shared"), "cluster", |_, found| {
                present(found, |found| {
                    found.properties.insert("access_entries".to_owned(), false.into());
                    found.properties.insert("workload_pool".to_owned(), "".into());
                })
            }),
            "Have its owner switch it",
        ),
        (
            "NothingToAdopt",
            met(adopting("acme-data"), bucket, |_, _| Observation::Absent),
            "Remove the line from adopt",
        ),
        ("Immutable", planned(base(), network), "replace_components = {"),
        (
            "Locked",
            planned(locked(400), locked(300)),
            "retention_days = 400 or more",
        ),
        (
            "Switched",
            planned(base(), with(base(), "/encryption/storage/key", key.into())),
            "Undo the change",
        ),
        (
            "Moved",
            planned(adopting("acme-data"), adopting("acme-other")),
            "Undo the change in adopt",
        ),
        (
            "Version",
            planned(version("1.32"), version("1.34")),
            "set cluster.version to 1.33 first",
        ),
        (
            "Suspended",
            met(base(), "keys.storage", |component, found| {
                component.management = Management::Existing;
                let what = "disabled".to_owned();
                present(found, |found| found.status = Status::Suspended { what })
            }),
            "Have its owner bring it back",
        ),
        (
            "Failed",
            met(base(), "keys.storage", |_, found| {
                let reason = "Unavailable".to_owned();
                present(found, |found| found.status = Status::Failed { reason })
            }),
            "Repair or remove it by hand",
        ),
    ]
}

#[test]
fn every_reason_not_to_touch_a_component_refuses_on_both_clouds_and_tells_a_way_out() {
    let all = variants(include_str!("../src/plan/refusal.rs"), "Cause");
    for base in [minimal as fn() -> Value, gcp_minimal] {
        let mut refused = BTreeSet::new();
        for (cause, refusals, way_out) in cases(base) {
            let hit = refusals
                .iter()
                .find(|refusal| variant(&refusal.cause) == cause)
                .unwrap_or_else(|| panic!("{cause} did not refuse: {refusals:?}"));
            let said = hit.to_string();
            assert!(
                said.starts_with(&format!("{}: ", hit.address)) && said.contains(way_out),
                "{cause}: {way_out:?} is not in {said}"
            );
            refused.insert(cause.to_owned());
        }
        assert_eq!(
            refused, all,
            "a reason without a case here is a guard that nobody has seen refuse"
        );
    }
}

#[test]
fn every_claim_that_stands_in_the_way_does() {
    let claim = |phase, generation| {
        let claim = Claim::new("a/b", "u1", "platform", "0.1.0", Timestamp::UNIX_EPOCH);
        Claim {
            phase,
            generation,
            ..claim
        }
    };
    let asks = |id: &str, owner: Option<&str>, uid: Option<&str>| Claimant {
        id: id.to_owned(),
        owner: owner.map(str::to_owned),
        uid: uid.map(str::to_owned),
        generation: uid.map(|_| 1),
        state: None,
    };
    let (create, update) = (Operation::Create, Operation::Update);
    let ours = || asks("a/b", None, Some("u1"));
    let cases: [(Phase, u64, Claimant, Operation, &str); 6] = [
        (
            Phase::Ready,
            1,
            asks("a/b", None, None),
            create,
            "terraform import",
        ),
        (
            Phase::Creating,
            0,
            asks("a/b", Some("me"), None),
            create,
            "set owner = \"platform\"",
        ),
        (Phase::Ready, 2, ours(), update, "Plan again"),
        (
            Phase::Ready,
            1,
            asks("a/b", None, Some("u0")),
            update,
            "terraform state rm",
        ),
        (
            Phase::Ready,
            1,
            asks("a/c", None, None),
            create,
            "Nothing was touched",
        ),
        (Phase::Deleting, 1, ours(), update, "terraform destroy"),
    ];
    let mut refused = BTreeSet::new();
    for (phase, generation, claimant, operation, way_out) in cases {
        let found = claim(phase, generation);
        let conflict = admit(Some(&found), &claimant, operation).expect_err("refused");
        let said = conflict.to_string();
        assert!(said.contains(way_out), "{way_out:?} is not in {said}");
        refused.insert(variant(&conflict));
    }
    // Whether somebody is at work shows only by watching: told by the executor, and shown by the soak test
    // `of_two_applies_from_two_states_one_stops_before_its_first_write`.
    let watched = Conflict::Busy {
        id: "a/b".to_owned(),
        owner: "platform".to_owned(),
        updated_at: String::new(),
    };
    assert!(watched.to_string().contains("Wait until they are done"));
    refused.insert(variant(&watched));
    assert_eq!(
        refused,
        variants(include_str!("../src/claim.rs"), "Conflict"),
        "a conflict without a case here is a guard that nobody has seen refuse"
    );
}
