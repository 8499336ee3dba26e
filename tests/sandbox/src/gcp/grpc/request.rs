//! What a gRPC request asks, in the terms of the JSON API.

use serde_json::{Map, Value, json};

use super::answer::{BUCKET, INSIDE, OBJECT};
use crate::answer::Refusal;
use crate::gcp::names::piece;
use crate::gcp::refuse::{invalid, not_carried};

/// The JSON API's method and input for a message in protobuf's JSON.
///
/// # Errors
/// What cannot be asked.
pub(super) fn translated(
    service: &str,
    method: &str,
    message: &Value,
) -> Result<(&'static str, Value), Refusal> {
    let text = |name: &str| {
        message
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let bucket = |name: &str| piece(&text(name), "buckets").to_owned();
    let mut input = conditions(message);
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            input[name] = value;
        }
    };
    let operation = match (service.rsplit('.').next().unwrap_or_default(), method) {
        ("Storage", "CreateBucket") => {
            let given = message.get("bucket").cloned().unwrap_or_else(|| json!({}));
            let project = match given.get("project").and_then(Value::as_str) {
                Some(project) if !project.is_empty() => project.to_owned(),
                _ => text("parent"),
            };
            put("project", json!(project.trim_start_matches("projects/")));
            put(
                "enableObjectRetention",
                message.get("enableObjectRetention").cloned().unwrap_or_default(),
            );
            let mut body = bucket_body(&given);
            body["name"] = json!(text("bucketId"));
            put("body", body);
            "storage.buckets.insert"
        }
        ("Storage", "GetBucket") => {
            put("bucket", json!(bucket("name")));
            "storage.buckets.get"
        }
        ("Storage", "DeleteBucket") => {
            put("bucket", json!(bucket("name")));
            "storage.buckets.delete"
        }
        ("Storage", "ListBuckets") => {
            put("project", json!(text("parent").trim_start_matches("projects/")));
            for (from, to) in [
                ("pageSize", "maxResults"),
                ("pageToken", "pageToken"),
                ("prefix", "prefix"),
                ("softDeleted", "softDeleted"),
            ] {
                put(to, message.get(from).cloned().unwrap_or_default());
            }
            "storage.buckets.list"
        }
        ("Storage", "UpdateBucket") => {
            let given = message.get("bucket").cloned().unwrap_or_else(|| json!({}));
            let name = given.get("name").and_then(Value::as_str).unwrap_or_default();
            put("bucket", json!(piece(name, "buckets")));
            let (body, whole) = masked(&text("updateMask"), &bucket_body(&given), &BUCKET)?;
            put("body", body);
            put("$replace", json!(whole));
            "storage.buckets.patch"
        }
        ("Storage", "LockBucketRetentionPolicy") => {
            put("bucket", json!(bucket("bucket")));
            "storage.buckets.lockRetentionPolicy"
        }
        ("Storage", "ListObjects") => {
            put("bucket", json!(bucket("parent")));
            for (from, to) in [
                ("pageSize", "maxResults"),
                ("pageToken", "pageToken"),
                ("prefix", "prefix"),
                ("delimiter", "delimiter"),
                ("includeTrailingDelimiter", "includeTrailingDelimiter"),
                ("versions", "versions"),
                ("lexicographicStart", "startOffset"),
                ("lexicographicEnd", "endOffset"),
                ("softDeleted", "softDeleted"),
                ("matchGlob", "matchGlob"),
                ("filter", "filter"),
            ] {
                put(to, message.get(from).cloned().unwrap_or_default());
            }
            "storage.objects.list"
        }
        ("Storage", "GetObject" | "DeleteObject" | "RestoreObject") => {
            put("bucket", json!(bucket("bucket")));
            for name in ["object", "generation", "softDeleted"] {
                put(name, message.get(name).cloned().unwrap_or_default());
            }
            match method {
                "GetObject" => "storage.objects.get",
                "DeleteObject" => "storage.objects.delete",
                _ => "storage.objects.restore",
            }
        }
        ("Storage", "UpdateObject") => {
            let given = message.get("object").cloned().unwrap_or_else(|| json!({}));
            let of = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
            put("bucket", json!(piece(of("bucket"), "buckets")));
            put("object", json!(of("name")));
            put("generation", given.get("generation").cloned().unwrap_or_default());
            let (body, _) = masked(&text("updateMask"), &object_body(&given), &OBJECT)?;
            put("body", body);
            "storage.objects.patch"
        }
        ("Storage", "RewriteObject") => {
            put("sourceBucket", json!(bucket("sourceBucket")));
            put("sourceObject", json!(text("sourceObject")));
            put(
                "sourceGeneration",
                message.get("sourceGeneration").cloned().unwrap_or_default(),
            );
            put("destinationBucket", json!(bucket("destinationBucket")));
            put("destinationObject", json!(text("destinationName")));
            put(
                "body",
                message.get("destination").map_or_else(|| json!({}), object_body),
            );
            "storage.objects.rewrite"
        }
        ("Storage", "ComposeObject") => {
            let given = message.get("destination").cloned().unwrap_or_else(|| json!({}));
            let of = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
            put("destinationBucket", json!(piece(of("bucket"), "buckets")));
            put("destinationObject", json!(of("name")));
            let sources = message.get("sourceObjects").cloned().unwrap_or_else(|| json!([]));
            put(
                "body",
                json!({"destination": object_body(&given), "sourceObjects": sources}),
            );
            "storage.objects.compose"
        }
        ("StorageControl", "GetStorageLayout") => {
            put("bucket", json!(bucket("name")));
            "storage.buckets.getStorageLayout"
        }
        ("StorageControl", "CreateManagedFolder") => {
            put("bucket", json!(bucket("parent")));
            put("body", json!({"name": text("managedFolderId")}));
            "storage.managedFolders.insert"
        }
        ("StorageControl", "GetManagedFolder" | "DeleteManagedFolder") => {
            let (bucket, folder) = folder(&text("name"));
            put("bucket", json!(bucket));
            put("managedFolder", json!(folder));
            put(
                "allowNonEmpty",
                message.get("allowNonEmpty").cloned().unwrap_or_default(),
            );
            match method {
                "GetManagedFolder" => "storage.managedFolders.get",
                _ => "storage.managedFolders.delete",
            }
        }
        ("StorageControl", "ListManagedFolders") => {
            put("bucket", json!(bucket("parent")));
            for name in ["pageSize", "pageToken", "prefix"] {
                put(name, message.get(name).cloned().unwrap_or_default());
            }
            "storage.managedFolders.list"
        }
        ("StorageControl", "GetIamPolicy" | "SetIamPolicy" | "TestIamPermissions") => {
            let (bucket, folder) = folder(&text("resource"));
            put("bucket", json!(bucket));
            let of_folder = !folder.is_empty();
            put(
                "managedFolder",
                if of_folder { json!(folder) } else { Value::Null },
            );
            let version = message.pointer("/options/requestedPolicyVersion").cloned();
            put("optionsRequestedPolicyVersion", version.unwrap_or_default());
            put(
                "permissions",
                message.get("permissions").cloned().unwrap_or_default(),
            );
            put("body", message.get("policy").cloned().unwrap_or_default());
            match (method, of_folder) {
                ("GetIamPolicy", false) => "storage.buckets.getIamPolicy",
                ("GetIamPolicy", true) => "storage.managedFolders.getIamPolicy",
                ("SetIamPolicy", false) => "storage.buckets.setIamPolicy",
                ("SetIamPolicy", true) => "storage.managedFolders.setIamPolicy",
                (_, false) => "storage.buckets.testIamPermissions",
                (_, true) => "storage.managedFolders.testIamPermissions",
            }
        }
        _ => return Err(not_carried(&format!("{service}/{method}"))),
    };
    Ok((operation, input))
}

/// Conditions have the same names in both.
fn conditions(message: &Value) -> Value {
    message
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.starts_with("if"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect::<Map<_, _>>()
        .into()
}

/// Bucket and folder of `projects/_/buckets/b/managedFolders/a/b/`.
fn folder(name: &str) -> (String, String) {
    let folder = name
        .split_once("/managedFolders/")
        .map_or("", |(_, folder)| folder);
    (piece(name, "buckets").to_owned(), folder.to_owned())
}

/// A message with members under other names, one level deep and inside those that differ there.
fn renamed(given: &Value, names: &[(&str, &str)]) -> Value {
    given
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let to = names
                .iter()
                .find(|(from, _)| from == name)
                .map_or(name.as_str(), |(_, to)| *to);
            (to.to_owned(), value.clone())
        })
        .collect::<Map<_, _>>()
        .into()
}

/// A bucket of the JSON API.
fn bucket_body(given: &Value) -> Value {
    let mut body = renamed(given, &BUCKET);
    if let Some(members) = body.as_object_mut() {
        // Names and what only the service sets.
        for member in [
            "name",
            "bucketId",
            "project",
            "etag",
            "metageneration",
            "timeCreated",
            "updated",
            "locationType",
        ] {
            members.remove(member);
        }
    }
    for (member, names) in INSIDE {
        if let Some(value) = body.get(member).cloned() {
            body[member] = renamed(&value, names);
        }
    }
    if let Some(lock) = body.pointer_mut("/iamConfiguration/uniformBucketLevelAccess") {
        *lock = renamed(lock, &[("lockTime", "lockedTime")]);
    }
    if let Some(seconds) = body.pointer_mut("/softDeletePolicy/retentionDurationSeconds") {
        *seconds = plain_seconds(seconds);
    }
    if let Some(seconds) = body.pointer_mut("/retentionPolicy/retentionPeriod") {
        *seconds = plain_seconds(seconds);
    }
    if let Some(target) = body.pointer_mut("/logging/logBucket") {
        *target = json!(
            target
                .as_str()
                .unwrap_or_default()
                .trim_start_matches("projects/_/buckets/")
        );
    }
    for rule in body
        .pointer_mut("/lifecycle/rule")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(condition) = rule.get_mut("condition") {
            *condition = renamed(condition, &[("ageDays", "age")]);
            for name in ["createdBefore", "customTimeBefore", "noncurrentTimeBefore"] {
                if let Some(date) = condition.get_mut(name) {
                    let part = |name: &str| date.get(name).and_then(Value::as_i64).unwrap_or(0);
                    *date = json!(format!(
                        "{:04}-{:02}-{:02}",
                        part("year"),
                        part("month"),
                        part("day")
                    ));
                }
            }
        }
    }
    body
}

/// `604800` for `604800s`.
fn plain_seconds(value: &Value) -> Value {
    let text = value.as_str().unwrap_or_default().trim_end_matches('s');
    json!(text.split('.').next().unwrap_or_default())
}

/// An object of the JSON API.
fn object_body(given: &Value) -> Value {
    renamed(given, &OBJECT)
}

/// A patch of what a mask names, and which members are replaced whole.
fn masked(mask: &str, body: &Value, names: &[(&str, &str)]) -> Result<(Value, Vec<String>), Refusal> {
    if mask.is_empty() {
        return Err(invalid("The update_mask is required."));
    }
    let to = |name: &str| {
        names
            .iter()
            .find(|(from, _)| *from == name)
            .map_or_else(|| name.to_owned(), |(_, to)| (*to).to_owned())
    };
    let mut patch = json!({});
    let mut whole = Vec::new();
    let paths: Vec<&str> = if mask == "*" {
        body.as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect()
    } else {
        mask.split(',').collect()
    };
    for path in paths {
        let mut pieces = path.splitn(2, '.');
        let member = to(pieces.next().unwrap_or_default());
        match pieces.next() {
            None => {
                patch[&member] = body.get(&member).cloned().unwrap_or_default();
                whole.push(member);
            }
            Some(rest) => {
                // Inside, names differ for some; keys of labels are data.
                let inside = INSIDE
                    .iter()
                    .find(|(known, _)| *known == member)
                    .map_or(&[][..], |(_, names)| *names);
                let rest = rest
                    .split('.')
                    .map(|piece| {
                        inside
                            .iter()
                            .find(|(from, _)| *from == piece)
                            .map_or(piece, |(_, to)| *to)
                    })
                    .collect::<Vec<_>>();
                let value = body
                    .pointer(&format!("/{member}/{}", rest.join("/")))
                    .cloned()
                    .unwrap_or_default();
                let mut place = &mut patch[&member];
                for piece in rest {
                    place = &mut place[piece];
                }
                *place = value;
            }
        }
    }
    Ok((patch, whole))
}
