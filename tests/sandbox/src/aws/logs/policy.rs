//! Resource policies: which services may write to the log groups of an account.

use jiff::Timestamp;
use mlops_access::aws::Policy;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{invalid, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::aws::page::page;
use crate::call::Call;
use crate::world::World;

/// Policies of a region at most: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html>
const MOST: usize = 10;

/// A policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourcePolicy {
    /// Its document as it was given.
    pub document: String,
    /// When it was last written.
    pub updated: Timestamp,
}

fn shown(name: &str, policy: &ResourcePolicy) -> Value {
    json!({
        "policyName": name,
        "policyDocument": policy.document,
        "lastUpdatedTime": policy.updated.as_millisecond(),
    })
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html>
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, document) = (call.required("policyName"), call.required("policyDocument"));
    if name.is_empty() {
        return Err(invalid("policyName is missing"));
    }
    Policy::parse(document).map_err(|error| invalid(format!("Invalid policy document: {error}")))?;
    let known = &world.aws.region(&call.account, &call.region).logs.policies;
    if known.len() >= MOST && !known.contains_key(name) {
        return Err(refusal("LimitExceededException", "Resource limit exceeded."));
    }
    let policy = ResourcePolicy {
        document: document.to_owned(),
        updated: call.at,
    };
    let output = json!({"resourcePolicy": shown(name, &policy)});
    world
        .aws
        .region_mut(&call.account, &call.region)
        .logs
        .policies
        .insert(name.to_owned(), policy);
    Ok(said(output))
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeResourcePolicies.html>
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let policies = &world.aws.region(&call.account, &call.region).logs.policies;
    let page = page(
        policies.iter().map(|(name, policy)| (name, shown(name, policy))),
        call.text("nextToken"),
        call.count("limit"),
        50,
        world.behaviour.page,
    )
    .map_err(|_| invalid("The specified nextToken is invalid."))?;
    Ok(said(
        json!({"resourcePolicies": page.entries, "nextToken": page.next}),
    ))
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteResourcePolicy.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("policyName");
    if !world
        .aws
        .region(&call.account, &call.region)
        .logs
        .policies
        .contains_key(name)
    {
        return Err(refusal(
            "ResourceNotFoundException",
            format!("Policy with name [{name}] does not exist"),
        ));
    }
    world
        .aws
        .region_mut(&call.account, &call.region)
        .logs
        .policies
        .remove(name);
    Ok(Answer::empty())
}
