use proptest::prelude::*;
use serde_json::{Value, json};

use super::deliver;
use crate::aws::trial::{ACCOUNT, REGION, Trial, inputs};

const ARN: &str = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/eks/prod/cluster";

fn group(trial: &mut Trial) -> Value {
    trial.ok(
        "DescribeLogGroups",
        json!({"logGroupNamePrefix": "/aws/eks/prod/cluster"}),
    )["logGroups"][0]
        .clone()
}

fn key(trial: &mut Trial, admits: bool) -> String {
    let mut statements = vec![
        json!({"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "kms:*", "Resource": "*"}),
    ];
    if admits {
        statements.push(json!({"Effect": "Allow", "Principal": {"Service": "logs.eu-west-1.amazonaws.com"}, "Resource": "*",
            "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/eks/prod/*"}}}));
    }
    let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let made = trial
        .call_to("kms", "CreateKey", json!({"Policy": policy}), b"")
        .unwrap()
        .output;
    made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

#[test]
fn a_group_lives_with_key_retention_and_tags() {
    let mut trial = Trial::of("logs");
    let key = key(&mut trial, true);
    let create = json!({"logGroupName": "/aws/eks/prod/cluster", "kmsKeyId": key, "tags": {"a": "1"}});
    trial.ok("CreateLogGroup", create.clone());
    assert_eq!(
        trial.code("CreateLogGroup", create),
        "ResourceAlreadyExistsException"
    );
    trial.ok(
        "PutRetentionPolicy",
        json!({"logGroupName": "/aws/eks/prod/cluster", "retentionInDays": 30}),
    );
    let found = group(&mut trial);
    assert_eq!(found["arn"], json!(format!("{ARN}:*")));
    assert_eq!(
        (&found["retentionInDays"], &found["kmsKeyId"]),
        (&json!(30), &json!(key))
    );
    trial.ok("TagResource", json!({"resourceArn": ARN, "tags": {"b": "2"}}));
    trial.ok("UntagResource", json!({"resourceArn": ARN, "tagKeys": ["a"]}));
    assert_eq!(
        trial.ok("ListTagsForResource", json!({"resourceArn": ARN}))["tags"],
        json!({"b": "2"})
    );
    trial.ok(
        "DeleteRetentionPolicy",
        json!({"logGroupName": "/aws/eks/prod/cluster"}),
    );
    trial.ok(
        "DisassociateKmsKey",
        json!({"logGroupName": "/aws/eks/prod/cluster"}),
    );
    let found = group(&mut trial);
    assert!(found.get("retentionInDays").is_none() && found.get("kmsKeyId").is_none());
    trial.ok("DeleteLogGroup", json!({"logGroupName": "/aws/eks/prod/cluster"}));
    let refusal = trial.refused("DeleteLogGroup", json!({"logGroupName": "/aws/eks/prod/cluster"}));
    assert_eq!(refusal.code, "ResourceNotFoundException");
}

#[test]
fn a_key_that_does_not_admit_the_service_is_refused() {
    let mut trial = Trial::of("logs");
    let closed = key(&mut trial, false);
    let open = key(&mut trial, true);
    let create = |name: &str, key: &str| json!({"logGroupName": name, "kmsKeyId": key});
    let refusal = trial.refused("CreateLogGroup", create("/aws/eks/prod/cluster", &closed));
    assert_eq!(refusal.code, "AccessDeniedException");
    assert!(refusal.message.contains(ARN), "{refusal}");
    // The policy's condition is for other groups.
    assert_eq!(
        trial.code("CreateLogGroup", create("other", &open)),
        "AccessDeniedException"
    );
    assert_eq!(
        trial.code("CreateLogGroup", create("other", "alias/x")),
        "InvalidParameterException"
    );
    trial
        .call_to("kms", "DisableKey", json!({"KeyId": open}), b"")
        .unwrap();
    assert_eq!(
        trial.code("CreateLogGroup", create("/aws/eks/prod/cluster", &open)),
        "InvalidParameterException"
    );
    trial.ok("CreateLogGroup", json!({"logGroupName": "/aws/eks/prod/cluster"}));
    let associate = json!({"logGroupName": "/aws/eks/prod/cluster", "kmsKeyId": closed});
    assert_eq!(trial.code("AssociateKmsKey", associate), "AccessDeniedException");
}

#[test]
fn odd_retention_names_and_tags_are_refused() {
    let mut trial = Trial::of("logs");
    trial.ok("CreateLogGroup", json!({"logGroupName": "a"}));
    for days in [0, 2, 31, 4000] {
        let put = json!({"logGroupName": "a", "retentionInDays": days});
        assert_eq!(
            trial.code("PutRetentionPolicy", put),
            "InvalidParameterException",
            "{days}"
        );
    }
    assert_eq!(
        trial.code("CreateLogGroup", json!({"logGroupName": "aws/x"})),
        "InvalidParameterException"
    );
    assert_eq!(
        trial.code(
            "CreateLogGroup",
            json!({"logGroupName": "b", "tags": {"aws:x": "1"}})
        ),
        "InvalidParameterException"
    );
    let both = json!({"logGroupNamePrefix": "a", "logGroupNamePattern": "a"});
    assert_eq!(trial.code("DescribeLogGroups", both), "InvalidParameterException");
    let starred = json!({"resourceArn": "arn:aws:logs:eu-west-1:111122223333:log-group:a:*"});
    assert_eq!(
        trial.code("ListTagsForResource", starred),
        "InvalidParameterException"
    );
    let elsewhere = json!({"resourceArn": "arn:aws:logs:us-east-1:111122223333:log-group:a"});
    assert_eq!(
        trial.code("ListTagsForResource", elsewhere),
        "ResourceNotFoundException"
    );
    for operation in ["PutRetentionPolicy", "DeleteRetentionPolicy", "DeleteLogGroup"] {
        let missing = json!({"logGroupName": "none", "retentionInDays": 30});
        assert_eq!(
            trial.code(operation, missing),
            "ResourceNotFoundException",
            "{operation}"
        );
    }
}

#[test]
fn a_protected_group_refuses_to_go() {
    let mut trial = Trial::of("logs");
    trial.ok(
        "CreateLogGroup",
        json!({"logGroupName": "a", "deletionProtectionEnabled": true}),
    );
    assert_eq!(
        trial.code("DeleteLogGroup", json!({"logGroupName": "a"})),
        "ValidationException"
    );
    trial.ok(
        "PutLogGroupDeletionProtection",
        json!({"logGroupIdentifier": "a", "deletionProtectionEnabled": false}),
    );
    trial.ok("DeleteLogGroup", json!({"logGroupName": "a"}));
}

#[test]
fn eks_brings_a_deleted_group_back_bare() {
    let mut trial = Trial::of("logs");
    trial.ok(
        "CreateLogGroup",
        json!({"logGroupName": "/aws/eks/prod/cluster", "tags": {"a": "1"}}),
    );
    trial.ok("DeleteLogGroup", json!({"logGroupName": "/aws/eks/prod/cluster"}));
    deliver(
        &mut trial.world,
        ACCOUNT,
        REGION,
        "/aws/eks/prod/cluster",
        "kube-apiserver-1",
        "I am here",
        trial.now,
    );
    assert!(group(&mut trial).get("retentionInDays").is_none());
    assert_eq!(
        trial.ok("ListTagsForResource", json!({"resourceArn": ARN}))["tags"],
        json!({})
    );
    assert_eq!(
        trial.code("CreateLogGroup", json!({"logGroupName": "/aws/eks/prod/cluster"})),
        "ResourceAlreadyExistsException"
    );
}

#[test]
fn events_are_read_back() {
    let mut trial = Trial::of("logs");
    trial.ok("CreateLogGroup", json!({"logGroupName": "a"}));
    trial.ok(
        "CreateLogStream",
        json!({"logGroupName": "a", "logStreamName": "s"}),
    );
    let put = |times: &[i64]| {
        let events: Vec<Value> = times
            .iter()
            .map(|at| json!({"timestamp": at, "message": "m"}))
            .collect();
        json!({"logGroupName": "a", "logStreamName": "s", "logEvents": events})
    };
    trial.ok("PutLogEvents", put(&[1, 2, 3]));
    assert_eq!(
        trial.call("PutLogEvents", put(&[2, 1]), b"").unwrap_err().code,
        "InvalidParameterException"
    );
    let got = trial.ok(
        "GetLogEvents",
        json!({"logGroupName": "a", "logStreamName": "s", "startTime": 2}),
    );
    assert_eq!(got["events"].as_array().unwrap().len(), 2);
    let filter = |pattern: &str| json!({"logGroupName": "a", "filterPattern": pattern});
    let found = trial.ok("FilterLogEvents", filter("m"));
    assert_eq!(found["events"].as_array().unwrap().len(), 3);
    assert_eq!(trial.ok("FilterLogEvents", filter("other"))["events"], json!([]));
    assert_eq!(
        trial.code("FilterLogEvents", filter("{ $.a = 1 }")),
        "InvalidParameterException"
    );
    let missing = json!({"logGroupName": "a", "logStreamName": "none"});
    assert_eq!(
        trial.code("GetLogEvents", missing.clone()),
        "ResourceNotFoundException"
    );
    assert_eq!(
        trial.code("DeleteLogStream", missing),
        "ResourceNotFoundException"
    );
    assert_eq!(
        trial.ok("DescribeLogStreams", json!({"logGroupName": "a"}))["logStreams"][0]["logStreamName"],
        "s"
    );
}

#[test]
fn resource_policies_are_few() {
    let mut trial = Trial::of("logs");
    let put = |name: &str, document: &str| json!({"policyName": name, "policyDocument": document});
    let good = r#"{"Version": "2012-10-17", "Statement": []}"#;
    for n in 0..10 {
        trial.ok("PutResourcePolicy", put(&n.to_string(), good));
    }
    assert_eq!(
        trial.code("PutResourcePolicy", put("more", good)),
        "LimitExceededException"
    );
    assert_eq!(
        trial.code("PutResourcePolicy", put("1", "{")),
        "InvalidParameterException"
    );
    trial.ok("DeleteResourcePolicy", json!({"policyName": "1"}));
    assert_eq!(
        trial.code("DeleteResourcePolicy", json!({"policyName": "1"})),
        "ResourceNotFoundException"
    );
    assert_eq!(
        trial.ok("DescribeResourcePolicies", json!({}))["resourcePolicies"]
            .as_array()
            .unwrap()
            .len(),
        9
    );
}

#[test]
fn groups_come_in_pages_by_name() {
    let mut trial = Trial::of("logs");
    for name in ["c", "a", "b"] {
        trial.ok("CreateLogGroup", json!({"logGroupName": name}));
    }
    let first = trial.ok("DescribeLogGroups", json!({"limit": 2}));
    assert_eq!(
        (
            &first["logGroups"][0]["logGroupName"],
            &first["logGroups"][1]["logGroupName"]
        ),
        (&json!("a"), &json!("b"))
    );
    let second = trial.ok("DescribeLogGroups", json!({"nextToken": first["nextToken"]}));
    assert_eq!(second["logGroups"][0]["logGroupName"], "c");
    assert!(second.get("nextToken").is_none());
    assert_eq!(
        trial.code("DescribeLogGroups", json!({"nextToken": "?"})),
        "InvalidParameterException"
    );
}

#[test]
fn streams_and_tags_have_rules() {
    let mut trial = Trial::of("logs");
    trial.ok("CreateLogGroup", json!({"logGroupName": "a"}));
    let stream = |name: &str| json!({"logGroupName": "a", "logStreamName": name});
    assert_eq!(
        trial.code("CreateLogStream", stream("a:b")),
        "InvalidParameterException"
    );
    trial.ok("CreateLogStream", stream("s"));
    assert_eq!(
        trial.code("CreateLogStream", stream("s")),
        "ResourceAlreadyExistsException"
    );
    trial.ok("DeleteLogStream", stream("s"));
    let many: serde_json::Map<String, Value> = (0..51).map(|n| (n.to_string(), json!(""))).collect();
    assert_eq!(
        trial.code("TagLogGroup", json!({"logGroupName": "a", "tags": many})),
        "TooManyTagsException"
    );
    trial.ok("TagLogGroup", json!({"logGroupName": "a", "tags": {"k": "v"}}));
    trial.ok("UntagLogGroup", json!({"logGroupName": "a", "tags": ["k"]}));
    assert_eq!(
        trial.ok("ListTagsLogGroup", json!({"logGroupName": "a"}))["tags"],
        json!({})
    );
    assert_eq!(
        trial.code("ListTagsForResource", json!({"resourceArn": "x"})),
        "InvalidParameterException"
    );
}

const OPERATIONS: [&str; 19] = [
    "CreateLogGroup",
    "DeleteLogGroup",
    "DescribeLogGroups",
    "PutRetentionPolicy",
    "DeleteRetentionPolicy",
    "PutLogGroupDeletionProtection",
    "AssociateKmsKey",
    "DisassociateKmsKey",
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
    "TagLogGroup",
    "UntagLogGroup",
    "ListTagsLogGroup",
    "CreateLogStream",
    "DeleteLogStream",
    "DescribeLogStreams",
    "PutLogEvents",
    "GetLogEvents",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_input_panics(calls in proptest::collection::vec((proptest::sample::select(&OPERATIONS[..]), inputs(&[
        "logGroupName", "kmsKeyId", "tags", "tagKeys", "resourceArn", "resourceIdentifier", "logGroupIdentifier", "logStreamName",
        "logEvents", "timestamp", "message", "nextToken", "limit", "retentionInDays", "logGroupNamePrefix",
        "logGroupNamePattern", "logGroupIdentifiers", "startTime",
    ])), 1..12)) {
        let mut trial = Trial::of("logs");
        for (operation, input) in calls {
            let _ = trial.call(operation, input, b"");
        }
    }
}
