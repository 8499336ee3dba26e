//! Managed policies on roles.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html>

use serde_json::{Value, json};

use super::policy::{exists, name_of};
use super::refusal;
use super::{listed, paged};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// Managed policies on a role unless the quota is raised.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const MOST: usize = 10;

pub(super) fn attach(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, arn) = (call.required("RoleName"), call.required("PolicyArn"));
    world.aws.account_mut(&call.account).iam.own_role_mut(name)?;
    if !exists(world, &call.account, arn, call.at) {
        return Err(refusal::missing(format!(
            "Policy {arn} does not exist or is not attachable."
        )));
    }
    let role = world.aws.account_mut(&call.account).iam.own_role_mut(name)?;
    if !role.attached.contains(arn) && role.attached.len() >= MOST {
        return Err(refusal::limit(format!(
            "Cannot exceed quota for PoliciesPerRole: {MOST}"
        )));
    }
    role.attached.insert(arn.to_owned());
    Ok(Answer::empty())
}

pub(super) fn detach(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let arn = call.required("PolicyArn");
    let role = world
        .aws
        .account_mut(&call.account)
        .iam
        .own_role_mut(call.required("RoleName"))?;
    if !role.attached.remove(arn) {
        return Err(refusal::missing(format!("Policy {arn} was not found.")));
    }
    Ok(Answer::empty())
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let prefix = call.text("PathPrefix").unwrap_or("/").to_owned();
    let role = world
        .aws
        .account(&call.account)
        .iam
        .known_role(call.required("RoleName"))?;
    let entries: Vec<(String, Value)> = role
        .attached
        .iter()
        .filter(|arn| super::policy::path_of_arn(arn).starts_with(&prefix))
        .map(|arn| (arn.clone(), json!({"PolicyName": name_of(arn), "PolicyArn": arn})))
        .collect();
    Ok(listed("AttachedPolicies", paged(world, call, entries)?))
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html>
pub(super) fn entities(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let arn = call.required("PolicyArn");
    if !exists(world, &call.account, arn, call.at) {
        return Err(refusal::missing(format!("Policy {arn} was not found.")));
    }
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let wanted = call.text("PolicyUsageFilter");
    let filtered = call.text("EntityFilter").is_none_or(|filter| filter == "Role");
    let roles: Vec<(String, Value)> = world
        .aws
        .account(&call.account)
        .iam
        .roles
        .iter()
        .filter(|(_, role)| filtered && role.path.starts_with(prefix))
        .filter(|(_, role)| {
            (wanted != Some("PermissionsBoundary") && role.attached.contains(arn))
                || (wanted != Some("PermissionsPolicy") && role.boundary.as_deref() == Some(arn))
        })
        .map(|(key, role)| (key.clone(), json!({"RoleName": role.name, "RoleId": role.id})))
        .collect();
    let mut answer = listed("PolicyRoles", paged(world, call, roles)?);
    answer.output["PolicyGroups"] = json!([]);
    answer.output["PolicyUsers"] = json!([]);
    Ok(answer)
}
