//! The registry itself: its policy, replication and settings, and the token that clients log in with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::repository::{host, state, state_mut};
use super::{invalid, policy, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Refuses calls about another account's registry, which only repository policies could allow.
pub(super) fn own(call: &Call) -> Result<(), Refusal> {
    match call.text("registryId") {
        Some(id) if id != call.account => Err(refusal(
            "AccessDeniedException",
            format!(
                "User: {} is not authorized to perform: ecr:{} on the registry with id '{id}'",
                call.caller.principal, call.operation
            ),
        )),
        _ => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutRegistryPolicy.html>
pub(super) fn put_policy(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let document = call.required("policyText");
    policy::check(world, call, document)?;
    state_mut(world, call).policy = Some(document.to_owned());
    Ok(said(json!({"registryId": call.account, "policyText": document})))
}

fn no_policy(call: &Call) -> Refusal {
    refusal(
        "RegistryPolicyNotFoundException",
        format!(
            "Registry policy does not exist in the registry with id '{}'",
            call.account
        ),
    )
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetRegistryPolicy.html>
pub(super) fn get_policy(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let document = state(world, call)
        .policy
        .as_ref()
        .ok_or_else(|| no_policy(call))?;
    Ok(said(json!({"registryId": call.account, "policyText": document})))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DeleteRegistryPolicy.html>
pub(super) fn delete_policy(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let document = state(world, call).policy.clone().ok_or_else(|| no_policy(call))?;
    state_mut(world, call).policy = None;
    Ok(said(json!({"registryId": call.account, "policyText": document})))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRegistry.html>
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let replication = state(world, call)
        .replication
        .clone()
        .unwrap_or_else(|| json!({"rules": []}));
    Ok(said(
        json!({"registryId": call.account, "replicationConfiguration": replication}),
    ))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutReplicationConfiguration.html>: kept; nothing is copied.
pub(super) fn put_replication(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let configuration = call
        .input
        .get("replicationConfiguration")
        .cloned()
        .unwrap_or_else(|| json!({"rules": []}));
    state_mut(world, call).replication = Some(configuration.clone());
    Ok(said(json!({"replicationConfiguration": configuration})))
}

/// Settings and what they are at first: <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutAccountSetting.html>
fn at_first(name: &str) -> Result<(&'static str, &'static [&'static str]), Refusal> {
    match name {
        "BASIC_SCAN_TYPE_VERSION" => Ok(("AWS_NATIVE", &["AWS_NATIVE", "CLAIR"])),
        "REGISTRY_POLICY_SCOPE" => Ok(("V2", &["V1", "V2"])),
        "BLOB_MOUNTING" => Ok(("DISABLED", &["ENABLED", "DISABLED"])),
        _ => Err(invalid("name", "must be the name of an account setting")),
    }
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAccountSetting.html>
pub(super) fn get_setting(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("name");
    let (usual, _) = at_first(name)?;
    let value = state(world, call)
        .settings
        .get(name)
        .map_or(usual, String::as_str);
    Ok(said(json!({"name": name, "value": value})))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutAccountSetting.html>
pub(super) fn put_setting(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, value) = (call.required("name"), call.required("value"));
    if !at_first(name)?.1.contains(&value) {
        return Err(invalid("value", &format!("is not a value of {name}")));
    }
    state_mut(world, call)
        .settings
        .insert(name.to_owned(), value.to_owned());
    Ok(said(json!({"name": name, "value": value})))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html>: good for twelve hours.
pub(super) fn token(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let password = world.random.text(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        64,
    );
    let endpoint = format!("https://{}", host(call));
    let expires = call
        .at
        .saturating_add(SignedDuration::from_hours(12))
        .unwrap_or(jiff::Timestamp::MAX);
    let one = json!({
        "authorizationToken": STANDARD.encode(format!("AWS:{password}")),
        "expiresAt": expires.to_string(),
        "proxyEndpoint": endpoint,
    });
    Ok(said(json!({"authorizationData": Value::Array(vec![one])})))
}
