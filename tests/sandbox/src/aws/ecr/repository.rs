//! Repositories.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Repository, State, bad_token, invalid, mutability, refusal, tagging};
use crate::answer::{Answer, Refusal};
use crate::aws::kms::usage::{own_key, usable};
use crate::aws::output::said;
use crate::aws::page::page;
use crate::aws::partition;
use crate::call::Call;
use crate::world::World;

/// The registry of the account and region that a call is made in.
pub(super) fn state<'w>(world: &'w World, call: &Call) -> &'w State {
    &world.aws.region(&call.account, &call.region).ecr
}

/// The same, to change.
pub(super) fn state_mut<'w>(world: &'w mut World, call: &Call) -> &'w mut State {
    &mut world.aws.region_mut(&call.account, &call.region).ecr
}

pub(super) fn absent(call: &Call, name: &str) -> Refusal {
    refusal(
        "RepositoryNotFoundException",
        format!(
            "The repository with name '{name}' does not exist in the registry with id '{}'",
            call.account
        ),
    )
}

/// The repository that a call names.
pub(super) fn find<'w>(world: &'w World, call: &Call) -> Result<&'w Repository, Refusal> {
    let name = call.required("repositoryName");
    state(world, call)
        .repositories
        .get(name)
        .ok_or_else(|| absent(call, name))
}

/// The same, to change.
pub(super) fn change<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Repository, Refusal> {
    find(world, call)?;
    let name = call.required("repositoryName");
    state_mut(world, call)
        .repositories
        .get_mut(name)
        .ok_or_else(|| absent(call, name))
}

/// The answer's `Repository`.
fn shown(call: &Call, name: &str, repository: &Repository) -> Value {
    json!({
        "repositoryArn": repository.arn,
        "registryId": call.account,
        "repositoryName": name,
        "repositoryUri": format!("{}/{name}", host(call)),
        "createdAt": repository.created.to_string(),
        "imageTagMutability": repository.mutability,
        "imageTagMutabilityExclusionFilters": repository.exclusions,
        "imageScanningConfiguration": {"scanOnPush": repository.scan_on_push},
        "encryptionConfiguration": {"encryptionType": repository.encryption, "kmsKey": repository.key},
    })
}

/// The registry's host, which images are named by.
pub(super) fn host(call: &Call) -> String {
    format!(
        "{}.dkr.ecr.{}.{}",
        call.account,
        call.region,
        partition::dns_suffix(&call.region)
    )
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("repositoryName");
    let tags = tagging::read(call)?;
    let (mutability, exclusions) = mutability::read(call)?;
    if state(world, call).repositories.contains_key(name) {
        return Err(refusal(
            "RepositoryAlreadyExistsException",
            format!(
                "The repository with name '{name}' already exists in the registry with id '{}'",
                call.account
            ),
        ));
    }
    let encryption = call.input.get("encryptionConfiguration");
    let kind = encryption
        .and_then(|encryption| encryption.get("encryptionType"))
        .and_then(Value::as_str)
        .unwrap_or("AES256");
    let key = key_of(world, call, kind, encryption)?;
    let scan_on_push = call
        .input
        .get("imageScanningConfiguration")
        .and_then(|scanning| scanning.get("scanOnPush"))
        .and_then(Value::as_bool)
        == Some(true);
    let repository = Repository {
        arn: arn(call, name),
        created: call.at,
        mutability,
        exclusions,
        scan_on_push,
        encryption: kind.to_owned(),
        key,
        lifecycle: None,
        policy: None,
        tags,
        images: BTreeMap::new(),
        layers: BTreeMap::new(),
        uploads: BTreeMap::new(),
    };
    let output = json!({"repository": shown(call, name, &repository)});
    state_mut(world, call)
        .repositories
        .insert(name.to_owned(), repository);
    Ok(said(output))
}

pub(super) fn arn(call: &Call, name: &str) -> String {
    crate::aws::arn::regional("ecr", &call.region, &call.account, &format!("repository/{name}"))
}

/// The key of a repository: the one that was named, or ECR's own.
///
/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_EncryptionConfiguration.html>
fn key_of(
    world: &mut World,
    call: &Call,
    kind: &str,
    encryption: Option<&Value>,
) -> Result<Option<String>, Refusal> {
    let named = encryption
        .and_then(|encryption| encryption.get("kmsKey"))
        .and_then(Value::as_str);
    match (kind, named) {
        ("AES256", None) => Ok(None),
        ("AES256", Some(_)) => Err(invalid(
            "encryptionConfiguration",
            "KMS key must not be specified when encryption type is AES256",
        )),
        (_, None) => Ok(Some(
            own_key(world, &call.account, &call.region, "ecr", call.at)
                .arn
                .clone(),
        )),
        (_, Some(named)) => match usable(world, &call.account, &call.region, named, call.at) {
            Ok(key) => Ok(Some(key.arn.clone())),
            Err(obstacle) => Err(refusal(
                "KmsException",
                format!("The KMS key {named} cannot be used: {obstacle:?}"),
            )
            .with("kmsError", format!("{obstacle:?}"))),
        },
    }
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html>
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let repositories = &state(world, call).repositories;
    if let Some(names) = call.input.get("repositoryNames").and_then(Value::as_array) {
        let found = names
            .iter()
            .filter_map(Value::as_str)
            .map(|name| {
                repositories
                    .get(name)
                    .map(|repository| shown(call, name, repository))
                    .ok_or_else(|| absent(call, name))
            })
            .collect::<Result<Vec<_>, _>>()?;
        return Ok(said(json!({"repositories": found})));
    }
    let page = page(
        repositories
            .iter()
            .map(|(name, repository)| (name, shown(call, name, repository))),
        call.text("nextToken"),
        call.count("maxResults"),
        100,
        world.behaviour.page,
    )
    .map_err(|_| bad_token())?;
    Ok(said(
        json!({"repositories": page.entries, "nextToken": page.next}),
    ))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DeleteRepository.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("repositoryName");
    let found = find(world, call)?;
    if !found.images.is_empty() && !call.flag("force") {
        return Err(refusal(
            "RepositoryNotEmptyException",
            format!(
                "The repository with name '{name}' in registry with id '{}' cannot be deleted because it still contains images",
                call.account
            ),
        ));
    }
    let output = json!({"repository": shown(call, name, found)});
    state_mut(world, call).repositories.remove(name);
    Ok(said(output))
}
