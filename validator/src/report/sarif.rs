//! SARIF 2.1.0, with what GitHub code scanning needs: rules with help, one physical location, a fingerprint; and with logical
//! locations that name the Terraform address.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{HOME, VERSION, location, page, remarks};
use crate::check::{Judged, Outcome, PlanOutcome, RunVerdict, Status};
use crate::finding::{Level, Verdict};
use crate::rules::Meta;
use crate::source::locate::Span;

/// GitHub takes so many results a run.
const RESULTS: usize = 25_000;

fn rule(m: &Meta) -> Value {
    let security = match m.level {
        Level::Error => "8.5",
        Level::Warning => "5.5",
        Level::Note => "2.0",
    };
    let mut tags = vec![
        m.family.name().to_owned(),
        "security".to_owned(),
        "terraform".to_owned(),
    ];
    tags.extend(m.invariants.iter().map(|i| (*i).to_owned()));
    json!({
        "id": m.code,
        "name": m.name,
        "shortDescription": { "text": capital(m.title) },
        "fullDescription": { "text": format!("{}.", capital(m.why)) },
        "help": { "text": m.page(), "markdown": m.page() },
        "helpUri": page(m.code),
        "defaultConfiguration": { "level": m.level.name() },
        "properties": { "tags": tags, "precision": "high", "security-severity": security, "problem.severity": if m.level == Level::Note { "recommendation" } else { m.level.name() } },
    })
}

fn capital(s: &str) -> String {
    let mut c = s.chars();
    c.next()
        .map_or_else(String::new, |f| f.to_uppercase().chain(c).collect())
}

/// A path as a relative URI reference.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path).replace('\\', "/");
    let mut out = String::with_capacity(path.len());
    for b in path.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'@' | b'+' => {
                out.push(char::from(b))
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

fn region(s: &Span) -> Value {
    let end_column = if s.end_line == s.line {
        s.end_column.max(s.column + 1)
    } else {
        s.end_column.max(1)
    };
    json!({ "startLine": s.line, "startColumn": s.column, "endLine": s.end_line, "endColumn": end_column })
}

fn kind(address: &str) -> &'static str {
    let inner = crate::address::split_module(address).1;
    match crate::address::parts(inner).first() {
        Some(&"data") => "data",
        Some(&"provider") => "provider",
        Some(&"var") => "variable",
        Some(&"output") => "output",
        Some(&"terraform") => "backend",
        Some(&"") => "module",
        _ => "resource",
    }
}

fn result(j: &Judged, plan: Option<&PlanOutcome>, outcome: &Outcome, index: &BTreeMap<&str, usize>) -> Value {
    let f = &j.finding;
    let (file, line, column, end_line, end_column) = location(j, plan, outcome);
    let level = f.level.name();
    let mut message = format!("{}: {}.", f.place.address, f.what);
    message.push_str(&format!(" {}.", capital(&f.why)));
    if let Some(fix) = &f.fix {
        message.push_str(&format!("\n\nWrite instead:\n\n{fix}"));
    }
    if j.span.is_none() && plan.is_some() {
        message.push_str("\n\n(No source was given, so this points at the plan.)");
    }
    let physical = j.span.as_ref().map_or_else(
        || json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column.max(column + 1) }),
        region,
    );
    let mut out = json!({
        "ruleId": f.rule.code,
        "ruleIndex": index.get(f.rule.code).copied().unwrap_or_default(),
        "level": level,
        // Not "review" for what is undecided: SARIF then wants the level "none", and GitHub shows nothing for that.
        "kind": "fail",
        "message": { "text": message },
        "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": uri(&file), "uriBaseId": "%SRCROOT%" }, "region": physical },
            "logicalLocations": [{ "fullyQualifiedName": f.place.address, "kind": kind(&f.place.address) }],
        }],
        "partialFingerprints": { "tfplanCheck/v1": j.fingerprint },
        "properties": { "address": f.place.address, "attribute": f.place.path.to_string(), "undecided": f.verdict == Verdict::Undecided, "existing": j.existing, "family": f.rule.family.name() },
    });
    if let Some(o) = out.as_object_mut() {
        let related: Vec<Value> = f
            .related
            .iter()
            .zip(&j.related)
            .enumerate()
            .map(|(i, ((p, note), span))| {
                let (file, region) = span.as_ref().map_or_else(|| (file.clone(), json!({ "startLine": 1 })), |s| (s.file.clone(), region(s)));
                json!({
                    "id": i + 1,
                    "message": { "text": format!("{note}: {p}") },
                    "physicalLocation": { "artifactLocation": { "uri": uri(&file), "uriBaseId": "%SRCROOT%" }, "region": region },
                    "logicalLocations": [{ "fullyQualifiedName": p.address, "kind": kind(&p.address) }],
                })
            })
            .collect();
        if !related.is_empty() {
            o.insert("relatedLocations".into(), Value::Array(related));
        }
        match &j.status {
            Status::Reported => {}
            Status::Waived {
                reason,
                owner,
                expires,
                ..
            } => {
                let until = expires
                    .as_ref()
                    .map_or_else(String::new, |e| format!(", until {e}"));
                o.insert("suppressions".into(), json!([{ "kind": "external", "status": "accepted", "justification": format!("{reason} ({owner}{until})") }]));
            }
            Status::Known => {
                o.insert(
                    "suppressions".into(),
                    json!([{ "kind": "external", "status": "accepted", "justification": "in the baseline" }]),
                );
                o.insert("baselineState".into(), json!("unchanged"));
            }
        }
    }
    out
}

/// Renders an outcome.
#[must_use]
pub fn render(outcome: &Outcome, fail_on: Level) -> String {
    // Every rule that ran or spoke, so that a viewer can say what was looked for.
    let mut metas: Vec<&'static Meta> = crate::rules::all()
        .map(|r| r.meta())
        .filter(|m| outcome.families.contains(&m.family) && !outcome.disabled.contains(&m.code))
        .collect();
    metas.extend(crate::waiver::ALL);
    let index: BTreeMap<&str, usize> = metas.iter().enumerate().map(|(i, m)| (m.code, i)).collect();
    let mut all: Vec<(&Judged, Option<&PlanOutcome>)> = outcome.all().collect();
    let dropped = all.len().saturating_sub(RESULTS);
    if dropped > 0 {
        all.sort_by_key(|(j, _)| std::cmp::Reverse(j.finding.level));
        all.truncate(RESULTS);
    }
    let mut notifications: Vec<Value> = outcome
        .plans
        .iter()
        .flat_map(remarks)
        .map(|r| json!({ "level": "error", "message": { "text": r } }))
        .collect();
    if dropped > 0 {
        notifications.push(json!({ "level": "warning", "message": { "text": format!("{dropped} more findings are left out: GitHub takes {RESULTS} a run") } }));
    }
    let verdict = outcome.verdict(fail_on);
    let root = outcome.plans.first().map_or("", |p| p.root.as_str());
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "tfplan-check",
                "version": VERSION,
                "semanticVersion": VERSION,
                "informationUri": HOME,
                "rules": metas.iter().map(|m| rule(m)).collect::<Vec<_>>(),
            }},
            "automationDetails": { "id": if root.is_empty() { "tfplan-check/".to_owned() } else { format!("tfplan-check/{root}/") } },
            "originalUriBaseIds": { "%SRCROOT%": { "description": { "text": "the root of the repository" } } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": matches!(verdict, RunVerdict::Clean | RunVerdict::Findings),
                "exitCode": verdict.code(),
                "toolExecutionNotifications": notifications,
            }],
            "results": all.iter().map(|(j, p)| result(j, *p, outcome, &index)).collect::<Vec<_>>(),
        }],
    });
    let mut out = serde_json::to_string_pretty(&document).unwrap_or_default();
    out.push('\n');
    out
}
