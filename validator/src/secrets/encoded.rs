//! Text behind base64 and gzip: user data, secrets of Kubernetes, cloud-init parts.

use std::io::Read as _;

use base64::Engine as _;

/// The most that is inflated: user data is at most 16 KiB, a gzip bomb is no user data.
const LIMIT: u64 = 1 << 20;

/// True for a long run of base64 and nothing else.
pub(super) fn may_be(value: &str) -> bool {
    value.len() >= 40
        && value.len().is_multiple_of(4)
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\n'))
}

/// The text behind an encoding, and which one it was. None for what is no base64, or holds no text (images, keys, random bytes).
pub(super) fn decode(value: &str) -> Option<(&'static str, String)> {
    let compact: String = value.split_whitespace().collect();
    if compact.len() < 16
        || compact.len() > 4 * (1 << 20)
        || !compact
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_'))
    {
        return None;
    }
    let engines = [
        &base64::engine::general_purpose::STANDARD_NO_PAD,
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
    ];
    let bytes = engines
        .iter()
        .find_map(|e| e.decode(compact.trim_end_matches('=')).ok())?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut text = String::new();
        // What was inflated before the limit or an error is still worth a look.
        let _ = flate2::read::MultiGzDecoder::new(&bytes[..])
            .take(LIMIT)
            .read_to_string(&mut text);
        return (!text.is_empty()).then_some(("in base64 and gzip", text));
    }
    let text = String::from_utf8(bytes).ok()?;
    let printable = text
        .chars()
        .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
    (printable && text.len() >= 4).then_some(("in base64", text))
}
