//! Resource policies of secrets.

use mlops_access::aws::{Policy, PrincipalName};
use serde_json::json;

use super::refusal;
use super::secret::{change, change_any, find};
use crate::answer::{Answer, Refusal};
use crate::aws::iam::document::principals_exist;
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Characters of a policy at most: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html>
const LONGEST: usize = 20_480;

fn malformed(message: impl Into<String>) -> Refusal {
    refusal("MalformedPolicyDocumentException", message)
}

/// Refuses a document that the service would not keep.
fn check(world: &World, call: &Call, document: &str) -> Result<(), Refusal> {
    if document.len() > LONGEST {
        return Err(malformed(format!(
            "The policy is longer than {LONGEST} characters."
        )));
    }
    let policy = Policy::parse(document)
        .map_err(|error| malformed(format!("This resource policy contains a syntax error: {error}")))?;
    for statement in &policy.statements {
        if let Some(unread) = statement.unread.first() {
            return Err(malformed(format!(
                "This resource policy contains an invalid {}: {}",
                unread.element, unread.why
            )));
        }
        if statement.principals.is_none() || statement.resources.is_none() {
            return Err(malformed(
                "This resource policy contains a statement without Principal or Resource.",
            ));
        }
    }
    if principals_exist(world, &policy, call.at).is_err() {
        return Err(malformed(
            "This resource policy contains an unsupported principal.",
        ));
    }
    if call.flag("BlockPublicPolicy") && is_broad(&policy) {
        return Err(refusal(
            "PublicPolicyException",
            "The resource policy you specified grants broad access to the secret and is blocked by BlockPublicPolicy.",
        ));
    }
    Ok(())
}

/// Whether a policy lets everybody in.
fn is_broad(policy: &Policy) -> bool {
    policy.statements.iter().any(|statement| {
        let anyone = statement.principals.as_ref().is_some_and(|principals| {
            principals.negated || principals.names.contains(&PrincipalName::Anyone)
        });
        statement.effect == mlops_access::aws::Effect::Allow && anyone && !statement.is_pinned()
    })
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetResourcePolicy.html>
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let secret = find(world, call)?;
    let mut output = secret.named();
    output["ResourcePolicy"] = json!(secret.policy);
    Ok(said(output))
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutResourcePolicy.html>
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    find(world, call)?.alive()?;
    let document = call.required("ResourcePolicy");
    check(world, call, document)?;
    let secret = change(world, call)?;
    secret.policy = Some(document.to_owned());
    Ok(said(secret.named()))
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteResourcePolicy.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let secret = change_any(world, call)?;
    secret.policy = None;
    Ok(said(secret.named()))
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ValidateResourcePolicy.html>
pub(super) fn validate(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let errors: Vec<_> = check(world, call, call.required("ResourcePolicy"))
        .err()
        .into_iter()
        .map(|refusal| json!({"CheckName": "DOCUMENT", "ErrorMessage": refusal.message}))
        .collect();
    Ok(said(
        json!({"PolicyValidationPassed": errors.is_empty(), "ValidationErrors": errors}),
    ))
}
