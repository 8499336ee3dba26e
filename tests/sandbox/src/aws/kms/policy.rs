//! Key policies: one a key, named `default`, never one that locks everybody out.
//!
//! <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>

use mlops_access::aws::{Policies, Policy, Request, Statement, evaluate};
use serde_json::json;

use super::key::{change, find_by_id};
use super::refusal;
use crate::answer::{Answer, Refusal};
use crate::aws::iam::document::principals_exist;
use crate::aws::output::said;
use crate::aws::{arn, authorize};
use crate::call::Call;
use crate::world::World;

/// The name of the one policy of a key.
const NAME: &str = "default";
/// Bytes of a policy at most: <https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>
const LONGEST: usize = 32_768;

/// The policy of a key that was made without one: the account's own policies decide.
///
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>
pub(super) fn by_default(account: &str, region: &str) -> String {
    let root = arn::iam(region, account, "root");
    let document = json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": root},
            "Action": "kms:*",
            "Resource": "*",
        }],
    });
    format!("{document:#}")
}

/// Refuses a document that KMS would not keep.
pub(super) fn check(world: &World, call: &Call, document: &str, arn: &str) -> Result<(), Refusal> {
    let malformed = |message: String| refusal("MalformedPolicyDocumentException", message);
    if document.len() > LONGEST {
        return Err(refusal(
            "LimitExceededException",
            format!("The policy is longer than {LONGEST} bytes"),
        ));
    }
    let policy =
        Policy::parse(document).map_err(|error| malformed(format!("Policy is not valid: {error}")))?;
    for statement in &policy.statements {
        if let Some(unread) = statement.unread.first() {
            return Err(malformed(format!(
                "Policy contains an invalid element {}: {}",
                unread.element, unread.why
            )));
        }
        if statement.principals.is_none() {
            return Err(malformed("Policy contains a statement with no principal.".into()));
        }
        if statement.resources.is_none() {
            return Err(malformed("Policy contains a statement with no resource.".into()));
        }
    }
    // hashicorp/aws, internal/service/kms/key.go: a principal that is not there yet is refused, and tried again.
    if principals_exist(world, &policy, call.at).is_err() {
        return Err(malformed(
            "Policy contains a statement with one or more invalid principals.".into(),
        ));
    }
    let bypass = call.flag("BypassPolicyLockoutSafetyCheck");
    if !bypass && !lets_back_in(world, call, &policy, arn) {
        return Err(malformed(
            "The new key policy will not allow you to update the key policy in the future.".into(),
        ));
    }
    Ok(())
}

/// Whether the caller, whatever its own policies allow, could still change the policy.
///
/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>, `BypassPolicyLockoutSafetyCheck`.
fn lets_back_in(world: &World, call: &Call, policy: &Policy, arn: &str) -> bool {
    let everything = Policy::new([Statement::allow(["kms:*"]).on(["*"])]);
    let request = Request::new(authorize::caller(world, call), "kms:PutKeyPolicy", arn)
        .owned_by(&call.account)
        .with("kms:CallerAccount", &call.account)
        .with("aws:SecureTransport", "true");
    let policies = Policies::identity([&everything]).on_resource_with(policy);
    !evaluate(&request, &policies).is_denied()
}

fn only_default(call: &Call) -> Result<(), Refusal> {
    match call.text("PolicyName") {
        None | Some(NAME) => Ok(()),
        Some(name) => Err(refusal(
            "NotFoundException",
            format!("No such policy exists: {name}"),
        )),
    }
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html>
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let key = find_by_id(world, call)?;
    only_default(call)?;
    Ok(said(json!({"Policy": key.policy, "PolicyName": NAME})))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let arn = find_by_id(world, call)?.arn.clone();
    only_default(call)?;
    let document = call.required("Policy");
    check(world, call, document, &arn)?;
    document.clone_into(&mut change(world, call)?.policy);
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyPolicies.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    find_by_id(world, call)?;
    Ok(said(json!({"PolicyNames": [NAME], "Truncated": false})))
}
