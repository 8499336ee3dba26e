use serde_json::{Value, json};

use super::{bucket, get, key, put, trial, versioned};

#[test]
fn what_is_written_is_read() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let input = json!({"Bucket": "data", "Key": "a/b", "ContentType": "text/plain", "Metadata": {"Who": "me"}, "Tagging": "k=v%20w&x="});
    let put = trial.call("PutObject", input, b"hello").unwrap().output;
    assert_eq!(put["ETag"], "\"5d41402abc4b2a76b9719d911017c592\"");
    assert_eq!(put["ServerSideEncryption"], "AES256");
    assert!(put.get("VersionId").is_none());
    let of = json!({"Bucket": "data", "Key": "a/b", "ChecksumMode": "ENABLED"});
    let got = get(&mut trial, of.clone()).unwrap();
    assert_eq!(got.payload.as_deref(), Some(&b"hello"[..]));
    let head = trial.ok("HeadObject", of);
    assert_eq!(head, got.output);
    for (member, value) in [
        ("ContentLength", json!(5)),
        ("ContentType", json!("text/plain")),
        ("Metadata", json!({"who": "me"})),
        ("TagCount", json!(2)),
        ("ChecksumType", json!("FULL_OBJECT")),
        ("LastModified", json!("2026-03-01T00:00:00Z")),
    ] {
        assert_eq!(head[member], value, "{member}");
    }
    assert_eq!(head["ChecksumCRC64NVME"], put["ChecksumCRC64NVME"]);
    let tags = trial.ok("GetObjectTagging", json!({"Bucket": "data", "Key": "a/b"}));
    assert_eq!(
        tags["TagSet"],
        json!([{"Key": "k", "Value": "v w"}, {"Key": "x", "Value": ""}])
    );
    let attributes = json!({"Bucket": "data", "Key": "a/b", "ObjectAttributes": ["ETag", "ObjectSize"]});
    let attributes = trial.ok("GetObjectAttributes", attributes);
    assert_eq!(
        (&attributes["ETag"], &attributes["ObjectSize"]),
        (&json!("5d41402abc4b2a76b9719d911017c592"), &json!(5))
    );
    let missing = get(&mut trial, json!({"Bucket": "data", "Key": "none"})).unwrap_err();
    assert_eq!((missing.status, missing.code.as_str()), (404, "NoSuchKey"));
    assert_eq!(
        get(&mut trial, json!({"Bucket": "none", "Key": "a"}))
            .unwrap_err()
            .code,
        "NoSuchBucket"
    );
}

#[test]
fn parts_of_an_object_are_read_by_range() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    put(&mut trial, "a", b"0123456789");
    for (range, bytes, content) in [
        ("bytes=2-4", &b"234"[..], Some("bytes 2-4/10")),
        ("bytes=7-", b"789", Some("bytes 7-9/10")),
        ("bytes=-2", b"89", Some("bytes 8-9/10")),
        ("bytes=5-99", b"56789", Some("bytes 5-9/10")),
        ("bytes=4-2", b"0123456789", None),
        ("lines=1-2", b"0123456789", None),
    ] {
        let answer = get(&mut trial, json!({"Bucket": "data", "Key": "a", "Range": range})).unwrap();
        assert_eq!(answer.payload.as_deref(), Some(bytes), "{range}");
        assert_eq!(
            answer.output.get("ContentRange").and_then(Value::as_str),
            content,
            "{range}"
        );
    }
    let refusal = get(
        &mut trial,
        json!({"Bucket": "data", "Key": "a", "Range": "bytes=10-"}),
    )
    .unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (416, "InvalidRange"));
}

#[test]
fn versions_pile_up_and_markers_hide_them() {
    let mut trial = trial();
    versioned(&mut trial, "data");
    let first = put(&mut trial, "a", b"1")["VersionId"].clone();
    put(&mut trial, "a", b"2");
    let deleted = trial.ok("DeleteObject", json!({"Bucket": "data", "Key": "a"}));
    assert_eq!(deleted["DeleteMarker"], json!(true));
    let refusal = get(&mut trial, json!({"Bucket": "data", "Key": "a"})).unwrap_err();
    assert_eq!(
        (
            refusal.status,
            refusal.code.as_str(),
            &refusal.members["x-amz-delete-marker"]
        ),
        (404, "NoSuchKey", &json!("true"))
    );
    let old = get(
        &mut trial,
        json!({"Bucket": "data", "Key": "a", "VersionId": first}),
    )
    .unwrap();
    assert_eq!(old.payload.as_deref(), Some(&b"1"[..]));
    let marker = json!({"Bucket": "data", "Key": "a", "VersionId": deleted["VersionId"]});
    assert_eq!(get(&mut trial, marker.clone()).unwrap_err().status, 405);
    assert_eq!(trial.ok("DeleteObject", marker)["DeleteMarker"], json!(true));
    assert_eq!(
        get(&mut trial, json!({"Bucket": "data", "Key": "a"}))
            .unwrap()
            .payload
            .as_deref(),
        Some(&b"2"[..])
    );
    let unknown = json!({"Bucket": "data", "Key": "a", "VersionId": "A".repeat(32)});
    assert_eq!(get(&mut trial, unknown).unwrap_err().code, "NoSuchVersion");
    let odd = json!({"Bucket": "data", "Key": "a", "VersionId": "x"});
    assert_eq!(get(&mut trial, odd.clone()).unwrap_err().code, "InvalidArgument");
    assert_eq!(trial.code("DeleteObject", odd), "InvalidArgument");
}

#[test]
fn suspended_versioning_writes_over_one_version() {
    let mut trial = trial();
    versioned(&mut trial, "data");
    put(&mut trial, "a", b"1");
    trial.ok(
        "PutBucketVersioning",
        json!({"Bucket": "data", "VersioningConfiguration": {"Status": "Suspended"}}),
    );
    assert_eq!(put(&mut trial, "a", b"2")["VersionId"], "null");
    put(&mut trial, "a", b"3");
    assert_eq!(
        trial.ok("ListObjectVersions", json!({"Bucket": "data"}))["Versions"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        trial.code(
            "PutBucketVersioning",
            json!({"Bucket": "data", "VersioningConfiguration": {}})
        ),
        "IllegalVersioningConfigurationException"
    );
}

#[test]
fn an_encrypted_object_needs_its_key() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let key = key(&mut trial);
    let rule = json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}, "BucketKeyEnabled": true});
    trial.ok(
        "PutBucketEncryption",
        json!({"Bucket": "data", "ServerSideEncryptionConfiguration": {"Rules": [rule]}}),
    );
    let made = put(&mut trial, "a", b"hello");
    assert_eq!(
        (
            &made["ServerSideEncryption"],
            &made["SSEKMSKeyId"],
            &made["BucketKeyEnabled"]
        ),
        (&json!("aws:kms"), &json!(key), &json!(true))
    );
    // Such an ETag is no MD5.
    assert_ne!(made["ETag"], "\"5d41402abc4b2a76b9719d911017c592\"");
    trial
        .call_to("kms", "DisableKey", json!({"KeyId": key}), b"")
        .unwrap();
    let of = json!({"Bucket": "data", "Key": "a"});
    assert_eq!(
        get(&mut trial, of.clone()).unwrap_err().code,
        "KMS.DisabledException"
    );
    assert_eq!(trial.code("PutObject", of.clone()), "KMS.DisabledException");
    trial
        .call_to(
            "kms",
            "ScheduleKeyDeletion",
            json!({"KeyId": key, "PendingWindowInDays": 7}),
            b"",
        )
        .unwrap();
    assert_eq!(
        get(&mut trial, of.clone()).unwrap_err().code,
        "KMS.KMSInvalidStateException"
    );
    trial.days(7);
    assert_eq!(get(&mut trial, of).unwrap_err().code, "KMS.NotFoundException");
    // Another key, or S3's own, may be named in the write.
    trial.ok(
        "PutObject",
        json!({"Bucket": "data", "Key": "b", "ServerSideEncryption": "AES256"}),
    );
    let odd = json!({"Bucket": "data", "Key": "b", "ServerSideEncryption": "AES256", "SSEKMSKeyId": key});
    assert_eq!(trial.code("PutObject", odd), "InvalidArgument");
    assert_eq!(
        trial.code(
            "PutObject",
            json!({"Bucket": "data", "Key": "b", "SSECustomerAlgorithm": "AES256"})
        ),
        "AccessDenied"
    );
}

#[test]
fn bytes_that_are_not_what_they_claim_are_refused() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let mut code = |more: Value| {
        let mut input = json!({"Bucket": "data", "Key": "a"});
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        trial
            .call("PutObject", input, b"123456789")
            .map_or_else(|refusal| refusal.code, |_| "OK".into())
    };
    for (more, expected) in [
        (json!({"ChecksumCRC32": "y/Q5Jg=="}), "OK"),
        (
            json!({"ChecksumCRC32": "y/Q5Jg==", "ChecksumAlgorithm": "CRC32"}),
            "OK",
        ),
        (json!({"ChecksumCRC64NVME": "rosUhgp5mIg="}), "OK"),
        (json!({"ChecksumCRC32": "AAAAAA=="}), "BadDigest"),
        (json!({"ChecksumCRC32": "AAAA"}), "InvalidArgument"),
        (
            json!({"ChecksumCRC32": "y/Q5Jg==", "ChecksumSHA1": "x"}),
            "InvalidRequest",
        ),
        (json!({"ChecksumAlgorithm": "CRC32"}), "InvalidRequest"),
        (
            json!({"ChecksumCRC32": "y/Q5Jg==", "ChecksumAlgorithm": "SHA256"}),
            "InvalidRequest",
        ),
        (json!({"ChecksumAlgorithm": "XXHASH3"}), "NotImplemented"),
        (json!({"ContentMD5": "JfnnlDI7RTiF9RgfG2JNCw=="}), "OK"),
        (json!({"ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}), "BadDigest"),
        (json!({"ContentMD5": "x"}), "InvalidDigest"),
    ] {
        assert_eq!(code(more.clone()), expected, "{more}");
    }
}

#[test]
fn copies_take_over_or_replace() {
    let mut trial = trial();
    versioned(&mut trial, "data");
    let input = json!({"Bucket": "data", "Key": "a b", "Metadata": {"k": "v"}, "Tagging": "t=1"});
    let first = trial.call("PutObject", input, b"one").unwrap().output;
    let copy = |source: &str, more: Value| {
        let mut input = json!({"Bucket": "data", "Key": "copy", "CopySource": source});
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        input
    };
    let done = trial.ok("CopyObject", copy("data/a%20b", json!({})));
    assert_eq!(done["CopyObjectResult"]["ETag"], first["ETag"]);
    assert_eq!(done["CopySourceVersionId"], first["VersionId"]);
    let head = trial.ok("HeadObject", json!({"Bucket": "data", "Key": "copy"}));
    assert_eq!(
        (&head["Metadata"], &head["TagCount"]),
        (&json!({"k": "v"}), &json!(1))
    );
    trial.ok(
        "CopyObject",
        copy(
            "/data/a%20b",
            json!({"MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE"}),
        ),
    );
    let head = trial.ok("HeadObject", json!({"Bucket": "data", "Key": "copy"}));
    assert_eq!((&head["Metadata"], head.get("TagCount")), (&json!({}), None));
    assert_eq!(
        trial.code("CopyObject", copy("data/copy", json!({}))),
        "InvalidRequest"
    );
    assert_eq!(
        trial.code("CopyObject", copy("data/none", json!({}))),
        "NoSuchKey"
    );
    assert_eq!(
        trial.code("CopyObject", copy("data", json!({}))),
        "InvalidArgument"
    );
    assert_eq!(
        trial.code(
            "CopyObject",
            copy("data/a%20b", json!({"CopySourceIfMatch": "x"}))
        ),
        "PreconditionFailed"
    );
    assert_eq!(
        trial.code(
            "CopyObject",
            copy("data/a%20b", json!({"CopySourceIfNoneMatch": first["ETag"]}))
        ),
        "PreconditionFailed"
    );
}

#[test]
fn keys_tags_and_metadata_have_limits() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    for (more, code) in [
        (json!({"Key": "k".repeat(1025)}), "KeyTooLongError"),
        (
            json!({"Key": "a", "Metadata": {"k": "v".repeat(2048)}}),
            "MetadataTooLarge",
        ),
        (
            json!({"Key": "a", "Tagging": (0..11).map(|n| format!("{n}=")).collect::<Vec<_>>().join("&")}),
            "InvalidArgument",
        ),
    ] {
        let mut input = json!({"Bucket": "data"});
        input
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        assert_eq!(trial.code("PutObject", input), code);
    }
}

#[test]
fn many_are_deleted_at_once() {
    let mut trial = trial();
    versioned(&mut trial, "data");
    for name in ["a", "b", "c"] {
        put(&mut trial, name, b"x");
    }
    let delete = |quiet: bool| json!({"Bucket": "data", "Delete": {"Quiet": quiet, "Objects": [{"Key": "a"}, {"Key": "none"}]}});
    let done = trial.ok("DeleteObjects", delete(false));
    assert_eq!(done["Deleted"].as_array().unwrap().len(), 2);
    assert_eq!(done["Deleted"][0]["DeleteMarker"], json!(true));
    assert_eq!(trial.ok("DeleteObjects", delete(true)), json!({}));
    assert_eq!(
        trial.code(
            "DeleteObjects",
            json!({"Bucket": "data", "Delete": {"Objects": []}})
        ),
        "MalformedXML"
    );
    let many: Vec<Value> = (0..1001).map(|n| json!({"Key": n.to_string()})).collect();
    assert_eq!(
        trial.code(
            "DeleteObjects",
            json!({"Bucket": "data", "Delete": {"Objects": many}})
        ),
        "MalformedXML"
    );
}

#[test]
fn object_tags_are_replaced_and_removed() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    put(&mut trial, "a", b"x");
    let of = json!({"Bucket": "data", "Key": "a"});
    trial.ok(
        "PutObjectTagging",
        json!({"Bucket": "data", "Key": "a", "Tagging": {"TagSet": [{"Key": "k", "Value": "v"}]}}),
    );
    assert_eq!(
        trial.ok("GetObjectTagging", of.clone())["TagSet"],
        json!([{"Key": "k", "Value": "v"}])
    );
    trial.ok("DeleteObjectTagging", of.clone());
    assert_eq!(trial.ok("GetObjectTagging", of)["TagSet"], json!([]));
    assert_eq!(
        trial.code("GetObjectTagging", json!({"Bucket": "data", "Key": "none"})),
        "NoSuchKey"
    );
}

#[test]
fn an_encrypted_object_asks_for_its_key_in_the_callers_name() {
    let mut trial = trial();
    bucket(&mut trial, "data");
    let key = key(&mut trial);
    let call = |trial: &crate::aws::trial::Trial, operation: &str| {
        crate::aws::s3::needs(
            &trial.world,
            &trial.request("s3", operation, json!({"Bucket": "data", "Key": "a"}), b""),
        )
    };
    assert_eq!(call(&trial, "PutObject"), []);
    for (bucket_key, context) in [(true, "arn:aws:s3:::data"), (false, "arn:aws:s3:::data/a")] {
        let rule = json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}, "BucketKeyEnabled": bucket_key});
        trial.ok(
            "PutBucketEncryption",
            json!({"Bucket": "data", "ServerSideEncryptionConfiguration": {"Rules": [rule]}}),
        );
        put(&mut trial, "a", b"x");
        for (operation, action) in [("PutObject", "kms:GenerateDataKey"), ("GetObject", "kms:Decrypt")] {
            let needs = call(&trial, operation);
            assert_eq!(needs.len(), 1, "{operation}");
            assert_eq!(
                (needs[0].action, &needs[0].key, needs[0].context.1.as_str()),
                (action, &key, context)
            );
            assert_eq!(needs[0].via, "s3.eu-west-1.amazonaws.com");
        }
    }
}
