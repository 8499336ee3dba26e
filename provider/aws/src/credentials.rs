//! What kind of credentials are in use, told from the access key id alone.

/// Kind of the resolved credentials. The caller decides what it accepts; the credentials themselves are never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialsKind {
    /// A user's access key (`AKIA…`): valid until somebody deletes it.
    LongTerm,
    /// A session's key (`ASIA…`): role, SSO, web identity, instance.
    Temporary,
    /// No key that AWS would have given out: the dummies used with test doubles.
    Dummy,
}

impl CredentialsKind {
    /// Tells the kind from an access key id.
    ///
    /// Prefixes: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>.
    pub fn of(access_key_id: &str) -> Self {
        let shaped = access_key_id.len() >= 16
            && access_key_id
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        match access_key_id.get(..4) {
            Some("AKIA") if shaped => Self::LongTerm,
            Some("ASIA") if shaped => Self::Temporary,
            _ => Self::Dummy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_users_key_from_a_sessions() {
        assert_eq!(
            CredentialsKind::of("AKIAIOSFODNN7EXAMPLE"),
            CredentialsKind::LongTerm
        );
        assert_eq!(
            CredentialsKind::of("ASIAIOSFODNN7EXAMPLE"),
            CredentialsKind::Temporary
        );
    }

    #[test]
    fn takes_nothing_else_for_a_real_key() {
        for dummy in [
            "test",
            "",
            "AKIA",
            "mock_access_key",
            "akiaiosfodnn7example",
            "ÄKIA",
        ] {
            assert_eq!(CredentialsKind::of(dummy), CredentialsKind::Dummy, "{dummy}");
        }
    }
}
