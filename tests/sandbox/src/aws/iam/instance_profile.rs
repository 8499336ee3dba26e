//! Instance profiles: how a role gets onto an instance.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_InstanceProfile.html>

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::role::tag_entries;
use super::{PAIR, State, listed, paged, path_of, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::tags::{self, Tags};
use crate::aws::{arn, input};
use crate::call::Call;
use crate::world::World;

/// An instance profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceProfile {
    /// Name.
    pub name: String,
    /// Path, with a slash at both ends.
    pub path: String,
    /// `AIPA…`.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// When it was made.
    pub created: Timestamp,
    /// Tags.
    pub tags: Tags,
    /// Key of its role: one at most, <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
    pub role: Option<String>,
}

impl InstanceProfile {
    pub(crate) fn shown(&self, iam: &State) -> Value {
        let roles: Vec<Value> = self
            .role
            .iter()
            .filter_map(|key| iam.roles.get(key))
            .map(|role| role.brief())
            .collect();
        let mut shown = json!({
            "Path": self.path,
            "InstanceProfileName": self.name,
            "InstanceProfileId": self.id,
            "Arn": self.arn,
            "CreateDate": self.created.to_string(),
            "Roles": roles,
        });
        if !self.tags.is_empty() {
            shown["Tags"] = tags::list(&self.tags, PAIR);
        }
        shown
    }
}

fn unknown(name: &str) -> Refusal {
    refusal::missing(format!("Instance Profile {name} cannot be found."))
}

fn known<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut InstanceProfile, Refusal> {
    let name = call.required("InstanceProfileName");
    world
        .aws
        .account_mut(&call.account)
        .iam
        .instance_profiles
        .get_mut(&name.to_lowercase())
        .ok_or_else(|| unknown(name))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, path) = (call.required("InstanceProfileName"), path_of(call));
    let tags = tags::read(call.input.get("Tags"), PAIR).map_err(refusal::tags)?;
    let id = format!("AIPA{}", world.random.upper(17));
    let iam = &mut world.aws.account_mut(&call.account).iam;
    let key = name.to_lowercase();
    if iam.instance_profiles.contains_key(&key) {
        return Err(refusal::exists(format!(
            "Instance Profile {name} already exists."
        )));
    }
    let profile = InstanceProfile {
        name: name.to_owned(),
        arn: arn::iam(
            &call.region,
            &call.account,
            &format!("instance-profile{path}{name}"),
        ),
        path,
        id,
        created: call.at,
        tags,
        role: None,
    };
    let answer = Answer::of(json!({"InstanceProfile": profile.shown(iam)}));
    iam.instance_profiles.insert(key, profile);
    Ok(answer)
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let profile = known(world, call)?.clone();
    let iam = &world.aws.account(&call.account).iam;
    Ok(Answer::of(json!({"InstanceProfile": profile.shown(iam)})))
}

fn entries(iam: &State, chosen: impl Fn(&InstanceProfile) -> bool) -> Vec<(String, Value)> {
    iam.instance_profiles
        .iter()
        .filter(|(_, profile)| chosen(profile))
        .map(|(key, profile)| {
            let mut shown = profile.shown(iam);
            if let Some(members) = shown.as_object_mut() {
                members.remove("Tags");
            }
            (key.clone(), shown)
        })
        .collect()
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let prefix = call.text("PathPrefix").unwrap_or("/");
    let iam = &world.aws.account(&call.account).iam;
    let entries = entries(iam, |profile| profile.path.starts_with(prefix));
    Ok(listed("InstanceProfiles", paged(world, call, entries)?))
}

pub(super) fn list_for_role(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("RoleName");
    let iam = &world.aws.account(&call.account).iam;
    iam.known_role(name)?;
    let key = name.to_lowercase();
    let entries = entries(iam, |profile| profile.role.as_ref() == Some(&key));
    Ok(listed("InstanceProfiles", paged(world, call, entries)?))
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddRoleToInstanceProfile.html>
pub(super) fn add_role(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("RoleName");
    let key = name.to_lowercase();
    world.aws.account_mut(&call.account).iam.own_role_mut(name)?;
    let profile = known(world, call)?;
    if profile.role.is_some() {
        return Err(refusal::limit(
            "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
        ));
    }
    profile.role = Some(key);
    Ok(Answer::empty())
}

pub(super) fn remove_role(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("RoleName");
    let profile = known(world, call)?;
    if profile.role != Some(name.to_lowercase()) {
        return Err(refusal::missing(format!(
            "The role with name {name} cannot be found in instance profile {}.",
            profile.name
        )));
    }
    profile.role = None;
    Ok(Answer::empty())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let profile = known(world, call)?;
    if profile.role.is_some() {
        return Err(refusal::conflict(
            "Cannot delete entity, must remove roles from instance profile first.",
        ));
    }
    let key = profile.name.to_lowercase();
    world
        .aws
        .account_mut(&call.account)
        .iam
        .instance_profiles
        .remove(&key);
    Ok(Answer::empty())
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let new = tags::read(call.input.get("Tags"), PAIR).map_err(refusal::tags)?;
    tags::add(&mut known(world, call)?.tags, new).map_err(refusal::tags)?;
    Ok(Answer::empty())
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let profile = known(world, call)?;
    for key in input::texts(&call.input, "TagKeys") {
        profile.tags.remove(key);
    }
    Ok(Answer::empty())
}

pub(super) fn list_tags(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let entries = tag_entries(&known(world, call)?.tags);
    Ok(listed("Tags", paged(world, call, entries)?))
}
