//! What can go wrong in a scenario.

use crate::diagnostic::Diagnostics;
use crate::rules::Violation;

/// Why a step of a scenario failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The provider answered with errors.
    #[error("the provider refused: {}", listed(.0.0.iter()))]
    Refused(Diagnostics),
    /// The provider's answer breaks core's rules.
    #[error("{call} broke core's rules: {}", listed(violations.iter()))]
    Broken {
        /// The call.
        call: &'static str,
        /// What it broke.
        violations: Vec<Violation>,
    },
    /// After an apply there is still something to do.
    #[error("not converged {when}: planned to {action}: {planned}")]
    NotConverged {
        /// With or without refresh.
        when: &'static str,
        /// What would be done.
        action: String,
        /// The plan against the state.
        planned: String,
    },
    /// The call ended in a gRPC status, which core answers by dropping the state.
    #[error("the call ended in a gRPC status: {0}")]
    Status(#[from] tonic::Status),
    /// An answer could not be decoded.
    #[error("the answer does not fit the schema: {0}")]
    Undecodable(String),
    /// The scenario itself is wrong.
    #[error("{0}")]
    Config(String),
}

impl Failure {
    /// The provider's messages, where it gave any.
    pub fn diagnostics(&self) -> Option<&Diagnostics> {
        match self {
            Failure::Refused(diagnostics) => Some(diagnostics),
            _ => None,
        }
    }
}

fn listed<T: std::fmt::Display>(items: impl Iterator<Item = T>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join("; ")
}
