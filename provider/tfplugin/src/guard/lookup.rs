//! Answers that report something: read, upgrade, import, data sources, ephemeral resources, identities.

use super::{Subject, as_violations, report};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::provider::{Imported, ReadRequest, ReadResponse};
use crate::rules::{
    Rule, Violation, check_data, check_ephemeral, check_identity, check_import, check_state, check_upgrade,
};
use crate::schema::Schema;
use crate::value::Value;

/// Shape and rules of one value.
fn judge(
    subject: Subject<'_>,
    rule: Rule,
    value: Value,
    check: impl Fn(&Schema, &Value) -> Vec<Violation>,
) -> (Value, Vec<Violation>) {
    let (value, changes) = subject.fit(value);
    let mut violations = as_violations(rule, changes);
    if violations.is_empty() {
        violations = check(subject.schema, &value);
    }
    (value, violations)
}

/// `ReadResource`: on a violation, and where an error came with no state, the stored state is kept.
pub fn read(subject: Subject<'_>, request: &ReadRequest, response: ReadResponse) -> ReadResponse {
    let ReadResponse {
        state,
        private,
        mut diagnostics,
    } = response;
    let failed = diagnostics.has_errors();
    let (state, violations) = judge(subject, Rule::InvalidObject, state, check_state);
    if violations.is_empty() && !(failed && state.is_null()) {
        return ReadResponse {
            state,
            private,
            diagnostics,
        };
    }
    if !failed {
        let saved = "The stored state was kept.";
        diagnostics.push(report::bug(subject, "ReadResource", &violations, saved));
    }
    ReadResponse {
        state: request.state.clone(),
        private: request.private.clone(),
        diagnostics,
    }
}

/// `UpgradeResourceState`.
///
/// # Errors
/// The message for the user; the stored state stays as it is.
pub fn upgrade(subject: Subject<'_>, state: Value) -> Result<Value, Diagnostic> {
    let (state, violations) = judge(subject, Rule::InvalidUpgrade, state, check_upgrade);
    if violations.is_empty() {
        return Ok(state);
    }
    Err(report::bug(
        subject,
        "UpgradeResourceState",
        &violations,
        "The stored state stays as it is.",
    ))
}

/// `ImportResourceState` and `MoveResourceState`; `call` is the one.
///
/// # Errors
/// The message for the user; nothing is imported.
pub fn import(subject: Subject<'_>, call: &str, imported: Imported) -> Result<Imported, Diagnostic> {
    let Imported { state, private } = imported;
    let (state, violations) = judge(subject, Rule::InvalidImport, state, check_import);
    if violations.is_empty() {
        return Ok(Imported { state, private });
    }
    Err(report::bug(subject, call, &violations, "Nothing was imported."))
}

/// `ReadDataSource`.
///
/// # Errors
/// The messages for the user.
pub fn data(
    subject: Subject<'_>,
    state: Value,
    mut diagnostics: Diagnostics,
) -> Result<(Value, Diagnostics), Diagnostics> {
    if diagnostics.has_errors() {
        return Err(diagnostics);
    }
    let (state, violations) = judge(subject, Rule::InvalidObject, state, check_data);
    if violations.is_empty() {
        return Ok((state, diagnostics));
    }
    diagnostics.push(report::bug(subject, "ReadDataSource", &violations, ""));
    Err(diagnostics)
}

/// `OpenEphemeralResource`: the result against the configuration.
///
/// # Errors
/// The message for the user. What was opened is then of no use: the caller closes it with the private data it has.
pub fn ephemeral(subject: Subject<'_>, config: &Value, result: Value) -> Result<Value, Diagnostic> {
    let (result, violations) = judge(subject, Rule::InvalidEphemeral, result, |schema, result| {
        check_ephemeral(schema, config, result)
    });
    if violations.is_empty() {
        return Ok(result);
    }
    Err(report::bug(subject, "OpenEphemeralResource", &violations, ""))
}

/// An identity; `subject` has the identity's schema. `known` where it may not be left open (after read, apply, import).
///
/// # Errors
/// The message for the user.
pub fn identity(subject: Subject<'_>, identity: Value, known: bool) -> Result<Value, Diagnostic> {
    let (identity, violations) = judge(subject, Rule::InvalidIdentity, identity, |schema, identity| {
        check_identity(schema, identity, known)
    });
    if violations.is_empty() {
        return Ok(identity);
    }
    Err(report::bug(
        subject,
        "the request for an identity",
        &violations,
        "",
    ))
}
