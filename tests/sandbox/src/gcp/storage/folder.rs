//! Managed folders: prefixes with a policy of their own (<https://cloud.google.com/storage/docs/managed-folders>).

use mlops_access::gcp::Resource;
use serde_json::{Value, json};

use super::{Bucket, Folder, bucket_mut, bucket_of, etag, policy_told, replaced, say};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::gcp::names::moment;
use crate::gcp::page::page;
use crate::gcp::policy::{self, Policy};
use crate::gcp::refuse::not_carried;
use crate::world::World;

fn told(bucket: &Bucket, name: &str, folder: &Folder) -> Value {
    json!({
        "kind": "storage#managedFolder",
        "id": format!("{}/{name}", bucket.name),
        "name": name,
        "bucket": bucket.name,
        "selfLink": format!("https://www.googleapis.com/storage/v1/b/{}/managedFolders/{}", bucket.name, name.replace('/', "%2F")),
        "createTime": moment(folder.created),
        "updateTime": moment(folder.created),
        "metageneration": "1",
    })
}

fn missing(bucket: &str, name: &str) -> Refusal {
    Refusal::new(
        404,
        "NOT_FOUND",
        format!("The specified managed folder does not exist: {bucket}/{name}"),
    )
    .with("reason", "notFound")
}

/// Names end in a slash (description of `ManagedFolder.name`).
fn slashed(name: &str) -> String {
    if name.ends_with('/') {
        name.to_owned()
    } else {
        format!("{name}/")
    }
}

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call, method: &str) -> Result<Answer, Refusal> {
    let bucket = bucket_of(world, call)?.clone();
    let name = slashed(call.required("managedFolder"));
    let folder = || {
        bucket
            .folders
            .get(&name)
            .ok_or_else(|| missing(&bucket.name, &name))
    };
    let resource = format!("projects/_/buckets/{}/managedFolders/{name}", bucket.name);
    match method {
        "insert" => {
            let name = call
                .body()
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if name.trim_matches('/').is_empty()
                || name.starts_with('/')
                || name.contains("//")
                || name.len() > 1_024
            {
                return Err(say::invalid(format!("Invalid managed folder name: '{name}'")));
            }
            let name = slashed(name);
            if !bucket.uniform() {
                // They need it (the same page); words are a guess.
                return Err(say::precondition(
                    "Managed folders can only be created in buckets with uniform bucket-level access enabled.",
                ));
            }
            if name.matches('/').count() > 15 {
                return Err(say::invalid(
                    "Managed folders can be nested 15 levels deep at most.",
                ));
            }
            if bucket.folders.contains_key(&name) {
                return Err(say::conflict("The specified managed folder already exists."));
            }
            let folder = Folder {
                created: call.at,
                policy: Policy {
                    etag: etag(1),
                    ..Policy::default()
                },
            };
            let told = told(&bucket, &name, &folder);
            bucket_mut(world, call)?.folders.insert(name, folder);
            Ok(told.into())
        }
        "get" => Ok(told(&bucket, &name, folder()?).into()),
        "list" => {
            let prefix = call.text("prefix").unwrap_or_default();
            let folders = bucket
                .folders
                .iter()
                .filter(|(name, _)| name.starts_with(prefix))
                .map(|(name, folder)| told(&bucket, name, folder))
                .collect();
            let mut answer = page(call, &world.behaviour, "items", "pageSize", 1_000, folders)?;
            answer.output["kind"] = json!("storage#managedFolders");
            Ok(answer)
        }
        "delete" => {
            folder()?;
            let allowed = call
                .input
                .get("allowNonEmpty")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            let used = bucket.objects.keys().any(|object| object.starts_with(&name))
                || bucket
                    .folders
                    .keys()
                    .any(|other| other.starts_with(&name) && *other != name);
            if used && !allowed {
                // Description of `allowNonEmpty`; words are a guess.
                return Err(say::in_use(
                    "The managed folder you tried to delete is not empty.",
                ));
            }
            bucket_mut(world, call)?.folders.remove(&name);
            Ok(Answer::empty())
        }
        "getIamPolicy" => Ok(policy_told(&folder()?.policy, &resource, policy::requested(call)).into()),
        "setIamPolicy" => {
            let standing = folder()?.policy.clone();
            let policy = replaced(world, call, &standing, &bucket)?;
            if let Some(folder) = bucket_mut(world, call)?.folders.get_mut(&name) {
                folder.policy = policy.clone();
            }
            Ok(policy_told(&policy, &resource, 3).into())
        }
        "testIamPermissions" => {
            folder()?;
            let on = Resource::Folder {
                bucket: bucket.name.clone(),
                prefix: name.clone(),
            };
            let mut held = policy::tested(world, call, &on);
            held["kind"] = json!("storage#testIamPermissionsResponse");
            Ok(held.into())
        }
        _ => Err(not_carried(&call.operation)),
    }
}
