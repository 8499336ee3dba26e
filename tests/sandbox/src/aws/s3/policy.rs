//! Bucket policies: checked, kept, and judged to be public or not.

use jiff::Timestamp;
use mlops_access::aws::actions::lookup;
use mlops_access::aws::{Condition, Effect, Narrowing, Policy, PrincipalName, Scope, Statement};
use serde_json::json;

use super::{Bucket, arn, configure, find};
use crate::answer::{Answer, Refusal};
use crate::aws::iam::document::principals_exist;
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Bytes of a policy at most: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html>
const LONGEST: usize = 20_480;

/// Condition keys whose fixed values make a statement for everybody one for few, in lower case.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>, "The meaning of public".
const FIXING: [&str; 14] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceowner",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
];

fn malformed(message: &str) -> Refusal {
    Refusal::new(400, "MalformedPolicy", message)
}

/// Refuses a document that S3 would not keep.
fn check(world: &World, bucket: &Bucket, document: &str, now: Timestamp) -> Result<Policy, Refusal> {
    if !document.starts_with('{') {
        return Err(malformed(
            "Policies must be valid JSON and the first byte must be '{'",
        ));
    }
    if document.len() > LONGEST {
        return Err(malformed("Policy exceeds the maximum allowed document size."));
    }
    let policy = Policy::parse(document)
        .map_err(|error| malformed(&format!("This policy contains invalid Json: {error}")))?;
    let own = arn(&bucket.region, &bucket.name);
    for statement in &policy.statements {
        check_statement(statement, &own)?;
    }
    if principals_exist(world, &policy, now).is_err() {
        return Err(malformed("Invalid principal in policy"));
    }
    Ok(policy)
}

fn check_statement(statement: &Statement, own: &str) -> Result<(), Refusal> {
    if statement.principals.is_none() {
        return Err(malformed("Missing required field Principal"));
    }
    if let Some(unread) = statement.unread.first() {
        return Err(malformed(&format!(
            "Invalid policy syntax: {}: {}",
            unread.element, unread.why
        )));
    }
    let Some(resources) = &statement.resources else {
        return Err(malformed("Missing required field Resource"));
    };
    let inside = |text: &str| {
        text == "*"
            || text == own
            || text
                .strip_prefix(own)
                .is_some_and(|rest| rest.starts_with('/') || rest.starts_with('*'))
    };
    if resources
        .items()
        .iter()
        .any(|resource| !inside(resource.source()))
    {
        return Err(malformed("Policy has invalid resource"));
    }
    let of_objects = resources
        .items()
        .iter()
        .any(|resource| resource.source() == "*" || resource.source().len() > own.len());
    let of_bucket = resources.is_negated()
        || resources.items().iter().any(|resource| {
            matches!(resource.source(), "*") || resource.source().trim_end_matches('*') == own
        });
    for action in statement.actions.items() {
        let text = action.text();
        if text.contains(['*', '?']) {
            continue;
        }
        let Some(known) = lookup(text) else {
            return Err(malformed("Policy has invalid action"));
        };
        let applies = known.resource_types().any(|(kind, _)| match &*kind.name {
            "object" => of_objects,
            "bucket" => of_bucket,
            _ => false,
        });
        if matches!(statement.actions, Scope::Only(_)) && !applies {
            return Err(malformed("Action does not apply to any resource(s) in statement"));
        }
    }
    Ok(())
}

/// Whether a policy lets in everybody, or nearly.
pub(crate) fn is_public(policy: &Policy) -> bool {
    policy.statements.iter().any(|statement| {
        let for_anyone = statement.principals.as_ref().is_some_and(|principals| {
            principals.negated || principals.names.contains(&PrincipalName::Anyone)
        });
        statement.effect == Effect::Allow && for_anyone && !statement.conditions.iter().any(fixes)
    })
}

fn fixes(condition: &Condition) -> bool {
    FIXING.contains(&condition.key.folded())
        && condition.narrowing() == Narrowing::Pins
        && condition
            .values
            .iter()
            .all(|value| !value.source().contains(['*', '?', '$']) && value.source() != "0.0.0.0/0")
}

fn missing(bucket: &Bucket) -> Refusal {
    Refusal::new(404, "NoSuchBucketPolicy", "The bucket policy does not exist")
        .with("BucketName", bucket.name.as_str())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html>
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let document = bucket.policy.as_ref().ok_or_else(|| missing(bucket))?;
    Ok(said(json!({"Policy": document})))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html>
pub(super) fn status(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let document = bucket.policy.as_ref().ok_or_else(|| missing(bucket))?;
    let public = Policy::parse(document).is_ok_and(|policy| is_public(&policy));
    Ok(said(json!({"PolicyStatus": {"IsPublic": public}})))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let document = call.required("Policy");
    let policy = check(world, bucket, document, call.at)?;
    if bucket.block.is_some_and(|block| block.policy) && is_public(&policy) {
        return Err(Refusal::new(
            403,
            "AccessDenied",
            format!(
                "User: {} is not authorized to perform: s3:PutBucketPolicy on resource: \"{}\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
                call.caller.principal,
                arn(&bucket.region, &bucket.name)
            ),
        ));
    }
    configure(world, call)?.policy = Some(document.to_owned());
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketPolicy.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    configure(world, call)?.policy = None;
    Ok(Answer::empty())
}
