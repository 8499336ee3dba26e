//! Cloud Storage: buckets, managed folders, objects (<https://cloud.google.com/storage/docs/json_api>).
//!
//! The JSON API and gRPC come to the same functions: the latter is translated in `grpc`.

mod bucket;
mod checksum;
mod folder;
mod lifecycle;
mod object;
mod retention;
pub(super) mod upload;
pub(super) mod xml;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::policy::Policy;
use super::refuse::not_carried;
use super::{Gcp, names};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

pub use upload::Session;

/// A bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Id of its project.
    pub project: String,
    /// What was set, as the JSON API describes it.
    pub body: Value,
    /// Counts changes of its settings.
    pub metageneration: u64,
    /// Names this bucket among those of its name that are soft deleted.
    pub generation: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When its settings were changed.
    pub updated: Timestamp,
    /// Its policy.
    pub policy: Policy,
    /// Managed folders by name, which ends in a slash.
    pub folders: BTreeMap<String, Folder>,
    /// Objects by name: their versions, oldest first.
    pub objects: BTreeMap<String, Vec<Object>>,
    /// Versions that were deleted and can be restored.
    pub soft_deleted: Vec<Object>,
    /// Until when a deleted bucket can be restored.
    pub expires: Option<Timestamp>,
}

/// A managed folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Folder {
    /// When it was made.
    pub created: Timestamp,
    /// Its policy.
    pub policy: Policy,
}

/// One version of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Its name.
    pub name: String,
    /// Names the version.
    pub generation: u64,
    /// Counts changes of what is known about it.
    pub metageneration: u64,
    /// What was set, as the JSON API describes it: content type, metadata, storage class.
    pub body: Value,
    /// Content.
    #[serde(serialize_with = "as_base64", deserialize_with = "from_base64")]
    pub content: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
    /// When what is known about it was changed.
    pub updated: Timestamp,
    /// Since when it is not the live version.
    pub noncurrent: Option<Timestamp>,
    /// Since when and until when it is softly deleted.
    pub soft: Option<(Timestamp, Timestamp)>,
}

fn as_base64<S: Serializer>(content: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    use base64::Engine as _;
    serializer.serialize_str(&base64::engine::general_purpose::STANDARD.encode(content))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    use base64::Engine as _;
    let text = String::deserialize(deserializer)?;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .map_err(serde::de::Error::custom)
}

impl Bucket {
    /// Whether there is a live object of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.live(name).is_some()
    }

    fn live(&self, name: &str) -> Option<&Object> {
        self.objects
            .get(name)
            .and_then(|versions| versions.last())
            .filter(|object| object.noncurrent.is_none())
    }

    fn flag(&self, pointer: &str) -> bool {
        self.body
            .pointer(pointer)
            .and_then(Value::as_bool)
            .unwrap_or(false)
    }

    fn uniform(&self) -> bool {
        self.flag("/iamConfiguration/uniformBucketLevelAccess/enabled")
    }

    fn versioned(&self) -> bool {
        self.flag("/versioning/enabled")
    }

    /// Seconds for which what is deleted can be restored.
    fn soft_seconds(&self) -> i64 {
        self.body
            .pointer("/softDeletePolicy/retentionDurationSeconds")
            .and_then(Value::as_str)
            .and_then(|seconds| seconds.parse().ok())
            .unwrap_or(0)
    }
}

/// Refusals in Cloud Storage's words and reasons (<https://cloud.google.com/storage/docs/json_api/v1/status-codes>).
mod say {
    use crate::answer::Refusal;

    pub(super) fn no_bucket() -> Refusal {
        Refusal::new(404, "NOT_FOUND", "The specified bucket does not exist.").with("reason", "notFound")
    }

    pub(super) fn no_object(bucket: &str, name: &str) -> Refusal {
        Refusal::new(404, "NOT_FOUND", format!("No such object: {bucket}/{name}")).with("reason", "notFound")
    }

    pub(super) fn condition_not_met() -> Refusal {
        Refusal::new(
            412,
            "FAILED_PRECONDITION",
            "At least one of the pre-conditions you specified did not hold.",
        )
        .with("reason", "conditionNotMet")
    }

    pub(super) fn too_fast() -> Refusal {
        Refusal::new(
            429,
            "RESOURCE_EXHAUSTED",
            "The project exceeded the rate limit for creating and deleting buckets.",
        )
        .with("reason", "rateLimitExceeded")
    }

    pub(super) fn conflict(message: impl Into<String>) -> Refusal {
        Refusal::new(409, "ALREADY_EXISTS", message).with("reason", "conflict")
    }

    /// A conflict that gRPC tells as a state that is in the way.
    pub(super) fn in_use(message: impl Into<String>) -> Refusal {
        Refusal::new(409, "FAILED_PRECONDITION", message).with("reason", "conflict")
    }

    pub(super) fn invalid(message: impl Into<String>) -> Refusal {
        Refusal::new(400, "INVALID_ARGUMENT", message).with("reason", "invalid")
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Refusal {
        Refusal::new(403, "PERMISSION_DENIED", message).with("reason", "forbidden")
    }

    pub(super) fn required(member: &str) -> Refusal {
        Refusal::new(400, "INVALID_ARGUMENT", format!("Required parameter: {member}"))
            .with("reason", "required")
    }

    pub(super) fn precondition(message: impl Into<String>) -> Refusal {
        Refusal::new(412, "FAILED_PRECONDITION", message).with("reason", "conditionNotMet")
    }
}

/// Purges what can no longer be restored, and lets lifecycle rules do their work.
pub(super) fn settle(gcp: &mut Gcp, at: Timestamp) {
    gcp.deleted_buckets
        .retain(|bucket| bucket.expires.is_some_and(|expires| at < expires));
    for bucket in gcp.buckets.values_mut() {
        lifecycle::apply(bucket, at);
        bucket
            .soft_deleted
            .retain(|object| object.soft.is_some_and(|(_, until)| at < until));
    }
}

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let method = call.operation.strip_prefix("storage.").unwrap_or_default();
    if let Some(method) = method.strip_prefix("buckets.") {
        return bucket::answer(world, call, method);
    }
    if let Some(method) = method.strip_prefix("managedFolders.") {
        return folder::answer(world, call, method);
    }
    if let Some(method) = method.strip_prefix("objects.") {
        return object::answer(world, call, method);
    }
    match method {
        // Asking makes the account (<https://cloud.google.com/storage/docs/getting-service-agent>).
        "projects.serviceAccount.get" => {
            let project = world.gcp.project_mut(call.required("projectId"))?;
            let email = agent(project.number);
            project.agents.insert(email.clone());
            Ok(json!({"kind": "storage#serviceAccount", "email_address": email}).into())
        }
        _ => Err(not_carried(&call.operation)),
    }
}

/// Cloud Storage's own account of a project.
fn agent(number: u64) -> String {
    format!("service-{number}@gs-project-accounts.iam.gserviceaccount.com")
}

fn bucket_of<'a>(world: &'a World, call: &Call) -> Result<&'a Bucket, Refusal> {
    world
        .gcp
        .buckets
        .get(call.required("bucket"))
        .ok_or_else(say::no_bucket)
}

fn bucket_mut<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Bucket, Refusal> {
    world
        .gcp
        .buckets
        .get_mut(call.required("bucket"))
        .ok_or_else(say::no_bucket)
}

/// A number that came as text.
fn number(call: &Call, member: &str) -> Option<i64> {
    call.text(member).and_then(|text| text.parse().ok())
}

/// `ifMetagenerationMatch`, `ifMetagenerationNotMatch`.
fn check_metageneration(call: &Call, standing: u64) -> Result<(), Refusal> {
    let standing = i64::try_from(standing).unwrap_or(i64::MAX);
    let matches = number(call, "ifMetagenerationMatch").is_none_or(|wanted| wanted == standing);
    let differs = number(call, "ifMetagenerationNotMatch").is_none_or(|unwanted| unwanted != standing);
    if matches && differs {
        return Ok(());
    }
    Err(say::condition_not_met())
}

/// An etag as Cloud Storage makes them: a protobuf message of one number, in base64.
fn etag(number: u64) -> String {
    use base64::Engine as _;
    let mut bytes = vec![0x08];
    let mut rest = number;
    loop {
        let low = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            bytes.push(low);
            break;
        }
        bytes.push(low | 0x80);
    }
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Replaces a policy after the checks that are Cloud Storage's own.
fn replaced(world: &mut World, call: &Call, standing: &Policy, bucket: &Bucket) -> Result<Policy, Refusal> {
    let given = call.body();
    let bindings: Vec<&Value> = given
        .get("bindings")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .collect();
    let public = bindings
        .iter()
        .flat_map(|binding| {
            binding
                .get("members")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
        })
        .any(|member| matches!(member.as_str(), Some("allUsers" | "allAuthenticatedUsers")));
    let prevented = bucket.body.pointer("/iamConfiguration/publicAccessPrevention");
    if public && prevented.and_then(Value::as_str) == Some("enforced") {
        // Words from public issues.
        return Err(say::precondition(
            "The member bindings allUsers and allAuthenticatedUsers are not allowed since public access prevention is enforced.",
        ));
    }
    if !bucket.uniform() && bindings.iter().any(|binding| binding.get("condition").is_some()) {
        // <https://cloud.google.com/storage/docs/access-control/iam#conditions>; words are a guess.
        return Err(say::precondition(
            "To set IAM conditions, uniform bucket-level access must be enabled on the bucket.",
        ));
    }
    let mut policy = super::policy::replaced(world, standing, given, call.at).map_err(|refusal| {
        // In JSON a lost race is a failed pre-condition (a guess from the status codes' page); in gRPC it is ABORTED as everywhere.
        if refusal.code == "ABORTED" {
            Refusal {
                status: 412,
                ..refusal.with("reason", "conditionNotMet")
            }
        } else {
            refusal
        }
    })?;
    policy.etag = etag(next_number(&standing.etag));
    Ok(policy)
}

/// The number after the one in an etag.
fn next_number(etag: &str) -> u64 {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(etag)
        .unwrap_or_default();
    let number = bytes
        .iter()
        .skip(1)
        .enumerate()
        .map(|(index, byte)| u64::from(byte & 0x7f) << (7 * index.min(8)))
        .sum::<u64>();
    number + 1
}

/// A policy as Cloud Storage tells it.
fn policy_told(policy: &Policy, resource: &str, requested: i64) -> Value {
    let mut told = policy.told(requested);
    told["kind"] = json!("storage#policy");
    told["resourceId"] = json!(resource);
    if told.get("version").is_none() {
        told["version"] = json!(1);
    }
    if let Some(told) = told.as_object_mut() {
        told.remove("auditConfigs");
    }
    told
}

/// Id of the project that a call names.
fn project_of(world: &World, call: &Call) -> Result<String, Refusal> {
    let name = call.required("project");
    if name.is_empty() {
        return Err(say::required("project"));
    }
    // The JSON API says 400 to a project that is not there; gRPC's names begin with `projects/`.
    world
        .gcp
        .project_id(name)
        .map_err(|_| say::invalid(format!("Unknown project id: {}", names::short(name))))
}
