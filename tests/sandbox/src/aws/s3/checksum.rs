//! Checksums of objects.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>: every object has one, CRC-64/NVME
//! unless its writer chose another algorithm.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};
use serde_json::Value;

use super::{invalid_argument, invalid_request};
use crate::answer::Refusal;
use crate::call::Call;

/// An algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Algorithm {
    /// As `ChecksumAlgorithm` has it.
    pub(super) name: &'static str,
    /// The member that carries a checksum of it.
    pub(super) member: &'static str,
    /// Whether checksums of parts may be put together into one of the whole.
    pub(super) whole: bool,
}

/// Those that are carried here, the usual one first.
const ALL: [Algorithm; 7] = [
    Algorithm {
        name: "CRC64NVME",
        member: "ChecksumCRC64NVME",
        whole: true,
    },
    Algorithm {
        name: "CRC32",
        member: "ChecksumCRC32",
        whole: true,
    },
    Algorithm {
        name: "CRC32C",
        member: "ChecksumCRC32C",
        whole: true,
    },
    Algorithm {
        name: "SHA1",
        member: "ChecksumSHA1",
        whole: false,
    },
    Algorithm {
        name: "SHA256",
        member: "ChecksumSHA256",
        whole: false,
    },
    Algorithm {
        name: "SHA512",
        member: "ChecksumSHA512",
        whole: false,
    },
    Algorithm {
        name: "MD5",
        member: "ChecksumMD5",
        whole: false,
    },
];

impl Algorithm {
    /// The one that S3 takes where nobody chose.
    pub(super) fn usual() -> Self {
        ALL[0]
    }

    /// By its name.
    pub(super) fn named(name: &str) -> Result<Self, Refusal> {
        ALL.iter().find(|algorithm| algorithm.name == name).copied().ok_or_else(|| {
            Refusal::new(
                501,
                "NotImplemented",
                format!("A header you provided implies functionality that is not implemented: the sandbox does not carry {name}"),
            )
        })
    }

    /// The checksum of bytes.
    pub(super) fn raw(self, bytes: &[u8]) -> Vec<u8> {
        // The upper half of a CRC of 32 bits is empty.
        let crc32 = |algorithm| crc_fast::checksum(algorithm, bytes).to_be_bytes()[4..].to_vec();
        match self.name {
            "CRC32" => crc32(CrcAlgorithm::Crc32IsoHdlc),
            "CRC32C" => crc32(CrcAlgorithm::Crc32Iscsi),
            "SHA1" => sha1::Sha1::digest(bytes).to_vec(),
            "SHA256" => {
                use sha2::Digest as _;
                sha2::Sha256::digest(bytes).to_vec()
            }
            "SHA512" => {
                use sha2::Digest as _;
                sha2::Sha512::digest(bytes).to_vec()
            }
            "MD5" => Md5::digest(bytes).to_vec(),
            _ => crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes)
                .to_be_bytes()
                .to_vec(),
        }
    }

    /// The checksum of bytes as S3 writes it.
    pub(super) fn text(self, bytes: &[u8]) -> String {
        STANDARD.encode(self.raw(bytes))
    }
}

/// MD5 in hexadecimal digits, which ETags are made of.
pub(super) fn md5_hex(bytes: &[u8]) -> String {
    Md5::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The algorithm that the writer of some bytes chose, and what it says the checksum is; `None` if it chose none.
fn claimed(input: &Value) -> Result<Option<(Algorithm, &str)>, Refusal> {
    let mut found = None;
    for algorithm in ALL {
        let Some(value) = input.get(algorithm.member).and_then(Value::as_str) else {
            continue;
        };
        if found.replace((algorithm, value)).is_some() {
            return Err(invalid_request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
    }
    Ok(found)
}

/// Checks bytes that come in against what their writer says of them; the algorithm to keep, with its checksum.
pub(super) fn verified(call: &Call, bytes: &[u8]) -> Result<(Algorithm, String), Refusal> {
    if let Some(md5) = call.text("ContentMD5") {
        match STANDARD.decode(md5) {
            Ok(claimed) if claimed.len() == 16 => {
                if claimed != Md5::digest(bytes).to_vec() {
                    return Err(Refusal::new(
                        400,
                        "BadDigest",
                        "The Content-MD5 you specified did not match what we received.",
                    ));
                }
            }
            _ => {
                return Err(Refusal::new(
                    400,
                    "InvalidDigest",
                    "The Content-MD5 you specified was invalid.",
                ));
            }
        }
    }
    let asked = call.text("ChecksumAlgorithm").map(Algorithm::named).transpose()?;
    let Some((algorithm, claimed)) = claimed(&call.input)? else {
        return match asked {
            Some(_) => Err(invalid_request(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
            )),
            None => {
                let usual = Algorithm::usual();
                Ok((usual, usual.text(bytes)))
            }
        };
    };
    if asked.is_some_and(|asked| asked != algorithm) {
        return Err(invalid_request(
            "Value for x-amz-sdk-checksum-algorithm header is invalid.",
        ));
    }
    let length = STANDARD.decode(claimed).map(|bytes| bytes.len());
    if length != Ok(algorithm.raw(b"").len()) {
        return Err(invalid_argument(format!(
            "Value for x-amz-checksum-{} header is invalid.",
            algorithm.name.to_lowercase()
        )));
    }
    let found = algorithm.text(bytes);
    if claimed != found {
        return Err(Refusal::new(
            400,
            "BadDigest",
            format!(
                "The {} you specified did not match the calculated checksum.",
                algorithm.name
            ),
        ));
    }
    Ok((algorithm, found))
}

#[cfg(test)]
mod tests {
    use super::Algorithm;

    /// The published check values: <https://reveng.sourceforge.io/crc-catalogue/all.htm>, and FIPS 180 for SHA-256.
    #[test]
    fn algorithms_give_their_check_values() {
        let hex = |name: &str, text: &[u8]| -> String {
            Algorithm::named(name)
                .unwrap()
                .raw(text)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect()
        };
        assert_eq!(hex("CRC32", b"123456789"), "cbf43926");
        assert_eq!(hex("CRC32C", b"123456789"), "e3069283");
        assert_eq!(hex("CRC64NVME", b"123456789"), "ae8b14860a799888");
        assert_eq!(hex("SHA1", b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert!(hex("SHA256", b"abc").starts_with("ba7816bf"));
        assert_eq!(hex("MD5", b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(Algorithm::named("XXHASH3").unwrap_err().code, "NotImplemented");
    }
}
