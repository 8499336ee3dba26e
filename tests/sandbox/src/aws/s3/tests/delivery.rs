use jiff::SignedDuration;
use serde_json::json;

use super::{bucket, document, get, put, statement, trial};
use crate::aws::trial::Trial;

fn logged(trial: &mut Trial) {
    bucket(trial, "data");
    bucket(trial, "logs");
    let allow = statement(
        &json!({"Service": "logging.s3.amazonaws.com"}),
        "s3:PutObject",
        "arn:aws:s3:::logs/*",
    );
    trial.ok(
        "PutBucketPolicy",
        json!({"Bucket": "logs", "Policy": document(&allow)}),
    );
    let to = json!({"TargetBucket": "logs", "TargetPrefix": "access/"});
    trial.ok(
        "PutBucketLogging",
        json!({"Bucket": "data", "BucketLoggingStatus": {"LoggingEnabled": to}}),
    );
}

#[test]
fn logs_come_late_and_are_in_the_way() {
    let mut trial = trial();
    logged(&mut trial);
    put(&mut trial, "a", b"x");
    trial.ok("DeleteObject", json!({"Bucket": "data", "Key": "a"}));
    trial.ok("DeleteBucket", json!({"Bucket": "data"}));
    assert_eq!(
        trial.ok("ListObjectsV2", json!({"Bucket": "logs"}))["KeyCount"],
        json!(0)
    );
    trial.pass(SignedDuration::from_hours(1));
    assert_eq!(
        trial
            .call("DeleteBucket", json!({"Bucket": "logs"}), b"")
            .unwrap_err()
            .code,
        "BucketNotEmpty"
    );
    let listed = trial.ok("ListObjectsV2", json!({"Bucket": "logs"}));
    let key = listed["Contents"][0]["Key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("access/2026-03-01-01-00-00-"), "{key}");
    let log = get(&mut trial, json!({"Bucket": "logs", "Key": key}))
        .unwrap()
        .payload
        .unwrap();
    assert!(
        String::from_utf8_lossy(&log).contains("REST.PutObject a"),
        "{log:?}"
    );
    // Nothing more comes of a bucket that is gone.
    trial.ok("DeleteObject", json!({"Bucket": "logs", "Key": key}));
    trial.pass(SignedDuration::from_hours(9));
    trial.ok("DeleteBucket", json!({"Bucket": "logs"}));
}

#[test]
fn logs_that_may_not_be_delivered_are_lost() {
    let mut trial = trial();
    logged(&mut trial);
    put(&mut trial, "a", b"x");
    trial.ok("DeleteBucketPolicy", json!({"Bucket": "logs"}));
    trial.pass(SignedDuration::from_hours(1));
    assert_eq!(
        trial.ok("ListObjectsV2", json!({"Bucket": "logs"}))["KeyCount"],
        json!(0)
    );
}
