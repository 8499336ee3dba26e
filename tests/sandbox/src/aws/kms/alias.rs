//! Aliases: names of keys, unique in an account and region.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::key::{find, state};
use super::{bad_marker, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::arn;
use crate::aws::output::said;
use crate::aws::page::page;
use crate::call::Call;
use crate::world::World;

/// An alias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alias {
    /// The id of the key it names.
    pub target: String,
    /// When it was made.
    pub created: Timestamp,
    /// When its target was last changed.
    pub updated: Timestamp,
}

fn arn_of(call: &Call, name: &str) -> String {
    arn::regional("kms", &call.region, &call.account, name)
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>, `AliasName`.
fn check_name(name: &str) -> Result<(), Refusal> {
    let Some(rest) = name.strip_prefix("alias/") else {
        return Err(refusal(
            "ValidationException",
            "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        ));
    };
    if rest.starts_with("aws/") {
        return Err(refusal(
            "NotAuthorizedException",
            "Not authorized to create, update or delete an alias with the reserved prefix alias/aws/",
        ));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-');
    if rest.is_empty() || !rest.bytes().all(allowed) {
        return Err(refusal(
            "InvalidAliasNameException",
            format!(
                "{name} contains invalid characters. Aliases can contain only alphanumeric characters, forward slashes (/), underscores (_), and dashes (-)"
            ),
        ));
    }
    Ok(())
}

/// The key that an alias may name: the account's own, by id or ARN, and not on its way out.
fn target(world: &World, call: &Call) -> Result<String, Refusal> {
    let text = call.required("TargetKeyId");
    if text.starts_with("alias/") || text.contains(":alias/") {
        return Err(refusal(
            "ValidationException",
            "Aliases must refer to keys. Not aliases",
        ));
    }
    let key = find(world, call, text)?;
    if key.account != call.account {
        return Err(refusal(
            "NotFoundException",
            format!("Key '{}' does not exist", key.arn),
        ));
    }
    key.customers(call)?;
    key.not_pending()?;
    Ok(key.id.clone())
}

fn absent(call: &Call, name: &str) -> Refusal {
    refusal(
        "NotFoundException",
        format!("Alias {} is not found.", arn_of(call, name)),
    )
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("AliasName");
    check_name(name)?;
    let target = target(world, call)?;
    let aliases = &mut world.aws.region_mut(&call.account, &call.region).kms.aliases;
    if aliases.contains_key(name) {
        return Err(refusal(
            "AlreadyExistsException",
            format!("An alias with the name {} already exists", arn_of(call, name)),
        ));
    }
    let alias = Alias {
        target,
        created: call.at,
        updated: call.at,
    };
    aliases.insert(name.to_owned(), alias);
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html>
pub(super) fn update(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("AliasName");
    check_name(name)?;
    let target = target(world, call)?;
    let kms = &mut world.aws.region_mut(&call.account, &call.region).kms;
    let kind = |id: &str| {
        kms.keys
            .get(id)
            .map(|key| (key.usage.clone(), key.spec == "SYMMETRIC_DEFAULT"))
    };
    let (new, old) = (
        kind(&target),
        kms.aliases.get(name).and_then(|alias| kind(&alias.target)),
    );
    let alias = kms.aliases.get_mut(name).ok_or_else(|| absent(call, name))?;
    if new != old {
        // The API page: both keys must be of one type and have the same usage.
        return Err(refusal(
            "ValidationException",
            "The current and new KMS key must be the same type and have the same key usage",
        ));
    }
    alias.target = target;
    alias.updated = call.at;
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteAlias.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("AliasName");
    check_name(name)?;
    if !state(world, call).aliases.contains_key(name) {
        return Err(absent(call, name));
    }
    world
        .aws
        .region_mut(&call.account, &call.region)
        .kms
        .aliases
        .remove(name);
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let of = call
        .text("KeyId")
        .map(|text| find(world, call, text).map(|key| key.id.clone()))
        .transpose()?;
    let aliases = state(world, call)
        .aliases
        .iter()
        .filter(|(_, alias)| of.as_ref().is_none_or(|id| *id == alias.target))
        .map(|(name, alias)| (name, (name, alias)));
    let limit = call.count("Limit");
    let page =
        page(aliases, call.text("Marker"), limit, 50, world.behaviour.page).map_err(|_| bad_marker())?;
    let listed: Vec<Value> = page
        .entries
        .into_iter()
        .map(|(name, alias)| {
            json!({
                "AliasName": name,
                "AliasArn": arn_of(call, name),
                "TargetKeyId": alias.target,
                "CreationDate": alias.created.to_string(),
                "LastUpdatedDate": alias.updated.to_string(),
            })
        })
        .collect();
    Ok(said(json!({
        "Aliases": listed,
        "Truncated": page.next.is_some(),
        "NextMarker": page.next,
    })))
}
