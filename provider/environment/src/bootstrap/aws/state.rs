//! The bucket that holds the states, and its key.

use std::collections::BTreeMap;

use mlops_access::generate::{Document, Principals, Statement};

use super::Draft;
use crate::aws::{Bucket, Key, LifecycleRule, canonical};
use crate::component::{Address, Kind, OnDestroy};
use crate::reference;

pub(super) const KEY: [&str; 2] = ["state", "key"];
pub(super) const BUCKET: [&str; 2] = ["state", "bucket"];

/// Reference to the key's ARN.
pub(super) fn key_arn() -> String {
    reference::to(&Address::new(&KEY), "arn")
}

pub(super) fn add(draft: &mut Draft<'_>) {
    let key = Key {
        alias: draft.names.key_alias(),
        description: format!("Terraform states of {}", draft.spec.name),
        policy: canonical(&key_policy(draft)),
        rotation_days: 365,
        deletion_window_days: 30,
        tags: draft.tags(&KEY),
    };
    draft.want(&KEY, Kind::AwsKey, &key).on_destroy(OnDestroy::Retain);

    let name = draft.names.bucket();
    let bucket = Bucket {
        name: name.clone(),
        region: draft.names.place.region.to_string(),
        block_public_access: true,
        ownership: "BucketOwnerEnforced".to_owned(),
        versioning: true,
        encryption: key_arn(),
        policy: canonical(&bucket_policy(draft)),
        lifecycle: BTreeMap::from([(
            "old-versions".to_owned(),
            LifecycleRule {
                prefix: String::new(),
                expire_days: None,
                noncurrent_days: i32::try_from(draft.spec.retention_days).ok(),
                abort_upload_days: Some(7),
                transition_days: None,
            },
        )]),
        logging: None,
        retention_lock: None,
        tags: draft.tags(&BUCKET),
    };
    let arn = draft.names.bucket_arn();
    draft
        .want(&BUCKET, Kind::AwsBucket, &bucket)
        .id(name.clone())
        .output("arn", arn)
        .output("name", name)
        .on_destroy(OnDestroy::Retain);
}

/// IAM decides who administers the key; it is used for this bucket alone, through S3 alone.
fn key_policy(draft: &Draft<'_>) -> Document {
    let account = || Principals::Aws(vec![draft.names.arn("iam", "", "root")]);
    let bucket = draft.names.bucket_arn();
    Document {
        statements: vec![
            Statement::allow(
                "AdministeredByIam",
                &[
                    "kms:CancelKeyDeletion",
                    "kms:CreateAlias",
                    "kms:DeleteAlias",
                    "kms:DescribeKey",
                    "kms:DisableKey*",
                    "kms:EnableKey*",
                    "kms:GetKeyPolicy",
                    "kms:GetKeyRotationStatus",
                    "kms:List*",
                    "kms:PutKeyPolicy",
                    "kms:ScheduleKeyDeletion",
                    "kms:TagResource",
                    "kms:UntagResource",
                    "kms:UpdateAlias",
                    "kms:UpdateKeyDescription",
                ],
            )
            .to(account())
            .on(["*"]),
            Statement::allow("StatesThroughS3", &["kms:Decrypt", "kms:GenerateDataKey"])
                .to(account())
                .on(["*"])
                .when(
                    "StringEquals",
                    "kms:ViaService",
                    [format!(
                        "s3.{}.{}",
                        draft.names.place.region,
                        draft.names.dns_suffix()
                    )],
                )
                .when(
                    "StringLike",
                    "kms:EncryptionContext:aws:s3:arn",
                    [bucket.clone(), format!("{bucket}/*")],
                ),
        ],
    }
}

/// What is refused whoever asks.
fn bucket_policy(draft: &Draft<'_>) -> Document {
    let arn = draft.names.bucket_arn();
    let everything = || [arn.clone(), format!("{arn}/*")];
    let objects = || [format!("{arn}/*")];
    let refuse = |sid: &str, actions: &[&str]| Statement::deny(sid, actions).to(Principals::Everyone);
    Document {
        statements: vec![
            refuse("OnlyTls", &["s3:*"])
                .on(everything())
                .when("Bool", "aws:SecureTransport", ["false"]),
            // An anonymous caller has no account, so "not equals" holds for it as well.
            refuse("OnlyThisAccount", &["s3:*"])
                .on(everything())
                .when(
                    "StringNotEquals",
                    "aws:PrincipalAccount",
                    [draft.names.place.account.to_string()],
                )
                .when("BoolIfExists", "aws:PrincipalIsAWSService", ["false"]),
            // Who says nothing gets the bucket's key; who names another way is refused.
            refuse("OnlyKms", &["s3:PutObject"])
                .on(objects())
                .when("Null", "s3:x-amz-server-side-encryption", ["false"])
                .when("StringNotEquals", "s3:x-amz-server-side-encryption", ["aws:kms"]),
            refuse("OnlyItsKey", &["s3:PutObject"])
                .on(objects())
                .when(
                    "Null",
                    "s3:x-amz-server-side-encryption-aws-kms-key-id",
                    ["false"],
                )
                .when(
                    "ArnNotEquals",
                    "s3:x-amz-server-side-encryption-aws-kms-key-id",
                    [key_arn()],
                ),
        ],
    }
}
