//! Images: manifests by digest, tags that name them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::layer::digest;
use super::repository::{change, find};
use super::{Repository, bad_token, invalid, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::aws::page::page;
use crate::call::Call;
use crate::world::World;

/// An image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Its manifest, byte for byte.
    pub manifest: String,
    /// What kind of manifest it is.
    pub media_type: Option<String>,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// When it came in.
    pub pushed: Timestamp,
    /// When it was last scanned.
    pub scanned: Option<Timestamp>,
}

impl Image {
    /// What its layers and its configuration weigh together, as its manifest says.
    fn size(&self) -> u64 {
        let manifest: Value = serde_json::from_str(&self.manifest).unwrap_or_default();
        let size = |part: &Value| part.get("size").and_then(Value::as_u64).unwrap_or_default();
        let layers = manifest.get("layers").and_then(Value::as_array);
        layers
            .into_iter()
            .flatten()
            .map(size)
            .chain(manifest.get("config").map(size))
            .fold(0, u64::saturating_add)
    }
}

/// What an image id (digest, tag or both) means.
pub(super) enum Choice {
    /// The image with this digest.
    Found(String),
    /// None: code and reason.
    Failed(&'static str, &'static str),
}

pub(super) fn choice(repository: &Repository, id: &Value) -> Choice {
    let text = |member: &str| id.get(member).and_then(Value::as_str);
    let tagged = |tag: &str| {
        repository
            .images
            .iter()
            .find(|(_, image)| image.tags.contains(tag))
            .map(|(digest, _)| digest.clone())
    };
    match (text("imageDigest"), text("imageTag")) {
        (None, None) => Choice::Failed(
            "MissingDigestAndTag",
            "Invalid request parameters: both tag and digest cannot be null",
        ),
        (Some(digest), _) if !digest.starts_with("sha256:") => Choice::Failed(
            "InvalidImageDigest",
            "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'",
        ),
        (Some(digest), None) if repository.images.contains_key(digest) => Choice::Found(digest.to_owned()),
        (Some(digest), Some(tag)) if repository.images.contains_key(digest) => match tagged(tag) {
            Some(found) if found == digest => Choice::Found(found),
            _ => Choice::Failed(
                "ImageTagDoesNotMatchDigest",
                "Requested image tag does not match the image digest",
            ),
        },
        (None, Some(tag)) => tagged(tag).map_or(
            Choice::Failed("ImageNotFound", "Requested image not found"),
            Choice::Found,
        ),
        (Some(_), _) => Choice::Failed("ImageNotFound", "Requested image not found"),
    }
}

fn ids(call: &Call) -> Vec<Value> {
    call.input
        .get("imageIds")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html>
pub(super) fn put(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let repository = find(world, call)?;
    let manifest = call.required("imageManifest");
    let parsed: Value =
        serde_json::from_str(manifest).map_err(|_| invalid("ImageManifest", "Invalid JSON syntax"))?;
    let found = digest(manifest.as_bytes());
    if call.text("imageDigest").is_some_and(|named| named != found) {
        return Err(refusal(
            "ImageDigestDoesNotMatchException",
            format!("The image's digest is {found}, not the one that was given"),
        ));
    }
    let media_type = call
        .text("imageManifestMediaType")
        .or(parsed.get("mediaType").and_then(Value::as_str))
        .map(str::to_owned);
    let tag = call.text("imageTag");
    let place = || {
        format!(
            "in the repository with name '{}' in the registry with id '{}'",
            call.required("repositoryName"),
            call.account
        )
    };
    let known = repository.images.get(&found);
    if known.is_some_and(|image| tag.is_none_or(|tag| image.tags.contains(tag))) {
        return Err(refusal(
            "ImageAlreadyExistsException",
            format!(
                "Image with digest '{found}' and tag '{}' already exists {}",
                tag.unwrap_or("null"),
                place()
            ),
        ));
    }
    if let Some(tag) = tag
        && repository.images.values().any(|image| image.tags.contains(tag))
        && !repository.may_move(tag)
    {
        return Err(refusal(
            "ImageTagAlreadyExistsException",
            format!(
                "The image tag '{tag}' already exists {} and cannot be overwritten because the tag is immutable.",
                place()
            ),
        ));
    }
    let scan = repository.scan_on_push;
    let repository = change(world, call)?;
    if let Some(tag) = tag {
        for image in repository.images.values_mut() {
            image.tags.remove(tag);
        }
    }
    let image = repository.images.entry(found.clone()).or_insert_with(|| Image {
        manifest: manifest.to_owned(),
        media_type,
        tags: BTreeSet::new(),
        pushed: call.at,
        scanned: scan.then_some(call.at),
    });
    image.tags.extend(tag.map(str::to_owned));
    Ok(said(json!({"image": shown(call, &found, tag, image)})))
}

fn shown(call: &Call, digest: &str, tag: Option<&str>, image: &Image) -> Value {
    json!({
        "registryId": call.account,
        "repositoryName": call.required("repositoryName"),
        "imageId": {"imageDigest": digest, "imageTag": tag},
        "imageManifest": image.manifest,
        "imageManifestMediaType": image.media_type,
    })
}

fn failed(id: &Value, code: &str, reason: &str) -> Value {
    json!({"imageId": id, "failureCode": code, "failureReason": reason})
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html>
pub(super) fn get_many(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let repository = find(world, call)?;
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in ids(call) {
        match choice(repository, &id) {
            Choice::Found(digest) => {
                let tag = id.get("imageTag").and_then(Value::as_str);
                images.extend(
                    repository
                        .images
                        .get(&digest)
                        .map(|image| shown(call, &digest, tag, image)),
                );
            }
            Choice::Failed(code, reason) => failures.push(failed(&id, code, reason)),
        }
    }
    Ok(said(json!({"images": images, "failures": failures})))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchDeleteImage.html>: by tag the tag goes, and the image
/// with its last one; by digest the image goes.
pub(super) fn delete_many(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    find(world, call)?;
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for id in ids(call) {
        let digest = match choice(find(world, call)?, &id) {
            Choice::Found(digest) => digest,
            Choice::Failed(code, reason) => {
                failures.push(failed(&id, code, reason));
                continue;
            }
        };
        let repository = change(world, call)?;
        let by_tag = id.get("imageDigest").is_none();
        let tag = id.get("imageTag").and_then(Value::as_str);
        if let (true, Some(tag), Some(image)) = (by_tag, tag, repository.images.get_mut(&digest)) {
            image.tags.remove(tag);
            deleted.push(json!({"imageDigest": digest, "imageTag": tag}));
            if image.tags.is_empty() {
                repository.images.remove(&digest);
            }
        } else if let Some(image) = repository.images.remove(&digest) {
            if image.tags.is_empty() {
                deleted.push(json!({"imageDigest": digest}));
            }
            deleted.extend(
                image
                    .tags
                    .iter()
                    .map(|tag| json!({"imageDigest": digest, "imageTag": tag})),
            );
        }
    }
    Ok(said(json!({"imageIds": deleted, "failures": failures})))
}

/// Whether the filter of a call takes images with (or without) tags.
fn wanted(call: &Call, tagged: bool) -> bool {
    let status = call
        .input
        .get("filter")
        .and_then(|filter| filter.get("tagStatus"))
        .and_then(Value::as_str);
    match status {
        Some("TAGGED") => tagged,
        Some("UNTAGGED") => !tagged,
        _ => true,
    }
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ListImages.html>: one entry a tag.
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let repository = find(world, call)?;
    let mut entries = Vec::new();
    for (digest, image) in &repository.images {
        if image.tags.is_empty() && wanted(call, false) {
            entries.push((format!("{digest} "), json!({"imageDigest": digest})));
        }
        if wanted(call, true) {
            for tag in &image.tags {
                entries.push((
                    format!("{digest} {tag}"),
                    json!({"imageDigest": digest, "imageTag": tag}),
                ));
            }
        }
    }
    let page = page(
        entries,
        call.text("nextToken"),
        call.count("maxResults"),
        100,
        world.behaviour.page,
    )
    .map_err(|_| bad_token())?;
    Ok(said(json!({"imageIds": page.entries, "nextToken": page.next})))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html>
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let repository = find(world, call)?;
    let chosen = ids(call)
        .iter()
        .map(|id| match choice(repository, id) {
            Choice::Found(digest) => Ok(digest),
            Choice::Failed(..) => Err(refusal(
                "ImageNotFoundException",
                format!(
                    "The image with imageId {id} does not exist within the repository with name '{}' in the registry with id '{}'",
                    call.required("repositoryName"),
                    call.account
                ),
            )),
        })
        .collect::<Result<BTreeSet<_>, _>>()?;
    let images = repository
        .images
        .iter()
        .filter(|(digest, image)| {
            (chosen.is_empty() || chosen.contains(*digest)) && wanted(call, !image.tags.is_empty())
        })
        .map(|(digest, image)| {
            let detail = json!({
                "registryId": call.account,
                "repositoryName": call.required("repositoryName"),
                "imageDigest": digest,
                "imageTags": (!image.tags.is_empty()).then_some(&image.tags),
                "imageSizeInBytes": image.size(),
                "imagePushedAt": image.pushed.to_string(),
                "imageManifestMediaType": image.media_type,
                "imageScanStatus": image.scanned.map(|_| json!({"status": "COMPLETE"})),
            });
            (digest, detail)
        });
    let page = page(
        images,
        call.text("nextToken"),
        call.count("maxResults"),
        100,
        world.behaviour.page,
    )
    .map_err(|_| bad_token())?;
    Ok(said(
        json!({"imageDetails": page.entries, "nextToken": page.next}),
    ))
}
