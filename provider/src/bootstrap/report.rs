//! What was found, in words.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

use mlops_environment::component::{Address, Component, Kind, Observation, Outputs};
use mlops_environment::driver::Failure;
use mlops_environment::plan::{Action, Cause, Decision, Refusal, Step, decide};
use mlops_environment::reference;
use serde_json::{Value, json};

use crate::executor::{Problem, Sighting};

/// One component, compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    kind: Kind,
    address: Address,
    outcome: Outcome,
    outputs: Outputs,
}

#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    /// What has to be done.
    Step(Step),
    /// What stands must not be touched, or could not be looked at.
    Problem(Problem),
    /// It stands and is ours, and builds on something that is not there yet.
    Waits,
}

/// Compares a component with what was seen of it.
pub(super) fn compare(component: &Component, sighting: &Sighting, decision: &Decision) -> Finding {
    match &sighting.found {
        Err(problem) => Finding::new(component, Outcome::Problem(problem.clone())),
        Ok(found) => {
            let outcome = match decide(&sighting.wanted, found, decision) {
                Ok(step) => Outcome::Step(step),
                Err(refusal) => Outcome::Problem(Problem::Refused(refusal)),
            };
            let mut finding = Finding::new(component, outcome);
            if let Observation::Present(present) = found {
                finding.outputs.clone_from(&present.outputs);
            }
            finding
        }
    }
}

/// Whether a component is free to be made or changed, though what it builds on is not there yet.
pub(super) fn whose(
    component: &Component,
    found: Result<Observation, Failure>,
    decision: &Decision,
) -> Finding {
    let outcome = match found {
        Err(failure) => Outcome::Problem(Problem::Cloud(failure)),
        Ok(found) => match (decide(component, &found, decision), found) {
            (Err(refusal), _) => Outcome::Problem(Problem::Refused(refusal)),
            (Ok(step), Observation::Absent) => Outcome::Step(step),
            (Ok(_), Observation::Present(_)) => Outcome::Waits,
        },
    };
    Finding::new(component, outcome)
}

impl Finding {
    fn new(component: &Component, outcome: Outcome) -> Self {
        Self {
            kind: component.kind,
            address: component.address.clone(),
            outcome,
            outputs: Outputs::new(),
        }
    }

    /// Why it could not be looked at.
    pub(crate) fn unseen(&self) -> Option<String> {
        match &self.outcome {
            Outcome::Problem(Problem::Refused(_)) | Outcome::Step(_) | Outcome::Waits => None,
            Outcome::Problem(why) => Some(format!("{}: {why}", self.address)),
        }
    }

    /// Whether it stands.
    pub(crate) fn stands(&self) -> bool {
        match &self.outcome {
            Outcome::Step(step) => step.action != Action::Create,
            Outcome::Problem(_) | Outcome::Waits => true,
        }
    }

    /// Whether nothing has to be done.
    pub(crate) fn settled(&self) -> bool {
        matches!(&self.outcome, Outcome::Step(step) if step.action == Action::Keep)
    }

    /// Whether it stands in the way of everything.
    pub(crate) fn refused(&self) -> bool {
        matches!(self.outcome, Outcome::Problem(_))
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// ARN or full name of the states' key, if this is it.
    pub(crate) fn key(&self) -> Option<String> {
        match self.kind {
            Kind::AwsKey => self.outputs.get("arn").cloned(),
            Kind::GcpKey => self.outputs.get("name").cloned(),
            _ => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Step(step) => step.fmt(f),
            Outcome::Problem(why) => write!(f, "! {}: {}", self.address, problem(why)),
            Outcome::Waits => write!(f, "~ {}: compared once what it builds on stands", self.address),
        }
    }
}

/// A problem, with the way out that bootstrap has.
pub(super) fn problem(problem: &Problem) -> String {
    match problem {
        Problem::Refused(Refusal {
            cause: Cause::Unmarked { handle },
            ..
        }) => format!(
            "{handle} is there already, and bootstrap did not make it. It was not touched. Choose another --name, or remove it."
        ),
        Problem::Refused(Refusal {
            cause: Cause::Foreign { handle, owner },
            ..
        }) => format!("{handle} belongs to {owner}. It was not touched. Choose another --name."),
        other => other.to_string(),
    }
}

/// Properties that hold a policy.
const DOCUMENTS: [&str; 3] = ["policy", "trust", "document"];

/// Properties that hold a part of one, on Google Cloud.
const PARTS: [&str; 6] = [
    "permissions",
    "members",
    "grants",
    "folders",
    "attribute_mapping",
    "attribute_condition",
];

/// Every policy that shall stand, by component; what is known only later is named in angle brackets.
pub(super) fn documents(components: &[Component]) -> String {
    let key = BTreeMap::from([("arn".to_owned(), "<ARN of the states' key>".to_owned())]);
    let mut world: reference::World = components
        .iter()
        .map(|component| (component.address.clone(), component.outputs.clone()))
        .collect();
    world.insert(Address::new(&["state", "key"]), key);
    let mut text = String::new();
    for component in components {
        let named = DOCUMENTS
            .into_iter()
            .filter_map(|name| Some((name, component.properties.get(name)?)));
        let inline = component
            .properties
            .get("inline_policies")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, document)| (name.as_str(), document));
        for (name, document) in named.chain(inline) {
            let filled = reference::fill(document.as_str().unwrap_or_default(), &world);
            let pretty = serde_json::from_str::<Value>(&filled)
                .and_then(|value| serde_json::to_string_pretty(&value))
                .unwrap_or(filled);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# {}: {name}\n{pretty}\n", component.address);
        }
        for name in PARTS {
            let empty = |value: &&Value| **value == json!([]) || **value == json!({});
            if let Some(part) = component.properties.get(name).filter(|value| !empty(value)) {
                let _ = writeln!(text, "# {}: {name}\n{part:#}\n", component.address);
            }
        }
    }
    text
}
