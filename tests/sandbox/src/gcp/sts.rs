//! The token exchange of workload identity federation (RFC 8693, <https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token>).
//!
//! The sandbox vouches for every issuer: a token's claims are read and judged, its signature is not looked at. What is judged:
//! issuer, audience, expiry, the provider's condition and mapping, by the same evaluator that the provider plans with.

use std::collections::BTreeSet;

use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use mlops_access::gcp::{Provider, cel};
use mlops_access::trust;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::names::{piece, short};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::random::Random;
use crate::world::World;

/// How access tokens begin that the sandbox gives out: as Google's do, and told apart from anything a person would make up.
pub(crate) const PREFIX: &str = "ya29.sandbox-";

/// Tokens live for an hour (<https://cloud.google.com/iam/docs/workload-identity-federation>).
const LIFE: SignedDuration = SignedDuration::from_hours(1);

const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// An access token that was given out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// Whose it is, as policies name them: `serviceAccount:…`, `principal://…`.
    pub principal: String,
    /// Sets that its holder is in: `principalSet://…`.
    pub sets: BTreeSet<String>,
    /// When it ends.
    pub expires: Timestamp,
}

impl Token {
    /// Its holder as a call tells it: the principal, then each set on a line of its own. Two tokens of one subject need not be in
    /// the same sets.
    pub fn holder(&self) -> String {
        let mut lines = vec![self.principal.as_str()];
        lines.extend(self.sets.iter().map(String::as_str));
        lines.join("\n")
    }
}

/// Gives out a token.
pub(crate) fn give(world: &mut World, token: Token) -> String {
    let text = format!("{PREFIX}{}", name(&mut world.random));
    world.gcp.tokens.insert(text.clone(), token);
    text
}

fn name(random: &mut Random) -> String {
    random.text(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        48,
    )
}

fn refused(code: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(400, "INVALID_ARGUMENT", message).with("reason", code)
}

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let body = call.body();
    let text = |member: &str| body.get(member).and_then(Value::as_str).unwrap_or_default();
    if text("grantType") != "urn:ietf:params:oauth:grant-type:token-exchange" {
        return Err(refused("unsupported_grant_type", "Invalid grant_type."));
    }
    if text("requestedTokenType") != ACCESS_TOKEN {
        return Err(refused("invalid_request", "Invalid requested_token_type."));
    }
    if !matches!(text("subjectTokenType"), ID_TOKEN | JWT) {
        return Err(refused(
            "invalid_request",
            format!(
                "The sandbox exchanges {JWT} and {ID_TOKEN}, not \"{}\".",
                text("subjectTokenType")
            ),
        ));
    }
    let claims = claims(text("subjectToken"), call.at)?;
    let token = match text("audience").strip_prefix("identitynamespace:") {
        Some(rest) => pod(world, rest, &claims, call.at)?,
        None => federated(world, text("audience"), &claims, call.at)?,
    };
    let access = give(world, token);
    Ok(json!({
        "access_token": access,
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": LIFE.as_secs(),
    })
    .into())
}

/// The claims of a JWT that is not over.
fn claims(token: &str, at: Timestamp) -> Result<Value, Refusal> {
    let wrong = |why: &str| {
        refused(
            "invalid_grant",
            format!("Error connecting to the given credential's issuer: {why}"),
        )
    };
    let mut pieces = token.split('.');
    let (Some(_), Some(payload), Some(_), None) =
        (pieces.next(), pieces.next(), pieces.next(), pieces.next())
    else {
        return Err(refused("invalid_request", "The ID Token is not a JWT."));
    };
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload.trim_end_matches('='))
        .map_err(|_| wrong("the token's payload is not base64."))?;
    let claims: Value =
        serde_json::from_slice(&bytes).map_err(|_| wrong("the token's payload is not JSON."))?;
    let second = |claim: &str| claims.get(claim).and_then(Value::as_i64);
    if let Some(expiry) = second("exp")
        && expiry <= at.as_second()
    {
        // Words from public issues.
        return Err(refused(
            "invalid_grant",
            format!(
                "ID Token issued at {} is stale to sign-in.",
                second("iat").unwrap_or_default()
            ),
        ));
    }
    Ok(claims)
}

/// A claim as text: STS sees booleans and numbers of a token as such, mappings mostly compare texts.
fn claim(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// A workload's token, judged by the provider that the audience names.
fn federated(world: &World, audience: &str, claims: &Value, at: Timestamp) -> Result<Token, Refusal> {
    let name = audience.strip_prefix("//iam.googleapis.com/").unwrap_or_default();
    let invalid = || {
        refused(
            "invalid_target",
            // Words from public issues.
            "The target service indicated by the \"audience\" parameters is invalid. This might either be because the pool or \
             provider is disabled or deleted or because it doesn't exist.",
        )
    };
    let number: u64 = piece(name, "projects").parse().map_err(|_| invalid())?;
    let pool_name = name.split("/providers/").next().unwrap_or_default();
    let pool = world
        .gcp
        .projects
        .values()
        .find(|project| project.number == number)
        .and_then(|project| project.pools.get(piece(name, "workloadIdentityPools")))
        .filter(|pool| pool.expires.is_none())
        .ok_or_else(invalid)?;
    let provider = pool
        .providers
        .get(short(name))
        .filter(|provider| provider.expires.is_none() && name.contains("/providers/"))
        .ok_or_else(invalid)?;
    let disabled = |body: &Value| body.get("disabled").and_then(Value::as_bool).unwrap_or(false);
    if disabled(&pool.body) || disabled(&provider.body) {
        return Err(invalid());
    }
    let judged = judge(&provider.body, pool_name, name);
    let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    if issuer.trim_start_matches("https://") != judged.issuer {
        return Err(refused(
            "invalid_grant",
            format!(
                "The issuer in ID Token {issuer} does not match the expected ones: https://{}.",
                judged.issuer
            ),
        ));
    }
    let audiences: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let Some(audience) = audiences
        .iter()
        .find(|one| judged.audiences.iter().any(|known| known == *one))
    else {
        return Err(refused(
            "invalid_grant",
            format!(
                "The audience in ID Token [{}] does not match the expected audience.",
                audiences.join(", ")
            ),
        ));
    };
    let mut token = trust::Token::oidc(&judged.issuer);
    for (name, value) in claims.as_object().into_iter().flatten() {
        if let Some(text) = claim(value) {
            token = token.with(name, &text);
        }
    }
    token = token.with("aud", audience);
    let accepted = judged
        .accepts(&token)
        .map_err(|error| refused("unauthorized_client", error.to_string()))?;
    if !accepted.is_yes() {
        // Words from public issues.
        return Err(refused(
            "unauthorized_client",
            "The given credential is rejected by the attribute condition.",
        ));
    }
    let mapped = |attribute: &str| match judged.attribute(attribute, &token) {
        Ok(Ok(cel::Value::Text(text))) => Ok(text),
        Ok(Ok(other)) => Err(refused(
            "invalid_request",
            format!("Mapping of {attribute} gave {other:?}, no text."),
        )),
        Ok(Err(stop)) => Err(refused(
            "invalid_request",
            format!("Error evaluating the mapping of {attribute}: {stop}"),
        )),
        Err(error) => Err(refused("invalid_request", error.to_string())),
    };
    let subject = mapped("google.subject")?;
    if subject.is_empty() || subject.len() > 127 {
        // The limit stands in the description of `attributeMapping`.
        return Err(refused(
            "invalid_request",
            format!(
                "The size of mapped attribute google.subject must be 1 to 127 bytes; it is {}.",
                subject.len()
            ),
        ));
    }
    let at_pool = format!("iam.googleapis.com/{pool_name}");
    let mut sets = BTreeSet::from([format!("principalSet://{at_pool}/*")]);
    for attribute in judged
        .mapping
        .keys()
        .filter(|name| name.starts_with("attribute."))
    {
        let value = mapped(attribute)?;
        sets.insert(format!("principalSet://{at_pool}/{attribute}/{value}"));
    }
    Ok(Token {
        principal: format!("principal://{at_pool}/subject/{subject}"),
        sets,
        expires: at + LIFE,
    })
}

/// The provider for the evaluator.
fn judge(body: &Value, pool: &str, name: &str) -> Provider {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let mut audiences: Vec<String> = body
        .pointer("/oidc/allowedAudiences")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    if audiences.is_empty() {
        // The default (description of `allowedAudiences`).
        audiences = vec![
            format!("https://iam.googleapis.com/{name}"),
            format!("//iam.googleapis.com/{name}"),
        ];
    }
    Provider {
        pool: pool.to_owned(),
        issuer: text("/oidc/issuerUri").trim_start_matches("https://").to_owned(),
        audiences,
        mapping: body
            .get("attributeMapping")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        condition: Some(text("/attributeCondition").to_owned()).filter(|condition| !condition.is_empty()),
    }
}

/// A pod's token of a cluster: audience `identitynamespace:<pool>:<issuer>`
/// (<https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity>).
fn pod(world: &World, audience: &str, claims: &Value, at: Timestamp) -> Result<Token, Refusal> {
    let (pool, issuer) = audience.split_once(':').unwrap_or((audience, ""));
    let project = pool
        .strip_suffix(".svc.id.goog")
        .and_then(|id| world.gcp.projects.get(id))
        .filter(|project| project.workload_pool)
        .ok_or_else(|| {
            refused(
                "invalid_target",
                format!("Identity Pool does not exist ({pool})."),
            )
        })?;
    let cluster = issuer
        .strip_prefix("https://container.googleapis.com/v1/")
        .unwrap_or_default();
    if claims.get("iss").and_then(Value::as_str) != Some(issuer)
        || !project.container.clusters.contains_key(cluster)
    {
        return Err(refused(
            "invalid_grant",
            "The issuer in ID Token is not a cluster of the workload pool.",
        ));
    }
    if claims
        .get("aud")
        .is_none_or(|aud| aud != pool && aud.as_array().is_none_or(|many| !many.contains(&json!(pool))))
    {
        return Err(refused(
            "invalid_grant",
            "The audience in ID Token is not the workload pool.",
        ));
    }
    let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    let mut pieces = subject
        .strip_prefix("system:serviceaccount:")
        .unwrap_or_default()
        .split(':');
    let (Some(namespace), Some(account)) = (pieces.next(), pieces.next()) else {
        return Err(refused(
            "invalid_grant",
            "The subject in ID Token is not a Kubernetes service account.",
        ));
    };
    let number = project.number;
    let at_pool =
        format!("iam.googleapis.com/projects/{number}/locations/global/workloadIdentityPools/{pool}");
    Ok(Token {
        principal: format!("principal://{at_pool}/subject/ns/{namespace}/sa/{account}"),
        sets: BTreeSet::from([
            format!("serviceAccount:{pool}[{namespace}/{account}]"),
            format!("principalSet://{at_pool}/namespace/{namespace}"),
            format!("principalSet://{at_pool}/kubernetes.cluster/{issuer}"),
            format!("principalSet://{at_pool}/*"),
        ]),
        expires: at + LIFE,
    })
}
