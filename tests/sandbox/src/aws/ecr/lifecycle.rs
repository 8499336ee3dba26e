//! Lifecycle policies: which images expire. They are checked and kept; nothing expires here.
//!
//! <https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html>

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::refusal;
use super::repository::{change, find};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Rules of a policy at most: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html>
const MOST_RULES: usize = 50;

fn failure(what: &str) -> Refusal {
    refusal(
        "InvalidParameterException",
        format!(
            "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: {what}'"
        ),
    )
}

/// Refuses a document that ECR would not keep.
fn check(text: &str) -> Result<(), Refusal> {
    let document: Value =
        serde_json::from_str(text).map_err(|error| failure(&format!("not JSON: {error}")))?;
    let rules = document
        .get("rules")
        .and_then(Value::as_array)
        .ok_or_else(|| failure("object has missing required properties ([\"rules\"])"))?;
    if document
        .as_object()
        .is_some_and(|members| members.keys().any(|name| name != "rules"))
    {
        return Err(failure(
            "object instance has properties which are not allowed by the schema",
        ));
    }
    if rules.is_empty() || rules.len() > MOST_RULES {
        return Err(failure("rules must number between 1 and 50"));
    }
    let mut priorities = BTreeSet::new();
    let mut any = None;
    let mut untagged = 0;
    for rule in rules {
        let priority = rule
            .get("rulePriority")
            .and_then(Value::as_u64)
            .filter(|priority| *priority > 0)
            .ok_or_else(|| failure("rulePriority must be a positive integer"))?;
        if !priorities.insert(priority) {
            return Err(failure("rulePriority must be unique"));
        }
        let status = check_selection(rule.get("selection").unwrap_or(&Value::Null))?;
        let action = rule
            .get("action")
            .and_then(|action| action.get("type"))
            .and_then(Value::as_str);
        if !matches!(action, Some("expire" | "transition")) {
            return Err(failure("action.type must be expire or transition"));
        }
        match status {
            "any" if any.replace(priority).is_some() => return Err(failure("only one rule may select any")),
            "untagged" => untagged += 1,
            _ => {}
        }
    }
    // The page above: a rule for any image must have the highest number, and only one rule may select untagged ones.
    if any.is_some_and(|priority| priorities.last() != Some(&priority)) {
        return Err(failure("a rule with tagStatus any must have the lowest priority"));
    }
    if untagged > 1 {
        return Err(failure("only one rule may select untagged images"));
    }
    Ok(())
}

/// Checks what a rule selects; the tag status it is for.
fn check_selection(selection: &Value) -> Result<&str, Refusal> {
    let text = |member: &str| selection.get(member).and_then(Value::as_str);
    let listed = |member: &str| {
        selection
            .get(member)
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty())
    };
    let status = text("tagStatus").unwrap_or_default();
    let with_tags = listed("tagPrefixList") || listed("tagPatternList");
    match status {
        "tagged" if listed("tagPrefixList") == listed("tagPatternList") => {
            return Err(failure(
                "tagged needs exactly one of tagPrefixList and tagPatternList",
            ));
        }
        "tagged" => {}
        "untagged" | "any" if with_tags => return Err(failure("tags are listed for tagged only")),
        "untagged" | "any" => {}
        _ => return Err(failure("tagStatus must be tagged, untagged or any")),
    }
    let unit = text("countUnit");
    match (text("countType").unwrap_or_default(), unit) {
        ("imageCountMoreThan", None)
        | ("sinceImagePushed" | "sinceImagePulled" | "sinceImageTransitioned", Some("days")) => {}
        ("imageCountMoreThan", Some(_)) => {
            return Err(failure("countUnit is not allowed with imageCountMoreThan"));
        }
        ("sinceImagePushed" | "sinceImagePulled" | "sinceImageTransitioned", _) => {
            return Err(failure("countUnit must be days"));
        }
        _ => {
            return Err(failure(
                "countType must be imageCountMoreThan or sinceImagePushed",
            ));
        }
    }
    if selection
        .get("countNumber")
        .and_then(Value::as_u64)
        .unwrap_or_default()
        == 0
    {
        return Err(failure("countNumber must be a positive integer"));
    }
    Ok(status)
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutLifecyclePolicy.html>
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    find(world, call)?;
    let text = call.required("lifecyclePolicyText");
    check(text)?;
    change(world, call)?.lifecycle = Some(text.to_owned());
    Ok(said(answered(call, text)))
}

fn answered(call: &Call, text: &str) -> Value {
    json!({
        "registryId": call.account,
        "repositoryName": call.required("repositoryName"),
        "lifecyclePolicyText": text,
    })
}

fn missing(call: &Call) -> Refusal {
    refusal(
        "LifecyclePolicyNotFoundException",
        format!(
            "Lifecycle policy does not exist for the repository with name '{}' in the registry with id '{}'",
            call.required("repositoryName"),
            call.account
        ),
    )
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetLifecyclePolicy.html>
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let text = find(world, call)?
        .lifecycle
        .as_ref()
        .ok_or_else(|| missing(call))?;
    Ok(said(answered(call, text)))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DeleteLifecyclePolicy.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let text = find(world, call)?
        .lifecycle
        .clone()
        .ok_or_else(|| missing(call))?;
    change(world, call)?.lifecycle = None;
    Ok(said(answered(call, &text)))
}
