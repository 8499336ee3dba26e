//! Any text as the tool's own configuration, and as a baseline: taken, or refused with what to write.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tfplan_check::baseline::Baseline;
use tfplan_check::config;

fuzz_target!(|text: &str| {
    match config::parse(text, jiff::civil::date(2026, 1, 1)) {
        Ok(config) => drop(config.environment_of(text)),
        Err(complaints) => {
            assert!(!complaints.is_empty());
            for c in complaints {
                assert!(!c.message.is_empty());
                if let Some(span) = c.span {
                    assert!(span.start <= span.end && span.end <= text.len() + 1);
                }
            }
        }
    }
    if let Ok(baseline) = Baseline::parse(text) {
        let written = serde_json::to_string(&baseline).expect("texts only");
        assert!(Baseline::parse(&written).is_ok());
    }
});
