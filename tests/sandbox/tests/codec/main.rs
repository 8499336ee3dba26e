//! The codec against botocore, Amazon's own: requests that it writes are read as they were meant, replies that the sandbox
//! writes are read by it as they were meant. For every operation that is described, with random values.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on shows why"
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use mlops_sandbox::Answer;
use mlops_sandbox::exchange::{Request, parameters};
use mlops_sandbox::protocol;
use mlops_sandbox::protocol::description::service;
use serde_json::{Value, json};

fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
    python.exists().then_some(python)
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/codec/codec.py")
}

fn cases(python: &PathBuf, seed: u64) -> Vec<Value> {
    let output = Command::new(python)
        .arg(script())
        .args(["ask", &seed.to_string()])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn bytes(base64: &Value) -> Bytes {
    STANDARD.decode(base64.as_str().unwrap()).unwrap().into()
}

fn request(made: &Value) -> Request {
    let mut headers = HeaderMap::new();
    for (name, value) in made["headers"].as_object().unwrap() {
        headers.insert(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_str().unwrap().as_bytes()).unwrap(),
        );
    }
    Request {
        method: made["method"].as_str().unwrap().parse().unwrap(),
        path: made["path"].as_str().unwrap().to_owned(),
        query: parameters(made["query"].as_str().unwrap()),
        headers,
        body: bytes(&made["body"]),
    }
}

const SEEDS: u64 = 4;

#[test]
fn what_botocore_writes_is_read_as_it_was_meant() {
    let Some(python) = python() else {
        eprintln!("skipped what_botocore_writes_is_read_as_it_was_meant: `make venv` installs boto3");
        return;
    };
    let (mut read, mut wrong) = (0, Vec::new());
    for seed in 0..SEEDS {
        for case in cases(&python, seed)
            .iter()
            .filter(|case| case["request"].is_object())
        {
            let name = format!(
                "{}:{}",
                case["service"].as_str().unwrap(),
                case["operation"].as_str().unwrap()
            );
            let described = service(case["service"].as_str().unwrap()).unwrap();
            match protocol::read(described, &request(&case["request"])) {
                Err(refused) => wrong.push(format!("{name}: {}\n  {}", refused.refusal, case["request"])),
                Ok(decoded) => {
                    read += 1;
                    if decoded.operation.name != case["operation"].as_str().unwrap() {
                        wrong.push(format!("{name} was read as {}", decoded.operation.name));
                    } else if without_nulls(&decoded.input) != case["input"] {
                        wrong.push(format!(
                            "{name}:\n  written {}\n  read    {}",
                            case["input"], decoded.input
                        ));
                    } else if decoded.payload != bytes(&case["payload"]) {
                        wrong.push(format!("{name}: the payload differs"));
                    }
                }
            }
        }
    }
    println!("{read} requests of botocore were read");
    assert!(
        wrong.is_empty(),
        "{} of {read}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Empty maps of headers are no members.
fn without_nulls(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut() {
        members.retain(|name, value| !(value.is_null() || name == "Metadata" && value == &json!({})));
    }
    value
}

#[test]
fn what_the_sandbox_writes_is_read_by_botocore_as_it_was_meant() {
    let Some(python) = python() else {
        eprintln!(
            "skipped what_the_sandbox_writes_is_read_by_botocore_as_it_was_meant: `make venv` installs boto3"
        );
        return;
    };
    let mut replies = String::new();
    for seed in 0..SEEDS {
        for case in cases(&python, seed)
            .iter()
            .filter(|case| case["output"].is_object())
        {
            let described = service(case["service"].as_str().unwrap()).unwrap();
            let operation = &described.operations[case["operation"].as_str().unwrap()];
            let answer = Answer {
                output: case["output"].clone(),
                payload: Some(bytes(&case["payload"])),
            };
            let method: Method = operation.http.method.parse().unwrap();
            let reply =
                protocol::write(described, operation, &answer, "id", &method).unwrap_or_else(|objections| {
                    panic!("{}: {objections:?}\n{}", operation.name, case["output"])
                });
            let headers: BTreeMap<&str, &str> = reply
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()))
                .collect();
            let line = json!({
                "service": case["service"],
                "operation": case["operation"],
                "output": case["output"],
                "payload": case["payload"],
                "status": reply.status.as_u16(),
                "headers": headers,
                "body": STANDARD.encode(&reply.body),
            });
            replies.push_str(&format!("{line}\n"));
        }
    }
    let mut child = Command::new(&python)
        .arg(script())
        .arg("read")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(replies.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
}
