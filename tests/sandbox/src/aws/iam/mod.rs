//! Identity and access management: global to an account.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::answer::{Answer, Refusal};
use crate::aws::page;
use crate::call::Call;
use crate::world::World;

mod attachment;
mod details;
pub(crate) mod document;
pub(crate) mod effective;
mod inline;
pub mod instance_profile;
pub mod oidc_provider;
pub mod policy;
pub(crate) mod refusal;
pub mod role;
pub mod service_linked;
mod simulate;

pub use instance_profile::InstanceProfile;
pub use oidc_provider::OidcProvider;
pub use policy::Policy;
pub use role::Role;

/// How IAM spells a tag.
pub(crate) const PAIR: (&str, &str) = ("Key", "Value");

/// The one user there is: who made the sandbox.
pub const OPERATOR: &str = "operator";

/// What stands in IAM.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Roles by their name in lower case: names that differ only in case are the same.
    pub roles: BTreeMap<String, Role>,
    /// Customer-managed policies by ARN.
    pub policies: BTreeMap<String, Policy>,
    /// Instance profiles by their name in lower case.
    pub instance_profiles: BTreeMap<String, InstanceProfile>,
    /// OIDC providers by ARN.
    pub oidc_providers: BTreeMap<String, OidcProvider>,
    /// Deletions of service-linked roles by task id: the role's name.
    pub deletions: BTreeMap<String, String>,
}

impl State {
    /// A role by name, in any case.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.get(&name.to_lowercase())
    }

    /// A role by its exact ARN.
    pub fn role_by_arn(&self, arn: &str) -> Option<&Role> {
        let name = mlops_access::aws::Arn::parse(arn)?.name();
        self.role(name).filter(|role| role.arn == arn)
    }

    pub(crate) fn has_id(&self, id: &str) -> bool {
        self.roles.values().any(|role| role.id == id)
    }

    /// A role by name, or IAM's word for its absence.
    pub(crate) fn known_role(&self, name: &str) -> Result<&Role, Refusal> {
        self.role(name)
            .ok_or_else(|| refusal::missing(format!("The role with name {name} cannot be found.")))
    }

    pub(crate) fn known_role_mut(&mut self, name: &str) -> Result<&mut Role, Refusal> {
        self.roles
            .get_mut(&name.to_lowercase())
            .ok_or_else(|| refusal::missing(format!("The role with name {name} cannot be found.")))
    }

    /// A role that customers may change.
    pub(crate) fn own_role_mut(&mut self, name: &str) -> Result<&mut Role, Refusal> {
        let role = self.known_role_mut(name)?;
        if role.service.is_some() {
            return Err(refusal::protected(&role.name));
        }
        Ok(role)
    }
}

/// Answers a call to IAM.
///
/// # Errors
/// IAM's refusals.
pub fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    match call.operation.as_str() {
        "CreateRole" => role::create(world, call),
        "GetRole" => role::get(world, call),
        "ListRoles" => role::list(world, call),
        "UpdateRole" => role::update(world, call),
        "UpdateRoleDescription" => role::update_description(world, call),
        "UpdateAssumeRolePolicy" => role::update_trust(world, call),
        "PutRolePermissionsBoundary" => role::put_boundary(world, call),
        "DeleteRolePermissionsBoundary" => role::delete_boundary(world, call),
        "TagRole" => role::tag(world, call),
        "UntagRole" => role::untag(world, call),
        "ListRoleTags" => role::list_tags(world, call),
        "DeleteRole" => role::delete(world, call),
        "PutRolePolicy" => inline::put(world, call),
        "GetRolePolicy" => inline::get(world, call),
        "ListRolePolicies" => inline::list(world, call),
        "DeleteRolePolicy" => inline::delete(world, call),
        "AttachRolePolicy" => attachment::attach(world, call),
        "DetachRolePolicy" => attachment::detach(world, call),
        "ListAttachedRolePolicies" => attachment::list(world, call),
        "ListEntitiesForPolicy" => attachment::entities(world, call),
        "CreatePolicy" => policy::create(world, call),
        "GetPolicy" => policy::get(world, call),
        "ListPolicies" => policy::list(world, call),
        "DeletePolicy" => policy::delete(world, call),
        "CreatePolicyVersion" => policy::create_version(world, call),
        "GetPolicyVersion" => policy::get_version(world, call),
        "ListPolicyVersions" => policy::list_versions(world, call),
        "SetDefaultPolicyVersion" => policy::set_default(world, call),
        "DeletePolicyVersion" => policy::delete_version(world, call),
        "TagPolicy" => policy::tag(world, call),
        "UntagPolicy" => policy::untag(world, call),
        "ListPolicyTags" => policy::list_tags(world, call),
        "CreateInstanceProfile" => instance_profile::create(world, call),
        "GetInstanceProfile" => instance_profile::get(world, call),
        "ListInstanceProfiles" => instance_profile::list(world, call),
        "ListInstanceProfilesForRole" => instance_profile::list_for_role(world, call),
        "AddRoleToInstanceProfile" => instance_profile::add_role(world, call),
        "RemoveRoleFromInstanceProfile" => instance_profile::remove_role(world, call),
        "DeleteInstanceProfile" => instance_profile::delete(world, call),
        "TagInstanceProfile" => instance_profile::tag(world, call),
        "UntagInstanceProfile" => instance_profile::untag(world, call),
        "ListInstanceProfileTags" => instance_profile::list_tags(world, call),
        "CreateOpenIDConnectProvider" => oidc_provider::create(world, call),
        "GetOpenIDConnectProvider" => oidc_provider::get(world, call),
        "ListOpenIDConnectProviders" => oidc_provider::list(world, call),
        "DeleteOpenIDConnectProvider" => oidc_provider::delete(world, call),
        "AddClientIDToOpenIDConnectProvider" => oidc_provider::add_client(world, call),
        "RemoveClientIDFromOpenIDConnectProvider" => oidc_provider::remove_client(world, call),
        "UpdateOpenIDConnectProviderThumbprint" => oidc_provider::set_thumbprints(world, call),
        "TagOpenIDConnectProvider" => oidc_provider::tag(world, call),
        "UntagOpenIDConnectProvider" => oidc_provider::untag(world, call),
        "ListOpenIDConnectProviderTags" => oidc_provider::list_tags(world, call),
        "CreateServiceLinkedRole" => service_linked::create(world, call),
        "DeleteServiceLinkedRole" => service_linked::delete(world, call),
        "GetServiceLinkedRoleDeletionStatus" => service_linked::deletion(world, call),
        "GetAccountAuthorizationDetails" => details::details(world, call),
        "GetAccountSummary" => details::summary(world, call),
        "ListAccountAliases" => Ok(listed(
            "AccountAliases",
            page::Page {
                entries: Vec::new(),
                next: None,
            },
        )),
        "GetUser" => details::user(call),
        "SimulatePrincipalPolicy" => simulate::principal(world, call),
        "SimulateCustomPolicy" => simulate::custom(world, call),
        _ => Err(crate::aws::not_carried(call)),
    }
}

/// Entries on a page where the caller does not say: 100, at most 1,000.
///
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html>
const USUAL_PAGE: usize = 100;

/// The page that a call asks for.
pub(crate) fn paged<T>(
    world: &World,
    call: &Call,
    entries: impl IntoIterator<Item = (String, T)>,
) -> Result<page::Page<T>, Refusal> {
    let asked = crate::aws::input::number(&call.input, "MaxItems");
    page::page(
        entries,
        call.text("Marker"),
        asked.and_then(|asked| usize::try_from(asked).ok()),
        USUAL_PAGE,
        world.behaviour.page,
    )
    .map_err(|_| refusal::validation("Invalid Marker."))
}

/// A page as IAM answers it.
pub(crate) fn listed(member: &str, page: page::Page<Value>) -> Answer {
    let mut output = Map::new();
    output.insert(member.to_owned(), Value::Array(page.entries));
    output.insert("IsTruncated".to_owned(), page.next.is_some().into());
    if let Some(marker) = page.next {
        output.insert("Marker".to_owned(), marker.into());
    }
    Answer::of(Value::Object(output))
}

/// `/` or what was given, which begins and ends with a slash by the description's pattern.
pub(crate) fn path_of(call: &Call) -> String {
    call.text("Path").unwrap_or("/").to_owned()
}
