//! Objects: written, read, described.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Bucket, Sealing, acl, change, checksum, condition, encryption, find, invalid_argument, lock, tagging,
};
use crate::answer::{Answer, Refusal};
use crate::aws::blob::Blob;
use crate::aws::input::texts;
use crate::aws::output::said;
use crate::aws::tags::Tags;
use crate::call::Call;
use crate::world::World;

/// What version ids are made of.
pub(super) const ID_LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";
/// The id of a version that was written without versioning.
pub(super) const NULL: &str = "null";
/// Bytes of a key at most: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>
const LONGEST_KEY: usize = 1024;
/// Bytes of a writer's own metadata at most: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>
const MOST_METADATA: usize = 2048;
/// Headers that are kept with an object and given back.
pub(super) const HEADERS: [&str; 7] = [
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "WebsiteRedirectLocation",
];

/// A version of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Its id; `null` without versioning.
    pub id: String,
    /// When it was written.
    pub at: Timestamp,
    /// What it holds; `None` for a delete marker.
    pub content: Option<Content>,
}

/// What an object holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// Its bytes.
    pub bytes: Blob,
    /// Its ETag, quoted.
    pub etag: String,
    /// The member that its checksum is given in, and the checksum.
    pub checksum: (String, String),
    /// `FULL_OBJECT` or `COMPOSITE`.
    pub checksum_type: String,
    /// Its headers by member name.
    pub headers: BTreeMap<String, String>,
    /// Its writer's own metadata.
    pub metadata: BTreeMap<String, String>,
    /// Its tags.
    pub tags: Tags,
    /// How it is encrypted.
    pub sealing: Sealing,
    /// `STANDARD` and the like.
    pub storage_class: String,
    /// Mode and end of its retention.
    pub retention: Option<(String, Timestamp)>,
    /// Whether it is under legal hold.
    pub hold: bool,
    /// The canned list that stands for its access control list.
    pub acl: String,
    /// Sizes of the parts it was uploaded in.
    pub parts: Vec<usize>,
}

impl Content {
    /// An object without anything special.
    pub(super) fn plain(bytes: Bytes, sealing: Sealing) -> Self {
        let usual = checksum::Algorithm::usual();
        Self {
            etag: format!("\"{}\"", checksum::md5_hex(&bytes)),
            checksum: (usual.member.to_owned(), usual.text(&bytes)),
            checksum_type: "FULL_OBJECT".into(),
            headers: BTreeMap::new(),
            metadata: BTreeMap::new(),
            tags: Tags::new(),
            sealing,
            storage_class: "STANDARD".into(),
            retention: None,
            hold: false,
            acl: acl::PRIVATE.into(),
            parts: Vec::new(),
            bytes: Blob(bytes),
        }
    }

    /// How many bytes.
    pub(super) fn size(&self) -> usize {
        self.bytes.0.len()
    }

    /// What a call says of the object that it writes: headers, metadata, class, lock, tags.
    pub(super) fn described(mut self, bucket: &Bucket, call: &Call) -> Result<Self, Refusal> {
        self.take_headers(call)?;
        self.tags = tagging::read_header(call.text("Tagging"))?;
        self.storage_class = call.text("StorageClass").unwrap_or("STANDARD").to_owned();
        self.acl = call.text("ACL").unwrap_or(acl::PRIVATE).to_owned();
        lock::of_new_object(&mut self, bucket, call)?;
        Ok(self)
    }

    /// Takes headers and metadata over from a call.
    pub(super) fn take_headers(&mut self, call: &Call) -> Result<(), Refusal> {
        self.headers = HEADERS
            .iter()
            .filter_map(|member| Some(((*member).to_owned(), call.text(member)?.to_owned())))
            .collect();
        // https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
        self.headers
            .entry("ContentType".into())
            .or_insert_with(|| "binary/octet-stream".into());
        self.metadata = call
            .input
            .get("Metadata")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.to_lowercase(), value.as_str().unwrap_or_default().to_owned()))
            .collect();
        let size: usize = self
            .metadata
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        if size > MOST_METADATA {
            return Err(Refusal::new(
                400,
                "MetadataTooLarge",
                "Your metadata headers exceed the maximum allowed metadata size",
            )
            .with("Size", size)
            .with("MaxSizeAllowed", MOST_METADATA));
        }
        Ok(())
    }
}

pub(super) fn no_such_key(key: &str) -> Refusal {
    Refusal::new(404, "NoSuchKey", "The specified key does not exist.").with("Key", key)
}

/// Puts a version into a bucket as its versioning has it; the id that it got.
pub(super) fn put_version(
    bucket: &mut Bucket,
    key: &str,
    id: String,
    at: Timestamp,
    content: Option<Content>,
) -> String {
    let versions = bucket.keys.entry(key.to_owned()).or_default();
    let id = if bucket.versioning.as_deref() == Some("Enabled") {
        id
    } else {
        versions.retain(|version| version.id != NULL);
        NULL.to_owned()
    };
    versions.insert(
        0,
        Version {
            id: id.clone(),
            at,
            content,
        },
    );
    id
}

/// Refuses keys that S3 does not take.
pub(super) fn check_key(key: &str) -> Result<(), Refusal> {
    if key.len() > LONGEST_KEY {
        return Err(Refusal::new(400, "KeyTooLongError", "Your key is too long")
            .with("Size", key.len())
            .with("MaxSizeAllowed", LONGEST_KEY));
    }
    Ok(())
}

/// The version of an object that a call means: position, version and content.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html>: a marker is 404 as the current version and 405
/// by its id.
fn place(bucket: &Bucket, key: &str, id: Option<&str>) -> Result<usize, Refusal> {
    let versions = bucket.keys.get(key);
    match id {
        None => {
            let newest = versions
                .and_then(|versions| versions.first())
                .ok_or_else(|| no_such_key(key))?;
            match newest.content {
                Some(_) => Ok(0),
                None => Err(no_such_key(key)
                    .with("x-amz-delete-marker", "true")
                    .with("x-amz-version-id", newest.id.as_str())),
            }
        }
        Some(id) => {
            if id != NULL && id.len() != 32 {
                return Err(invalid_argument("Invalid version id specified")
                    .with("ArgumentName", "versionId")
                    .with("ArgumentValue", id));
            }
            let found = versions
                .and_then(|versions| versions.iter().position(|version| version.id == id))
                .ok_or_else(|| {
                    Refusal::new(404, "NoSuchVersion", "The specified version does not exist.")
                        .with("Key", key)
                        .with("VersionId", id)
                })?;
            let marker = versions
                .and_then(|versions| versions.get(found))
                .is_none_or(|version| version.content.is_none());
            if marker {
                return Err(Refusal::new(
                    405,
                    "MethodNotAllowed",
                    "The specified method is not allowed against this resource.",
                )
                .with("ResourceType", "DeleteMarker")
                .with("x-amz-delete-marker", "true"));
            }
            Ok(found)
        }
    }
}

/// The version of key and id, and its content.
pub(super) fn version_of<'b>(
    bucket: &'b Bucket,
    key: &str,
    id: Option<&str>,
) -> Result<(&'b Version, &'b Content), Refusal> {
    let at = place(bucket, key, id)?;
    bucket
        .keys
        .get(key)
        .and_then(|versions| versions.get(at))
        .and_then(|version| Some((version, version.content.as_ref()?)))
        .ok_or_else(|| no_such_key(key))
}

/// The version that a call names.
pub(super) fn chosen<'b>(bucket: &'b Bucket, call: &Call) -> Result<(&'b Version, &'b Content), Refusal> {
    version_of(bucket, call.required("Key"), call.text("VersionId"))
}

/// The same, to change: its id and its content.
pub(super) fn chosen_mut<'w>(
    world: &'w mut World,
    call: &Call,
) -> Result<(String, &'w mut Content), Refusal> {
    let (key, id) = (call.required("Key"), call.text("VersionId"));
    let at = place(find(world, call)?, key, id)?;
    change(world, call)?
        .keys
        .get_mut(key)
        .and_then(|versions| versions.get_mut(at))
        .and_then(|version| Some((version.id.clone(), version.content.as_mut()?)))
        .ok_or_else(|| no_such_key(key))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let key = call.required("Key");
    check_key(key)?;
    acl::of_new_object(bucket, call)?;
    condition::write(bucket, call)?;
    let (algorithm, sum) = checksum::verified(call, &call.payload)?;
    let sealing = encryption::of_new_object(world, call)?;
    let mut content = Content::plain(call.payload.clone(), sealing).described(find(world, call)?, call)?;
    content.checksum = (algorithm.member.to_owned(), sum);
    if content.sealing.key.is_some() {
        content.etag = format!("\"{}\"", world.random.hex(32));
    }
    let id = world.random.text(ID_LETTERS, 32);
    let mut output = written(&content);
    let bucket = change(world, call)?;
    let versioned = bucket.versioning.is_some();
    let id = put_version(bucket, key, id, call.at, Some(content));
    output.insert("VersionId".into(), json!(versioned.then_some(id)));
    Ok(said(Value::Object(output)))
}

/// What a write answers about what it wrote.
pub(super) fn written(content: &Content) -> Map<String, Value> {
    let mut output = Map::new();
    output.insert("ETag".into(), json!(content.etag));
    output.insert(content.checksum.0.clone(), json!(content.checksum.1));
    output.insert("ChecksumType".into(), json!(content.checksum_type));
    output.extend(
        content
            .sealing
            .shown()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    output
}

/// What reading and describing an object both answer.
fn described(bucket: &Bucket, version: &Version, content: &Content, call: &Call) -> Map<String, Value> {
    let mut output = Map::new();
    let mut put = |name: &str, value: Value| {
        output.insert(name.to_owned(), value);
    };
    put("AcceptRanges", json!("bytes"));
    put("LastModified", json!(version.at.to_string()));
    put("ContentLength", json!(content.size()));
    put("ETag", json!(content.etag));
    put(
        "VersionId",
        json!(bucket.versioning.is_some().then_some(&version.id)),
    );
    put("Metadata", json!(content.metadata));
    put(
        "StorageClass",
        json!((content.storage_class != "STANDARD").then_some(&content.storage_class)),
    );
    put(
        "ObjectLockMode",
        json!(content.retention.as_ref().map(|(mode, _)| mode)),
    );
    put(
        "ObjectLockRetainUntilDate",
        json!(content.retention.as_ref().map(|(_, until)| until.to_string())),
    );
    put("ObjectLockLegalHoldStatus", json!(content.hold.then_some("ON")));
    put(
        "TagCount",
        json!((!content.tags.is_empty()).then_some(content.tags.len())),
    );
    if call.text("ChecksumMode") == Some("ENABLED") {
        put(&content.checksum.0, json!(content.checksum.1));
        put("ChecksumType", json!(content.checksum_type));
    }
    for (name, value) in content.sealing.shown() {
        put(name, value);
    }
    for (name, value) in &content.headers {
        put(name, json!(value));
    }
    // What the reader wants said instead.
    for name in [
        "CacheControl",
        "ContentDisposition",
        "ContentEncoding",
        "ContentLanguage",
        "ContentType",
        "Expires",
    ] {
        if let Some(value) = call.text(&format!("Response{name}")) {
            put(name, json!(value));
        }
    }
    output
}

/// First and last byte that a `Range` header asks for; `None` for all.
///
/// <https://www.rfc-editor.org/rfc/rfc9110#name-range-requests>
fn range(call: &Call, size: usize) -> Result<Option<(usize, usize)>, Refusal> {
    let Some((first, last)) = call
        .text("Range")
        .and_then(|range| range.strip_prefix("bytes="))
        .filter(|range| !range.contains(','))
        .and_then(|range| range.split_once('-'))
    else {
        return Ok(None);
    };
    let outside = || {
        Refusal::new(416, "InvalidRange", "The requested range is not satisfiable")
            .with("RangeRequested", call.required("Range"))
            .with("ActualObjectSize", size)
    };
    let end = size.checked_sub(1);
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), last) if last.is_ok() || call.required("Range").ends_with('-') => {
            let end = end.filter(|end| first <= *end).ok_or_else(outside)?;
            let last = last.unwrap_or(end).min(end);
            if last < first {
                return Ok(None);
            }
            Ok(Some((first, last)))
        }
        (Err(_), Ok(count)) if first.is_empty() => {
            let end = end.filter(|_| count > 0).ok_or_else(outside)?;
            Ok(Some((size.saturating_sub(count), end)))
        }
        _ => Ok(None),
    }
}

/// First and last byte of a part.
fn part(call: &Call, content: &Content) -> Result<Option<(usize, usize)>, Refusal> {
    let Some(number) = call.count("PartNumber") else {
        return Ok(None);
    };
    let sizes = if content.parts.is_empty() {
        vec![content.size()]
    } else {
        content.parts.clone()
    };
    let outside = || {
        Refusal::new(
            416,
            "InvalidPartNumber",
            "The requested partnumber is not satisfiable",
        )
    };
    let index = number
        .checked_sub(1)
        .filter(|index| *index < sizes.len())
        .ok_or_else(outside)?;
    let first: usize = sizes[..index].iter().sum();
    Ok(sizes[index].checked_sub(1).map(|more| (first, first + more)))
}

/// Answers a read with or without the bytes.
fn read(world: &World, call: &Call, with_bytes: bool) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let (version, content) = chosen(bucket, call)?;
    condition::read(&content.etag, version.at, call, condition::OF_READ)?;
    encryption::opened(world, bucket, &content.sealing, call)?;
    let mut output = described(bucket, version, content, call);
    let mut bytes = content.bytes.0.clone();
    let cut = match part(call, content)? {
        Some(cut) => Some(cut),
        None => range(call, content.size())?,
    };
    if call.count("PartNumber").is_some() && !content.parts.is_empty() {
        output.insert("PartsCount".into(), json!(content.parts.len()));
    }
    if let Some((first, last)) = cut {
        bytes = bytes.slice(first..=last);
        output.insert("ContentLength".into(), json!(bytes.len()));
        output.insert(
            "ContentRange".into(),
            json!(format!("bytes {first}-{last}/{}", content.size())),
        );
        // A checksum of the whole says nothing about a part.
        output.remove(&content.checksum.0);
        output.remove("ChecksumType");
    }
    let mut answer = said(Value::Object(output));
    if with_bytes {
        answer.payload = Some(bytes);
    }
    Ok(answer)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
pub(super) fn get(world: &World, call: &Call) -> Result<Answer, Refusal> {
    read(world, call, true)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>
pub(super) fn head(world: &World, call: &Call) -> Result<Answer, Refusal> {
    read(world, call, false)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html>
pub(super) fn attributes(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let (version, content) = chosen(bucket, call)?;
    let wanted = texts(&call.input, "ObjectAttributes");
    let wants = |name: &str| wanted.contains(&name);
    let checksum = json!({
        content.checksum.0.as_str(): content.checksum.1,
        "ChecksumType": content.checksum_type,
    });
    Ok(said(json!({
        "LastModified": version.at.to_string(),
        "VersionId": bucket.versioning.is_some().then_some(&version.id),
        "ETag": wants("ETag").then(|| content.etag.trim_matches('"')),
        "Checksum": wants("Checksum").then_some(checksum),
        "ObjectParts": (wants("ObjectParts") && !content.parts.is_empty())
            .then(|| json!({"TotalPartsCount": content.parts.len()})),
        "StorageClass": wants("StorageClass").then_some(&content.storage_class),
        "ObjectSize": wants("ObjectSize").then(|| content.size()),
    })))
}
