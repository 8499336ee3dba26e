//! Scanning: on push for one repository, or by rules for the whole registry.

use serde_json::{Value, json};

use super::image::{Choice, choice};
use super::mutability::wild;
use super::repository::{change, find, state, state_mut};
use super::{Repository, State, invalid, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Rules of a registry at most:
/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutRegistryScanningConfiguration.html>
const MOST_RULES: usize = 2;

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageScanningConfiguration.html>: `scanOnPush` is false where
/// it is left out.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let on = call
        .input
        .get("imageScanningConfiguration")
        .and_then(|scanning| scanning.get("scanOnPush"))
        .and_then(Value::as_bool)
        == Some(true);
    change(world, call)?.scan_on_push = on;
    Ok(said(json!({
        "registryId": call.account,
        "repositoryName": call.required("repositoryName"),
        "imageScanningConfiguration": {"scanOnPush": on},
    })))
}

/// The registry's configuration, or the one that a fresh registry has.
fn configuration(registry: &State) -> Value {
    registry
        .scanning
        .clone()
        .unwrap_or_else(|| json!({"scanType": "BASIC", "rules": []}))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetRegistryScanningConfiguration.html>
pub(super) fn get_registry(world: &World, call: &Call) -> Result<Answer, Refusal> {
    Ok(said(json!({
        "registryId": call.account,
        "scanningConfiguration": configuration(state(world, call)),
    })))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutRegistryScanningConfiguration.html>
pub(super) fn put_registry(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let kind = call.text("scanType").unwrap_or("BASIC");
    let rules = call
        .input
        .get("rules")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if rules.len() > MOST_RULES {
        return Err(invalid(
            "rules",
            "Member must have length less than or equal to 2",
        ));
    }
    for rule in &rules {
        let frequency = rule
            .get("scanFrequency")
            .and_then(Value::as_str)
            .unwrap_or_default();
        // https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning-enhanced.html: only enhanced scanning is continuous.
        if kind == "BASIC" && frequency == "CONTINUOUS_SCAN" {
            return Err(invalid(
                "scanFrequency",
                "CONTINUOUS_SCAN is not supported for BASIC scanning",
            ));
        }
    }
    let configuration = json!({"scanType": kind, "rules": rules});
    state_mut(world, call).scanning = Some(configuration.clone());
    Ok(said(json!({"registryScanningConfiguration": configuration})))
}

/// How often a repository is scanned: the registry's rules first, then its own switch.
fn frequency(registry: &State, name: &str, repository: &Repository) -> (String, Vec<Value>) {
    let configuration = configuration(registry);
    let rules = configuration.get("rules").and_then(Value::as_array);
    let matching = rules.into_iter().flatten().find_map(|rule| {
        let filters: Vec<Value> = rule
            .get("repositoryFilters")
            .and_then(Value::as_array)?
            .iter()
            .filter(|filter| {
                filter
                    .get("filter")
                    .and_then(Value::as_str)
                    .is_some_and(|pattern| wild(pattern, name))
            })
            .cloned()
            .collect();
        let frequency = rule.get("scanFrequency").and_then(Value::as_str)?.to_owned();
        (!filters.is_empty()).then_some((frequency, filters))
    });
    matching.unwrap_or_else(|| {
        let own = if repository.scan_on_push {
            "SCAN_ON_PUSH"
        } else {
            "MANUAL"
        };
        (own.to_owned(), Vec::new())
    })
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetRepositoryScanningConfiguration.html>
pub(super) fn get_many(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let registry = state(world, call);
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    let names = call.input.get("repositoryNames").and_then(Value::as_array);
    for name in names.into_iter().flatten().filter_map(Value::as_str) {
        match registry.repositories.get(name) {
            Some(repository) => {
                let (frequency, filters) = frequency(registry, name, repository);
                found.push(json!({
                    "repositoryArn": repository.arn,
                    "repositoryName": name,
                    "scanOnPush": frequency == "SCAN_ON_PUSH",
                    "scanFrequency": frequency,
                    "appliedScanFilters": filters,
                }));
            }
            None => failures.push(json!({
                "repositoryName": name,
                "failureCode": "REPOSITORY_NOT_FOUND",
                "failureReason": format!("Repository {name} not found"),
            })),
        }
    }
    Ok(said(
        json!({"scanningConfigurations": found, "failures": failures}),
    ))
}

/// The digest of the image that a call names under `imageId`.
fn image(world: &World, call: &Call) -> Result<String, Refusal> {
    let repository = find(world, call)?;
    let id = call.input.get("imageId").cloned().unwrap_or_default();
    match choice(repository, &id) {
        Choice::Found(digest) => Ok(digest),
        Choice::Failed(..) => Err(refusal(
            "ImageNotFoundException",
            format!(
                "The image with imageId {id} does not exist within the repository with name '{}' in the registry with id '{}'",
                call.required("repositoryName"),
                call.account
            ),
        )),
    }
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_StartImageScan.html>
pub(super) fn start(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let digest = image(world, call)?;
    if configuration(state(world, call))["scanType"] == "ENHANCED" {
        return Err(refusal(
            "ValidationException",
            "This feature is disabled: image scans are started by enhanced scanning",
        ));
    }
    if let Some(image) = change(world, call)?.images.get_mut(&digest) {
        image.scanned = Some(call.at);
    }
    Ok(said(json!({
        "registryId": call.account,
        "repositoryName": call.required("repositoryName"),
        "imageId": {"imageDigest": digest},
        "imageScanStatus": {"status": "IN_PROGRESS"},
    })))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageScanFindings.html>: nothing is ever found here.
pub(super) fn findings(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let digest = image(world, call)?;
    let scanned = find(world, call)?
        .images
        .get(&digest)
        .and_then(|image| image.scanned);
    let Some(scanned) = scanned else {
        return Err(refusal(
            "ScanNotFoundException",
            format!(
                "Image scan does not exist for the image with '{{imageDigest:'{digest}'}}' in the repository with name '{}' in the registry with id '{}'",
                call.required("repositoryName"),
                call.account
            ),
        ));
    };
    Ok(said(json!({
        "registryId": call.account,
        "repositoryName": call.required("repositoryName"),
        "imageId": {"imageDigest": digest},
        "imageScanStatus": {"status": "COMPLETE", "description": "The scan was completed successfully."},
        "imageScanFindings": {
            "imageScanCompletedAt": scanned.to_string(),
            "vulnerabilitySourceUpdatedAt": scanned.to_string(),
            "findings": [],
            "findingSeverityCounts": {},
        },
    })))
}
