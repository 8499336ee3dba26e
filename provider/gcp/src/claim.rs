//! The claim: one small object in the logs bucket, written only over the generation that was read.

use mlops_environment::claim::Claim;
use mlops_environment::driver::{ClaimVersion, Reason};

use crate::driver::Gcp;
use crate::failure::{Outcome, failure, optional};

/// Name of an environment's claim.
fn key(name: &str) -> String {
    format!("mlops/{name}/claim.json")
}

/// Reads it.
pub(crate) async fn read(gcp: &Gcp, bucket: &str, name: &str) -> Outcome<Option<(Claim, ClaimVersion)>> {
    const OPERATION: &str = "storage:ReadObject";
    let (resource, key) = (&format!("projects/_/buckets/{bucket}"), &key(name));
    let answer = gcp
        .clients
        .call(OPERATION, || async move {
            let mut answer = gcp.clients.objects.read_object(resource, key).send().await?;
            let (generation, mut bytes) = (answer.object().generation, Vec::new());
            while let Some(chunk) = answer.next().await.transpose()? {
                bytes.extend_from_slice(&chunk);
            }
            Ok((generation, bytes))
        })
        .await;
    let Some((generation, bytes)) = optional(answer)? else {
        return Ok(None);
    };
    let claim = serde_json::from_slice(&bytes).map_err(|error| {
        failure(
            OPERATION,
            Reason::Invalid,
            format!("gs://{bucket}/{key} is not a claim: {error}"),
        )
    })?;
    Ok(Some((claim, ClaimVersion(generation.to_string()))))
}

/// Writes it if the stored one still has generation `expected` (`None`: if there is none).
///
/// <https://cloud.google.com/storage/docs/request-preconditions>
pub(crate) async fn write(
    gcp: &Gcp,
    bucket: &str,
    name: &str,
    claim: &Claim,
    expected: Option<&ClaimVersion>,
) -> Outcome<ClaimVersion> {
    const OPERATION: &str = "storage:WriteObject";
    let text = serde_json::to_string_pretty(claim).map_err(|error| {
        failure(
            OPERATION,
            Reason::Invalid,
            format!("the claim cannot be written: {error}"),
        )
    })?;
    let generation: i64 = match expected {
        // Zero says: there must be none.
        None => 0,
        Some(ClaimVersion(version)) => version.parse().map_err(|_| {
            failure(
                OPERATION,
                Reason::Invalid,
                format!("{version:?} is not a generation of a claim"),
            )
        })?,
    };
    let (resource, key) = (&format!("projects/_/buckets/{bucket}"), &key(name));
    let written = gcp
        .clients
        .call(OPERATION, || {
            gcp.clients
                .objects
                .write_object(resource, key, text.clone())
                .set_if_generation_match(generation)
                .set_content_type("application/json")
                .send_unbuffered()
        })
        .await;
    match written {
        Ok(object) => Ok(ClaimVersion(object.generation.to_string())),
        // Ours, if an earlier attempt was carried out and its answer lost: then what stands is what we wrote.
        Err(refused) if refused.reason == Reason::Conflict => match read(gcp, bucket, name).await? {
            Some((standing, version)) if standing == *claim => Ok(version),
            _ => Err(refused),
        },
        Err(refused) => Err(refused),
    }
}
