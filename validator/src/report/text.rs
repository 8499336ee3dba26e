//! The report for people, in the manner of rustc.

use std::fmt::Write;

use crate::finding::{Finding, Level, Verdict};

/// Renders findings, ending in one line with all counts.
#[must_use]
pub fn render(findings: &[Finding]) -> String {
    let mut out = String::new();
    for f in findings {
        let head = if f.verdict == Verdict::Undecided {
            "undecided"
        } else {
            f.level.name()
        };
        let _ = writeln!(
            out,
            "{head}[{} {}]: {}\n  --> {}\n   = why: {}",
            f.rule.code, f.rule.name, f.what, f.place, f.why
        );
        for (place, note) in &f.related {
            let _ = writeln!(out, "   = note: {note}: {place}");
        }
        if let Some(fix) = &f.fix {
            let _ = writeln!(out, "   = help: write instead");
            for line in fix.lines() {
                let _ = writeln!(out, "       {line}");
            }
        }
        out.push('\n');
    }
    let count = |l| {
        findings
            .iter()
            .filter(|f| f.verdict == Verdict::Wrong && f.level == l)
            .count()
    };
    let undecided = findings
        .iter()
        .filter(|f| f.verdict == Verdict::Undecided)
        .count();
    let _ = writeln!(
        out,
        "{} errors, {} warnings, {} notes, {undecided} undecided",
        count(Level::Error),
        count(Level::Warning),
        count(Level::Note)
    );
    out
}
