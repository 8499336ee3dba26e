use serde_json::{Value, json};

use super::{bucket, get, put, trial};
use crate::aws::trial::Trial;

const PART: usize = 5 * 1024 * 1024;

fn begin(trial: &mut Trial, more: Value) -> Value {
    let mut input = json!({"Bucket": "data", "Key": "big"});
    input
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    trial.ok("CreateMultipartUpload", input)["UploadId"].clone()
}

fn upload(trial: &mut Trial, id: &Value, number: i64, bytes: &[u8]) -> Value {
    let input = json!({"Bucket": "data", "Key": "big", "UploadId": id, "PartNumber": number});
    trial.call("UploadPart", input, bytes).unwrap().output["ETag"].clone()
}

fn complete(id: &Value, parts: &[(i64, &Value)]) -> Value {
    let parts: Vec<Value> = parts
        .iter()
        .map(|(number, etag)| json!({"PartNumber": number, "ETag": etag}))
        .collect();
    json!({"Bucket": "data", "Key": "big", "UploadId": id, "MultipartUpload": {"Parts": parts}})
}

#[test]
fn parts_become_one_object() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let id = begin(&mut trial, json!({"ContentType": "text/plain"}));
    let one = upload(&mut trial, &id, 1, &vec![b'a'; PART]);
    let two = upload(&mut trial, &id, 3, b"end");
    let parts = trial.ok(
        "ListParts",
        json!({"Bucket": "data", "Key": "big", "UploadId": id, "MaxParts": 1}),
    );
    assert_eq!(
        (&parts["IsTruncated"], &parts["NextPartNumberMarker"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(
        trial.ok("ListMultipartUploads", json!({"Bucket": "data"}))["Uploads"][0]["Key"],
        "big"
    );
    let done = trial.ok("CompleteMultipartUpload", complete(&id, &[(1, &one), (3, &two)]));
    assert!(done["ETag"].as_str().unwrap().ends_with("-2\""), "{done}");
    assert_eq!(done["ChecksumType"], "FULL_OBJECT");
    let head = trial.ok("HeadObject", json!({"Bucket": "data", "Key": "big"}));
    assert_eq!(
        (&head["ContentLength"], &head["ContentType"]),
        (&json!(PART + 3), &json!("text/plain"))
    );
    let part = get(
        &mut trial,
        json!({"Bucket": "data", "Key": "big", "PartNumber": 2}),
    )
    .unwrap();
    assert_eq!(
        (part.payload.as_deref(), &part.output["PartsCount"]),
        (Some(&b"end"[..]), &json!(2))
    );
    let outside = get(
        &mut trial,
        json!({"Bucket": "data", "Key": "big", "PartNumber": 3}),
    )
    .unwrap_err();
    assert_eq!(
        (outside.status, outside.code.as_str()),
        (416, "InvalidPartNumber")
    );
    assert_eq!(
        trial.code(
            "AbortMultipartUpload",
            json!({"Bucket": "data", "Key": "big", "UploadId": id})
        ),
        "NoSuchUpload"
    );
}

#[test]
fn a_checksum_of_the_whole_is_that_of_the_bytes() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let id = begin(&mut trial, json!({}));
    let etag = upload(&mut trial, &id, 1, b"123456789");
    let done = trial.ok("CompleteMultipartUpload", complete(&id, &[(1, &etag)]));
    assert_eq!(done["ChecksumCRC64NVME"], "rosUhgp5mIg=");
    let id = begin(&mut trial, json!({"ChecksumAlgorithm": "SHA256"}));
    let etag = upload(&mut trial, &id, 1, b"123456789");
    let done = trial.ok("CompleteMultipartUpload", complete(&id, &[(1, &etag)]));
    assert_eq!(done["ChecksumType"], "COMPOSITE");
    assert!(done["ChecksumSHA256"].as_str().unwrap().ends_with("-1"));
    let odd =
        json!({"Bucket": "data", "Key": "big", "ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"});
    assert_eq!(trial.code("CreateMultipartUpload", odd), "InvalidRequest");
}

#[test]
fn odd_completions_are_refused() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let id = begin(&mut trial, json!({}));
    let one = upload(&mut trial, &id, 1, b"small");
    let two = upload(&mut trial, &id, 2, b"end");
    for (parts, code) in [
        (vec![], "MalformedXML"),
        (vec![(2, &two), (1, &one)], "InvalidPartOrder"),
        (vec![(1, &two)], "InvalidPart"),
        (vec![(7, &one)], "InvalidPart"),
        (vec![(1, &one), (2, &two)], "EntityTooSmall"),
    ] {
        assert_eq!(trial.code("CompleteMultipartUpload", complete(&id, &parts)), code);
    }
    put(&mut trial, "big", b"x");
    let mut once = complete(&id, &[(1, &one)]);
    once["IfNoneMatch"] = json!("*");
    assert_eq!(trial.code("CompleteMultipartUpload", once), "PreconditionFailed");
    let number = json!({"Bucket": "data", "Key": "big", "UploadId": id, "PartNumber": 10_001});
    assert_eq!(trial.code("UploadPart", number), "InvalidArgument");
    trial.ok(
        "AbortMultipartUpload",
        json!({"Bucket": "data", "Key": "big", "UploadId": id}),
    );
    assert_eq!(
        trial.code(
            "ListParts",
            json!({"Bucket": "data", "Key": "big", "UploadId": id})
        ),
        "NoSuchUpload"
    );
}

#[test]
fn a_part_may_be_a_copy() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    put(&mut trial, "a", b"0123456789");
    let id = begin(&mut trial, json!({}));
    let copy = |range: &str| json!({"Bucket": "data", "Key": "big", "UploadId": id, "PartNumber": 1, "CopySource": "data/a", "CopySourceRange": range});
    assert_eq!(
        trial.code("UploadPartCopy", copy("bytes=5-10")),
        "InvalidArgument"
    );
    let etag = trial.ok("UploadPartCopy", copy("bytes=2-4"))["CopyPartResult"]["ETag"].clone();
    trial.ok("CompleteMultipartUpload", complete(&id, &[(1, &etag)]));
    assert_eq!(
        get(&mut trial, json!({"Bucket": "data", "Key": "big"}))
            .unwrap()
            .payload
            .as_deref(),
        Some(&b"234"[..])
    );
}

#[test]
fn uploads_are_listed_in_pages() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    for _ in 0..3 {
        begin(&mut trial, json!({}));
    }
    let (mut markers, mut ids) = ((Value::Null, Value::Null), Vec::new());
    loop {
        let page = trial.ok(
            "ListMultipartUploads",
            json!({"Bucket": "data", "MaxUploads": 1, "KeyMarker": markers.0, "UploadIdMarker": markers.1}),
        );
        ids.extend(
            page["Uploads"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|one| one["UploadId"].to_string()),
        );
        if page["IsTruncated"] == json!(false) {
            break;
        }
        markers = (page["NextKeyMarker"].clone(), page["NextUploadIdMarker"].clone());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}
