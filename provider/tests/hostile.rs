//! Whatever arrives at whichever call: a message that is none is refused, any other is answered, and nothing panics.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on shows why"
)]

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use terraform_provider_mlops::Mlops;
use tfplugin::testing::RawClient;

/// Every unary call of the protocol, by the protocol's own file.
fn calls() -> Vec<&'static str> {
    let protocol = include_str!("../tfplugin/proto/tfplugin6.proto");
    protocol
        .lines()
        .filter_map(|line| line.trim().strip_prefix("rpc ")?.split('(').next())
        .collect()
}

/// A length-delimited field of a message.
fn field(number: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = varint(u64::from(number << 3 | 2));
    out.extend(varint(payload.len() as u64));
    out.extend(payload);
    out
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// MessagePack that resembles what Terraform sends: maps of our attributes, unknown values, deep nesting; and what it never does.
fn msgpack() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just(vec![0xc0]),                               // null
        Just(vec![0xc3]),                               // true
        Just(vec![0xd4, 0x00, 0x00]),                   // unknown
        Just(vec![0xc7, 0x02, 0x0c, 0x81, 0x01]),       // a refinement cut short
        Just(vec![0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]), // not a number
        Just(vec![0xdd, 0xff, 0xff, 0xff, 0xff]),       // a list of four thousand million
        Just(vec![0xdf, 0xff, 0xff, 0xff, 0xff]),       // a map of as many
        Just(vec![0xdb, 0xff, 0xff, 0xff, 0xff]),       // a string of as many bytes
        any::<u8>().prop_map(|byte| vec![byte & 0x7f]),
        "[a-z-]{0,9}".prop_map(|text| text_of(&text)),
        proptest::collection::vec(any::<u8>(), 0..12),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let name = prop_oneof![
            Just("name"),
            Just("tier"),
            Just("aws"),
            Just("gcp"),
            Just("node_pools"),
            Just("services"),
            Just("id"),
            Just("identities"),
            Just("federation"),
            Just("github"),
            Just("timeouts"),
            Just("buckets"),
            Just("components"),
        ];
        prop_oneof![
            proptest::collection::vec((name, inner.clone()), 0..6).prop_map(|entries| {
                let mut out = vec![0x80 | entries.len() as u8];
                for (name, value) in entries {
                    out.extend(text_of(name));
                    out.extend(value);
                }
                out
            }),
            proptest::collection::vec(inner, 0..6).prop_map(|items| {
                let mut out = vec![0x90 | items.len() as u8];
                out.extend(items.concat());
                out
            }),
        ]
    })
}

fn text_of(text: &str) -> Vec<u8> {
    let mut out = vec![0xa0 | text.len() as u8];
    out.extend(text.bytes());
    out
}

/// What stands in one field: the name of something that exists, a value in either coding, or noise.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => Just(b"mlops_environment".to_vec()),
        1 => prop_oneof![Just("mlops_cluster_token"), Just("parse_id"), Just("policy_allows"), Just("aws/1/eu-west-1/a")]
            .prop_map(|name| name.as_bytes().to_vec()),
        4 => msgpack().prop_map(|value| field(1, &value)),
        1 => proptest::sample::select(&[
            "null",
            "{}",
            "{\"name\":",
            "[[[[[[[[[[]]]]]]]]]]",
            "1e999999",
            "{\"version\":4,\"name\":\"\\ud800\"}",
        ][..])
        .prop_map(|text| field(2, text.as_bytes())),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
    ]
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => proptest::collection::vec((1_u32..9, payload()), 0..8)
            .prop_map(|fields| fields.into_iter().flat_map(|(number, payload)| field(number, &payload)).collect()),
        1 => proptest::collection::vec(any::<u8>(), 0..200),
    ]
}

#[test]
fn any_bytes_at_any_call_are_refused_or_answered_and_nothing_panics() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let calls = calls();
    assert!(calls.len() >= 22, "{calls:?}");
    let (mut answered, mut refused) = (0, 0);
    for rpc in calls {
        let mut runner = TestRunner::new(Config {
            cases: 100,
            failure_persistence: None,
            ..Config::default()
        });
        // Its words go out on the wire like any others: what panicked says so.
        let outcome = std::cell::RefCell::new((0, 0));
        runner
            .run(&message(), |message| {
                let answer = runtime.block_on(RawClient::new(Mlops::new()).call(rpc, message));
                match answer {
                    Ok(answer) => {
                        outcome.borrow_mut().0 += 1;
                        let words = String::from_utf8_lossy(&answer);
                        prop_assert!(!words.contains("panicked"), "{rpc}: {words}");
                    }
                    Err(status) => {
                        outcome.borrow_mut().1 += 1;
                        prop_assert!(
                            status.message().contains("decode") || status.message().contains("protobuf"),
                            "{rpc}: {status:?}"
                        );
                    }
                }
                Ok(())
            })
            .unwrap();
        answered += outcome.borrow().0;
        refused += outcome.borrow().1;
    }
    // Else the bytes never came as far as our own code, or never failed to.
    assert!(
        answered > 100 && refused > 100,
        "{answered} answered, {refused} refused"
    );
}

/// A stack that runs over cannot be caught: depth is bounded before it is followed.
#[test]
fn a_million_brackets_are_a_diagnostic() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let environment = field(1, b"mlops_environment");
    let depth = 1_000_000;
    let lists = vec![0x91; depth];
    let mut attribute = vec![0x81];
    attribute.extend(text_of("node_pools"));
    attribute.extend(&lists);
    let json = "[".repeat(depth);
    for (rpc, value) in [
        ("ValidateResourceConfig", field(2, &field(1, &lists))),
        ("ValidateResourceConfig", field(2, &field(1, &attribute))),
        ("ValidateResourceConfig", field(2, &field(2, json.as_bytes()))),
        ("PlanResourceChange", field(3, &field(1, &attribute))),
        ("UpgradeResourceState", field(3, &field(1, json.as_bytes()))),
    ] {
        let message = [environment.clone(), value].concat();
        let answer = runtime
            .block_on(RawClient::new(Mlops::new()).call(rpc, message))
            .unwrap_or_else(|status| panic!("{rpc}: {status:?}"));
        let words = String::from_utf8_lossy(&answer);
        assert!(!words.is_empty() && !words.contains("panicked"), "{rpc}: {words}");
    }
}
