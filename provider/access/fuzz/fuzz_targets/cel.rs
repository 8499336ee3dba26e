//! Any text as an expression: evaluated for a token, and solved as the condition and the mapping of a provider. What the
//! solver finds, the evaluator must let in.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use mlops_access::{
    gcp::{Provider, cel::Expr},
    trust::{Overlap, Token, TokenSet},
};

const POOL: &str = "projects/1/locations/global/workloadIdentityPools/p";

fuzz_target!(|text: &str| {
    if Expr::parse(text).is_err() {
        return;
    }
    let token = Token::oidc("issuer.example")
        .with("aud", "me")
        .with("sub", "s")
        .with("repository_id", "2")
        .with("ref", "refs/heads/main");
    for (gate, condition) in [("assertion.repository_id", Some(text)), (text, None)] {
        let provider = Provider {
            pool: POOL.to_owned(),
            issuer: "issuer.example".to_owned(),
            audiences: vec!["me".to_owned()],
            mapping: BTreeMap::from([
                ("google.subject".to_owned(), "assertion.sub".to_owned()),
                ("attribute.gate".to_owned(), gate.to_owned()),
            ]),
            condition: condition.map(str::to_owned),
        };
        let _ = provider.accepts(&token);
        let _ = provider.attribute("attribute.gate", &token);
        let member = format!("principalSet://iam.googleapis.com/{POOL}/attribute.gate/2");
        let Ok(set) = TokenSet::of_gcp_member(&member, std::slice::from_ref(&provider)) else {
            continue;
        };
        if let Overlap::Token(token) = set.witness() {
            let accepted = provider.accepts(&token).expect("it was parsed");
            assert!(!accepted.is_no(), "the solver's {token} is refused by {text}");
        }
    }
});
