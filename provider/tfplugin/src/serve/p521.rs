//! Verification of ECDSA signatures over P-521.
//!
//! Terraform's key for mutual TLS is always P-521 (`hashicorp/go-plugin:mtls.go`), which *ring* does not know. The
//! alternatives were measured: aws-lc-rs needs minutes of C to build and 55-70 ms for its first random number, the
//! pure-Rust crate 11 CPU-seconds to build and 0.4 ms per verification, of which there is one per process.

use p521::ecdsa::signature::Verifier;
use p521::ecdsa::{Signature, VerifyingKey};
use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};

/// The algorithms to give to rustls' `verify_tls1?_signature`.
pub(super) static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[&EcdsaP521Sha512],
    mapping: &[(SignatureScheme::ECDSA_NISTP521_SHA512, &[&EcdsaP521Sha512])],
};

#[derive(Debug)]
struct EcdsaP521Sha512;

impl SignatureVerificationAlgorithm for EcdsaP521Sha512 {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(key).map_err(|_| InvalidSignature)?;
        let signature = Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        key.verify(message, &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA512
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p521::ecdsa::SigningKey;
    use p521::ecdsa::signature::Signer;

    fn key(seed: u8) -> SigningKey {
        let mut bytes = [seed; 66];
        // The first byte of the order is 1.
        bytes[0] = 0;
        SigningKey::from_slice(&bytes).unwrap()
    }

    fn verify(key: &SigningKey, message: &[u8], signature: &Signature) -> bool {
        let point = VerifyingKey::from(key).to_sec1_point(false);
        EcdsaP521Sha512
            .verify_signature(point.as_bytes(), message, signature.to_der().as_bytes())
            .is_ok()
    }

    #[test]
    fn only_the_keys_own_signature_over_the_very_message_is_taken() {
        let signature: Signature = key(7).sign(b"transcript");
        assert!(verify(&key(7), b"transcript", &signature));
        assert!(!verify(&key(7), b"transcripT", &signature));
        assert!(!verify(&key(8), b"transcript", &signature));
    }

    #[test]
    fn nonsense_is_refused_without_panic() {
        assert!(EcdsaP521Sha512.verify_signature(b"", b"m", b"").is_err());
        assert!(
            EcdsaP521Sha512
                .verify_signature(&[4; 133], b"m", &[0x30; 9])
                .is_err()
        );
    }
}
