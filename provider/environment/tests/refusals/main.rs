//! Every validation refuses something, with its place and a way out.
//!
//! Which validations there are is told by the source: each place that judges a setting is a rule, and the tests here note
//! which rules they saw broken. A new rule fails the build until a test breaks it.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

#[path = "../fixtures/mod.rs"]
mod fixtures;

mod aws;
mod budget;
mod existing_cluster;
mod gcp;
mod gitlab;
mod guard;
mod managed_network;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fixtures::spec;
use mlops_environment::{Environment, Violation};
use serde_json::Value;

/// The tests that break rules, in lists of their own. One that is missing there shows: its rules count as unbroken.
const TESTS: [&[fn()]; 7] = [
    aws::TESTS,
    budget::TESTS,
    existing_cluster::TESTS,
    gcp::TESTS,
    gitlab::TESTS,
    guard::TESTS,
    managed_network::TESTS,
];

/// Rules that no configuration breaks, by words of theirs: what keeps them is behind another.
const UNREACHABLE: &[(&str, &str)] = &[
    ("depend on each other in a circle", "references go one way"),
    ("{name}-predictor", "a service's name makes a repository's"),
    (
        "A policy cannot be judged",
        "what is added is judged word by word before it comes into a policy",
    ),
];

thread_local! {
    static BROKEN: RefCell<BTreeSet<Violation>> = const { RefCell::new(BTreeSet::new()) };
}

/// Everything that is wrong with a configuration, at whichever stage it shows.
fn violations(value: Value) -> Vec<Violation> {
    match spec(value).map(Environment::new) {
        Err(violations) | Ok(Err(violations)) => violations,
        Ok(Ok(_)) => Vec::new(),
    }
}

/// One of them is at this path, says these words, and says what to do.
#[track_caller]
fn hit(found: &[Violation], path: &str, words: &str) {
    let hit = found.iter().find(|violation| {
        violation.path.to_string() == path
            && format!("{} {}", violation.summary, violation.detail).contains(words)
    });
    let Some(hit) = hit else {
        panic!("expected {path}: …{words}…, found {found:#?}")
    };
    assert!(
        hit.detail.ends_with('.'),
        "a way out is a sentence: {:?}",
        hit.detail
    );
    BROKEN.with_borrow_mut(|broken| broken.insert(hit.clone()));
}

#[track_caller]
fn refuses(value: Value, path: &str, words: &str) {
    hit(&violations(value), path, words);
}

#[track_caller]
fn warns(value: Value, path: &str, words: &str) {
    hit(&spec(value).expect("no violations").warnings, path, words);
}

/// Where rules stand: file below `src`, and line.
type Site = (String, u32);

/// Every place of the source that judges a setting.
fn rules() -> BTreeSet<Site> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut rules = BTreeSet::new();
    let folders = ["spec", "guard", "."];
    for folder in folders {
        let entries = std::fs::read_dir(source.join(folder)).expect("a folder of the source");
        for entry in entries.filter_map(Result::ok) {
            let name = entry.file_name().to_string_lossy().into_owned();
            // These make violations for whoever calls them.
            if !name.ends_with(".rs") || ["collector.rs", "violation.rs"].contains(&name.as_str()) {
                continue;
            }
            let text = std::fs::read_to_string(entry.path()).expect("a source");
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            let judging = [
                ".refuse(",
                ".warn(",
                ".known(",
                ".known::<",
                ".late(",
                ".word(",
                ".number(",
                "Violation::new(",
            ];
            for (line, number) in text.lines().zip(1_u32..) {
                let judges = judging.iter().any(|call| line.contains(call)) && !line.contains(".known()");
                if judges && !line.trim_start().starts_with("//") {
                    let file = format!("{folder}/{name}");
                    rules.insert((file.trim_start_matches("./").to_owned(), number));
                }
            }
        }
    }
    rules
}

fn site(violation: &Violation) -> Site {
    let (_, file) = violation.rule.file().split_once("src/").expect("a source");
    (file.to_owned(), violation.rule.line())
}

#[test]
fn every_validation_refuses_something_and_says_where_and_what_to_do() {
    BROKEN.take();
    TESTS.iter().copied().flatten().for_each(|test| test());
    let broken = BROKEN.take();
    let unreachable: BTreeMap<&str, &str> = UNREACHABLE.iter().copied().collect();
    let struck: BTreeSet<Site> = broken.iter().map(site).collect();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let unbroken: Vec<String> = rules()
        .difference(&struck)
        .map(|(file, line)| {
            let text = std::fs::read_to_string(source.join(file)).expect("a source");
            let from = *line as usize - 1;
            let words: Vec<&str> = text.lines().skip(from).take(5).map(str::trim).collect();
            format!("{file}:{line}: {}", words.join(" "))
        })
        .filter(|rule| !unreachable.keys().any(|words| rule.contains(words)))
        .collect();
    assert!(
        unbroken.is_empty(),
        "{} rules refuse nothing in these tests (of {}):\n{}",
        unbroken.len(),
        rules().len(),
        unbroken.join("\n")
    );
    let said: BTreeSet<String> = broken.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(said.into_iter().collect::<Vec<_>>().join("\n"));
}
