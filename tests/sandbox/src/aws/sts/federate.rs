//! From a token of an OIDC issuer to a role.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>

use std::collections::BTreeSet;

use mlops_access::aws::{Caller, Context, Policies, Policy, Request, evaluate};
use serde_json::Value;

use super::denied;
use super::session::{self, Terms};
use super::token::{self, Token};
use crate::answer::{Answer, Refusal};
use crate::aws::arn;
use crate::aws::tags::Tags;
use crate::call::Call;
use crate::world::World;

/// Claims that every issuer's tokens bring into conditions.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif>
const CLAIMS: [&str; 4] = ["sub", "amr", "oaud", "email"];

/// Claims that STS reads of the tokens of this one issuer besides; the same page.
const GITHUB: &str = "token.actions.githubusercontent.com";
const GITHUB_CLAIMS: [&str; 12] = [
    "actor",
    "actor_id",
    "enterprise_id",
    "environment",
    "job_workflow_ref",
    "ref",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repository_visibility",
    "workflow",
];

/// Where a token brings session tags: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>.
const TAGS: &str = "https://aws.amazon.com/tags";

pub(super) fn federate(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let arn = call.required("RoleArn");
    let account = session::account_of(arn).to_owned();
    let token = token::read(call.required("WebIdentityToken"))?;
    let issuer = token
        .issuer
        .strip_prefix("https://")
        .unwrap_or(&token.issuer)
        .trim_end_matches('/')
        .to_owned();
    let provider_arn = arn::iam(&call.region, &account, &format!("oidc-provider/{issuer}"));
    let provider = world
        .aws
        .account(&account)
        .iam
        .oidc_providers
        .get(&provider_arn)
        .ok_or_else(|| {
            Refusal::new(
                400,
                "InvalidIdentityToken",
                format!(
                    "No OpenIDConnect provider found in your account for {}",
                    token.issuer
                ),
            )
        })?;
    if !token
        .audiences
        .iter()
        .chain([&token.audience])
        .any(|audience| provider.clients.contains(audience))
    {
        return Err(Refusal::new(
            400,
            "InvalidIdentityToken",
            "Incorrect token audience",
        ));
    }
    token.in_time(call.at)?;
    let refused = || denied("Not authorized to perform sts:AssumeRoleWithWebIdentity");
    let role = session::enterable(world, arn, call.at).ok_or_else(refused)?;
    let (tags, transitive) = session_tags(&token);
    let trust = Policy::parse(&role.trust).map_err(|_| refused())?;
    let mut ways = vec!["sts:AssumeRoleWithWebIdentity"];
    if !tags.is_empty() {
        ways.push("sts:TagSession");
    }
    for way in ways {
        let caller = Caller::Federated(provider_arn.clone());
        let request = Request::in_context(caller, way, arn, context(call, &issuer, &token, &tags));
        if !evaluate(&request, &Policies::resource(&trust)).is_allowed() {
            return Err(refused());
        }
    }
    let policies = session::policies(world, call, &account)?;
    let seconds = session::duration(call, &role, false)?;
    let terms = Terms {
        policies,
        tags,
        transitive,
        source_identity: None,
        provider: Some(provider_arn),
    };
    let mut answer = session::begin(world, call, &role, seconds, terms);
    answer["SubjectFromWebIdentityToken"] = token.subject.into();
    answer["Provider"] = token.issuer.into();
    answer["Audience"] = token.audience.into();
    Ok(Answer::of(answer))
}

fn context(call: &Call, issuer: &str, token: &Token, tags: &Tags) -> Context {
    let mut context = Context::closed()
        .with(&format!("{issuer}:aud"), token.audience.clone())
        .with("aws:RequestedRegion", call.region.clone())
        .with("aws:SecureTransport", "true")
        .with("sts:RoleSessionName", call.required("RoleSessionName"));
    let more: &[&str] = if issuer == GITHUB { &GITHUB_CLAIMS } else { &[] };
    for claim in CLAIMS.iter().chain(more) {
        let values: Vec<String> = match token.claims.get(*claim) {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(other @ (Value::Number(_) | Value::Bool(_))) => vec![other.to_string()],
            _ => continue,
        };
        context = context.with_all(&format!("{issuer}:{claim}"), values);
    }
    for (key, value) in tags {
        context = context.with(&format!("aws:RequestTag/{key}"), value.clone());
    }
    if !tags.is_empty() {
        context = context.with_all("aws:TagKeys", tags.keys().cloned());
    }
    context
}

/// `{"principal_tags": {"team": ["a"]}, "transitive_tag_keys": ["team"]}`
fn session_tags(token: &Token) -> (Tags, BTreeSet<String>) {
    let claim = token.claims.get(TAGS);
    let tags = claim
        .and_then(|claim| claim.get("principal_tags"))
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| {
            let one = value.as_str().or_else(|| value.get(0).and_then(Value::as_str))?;
            Some((key.clone(), one.to_owned()))
        })
        .collect();
    let transitive = claim
        .and_then(|claim| claim.get("transitive_tag_keys"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    (tags, transitive)
}
