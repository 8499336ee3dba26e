//! An account's whole IAM in one list, its numbers, and the user who calls.

use serde_json::{Value, json};

use super::document::encoded;
use super::role::bounded;
use super::{OPERATOR, PAIR, Role, State, paged, policy, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::{input, tags};
use crate::call::Call;
use crate::world::World;

fn role_detail(iam: &State, role: &Role) -> Value {
    let key = role.name.to_lowercase();
    let profiles: Vec<Value> = iam
        .instance_profiles
        .values()
        .filter(|profile| profile.role.as_ref() == Some(&key))
        .map(|profile| profile.shown(iam))
        .collect();
    let mut shown = json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": role.created.to_string(),
        "AssumeRolePolicyDocument": encoded(&role.trust),
        "InstanceProfileList": profiles,
        "RolePolicyList": role.inline.iter()
            .map(|(name, text)| json!({"PolicyName": name, "PolicyDocument": encoded(text)}))
            .collect::<Vec<_>>(),
        "AttachedManagedPolicies": role.attached.iter()
            .map(|arn| json!({"PolicyName": policy::name_of(arn), "PolicyArn": arn}))
            .collect::<Vec<_>>(),
        "Tags": tags::list(&role.tags, PAIR),
        "RoleLastUsed": {},
    });
    if let Some(boundary) = &role.boundary {
        shown["PermissionsBoundary"] = bounded(boundary);
    }
    shown
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>
pub(super) fn details(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let filter = input::texts(&call.input, "Filter");
    let wanted = |kind: &str| filter.is_empty() || filter.contains(&kind);
    let iam = &world.aws.account(&call.account).iam;
    // Roles and policies share the pages: an entry carries what it is.
    let mut entries: Vec<(String, (&str, Value))> = Vec::new();
    if wanted("Role") {
        entries.extend(
            iam.roles
                .iter()
                .map(|(key, role)| (format!("role/{key}"), ("RoleDetailList", role_detail(iam, role)))),
        );
    }
    if wanted("LocalManagedPolicy") {
        entries.extend(iam.policies.values().map(|policy| {
            let mut shown = policy.brief(iam);
            shown["PolicyVersionList"] = policy.versions_shown();
            (format!("policy/{}", policy.arn), ("Policies", shown))
        }));
    }
    entries.sort_by(|one, two| one.0.cmp(&two.0));
    let page = paged(world, call, entries)?;
    let mut answer = json!({
        "UserDetailList": [],
        "GroupDetailList": [],
        "RoleDetailList": [],
        "Policies": [],
        "IsTruncated": page.next.is_some(),
    });
    for (list, entry) in page.entries {
        if let Some(list) = answer[list].as_array_mut() {
            list.push(entry);
        }
    }
    if let Some(marker) = page.next {
        answer["Marker"] = marker.into();
    }
    Ok(Answer::of(answer))
}

/// The numbers that say something here; <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html>.
pub(super) fn summary(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let iam = &world.aws.account(&call.account).iam;
    Ok(Answer::of(json!({"SummaryMap": {
        "Roles": iam.roles.len(),
        "RolesQuota": 1_000,
        "Policies": iam.policies.len(),
        "PoliciesQuota": 1_500,
        "InstanceProfiles": iam.instance_profiles.len(),
        "InstanceProfilesQuota": 1_000,
        "Providers": iam.oidc_providers.len(),
        "Users": 1,
        "AttachedPoliciesPerRoleQuota": 10,
        "AssumeRolePolicySizeQuota": 2_048,
        "PolicySizeQuota": 6_144,
        "VersionsPerPolicyQuota": 5,
        "AccountAccessKeysPresent": 0,
        "AccountMFAEnabled": 1,
    }})))
}

/// The one user: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html>
pub(super) fn user(call: &Call) -> Result<Answer, Refusal> {
    let caller = mlops_access::aws::Arn::parse(&call.caller.principal);
    let own = caller.and_then(|arn| arn.resource.strip_prefix("user/"));
    let name = call
        .text("UserName")
        .or(own)
        .ok_or_else(|| refusal::validation("Must specify userName when calling with non-User credentials"))?;
    if name != OPERATOR {
        return Err(refusal::missing(format!(
            "The user with name {name} cannot be found."
        )));
    }
    Ok(Answer::of(json!({"User": {
        "Path": "/",
        "UserName": name,
        "UserId": "AIDAAAAAAAAAAAAAAAAAA",
        "Arn": crate::aws::arn::iam(&call.region, &call.account, &format!("user/{name}")),
        "CreateDate": "2020-01-01T00:00:00Z",
    }})))
}
