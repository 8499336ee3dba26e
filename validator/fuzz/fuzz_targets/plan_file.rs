//! Any bytes as a file that somebody gives for a plan: recognised, or refused with what it is instead.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tfplan_check::plan::input::{self, Input};
use tfplan_check::plan::saved;

fuzz_target!(|bytes: &[u8]| {
    match input::recognise(bytes.to_vec()) {
        Ok(Input::Saved(archive)) => drop(saved::read(&archive.message, archive.rest)),
        Ok(_) => {}
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
