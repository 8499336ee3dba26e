//! Copies of objects.

use bytes::Bytes;
use serde_json::{Value, json};

use super::object::{Content, ID_LETTERS, check_key, put_version, version_of};
use super::{
    Bucket, acl, change, checksum, condition, encryption, find, invalid_argument, invalid_request, named,
    tagging,
};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Where a copy comes from.
pub(super) struct Source<'w> {
    pub(super) content: &'w Content,
    pub(super) version: Option<String>,
    /// Bucket and key.
    place: (String, String),
}

/// The object that `CopySource` names: `bucket/key`, perhaps with `?versionId=`.
pub(super) fn source<'w>(world: &'w World, call: &Call) -> Result<Source<'w>, Refusal> {
    let text = call.required("CopySource");
    let (path, id) = match text.split_once("?versionId=") {
        Some((path, id)) => (path, Some(id)),
        None => (text, None),
    };
    let path = tagging::decoded(&path.replace('+', "%2B"));
    let (name, key) = path
        .trim_start_matches('/')
        .split_once('/')
        .ok_or_else(|| invalid_argument("Invalid copy source object key"))?;
    let bucket: &Bucket = named(world, call, name)?;
    let (version, content) = version_of(bucket, key, id)?;
    condition::read(&content.etag, version.at, call, condition::OF_COPY)?;
    encryption::opened(world, bucket, &content.sealing, call)?;
    Ok(Source {
        content,
        version: bucket.versioning.is_some().then(|| version.id.clone()),
        place: (name.to_owned(), key.to_owned()),
    })
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>
pub(super) fn copy(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let key = call.required("Key");
    check_key(key)?;
    acl::of_new_object(bucket, call)?;
    condition::write(bucket, call)?;
    let from = source(world, call)?;
    let replaces = call.text("MetadataDirective") == Some("REPLACE");
    let changes = replaces
        || ["StorageClass", "ServerSideEncryption", "WebsiteRedirectLocation"]
            .iter()
            .any(|member| call.text(member).is_some());
    if from.place == (bucket.name.clone(), key.to_owned())
        && !changes
        && call.required("CopySource").find('?').is_none()
    {
        return Err(invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    let (known, version) = (from.content.clone(), from.version.clone());
    let sealing = encryption::of_new_object(world, call)?;
    let bytes: Bytes = known.bytes.0.clone();
    let mut content = Content::plain(bytes, sealing).described(find(world, call)?, call)?;
    if !replaces {
        content.headers = known.headers;
        content.metadata = known.metadata;
    }
    if call.text("TaggingDirective") != Some("REPLACE") {
        content.tags = known.tags;
    }
    if let Some(name) = call.text("ChecksumAlgorithm") {
        let algorithm = checksum::Algorithm::named(name)?;
        content.checksum = (algorithm.member.to_owned(), algorithm.text(&content.bytes.0));
    }
    if content.sealing.key.is_some() {
        content.etag = format!("\"{}\"", world.random.hex(32));
    }
    let id = world.random.text(ID_LETTERS, 32);
    let mut result = json!({
        "ETag": content.etag,
        "LastModified": call.at.to_string(),
        "ChecksumType": content.checksum_type,
    });
    result[content.checksum.0.as_str()] = json!(content.checksum.1);
    let mut output = json!({"CopyObjectResult": result, "CopySourceVersionId": version});
    for (name, value) in content.sealing.shown() {
        output[name] = value;
    }
    let bucket = change(world, call)?;
    let versioned = bucket.versioning.is_some();
    let id = put_version(bucket, key, id, call.at, Some(content));
    output["VersionId"] = versioned.then_some(id).map_or(Value::Null, Value::from);
    Ok(said(output))
}
