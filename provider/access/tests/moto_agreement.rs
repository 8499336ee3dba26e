//! Agreement with another evaluator: the policy engine of moto, the third-party AWS emulator, which it enforces with. It has
//! no `SimulateCustomPolicy`, so the engine is asked directly. Where it is right the answers must be the same; where it is
//! known to be wrong, both answers are pinned with the reason, so that a correction shows.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use mlops_access::aws::{Caller, Decision, Denial, Policies, Policy, Request, evaluate};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};

const ACTIONS: [&str; 5] = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "sqs:SendMessage",
    "ecr:GetAuthorizationToken",
];
const RESOURCES: [&str; 6] = [
    "arn:aws:s3:::a/x",
    "arn:aws:s3:::a/y",
    "arn:aws:s3:::b/log/x",
    "arn:aws:s3:::b",
    "arn:aws:sqs:eu-west-1:123456789012:q",
    "*",
];

/// What the engine is right about: exact names and `*`, on both sides, allowed and denied; no conditions.
fn statement() -> impl Strategy<Value = Value> {
    let some = |choices: &'static [&'static str]| {
        prop_oneof![
            prop::sample::select(choices).prop_map(|one| json!(one)),
            prop::collection::vec(prop::sample::select(choices), 1..4).prop_map(|many| json!(many)),
        ]
    };
    let actions = some(&[
        "*",
        "s3:*",
        "s3:Get*",
        "s3:PutObject",
        "s3:*Object",
        "sqs:SendMessage",
        "ecr:*",
    ]);
    let resources = some(&[
        "*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::a/*",
        "arn:aws:s3:::a/x",
        "arn:aws:s3:::*/x",
        "arn:aws:s3:::*log*",
        "arn:aws:sqs:*:*:q",
    ]);
    let effect = prop_oneof![3 => Just("Allow"), 1 => Just("Deny")];
    (effect, prop::bool::weighted(0.2), actions, resources).prop_map(|(effect, not, actions, resources)| {
        let key = if not { "NotAction" } else { "Action" };
        json!({"Effect": effect, key: actions, "Resource": resources})
    })
}

fn documents(count: usize) -> Vec<Value> {
    let document = prop::collection::vec(statement(), 1..5)
        .prop_map(|statements| json!({"Version": "2012-10-17", "Statement": statements}));
    let mut runner = TestRunner::deterministic();
    (0..count)
        .map(|_| document.new_tree(&mut runner).unwrap().current())
        .collect()
}

fn ours(document: &Value, action: &str, resource: &str) -> &'static str {
    let policy = Policy::parse(&document.to_string()).unwrap();
    let request = Request::new(
        Caller::role("arn:aws:iam::123456789012:role/app"),
        action,
        resource,
    );
    match evaluate(&request, &Policies::identity([&policy])) {
        Decision::Allowed { .. } => "PERMITTED",
        Decision::Denied {
            by: Denial::Explicit(_),
        } => "DENIED",
        Decision::Denied {
            by: Denial::Implicit(_),
        } => "NEUTRAL",
        Decision::Unknown { why } => panic!("{document}: {why}"),
    }
}

/// The engine's answers; none, with the reason printed, where it is not installed.
fn theirs(cases: &[(Value, Vec<(&str, &str)>)]) -> Option<Vec<Vec<String>>> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os("MLOPS_TEST_PYTHON")
        .map_or_else(|| here.join("../../tests/.venv/bin/python"), PathBuf::from);
    if !python.exists() {
        println!(
            "not compared: {} is missing, `make venv` installs it",
            python.display()
        );
        return None;
    }
    let mut process = Command::new(&python)
        .arg(here.join("tests/moto_policies.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(&serde_json::to_vec(cases).unwrap()).unwrap();
    drop(stdin);
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "the engine failed");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn agrees_on_random_policies_with_the_engine_of_moto_where_that_is_installed() {
    let requests: Vec<(&str, &str)> = ACTIONS
        .iter()
        .flat_map(|action| RESOURCES.iter().map(|resource| (*action, *resource)))
        .collect();
    let cases: Vec<_> = documents(500)
        .into_iter()
        .map(|document| (document, requests.clone()))
        .collect();
    let Some(answers) = theirs(&cases) else { return };
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for ((document, requests), answers) in cases.iter().zip(&answers) {
        for ((action, resource), theirs) in requests.iter().zip(answers) {
            let ours = ours(document, action, resource);
            assert_eq!(ours, theirs, "{action} on {resource} by {document}");
            *counts.entry(ours).or_default() += 1;
        }
    }
    println!("agreed on {} policies: {counts:?}", cases.len());
    assert_eq!(counts.len(), 3, "each answer must have been met: {counts:?}");
}

#[test]
fn differs_from_the_engine_of_moto_only_where_that_is_wrong() {
    let get = ("s3:GetObject", "arn:aws:s3:::a/x");
    let allow = |extra: Value| {
        let mut statement = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
        statement
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        json!({"Version": "2012-10-17", "Statement": [statement]})
    };
    // Why, the document, our answer, the engine's.
    let differences = [
        (
            "a key that the request lacks equals nothing; the engine lets it through",
            allow(json!({"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}})),
            "NEUTRAL",
            "PERMITTED",
        ),
        (
            "actions ignore case",
            allow(json!({"Action": "S3:getobject"})),
            "PERMITTED",
            "NEUTRAL",
        ),
        (
            "a question mark stands for one character; the engine reads it as a regular expression does",
            allow(json!({"Action": "s3:?etObject"})),
            "PERMITTED",
            "NEUTRAL",
        ),
        (
            "a dot is a dot; the engine reads it as any character",
            allow(json!({"Resource": "arn:aws:s3:::a.x"})),
            "NEUTRAL",
            "PERMITTED",
        ),
        (
            "NotResource excludes; the engine does not read it and lets everything through",
            json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::a/*"}]}),
            "NEUTRAL",
            "PERMITTED",
        ),
    ];
    let cases: Vec<_> = differences
        .iter()
        .map(|(_, document, _, _)| (document.clone(), vec![get]))
        .collect();
    for ((why, document, wanted, _), _) in differences.iter().zip(&cases) {
        assert_eq!(ours(document, get.0, get.1), *wanted, "{why}");
    }
    let Some(answers) = theirs(&cases) else { return };
    for ((why, _, _, wrong), answers) in differences.iter().zip(&answers) {
        assert_eq!(answers, &[*wrong], "moto was corrected: {why}");
    }
}
