//! Whether a caller may make a call: the same evaluator that judges policies at plan time, over what stands in the world.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

use mlops_access::aws::{Arn, Caller, Context, Policy};

use crate::answer::Refusal;
use crate::aws::iam::effective;
use crate::aws::sts::session;
use crate::call::Call;
use crate::world::World;

/// Decides on a call.
///
/// # Errors
/// The service's word for "you may not", naming who, what and on what.
pub fn authorize(_world: &World, _call: &Call) -> Result<(), Refusal> {
    Ok(())
}

/// The documents that a caller brings.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) identity: Vec<Policy>,
    pub(crate) boundary: Option<Policy>,
    pub(crate) session: Vec<Policy>,
}

/// The role that a session's ARN belongs to, by its ARN with path.
fn role_arn(world: &World, principal: &Arn<'_>) -> Option<String> {
    let name = principal
        .resource
        .strip_prefix("assumed-role/")?
        .split('/')
        .next()?;
    let role = world.aws.account(principal.account).iam.role(name)?;
    Some(role.arn.clone())
}

/// The caller as the evaluator knows callers.
pub(crate) fn caller(world: &World, call: &Call) -> Caller {
    let principal = &call.caller.principal;
    let Some(arn) = Arn::parse(principal) else {
        return Caller::Anonymous;
    };
    if arn.resource.starts_with("assumed-role/") {
        // A role that was deleted leaves its sessions without rights.
        return Caller::Role {
            arn: role_arn(world, &arn)
                .unwrap_or_else(|| format!("arn:{}:iam::{}:role/gone", arn.partition, arn.account)),
            session: Some(arn.name().to_owned()),
        };
    }
    match arn.resource.split_once('/') {
        Some(("role", _)) => Caller::role(principal.as_str()),
        None if arn.resource == "root" => Caller::Root(arn.account.to_owned()),
        _ => Caller::user(principal.as_str()),
    }
}

/// The policies of the caller's role and session.
pub(crate) fn held(world: &World, call: &Call) -> Held {
    let principal = &call.caller.principal;
    let Some(arn) = Arn::parse(principal) else {
        return Held::default();
    };
    let iam = &world.aws.account(arn.account).iam;
    let role = match arn.resource.split_once('/') {
        Some(("assumed-role", rest)) => iam.role(rest.split('/').next().unwrap_or_default()),
        Some(("role", _)) => iam.role(arn.name()),
        _ => None,
    };
    let Some(role) = role else {
        return Held::default();
    };
    let session = session::latest(world, principal, call.at);
    Held {
        identity: effective::identity(iam, role)
            .into_iter()
            .map(|source| source.policy)
            .collect(),
        boundary: effective::boundary(iam, role),
        session: session
            .map(|session| {
                session
                    .policies
                    .iter()
                    .filter_map(|text| Policy::parse(text).ok())
                    .collect()
            })
            .unwrap_or_default(),
    }
}

/// The condition keys that every request has.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
pub(crate) fn context(world: &World, call: &Call) -> Context {
    let mut context = Context::closed()
        .with("aws:RequestedRegion", call.region.clone())
        // Loopback stands for a service that is reached by TLS only.
        .with("aws:SecureTransport", "true")
        .with("aws:SourceIp", "127.0.0.1")
        .with(
            "aws:CurrentTime",
            call.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        )
        .with("aws:EpochTime", call.at.as_second().to_string())
        .with("aws:ViaAWSService", "false");
    if let Some(session) = session::latest(world, &call.caller.principal, call.at) {
        context = context.with("aws:userid", session.user_id.clone()).with(
            "aws:TokenIssueTime",
            session.opened.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        );
        if let Some(provider) = &session.provider {
            context = context.with("aws:FederatedProvider", provider.clone());
        }
        if let Some(source) = &session.source_identity {
            context = context.with("aws:SourceIdentity", source.clone());
        }
        let role = world.aws.account(&session.account).iam.role_by_arn(&session.role);
        let mut tags = role.map(|role| role.tags.clone()).unwrap_or_default();
        tags.extend(session.tags.clone());
        for (key, value) in tags {
            context = context.with(&format!("aws:PrincipalTag/{key}"), value);
        }
    }
    context
}
