//! Buckets whose retention is locked: switched on in place and for good, only ever made longer, and in nobody's way once
//! their time is over.

use http::Method;
use jiff::SignedDuration;
use mlops_e2e::ground::{Ground, On, flat};
use mlops_sandbox::Refusal;
use serde_json::{Value, json};

use crate::SERVICE;

const REGION: &str = mlops_e2e::cloud::REGION;

fn reports(settings: &str) -> String {
    format!("{SERVICE}\n  buckets = {{ reports = {{ {settings} }} }}\n")
}

fn bucket(ground: &Ground) -> String {
    let name = &ground.environment()["bucket_info"]["reports"]["name"];
    name.as_str().expect("a name").to_owned()
}

/// What the cloud says to the owner of the account who deletes the only version of an object.
fn delete(ground: &Ground, key: &str) -> Result<Value, Refusal> {
    let bucket = bucket(ground);
    if ground.on == On::Gcp {
        let path = format!("storage/storage/v1/b/{bucket}/o/{key}");
        return ground.sandbox().ask_gcp(&Method::DELETE, &path, None);
    }
    let versions = ground.ask_aws("s3", "ListObjectVersions", json!({ "Bucket": bucket }));
    let id = &versions["Versions"][0]["VersionId"];
    let this = json!({ "Bucket": bucket, "Key": key, "VersionId": id });
    ground.sandbox().ask(REGION, "s3", "DeleteObject", this)
}

/// Somebody sets other days than those that are wanted.
fn meddle(ground: &Ground, days: u32) {
    let bucket = bucket(ground);
    match ground.on {
        On::Aws => {
            let rule = json!({ "DefaultRetention": { "Mode": "COMPLIANCE", "Days": days } });
            let lock = json!({ "ObjectLockEnabled": "Enabled", "Rule": rule });
            let put = json!({ "Bucket": bucket, "ObjectLockConfiguration": lock });
            ground.ask_aws("s3", "PutObjectLockConfiguration", put);
        }
        On::Gcp => {
            let seconds = (u64::from(days) * 86_400).to_string();
            let policy = json!({ "retentionPolicy": { "retentionPeriod": seconds } });
            ground.ask_gcp(
                &Method::PATCH,
                &format!("storage/storage/v1/b/{bucket}"),
                Some(&policy),
            );
        }
    }
}

fn ids(ground: &Ground) -> Vec<Value> {
    let environment = ground.environment();
    let components = environment["components"].as_object().into_iter().flatten();
    components
        .map(|(address, component)| json!([address, component["id"]]))
        .collect()
}

/// What terraform says to a configuration that it refuses to plan.
fn refused(ground: &Ground, settings: &str) -> String {
    ground.configure(&reports(settings));
    flat(&ground.plan().expect(1).text())
}

/// B25.
#[test]
fn a_locked_bucket_keeps_its_promise() {
    for ground in Ground::both("a_locked_bucket_keeps_its_promise") {
        let on = ground.on;
        ground.configure(&reports("retention_days = 30"));
        ground.settle();
        let before = ids(&ground);

        // Switched on: in place, and the plan says what that means.
        ground.configure(&reports("retention_days = 30, retention_locked = true"));
        let lines = ground.planned();
        assert_eq!(lines.len(), 1, "{on}: {lines:#?}");
        for part in [
            "~ buckets.reports: ",
            "retention lock none → 30",
            "nobody can delete an object before it is 30 days old",
            "never be lowered nor taken off",
        ] {
            assert!(lines[0].contains(part), "{on}: {part}: {lines:#?}");
        }
        ground.settle();
        ground.configure(&reports("retention_days = 60, retention_locked = true"));
        ground.settle();
        assert_eq!(before, ids(&ground), "{on}: the same objects");

        for less in [
            "retention_days = 59, retention_locked = true",
            "retention_days = 60",
            "",
        ] {
            let said = refused(&ground, less);
            for part in ["its retention is locked", "retention_days = 60 or more"] {
                assert!(said.contains(part), "{on} {less:?}: {part}: {said}");
            }
        }
        let said = refused(&ground, "retention_locked = true");
        assert!(said.contains("Write retention_days beside"), "{on}: {said}");

        // The cloud itself keeps the promise.
        ground.configure(&reports("retention_days = 60, retention_locked = true"));
        ground.put(&bucket(&ground), "a");
        let refusal = delete(&ground, "a").expect_err("kept");
        assert_eq!(refusal.status, 403, "{on}: {refusal}");
        let said = flat(&ground.destroy().expect(1).text());
        for part in [
            "buckets.reports is not empty, and its retention is locked",
            "holds 1 object version",
            "all of it can be deleted from 20",
            "Nothing was deleted, here or elsewhere",
            "on_destroy = \"retain\"",
        ] {
            assert!(said.contains(part), "{on}: {part}: {said}");
        }
        ground.plan().expect(0);
        let full = ground.moment();

        // Let go of, it stays with what it holds.
        let kept = "retention_days = 60, retention_locked = true, on_destroy = \"retain\"";
        ground.configure(&reports(kept));
        ground.settle();
        let name = bucket(&ground);
        ground.destroy().expect(0);
        assert_eq!(ground.keys(&name), ["a"], "{on}");

        // Once the time is over, it goes as any other.
        ground.back_to(&full);
        ground.configure(&reports("retention_days = 60, retention_locked = true"));
        ground.sandbox().skip(SignedDuration::from_hours(61 * 24));
        // On Google Cloud the rule that goes with retention_days takes it.
        if on == On::Aws {
            delete(&ground, "a").expect("its time is over");
        }
        ground.destroy().expect(0);
    }
}

/// On S3 the days for new objects can be lowered by whoever may configure the bucket: that is drift, and is repaired. Longer
/// than wanted is found on both clouds, and cannot be taken back.
#[test]
fn days_that_somebody_set_are_shown_and_what_cannot_be_undone_is_said() {
    for ground in Ground::both("days_that_somebody_set_are_shown_and_what_cannot_be_undone_is_said") {
        let on = ground.on;
        ground.configure(&reports("retention_days = 30, retention_locked = true"));
        ground.settle();
        if on == On::Aws {
            meddle(&ground, 10);
            let lines = ground.planned();
            assert_eq!(lines.len(), 1, "{lines:#?}");
            assert!(lines[0].contains("retention lock 10 → 30"), "{lines:#?}");
            ground.settle();
        }
        meddle(&ground, 90);
        let said = flat(&ground.plan().expect(1).text());
        for part in ["retention lock 90 → 30", "retention_days = 90 or more"] {
            assert!(said.contains(part), "{on}: {part}: {said}");
        }
        ground.configure(&reports("retention_days = 90, retention_locked = true"));
        ground.settle();
        // Nothing was ever in it.
        ground.destroy().expect(0);
    }
}
