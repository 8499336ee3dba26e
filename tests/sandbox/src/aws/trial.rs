//! For tests: a world, and calls of one account's operator to it.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::Value;

use super::answer;
use crate::answer::{Answer, Refusal};
use crate::call::{Call, Caller};
use crate::world::World;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const OTHER: &str = "444455556666";
pub(crate) const REGION: &str = "eu-west-1";

/// A world under test.
pub(crate) struct Trial {
    pub(crate) world: World,
    pub(crate) service: &'static str,
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) principal: String,
    pub(crate) operator: bool,
    pub(crate) now: Timestamp,
}

impl Trial {
    pub(crate) fn of(service: &'static str) -> Self {
        Self {
            world: World::new(7),
            service,
            account: ACCOUNT.into(),
            region: REGION.into(),
            principal: format!("arn:aws:iam::{ACCOUNT}:user/operator"),
            operator: true,
            now: "2026-03-01T00:00:00Z".parse().unwrap(),
        }
    }

    pub(crate) fn pass(&mut self, duration: SignedDuration) {
        self.now += duration;
    }

    pub(crate) fn days(&mut self, days: i64) {
        self.pass(SignedDuration::from_hours(24 * days));
    }

    /// Goes over to another account.
    pub(crate) fn be(&mut self, account: &str) {
        self.account = account.into();
        self.principal = format!("arn:aws:iam::{account}:user/operator");
    }

    pub(crate) fn call(&mut self, operation: &str, input: Value, payload: &[u8]) -> Result<Answer, Refusal> {
        self.call_to(self.service, operation, input, payload)
    }

    pub(crate) fn call_to(
        &mut self,
        service: &str,
        operation: &str,
        input: Value,
        payload: &[u8],
    ) -> Result<Answer, Refusal> {
        let call = self.request(service, operation, input, payload);
        answer(&mut self.world, &call)
    }

    /// A call as it comes to a service.
    pub(crate) fn request(&self, service: &str, operation: &str, input: Value, payload: &[u8]) -> Call {
        Call {
            service: service.into(),
            operation: operation.into(),
            input,
            payload: Bytes::copy_from_slice(payload),
            caller: Caller {
                principal: self.principal.clone(),
                operator: self.operator,
            },
            account: self.account.clone(),
            region: self.region.clone(),
            at: self.now,
            request_id: "trial".into(),
            origin: "http://127.0.0.1:1".into(),
        }
    }

    /// The output of a call that succeeds.
    pub(crate) fn ok(&mut self, operation: &str, input: Value) -> Value {
        match self.call(operation, input, b"") {
            Ok(answer) => answer.output,
            Err(refusal) => panic!("{operation}: {refusal}"),
        }
    }

    /// The refusal of a call that fails and changes nothing.
    pub(crate) fn refused(&mut self, operation: &str, input: Value) -> Refusal {
        let before = self.world.aws.clone();
        match self.call(operation, input, b"") {
            Ok(answer) => panic!("{operation} succeeded: {}", answer.output),
            Err(refusal) => {
                assert_eq!(self.world.aws, before, "{operation} changed something");
                refusal
            }
        }
    }

    /// Its code.
    pub(crate) fn code(&mut self, operation: &str, input: Value) -> String {
        self.refused(operation, input).code
    }
}

/// Any input made of these members: the right kind of value, or any other.
pub(crate) fn inputs(members: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("x".to_owned()),
        Just("alias/x".to_owned()),
        Just("data".to_owned()),
        Just("*".to_owned()),
        Just("arn:aws:kms:eu-west-1:111122223333:key/x".to_owned()),
        Just("arn:aws:s3:::data".to_owned()),
        Just(r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned()),
        "\\PC{0,12}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 3, move |inner| {
        let member = prop_oneof![
            proptest::sample::select(members).prop_map(str::to_owned),
            "[a-zA-Z]{1,6}"
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map(member, inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map(
        proptest::sample::select(members).prop_map(str::to_owned),
        value,
        0..8,
    )
    .prop_map(|members| Value::Object(members.into_iter().collect()))
}
