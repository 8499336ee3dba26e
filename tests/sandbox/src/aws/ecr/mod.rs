//! Elastic Container Registry: repositories with their images, policies and scanning, and the registry's own settings.
//!
//! <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/Welcome.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Answer, Refusal};
use crate::aws::blob::Blob;
use crate::aws::not_carried;
use crate::aws::tags::Tags;
use crate::call::Call;
use crate::world::World;

mod image;
mod layer;
mod lifecycle;
mod mutability;
mod policy;
mod registry;
mod repository;
mod scanning;
mod tagging;

pub use image::Image;

/// The registry of an account in a region.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Repositories by name.
    pub repositories: BTreeMap<String, Repository>,
    /// What is scanned when, for all repositories; `None` as AWS has it at first.
    pub scanning: Option<Value>,
    /// The registry's own policy.
    pub policy: Option<String>,
    /// Where images are copied to.
    pub replication: Option<Value>,
    /// Settings of the account by name.
    pub settings: BTreeMap<String, String>,
}

/// A repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repository {
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub created: Timestamp,
    /// `MUTABLE`, `IMMUTABLE`, or either with exceptions.
    pub mutability: String,
    /// The exceptions.
    pub exclusions: Option<Value>,
    /// Whether images are scanned when they come in.
    pub scan_on_push: bool,
    /// `AES256`, `KMS`, `KMS_DSSE`.
    pub encryption: String,
    /// The key, for the latter two.
    pub key: Option<String>,
    /// What expires, as it was given.
    pub lifecycle: Option<String>,
    /// Who else may do what.
    pub policy: Option<String>,
    /// Its tags.
    pub tags: Tags,
    /// Images by digest.
    pub images: BTreeMap<String, Image>,
    /// Sizes of layers by digest.
    pub layers: BTreeMap<String, usize>,
    /// Layers that come in, by upload id.
    pub uploads: BTreeMap<String, Blob>,
}

/// Answers a call.
///
/// # Errors
/// The service's refusal. ECR answers 400 to whatever the caller did wrong.
pub fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    registry::own(call)?;
    match call.operation.as_str() {
        "CreateRepository" => repository::create(world, call),
        "DescribeRepositories" => repository::describe(world, call),
        "DeleteRepository" => repository::delete(world, call),
        "PutImageTagMutability" => mutability::put(world, call),
        "PutImageScanningConfiguration" => scanning::put(world, call),
        "GetRegistryScanningConfiguration" => scanning::get_registry(world, call),
        "PutRegistryScanningConfiguration" => scanning::put_registry(world, call),
        "BatchGetRepositoryScanningConfiguration" => scanning::get_many(world, call),
        "StartImageScan" => scanning::start(world, call),
        "DescribeImageScanFindings" => scanning::findings(world, call),
        "PutLifecyclePolicy" => lifecycle::put(world, call),
        "GetLifecyclePolicy" => lifecycle::get(world, call),
        "DeleteLifecyclePolicy" => lifecycle::delete(world, call),
        "SetRepositoryPolicy" => policy::set(world, call),
        "GetRepositoryPolicy" => policy::get(world, call),
        "DeleteRepositoryPolicy" => policy::delete(world, call),
        "PutRegistryPolicy" => registry::put_policy(world, call),
        "GetRegistryPolicy" => registry::get_policy(world, call),
        "DeleteRegistryPolicy" => registry::delete_policy(world, call),
        "DescribeRegistry" => registry::describe(world, call),
        "PutReplicationConfiguration" => registry::put_replication(world, call),
        "GetAccountSetting" => registry::get_setting(world, call),
        "PutAccountSetting" => registry::put_setting(world, call),
        "GetAuthorizationToken" => registry::token(world, call),
        "TagResource" => tagging::tag(world, call),
        "UntagResource" => tagging::untag(world, call),
        "ListTagsForResource" => tagging::list(world, call),
        "PutImage" => image::put(world, call),
        "BatchGetImage" => image::get_many(world, call),
        "BatchDeleteImage" => image::delete_many(world, call),
        "ListImages" => image::list(world, call),
        "DescribeImages" => image::describe(world, call),
        "BatchCheckLayerAvailability" => layer::check(world, call),
        "InitiateLayerUpload" => layer::begin(world, call),
        "UploadLayerPart" => layer::upload(world, call),
        "CompleteLayerUpload" => layer::complete(world, call),
        "GetDownloadUrlForLayer" => layer::url(world, call),
        _ => Err(not_carried(call)),
    }
}

fn refusal(code: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(400, code, message)
}

/// How ECR words what is wrong with one parameter.
fn invalid(member: &str, what: &str) -> Refusal {
    refusal(
        "InvalidParameterException",
        format!("Invalid parameter at '{member}' failed to satisfy constraint: '{what}'"),
    )
}

fn bad_token() -> Refusal {
    invalid("nextToken", "must be a token from a previous answer")
}

#[cfg(test)]
mod tests;
