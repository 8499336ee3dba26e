//! Checksums as Cloud Storage tells them: base64, CRC32C in big-endian order
//! (<https://cloud.google.com/storage/docs/data-validation>).

use base64::Engine as _;
use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};

/// CRC32C (Castagnoli), in base64.
pub(super) fn crc32c(content: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD
        .encode(&crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, content).to_be_bytes()[4..])
}

/// MD5, in base64.
pub(super) fn md5(content: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(Md5::digest(content))
}

#[cfg(test)]
mod tests {
    /// The example of the documentation's page on hashes and ETags, and RFC 3720's check value.
    #[test]
    fn known_values() {
        assert_eq!(super::crc32c(b"123456789"), "4waSgw==");
        assert_eq!(super::md5(b""), "1B2M2Y8AsgTpgAmY7PhCfg==");
    }
}
