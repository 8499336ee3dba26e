//! Keys: making, finding, describing, switching on and off.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Grant, Rotation, State, bad_marker, policy, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::aws::page::page;
use crate::aws::tags::Tags;
use crate::aws::{arn, kms};
use crate::call::Call;
use crate::world::World;

/// A key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// Its id, a UUID.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Who owns it.
    pub account: String,
    /// When it was made.
    pub created: Timestamp,
    /// Free text.
    pub description: String,
    /// Whose it is.
    pub manager: Manager,
    /// `SYMMETRIC_DEFAULT`, `RSA_2048`, …
    pub spec: String,
    /// `ENCRYPT_DECRYPT`, `SIGN_VERIFY`, …
    pub usage: String,
    /// `AWS_KMS`, `EXTERNAL`, …
    pub origin: String,
    /// Whether it may have replicas.
    pub multi_region: bool,
    /// Whether it was switched off.
    pub enabled: bool,
    /// When it goes, and the window in days, if its deletion is scheduled.
    pub deletion: Option<(Timestamp, i64)>,
    /// Its policy as it was given.
    pub policy: String,
    /// Yearly or other rotation, if switched on.
    pub rotation: Option<Rotation>,
    /// Its tags.
    pub tags: Tags,
    /// Its grants by id.
    pub grants: BTreeMap<String, Grant>,
    /// What stands for its key material.
    pub(super) material: String,
}

/// Who manages a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manager {
    /// The account.
    Customer,
    /// AWS, for one service: `alias/aws/s3`.
    Aws,
}

impl Key {
    /// Whether its window is over.
    pub fn is_gone(&self, now: Timestamp) -> bool {
        self.deletion.is_some_and(|(at, _)| at <= now)
    }

    /// `Enabled`, `Disabled`, `PendingDeletion`.
    ///
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>
    pub fn state(&self) -> &'static str {
        match (&self.deletion, self.enabled) {
            (Some(_), _) => "PendingDeletion",
            (None, true) if self.origin == "EXTERNAL" => "PendingImport",
            (None, true) => "Enabled",
            (None, false) => "Disabled",
        }
    }

    /// Refuses what a key that waits for its deletion cannot do.
    pub(super) fn not_pending(&self) -> Result<(), Refusal> {
        match self.state() {
            "PendingDeletion" => Err(refusal(
                "KMSInvalidStateException",
                format!("{} is pending deletion.", self.arn),
            )),
            _ => Ok(()),
        }
    }

    /// Refuses what only an enabled key can do.
    pub(super) fn usable(&self) -> Result<(), Refusal> {
        self.not_pending()?;
        match self.state() {
            "Disabled" => Err(refusal("DisabledException", format!("{} is disabled.", self.arn))),
            "PendingImport" => Err(refusal(
                "KMSInvalidStateException",
                format!("{} is pending import.", self.arn),
            )),
            _ => Ok(()),
        }
    }

    /// Refuses to change what AWS manages.
    pub(super) fn customers(&self, call: &Call) -> Result<(), Refusal> {
        if self.manager == Manager::Aws {
            // Guess at the wording; that it is refused: https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html
            return Err(refusal(
                "AccessDeniedException",
                format!(
                    "User: {} is not authorized to perform: kms:{} on resource: {}",
                    call.caller.principal, call.operation, self.arn
                ),
            ));
        }
        Ok(())
    }

    /// The answer's `KeyMetadata`.
    pub fn metadata(&self) -> Value {
        let (encryption, signing, mac) = algorithms(&self.spec, &self.usage);
        json!({
            "AWSAccountId": self.account,
            "KeyId": self.id,
            "Arn": self.arn,
            "CreationDate": self.created.to_string(),
            "Enabled": self.state() == "Enabled",
            "Description": self.description,
            "KeyUsage": self.usage,
            "KeyState": self.state(),
            "DeletionDate": self.deletion.map(|(at, _)| at.to_string()),
            "Origin": self.origin,
            "KeyManager": match self.manager { Manager::Customer => "CUSTOMER", Manager::Aws => "AWS" },
            "CustomerMasterKeySpec": self.spec,
            "KeySpec": self.spec,
            "EncryptionAlgorithms": encryption,
            "SigningAlgorithms": signing,
            "MacAlgorithms": mac,
            "MultiRegion": self.multi_region,
            "MultiRegionConfiguration": self.multi_region.then(|| json!({
                "MultiRegionKeyType": "PRIMARY",
                "PrimaryKey": {"Arn": self.arn, "Region": self.region()},
                "ReplicaKeys": [],
            })),
        })
    }

    fn region(&self) -> &str {
        self.arn.split(':').nth(3).unwrap_or_default()
    }
}

/// Algorithms of a key: to encrypt, to sign, for message authentication.
///
/// <https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html>
fn algorithms(spec: &str, usage: &str) -> (Option<Value>, Option<Value>, Option<Value>) {
    match (usage, spec) {
        ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT") => (Some(json!(["SYMMETRIC_DEFAULT"])), None, None),
        ("ENCRYPT_DECRYPT", _) => (
            Some(json!(["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])),
            None,
            None,
        ),
        ("GENERATE_VERIFY_MAC", _) => (None, None, Some(json!([spec]))),
        ("SIGN_VERIFY", "ECC_NIST_P256" | "ECC_SECG_P256K1") => (None, Some(json!(["ECDSA_SHA_256"])), None),
        ("SIGN_VERIFY", "ECC_NIST_P384") => (None, Some(json!(["ECDSA_SHA_384"])), None),
        ("SIGN_VERIFY", "ECC_NIST_P521") => (None, Some(json!(["ECDSA_SHA_512"])), None),
        ("SIGN_VERIFY", _) if spec.starts_with("RSA_") => (
            None,
            Some(json!([
                "RSASSA_PKCS1_V1_5_SHA_256",
                "RSASSA_PKCS1_V1_5_SHA_384",
                "RSASSA_PKCS1_V1_5_SHA_512",
                "RSASSA_PSS_SHA_256",
                "RSASSA_PSS_SHA_384",
                "RSASSA_PSS_SHA_512"
            ])),
            None,
        ),
        _ => (None, None, None),
    }
}

/// The keys of the account and region that a call is made in.
pub(super) fn state<'w>(world: &'w World, call: &Call) -> &'w State {
    &world.aws.region(&call.account, &call.region).kms
}

/// The key that a caller means by id, ARN, alias or alias ARN.
///
/// # Errors
/// `NotFoundException`, `InvalidArnException`.
pub(super) fn find<'w>(world: &'w World, call: &Call, text: &str) -> Result<&'w Key, Refusal> {
    let (account, region, name) = place(call, text)?;
    // A key in another region is not found there: https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
    if region != call.region {
        return Err(refusal("NotFoundException", format!("Invalid arn {region}")));
    }
    let kms = &world.aws.region(account, region).kms;
    let arn = |resource: &str| arn::regional("kms", region, account, resource);
    let id = match name.strip_prefix("alias/") {
        Some(_) => match kms.aliases.get(name) {
            Some(alias) => alias.target.as_str(),
            None => {
                return Err(refusal(
                    "NotFoundException",
                    format!("Alias {} is not found.", arn(name)),
                ));
            }
        },
        None => name,
    };
    kms.keys.get(id).ok_or_else(|| {
        let message = if is_key_id(id) {
            format!("Key '{}' does not exist", arn(&format!("key/{id}")))
        } else {
            format!("Invalid keyId '{id}'")
        };
        refusal("NotFoundException", message)
    })
}

/// The key for operations that do not take an alias.
pub(super) fn find_by_id<'w>(world: &'w World, call: &Call) -> Result<&'w Key, Refusal> {
    let text = call.required("KeyId");
    if text.starts_with("alias/") || text.contains(":alias/") {
        // Guess at the wording; the API pages of these operations say that an alias is not taken.
        return Err(refusal("NotFoundException", format!("Invalid keyId '{text}'")));
    }
    find(world, call, text)
}

/// The same key, to change; only its own account may.
pub(super) fn change<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Key, Refusal> {
    let found = find_by_id(world, call)?;
    found.customers(call)?;
    let (account, id) = (found.account.clone(), found.id.clone());
    world
        .aws
        .region_mut(&account, &call.region)
        .kms
        .keys
        .get_mut(&id)
        .ok_or_else(|| refusal("NotFoundException", format!("Invalid keyId '{id}'")))
}

/// Account, region and id or alias that a text names.
fn place<'t>(call: &'t Call, text: &'t str) -> Result<(&'t str, &'t str, &'t str), Refusal> {
    if !text.starts_with("arn:") {
        return Ok((&call.account, &call.region, text));
    }
    let invalid = || refusal("InvalidArnException", format!("Invalid arn {text}"));
    let arn = mlops_access::aws::Arn::parse(text).ok_or_else(invalid)?;
    if arn.service != "kms" {
        return Err(invalid());
    }
    let name = match arn.resource.strip_prefix("key/") {
        Some(id) => id,
        None if arn.resource.starts_with("alias/") => arn.resource,
        None => return Err(invalid()),
    };
    Ok((arn.account, arn.region, name))
}

/// Whether a text has the shape of a key's id: a UUID, or `mrk-` and 32 digits.
fn is_key_id(text: &str) -> bool {
    match text.strip_prefix("mrk-") {
        Some(rest) => rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => {
            text.len() == 36
                && text.bytes().enumerate().all(|(index, byte)| {
                    if matches!(index, 8 | 13 | 18 | 23) {
                        byte == b'-'
                    } else {
                        byte.is_ascii_hexdigit()
                    }
                })
        }
    }
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let tags = super::tagging::read(call)?;
    let spec = call
        .text("KeySpec")
        .or(call.text("CustomerMasterKeySpec"))
        .unwrap_or("SYMMETRIC_DEFAULT");
    let usage = match call.text("KeyUsage") {
        Some(usage) => usage,
        None if spec == "SYMMETRIC_DEFAULT" => "ENCRYPT_DECRYPT",
        None => {
            return Err(refusal(
                "ValidationException",
                format!(
                    "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys: {spec}"
                ),
            ));
        }
    };
    check_usage(spec, usage)?;
    let multi_region = call.flag("MultiRegion");
    let mut id = world.random.uuid();
    if multi_region {
        id = format!("mrk-{}", id.replace('-', ""));
    }
    let arn = arn_of(&call.account, &call.region, &id);
    let document = match call.text("Policy") {
        Some(document) => {
            policy::check(world, call, document, &arn)?;
            document.to_owned()
        }
        None => policy::by_default(&call.account, &call.region),
    };
    let key = Key {
        arn,
        account: call.account.clone(),
        created: call.at,
        description: call.required("Description").to_owned(),
        manager: Manager::Customer,
        spec: spec.to_owned(),
        usage: usage.to_owned(),
        origin: call.text("Origin").unwrap_or("AWS_KMS").to_owned(),
        multi_region,
        enabled: true,
        deletion: None,
        policy: document,
        rotation: None,
        tags,
        grants: BTreeMap::new(),
        material: world.random.hex(64),
        id: id.clone(),
    };
    let metadata = key.metadata();
    world
        .aws
        .region_mut(&call.account, &call.region)
        .kms
        .keys
        .insert(id, key);
    Ok(said(json!({"KeyMetadata": metadata})))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>, `KeyUsage`.
fn check_usage(spec: &str, usage: &str) -> Result<(), Refusal> {
    let fits = match spec {
        "SYMMETRIC_DEFAULT" => usage == "ENCRYPT_DECRYPT",
        _ if spec.starts_with("HMAC_") => usage == "GENERATE_VERIFY_MAC",
        _ if spec.starts_with("RSA_") => matches!(usage, "ENCRYPT_DECRYPT" | "SIGN_VERIFY"),
        "SM2" => matches!(usage, "ENCRYPT_DECRYPT" | "SIGN_VERIFY" | "KEY_AGREEMENT"),
        "ECC_SECG_P256K1" => usage == "SIGN_VERIFY",
        _ if spec.starts_with("ECC_") => matches!(usage, "SIGN_VERIFY" | "KEY_AGREEMENT"),
        _ => usage == "SIGN_VERIFY",
    };
    if fits {
        return Ok(());
    }
    Err(refusal(
        "ValidationException",
        format!("KeyUsage {usage} is not compatible with KeySpec {spec}"),
    ))
}

pub(super) fn arn_of(account: &str, region: &str, id: &str) -> String {
    arn::regional("kms", region, account, &format!("key/{id}"))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html>
pub(super) fn describe(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let text = call.required("KeyId");
    // The alias of a service's own key brings the key about.
    if let Some(service) = text.strip_prefix("alias/aws/")
        && kms::usage::HAVE_OWN_KEY.contains(&service)
    {
        kms::usage::own_key(world, &call.account, &call.region, service, call.at);
    }
    let key = find(world, call, text)?;
    Ok(said(json!({"KeyMetadata": key.metadata()})))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let keys = &state(world, call).keys;
    let limit = call.count("Limit");
    let page = page(keys, call.text("Marker"), limit, 100, world.behaviour.page).map_err(|_| bad_marker())?;
    let listed: Vec<Value> = page
        .entries
        .into_iter()
        .map(|key| json!({"KeyId": key.id, "KeyArn": key.arn}))
        .collect();
    Ok(said(json!({
        "Keys": listed,
        "Truncated": page.next.is_some(),
        "NextMarker": page.next,
    })))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateKeyDescription.html>
pub(super) fn update_description(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let key = change(world, call)?;
    key.not_pending()?;
    call.required("Description").clone_into(&mut key.description);
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKey.html> and `API_DisableKey`.
pub(super) fn switch(world: &mut World, call: &Call, on: bool) -> Result<Answer, Refusal> {
    let key = change(world, call)?;
    key.not_pending()?;
    key.enabled = on;
    Ok(Answer::empty())
}
