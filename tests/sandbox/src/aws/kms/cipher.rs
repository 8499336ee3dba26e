//! Use of keys. What is encrypted here opens again only with the same key, in the same context, while the key may be used;
//! it is no encryption to rely on.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::key::find;
use super::{Key, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::call::Call;
use crate::world::World;

/// What a ciphertext of this sandbox begins with.
const MAGIC: &[u8] = b"\x01mlops-sandbox\x00";

/// The bytes of a blob of the input.
fn blob(call: &Call, member: &str) -> Result<Vec<u8>, Refusal> {
    STANDARD.decode(call.required(member)).map_err(|error| {
        refusal(
            "SerializationException",
            format!("{member} is not base64: {error}"),
        )
    })
}

/// A hash over key material, context and nonce: seeds the stream and proves the context.
fn seal(key: &Key, context: Option<&Value>, nonce: &[u8], part: u64) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(key.material.as_bytes());
    hash.update(nonce);
    hash.update(part.to_be_bytes());
    // A context has no order.
    let pairs: BTreeMap<&String, &Value> = context.and_then(Value::as_object).into_iter().flatten().collect();
    for (name, value) in pairs {
        hash.update(format!("{}:{name}{value}", name.len()));
    }
    hash.finalize().into()
}

fn mix(key: &Key, context: Option<&Value>, nonce: &[u8], bytes: &[u8]) -> Vec<u8> {
    bytes
        .chunks(32)
        .zip(1_u64..)
        .flat_map(|(chunk, part)| {
            let stream = seal(key, context, nonce, part);
            chunk
                .iter()
                .zip(stream)
                .map(|(byte, mask)| byte ^ mask)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn encrypted(key: &Key, context: Option<&Value>, nonce: &[u8; 12], plain: &[u8]) -> Vec<u8> {
    let hidden = mix(key, context, nonce, plain);
    let mut proof = Sha256::new();
    proof.update(seal(key, context, nonce, 0));
    proof.update(plain);
    let id = key.arn.as_bytes();
    let length = u16::try_from(id.len()).unwrap_or(u16::MAX);
    [
        MAGIC,
        &length.to_be_bytes(),
        id,
        nonce,
        &proof.finalize()[..],
        &hidden,
    ]
    .concat()
}

/// What a ciphertext consists of.
struct Sealed<'b> {
    key_arn: &'b str,
    nonce: &'b [u8],
    proof: &'b [u8],
    hidden: &'b [u8],
}

fn read(bytes: &[u8]) -> Option<Sealed<'_>> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (arn, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (nonce, rest) = rest.split_at_checked(12)?;
    let (proof, hidden) = rest.split_at_checked(32)?;
    Some(Sealed {
        key_arn: std::str::from_utf8(arn).ok()?,
        nonce,
        proof,
        hidden,
    })
}

fn nonce(world: &mut World) -> [u8; 12] {
    let mut nonce = [0; 12];
    for chunk in nonce.chunks_mut(4) {
        chunk.copy_from_slice(&world.random.next().to_be_bytes()[..4]);
    }
    nonce
}

fn random(world: &mut World, length: usize) -> Vec<u8> {
    (0..length)
        .map(|_| world.random.next().to_be_bytes()[0])
        .collect()
}

/// The key, ready to encrypt.
fn encrypting<'w>(world: &'w World, call: &Call, text: &str) -> Result<&'w Key, Refusal> {
    let key = find(world, call, text)?;
    key.usable()?;
    if key.usage != "ENCRYPT_DECRYPT" {
        return Err(refusal(
            "InvalidKeyUsageException",
            format!(
                "{} key usage is {} which is not valid for {}.",
                key.arn, key.usage, call.operation
            ),
        ));
    }
    Ok(key)
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html>
pub(super) fn encrypt(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let plain = blob(call, "Plaintext")?;
    let nonce = nonce(world);
    let key = encrypting(world, call, call.required("KeyId"))?;
    let context = call.input.get("EncryptionContext");
    Ok(said(json!({
        "CiphertextBlob": STANDARD.encode(encrypted(key, context, &nonce, &plain)),
        "KeyId": key.arn,
        "EncryptionAlgorithm": call.text("EncryptionAlgorithm").unwrap_or("SYMMETRIC_DEFAULT"),
    })))
}

/// Opens a ciphertext: the key it was made with, and what was hidden.
fn opened<'w>(
    world: &'w World,
    call: &Call,
    named: Option<&str>,
    context: Option<&Value>,
) -> Result<(&'w Key, Vec<u8>), Refusal> {
    let bytes = blob(call, "CiphertextBlob")?;
    let invalid = || refusal("InvalidCiphertextException", "");
    let sealed = read(&bytes).ok_or_else(invalid)?;
    let key = encrypting(world, call, sealed.key_arn)?;
    if let Some(named) = named
        && find(world, call, named)?.arn != key.arn
    {
        return Err(refusal(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        ));
    }
    let plain = mix(key, context, sealed.nonce, sealed.hidden);
    let mut proof = Sha256::new();
    proof.update(seal(key, context, sealed.nonce, 0));
    proof.update(&plain);
    if proof.finalize()[..] != *sealed.proof {
        return Err(invalid());
    }
    Ok((key, plain))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>
pub(super) fn decrypt(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let (key, plain) = opened(
        world,
        call,
        call.text("KeyId"),
        call.input.get("EncryptionContext"),
    )?;
    Ok(said(json!({
        "KeyId": key.arn,
        "Plaintext": STANDARD.encode(plain),
        "EncryptionAlgorithm": call.text("EncryptionAlgorithm").unwrap_or("SYMMETRIC_DEFAULT"),
    })))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html>
pub(super) fn re_encrypt(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let nonce = nonce(world);
    let (from, plain) = opened(
        world,
        call,
        call.text("SourceKeyId"),
        call.input.get("SourceEncryptionContext"),
    )?;
    let to = encrypting(world, call, call.required("DestinationKeyId"))?;
    let context = call.input.get("DestinationEncryptionContext");
    Ok(said(json!({
        "CiphertextBlob": STANDARD.encode(encrypted(to, context, &nonce, &plain)),
        "SourceKeyId": from.arn,
        "KeyId": to.arn,
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    })))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html>: exactly one of length and spec.
pub(super) fn generate_data_key(world: &mut World, call: &Call, shown: bool) -> Result<Answer, Refusal> {
    let bytes = call.input.get("NumberOfBytes").and_then(Value::as_u64);
    let length = match (bytes, call.text("KeySpec")) {
        (Some(bytes @ 1..=1024), None) => usize::try_from(bytes).unwrap_or(1024),
        (None, Some("AES_256")) => 32,
        (None, Some("AES_128")) => 16,
        _ => {
            return Err(refusal(
                "ValidationException",
                "Please specify either number of bytes or key spec.",
            ));
        }
    };
    let (nonce, plain) = (nonce(world), random(world, length));
    let key = encrypting(world, call, call.required("KeyId"))?;
    if key.spec != "SYMMETRIC_DEFAULT" {
        return Err(refusal(
            "InvalidKeyUsageException",
            format!("{} is not a symmetric encryption key.", key.arn),
        ));
    }
    let context = call.input.get("EncryptionContext");
    Ok(said(json!({
        "CiphertextBlob": STANDARD.encode(encrypted(key, context, &nonce, &plain)),
        "Plaintext": shown.then(|| STANDARD.encode(&plain)),
        "KeyId": key.arn,
    })))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html>
pub(super) fn generate_random(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let length = call.input.get("NumberOfBytes").and_then(Value::as_u64);
    let Some(length @ 1..=1024) = length else {
        return Err(refusal("ValidationException", "NumberOfBytes is required."));
    };
    let bytes = random(world, usize::try_from(length).unwrap_or(1024));
    Ok(said(json!({"Plaintext": STANDARD.encode(bytes)})))
}
