use serde_json::{Value, json};

use super::{bucket, put, trial, versioned};

fn texts(list: &Value, member: &str) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|one| one[member].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn keys_come_in_order_with_common_prefixes() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    for key in ["b", "a/1", "a/2", "a/x/3", "c/4", "d e"] {
        put(&mut trial, key, b"x");
    }
    let all = trial.ok("ListObjectsV2", json!({"Bucket": "data"}));
    assert_eq!(
        texts(&all["Contents"], "Key"),
        ["a/1", "a/2", "a/x/3", "b", "c/4", "d e"]
    );
    assert_eq!(
        (&all["KeyCount"], &all["IsTruncated"]),
        (&json!(6), &json!(false))
    );
    let folders = trial.ok("ListObjectsV2", json!({"Bucket": "data", "Delimiter": "/"}));
    assert_eq!(
        (
            texts(&folders["Contents"], "Key"),
            texts(&folders["CommonPrefixes"], "Prefix")
        ),
        (vec!["b".into(), "d e".into()], vec!["a/".into(), "c/".into()])
    );
    let inside = trial.ok(
        "ListObjectsV2",
        json!({"Bucket": "data", "Delimiter": "/", "Prefix": "a/"}),
    );
    assert_eq!(
        (
            texts(&inside["Contents"], "Key"),
            texts(&inside["CommonPrefixes"], "Prefix")
        ),
        (vec!["a/1".into(), "a/2".into()], vec!["a/x/".into()])
    );
    let after = trial.ok(
        "ListObjectsV2",
        json!({"Bucket": "data", "StartAfter": "b", "EncodingType": "url"}),
    );
    assert_eq!(texts(&after["Contents"], "Key"), ["c/4", "d%20e"]);
}

#[test]
fn pages_give_every_key_and_prefix_once() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    for key in ["a/1", "a/2", "b", "c/1", "c/2", "d"] {
        put(&mut trial, key, b"x");
    }
    for size in 1..6 {
        let (mut token, mut names) = (Value::Null, Vec::new());
        loop {
            let page = trial.ok(
                "ListObjectsV2",
                json!({"Bucket": "data", "Delimiter": "/", "MaxKeys": size, "ContinuationToken": token}),
            );
            names.extend(texts(&page["Contents"], "Key"));
            names.extend(texts(&page["CommonPrefixes"], "Prefix"));
            token = page["NextContinuationToken"].clone();
            assert_eq!(page["IsTruncated"], json!(!token.is_null()));
            if token.is_null() {
                break;
            }
        }
        names.sort();
        assert_eq!(names, ["a/", "b", "c/", "d"], "{size}");
    }
    let first = trial.ok(
        "ListObjects",
        json!({"Bucket": "data", "MaxKeys": 1, "Delimiter": "/"}),
    );
    assert_eq!(first["NextMarker"], "a/");
    let second = trial.ok(
        "ListObjects",
        json!({"Bucket": "data", "Marker": "a/", "Delimiter": "/"}),
    );
    assert_eq!(texts(&second["Contents"], "Key"), ["b", "d"]);
    assert_eq!(
        trial.code(
            "ListObjectsV2",
            json!({"Bucket": "data", "ContinuationToken": "?"})
        ),
        "InvalidArgument"
    );
    assert_eq!(
        trial.code("ListObjectsV2", json!({"Bucket": "data", "MaxKeys": -1})),
        "InvalidArgument"
    );
    let none = trial.ok("ListObjectsV2", json!({"Bucket": "data", "MaxKeys": 0}));
    assert_eq!(
        (&none["KeyCount"], &none["IsTruncated"]),
        (&json!(0), &json!(false))
    );
}

#[test]
fn every_version_and_marker_is_listed_once() {
    let mut trial = trial();
    versioned(&mut trial, "data");
    for key in ["a", "a", "a", "b", "c/1", "c/2", "c/2"] {
        put(&mut trial, key, b"x");
    }
    trial.ok("DeleteObject", json!({"Bucket": "data", "Key": "b"}));
    for size in 1..9 {
        let (mut markers, mut seen) = ((Value::Null, Value::Null), Vec::new());
        let mut latest = Vec::new();
        loop {
            let page = trial.ok("ListObjectVersions", json!({"Bucket": "data", "MaxKeys": size, "KeyMarker": markers.0, "VersionIdMarker": markers.1}));
            for list in ["Versions", "DeleteMarkers"] {
                for one in page[list].as_array().into_iter().flatten() {
                    seen.push((one["Key"].clone().to_string(), one["VersionId"].to_string()));
                    if one["IsLatest"] == json!(true) {
                        latest.push(one["Key"].to_string());
                    }
                }
            }
            if page["IsTruncated"] == json!(false) {
                break;
            }
            markers = (page["NextKeyMarker"].clone(), page["NextVersionIdMarker"].clone());
        }
        assert_eq!(seen.len(), 8, "{size}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 8, "{size}");
        latest.sort();
        assert_eq!(latest, ["\"a\"", "\"b\"", "\"c/1\"", "\"c/2\""], "{size}");
    }
    let folders = trial.ok("ListObjectVersions", json!({"Bucket": "data", "Delimiter": "/"}));
    assert_eq!(texts(&folders["CommonPrefixes"], "Prefix"), ["c/"]);
    assert_eq!(
        trial.code(
            "ListObjectVersions",
            json!({"Bucket": "data", "VersionIdMarker": "x"})
        ),
        "InvalidArgument"
    );
    // A deleted key is not among the objects.
    assert_eq!(
        texts(
            &trial.ok("ListObjectsV2", json!({"Bucket": "data"}))["Contents"],
            "Key"
        ),
        ["a", "c/1", "c/2"]
    );
}
