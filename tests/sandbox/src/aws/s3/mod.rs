//! Simple Storage Service: buckets with their sub-resources, objects with their versions.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html>; codes and messages:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
//!
//! Loopback counts as TLS: policies that deny plain HTTP would lock everybody out here, and nobody could test them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answer::{Answer, Refusal};
use crate::aws::not_carried;
use crate::aws::tags::Tags;
use crate::call::Call;
use crate::world::World;

mod acl;
mod bucket;
mod checksum;
mod condition;
mod copy;
mod delete;
mod delivery;
mod encryption;
mod lifecycle;
mod listing;
mod lock;
mod logging;
mod multipart;
mod name;
mod needs;
mod object;
mod policy;
mod public_access;
mod subresource;
mod tagging;
mod versioning;

pub use delivery::Pending;
pub use encryption::Sealing;
pub use lifecycle::Lifecycle;
pub use multipart::Upload;
pub use needs::needs;
pub use object::{Content, Version};
pub(crate) use policy::is_public;
pub use public_access::Block;

/// All buckets of a partition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// By name.
    pub buckets: BTreeMap<String, Bucket>,
    /// Names that were given up, and until when nobody gets them.
    pub released: BTreeMap<String, Timestamp>,
    /// Access logs that are still to be delivered.
    pub pending: Vec<Pending>,
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Who owns it.
    pub account: String,
    /// Where it is.
    pub region: String,
    /// When it was made.
    pub created: Timestamp,
    /// Its tags.
    pub tags: Tags,
    /// What is public all the same, is not.
    pub block: Option<Block>,
    /// `BucketOwnerEnforced` and the like.
    pub ownership: Option<String>,
    /// The canned list that stands for its access control list.
    pub acl: String,
    /// How objects are encrypted unless their writers say otherwise.
    pub encryption: Value,
    /// `Enabled` or `Suspended`; `None` before it was ever switched on.
    pub versioning: Option<String>,
    /// Its policy as it was given.
    pub policy: Option<String>,
    /// What expires.
    pub lifecycle: Option<Lifecycle>,
    /// What is still read of the lifecycle, and until when.
    pub lifecycle_before: Option<(Timestamp, Option<Lifecycle>)>,
    /// Where access is logged to.
    pub logging: Option<Value>,
    /// Object lock.
    pub lock: Option<Value>,
    /// Sub-resources that are only kept: `cors`, `website`, …
    pub kept: BTreeMap<String, Value>,
    /// Versions by key, newest first.
    pub keys: BTreeMap<String, Vec<Version>>,
    /// Uploads in parts, by id.
    pub uploads: BTreeMap<String, Upload>,
    /// Until when a write to a sub-resource keeps others out.
    pub busy: Option<Timestamp>,
}

/// Answers a call.
///
/// # Errors
/// The service's refusal.
pub fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    delivery::settle(world, call.at);
    let outcome = dispatch(world, call);
    delivery::record(world, call, &outcome);
    outcome
}

fn dispatch(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    match call.operation.as_str() {
        "CreateBucket" => bucket::create(world, call),
        "DeleteBucket" => bucket::delete(world, call),
        "HeadBucket" => bucket::head(world, call),
        "ListBuckets" => bucket::list(world, call),
        "GetBucketLocation" => bucket::location(world, call),
        "GetBucketTagging" => tagging::get(world, call),
        "PutBucketTagging" => tagging::put(world, call),
        "DeleteBucketTagging" => tagging::delete(world, call),
        "GetPublicAccessBlock" => public_access::get(world, call),
        "PutPublicAccessBlock" => public_access::put(world, call),
        "DeletePublicAccessBlock" => public_access::delete(world, call),
        "GetBucketOwnershipControls" => acl::get_ownership(world, call),
        "PutBucketOwnershipControls" => acl::put_ownership(world, call),
        "DeleteBucketOwnershipControls" => acl::delete_ownership(world, call),
        "GetBucketAcl" => acl::get(world, call),
        "PutBucketAcl" => acl::put(world, call),
        "GetObjectAcl" => acl::get_of_object(world, call),
        "PutObjectAcl" => acl::put_of_object(world, call),
        "GetBucketEncryption" => encryption::get(world, call),
        "PutBucketEncryption" => encryption::put(world, call),
        "DeleteBucketEncryption" => encryption::delete(world, call),
        "GetBucketVersioning" => versioning::get(world, call),
        "PutBucketVersioning" => versioning::put(world, call),
        "GetBucketPolicy" => policy::get(world, call),
        "GetBucketPolicyStatus" => policy::status(world, call),
        "PutBucketPolicy" => policy::put(world, call),
        "DeleteBucketPolicy" => policy::delete(world, call),
        "GetBucketLifecycleConfiguration" => lifecycle::get(world, call),
        "PutBucketLifecycleConfiguration" => lifecycle::put(world, call),
        "DeleteBucketLifecycle" => lifecycle::delete(world, call),
        "GetBucketLogging" => logging::get(world, call),
        "PutBucketLogging" => logging::put(world, call),
        "GetObjectLockConfiguration" => lock::get(world, call),
        "PutObjectLockConfiguration" => lock::put(world, call),
        "GetObjectRetention" => lock::get_retention(world, call),
        "PutObjectRetention" => lock::put_retention(world, call),
        "GetObjectLegalHold" => lock::get_hold(world, call),
        "PutObjectLegalHold" => lock::put_hold(world, call),
        "PutObject" => object::put(world, call),
        "GetObject" => object::get(world, call),
        "HeadObject" => object::head(world, call),
        "GetObjectAttributes" => object::attributes(world, call),
        "CopyObject" => copy::copy(world, call),
        "DeleteObject" => delete::one(world, call),
        "DeleteObjects" => delete::many(world, call),
        "GetObjectTagging" => tagging::get_of_object(world, call),
        "PutObjectTagging" => tagging::put_of_object(world, call),
        "DeleteObjectTagging" => tagging::delete_of_object(world, call),
        "ListObjects" => listing::objects(world, call),
        "ListObjectsV2" => listing::objects_v2(world, call),
        "ListObjectVersions" => listing::versions(world, call),
        "CreateMultipartUpload" => multipart::create(world, call),
        "UploadPart" => multipart::upload(world, call),
        "UploadPartCopy" => multipart::upload_copy(world, call),
        "CompleteMultipartUpload" => multipart::complete(world, call),
        "AbortMultipartUpload" => multipart::abort(world, call),
        "ListParts" => multipart::parts(world, call),
        "ListMultipartUploads" => multipart::list(world, call),
        operation => match subresource::find_kept(operation) {
            Some((kept, verb)) => subresource::answer(world, call, kept, verb),
            None => Err(not_carried(call)),
        },
    }
}

/// A bucket's ARN.
pub fn arn(region: &str, name: &str) -> String {
    format!("arn:{}:s3:::{name}", crate::aws::partition::of(region))
}

/// The canonical user id of an account: a number that says nothing, the same for every call.
pub fn canonical_id(account: &str) -> String {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(format!("canonical user of {account}"));
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn owner(account: &str) -> Value {
    serde_json::json!({"ID": canonical_id(account)})
}

fn absent(name: &str) -> Refusal {
    Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist").with("BucketName", name)
}

fn access_denied() -> Refusal {
    Refusal::new(403, "AccessDenied", "Access Denied")
}

fn invalid_argument(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidArgument", message)
}

fn invalid_request(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidRequest", message)
}

fn malformed() -> Refusal {
    Refusal::new(
        400,
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

/// The bucket of a call, if the caller may know of it.
fn find<'w>(world: &'w World, call: &Call) -> Result<&'w Bucket, Refusal> {
    let bucket = named(world, call, call.required("Bucket"))?;
    if call
        .text("ExpectedBucketOwner")
        .is_some_and(|owner| owner != bucket.account)
    {
        return Err(access_denied());
    }
    Ok(bucket)
}

/// The bucket of this name, if the caller may know of it.
///
/// An operator is one of its own account. What other callers may do with buckets of other accounts was decided before, by
/// the bucket's policy.
fn named<'w>(world: &'w World, call: &Call, name: &str) -> Result<&'w Bucket, Refusal> {
    let bucket = world.aws.s3.buckets.get(name).ok_or_else(|| absent(name))?;
    if bucket.account != call.account && call.caller.operator {
        return Err(access_denied());
    }
    if bucket.region != call.region {
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html; clients look for the region in the header.
        return Err(Refusal::new(
            301,
            "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
        )
        .with("Bucket", name)
        .with("Endpoint", format!("s3.{}.amazonaws.com", bucket.region))
        .with("x-amz-bucket-region", bucket.region.as_str()));
    }
    Ok(bucket)
}

/// The bucket of a call, to change its objects.
fn change<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Bucket, Refusal> {
    find(world, call)?;
    let name = call.required("Bucket");
    world.aws.s3.buckets.get_mut(name).ok_or_else(|| absent(name))
}

/// The bucket of a call, to change one of its sub-resources.
///
/// While `s3.bucket.write` lasts, other writes to the bucket are refused: hashicorp/terraform-provider-aws issues 7628 and
/// 33478. By default it lasts no time.
fn configure<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Bucket, Refusal> {
    if find(world, call)?.busy.is_some_and(|until| call.at < until) {
        return Err(aborted());
    }
    let lasts = world.behaviour.duration("s3.bucket.write", 0.0);
    let bucket = change(world, call)?;
    if !lasts.is_zero() {
        bucket.busy = Some(call.at.saturating_add(lasts).unwrap_or(Timestamp::MAX));
    }
    Ok(bucket)
}

fn aborted() -> Refusal {
    Refusal::new(
        409,
        "OperationAborted",
        "A conflicting conditional operation is currently in progress against this resource. Please try again.",
    )
}

#[cfg(test)]
mod tests;
