//! Secrets: making, finding, describing, changing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::value::{self, Version};
use super::{State, deletion, invalid_parameter, refusal, tagging};
use crate::answer::{Answer, Refusal};
use crate::aws::arn;
use crate::aws::kms::usage::{Obstacle, usable};
use crate::aws::output::said;
use crate::aws::tags::Tags;
use crate::call::Call;
use crate::world::World;

/// A secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Secret {
    /// Its ARN, which ends with six random characters.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// The key as its maker named it; `None` for `aws/secretsmanager`.
    pub key: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub changed: Timestamp,
    /// The day it was last read.
    pub accessed: Option<Timestamp>,
    /// Its deletion, if it is scheduled.
    pub deletion: Option<Deletion>,
    /// Its versions by id.
    pub versions: BTreeMap<String, Version>,
    /// Its resource policy.
    pub policy: Option<String>,
}

/// A deletion that is under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deletion {
    /// When it was asked for.
    pub asked: Timestamp,
    /// When the secret goes.
    pub at: Timestamp,
    /// Without a window: the secret is not seen any more, and cannot be restored.
    pub forced: bool,
}

/// The secrets of the account and region that a call is made in.
pub(super) fn state<'w>(world: &'w World, call: &Call) -> &'w State {
    &world.aws.region(&call.account, &call.region).secretsmanager
}

pub(super) fn absent() -> Refusal {
    refusal(
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    )
}

/// The name that a `SecretId` means: a name, an ARN, or an ARN without its last six characters.
///
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen>
fn name_of(world: &World, call: &Call) -> Result<String, Refusal> {
    let id = call.required("SecretId");
    let secrets = &state(world, call).secrets;
    let found = if id.starts_with("arn:") {
        secrets.values().find(|secret| {
            let partial = secret.arn.rsplit_once('-').map_or("", |(start, _)| start);
            secret.arn == id || partial == id
        })
    } else {
        secrets.get(id)
    };
    found
        .filter(|secret| !secret.deletion.as_ref().is_some_and(|deletion| deletion.forced))
        .map(|secret| secret.name.clone())
        .ok_or_else(absent)
}

/// The secret, whether it waits for its deletion or not.
pub(super) fn find<'w>(world: &'w World, call: &Call) -> Result<&'w Secret, Refusal> {
    let name = name_of(world, call)?;
    state(world, call).secrets.get(&name).ok_or_else(absent)
}

/// The secret, to change; whether it waits for its deletion or not.
pub(super) fn change_any<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Secret, Refusal> {
    let name = name_of(world, call)?;
    world
        .aws
        .region_mut(&call.account, &call.region)
        .secretsmanager
        .secrets
        .get_mut(&name)
        .ok_or_else(absent)
}

/// The secret, to change; refused while it waits for its deletion.
pub(super) fn change<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Secret, Refusal> {
    find(world, call)?.alive()?;
    change_any(world, call)
}

impl Secret {
    /// Refuses what a secret that waits for its deletion cannot do.
    pub(super) fn alive(&self) -> Result<(), Refusal> {
        match self.deletion {
            Some(_) => Err(super::invalid_request(
                "You can't perform this operation on the secret because it was marked for deletion.",
            )),
            None => Ok(()),
        }
    }

    /// What `DescribeSecret` and `ListSecrets` both say; the member with the versions has another name in each.
    pub(super) fn shown(&self, versions: &str) -> Value {
        let stages: BTreeMap<&String, &Vec<String>> = self
            .versions
            .iter()
            .filter(|(_, version)| !version.stages.is_empty())
            .map(|(id, version)| (id, &version.stages))
            .collect();
        json!({
            "ARN": self.arn,
            "Name": self.name,
            "Description": self.description,
            "KmsKeyId": self.key,
            "LastChangedDate": self.changed.to_string(),
            "LastAccessedDate": self.accessed.map(|at| at.to_string()),
            "DeletedDate": self.deletion.as_ref().map(|deletion| deletion.asked.to_string()),
            "Tags": (!self.tags.is_empty()).then(|| tagging::list(&self.tags)),
            versions: (!stages.is_empty()).then_some(stages),
            "CreatedDate": self.created.to_string(),
        })
    }

    /// ARN and name, which most operations answer.
    pub(super) fn named(&self) -> Value {
        json!({"ARN": self.arn, "Name": self.name})
    }
}

/// Refuses a key that the service could not use.
///
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>: `EncryptionFailure` for a key that
/// cannot be used. That a value must be there for it to be noticed is a guess: the key is used only then.
pub(super) fn check_key(
    world: &World,
    call: &Call,
    key: Option<&str>,
    with_value: bool,
) -> Result<(), Refusal> {
    let Some(key) = key.filter(|key| *key != "alias/aws/secretsmanager") else {
        return Ok(());
    };
    match usable(world, &call.account, &call.region, key, call.at) {
        Ok(_) => Ok(()),
        Err(Obstacle::Missing) if !with_value => Ok(()),
        Err(Obstacle::Missing) => Err(invalid_request_about(key, "does not exist")),
        Err(_) if !with_value => Ok(()),
        Err(Obstacle::PendingDeletion) => Err(invalid_request_about(key, "is pending deletion")),
        Err(Obstacle::Disabled) => Err(invalid_request_about(key, "is disabled")),
        Err(Obstacle::WrongKind) => Err(invalid_request_about(key, "is not a symmetric encryption key")),
    }
}

fn invalid_request_about(key: &str, what: &str) -> Refusal {
    refusal(
        "EncryptionFailure",
        format!(
            "Secrets Manager can't encrypt the protected secret text using the provided KMS key: {key} {what}"
        ),
    )
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("Name");
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte);
    if !name.bytes().all(allowed) {
        return Err(refusal(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ));
    }
    let tags = tagging::read(call)?;
    let value = value::given(call)?;
    check_key(world, call, call.text("KmsKeyId"), value.is_some())?;
    if let Some(existing) = state(world, call).secrets.get(name) {
        return match &existing.deletion {
            Some(deletion) => Err(deletion::name_blocked(deletion)),
            None => again(existing, call, value.as_ref()),
        };
    }
    let token = value::token(world, call);
    // https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html: a hyphen and six characters.
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let suffix = world.random.text(letters, 6);
    let resource = format!("secret:{name}-{suffix}");
    let arn = arn::regional("secretsmanager", &call.region, &call.account, &resource);
    let mut secret = Secret {
        arn,
        name: name.to_owned(),
        description: call.text("Description").map(str::to_owned),
        key: call.text("KmsKeyId").map(str::to_owned),
        tags,
        created: call.at,
        changed: call.at,
        accessed: None,
        deletion: None,
        versions: BTreeMap::new(),
        policy: None,
    };
    let version = value.map(|content| {
        value::put_current(&mut secret, &token, content, call.at);
        token
    });
    let mut output = secret.named();
    output["VersionId"] = json!(version);
    world
        .aws
        .region_mut(&call.account, &call.region)
        .secretsmanager
        .secrets
        .insert(name.to_owned(), secret);
    Ok(said(output))
}

/// The same call again: the same answer if token and value are the same.
fn again(existing: &Secret, call: &Call, value: Option<&value::Content>) -> Result<Answer, Refusal> {
    let exists = || {
        refusal(
            "ResourceExistsException",
            format!(
                "The operation failed because the secret {} already exists.",
                existing.name
            ),
        )
    };
    let token = call.text("ClientRequestToken").ok_or_else(exists)?;
    let version = existing.versions.get(token).ok_or_else(exists)?;
    if Some(&version.content) != value {
        return Err(exists());
    }
    let mut output = existing.named();
    output["VersionId"] = json!(token);
    Ok(said(output))
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html>: also of a secret that waits for
/// its deletion.
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    Ok(said(find(world, call)?.shown("VersionIdsToStages")))
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html>
pub(super) fn update(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let value = value::given(call)?;
    let token = value::token(world, call);
    let found = find(world, call)?;
    found.alive()?;
    let key = call.text("KmsKeyId").or(found.key.as_deref());
    check_key(world, call, key, value.is_some())?;
    if let Some(content) = &value {
        value::not_other(found, &token, content)?;
    }
    if call.text("Description").is_some_and(|text| text.len() > 2048) {
        return Err(invalid_parameter("Description is longer than 2048 characters"));
    }
    let secret = change(world, call)?;
    if let Some(description) = call.text("Description") {
        secret.description = Some(description.to_owned());
    }
    if let Some(key) = call.text("KmsKeyId") {
        secret.key = (!key.is_empty()).then(|| key.to_owned());
    }
    secret.changed = call.at;
    let version = value.map(|content| {
        value::put_current(secret, &token, content, call.at);
        token
    });
    let mut output = secret.named();
    output["VersionId"] = json!(version);
    Ok(said(output))
}
