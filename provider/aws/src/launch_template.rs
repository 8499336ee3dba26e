//! The launch template of a node pool: what EKS itself cannot say of an instance. Metadata only with a session token,
//! encrypted disk, tags on instances and volumes.

use mlops_environment::aws::Tags;
use roxmltree::Node;

use crate::client::Clients;
use crate::ec2::{Form, call, child, items, text};
use crate::failure::{Outcome, gone, missing, optional};
use crate::tags;

/// What a template says, as far as it is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) disk_gb: i32,
    pub(crate) disk_type: String,
    pub(crate) metadata_tokens: String,
    pub(crate) metadata_hop_limit: i32,
    /// Of instances and volumes.
    pub(crate) tags: Tags,
}

/// A version of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) number: String,
}

/// Root device of the Amazon Linux and Bottlerocket (data volume: `/dev/xvdb`) images of EKS.
///
/// <https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html>
const ROOT: &str = "/dev/xvda";

impl Template {
    fn form(&self) -> Form {
        let data = "LaunchTemplateData";
        let device = format!("{data}.BlockDeviceMapping.1");
        Form::default()
            .set(&format!("{device}.DeviceName"), ROOT)
            .set(&format!("{device}.Ebs.VolumeSize"), self.disk_gb.to_string())
            .set(&format!("{device}.Ebs.VolumeType"), &self.disk_type)
            .set(&format!("{device}.Ebs.Encrypted"), "true")
            .set(&format!("{device}.Ebs.DeleteOnTermination"), "true")
            .set(&format!("{data}.MetadataOptions.HttpEndpoint"), "enabled")
            .set(
                &format!("{data}.MetadataOptions.HttpTokens"),
                &self.metadata_tokens,
            )
            .set(
                &format!("{data}.MetadataOptions.HttpPutResponseHopLimit"),
                self.metadata_hop_limit.to_string(),
            )
            .tags(&format!("{data}.TagSpecification"), 1, "instance", &self.tags)
            .tags(&format!("{data}.TagSpecification"), 2, "volume", &self.tags)
    }

    fn read(data: Node<'_, '_>) -> Self {
        let ebs = items(data, "blockDeviceMappingSet")
            .into_iter()
            .find(|device| text(*device, "deviceName").as_deref() == Some(ROOT))
            .and_then(|device| child(device, "ebs"));
        let metadata = child(data, "metadataOptions");
        let number = |node: Option<Node<'_, '_>>, name: &str| {
            node.and_then(|node| text(node, name))
                .and_then(|text| text.parse().ok())
                .unwrap_or(0)
        };
        let instance = items(data, "tagSpecificationSet")
            .into_iter()
            .find(|tags| text(*tags, "resourceType").as_deref() == Some("instance"));
        Self {
            disk_gb: number(ebs, "volumeSize"),
            disk_type: ebs.and_then(|ebs| text(ebs, "volumeType")).unwrap_or_default(),
            metadata_tokens: metadata
                .and_then(|options| text(options, "httpTokens"))
                .unwrap_or_default(),
            metadata_hop_limit: number(metadata, "httpPutResponseHopLimit"),
            tags: instance.map(crate::ec2::tag_set).unwrap_or_default(),
        }
    }

    /// Makes the template, or a new version of it where it stands already.
    pub(crate) async fn put(&self, clients: &Clients, name: &str) -> Outcome<Version> {
        match self.create(clients, name).await {
            Err(failure) if failure.code == "InvalidLaunchTemplateName.AlreadyExistsException" => {
                self.add(clients, name).await
            }
            other => other,
        }
    }

    async fn create(&self, clients: &Clients, name: &str) -> Outcome<Version> {
        const OPERATION: &str = "ec2:CreateLaunchTemplate";
        let form = self.form().set("LaunchTemplateName", name).tags(
            "TagSpecification",
            1,
            "launch-template",
            &self.tags,
        );
        call(clients, OPERATION, form, |root| {
            let template = child(root, "launchTemplate")?;
            Some(Version {
                id: text(template, "launchTemplateId")?,
                number: text(template, "latestVersionNumber")?,
            })
        })
        .await?
        .ok_or_else(|| missing(OPERATION, "launchTemplateId"))
    }

    async fn add(&self, clients: &Clients, name: &str) -> Outcome<Version> {
        const OPERATION: &str = "ec2:CreateLaunchTemplateVersion";
        call(
            clients,
            OPERATION,
            self.form().set("LaunchTemplateName", name),
            |root| {
                let version = child(root, "launchTemplateVersion")?;
                Some(Version {
                    id: text(version, "launchTemplateId")?,
                    number: text(version, "versionNumber")?,
                })
            },
        )
        .await?
        .ok_or_else(|| missing(OPERATION, "versionNumber"))
    }
}

/// Reads one version.
pub(crate) async fn describe(clients: &Clients, version: &Version) -> Outcome<Option<Template>> {
    let form = Form::default()
        .set("LaunchTemplateId", &version.id)
        .list("LaunchTemplateVersion", [&version.number]);
    let found = call(clients, "ec2:DescribeLaunchTemplateVersions", form, |root| {
        let version = items(root, "launchTemplateVersionSet").into_iter().next()?;
        child(version, "launchTemplateData").map(Template::read)
    })
    .await;
    Ok(optional(found)?.flatten())
}

/// Removes a template with all its versions.
pub(crate) async fn delete(clients: &Clients, name: &str) -> Outcome<()> {
    let form = Form::default().set("LaunchTemplateName", name);
    gone(call(clients, "ec2:DeleteLaunchTemplate", form, |_| ()).await)
}

/// Sets one tag on a template.
pub(crate) async fn tag(clients: &Clients, id: &str, key: &str, value: &str) -> Outcome<()> {
    let form = Form::default()
        .set("ResourceId.1", id)
        .set("Tag.1.Key", key)
        .set("Tag.1.Value", value);
    call(clients, "ec2:CreateTags", form, |_| ()).await
}

/// Tags without those that EKS adds to the instances of a group.
pub(crate) fn own(found: Tags) -> Tags {
    tags::found(found.into_iter().filter(|(key, _)| !key.starts_with("eks:")))
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;

    use super::*;

    #[test]
    fn reads_what_ec2_answers() {
        let xml = r#"<launchTemplateData xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
            <blockDeviceMappingSet><item><deviceName>/dev/xvda</deviceName>
              <ebs><encrypted>true</encrypted><volumeSize>50</volumeSize><volumeType>gp3</volumeType></ebs></item>
            </blockDeviceMappingSet>
            <metadataOptions><httpTokens>required</httpTokens><httpPutResponseHopLimit>1</httpPutResponseHopLimit>
            </metadataOptions>
            <tagSpecificationSet>
              <item><resourceType>volume</resourceType><tagSet><item><key>v</key><value>1</value></item></tagSet></item>
              <item><resourceType>instance</resourceType><tagSet><item><key>a</key><value>b</value></item></tagSet></item>
            </tagSpecificationSet></launchTemplateData>"#;
        let document = Document::parse(xml).unwrap();
        assert_eq!(
            Template::read(document.root_element()),
            Template {
                disk_gb: 50,
                disk_type: "gp3".into(),
                metadata_tokens: "required".into(),
                metadata_hop_limit: 1,
                tags: tags::found([("a", "b")]),
            }
        );
    }

    #[test]
    fn an_empty_template_says_nothing_of_ours() {
        let document = Document::parse("<launchTemplateData/>").unwrap();
        let read = Template::read(document.root_element());
        assert_eq!((read.disk_gb, read.metadata_tokens.as_str()), (0, ""));
    }
}
