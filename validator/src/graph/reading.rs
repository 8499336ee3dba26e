//! A policy as rules get it: what is worked out about it is worked out once for all of them.

use std::sync::OnceLock;

use mlops_access::aws::{Finding, Policy};

use super::entrance::{Entrance, entrances};

/// A policy, and what was worked out about it so far.
#[derive(Debug)]
pub struct Reading<'p> {
    policy: &'p Policy,
    findings: OnceLock<Vec<Finding<'p>>>,
    entrances: OnceLock<Vec<Entrance<'p>>>,
}

impl<'p> Reading<'p> {
    /// A reading of a policy.
    #[must_use]
    pub const fn of(policy: &'p Policy) -> Self {
        Self {
            policy,
            findings: OnceLock::new(),
            entrances: OnceLock::new(),
        }
    }

    /// What [`Policy::findings`] says.
    pub fn findings(&self) -> &[Finding<'p>] {
        self.findings.get_or_init(|| self.policy.findings())
    }

    /// The ways in by a signed token, when it is a trust.
    pub(crate) fn entrances(&self) -> &[Entrance<'p>] {
        self.entrances.get_or_init(|| entrances(self.policy))
    }
}

impl std::ops::Deref for Reading<'_> {
    type Target = Policy;
    fn deref(&self) -> &Policy {
        self.policy
    }
}
