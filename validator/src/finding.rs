//! Findings: what is wrong, where, why, and what to write instead.
//!
//! A finding cannot be made without a place: [`Findings::report`] takes it first. The place has two halves: the Terraform
//! address with the attribute path, which a rule gives, and the line in the source, which the engine adds when it knows it.

use std::fmt;

use crate::rules::Meta;
use crate::value::Path;

/// The families of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Static credentials (SK).
    StaticCredentials,
    /// State backend (LS).
    StateBackend,
    /// Monolithic IAM (MI).
    MonolithicIam,
    /// Waivers that are expired, unused or unaccountable (WV): always on.
    Waivers,
}

impl Family {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 3] = [Self::StaticCredentials, Self::StateBackend, Self::MonolithicIam];

    /// The name on the command line and in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StaticCredentials => "static-credentials",
            Self::StateBackend => "state-backend",
            Self::MonolithicIam => "monolithic-iam",
            Self::Waivers => "waivers",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How bad it is. Ordered: `Note < Warning < Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing; never fails a run by default.
    Note,
    /// Should be changed; fails with `--fail-on warning`.
    Warning,
    /// Must be changed; fails a run.
    Error,
}

impl Level {
    /// The name in configuration and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where something stands: a Terraform address and an attribute path.
///
/// Addresses are those of `DESIGN` §3: a resource or data source as Terraform writes it, `provider.google.alias`,
/// `module.x.var.name`, `output.name`, `terraform.backend`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The address.
    pub address: String,
    /// The attribute inside it; empty for the thing itself.
    pub path: Path,
}

impl Place {
    /// A place. `path` is dotted (`environment.0.variables`) or a [`Path`].
    pub fn new(address: impl Into<String>, path: impl Into<Path>) -> Self {
        Self {
            address: address.into(),
            path: path.into(),
        }
    }

    /// The place of the backend.
    #[must_use]
    pub fn backend(path: &str) -> Self {
        Self::new("terraform.backend", path)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)?;
        match self.path.to_string() {
            p if p.is_empty() => Ok(()),
            p if p.starts_with('[') => write!(f, "{p}"),
            p => write!(f, ".{p}"),
        }
    }
}

/// What kind of result this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Something is wrong.
    Wrong,
    /// It could not be judged, and this says why.
    Undecided,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static Meta,
    /// Wrong, or undecided.
    pub verdict: Verdict,
    /// Its level; the rule's own unless the rule chose another, or the configuration did.
    pub level: Level,
    /// Where.
    pub place: Place,
    /// What is wrong, in one sentence.
    pub what: String,
    /// Why it matters, in one sentence.
    pub why: String,
    /// The HCL to write instead, with the user's own names.
    pub fix: Option<String>,
    /// Other places that have to do with it.
    pub related: Vec<(Place, String)>,
}

impl Finding {
    /// Replaces the rule's general reason with one for this case.
    pub fn why(&mut self, why: impl Into<String>) -> &mut Self {
        self.why = why.into();
        self
    }

    /// The compliant HCL, with the names of the user's own resources in it.
    pub fn fix(&mut self, hcl: impl Into<String>) -> &mut Self {
        self.fix = Some(hcl.into());
        self
    }

    /// Another place that belongs to the picture, with a few words on what it is.
    pub fn related(&mut self, place: Place, note: impl Into<String>) -> &mut Self {
        self.related.push((place, note.into()));
        self
    }

    /// Another level than the rule's own.
    pub fn level(&mut self, level: Level) -> &mut Self {
        self.level = level;
        self
    }
}

/// Takes the findings of one rule.
#[derive(Debug)]
pub struct Findings<'a> {
    rule: &'static Meta,
    out: &'a mut Vec<Finding>,
}

impl<'a> Findings<'a> {
    /// A sink for `rule`.
    pub fn new(rule: &'static Meta, out: &'a mut Vec<Finding>) -> Self {
        Self { rule, out }
    }

    /// Reports that something is wrong at `place`. `what` is one sentence and holds no value of the plan that could be
    /// secret. Why and fix start as the rule's own; refine them on what is returned.
    pub fn report(&mut self, place: Place, what: impl Into<String>) -> &mut Finding {
        self.push(Verdict::Wrong, self.rule.level, place, what.into())
    }

    /// Says that something at `place` could not be judged. `what` names what is missing (an unknown reference, say).
    pub fn undecided(&mut self, place: Place, what: impl Into<String>) -> &mut Finding {
        self.push(Verdict::Undecided, Level::Note, place, what.into())
    }

    fn push(&mut self, verdict: Verdict, level: Level, place: Place, what: String) -> &mut Finding {
        self.out.push(Finding {
            rule: self.rule,
            verdict,
            level,
            place,
            what,
            why: self.rule.why.to_owned(),
            fix: None,
            related: Vec::new(),
        });
        let last = self.out.len() - 1;
        &mut self.out[last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_print_address_then_path() {
        assert_eq!(
            Place::new("aws_iam_role.r", "inline_policy.0.policy").to_string(),
            "aws_iam_role.r.inline_policy[0].policy"
        );
        assert_eq!(Place::new("aws_iam_role.r", "").to_string(), "aws_iam_role.r");
    }

    #[test]
    fn levels_are_ordered() {
        assert!(Level::Note < Level::Warning && Level::Warning < Level::Error);
    }
}
