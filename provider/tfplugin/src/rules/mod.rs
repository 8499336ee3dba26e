//! What Terraform core demands of a provider's answers, as pure functions.
//!
//! Source: `hashicorp/terraform:internal/plans/objchange` (`plan_valid.go`, `compatible.go`) and the checks around it in
//! `internal/terraform` (`node_resource_abstract_instance.go`, `upgrade_resource_state.go`,
//! `node_resource_ephemeral.go`), as of v1.11; described in `docs/resource-instance-change-lifecycle.md`. The
//! [guard](crate::guard) runs them before an answer is sent, a fake core in tests after.
//!
//! Each function returns everything that is wrong, not the first fault: one round trip should tell all.

mod compatible;
mod object;
mod planned;

use std::fmt;

use crate::path::Path;
use crate::schema::Schema;
use crate::value::Value;

pub use object::write_only_as_null;

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {path}: {text}")]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// Where in the value.
    pub path: Path,
    /// What core would say. Never shows what stands at a sensitive attribute.
    pub text: String,
}

/// The error core raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The plan disagrees with configuration and schema.
    InvalidPlan,
    /// The plan made during the apply disagrees with the one the user saw.
    InconsistentFinalPlan,
    /// The applied state disagrees with the plan.
    InconsistentResult,
    /// The applied state is null, not null, or unknown where it must not be.
    InvalidResult,
    /// A state is of the wrong type, not known, or holds a write-only value.
    InvalidObject,
    /// A data source answered null.
    NullObject,
    /// An upgraded state is of the wrong type or not known.
    InvalidUpgrade,
    /// An imported or moved state is null, of the wrong type, or not known.
    InvalidImport,
    /// An opened ephemeral resource disagrees with its configuration.
    InvalidEphemeral,
    /// An identity does not fit its schema.
    InvalidIdentity,
}

impl Rule {
    /// The summary core shows.
    pub fn summary(self) -> &'static str {
        match self {
            Rule::InvalidPlan => "Provider produced invalid plan",
            Rule::InconsistentFinalPlan => "Provider produced inconsistent final plan",
            Rule::InconsistentResult => "Provider produced inconsistent result after apply",
            Rule::InvalidResult => "Provider returned invalid result object after apply",
            Rule::InvalidObject => "Provider produced invalid object",
            Rule::NullObject => "Provider produced null object",
            Rule::InvalidUpgrade => "Invalid resource state upgrade",
            Rule::InvalidImport => "Provider returned invalid value for an imported object",
            Rule::InvalidEphemeral => "Provider produced invalid ephemeral resource instance",
            Rule::InvalidIdentity => "Provider produced invalid identity",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.summary())
    }
}

/// Collects violations of one rule.
struct Findings<'a> {
    schema: &'a Schema,
    rule: Rule,
    found: Vec<Violation>,
}

impl<'a> Findings<'a> {
    fn new(schema: &'a Schema, rule: Rule) -> Self {
        Self {
            schema,
            rule,
            found: Vec::new(),
        }
    }

    fn add(&mut self, path: &Path, text: impl Into<String>) {
        self.found.push(Violation {
            rule: self.rule,
            path: path.clone(),
            text: text.into(),
        });
    }

    /// A value in words, unless the schema hides it.
    fn show(&self, path: &Path, value: &Value) -> String {
        if self.schema.holds_sensitive(path) {
            "(sensitive value)".to_owned()
        } else {
            show(value)
        }
    }
}

/// A value as a configuration would have it, cut when long.
pub(crate) fn show(value: &Value) -> String {
    const LONGEST: usize = 200;
    let text = match value {
        Value::Null => "null".to_owned(),
        Value::Unknown(_) => "(known after apply)".to_owned(),
        Value::Dynamic(boxed) => show(&boxed.1),
        value => match value.unknown_as_null().to_json() {
            Ok(json) => json.to_string(),
            Err(_) => value.kind().to_owned(),
        },
    };
    if text.chars().count() <= LONGEST {
        return text;
    }
    let cut: String = text.chars().take(LONGEST).collect();
    format!("{cut}...")
}

/// `PlanResourceChange`: the planned state against configuration and prior state.
pub fn check_plan(schema: &Schema, prior: &Value, config: &Value, planned: &Value) -> Vec<Violation> {
    let mut findings = Findings::new(schema, Rule::InvalidPlan);
    if findings.shape(planned) {
        findings.planned(prior, config, planned);
    }
    findings.found
}

/// `PlanResourceChange` with a null configuration: the planned state must be null.
pub fn check_destroy_plan(schema: &Schema, planned: &Value) -> Vec<Violation> {
    let mut findings = Findings::new(schema, Rule::InvalidPlan);
    if !planned.is_null() {
        findings.add(&Path::root(), "planned a non-null destroy value");
    }
    findings.found
}

/// `requires_replace`: every path must lead somewhere in the prior or in the planned state.
pub fn check_replace_paths(
    schema: &Schema,
    prior: &Value,
    planned: &Value,
    paths: &[Path],
) -> Vec<Violation> {
    let mut findings = Findings::new(schema, Rule::InvalidPlan);
    for path in paths {
        if !resolves(prior, path) && !resolves(planned, path) {
            findings.add(
                path,
                "requires replacement on a path that leads nowhere (a set cannot be looked into)",
            );
        }
    }
    findings.found
}

/// Whether core can follow `path` in `value`; everything below an unknown value is unknown.
pub fn resolves(value: &Value, path: &Path) -> bool {
    (0..=path.steps().len()).any(|steps| {
        value
            .at(&path.cut(steps))
            .is_some_and(|found| found.is_unknown() || steps == path.steps().len())
    })
}

/// The second `PlanResourceChange` of an apply against the first, which the user saw.
pub fn check_final_plan(schema: &Schema, first: &Value, second: &Value) -> Vec<Violation> {
    let mut findings = Findings::new(schema, Rule::InconsistentFinalPlan);
    findings.compatible(first, second);
    findings.found
}

/// `ApplyResourceChange` without an error: the new state against the plan. After an error core checks nothing but
/// [`check_state`].
pub fn check_apply(schema: &Schema, planned: &Value, state: &Value) -> Vec<Violation> {
    let mut findings = Findings::new(schema, Rule::InvalidObject);
    if !findings.shape(state) || !findings.write_only(state) {
        return findings.found;
    }
    findings.rule = Rule::InvalidResult;
    if planned.is_null() && !state.is_null() {
        findings.add(
            &Path::root(),
            "a non-null value was returned after the object was destroyed",
        );
        return findings.found;
    }
    if !planned.is_null() && state.is_null() {
        findings.add(&Path::root(), "a null value was returned after create or update");
        return findings.found;
    }
    for path in state.unknown_paths() {
        findings.add(&path, "still unknown after apply");
    }
    findings.rule = Rule::InconsistentResult;
    findings.compatible(planned, state);
    findings.found
}

/// `ReadResource`, and `ApplyResourceChange` with an error: any state, or null.
pub fn check_state(schema: &Schema, state: &Value) -> Vec<Violation> {
    known_object(schema, Rule::InvalidObject, state)
}

/// `UpgradeResourceState`.
pub fn check_upgrade(schema: &Schema, state: &Value) -> Vec<Violation> {
    let mut found = known_object(schema, Rule::InvalidUpgrade, state);
    if state.is_null() {
        let text = "the upgraded state is null, but there is an object".to_owned();
        found.push(Violation {
            rule: Rule::InvalidUpgrade,
            path: Path::root(),
            text,
        });
    }
    found
}

/// `ImportResourceState` and `MoveResourceState`.
pub fn check_import(schema: &Schema, state: &Value) -> Vec<Violation> {
    let mut found = known_object(schema, Rule::InvalidImport, state);
    if state.is_null() {
        let text = "the object to import is null".to_owned();
        found.push(Violation {
            rule: Rule::InvalidImport,
            path: Path::root(),
            text,
        });
    }
    found
}

/// `ReadDataSource`.
pub fn check_data(schema: &Schema, state: &Value) -> Vec<Violation> {
    let mut found = known_object(schema, Rule::InvalidObject, state);
    if state.is_null() {
        let text = "the data source answered null".to_owned();
        found.push(Violation {
            rule: Rule::NullObject,
            path: Path::root(),
            text,
        });
    }
    found
}

/// `OpenEphemeralResource`: the plan rules against the configuration.
pub fn check_ephemeral(schema: &Schema, config: &Value, result: &Value) -> Vec<Violation> {
    let mut findings = Findings::new(schema, Rule::InvalidEphemeral);
    if findings.shape(result) {
        findings.planned(&Value::Null, config, result);
    }
    findings.found
}

/// An identity (Terraform 1.12 and later); `known` where no plan may leave it open.
pub fn check_identity(identity_schema: &Schema, identity: &Value, known: bool) -> Vec<Violation> {
    let mut findings = Findings::new(identity_schema, Rule::InvalidIdentity);
    if identity.is_null() {
        findings.add(&Path::root(), "the identity is null");
    } else if findings.shape(identity) && known {
        for path in identity.unknown_paths() {
            findings.add(&path, "unknown in an identity");
        }
    }
    findings.found
}

fn known_object(schema: &Schema, rule: Rule, state: &Value) -> Vec<Violation> {
    let mut findings = Findings::new(schema, rule);
    if findings.shape(state) && findings.write_only(state) {
        for path in state.unknown_paths() {
            findings.add(&path, "unknown where only known values are allowed");
        }
    }
    findings.found
}

#[cfg(test)]
mod tests;
