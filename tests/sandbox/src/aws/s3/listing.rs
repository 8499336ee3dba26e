//! Lists of objects and of versions.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::object::Version;
use super::{Bucket, find, invalid_argument, owner};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Entries of a page at most.
const MOST: usize = 1000;

/// What stands on a page.
enum Entry<'b> {
    /// A key with its versions.
    Key(&'b String, &'b [Version]),
    /// What several keys have in common up to the delimiter.
    Prefix(String),
}

impl Entry<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Key(key, _) => key,
            Self::Prefix(prefix) => prefix,
        }
    }
}

/// How many entries a page may have.
fn limit(world: &World, call: &Call, member: &str) -> Result<usize, Refusal> {
    let asked = call.input.get(member).and_then(Value::as_i64);
    if asked.is_some_and(|asked| asked < 0) {
        return Err(invalid_argument(
            "Argument maxKeys must be an integer between 0 and 2147483647",
        ));
    }
    let asked = call.count(member).unwrap_or(MOST).min(MOST);
    Ok(match world.behaviour.page {
        0 => asked,
        cap => asked.min(cap),
    })
}

/// The entries after `after` in the order of their names; keys that `shown` leaves out are not there.
fn entries<'b>(
    bucket: &'b Bucket,
    call: &Call,
    after: Option<&str>,
    shown: impl Fn(&[Version]) -> bool,
) -> impl Iterator<Item = Entry<'b>> {
    let prefix = call.text("Prefix").unwrap_or_default().to_owned();
    let delimiter = call
        .text("Delimiter")
        .filter(|text| !text.is_empty())
        .map(str::to_owned);
    let after = after.map(str::to_owned);
    let mut last: Option<String> = None;
    bucket
        .keys
        .range(prefix.clone()..)
        .take_while({
            let prefix = prefix.clone();
            move |(key, _)| key.starts_with(&prefix)
        })
        .filter(move |(_, versions)| shown(versions))
        .filter_map(move |(key, versions)| {
            let common = delimiter.as_ref().and_then(|delimiter| {
                let end = key[prefix.len()..].find(delimiter.as_str())? + prefix.len() + delimiter.len();
                Some(key[..end].to_owned())
            });
            match common {
                Some(common) if last.as_ref() == Some(&common) => None,
                Some(common) => {
                    last = Some(common.clone());
                    Some(Entry::Prefix(common))
                }
                None => Some(Entry::Key(key, versions)),
            }
        })
        .filter(move |entry| after.as_ref().is_none_or(|after| entry.name() > after.as_str()))
}

/// Text as a list has it: percent-encoded where the caller asks for it, as clients do to survive any key.
fn encoded(call: &Call, text: &str) -> String {
    if call.text("EncodingType") != Some("url") {
        return text.to_owned();
    }
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b'*' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

fn given(call: &Call, member: &str) -> Option<String> {
    call.text(member).map(|text| encoded(call, text))
}

/// A page: entries, and the name of the last one if there are more.
fn page<'b>(entries: impl Iterator<Item = Entry<'b>>, limit: usize) -> (Vec<Entry<'b>>, Option<String>) {
    let mut entries = entries.peekable();
    let page: Vec<Entry> = entries.by_ref().take(limit).collect();
    let more = limit > 0 && entries.peek().is_some();
    let last = page.last().filter(|_| more).map(|entry| entry.name().to_owned());
    (page, last)
}

/// The members that all lists of current objects share.
fn contents(bucket: &Bucket, call: &Call, page: &[Entry<'_>], with_owner: bool) -> (Vec<Value>, Vec<Value>) {
    let (mut objects, mut prefixes) = (Vec::new(), Vec::new());
    for entry in page {
        match entry {
            Entry::Prefix(prefix) => prefixes.push(json!({"Prefix": encoded(call, prefix)})),
            Entry::Key(key, versions) => {
                let Some((version, content)) = versions
                    .first()
                    .and_then(|version| Some((version, version.content.as_ref()?)))
                else {
                    continue;
                };
                objects.push(json!({
                    "Key": encoded(call, key),
                    "LastModified": version.at.to_string(),
                    "ETag": content.etag,
                    "ChecksumAlgorithm": [content.checksum.0.trim_start_matches("Checksum")],
                    "ChecksumType": content.checksum_type,
                    "Size": content.size(),
                    "StorageClass": content.storage_class,
                    "Owner": with_owner.then(|| owner(&bucket.account)),
                }));
            }
        }
    }
    (objects, prefixes)
}

fn some(list: Vec<Value>) -> Option<Vec<Value>> {
    (!list.is_empty()).then_some(list)
}

/// Whether the current version is an object.
fn is_current(versions: &[Version]) -> bool {
    versions.first().is_some_and(|version| version.content.is_some())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>
pub(super) fn objects_v2(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let limit = limit(world, call, "MaxKeys")?;
    let token = call
        .text("ContinuationToken")
        .map(|token| {
            URL_SAFE_NO_PAD
                .decode(token)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .ok_or_else(|| invalid_argument("The continuation token provided is incorrect"))
        })
        .transpose()?;
    let after = token.as_deref().or(call.text("StartAfter"));
    let (page, last) = page(entries(bucket, call, after, is_current), limit);
    let (objects, prefixes) = contents(bucket, call, &page, call.flag("FetchOwner"));
    Ok(said(json!({
        "Name": bucket.name,
        "Prefix": given(call, "Prefix").unwrap_or_default(),
        "Delimiter": given(call, "Delimiter"),
        "StartAfter": given(call, "StartAfter"),
        "EncodingType": call.text("EncodingType"),
        "MaxKeys": limit,
        "KeyCount": page.len(),
        "ContinuationToken": call.text("ContinuationToken"),
        "IsTruncated": last.is_some(),
        "NextContinuationToken": last.map(|last| URL_SAFE_NO_PAD.encode(last)),
        "Contents": some(objects),
        "CommonPrefixes": some(prefixes),
    })))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html>: the next marker is said with a delimiter only.
pub(super) fn objects(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let limit = limit(world, call, "MaxKeys")?;
    let (page, last) = page(entries(bucket, call, call.text("Marker"), is_current), limit);
    let (objects, prefixes) = contents(bucket, call, &page, true);
    let with_delimiter = call.text("Delimiter").is_some();
    Ok(said(json!({
        "Name": bucket.name,
        "Prefix": given(call, "Prefix").unwrap_or_default(),
        "Delimiter": given(call, "Delimiter"),
        "Marker": given(call, "Marker").unwrap_or_default(),
        "EncodingType": call.text("EncodingType"),
        "MaxKeys": limit,
        "IsTruncated": last.is_some(),
        "NextMarker": last.filter(|_| with_delimiter).map(|last| encoded(call, &last)),
        "Contents": some(objects),
        "CommonPrefixes": some(prefixes),
    })))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html>: newest first within a key.
pub(super) fn versions(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let limit = limit(world, call, "MaxKeys")?;
    let (key_marker, id_marker) = (call.text("KeyMarker"), call.text("VersionIdMarker"));
    if id_marker.is_some_and(|id| !id.is_empty()) && key_marker.is_none_or(str::is_empty) {
        return Err(invalid_argument(
            "A version-id marker cannot be specified without a key marker.",
        ));
    }
    // What is left of the key that the last page ended in.
    let rest = key_marker.and_then(|key| {
        let (key, versions) = bucket.keys.get_key_value(key)?;
        let id = id_marker.filter(|id| !id.is_empty())?;
        let at = versions.iter().position(|version| version.id == id)?;
        Some((key, &versions[at + 1..], at + 1))
    });
    let mut lines: Vec<(&String, Option<&Version>, bool)> = Vec::new();
    let mut prefixes: Vec<String> = Vec::new();
    if let Some((key, versions, skipped)) = rest {
        lines.extend(
            versions
                .iter()
                .enumerate()
                .map(|(index, version)| (key, Some(version), skipped + index == 0)),
        );
    }
    let after = entries(bucket, call, key_marker, |versions| !versions.is_empty());
    let mut more = false;
    for entry in after {
        if lines.len() + prefixes.len() > limit {
            break;
        }
        match entry {
            Entry::Key(key, versions) => lines.extend(
                versions
                    .iter()
                    .enumerate()
                    .map(|(index, version)| (key, Some(version), index == 0)),
            ),
            Entry::Prefix(prefix) => {
                if lines.len() + prefixes.len() == limit {
                    more = true;
                    break;
                }
                prefixes.push(prefix);
            }
        }
    }
    let room = limit.saturating_sub(prefixes.len());
    more |= lines.len() > room;
    lines.truncate(room);
    let (mut objects, mut markers) = (Vec::new(), Vec::new());
    for (key, version, latest) in &lines {
        let Some(version) = version else { continue };
        let mut shown = json!({
            "Key": encoded(call, key),
            "VersionId": version.id,
            "IsLatest": latest,
            "LastModified": version.at.to_string(),
            "Owner": owner(&bucket.account),
        });
        match &version.content {
            None => markers.push(shown),
            Some(content) => {
                shown["ETag"] = json!(content.etag);
                shown["ChecksumAlgorithm"] = json!([content.checksum.0.trim_start_matches("Checksum")]);
                shown["ChecksumType"] = json!(content.checksum_type);
                shown["Size"] = json!(content.size());
                shown["StorageClass"] = json!(content.storage_class);
                objects.push(shown);
            }
        }
    }
    let last_line = lines
        .last()
        .map(|(key, version, _)| ((*key).clone(), version.map(|version| version.id.clone())));
    let last_prefix = prefixes.last().map(|prefix| (prefix.clone(), None));
    let next = last_line.max(last_prefix).filter(|_| more && limit > 0);
    Ok(said(json!({
        "Name": bucket.name,
        "Prefix": given(call, "Prefix").unwrap_or_default(),
        "Delimiter": given(call, "Delimiter"),
        "KeyMarker": given(call, "KeyMarker").unwrap_or_default(),
        "VersionIdMarker": id_marker.unwrap_or_default(),
        "EncodingType": call.text("EncodingType"),
        "MaxKeys": limit,
        "IsTruncated": next.is_some(),
        "NextKeyMarker": next.as_ref().map(|(key, _)| encoded(call, key)),
        "NextVersionIdMarker": next.as_ref().and_then(|(_, id)| id.clone()),
        "Versions": some(objects),
        "DeleteMarkers": some(markers),
        "CommonPrefixes": some(prefixes.iter().map(|prefix| json!({"Prefix": encoded(call, prefix)})).collect()),
    })))
}
