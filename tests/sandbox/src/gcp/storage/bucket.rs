//! Buckets.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use mlops_access::gcp::Resource;
use serde_json::{Value, json};

use super::{
    Bucket, agent, bucket_mut, bucket_of, check_metageneration, etag, number, policy_told, project_of,
    replaced, retention, say,
};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::gcp::names::{is_region, moment, piece};
use crate::gcp::page::page;
use crate::gcp::policy::{self, Policy};
use crate::gcp::{cloudkms, refuse};
use crate::world::World;

/// Soft deletion unless told otherwise, and its bounds, in seconds (<https://cloud.google.com/storage/docs/soft-delete>).
const SOFT: i64 = 604_800;
const LONGEST_SOFT: i64 = 7_776_000;

/// Places beside regions (<https://cloud.google.com/storage/docs/locations>).
const MULTI: [&str; 3] = ["ASIA", "EU", "US"];
const DUAL: [&str; 4] = ["ASIA1", "EUR4", "EUR5", "NAM4"];

const CLASSES: [&str; 4] = ["STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"];

/// A bucket as the JSON API tells it.
pub(super) fn told(world: &World, bucket: &Bucket) -> Value {
    let mut told = bucket.body.clone();
    let number = world
        .gcp
        .projects
        .get(&bucket.project)
        .map_or(0, |project| project.number);
    for (member, value) in [
        ("kind", json!("storage#bucket")),
        ("id", json!(bucket.name)),
        ("name", json!(bucket.name)),
        (
            "selfLink",
            json!(format!("https://www.googleapis.com/storage/v1/b/{}", bucket.name)),
        ),
        ("projectNumber", json!(number.to_string())),
        ("generation", json!(bucket.generation.to_string())),
        ("metageneration", json!(bucket.metageneration.to_string())),
        ("etag", json!(etag(bucket.metageneration))),
        ("timeCreated", json!(moment(bucket.created))),
        ("updated", json!(moment(bucket.updated))),
    ] {
        told[member] = value;
    }
    if let Some(expires) = bucket.expires {
        told["hardDeleteTime"] = json!(moment(expires));
        told["softDeleteTime"] = json!(moment(bucket.updated));
    }
    told
}

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call, method: &str) -> Result<Answer, Refusal> {
    match method {
        "insert" => insert(world, call),
        "list" => list(world, call),
        "get" => {
            let bucket = bucket_of(world, call)?;
            check_metageneration(call, bucket.metageneration)?;
            Ok(told(world, bucket).into())
        }
        "lockRetentionPolicy" => retention::lock(world, call),
        "patch" | "update" => update(world, call, method == "patch"),
        "delete" => delete(world, call),
        "restore" => restore(world, call),
        "getStorageLayout" => {
            let bucket = bucket_of(world, call)?;
            Ok(json!({
                "kind": "storage#storageLayout",
                "bucket": bucket.name,
                "location": bucket.body.get("location"),
                "locationType": bucket.body.get("locationType"),
                "hierarchicalNamespace": {"enabled": bucket.flag("/hierarchicalNamespace/enabled")},
            })
            .into())
        }
        "getIamPolicy" => {
            let bucket = bucket_of(world, call)?;
            let resource = format!("projects/_/buckets/{}", bucket.name);
            Ok(policy_told(&bucket.policy, &resource, policy::requested(call)).into())
        }
        "setIamPolicy" => {
            let bucket = bucket_of(world, call)?.clone();
            let policy = replaced(world, call, &bucket.policy, &bucket)?;
            bucket_mut(world, call)?.policy = policy.clone();
            Ok(policy_told(&policy, &format!("projects/_/buckets/{}", bucket.name), 3).into())
        }
        "testIamPermissions" => {
            let name = bucket_of(world, call)?.name.clone();
            let mut held = policy::tested(world, call, &Resource::Bucket(name));
            held["kind"] = json!("storage#testIamPermissionsResponse");
            Ok(held.into())
        }
        _ => Err(refuse::not_carried(&call.operation)),
    }
}

/// Name rules (<https://cloud.google.com/storage/docs/buckets#naming>). Names with dots need a verified domain: refused.
fn check_name(name: &str) -> Result<(), Refusal> {
    let good = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || matches!(character, '-' | '_')
    };
    let ends = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    if name.contains('.') && name.chars().all(|character| good(character) || character == '.') {
        return Err(Refusal::new(
            403,
            "PERMISSION_DENIED",
            "Another user owns the domain, or a parent domain of, the bucket name: verify that you own it.",
        )
        .with("reason", "forbidden"));
    }
    let fits = (3..=63).contains(&name.len())
        && name.chars().all(good)
        && name.starts_with(ends)
        && name.ends_with(ends)
        && !name.starts_with("goog")
        && !name.contains("google");
    if fits {
        return Ok(());
    }
    Err(say::invalid(format!("Invalid bucket name: '{name}'")))
}

fn insert(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = project_of(world, call)?;
    let mut body = call.body().clone();
    let name = body
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if name.is_empty() {
        return Err(say::required("name"));
    }
    check_name(&name)?;
    if let Some(standing) = world.gcp.buckets.get(&name) {
        // Words of Cloud Storage's, seen in public issues. JSON says 409 and `conflict`; gRPC does not say ALREADY_EXISTS but
        // FAILED_PRECONDITION (googleapis/google-cloud-cpp#10799).
        return Err(say::in_use(if standing.project == id {
            "Your previous request to create the named bucket succeeded and you already own it."
        } else {
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a \
             different name and try again."
        }));
    }
    if let Some(members) = body.as_object_mut() {
        // What only Cloud Storage sets.
        for member in [
            "kind",
            "id",
            "name",
            "selfLink",
            "projectNumber",
            "generation",
            "metageneration",
            "etag",
            "timeCreated",
            "updated",
            "locationType",
            "hardDeleteTime",
            "softDeleteTime",
            "objectRetention",
        ] {
            members.remove(member);
        }
        members.retain(|_, value| !value.is_null());
    }
    let location = body
        .get("location")
        .and_then(Value::as_str)
        .unwrap_or("US")
        .to_uppercase();
    let kind = if MULTI.contains(&location.as_str()) {
        "multi-region"
    } else if DUAL.contains(&location.as_str()) {
        "dual-region"
    } else if is_region(&location.to_lowercase()) {
        "region"
    } else {
        return Err(say::invalid("The specified location constraint is not valid."));
    };
    body["location"] = json!(location);
    body["locationType"] = json!(kind);
    if body.get("storageClass").is_none() {
        body["storageClass"] = json!("STANDARD");
    }
    if call.input.get("enableObjectRetention").and_then(Value::as_bool) == Some(true) {
        body["objectRetention"] = json!({"mode": "Enabled"});
    }
    if body.get("softDeletePolicy").is_none() {
        body["softDeletePolicy"] = json!({"retentionDurationSeconds": SOFT.to_string()});
    }
    complete(&mut body, call)?;
    retention::complete(&Value::Null, &mut body, call.at)?;
    if body.pointer("/hierarchicalNamespace/enabled") == Some(&json!(true))
        && body.pointer("/iamConfiguration/uniformBucketLevelAccess/enabled") != Some(&json!(true))
    {
        // <https://cloud.google.com/storage/docs/hns-overview>; words are a guess.
        return Err(say::invalid(
            "Hierarchical namespace buckets must use uniform bucket-level access.",
        ));
    }
    check(world, &id, &body)?;
    pace(world, call, &id)?;
    let uniform = body.pointer("/iamConfiguration/uniformBucketLevelAccess/enabled") == Some(&json!(true));
    let bucket = Bucket {
        name: name.clone(),
        project: id.clone(),
        body,
        metageneration: 1,
        generation: generation(world, call),
        created: call.at,
        updated: call.at,
        policy: first_policy(&id, uniform),
        folders: BTreeMap::new(),
        objects: BTreeMap::new(),
        soft_deleted: Vec::new(),
        expires: None,
    };
    let told = told(world, &bucket);
    world.gcp.buckets.insert(name, bucket);
    Ok(told.into())
}

/// A project makes and deletes about one bucket in two seconds (<https://cloud.google.com/storage/quotas#buckets>). Only where
/// `storage.bucket.pace` is among the durations, because most tests and people at a desk would rather not wait.
fn pace(world: &mut World, call: &Call, project: &str) -> Result<(), Refusal> {
    let Some(seconds) = world.behaviour.durations.get("storage.bucket.pace") else {
        return Ok(());
    };
    let free = world
        .gcp
        .bucket_changes
        .get(project)
        .map(|last| *last + SignedDuration::from_secs_f64(*seconds));
    if free.is_some_and(|free| call.at < free) {
        return Err(say::too_fast());
    }
    world.gcp.bucket_changes.insert(project.to_owned(), call.at);
    Ok(())
}

/// Numbers of versions grow: microseconds of the clock, and something below so that no two are the same.
pub(super) fn generation(world: &mut World, call: &Call) -> u64 {
    let micros = u64::try_from(call.at.as_microsecond()).unwrap_or(0);
    let newest = world
        .gcp
        .buckets
        .values()
        .flat_map(|bucket| {
            let objects = bucket.objects.values().flatten().chain(&bucket.soft_deleted);
            objects.map(|object| object.generation).chain([bucket.generation])
        })
        .max()
        .unwrap_or(0);
    micros.max(newest + 1)
}

/// The grants that every fresh bucket has (<https://cloud.google.com/storage/docs/access-control/iam-roles#basic-roles-intrinsic>).
fn first_policy(project: &str, uniform: bool) -> Policy {
    let owner = format!("projectOwner:{project}");
    let editor = format!("projectEditor:{project}");
    let viewer = format!("projectViewer:{project}");
    let mut policy = Policy::of(&[
        ("roles/storage.legacyBucketOwner", &editor),
        ("roles/storage.legacyBucketReader", &viewer),
    ]);
    if let Some(binding) = policy.bindings.first_mut() {
        binding.members.push(owner.clone());
    }
    if uniform {
        let objects = Policy::of(&[
            ("roles/storage.legacyObjectOwner", &editor),
            ("roles/storage.legacyObjectReader", &viewer),
        ]);
        policy.bindings.extend(objects.bindings);
        if let Some(binding) = policy.bindings.get_mut(2) {
            binding.members.push(owner);
        }
    }
    policy.etag = etag(1);
    policy
}

/// Fills in what follows from what was set.
fn complete(body: &mut Value, call: &Call) -> Result<(), Refusal> {
    let uniform = body.pointer("/iamConfiguration/uniformBucketLevelAccess/enabled") == Some(&json!(true))
        || body.pointer("/iamConfiguration/bucketPolicyOnly/enabled") == Some(&json!(true));
    let mut access = json!({"enabled": uniform});
    if uniform {
        // After ninety days it cannot be taken back (<https://cloud.google.com/storage/docs/uniform-bucket-level-access>).
        let locks = body
            .pointer("/iamConfiguration/uniformBucketLevelAccess/lockedTime")
            .cloned()
            .unwrap_or_else(|| json!(moment(call.at + SignedDuration::from_hours(90 * 24))));
        access["lockedTime"] = locks;
    }
    let prevention = body
        .pointer("/iamConfiguration/publicAccessPrevention")
        .and_then(Value::as_str)
        .unwrap_or("inherited")
        .to_owned();
    if !matches!(prevention.as_str(), "inherited" | "enforced" | "unspecified") {
        return Err(say::invalid(format!(
            "Invalid value for publicAccessPrevention: {prevention}"
        )));
    }
    let prevention = if prevention == "unspecified" {
        "inherited"
    } else {
        prevention.as_str()
    };
    body["iamConfiguration"] = json!({
        "bucketPolicyOnly": access,
        "uniformBucketLevelAccess": access,
        "publicAccessPrevention": prevention,
    });
    let soft = body
        .pointer("/softDeletePolicy/retentionDurationSeconds")
        .and_then(Value::as_str)
        .and_then(|seconds| seconds.parse::<i64>().ok());
    if let Some(seconds) = soft {
        if seconds != 0 && !(SOFT..=LONGEST_SOFT).contains(&seconds) {
            return Err(say::invalid(format!(
                "Soft delete policy retention duration must be 0 or between {SOFT} and {LONGEST_SOFT} seconds; it is {seconds}."
            )));
        }
        if body.pointer("/softDeletePolicy/effectiveTime").is_none() {
            body["softDeletePolicy"]["effectiveTime"] = json!(moment(call.at));
        }
    }
    Ok(())
}

/// What cannot be: classes, labels, rules, keys.
fn check(world: &World, project: &str, body: &Value) -> Result<(), Refusal> {
    let class = body
        .get("storageClass")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !CLASSES.contains(&class) {
        return Err(say::invalid(format!("Invalid storage class: {class}")));
    }
    for (key, value) in body
        .get("labels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let fits = |text: &str| {
            text.chars().count() <= 63
                && text.chars().all(|character| {
                    character.is_lowercase() || character.is_numeric() || matches!(character, '_' | '-')
                })
        };
        if key.is_empty() || !fits(key) || !value.as_str().is_some_and(fits) {
            return Err(say::invalid(format!("Invalid label: '{key}': {value}")));
        }
    }
    for rule in body
        .pointer("/lifecycle/rule")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let action = rule
            .pointer("/action/type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let class = rule
            .pointer("/action/storageClass")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let known = match action {
            "Delete" | "AbortIncompleteMultipartUpload" => true,
            "SetStorageClass" => CLASSES.contains(&class),
            _ => false,
        };
        let conditions = rule
            .get("condition")
            .and_then(Value::as_object)
            .map_or(0, serde_json::Map::len);
        if !known || conditions == 0 {
            return Err(say::invalid(
                "Invalid lifecycle rule: it needs a known action and a condition.",
            ));
        }
        let prefixed = [
            "isLive",
            "numNewerVersions",
            "daysSinceNoncurrentTime",
            "matchesStorageClass",
        ];
        if action == "AbortIncompleteMultipartUpload"
            && prefixed
                .iter()
                .any(|name| rule.pointer(&format!("/condition/{name}")).is_some())
        {
            // Only age and names (<https://cloud.google.com/storage/docs/lifecycle#abort-mpu>).
            return Err(say::invalid(
                "AbortIncompleteMultipartUpload can be used with the conditions age, matchesPrefix and matchesSuffix only.",
            ));
        }
    }
    let key = body
        .pointer("/encryption/defaultKmsKeyName")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !key.is_empty() {
        let place = body
            .get("location")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_lowercase();
        let number = world.gcp.project(project)?.number;
        let key_place = piece(key, "locations");
        if key_place != place && !(key_place == "europe" && place == "eu") {
            // <https://cloud.google.com/storage/docs/encryption/customer-managed-keys>; words are a guess.
            return Err(say::invalid(format!(
                "Cloud KMS key location {key_place} does not match the bucket's location {place}."
            )));
        }
        if !cloudkms::may_encrypt(world, key, &agent(number)) {
            // Words from hashicorp/terraform-provider-google#10310.
            return Err(Refusal::new(
                403,
                "PERMISSION_DENIED",
                "Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service account has been authorized to \
                 use this key.",
            )
            .with("reason", "forbidden"));
        }
    }
    Ok(())
}

fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let id = project_of(world, call)?;
    let prefix = call.text("prefix").unwrap_or_default();
    let soft = call
        .input
        .get("softDeleted")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    let all: Vec<&Bucket> = if soft {
        world.gcp.deleted_buckets.iter().collect()
    } else {
        world.gcp.buckets.values().collect()
    };
    let buckets = all
        .into_iter()
        .filter(|bucket| bucket.project == id && bucket.name.starts_with(prefix))
        .map(|bucket| told(world, bucket))
        .collect();
    let mut answer = page(call, &world.behaviour, "items", "maxResults", 1_000, buckets)?;
    answer.output["kind"] = json!("storage#buckets");
    Ok(answer)
}

/// Patches (RFC 7396) or replaces.
fn update(world: &mut World, call: &Call, patch: bool) -> Result<Answer, Refusal> {
    let standing = bucket_of(world, call)?.clone();
    check_metageneration(call, standing.metageneration)?;
    let given = call.body();
    for fixed in [
        "location",
        "locationType",
        "projectNumber",
        "hierarchicalNamespace",
    ] {
        let (before, after) = (standing.body.get(fixed), given.get(fixed));
        let same = |before: Option<&Value>, after: &Value| match (before, after) {
            (Some(Value::String(before)), Value::String(after)) => before.eq_ignore_ascii_case(after),
            (before, after) => before == Some(after),
        };
        if fixed != "projectNumber" && after.is_some_and(|after| !after.is_null() && !same(before, after)) {
            return Err(say::invalid(format!(
                "The {fixed} of a bucket cannot be changed."
            )));
        }
    }
    let mut body = standing.body.clone();
    let replaced_whole: Vec<&str> = call
        .input
        .get("$replace")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (member, value) in given.as_object().into_iter().flatten() {
        match member.as_str() {
            "kind"
            | "id"
            | "name"
            | "selfLink"
            | "projectNumber"
            | "generation"
            | "metageneration"
            | "etag"
            | "timeCreated"
            | "updated"
            | "location"
            | "locationType"
            | "objectRetention"
            | "hierarchicalNamespace" => {}
            // gRPC's masks name members that are set whole.
            member if replaced_whole.contains(&member) => body[member] = value.clone(),
            _ => crate::gcp::merge::merge(&mut body[member.as_str()], value),
        }
    }
    if !patch && let (Some(body), Some(given)) = (body.as_object_mut(), given.as_object()) {
        let kept = [
            "location",
            "locationType",
            "storageClass",
            "objectRetention",
            "hierarchicalNamespace",
            "iamConfiguration",
            "softDeletePolicy",
        ];
        body.retain(|member, _| given.contains_key(member) || kept.contains(&member.as_str()));
    }
    if let Some(body) = body.as_object_mut() {
        body.retain(|_, value| !value.is_null());
    }
    let before = standing
        .body
        .pointer("/softDeletePolicy/retentionDurationSeconds");
    if body.pointer("/softDeletePolicy/retentionDurationSeconds") != before
        && let Some(policy) = body.get_mut("softDeletePolicy").and_then(Value::as_object_mut)
    {
        policy.remove("effectiveTime");
    }
    complete(&mut body, call)?;
    retention::complete(&standing.body, &mut body, call.at)?;
    check(world, &standing.project, &body)?;
    let bucket = bucket_mut(world, call)?;
    bucket.body = body;
    bucket.metageneration += 1;
    bucket.updated = call.at;
    let bucket = bucket.clone();
    Ok(told(world, &bucket).into())
}

fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = bucket_of(world, call)?;
    check_metageneration(call, bucket.metageneration)?;
    // Old versions and managed folders count (the latter is a guess); softly deleted objects do not.
    if !bucket.objects.is_empty() || !bucket.folders.is_empty() {
        return Err(say::in_use("The bucket you tried to delete is not empty."));
    }
    let (soft, project) = (bucket.soft_seconds(), bucket.project.clone());
    pace(world, call, &project)?;
    if let Some(mut bucket) = world.gcp.buckets.remove(call.required("bucket"))
        && soft > 0
    {
        bucket.expires = Some(call.at + SignedDuration::from_secs(soft));
        bucket.updated = call.at;
        world.gcp.deleted_buckets.push(bucket);
    }
    Ok(Answer::empty())
}

/// Brings a softly deleted bucket back (<https://cloud.google.com/storage/docs/use-soft-deleted-buckets>).
fn restore(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("bucket");
    let wanted = number(call, "generation").and_then(|wanted| u64::try_from(wanted).ok());
    let place = world
        .gcp
        .deleted_buckets
        .iter()
        .position(|bucket| bucket.name == name && Some(bucket.generation) == wanted)
        .ok_or_else(say::no_bucket)?;
    if world.gcp.buckets.contains_key(name) {
        return Err(say::conflict("A live bucket of this name exists."));
    }
    let mut bucket = world.gcp.deleted_buckets.remove(place);
    bucket.expires = None;
    bucket.updated = call.at;
    let told = told(world, &bucket);
    world.gcp.buckets.insert(name.to_owned(), bucket);
    Ok(told.into())
}
