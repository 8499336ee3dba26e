//! Any bytes as an AWS policy: an answer or an error with a place, never a panic; what is read, writes and reads back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlops_access::aws::Policy;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(policy) = Policy::parse_bytes(bytes) {
        let _ = policy.to_json();
        let _ = policy.findings();
    }
});
