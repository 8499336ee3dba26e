//! Encryption: the bucket's default, and what an object is encrypted with.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Bucket, access_denied, configure, find, invalid_argument, malformed};
use crate::answer::{Answer, Refusal};
use crate::aws::input::{flag, items, text};
use crate::aws::kms::usage::{Obstacle, own_key, usable};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Keys of S3's own.
const SSE_S3: &str = "AES256";

/// How an object is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealing {
    /// `AES256`, `aws:kms`, `aws:kms:dsse`.
    pub algorithm: String,
    /// ARN of the key, for the latter two.
    pub key: Option<String>,
    /// Whether KMS is asked once for many objects.
    pub bucket_key: bool,
}

/// What every fresh bucket has:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html>
pub(super) fn at_first() -> Value {
    json!({"Rules": [{
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": SSE_S3},
        "BucketKeyEnabled": false,
    }]})
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html>
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    Ok(said(
        json!({"ServerSideEncryptionConfiguration": bucket.encryption}),
    ))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html>: one rule. S3 does not look whether the key
/// exists, the same page says.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let configuration = call
        .input
        .get("ServerSideEncryptionConfiguration")
        .cloned()
        .unwrap_or_default();
    let [rule] = items(&configuration, "Rules") else {
        return Err(malformed());
    };
    let mut rule = rule.clone();
    let by_default = rule
        .get("ApplyServerSideEncryptionByDefault")
        .cloned()
        .unwrap_or_default();
    let algorithm = text(&by_default, "SSEAlgorithm").ok_or_else(malformed)?;
    if algorithm == SSE_S3 && text(&by_default, "KMSMasterKeyID").is_some() {
        return Err(invalid_argument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
        ));
    }
    let bucket_key = flag(&rule, "BucketKeyEnabled") == Some(true);
    rule["BucketKeyEnabled"] = json!(bucket_key);
    configure(world, call)?.encryption = json!({"Rules": [rule]});
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketEncryption.html>: back to S3's own keys.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    configure(world, call)?.encryption = at_first();
    Ok(Answer::empty())
}

/// How an object that is being written will be encrypted.
pub(super) fn of_new_object(world: &mut World, call: &Call) -> Result<Sealing, Refusal> {
    if call.text("SSECustomerAlgorithm").is_some() {
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html: off for new buckets
        // since April 2026.
        return Err(access_denied());
    }
    let bucket = find(world, call)?;
    let rule = &items(&bucket.encryption, "Rules")
        .first()
        .cloned()
        .unwrap_or_default();
    let by_default = rule
        .get("ApplyServerSideEncryptionByDefault")
        .cloned()
        .unwrap_or_default();
    let asked = call.text("ServerSideEncryption");
    let usual = text(&by_default, "SSEAlgorithm").unwrap_or(SSE_S3);
    let algorithm = asked.unwrap_or(usual).to_owned();
    let named = call.text("SSEKMSKeyId");
    if named.is_some() && !algorithm.starts_with("aws:kms") {
        return Err(invalid_argument(
            "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
        ));
    }
    if !algorithm.starts_with("aws:kms") {
        return Ok(Sealing {
            algorithm,
            key: None,
            bucket_key: false,
        });
    }
    let of_bucket = text(&by_default, "KMSMasterKeyID").filter(|_| usual.starts_with("aws:kms"));
    let key = named.or(of_bucket).map(str::to_owned);
    let bucket_key = flag(&call.input, "BucketKeyEnabled").or(flag(rule, "BucketKeyEnabled")) == Some(true);
    let (account, region) = (bucket.account.clone(), bucket.region.clone());
    let arn = match key {
        None => own_key(world, &account, &region, "s3", call.at).arn.clone(),
        Some(key) => usable(world, &account, &region, &key, call.at)
            .map(|key| key.arn.clone())
            .map_err(|obstacle| refused(&key, &obstacle))?,
    };
    Ok(Sealing {
        algorithm,
        key: Some(arn),
        bucket_key,
    })
}

/// Refuses to open what was sealed with a key that cannot be used any more.
pub(super) fn opened(world: &World, bucket: &Bucket, sealing: &Sealing, call: &Call) -> Result<(), Refusal> {
    match &sealing.key {
        Some(key) => usable(world, &bucket.account, &bucket.region, key, call.at)
            .map(|_| ())
            .map_err(|obstacle| refused(key, &obstacle)),
        None => Ok(()),
    }
}

/// How S3 hands on what KMS says:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList>, "KMS.…".
fn refused(key: &str, obstacle: &Obstacle) -> Refusal {
    let (code, message) = match obstacle {
        Obstacle::Missing => ("KMS.NotFoundException", format!("Key '{key}' does not exist")),
        Obstacle::Disabled => ("KMS.DisabledException", format!("{key} is disabled.")),
        Obstacle::PendingDeletion => (
            "KMS.KMSInvalidStateException",
            format!("{key} is pending deletion."),
        ),
        Obstacle::WrongKind => (
            "KMS.InvalidKeyUsageException",
            format!("{key} is not a symmetric encryption key."),
        ),
    };
    Refusal::new(400, code, message)
}

impl Sealing {
    /// The members that say so in answers.
    pub(super) fn shown(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("ServerSideEncryption", json!(self.algorithm)),
            ("SSEKMSKeyId", json!(self.key)),
            ("BucketKeyEnabled", json!(self.bucket_key.then_some(true))),
        ]
    }
}
