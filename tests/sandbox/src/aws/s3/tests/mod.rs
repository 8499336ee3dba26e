use proptest::prelude::*;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::aws::trial::{ACCOUNT, Trial, inputs};

mod buckets;
mod conditions;
mod configuration;
mod delivery;
mod lists;
mod objects;
mod uploads;

pub(super) fn trial() -> Trial {
    Trial::of("s3")
}

pub(super) fn bucket(trial: &mut Trial, name: &str) {
    let region = json!({"LocationConstraint": trial.region});
    trial.ok(
        "CreateBucket",
        json!({"Bucket": name, "CreateBucketConfiguration": region}),
    );
}

pub(super) fn versioned(trial: &mut Trial, name: &str) {
    bucket(trial, name);
    trial.ok(
        "PutBucketVersioning",
        json!({"Bucket": name, "VersioningConfiguration": {"Status": "Enabled"}}),
    );
}

pub(super) fn put(trial: &mut Trial, key: &str, bytes: &[u8]) -> Value {
    trial
        .call("PutObject", json!({"Bucket": "data", "Key": key}), bytes)
        .unwrap()
        .output
}

pub(super) fn get(trial: &mut Trial, input: Value) -> Result<Answer, Refusal> {
    trial.call("GetObject", input, b"")
}

/// A key whose policy leaves everything to the account.
pub(super) fn key(trial: &mut Trial) -> String {
    let made = trial.call_to("kms", "CreateKey", json!({}), b"").unwrap().output;
    made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

pub(super) fn statement(principal: &Value, action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource})
}

pub(super) fn document(statement: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

pub(super) fn root() -> Value {
    json!({"AWS": format!("arn:aws:iam::{ACCOUNT}:root")})
}

#[test]
fn what_stands_survives_being_written() {
    let mut trial = trial();
    versioned(&mut trial, "data");
    put(&mut trial, "a", b"\x00\xff");
    trial.ok("DeleteObject", json!({"Bucket": "data", "Key": "a"}));
    let upload =
        trial.ok("CreateMultipartUpload", json!({"Bucket": "data", "Key": "big"}))["UploadId"].clone();
    let part = json!({"Bucket": "data", "Key": "big", "UploadId": upload, "PartNumber": 1});
    trial.call("UploadPart", part, b"part").unwrap();
    let key = key(&mut trial);
    for (service, operation, input) in [
        (
            "kms",
            "CreateAlias",
            json!({"AliasName": "alias/a", "TargetKeyId": key}),
        ),
        ("kms", "EnableKeyRotation", json!({"KeyId": key})),
        (
            "kms",
            "CreateGrant",
            json!({"KeyId": key, "GranteePrincipal": "x", "Operations": ["Decrypt"]}),
        ),
        ("kms", "ScheduleKeyDeletion", json!({"KeyId": key})),
        (
            "logs",
            "CreateLogGroup",
            json!({"logGroupName": "a", "tags": {"k": "v"}}),
        ),
        ("ecr", "CreateRepository", json!({"repositoryName": "a"})),
        (
            "ecr",
            "PutImage",
            json!({"repositoryName": "a", "imageManifest": "{}", "imageTag": "v"}),
        ),
        ("ecr", "InitiateLayerUpload", json!({"repositoryName": "a"})),
        (
            "secretsmanager",
            "CreateSecret",
            json!({"Name": "a", "SecretString": "x"}),
        ),
        ("secretsmanager", "DeleteSecret", json!({"SecretId": "a"})),
        (
            "budgets",
            "CreateBudget",
            json!({"Budget": {"BudgetName": "b", "BudgetType": "USAGE", "TimeUnit": "DAILY", "BudgetLimit": {}}}),
        ),
    ] {
        trial.call_to(service, operation, input, b"").unwrap();
    }
    let written = serde_json::to_string(&trial.world).unwrap();
    let read: crate::world::World = serde_json::from_str(&written).unwrap();
    assert_eq!(read, trial.world);
}

const OPERATIONS: [&str; 76] = [
    "CreateBucket",
    "DeleteBucket",
    "HeadBucket",
    "ListBuckets",
    "GetBucketLocation",
    "GetBucketTagging",
    "PutBucketTagging",
    "DeleteBucketTagging",
    "GetPublicAccessBlock",
    "PutPublicAccessBlock",
    "DeletePublicAccessBlock",
    "GetBucketOwnershipControls",
    "PutBucketOwnershipControls",
    "DeleteBucketOwnershipControls",
    "GetBucketAcl",
    "PutBucketAcl",
    "GetObjectAcl",
    "PutObjectAcl",
    "GetBucketEncryption",
    "PutBucketEncryption",
    "DeleteBucketEncryption",
    "GetBucketVersioning",
    "PutBucketVersioning",
    "GetBucketPolicy",
    "GetBucketPolicyStatus",
    "PutBucketPolicy",
    "DeleteBucketPolicy",
    "GetBucketLifecycleConfiguration",
    "PutBucketLifecycleConfiguration",
    "DeleteBucketLifecycle",
    "GetBucketLogging",
    "PutBucketLogging",
    "GetObjectLockConfiguration",
    "PutObjectLockConfiguration",
    "GetObjectRetention",
    "PutObjectRetention",
    "GetObjectLegalHold",
    "PutObjectLegalHold",
    "PutObject",
    "GetObject",
    "HeadObject",
    "GetObjectAttributes",
    "CopyObject",
    "DeleteObject",
    "DeleteObjects",
    "GetObjectTagging",
    "PutObjectTagging",
    "DeleteObjectTagging",
    "ListObjects",
    "ListObjectsV2",
    "ListObjectVersions",
    "CreateMultipartUpload",
    "UploadPart",
    "UploadPartCopy",
    "CompleteMultipartUpload",
    "AbortMultipartUpload",
    "ListParts",
    "ListMultipartUploads",
    "GetBucketCors",
    "PutBucketCors",
    "DeleteBucketCors",
    "GetBucketWebsite",
    "PutBucketWebsite",
    "DeleteBucketWebsite",
    "GetBucketReplication",
    "PutBucketReplication",
    "DeleteBucketReplication",
    "GetBucketRequestPayment",
    "PutBucketRequestPayment",
    "GetBucketAccelerateConfiguration",
    "PutBucketAccelerateConfiguration",
    "GetBucketNotificationConfiguration",
    "PutBucketNotificationConfiguration",
    "PutObject",
    "GetObject",
    "ListObjectVersions",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_input_panics(calls in proptest::collection::vec((proptest::sample::select(&OPERATIONS[..]), inputs(&[
        "Key", "VersionId", "Tagging", "TagSet", "Delete", "Objects", "Prefix", "Delimiter", "MaxKeys", "KeyMarker",
        "VersionIdMarker", "ContinuationToken", "StartAfter", "Marker", "EncodingType", "Range", "IfMatch", "IfNoneMatch",
        "IfModifiedSince", "Metadata", "ChecksumAlgorithm", "ChecksumCRC32", "ContentMD5", "UploadId", "PartNumber",
        "MultipartUpload", "Parts", "CopySource", "CopySourceRange", "LifecycleConfiguration", "Rules", "Filter", "Expiration",
        "Days", "Transitions", "Policy", "BucketLoggingStatus", "LoggingEnabled", "TargetBucket", "ObjectLockConfiguration",
        "ServerSideEncryptionConfiguration", "VersioningConfiguration", "Status", "ACL", "SSEKMSKeyId", "ServerSideEncryption",
        "OwnershipControls", "ObjectOwnership", "Retention", "LegalHold", "MaxParts", "PartNumberMarker", "Name",
    ])), 1..14)) {
        let mut trial = trial();
        versioned(&mut trial, "data");
        put(&mut trial, "x", b"bytes");
        for (operation, mut input) in calls {
            // Most calls are about a bucket that is there.
            if operation != "CreateBucket" {
                input["Bucket"] = json!("data");
            }
            let _ = trial.call(operation, input, b"payload");
        }
    }
}
