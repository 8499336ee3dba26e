//! Any text as a trust policy: its witness enters, and what it shares with itself and with another trust is what it says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlops_access::trust::{Containment, Overlap, TokenSet};

const OTHER: &str = r#"{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
    "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/gitlab.com"},
    "Condition": {"StringLike": {"gitlab.com:sub": "project_path:a/b:ref_type:tag:ref:v*"}}}}"#;

fuzz_target!(|text: &str| {
    let Ok(tokens) = TokenSet::of_aws_trust(text) else { return };
    if let Overlap::Token(token) = tokens.witness() {
        assert!(tokens.accepts(&token).is_yes(), "{token} does not enter");
    }
    let other = TokenSet::of_aws_trust(OTHER).expect("a trust");
    if let Overlap::Token(token) = tokens.overlap(&other) {
        assert!(tokens.accepts(&token).is_yes() && other.accepts(&token).is_yes(), "{token}");
        assert!(matches!(other.overlap(&tokens), Overlap::Token(_)));
    }
    if let Containment::No(token) = tokens.within(&other) {
        assert!(!tokens.accepts(&token).is_no() && !other.accepts(&token).is_yes(), "{token}");
    }
});
