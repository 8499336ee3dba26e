//! ECR: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html>

use super::kms;
use super::need::{Need, tags_in, untagged};
use crate::aws::ecr::Repository;
use crate::aws::{arn, input};
use crate::call::Call;
use crate::world::World;

/// Operations on the registry.
const ON_REGISTRY: [&str; 10] = [
    "GetAuthorizationToken",
    "DescribeRegistry",
    "GetRegistryPolicy",
    "PutRegistryPolicy",
    "DeleteRegistryPolicy",
    "GetRegistryScanningConfiguration",
    "PutRegistryScanningConfiguration",
    "PutReplicationConfiguration",
    "GetAccountSetting",
    "PutAccountSetting",
];

pub(super) fn needs(world: &World, call: &Call) -> Vec<Need> {
    if ON_REGISTRY.contains(&call.operation.as_str()) {
        return vec![Need::own(call, "*")];
    }
    let tags = tags_in(call.input.get("tags"));
    let about = |name: &str, resource: Option<&str>| {
        let found = standing(world, call, name);
        let resource = match (resource, found) {
            (Some(resource), _) => resource.to_owned(),
            (None, Some(found)) => found.arn.clone(),
            (None, None) => named(call, name),
        };
        let need = Need::own(call, resource)
            .requested(&tags)
            .with_all("aws:TagKeys", untagged(call));
        match found {
            Some(found) => need.tagged(Some("ecr"), &found.tags).under(found.policy.as_ref()),
            None => need,
        }
    };
    if let Some(resource) = call.text("resourceArn") {
        let name = resource.split_once(":repository/").map_or("", |(_, name)| name);
        return vec![about(name, Some(resource))];
    }
    let mut names = input::texts(&call.input, "repositoryNames");
    names.extend(call.text("repositoryName"));
    if names.is_empty() {
        // All repositories are asked for.
        names.push("*");
    }
    let mut needs: Vec<Need> = names.iter().map(|name| about(name, None)).collect();
    if call.operation == "CreateRepository" {
        let name = call.required("repositoryName");
        if !tags.is_empty() {
            needs.push(Need::of("ecr:TagResource", named(call, name)).requested(&tags));
        }
        let key = call
            .input
            .get("encryptionConfiguration")
            .and_then(|config| input::text(config, "kmsKey"));
        // https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html: grants in the caller's name.
        needs.extend(key.into_iter().flat_map(|key| {
            ["kms:DescribeKey", "kms:CreateGrant"].map(|action| kms::through(world, call, action, key, "ecr"))
        }));
    }
    needs
}

fn named(call: &Call, name: &str) -> String {
    arn::regional("ecr", &call.region, account(call), &format!("repository/{name}"))
}

fn account(call: &Call) -> &str {
    call.text("registryId").unwrap_or(&call.account)
}

fn standing<'w>(world: &'w World, call: &Call, name: &str) -> Option<&'w Repository> {
    world
        .aws
        .region(account(call), &call.region)
        .ecr
        .repositories
        .get(name)
}
