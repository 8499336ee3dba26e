//! Launch templates: what an instance is made from, in numbered versions.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::describe::{self, Kind, tagged};
use super::{State, new_id, refused, specified};
use crate::answer::{Answer, Refusal};
use crate::aws::input;
use crate::aws::tags;
use crate::call::Call;
use crate::world::World;

/// A launch template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LaunchTemplate {
    /// Name, unique in the region.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub by: String,
    /// Number of the default version.
    pub default: u64,
    /// Number of the newest version.
    pub latest: u64,
    /// Versions by number.
    pub versions: BTreeMap<u64, Version>,
}

/// One version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// What it says, by the members of the API's description.
    pub data: Value,
    /// Description.
    pub description: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub by: String,
}

impl LaunchTemplate {
    /// The number that `$Latest`, `$Default` or a number stands for.
    pub fn number(&self, version: &str) -> Option<u64> {
        let number = match version {
            "$Latest" => self.latest,
            "$Default" => self.default,
            number => number.parse().ok()?,
        };
        self.versions.contains_key(&number).then_some(number)
    }

    fn shown(&self, id: &str, state: &State) -> Value {
        let entry = json!({
            "LaunchTemplateId": id,
            "LaunchTemplateName": self.name,
            "CreateTime": self.created.to_string(),
            "CreatedBy": self.by,
            "DefaultVersionNumber": self.default,
            "LatestVersionNumber": self.latest,
        });
        tagged(entry, &state.tags_of(id))
    }

    fn version(&self, id: &str, number: u64, version: &Version) -> Value {
        let mut data = version.data.clone();
        if let Some(options) = data.get_mut("MetadataOptions").and_then(Value::as_object_mut) {
            options.insert("State".to_owned(), "applied".into());
        }
        let mut entry = json!({
            "LaunchTemplateId": id,
            "LaunchTemplateName": self.name,
            "VersionNumber": number,
            "CreateTime": version.created.to_string(),
            "CreatedBy": version.by,
            "DefaultVersion": number == self.default,
            "LaunchTemplateData": data,
        });
        if let Some(description) = &version.description {
            entry["VersionDescription"] = description.as_str().into();
        }
        entry
    }
}

fn unknown_id(id: &str) -> Refusal {
    refused(
        "InvalidLaunchTemplateId.NotFound",
        format!("The specified launch template, with template ID {id}, does not exist."),
    )
}

fn unknown_name(name: &str) -> Refusal {
    refused(
        "InvalidLaunchTemplateName.NotFoundException",
        format!("The specified launch template, with template name {name}, does not exist."),
    )
}

fn no_version(id: &str, version: &str) -> Refusal {
    refused(
        "InvalidLaunchTemplateId.VersionNotFound",
        format!("Could not find the specified version {version} for the launch template with ID {id}."),
    )
}

/// The id that a call means, by id or by name.
pub(crate) fn meant(state: &State, id: Option<&str>, name: Option<&str>) -> Result<String, Refusal> {
    match (id, name) {
        (Some(_), Some(_)) => Err(refused(
            "InvalidParameterCombination",
            "You must specify either a launch template ID or a launch template name, not both.",
        )),
        (Some(id), None) => state
            .launch_templates
            .contains_key(id)
            .then(|| id.to_owned())
            .ok_or_else(|| unknown_id(id)),
        (None, Some(name)) => state
            .launch_templates
            .iter()
            .find(|(_, template)| template.name == name)
            .map(|(id, _)| id.clone())
            .ok_or_else(|| unknown_name(name)),
        (None, None) => Err(refused(
            "MissingParameter",
            "When launch template is specified, either launch template ID or launch template name must be present.",
        )),
    }
}

fn of_call(state: &State, call: &Call) -> Result<String, Refusal> {
    meant(
        state,
        call.text("LaunchTemplateId"),
        call.text("LaunchTemplateName"),
    )
}

fn data(call: &Call) -> Result<Value, Refusal> {
    let data = input::given(&call.input, "LaunchTemplateData")
        .cloned()
        .unwrap_or_else(|| json!({}));
    for specification in input::items(&data, "TagSpecifications") {
        tags::read(specification.get("Tags"), ("Key", "Value")).map_err(super::flawed)?;
    }
    Ok(data)
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("LaunchTemplateName");
    let tags = specified(call, "launch-template")?;
    let data = data(call)?;
    if data.as_object().is_none_or(serde_json::Map::is_empty) {
        return Err(refused(
            "MissingParameter",
            "The request must contain the parameter LaunchTemplateData",
        ));
    }
    let id = new_id(world, "lt");
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    if state
        .launch_templates
        .values()
        .any(|template| template.name == name)
    {
        return Err(refused(
            "InvalidLaunchTemplateName.AlreadyExistsException",
            "Launch template name already in use.",
        ));
    }
    let version = Version {
        data,
        description: call.text("VersionDescription").map(str::to_owned),
        created: call.at,
        by: call.caller.principal.clone(),
    };
    let template = LaunchTemplate {
        name: name.to_owned(),
        created: call.at,
        by: call.caller.principal.clone(),
        default: 1,
        latest: 1,
        versions: [(1, version)].into(),
    };
    if !tags.is_empty() {
        state.tags.insert(id.clone(), tags);
    }
    let entry = template.shown(&id, state);
    state.launch_templates.insert(id, template);
    Ok(Answer::of(json!({"LaunchTemplate": entry})))
}

pub(super) fn create_version(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let new = data(call)?;
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let id = of_call(state, call)?;
    let template = state
        .launch_templates
        .get_mut(&id)
        .ok_or_else(|| unknown_id(&id))?;
    // What the source says stays where the call says nothing.
    let mut data = json!({});
    if let Some(source) = call.text("SourceVersion") {
        let number = template.number(source).ok_or_else(|| no_version(&id, source))?;
        if let Some(version) = template.versions.get(&number) {
            data = version.data.clone();
        }
    }
    for (member, value) in new.as_object().into_iter().flatten() {
        data[member.as_str()] = value.clone();
    }
    template.latest += 1;
    let version = Version {
        data,
        description: call.text("VersionDescription").map(str::to_owned),
        created: call.at,
        by: call.caller.principal.clone(),
    };
    let entry = template.version(&id, template.latest, &version);
    template.versions.insert(template.latest, version);
    Ok(Answer::of(json!({"LaunchTemplateVersion": entry})))
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "LaunchTemplates",
        ids: "LaunchTemplateIds",
        id: "LaunchTemplateId",
        filters: &[
            ("launch-template-name", &["LaunchTemplateName"]),
            ("create-time", &["CreateTime"]),
        ],
        missing: (
            "InvalidLaunchTemplateId.NotFound",
            "The specified launch template, with template ID {}, does not exist.",
        ),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let names = input::texts(&call.input, "LaunchTemplateNames");
    for name in &names {
        meant(state, None, Some(name))?;
    }
    let entries = state
        .launch_templates
        .iter()
        .filter(|(_, template)| names.is_empty() || names.contains(&template.name.as_str()))
        .map(|(id, template)| template.shown(id, state))
        .collect();
    describe::describe(world, call, &KIND, entries)
}

/// Of one template, or of all where only `$Latest` or `$Default` is asked for:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplateVersions.html>
pub(super) fn describe_versions(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    const KIND: Kind = Kind {
        list: "LaunchTemplateVersions",
        ids: "",
        id: "Order",
        filters: &[
            ("is-default-version", &["DefaultVersion"]),
            ("image-id", &["LaunchTemplateData", "ImageId"]),
            ("instance-type", &["LaunchTemplateData", "InstanceType"]),
        ],
        missing: ("", ""),
    };
    let state = &world.aws.region(&call.account, &call.region).ec2;
    let versions = input::texts(&call.input, "Versions");
    let chosen: Vec<String> = if call
        .text("LaunchTemplateId")
        .or(call.text("LaunchTemplateName"))
        .is_some()
    {
        vec![of_call(state, call)?]
    } else if !versions.is_empty() && versions.iter().all(|version| version.starts_with('$')) {
        state.launch_templates.keys().cloned().collect()
    } else {
        return Err(refused(
            "MissingParameter",
            "Either a launch template ID or a launch template name must be specified.",
        ));
    };
    let bound = |member: &str, usual: u64| {
        call.text(member)
            .and_then(|text| text.parse().ok())
            .unwrap_or(usual)
    };
    let (least, most) = (bound("MinVersion", 0), bound("MaxVersion", u64::MAX));
    let mut entries = Vec::new();
    for id in chosen {
        let Some(template) = state.launch_templates.get(&id) else {
            continue;
        };
        let numbers: Vec<u64> = if versions.is_empty() {
            template
                .versions
                .keys()
                .copied()
                .filter(|number| (least..=most).contains(number))
                .collect()
        } else {
            let mut numbers = Vec::new();
            for version in &versions {
                let number = template.number(version).ok_or_else(|| no_version(&id, version))?;
                if !numbers.contains(&number) {
                    numbers.push(number);
                }
            }
            numbers
        };
        for number in numbers {
            if let Some(version) = template.versions.get(&number) {
                let mut entry = template.version(&id, number, version);
                // Newest first.
                entry["Order"] = format!("{id}/{:020}", u64::MAX - number).into();
                entries.push(entry);
            }
        }
    }
    let mut answer = describe::describe(world, call, &KIND, entries)?;
    for entry in answer.output["LaunchTemplateVersions"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        if let Some(members) = entry.as_object_mut() {
            members.remove("Order");
        }
    }
    Ok(answer)
}

pub(super) fn modify(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let id = of_call(state, call)?;
    if let Some(version) = call.text("DefaultVersion")
        && let Some(template) = state.launch_templates.get_mut(&id)
    {
        template.default = template.number(version).ok_or_else(|| no_version(&id, version))?;
    }
    let template = state.launch_templates.get(&id).ok_or_else(|| unknown_id(&id))?;
    Ok(Answer::of(json!({"LaunchTemplate": template.shown(&id, state)})))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let id = of_call(state, call)?;
    let template = state.launch_templates.get(&id).ok_or_else(|| unknown_id(&id))?;
    let answer = Answer::of(json!({"LaunchTemplate": template.shown(&id, state)}));
    state.launch_templates.remove(&id);
    state.tags.remove(&id);
    Ok(answer)
}

/// The default version stays: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplateVersions.html>
pub(super) fn delete_versions(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let state = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    let id = of_call(state, call)?;
    let template = state
        .launch_templates
        .get_mut(&id)
        .ok_or_else(|| unknown_id(&id))?;
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    for version in input::texts(&call.input, "Versions") {
        let number = version.parse::<u64>().unwrap_or_default();
        let entry = |more: Option<(&str, String)>| {
            let mut entry = json!({
                "LaunchTemplateId": id,
                "LaunchTemplateName": template.name,
                "VersionNumber": number,
            });
            if let Some((code, message)) = more {
                entry["ResponseError"] = json!({"Code": code, "Message": message});
            }
            entry
        };
        if !template.versions.contains_key(&number) {
            let words = format!("Could not find version {version}");
            kept.push(entry(Some(("launchTemplateVersionDoesNotExist", words))));
        } else if number == template.default {
            let words = format!("The default version {version} cannot be deleted");
            kept.push(entry(Some(("unexpectedError", words))));
        } else {
            gone.push((number, entry(None)));
        }
    }
    for (number, _) in &gone {
        template.versions.remove(number);
    }
    let gone: Vec<Value> = gone.into_iter().map(|(_, entry)| entry).collect();
    Ok(Answer::of(json!({
        "SuccessfullyDeletedLaunchTemplateVersions": gone,
        "UnsuccessfullyDeletedLaunchTemplateVersions": kept,
    })))
}
