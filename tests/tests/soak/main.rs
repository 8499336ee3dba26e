//! Nothing is ever lost: applies that are refused, whose answers are lost, that are interrupted or killed, at any write.
//!
//! By hand, every write: `make soak`. In CI a few of each kind, spread over the life of an environment.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

mod blow;
mod ground;
mod process;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use blow::{Blow, Life};
use ground::Ground;
use mlops_sandbox::fault::{Effect, Fault};

/// What a run of all blows found.
#[derive(Debug, Default)]
struct Tally {
    tried: BTreeMap<(Life, Blow), usize>,
    wrong: Vec<String>,
}

/// Which writes are struck: all of them with `MLOPS_SOAK=all`, else a few that differ from blow to blow.
fn chosen(writes: u64, blow: Blow) -> Vec<u64> {
    if std::env::var("MLOPS_SOAK").as_deref() == Ok("all") {
        return (1..=writes).collect();
    }
    // A share of the way for each blow, so that together they cover the whole of it.
    let at = |share: u64| (writes * share / 100).max(1);
    match blow {
        Blow::Refused => vec![at(25), at(80)],
        Blow::AnswerLost => vec![at(10), at(60)],
        Blow::ProviderKilled => vec![at(35), at(95)],
        Blow::BothKilled => vec![1, at(50)],
    }
}

/// B40, B41, B45, B46, B53: the exhaustive run.
#[test]
fn whatever_write_is_struck_the_next_apply_finishes_and_nothing_is_lost_twice_or_left() {
    if !ground::possible("whatever_write_is_struck_the_next_apply_finishes_and_nothing_is_lost_twice_or_left")
    {
        return;
    }
    let reference = blow::reference();
    let cases: Vec<(Life, Blow, u64)> = Life::ALL
        .into_iter()
        .flat_map(|life| Blow::ALL.map(|blow| (life, blow)))
        .flat_map(|(life, blow)| {
            chosen(reference.writes(life), blow)
                .into_iter()
                .map(move |k| (life, blow, k))
        })
        .collect();
    let queue = Mutex::new(cases.into_iter());
    let tally = Mutex::new(Tally::default());
    let hands = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..hands {
            scope.spawn(|| {
                loop {
                    let Some((life, blow, number)) = queue.lock().unwrap().next() else {
                        return;
                    };
                    let result = blow::strike(reference, life, blow, number);
                    let mut tally = tally.lock().unwrap();
                    *tally.tried.entry((life, blow)).or_default() += 1;
                    if let Err(why) = result {
                        tally
                            .wrong
                            .push(format!("{life} {blow} at write {number}: {why}"));
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    println!("life     blow              tried");
    for ((life, blow), tried) in &tally.tried {
        println!("{life:8} {blow:17} {tried:5}");
    }
    println!("lost, doubled or left over: {}", tally.wrong.len());
    assert!(tally.wrong.is_empty(), "{}", tally.wrong.join("\n\n"));
}

/// B42, B51, B53: bad weather is no failure.
#[test]
fn throttling_outages_lost_answers_and_lag_need_nobodys_help() {
    let Some(ground) = Ground::new("throttling_outages_lost_answers_and_lag_need_nobodys_help") else {
        return;
    };
    let reference = blow::reference();
    let sandbox = ground.sandbox();
    sandbox.behave(|behaviour| behaviour.lag = 1.0);
    sandbox.fault(Fault::new(Effect::Throttled { retry_after: None }).chance(0.3));
    sandbox.fault(Fault::new(Effect::Unavailable { retry_after: None }).chance(0.05));
    sandbox.fault(Fault::new(Effect::ResetBefore).chance(0.03));
    sandbox.fault(Fault::new(Effect::ResetAfter).chance(0.03));
    ground.configure(ground::FIRST);
    ground.apply().expect(0);
    sandbox.heal();
    ground.plan().expect(0);
    assert_eq!(ground.marked(), reference.standing, "one of everything");
}

/// B44: the answer is out at once, the state is saved, and the next apply waits for the very operation.
#[test]
fn an_interrupted_apply_answers_within_seconds_and_the_next_waits_for_the_same_cluster() {
    let name = "an_interrupted_apply_answers_within_seconds_and_the_next_waits_for_the_same_cluster";
    let Some(ground) = Ground::new(name) else {
        return;
    };
    let sandbox = ground.sandbox();
    // Twenty minutes of the sandbox's time, which runs as fast as ours: it is still at work when we stop.
    sandbox.behave(|behaviour| {
        behaviour.scale = 1.0;
        behaviour.durations.insert("eks.cluster.create".into(), 1200.0);
    });
    ground.configure(ground::FIRST);
    let applying = ground.start(&["apply", "-auto-approve"]);
    ground.wait_for("eks:CreateCluster");
    let started = Instant::now();
    applying.interrupt();
    let stopped = applying.wait();
    assert!(
        started.elapsed() < Duration::from_secs(8),
        "provider and Terraform together took {:?}",
        started.elapsed()
    );
    assert_ne!(stopped.code, 0, "{}", stopped.text());
    assert!(stopped.text().contains("was interrupted"), "{}", stopped.text());
    let environment = ground.workspace.resource("mlops_environment.this");
    assert_eq!(environment["phase"], "INCOMPLETE");

    sandbox.behave(|behaviour| behaviour.scale = 0.0004);
    sandbox.skip(jiff::SignedDuration::from_mins(21));
    ground.apply().expect(0);
    ground.plan().expect(0);
    assert_eq!(
        sandbox.calls()["eks:CreateCluster"],
        1,
        "no second cluster was asked for"
    );
}

/// B52: one wins, the other touches nothing and says who is at work.
#[test]
fn of_two_applies_from_two_states_one_stops_before_its_first_write() {
    let name = "of_two_applies_from_two_states_one_stops_before_its_first_write";
    let Some(first) = Ground::new(name) else {
        return;
    };
    let sandbox = first.sandbox();
    sandbox.behave(|behaviour| {
        behaviour.scale = 1.0;
        behaviour.durations.insert("eks.cluster.create".into(), 1200.0);
    });
    first.configure(ground::FIRST);
    let applying = first.start(&["apply", "-auto-approve"]);
    first.wait_for("eks:CreateCluster");
    let second = first.beside();
    second.configure(ground::FIRST);
    let refused = second.apply().expect(1);
    assert!(
        refused
            .text()
            .contains("Somebody else is applying this environment"),
        "{}",
        refused.text()
    );
    assert!(
        second.state_is_empty(),
        "nothing of the other's came into this state"
    );
    sandbox.behave(|behaviour| behaviour.scale = 0.0004);
    sandbox.skip(jiff::SignedDuration::from_mins(21));
    applying.wait().expect(0);
    first.plan().expect(0);
}

/// B49: the second way out, in place.
#[test]
fn an_incomplete_environment_is_finished_in_place_after_untaint() {
    let Some(ground) = Ground::new("an_incomplete_environment_is_finished_in_place_after_untaint") else {
        return;
    };
    ground.configure(ground::FIRST);
    ground
        .sandbox()
        .fault(blow::refusal().on("eks", "CreateCluster").nth(1, 1));
    let failed = ground.apply().expect(1);
    for part in ["cluster", "eks:CreateCluster", "request id", "apply again"] {
        assert!(
            failed.text().contains(part),
            "{part} is not in\n{}",
            failed.text()
        );
    }
    ground
        .workspace
        .terraform(&["untaint", "mlops_environment.this"])
        .expect(0);
    let plan = ground.plan().expect(2);
    assert!(
        plan.stdout.contains("will be updated in-place"),
        "{}",
        plan.stdout
    );
    ground.apply().expect(0);
    ground.plan().expect(0);
}

/// B40 as users meet it: the plan of the replacement says that it resumes.
#[test]
fn the_plan_after_a_failed_create_says_that_nothing_is_deleted() {
    let Some(ground) = Ground::new("the_plan_after_a_failed_create_says_that_nothing_is_deleted") else {
        return;
    };
    ground.configure(ground::FIRST);
    ground
        .sandbox()
        .fault(blow::refusal().on("eks", "CreateNodegroup").nth(1, 1));
    ground.apply().expect(1);
    let plan = ground.plan().expect(2);
    assert!(
        plan.stdout.contains("resumed") && plan.stdout.contains("nothing is deleted"),
        "{}",
        plan.stdout
    );
}
