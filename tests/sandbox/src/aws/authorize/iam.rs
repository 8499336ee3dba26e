//! IAM: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>

use super::need::{Need, pass, tags_in, untagged};
use crate::aws::arn;
use crate::aws::iam::State;
use crate::aws::tags::Tags;
use crate::call::Call;
use crate::world::World;

/// Operations on nothing in particular.
const ON_NOTHING: [&str; 5] = [
    "GetAccountSummary",
    "GetAccountAuthorizationDetails",
    "ListAccountAliases",
    "SimulateCustomPolicy",
    "GetServiceLinkedRoleDeletionStatus",
];

pub(super) fn needs(world: &World, call: &Call) -> Vec<Need> {
    if ON_NOTHING.contains(&call.operation.as_str()) {
        return vec![Need::own(call, "*")];
    }
    let iam = &world.aws.account(&call.account).iam;
    let tags = tags_in(call.input.get("Tags"));
    let (resource, standing, tag_action) = subject(iam, call);
    let mut need = Need::own(call, resource.clone())
        .requested(&tags)
        .with_all("aws:TagKeys", untagged(call))
        .tagged(Some("iam"), &standing)
        .with_member("iam:PermissionsBoundary", call.input.get("PermissionsBoundary"))
        .with_member("iam:AWSServiceName", call.input.get("AWSServiceName"));
    if matches!(call.operation.as_str(), "AttachRolePolicy" | "DetachRolePolicy") {
        need = need.with("iam:PolicyARN", call.required("PolicyArn"));
    }
    if let Some(role) = call.text("RoleName").and_then(|name| iam.role(name))
        && let Some(boundary) = &role.boundary
    {
        // Of a role that stands its own boundary counts, but for the call that sets another.
        if call.text("PermissionsBoundary").is_none() {
            need = need.with("iam:PermissionsBoundary", boundary.as_str());
        }
    }
    let mut needs = vec![need];
    if let Some(action) = tag_action.filter(|_| call.operation.starts_with("Create") && !tags.is_empty()) {
        needs.push(Need::of(action, resource).requested(&tags));
    }
    if call.operation == "AddRoleToInstanceProfile" {
        needs.push(pass(
            &role(iam, call, call.required("RoleName")),
            "ec2.amazonaws.com",
        ));
    }
    needs
}

/// What a call is about, its tags, and the action that tags need at creation.
fn subject(iam: &State, call: &Call) -> (String, Tags, Option<&'static str>) {
    let path = call.text("Path").unwrap_or("/");
    let named = |resource: String| arn::iam(&call.region, &call.account, &resource);
    let profile = |name: &str| {
        let found = iam.instance_profiles.get(&name.to_lowercase());
        let tags = found.map(|found| found.tags.clone()).unwrap_or_default();
        let arn = found.map_or_else(
            || named(format!("instance-profile{path}{name}")),
            |found| found.arn.clone(),
        );
        (arn, tags, Some("iam:TagInstanceProfile"))
    };
    if let Some(name) = call.text("InstanceProfileName") {
        return profile(name);
    }
    if let Some(name) = call.text("RoleName") {
        let tags = iam.role(name).map(|role| role.tags.clone()).unwrap_or_default();
        return (role(iam, call, name), tags, Some("iam:TagRole"));
    }
    if let Some(policy) = call.text("PolicyArn") {
        let tags = iam.policies.get(policy).map(|policy| policy.tags.clone());
        return (policy.to_owned(), tags.unwrap_or_default(), None);
    }
    if let Some(provider) = call.text("OpenIDConnectProviderArn") {
        let tags = iam
            .oidc_providers
            .get(provider)
            .map(|provider| provider.tags.clone());
        return (provider.to_owned(), tags.unwrap_or_default(), None);
    }
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let resource = match call.operation.as_str() {
        "CreatePolicy" => {
            let name = call.required("PolicyName");
            return (
                named(format!("policy{path}{name}")),
                Tags::new(),
                Some("iam:TagPolicy"),
            );
        }
        "CreateOpenIDConnectProvider" => {
            let host = call.required("Url").trim_start_matches("https://");
            return (
                named(format!("oidc-provider/{host}")),
                Tags::new(),
                Some("iam:TagOpenIDConnectProvider"),
            );
        }
        "CreateServiceLinkedRole" => {
            let service = call.required("AWSServiceName");
            format!("role/aws-service-role/{service}/*")
        }
        "SimulatePrincipalPolicy" => return (call.required("PolicySourceArn").to_owned(), Tags::new(), None),
        "GetUser" => {
            let own = call.caller.principal.clone();
            return (own, Tags::new(), None);
        }
        "ListRoles" => format!("role{prefix}"),
        "ListPolicies" => format!("policy{prefix}"),
        "ListInstanceProfiles" => format!("instance-profile{prefix}"),
        "ListOpenIDConnectProviders" => "oidc-provider/*".to_owned(),
        _ => "*".to_owned(),
    };
    (named(resource), Tags::new(), None)
}

fn role(iam: &State, call: &Call, name: &str) -> String {
    match iam.role(name) {
        Some(role) => role.arn.clone(),
        None => {
            let path = call.text("Path").unwrap_or("/");
            arn::iam(&call.region, &call.account, &format!("role{path}{name}"))
        }
    }
}
