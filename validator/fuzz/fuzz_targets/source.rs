//! Any text as configuration: parsed or refused with a place, evaluated as far as it is known, and judged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tfplan_check::backend::Evidence;
use tfplan_check::config::Config;
use tfplan_check::context::Context;
use tfplan_check::finding::Place;
use tfplan_check::judge;
use tfplan_check::rules::{self, Rule};
use tfplan_check::source::{Sources, build};

fuzz_target!(|text: &str| {
    let sources = Sources::from_text(text);
    let plan = build::sketch(&sources);
    let all: Vec<&'static dyn Rule> = rules::all().collect();
    let found = judge::judge(&Context::new(&plan, &Evidence::default(), &sources, &Config::default()), &all);
    for place in found.iter().map(|f| &f.place).chain([&Place::backend("")]) {
        if let Some(span) = sources.locate(place) {
            assert!(span.line >= 1 && span.line <= span.end_line && span.column >= 1);
        }
    }
});
