//! Tags of buckets and of objects.

use serde_json::{Value, json};

use super::object::{chosen, chosen_mut};
use super::{configure, find, invalid_argument};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::aws::tags::{self, Flaw, Tags};
use crate::call::Call;
use crate::world::World;

const SPELLING: (&str, &str) = ("Key", "Value");
/// Tags of an object at most: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>
const MOST_OF_OBJECT: usize = 10;

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "InvalidTag", message)
}

/// Reads a tag set of a bucket.
pub(super) fn read(list: Option<&Value>) -> Result<Tags, Refusal> {
    tags::read(list, SPELLING).map_err(|flaw| match flaw {
        Flaw::TooMany => Refusal::new(400, "BadRequest", "Bucket tag count cannot be greater than 50"),
        Flaw::Twice(_) => invalid("Cannot provide multiple Tags with the same key"),
        Flaw::Reserved(_) => invalid("System tags cannot be added/updated by requester"),
    })
}

/// Reads a tag set of an object.
fn read_of_object(list: Option<&Value>) -> Result<Tags, Refusal> {
    let tags = read(list)?;
    if tags.len() > MOST_OF_OBJECT {
        return Err(Refusal::new(
            400,
            "BadRequest",
            "Object tags cannot be greater than 10",
        ));
    }
    Ok(tags)
}

/// Reads the `x-amz-tagging` header: a query string.
pub(super) fn read_header(text: Option<&str>) -> Result<Tags, Refusal> {
    let list: Value = text
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            json!({"Key": decoded(key), "Value": decoded(value)})
        })
        .collect();
    read_of_object(Some(&list)).map_err(|refusal| {
        invalid_argument(format!(
            "The header 'x-amz-tagging' is not valid: {}",
            refusal.message
        ))
    })
}

/// Text of a query string.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
                continue;
            }
            (b'+', _) => bytes.push(b' '),
            (other, _) => bytes.push(*other),
        }
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn set(call: &Call) -> Option<&Value> {
    call.input
        .get("Tagging")
        .and_then(|tagging| tagging.get("TagSet"))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketTagging.html>
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    if bucket.tags.is_empty() {
        return Err(Refusal::new(404, "NoSuchTagSet", "The TagSet does not exist")
            .with("BucketName", bucket.name.as_str()));
    }
    Ok(said(json!({"TagSet": tags::list(&bucket.tags, SPELLING)})))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html>: the whole set.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let tags = read(set(call))?;
    configure(world, call)?.tags = tags;
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketTagging.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    configure(world, call)?.tags = Tags::new();
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html>
pub(super) fn get_of_object(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let (version, content) = chosen(bucket, call)?;
    Ok(said(json!({
        "TagSet": tags::list(&content.tags, SPELLING),
        "VersionId": bucket.versioning.is_some().then_some(&version.id),
    })))
}

fn replace(world: &mut World, call: &Call, tags: Tags) -> Result<Answer, Refusal> {
    let versioned = find(world, call)?.versioning.is_some();
    let (id, content) = chosen_mut(world, call)?;
    content.tags = tags;
    Ok(said(json!({"VersionId": versioned.then_some(id)})))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html>
pub(super) fn put_of_object(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let tags = read_of_object(set(call))?;
    replace(world, call, tags)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html>
pub(super) fn delete_of_object(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    replace(world, call, Tags::new())
}
