//! What is planned, what is decided, and that it ends.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

mod fixtures;

use std::collections::BTreeMap;

use fixtures::cloud::{Cloud, UID};
use fixtures::{environment, full, gcp_full, gcp_minimal, minimal, spec, with};
use mlops_environment::Environment;
use mlops_environment::component::{
    Address, Component, Kind, Management, Observation, Owner, Present, Status,
};
use mlops_environment::plan::{
    Action, Cause, Decision, Deviation, Disruption, Finding, Foresight, Refusal, Step, decide,
    decide_removal, deviations, follow, plan_change,
};
use mlops_environment::reference::fill_component;
use proptest::prelude::*;
use serde_json::{Value, json};

fn decision(environment: &Environment) -> Decision {
    Decision::new(&environment.spec, UID)
}

/// The lines of a plan from one configuration to another.
fn lines(prior: Option<Value>, next: Value, drift: &[Deviation]) -> Result<Vec<String>, Vec<Refusal>> {
    let prior = prior.map(environment);
    let next = environment(next);
    let summaries = next.summaries();
    let foresight = Foresight {
        prior: prior.as_ref().map_or(&[], |prior| &prior.components),
        next: &next.components,
        drift,
        standing: &BTreeMap::new(),
        summaries: &summaries,
    };
    Ok(plan_change(&foresight, &decision(&next))?
        .iter()
        .map(Step::to_string)
        .collect())
}

#[track_caller]
fn changes(pointer: &str, value: Value) -> Vec<String> {
    lines(Some(minimal()), with(minimal(), pointer, value), &[]).expect("not refused")
}

#[track_caller]
fn refused(prior: Value, next: Value) -> String {
    let refusals = lines(Some(prior), next, &[]).expect_err("refused");
    refusals
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// A component, resolved, and as it stands in a cloud after an apply.
fn applied(config: Value, address: &str) -> (Environment, Component, Present) {
    let environment = environment(config);
    let mut cloud = Cloud::with_existing(&environment);
    cloud
        .apply(&environment, &decision(&environment))
        .expect("applies");
    let all = cloud.world(&environment);
    let component = environment.component(address).expect(address);
    let (component, missing) = fill_component(component, &all);
    assert!(missing.is_empty());
    let Observation::Present(found) = cloud.observe(&component) else {
        panic!("{address} was not made")
    };
    (environment, component, found)
}

#[test]
fn planning_an_environment_against_itself_is_empty() {
    for config in [minimal(), full(), gcp_minimal(), gcp_full()] {
        assert_eq!(lines(Some(config.clone()), config, &[]), Ok(vec![]));
    }
}

#[test]
fn a_new_environment_is_made_from_the_logs_bucket_up() {
    let lines = lines(None, minimal(), &[]).expect("not refused");
    assert_eq!(lines[0], "+ buckets.logs: create");
    assert!(
        lines.contains(&"+ node_pools.serving: create (medium, 0..3, spot)".to_owned()),
        "{lines:#?}"
    );
    assert!(lines.contains(&"+ federation.github: create (unless the account has it already)".to_owned()));
    assert!(
        !lines.iter().any(|line| line.contains(" network:")),
        "it is somebody else's"
    );
}

#[test]
fn changes_are_told_component_by_component() {
    assert_eq!(
        changes("/buckets/data/versioning", false.into()),
        ["~ buckets.data: versioning true → false"]
    );
    assert_eq!(
        changes("/logging/retention_days", json!(7)),
        ["~ log_groups.cluster: retention days 30 → 7 [data loss]"]
    );
    assert_eq!(
        changes("/buckets/reports/retention_days", json!(30)),
        ["~ buckets.reports: lifecycle ~retention [data loss]"]
    );
    assert_eq!(
        changes("/buckets/reports/retention_days", json!(900)),
        ["~ buckets.reports: lifecycle ~retention"]
    );
    assert_eq!(
        changes("/cluster/log_types", json!(["api", "audit"])),
        ["~ cluster: log types -authenticator -controllerManager -scheduler"]
    );
}

#[test]
fn a_pool_comes_and_goes_alone() {
    let pools = json!({
        "system": { "purpose": "system", "size": "small", "min": 1, "max": 3 },
        "serving": { "purpose": "serving", "size": "medium", "min": 0, "max": 3, "spot": true },
        "gpu": { "purpose": "gpu", "min": 0, "max": 2 },
    });
    let wider = with(minimal(), "/node_pools", pools);
    assert_eq!(
        lines(Some(minimal()), wider.clone(), &[]).expect("fine"),
        ["+ node_pools.gpu: create (gpu-small, 0..2, taint nvidia.com/gpu)"]
    );
    assert_eq!(
        lines(Some(wider), minimal(), &[]).expect("fine"),
        ["- node_pools.gpu: delete [restart]"]
    );
}

#[test]
fn machine_types_rotate_disks_roll_sizes_do_neither() {
    let pool = |pool: Value| with(minimal(), "/node_pools", json!({ "serving": pool }));
    let from = pool(json!({ "purpose": "serving", "size": "medium", "max": 3 }));
    let to = |pool_: Value| lines(Some(from.clone()), pool(pool_), &[]).expect("fine");
    let rotated = to(json!({ "purpose": "serving", "size": "large", "max": 3 }));
    assert!(
        rotated[0].starts_with(
            "~ node_pools.serving: build anew, then remove the old: instance types +m6i.2xlarge"
        )
    );
    assert!(rotated[0].ends_with("[rotate]"), "{rotated:?}");
    assert_eq!(
        to(json!({ "purpose": "serving", "size": "medium", "max": 3, "disk_gb": 80 })),
        ["~ node_pools.serving: disk gb 50 → 80 [rotate]"]
    );
    assert_eq!(
        to(json!({ "purpose": "serving", "size": "medium", "max": 9 })),
        ["~ node_pools.serving: max 3 → 9"]
    );
}

#[test]
fn a_service_comes_with_its_identities_and_goes_with_them() {
    let two = with(minimal(), "/services/fraud", json!({}));
    let come = lines(Some(minimal()), two.clone(), &[]).expect("fine");
    for address in [
        "identities.runtime.fraud",
        "identities.drift.fraud",
        "identities.retrain.fraud",
        "registry.fraud-predictor",
    ] {
        assert!(come.contains(&format!("+ {address}: create")), "{come:#?}");
    }
    let go = lines(Some(two), minimal(), &[]).expect("fine");
    assert!(
        go.contains(&"- identities.runtime.fraud: delete".to_owned()),
        "{go:#?}"
    );
    assert!(
        !go.iter().any(|line| line.contains("- buckets")),
        "objects stay: {go:#?}"
    );
    assert!(
        !come
            .iter()
            .chain(&go)
            .any(|line| line.contains("identities.runtime.churn"))
    );
}

#[test]
fn kubernetes_goes_one_minor_version_at_a_time_and_never_back() {
    let version = |version: &str| with(minimal(), "/cluster/version", version.into());
    let up = lines(Some(version("1.33")), version("1.34"), &[]).expect("fine");
    assert_eq!(up[0], "~ cluster: version 1.33 → 1.34 [restart]");
    assert!(
        up[1..]
            .iter()
            .all(|line| line.ends_with("version 1.33 → 1.34 [rotate]")),
        "{up:#?}"
    );
    assert!(refused(version("1.33"), version("1.35")).contains("set cluster.version to 1.34 first"));
    assert!(refused(version("1.33"), version("1.32")).contains("no way back"));
}

/// The models kept for so many days, locked or not.
fn kept(days: i64, locked: bool) -> serde_json::Value {
    let bucket = json!({ "retention_days": days, "retention_locked": locked });
    with(minimal(), "/buckets/models", bucket)
}

#[test]
fn what_cannot_change_is_refused_with_a_token_that_consents_to_this_change_only() {
    let (locked, open) = (kept(400, true), kept(400, false));
    let message = refused(locked.clone(), open.clone());
    assert!(
        message.contains("buckets.models: retention lock 400 → none: its retention is locked"),
        "{message}"
    );
    let token = message.split('"').nth(3).expect("a token").to_owned();
    let consenting = |config: &serde_json::Value, token: &str| {
        let tokens = json!({ "buckets.models": token });
        with(config.clone(), "/replace_components", tokens)
    };
    let steps = lines(Some(locked.clone()), consenting(&open, &token), &[]).expect("consented");
    assert_eq!(
        steps,
        [
            "- buckets.models: delete (made anew, as consented) [data loss]",
            "+ buckets.models: create"
        ]
    );
    assert!(lines(Some(locked.clone()), consenting(&open, "0123456789ab"), &[]).is_err());
    // Once done, the forgotten line consents to nothing.
    let done = consenting(&open, &token);
    assert_eq!(lines(Some(done.clone()), done, &[]), Ok(vec![]));
    assert!(lines(Some(locked), consenting(&kept(300, true), &token), &[]).is_err());
}

#[test]
fn a_lock_is_switched_on_and_made_longer_in_place_and_the_plan_says_that_it_is_for_good() {
    let last = |prior: serde_json::Value, next: serde_json::Value| {
        lines(Some(prior), next, &[]).expect("in place").join("\n")
    };
    let for_good = |days: i64| {
        format!(
            "(for good: nobody can delete an object before it is {days} days old, and this can never be lowered nor taken \
             off)"
        )
    };
    let on = last(kept(400, false), kept(400, true));
    assert_eq!(
        on,
        format!("~ buckets.models: retention lock none → 400 {}", for_good(400))
    );
    let longer = last(kept(400, true), kept(500, true));
    assert!(
        longer.contains("retention lock 400 → 500") && longer.ends_with(&for_good(500)),
        "{longer}"
    );
    let made = lines(None, kept(400, true), &[]).expect("made");
    assert!(
        made.iter()
            .any(|line| line.starts_with("+ buckets.models: create (retention locked for good: ")),
        "{made:#?}"
    );
    for less in [kept(399, true), kept(399, false)] {
        let said = refused(kept(400, true), less);
        assert!(said.contains("retention_days = 400 or more"), "{said}");
    }
    // On Google Cloud old versions go off with it: one or the other.
    let gcp = |locked: bool| {
        let bucket = json!({ "retention_days": 400, "retention_locked": locked });
        with(gcp_minimal(), "/buckets/models", bucket)
    };
    let on = last(gcp(false), gcp(true));
    assert!(
        on.contains("retention lock none → 400") && on.contains("versioning true → false"),
        "{on}"
    );
}

/// A cluster that is made anew takes along what the cloud has as a part of it, and the plan says so.
#[test]
fn what_stands_in_a_cluster_goes_and_comes_with_it() {
    for base in [minimal as fn() -> Value, gcp_minimal] {
        let (prior, next) = (environment(base()), environment(base()));
        let of = |address: &str, action: Action| {
            let component = next.component(address).expect(address);
            Step {
                address: component.address.clone(),
                kind: component.kind,
                action,
                disruption: Disruption::None,
                detail: String::new(),
            }
        };
        let followed = |steps: Vec<Step>| -> Vec<String> {
            let steps = follow(&prior.components, &next.components, steps, &decision(&next)).expect("fine");
            steps.iter().map(Step::to_string).collect()
        };
        let replaced = followed(vec![of("cluster", Action::Delete), of("cluster", Action::Create)]);
        let pools = next.spec.node_pools.keys();
        for pool in pools {
            let at = |line: String| {
                let place = replaced.iter().position(|known| *known == line);
                place.unwrap_or_else(|| panic!("{line} is not in {replaced:#?}"))
            };
            let gone = at(format!("- node_pools.{pool}: delete (with cluster) [restart]"));
            assert_eq!(at(format!("+ node_pools.{pool}: create")), gone + 1);
        }
        // Gone already, nothing of it is there to be deleted.
        let missing = followed(vec![of("cluster", Action::Create)]);
        assert!(!missing.iter().any(|line| line.starts_with("- ")), "{missing:#?}");
    }
}

/// Only buckets and the like can be taken over; a forge's provider belongs to the whole account.
#[test]
fn a_shared_provider_gives_way_to_no_other_and_the_refusal_tells_a_way_that_works() {
    let at = |url: &str| {
        let gitlab = json!({ "project_path": "acme/churn", "url": url });
        with(minimal(), "/federation/gitlab", gitlab)
    };
    let (old, new) = (at("https://gitlab.com"), at("https://git.acme.example"));
    let said = refused(old.clone(), new.clone());
    assert!(
        said.contains("federation.gitlab: ")
            && said.contains("Undo the change of its url")
            && !said.contains("adopt"),
        "{said}"
    );
    // The other way out: let go of it, and begin anew.
    let without = lines(Some(old), minimal(), &[]).expect("it goes");
    let line = without
        .iter()
        .find(|line| line.starts_with("- federation.gitlab: "));
    let line = line.unwrap_or_else(|| panic!("{without:#?}"));
    assert!(
        line.ends_with("(if we made it and nobody else uses it)"),
        "{line}"
    );
    let anew = lines(Some(minimal()), new, &[]).expect("it comes");
    assert!(
        anew.iter().any(|line| line.starts_with("+ federation.gitlab: ")),
        "{anew:#?}"
    );
}

/// The same where it is the only forge: an environment without one is fine for as long as that takes.
#[test]
fn an_environment_may_stand_without_a_forge() {
    assert!(spec(with(minimal(), "/federation", Value::Null)).is_ok());
}

#[test]
fn another_network_is_refused() {
    let other = with(
        minimal(),
        "/aws/existing_network/vpc_id",
        "vpc-0123456789abcdeff".into(),
    );
    assert!(refused(minimal(), other).contains("network: vpc id"));
}

#[test]
fn another_given_key_is_refused_because_old_objects_would_be_locked_in() {
    let key = |id: &str| {
        let arn = format!("arn:aws:kms:eu-west-1:111122223333:key/{id}");
        with(minimal(), "/encryption/storage/key", arn.into())
    };
    assert!(
        refused(key("1"), key("2")).contains("keys.storage: id arn:aws:kms:eu-west-1:111122223333:key/1 →")
    );
    assert_eq!(lines(Some(key("1")), key("1"), &[]), Ok(vec![]));
}

#[test]
fn ours_and_existing_cannot_be_swapped() {
    let existing = with(minimal(), "/buckets/data/existing", "acme-data".into());
    assert!(refused(minimal(), existing.clone()).contains("cannot be swapped for an existing one"));
    assert!(refused(existing, minimal()).contains("cannot be swapped for one of our own"));
    let key = "arn:aws:kms:eu-west-1:111122223333:key/1";
    assert!(
        refused(minimal(), with(minimal(), "/encryption/storage/key", key.into())).contains("keys.storage")
    );
}

#[test]
fn drift_is_planned_away() {
    let drift = |address: &str, finding| Deviation {
        address: environment(minimal())
            .component(address)
            .expect(address)
            .address
            .clone(),
        finding,
    };
    let change = |property: &str, from: Value, to: Value| {
        Finding::Changed(
            serde_json::from_value(json!({ "property": property, "from": from, "to": to }))
                .expect("a change"),
        )
    };
    let steps = lines(
        Some(minimal()),
        minimal(),
        &[
            drift(
                "buckets.data",
                change("block_public_access", false.into(), true.into()),
            ),
            drift(
                "identities.runtime.churn",
                Finding::Foreign("foreign policy AdministratorAccess attached".into()),
            ),
            drift("node_pools.system", Finding::Missing),
        ],
    );
    assert_eq!(
        steps.expect("fine"),
        [
            "~ buckets.data: block public access false → true",
            "+ node_pools.system: create (small, 1..3)",
            "~ identities.runtime.churn: remove foreign policy AdministratorAccess attached",
        ]
    );
}

#[test]
fn drift_into_what_is_wanted_now_needs_no_step() {
    let finding = Finding::Changed(
        serde_json::from_value(json!({ "property": "versioning", "from": false, "to": true }))
            .expect("a change"),
    );
    let address = environment(minimal())
        .component("buckets.data")
        .expect("there")
        .address
        .clone();
    let next = with(minimal(), "/buckets/data/versioning", false.into());
    assert_eq!(
        lines(Some(minimal()), next, &[Deviation { address, finding }]),
        Ok(vec![])
    );
}

#[test]
fn makes_what_is_absent() {
    let (environment, component, _) = applied(minimal(), "buckets.data");
    let step = decide(&component, &Observation::Absent, &decision(&environment)).expect("fine");
    assert_eq!(step.action, Action::Create);
}

#[test]
fn refuses_a_bucket_owned_by_another_environment() {
    let (environment, component, mut found) = applied(minimal(), "buckets.data");
    let other = "aws/111122223333/eu-west-1/other";
    found.owner = Owner::Environment {
        id: other.into(),
        uid: "u".into(),
    };
    let observation = Observation::Present(found);
    let refusal = decide(&component, &observation, &decision(&environment)).expect_err("refused");
    assert!(matches!(&refusal.cause, Cause::Foreign { owner, .. } if owner == other));
    assert!(refusal.to_string().contains(other), "{refusal}");
    let removal = decide_removal(&component, &observation, &decision(&environment)).expect("kept");
    assert_eq!(removal.action, Action::Keep);
}

#[test]
fn refuses_a_role_that_nobody_marked_and_names_both_ways_out() {
    let (environment, component, mut found) = applied(minimal(), "identities.ci");
    found.owner = Owner::Unmarked;
    let observation = Observation::Present(found.clone());
    let refusal = decide(&component, &observation, &decision(&environment))
        .expect_err("refused")
        .to_string();
    assert!(
        refusal.contains(r#"adopt = { "identities.ci" = "shop-ci" }"#),
        "{refusal}"
    );
    assert!(refusal.contains("choose another name"), "{refusal}");
    let removal = decide_removal(&component, &observation, &decision(&environment)).expect("kept");
    assert_eq!(removal.action, Action::Keep);
    // Somebody took the mark off an object that the state says is ours.
    let mut recorded = decision(&environment);
    recorded.recorded.insert(component.address.clone(), found.id);
    assert!(matches!(
        decide(&component, &observation, &recorded).expect("ours").action,
        Action::Keep
    ));
}

#[test]
fn adopts_what_is_named_and_lists_what_will_change() {
    let config = with(minimal(), "/adopt", json!({ "identities.ci": "shop-ci" }));
    let (environment, component, mut found) = applied(config, "identities.ci");
    found.owner = Owner::Unmarked;
    found.properties.insert("max_session_seconds".into(), json!(7200));
    let step = decide(
        &component,
        &Observation::Present(found.clone()),
        &decision(&environment),
    )
    .expect("adopted");
    assert_eq!(
        step.to_string(),
        "> identities.ci: adopt, max session seconds 7200 → 3600"
    );
    let removal =
        decide_removal(&component, &Observation::Present(found), &decision(&environment)).expect("kept");
    assert_eq!(removal.action, Action::Retain);
    let refusal =
        decide(&component, &Observation::Absent, &decision(&environment)).expect_err("nothing there");
    assert!(matches!(refusal.cause, Cause::NothingToAdopt { .. }));
}

/// B56: the plan lists every setting that will change, also those whose new value is known only later.
#[test]
fn the_plan_of_an_adoption_lists_what_will_change() {
    let config = with(minimal(), "/adopt", json!({ "buckets.data": "acme-data" }));
    let (_, component, found) = applied(config.clone(), "buckets.data");
    let next = environment(config);
    let plan = |standing: Observation| {
        let standing = BTreeMap::from([(component.address.clone(), standing)]);
        let foresight = Foresight {
            prior: &[],
            next: &next.components,
            drift: &[],
            standing: &standing,
            summaries: &BTreeMap::new(),
        };
        let steps = plan_change(&foresight, &decision(&next));
        steps.map(|steps| {
            let of = |step: &&Step| step.address == component.address;
            steps.iter().filter(of).map(Step::to_string).collect::<String>()
        })
    };
    let mut theirs = found.clone();
    theirs.owner = Owner::Unmarked;
    theirs.properties.insert("versioning".into(), json!(false));
    theirs.properties.insert("encryption".into(), json!("AES256"));
    theirs
        .properties
        .insert("tags".into(), json!({ "cost-center": "42" }));
    let line = plan(Observation::Present(theirs)).expect("adopted");
    assert!(line.starts_with("> buckets.data: adopt, "), "{line}");
    for part in [
        "encryption AES256 → arn of keys.storage",
        "versioning false → true",
        "+mlops:environment",
        "(acme-data)",
    ] {
        assert!(line.contains(part), "{part:?} is missing in {line}");
    }
    assert!(!line.contains("cost-center"), "tags of others stay: {line}");
    let refusal = plan(Observation::Absent).expect_err("nothing there");
    assert!(
        refusal[0]
            .to_string()
            .contains("there is no acme-data to take over")
    );
    let mut other = found;
    other.owner = Owner::Environment {
        id: "aws/1/r/other".into(),
        uid: "u".into(),
    };
    let refusal = plan(Observation::Present(other)).expect_err("another's");
    assert!(
        refusal[0]
            .to_string()
            .contains("belongs to environment aws/1/r/other")
    );
}

/// An object is not swapped for another by way of `adopt`, in whichever direction.
#[test]
fn nothing_is_swapped_by_adopting() {
    let adopting = |name: &str| with(minimal(), "/adopt", json!({ "buckets.data": name }));
    for (before, after) in [
        (minimal(), adopting("acme-data")),
        (adopting("acme-data"), minimal()),
        (adopting("acme-data"), adopting("acme-other")),
    ] {
        assert!(refused(before, after).contains("would be left behind. Undo the change in adopt."));
    }
}

#[test]
fn takes_back_the_log_group_that_eks_made_itself() {
    let (environment, component, mut found) = applied(minimal(), "log_groups.cluster");
    found.owner = Owner::Unmarked;
    found.properties.insert("retention_days".into(), Value::Null);
    let step = decide(&component, &Observation::Present(found), &decision(&environment)).expect("ours");
    assert_eq!(
        step.to_string(),
        "~ log_groups.cluster: retention days none → 30 [data loss]"
    );
}

#[test]
fn an_existing_thing_must_be_there_and_is_left_alone() {
    let (environment, component, found) = applied(minimal(), "network");
    let decision = decision(&environment);
    let refusal = decide(&component, &Observation::Absent, &decision).expect_err("missing");
    assert!(
        refusal.to_string().contains("vpc-0123456789abcdef0 is not there"),
        "{refusal}"
    );
    let step = decide(&component, &Observation::Present(found.clone()), &decision).expect("fine");
    assert_eq!(step.action, Action::Keep);
    let removal = decide_removal(&component, &Observation::Present(found), &decision).expect("kept");
    assert_eq!(removal.action, Action::Keep);
}

#[test]
fn waits_for_what_is_under_way_and_builds_anew_what_failed() {
    let (environment, component, mut found) = applied(minimal(), "node_pools.system");
    let decision = decision(&environment);
    found.status = Status::InProgress {
        what: "CREATING".into(),
        operation: None,
    };
    let step = decide(&component, &Observation::Present(found.clone()), &decision).expect("waits");
    assert_eq!(step.action, Action::Settle);
    found.status = Status::Failed {
        reason: "NodeCreationFailure".into(),
    };
    let step = decide(&component, &Observation::Present(found), &decision).expect("anew");
    assert_eq!(
        step.to_string(),
        "- node_pools.system: delete (failed: NodeCreationFailure)"
    );

    let (environment, component, mut found) = applied(minimal(), "keys.storage");
    found.status = Status::Failed {
        reason: "the key is Unavailable".into(),
    };
    let refusal = decide(
        &component,
        &Observation::Present(found),
        &self::decision(&environment),
    );
    assert!(matches!(
        refusal.expect_err("not safe").cause,
        Cause::Failed { .. }
    ));
    // And the plan does not promise what the apply would refuse.
    let failed = |address: &str| Deviation {
        address: Address::new(&[address]),
        finding: Finding::Failed("gave up".into()),
    };
    let refused = lines(Some(minimal()), minimal(), &[failed("keys.storage")]).expect_err("not safe");
    assert!(matches!(refused[0].cause, Cause::Failed { .. }));
    let steps = lines(Some(minimal()), minimal(), &[failed("node_pools.system")]).expect("safe");
    assert!(steps[0].contains("made anew, it failed: gave up"), "{steps:?}");
}

#[test]
fn what_somebody_put_out_of_use_is_brought_back_if_it_is_ours() {
    let (environment, component, mut found) = applied(minimal(), "keys.storage");
    found.status = Status::Suspended {
        what: "scheduled for deletion".into(),
    };
    let observation = Observation::Present(found.clone());
    let step = decide(&component, &observation, &decision(&environment)).expect("ours");
    let line = "~ keys.storage: bring back (scheduled for deletion)";
    assert_eq!(step.to_string(), line);
    // The plan says the same.
    let told = mlops_environment::plan::deviations(&component, &observation, &decision(&environment));
    assert_eq!(
        told[0].to_string(),
        "keys.storage: scheduled for deletion outside"
    );
    assert_eq!(lines(Some(minimal()), minimal(), &told).expect("ours"), [line]);

    // Neither a stranger's nor one that is only in use is ours to bring back.
    for (owner, management) in [
        (Owner::Unmarked, Management::Create),
        (Owner::Unmarked, Management::Adopted),
        (found.owner.clone(), Management::Existing),
    ] {
        let component = Component {
            management,
            ..component.clone()
        };
        let observation = Observation::Present(Present {
            owner,
            ..found.clone()
        });
        let refusal = decide(&component, &observation, &decision(&environment)).expect_err("not ours");
        assert!(
            matches!(refusal.cause, Cause::Suspended { .. } | Cause::Unmarked { .. }),
            "{refusal}"
        );
    }
}

#[test]
fn a_foreign_grant_is_removed_or_only_shown() {
    let (environment, component, mut found) = applied(minimal(), "identities.runtime.churn");
    found
        .foreign
        .push("foreign policy AdministratorAccess attached".into());
    let observation = Observation::Present(found);
    let exclusive = decision(&environment);
    let step = decide(&component, &observation, &exclusive).expect("fine");
    assert_eq!(
        step.to_string(),
        "~ identities.runtime.churn: remove foreign policy AdministratorAccess attached"
    );
    let shown: Vec<String> = deviations(&component, &observation, &exclusive)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        shown,
        ["identities.runtime.churn: foreign policy AdministratorAccess attached"]
    );
    let report = Decision {
        report_identities: true,
        ..exclusive
    };
    assert_eq!(
        decide(&component, &observation, &report).expect("fine").action,
        Action::Keep
    );
    assert_eq!(deviations(&component, &observation, &report).len(), 1);
}

#[test]
fn refresh_tells_what_is_otherwise() {
    let (environment, component, mut found) = applied(minimal(), "buckets.data");
    let decision = decision(&environment);
    let tell = |observation: &Observation| -> Vec<String> {
        deviations(&component, observation, &decision)
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert!(tell(&Observation::Present(found.clone())).is_empty());
    assert_eq!(tell(&Observation::Absent), ["buckets.data: missing"]);
    found.properties.insert("versioning".into(), false.into());
    assert_eq!(
        tell(&Observation::Present(found.clone())),
        ["buckets.data: changed outside, versioning false → true restores it"]
    );
    found.owner = Owner::Environment {
        id: "aws/1/x/other".into(),
        uid: "u".into(),
    };
    assert_eq!(
        tell(&Observation::Present(found)),
        ["buckets.data: now carries the mark of environment aws/1/x/other"]
    );
}

#[test]
fn a_retained_bucket_of_an_earlier_life_is_taken_up_again() {
    let (environment, component, mut found) = applied(minimal(), "buckets.data");
    let id = environment.spec.id.to_string();
    found.owner = Owner::Environment {
        id,
        uid: "earlier".into(),
    };
    found
        .properties
        .insert("tags".into(), json!({ "mlops:uid": "earlier" }));
    let step = decide(&component, &Observation::Present(found), &decision(&environment)).expect("ours");
    assert!(matches!(step.action, Action::Update { .. }), "{step}");
}

#[test]
fn a_shared_provider_of_somebody_else_is_used_and_left_when_we_go() {
    let (environment, component, mut found) = applied(minimal(), "federation.github");
    found.owner = Owner::Unmarked;
    let observation = Observation::Present(found.clone());
    let decision = decision(&environment);
    assert_eq!(
        decide(&component, &observation, &decision).expect("fine").action,
        Action::Keep
    );
    assert_eq!(
        decide_removal(&component, &observation, &decision)
            .expect("fine")
            .action,
        Action::Keep
    );
    found.properties.insert("audiences".into(), json!(["other"]));
    let step = decide(&component, &Observation::Present(found), &decision).expect("fine");
    assert_eq!(
        step.to_string(),
        "~ federation.github: audiences +sts.amazonaws.com"
    );
}

#[test]
fn after_destroy_only_what_was_promised_is_left() {
    let environment = environment(full());
    let mut cloud = Cloud::with_existing(&environment);
    cloud
        .apply(&environment, &decision(&environment))
        .expect("applies");
    let all = cloud.world(&environment);
    cloud.remove(environment.components.iter(), &all, &decision(&environment));
    let left: Vec<&str> = cloud.objects.keys().map(|(_, handle)| handle.as_str()).collect();
    let names = mlops_environment::aws::names(&environment.spec, fixtures::aws(&environment.spec));
    let logs = names.bucket(mlops_environment::spec::Bucket::Logs);
    let models = names.bucket(mlops_environment::spec::Bucket::Models);
    let key = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555";
    let mut expected = vec![
        "vpc-0123456789abcdef0",
        key,
        "acme-data",
        "acme-mlflow",
        &logs,
        &models,
    ];
    expected.sort_unstable();
    let mut left = left;
    left.sort_unstable();
    assert_eq!(left, expected);
}

#[test]
fn a_key_outlives_what_it_encrypts() {
    let kept = with(minimal(), "/buckets/models/on_destroy", "retain".into());
    let on_destroy = |config: Value| {
        environment(config)
            .component("keys.storage")
            .expect("a key")
            .on_destroy
    };
    assert_eq!(format!("{:?}", on_destroy(kept)), "Retain");
    assert_eq!(format!("{:?}", on_destroy(minimal())), "Delete");
}

/// Changes that may come in any combination.
fn variations() -> Vec<(&'static str, Value)> {
    vec![
        ("/tags/a", "1".into()),
        ("/tags/b", "2".into()),
        ("/cluster/endpoint/public_cidrs", json!(["203.0.113.0/24"])),
        (
            "/cluster/admins",
            json!(["arn:aws:iam::111122223333:role/admins"]),
        ),
        ("/cluster/log_types", json!(["audit"])),
        (
            "/node_pools",
            json!({ "system": { "purpose": "system" }, "gpu": { "purpose": "gpu", "spot": true } }),
        ),
        (
            "/node_pools",
            json!({ "system": { "purpose": "system", "size": "large", "disk_gb": 70 } }),
        ),
        (
            "/services/fraud",
            json!({ "secrets": { "api": { "readers": ["drift"] } } }),
        ),
        ("/services/churn/repositories", json!(["one", "two"])),
        ("/buckets/data/versioning", false.into()),
        ("/buckets/data/retention_days", json!(900)),
        ("/buckets/predictions/write_once", "conditional".into()),
        ("/identities/drift/enabled", false.into()),
        ("/identities/ci/enabled", false.into()),
        ("/identities/retrain/max_session", "2h".into()),
        ("/federation", Value::Null),
        ("/federation/github/ci_refs", json!(["refs/tags/v*"])),
        ("/logging/retention_days", json!(365)),
        (
            "/guardrails",
            json!({ "permissions_boundary": false, "exclusive_writers": true }),
        ),
        ("/kubernetes/access", "group".into()),
        ("/protection/deletion", true.into()),
        ("/registry/keep_tagged", json!(5)),
    ]
}

/// The same on Google Cloud.
fn gcp_variations() -> Vec<(&'static str, Value)> {
    vec![
        ("/tags/a", "1".into()),
        ("/tags/b", "2".into()),
        ("/cluster/endpoint/public_cidrs", json!(["203.0.113.0/24"])),
        ("/cluster/log_types", json!(["audit"])),
        ("/cluster/release_channel", "STABLE".into()),
        (
            "/node_pools",
            json!({ "system": { "purpose": "system" }, "gpu": { "purpose": "gpu", "spot": true } }),
        ),
        (
            "/node_pools",
            json!({ "system": { "purpose": "system", "size": "large", "disk_gb": 70 } }),
        ),
        (
            "/services/fraud",
            json!({ "secrets": { "api": { "readers": ["drift"] } } }),
        ),
        ("/services/churn/namespace", "elsewhere".into()),
        ("/buckets/data/versioning", false.into()),
        ("/buckets/data/retention_days", json!(900)),
        ("/buckets/mlflow/write_once", "versioned".into()),
        ("/identities/drift/enabled", false.into()),
        ("/identities/ci/enabled", false.into()),
        ("/identities/drift/ci_environment", "gcp-dev-drift".into()),
        ("/federation/github/ci_refs", json!(["refs/tags/v*"])),
        ("/logging/retention_days", json!(365)),
        ("/protection/deletion", true.into()),
        ("/registry/immutable_tags", false.into()),
        ("/encryption/rotation_days", json!(30)),
        ("/gcp/dns_endpoint", false.into()),
    ]
}

fn varied(base: fn() -> Value, variations: Vec<(&'static str, Value)>) -> impl Strategy<Value = Value> {
    let count = variations.len();
    prop::sample::subsequence(variations, 0..count)
        .prop_map(move |chosen| {
            chosen
                .into_iter()
                .fold(base(), |config, (at, value)| with(config, at, value))
        })
        .prop_filter("a legal configuration", |config| spec(config.clone()).is_ok())
}

/// Two environments on one cloud, whichever.
fn two() -> impl Strategy<Value = (Value, Value)> {
    prop_oneof![
        (varied(minimal, variations()), varied(minimal, variations())),
        (
            varied(gcp_minimal, gcp_variations()),
            varied(gcp_minimal, gcp_variations())
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_environment_converges_into_any_other((first, second) in two()) {
        let (first, second) = (environment(first), environment(second));
        let mut cloud = Cloud::with_existing(&first);
        cloud.apply(&first, &decision(&first)).expect("applies");
        // Again: nothing to do.
        cloud.writes.clear();
        cloud.apply(&first, &decision(&first)).expect("applies");
        prop_assert_eq!(&cloud.writes, &Vec::<String>::new());

        // On to the second, knowing what was wanted before.
        let mut later = decision(&second);
        let all = cloud.world(&first);
        later.before = first
            .components
            .iter()
            .map(|c| (c.address.clone(), fill_component(c, &all).0.properties))
            .collect();
        let summaries = BTreeMap::new();
        let foresight = Foresight {
            prior: &first.components,
            next: &second.components,
            drift: &[],
            standing: &BTreeMap::new(),
            summaries: &summaries,
        };
        let planned = plan_change(&foresight, &later).expect("not refused");
        cloud.add_existing(&second);
        cloud.apply(&second, &later).expect("applies");
        let gone = first.components.iter().filter(|c| second.component(c.address.as_str()).is_none());
        cloud.remove(gone, &all, &later);

        // Whatever was written had been planned.
        for line in &cloud.writes {
            let address = line.split([' ', ':']).nth(1).expect("an address");
            prop_assert!(planned.iter().any(|step| step.address.as_str() == address), "{line} of {planned:#?}");
        }
        // And nothing is left to do, to tell, or lying about.
        cloud.writes.clear();
        cloud.apply(&second, &decision(&second)).expect("applies");
        prop_assert_eq!(&cloud.writes, &Vec::<String>::new());
        let expected = second.components.len();
        prop_assert_eq!(cloud.objects.len(), expected);
    }

    /// Cut off after any number of writes, over things that were put out of use, still at work or changed: the next apply
    /// finishes, keeps what stood, and leaves one of everything.
    #[test]
    fn whatever_an_apply_was_cut_off_at_the_next_one_finishes(
        (first, second) in two(), cut in 0_usize..60, again in 0_usize..60, troubled in any::<prop::sample::Index>(),
        trouble in 0..3,
    ) {
        let (first, second) = (environment(first), environment(second));
        let mut cloud = Cloud::with_existing(&first);
        cloud.fails_after = Some(cut);
        let created = cloud.apply(&first, &decision(&first));
        prop_assert_eq!(created.is_err(), cloud.fails_after.is_none(), "cut off or done");
        let stood = cloud.objects.clone();
        cloud.fails_after = None;
        cloud.apply(&first, &decision(&first)).expect("resumes");
        for (key, object) in &stood {
            let kept = cloud.objects.get(key).map(|found| &found.id);
            prop_assert_eq!(kept, Some(&object.id));
        }
        prop_assert_eq!(cloud.objects.len(), first.components.len());

        // Something happens outside; then a change is cut off, too.
        let all = cloud.world(&first);
        let ours: Vec<_> = cloud
            .objects
            .iter()
            .filter(|(_, found)| found.owner.is(&first.spec.id.to_string()))
            .map(|(key, _)| key.clone())
            .collect();
        let key = troubled.get(&ours);
        match trouble {
            0 => cloud.set_status(key, Status::Suspended { what: "disabled".into() }),
            1 => cloud.set_status(key, Status::InProgress { what: "UPDATING".into(), operation: None }),
            _ => {}
        }
        let mut later = decision(&second);
        later.before = first
            .components
            .iter()
            .map(|c| (c.address.clone(), fill_component(c, &all).0.properties))
            .collect();
        cloud.add_existing(&second);
        cloud.fails_after = Some(again);
        let _ = cloud.apply(&second, &later);
        cloud.fails_after = None;
        cloud.apply(&second, &later).expect("finishes");
        let gone = first.components.iter().filter(|c| second.component(c.address.as_str()).is_none());
        cloud.remove(gone, &all, &later);
        cloud.writes.clear();
        cloud.apply(&second, &decision(&second)).expect("applies");
        prop_assert_eq!(&cloud.writes, &Vec::<String>::new());
        prop_assert_eq!(cloud.objects.len(), second.components.len());
    }

    #[test]
    fn the_graph_of_any_environment_has_an_order((config, _) in two()) {
        let environment = environment(config);
        let mut seen = std::collections::BTreeSet::new();
        let graph = mlops_environment::graph::Graph::of(&environment.components);
        for component in &environment.components {
            for needed in graph.needs(&component.address) {
                prop_assert!(seen.contains(needed), "{} before {needed}", component.address);
            }
            seen.insert(component.address.clone());
        }
        prop_assert!(environment.components.iter().all(|c| c.kind != Kind::AwsBucket || c.id.is_some()));
    }
}
