//! Launch templates of node groups: they must exist in EC2, and not say what EKS says itself.
//!
//! <https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html>

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::refusal;
use crate::answer::Refusal;
use crate::aws::ec2::{self, launch_template};
use crate::aws::input;
use crate::call::Call;
use crate::world::World;

/// The version of a launch template that a node group uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Number of the version, as text.
    pub version: String,
}

/// A template with what its version says.
pub(super) struct Read {
    pub(super) template: Template,
    pub(super) data: Value,
}

impl Template {
    pub(super) fn shown(&self) -> Value {
        json!({"id": self.id, "name": self.name, "version": self.version})
    }
}

impl Read {
    /// The image that it brings, which makes the group's AMI custom.
    pub(super) fn image(&self) -> Option<&str> {
        input::text(&self.data, "ImageId")
    }

    pub(super) fn instance_type(&self) -> Option<&str> {
        input::text(&self.data, "InstanceType")
    }

    pub(super) fn has_disk(&self) -> bool {
        !input::items(&self.data, "BlockDeviceMappings").is_empty()
    }
}

/// Reads the template that `launchTemplate` names; `$Latest` and `$Default` become numbers.
///
/// # Errors
/// `InvalidParameterException` where EC2 does not know it, with EC2's words; `InvalidRequestException` for what a node
/// group's template must not say. The list is the guide's, the wording of its refusals a guess.
pub(super) fn read(world: &World, call: &Call, named: &Value) -> Result<Read, Refusal> {
    let ec2 = &world.aws.region(&call.account, &call.region).ec2;
    let unknown = |refused: Refusal| refusal::invalid(refused.message);
    let id =
        launch_template::meant(ec2, input::text(named, "id"), input::text(named, "name")).map_err(unknown)?;
    let asked = input::text(named, "version").unwrap_or("$Default");
    let found = ec2.launch_templates.get(&id).and_then(|template| {
        let number = template.number(asked)?;
        Some((template, number, template.versions.get(&number)?))
    });
    let (template, number, version) = found.ok_or_else(|| {
        unknown(ec2::refused(
            "InvalidLaunchTemplateId.VersionNotFound",
            format!("Could not find the specified version {asked} for the launch template with ID {id}."),
        ))
    })?;
    let read = Read {
        template: Template {
            id,
            name: template.name.clone(),
            version: number.to_string(),
        },
        data: version.data.clone(),
    };
    permitted(world, call, &read)?;
    Ok(read)
}

fn permitted(world: &World, call: &Call, read: &Read) -> Result<(), Refusal> {
    let data = &read.data;
    let says = |member: &str| input::given(data, member).is_some();
    let banned = [
        (
            "IamInstanceProfile",
            "an instance profile: the node role is part of the node group",
        ),
        (
            "InstanceMarketOptions",
            "a market type: use the capacity type of the node group",
        ),
        ("HibernationOptions", "hibernation"),
        ("InstanceRequirements", "instance requirements"),
    ];
    if let Some((_, words)) = banned.iter().find(|(member, _)| says(member)) {
        return Err(refusal::request(format!(
            "Launch template {} should not specify {words}",
            read.template.id
        )));
    }
    let interfaces = input::items(data, "NetworkInterfaces");
    if interfaces
        .iter()
        .any(|interface| input::text(interface, "SubnetId").is_some())
    {
        return Err(refusal::request(format!(
            "Launch template {} should not specify a subnet: the node group has its own",
            read.template.id
        )));
    }
    let groups = interfaces
        .iter()
        .flat_map(|interface| input::texts(interface, "Groups"))
        .chain(input::texts(data, "SecurityGroupIds"));
    let standing = &world.aws.region(&call.account, &call.region).ec2.security_groups;
    for group in groups {
        if !standing.contains_key(group) {
            return Err(refusal::invalid(format!(
                "The security group '{group}' does not exist"
            )));
        }
    }
    Ok(())
}
