use serde_json::{Value, json};

use super::{bucket, get, put, trial, versioned};
use crate::aws::trial::Trial;

fn write(trial: &mut Trial, condition: (&str, &str)) -> Result<Value, String> {
    let input = json!({"Bucket": "data", "Key": "a", condition.0: condition.1});
    trial
        .call("PutObject", input, b"x")
        .map(|answer| answer.output)
        .map_err(|refusal| refusal.code)
}

#[test]
fn only_the_first_writer_gets_a_key() {
    let mut trial = trial();
    versioned(&mut trial, "data");
    assert!(write(&mut trial, ("IfNoneMatch", "*")).is_ok());
    assert_eq!(
        write(&mut trial, ("IfNoneMatch", "*")),
        Err("PreconditionFailed".into())
    );
    assert_eq!(
        write(&mut trial, ("IfNoneMatch", "\"abc\"")),
        Err("NotImplemented".into())
    );
    // Under a delete marker the key is free.
    trial.ok("DeleteObject", json!({"Bucket": "data", "Key": "a"}));
    assert!(write(&mut trial, ("IfNoneMatch", "*")).is_ok());
}

#[test]
fn only_who_knows_the_object_replaces_it() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    assert_eq!(write(&mut trial, ("IfMatch", "\"abc\"")), Err("NoSuchKey".into()));
    let etag = put(&mut trial, "a", b"1")["ETag"].as_str().unwrap().to_owned();
    assert_eq!(
        write(&mut trial, ("IfMatch", "\"abc\"")),
        Err("PreconditionFailed".into())
    );
    assert!(write(&mut trial, ("IfMatch", &etag)).is_ok());
    assert_eq!(
        write(&mut trial, ("IfMatch", &etag)),
        Err("PreconditionFailed".into())
    );
}

#[test]
fn deletes_are_conditional_too() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let etag = put(&mut trial, "a", b"1")["ETag"].clone();
    let delete = |etag: &Value| json!({"Bucket": "data", "Key": "a", "IfMatch": etag});
    let refusal = trial.refused("DeleteObject", delete(&json!("\"abc\"")));
    assert_eq!(
        (refusal.status, refusal.code.as_str()),
        (412, "PreconditionFailed")
    );
    trial.ok("DeleteObject", delete(&etag));
    assert_eq!(trial.code("DeleteObject", delete(&etag)), "NoSuchKey");
    put(&mut trial, "a", b"1");
    let many = json!({"Bucket": "data", "Delete": {"Objects": [{"Key": "a", "ETag": "abc"}]}});
    assert_eq!(
        trial.ok("DeleteObjects", many)["Errors"][0]["Code"],
        "PreconditionFailed"
    );
}

#[test]
fn reads_are_conditional() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let etag = put(&mut trial, "a", b"1")["ETag"].as_str().unwrap().to_owned();
    let mut status = |conditions: Value| {
        let mut input = json!({"Bucket": "data", "Key": "a"});
        input
            .as_object_mut()
            .unwrap()
            .extend(conditions.as_object().unwrap().clone());
        get(&mut trial, input).map_or_else(|refusal| refusal.status, |_| 200)
    };
    let (before, after) = ("2026-02-28T00:00:00Z", "2026-03-02T00:00:00Z");
    for (conditions, expected) in [
        (json!({"IfMatch": etag}), 200),
        (json!({"IfMatch": "x"}), 412),
        (json!({"IfNoneMatch": etag}), 304),
        (json!({"IfNoneMatch": "x"}), 200),
        (json!({"IfModifiedSince": before}), 200),
        (json!({"IfModifiedSince": after}), 304),
        (json!({"IfUnmodifiedSince": before}), 412),
        (json!({"IfUnmodifiedSince": after}), 200),
        // An ETag beats a date.
        (json!({"IfMatch": etag, "IfUnmodifiedSince": before}), 200),
        (json!({"IfNoneMatch": "x", "IfModifiedSince": after}), 200),
    ] {
        assert_eq!(status(conditions.clone()), expected, "{conditions}");
    }
}
