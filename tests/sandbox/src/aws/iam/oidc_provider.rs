//! OIDC providers: one for an issuer in an account.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html>

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::role::tag_entries;
use super::{PAIR, listed, paged, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::tags::{self, Tags};
use crate::aws::{arn, input};
use crate::call::Call;
use crate::world::World;

/// Providers in an account, client ids and thumbprints of a provider.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const MOST: usize = 100;
const CLIENTS: usize = 100;
const THUMBPRINTS: usize = 5;

/// An OIDC provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OidcProvider {
    /// The issuer without `https://`.
    pub url: String,
    /// Audiences that are taken.
    pub clients: Vec<String>,
    /// Thumbprints of certificates.
    pub thumbprints: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Tags.
    pub tags: Tags,
}

fn unknown(arn: &str) -> Refusal {
    refusal::missing(format!("OpenIDConnect Provider not found for arn {arn}"))
}

fn known<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut OidcProvider, Refusal> {
    let arn = call.required("OpenIDConnectProviderArn");
    world
        .aws
        .account_mut(&call.account)
        .iam
        .oidc_providers
        .get_mut(arn)
        .ok_or_else(|| unknown(arn))
}

fn too_many_clients() -> Refusal {
    refusal::limit(format!(
        "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {CLIENTS}"
    ))
}

fn too_many_thumbprints() -> Refusal {
    refusal::invalid(format!(
        "Thumbprint list must contain fewer than {} entries.",
        THUMBPRINTS + 1
    ))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let url = call.required("Url");
    let Some(issuer) = url.strip_prefix("https://").filter(|issuer| !issuer.is_empty()) else {
        return Err(refusal::validation("Invalid Open ID Connect Provider URL"));
    };
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html: no query, no port.
    if issuer.contains(['?', '#', ' ']) || issuer.split('/').next().is_some_and(|host| host.contains(':')) {
        return Err(refusal::validation("Invalid Open ID Connect Provider URL"));
    }
    let issuer = issuer.trim_end_matches('/');
    let arn = arn::iam(&call.region, &call.account, &format!("oidc-provider/{issuer}"));
    let tags = tags::read(call.input.get("Tags"), PAIR).map_err(refusal::tags)?;
    let mut clients = Vec::new();
    for client in input::strings(&call.input, "ClientIDList") {
        if !clients.contains(&client) {
            clients.push(client);
        }
    }
    if clients.len() > CLIENTS {
        return Err(too_many_clients());
    }
    let mut thumbprints = input::strings(&call.input, "ThumbprintList");
    if thumbprints.len() > THUMBPRINTS {
        return Err(too_many_thumbprints());
    }
    if thumbprints.is_empty() {
        // IAM fetches the one of the issuer's top intermediate CA; nothing is fetched here.
        let digest = Sha256::digest(issuer.as_bytes());
        thumbprints.push(digest.iter().take(20).map(|byte| format!("{byte:02x}")).collect());
    }
    let providers = &mut world.aws.account_mut(&call.account).iam.oidc_providers;
    if providers.contains_key(&arn) {
        return Err(refusal::exists(format!(
            "Provider with url https://{issuer} already exists."
        )));
    }
    if providers.len() >= MOST {
        return Err(refusal::limit(format!(
            "Cannot exceed quota for OpenIdConnectProvidersPerAccount: {MOST}"
        )));
    }
    let mut answer = json!({"OpenIDConnectProviderArn": arn});
    if !tags.is_empty() {
        answer["Tags"] = tags::list(&tags, PAIR);
    }
    providers.insert(
        arn,
        OidcProvider {
            url: issuer.to_owned(),
            clients,
            thumbprints,
            created: call.at,
            tags,
        },
    );
    Ok(Answer::of(answer))
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let provider = known(world, call)?;
    let mut shown = json!({
        "Url": provider.url,
        "ClientIDList": provider.clients,
        "ThumbprintList": provider.thumbprints,
        "CreateDate": provider.created.to_string(),
    });
    if !provider.tags.is_empty() {
        shown["Tags"] = tags::list(&provider.tags, PAIR);
    }
    Ok(Answer::of(shown))
}

/// Not in pages: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListOpenIDConnectProviders.html>
pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let arns: Vec<Value> = world
        .aws
        .account(&call.account)
        .iam
        .oidc_providers
        .keys()
        .map(|arn| json!({"Arn": arn}))
        .collect();
    Ok(Answer::of(json!({"OpenIDConnectProviderList": arns})))
}

/// Roles that name the provider do not keep it; for what is not there the service has NoSuchEntity.
///
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteOpenIDConnectProvider.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let arn = call.required("OpenIDConnectProviderArn");
    world
        .aws
        .account_mut(&call.account)
        .iam
        .oidc_providers
        .remove(arn)
        .ok_or_else(|| unknown(arn))?;
    Ok(Answer::empty())
}

/// "Idempotent; it does not fail or return an error if you add an existing client ID":
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html>
pub(super) fn add_client(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let provider = known(world, call)?;
    let client = call.required("ClientID").to_owned();
    if !provider.clients.contains(&client) {
        if provider.clients.len() >= CLIENTS {
            return Err(too_many_clients());
        }
        provider.clients.push(client);
    }
    Ok(Answer::empty())
}

/// Idempotent too: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_RemoveClientIDFromOpenIDConnectProvider.html>
pub(super) fn remove_client(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let client = call.required("ClientID");
    known(world, call)?.clients.retain(|known| known != client);
    Ok(Answer::empty())
}

pub(super) fn set_thumbprints(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let thumbprints = input::strings(&call.input, "ThumbprintList");
    if thumbprints.len() > THUMBPRINTS {
        return Err(too_many_thumbprints());
    }
    known(world, call)?.thumbprints = thumbprints;
    Ok(Answer::empty())
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let new = tags::read(call.input.get("Tags"), PAIR).map_err(refusal::tags)?;
    tags::add(&mut known(world, call)?.tags, new).map_err(refusal::tags)?;
    Ok(Answer::empty())
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let provider = known(world, call)?;
    for key in input::texts(&call.input, "TagKeys") {
        provider.tags.remove(key);
    }
    Ok(Answer::empty())
}

pub(super) fn list_tags(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let entries = tag_entries(&known(world, call)?.tags);
    Ok(listed("Tags", paged(world, call, entries)?))
}
