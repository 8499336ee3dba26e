//! The list of findings: what, where with the source line, why, and what to write instead.

use super::markup::Markup;
use super::view::{Numbered, View};
use crate::check::{Outcome, Status};
use crate::finding::{Finding, Level, Verdict};
use crate::report::{excerpt, head, location, page};

/// The class of a finding, by its level.
pub(super) fn class(f: &Finding) -> &'static str {
    match (f.verdict, f.level) {
        (Verdict::Undecided, _) => "unknown",
        (_, Level::Error) => "bad",
        (_, Level::Warning) => "warn",
        (_, Level::Note) => "note",
    }
}

pub(super) fn list(m: &mut Markup, outcome: &Outcome, view: &View<'_>) {
    m.raw("<section id=\"findings\" aria-labelledby=\"what\" tabindex=\"-1\">\n<h2 id=\"what\">Findings <span class=\"of\">")
        .number(view.findings.len())
        .raw("</span></h2>\n");
    if view.findings.is_empty() {
        m.raw("<p>Nothing was found.</p>\n");
    }
    let mut order: Vec<usize> = (0..view.findings.len()).collect();
    order.sort_by_key(|&n| {
        let j = view.findings[n].judged;
        (j.status != Status::Reported, std::cmp::Reverse(j.finding.level))
    });
    // Which cards a finding is about.
    let mut cards: Vec<Vec<usize>> = vec![Vec::new(); view.findings.len()];
    for (i, shown) in view.identities.iter().enumerate() {
        for &n in &shown.findings {
            cards[n].push(i);
        }
    }
    for n in order {
        one(m, n, &view.findings[n], &cards[n], outcome, view);
    }
    m.raw("</section>\n");
}

fn one(m: &mut Markup, n: usize, found: &Numbered<'_>, cards: &[usize], outcome: &Outcome, view: &View<'_>) {
    let j = found.judged;
    let f = &j.finding;
    m.raw("<article class=\"finding ")
        .raw(class(f))
        .raw("\" id=\"f")
        .number(n)
        .raw("\" tabindex=\"-1\">\n<h3><span class=\"badge\">");
    m.text(head(j))
        .raw("</span> <a href=\"")
        .text(&page(f.rule.code))
        .raw("\" rel=\"noreferrer noopener\">");
    m.text(f.rule.code)
        .raw(" ")
        .text(f.rule.name)
        .raw("</a> <code>")
        .text(&f.place.to_string())
        .raw("</code></h3>\n<p class=\"what\">");
    m.text(&f.what)
        .raw("</p>\n<p class=\"why\">")
        .text(&f.why)
        .raw("</p>\n");
    match &j.status {
        Status::Reported => {}
        Status::Known => {
            m.raw("<p class=\"remark\">Known from the baseline.</p>\n");
        }
        Status::Waived {
            reason,
            owner,
            expires,
            ..
        } => {
            m.raw("<p class=\"remark\">Waived by ")
                .text(owner)
                .raw(": ")
                .text(reason);
            if let Some(e) = expires {
                m.raw(", until ").text(e);
            }
            m.raw("</p>\n");
        }
    }
    let (file, line, ..) = location(j, found.plan, outcome);
    m.raw("<p class=\"at\">").text(&file);
    if j.span.is_some() {
        m.raw(":").number(line);
    }
    m.raw("</p>\n");
    if let Some(span) = &j.span {
        let text = excerpt::line(span, f.rule.family);
        if !text.trim().is_empty() {
            m.raw("<pre class=\"source\"><span class=\"line\">")
                .number(line)
                .raw("</span> ")
                .text(text.trim_end())
                .raw("</pre>\n");
        }
    }
    if let Some(fix) = &f.fix {
        m.raw("<details class=\"fix\"><summary>What to write instead</summary><pre>")
            .text(fix)
            .raw("</pre></details>\n");
    }
    if !f.related.is_empty() {
        m.raw("<ul class=\"related\">\n");
        for ((place, note), span) in f.related.iter().zip(&j.related).take(20) {
            m.raw("<li><code>")
                .text(&place.to_string())
                .raw("</code> ")
                .text(note);
            if let Some(s) = span {
                m.raw(" <span class=\"at\">")
                    .text(&s.file)
                    .raw(":")
                    .number(s.line)
                    .raw("</span>");
            }
            m.raw("</li>\n");
        }
        m.raw("</ul>\n");
    }
    if !cards.is_empty() {
        m.raw("<p class=\"of\">About");
        for &i in cards.iter().take(10) {
            m.raw(" <a href=\"#i")
                .number(i)
                .raw("\">")
                .text(&view.identities[i].portrait.label)
                .raw("</a>");
        }
        if cards.len() > 10 {
            m.raw(" and ").number(cards.len() - 10).raw(" more");
        }
        m.raw("</p>\n");
    }
    m.raw("</article>\n");
}
