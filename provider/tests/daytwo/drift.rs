//! What the plan says of changes from outside, and of those that are nobody's to repair.

use std::sync::Arc;

use mlops_environment::component::{Kind, Owner};
use serde_json::json;
use tfplugin::testing::Action;

use crate::memory::Memory;
use crate::{ADDRESS, BOTH, On, core, lines, messages, text};

/// `enforcement` = "report": the same finding on every refresh, an empty plan after each, and gone once it shall be.
#[tokio::test]
async fn what_is_only_reported_makes_no_plan_and_stays() {
    for on in BOTH {
        let memory = Arc::new(Memory::new());
        let mut core = core(&memory).await;
        let reporting = on.config(&core, |settings| {
            settings["enforcement"] = json!({ "identities": "report", "buckets": "report" });
        });
        core.converge(ADDRESS, &reporting).await.unwrap();
        let kind = match on {
            On::Aws => Kind::AwsRole,
            On::Gcp => Kind::GcpServiceAccount,
        };
        memory.meddle(kind, |found| {
            found.foreign.push("foreign policy X attached".into())
        });
        for _ in 0..2 {
            core.refresh(ADDRESS).await.unwrap();
            let drift = lines(&core.object(ADDRESS).unwrap().value, "drift");
            assert!(drift[0].ends_with("foreign policy X attached"), "{drift:?}");
            let plan = core.plan(ADDRESS, &reporting).await.unwrap();
            assert_eq!(plan.action, Action::NoOp);
        }
        // Another change is made beside it and leaves it alone; the plan after that is empty too.
        let more = on.config(&core, |settings| {
            settings["enforcement"] = json!({ "identities": "report", "buckets": "report" });
            settings["tags"] = json!({ "team": "ml" });
        });
        memory.calls();
        core.converge(ADDRESS, &more).await.unwrap();
        let exclusive = on.config(&core, |settings| settings["tags"] = json!({ "team": "ml" }));
        let plan = core.plan(ADDRESS, &exclusive).await.unwrap();
        assert!(
            lines(&plan.planned, "last_change")
                .iter()
                .any(|line| line.contains("remove foreign policy X")),
            "{on:?}: {:?}",
            lines(&plan.planned, "last_change")
        );
        assert_eq!(lines(&plan.planned, "drift"), Vec::<String>::new());
        core.converge(ADDRESS, &exclusive).await.unwrap();
    }
}

/// What now carries another environment's mark is not taken back: the plan says whose it is.
#[tokio::test]
async fn what_another_environment_took_is_refused_at_plan() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = On::Aws.config(&core, |_| {});
    core.converge(ADDRESS, &config).await.unwrap();
    memory.meddle(Kind::AwsRepository, |found| {
        found.owner = Owner::Environment {
            id: "aws/123456789012/eu-west-1/other-dev".into(),
            uid: "u".into(),
        };
    });
    core.refresh(ADDRESS).await.unwrap();
    let said = messages(&core.plan(ADDRESS, &config).await.unwrap_err());
    assert!(
        said.contains("belongs to environment aws/123456789012/eu-west-1/other-dev"),
        "{said}"
    );
}

/// B38: each component for itself.
#[tokio::test]
async fn what_cannot_be_read_is_not_planned_and_the_rest_is() {
    for (on, hidden, lost) in [
        (On::Aws, Kind::AwsCluster, Kind::AwsSecret),
        (On::Gcp, Kind::GcpCluster, Kind::GcpSecret),
    ] {
        let memory = Arc::new(Memory::new());
        let mut core = core(&memory).await;
        let config = on.config(&core, |_| {});
        core.converge(ADDRESS, &config).await.unwrap();
        memory.hide(Some(hidden));
        core.refresh(ADDRESS).await.unwrap();
        assert_eq!(core.plan(ADDRESS, &config).await.unwrap().action, Action::NoOp);
        memory.lose(lost);
        core.refresh(ADDRESS).await.unwrap();
        let plan = core.plan(ADDRESS, &config).await.unwrap();
        let told = lines(&plan.planned, "last_change");
        assert!(told[0].starts_with("+ secrets."), "{told:?}");
        // On AWS its new ARN goes into the permissions of who reads it.
        assert!(
            told[1..]
                .iter()
                .all(|line| line.starts_with("~ identities.runtime.churn: ")),
            "{told:?}"
        );
        core.apply(ADDRESS, &config).await.unwrap();
        memory.hide(None);
        core.refresh(ADDRESS).await.unwrap();
        assert_eq!(core.plan(ADDRESS, &config).await.unwrap().action, Action::NoOp);
    }
}

/// An image repository keeps the key that it was made with. Where that key is lost for good, the plan says so: an apply could
/// not bring the repository back to what it was.
#[tokio::test]
async fn what_was_made_with_a_key_that_is_lost_is_refused_at_plan_unless_consented() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = On::Aws.config(&core, |_| {});
    core.converge(ADDRESS, &config).await.unwrap();
    memory.lose_named(Kind::AwsKey, "storage");
    core.refresh(ADDRESS).await.unwrap();
    let writes = memory.ids();
    let said = messages(&core.plan(ADDRESS, &config).await.unwrap_err());
    let (address, token) = said
        .split("replace_components = { \"")
        .nth(1)
        .and_then(|rest| rest.split('}').next()?.trim().split_once("\" = \""))
        .unwrap_or_else(|| panic!("no consent is asked for in {said}"));
    assert!(address.starts_with("registry."), "{said}");
    assert!(said.contains("kms key lost → "), "{said}");
    let token = token.trim_end_matches('"');
    assert_eq!(memory.ids(), writes);
    // With consent to exactly this it is made anew, and nothing else is.
    let consenting = On::Aws.config(&core, |settings| {
        settings["replace_components"] = json!({ address: token });
    });
    let plan = core.plan(ADDRESS, &consenting).await.unwrap();
    let told = lines(&plan.planned, "last_change");
    let gone: Vec<&String> = told.iter().filter(|line| line.starts_with("- ")).collect();
    assert_eq!(gone.len(), 1, "{told:?}");
    assert!(
        gone[0].starts_with(&format!("- {address}: delete")) && gone[0].ends_with("[data loss]"),
        "{told:?}"
    );
    core.converge(ADDRESS, &consenting).await.unwrap();
    // The line that is forgotten consents to nothing more.
    core.refresh(ADDRESS).await.unwrap();
    assert_eq!(
        core.plan(ADDRESS, &consenting).await.unwrap().action,
        Action::NoOp
    );
}

/// The claim goes with its bucket; the count of applies does not begin anew, or an old state could pass for a newer one.
#[tokio::test]
async fn applies_are_counted_on_when_the_claim_was_lost() {
    for on in BOTH {
        let memory = Arc::new(Memory::new());
        let mut core = core(&memory).await;
        let config = on.config(&core, |_| {});
        core.converge(ADDRESS, &config).await.unwrap();
        let tagged = on.config(&core, |settings| settings["tags"] = json!({ "team": "ml" }));
        core.converge(ADDRESS, &tagged).await.unwrap();
        let count = |core: &tfplugin::testing::FakeCore| {
            let generation = core.object(ADDRESS).unwrap().value.get("generation").cloned();
            generation.and_then(|count| count.as_i64()).unwrap()
        };
        assert_eq!(count(&core), 2);
        let kind = if on == On::Aws {
            Kind::AwsBucket
        } else {
            Kind::GcpBucket
        };
        memory.lose_named(kind, "logs");
        core.refresh(ADDRESS).await.unwrap();
        core.converge(ADDRESS, &tagged).await.unwrap();
        assert_eq!(count(&core), 3, "{on:?}");
        assert_eq!(memory.claims()[0].generation, 3);
    }
}

/// B33: an account keeps its unique id, by which grants know it, however often the loss was looked at before the repair; one that
/// was let go of on purpose is another when it is wanted again.
#[tokio::test]
async fn a_lost_account_is_brought_back_as_what_it_was() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = On::Gcp.config(&core, |_| {});
    core.converge(ADDRESS, &config).await.unwrap();
    let ids = |memory: &Memory| memory.told(Kind::GcpServiceAccount, "unique_id");
    let before = ids(&memory);
    memory.lose(Kind::GcpServiceAccount);
    for _ in 0..2 {
        core.refresh(ADDRESS).await.unwrap();
        core.plan(ADDRESS, &config).await.unwrap();
    }
    core.converge(ADDRESS, &config).await.unwrap();
    assert_eq!(ids(&memory), before);

    let without = On::Gcp.config(&core, |settings| {
        settings["identities"] = json!({ "drift": { "enabled": false } });
    });
    core.converge(ADDRESS, &without).await.unwrap();
    assert!(ids(&memory).is_subset(&before) && ids(&memory) != before);
    core.converge(ADDRESS, &config).await.unwrap();
    assert_eq!(ids(&memory).difference(&before).count(), 1);
}

/// B37: with anything of its own left it is not taken for gone.
#[tokio::test]
async fn an_environment_of_which_one_bucket_is_left_is_completed() {
    let memory = Arc::new(Memory::new());
    let mut core = core(&memory).await;
    let config = On::Aws.config(&core, |_| {});
    let before = core.converge(ADDRESS, &config).await.unwrap();
    let uid = text(&before.state, &["uid"]);
    let gone = memory.lose_all_but(Kind::AwsBucket, 1);
    core.refresh(ADDRESS).await.unwrap();
    let plan = core.plan(ADDRESS, &config).await.unwrap();
    assert_eq!(plan.action, Action::Update);
    let told = lines(&plan.planned, "last_change");
    let (made, kept): (Vec<&String>, Vec<&String>) = told.iter().partition(|line| line.starts_with("+ "));
    assert_eq!(made.len(), gone, "{told:?}");
    // The bucket that is left gets the key that is made anew.
    assert_eq!(kept.len(), 1, "{told:?}");
    assert!(kept[0].starts_with("~ buckets."), "{told:?}");
    let applied = core.converge(ADDRESS, &config).await.unwrap();
    assert_eq!(text(&applied.state, &["uid"]), uid);
}
