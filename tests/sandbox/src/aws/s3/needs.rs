//! Which uses of keys a call brings with it.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html>, "Permissions"; the encryption context is
//! the object's ARN, or with a bucket key the bucket's:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html>

use super::{Bucket, Sealing, arn, object};
use crate::aws::input::{flag, items, text};
use crate::aws::kms::{Need, usage};
use crate::aws::partition;
use crate::call::Call;
use crate::world::World;

/// What a call needs of KMS beside its own permission. Keys that AWS keeps for S3 admit everybody who may use S3.
pub fn needs(world: &World, call: &Call) -> Vec<Need> {
    let Some(bucket) = world.aws.s3.buckets.get(call.required("Bucket")) else {
        return Vec::new();
    };
    let key = call.required("Key");
    let of = |action: &'static str, sealing: &Sealing| need(bucket, key, action, sealing);
    let written = || of_write(world, bucket, call);
    match call.operation.as_str() {
        "PutObject" => written()
            .and_then(|sealing| of("kms:GenerateDataKey", &sealing))
            .into_iter()
            .collect(),
        // https://repost.aws/knowledge-center/s3-large-file-encryption-kms-key: parts are put together again.
        "CreateMultipartUpload" | "CopyObject" => written()
            .map(|sealing| ["kms:GenerateDataKey", "kms:Decrypt"].map(|action| of(action, &sealing)))
            .into_iter()
            .flatten()
            .flatten()
            .collect(),
        "UploadPart" | "UploadPartCopy" | "CompleteMultipartUpload" => bucket
            .uploads
            .get(call.required("UploadId"))
            .map(|upload| {
                ["kms:GenerateDataKey", "kms:Decrypt"].map(|action| of(action, &upload.content.sealing))
            })
            .into_iter()
            .flatten()
            .flatten()
            .collect(),
        "GetObject" => object::chosen(bucket, call)
            .ok()
            .and_then(|(_, content)| of("kms:Decrypt", &content.sealing))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    }
}

fn need(bucket: &Bucket, key: &str, action: &'static str, sealing: &Sealing) -> Option<Need> {
    let own = arn(&bucket.region, &bucket.name);
    Some(Need {
        action,
        key: sealing.key.clone()?,
        context: (
            "aws:s3:arn",
            if sealing.bucket_key {
                own
            } else {
                format!("{own}/{key}")
            },
        ),
        via: format!("s3.{}.{}", bucket.region, partition::dns_suffix(&bucket.region)),
    })
}

/// The key that a write will use, if it is one of the account's; nothing is made for the asking.
fn of_write(world: &World, bucket: &Bucket, call: &Call) -> Option<Sealing> {
    let rule = items(&bucket.encryption, "Rules").first()?;
    let by_default = rule.get("ApplyServerSideEncryptionByDefault")?;
    let usual = text(by_default, "SSEAlgorithm").unwrap_or_default();
    let algorithm = call.text("ServerSideEncryption").unwrap_or(usual);
    if !algorithm.starts_with("aws:kms") {
        return None;
    }
    let named = call
        .text("SSEKMSKeyId")
        .or(text(by_default, "KMSMasterKeyID").filter(|_| usual.starts_with("aws:kms")))?;
    let key = usage::find(world, &bucket.account, &bucket.region, named)?;
    Some(Sealing {
        algorithm: algorithm.to_owned(),
        key: Some(key.arn.clone()),
        bucket_key: flag(&call.input, "BucketKeyEnabled").or(flag(rule, "BucketKeyEnabled")) == Some(true),
    })
}
