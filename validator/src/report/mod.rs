//! Reports: one file per format, each a function from the outcome to text.

pub mod excerpt;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod sarif;
pub mod text;

use crate::check::{Judged, Outcome, PlanOutcome, RunVerdict, Status};
use crate::finding::{Level, Verdict};

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people, in the manner of rustc.
    Text,
    /// Our own, versioned.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// GitHub workflow commands.
    Github,
    /// GitLab code quality.
    Gitlab,
    /// JUnit.
    Junit,
    /// Markdown, for a job summary.
    Markdown,
    /// One page with a picture of the identities.
    Html,
}

impl Format {
    /// All formats, with the names they have on the command line.
    pub const ALL: [(&'static str, Self); 8] = [
        ("text", Self::Text),
        ("json", Self::Json),
        ("sarif", Self::Sarif),
        ("github", Self::Github),
        ("gitlab", Self::Gitlab),
        ("junit", Self::Junit),
        ("markdown", Self::Markdown),
        ("html", Self::Html),
    ];

    /// The format of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(n, _)| *n == name).map(|(_, f)| *f)
    }

    /// Renders an outcome. `color` matters to text only.
    #[must_use]
    pub fn render(self, outcome: &Outcome, fail_on: Level, color: bool) -> String {
        match self {
            Self::Text => text::render(outcome, fail_on, color),
            Self::Json => json::render(outcome, fail_on),
            Self::Sarif => sarif::render(outcome, fail_on),
            Self::Github => github::render(outcome, fail_on),
            Self::Gitlab => gitlab::render(outcome),
            Self::Junit => junit::render(outcome),
            Self::Markdown => markdown::render(outcome, fail_on),
            Self::Html => html::render(outcome, fail_on),
        }
    }
}

/// The version of this tool, as reports state it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Where the manual is.
pub const HOME: &str = "https://github.com/mlops/terraform-provider-mlops";

/// The page of a rule on the web.
#[must_use]
pub fn page(code: &str) -> String {
    format!("{HOME}/blob/main/docs/rules/{code}.md")
}

/// Where to point: file, line, column, end line, end column. Without a source, the first line of what was given.
fn location(
    j: &Judged,
    plan: Option<&PlanOutcome>,
    outcome: &Outcome,
) -> (String, usize, usize, usize, usize) {
    match (&j.span, plan) {
        (Some(s), _) => (s.file.clone(), s.line, s.column, s.end_line, s.end_column),
        (None, Some(p)) => (p.input.clone(), 1, 1, 1, 1),
        (None, None) => (
            outcome
                .config_path
                .as_ref()
                .map_or_else(|| crate::config::FILE.to_owned(), |p| p.display().to_string()),
            1,
            1,
            1,
            1,
        ),
    }
}

/// The sentence of a finding with its place first: what formats without room for more show.
fn sentence(j: &Judged) -> String {
    format!("{}: {}", j.finding.place, j.finding.what)
}

/// `1 error, 2 warnings, …`: every count, also the zeros that matter.
#[must_use]
pub fn summary(outcome: &Outcome, fail_on: Level) -> String {
    let c = outcome.counts();
    let n = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mut parts = vec![
        n(c.errors, "error", "errors"),
        n(c.warnings, "warning", "warnings"),
        n(c.notes, "note", "notes"),
        format!("{} undecided", c.undecided),
        format!("{} waived", c.waived),
    ];
    if c.known > 0 {
        parts.push(format!("{} known from the baseline", c.known));
    }
    if outcome.resolved > 0 {
        parts.push(format!("{} of the baseline resolved", outcome.resolved));
    }
    if !outcome.disabled.is_empty() {
        parts.push(format!(
            "{} disabled ({})",
            n(outcome.disabled.len(), "rule", "rules"),
            outcome.disabled.join(", ")
        ));
    }
    let resources: usize = outcome.plans.iter().map(|p| p.resources).sum();
    format!(
        "{}: {}; {} and {} looked at{}",
        verdict_word(outcome.verdict(fail_on)),
        parts.join(", "),
        n(resources, "resource", "resources"),
        n(outcome.rules, "rule", "rules"),
        if outcome.plans.len() > 1 {
            format!(" in {} plans", outcome.plans.len())
        } else {
            String::new()
        }
    )
}

fn verdict_word(v: RunVerdict) -> &'static str {
    match v {
        RunVerdict::Clean => "clean",
        RunVerdict::Findings => "failed",
        RunVerdict::Undecided => "cannot judge",
        RunVerdict::Nothing => "nothing was checked",
    }
}

/// What to say about a plan as a whole: no evidence, incomplete, unreadable sources.
fn remarks(p: &PlanOutcome) -> Vec<String> {
    use crate::plan::Incomplete;
    let mut out = Vec::new();
    for i in &p.incomplete {
        out.push(match i {
            Incomplete::Errored => format!("{}: planning failed, so this plan does not show everything; fix the errors of `terraform plan` and plan again", p.input),
            Incomplete::Targeted => format!("{}: this plan leaves changes out (-target, or deferred changes), so it cannot be called clean; plan without -target", p.input),
            Incomplete::Unparsed => format!(
                "{}: part of the configuration in this saved plan cannot be parsed (see below), so it cannot be called clean; give its JSON too: tfplan-check plan.json --plan-file {}",
                p.input, p.input
            ),
            Incomplete::RefreshOnly => format!("{}: a refresh-only plan proposes no changes, so there is nothing to judge; give a full plan", p.input),
        });
    }
    if p.no_evidence {
        out.push(format!(
            "{}: nothing shows where the state is kept: plan JSON does not say. Give the saved plan (`tfplan-check plan.bin`, or `--plan-file plan.bin` beside the JSON), or the root module's directory (`--root DIR`); `--backend TYPE` states it without proof, and `--family sk,mi` leaves the question out",
            p.input
        ));
    }
    for (file, error) in &p.unparsed {
        out.push(format!(
            "{file}: cannot be parsed ({error}); what it holds is unknown, not absent"
        ));
    }
    out
}

/// The word for a finding's kind and level.
fn head(j: &Judged) -> &'static str {
    if j.finding.verdict == Verdict::Undecided {
        "undecided"
    } else {
        j.finding.level.name()
    }
}

fn counts(j: &Judged) -> bool {
    j.status == Status::Reported
}
