//! S3: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>. Its actions have names of their
//! own: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html>.

use mlops_access::aws::Policy;

use super::kms;
use super::need::{Need, tags_in};
use crate::aws::input;
use crate::aws::s3::{self, Bucket};
use crate::call::Call;
use crate::world::World;

/// The action of an operation on a bucket, where it is not named as the operation.
fn bucket_action(operation: &str) -> Option<&'static str> {
    Some(match operation {
        "ListBuckets" => "ListAllMyBuckets",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
        "ListObjectVersions" => "ListBucketVersions",
        "ListMultipartUploads" => "ListBucketMultipartUploads",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "PutBucketEncryption" | "DeleteBucketEncryption" => "PutEncryptionConfiguration",
        "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
        "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle" => "PutLifecycleConfiguration",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock" | "DeletePublicAccessBlock" => "PutBucketPublicAccessBlock",
        "DeleteBucketOwnershipControls" => "PutBucketOwnershipControls",
        "GetBucketReplication" => "GetReplicationConfiguration",
        "PutBucketReplication" | "DeleteBucketReplication" => "PutReplicationConfiguration",
        "GetBucketCors" => "GetBucketCORS",
        "PutBucketCors" | "DeleteBucketCors" => "PutBucketCORS",
        "GetBucketNotificationConfiguration" => "GetBucketNotification",
        "PutBucketNotificationConfiguration" => "PutBucketNotification",
        "GetBucketAccelerateConfiguration" => "GetAccelerateConfiguration",
        "PutBucketAccelerateConfiguration" => "PutAccelerateConfiguration",
        "DeleteBucketTagging" => "PutBucketTagging",
        "GetObjectLockConfiguration" => "GetBucketObjectLockConfiguration",
        "PutObjectLockConfiguration" => "PutBucketObjectLockConfiguration",
        _ => return None,
    })
}

/// The actions of an operation on an object; `versioned` where it names a version.
fn object_actions(operation: &str, versioned: bool) -> Vec<&'static str> {
    match (operation, versioned) {
        ("GetObject" | "HeadObject", false) => vec!["GetObject"],
        ("GetObject" | "HeadObject", true) => vec!["GetObjectVersion"],
        ("GetObjectAttributes", false) => vec!["GetObject", "GetObjectAttributes"],
        ("GetObjectAttributes", true) => vec!["GetObjectVersion", "GetObjectVersionAttributes"],
        ("DeleteObject" | "DeleteObjects", false) => vec!["DeleteObject"],
        ("DeleteObject" | "DeleteObjects", true) => vec!["DeleteObjectVersion"],
        ("GetObjectTagging", true) => vec!["GetObjectVersionTagging"],
        ("PutObjectTagging", true) => vec!["PutObjectVersionTagging"],
        ("DeleteObjectTagging", true) => vec!["DeleteObjectVersionTagging"],
        ("GetObjectAcl", true) => vec!["GetObjectVersionAcl"],
        ("PutObjectAcl", true) => vec!["PutObjectVersionAcl"],
        ("GetObjectTagging", false) => vec!["GetObjectTagging"],
        ("PutObjectTagging", false) => vec!["PutObjectTagging"],
        ("DeleteObjectTagging", false) => vec!["DeleteObjectTagging"],
        ("GetObjectAcl", false) => vec!["GetObjectAcl"],
        ("PutObjectAcl", false) => vec!["PutObjectAcl"],
        ("GetObjectLegalHold", _) => vec!["GetObjectLegalHold"],
        ("PutObjectLegalHold", _) => vec!["PutObjectLegalHold"],
        ("GetObjectRetention", _) => vec!["GetObjectRetention"],
        ("PutObjectRetention", _) => vec!["PutObjectRetention"],
        ("AbortMultipartUpload", _) => vec!["AbortMultipartUpload"],
        ("ListParts", _) => vec!["ListMultipartUploadParts"],
        // Writing whole, by parts, and by copy.
        _ => vec!["PutObject"],
    }
}

pub(super) fn needs(world: &World, call: &Call) -> Vec<Need> {
    let operation = call.operation.as_str();
    let Some(name) = call.text("Bucket") else {
        return vec![Need::of(action(operation), "*")];
    };
    let bucket = world.aws.s3.buckets.get(name);
    let own = s3::arn(&call.region, name);
    let on = |action: String, resource: String| conditions(call, owned(Need::of(action, resource), bucket));
    if operation == "DeleteObjects" {
        // Refused as a whole where one object is: S3 answers object by object.
        let objects = call
            .input
            .pointer("/Delete/Objects")
            .and_then(|list| list.as_array());
        return objects
            .into_iter()
            .flatten()
            .map(|object| {
                let versioned = input::text(object, "VersionId").is_some();
                let key = input::text(object, "Key").unwrap_or_default();
                on(
                    format!("s3:{}", object_actions(operation, versioned)[0]),
                    format!("{own}/{key}"),
                )
            })
            .collect();
    }
    let Some(key) = call.text("Key") else {
        let mut needs = vec![on(action(operation), own.clone())];
        if operation == "CreateBucket" {
            let tags = tags_in(call.input.pointer("/CreateBucketConfiguration/Tags"));
            needs[0] = needs[0].clone().requested(&tags);
            if !tags.is_empty() {
                needs.push(Need::of("s3:TagResource", own.clone()).requested(&tags));
            }
            // https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html, "Object Lock parameters".
            if call.flag("ObjectLockEnabledForBucket") {
                needs.push(Need::of("s3:PutBucketObjectLockConfiguration", own.clone()));
                needs.push(Need::of("s3:PutBucketVersioning", own));
            }
        }
        return needs;
    };
    let versioned = call.text("VersionId").is_some();
    let object = format!("{own}/{key}");
    let mut needs: Vec<Need> = object_actions(operation, versioned)
        .into_iter()
        .map(|action| on(format!("s3:{action}"), object.clone()).granted(public(bucket, operation)))
        .collect();
    needs.extend(around(world, call, bucket, &object));
    if matches!(operation, "GetObject" | "HeadObject") && !stands(bucket, key) {
        // Who may not list learns nothing of what is not there:
        // https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        needs.push(on("s3:ListBucket".to_owned(), own));
    }
    needs
}

fn action(operation: &str) -> String {
    format!("s3:{}", bucket_action(operation).unwrap_or(operation))
}

fn stands(bucket: Option<&Bucket>, key: &str) -> bool {
    bucket.is_none_or(|bucket| {
        bucket
            .keys
            .get(key)
            .and_then(|versions| versions.last())
            .is_some_and(|version| version.content.is_some())
    })
}

/// A need on what a bucket's account owns, under its policy. Under `RestrictPublicBuckets` a public policy counts for the
/// account's own callers only, which is so where it does not count at all: their identities speak.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>
fn owned(need: Need, bucket: Option<&Bucket>) -> Need {
    let Some(bucket) = bucket else { return need };
    let restricted = bucket.block.is_some_and(|block| block.restrict)
        && bucket
            .policy
            .as_ref()
            .and_then(|text| Policy::parse(text).ok())
            .is_some_and(|policy| s3::is_public(&policy));
    need.under(bucket.policy.as_ref().filter(|_| !restricted))
        .owned_by(&bucket.account)
}

/// Whether an access list of the bucket shows its objects to everybody, and counts.
fn public(bucket: Option<&Bucket>, operation: &str) -> bool {
    bucket.is_some_and(|bucket| {
        let counts = bucket.ownership.as_deref() != Some("BucketOwnerEnforced")
            && !bucket.block.is_some_and(|block| block.ignore_acls);
        counts
            && matches!(operation, "GetObject" | "HeadObject")
            && matches!(bucket.acl.as_str(), "public-read-write")
    })
}

/// What reading and writing needs beside the object: the source of a copy, tags, the key.
fn around(world: &World, call: &Call, bucket: Option<&Bucket>, object: &str) -> Vec<Need> {
    let mut needs = Vec::new();
    let operation = call.operation.as_str();
    if let Some(source) = call.text("CopySource") {
        let (path, version) = source
            .split_once("?versionId=")
            .map_or((source, false), |(path, _)| (path, true));
        let (name, key) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
        let from = world.aws.s3.buckets.get(name);
        let resource = format!("{}/{key}", s3::arn(&call.region, name));
        let action = if version {
            "s3:GetObjectVersion"
        } else {
            "s3:GetObject"
        };
        needs.push(owned(Need::of(action, resource), from));
    }
    if call.text("Tagging").is_some() && operation != "PutObjectTagging" {
        needs.push(owned(Need::of("s3:PutObjectTagging", object), bucket));
    }
    needs.extend(s3::needs(world, call).into_iter().map(|used| {
        let (_, context) = used.context;
        kms::through(world, call, used.action, &used.key, "s3")
            .with("kms:EncryptionContext:aws:s3:arn", context)
    }));
    needs
}

/// Condition keys of S3's own; the first page above.
fn conditions(call: &Call, mut need: Need) -> Need {
    for (key, member) in [
        ("s3:prefix", "Prefix"),
        ("s3:delimiter", "Delimiter"),
        ("s3:VersionId", "VersionId"),
        ("s3:x-amz-acl", "ACL"),
        ("s3:x-amz-server-side-encryption", "ServerSideEncryption"),
        ("s3:x-amz-server-side-encryption-aws-kms-key-id", "SSEKMSKeyId"),
        ("s3:x-amz-storage-class", "StorageClass"),
        ("s3:x-amz-copy-source", "CopySource"),
        ("s3:if-none-match", "IfNoneMatch"),
        ("s3:if-match", "IfMatch"),
        ("s3:x-amz-object-ownership", "ObjectOwnership"),
    ] {
        need = need.with_member(key, call.input.get(member));
    }
    need
}
