use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{bucket, document, root, statement, trial, versioned};
use crate::aws::trial::{OTHER, Trial};

fn policy(trial: &mut Trial, statement: &Value) -> Result<(), (u16, String)> {
    let input = json!({"Bucket": "data", "Policy": document(statement)});
    match trial.call("PutBucketPolicy", input, b"") {
        Ok(_) => Ok(()),
        Err(refusal) => Err((refusal.status, refusal.code)),
    }
}

#[test]
fn a_public_policy_is_refused_under_the_block() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let objects = "arn:aws:s3:::data/*";
    let mut open = statement(&json!("*"), "s3:GetObject", objects);
    assert_eq!(policy(&mut trial, &open), Err((403, "AccessDenied".into())));
    // TLS and wildcards narrow nothing.
    for condition in [
        json!({"Bool": {"aws:SecureTransport": "true"}}),
        json!({"StringLike": {"aws:PrincipalArn": "*"}}),
        json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}),
    ] {
        open["Condition"] = condition;
        assert_eq!(
            policy(&mut trial, &open),
            Err((403, "AccessDenied".into())),
            "{open}"
        );
    }
    for condition in [
        json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}),
    ] {
        open["Condition"] = condition;
        assert_eq!(policy(&mut trial, &open), Ok(()), "{open}");
        assert_eq!(
            trial.ok("GetBucketPolicyStatus", json!({"Bucket": "data"}))["PolicyStatus"]["IsPublic"],
            json!(false)
        );
    }
    trial.ok("DeletePublicAccessBlock", json!({"Bucket": "data"}));
    assert_eq!(
        trial.code("GetPublicAccessBlock", json!({"Bucket": "data"})),
        "NoSuchPublicAccessBlockConfiguration"
    );
    assert_eq!(
        policy(&mut trial, &statement(&json!("*"), "s3:GetObject", objects)),
        Ok(())
    );
    assert_eq!(
        trial.ok("GetBucketPolicyStatus", json!({"Bucket": "data"}))["PolicyStatus"]["IsPublic"],
        json!(true)
    );
    trial.ok("DeleteBucketPolicy", json!({"Bucket": "data"}));
    assert_eq!(
        trial.code("GetBucketPolicy", json!({"Bucket": "data"})),
        "NoSuchBucketPolicy"
    );
}

#[test]
fn a_policy_that_denies_without_tls_locks_nobody_out() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let mut deny = statement(&json!("*"), "s3:*", "arn:aws:s3:::data");
    deny["Effect"] = json!("Deny");
    deny["Condition"] = json!({"Bool": {"aws:SecureTransport": "false"}});
    assert_eq!(policy(&mut trial, &deny), Ok(()));
    trial.ok("ListObjectsV2", json!({"Bucket": "data"}));
}

#[test]
fn malformed_policies_are_refused() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let good = statement(&root(), "s3:GetObject", "arn:aws:s3:::data/*");
    assert_eq!(policy(&mut trial, &good), Ok(()));
    let with = |member: &str, value: Value| {
        let mut other = good.clone();
        other[member] = value;
        other
    };
    let mut without = good.clone();
    without.as_object_mut().unwrap().remove("Principal");
    for bad in [
        with("Resource", json!("arn:aws:s3:::other/*")),
        with("Resource", json!("arn:aws:s3:::data")),
        with("Action", json!("s3:GetEverything")),
        with("Action", json!("s3:ListBucket")),
        with("Principal", json!({"Service": "logging.example.com"})),
        with("Effect", json!("Maybe")),
        without,
    ] {
        assert_eq!(
            policy(&mut trial, &bad),
            Err((400, "MalformedPolicy".into())),
            "{bad}"
        );
    }
    for text in ["", "[]", "{", &format!("{{{}}}", " ".repeat(20_480))] {
        assert_eq!(
            trial.code("PutBucketPolicy", json!({"Bucket": "data", "Policy": text})),
            "MalformedPolicy"
        );
    }
}

#[test]
fn lists_of_access_are_off_unless_ownership_lets_them_in() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    assert_eq!(
        trial.code("PutBucketAcl", json!({"Bucket": "data", "ACL": "private"})),
        "AccessControlListNotSupported"
    );
    let public = json!({"Bucket": "data", "Key": "a", "ACL": "public-read"});
    assert_eq!(
        trial.code("PutObject", public.clone()),
        "AccessControlListNotSupported"
    );
    trial.ok(
        "PutObject",
        json!({"Bucket": "data", "Key": "a", "ACL": "bucket-owner-full-control"}),
    );
    let ownership =
        |value: &str| json!({"Bucket": "data", "OwnershipControls": {"Rules": [{"ObjectOwnership": value}]}});
    trial.ok("PutBucketOwnershipControls", ownership("ObjectWriter"));
    // The block still stands before what is public.
    assert_eq!(
        trial.code("PutBucketAcl", json!({"Bucket": "data", "ACL": "public-read"})),
        "AccessDenied"
    );
    assert_eq!(trial.code("PutObject", public), "AccessDenied");
    trial.ok(
        "PutBucketAcl",
        json!({"Bucket": "data", "ACL": "log-delivery-write"}),
    );
    assert_eq!(
        trial.ok("GetBucketAcl", json!({"Bucket": "data"}))["Grants"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        trial.code("PutBucketOwnershipControls", ownership("BucketOwnerEnforced")),
        "InvalidBucketAclWithObjectOwnership"
    );
    trial.ok("DeleteBucketOwnershipControls", json!({"Bucket": "data"}));
    assert_eq!(
        trial.code("GetBucketOwnershipControls", json!({"Bucket": "data"})),
        "OwnershipControlsNotFoundError"
    );
    let created = |acl: &str, ownership: &str| json!({"Bucket": "other", "ACL": acl, "ObjectOwnership": ownership, "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}});
    assert_eq!(
        trial.code("CreateBucket", created("public-read", "BucketOwnerEnforced")),
        "InvalidBucketAclWithObjectOwnership"
    );
    assert_eq!(
        trial.code("CreateBucket", created("public-read", "ObjectWriter")),
        "InvalidBucketAclWithBlockPublicAccessError"
    );
}

#[test]
fn lifecycle_rules_are_checked() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let put = |rules: Value| json!({"Bucket": "data", "LifecycleConfiguration": {"Rules": rules}});
    let rule = |more: Value| {
        let mut rule = json!({"ID": "one", "Status": "Enabled", "Filter": {"Prefix": ""}});
        rule.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        rule
    };
    let kept = json!([
        rule(json!({"Expiration": {"Days": 90}, "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}]})),
        {"ID": "two", "Status": "Disabled", "Filter": {"And": {"Prefix": "a", "Tags": [{"Key": "k", "Value": "v"}]}}, "NoncurrentVersionExpiration": {"NoncurrentDays": 7}},
        {"ID": "three", "Status": "Enabled", "Prefix": "old/", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
    ]);
    let answered = trial.ok("PutBucketLifecycleConfiguration", put(kept.clone()));
    assert_eq!(
        answered["TransitionDefaultMinimumObjectSize"],
        "all_storage_classes_128K"
    );
    assert_eq!(
        trial.ok("GetBucketLifecycleConfiguration", json!({"Bucket": "data"}))["Rules"],
        kept
    );
    for (rules, code) in [
        (json!([]), "MalformedXML"),
        (json!([rule(json!({}))]), "InvalidRequest"),
        (
            json!([{"ID": "a", "Status": "Enabled", "Expiration": {"Days": 1}}]),
            "MalformedXML",
        ),
        (
            json!([rule(json!({"Prefix": "a", "Expiration": {"Days": 1}}))]),
            "MalformedXML",
        ),
        (
            json!([rule(json!({"Status": "On", "Expiration": {"Days": 1}}))]),
            "MalformedXML",
        ),
        (
            json!([rule(
                json!({"Filter": {"Prefix": "a", "Tag": {"Key": "k", "Value": "v"}}, "Expiration": {"Days": 1}})
            )]),
            "MalformedXML",
        ),
        (
            json!([rule(json!({"Expiration": {"Days": 0}}))]),
            "InvalidArgument",
        ),
        (
            json!([rule(
                json!({"Expiration": {"Days": 1, "Date": "2027-01-01T00:00:00Z"}})
            )]),
            "MalformedXML",
        ),
        (
            json!([rule(json!({"Expiration": {"Date": "2027-01-01T01:00:00Z"}}))]),
            "InvalidArgument",
        ),
        (
            json!([rule(
                json!({"Transitions": [{"Days": 14, "StorageClass": "STANDARD_IA"}]})
            )]),
            "InvalidArgument",
        ),
        (
            json!([rule(
                json!({"Expiration": {"Days": 30}, "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}]})
            )]),
            "InvalidArgument",
        ),
        (
            json!([rule(
                json!({"Transitions": [{"Days": 30, "StorageClass": "GLACIER"}, {"Days": 60, "StorageClass": "GLACIER"}]})
            )]),
            "InvalidRequest",
        ),
        (
            json!([rule(
                json!({"Filter": {"Tag": {"Key": "k", "Value": "v"}}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}})
            )]),
            "InvalidRequest",
        ),
        (
            json!([rule(
                json!({"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 0}})
            )]),
            "InvalidArgument",
        ),
        (
            json!([rule(
                json!({"NoncurrentVersionExpiration": {"NoncurrentDays": 1, "NewerNoncurrentVersions": 101}})
            )]),
            "InvalidArgument",
        ),
        (
            json!([
                rule(json!({"Expiration": {"Days": 1}})),
                rule(json!({"Expiration": {"Days": 2}}))
            ]),
            "InvalidArgument",
        ),
        (
            json!([rule(json!({"ID": "x".repeat(256), "Expiration": {"Days": 1}}))]),
            "InvalidArgument",
        ),
    ] {
        assert_eq!(
            trial
                .call("PutBucketLifecycleConfiguration", put(rules.clone()), b"")
                .unwrap_err()
                .code,
            code,
            "{rules}"
        );
    }
    let unnamed = json!([{"Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]);
    trial.ok("PutBucketLifecycleConfiguration", put(unnamed));
    assert!(
        trial.ok("GetBucketLifecycleConfiguration", json!({"Bucket": "data"}))["Rules"][0]["ID"].is_string()
    );
    trial.ok("DeleteBucketLifecycle", json!({"Bucket": "data"}));
}

#[test]
fn a_lifecycle_is_read_late_where_the_world_says_so() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    trial
        .world
        .behaviour
        .durations
        .insert("s3.lifecycle.spread".into(), 30.0);
    let rules = json!([{"ID": "a", "Status": "Enabled", "Filter": {}, "Expiration": {"Days": 1}}]);
    trial.ok(
        "PutBucketLifecycleConfiguration",
        json!({"Bucket": "data", "LifecycleConfiguration": {"Rules": rules}}),
    );
    assert_eq!(
        trial.code("GetBucketLifecycleConfiguration", json!({"Bucket": "data"})),
        "NoSuchLifecycleConfiguration"
    );
    trial.pass(SignedDuration::from_secs(30));
    trial.ok("GetBucketLifecycleConfiguration", json!({"Bucket": "data"}));
}

#[test]
fn encryption_has_one_rule_and_falls_back() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let put = |rules: Value| json!({"Bucket": "data", "ServerSideEncryptionConfiguration": {"Rules": rules}});
    // S3 does not look whether the key exists.
    let by = json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/none"}, "BucketKeyEnabled": true});
    trial.ok("PutBucketEncryption", put(json!([by])));
    assert_eq!(
        trial.ok("GetBucketEncryption", json!({"Bucket": "data"}))["ServerSideEncryptionConfiguration"]["Rules"]
            [0],
        by
    );
    assert_eq!(trial.code("PutBucketEncryption", put(json!([]))), "MalformedXML");
    let odd =
        json!([{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256", "KMSMasterKeyID": "x"}}]);
    assert_eq!(trial.code("PutBucketEncryption", put(odd)), "InvalidArgument");
    trial.ok("DeleteBucketEncryption", json!({"Bucket": "data"}));
    let rule = trial.ok("GetBucketEncryption", json!({"Bucket": "data"}))["ServerSideEncryptionConfiguration"]["Rules"][0].clone();
    assert_eq!(
        rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"],
        "AES256"
    );
}

#[test]
fn object_lock_needs_versions_and_keeps_them() {
    let mut trial = trial();
    bucket(&mut trial, "plain");
    let lock = json!({"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 10}}});
    let put = |name: &str, lock: &Value| json!({"Bucket": name, "ObjectLockConfiguration": lock});
    assert_eq!(
        trial.code("PutObjectLockConfiguration", put("plain", &lock)),
        "InvalidBucketState"
    );
    assert_eq!(
        trial.code(
            "PutObject",
            json!({"Bucket": "plain", "Key": "a", "ObjectLockMode": "GOVERNANCE"})
        ),
        "InvalidRequest"
    );
    assert_eq!(
        trial.code("GetObjectLegalHold", json!({"Bucket": "plain", "Key": "a"})),
        "InvalidRequest"
    );
    trial.ok(
        "CreateBucket",
        json!({"Bucket": "data", "ObjectLockEnabledForBucket": true, "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}),
    );
    assert_eq!(
        trial.ok("GetBucketVersioning", json!({"Bucket": "data"}))["Status"],
        "Enabled"
    );
    let suspend = json!({"Bucket": "data", "VersioningConfiguration": {"Status": "Suspended"}});
    assert_eq!(trial.code("PutBucketVersioning", suspend), "InvalidBucketState");
    for bad in [
        json!({"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE"}}}),
        json!({"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1, "Years": 1}}}),
        json!({}),
    ] {
        assert_eq!(
            trial.code("PutObjectLockConfiguration", put("data", &bad)),
            "MalformedXML"
        );
    }
    trial.ok("PutObjectLockConfiguration", put("data", &lock));
    let id = trial.ok("PutObject", json!({"Bucket": "data", "Key": "a"}))["VersionId"].clone();
    let delete = json!({"Bucket": "data", "Key": "a", "VersionId": id});
    assert_eq!(trial.code("DeleteObject", delete.clone()), "AccessDenied");
    let many = trial.ok(
        "DeleteObjects",
        json!({"Bucket": "data", "Delete": {"Objects": [{"Key": "a", "VersionId": id}]}}),
    );
    assert_eq!(many["Errors"][0]["Code"], "AccessDenied");
    // A marker may come on top, and shorter only with the bypass.
    let shorter = json!({"Bucket": "data", "Key": "a", "Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": "2026-03-02T00:00:00Z"}});
    assert_eq!(trial.code("PutObjectRetention", shorter), "AccessDenied");
    trial.ok(
        "PutObjectLegalHold",
        json!({"Bucket": "data", "Key": "a", "LegalHold": {"Status": "ON"}}),
    );
    trial.days(10);
    assert_eq!(trial.code("DeleteObject", delete.clone()), "AccessDenied");
    trial.ok(
        "PutObjectLegalHold",
        json!({"Bucket": "data", "Key": "a", "LegalHold": {"Status": "OFF"}}),
    );
    trial.ok("DeleteObject", delete);
    let bypassed = trial.ok("PutObject", json!({"Bucket": "data", "Key": "b"}))["VersionId"].clone();
    trial.ok(
        "DeleteObject",
        json!({"Bucket": "data", "Key": "b", "VersionId": bypassed, "BypassGovernanceRetention": true}),
    );
}

#[test]
fn what_is_only_kept_is_read_back() {
    let mut trial = trial();
    versioned(&mut trial, "data");
    let cors = json!({"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]});
    trial.ok(
        "PutBucketCors",
        json!({"Bucket": "data", "CORSConfiguration": cors}),
    );
    assert_eq!(trial.ok("GetBucketCors", json!({"Bucket": "data"})), cors);
    trial.ok("DeleteBucketCors", json!({"Bucket": "data"}));
    assert_eq!(
        trial.code("GetBucketCors", json!({"Bucket": "data"})),
        "NoSuchCORSConfiguration"
    );
    let replication = json!({"Role": "arn:aws:iam::111122223333:role/r", "Rules": []});
    trial.ok(
        "PutBucketReplication",
        json!({"Bucket": "data", "ReplicationConfiguration": replication}),
    );
    assert_eq!(
        trial.ok("GetBucketReplication", json!({"Bucket": "data"})),
        json!({"ReplicationConfiguration": replication})
    );
    bucket(&mut trial, "plain");
    assert_eq!(
        trial.code(
            "PutBucketReplication",
            json!({"Bucket": "plain", "ReplicationConfiguration": replication})
        ),
        "InvalidRequest"
    );
}

#[test]
fn tags_are_replaced_as_a_whole() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    assert_eq!(
        trial.code("GetBucketTagging", json!({"Bucket": "data"})),
        "NoSuchTagSet"
    );
    let put = |tags: Value| json!({"Bucket": "data", "Tagging": {"TagSet": tags}});
    trial.ok("PutBucketTagging", put(json!([{"Key": "a", "Value": "1"}])));
    trial.ok("PutBucketTagging", put(json!([{"Key": "b", "Value": "2"}])));
    assert_eq!(
        trial.ok("GetBucketTagging", json!({"Bucket": "data"}))["TagSet"],
        json!([{"Key": "b", "Value": "2"}])
    );
    for bad in [
        json!([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]),
        json!([{"Key": "aws:a", "Value": "1"}]),
    ] {
        assert_eq!(trial.code("PutBucketTagging", put(bad)), "InvalidTag");
    }
    trial.ok("DeleteBucketTagging", json!({"Bucket": "data"}));
    assert_eq!(
        trial.code("GetBucketTagging", json!({"Bucket": "data"})),
        "NoSuchTagSet"
    );
}

#[test]
fn logs_go_only_where_they_may_be_delivered() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    bucket(&mut trial, "logs");
    let put = |target: &str| json!({"Bucket": "data", "BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "access/"}}});
    let code = |trial: &mut Trial, target: &str| trial.code("PutBucketLogging", put(target));
    assert_eq!(code(&mut trial, "logs"), "InvalidTargetBucketForLogging");
    assert_eq!(code(&mut trial, "none"), "InvalidTargetBucketForLogging");
    trial.region = "eu-central-1".into();
    bucket(&mut trial, "far");
    trial.region = "eu-west-1".into();
    assert_eq!(code(&mut trial, "far"), "InvalidTargetBucketForLogging");
    trial.be(OTHER);
    bucket(&mut trial, "theirs");
    trial.be("111122223333");
    assert_eq!(code(&mut trial, "theirs"), "InvalidTargetBucketForLogging");
    let mut allow = statement(
        &json!({"Service": "logging.s3.amazonaws.com"}),
        "s3:PutObject",
        "arn:aws:s3:::logs/*",
    );
    allow["Condition"] = json!({"StringEquals": {"aws:SourceAccount": "111122223333"}, "ArnEquals": {"aws:SourceArn": "arn:aws:s3:::data"}});
    trial.ok(
        "PutBucketPolicy",
        json!({"Bucket": "logs", "Policy": document(&allow)}),
    );
    trial.ok("PutBucketLogging", put("logs"));
    assert_eq!(
        trial.ok("GetBucketLogging", json!({"Bucket": "data"}))["LoggingEnabled"]["TargetBucket"],
        "logs"
    );
    trial.ok(
        "PutBucketLogging",
        json!({"Bucket": "data", "BucketLoggingStatus": {}}),
    );
    assert_eq!(trial.ok("GetBucketLogging", json!({"Bucket": "data"})), json!({}));
}

#[test]
fn locks_of_objects_are_whole_and_in_the_future() {
    let mut trial = trial();
    trial.ok(
        "CreateBucket",
        json!({"Bucket": "data", "ObjectLockEnabledForBucket": true, "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}),
    );
    let put = |more: Value| {
        let mut input = json!({"Bucket": "data", "Key": "a"});
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        input
    };
    for more in [
        json!({"ObjectLockMode": "GOVERNANCE"}),
        json!({"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2020-01-01T00:00:00Z"}),
    ] {
        assert_eq!(trial.code("PutObject", put(more)), "InvalidArgument");
    }
    trial.ok("PutObject", put(json!({})));
    assert_eq!(
        trial.code("GetObjectRetention", put(json!({}))),
        "NoSuchObjectLockConfiguration"
    );
    assert_eq!(
        trial.code(
            "PutObjectRetention",
            put(json!({"Retention": {"Mode": "GOVERNANCE"}}))
        ),
        "MalformedXML"
    );
    let until = json!({"Retention": {"Mode": "COMPLIANCE", "RetainUntilDate": "2026-04-01T00:00:00Z"}});
    trial.ok("PutObjectRetention", put(until));
    let shown = trial.ok("GetObjectRetention", put(json!({})))["Retention"].clone();
    assert_eq!(shown["RetainUntilDate"], "2026-04-01T00:00:00Z");
    // Compliance knows no bypass.
    let off = json!({"Retention": {}, "BypassGovernanceRetention": true});
    assert_eq!(trial.code("PutObjectRetention", put(off)), "AccessDenied");
    let zero = json!({"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 0}}});
    assert_eq!(
        trial.code(
            "PutObjectLockConfiguration",
            json!({"Bucket": "data", "ObjectLockConfiguration": zero})
        ),
        "InvalidArgument"
    );
}
