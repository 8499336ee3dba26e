//! Roles.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Role.html>

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::document::{self, Use};
use super::refusal;
use super::{PAIR, listed, paged, path_of};
use crate::answer::{Answer, Refusal};
use crate::aws::tags::{self, Tags};
use crate::aws::{arn, input};
use crate::call::Call;
use crate::world::World;

/// What a trust policy may measure unless the quota is raised.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub(crate) const TRUST_SIZE: usize = 2_048;
/// Roles in an account unless the quota is raised; the same page.
const MOST: usize = 1_000;
/// Seconds that a session lasts at most where nothing is said.
const SESSION: i64 = 3_600;

/// A role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Name, spelled as at creation.
    pub name: String,
    /// Path, with a slash at both ends.
    pub path: String,
    /// `AROA…`.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// When it was made.
    pub created: Timestamp,
    /// Who may enter: the document as it was sent.
    pub trust: String,
    /// Description.
    pub description: Option<String>,
    /// Seconds that a session lasts at most.
    pub max_session: i64,
    /// ARN of the policy that bounds it.
    pub boundary: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// Inline policies by name.
    pub inline: BTreeMap<String, String>,
    /// ARNs of attached policies.
    pub attached: BTreeSet<String>,
    /// The service that a service-linked role belongs to.
    pub service: Option<String>,
}

impl Role {
    /// As lists show it: without tags and boundary.
    ///
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html>: "resource-listing operations return a
    /// subset of the available attributes".
    pub(crate) fn brief(&self) -> Value {
        let mut shown = json!({
            "Path": self.path,
            "RoleName": self.name,
            "RoleId": self.id,
            "Arn": self.arn,
            "CreateDate": self.created.to_string(),
            "AssumeRolePolicyDocument": document::encoded(&self.trust),
            "MaxSessionDuration": self.max_session,
        });
        if let Some(description) = &self.description {
            shown["Description"] = description.as_str().into();
        }
        shown
    }

    /// As a read shows it.
    pub(crate) fn whole(&self) -> Value {
        let mut shown = self.brief();
        if let Some(boundary) = &self.boundary {
            shown["PermissionsBoundary"] = bounded(boundary);
        }
        if !self.tags.is_empty() {
            shown["Tags"] = tags::list(&self.tags, PAIR);
        }
        shown
    }
}

/// A boundary as answers show it.
pub(crate) fn bounded(arn: &str) -> Value {
    // The API reference says PermissionsBoundaryPolicy; the service answers Policy (hashicorp/aws and botocore's recorded
    // answers). The description's enumeration is what clients are generated from.
    json!({"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": arn})
}

/// Reads a trust policy and sees that whom it names exists.
fn trust(world: &World, call: &Call, member: &str) -> Result<String, Refusal> {
    let text = call.required(member);
    let policy = document::read(text, Use::Trust)?;
    document::principals_exist(world, &policy, call.at)?;
    if document::size(text) > TRUST_SIZE {
        return Err(refusal::limit(format!(
            "Cannot exceed quota for ACLSizePerRole: {TRUST_SIZE}"
        )));
    }
    Ok(text.to_owned())
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("RoleName");
    let iam = &world.aws.account_mut(&call.account).iam;
    if iam.role(name).is_some() {
        return Err(refusal::exists(format!("Role with name {name} already exists.")));
    }
    if iam.roles.values().filter(|role| role.service.is_none()).count() >= MOST {
        return Err(refusal::limit(format!(
            "Cannot exceed quota for RolesPerAccount: {MOST}"
        )));
    }
    let path = path_of(call);
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
    if path.starts_with("/aws-service-role/") {
        return Err(refusal::invalid(
            "Roles with the path /aws-service-role/ are made by CreateServiceLinkedRole.",
        ));
    }
    let tags = tags::read(call.input.get("Tags"), PAIR).map_err(refusal::tags)?;
    let trust = trust(world, call, "AssumeRolePolicyDocument")?;
    let boundary = call.text("PermissionsBoundary").map(str::to_owned);
    if let Some(boundary) = &boundary {
        super::policy::can_bound(world, call, boundary)?;
    }
    let role = Role {
        name: name.to_owned(),
        arn: arn::iam(&call.region, &call.account, &format!("role{path}{name}")),
        path,
        id: format!("AROA{}", world.random.upper(17)),
        created: call.at,
        trust,
        description: call.text("Description").map(str::to_owned),
        max_session: input::number(&call.input, "MaxSessionDuration").unwrap_or(SESSION),
        boundary,
        tags,
        inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        service: None,
    };
    let answer = Answer::of(json!({"Role": role.whole()}));
    world
        .aws
        .account_mut(&call.account)
        .iam
        .roles
        .insert(name.to_lowercase(), role);
    Ok(answer)
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let role = world
        .aws
        .account(&call.account)
        .iam
        .known_role(call.required("RoleName"))?;
    let mut shown = role.whole();
    // An empty element where the role was never used, as the service answers.
    shown["RoleLastUsed"] = json!({});
    Ok(Answer::of(json!({"Role": shown})))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let prefix = call.text("PathPrefix").unwrap_or("/").to_owned();
    let entries: Vec<(String, Value)> = world
        .aws
        .account(&call.account)
        .iam
        .roles
        .iter()
        .filter(|(_, role)| role.path.starts_with(&prefix))
        .map(|(key, role)| (key.clone(), role.brief()))
        .collect();
    Ok(listed("Roles", paged(world, call, entries)?))
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let role = world
        .aws
        .account_mut(&call.account)
        .iam
        .own_role_mut(call.required("RoleName"))?;
    if let Some(description) = call.text("Description") {
        role.description = Some(description.to_owned());
    }
    // https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html: the default where it is left out.
    role.max_session = input::number(&call.input, "MaxSessionDuration").unwrap_or(SESSION);
    Ok(Answer::empty())
}

pub(super) fn update_description(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let role = world
        .aws
        .account_mut(&call.account)
        .iam
        .known_role_mut(call.required("RoleName"))?;
    role.description = Some(call.required("Description").to_owned());
    Ok(Answer::of(json!({"Role": role.whole()})))
}

pub(super) fn update_trust(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("RoleName");
    world.aws.account_mut(&call.account).iam.own_role_mut(name)?;
    let document = trust(world, call, "PolicyDocument")?;
    world.aws.account_mut(&call.account).iam.own_role_mut(name)?.trust = document;
    Ok(Answer::empty())
}

pub(super) fn put_boundary(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, boundary) = (call.required("RoleName"), call.required("PermissionsBoundary"));
    world.aws.account_mut(&call.account).iam.own_role_mut(name)?;
    super::policy::can_bound(world, call, boundary)?;
    world
        .aws
        .account_mut(&call.account)
        .iam
        .own_role_mut(name)?
        .boundary = Some(boundary.to_owned());
    Ok(Answer::empty())
}

pub(super) fn delete_boundary(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("RoleName");
    let role = world.aws.account_mut(&call.account).iam.own_role_mut(name)?;
    if role.boundary.take().is_none() {
        return Err(refusal::missing(format!(
            "Role {name} does not have a permissions boundary."
        )));
    }
    Ok(Answer::empty())
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let new = tags::read(call.input.get("Tags"), PAIR).map_err(refusal::tags)?;
    let role = world
        .aws
        .account_mut(&call.account)
        .iam
        .own_role_mut(call.required("RoleName"))?;
    tags::add(&mut role.tags, new).map_err(refusal::tags)?;
    Ok(Answer::empty())
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let role = world
        .aws
        .account_mut(&call.account)
        .iam
        .own_role_mut(call.required("RoleName"))?;
    for key in input::texts(&call.input, "TagKeys") {
        role.tags.remove(key);
    }
    Ok(Answer::empty())
}

pub(super) fn list_tags(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let role = world
        .aws
        .account(&call.account)
        .iam
        .known_role(call.required("RoleName"))?;
    let entries = tag_entries(&role.tags);
    Ok(listed("Tags", paged(world, call, entries)?))
}

/// Tags as entries of a list.
pub(crate) fn tag_entries(tags: &Tags) -> Vec<(String, Value)> {
    tags.iter()
        .map(|(key, value)| (key.clone(), json!({"Key": key, "Value": value})))
        .collect()
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("RoleName");
    let iam = &mut world.aws.account_mut(&call.account).iam;
    let role = iam.own_role_mut(name)?;
    if !role.attached.is_empty() {
        return Err(refusal::conflict(
            "Cannot delete entity, must detach all policies first.",
        ));
    }
    if !role.inline.is_empty() {
        return Err(refusal::conflict(
            "Cannot delete entity, must delete policies first.",
        ));
    }
    let key = name.to_lowercase();
    if iam
        .instance_profiles
        .values()
        .any(|profile| profile.role.as_deref() == Some(&key))
    {
        return Err(refusal::conflict(
            "Cannot delete entity, must remove roles from instance profile first.",
        ));
    }
    iam.roles.remove(&key);
    Ok(Answer::empty())
}
