use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{bucket, put, trial, versioned};
use crate::aws::s3::name;
use crate::aws::trial::OTHER;

#[test]
fn a_fresh_bucket_is_closed_owned_and_encrypted() {
    let mut trial = trial();
    let made = trial.ok(
        "CreateBucket",
        json!({"Bucket": "data", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1", "Tags": [{"Key": "a", "Value": "1"}]}}),
    );
    assert_eq!(
        (&made["Location"], &made["BucketArn"]),
        (
            &json!("http://data.s3.amazonaws.com/"),
            &json!("arn:aws:s3:::data")
        )
    );
    let of = json!({"Bucket": "data"});
    assert_eq!(
        trial.ok("GetPublicAccessBlock", of.clone())["PublicAccessBlockConfiguration"],
        json!({"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true})
    );
    assert_eq!(
        trial.ok("GetBucketOwnershipControls", of.clone())["OwnershipControls"]["Rules"][0]["ObjectOwnership"],
        "BucketOwnerEnforced"
    );
    assert_eq!(
        trial.ok("GetBucketEncryption", of.clone())["ServerSideEncryptionConfiguration"]["Rules"][0],
        json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": false})
    );
    assert_eq!(
        trial.ok("GetBucketTagging", of.clone())["TagSet"],
        json!([{"Key": "a", "Value": "1"}])
    );
    for (operation, output) in [
        ("GetBucketVersioning", json!({})),
        ("GetBucketLogging", json!({})),
        ("GetBucketAccelerateConfiguration", json!({})),
        ("GetBucketNotificationConfiguration", json!({})),
        ("GetBucketRequestPayment", json!({"Payer": "BucketOwner"})),
        ("GetBucketLocation", json!({"LocationConstraint": "eu-west-1"})),
    ] {
        assert_eq!(trial.ok(operation, of.clone()), output, "{operation}");
    }
    for (operation, code) in [
        ("GetBucketPolicy", "NoSuchBucketPolicy"),
        ("GetBucketPolicyStatus", "NoSuchBucketPolicy"),
        ("GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"),
        ("GetBucketCors", "NoSuchCORSConfiguration"),
        ("GetBucketWebsite", "NoSuchWebsiteConfiguration"),
        ("GetBucketReplication", "ReplicationConfigurationNotFoundError"),
        (
            "GetObjectLockConfiguration",
            "ObjectLockConfigurationNotFoundError",
        ),
    ] {
        let refusal = trial.refused(operation, of.clone());
        assert_eq!(
            (refusal.status, refusal.code.as_str()),
            (404, code),
            "{operation}"
        );
    }
    let grants = trial.ok("GetBucketAcl", of)["Grants"].clone();
    assert_eq!(
        (grants.as_array().unwrap().len(), &grants[0]["Permission"]),
        (1, &json!("FULL_CONTROL"))
    );
}

#[test]
fn names_have_rules() {
    for good in ["abc", "a.b-c", "1ab", &"a".repeat(63)] {
        assert!(name::is_valid(good), "{good}");
    }
    for bad in [
        "ab",
        "Abc",
        "a_b",
        "-abc",
        "abc-",
        ".abc",
        "a..b",
        "192.168.5.4",
        "xn--abc",
        "sthree-abc",
        "amzn-s3-demo-a",
        "abc-s3alias",
        "abc--ol-s3",
        "abc.mrap",
        "abc--x-s3",
        "abc--table-s3",
        &"a".repeat(64),
    ] {
        assert!(!name::is_valid(bad), "{bad}");
    }
    let input = json!({"Bucket": "Data", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}});
    assert_eq!(trial().code("CreateBucket", input), "InvalidBucketName");
}

#[test]
fn a_name_belongs_to_one_account_in_the_world() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let again = json!({"Bucket": "data", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}});
    assert_eq!(
        trial.code("CreateBucket", again.clone()),
        "BucketAlreadyOwnedByYou"
    );
    trial.be(OTHER);
    assert_eq!(trial.code("CreateBucket", again), "BucketAlreadyExists");
    // Nor does anybody else look into it.
    for operation in ["HeadBucket", "GetBucketTagging", "DeleteBucket", "ListObjectsV2"] {
        let refusal = trial.refused(operation, json!({"Bucket": "data"}));
        assert_eq!(
            (refusal.status, refusal.code.as_str()),
            (403, "AccessDenied"),
            "{operation}"
        );
    }
    assert_eq!(trial.ok("ListBuckets", json!({}))["Buckets"], json!([]));
}

#[test]
fn the_first_region_is_special() {
    let mut trial = trial();
    trial.region = "us-east-1".into();
    trial.ok("CreateBucket", json!({"Bucket": "data"}));
    // There, and only there, it may be made again.
    trial.ok("CreateBucket", json!({"Bucket": "data"}));
    assert_eq!(
        trial.ok("GetBucketLocation", json!({"Bucket": "data"})),
        json!({})
    );
    let named = json!({"Bucket": "other", "CreateBucketConfiguration": {"LocationConstraint": "us-east-1"}});
    assert_eq!(trial.code("CreateBucket", named), "InvalidLocationConstraint");
    trial.region = "eu-west-1".into();
    assert_eq!(
        trial.code("CreateBucket", json!({"Bucket": "other"})),
        "IllegalLocationConstraintException"
    );
    let elsewhere =
        json!({"Bucket": "other", "CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}});
    assert_eq!(
        trial.code("CreateBucket", elsewhere),
        "IllegalLocationConstraintException"
    );
    let refusal = trial.refused("HeadBucket", json!({"Bucket": "data"}));
    assert_eq!(
        (refusal.status, &refusal.members["x-amz-bucket-region"]),
        (301, &json!("us-east-1"))
    );
}

#[test]
fn an_accounts_own_names_need_its_namespace() {
    let mut trial = trial();
    let create = |name: &str, namespace: Option<&str>| json!({"Bucket": name, "BucketNamespace": namespace, "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}});
    let own = "data-111122223333-eu-west-1-an";
    assert_eq!(trial.code("CreateBucket", create(own, None)), "InvalidBucketName");
    for wrong in [
        "data",
        "data-444455556666-eu-west-1-an",
        "data-111122223333-eu-west-2-an",
        "-111122223333-eu-west-1-an",
    ] {
        assert_eq!(
            trial.code("CreateBucket", create(wrong, Some("account-regional"))),
            "InvalidBucketName",
            "{wrong}"
        );
    }
    trial.ok("CreateBucket", create(own, Some("account-regional")));
    trial.ok("CreateBucket", create("plan-an", None));
}

#[test]
fn versions_and_markers_are_in_the_way() {
    let mut trial = trial();
    versioned(&mut trial, "data");
    put(&mut trial, "a", b"1");
    trial.ok("DeleteObject", json!({"Bucket": "data", "Key": "a"}));
    let refusal = trial.refused("DeleteBucket", json!({"Bucket": "data"}));
    assert_eq!(refusal.code, "BucketNotEmpty");
    assert!(refusal.message.contains("all versions"), "{refusal}");
    let listed = trial.ok("ListObjectVersions", json!({"Bucket": "data"}));
    for entry in [&listed["Versions"][0], &listed["DeleteMarkers"][0]] {
        trial.ok(
            "DeleteObject",
            json!({"Bucket": "data", "Key": "a", "VersionId": entry["VersionId"]}),
        );
    }
    trial.ok("DeleteBucket", json!({"Bucket": "data"}));
    assert_eq!(
        trial.code("DeleteBucket", json!({"Bucket": "data"})),
        "NoSuchBucket"
    );
}

#[test]
fn writes_meet_where_the_world_says_so() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    trial
        .world
        .behaviour
        .durations
        .insert("s3.bucket.write".into(), 2.0);
    let tag = json!({"Bucket": "data", "Tagging": {"TagSet": [{"Key": "a", "Value": "1"}]}});
    trial.ok("PutBucketTagging", tag.clone());
    let refusal = trial.refused("PutBucketTagging", tag.clone());
    assert_eq!((refusal.status, refusal.code.as_str()), (409, "OperationAborted"));
    assert_eq!(
        trial.code("DeleteBucket", json!({"Bucket": "data"})),
        "OperationAborted"
    );
    trial.pass(SignedDuration::from_secs(2));
    trial.ok("PutBucketTagging", tag);
}

#[test]
fn a_deleted_name_is_blocked_where_the_world_says_so() {
    let mut trial = trial();
    trial
        .world
        .behaviour
        .durations
        .insert("s3.bucket.release".into(), 60.0);
    bucket(&mut trial, "data");
    trial.ok("DeleteBucket", json!({"Bucket": "data"}));
    let again = json!({"Bucket": "data", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}});
    assert_eq!(trial.code("CreateBucket", again), "OperationAborted");
    trial.pass(SignedDuration::from_secs(60));
    bucket(&mut trial, "data");
}

#[test]
fn an_expected_owner_must_be_the_owner() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let refusal = trial.refused(
        "HeadBucket",
        json!({"Bucket": "data", "ExpectedBucketOwner": OTHER}),
    );
    assert_eq!(refusal.status, 403);
}

#[test]
fn buckets_are_listed_in_pages() {
    let mut trial = trial();
    for name in ["ccc", "aaa", "bbb"] {
        bucket(&mut trial, name);
    }
    let names = |output: &Value| -> Vec<String> {
        output["Buckets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["Name"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = trial.ok("ListBuckets", json!({"MaxBuckets": 2}));
    assert_eq!(names(&first), ["aaa", "bbb"]);
    let second = trial.ok(
        "ListBuckets",
        json!({"ContinuationToken": first["ContinuationToken"]}),
    );
    assert_eq!(names(&second), ["ccc"]);
    assert_eq!(names(&trial.ok("ListBuckets", json!({"Prefix": "b"}))), ["bbb"]);
    assert_eq!(
        trial.code("ListBuckets", json!({"ContinuationToken": "?"})),
        "InvalidArgument"
    );
}
