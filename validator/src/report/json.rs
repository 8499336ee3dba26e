//! Our own JSON. Version 1; fields are only ever added within a version.
//!
//! ```text
//! { "version": 1, "tool": {"name", "version"}, "verdict": "clean|findings|undecided|nothing-checked", "fail_on", "strict",
//!   "families": [], "counts": {"errors", "warnings", "notes", "undecided", "waived", "known"}, "disabled_rules": [], "rules": N,
//!   "plans": [ { "input", "terraform_version", "resources", "backend": {"type", "evidence"} | null, "remarks": [],
//!                "findings": [ finding ] } ],
//!   "waivers": [ finding ] }
//! finding: { "rule", "name", "family", "level", "verdict": "wrong|undecided", "status": "reported|waived|known", "address", "attribute", "message",
//!   "why", "fix", "location": {"file", "line", "column", "end_line", "end_column"} | null, "related": [{"address", "attribute", "note", "location"}],
//!   "existing", "fingerprint", "invariants": [], "waiver": {"reason", "owner", "expires"} | absent }
//! ```

use serde_json::{Value, json};

use super::{VERSION, remarks};
use crate::check::{Judged, Outcome, Status};
use crate::finding::{Level, Verdict};
use crate::source::locate::Span;

fn location(span: Option<&Span>) -> Value {
    span.map_or(Value::Null, |s| json!({ "file": s.file, "line": s.line, "column": s.column, "end_line": s.end_line, "end_column": s.end_column }))
}

fn finding(j: &Judged) -> Value {
    let f = &j.finding;
    let mut out = json!({
        "rule": f.rule.code,
        "name": f.rule.name,
        "family": f.rule.family.name(),
        "level": f.level.name(),
        "verdict": if f.verdict == Verdict::Undecided { "undecided" } else { "wrong" },
        "status": match j.status { Status::Reported => "reported", Status::Waived { .. } => "waived", Status::Known => "known" },
        "address": f.place.address,
        "attribute": f.place.path.to_string(),
        "message": f.what,
        "why": f.why,
        "fix": f.fix,
        "location": location(j.span.as_ref()),
        "related": f.related.iter().zip(&j.related).map(|((p, note), span)| json!({
            "address": p.address, "attribute": p.path.to_string(), "note": note, "location": location(span.as_ref()),
        })).collect::<Vec<_>>(),
        "existing": j.existing,
        "fingerprint": j.fingerprint,
        "invariants": f.rule.invariants,
    });
    if let (
        Status::Waived {
            reason,
            owner,
            expires,
            ..
        },
        Some(o),
    ) = (&j.status, out.as_object_mut())
    {
        o.insert(
            "waiver".into(),
            json!({ "reason": reason, "owner": owner, "expires": expires }),
        );
    }
    out
}

/// Renders an outcome.
#[must_use]
pub fn render(outcome: &Outcome, fail_on: Level) -> String {
    let c = outcome.counts();
    let document = json!({
        "version": 1,
        "tool": { "name": "tfplan-check", "version": VERSION },
        "verdict": outcome.verdict(fail_on).name(),
        "fail_on": fail_on.name(),
        "strict": outcome.strict,
        "families": outcome.families.iter().map(|f| f.name()).collect::<Vec<_>>(),
        "counts": { "errors": c.errors, "warnings": c.warnings, "notes": c.notes, "undecided": c.undecided, "waived": c.waived, "known": c.known, "resolved": outcome.resolved },
        "disabled_rules": outcome.disabled,
        "rules": outcome.rules,
        "plans": outcome.plans.iter().map(|p| json!({
            "input": p.input,
            "terraform_version": p.terraform_version,
            "resources": p.resources,
            "backend": p.backend.as_ref().map(|(kind, source)| json!({ "type": kind, "evidence": source })),
            "remarks": remarks(p),
            "findings": p.findings.iter().map(finding).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "waivers": outcome.waivers.iter().map(finding).collect::<Vec<_>>(),
    });
    let mut out = serde_json::to_string_pretty(&document).unwrap_or_default();
    out.push('\n');
    out
}
