//! Answers to `ApplyResourceChange`: state is never lost.

use super::{Subject, as_violations, report};
use crate::diagnostic::Diagnostic;
use crate::provider::{ApplyRequest, ApplyResponse};
use crate::rules::{Rule, check_apply};
use crate::value::Value;

/// A state recorded while work went on, with its private data.
pub type Checkpoint = (Value, Vec<u8>);

/// The result Terraform can take and save.
///
/// Which state is saved when the answer has none, though something stands:
///
/// | change | answered with an error | answered without |
/// |---|---|---|
/// | create | the last checkpoint; without one nothing was made, null is right | last checkpoint, else the plan with its unknown values null, and an error |
/// | update | last checkpoint, else the prior state | the same, and an error |
/// | delete | last checkpoint, else the prior state: it is still there | null is right |
///
/// A provider that undid all of a create says so with a checkpoint of null. An answer that breaks a rule is saved as far
/// as it fits the schema, with an error. After an error unknown values are null; on success they are null and an error.
pub fn apply(
    subject: Subject<'_>,
    request: &ApplyRequest,
    response: ApplyResponse,
    checkpoint: Option<Checkpoint>,
) -> ApplyResponse {
    let failed = response.diagnostics.has_errors();
    let ApplyResponse {
        state,
        private,
        mut diagnostics,
    } = response;
    let (state, changes) = subject.fit(state);
    let mut violations = as_violations(Rule::InvalidObject, changes);
    if !failed && violations.is_empty() {
        violations = check_apply(subject.schema, &request.planned, &state);
    }

    let lost = state.is_null() && (failed || !request.planned.is_null() || !violations.is_empty());
    let (state, private, saved) = if lost {
        let sure_of_nothing = failed && violations.is_empty();
        let (state, kept, saved) = fallback(subject, request, checkpoint, !sure_of_nothing);
        (state, kept.unwrap_or(private), saved)
    } else {
        (
            state,
            private,
            "The state it returned was saved as far as it fits.",
        )
    };
    if !violations.is_empty() {
        let saved = format!("{saved}{}", tainted(request, &state));
        diagnostics.push(report::bug(subject, "ApplyResourceChange", &violations, &saved));
    }
    ApplyResponse {
        state: state.unknown_as_null(),
        private,
        diagnostics,
    }
}

/// The answer for a handler that did not give one: it panicked, or outlived its grace after an interruption. `why` is
/// told to the user.
///
/// Nobody knows what a create without a checkpoint has made. Its plan is saved, unknown values null: Terraform marks it
/// tainted, and the next refresh finds out what is there.
pub fn interrupted_apply(
    subject: Subject<'_>,
    request: &ApplyRequest,
    checkpoint: Option<Checkpoint>,
    why: Diagnostic,
) -> ApplyResponse {
    let (state, private, saved) = fallback(subject, request, checkpoint, true);
    let state = state.unknown_as_null();
    let mut why = why;
    why.detail = format!("{}\n\n{saved}{}", why.detail, tainted(request, &state));
    let mut diagnostics = crate::diagnostic::Diagnostics::new();
    diagnostics.push(why);
    ApplyResponse {
        state,
        private: private.unwrap_or_else(|| request.private.clone()),
        diagnostics,
    }
}

/// The best state known without the provider's answer, its private data if it has its own, and words for it.
/// `may_stand`: for a create without checkpoint, whether something may have been made.
fn fallback(
    subject: Subject<'_>,
    request: &ApplyRequest,
    checkpoint: Option<Checkpoint>,
    may_stand: bool,
) -> (Value, Option<Vec<u8>>, &'static str) {
    let mut may_stand = may_stand;
    if let Some((recorded, private)) = checkpoint {
        let undone = recorded.is_null();
        let state = subject.fit(recorded).0;
        if !state.is_null() {
            return (
                state,
                Some(private),
                "The last state recorded during the operation was saved.",
            );
        }
        // Only a create can be undone so that nothing stands; for others null may be a slip.
        if undone && request.prior.is_null() {
            return (
                Value::Null,
                Some(private),
                "The provider recorded that nothing is left, so nothing was saved.",
            );
        }
        // Something was recorded, but it is no object: it says that work had begun, and no more.
        may_stand = true;
    }
    if !request.prior.is_null() {
        return (
            subject.fit(request.prior.clone()).0,
            None,
            "The state before the operation was kept.",
        );
    }
    if may_stand {
        let planned = subject.fit(request.planned.unknown_as_null()).0;
        return (
            planned,
            None,
            "The planned state was saved, because something may have been created.",
        );
    }
    (Value::Null, None, "Nothing was created, so nothing was saved.")
}

/// Terraform destroys and rebuilds an object whose creation ended in an error; the user may know better.
fn tainted(request: &ApplyRequest, state: &Value) -> &'static str {
    if request.prior.is_null() && !state.is_null() {
        " Terraform marks the object as tainted and would replace it next time; if it is sound, run \"terraform untaint\" \
         with its address first."
    } else {
        ""
    }
}
