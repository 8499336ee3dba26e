//! GitHub workflow commands. GitHub shows ten of a level a step and fifty a job and drops the rest without a word: the worst come
//! first, and the last annotation says how many are not shown.

use std::fmt::Write;

use super::{counts, location, remarks, sentence, summary};
use crate::check::Outcome;
use crate::finding::Level;

/// Shown of each level, a step.
const SHOWN: usize = 10;

fn text(s: &str) -> String {
    s.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(s: &str) -> String {
    text(s).replace(':', "%3A").replace(',', "%2C")
}

/// Renders an outcome.
#[must_use]
pub fn render(outcome: &Outcome, fail_on: Level) -> String {
    let mut out = String::new();
    for (level, command) in [
        (Level::Error, "error"),
        (Level::Warning, "warning"),
        (Level::Note, "notice"),
    ] {
        let all: Vec<_> = outcome
            .all()
            .filter(|(j, _)| counts(j) && j.finding.level == level)
            .collect();
        let remarks: Vec<String> = if level == Level::Error {
            outcome.plans.iter().flat_map(remarks).collect()
        } else {
            Vec::new()
        };
        let room = SHOWN - remarks.len().min(SHOWN - 1);
        for r in &remarks {
            let _ = writeln!(out, "::error title=tfplan-check::{}", text(r));
        }
        // One annotation is kept for the sentence about the others.
        let shown = if all.len() > room { room - 1 } else { all.len() };
        for (j, plan) in &all[..shown] {
            let (file, line, column, end_line, _) = location(j, *plan, outcome);
            let f = &j.finding;
            let title = format!("{} {}", f.rule.code, f.rule.title);
            let mut message = format!("{}. {}", sentence(j), f.why);
            if let Some(fix) = &f.fix {
                message.push_str(&format!("\nWrite instead:\n{fix}"));
            }
            let _ = writeln!(
                out,
                "::{command} file={},line={line},endLine={end_line},col={column},title={}::{}",
                property(&file),
                property(&title),
                text(&message)
            );
        }
        if all.len() > shown {
            let mut rules: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
            all[shown..]
                .iter()
                .for_each(|(j, _)| *rules.entry(j.finding.rule.code).or_default() += 1);
            let rules: Vec<String> = rules.into_iter().map(|(r, n)| format!("{n} of {r}")).collect();
            let _ = writeln!(
                out,
                "::{command} title=tfplan-check::{} more of this level are not shown here ({}); see the job's log or the SARIF report",
                all.len() - shown,
                rules.join(", ")
            );
        }
    }
    let _ = writeln!(out, "{}", summary(outcome, fail_on));
    out
}
