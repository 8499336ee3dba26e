//! What breaks AWS's descriptions is refused as AWS refuses it, and what nobody knows is refused too.

use mlops_sandbox::Sandbox;

use crate::wire::{json, query, rest, send};

#[test]
fn what_is_unknown_is_refused_in_every_protocol() {
    let sandbox = Sandbox::builder().start().unwrap();
    for (came, status, code) in [
        (
            rest(&sandbox, "eks", "GET", "/clusters/c/fargate-profiles", ""),
            404,
            "UnknownOperationException",
        ),
        (
            rest(&sandbox, "eks", "PATCH", "/clusters", ""),
            404,
            "UnknownOperationException",
        ),
        (
            rest(&sandbox, "s3", "GET", "/bucket?analytics", ""),
            501,
            "NotImplemented",
        ),
        (
            json(&sandbox, "kms", "TrentService.MakeCoffee", "{}"),
            400,
            "UnknownOperationException",
        ),
        (
            json(&sandbox, "kms", "secretsmanager.CreateSecret", "{}"),
            400,
            "UnknownOperationException",
        ),
        (query(&sandbox, "iam", "Action=MakeCoffee"), 400, "InvalidAction"),
        (
            query(&sandbox, "ec2", "Action=RunInstances"),
            400,
            "InvalidAction",
        ),
        (
            json(&sandbox, "sqs", "AmazonSQS.ListQueues", "{}"),
            404,
            "UnknownService",
        ),
        (
            send(&sandbox, "POST", "/", &[("authorization", "Basic eDp5")], ""),
            404,
            "UnknownService",
        ),
    ] {
        let came = came.unwrap();
        assert_eq!((came.status, came.code().as_str()), (status, code), "{came:?}");
    }
    let refused = sandbox.journal();
    assert!(
        refused
            .iter()
            .all(|entry| entry.status >= 400 && entry.code.is_some()),
        "{refused:?}"
    );
}

#[test]
fn members_that_break_the_description_are_refused_in_every_protocol() {
    let sandbox = Sandbox::builder().start().unwrap();
    let long = "x".repeat(65);
    let logs = |target: &str, body: &str| json(&sandbox, "logs", &format!("Logs_20140328.{target}"), body);
    let xml = |target: &str, body: &str| rest(&sandbox, "s3", "PUT", target, body);
    for (what, came, code, words) in [
        // Query.
        (
            "unknown",
            query(&sandbox, "iam", "Action=ListRoles&Colour=red"),
            "MalformedInput",
            "Colour",
        ),
        (
            "type",
            query(&sandbox, "iam", "Action=ListRoles&MaxItems=many"),
            "MalformedInput",
            "MaxItems",
        ),
        (
            "missing",
            query(&sandbox, "iam", "Action=GetRole"),
            "ValidationError",
            "Value null at 'roleName'",
        ),
        (
            "length",
            query(&sandbox, "iam", &format!("Action=GetRole&RoleName={long}")),
            "ValidationError",
            "length less than or equal to 64",
        ),
        (
            "pattern",
            query(&sandbox, "iam", "Action=GetRole&RoleName=two%20words"),
            "ValidationError",
            "regular expression pattern",
        ),
        (
            "range",
            query(&sandbox, "iam", "Action=ListRoles&MaxItems=0"),
            "ValidationError",
            "greater than or equal to 1",
        ),
        (
            "enum",
            query(&sandbox, "iam", "Action=ListPolicies&Scope=Mine"),
            "ValidationError",
            "enum value set: [All, AWS, Local]",
        ),
        (
            "version",
            rest(
                &sandbox,
                "sts",
                "POST",
                "/?Action=GetCallerIdentity&Version=2000-01-01",
                "",
            ),
            "InvalidAction",
            "GetCallerIdentity",
        ),
        // EC2.
        (
            "unknown",
            query(&sandbox, "ec2", "Action=DescribeVpcs&Colour=red"),
            "UnknownParameter",
            "Colour",
        ),
        (
            "type",
            query(&sandbox, "ec2", "Action=DescribeVpcs&MaxResults=many"),
            "InvalidParameterValue",
            "many",
        ),
        (
            "missing",
            query(&sandbox, "ec2", "Action=DeleteVpc"),
            "MissingParameter",
            "vpcId",
        ),
        // JSON.
        (
            "malformed",
            json(&sandbox, "kms", "TrentService.CreateKey", "{"),
            "SerializationException",
            "EOF",
        ),
        (
            "type",
            json(&sandbox, "kms", "TrentService.CreateKey", r#"{"Description": 1}"#),
            "SerializationException",
            "description",
        ),
        (
            "unknown",
            json(&sandbox, "kms", "TrentService.CreateKey", r#"{"Colour": "red"}"#),
            "SerializationException",
            "colour",
        ),
        (
            "enum",
            json(
                &sandbox,
                "kms",
                "TrentService.CreateKey",
                r#"{"KeyUsage": "COFFEE"}"#,
            ),
            "ValidationException",
            "enum value set",
        ),
        (
            "missing",
            json(&sandbox, "kms", "TrentService.DescribeKey", "{}"),
            "ValidationException",
            "Value null at 'keyId'",
        ),
        (
            "pattern",
            logs("CreateLogGroup", r#"{"logGroupName": "a b"}"#),
            "InvalidParameterException",
            "'logGroupName'",
        ),
        // REST-JSON.
        (
            "malformed",
            rest(&sandbox, "eks", "POST", "/clusters", "not json"),
            "SerializationException",
            "expected",
        ),
        (
            "missing",
            rest(&sandbox, "eks", "POST", "/clusters", r#"{"name": "c"}"#),
            "InvalidParameterException",
            "'roleArn'",
        ),
        (
            "unknown query",
            rest(&sandbox, "eks", "GET", "/clusters?colour=red", ""),
            "SerializationException",
            "colour",
        ),
        (
            "range",
            rest(&sandbox, "eks", "GET", "/clusters?maxResults=101", ""),
            "InvalidParameterException",
            "less than or equal to 100",
        ),
        // REST-XML.
        (
            "malformed",
            xml("/b?versioning", "<VersioningConfiguration>"),
            "MalformedXML",
            "schema",
        ),
        (
            "unknown",
            xml(
                "/b?versioning",
                "<VersioningConfiguration><Colour>red</Colour></VersioningConfiguration>",
            ),
            "MalformedXML",
            "Colour",
        ),
        (
            "enum",
            xml(
                "/b?versioning",
                "<VersioningConfiguration><Status>On</Status></VersioningConfiguration>",
            ),
            "MalformedXML",
            "Enabled, Suspended",
        ),
        (
            "root",
            xml("/b?versioning", "<Versioning/>"),
            "MalformedXML",
            "Versioning",
        ),
        (
            "missing",
            xml("/b?publicAccessBlock", ""),
            "InvalidRequest",
            "publicAccessBlockConfiguration",
        ),
    ] {
        let came = came.unwrap();
        assert_eq!(came.code(), code, "{what}: {came:?}");
        assert!(
            came.body.contains(words),
            "{what}: \"{words}\" is not in {}",
            came.body
        );
        assert!((400..500).contains(&came.status), "{what}: {came:?}");
    }
}

#[test]
fn an_upload_whose_bytes_are_not_the_announced_ones_is_refused() {
    let sandbox = Sandbox::builder().start().unwrap();
    let scope = crate::wire::scope("s3");
    let signed = |headers: &[(&str, &str)], body: &str| {
        let mut all = vec![("authorization", scope.as_str())];
        all.extend_from_slice(headers);
        send(&sandbox, "PUT", "/bucket/key", &all, body).unwrap()
    };
    let chunks = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
    let chunked = [
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("content-encoding", "aws-chunked"),
    ];
    assert_eq!(signed(&chunked, chunks).code(), "BadDigest");
    assert_eq!(signed(&chunked, "5\r\nhel").code(), "IncompleteBody");
    let hash = "0".repeat(64);
    assert_eq!(
        signed(&[("x-amz-content-sha256", &hash)], "hello").code(),
        "XAmzContentSHA256Mismatch"
    );
}

#[test]
fn a_session_that_was_never_given_out_is_nobody() {
    let sandbox = Sandbox::builder().start().unwrap();
    let signed = crate::wire::signed_by("ASIAEXAMPLEEXAMPLE00", "eks");
    let came = send(&sandbox, "GET", "/clusters", &[("authorization", &signed)], "").unwrap();
    assert_eq!(
        (came.status, came.code().as_str()),
        (403, "UnrecognizedClientException")
    );
}
