//! Versioning.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html>

use serde_json::json;

use super::{configure, find, malformed};
use crate::answer::{Answer, Refusal};
use crate::aws::input::text;
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html>: nothing before it was ever switched on.
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    Ok(said(json!({"Status": find(world, call)?.versioning})))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html>
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let configuration = call
        .input
        .get("VersioningConfiguration")
        .cloned()
        .unwrap_or_default();
    let status = match text(&configuration, "Status") {
        Some(status @ ("Enabled" | "Suspended")) => status,
        Some(_) => return Err(malformed()),
        None => {
            return Err(Refusal::new(
                400,
                "IllegalVersioningConfigurationException",
                "The Versioning element must be specified",
            ));
        }
    };
    if status == "Suspended" && find(world, call)?.lock.is_some() {
        return Err(Refusal::new(
            409,
            "InvalidBucketState",
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
        ));
    }
    configure(world, call)?.versioning = Some(status.to_owned());
    Ok(Answer::empty())
}
