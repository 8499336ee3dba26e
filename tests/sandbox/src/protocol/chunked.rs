//! The body of an upload: plain, or in AWS's chunks with checksums behind them.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::exchange::Request;

/// What is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The chunks end early or are none.
    #[error("the chunks of the body are broken: {0}")]
    Chunks(&'static str),
    /// The length is not the announced one.
    #[error("{found} bytes came, {announced} were announced")]
    Length {
        /// Announced.
        announced: usize,
        /// Came.
        found: usize,
    },
    /// The checksum is another one.
    #[error("the {algorithm} that was specified did not match the calculated checksum")]
    Checksum {
        /// The algorithm in the header's spelling: `crc32`.
        algorithm: &'static str,
    },
    /// The hash in `x-amz-content-sha256` is another one.
    #[error("the provided 'x-amz-content-sha256' header does not match what was computed")]
    ContentSha256,
}

/// The bytes, and the trailers behind them.
///
/// # Errors
/// [`Broken`].
pub fn read(request: &Request) -> Result<(Bytes, Vec<(String, String)>), Broken> {
    let signed = request.header("x-amz-content-sha256").unwrap_or_default();
    let chunked = signed.starts_with("STREAMING-")
        || request
            .header("content-encoding")
            .is_some_and(|codings| codings.split(',').any(|coding| coding.trim() == "aws-chunked"));
    let (body, trailers) = if chunked {
        chunks(&request.body)?
    } else {
        (request.body.clone(), Vec::new())
    };
    if let Some(announced) = request
        .header("x-amz-decoded-content-length")
        .and_then(|length| length.parse().ok())
        .filter(|announced| *announced != body.len())
    {
        return Err(Broken::Length {
            announced,
            found: body.len(),
        });
    }
    if signed.len() == 64 && signed != hex(&Sha256::digest(&body)) {
        return Err(Broken::ContentSha256);
    }
    let claimed = |name: &str| {
        trailers
            .iter()
            .find(|(trailer, _)| trailer == name)
            .map(|(_, value)| value.clone())
            .or_else(|| request.header(name).map(str::to_owned))
    };
    // The two that SDKs send unless told otherwise; the others are kept as they are claimed.
    for (name, algorithm) in [
        ("x-amz-checksum-crc32", "crc32"),
        ("x-amz-checksum-sha256", "sha256"),
    ] {
        let Some(claimed) = claimed(name) else { continue };
        let found = match algorithm {
            "crc32" => STANDARD.encode(crc32(&body).to_be_bytes()),
            _ => STANDARD.encode(Sha256::digest(&body)),
        };
        if claimed != found {
            return Err(Broken::Checksum { algorithm });
        }
    }
    Ok((body, trailers))
}

fn chunks(body: &[u8]) -> Result<(Bytes, Vec<(String, String)>), Broken> {
    let mut rest = body;
    let mut bytes = Vec::with_capacity(body.len());
    loop {
        let line = line(&mut rest).ok_or(Broken::Chunks("no size"))?;
        let size = line.split(';').next().unwrap_or_default();
        let size =
            usize::from_str_radix(size.trim(), 16).map_err(|_| Broken::Chunks("the size is no number"))?;
        if size == 0 {
            break;
        }
        let chunk = rest.get(..size).ok_or(Broken::Chunks("a chunk ends early"))?;
        bytes.extend_from_slice(chunk);
        rest = rest[size..]
            .strip_prefix(b"\r\n")
            .ok_or(Broken::Chunks("a chunk does not end"))?;
    }
    let mut trailers = Vec::new();
    while let Some(line) = line(&mut rest) {
        if let Some((name, value)) = line.split_once(':') {
            trailers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    Ok((bytes.into(), trailers))
}

fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    if rest.is_empty() {
        return None;
    }
    let end = rest.windows(2).position(|pair| pair == b"\r\n");
    let (line, tail) = end.map_or((*rest, &[][..]), |end| (&rest[..end], &rest[end + 2..]));
    *rest = tail;
    std::str::from_utf8(line).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// CRC-32 of ISO 3309, as in zip files and S3's checksums. Bit by bit: bodies are small here.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
        crc
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_crc32() {
        // The published check value of CRC-32: <https://reveng.sourceforge.io/crc-catalogue/all.htm>
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn chunks_with_trailers() {
        let (bytes, trailers) =
            chunks(b"5;chunk-signature=x\r\nhello\r\n1\r\n!\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n")
                .unwrap();
        assert_eq!(&bytes[..], b"hello!");
        assert_eq!(trailers, [("x-amz-checksum-crc32".to_owned(), "AA==".to_owned())]);
        for broken in [&b"5\r\nhell"[..], b"x\r\n", b"", b"5\r\nhello0\r\n"] {
            assert!(chunks(broken).is_err());
        }
    }
}
