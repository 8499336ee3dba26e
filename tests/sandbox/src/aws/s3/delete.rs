//! Deleting objects: with versioning a marker comes on top, a version by its id goes for good.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html>

use serde_json::{Value, json};

use super::object::{ID_LETTERS, NULL, put_version};
use super::{change, condition, find, invalid_argument, lock, malformed};
use crate::answer::{Answer, Refusal};
use crate::aws::input::{flag, items, text};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Objects of one call at most: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>
const MOST: usize = 1000;

/// What was done.
struct Done {
    /// The version that went.
    version: Option<String>,
    /// The marker that came.
    marker: Option<String>,
    /// Whether what went was a marker.
    was_marker: bool,
}

fn remove(
    world: &mut World,
    call: &Call,
    key: &str,
    id: Option<&str>,
    if_match: Option<&str>,
) -> Result<Done, Refusal> {
    let bucket = find(world, call)?;
    condition::delete(bucket, key, if_match)?;
    match id {
        Some(id) => {
            if id != NULL && id.len() != 32 {
                return Err(invalid_argument("Invalid version id specified"));
            }
            let version = bucket
                .keys
                .get(key)
                .and_then(|versions| versions.iter().find(|version| version.id == id));
            let was_marker = version.is_some_and(|version| version.content.is_none());
            let bypass = call.flag("BypassGovernanceRetention");
            let kept = version
                .and_then(|version| version.content.as_ref())
                .is_some_and(|content| lock::protects(content, bypass, call.at));
            if kept {
                return Err(lock::protected());
            }
            let bucket = change(world, call)?;
            if let Some(versions) = bucket.keys.get_mut(key) {
                versions.retain(|version| version.id != id);
                if versions.is_empty() {
                    bucket.keys.remove(key);
                }
            }
            Ok(Done {
                version: Some(id.to_owned()),
                marker: None,
                was_marker,
            })
        }
        None if bucket.versioning.is_some() => {
            let id = world.random.text(ID_LETTERS, 32);
            let marker = put_version(change(world, call)?, key, id, call.at, None);
            Ok(Done {
                version: None,
                marker: Some(marker),
                was_marker: false,
            })
        }
        None => {
            change(world, call)?.keys.remove(key);
            Ok(Done {
                version: None,
                marker: None,
                was_marker: false,
            })
        }
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html>: what is not there is deleted, too.
pub(super) fn one(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let done = remove(
        world,
        call,
        call.required("Key"),
        call.text("VersionId"),
        call.text("IfMatch"),
    )?;
    Ok(said(json!({
        "DeleteMarker": (done.was_marker || done.marker.is_some()).then_some(true),
        "VersionId": done.marker.or(done.version),
    })))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>: each on its own; failures are listed.
pub(super) fn many(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    find(world, call)?;
    let delete = call.input.get("Delete").cloned().unwrap_or_default();
    let objects = items(&delete, "Objects");
    if objects.is_empty() || objects.len() > MOST {
        return Err(malformed());
    }
    let quiet = flag(&delete, "Quiet") == Some(true);
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for object in objects {
        let key = text(object, "Key").unwrap_or_default();
        let id = text(object, "VersionId");
        match remove(world, call, key, id, text(object, "ETag")) {
            Ok(done) if !quiet => deleted.push(json!({
                "Key": key,
                "VersionId": done.version,
                "DeleteMarker": (done.was_marker || done.marker.is_some()).then_some(true),
                "DeleteMarkerVersionId": done.marker.or_else(|| {
                    done.was_marker.then(|| id.unwrap_or_default().to_owned())
                }),
            })),
            Ok(_) => {}
            Err(refusal) => errors.push(json!({
                "Key": key,
                "VersionId": id,
                "Code": refusal.code,
                "Message": refusal.message,
            })),
        }
    }
    let list = |entries: Vec<Value>| (!entries.is_empty()).then_some(entries);
    Ok(said(json!({"Deleted": list(deleted), "Errors": list(errors)})))
}
