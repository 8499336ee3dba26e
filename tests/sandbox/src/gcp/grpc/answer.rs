//! An answer of the JSON API in the terms of gRPC's messages.

use base64::Engine as _;
use serde_json::{Map, Value, json};

/// Members of a bucket under another name: gRPC's, the JSON API's.
pub(super) const BUCKET: [(&str, &str); 3] = [
    ("createTime", "timeCreated"),
    ("updateTime", "updated"),
    ("iamConfig", "iamConfiguration"),
];

/// The same inside members.
pub(super) const INSIDE: [(&str, &[(&str, &str)]); 3] = [
    ("encryption", &[("defaultKmsKey", "defaultKmsKeyName")]),
    (
        "softDeletePolicy",
        &[("retentionDuration", "retentionDurationSeconds")],
    ),
    ("retentionPolicy", &[("retentionDuration", "retentionPeriod")]),
];

/// Members of an object under another name.
pub(super) const OBJECT: [(&str, &str); 7] = [
    ("createTime", "timeCreated"),
    ("updateTime", "updated"),
    ("deleteTime", "timeDeleted"),
    ("finalizeTime", "timeFinalized"),
    ("updateStorageClassTime", "timeStorageClassUpdated"),
    ("kmsKey", "kmsKeyName"),
    ("retentionExpireTime", "retentionExpirationTime"),
];

/// The answer of a method.
pub(super) fn translated(method: &str, output: &Value) -> Value {
    let items = |member: &str, one: fn(&Value) -> Value| -> Value {
        output
            .get(member)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(one)
            .collect()
    };
    let next = output.get("nextPageToken").cloned().unwrap_or_else(|| json!(""));
    match method {
        "CreateBucket" | "GetBucket" | "UpdateBucket" | "LockBucketRetentionPolicy" => bucket(output),
        "ListBuckets" => json!({"buckets": items("items", bucket), "nextPageToken": next}),
        "GetObject" | "UpdateObject" | "RestoreObject" | "ComposeObject" => object(output),
        "ListObjects" => json!({
            "objects": items("items", object),
            "prefixes": output.get("prefixes").cloned().unwrap_or_else(|| json!([])),
            "nextPageToken": next,
        }),
        "RewriteObject" => json!({
            "done": output.get("done"),
            "objectSize": output.get("objectSize"),
            "totalBytesRewritten": output.get("totalBytesRewritten"),
            "resource": output.get("resource").map(object),
        }),
        "CreateManagedFolder" | "GetManagedFolder" => folder(output),
        "ListManagedFolders" => json!({"managedFolders": items("items", folder), "nextPageToken": next}),
        "GetStorageLayout" => json!({
            "name": format!("projects/_/buckets/{}/storageLayout", text(output, "bucket")),
            "location": output.get("location"),
            "locationType": output.get("locationType"),
            "hierarchicalNamespace": output.get("hierarchicalNamespace"),
        }),
        "GetIamPolicy" | "SetIamPolicy" => without(output, &["kind", "resourceId"]),
        "TestIamPermissions" => without(output, &["kind"]),
        // Deletes answer nothing.
        _ => json!({}),
    }
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn without(value: &Value, members: &[&str]) -> Value {
    let mut value = value.clone();
    if let Some(map) = value.as_object_mut() {
        map.retain(|name, _| !members.contains(&name.as_str()));
    }
    value
}

/// A message with members under gRPC's names.
fn renamed(given: &Value, names: &[(&str, &str)]) -> Value {
    given
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let to = names
                .iter()
                .find(|(_, from)| from == name)
                .map_or(name.as_str(), |(to, _)| *to);
            (to.to_owned(), value.clone())
        })
        .collect::<Map<_, _>>()
        .into()
}

fn bucket(output: &Value) -> Value {
    let name = text(output, "name").to_owned();
    let project = text(output, "projectNumber").to_owned();
    let mut told = without(
        &renamed(output, &BUCKET),
        &[
            "kind",
            "id",
            "selfLink",
            "projectNumber",
            "generation",
            "hardDeleteTime",
            "softDeleteTime",
        ],
    );
    told["name"] = json!(format!("projects/_/buckets/{name}"));
    told["bucketId"] = json!(name);
    told["project"] = json!(format!("projects/{project}"));
    for (member, names) in INSIDE {
        if let Some(value) = told.get(member).cloned() {
            told[member] = renamed(&value, names);
        }
    }
    for pointer in [
        "/softDeletePolicy/retentionDuration",
        "/retentionPolicy/retentionDuration",
    ] {
        if let Some(seconds) = told.pointer_mut(pointer) {
            *seconds = json!(format!("{}s", seconds.as_str().unwrap_or("0")));
        }
    }
    if let Some(access) = told.get_mut("iamConfig") {
        *access = without(access, &["bucketPolicyOnly"]);
        if let Some(uniform) = access.get_mut("uniformBucketLevelAccess") {
            *uniform = renamed(uniform, &[("lockTime", "lockedTime")]);
        }
    }
    if let Some(retention) = told.get_mut("objectRetention") {
        *retention = json!({"enabled": text(retention, "mode") == "Enabled"});
    }
    if let Some(target) = told.pointer_mut("/logging/logBucket") {
        *target = json!(format!(
            "projects/_/buckets/{}",
            target.as_str().unwrap_or_default()
        ));
    }
    for rule in told
        .pointer_mut("/lifecycle/rule")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(condition) = rule.get_mut("condition") {
            *condition = renamed(condition, &[("ageDays", "age")]);
            for name in ["createdBefore", "customTimeBefore", "noncurrentTimeBefore"] {
                if let Some(date) = condition.get_mut(name) {
                    let parts: Vec<i64> = date
                        .as_str()
                        .unwrap_or_default()
                        .split('-')
                        .filter_map(|part| part.parse().ok())
                        .collect();
                    if let [year, month, day] = parts.as_slice() {
                        *date = json!({"year": year, "month": month, "day": day});
                    }
                }
            }
        }
    }
    told
}

fn object(output: &Value) -> Value {
    let crc = base64::engine::general_purpose::STANDARD
        .decode(text(output, "crc32c"))
        .unwrap_or_default()
        .iter()
        .fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    let md5 = text(output, "md5Hash").to_owned();
    let bucket = text(output, "bucket").to_owned();
    let mut told = without(
        &renamed(output, &OBJECT),
        &[
            "kind",
            "id",
            "selfLink",
            "mediaLink",
            "crc32c",
            "md5Hash",
            "retention",
        ],
    );
    told["bucket"] = json!(format!("projects/_/buckets/{bucket}"));
    told["checksums"] = json!({"crc32c": crc, "md5Hash": md5});
    told
}

fn folder(output: &Value) -> Value {
    json!({
        "name": format!("projects/_/buckets/{}/managedFolders/{}", text(output, "bucket"), text(output, "name")),
        "metageneration": output.get("metageneration"),
        "createTime": output.get("createTime"),
        "updateTime": output.get("updateTime"),
    })
}
