//! Recognising a secret again without knowing it.

use std::fmt;

use sha2::{Digest, Sha256};

use super::kind::Kind;

/// The first 48 bits of a hash of a machine-made secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 6]);

impl Fingerprint {
    /// The fingerprint of `secret`; none for what people choose, because a hash of a password is a way to try words on it.
    #[must_use]
    pub fn of(kind: Kind, secret: &str) -> Option<Self> {
        let guessable = matches!(kind, Kind::Password | Kind::ConnectionString) || secret.len() < 16;
        if guessable {
            return None;
        }
        let hash = Sha256::new()
            .chain_update(b"tfplan-check\0")
            .chain_update(secret.as_bytes())
            .finalize();
        let mut first = [0; 6];
        first.copy_from_slice(&hash[..6]);
        Some(Self(first))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}
