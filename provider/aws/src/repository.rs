//! An ECR repository with its lifecycle policy.

use async_trait::async_trait;
use aws_sdk_ecr::types::{
    EncryptionConfiguration, EncryptionType, ImageScanningConfiguration, ImageTagMutability, Tag,
};
use futures::try_join;
use mlops_environment::aws::{Repository, Tags};
use mlops_environment::component::{Component, Observation, OnDestroy, Outputs, Present};
use mlops_environment::driver::{Monitor, Reason};

use crate::driver::Aws;
use crate::failure::{Outcome, call, failure, gone, missing, optional};
use crate::object::{Changes, Object, Wanted, outputs, ready};
use crate::purge::grouped;
use crate::{document, tags};

fn ecr_tags(tags: &Tags) -> Outcome<Vec<Tag>> {
    tags.iter()
        .map(|(key, value)| {
            Tag::builder()
                .key(key)
                .value(value)
                .build()
                .map_err(|error| failure("ecr:TagResource", Reason::Invalid, error.to_string()))
        })
        .collect()
}

impl Wanted<Repository> {
    fn mutability(&self) -> ImageTagMutability {
        if self.immutable_tags {
            ImageTagMutability::Immutable
        } else {
            ImageTagMutability::Mutable
        }
    }

    fn scanning(&self) -> ImageScanningConfiguration {
        ImageScanningConfiguration::builder()
            .scan_on_push(self.scan_on_push)
            .build()
    }

    fn known(&self, arn: &str, url: &str) -> Outputs {
        outputs([
            ("arn", arn.to_owned()),
            ("url", url.to_owned()),
            ("name", self.name.clone()),
        ])
    }

    async fn put_lifecycle(&self, aws: &Aws) -> Outcome<()> {
        let ecr = &aws.clients.ecr;
        if self.lifecycle.is_empty() {
            let delete = ecr.delete_lifecycle_policy().repository_name(&self.name);
            return gone(call("ecr:DeleteLifecyclePolicy", delete.send()).await);
        }
        let put = ecr
            .put_lifecycle_policy()
            .repository_name(&self.name)
            .lifecycle_policy_text(&self.lifecycle);
        call("ecr:PutLifecyclePolicy", put.send()).await.map(drop)
    }
}

#[async_trait]
impl Object for Wanted<Repository> {
    async fn observe(&self, aws: &Aws, _: &Component) -> Outcome<Observation> {
        const OPERATION: &str = "ecr:DescribeRepositories";
        let ecr = &aws.clients.ecr;
        let arn = aws.arn("ecr", &format!("repository/{}", self.name)).await?;
        let found = try_join!(
            call(
                OPERATION,
                ecr.describe_repositories().repository_names(&self.name).send()
            ),
            async {
                let get = ecr.get_lifecycle_policy().repository_name(&self.name);
                match call("ecr:GetLifecyclePolicy", get.send()).await {
                    Err(failure) if failure.code == "LifecyclePolicyNotFoundException" => Ok(None),
                    other => other.map(Some),
                }
            },
            call(
                "ecr:ListTagsForResource",
                ecr.list_tags_for_resource().resource_arn(&arn).send()
            ),
        );
        let Some((repositories, lifecycle, found_tags)) = optional(found)? else {
            return Ok(Observation::Absent);
        };
        let repository = repositories
            .repositories()
            .first()
            .ok_or_else(|| missing(OPERATION, "repository"))?;
        let encryption = repository.encryption_configuration();
        let found = Repository {
            name: self.name.clone(),
            immutable_tags: repository.image_tag_mutability() == Some(&ImageTagMutability::Immutable),
            scan_on_push: repository
                .image_scanning_configuration()
                .is_some_and(|scanning| scanning.scan_on_push()),
            kms_key: encryption
                .filter(|encryption| encryption.encryption_type() == &EncryptionType::Kms)
                .and_then(|encryption| encryption.kms_key().map(str::to_owned)),
            lifecycle: lifecycle
                .and_then(|answer| answer.lifecycle_policy_text)
                .map(|text| document::reported(&text, &self.lifecycle))
                .unwrap_or_default(),
            tags: tags::found(found_tags.tags().iter().map(|tag| (tag.key(), tag.value()))),
        };
        let url = repository.repository_uri().unwrap_or_default();
        Ok(Observation::Present(ready(
            &arn,
            &found.tags,
            &found,
            self.known(&arn, url),
        )))
    }

    async fn create(&self, aws: &Aws, _: &Component, _: &dyn Monitor) -> Outcome<Present> {
        const OPERATION: &str = "ecr:CreateRepository";
        let encryption = self
            .kms_key
            .as_ref()
            .map(|key| {
                EncryptionConfiguration::builder()
                    .encryption_type(EncryptionType::Kms)
                    .kms_key(key)
                    .build()
            })
            .transpose()
            .map_err(|error| failure(OPERATION, Reason::Invalid, error.to_string()))?;
        let create = aws
            .clients
            .ecr
            .create_repository()
            .repository_name(&self.name)
            .image_tag_mutability(self.mutability())
            .image_scanning_configuration(self.scanning())
            .set_encryption_configuration(encryption)
            .set_tags(Some(ecr_tags(&self.tags)?));
        let answer = call(OPERATION, create.send()).await?;
        if !self.lifecycle.is_empty() {
            self.put_lifecycle(aws).await?;
        }
        let made = answer
            .repository
            .ok_or_else(|| missing(OPERATION, "repository"))?;
        let arn = made
            .repository_arn
            .ok_or_else(|| missing(OPERATION, "repositoryArn"))?;
        let url = made
            .repository_uri
            .ok_or_else(|| missing(OPERATION, "repositoryUri"))?;
        Ok(ready(&arn, &self.tags, self, self.known(&arn, &url)))
    }

    async fn update(&self, aws: &Aws, _: &Component, change: &Changes<'_>) -> Outcome<()> {
        change.refuse("ecr:CreateRepository", &["name", "kms_key"])?;
        let (ecr, arn) = (&aws.clients.ecr, &change.found.id);
        if change.any(&["immutable_tags"]) {
            let put = ecr
                .put_image_tag_mutability()
                .repository_name(&self.name)
                .image_tag_mutability(self.mutability());
            call("ecr:PutImageTagMutability", put.send()).await?;
        }
        if change.any(&["scan_on_push"]) {
            let put = ecr
                .put_image_scanning_configuration()
                .repository_name(&self.name)
                .image_scanning_configuration(self.scanning());
            call("ecr:PutImageScanningConfiguration", put.send()).await?;
        }
        if change.any(&["lifecycle"]) {
            self.put_lifecycle(aws).await?;
        }
        if let Some((set, removed)) = change.tags() {
            if !set.is_empty() {
                let tag = ecr
                    .tag_resource()
                    .resource_arn(arn)
                    .set_tags(Some(ecr_tags(&set)?));
                call("ecr:TagResource", tag.send()).await?;
            }
            if !removed.is_empty() {
                let untag = ecr.untag_resource().resource_arn(arn).set_tag_keys(Some(removed));
                call("ecr:UntagResource", untag.send()).await?;
            }
        }
        Ok(())
    }

    async fn delete(&self, aws: &Aws, component: &Component, _: &Present, _: &dyn Monitor) -> Outcome<()> {
        let delete = aws
            .clients
            .ecr
            .delete_repository()
            .repository_name(&self.name)
            .force(component.on_destroy == OnDestroy::Purge);
        gone(call("ecr:DeleteRepository", delete.send()).await).map_err(|mut failure| {
            if failure.code == "RepositoryNotEmptyException" {
                failure.message = format!(
                    "repository {} still holds images and is not to be purged: delete them, or set on_destroy to \
                     \"purge\" and apply first",
                    self.name
                );
            }
            failure
        })
    }

    async fn tag(&self, aws: &Aws, found: &Present, key: &str, value: &str) -> Outcome<()> {
        let set = ecr_tags(&[(key.to_owned(), value.to_owned())].into())?;
        let tag = aws
            .clients
            .ecr
            .tag_resource()
            .resource_arn(&found.id)
            .set_tags(Some(set));
        call("ecr:TagResource", tag.send()).await.map(drop)
    }

    async fn obstacles(&self, aws: &Aws, _: &Component, _: &Present) -> Outcome<Vec<String>> {
        let list = aws
            .clients
            .ecr
            .list_images()
            .repository_name(&self.name)
            .max_results(1000);
        let Some(answer) = optional(call("ecr:ListImages", list.send()).await)? else {
            return Ok(Vec::new());
        };
        Ok(match (answer.image_ids().len(), &answer.next_token) {
            (0, None) => Vec::new(),
            (1, None) => vec!["holds 1 image".into()],
            (count, None) => vec![format!("holds {} images", grouped(count))],
            (count, Some(_)) => vec![format!("holds more than {} images", grouped(count))],
        })
    }
}
