//! Any text as a trust policy, asked for a witness.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlops_access::trust::TokenSet;

fuzz_target!(|text: &str| {
    if let Ok(tokens) = TokenSet::of_aws_trust(text) {
        let _ = tokens.witness();
        let _ = tokens.overlap(&tokens);
    }
});
