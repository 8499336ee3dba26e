//! The provider's process as a host sees it: handshake, who may connect, signals.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use rcgen::{CertifiedKey, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, Stream};

use super::workspace::{eventually, provider, signal};

/// What tells a provider that Terraform started it.
pub(crate) const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// A provider started as Terraform does.
struct Plugin {
    child: Child,
    line: String,
}

impl Plugin {
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(provider())
            .env(COOKIE.0, COOKIE.1)
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            line: line.trim_end().to_owned(),
        }
    }

    fn field(&self, index: usize) -> &str {
        self.line
            .split('|')
            .nth(index)
            .unwrap_or_else(|| panic!("{}", self.line))
    }

    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.field(3)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    }

    #[track_caller]
    fn ends(&mut self) -> Option<i32> {
        let mut code = None;
        eventually("the provider ends", Duration::from_secs(8), || {
            code = self.child.try_wait().unwrap();
            code.is_some()
        });
        code.unwrap().code()
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends a provider in order, so that it leaves no folder behind; by force where it does not heed.
pub(crate) fn end(child: &mut Child) {
    if let Ok(None) = child.try_wait() {
        signal("TERM", child.id().into());
        for _ in 0..100 {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// Takes the certificate of the handshake line, as the host does.
#[derive(Debug)]
struct Announced(Vec<u8>);

impl ServerCertVerifier for Announced {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        assert_eq!(end_entity.as_ref(), self.0);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}

fn certified() -> CertifiedKey<KeyPair> {
    rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap()
}

/// Whether a client with this certificate gets an HTTP/2 answer.
fn served(plugin: &Plugin, client: Option<&CertifiedKey<KeyPair>>) -> bool {
    let certificate = base64::engine::general_purpose::STANDARD_NO_PAD
        .decode(plugin.field(5))
        .unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Announced(certificate)));
    let mut config = match client {
        Some(client) => {
            let key = PrivatePkcs8KeyDer::from(client.signing_key.serialize_der()).into();
            let key = rustls::crypto::ring::sign::any_ecdsa_type(&key).unwrap();
            // Unchecked: one of the tests sends a certificate that is not of its key.
            let certified = rustls::sign::CertifiedKey::new(vec![client.cert.der().clone()], key);
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = plugin.connect();
    let mut stream = Stream::new(&mut connection, &mut socket);
    // Preface and empty settings; whoever is let in is answered with settings.
    let hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let mut answer = [0; 9];
    stream
        .write_all(hello)
        .and_then(|()| stream.read_exact(&mut answer))
        .is_ok()
        && answer[3] == 4
}

#[test]
fn only_the_certificate_of_the_host_is_let_in() {
    let host = certified();
    let plugin = Plugin::start(&[("PLUGIN_CLIENT_CERT", &host.cert.pem())]);
    assert!(!served(&plugin, None), "without certificate");
    assert!(!served(&plugin, Some(&certified())), "with another certificate");
    // The host's certificate is no secret; its key is.
    let forged = CertifiedKey {
        cert: host.cert.clone(),
        signing_key: certified().signing_key,
    };
    assert!(
        !served(&plugin, Some(&forged)),
        "with the host's certificate and another key"
    );
    assert!(served(&plugin, Some(&host)), "refused connections end nothing");
}

#[test]
fn the_handshake_line_has_six_fields_and_a_seventh_on_demand() {
    let plugin = Plugin::start(&[]);
    assert_eq!(plugin.line.split('|').count(), 6, "{}", plugin.line);
    assert!(plugin.line.starts_with("1|6|unix|"), "{}", plugin.line);
    assert_eq!(plugin.field(5), "", "no certificate, no TLS");
    let plugin = Plugin::start(&[("PLUGIN_MULTIPLEX_GRPC", "true")]);
    assert!(plugin.line.ends_with("|false"), "{}", plugin.line);
}

#[test]
fn the_socket_goes_where_the_host_wants_it_and_goes_with_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut plugin = Plugin::start(&[("PLUGIN_UNIX_SOCKET_DIR", folder.path().to_str().unwrap())]);
    assert!(
        plugin.field(3).starts_with(folder.path().to_str().unwrap()),
        "{}",
        plugin.line
    );
    signal("TERM", plugin.child.id().into());
    assert_eq!(plugin.ends(), Some(143));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn started_by_hand_it_explains_itself() {
    let output = Command::new(provider()).env_remove(COOKIE.0).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("registry.terraform.io/example/example"), "{said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_host_certificate_that_is_none_is_an_error_with_its_name() {
    let output = Command::new(provider())
        .env(COOKIE.0, COOKIE.1)
        .env("PLUGIN_CLIENT_CERT", "nonsense")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("PLUGIN_CLIENT_CERT"), "{said}");
}

#[test]
fn ctrl_c_is_ignored_and_a_closed_connection_is_the_end() {
    let mut plugin = Plugin::start(&[]);
    let connection = plugin.connect();
    signal("INT", plugin.child.id().into());
    std::thread::sleep(Duration::from_millis(300));
    assert!(plugin.child.try_wait().unwrap().is_none());
    drop(connection);
    assert_eq!(plugin.ends(), Some(1));
}
