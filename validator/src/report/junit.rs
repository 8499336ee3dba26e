//! JUnit: a suite per plan, a case per finding, and one passing case per rule that found nothing, so that CI shows a count.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{location, remarks};
use crate::check::{Outcome, Status};
use crate::finding::{Level, Verdict};

fn escape(s: &str) -> String {
    let mut out = String::with_capacity(s.len());
    for c in s.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Characters that XML 1.0 cannot hold at all.
            c if (c as u32) < 0x20 && !matches!(c, '\n' | '\t') || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}')
            }
            c => out.push(c),
        }
    }
    out
}

/// Renders an outcome.
#[must_use]
pub fn render(outcome: &Outcome) -> String {
    let mut suites = String::new();
    let (mut tests, mut failures, mut errors, mut skipped) = (0, 0, 0, 0);
    let groups = outcome
        .plans
        .iter()
        .map(|p| (p.input.as_str(), Some(p), &p.findings))
        .chain(std::iter::once(("waivers", None, &outcome.waivers)));
    for (name, plan, findings) in groups {
        if plan.is_none() && findings.is_empty() {
            continue;
        }
        let mut cases = String::new();
        let (mut t, mut f, mut e, mut s) = (0, 0, 0, 0);
        for j in findings {
            let (file, line, ..) = location(j, plan, outcome);
            t += 1;
            let case = format!(
                "    <testcase classname=\"{} {}\" name=\"{}\" file=\"{}\" line=\"{line}\"",
                j.finding.rule.code,
                j.finding.rule.name,
                escape(&j.finding.place.to_string()),
                escape(&file)
            );
            let body = format!(
                "{}\n{}\n{}",
                j.finding.what,
                j.finding.why,
                j.finding.fix.as_deref().unwrap_or_default()
            );
            match (&j.status, j.finding.verdict, j.finding.level) {
                (Status::Waived { reason, .. }, ..) => {
                    s += 1;
                    let _ = writeln!(
                        cases,
                        "{case}><skipped message=\"waived: {}\"/></testcase>",
                        escape(reason)
                    );
                }
                (Status::Known, ..) => {
                    s += 1;
                    let _ = writeln!(cases, "{case}><skipped message=\"in the baseline\"/></testcase>");
                }
                (_, Verdict::Undecided, Level::Note) => {
                    s += 1;
                    let _ = writeln!(
                        cases,
                        "{case}><skipped message=\"undecided: {}\"/></testcase>",
                        escape(&j.finding.what)
                    );
                }
                (_, _, Level::Note) => {
                    let _ = writeln!(
                        cases,
                        "{case}><system-out>{}</system-out></testcase>",
                        escape(&body)
                    );
                }
                _ => {
                    f += 1;
                    let _ = writeln!(
                        cases,
                        "{case}><failure type=\"{}\" message=\"{}\">{}</failure></testcase>",
                        j.finding.level.name(),
                        escape(&j.finding.what),
                        escape(&body)
                    );
                }
            }
        }
        if let Some(p) = plan {
            let spoke: BTreeSet<&str> = findings.iter().map(|j| j.finding.rule.code).collect();
            for r in crate::rules::all().map(|r| r.meta()).filter(|m| {
                outcome.families.contains(&m.family)
                    && !outcome.disabled.contains(&m.code)
                    && !spoke.contains(m.code)
            }) {
                t += 1;
                let _ = writeln!(
                    cases,
                    "    <testcase classname=\"{} {}\" name=\"whole plan\"/>",
                    r.code, r.name
                );
            }
            for r in remarks(p) {
                t += 1;
                e += 1;
                let _ = writeln!(
                    cases,
                    "    <testcase classname=\"tfplan-check\" name=\"the plan can be judged\"><error message=\"{}\"/></testcase>",
                    escape(&r)
                );
            }
        }
        let _ = write!(
            suites,
            "  <testsuite name=\"{}\" tests=\"{t}\" failures=\"{f}\" errors=\"{e}\" skipped=\"{s}\">\n{cases}  </testsuite>\n",
            escape(name)
        );
        tests += t;
        failures += f;
        errors += e;
        skipped += s;
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tfplan-check\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">\n{suites}</testsuites>\n"
    )
}
