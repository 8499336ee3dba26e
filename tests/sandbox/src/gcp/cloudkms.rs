//! Cloud KMS: key rings, keys, versions (<https://cloud.google.com/kms/docs/reference/rest>).
//!
//! Names of rings and keys are reserved for ever (<https://cloud.google.com/kms/docs/object-hierarchy>).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use mlops_access::gcp::Resource;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::authorize::holds;
use super::description::seconds;
use super::longrunning::{Operation, any};
use super::names::{REGIONS, check_location, piece, short};
use super::page::page;
use super::policy::{self, Policy};
use super::refuse::{exists, invalid, not_carried, not_found, precondition};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// How long a version waits to be destroyed unless the key says otherwise: 30 days (description of `destroyScheduledDuration`).
const DESTROYED_AFTER: &str = "2592000s";

/// Shortest rotation (description of `rotationPeriod`).
const SHORTEST_ROTATION: f64 = 86_400.0;

/// A key ring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyRing {
    /// When it was made.
    pub born: Timestamp,
    /// Keys by id.
    pub keys: BTreeMap<String, CryptoKey>,
    /// Its policy.
    pub policy: Policy,
    /// Deleted: only the name is kept.
    pub retired: bool,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CryptoKey {
    /// As the API describes it, without its primary version.
    pub body: Value,
    /// Versions by number, as the API describes them.
    pub versions: BTreeMap<u64, Value>,
    /// Number of the primary version.
    pub primary: Option<u64>,
    /// Its policy.
    pub policy: Policy,
    /// Deleted: only the name is kept.
    pub retired: bool,
}

impl CryptoKey {
    fn told(&self) -> Value {
        let mut told = self.body.clone();
        if let Some(primary) = self.primary.and_then(|number| self.versions.get(&number)) {
            told["primary"] = primary.clone();
        }
        told
    }
}

/// Whether an account may encrypt with a key that is there and enabled.
pub(crate) fn may_encrypt(world: &World, key: &str, email: &str) -> bool {
    let key = key.split("/cryptoKeyVersions").next().unwrap_or_default();
    let Ok(key) = world.gcp.with_id(key) else {
        return false;
    };
    let usable = find(world, &key).is_ok_and(|key| {
        key.primary
            .and_then(|number| key.versions.get(&number))
            .is_some_and(|version| version.get("state").and_then(Value::as_str) == Some("ENABLED"))
    });
    let member = BTreeSet::from([format!("serviceAccount:{email}")]);
    usable
        && holds(
            &world.gcp,
            &member,
            "cloudkms.cryptoKeyVersions.useToEncrypt",
            &Resource::Key(key),
        )
}

fn ring_name(name: &str) -> &str {
    name.split("/cryptoKeys").next().unwrap_or_default()
}

fn missing(kind: &str, name: &str) -> Refusal {
    not_found(format!("{kind} {name} not found."))
}

fn ring<'a>(world: &'a World, name: &str) -> Result<&'a KeyRing, Refusal> {
    let name = ring_name(name);
    world
        .gcp
        .project(name)?
        .key_rings
        .get(name)
        .filter(|ring| !ring.retired)
        .ok_or_else(|| missing("KeyRing", name))
}

fn ring_mut<'a>(world: &'a mut World, name: &str) -> Result<&'a mut KeyRing, Refusal> {
    let name = ring_name(name);
    world
        .gcp
        .project_mut(name)?
        .key_rings
        .get_mut(name)
        .filter(|ring| !ring.retired)
        .ok_or_else(|| missing("KeyRing", name))
}

fn key_name(name: &str) -> &str {
    name.split("/cryptoKeyVersions").next().unwrap_or_default()
}

fn find<'a>(world: &'a World, name: &str) -> Result<&'a CryptoKey, Refusal> {
    ring(world, name)?
        .keys
        .get(piece(name, "cryptoKeys"))
        .filter(|key| !key.retired)
        .ok_or_else(|| missing("CryptoKey", key_name(name)))
}

fn key_mut<'a>(world: &'a mut World, name: &str) -> Result<&'a mut CryptoKey, Refusal> {
    let id = piece(name, "cryptoKeys").to_owned();
    ring_mut(world, name)?
        .keys
        .get_mut(&id)
        .filter(|key| !key.retired)
        .ok_or_else(|| missing("CryptoKey", key_name(name)))
}

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let method = call
        .operation
        .strip_prefix("cloudkms.projects.locations.")
        .unwrap_or_default();
    let name = ["name", "parent", "resource"]
        .iter()
        .find_map(|member| call.text(member))
        .unwrap_or_default();
    let name = world.gcp.with_id(name)?;
    let location = piece(&name, "locations");
    if !location.is_empty() {
        check_location(
            location,
            false,
            &["global", "us", "europe", "asia", "eur4", "nam4", "-"],
        )?;
    }
    if let Some(method) = method.strip_prefix("keyRings.cryptoKeys.cryptoKeyVersions.") {
        return versions(world, call, method, &name);
    }
    if let Some(method) = method.strip_prefix("keyRings.cryptoKeys.") {
        return keys(world, call, method, &name);
    }
    match method {
        "list" => {
            let project = name.clone();
            let locations = REGIONS
                .iter()
                .map(|region| json!({"name": format!("{project}/locations/{region}"), "locationId": region}))
                .collect();
            page(call, &world.behaviour, "locations", "pageSize", 100, locations)
        }
        "get" => Ok(json!({"name": name, "locationId": location}).into()),
        "operations.get" => world
            .gcp
            .project(&name)?
            .operations
            .get(&format!("cloudkms/{name}"))
            .map(|operation| operation.told(call.at).into())
            .ok_or_else(|| not_found(format!("Operation {name} not found."))),
        "keyRings.create" => {
            let id = call.required("keyRingId");
            check_id("key_ring_id", id)?;
            let full = format!("{name}/keyRings/{id}");
            let project = world.gcp.project_mut(&name)?;
            if project.key_rings.contains_key(&full) {
                return Err(exists(format!("KeyRing {full} already exists.")));
            }
            let ring = KeyRing {
                born: call.at,
                keys: BTreeMap::new(),
                policy: Policy::default(),
                retired: false,
            };
            let told = ring_told(&full, &ring);
            project.key_rings.insert(full, ring);
            Ok(told.into())
        }
        "keyRings.get" => Ok(ring_told(&name, ring(world, &name)?).into()),
        "keyRings.list" => {
            let rings = world
                .gcp
                .project(&name)?
                .key_rings
                .iter()
                .filter(|(known, ring)| !ring.retired && piece(known, "locations") == location)
                .map(|(name, ring)| ring_told(name, ring))
                .collect();
            page(call, &world.behaviour, "keyRings", "pageSize", 100, rings)
        }
        "keyRings.delete" => {
            let ring = ring_mut(world, &name)?;
            if ring.keys.values().any(|key| !key.retired) {
                // Words are a guess; that a ring must be empty stands in the description of the method.
                return Err(precondition(format!("KeyRing {name} still has CryptoKeys.")));
            }
            ring.retired = true;
            deleted(world, call, &name)
        }
        "keyRings.getIamPolicy" => Ok(ring(world, &name)?.policy.told(policy::requested(call)).into()),
        "keyRings.setIamPolicy" => {
            let standing = ring(world, &name)?.policy.clone();
            let given = call.body().get("policy").cloned().unwrap_or_default();
            let policy = policy::replaced(world, &standing, &given, call.at)?;
            ring_mut(world, &name)?.policy = policy.clone();
            Ok(policy.told(3).into())
        }
        "keyRings.testIamPermissions" => Ok(policy::tested(world, call, &Resource::Key(name)).into()),
        _ => Err(not_carried(&call.operation)),
    }
}

fn ring_told(name: &str, ring: &KeyRing) -> Value {
    json!({"name": name, "createTime": ring.born.to_string()})
}

/// Deleting a ring or key is an operation; the name stays.
fn deleted(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let operation = Operation {
        name: format!(
            "projects/{}/locations/{}/operations/{}",
            piece(name, "projects"),
            piece(name, "locations"),
            world.random.uuid()
        ),
        ends: call.at,
        metadata: Value::Null,
        response: any("google.protobuf.Empty", &json!({})),
    };
    let told = operation.told(call.at);
    world
        .gcp
        .project_mut(name)?
        .operations
        .insert(format!("cloudkms/{}", operation.name), operation);
    Ok(told.into())
}

/// Ids match `[a-zA-Z0-9_-]{1,63}` (descriptions of the parameters).
fn check_id(what: &str, id: &str) -> Result<(), Refusal> {
    let fits = (1..=63).contains(&id.len())
        && id
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-'));
    if fits {
        return Ok(());
    }
    Err(invalid(format!(
        "{what}: \"{id}\" does not match [a-zA-Z0-9_-]{{1,63}}."
    )))
}

fn keys(world: &mut World, call: &Call, method: &str, name: &str) -> Result<Answer, Refusal> {
    match method {
        "create" => create(world, call, name),
        "get" => Ok(find(world, name)?.told().into()),
        "list" => {
            let keys = ring(world, name)?
                .keys
                .values()
                .filter(|key| !key.retired)
                .map(CryptoKey::told)
                .collect();
            page(call, &world.behaviour, "cryptoKeys", "pageSize", 100, keys)
        }
        "patch" => {
            let mut body = find(world, name)?.body.clone();
            for path in call
                .required("updateMask")
                .split(',')
                .filter(|path| !path.is_empty())
            {
                let head = path.split('.').next().unwrap_or_default();
                match head {
                    "rotationPeriod" | "nextRotationTime" | "labels" | "versionTemplate" => {
                        match call.body().get(head) {
                            Some(value) => body[head] = value.clone(),
                            None => {
                                if let Some(body) = body.as_object_mut() {
                                    body.remove(head);
                                }
                            }
                        }
                    }
                    other => return Err(invalid(format!("Field {other} of a CryptoKey is immutable."))),
                }
            }
            check_rotation(&body, call.at)?;
            key_mut(world, name)?.body = body;
            Ok(find(world, name)?.told().into())
        }
        "delete" => {
            let key = key_mut(world, name)?;
            let alive = key
                .versions
                .values()
                .any(|version| version.get("state").and_then(Value::as_str) != Some("DESTROYED"));
            if alive {
                return Err(precondition(format!(
                    "CryptoKey {name} still has CryptoKeyVersions that are not destroyed."
                )));
            }
            key.retired = true;
            deleted(world, call, name)
        }
        "updatePrimaryVersion" => {
            let id = call
                .body()
                .get("cryptoKeyVersionId")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let key = key_mut(world, name)?;
            let number = id
                .parse()
                .ok()
                .filter(|number| key.versions.contains_key(number))
                .ok_or_else(|| missing("CryptoKeyVersion", &format!("{name}/cryptoKeyVersions/{id}")))?;
            key.primary = Some(number);
            Ok(key.told().into())
        }
        "encrypt" | "decrypt" => cipher(world, call, method, name),
        "getIamPolicy" => Ok(find(world, name)?.policy.told(policy::requested(call)).into()),
        "setIamPolicy" => {
            let standing = find(world, name)?.policy.clone();
            let given = call.body().get("policy").cloned().unwrap_or_default();
            let policy = policy::replaced(world, &standing, &given, call.at)?;
            key_mut(world, name)?.policy = policy.clone();
            Ok(policy.told(3).into())
        }
        "testIamPermissions" => Ok(policy::tested(world, call, &Resource::Key(name.to_owned())).into()),
        _ => Err(not_carried(&call.operation)),
    }
}

/// Rotation: both or neither, a day at least, the next one not in the past (descriptions of the fields).
fn check_rotation(body: &Value, at: Timestamp) -> Result<(), Refusal> {
    let period = body.get("rotationPeriod").and_then(Value::as_str);
    let next = body.get("nextRotationTime").and_then(Value::as_str);
    if period.is_some() && next.is_none() {
        return Err(invalid(
            "If rotation_period is set, next_rotation_time must also be set.",
        ));
    }
    if let Some(period) = period
        && seconds(period).is_none_or(|period| period < SHORTEST_ROTATION)
    {
        return Err(invalid("rotation_period must be at least 1 day (86400s)."));
    }
    if let Some(next) = next.and_then(|next| next.parse::<Timestamp>().ok())
        && next < at
    {
        return Err(invalid("next_rotation_time must be in the future."));
    }
    Ok(())
}

fn create(world: &mut World, call: &Call, parent: &str) -> Result<Answer, Refusal> {
    let id = call.required("cryptoKeyId").to_owned();
    check_id("crypto_key_id", &id)?;
    let name = format!("{parent}/cryptoKeys/{id}");
    if ring(world, parent)?.keys.contains_key(&id) {
        return Err(exists(format!("CryptoKey {name} already exists.")));
    }
    let mut body = call.body().clone();
    let purpose = body
        .get("purpose")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if matches!(purpose.as_str(), "" | "CRYPTO_KEY_PURPOSE_UNSPECIFIED") {
        return Err(invalid("The purpose of the CryptoKey must be specified."));
    }
    let symmetric = purpose == "ENCRYPT_DECRYPT";
    if !symmetric && body.get("rotationPeriod").is_some() {
        return Err(invalid(
            "rotation_period is only allowed for keys with purpose ENCRYPT_DECRYPT.",
        ));
    }
    check_rotation(&body, call.at)?;
    body["name"] = json!(name);
    body["createTime"] = json!(call.at.to_string());
    if body.get("destroyScheduledDuration").is_none() {
        body["destroyScheduledDuration"] = json!(DESTROYED_AFTER);
    }
    let level = body
        .pointer("/versionTemplate/protectionLevel")
        .and_then(Value::as_str)
        .unwrap_or("SOFTWARE")
        .to_owned();
    let algorithm = body
        .pointer("/versionTemplate/algorithm")
        .and_then(Value::as_str)
        .unwrap_or("GOOGLE_SYMMETRIC_ENCRYPTION")
        .to_owned();
    body["versionTemplate"] = json!({"protectionLevel": level, "algorithm": algorithm});
    let mut key = CryptoKey {
        body,
        versions: BTreeMap::new(),
        primary: None,
        policy: Policy::default(),
        retired: false,
    };
    let skip = call
        .input
        .get("skipInitialVersionCreation")
        .and_then(Value::as_bool)
        .unwrap_or(false);
    if !skip {
        let version = version(&name, 1, &key.body, call.at);
        key.versions.insert(1, version);
        // Only symmetric keys have a primary version (description of `primary`).
        key.primary = symmetric.then_some(1);
    }
    let told = key.told();
    ring_mut(world, parent)?.keys.insert(id, key);
    Ok(told.into())
}

fn version(key: &str, number: u64, body: &Value, at: Timestamp) -> Value {
    json!({
        "name": format!("{key}/cryptoKeyVersions/{number}"),
        "state": "ENABLED",
        "createTime": at.to_string(),
        "generateTime": at.to_string(),
        "protectionLevel": body.pointer("/versionTemplate/protectionLevel"),
        "algorithm": body.pointer("/versionTemplate/algorithm"),
    })
}

fn versions(world: &mut World, call: &Call, method: &str, name: &str) -> Result<Answer, Refusal> {
    if method == "list" {
        let versions = find(world, name)?.versions.values().cloned().collect();
        return page(
            call,
            &world.behaviour,
            "cryptoKeyVersions",
            "pageSize",
            100,
            versions,
        );
    }
    let key = key_mut(world, name)?;
    if method == "create" {
        let number = key.versions.keys().last().map_or(1, |last| last + 1);
        let made = version(name, number, &key.body, call.at);
        key.versions.insert(number, made.clone());
        return Ok(made.into());
    }
    let duration = key
        .body
        .get("destroyScheduledDuration")
        .and_then(Value::as_str)
        .and_then(seconds)
        .unwrap_or_default();
    let version = short(name)
        .parse()
        .ok()
        .and_then(|number: u64| key.versions.get_mut(&number))
        .ok_or_else(|| missing("CryptoKeyVersion", name))?;
    // What was scheduled has come.
    if let Some(time) = version
        .get("destroyTime")
        .and_then(Value::as_str)
        .and_then(|time| time.parse::<Timestamp>().ok())
        && time <= call.at
    {
        version["state"] = json!("DESTROYED");
        version["destroyEventTime"] = json!(time.to_string());
    }
    let state = version
        .get("state")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let wrong = |state: &str| precondition(format!("{name} is in state {state}."));
    match method {
        "get" => {}
        "patch" => {
            let wanted = call
                .body()
                .get("state")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if !matches!(wanted, "ENABLED" | "DISABLED") || !matches!(state.as_str(), "ENABLED" | "DISABLED")
            {
                return Err(wrong(&state));
            }
            version["state"] = json!(wanted);
        }
        "destroy" => {
            if !matches!(state.as_str(), "ENABLED" | "DISABLED") {
                return Err(wrong(&state));
            }
            version["state"] = json!("DESTROY_SCHEDULED");
            version["destroyTime"] = json!((call.at + SignedDuration::from_secs_f64(duration)).to_string());
        }
        "restore" => {
            if state != "DESTROY_SCHEDULED" {
                return Err(wrong(&state));
            }
            // Restored ones are disabled (description of the method).
            version["state"] = json!("DISABLED");
            if let Some(version) = version.as_object_mut() {
                version.remove("destroyTime");
            }
        }
        _ => return Err(not_carried(&call.operation)),
    }
    Ok(version.clone().into())
}

/// No secret is kept: a ciphertext here is its plaintext with a mark, so that reading back can be tried.
fn cipher(world: &World, call: &Call, method: &str, name: &str) -> Result<Answer, Refusal> {
    const MARK: &[u8] = b"sandbox:";
    let key = find(world, name)?;
    let primary = key
        .primary
        .and_then(|number| key.versions.get(&number))
        .filter(|version| version.get("state").and_then(Value::as_str) == Some("ENABLED"))
        .ok_or_else(|| precondition(format!("{name} has no enabled primary version.")))?;
    let engine = base64::engine::general_purpose::STANDARD;
    let bytes = |member: &str| {
        let text = call
            .body()
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default();
        engine.decode(text).unwrap_or_default()
    };
    if method == "encrypt" {
        let ciphertext = engine.encode([MARK, &bytes("plaintext")].concat());
        return Ok(
            json!({"name": primary.get("name"), "ciphertext": ciphertext, "protectionLevel": "SOFTWARE"})
                .into(),
        );
    }
    let ciphertext = bytes("ciphertext");
    let plaintext = ciphertext.strip_prefix(MARK).ok_or_else(|| {
        // Words from public issues.
        invalid("Decryption failed: verify that 'name' refers to the correct CryptoKey.")
    })?;
    Ok(
        json!({"plaintext": engine.encode(plaintext), "usedPrimary": true, "protectionLevel": "SOFTWARE"})
            .into(),
    )
}
