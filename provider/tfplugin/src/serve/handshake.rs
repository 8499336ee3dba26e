//! What the host says in the environment, and the one line we answer on stdout.
//!
//! Source: `hashicorp/go-plugin:docs/internals.md`, `server.go`; the cookie: `hashicorp/terraform:internal/plugin6/serve.go`.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

const COOKIE_NAME: &str = "TF_PLUGIN_MAGIC_COOKIE";
const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// Whether this process was started by Terraform, rather than by hand.
///
/// A provider with subcommands asks this first: under Terraform it goes straight to [`serve()`](super::serve()).
pub fn started_by_terraform() -> bool {
    std::env::var(COOKIE_NAME).is_ok_and(|cookie| cookie == COOKIE)
}

/// The host's wishes, out of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// PEM of the host's certificate. Absent when the user turned TLS off (`TF_DISABLE_PLUGIN_TLS`).
    pub(super) client_certificate: Option<String>,
    /// Folder to put the socket in.
    pub(super) socket_dir: Option<PathBuf>,
    /// Name or number of the group that may use the socket.
    pub(super) socket_group: Option<String>,
    /// The host asks whether brokered streams may share the connection; it wants the seventh field then.
    pub(super) multiplex: bool,
    /// Ports for the case of no usable unix socket.
    pub(super) ports: (u16, u16),
}

impl Host {
    /// Reads the variables through `var`; an empty one counts as absent.
    pub(super) fn from_vars(var: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name: &str| var(name).filter(|value| !value.is_empty());
        let port = |name: &str| var(name).and_then(|text| text.parse::<u16>().ok());
        Self {
            client_certificate: var("PLUGIN_CLIENT_CERT"),
            socket_dir: var("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            socket_group: var("PLUGIN_UNIX_SOCKET_GROUP"),
            multiplex: var("PLUGIN_MULTIPLEX_GRPC").is_some(),
            ports: match (port("PLUGIN_MIN_PORT"), port("PLUGIN_MAX_PORT")) {
                (Some(min), Some(max)) if min <= max => (min, max),
                // What Terraform sends.
                _ => (10_000, 25_000),
            },
        }
    }
}

/// The handshake line: `1|6|unix|<path>|grpc|<certificate>`.
///
/// `network` and `address` say where we listen, `certificate` is our certificate's DER where TLS is on. Seventh field
/// only for a host that asked about multiplexing, which we do not do.
pub(super) fn line(network: &str, address: &str, certificate: Option<&[u8]>, host: &Host) -> String {
    let certificate = certificate
        .map(|der| STANDARD_NO_PAD.encode(der))
        .unwrap_or_default();
    let multiplex = if host.multiplex { "|false" } else { "" };
    format!("1|6|{network}|{address}|grpc|{certificate}{multiplex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(vars: &[(&str, &str)]) -> Host {
        Host::from_vars(|name| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_certificate_is_base64_without_padding() {
        let line = line("unix", "/tmp/a/s", Some(&[1, 2, 3, 4]), &host(&[]));
        assert_eq!(line, "1|6|unix|/tmp/a/s|grpc|AQIDBA");
    }

    #[test]
    fn without_tls_the_certificate_is_empty() {
        assert_eq!(
            line("tcp", "127.0.0.1:10000", None, &host(&[])),
            "1|6|tcp|127.0.0.1:10000|grpc|"
        );
    }

    #[test]
    fn a_host_that_asks_about_multiplexing_is_told_no() {
        let host = host(&[("PLUGIN_MULTIPLEX_GRPC", "true")]);
        assert_eq!(line("unix", "/s", None, &host), "1|6|unix|/s|grpc||false");
    }

    #[test]
    fn empty_variables_count_as_absent() {
        let host = host(&[
            ("PLUGIN_CLIENT_CERT", ""),
            ("PLUGIN_UNIX_SOCKET_DIR", ""),
            ("PLUGIN_MULTIPLEX_GRPC", ""),
        ]);
        assert_eq!(host, self::host(&[]));
    }

    #[test]
    fn nonsense_ports_fall_back_to_terraforms() {
        let host = host(&[("PLUGIN_MIN_PORT", "30000"), ("PLUGIN_MAX_PORT", "20")]);
        assert_eq!(host.ports, (10_000, 25_000));
    }
}
