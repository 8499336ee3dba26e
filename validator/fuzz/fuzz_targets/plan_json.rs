//! Any text as a plan's JSON: read or refused with a place, and what is read is judged, drawn and told in every format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tfplan_check::backend::Evidence;
use tfplan_check::config::Config;
use tfplan_check::context::Context;
use tfplan_check::picture::Picture;
use tfplan_check::plan::input::{self, Input};
use tfplan_check::plan::json;
use tfplan_check::rules::{self, Rule};
use tfplan_check::source::build;
use tfplan_check::{baseline, judge};

fuzz_target!(|bytes: &[u8]| {
    let Ok(Input::Json(text)) = input::recognise(bytes.to_vec()) else { return };
    let plan = match json::read(&text) {
        Ok(plan) => plan,
        Err(error) => {
            assert!(!input::explain(&text, error).to_string().is_empty());
            return;
        }
    };
    let sources = build::sources_of(&plan.configuration);
    let all: Vec<&'static dyn Rule> = rules::all().collect();
    let (evidence, config) = (Evidence::default(), Config::default());
    let cx = Context::new(&plan, &evidence, &sources, &config);
    let found = judge::judge(&cx, &all);
    // The same plan has the same findings, and each has a place and a sentence.
    let again = judge::judge(&cx, &all);
    assert_eq!(found.len(), again.len());
    for (a, b) in found.iter().zip(&again) {
        assert_eq!(baseline::fingerprint(a, 0), baseline::fingerprint(b, 0));
        assert!(!a.what.is_empty());
    }
    let _ = Picture::of(&cx);
});
