//! Cloud Logging's configuration: settings, log buckets, sinks (<https://cloud.google.com/logging/docs/reference/v2/rest>).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::names::{check_location, piece, short};
use super::page::page;
use super::refuse::{exists, invalid, not_carried, not_found, precondition};
use super::{Project, cloudkms};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// For so long a deleted bucket can be brought back (description of `undelete`).
const UNDELETABLE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A log bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogBucket {
    /// As the API describes it.
    pub body: Value,
    /// When it is gone for good; deleted if there is such a time.
    pub expires: Option<Timestamp>,
}

/// Purges.
pub(super) fn settle(project: &mut Project, at: Timestamp) {
    project
        .log_buckets
        .retain(|_, bucket| bucket.expires.is_none_or(|expires| at < expires));
}

/// Logging's own account of a project: its number is not the project's, so it has to be asked for
/// (<https://cloud.google.com/logging/docs/routing/managed-encryption>).
fn agent(number: u64) -> String {
    format!("cmek-p{number}@gcp-sa-logging.iam.gserviceaccount.com")
}

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let method = call
        .operation
        .strip_prefix("logging.projects.")
        .unwrap_or_default();
    let name = ["name", "parent", "sinkName"]
        .iter()
        .find_map(|member| call.text(member))
        .unwrap_or_default();
    let name = world.gcp.with_id(name)?;
    match method {
        "getSettings" | "getCmekSettings" => {
            let project = world.gcp.project_mut(&name)?;
            let number = project.number;
            // Asking makes it.
            project.agents.insert(agent(number));
            let id = name
                .trim_end_matches("/settings")
                .trim_end_matches("/cmekSettings");
            Ok(if method == "getSettings" {
                json!({
                    "name": format!("{id}/settings"),
                    "kmsServiceAccountId": agent(number),
                    "loggingServiceAccountId": format!("service-{number}@gcp-sa-logging.iam.gserviceaccount.com"),
                })
            } else {
                json!({"name": format!("{id}/cmekSettings"), "serviceAccountId": agent(number)})
            }
            .into())
        }
        _ => match method.strip_prefix("locations.buckets.") {
            Some(method) => buckets(world, call, method, &name),
            None => match method.strip_prefix("sinks.") {
                Some(method) => sinks(world, call, method, &name),
                None => Err(not_carried(&call.operation)),
            },
        },
    }
}

/// The two buckets that every project has (<https://cloud.google.com/logging/docs/routing/overview>).
fn built_in(id: &str) -> Value {
    let (retention, locked) = if id == "_Required" {
        (400, true)
    } else {
        (30, false)
    };
    let mut body = json!({"lifecycleState": "ACTIVE", "retentionDays": retention});
    if locked {
        body["locked"] = json!(true);
    }
    body
}

fn told(name: &str, bucket: &LogBucket) -> Value {
    let mut told = bucket.body.clone();
    told["name"] = json!(name);
    if bucket.expires.is_some() {
        told["lifecycleState"] = json!("DELETE_REQUESTED");
    }
    told
}

fn bucket<'a>(world: &'a mut World, name: &str) -> Result<&'a mut LogBucket, Refusal> {
    let project = world.gcp.project_mut(name)?;
    let id = short(name);
    if matches!(id, "_Default" | "_Required") && piece(name, "locations") == "global" {
        project
            .log_buckets
            .entry(name.to_owned())
            .or_insert_with(|| LogBucket {
                body: built_in(id),
                expires: None,
            });
    }
    project
        .log_buckets
        .get_mut(name)
        .ok_or_else(|| not_found(format!("Bucket `{id}` does not exist")))
}

fn buckets(world: &mut World, call: &Call, method: &str, name: &str) -> Result<Answer, Refusal> {
    let location = piece(name, "locations").to_owned();
    check_location(&location, false, &["global", "us", "eu", "-"])?;
    match method {
        "create" => {
            let id = call.required("bucketId").to_owned();
            // 100 letters, digits, `_`, `-`, `.`, beginning with a letter or digit (description of `name`).
            let fits = (1..=100).contains(&id.len())
                && id.starts_with(|first: char| first.is_ascii_alphanumeric())
                && id.chars().all(|character| {
                    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.')
                });
            if !fits {
                return Err(invalid(format!("Bucket id `{id}` is invalid.")));
            }
            let full = format!("{name}/buckets/{id}");
            if world.gcp.project(name)?.log_buckets.contains_key(&full) {
                // Also while it can be undeleted.
                return Err(exists(format!("Bucket `{id}` already exists")));
            }
            let mut body = call.body().clone();
            check(world, &full, &body)?;
            if body.get("retentionDays").and_then(Value::as_i64).unwrap_or(0) == 0 {
                body["retentionDays"] = json!(30);
            }
            body["lifecycleState"] = json!("ACTIVE");
            body["createTime"] = json!(call.at.to_string());
            body["updateTime"] = json!(call.at.to_string());
            fill_key(world, &full, &mut body)?;
            let bucket = LogBucket { body, expires: None };
            let told = told(&full, &bucket);
            world.gcp.project_mut(name)?.log_buckets.insert(full, bucket);
            Ok(told.into())
        }
        "list" => {
            let project = name.split("/locations").next().unwrap_or_default().to_owned();
            for id in ["_Default", "_Required"] {
                bucket(world, &format!("{project}/locations/global/buckets/{id}"))?;
            }
            let buckets = world
                .gcp
                .project(name)?
                .log_buckets
                .iter()
                .filter(|(known, _)| location == "-" || piece(known, "locations") == location)
                .map(|(name, bucket)| told(name, bucket))
                .collect();
            page(call, &world.behaviour, "buckets", "pageSize", 100, buckets)
        }
        "get" => {
            let bucket = bucket(world, name)?;
            Ok(told(name, bucket).into())
        }
        "patch" => {
            let standing = bucket(world, name)?.clone();
            if standing.expires.is_some() {
                return Err(precondition(format!(
                    "Bucket `{}` is in state DELETE_REQUESTED",
                    short(name)
                )));
            }
            if standing.body.get("locked").and_then(Value::as_bool) == Some(true) {
                return Err(precondition(format!("Bucket `{}` is locked", short(name))));
            }
            let mut body = standing.body;
            for path in call
                .required("updateMask")
                .split(',')
                .filter(|path| !path.is_empty())
            {
                let head = path.split('.').next().unwrap_or_default();
                match call.body().get(head) {
                    Some(value) => body[head] = value.clone(),
                    // A key can be changed and not taken away (<https://cloud.google.com/logging/docs/routing/managed-encryption-storage>).
                    None if head == "cmekSettings" && body.get(head).is_some() => {
                        return Err(invalid("CMEK cannot be removed from a log bucket."));
                    }
                    None => {
                        if let Some(body) = body.as_object_mut() {
                            body.remove(head);
                        }
                    }
                }
            }
            check(world, name, &body)?;
            fill_key(world, name, &mut body)?;
            body["updateTime"] = json!(call.at.to_string());
            let bucket = bucket(world, name)?;
            bucket.body = body;
            Ok(told(name, bucket).into())
        }
        "delete" => {
            let bucket = bucket(world, name)?;
            if matches!(short(name), "_Default" | "_Required") {
                return Err(invalid(format!("Bucket `{}` cannot be deleted", short(name))));
            }
            if bucket.expires.is_some() {
                return Err(precondition(format!(
                    "Bucket `{}` is in state DELETE_REQUESTED",
                    short(name)
                )));
            }
            // A sink into it stays and drops what it is given: no refusal.
            bucket.expires = Some(call.at + UNDELETABLE);
            Ok(Answer::empty())
        }
        "undelete" => {
            let bucket = bucket(world, name)?;
            if bucket.expires.is_none() {
                return Err(precondition(format!(
                    "Bucket `{}` is not in state DELETE_REQUESTED",
                    short(name)
                )));
            }
            bucket.expires = None;
            Ok(Answer::empty())
        }
        _ => Err(not_carried(&call.operation)),
    }
}

/// Retention of 1 to 3650 days (<https://cloud.google.com/logging/quotas>) and a key that lets the service in.
fn check(world: &World, name: &str, body: &Value) -> Result<(), Refusal> {
    let days = body.get("retentionDays").and_then(Value::as_i64).unwrap_or(0);
    if !(0..=3_650).contains(&days) {
        return Err(invalid(format!(
            "retention_days must be between 1 and 3650 days; it is {days}."
        )));
    }
    let key = body
        .pointer("/cmekSettings/kmsKeyName")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if key.is_empty() {
        return Ok(());
    }
    let agent = agent(world.gcp.project(name)?.number);
    if cloudkms::may_encrypt(world, key, &agent) {
        return Ok(());
    }
    // Words from the page on managed encryption's troubleshooting, shortened.
    Err(invalid(format!(
        "The KMS key {key} cannot be accessed by {agent}: grant roles/cloudkms.cryptoKeyEncrypterDecrypter on it."
    )))
}

fn fill_key(world: &World, name: &str, body: &mut Value) -> Result<(), Refusal> {
    if body.pointer("/cmekSettings/kmsKeyName").is_some() {
        body["cmekSettings"]["name"] = json!(format!(
            "{}/cmekSettings",
            name.split("/locations").next().unwrap_or_default()
        ));
        body["cmekSettings"]["serviceAccountId"] = json!(agent(world.gcp.project(name)?.number));
    }
    Ok(())
}

/// Sinks by id. The two that every project has are not kept: they are Google's.
fn sinks(world: &mut World, call: &Call, method: &str, name: &str) -> Result<Answer, Refusal> {
    let id = short(name).to_owned();
    let missing = || not_found(format!("Sink {id} does not exist"));
    match method {
        "create" => {
            let mut sink = call.body().clone();
            let id = sink
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            let fits = (1..=100).contains(&id.len())
                && id.chars().all(|character| {
                    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.')
                });
            if !fits {
                return Err(invalid(format!("Sink name `{id}` is invalid")));
            }
            check_destination(world, &sink)?;
            let project = world.gcp.project_mut(name)?;
            if project.sinks.contains_key(&id) {
                return Err(exists(format!("Sink {id} already exists")));
            }
            sink["createTime"] = json!(call.at.to_string());
            sink["updateTime"] = json!(call.at.to_string());
            sink["resourceName"] = json!(format!("{name}/sinks/{id}"));
            // Into a bucket of its own project a sink needs no identity (<https://cloud.google.com/logging/docs/export/configure_export_v2>).
            let to = sink
                .get("destination")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            let own = piece(&to, "projects");
            let home = piece(name, "projects");
            if own != home && own.parse().ok() != Some(project.number) {
                sink["writerIdentity"] = json!(format!(
                    "serviceAccount:service-{}@gcp-sa-logging.iam.gserviceaccount.com",
                    project.number
                ));
            }
            project.sinks.insert(id, sink.clone());
            Ok(sink.into())
        }
        "list" => {
            let sinks = world.gcp.project(name)?.sinks.values().cloned().collect();
            page(call, &world.behaviour, "sinks", "pageSize", 100, sinks)
        }
        "get" => world
            .gcp
            .project(name)?
            .sinks
            .get(&id)
            .map(|sink| sink.clone().into())
            .ok_or_else(missing),
        "patch" | "update" => {
            let mut sink = world
                .gcp
                .project(name)?
                .sinks
                .get(&id)
                .cloned()
                .ok_or_else(missing)?;
            // Without a mask these three (description of `updateMask`).
            let mask = call
                .text("updateMask")
                .filter(|mask| !mask.is_empty())
                .unwrap_or("destination,filter,includeChildren");
            for head in mask.split(',') {
                match call.body().get(head) {
                    Some(value) => sink[head] = value.clone(),
                    None => {
                        if let Some(sink) = sink.as_object_mut() {
                            sink.remove(head);
                        }
                    }
                }
            }
            check_destination(world, &sink)?;
            sink["updateTime"] = json!(call.at.to_string());
            world.gcp.project_mut(name)?.sinks.insert(id, sink.clone());
            Ok(sink.into())
        }
        "delete" => {
            if matches!(id.as_str(), "_Default" | "_Required") {
                return Err(invalid(format!("Sink {id} cannot be deleted")));
            }
            world
                .gcp
                .project_mut(name)?
                .sinks
                .remove(&id)
                .map(|_| Answer::empty())
                .ok_or_else(missing)
        }
        _ => Err(not_carried(&call.operation)),
    }
}

/// A destination is a log bucket, a Cloud Storage bucket, a dataset, a topic or a project, and must be there where the sandbox can
/// tell.
fn check_destination(world: &World, sink: &Value) -> Result<(), Refusal> {
    let to = sink
        .get("destination")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let known = if let Some(bucket) = to.strip_prefix("logging.googleapis.com/") {
        let built_in = matches!(short(bucket), "_Default" | "_Required");
        let stands = world.gcp.with_id(bucket).is_ok_and(|bucket| {
            world.gcp.project(&bucket).is_ok_and(|project| {
                built_in
                    || project
                        .log_buckets
                        .get(&bucket)
                        .is_some_and(|bucket| bucket.expires.is_none())
            })
        });
        stands || piece(bucket, "buckets").is_empty()
    } else if let Some(bucket) = to.strip_prefix("storage.googleapis.com/") {
        world.gcp.buckets.contains_key(bucket)
    } else {
        to.starts_with("bigquery.googleapis.com/") || to.starts_with("pubsub.googleapis.com/")
    };
    if known {
        return Ok(());
    }
    Err(invalid(format!(
        "The destination \"{to}\" does not exist or is not supported."
    )))
}
