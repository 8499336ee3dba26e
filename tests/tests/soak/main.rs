//! Nothing is ever lost: applies that are refused, whose answers are lost, that are interrupted or killed, at any write.
//!
//! By hand, every write: `make soak`. In CI one of each kind on each cloud, spread over the life of an environment.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

mod blow;
mod damage;
mod destroy;
mod ground;
mod limits;
mod outside;
mod process;
mod resume;
mod told;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use blow::{Blow, Case, Life};
use damage::Tally;
use ground::{Ground, On, Story as _, Watched as _};
use mlops_sandbox::fault::{Effect, Fault};

/// Every write of every part of a life, struck in every way.
fn all(on: On) -> impl Iterator<Item = Case> {
    Life::ALL
        .into_iter()
        .flat_map(|life| Blow::ALL.map(|blow| (life, blow)))
        .flat_map(move |(life, blow)| {
            (1..=blow::reference(on).writes(life)).map(move |number| Case {
                on,
                life,
                blow,
                number,
            })
        })
}

/// One write for each part of a life and each blow, each elsewhere, so that together they cover the whole of it.
fn few(on: On) -> impl Iterator<Item = Case> {
    let kinds = Life::ALL
        .into_iter()
        .flat_map(|life| Blow::ALL.map(|blow| (life, blow)));
    kinds.zip(0_u64..).map(move |((life, blow), place)| {
        let writes = blow::reference(on).writes(life);
        // Steps of 37 % meet every part before they come back to the first.
        let share = ((place + 5 * on as u64) * 37) % 100;
        let number = (writes * share / 100).max(1);
        Case {
            on,
            life,
            blow,
            number,
        }
    })
}

/// The cases to try: what `MLOPS_SOAK` names, `all` or parts like `gcp`, `aws/create`, `gcp/update/refused` and
/// `aws/destroy/both-killed/17`, with commas between; else a few.
fn chosen() -> Vec<Case> {
    let Ok(wish) = std::env::var("MLOPS_SOAK") else {
        return On::BOTH.into_iter().flat_map(few).collect();
    };
    let wanted = |path: &str| {
        wish.split(',')
            .any(|part| part == "all" || format!("{path}/").starts_with(&format!("{part}/")))
    };
    let clouds = On::BOTH.into_iter().filter(|on| {
        wish.split(',')
            .any(|part| part == "all" || part.starts_with(&on.to_string()))
    });
    let mut cases: Vec<Case> = clouds
        .flat_map(all)
        .filter(|case| wanted(&case.to_string()))
        .collect();
    // Far from one another, so that a run that is cut short has seen something of everything.
    cases.sort_by_key(|case| (case.number * 37 % 101, *case));
    let (slice, slices) = slice();
    cases.into_iter().skip(slice - 1).step_by(slices).collect()
}

/// The share of the cases that is tried: `MLOPS_SOAK_SLICE=3/7` is every seventh from the third, so that seven runs see all. A number that
/// has nothing in common with the four blows gives every run some of each.
fn slice() -> (usize, usize) {
    let Ok(text) = std::env::var("MLOPS_SOAK_SLICE") else {
        return (1, 1);
    };
    let numbers = text
        .split_once('/')
        .and_then(|(slice, slices)| Some((slice.parse().ok()?, slices.parse().ok()?)));
    let numbers = numbers.filter(|(slice, slices)| (1..=*slices).contains(slice));
    numbers.unwrap_or_else(|| panic!("MLOPS_SOAK_SLICE is \"{text}\": a share like 3/7 is wanted"))
}

/// After so long no further case is begun: `MLOPS_SOAK_MINUTES`, else never.
fn patience() -> Duration {
    let minutes = std::env::var("MLOPS_SOAK_MINUTES").ok();
    let minutes = minutes.map(|text| text.parse().expect("MLOPS_SOAK_MINUTES is a number"));
    minutes.map_or(Duration::MAX, |minutes: u64| Duration::from_secs(60 * minutes))
}

/// Cases that are tried at a time: `MLOPS_SOAK_HANDS`, else one for each core.
fn hands() -> usize {
    let hands = std::env::var("MLOPS_SOAK_HANDS").ok();
    let hands = hands.map(|text| text.parse().expect("MLOPS_SOAK_HANDS is a number"));
    hands.unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from))
}

/// B40, B41, B45, B46, B53, B69: the exhaustive run.
#[test]
fn whatever_write_is_struck_the_next_apply_finishes_and_nothing_is_lost_twice_or_left() {
    let name = "whatever_write_is_struck_the_next_apply_finishes_and_nothing_is_lost_twice_or_left";
    if !ground::possible(name) {
        return;
    }
    let (started, patience) = (Instant::now(), patience());
    let cases = chosen();
    assert!(!cases.is_empty(), "MLOPS_SOAK names no case");
    let count = cases.len();
    let queue = Mutex::new(cases.into_iter());
    let tally = Mutex::new(Tally::default());
    let hands = hands();
    std::thread::scope(|scope| {
        for _ in 0..hands {
            scope.spawn(|| {
                while started.elapsed() < patience {
                    let Some(case) = queue.lock().unwrap().next() else {
                        return;
                    };
                    let begun = Instant::now();
                    let result = blow::strike(&case);
                    let took = begun.elapsed();
                    let mut tally = tally.lock().unwrap();
                    if let Err(damage) = &result {
                        println!("{case}\n{damage}");
                    }
                    tally.add(case, took, result);
                    if tally.tried().is_multiple_of(20) {
                        println!(
                            "{} of {count} after {} s",
                            tally.tried(),
                            started.elapsed().as_secs()
                        );
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    println!("{tally}");
    println!(
        "{} of {count} cases in {} s",
        tally.tried(),
        started.elapsed().as_secs()
    );
    assert!(tally.is_well(), "something was damaged: see the table above");
}

/// B42, B51, B53: bad weather is no failure.
fn weather(on: On, test: &str) {
    let Some(ground) = Ground::new(on, test) else {
        return;
    };
    let sandbox = ground.sandbox();
    // The sandbox draws by a seed; which call meets which fault also depends on the order in which they come.
    sandbox.behave(|behaviour| behaviour.lag = 1.0);
    sandbox.fault(Fault::new(Effect::Throttled { retry_after: None }).chance(0.3));
    sandbox.fault(Fault::new(Effect::Unavailable { retry_after: None }).chance(0.05));
    sandbox.fault(Fault::new(Effect::ResetBefore).chance(0.03));
    sandbox.fault(Fault::new(Effect::ResetAfter).chance(0.03));
    ground.configure(on.first());
    let applied = ground.apply().expect(0);
    println!(
        "{on}: applied in bad weather in {:.0} s",
        applied.took.as_secs_f64()
    );
    sandbox.heal();
    ground.plan().expect(0);
    let damage = damage::Damage::between(blow::reference(on).after(Life::Create), &ground.standing());
    damage.or_none().unwrap_or_else(|damage| panic!("{damage}"));
}

#[test]
fn throttling_outages_lost_answers_and_lag_need_nobodys_help() {
    weather(
        On::Aws,
        "throttling_outages_lost_answers_and_lag_need_nobodys_help",
    );
}

#[test]
fn throttling_outages_lost_answers_and_lag_need_nobodys_help_on_google_cloud() {
    weather(
        On::Gcp,
        "throttling_outages_lost_answers_and_lag_need_nobodys_help_on_google_cloud",
    );
}

/// B44: the answer is out at once, the state is saved, and the next apply waits for the very operation.
#[test]
fn an_interrupted_apply_answers_within_seconds_and_the_next_waits_for_the_same_cluster() {
    for on in On::BOTH {
        let name = "an_interrupted_apply_answers_within_seconds_and_the_next_waits_for_the_same_cluster";
        let Some(ground) = Ground::new(on, name) else {
            return;
        };
        ground.take_real_time();
        ground.configure(on.first());
        let applying = ground.start(&["apply", "-auto-approve"]);
        ground.wait_for_cluster();
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
        assert_eq!(ground.phase(), "INCOMPLETE");

        ground.let_time_pass();
        ground.apply().expect(0);
        ground.plan().expect(0);
        assert_eq!(ground.clusters_asked_for(), 1, "no second cluster was asked for");
    }
}

/// B52: one wins, the other touches nothing and says who is at work.
#[test]
fn of_two_applies_from_two_states_one_stops_before_its_first_write() {
    for on in On::BOTH {
        let name = "of_two_applies_from_two_states_one_stops_before_its_first_write";
        let Some(first) = Ground::new(on, name) else {
            return;
        };
        first.take_real_time();
        first.configure(on.first());
        let applying = first.start(&["apply", "-auto-approve"]);
        first.wait_for_cluster();
        let second = first.beside();
        second.configure(on.first());
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
        first.let_time_pass();
        applying.wait().expect(0);
        first.plan().expect(0);
    }
}
