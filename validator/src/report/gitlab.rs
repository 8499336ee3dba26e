//! GitLab code quality: a JSON array; equal fingerprints would be shown once, so ours hold the address.

use serde_json::json;

use super::{counts, location, sentence};
use crate::check::Outcome;
use crate::finding::{Level, Verdict};

/// Renders an outcome. What is waived or known does not appear: GitLab has no place for it.
#[must_use]
pub fn render(outcome: &Outcome) -> String {
    let list: Vec<_> = outcome
        .all()
        .filter(|(j, _)| counts(j))
        .map(|(j, plan)| {
            let (file, line, _, end_line, _) = location(j, plan, outcome);
            let severity = match (j.finding.verdict, j.finding.level) {
                (Verdict::Undecided, Level::Note) | (_, Level::Note) => "info",
                (_, Level::Warning) => "major",
                (_, Level::Error) => "critical",
            };
            json!({
                "description": format!("{} {}", j.finding.rule.code, sentence(j)),
                "check_name": j.finding.rule.code,
                "fingerprint": j.fingerprint,
                "severity": severity,
                "location": { "path": file.strip_prefix("./").unwrap_or(&file), "lines": { "begin": line, "end": end_line } },
            })
        })
        .collect();
    let mut out = serde_json::to_string_pretty(&list).unwrap_or_default();
    out.push('\n');
    out
}
