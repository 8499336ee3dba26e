//! Any text as a Google Cloud policy.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlops_access::gcp::Policy;

fuzz_target!(|text: &str| {
    let _ = Policy::parse(text);
});
