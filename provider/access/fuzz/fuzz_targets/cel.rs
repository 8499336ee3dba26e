//! Any text as a condition.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlops_access::gcp::cel::Expr;

fuzz_target!(|text: &str| {
    let _ = Expr::parse(text);
});
