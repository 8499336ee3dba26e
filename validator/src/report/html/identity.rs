//! The card of one identity: who enters it on the left, what it may do on the right.

use super::markup::Markup;
use super::view::{Shown, View};
use crate::finding::{Level, Verdict};
use crate::picture::{Entrance, Purposes, Right};

pub(super) fn card(m: &mut Markup, number: usize, shown: &Shown<'_>, view: &View<'_>, open: bool) {
    let p = shown.portrait;
    m.raw(match shown.worst {
        Some(Level::Error) => "<details class=\"card bad\"",
        Some(Level::Warning) => "<details class=\"card warn\"",
        Some(Level::Note) => "<details class=\"card note\"",
        None => "<details class=\"card\"",
    });
    m.raw(" id=\"i").number(number).raw("\" data-environment=\"");
    m.text(p.environment.as_deref().unwrap_or_default()).raw("\"");
    if open {
        m.raw(" open");
    }
    m.raw("><summary><span class=\"label\">")
        .text(&p.label)
        .raw("</span>");
    m.raw(" <span class=\"kind\">").text(p.kind);
    if !p.planned {
        m.raw(", not made by this plan");
    }
    m.raw("</span>");
    if let Some(e) = &p.environment {
        m.raw(" <span class=\"tag\">").text(e).raw("</span>");
    }
    purposes(m, shown);
    badge(m, shown, view);
    if let Some((how, who)) = p.entrances.first().and_then(|e| Some((e.how, e.who.first()?))) {
        m.raw(" <span class=\"from\">").text(how).raw(" ").text(who);
        if p.entrances.len() > 1 {
            m.raw(" and ").number(p.entrances.len() - 1).raw(" more");
        }
        m.raw("</span>");
    }
    m.raw("</summary>\n<div class=\"flow\">\n");
    left(m, shown, view);
    right(m, shown, view);
    m.raw("</div>\n</details>\n");
}

fn purposes(m: &mut Markup, shown: &Shown<'_>) {
    let (words, how) = match &shown.portrait.purposes {
        Purposes::Held(w) => (w.join(" + "), " by what it may do"),
        Purposes::Given(w) => (w.join(" + "), ""),
        Purposes::Named(w) => (w.clone(), " by its name"),
        Purposes::Every => ("everything".to_owned(), ""),
        Purposes::Untold => return,
    };
    m.raw(" <span class=\"tag purpose\">")
        .text(&words)
        .text(how)
        .raw("</span>");
}

fn badge(m: &mut Markup, shown: &Shown<'_>, view: &View<'_>) {
    if shown.word.is_empty() {
        let undecided = |&n: &usize| view.findings[n].judged.finding.verdict == Verdict::Undecided;
        if shown.findings.iter().any(undecided) {
            m.raw(" <span class=\"badge unknown\">not decided</span>");
        }
        return;
    }
    m.raw(" <span class=\"badge\">").text(shown.word).raw("</span>");
}

/// Codes of findings, each leading to it.
fn codes(m: &mut Markup, findings: &[usize], view: &View<'_>) {
    for &n in findings {
        let f = &view.findings[n].judged.finding;
        m.raw(" <a class=\"code ")
            .raw(super::finding::class(f))
            .raw("\" href=\"#f")
            .number(n)
            .raw("\" title=\"");
        m.text(f.rule.title).raw("\">").text(f.rule.code).raw("</a>");
    }
}

fn left(m: &mut Markup, shown: &Shown<'_>, view: &View<'_>) {
    let p = shown.portrait;
    m.raw("<div class=\"enters\"><h4>Who may enter</h4>\n");
    if p.entrances.is_empty() {
        m.raw("<p class=\"nothing\">Nobody, as far as the plan says.</p>\n");
    } else {
        m.raw("<ul>\n");
        for e in &p.entrances {
            entrance(m, e, &view.about(shown, &e.place, None, true), view);
        }
        m.raw("</ul>\n");
    }
    if !p.uses.is_empty() {
        m.raw("<h4>How it is used</h4>\n<ul>\n");
        for u in &p.uses {
            m.raw("<li>").text(u).raw("</li>\n");
        }
        m.raw("</ul>\n");
    }
    if let Some(name) = &p.name {
        m.raw("<p class=\"fact\">Name <code>")
            .text(name)
            .raw("</code></p>\n");
    }
    if let Some(b) = &p.boundary {
        m.raw("<p class=\"fact\">At most what <code>")
            .text(b)
            .raw("</code> allows</p>\n");
    }
    if let Some(plan) = shown.plan {
        m.raw("<p class=\"fact\">Of the plan <code>")
            .text(plan)
            .raw("</code></p>\n");
    }
    m.raw("</div>\n");
}

fn entrance(m: &mut Markup, e: &Entrance, findings: &[usize], view: &View<'_>) {
    m.raw(if e.open { "<li class=\"open\">" } else { "<li>" });
    m.raw("<b>").text(e.how).raw("</b>");
    for who in &e.who {
        m.raw(" <code>").text(who).raw("</code>");
    }
    for by in &e.by {
        m.raw(" <span class=\"by\">").text(by).raw("</span>");
    }
    codes(m, findings, view);
    m.raw("</li>\n");
}

fn right(m: &mut Markup, shown: &Shown<'_>, view: &View<'_>) {
    let p = shown.portrait;
    m.raw("<div class=\"may\"><h4>What it may do</h4>\n");
    if p.rights.is_empty() {
        m.raw("<p class=\"nothing\">Nothing, as far as the plan says.</p>\n");
    } else {
        m.raw("<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"What ").text(&p.label).raw(" may do\"><table>\n<thead><tr><th scope=\"col\">May</th><th scope=\"col\">On</th><th scope=\"col\">When</th><th scope=\"col\">Says</th></tr></thead>\n<tbody>\n");
        for r in &p.rights {
            let alone = p.rights.iter().filter(|o| o.place == r.place).count() == 1;
            let about = view.about(shown, &r.place, r.statement.as_deref(), alone);
            row(m, r, &about, view);
        }
        m.raw("</tbody></table></div>\n");
    }
    for u in &p.unknown {
        m.raw("<p class=\"remark\">Not known: ").text(u).raw("</p>\n");
    }
    if p.left_out > 0 {
        m.raw("<p class=\"remark\">")
            .number(p.left_out)
            .raw(" more entries are not shown.</p>\n");
    }
    if !shown.findings.is_empty() {
        m.raw("<h4>What was found</h4>\n<ul class=\"found\">\n");
        for &n in &shown.findings {
            m.raw("<li>");
            codes(m, &[n], view);
            m.raw(" ")
                .text(&view.findings[n].judged.finding.what)
                .raw("</li>\n");
        }
        m.raw("</ul>\n");
    }
    m.raw("</div>\n");
}

fn row(m: &mut Markup, r: &Right, findings: &[usize], view: &View<'_>) {
    let worst = findings
        .iter()
        .map(|&n| &view.findings[n].judged.finding)
        .filter(|f| f.verdict == Verdict::Wrong)
        .map(|f| f.level)
        .max();
    m.raw(match worst {
        Some(Level::Error) => "<tr class=\"bad\">",
        Some(Level::Warning) => "<tr class=\"warn\">",
        _ => "<tr>",
    });
    m.raw("<td>");
    if r.denied {
        m.raw("<b class=\"not\">may not</b> ");
    }
    list(m, &r.what);
    m.raw("</td><td>");
    list(m, &r.on);
    m.raw("</td><td>");
    list(m, &r.when);
    m.raw("</td><td><span class=\"at\">").text(&r.place.to_string());
    if let Some(s) = &r.statement {
        m.raw(", ").text(s.trim_matches('`'));
    }
    m.raw("</span>");
    codes(m, findings, view);
    m.raw("</td></tr>\n");
}

fn list(m: &mut Markup, texts: &[String]) {
    for t in texts {
        m.raw("<code>").text(t).raw("</code> ");
    }
}
