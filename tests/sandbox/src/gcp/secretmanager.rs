//! Secret Manager: secrets and their versions (<https://cloud.google.com/secret-manager/docs/reference/rest>).

use std::collections::BTreeMap;

use mlops_access::gcp::Resource;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::names::{check_location, piece, short};
use super::page::page;
use super::policy::{self, Policy};
use super::refuse::{exists, invalid, not_carried, not_found, precondition};
use super::{Project, cloudkms};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// Most bytes of a version's content (<https://cloud.google.com/secret-manager/quotas>).
const LARGEST: usize = 65_536;

/// A secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Secret {
    /// As the API describes it, without its name.
    pub body: Value,
    /// Versions by number: as the API describes them, and the content in base64.
    pub versions: BTreeMap<u64, (Value, String)>,
    /// Its policy.
    pub policy: Policy,
}

/// Answers a call. Names come back with the project's number.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let method = call
        .operation
        .strip_prefix("secretmanager.projects.secrets.")
        .unwrap_or_default();
    let name = ["name", "parent", "resource"]
        .iter()
        .find_map(|member| call.text(member))
        .unwrap_or_default();
    let name = world.gcp.with_number(name)?;
    let id = piece(&name, "secrets").to_owned();
    if let Some(method) = method.strip_prefix("versions.") {
        return versions(world, call, method, &name);
    }
    match method {
        "create" => create(world, call, &name),
        "list" => {
            let secrets = world
                .gcp
                .project(&name)?
                .secrets
                .iter()
                .map(|(id, secret)| told(&format!("{name}/secrets/{id}"), secret))
                .collect();
            page(call, &world.behaviour, "secrets", "pageSize", 25_000, secrets)
        }
        "get" => Ok(told(&name, secret(world, &name)?).into()),
        "patch" => patch(world, call, &name),
        "delete" => {
            let etag = call.text("etag").unwrap_or_default();
            check_etag(secret(world, &name)?, etag)?;
            world.gcp.project_mut(&name)?.secrets.remove(&id);
            Ok(Answer::empty())
        }
        "addVersion" => {
            let content = call
                .body()
                .pointer("/payload/data")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            if content.is_empty() || content.len() / 4 * 3 > LARGEST {
                return Err(invalid(format!("Secret Payload must be 1 to {LARGEST} bytes.")));
            }
            let etag = format!("\"{}\"", world.random.hex(14));
            let secret = secret_mut(world, &name)?;
            let number = secret.versions.keys().last().map_or(1, |last| last + 1);
            let version = json!({
                "name": format!("{name}/versions/{number}"),
                "createTime": call.at.to_string(),
                "state": "ENABLED",
                "replicationStatus": replication_status(&secret.body),
                "etag": etag,
                "clientSpecifiedPayloadChecksum": call.body().pointer("/payload/dataCrc32c").is_some(),
            });
            secret.versions.insert(number, (version.clone(), content));
            Ok(version.into())
        }
        "getIamPolicy" => Ok(secret(world, &name)?.policy.told(policy::requested(call)).into()),
        "setIamPolicy" => {
            let standing = secret(world, &name)?.policy.clone();
            let given = call.body().get("policy").cloned().unwrap_or_default();
            let policy = policy::replaced(world, &standing, &given, call.at)?;
            secret_mut(world, &name)?.policy = policy.clone();
            Ok(policy.told(3).into())
        }
        "testIamPermissions" => {
            let on = Resource::Secret(format!("projects/{}/secrets/{id}", world.gcp.project_id(&name)?));
            Ok(policy::tested(world, call, &on).into())
        }
        _ => Err(not_carried(&call.operation)),
    }
}

fn told(name: &str, secret: &Secret) -> Value {
    let mut told = secret.body.clone();
    told["name"] = json!(name);
    told
}

fn missing(name: &str) -> Refusal {
    let secret = name.split("/versions").next().unwrap_or_default();
    not_found(format!("Secret [{secret}] not found or has no versions."))
}

fn secret<'a>(world: &'a World, name: &str) -> Result<&'a Secret, Refusal> {
    world
        .gcp
        .project(name)?
        .secrets
        .get(piece(name, "secrets"))
        .ok_or_else(|| missing(name))
}

fn secret_mut<'a>(world: &'a mut World, name: &str) -> Result<&'a mut Secret, Refusal> {
    let id = piece(name, "secrets").to_owned();
    world
        .gcp
        .project_mut(name)?
        .secrets
        .get_mut(&id)
        .ok_or_else(|| missing(name))
}

fn check_etag(secret: &Secret, given: &str) -> Result<(), Refusal> {
    if given.is_empty() || secret.body.get("etag").and_then(Value::as_str) == Some(given) {
        return Ok(());
    }
    Err(precondition(
        "The etag of the Secret does not match: it was changed in between.",
    ))
}

fn replication_status(body: &Value) -> Value {
    let replicas = body
        .pointer("/replication/userManaged/replicas")
        .and_then(Value::as_array);
    match replicas {
        None => json!({"automatic": {}}),
        Some(replicas) => {
            let replicas: Vec<Value> = replicas
                .iter()
                .map(|replica| json!({"location": replica.get("location")}))
                .collect();
            json!({"userManaged": {"replicas": replicas}})
        }
    }
}

fn create(world: &mut World, call: &Call, parent: &str) -> Result<Answer, Refusal> {
    let id = call.required("secretId").to_owned();
    // 255 letters, digits, `_` and `-` (description of `secretId`).
    let fits = (1..=255).contains(&id.len())
        && id
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-'));
    if !fits {
        return Err(invalid(format!(
            "The secret_id \"{id}\" must match [a-zA-Z0-9_-]{{1,255}}."
        )));
    }
    let full = format!("{parent}/secrets/{id}");
    if world.gcp.project(parent)?.secrets.contains_key(&id) {
        return Err(exists(format!("Secret [{full}] already exists.")));
    }
    let mut body = call.body().clone();
    check_replication(world, parent, body.get("replication").unwrap_or(&Value::Null))?;
    check_labels(&body)?;
    body["createTime"] = json!(call.at.to_string());
    body["etag"] = json!(format!("\"{}\"", world.random.hex(14)));
    let secret = Secret {
        body,
        versions: BTreeMap::new(),
        policy: Policy::default(),
    };
    let told = told(&full, &secret);
    world.gcp.project_mut(parent)?.secrets.insert(id, secret);
    Ok(told.into())
}

/// Labels as everywhere in Google Cloud (description of `labels`).
fn check_labels(body: &Value) -> Result<(), Refusal> {
    let fits = |text: &str| {
        text.chars().count() <= 63
            && text.chars().all(|character| {
                character.is_lowercase() || character.is_numeric() || matches!(character, '_' | '-')
            })
    };
    for (key, value) in body
        .get("labels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        if key.is_empty() || !fits(key) || !value.as_str().is_some_and(fits) {
            return Err(invalid(format!(
                "Label {key}={value} is invalid: lower-case letters, digits, _ and -, at most 63."
            )));
        }
    }
    Ok(())
}

/// Where it is kept and under which key. Words from GoogleCloudPlatform/terraform-google-secret-manager#74.
fn check_replication(world: &World, parent: &str, replication: &Value) -> Result<(), Refusal> {
    let user = replication
        .pointer("/userManaged/replicas")
        .and_then(Value::as_array);
    let automatic = replication.get("automatic");
    if user.is_none() == automatic.is_none() {
        return Err(invalid(
            "Secret.replication must be set to automatic or userManaged.",
        ));
    }
    let keys = user
        .into_iter()
        .flatten()
        .chain(automatic)
        .filter_map(|place| place.pointer("/customerManagedEncryption/kmsKeyName")?.as_str());
    let project: &Project = world.gcp.project(parent)?;
    let agent = format!(
        "service-{}@gcp-sa-secretmanager.iam.gserviceaccount.com",
        project.number
    );
    for key in keys {
        if !project.agents.contains(&agent) {
            return Err(invalid(
                "Secret Manager service identity for project not found. Please create the service identity first.",
            ));
        }
        if !cloudkms::may_encrypt(world, key, &agent) {
            return Err(precondition(format!(
                "Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource '{key}' (or it may not exist) for \
                 {agent}."
            )));
        }
    }
    for replica in user.into_iter().flatten() {
        let location = replica
            .get("location")
            .and_then(Value::as_str)
            .unwrap_or_default();
        check_location(location, false, &[])?;
        let key = replica
            .pointer("/customerManagedEncryption/kmsKeyName")
            .and_then(Value::as_str);
        if let Some(key) = key
            && piece(key, "locations") != location
        {
            // The key must be in the replica's place (description of `kmsKeyName`).
            return Err(invalid(format!(
                "The location of key {key} must be {location}, as the replica's."
            )));
        }
    }
    Ok(())
}

fn patch(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let given = call.body();
    let standing = secret(world, name)?.clone();
    check_etag(
        &standing,
        given.get("etag").and_then(Value::as_str).unwrap_or_default(),
    )?;
    let mut body = standing.body;
    for path in call
        .required("updateMask")
        .split(',')
        .filter(|path| !path.is_empty())
    {
        let head = path.split('.').next().unwrap_or_default();
        match head {
            "replication" => {
                // Immutable (description of `replication`), except the key of a replica.
                if piece_locations(given) != piece_locations(&body) {
                    return Err(invalid("Secret.replication is immutable."));
                }
                check_replication(world, name, given.get("replication").unwrap_or(&Value::Null))?;
                body["replication"] = given.get("replication").cloned().unwrap_or_default();
            }
            "name" | "createTime" | "etag" => {}
            head => match given.get(head) {
                Some(value) => body[head] = value.clone(),
                None => {
                    if let Some(body) = body.as_object_mut() {
                        body.remove(head);
                    }
                }
            },
        }
    }
    check_labels(&body)?;
    body["etag"] = json!(format!("\"{}\"", world.random.hex(14)));
    let secret = secret_mut(world, name)?;
    secret.body = body;
    Ok(told(name, secret).into())
}

fn piece_locations(body: &Value) -> Vec<Value> {
    body.pointer("/replication/userManaged/replicas")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|replica| replica.get("location").cloned())
        .collect()
}

fn versions(world: &mut World, call: &Call, method: &str, name: &str) -> Result<Answer, Refusal> {
    let etag = format!("\"{}\"", world.random.hex(14));
    if method == "list" {
        let versions = secret(world, name)?
            .versions
            .values()
            .rev()
            .map(|(version, _)| version.clone())
            .collect();
        return page(call, &world.behaviour, "versions", "pageSize", 25_000, versions);
    }
    let secret = secret_mut(world, name)?;
    let number = match short(name) {
        // The newest, whatever its state (<https://cloud.google.com/secret-manager/docs/access-secret-version>).
        "latest" => secret.versions.keys().last().copied(),
        number => number.parse().ok(),
    };
    let (version, content) = number
        .and_then(|number| secret.versions.get_mut(&number))
        .ok_or_else(|| not_found(format!("Secret Version [{name}] not found.")))?;
    let state = version
        .get("state")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let full = version.get("name").cloned().unwrap_or_default();
    match method {
        "get" => {}
        "access" => {
            if state != "ENABLED" {
                return Err(precondition(format!(
                    "Secret Version [{}] is in {state} state.",
                    full.as_str().unwrap_or_default()
                )));
            }
            return Ok(json!({"name": full, "payload": {"data": content}}).into());
        }
        "enable" | "disable" | "destroy" => {
            if state == "DESTROYED" {
                return Err(precondition(format!(
                    "Secret Version [{}] is already in DESTROYED state.",
                    full.as_str().unwrap_or_default()
                )));
            }
            version["state"] = json!(match method {
                "enable" => "ENABLED",
                "disable" => "DISABLED",
                _ => "DESTROYED",
            });
            if method == "destroy" {
                version["destroyTime"] = json!(call.at.to_string());
                content.clear();
            }
            version["etag"] = json!(etag);
        }
        _ => return Err(not_carried(&call.operation)),
    }
    Ok(version.clone().into())
}
