//! Whether a caller may make a call: the same evaluator that judges policies at plan time, over what stands in the world.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>

use mlops_access::aws::{Arn, Caller, Context, Decision, Denial, Layer, Policies, Policy, Request, evaluate};

use self::need::Need;
use crate::answer::Refusal;
use crate::aws::iam::effective;
use crate::aws::sts::session;
use crate::call::Call;
use crate::journal::Permission;
use crate::protocol::refuse;
use crate::world::World;

mod budgets;
mod ec2;
mod ecr;
mod eks;
mod iam;
mod kms;
mod logs;
mod need;
mod s3;
mod secretsmanager;

/// Decides on a call: everything that it needs must be allowed.
///
/// # Errors
/// The service's word for "you may not", naming who, what and on what.
pub fn authorize(world: &World, call: &Call) -> Result<(), Refusal> {
    let needs = needs(world, call);
    if needs.is_empty() {
        return Ok(());
    }
    let (caller, held, context) = (caller(world, call), held(world, call), context(world, call));
    needs
        .iter()
        .try_for_each(|need| decide(call, need, &caller, &held, &context))
}

/// What a call has to be allowed.
pub(crate) fn permissions(world: &World, call: &Call) -> Vec<Permission> {
    needs(world, call)
        .into_iter()
        .filter(|need| !need.granted)
        .map(|need| Permission {
            action: need.action,
            resource: need.resource,
        })
        .collect()
}

/// What a call needs, in the order in which it is asked for; nothing where the service itself decides.
fn needs(world: &World, call: &Call) -> Vec<Need> {
    match call.service.as_str() {
        "budgets" => budgets::needs(call),
        "ec2" => ec2::needs(world, call),
        "ecr" => ecr::needs(world, call),
        "eks" => eks::needs(world, call),
        "iam" => iam::needs(world, call),
        "kms" => kms::needs(world, call),
        "logs" => logs::needs(world, call),
        "s3" => s3::needs(world, call),
        "secretsmanager" => secretsmanager::needs(world, call),
        // Everybody may ask who they are, and of roles their trust decides, which STS reads together with the caller's
        // policies: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
        "sts" => match call.operation.as_str() {
            "GetCallerIdentity" | "AssumeRole" | "AssumeRoleWithWebIdentity" | "GetSessionToken" => {
                Vec::new()
            }
            _ => vec![Need::own(call, "*")],
        },
        _ => vec![Need::own(call, "*")],
    }
}

fn decide(call: &Call, need: &Need, caller: &Caller, held: &Held, context: &Context) -> Result<(), Refusal> {
    let mut request = Request::in_context(caller.clone(), &need.action, &need.resource, context.clone());
    if let Some(owner) = &need.owner {
        request = request.owned_by(owner);
    }
    for (key, values) in &need.keys {
        request = request.with_all(key, values.iter().cloned());
    }
    let resource = need.policy.as_ref().and_then(|text| Policy::parse(text).ok());
    let policies = Policies {
        boundary: held.boundary.as_ref(),
        session: held.session.iter().collect(),
        resource: resource.as_ref(),
        ..Policies::identity(&held.identity)
    };
    let decision = evaluate(&request, &policies);
    let explicit = matches!(
        decision,
        Decision::Denied {
            by: Denial::Explicit(_)
        }
    );
    if decision.is_allowed() || (need.granted && !explicit) {
        return Ok(());
    }
    let words = match caller {
        // S3 tells strangers nothing.
        Caller::Anonymous => "Access Denied".to_owned(),
        _ => sentence(call, need, &decision),
    };
    Err(refuse::denied(&call.service, &words))
}

/// The sentence of a refusal, with its reason.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
fn sentence(call: &Call, need: &Need, decision: &Decision<'_>) -> String {
    let action = &need.action;
    let kind = |layer: &Layer| match layer {
        Layer::Identity => "identity-based policy",
        Layer::Boundary => "permissions boundary",
        Layer::Session => "session policy",
        Layer::ServiceControl => "service control policy",
        Layer::ResourceControl => "resource control policy",
        Layer::Resource => "resource-based policy",
    };
    let why = match decision {
        Decision::Denied {
            by: Denial::Explicit(cause),
        } => {
            let kind = kind(&cause.layer);
            let article = if kind.starts_with('i') { "an" } else { "a" };
            format!("with an explicit deny in {article} {kind}")
        }
        Decision::Denied {
            by: Denial::Implicit(layer),
        } => format!("because no {} allows the {action} action", kind(layer)),
        Decision::Unknown { why } => format!("because it cannot be told: {why}"),
        Decision::Allowed { .. } => String::new(),
    };
    let start = if call.service == "ec2" {
        "You are not authorized to perform this operation. "
    } else {
        ""
    };
    let resource = match call.service.as_str() {
        "s3" if need.resource != "*" => format!("\"{}\"", need.resource),
        _ => need.resource.clone(),
    };
    format!(
        "{start}User: {} is not authorized to perform: {action} on resource: {resource} {why}",
        call.caller.principal
    )
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
