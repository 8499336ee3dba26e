//! From one identity to a role.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use mlops_access::aws::{Caller, Policies, Policy, Request, Statement, evaluate};

use super::session::{self, SessionTags, Terms};
use super::{denied, validation};
use crate::answer::{Answer, Refusal};
use crate::aws::tags;
use crate::aws::{authorize, input};
use crate::call::Call;
use crate::world::World;

fn session_tags(world: &World, call: &Call) -> Result<SessionTags, Refusal> {
    let mut tags = tags::read(call.input.get("Tags"), ("Key", "Value"))
        .map_err(|flaw| Refusal::new(400, "InvalidParameterValue", format!("Tags: {flaw:?}")))?;
    let transitive = input::strings(&call.input, "TransitiveTagKeys")
        .into_iter()
        .collect();
    let inherited = session::inherited(world, call);
    if let Some(key) = inherited.keys().find(|key| tags.contains_key(*key)) {
        return Err(Refusal::new(
            400,
            "InvalidParameterValue",
            format!(
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session: {key}"
            ),
        ));
    }
    tags.extend(inherited);
    Ok((tags, transitive))
}

pub(super) fn assume(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let arn = call.required("RoleArn");
    let refused = || {
        denied(format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {arn}",
            call.caller.principal
        ))
    };
    if call.caller.principal.ends_with(":root") {
        return Err(denied("Roles may not be assumed by root accounts."));
    }
    let role = session::enterable(world, arn, call.at).ok_or_else(refused)?;
    let (tags, transitive) = session_tags(world, call)?;
    let policies = session::policies(world, call, session::account_of(arn))?;
    let mut ways = vec!["sts:AssumeRole"];
    if !tags.is_empty() {
        ways.push("sts:TagSession");
    }
    if call.text("SourceIdentity").is_some() {
        ways.push("sts:SetSourceIdentity");
    }
    if !ways
        .into_iter()
        .all(|way| may(world, call, &role.trust, way, arn, &tags))
    {
        return Err(refused());
    }
    let chained = session::latest(world, &call.caller.principal, call.at).is_some();
    let seconds = session::duration(call, &role, chained)?;
    if call.text("SerialNumber").is_some() {
        return Err(validation(
            "MultiFactorAuthentication failed: there are no devices in this sandbox.",
        ));
    }
    let terms = Terms {
        policies,
        tags,
        transitive,
        source_identity: call.text("SourceIdentity").map(str::to_owned),
        provider: None,
    };
    Ok(Answer::of(session::begin(world, call, &role, seconds, terms)))
}

/// The trust policy and the caller's own policies, by the evaluator. The account's operator is an administrator: a role
/// must still trust the account, or the operator.
fn may(world: &World, call: &Call, trust: &str, way: &str, arn: &str, tags: &tags::Tags) -> bool {
    let Ok(trust) = Policy::parse(trust) else {
        return false;
    };
    let mut request = Request::in_context(
        authorize::caller(world, call),
        way,
        arn,
        authorize::context(world, call),
    )
    .with("sts:RoleSessionName", call.required("RoleSessionName"));
    for (member, key) in [
        ("ExternalId", "sts:ExternalId"),
        ("SourceIdentity", "sts:SourceIdentity"),
    ] {
        if let Some(value) = call.text(member) {
            request = request.with(key, value);
        }
    }
    for (key, value) in tags {
        request = request.with(&format!("aws:RequestTag/{key}"), value);
    }
    if !tags.is_empty() {
        request = request.with_all("aws:TagKeys", tags.keys().cloned());
    }
    let everything = Policy::new([Statement::allow(["*"]).on(["*"])]);
    let held = authorize::held(world, call);
    let mut policies = Policies {
        boundary: held.boundary.as_ref(),
        session: held.session.iter().collect(),
        ..Policies::identity(&held.identity)
    };
    if call.caller.operator {
        policies.identity.push(&everything);
    }
    if matches!(request.caller(), Caller::Anonymous) {
        return false;
    }
    evaluate(&request, &policies.on_resource_with(&trust)).is_allowed()
}
