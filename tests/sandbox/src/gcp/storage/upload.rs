//! Uploads: in one request, with what is known about the object before it, or in pieces
//! (<https://cloud.google.com/storage/docs/uploads-downloads>).

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::object::{check_generation, write};
use super::{bucket_of, checksum, say};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::gcp::description::{self, Found, Query};
use crate::world::World;

/// A resumable upload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// The input of the call that began it.
    pub input: Value,
    /// What came so far.
    #[serde(serialize_with = "super::as_base64", deserialize_with = "super::from_base64")]
    pub content: Vec<u8>,
    /// When it was begun.
    pub begun: Timestamp,
    /// The object, when it is whole.
    pub done: Option<Value>,
}

/// Reads a request on the upload path into the call's input and content.
///
/// # Errors
/// 400 for what does not fit.
pub(crate) fn read(
    found: &Found,
    query: &Query,
    headers: &HeaderMap,
    body: &Bytes,
    verb: &str,
) -> Result<(Value, Bytes), Refusal> {
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let kind = query.get("uploadType").unwrap_or_default();
    let id = query.get("upload_id").unwrap_or_default();
    if verb == "PUT" || !id.is_empty() {
        let mut input = description::read(found, query, b"")?;
        input["$upload"] = json!("piece");
        input["$id"] = json!(id);
        input["$range"] = json!(header("content-range"));
        return Ok((input, body.clone()));
    }
    let (metadata, content, content_type) = match kind {
        "media" => (Bytes::new(), body.clone(), header("content-type").to_owned()),
        "multipart" => multipart(header("content-type"), body)?,
        "resumable" => (
            body.clone(),
            Bytes::new(),
            header("x-upload-content-type").to_owned(),
        ),
        other => return Err(say::invalid(format!("Invalid upload type: '{other}'"))),
    };
    let mut input = description::read(found, query, &metadata)?;
    if let Some(name) = query.get("name") {
        input["name"] = json!(name);
    }
    if !content_type.is_empty() && input["body"].get("contentType").is_none() {
        input["body"]["contentType"] = json!(content_type);
    }
    for piece in headers
        .get_all("x-goog-hash")
        .iter()
        .filter_map(|value| value.to_str().ok())
    {
        for hash in piece.split(',') {
            if let Some((name, value)) = hash.trim().split_once('=') {
                let member = if name == "md5" { "md5Hash" } else { name };
                input["body"][member] = json!(value);
            }
        }
    }
    input["$upload"] = json!(kind);
    Ok((input, content))
}

/// The two parts of `multipart/related` (RFC 2387): what is known about the object, and its content with its type.
fn multipart(content_type: &str, body: &Bytes) -> Result<(Bytes, Bytes, String), Refusal> {
    let wrong = || say::invalid("The multipart/related body does not have two parts.");
    let boundary = content_type
        .split(';')
        .filter_map(|part| part.trim().strip_prefix("boundary="))
        .map(|boundary| boundary.trim_matches(['"', '\'']))
        .next()
        .ok_or_else(wrong)?;
    let mark = format!("--{boundary}");
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(at) = find(body.get(from..).unwrap_or_default(), mark.as_bytes()) {
        places.push(from + at);
        from += at + mark.len();
    }
    let part = |index: usize| {
        let begin = places.get(index)? + mark.len();
        let end = *places.get(index + 1)?;
        let part = body.get(begin..end)?;
        // Headers end at an empty line; content ends before the line break of the next boundary.
        let (at, gap) = match (find(part, b"\r\n\r\n"), find(part, b"\n\n")) {
            (Some(at), _) => (at, 4),
            (None, at) => (at?, 2),
        };
        let headers = String::from_utf8_lossy(part.get(..at)?).into_owned();
        let content = part.get(at + gap..)?;
        let content = content
            .strip_suffix(b"\r\n")
            .or_else(|| content.strip_suffix(b"\n"))
            .unwrap_or(content);
        Some((headers, Bytes::copy_from_slice(content)))
    };
    let (_, metadata) = part(0).ok_or_else(wrong)?;
    let (headers, content) = part(1).ok_or_else(wrong)?;
    let kind = headers
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default();
    Ok((metadata, content, kind))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len().max(1))
        .position(|window| window == wanted)
}

/// Answers an insert.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    match call.text("$upload").unwrap_or_default() {
        "piece" => piece(world, call),
        "resumable" => begin(world, call),
        _ => {
            bucket_of(world, call)?;
            let name = name(&call.input);
            let body = call.body().clone();
            check_sums(&body, &call.payload)?;
            Ok(write(world, call, &name, body, call.payload.to_vec())?.into())
        }
    }
}

fn name(input: &Value) -> String {
    input
        .get("name")
        .or_else(|| input.pointer("/body/name"))
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// Checksums that came along must be right; words of Cloud Storage's, seen in public issues.
fn check_sums(body: &Value, content: &[u8]) -> Result<(), Refusal> {
    for (member, what, found) in [
        ("crc32c", "CRC32C", checksum::crc32c(content)),
        ("md5Hash", "MD5 hash", checksum::md5(content)),
    ] {
        if let Some(given) = body.get(member).and_then(Value::as_str)
            && given != found
        {
            return Err(say::invalid(format!(
                "Provided {what} \"{given}\" doesn't match calculated {what} \"{found}\"."
            )));
        }
    }
    Ok(())
}

fn begin(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let bucket = bucket_of(world, call)?;
    // Pre-conditions are looked at when it begins and when it ends.
    check_generation(call, bucket.live(&name(&call.input)), "")?;
    let bucket = bucket.name.clone();
    let id = world.random.hex(48);
    let session = Session {
        input: call.input.clone(),
        content: Vec::new(),
        begun: call.at,
        done: None,
    };
    world.gcp.sessions.insert(id.clone(), session);
    let url = format!(
        "{}/gcp/storage/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={id}",
        call.origin
    );
    Ok(bare(200, &[("location", &url), ("x-guploader-uploadid", &id)]))
}

/// An answer of headers alone.
fn bare(status: u16, headers: &[(&str, &str)]) -> Answer {
    let headers: serde_json::Map<String, Value> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    json!({"$status": status, "$headers": headers}).into()
}

/// A piece of a resumable upload, or the question how much has come: `bytes 0-99/*`, `bytes 100-149/150`, `bytes */150`, `bytes */*`.
fn piece(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let id = call.required("$id").to_owned();
    let Some(session) = world.gcp.sessions.get_mut(&id) else {
        return Err(Refusal::new(404, "NOT_FOUND", "Upload session not found.").with("reason", "notFound"));
    };
    if let Some(done) = &session.done {
        return Ok(done.clone().into());
    }
    let (bytes, total) = call
        .required("$range")
        .strip_prefix("bytes ")
        .and_then(|range| range.split_once('/'))
        .unwrap_or(("", ""));
    let have = session.content.len();
    let mut whole = bytes.is_empty();
    if let Some((first, last)) = bytes.split_once('-') {
        let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) else {
            return Err(say::invalid(format!(
                "Invalid Content-Range: {}",
                call.required("$range")
            )));
        };
        if first > have || last + 1 != first + call.payload.len() {
            return Err(say::invalid(format!(
                "Invalid Content-Range: {}; {have} bytes have come so far.",
                call.required("$range")
            )));
        }
        // What was sent twice is taken once.
        session
            .content
            .extend_from_slice(call.payload.get(have - first..).unwrap_or_default());
    } else if whole {
        session.content.extend_from_slice(&call.payload);
    }
    whole |= total.parse() == Ok(session.content.len());
    if !whole {
        let come = session.content.len();
        let range = format!("bytes=0-{}", come.saturating_sub(1));
        return Ok(if come == 0 {
            bare(308, &[])
        } else {
            bare(308, &[("range", &range)])
        });
    }
    let (input, content) = (session.input.clone(), session.content.clone());
    let body = input.get("body").cloned().unwrap_or_else(|| json!({}));
    check_sums(&body, &content)?;
    let mut insert = call.clone();
    insert.input = input;
    let name = name(&insert.input);
    let told = write(world, &insert, &name, body, content)?;
    if let Some(session) = world.gcp.sessions.get_mut(&id) {
        session.done = Some(told.clone());
        session.content.clear();
    }
    Ok(told.into())
}
