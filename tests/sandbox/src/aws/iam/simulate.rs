//! What a principal, or a set of documents, may do: answered by the same evaluator that decides on calls.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>

use std::collections::BTreeSet;

use mlops_access::aws::{
    Caller, Cause, Context, Decision, Denial, Layer, Policies, Policy, Request, evaluate,
};
use serde_json::{Value, json};

use super::effective::{self, Source};
use super::{paged, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::{arn, input};
use crate::call::Call;
use crate::world::World;

/// What is simulated with.
struct Documents {
    caller: Caller,
    identity: Vec<Source>,
    boundary: Vec<Policy>,
    resource: Option<Policy>,
}

fn documents(call: &Call, member: &str) -> Result<Vec<Source>, Refusal> {
    input::texts(&call.input, member)
        .into_iter()
        .enumerate()
        .map(|(place, text)| {
            let name = format!("{member}.{}", place + 1);
            let policy = Policy::parse(text)
                .map_err(|error| refusal::invalid(format!("{name} is invalid: {error}")))?;
            Ok(Source { name, policy })
        })
        .collect()
}

pub(super) fn principal(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let source = call.required("PolicySourceArn");
    let iam = &world.aws.account(&call.account).iam;
    let role = iam
        .role_by_arn(source)
        .ok_or_else(|| refusal::missing(format!("The principal {source} cannot be found.")))?;
    let mut identity = effective::identity(iam, role);
    let boundary: Vec<Policy> = effective::boundary(iam, role).into_iter().collect();
    identity.extend(documents(call, "PolicyInputList")?);
    simulate(world, call, Caller::role(source), identity, boundary)
}

pub(super) fn custom(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let caller = call.text("CallerArn").map_or_else(
        || arn::iam(&call.region, &call.account, "user/simulated"),
        str::to_owned,
    );
    let identity = documents(call, "PolicyInputList")?;
    simulate(world, call, Caller::User(caller), identity, Vec::new())
}

fn simulate(
    world: &World,
    call: &Call,
    caller: Caller,
    identity: Vec<Source>,
    mut boundary: Vec<Policy>,
) -> Result<Answer, Refusal> {
    let given = documents(call, "PermissionsBoundaryPolicyInputList")?;
    if !given.is_empty() {
        // "You can provide only one permissions boundary", and it takes the place of the principal's own.
        boundary = given.into_iter().map(|source| source.policy).collect();
    }
    let resource = call
        .text("ResourcePolicy")
        .map(|text| {
            Policy::parse(text)
                .map_err(|error| refusal::invalid(format!("ResourcePolicy is invalid: {error}")))
        })
        .transpose()?;
    let all = Documents {
        caller,
        identity,
        boundary,
        resource,
    };
    let (context, named) = context(call);
    let missing = missing(&all, &named);
    let mut resources = input::texts(&call.input, "ResourceArns");
    if resources.is_empty() {
        resources.push("*");
    }
    let mut results = Vec::new();
    for action in input::texts(&call.input, "ActionNames") {
        if !action.contains(':') {
            return Err(refusal::invalid(format!(
                "Invalid Action Name: {action}. Action names must be prefixed by a service"
            )));
        }
        for resource in &resources {
            let key = format!("{:06}", results.len());
            results.push((key, result(&all, action, resource, &context, call, &missing)));
        }
    }
    let page = paged(world, call, results)?;
    let mut answer = json!({
        "EvaluationResults": page.entries,
        "IsTruncated": page.next.is_some(),
    });
    if let Some(marker) = page.next {
        answer["Marker"] = marker.into();
    }
    Ok(Answer::of(answer))
}

fn context(call: &Call) -> (Context, BTreeSet<String>) {
    let mut context = Context::closed();
    let mut named = BTreeSet::new();
    for entry in input::items(&call.input, "ContextEntries") {
        let key = input::text(entry, "ContextKeyName").unwrap_or_default();
        context = context.with_all(key, input::strings(entry, "ContextKeyValues"));
        named.insert(key.to_ascii_lowercase());
    }
    (context, named)
}

/// Condition keys that the documents ask for and the call does not give.
fn missing(all: &Documents, named: &BTreeSet<String>) -> Vec<String> {
    let keys: BTreeSet<String> = all
        .identity
        .iter()
        .map(|source| &source.policy)
        .chain(&all.boundary)
        .chain(&all.resource)
        .flat_map(|policy| &policy.statements)
        .flat_map(|statement| &statement.conditions)
        .map(|condition| condition.key.text().to_owned())
        .filter(|key| !named.contains(&key.to_ascii_lowercase()))
        .collect();
    keys.into_iter().collect()
}

fn result(
    all: &Documents,
    action: &str,
    resource: &str,
    context: &Context,
    call: &Call,
    missing: &[String],
) -> Value {
    let mut request = Request::in_context(all.caller.clone(), action, resource, context.clone());
    if let Some(owner) = call.text("ResourceOwner") {
        let account = mlops_access::aws::Arn::parse(owner).map_or(owner, |arn| arn.account);
        request = request.owned_by(account);
    }
    let policies = Policies {
        identity: all.identity.iter().map(|source| &source.policy).collect(),
        boundary: all.boundary.first(),
        resource: all.resource.as_ref(),
        ..Policies::default()
    };
    let decision = evaluate(&request, &policies);
    let (word, cause) = match &decision {
        Decision::Allowed { by } => ("allowed", by.as_ref()),
        Decision::Denied {
            by: Denial::Explicit(cause),
        } => ("explicitDeny", Some(cause)),
        Decision::Denied { .. } | Decision::Unknown { .. } => ("implicitDeny", None),
    };
    let mut shown = json!({
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": word,
        "MatchedStatements": cause.iter().map(|cause| matched(all, cause)).collect::<Vec<_>>(),
        "MissingContextValues": missing,
    });
    if let Some(boundary) = all.boundary.first() {
        let alone = Policies::identity([boundary]);
        shown["PermissionsBoundaryDecisionDetail"] =
            json!({"AllowedByPermissionsBoundary": evaluate(&request, &alone).is_allowed()});
    }
    shown
}

fn matched(all: &Documents, cause: &Cause<'_>) -> Value {
    let source = all
        .identity
        .get(cause.policy)
        .filter(|_| cause.layer == Layer::Identity);
    let (name, kind) = match source {
        Some(source) if source.name.contains(":iam::aws:policy/") => (source.name.as_str(), "aws-managed"),
        Some(source) if source.name.starts_with("arn:") => (source.name.as_str(), "user-managed"),
        Some(source) if source.name.starts_with("PolicyInputList.") => (source.name.as_str(), "none"),
        Some(source) => (source.name.as_str(), "role"),
        None if cause.layer == Layer::Resource => ("ResourcePolicy", "resource"),
        None => ("PermissionsBoundaryPolicyInputList.1", "none"),
    };
    json!({
        "SourcePolicyId": name,
        "SourcePolicyType": kind,
        "StartPosition": {"Line": cause.statement.at.line, "Column": cause.statement.at.column},
        "EndPosition": {"Line": cause.statement.at.line, "Column": cause.statement.at.column},
    })
}
