//! Any bytes as an AWS policy: an answer or an error with a place, never a panic. What is read is written, read again and
//! means the same; it is questioned as identity, boundary and resource policy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlops_access::aws::{Caller, Context, Policies, Policy, Request, evaluate};

fuzz_target!(|bytes: &[u8]| {
    let Ok(policy) = Policy::parse_bytes(bytes) else { return };
    let written = policy.to_json();
    let again = Policy::parse(&written).expect("what is written can be read");
    assert_eq!(again.to_json(), written);
    let _ = policy.findings();
    for context in [Context::open(), Context::closed().with("aws:SourceIp", "10.0.0.1")] {
        let role = Caller::role("arn:aws:iam::123456789012:role/app");
        let request = Request::in_context(role, "s3:GetObject", "arn:aws:s3:::a/x", context);
        let all = Policies::identity([&policy]).bounded_by(&policy).on_resource_with(&policy);
        let decisions = [evaluate(&request, &all), evaluate(&request, &Policies::identity([&policy]))];
        let again = evaluate(&request, &Policies::identity([&again])).verdict();
        assert_eq!(again.is_yes(), decisions[1].is_allowed());
        assert_eq!(again.is_no(), decisions[1].is_denied());
    }
});
