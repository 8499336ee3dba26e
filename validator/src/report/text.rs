//! The report for people, in the manner of rustc: what, where with the source line, why, and what to write instead.

use std::fmt::Write;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level as Mark, Renderer, Snippet};

use super::{excerpt, head, remarks, summary};
use crate::check::{Judged, Outcome, PlanOutcome, Status};
use crate::finding::{Level, Verdict};

/// Renders an outcome.
#[must_use]
pub fn render(outcome: &Outcome, fail_on: Level, color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(140);
    let mut out = String::new();
    for (j, plan) in outcome.all() {
        match &j.status {
            Status::Reported => {
                out.push_str(&finding(&renderer, j, plan, outcome));
                out.push_str("\n\n");
            }
            Status::Waived {
                reason,
                owner,
                expires,
                ..
            } => {
                let until = expires
                    .as_ref()
                    .map_or_else(String::new, |e| format!(", until {e}"));
                let _ = writeln!(
                    out,
                    "waived[{}]: {} ({owner}{until}: {reason})\n",
                    j.finding.rule.code,
                    super::sentence(j)
                );
            }
            Status::Known => {}
        }
    }
    for p in &outcome.plans {
        for r in remarks(p) {
            let group = Group::with_title(Mark::WARNING.primary_title(r));
            out.push_str(&renderer.render(&[group]));
            out.push_str("\n\n");
        }
        if let Some((kind, source)) = &p.backend {
            let _ = writeln!(out, "{}: state backend `{kind}`, known from {source}", p.input);
        }
    }
    let _ = writeln!(out, "{}", summary(outcome, fail_on));
    out
}

fn finding(renderer: &Renderer, j: &Judged, plan: Option<&PlanOutcome>, outcome: &Outcome) -> String {
    let f = &j.finding;
    let mark = match (f.verdict, f.level) {
        (Verdict::Undecided, _) => Mark::WARNING.with_name("undecided"),
        (_, Level::Error) => Mark::ERROR,
        (_, Level::Warning) => Mark::WARNING,
        (_, Level::Note) => Mark::NOTE,
    };
    debug_assert!(!head(j).is_empty());
    let title = mark.primary_title(f.what.as_str()).id(f.rule.code);
    let (file, line, ..) = super::location(j, plan, outcome);
    let shown = j.span.as_ref().map(|s| excerpt::line(s, f.rule.family));
    let mut group = Group::with_title(title);
    let place = f.place.to_string();
    match (&j.span, &shown) {
        (Some(s), Some(text)) if !text.trim().is_empty() => {
            let hidden = *text != s.text;
            // Carets under what is meant, on the line that is shown; a hidden line is marked from its first character.
            let indent = text.len() - text.trim_start().len();
            let byte = |column: usize| {
                text.char_indices()
                    .nth(column.saturating_sub(1))
                    .map_or(text.len(), |(i, _)| i)
            };
            let start = if hidden {
                indent
            } else {
                byte(s.column).max(indent)
            };
            let end = if s.end_line == s.line && !hidden {
                byte(s.end_column)
            } else {
                text.trim_end().len()
            };
            let start = start.min(end.max(1) - 1);
            group = group.element(
                Snippet::source(text.clone())
                    .line_start(line)
                    .path(file)
                    .annotation(
                        AnnotationKind::Primary
                            .span(start..end.max(start + 1))
                            .label(place),
                    ),
            );
        }
        _ => {
            group = group.element(annotate_snippets::Origin::path(format!("{file}: {place}")));
        }
    }
    group = group.element(Mark::NOTE.with_name("why").message(f.why.as_str()));
    if j.span.as_ref().is_some_and(|s| s.caller) {
        group = group.element(Mark::NOTE.message(
            "the resource stands in a module outside of this repository; this is where it is called",
        ));
    }
    for ((place, note), span) in f.related.iter().zip(&j.related) {
        let at = span
            .as_ref()
            .map_or_else(String::new, |s| format!(" ({}:{})", s.file, s.line));
        group = group.element(Mark::NOTE.message(format!("{note}: {place}{at}")));
    }
    if j.existing {
        group = group.element(Mark::NOTE.message("it exists already; this plan leaves it as it is"));
    }
    let invariants = f.rule.invariants.join(", ");
    let enforces = if invariants.is_empty() {
        String::new()
    } else {
        format!("; enforces {invariants}")
    };
    let mut groups = vec![group];
    if let Some(fix) = &f.fix {
        // A fix is shown as text, line by line: it is a proposal, not a patch of the file.
        let mut text = String::from("write instead");
        for line in fix.lines() {
            text.push('\n');
            text.push_str(line);
        }
        groups[0] = std::mem::replace(&mut groups[0], Group::with_title(Mark::NOTE.primary_title("")))
            .element(Mark::HELP.message(text));
    }
    groups[0] = std::mem::replace(&mut groups[0], Group::with_title(Mark::NOTE.primary_title(""))).element(
        Mark::HELP.message(format!(
            "`tfplan-check explain {}` tells more ({}{enforces})",
            f.rule.code, f.rule.name
        )),
    );
    renderer.render(&groups)
}
