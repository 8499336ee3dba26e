//! Layers: what images are made of. Their bytes are counted and checked, and then forgotten.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::repository::{change, find};
use super::{invalid, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::blob::Blob;
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// Bytes of a part that clients are asked for.
const PART: u64 = 10_485_760;

fn digests(call: &Call) -> impl Iterator<Item = &str> {
    call.input
        .get("layerDigests")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchCheckLayerAvailability.html>
pub(super) fn check(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let repository = find(world, call)?;
    let (mut layers, mut failures) = (Vec::new(), Vec::new());
    for digest in digests(call) {
        if !digest.starts_with("sha256:") {
            failures.push(json!({"layerDigest": digest, "failureCode": "InvalidLayerDigest", "failureReason": "Invalid layer digest"}));
            continue;
        }
        layers.push(match repository.layers.get(digest) {
            Some(size) => json!({"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": size}),
            None => json!({"layerDigest": digest, "layerAvailability": "UNAVAILABLE"}),
        });
    }
    Ok(said(json!({"layers": layers, "failures": failures})))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_InitiateLayerUpload.html>
pub(super) fn begin(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    find(world, call)?;
    let id = world.random.uuid();
    change(world, call)?.uploads.insert(id.clone(), Blob::default());
    Ok(said(json!({"uploadId": id, "partSize": PART})))
}

fn no_upload(call: &Call) -> Refusal {
    refusal(
        "UploadNotFoundException",
        format!(
            "The upload with id '{}' in the repository with name '{}' in the registry with id '{}' cannot be found",
            call.required("uploadId"),
            call.required("repositoryName"),
            call.account
        ),
    )
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UploadLayerPart.html>: parts come one after another.
pub(super) fn upload(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let bytes = STANDARD
        .decode(call.required("layerPartBlob"))
        .map_err(|error| invalid("layerPartBlob", &error.to_string()))?;
    let first = call.count("partFirstByte").unwrap_or_default();
    let known = find(world, call)?
        .uploads
        .get(call.required("uploadId"))
        .ok_or_else(|| no_upload(call))?;
    let known = &known.0;
    if first != known.len() {
        return Err(refusal(
            "InvalidLayerPartException",
            format!(
                "The layer part begins at byte {first}, and {} bytes have come in",
                known.len()
            ),
        )
        .with("lastValidByteReceived", known.len().saturating_sub(1)));
    }
    let upload = change(world, call)?
        .uploads
        .get_mut(call.required("uploadId"))
        .ok_or_else(|| no_upload(call))?;
    upload.0 = [&upload.0[..], &bytes].concat().into();
    Ok(said(json!({
        "registryId": call.account,
        "repositoryName": call.required("repositoryName"),
        "uploadId": call.required("uploadId"),
        "lastByteReceived": upload.0.len().saturating_sub(1),
    })))
}

/// The digest of bytes.
pub(super) fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CompleteLayerUpload.html>
pub(super) fn complete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let repository = find(world, call)?;
    let bytes = repository
        .uploads
        .get(call.required("uploadId"))
        .ok_or_else(|| no_upload(call))?;
    let bytes = &bytes.0;
    if bytes.is_empty() {
        return Err(refusal("EmptyUploadException", "The layer upload has no parts"));
    }
    let (found, size) = (digest(bytes), bytes.len());
    if digests(call).any(|named| named != found) {
        return Err(refusal(
            "InvalidLayerException",
            format!("The layer's digest is {found}, not the one that was given"),
        ));
    }
    if repository.layers.contains_key(&found) {
        return Err(refusal(
            "LayerAlreadyExistsException",
            format!("The layer with digest '{found}' already exists"),
        ));
    }
    let repository = change(world, call)?;
    repository.uploads.remove(call.required("uploadId"));
    repository.layers.insert(found.clone(), size);
    Ok(said(json!({
        "registryId": call.account,
        "repositoryName": call.required("repositoryName"),
        "uploadId": call.required("uploadId"),
        "layerDigest": found,
    })))
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html>: what it leads to is not carried.
pub(super) fn url(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let digest = call.required("layerDigest");
    if !find(world, call)?.layers.contains_key(digest) {
        return Err(refusal(
            "LayersNotFoundException",
            format!("The layer with digest '{digest}' does not exist"),
        ));
    }
    Ok(said(json!({
        "downloadUrl": format!("{}/ecr-layers/{digest}", call.origin),
        "layerDigest": digest,
    })))
}
