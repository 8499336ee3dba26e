//! Uploads in parts.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::checksum::{self, Algorithm};
use super::object::{Content, ID_LETTERS, check_key, put_version, written};
use super::{
    Bucket, acl, change, condition, copy, encryption, find, invalid_argument, invalid_request, malformed,
    owner,
};
use crate::answer::{Answer, Refusal};
use crate::aws::blob::Blob;
use crate::aws::input::{items, number, text};
use crate::aws::output::said;
use crate::aws::page::page;
use crate::call::Call;
use crate::world::World;

/// Bytes of a part at least, but for the last: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
const SMALLEST: usize = 5 * 1024 * 1024;

/// An upload that is not complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// The key that it will have.
    pub key: String,
    /// When it began.
    pub begun: Timestamp,
    /// Everything about the object to come, still empty.
    pub content: Content,
    /// The algorithm of its checksums.
    pub algorithm: String,
    /// `FULL_OBJECT` or `COMPOSITE`.
    pub checksum_type: String,
    /// Whether its maker chose the algorithm.
    pub chosen: bool,
    /// Parts by number.
    pub parts: BTreeMap<i64, Part>,
}

/// A part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its bytes.
    pub bytes: Blob,
    /// Its ETag, quoted.
    pub etag: String,
    /// Its checksum.
    pub checksum: String,
    /// When it came.
    pub at: Timestamp,
}

fn absent(call: &Call) -> Refusal {
    Refusal::new(
        404,
        "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    )
    .with("UploadId", call.required("UploadId"))
}

fn upload_of<'b>(bucket: &'b Bucket, call: &Call) -> Result<&'b Upload, Refusal> {
    bucket
        .uploads
        .get(call.required("UploadId"))
        .filter(|upload| upload.key == call.required("Key"))
        .ok_or_else(|| absent(call))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let key = call.required("Key");
    check_key(key)?;
    acl::of_new_object(bucket, call)?;
    let named = call.text("ChecksumAlgorithm");
    let algorithm = named.map_or_else(|| Ok(Algorithm::usual()), Algorithm::named)?;
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html: which types an algorithm has.
    let usual = if algorithm.name == "CRC64NVME" {
        "FULL_OBJECT"
    } else {
        "COMPOSITE"
    };
    let kind = call.text("ChecksumType").unwrap_or(usual);
    if (kind == "FULL_OBJECT" && !algorithm.whole) || (kind == "COMPOSITE" && algorithm.name == "CRC64NVME") {
        return Err(invalid_request(format!(
            "The {kind} checksum type cannot be used with the {} checksum algorithm.",
            algorithm.name.to_lowercase()
        )));
    }
    let sealing = encryption::of_new_object(world, call)?;
    let content = Content::plain(bytes::Bytes::new(), sealing).described(find(world, call)?, call)?;
    let id = world.random.text(ID_LETTERS, 96);
    let mut output = json!({
        "Bucket": call.required("Bucket"),
        "Key": key,
        "UploadId": id,
        "ChecksumAlgorithm": named,
        "ChecksumType": named.map(|_| kind),
    });
    for (name, value) in content.sealing.shown() {
        output[name] = value;
    }
    let upload = Upload {
        key: key.to_owned(),
        begun: call.at,
        content,
        algorithm: algorithm.name.to_owned(),
        checksum_type: kind.to_owned(),
        chosen: named.is_some(),
        parts: BTreeMap::new(),
    };
    change(world, call)?.uploads.insert(id, upload);
    Ok(said(output))
}

fn number_of(call: &Call) -> Result<i64, Refusal> {
    match number(&call.input, "PartNumber") {
        Some(number @ 1..=10_000) => Ok(number),
        _ => Err(
            invalid_argument("Part number must be an integer between 1 and 10000, inclusive")
                .with("ArgumentName", "partNumber"),
        ),
    }
}

fn keep(
    world: &mut World,
    call: &Call,
    number: i64,
    bytes: bytes::Bytes,
) -> Result<(String, Algorithm, String), Refusal> {
    let upload = upload_of(find(world, call)?, call)?;
    let algorithm = Algorithm::named(&upload.algorithm)?;
    let part = Part {
        etag: format!("\"{}\"", checksum::md5_hex(&bytes)),
        checksum: algorithm.text(&bytes),
        bytes: Blob(bytes),
        at: call.at,
    };
    let (etag, sum) = (part.etag.clone(), part.checksum.clone());
    if let Some(upload) = change(world, call)?.uploads.get_mut(call.required("UploadId")) {
        upload.parts.insert(number, part);
    }
    Ok((etag, algorithm, sum))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html>
pub(super) fn upload(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let number = number_of(call)?;
    let upload = upload_of(find(world, call)?, call)?;
    let (algorithm, _) = checksum::verified(call, &call.payload)?;
    let claimed = call.text(algorithm.member).is_some();
    if claimed && upload.chosen && algorithm.name != upload.algorithm {
        return Err(invalid_request(format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            upload.algorithm.to_lowercase(),
            algorithm.name.to_lowercase()
        )));
    }
    let sealing = upload.content.sealing.clone();
    let (etag, algorithm, sum) = keep(world, call, number, call.payload.clone())?;
    let mut output = json!({"ETag": etag});
    output[algorithm.member] = json!(sum);
    for (name, value) in sealing.shown() {
        output[name] = value;
    }
    Ok(said(output))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html>
pub(super) fn upload_copy(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let number = number_of(call)?;
    upload_of(find(world, call)?, call)?;
    let from = copy::source(world, call)?;
    let mut bytes = from.content.bytes.0.clone();
    let version = from.version.clone();
    if let Some(range) = call.text("CopySourceRange") {
        let cut = range
            .strip_prefix("bytes=")
            .and_then(|range| range.split_once('-'))
            .and_then(|(first, last)| Some((first.parse::<usize>().ok()?, last.parse::<usize>().ok()?)))
            .filter(|(first, last)| first <= last && *last < bytes.len());
        let Some((first, last)) = cut else {
            return Err(invalid_argument(format!(
                "Range specified is not valid for source object of size: {}",
                bytes.len()
            )));
        };
        bytes = bytes.slice(first..=last);
    }
    let (etag, algorithm, sum) = keep(world, call, number, bytes)?;
    let mut result = json!({"ETag": etag, "LastModified": call.at.to_string()});
    result[algorithm.member] = json!(sum);
    Ok(said(
        json!({"CopyPartResult": result, "CopySourceVersionId": version}),
    ))
}

/// The parts that a call lists, in order.
fn listed<'u>(upload: &'u Upload, call: &Call) -> Result<Vec<&'u Part>, Refusal> {
    let parts = call.input.get("MultipartUpload").cloned().unwrap_or_default();
    let parts = items(&parts, "Parts");
    if parts.is_empty() {
        return Err(malformed());
    }
    let numbers: Vec<i64> = parts
        .iter()
        .map(|part| number(part, "PartNumber").unwrap_or_default())
        .collect();
    if !numbers.is_sorted_by(|one, next| one < next) {
        return Err(Refusal::new(
            400,
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
        ));
    }
    parts
        .iter()
        .zip(numbers)
        .map(|(part, number)| {
            let etag = text(part, "ETag").unwrap_or_default();
            upload
                .parts
                .get(&number)
                .filter(|known| known.etag.trim_matches('"') == etag.trim_matches('"'))
                .ok_or_else(|| {
                    Refusal::new(
                        400,
                        "InvalidPart",
                        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
                    )
                    .with("PartNumber", number)
                })
        })
        .collect()
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>
pub(super) fn complete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let upload = upload_of(bucket, call)?;
    condition::write(bucket, call)?;
    let parts = listed(upload, call)?;
    let all_but_last = parts.len().saturating_sub(1);
    if let Some(small) = parts
        .iter()
        .take(all_but_last)
        .find(|part| part.bytes.0.len() < SMALLEST)
    {
        return Err(Refusal::new(
            400,
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed size",
        )
        .with("ProposedSize", small.bytes.0.len())
        .with("MinSizeAllowed", SMALLEST));
    }
    let algorithm = Algorithm::named(&upload.algorithm)?;
    let mut bytes = Vec::new();
    let (mut hashes, mut sums) = (Vec::new(), Vec::new());
    for part in &parts {
        bytes.extend_from_slice(&part.bytes.0);
        hashes.extend(Algorithm::named("MD5")?.raw(&part.bytes.0));
        sums.extend(algorithm.raw(&part.bytes.0));
    }
    let mut content = upload.content.clone();
    content.parts = parts.iter().map(|part| part.bytes.0.len()).collect();
    content.etag = format!("\"{}-{}\"", checksum::md5_hex(&hashes), parts.len());
    content.checksum_type = upload.checksum_type.clone();
    let sum = if upload.checksum_type == "FULL_OBJECT" {
        algorithm.text(&bytes)
    } else {
        format!("{}-{}", algorithm.text(&sums), parts.len())
    };
    if call
        .text(algorithm.member)
        .is_some_and(|claimed| claimed.split('-').next() != sum.split('-').next())
    {
        return Err(Refusal::new(
            400,
            "BadDigest",
            format!(
                "The {} you specified did not match the calculated checksum.",
                algorithm.name.to_lowercase()
            ),
        ));
    }
    content.checksum = (algorithm.member.to_owned(), sum);
    content.bytes = Blob(bytes.into());
    let mut output = written(&content);
    let location = format!(
        "{}/{}/{}",
        call.origin,
        call.required("Bucket"),
        call.required("Key")
    );
    output.insert("Location".into(), json!(location));
    output.insert("Bucket".into(), json!(call.required("Bucket")));
    output.insert("Key".into(), json!(call.required("Key")));
    let id = world.random.text(ID_LETTERS, 32);
    let bucket = change(world, call)?;
    bucket.uploads.remove(call.required("UploadId"));
    let versioned = bucket.versioning.is_some();
    let id = put_version(bucket, call.required("Key"), id, call.at, Some(content));
    output.insert("VersionId".into(), json!(versioned.then_some(id)));
    Ok(said(Value::Object(output)))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html>
pub(super) fn abort(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    upload_of(find(world, call)?, call)?;
    change(world, call)?.uploads.remove(call.required("UploadId"));
    Ok(Answer::empty())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html>
pub(super) fn parts(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let upload = upload_of(bucket, call)?;
    let algorithm = Algorithm::named(&upload.algorithm)?;
    let after = number(&call.input, "PartNumberMarker").unwrap_or_default();
    let most = match world.behaviour.page {
        0 => 1000,
        cap => cap.min(1000),
    };
    let limit = call.count("MaxParts").unwrap_or(most).min(most);
    let mut rest = upload.parts.range(after.saturating_add(1)..);
    let page: Vec<(&i64, &Part)> = rest.by_ref().take(limit).collect();
    let more = rest.next().is_some();
    let shown: Vec<Value> = page
        .iter()
        .map(|(number, part)| {
            let mut shown = json!({
                "PartNumber": number,
                "LastModified": part.at.to_string(),
                "ETag": part.etag,
                "Size": part.bytes.0.len(),
            });
            shown[algorithm.member] = json!(part.checksum);
            shown
        })
        .collect();
    Ok(said(json!({
        "Bucket": bucket.name,
        "Key": upload.key,
        "UploadId": call.required("UploadId"),
        "PartNumberMarker": after,
        "NextPartNumberMarker": page.last().map(|(number, _)| **number),
        "MaxParts": limit,
        "IsTruncated": more,
        "Parts": shown,
        "Owner": owner(&bucket.account),
        "Initiator": owner(&bucket.account),
        "StorageClass": upload.content.storage_class,
        "ChecksumAlgorithm": upload.algorithm,
        "ChecksumType": upload.checksum_type,
    })))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html>: by key, then by time.
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = find(world, call)?;
    let prefix = call.text("Prefix").unwrap_or_default();
    let mut uploads: Vec<(String, &String, &Upload)> = bucket
        .uploads
        .iter()
        .filter(|(_, upload)| upload.key.starts_with(prefix))
        .map(|(id, upload)| {
            (
                format!("{}\u{0}{}\u{0}{id}", upload.key, upload.begun),
                id,
                upload,
            )
        })
        .collect();
    uploads.sort_by(|one, other| one.0.cmp(&other.0));
    let marker = (
        call.text("KeyMarker"),
        call.text("UploadIdMarker").filter(|id| !id.is_empty()),
    );
    let begin = match marker {
        (Some(key), Some(id)) => uploads.iter().position(|(_, known, _)| *known == id).map_or_else(
            || uploads.partition_point(|(_, _, upload)| upload.key.as_str() <= key),
            |at| at + 1,
        ),
        (Some(key), None) => uploads.partition_point(|(_, _, upload)| upload.key.as_str() <= key),
        (None, _) => 0,
    };
    let page = page(
        uploads
            .into_iter()
            .skip(begin)
            .map(|(order, id, upload)| (order, (id, upload))),
        None,
        call.count("MaxUploads"),
        1000,
        world.behaviour.page,
    )
    .map_err(|_| invalid_argument("Invalid uploadId marker"))?;
    let last = page.entries.last().filter(|_| page.next.is_some());
    let shown: Vec<Value> = page
        .entries
        .iter()
        .map(|(id, upload)| {
            json!({
                "UploadId": id,
                "Key": upload.key,
                "Initiated": upload.begun.to_string(),
                "StorageClass": upload.content.storage_class,
                "Owner": owner(&bucket.account),
                "Initiator": owner(&bucket.account),
                "ChecksumAlgorithm": upload.algorithm,
                "ChecksumType": upload.checksum_type,
            })
        })
        .collect();
    Ok(said(json!({
        "Bucket": bucket.name,
        "Prefix": prefix,
        "KeyMarker": call.text("KeyMarker").unwrap_or_default(),
        "UploadIdMarker": call.text("UploadIdMarker").unwrap_or_default(),
        "NextKeyMarker": last.map(|(_, upload)| &upload.key),
        "NextUploadIdMarker": last.map(|(id, _)| id),
        "MaxUploads": call.count("MaxUploads").unwrap_or(1000),
        "IsTruncated": last.is_some(),
        "Uploads": (!shown.is_empty()).then_some(shown),
    })))
}
