//! What the user is told about a bug of the provider.

use std::fmt::Write;

use super::Subject;
use crate::diagnostic::Diagnostic;
use crate::rules::Violation;

/// Most violations listed in one message.
const LISTED: usize = 10;

/// An error for `violations` in the answer to `call`; `saved` says what became of the state.
pub(super) fn bug(subject: Subject<'_>, call: &str, violations: &[Violation], saved: &str) -> Diagnostic {
    let type_name = subject.type_name;
    let mut detail = format!(
        "The provider's answer to {call} for {type_name} breaks rules of Terraform. This is a bug in the provider, not in \
         your configuration: please report it with this message.\n"
    );
    for violation in violations.iter().take(LISTED) {
        // Writing to a String cannot fail.
        let _ = write!(detail, "\n  - {}: {}", violation.path, violation.text);
    }
    if violations.len() > LISTED {
        let _ = write!(detail, "\n  - and {} more", violations.len() - LISTED);
    }
    if let Some(first) = violations.first() {
        let _ = write!(
            detail,
            "\n\nTerraform itself would have said: {:?}.",
            first.rule.summary()
        );
    }
    if !saved.is_empty() {
        let _ = write!(detail, " {saved}");
    }
    let error = Diagnostic::error(format!("Bug in the provider: invalid answer to {call}"), detail);
    match violations {
        [only] if !only.path.is_root() => error.at(only.path.clone()),
        _ => error,
    }
}
