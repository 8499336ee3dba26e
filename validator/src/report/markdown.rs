//! Markdown for a job summary: the verdict, a table, and the fixes folded away.

use std::fmt::Write;

use super::{counts, head, location, remarks, summary};
use crate::check::{Outcome, Status};
use crate::finding::Level;

/// Rows shown; a summary may have a mebibyte.
const ROWS: usize = 500;

fn cell(s: &str) -> String {
    s.replace('|', "\\|").replace('\n', " ").replace('<', "&lt;")
}

/// Renders an outcome.
#[must_use]
pub fn render(outcome: &Outcome, fail_on: Level) -> String {
    let mut out = format!("## tfplan-check: {}\n\n", summary(outcome, fail_on));
    for r in outcome.plans.iter().flat_map(remarks) {
        let _ = writeln!(out, "> **Cannot judge:** {}\n", cell(&r));
    }
    let mut all: Vec<_> = outcome.all().filter(|(j, _)| counts(j)).collect();
    all.sort_by_key(|(j, _)| std::cmp::Reverse(j.finding.level));
    if !all.is_empty() {
        out.push_str("| | Rule | Where | What |\n|---|---|---|---|\n");
        for (j, plan) in all.iter().take(ROWS) {
            let (file, line, ..) = location(j, *plan, outcome);
            let _ = writeln!(
                out,
                "| {} | {} {} | `{}`<br>{}:{line} | {} |",
                head(j),
                j.finding.rule.code,
                j.finding.rule.name,
                cell(&j.finding.place.to_string()),
                cell(&file),
                cell(&j.finding.what)
            );
        }
        if all.len() > ROWS {
            let _ = writeln!(out, "\n{} more are not shown.", all.len() - ROWS);
        }
        out.push('\n');
        for (j, _) in all.iter().take(ROWS) {
            if let Some(fix) = &j.finding.fix {
                let _ = writeln!(
                    out,
                    "<details><summary>{} <code>{}</code></summary>\n\n{}.\n\n```hcl\n{}\n```\n\n</details>\n",
                    j.finding.rule.code,
                    cell(&j.finding.place.to_string()),
                    j.finding.why,
                    fix
                );
            }
        }
    }
    let waived: Vec<_> = outcome
        .all()
        .filter_map(|(j, _)| {
            if let Status::Waived {
                reason,
                owner,
                expires,
                ..
            } = &j.status
            {
                Some((j, reason, owner, expires))
            } else {
                None
            }
        })
        .collect();
    if !waived.is_empty() {
        out.push_str("### Waived\n\n| Rule | Where | Why | Owner | Until |\n|---|---|---|---|---|\n");
        for (j, reason, owner, expires) in waived {
            let _ = writeln!(
                out,
                "| {} | `{}` | {} | {} | {} |",
                j.finding.rule.code,
                cell(&j.finding.place.to_string()),
                cell(reason),
                cell(owner),
                expires.as_deref().unwrap_or("-")
            );
        }
    }
    out
}
