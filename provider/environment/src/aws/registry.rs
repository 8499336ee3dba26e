//! Image repositories.

use mlops_access::generate::RegistryMode;
use serde_json::json;

use super::Repository;
use super::blueprint::Draft;
use crate::component::{Kind, OnDestroy};
use crate::spec::{RegistrySpec, Tier};

pub(super) fn add(draft: &mut Draft<'_>) {
    if draft.spec.registry.mode == RegistryMode::Reference {
        return;
    }
    // Images can be built again, but what runs in staging and prod was pulled from here.
    let keep = draft.spec.protect_data && draft.spec.tier != Tier::Dev;
    let on_destroy = if keep { OnDestroy::Refuse } else { OnDestroy::Purge };
    let repositories = draft
        .spec
        .services
        .values()
        .flat_map(|service| &service.repositories);
    for repository in repositories {
        let address = ["registry", repository.as_str()];
        let name = draft.names.repository(repository.as_str());
        let spec = &draft.spec.registry;
        let wanted = Repository {
            name: name.clone(),
            immutable_tags: spec.immutable_tags,
            scan_on_push: spec.scan_on_push,
            kms_key: draft.key("storage"),
            lifecycle: lifecycle(spec),
            tags: draft.tags(&address),
        };
        let arn = draft.names.repository_arn(&name);
        let url = format!("{}/{name}", draft.names.registry_host());
        draft
            .want(&address, Kind::AwsRepository, &wanted)
            .id(name.clone())
            .output("arn", arn)
            .output("name", name)
            .output("url", url)
            .on_destroy(on_destroy);
    }
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html>
fn lifecycle(spec: &RegistrySpec) -> String {
    json!({
        "rules": [
            {
                "rulePriority": 1,
                "description": "Untagged images",
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": spec.untagged_days,
                },
                "action": { "type": "expire" },
            },
            {
                "rulePriority": 2,
                "description": "Oldest tagged images",
                "selection": {
                    "tagStatus": "tagged",
                    "tagPatternList": ["*"],
                    "countType": "imageCountMoreThan",
                    "countNumber": spec.keep_tagged.unwrap_or(10_000),
                },
                "action": { "type": "expire" },
            },
        ],
    })
    .to_string()
}
