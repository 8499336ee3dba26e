//! The pattern algebra on any patterns, one a line: a witness is inside all and outside all, containment agrees with it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlops_access::pattern::{Pattern, witness};

fuzz_target!(|text: &str| {
    // Long and many patterns are slow by nature; the bound on states is tested elsewhere.
    if text.len() > 96 {
        return;
    }
    let patterns: Vec<Pattern> = text.lines().take(4).map(Pattern::parse).collect();
    let (inside, outside) = patterns.split_at(patterns.len().div_ceil(2));
    let (inside, outside): (Vec<_>, Vec<_>) = (inside.iter().collect(), outside.iter().collect());
    if let Ok(Some(found)) = witness(&inside, &outside) {
        assert!(inside.iter().all(|p| p.matches(&found)), "{found:?} is not inside");
        assert!(!outside.iter().any(|p| p.matches(&found)), "{found:?} is not outside");
    }
    if let [one, two, ..] = &patterns[..] {
        assert_eq!(one.overlap(two).is_some(), two.overlap(one).is_some());
        if one.contains(two) && let Some(text) = two.overlap(two) {
            assert!(one.matches(&text));
        }
    }
});
