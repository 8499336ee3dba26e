//! The claim: one small object in the logs bucket, written only over the version that was read.

use aws_sdk_s3::primitives::ByteStream;
use mlops_environment::claim::Claim;
use mlops_environment::driver::{ClaimVersion, Reason};

use crate::driver::Aws;
use crate::failure::{Outcome, call, chain, failure, missing, optional};

/// Key of an environment's claim.
fn key(name: &str) -> String {
    format!("mlops/{name}/claim.json")
}

/// Reads it.
pub(crate) async fn read(aws: &Aws, bucket: &str, name: &str) -> Outcome<Option<(Claim, ClaimVersion)>> {
    const OPERATION: &str = "s3:GetObject";
    let answer = call(
        OPERATION,
        aws.clients.s3.get_object().bucket(bucket).key(key(name)).send(),
    )
    .await;
    let Some(answer) = optional(answer)? else {
        return Ok(None);
    };
    let version = answer.e_tag.ok_or_else(|| missing(OPERATION, "ETag"))?;
    let bytes = answer
        .body
        .collect()
        .await
        .map_err(|error| failure(OPERATION, Reason::Unavailable, chain(&error)))?
        .to_vec();
    let claim = serde_json::from_slice(&bytes).map_err(|error| {
        failure(
            OPERATION,
            Reason::Invalid,
            format!("s3://{bucket}/{} is not a claim: {error}", key(name)),
        )
    })?;
    Ok(Some((claim, ClaimVersion(version))))
}

/// Writes it if the stored one still has version `expected` (`None`: if there is none).
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
pub(crate) async fn write(
    aws: &Aws,
    bucket: &str,
    name: &str,
    claim: &Claim,
    expected: Option<&ClaimVersion>,
) -> Outcome<ClaimVersion> {
    const OPERATION: &str = "s3:PutObject";
    let text = serde_json::to_vec_pretty(claim).map_err(|error| {
        failure(
            OPERATION,
            Reason::Invalid,
            format!("the claim cannot be written: {error}"),
        )
    })?;
    let put = aws
        .clients
        .s3
        .put_object()
        .bucket(bucket)
        .key(key(name))
        .content_type("application/json");
    let put = match expected {
        Some(ClaimVersion(version)) => put.if_match(version),
        None => put.if_none_match("*"),
    };
    let answer = call(OPERATION, put.body(ByteStream::from(text)).send())
        .await
        .map_err(|mut failure| {
            // The object to replace is not there: somebody removed it since.
            if expected.is_some() && failure.reason == Reason::NotFound && failure.code == "NoSuchKey" {
                failure.reason = Reason::Conflict;
            }
            failure
        })?;
    Ok(ClaimVersion(
        answer.e_tag.ok_or_else(|| missing(OPERATION, "ETag"))?,
    ))
}
