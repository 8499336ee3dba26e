//! Repository policies.

use mlops_access::aws::Policy;
use serde_json::{Value, json};

use super::repository::{change, find};
use super::{invalid, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::iam::document::principals_exist;
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Bytes of a policy at most (the API's description of `RepositoryPolicyText`).
const LONGEST: usize = 10_240;

/// Refuses a document that ECR would not keep.
pub(super) fn check(world: &World, call: &Call, document: &str) -> Result<(), Refusal> {
    let bad = |what: String| {
        invalid(
            "PolicyText",
            &format!("Invalid repository policy provided: {what}"),
        )
    };
    if document.len() > LONGEST {
        return Err(bad(format!("longer than {LONGEST} bytes")));
    }
    let policy = Policy::parse(document).map_err(|error| bad(error.to_string()))?;
    for statement in &policy.statements {
        if let Some(unread) = statement.unread.first() {
            return Err(bad(format!("{}: {}", unread.element, unread.why)));
        }
        if statement.principals.is_none() {
            return Err(bad("a statement has no Principal".into()));
        }
    }
    // Principals must exist: https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policies.html. The wording is a guess.
    principals_exist(world, &policy, call.at).map_err(|refusal| bad(refusal.message))?;
    Ok(())
}

fn answered(call: &Call, text: &str) -> Value {
    json!({
        "registryId": call.account,
        "repositoryName": call.required("repositoryName"),
        "policyText": text,
    })
}

fn missing(call: &Call) -> Refusal {
    refusal(
        "RepositoryPolicyNotFoundException",
        format!(
            "Repository policy does not exist for the repository with name '{}' in the registry with id '{}'",
            call.required("repositoryName"),
            call.account
        ),
    )
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html>
pub(super) fn set(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    find(world, call)?;
    let document = call.required("policyText");
    check(world, call, document)?;
    change(world, call)?.policy = Some(document.to_owned());
    Ok(said(answered(call, document)))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetRepositoryPolicy.html>
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let document = find(world, call)?.policy.as_ref().ok_or_else(|| missing(call))?;
    Ok(said(answered(call, document)))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DeleteRepositoryPolicy.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let document = find(world, call)?.policy.clone().ok_or_else(|| missing(call))?;
    change(world, call)?.policy = None;
    Ok(said(answered(call, &document)))
}
