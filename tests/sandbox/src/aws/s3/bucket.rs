//! Buckets: made, listed, deleted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Block, Bucket, aborted, acl, arn, encryption, find, invalid_argument, name, owner, tagging};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::aws::page::page;
use crate::call::Call;
use crate::world::World;

/// Buckets of an account at most: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/BucketRestrictions.html>
const MOST: usize = 10_000;
/// The region that needs no name.
const FIRST: &str = "us-east-1";

/// The region in which a bucket is to be made.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>, `LocationConstraint`.
fn place(call: &Call) -> Result<&str, Refusal> {
    let wanted = call
        .input
        .get("CreateBucketConfiguration")
        .and_then(|configuration| configuration.get("LocationConstraint"))
        .and_then(Value::as_str)
        .map(|region| if region == "EU" { "eu-west-1" } else { region });
    match wanted {
        None if call.region == FIRST => Ok(FIRST),
        None => Err(illegal("unspecified")),
        Some(FIRST) if call.region == FIRST => Err(Refusal::new(
            400,
            "InvalidLocationConstraint",
            "The specified location-constraint is not valid",
        )
        .with("LocationConstraint", FIRST)),
        // The oldest endpoint makes buckets everywhere.
        Some(region) if call.region == FIRST || region == call.region => Ok(region),
        Some(region) => Err(illegal(region)),
    }
}

fn illegal(region: &str) -> Refusal {
    Refusal::new(
        400,
        "IllegalLocationConstraintException",
        format!(
            "The {region} location constraint is incompatible for the region specific endpoint this request was sent to."
        ),
    )
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>. What a fresh bucket has since April 2023:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("Bucket");
    name::check(call)?;
    let region = place(call)?.to_owned();
    let location = if region == FIRST {
        format!("/{name}")
    } else {
        format!("http://{name}.s3.amazonaws.com/")
    };
    let output = json!({"Location": location, "BucketArn": arn(&region, name)});
    match world.aws.s3.buckets.get(name) {
        // Only there: made again, it answers as if it had been new.
        Some(known) if known.account == call.account && known.region == FIRST && call.region == FIRST => {
            return Ok(said(output));
        }
        Some(known) if known.account == call.account => {
            return Err(Refusal::new(
                409,
                "BucketAlreadyOwnedByYou",
                "Your previous request to create the named bucket succeeded and you already own it.",
            )
            .with("BucketName", name));
        }
        Some(_) => {
            return Err(Refusal::new(
                409,
                "BucketAlreadyExists",
                "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
            )
            .with("BucketName", name));
        }
        None => {}
    }
    if world
        .aws
        .s3
        .released
        .get(name)
        .is_some_and(|until| call.at < *until)
    {
        return Err(aborted());
    }
    if owned(world, call).count() >= MOST {
        return Err(Refusal::new(
            400,
            "TooManyBuckets",
            "You have attempted to create more buckets than allowed",
        ));
    }
    let configuration = call.input.get("CreateBucketConfiguration");
    let tags = tagging::read(configuration.and_then(|configuration| configuration.get("Tags")))?;
    let ownership = call.text("ObjectOwnership").unwrap_or(acl::ENFORCED);
    let block = Block::all();
    let acl = acl::at_creation(call, ownership, &block)?;
    let lock = call.flag("ObjectLockEnabledForBucket");
    let bucket = Bucket {
        name: name.to_owned(),
        account: call.account.clone(),
        region,
        created: call.at,
        tags,
        block: Some(block),
        ownership: Some(ownership.to_owned()),
        acl,
        encryption: encryption::at_first(),
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html: versioning comes with it.
        versioning: lock.then(|| "Enabled".to_owned()),
        policy: None,
        lifecycle: None,
        lifecycle_before: None,
        logging: None,
        lock: lock.then(|| json!({"ObjectLockEnabled": "Enabled"})),
        kept: BTreeMap::new(),
        keys: BTreeMap::new(),
        uploads: BTreeMap::new(),
        busy: None,
    };
    world.aws.s3.released.remove(name);
    world.aws.s3.buckets.insert(name.to_owned(), bucket);
    Ok(said(output))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html>: sub-resources go with it, objects and versions are
/// in the way.
///
/// For `s3.bucket.release` (no time by default) nobody can have the name: aws/aws-cli issue 2593.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let versioned = bucket.versioning.is_some();
    if !bucket.keys.is_empty() {
        let message = if versioned {
            "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
        } else {
            "The bucket you tried to delete is not empty"
        };
        return Err(Refusal::new(409, "BucketNotEmpty", message).with("BucketName", bucket.name.as_str()));
    }
    if bucket.busy.is_some_and(|until| call.at < until) {
        return Err(aborted());
    }
    let lasts = world.behaviour.duration("s3.bucket.release", 0.0);
    let name = call.required("Bucket");
    world.aws.s3.buckets.remove(name);
    if !lasts.is_zero() {
        let until = call.at.saturating_add(lasts).unwrap_or(Timestamp::MAX);
        world.aws.s3.released.insert(name.to_owned(), until);
    }
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html>
pub(super) fn head(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    Ok(said(json!({
        "BucketArn": arn(&bucket.region, &bucket.name),
        "BucketRegion": bucket.region,
        "AccessPointAlias": false,
    })))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html>: nothing for the first region.
pub(super) fn location(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let region = (bucket.region != FIRST).then_some(&bucket.region);
    Ok(said(json!({"LocationConstraint": region})))
}

fn owned<'w>(world: &'w World, call: &'w Call) -> impl Iterator<Item = (&'w String, &'w Bucket)> {
    world
        .aws
        .s3
        .buckets
        .iter()
        .filter(|(_, bucket)| bucket.account == call.account)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html>: of all regions; everything at once unless pages are
/// asked for.
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let (prefix, region) = (call.text("Prefix"), call.text("BucketRegion"));
    let found = owned(world, call)
        .filter(|(name, bucket)| {
            prefix.is_none_or(|prefix| name.starts_with(prefix))
                && region.is_none_or(|region| region == bucket.region)
        })
        .map(|(name, bucket)| {
            let shown = json!({
                "Name": name,
                "CreationDate": bucket.created.to_string(),
                "BucketRegion": bucket.region,
                "BucketArn": arn(&bucket.region, name),
            });
            (name, shown)
        });
    let asked = call.count("MaxBuckets");
    // Who does not ask for pages gets none, and many clients do not.
    let cap = asked.map_or(0, |_| world.behaviour.page);
    let page = page(found, call.text("ContinuationToken"), asked, MOST, cap)
        .map_err(|_| invalid_argument("The continuation token provided is incorrect"))?;
    Ok(said(json!({
        "Buckets": page.entries,
        "Owner": owner(&call.account),
        "ContinuationToken": page.next,
        "Prefix": prefix,
    })))
}
