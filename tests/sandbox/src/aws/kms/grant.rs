//! Grants: what a principal lets another one do with a key for a while, as EKS does for its nodes' volumes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::key::{find_by_id, state};
use super::{Key, bad_marker, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::aws::page::page;
use crate::call::Call;
use crate::world::World;

/// A grant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    pub id: String,
    /// Lets it be used before it is known everywhere.
    pub token: String,
    /// Its name, which makes asking twice safe.
    pub name: Option<String>,
    /// Who may.
    pub grantee: String,
    /// Who may end it.
    pub retiring: Option<String>,
    /// Who gave it.
    pub issuer: String,
    /// What it allows.
    pub operations: Vec<String>,
    /// Encryption contexts that it is for.
    pub constraints: Option<Value>,
    /// When it was made.
    pub created: Timestamp,
}

/// The key, which may also belong to another account whose policy admits the caller.
fn key_mut<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Key, Refusal> {
    let found = find_by_id(world, call)?;
    let (account, id) = (found.account.clone(), found.id.clone());
    world
        .aws
        .region_mut(&account, &call.region)
        .kms
        .keys
        .get_mut(&id)
        .ok_or_else(|| refusal("NotFoundException", format!("Invalid keyId '{id}'")))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (id, token) = (world.random.hex(64), world.random.hex(96));
    let operations: Vec<String> = call
        .input
        .get("Operations")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let grant = Grant {
        id: id.clone(),
        token: token.clone(),
        name: call.text("Name").map(str::to_owned),
        grantee: call.required("GranteePrincipal").to_owned(),
        retiring: call.text("RetiringPrincipal").map(str::to_owned),
        issuer: crate::aws::arn::iam(&call.region, &call.account, "root"),
        operations,
        constraints: call.input.get("Constraints").cloned(),
        created: call.at,
    };
    let key = key_mut(world, call)?;
    key.usable()?;
    // Same name, same parameters: the same grant again.
    let same = key.grants.values().find(|known| {
        known.name.is_some()
            && (&known.name, &known.grantee, &known.operations, &known.constraints)
                == (&grant.name, &grant.grantee, &grant.operations, &grant.constraints)
    });
    if let Some(known) = same {
        return Ok(said(json!({"GrantId": known.id, "GrantToken": known.token})));
    }
    key.grants.insert(id.clone(), grant);
    Ok(said(json!({"GrantId": id, "GrantToken": token})))
}

fn entry(key: &Key, grant: &Grant) -> Value {
    json!({
        "KeyId": key.arn,
        "GrantId": grant.id,
        "Name": grant.name,
        "CreationDate": grant.created.to_string(),
        "GranteePrincipal": grant.grantee,
        "RetiringPrincipal": grant.retiring,
        "IssuingAccount": grant.issuer,
        "Operations": grant.operations,
        "Constraints": grant.constraints,
    })
}

fn listed(world: &World, call: &Call, grants: Vec<(String, Value)>) -> Result<Answer, Refusal> {
    let limit = call.count("Limit");
    let page =
        page(grants, call.text("Marker"), limit, 50, world.behaviour.page).map_err(|_| bad_marker())?;
    Ok(said(json!({
        "Grants": page.entries,
        "Truncated": page.next.is_some(),
        "NextMarker": page.next,
    })))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let key = find_by_id(world, call)?;
    let wanted = |member: &str, found: &str| call.text(member).is_none_or(|text| text == found);
    let grants = key
        .grants
        .values()
        .filter(|grant| wanted("GrantId", &grant.id) && wanted("GranteePrincipal", &grant.grantee))
        .map(|grant| (grant.id.clone(), entry(key, grant)))
        .collect();
    listed(world, call, grants)
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListRetirableGrants.html>
pub(super) fn list_retirable(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let principal = call.text("RetiringPrincipal");
    let mut grants: Vec<(String, Value)> = state(world, call)
        .keys
        .values()
        .flat_map(|key| key.grants.values().map(move |grant| (key, grant)))
        .filter(|(_, grant)| grant.retiring.as_deref() == principal)
        .map(|(key, grant)| (grant.id.clone(), entry(key, grant)))
        .collect();
    grants.sort_by(|one, other| one.0.cmp(&other.0));
    listed(world, call, grants)
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_RevokeGrant.html>
pub(super) fn revoke(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("GrantId");
    let key = key_mut(world, call)?;
    key.grants
        .remove(id)
        .map(|_| Answer::empty())
        .ok_or_else(|| refusal("NotFoundException", format!("Grant ID {id} not found")))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html>: by token, or by key and grant.
pub(super) fn retire(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    if call.text("GrantToken").is_none() {
        return revoke(world, call);
    }
    let token = call.required("GrantToken");
    let keys = &mut world.aws.region_mut(&call.account, &call.region).kms.keys;
    let mut retired = false;
    for key in keys.values_mut() {
        key.grants.retain(|_, grant| {
            let this = grant.token == token;
            retired |= this;
            !this
        });
    }
    if retired {
        Ok(Answer::empty())
    } else {
        Err(refusal(
            "InvalidGrantTokenException",
            "The grant token is invalid",
        ))
    }
}
