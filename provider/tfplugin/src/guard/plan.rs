//! Answers to `PlanResourceChange`.

use super::{Subject, as_violations, report};
use crate::path::Path;
use crate::plan::replace_paths;
use crate::provider::{PlanRequest, PlanResponse};
use crate::rules::{Rule, Violation, check_destroy_plan, check_plan, check_replace_paths, resolves};
use crate::value::Value;

/// The plan Terraform can take. Adds the replacements that the schema asks for to those of the provider, sorted.
///
/// On a violation the answer is an error with the proposed state; Terraform takes no plan from an error.
pub fn plan(subject: Subject<'_>, request: &PlanRequest, mut response: PlanResponse) -> PlanResponse {
    let failed = response.diagnostics.has_errors();
    let (planned, changes) = subject.fit(response.planned);
    response.planned = planned;
    let mut violations = as_violations(Rule::InvalidPlan, changes);
    if violations.is_empty() {
        violations = if request.config.is_null() {
            check_destroy_plan(subject.schema, &response.planned)
        } else {
            check_plan(subject.schema, &request.prior, &request.config, &response.planned)
        };
    }
    if violations.is_empty() {
        violations = replacements(subject, request, &mut response);
    }
    if !violations.is_empty() {
        response.planned = if request.config.is_null() {
            Value::Null
        } else {
            subject.fit(request.proposed.clone()).0
        };
        response.requires_replace = Vec::new();
        // The provider's own error is the cause; a half-made plan beside it is none.
        if !failed {
            let saved = "Nothing was changed.";
            response
                .diagnostics
                .push(report::bug(subject, "PlanResourceChange", &violations, saved));
        }
    }
    response
}

fn replacements(subject: Subject<'_>, request: &PlanRequest, response: &mut PlanResponse) -> Vec<Violation> {
    let leads_somewhere = |path: &Path| resolves(&request.prior, path) || resolves(&response.planned, path);
    let mut paths: Vec<Path> = std::mem::take(&mut response.requires_replace)
        .into_iter()
        .map(|path| {
            let longest = (1..=path.steps().len())
                .rev()
                .map(|steps| path.cut(steps))
                .find(leads_somewhere);
            longest.unwrap_or(path)
        })
        .collect();
    paths.extend(replace_paths(subject.schema, &request.prior, &response.planned));
    paths.sort();
    paths.dedup();
    let violations = check_replace_paths(subject.schema, &request.prior, &response.planned, &paths);
    response.requires_replace = paths;
    violations
}
