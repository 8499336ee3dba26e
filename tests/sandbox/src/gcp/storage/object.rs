//! Objects: versions, pre-conditions, lists, copies.

use std::collections::BTreeSet;

use bytes::Bytes;
use jiff::SignedDuration;
use mlops_access::gcp::Resource;
use serde_json::{Value, json};

use super::{
    Bucket, Object, bucket_mut, bucket_of, check_metageneration, checksum, etag, number, retention, say,
    upload,
};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::gcp::names::moment;
use crate::gcp::policy;
use crate::gcp::refuse::not_carried;
use crate::world::World;

/// An object as the JSON API tells it.
pub(super) fn told(bucket: &Bucket, object: &Object) -> Value {
    let mut told = object.body.clone();
    let path = percent(&object.name);
    for (member, value) in [
        ("kind", json!("storage#object")),
        (
            "id",
            json!(format!("{}/{}/{}", bucket.name, object.name, object.generation)),
        ),
        ("name", json!(object.name)),
        ("bucket", json!(bucket.name)),
        (
            "selfLink",
            json!(format!(
                "https://www.googleapis.com/storage/v1/b/{}/o/{path}",
                bucket.name
            )),
        ),
        (
            "mediaLink",
            json!(format!(
                "https://storage.googleapis.com/download/storage/v1/b/{}/o/{path}?generation={}&alt=media",
                bucket.name, object.generation
            )),
        ),
        ("generation", json!(object.generation.to_string())),
        ("metageneration", json!(object.metageneration.to_string())),
        ("etag", json!(etag(object.generation + object.metageneration))),
        ("size", json!(object.content.len().to_string())),
        ("crc32c", json!(checksum::crc32c(&object.content))),
        ("md5Hash", json!(checksum::md5(&object.content))),
        ("timeCreated", json!(moment(object.created))),
        ("timeFinalized", json!(moment(object.created))),
        ("updated", json!(moment(object.updated))),
        ("timeStorageClassUpdated", json!(moment(object.created))),
    ] {
        told[member] = value;
    }
    if told.get("storageClass").is_none() {
        told["storageClass"] = bucket
            .body
            .get("storageClass")
            .cloned()
            .unwrap_or_else(|| json!("STANDARD"));
    }
    if let Some(until) = retention::until(bucket, object) {
        told["retentionExpirationTime"] = json!(moment(until));
    }
    if let Some(since) = object.noncurrent {
        told["timeDeleted"] = json!(moment(since));
    }
    if let Some((since, until)) = object.soft {
        told["softDeleteTime"] = json!(moment(since));
        told["hardDeleteTime"] = json!(moment(until));
    }
    if let Some(key) = bucket.body.pointer("/encryption/defaultKmsKeyName") {
        told["kmsKeyName"] = key.clone();
    }
    told
}

fn percent(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call, method: &str) -> Result<Answer, Refusal> {
    match method {
        "insert" => upload::answer(world, call),
        "list" => list(world, call),
        "get" => {
            let bucket = bucket_of(world, call)?;
            let object = find(bucket, call)?;
            check_generation(call, Some(object), "")?;
            check_metageneration(call, object.metageneration)?;
            Ok(Answer {
                output: told(bucket, object),
                payload: Some(Bytes::from(object.content.clone())),
            })
        }
        "delete" => delete(world, call),
        "patch" | "update" => update(world, call, method == "patch"),
        "compose" => compose(world, call),
        "copy" | "rewrite" => copy(world, call, method == "rewrite"),
        "restore" => restore(world, call),
        "testIamPermissions" => {
            let on = Resource::Object {
                bucket: bucket_of(world, call)?.name.clone(),
                name: call.required("object").to_owned(),
            };
            let mut held = policy::tested(world, call, &on);
            held["kind"] = json!("storage#testIamPermissionsResponse");
            Ok(held.into())
        }
        _ => Err(not_carried(&call.operation)),
    }
}

/// The version that a call names, or the live one.
fn find<'a>(bucket: &'a Bucket, call: &Call) -> Result<&'a Object, Refusal> {
    let name = call.required("object");
    let wanted = number(call, "generation").and_then(|wanted| u64::try_from(wanted).ok());
    let soft = call
        .input
        .get("softDeleted")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let found = match (wanted, soft) {
        (Some(wanted), true) => bucket
            .soft_deleted
            .iter()
            .find(|object| object.name == name && object.generation == wanted),
        (Some(wanted), false) => bucket
            .objects
            .get(name)
            .and_then(|versions| versions.iter().find(|object| object.generation == wanted)),
        (None, _) => bucket.live(name),
    };
    found.ok_or_else(|| say::no_object(&bucket.name, name))
}

/// `ifGenerationMatch` (0 = there must be no live version) and `ifGenerationNotMatch`, also those of a copy's source.
pub(super) fn check_generation(call: &Call, live: Option<&Object>, of: &str) -> Result<(), Refusal> {
    let standing = live.map_or(0, |object| i64::try_from(object.generation).unwrap_or(i64::MAX));
    let matches = number(call, &format!("if{of}GenerationMatch")).is_none_or(|wanted| wanted == standing);
    let differs =
        number(call, &format!("if{of}GenerationNotMatch")).is_none_or(|unwanted| unwanted != standing);
    if matches && differs {
        return Ok(());
    }
    Err(say::condition_not_met())
}

/// Names (<https://cloud.google.com/storage/docs/objects#naming>).
fn check_name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(say::required("name"));
    }
    if name.len() > 1_024
        || name.contains(['\r', '\n'])
        || name.starts_with(".well-known/acme-challenge/")
        || name == "."
        || name == ".."
    {
        return Err(say::invalid("Invalid object name."));
    }
    Ok(())
}

/// Writes a new live version.
pub(super) fn write(
    world: &mut World,
    call: &Call,
    name: &str,
    mut body: Value,
    content: Vec<u8>,
) -> Result<Value, Refusal> {
    check_name(name)?;
    let generation = super::bucket::generation(world, call);
    if let Some(members) = body.as_object_mut() {
        members.retain(|member, value| {
            !value.is_null()
                && matches!(
                    member.as_str(),
                    "contentType"
                        | "contentEncoding"
                        | "contentDisposition"
                        | "contentLanguage"
                        | "cacheControl"
                        | "metadata"
                        | "storageClass"
                        | "customTime"
                        | "eventBasedHold"
                        | "temporaryHold"
                        | "componentCount"
                        | "contexts"
                        | "retention"
                )
        });
    }
    let bucket = bucket_mut(world, call)?;
    check_generation(call, bucket.live(name), "")?;
    if let Some(live) = bucket.live(name) {
        check_metageneration(call, live.metageneration)?;
        retention::check(bucket, live, call.at)?;
    } else if number(call, "ifMetagenerationMatch").is_some() {
        return Err(say::condition_not_met());
    }
    retire(bucket, name, call);
    let object = Object {
        name: name.to_owned(),
        generation,
        metageneration: 1,
        body,
        content,
        created: call.at,
        updated: call.at,
        noncurrent: None,
        soft: None,
    };
    let told = told(bucket, &object);
    bucket.objects.entry(name.to_owned()).or_default().push(object);
    Ok(told)
}

/// Makes the live version an old one: kept where versions are kept, else softly deleted.
fn retire(bucket: &mut Bucket, name: &str, call: &Call) {
    let versioned = bucket.versioned();
    let soft = bucket.soft_seconds();
    let Some(versions) = bucket.objects.get_mut(name) else {
        return;
    };
    let Some(live) = versions.last_mut().filter(|object| object.noncurrent.is_none()) else {
        return;
    };
    live.noncurrent = Some(call.at);
    if !versioned {
        let object = versions.pop();
        if versions.is_empty() {
            bucket.objects.remove(name);
        }
        if let Some(object) = object {
            bury(bucket, object, soft, call);
        }
    }
}

fn bury(bucket: &mut Bucket, mut object: Object, soft: i64, call: &Call) {
    if soft > 0 {
        object.noncurrent = None;
        object.soft = Some((call.at, call.at + SignedDuration::from_secs(soft)));
        bucket.soft_deleted.push(object);
    }
}

fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = bucket_mut(world, call)?;
    let object = find(bucket, call)?.clone();
    check_generation(call, bucket.live(&object.name), "")?;
    check_metageneration(call, object.metageneration)?;
    let held = |member: &str| object.body.get(member).and_then(Value::as_bool).unwrap_or(false);
    if held("eventBasedHold") || held("temporaryHold") {
        // Words of Cloud Storage's, seen in public issues.
        return Err(Refusal::new(
            403,
            "PERMISSION_DENIED",
            format!("Object '{}/{}' is under active hold and cannot be deleted, overwritten or archived until hold is removed.", bucket.name, object.name),
        )
        .with("reason", "forbidden"));
    }
    retention::check(bucket, &object, call.at)?;
    if number(call, "generation").is_none() {
        retire(bucket, &object.name, call);
        return Ok(Answer::empty());
    }
    // A version that is named is gone, also where versions are kept.
    let soft = bucket.soft_seconds();
    if let Some(versions) = bucket.objects.get_mut(&object.name) {
        versions.retain(|known| known.generation != object.generation);
        if versions.is_empty() {
            bucket.objects.remove(&object.name);
        }
    }
    bury(bucket, object, soft, call);
    Ok(Answer::empty())
}

fn update(world: &mut World, call: &Call, patch: bool) -> Result<Answer, Refusal> {
    let bucket = bucket_mut(world, call)?;
    let object = find(bucket, call)?.clone();
    check_generation(call, Some(&object), "")?;
    check_metageneration(call, object.metageneration)?;
    let given = call.body();
    let name = object.name.clone();
    let found = bucket
        .objects
        .get_mut(&name)
        .and_then(|versions| {
            versions
                .iter_mut()
                .find(|known| known.generation == object.generation)
        })
        .ok_or_else(|| say::no_object("", &name))?;
    if !patch && let Some(body) = found.body.as_object_mut() {
        body.retain(|member, _| {
            matches!(member.as_str(), "storageClass" | "componentCount") || given.get(member).is_some()
        });
    }
    for (member, value) in given.as_object().into_iter().flatten() {
        if matches!(
            member.as_str(),
            "contentType"
                | "contentEncoding"
                | "contentDisposition"
                | "contentLanguage"
                | "cacheControl"
                | "metadata"
                | "customTime"
                | "eventBasedHold"
                | "temporaryHold"
                | "contexts"
                | "retention"
        ) {
            crate::gcp::merge::merge(&mut found.body[member.as_str()], value);
        }
    }
    if let Some(body) = found.body.as_object_mut() {
        body.retain(|_, value| !value.is_null());
    }
    found.metageneration += 1;
    found.updated = call.at;
    let object = found.clone();
    Ok(told(bucket, &object).into())
}

fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = bucket_of(world, call)?;
    if call.text("matchGlob").is_some_and(|glob| !glob.is_empty())
        || call.text("filter").is_some_and(|filter| !filter.is_empty())
    {
        return Err(not_carried("storage.objects.list with matchGlob or filter"));
    }
    let flag = |member: &str| call.input.get(member).and_then(Value::as_bool).unwrap_or(false);
    let prefix = call.text("prefix").unwrap_or_default();
    let delimiter = call.text("delimiter").unwrap_or_default();
    let start = call.text("startOffset").unwrap_or_default();
    let end = call.text("endOffset").unwrap_or_default();
    let all: Vec<&Object> = if flag("softDeleted") {
        bucket.soft_deleted.iter().collect()
    } else {
        bucket
            .objects
            .values()
            .flatten()
            .filter(|object| flag("versions") || object.noncurrent.is_none())
            .collect()
    };
    // Names and prefixes share a page: each is an entry.
    let mut entries: Vec<(String, Option<Value>)> = Vec::new();
    let mut prefixes = BTreeSet::new();
    for object in all {
        let name = object.name.as_str();
        if !name.starts_with(prefix) || name < start || (!end.is_empty() && name >= end) {
            continue;
        }
        let rest = &name[prefix.len()..];
        let cut = (!delimiter.is_empty()).then(|| rest.find(delimiter)).flatten();
        match cut {
            Some(at) => {
                let folder = format!("{prefix}{}", &rest[..at + delimiter.len()]);
                let itself = rest.len() == at + delimiter.len() && flag("includeTrailingDelimiter");
                if prefixes.insert(folder.clone()) {
                    entries.push((folder, None));
                }
                if itself {
                    entries.push((name.to_owned(), Some(told(bucket, object))));
                }
            }
            None => entries.push((name.to_owned(), Some(told(bucket, object)))),
        }
    }
    entries.sort_by(|one, two| one.0.cmp(&two.0));
    let from: usize = match call.text("pageToken") {
        None | Some("") => 0,
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|from| from.parse().ok())
            .filter(|from| *from <= entries.len())
            .ok_or_else(|| say::invalid("Invalid page token."))?,
    };
    let asked = call
        .input
        .get("maxResults")
        .and_then(Value::as_u64)
        .filter(|size| *size > 0)
        .map_or(1_000, |size| usize::try_from(size).unwrap_or(1_000));
    let size = match world.behaviour.page {
        0 => asked,
        most => asked.min(most),
    };
    let mut output = json!({"kind": "storage#objects"});
    if entries.len() > from + size {
        output["nextPageToken"] = json!(format!("page-{}", from + size));
    }
    let shown: Vec<(String, Option<Value>)> = entries.into_iter().skip(from).take(size).collect();
    let items: Vec<Value> = shown.iter().filter_map(|(_, object)| object.clone()).collect();
    let folders: Vec<&String> = shown
        .iter()
        .filter(|(_, object)| object.is_none())
        .map(|(name, _)| name)
        .collect();
    if !items.is_empty() {
        output["items"] = Value::Array(items);
    }
    if !folders.is_empty() {
        output["prefixes"] = json!(folders);
    }
    Ok(output.into())
}

/// A call that is about another bucket or object than the one it names.
fn about(call: &Call, bucket: &str, object: &str) -> Call {
    let mut other = call.clone();
    other.input["bucket"] = json!(bucket);
    other.input["object"] = json!(object);
    other
}

fn copy(world: &mut World, call: &Call, rewrite: bool) -> Result<Answer, Refusal> {
    let mut from = about(call, call.required("sourceBucket"), call.required("sourceObject"));
    from.input["generation"] = call.input.get("sourceGeneration").cloned().unwrap_or_default();
    let source = find(bucket_of(world, &from)?, &from)?.clone();
    check_generation(call, Some(&source), "Source")?;
    let mut body = source.body.clone();
    for (member, value) in call.body().as_object().into_iter().flatten() {
        body[member.as_str()] = value.clone();
    }
    let name = call.required("destinationObject").to_owned();
    let to = about(call, call.required("destinationBucket"), &name);
    let size = source.content.len();
    let object = write(world, &to, &name, body, source.content)?;
    if !rewrite {
        return Ok(object.into());
    }
    Ok(json!({
        "kind": "storage#rewriteResponse",
        "done": true,
        "objectSize": size.to_string(),
        "totalBytesRewritten": size.to_string(),
        "resource": object,
    })
    .into())
}

/// Joins up to 32 objects (<https://cloud.google.com/storage/docs/composite-objects>).
fn compose(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = call
        .text("destinationBucket")
        .or_else(|| call.text("bucket"))
        .unwrap_or_default()
        .to_owned();
    let name = call.required("destinationObject").to_owned();
    let sources = call
        .body()
        .get("sourceObjects")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if sources.is_empty() || sources.len() > 32 {
        return Err(say::invalid("The number of source components must be 1 to 32."));
    }
    let mut content = Vec::new();
    for source in &sources {
        let mut from = about(
            call,
            &bucket,
            source.get("name").and_then(Value::as_str).unwrap_or_default(),
        );
        from.input["generation"] = source.get("generation").cloned().unwrap_or_default();
        content.extend_from_slice(&find(bucket_of(world, &from)?, &from)?.content);
    }
    let mut body = call
        .body()
        .get("destination")
        .cloned()
        .unwrap_or_else(|| json!({}));
    body["componentCount"] = json!(sources.len());
    let to = about(call, &bucket, &name);
    let told = write(world, &to, &name, body, content)?;
    Ok(told.into())
}

/// Brings a softly deleted version back as the live one.
fn restore(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("object").to_owned();
    let wanted = number(call, "generation").and_then(|wanted| u64::try_from(wanted).ok());
    let bucket = bucket_mut(world, call)?;
    let place = bucket
        .soft_deleted
        .iter()
        .position(|object| object.name == name && Some(object.generation) == wanted)
        .ok_or_else(|| say::no_object(&bucket.name, &name))?;
    let object = bucket.soft_deleted.get(place).cloned();
    let Some(object) = object else {
        return Err(say::no_object("", &name));
    };
    let mut plain = call.clone();
    // The condition on generations is about the live one.
    plain.input["generation"] = Value::Null;
    let told = write(world, &plain, &name, object.body, object.content)?;
    Ok(told.into())
}
