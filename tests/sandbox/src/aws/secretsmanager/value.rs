//! Versions of a secret: their values and stages.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::secret::{Secret, absent, change, find};
use super::{Hidden, invalid_parameter, invalid_request, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::kms::usage::usable;
use crate::aws::output::said;
use crate::aws::page::page;
use crate::call::Call;
use crate::world::World;

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";
/// Bytes of a value at most: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>
const LONGEST: usize = 65_536;

/// One version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Its value.
    pub content: Content,
    /// `AWSCURRENT`, `AWSPREVIOUS`, `AWSPENDING`, own ones.
    pub stages: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// A value: text, or bytes in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// `SecretString`.
    Text(Hidden),
    /// `SecretBinary`.
    Binary(Hidden),
}

/// The value of a call, if it has one.
pub(super) fn given(call: &Call) -> Result<Option<Content>, Refusal> {
    let content = match (call.text("SecretString"), call.text("SecretBinary")) {
        (Some(_), Some(_)) => {
            return Err(invalid_parameter(
                "You can't specify both a binary secret value and a string secret value.",
            ));
        }
        (Some(text), None) => Content::Text(Hidden::new(text)),
        (None, Some(bytes)) => Content::Binary(Hidden::new(bytes)),
        (None, None) => return Ok(None),
    };
    let (Content::Text(hidden) | Content::Binary(hidden)) = &content;
    if hidden.reveal().len() > LONGEST {
        return Err(invalid_parameter(format!(
            "The secret value is longer than {LONGEST} bytes"
        )));
    }
    Ok(Some(content))
}

/// The id that a new version gets: the caller's token, or one drawn.
pub(super) fn token(world: &mut World, call: &Call) -> String {
    match call.text("ClientRequestToken") {
        Some(token) => token.to_owned(),
        None => world.random.uuid(),
    }
}

/// Refuses another value under a token that was used.
///
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html>, `ClientRequestToken`.
pub(super) fn not_other(secret: &Secret, token: &str, content: &Content) -> Result<(), Refusal> {
    match secret.versions.get(token) {
        Some(known) if known.content != *content => Err(refusal(
            "ResourceExistsException",
            "You can't use ClientRequestToken to modify the value of a secret version that already exists.",
        )),
        _ => Ok(()),
    }
}

/// Makes a version the current one; the one before becomes the previous one.
pub(super) fn put_current(secret: &mut Secret, id: &str, content: Content, now: Timestamp) {
    add(secret, id, content, now);
    give_stage(secret, id, CURRENT);
}

fn add(secret: &mut Secret, id: &str, content: Content, now: Timestamp) {
    secret.versions.entry(id.to_owned()).or_insert_with(|| Version {
        content,
        stages: Vec::new(),
        created: now,
    });
    secret.changed = now;
}

/// Gives a stage to a version, and takes it from the one that had it.
fn give_stage(secret: &mut Secret, id: &str, stage: &str) {
    let before = secret
        .versions
        .iter()
        .find(|(_, version)| version.stages.iter().any(|known| known == stage))
        .map(|(id, _)| id.clone());
    if before.as_deref() == Some(id) {
        return;
    }
    for version in secret.versions.values_mut() {
        version.stages.retain(|known| known != stage);
    }
    if let Some(version) = secret.versions.get_mut(id) {
        version.stages.push(stage.to_owned());
    }
    if let (CURRENT, Some(before)) = (stage, before) {
        give_stage(secret, &before, PREVIOUS);
    }
}

/// The version that a call wants.
fn wanted<'s>(
    secret: &'s Secret,
    id: Option<&str>,
    stage: Option<&str>,
) -> Result<(&'s str, &'s Version), Refusal> {
    let missing = |what: String| {
        refusal(
            "ResourceNotFoundException",
            format!("Secrets Manager can't find the specified secret value for {what}"),
        )
    };
    let staged = |version: &Version, stage: &str| version.stages.iter().any(|known| known == stage);
    match (id, stage) {
        (Some(id), stage) => {
            let (id, version) = secret
                .versions
                .get_key_value(id)
                .ok_or_else(|| missing(format!("VersionId: {id}")))?;
            if stage.is_some_and(|stage| !staged(version, stage)) {
                return Err(invalid_request(
                    "You provided a VersionStage that is not associated to the provided VersionId.",
                ));
            }
            Ok((id, version))
        }
        (None, stage) => {
            let stage = stage.unwrap_or(CURRENT);
            secret
                .versions
                .iter()
                .find(|(_, version)| staged(version, stage))
                .map(|(id, version)| (id.as_str(), version))
                .ok_or_else(|| missing(format!("staging label: {stage}")))
        }
    }
}

/// The answer with a value.
fn revealed(secret: &Secret, id: &str, version: &Version) -> Value {
    let (text, binary) = match &version.content {
        Content::Text(hidden) => (Some(hidden.reveal()), None),
        Content::Binary(hidden) => (None, Some(hidden.reveal())),
    };
    json!({
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": id,
        "SecretString": text,
        "SecretBinary": binary,
        "VersionStages": version.stages,
        "CreatedDate": version.created.to_string(),
    })
}

/// Refuses what cannot be decrypted. The message is a guess.
fn decryptable(world: &World, call: &Call, secret: &Secret) -> Result<(), Refusal> {
    match &secret.key {
        Some(key) if key != "alias/aws/secretsmanager" => usable(world, &call.account, &call.region, key, call.at)
            .map(|_| ())
            .map_err(|_| {
                refusal(
                    "DecryptionFailure",
                    format!("Secrets Manager can't decrypt the protected secret text using the provided KMS key: {key}"),
                )
            }),
        _ => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
pub(super) fn get(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let secret = find(world, call)?;
    secret.alive()?;
    let (id, version) = wanted(secret, call.text("VersionId"), call.text("VersionStage"))?;
    decryptable(world, call, secret)?;
    let output = revealed(secret, id, version);
    // The API page of DescribeSecret: the date of the last access, without the time of day.
    let into_day = call.at.as_second().rem_euclid(86_400);
    let day = Timestamp::from_second(call.at.as_second() - into_day).unwrap_or(call.at);
    change(world, call)?.accessed = Some(day);
    Ok(said(output))
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html>, by ids.
pub(super) fn get_many(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let Some(ids) = call.input.get("SecretIdList").and_then(Value::as_array) else {
        return Err(invalid_parameter(
            "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
        ));
    };
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for id in ids.iter().filter_map(Value::as_str) {
        let one = Call {
            input: json!({"SecretId": id}),
            ..call.clone()
        };
        match get(world, &one) {
            Ok(answer) => values.push(answer.output),
            Err(refusal) => errors.push(json!({
                "SecretId": id,
                "ErrorCode": refusal.code,
                "Message": refusal.message,
            })),
        }
    }
    Ok(said(json!({"SecretValues": values, "Errors": errors})))
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html>
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let content = given(call)?
        .ok_or_else(|| invalid_parameter("You must provide either SecretString or SecretBinary."))?;
    let id = token(world, call);
    let secret = find(world, call)?;
    secret.alive()?;
    super::secret::check_key(world, call, secret.key.as_deref(), true)?;
    not_other(secret, &id, &content)?;
    let stages: Vec<String> = match call.input.get("VersionStages").and_then(Value::as_array) {
        Some(stages) => stages
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        None => vec![CURRENT.to_owned()],
    };
    let secret = change(world, call)?;
    add(secret, &id, content, call.at);
    for stage in &stages {
        give_stage(secret, &id, stage);
    }
    // A first version is the current one whatever was asked for.
    if secret.versions.len() == 1 {
        give_stage(secret, &id, CURRENT);
    }
    let mut output = secret.named();
    output["VersionId"] = json!(id);
    output["VersionStages"] = json!(secret.versions.get(&id).map(|version| &version.stages));
    Ok(said(output))
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html>: versions without a stage
/// only when asked for.
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let secret = find(world, call)?;
    let all = call.flag("IncludeDeprecated");
    let versions = secret
        .versions
        .iter()
        .filter(|(_, version)| all || !version.stages.is_empty())
        .map(|(id, version)| {
            let shown = json!({
                "VersionId": id,
                "VersionStages": version.stages,
                "CreatedDate": version.created.to_string(),
            });
            (id, shown)
        });
    let page = page(
        versions,
        call.text("NextToken"),
        call.count("MaxResults"),
        100,
        world.behaviour.page,
    )
    .map_err(|_| refusal("InvalidNextTokenException", "The NextToken value is invalid."))?;
    let mut output = secret.named();
    output["Versions"] = json!(page.entries);
    output["NextToken"] = json!(page.next);
    Ok(said(output))
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html>
pub(super) fn move_stage(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let stage = call.required("VersionStage");
    let secret = find(world, call)?;
    secret.alive()?;
    let holder = secret
        .versions
        .iter()
        .find(|(_, version)| version.stages.iter().any(|known| known == stage))
        .map(|(id, _)| id.clone());
    let (to, from) = (call.text("MoveToVersionId"), call.text("RemoveFromVersionId"));
    if holder.is_some() && to != holder.as_deref() && from != holder.as_deref() {
        return Err(invalid_parameter(format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to version {}, so you must explicitly reference that version in RemoveFromVersionId.",
            holder.unwrap_or_default()
        )));
    }
    if to.is_some_and(|id| !secret.versions.contains_key(id)) {
        return Err(absent());
    }
    if to.is_none() && stage == CURRENT {
        return Err(invalid_parameter(
            "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
        ));
    }
    let secret = change(world, call)?;
    match to {
        Some(id) => give_stage(secret, id, stage),
        None => {
            for version in secret.versions.values_mut() {
                version.stages.retain(|known| known != stage);
            }
        }
    }
    secret.changed = call.at;
    Ok(said(secret.named()))
}
