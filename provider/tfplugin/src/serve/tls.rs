//! Mutual TLS with the one host that started us.
//!
//! The host hands its certificate over in `PLUGIN_CLIENT_CERT` and takes ours from the handshake line. Both are
//! self-signed, made for this process. The host's is a CA used as a leaf, which path validation refuses
//! (`CaUsedAsEndEntity`), so it is pinned instead: the very certificate, byte for byte, and proof of its key.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName as Name, ServerConfig, SignatureScheme,
};

use super::p521;

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// `PLUGIN_CLIENT_CERT` holds no certificate.
    #[error("the host's certificate in PLUGIN_CLIENT_CERT is not PEM: {0}")]
    ClientCertificate(#[source] rustls::pki_types::pem::Error),
    /// Our certificate could not be made.
    #[error("cannot make the server's certificate: {0}")]
    ServerCertificate(#[from] rcgen::Error),
    /// rustls refused the set-up.
    #[error("cannot set up TLS: {0}")]
    Rustls(#[from] rustls::Error),
}

/// What serving over TLS needs.
pub(super) struct Tls {
    /// For the acceptor.
    pub(super) config: Arc<ServerConfig>,
    /// Our certificate, for the handshake line.
    pub(super) certificate: CertificateDer<'static>,
}

/// Makes a key and certificate and pins the host's certificate, given as PEM.
///
/// # Errors
/// [`TlsError`]: the PEM is not a certificate, or key, certificate or set-up failed.
pub(super) fn for_host(client_certificate_pem: &str) -> Result<Tls, TlsError> {
    let pinned = CertificateDer::from_pem_slice(client_certificate_pem.as_bytes())
        .map_err(TlsError::ClientCertificate)?;
    // Not installed as the process default: that choice stays free for the provider's own HTTP clients.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let certificate = certificate_params()?.self_signed(&key)?.der().clone();
    let verifier = Arc::new(PinnedClient {
        pinned,
        ring: provider.signature_verification_algorithms,
    });
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![certificate.clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    // One connection per process: nothing will ever be resumed.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Tls {
        config: Arc::new(config),
        certificate,
    })
}

/// What Go's verification asks of the server: name `localhost`, a CA (it is its own root) that may sign, for servers.
fn certificate_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
        KeyUsagePurpose::KeyAgreement,
        KeyUsagePurpose::KeyCertSign,
    ];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// Accepts exactly one client certificate.
#[derive(Debug)]
struct PinnedClient {
    pinned: CertificateDer<'static>,
    ring: WebPkiSupportedAlgorithms,
}

impl PinnedClient {
    fn algorithms(&self, scheme: SignatureScheme) -> &WebPkiSupportedAlgorithms {
        match scheme {
            SignatureScheme::ECDSA_NISTP521_SHA512 => &p521::ALGORITHMS,
            _ => &self.ring,
        }
    }
}

impl ClientCertVerifier for PinnedClient {
    fn root_hint_subjects(&self) -> &[Name] {
        // A hint would make Go look for a certificate issued by it, and send none.
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if end_entity.as_ref() == self.pinned.as_ref() {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, self.algorithms(dss.scheme))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, self.algorithms(dss.scheme))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = p521::ALGORITHMS.supported_schemes();
        schemes.extend(self.ring.supported_schemes());
        schemes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_text_that_is_no_certificate() {
        assert!(matches!(for_host("hello"), Err(TlsError::ClientCertificate(_))));
    }

    #[test]
    fn offers_the_scheme_of_terraforms_key() {
        let provider = rustls::crypto::ring::default_provider();
        let verifier = PinnedClient {
            pinned: CertificateDer::from(vec![1]),
            ring: provider.signature_verification_algorithms,
        };
        assert_eq!(
            verifier.supported_verify_schemes()[0],
            SignatureScheme::ECDSA_NISTP521_SHA512
        );
    }

    #[test]
    fn refuses_another_certificate_than_the_pinned_one() {
        let provider = rustls::crypto::ring::default_provider();
        let verifier = PinnedClient {
            pinned: CertificateDer::from(vec![1, 2, 3]),
            ring: provider.signature_verification_algorithms,
        };
        let refused = verifier.verify_client_cert(&CertificateDer::from(vec![1, 2, 4]), &[], UnixTime::now());
        assert!(refused.is_err());
        let accepted =
            verifier.verify_client_cert(&CertificateDer::from(vec![1, 2, 3]), &[], UnixTime::now());
        assert!(accepted.is_ok());
    }
}
