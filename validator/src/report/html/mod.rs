//! One page: who there is, who may enter, what each may do where, and what was found. It needs nothing but itself: no network, and its
//! policy of contents lets the browser run only the script and the style whose sums it names, whatever a plan puts into its names.

mod finding;
mod identity;
mod markup;
mod view;

use base64::Engine as _;
use sha2::{Digest, Sha256};

use super::{VERSION, counts, remarks, summary};
use crate::check::{Outcome, PlanOutcome, RunVerdict};
use crate::finding::{Family, Level};
use markup::Markup;
use view::{Group, Shown, View};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Identities shown; a browser and a reader have their limits.
const MOST: usize = 2000;

/// Renders an outcome.
#[must_use]
pub fn render(outcome: &Outcome, fail_on: Level) -> String {
    let view = View::of(outcome, MOST);
    let mut m = Markup::new();
    head(&mut m);
    m.raw("<body>\n<a class=\"skip\" href=\"#identities\">Skip to the identities</a>\n");
    top(&mut m, outcome, fail_on);
    bar(&mut m, &view);
    m.raw("<main>\n<section id=\"identities\" aria-labelledby=\"who\" tabindex=\"-1\">\n<h2 id=\"who\">Identities</h2>\n");
    if !outcome.families.contains(&Family::MonolithicIam) {
        m.raw("<p class=\"remark\">The family monolithic-iam was not judged: nothing here is marked, whatever it may do.</p>\n");
    }
    if view.identities.is_empty() {
        m.raw("<p>The plan makes no identity and speaks of none.</p>\n");
    }
    if view.left_out > 0 {
        m.raw("<p class=\"remark\">").number(view.left_out);
        m.raw(" identities about which nothing was found are left out: more than a page can show.</p>\n");
    }
    // A few are shown open: there is nothing to look for.
    let open = view.identities.len() <= 8;
    for group in &view.groups {
        section(&mut m, group, &view, open);
    }
    m.raw("<p id=\"none\" hidden>No identity matches. <button type=\"button\" class=\"clear\">Clear the filters</button></p>\n</section>\n");
    finding::list(&mut m, outcome, &view);
    m.raw("</main>\n<footer><p>tfplan-check ").raw(VERSION);
    m.raw(". What this page shows is what the plan and its source say; what others grant outside of them is not in it.</p></footer>\n<script>")
        .raw(SCRIPT)
        .raw("</script>\n</body>\n</html>\n");
    m.finish()
}

fn sum(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()))
}

fn head(m: &mut Markup) {
    m.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-")
        .text(&sum(STYLE))
        .raw("'; script-src 'sha256-")
        .text(&sum(SCRIPT))
        .raw("'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>tfplan-check: who may do what</title>\n<style>")
        .raw(STYLE)
        .raw("</style>\n</head>\n");
}

fn top(m: &mut Markup, outcome: &Outcome, fail_on: Level) {
    let class = match outcome.verdict(fail_on) {
        RunVerdict::Clean => "<header class=\"verdict ok\">",
        RunVerdict::Findings => "<header class=\"verdict bad\">",
        RunVerdict::Undecided | RunVerdict::Nothing => "<header class=\"verdict warn\">",
    };
    m.raw(class).raw("\n<h1>Who may do what</h1>\n<p class=\"sum\">");
    m.text(&summary(outcome, fail_on)).raw("</p>\n");
    for p in &outcome.plans {
        m.raw("<p class=\"plan\"><code>").text(&p.input).raw("</code>");
        about(m, p);
        m.raw("</p>\n");
        for r in remarks(p) {
            m.raw("<p class=\"remark\"><strong>Cannot judge.</strong> ")
                .text(&r)
                .raw("</p>\n");
        }
    }
    m.raw("</header>\n");
}

fn about(m: &mut Markup, p: &PlanOutcome) {
    if let Some(v) = &p.terraform_version {
        m.raw(", by Terraform ").text(v);
    }
    if let Some((kind, source)) = &p.backend {
        m.raw(", state in <code>")
            .text(kind)
            .raw("</code>, known from ")
            .text(source);
    }
}

fn bar(m: &mut Markup, view: &View<'_>) {
    m.raw("<search class=\"bar\" aria-label=\"Filters\">\n<label>Find <input id=\"find\" type=\"search\" placeholder=\"a name, an action, a bucket, a subject\" autocomplete=\"off\" spellcheck=\"false\"></label>\n<div role=\"group\" aria-label=\"Purpose\" class=\"chips\">\n<button type=\"button\" class=\"purpose\" data-purpose=\"\" aria-pressed=\"true\">All <b>")
        .number(view.identities.len())
        .raw("</b></button>\n");
    for g in &view.groups {
        m.raw("<button type=\"button\" class=\"purpose\" data-purpose=\"")
            .text(g.key);
        m.raw("\" aria-pressed=\"false\">")
            .text(g.title)
            .raw(" <b>")
            .number(g.members.len())
            .raw("</b>");
        if g.bad > 0 {
            m.raw(" <i class=\"bad\">").number(g.bad).raw(" red</i>");
        }
        m.raw("</button>\n");
    }
    m.raw("</div>\n<label class=\"check\"><input id=\"red\" type=\"checkbox\"> Only what was found fault with</label>\n");
    if view.environments.len() > 1 {
        m.raw("<label>Environment <select id=\"environment\"><option value=\"\">all</option>");
        for e in &view.environments {
            m.raw("<option>").text(e).raw("</option>");
        }
        m.raw("</select></label>\n");
    }
    m.raw("<span class=\"buttons\"><button type=\"button\" id=\"open\">Open all</button> <button type=\"button\" id=\"theme\">Dark</button> <button type=\"button\" id=\"keys\" aria-expanded=\"false\" aria-controls=\"help\">Keys</button></span>\n<p id=\"count\" role=\"status\" aria-live=\"polite\"></p>\n<div id=\"help\" hidden><p><kbd>/</kbd> find, <kbd>j</kbd> <kbd>k</kbd> next and previous, <kbd>Enter</kbd> open or close, <kbd>e</kbd> open or close all, <kbd>r</kbd> only what was found fault with, <kbd>f</kbd> to the findings, <kbd>d</kbd> dark or light, <kbd>Esc</kbd> clear the filters, <kbd>?</kbd> this list. <label class=\"check\"><input id=\"single\" type=\"checkbox\" checked> Keys do this</label></p></div>\n<noscript><p>Filters and keys need the script of this page; everything is shown without it.</p></noscript>\n</search>\n");
}

fn section(m: &mut Markup, group: &Group, view: &View<'_>, open: bool) {
    m.raw("<section class=\"group\" data-purpose=\"")
        .text(group.key)
        .raw("\">\n<h3>")
        .text(group.title);
    m.raw(" <span class=\"of\">")
        .number(group.members.len())
        .raw("</span></h3>\n<p class=\"says\">");
    m.text(group.says).raw("</p>\n");
    for &i in &group.members {
        let shown: &Shown<'_> = &view.identities[i];
        identity::card(m, i, shown, view, open);
    }
    m.raw("</section>\n");
}
