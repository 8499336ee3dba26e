//! Block public access.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{configure, find};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// The four switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Public access control lists are refused.
    pub acls: bool,
    /// Those that stand do not count.
    pub ignore_acls: bool,
    /// Public policies are refused.
    pub policy: bool,
    /// Under one that stands only the account itself has access.
    pub restrict: bool,
}

impl Block {
    /// All of them, as a fresh bucket has it.
    pub(super) fn all() -> Self {
        Self {
            acls: true,
            ignore_acls: true,
            policy: true,
            restrict: true,
        }
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetPublicAccessBlock.html>
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let block = bucket.block.ok_or_else(|| {
        Refusal::new(
            404,
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        )
        .with("BucketName", bucket.name.as_str())
    })?;
    Ok(said(json!({"PublicAccessBlockConfiguration": {
        "BlockPublicAcls": block.acls,
        "IgnorePublicAcls": block.ignore_acls,
        "BlockPublicPolicy": block.policy,
        "RestrictPublicBuckets": block.restrict,
    }})))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutPublicAccessBlock.html>: what is left out is off.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let on = |switch: &str| {
        call.input
            .get("PublicAccessBlockConfiguration")
            .and_then(|configuration| configuration.get(switch))
            .and_then(Value::as_bool)
            == Some(true)
    };
    let block = Block {
        acls: on("BlockPublicAcls"),
        ignore_acls: on("IgnorePublicAcls"),
        policy: on("BlockPublicPolicy"),
        restrict: on("RestrictPublicBuckets"),
    };
    configure(world, call)?.block = Some(block);
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeletePublicAccessBlock.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    configure(world, call)?.block = None;
    Ok(Answer::empty())
}
