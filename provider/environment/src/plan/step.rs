//! Steps: what is planned, as values that print.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::component::{Address, Kind};
use crate::reference;

/// One property that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Name of the property.
    pub property: String,
    /// As found (null: absent). Of tags only those that are ours to change.
    pub from: Value,
    /// As wanted.
    pub to: Value,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Make it.
    Create,
    /// Take it over, then bring it in line.
    Adopt {
        /// What will be changed on it.
        changes: Vec<Change>,
    },
    /// Change it in place.
    Update {
        /// Properties to change.
        changes: Vec<Change>,
        /// Deviations to remove.
        foreign: Vec<String>,
    },
    /// Build anew beside the old, then remove the old.
    Rotate {
        /// Properties to change.
        changes: Vec<Change>,
    },
    /// Wait for what the cloud has under way, then look again.
    Settle,
    /// Bring it back: somebody put it out of use.
    Restore,
    /// Delete it. While applying: to make it anew, because it failed or its replacement was consented to.
    Delete,
    /// Keep the object, let go of it.
    Retain,
    /// Nothing.
    Keep,
}

/// How users notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disruption {
    /// Not at all.
    None,
    /// Something restarts.
    Restart,
    /// Nodes or objects are built anew.
    Rotate,
    /// Data is deleted.
    DataLoss,
}

impl Disruption {
    /// The word of warning in the plan.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Restart => Some("restart"),
            Self::Rotate => Some("rotate"),
            Self::DataLoss => Some("data loss"),
        }
    }
}

/// One planned change to one component. Prints as a line of `last_change`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which component.
    pub address: Address,
    /// What it is.
    pub kind: Kind,
    /// What is done.
    pub action: Action,
    /// How users notice.
    pub disruption: Disruption,
    /// Details for the reader, for example `gpu-small, 0..2`.
    pub detail: String,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, what) = match &self.action {
            Action::Create => ("+", "create".to_owned()),
            Action::Adopt { changes } if changes.is_empty() => (">", "adopt".to_owned()),
            Action::Adopt { changes } => (">", format!("adopt, {}", list(changes))),
            Action::Update { changes, foreign } => {
                let remove = foreign.iter().map(|what| format!("remove {what}"));
                let parts: Vec<String> = changes.iter().map(Change::to_string).chain(remove).collect();
                (
                    "~",
                    if parts.is_empty() {
                        "change".to_owned()
                    } else {
                        parts.join("; ")
                    },
                )
            }
            Action::Rotate { changes } => {
                ("~", format!("build anew, then remove the old: {}", list(changes)))
            }
            Action::Restore => ("~", "bring back".to_owned()),
            Action::Settle => ("~", "wait for what the cloud has under way".to_owned()),
            Action::Delete => ("-", "delete".to_owned()),
            Action::Retain => ("-", "let go of it, keep it in the cloud".to_owned()),
            Action::Keep => ("=", "keep".to_owned()),
        };
        write!(f, "{sign} {}: {what}", self.address)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        match self.disruption.word() {
            Some(word) => write!(f, " [{word}]"),
            None => Ok(()),
        }
    }
}

fn list(changes: &[Change]) -> String {
    changes
        .iter()
        .map(Change::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.property.replace('_', " ");
        match (&self.from, &self.to) {
            (Value::Array(from), Value::Array(to)) => write!(f, "{name} {}", moves(from, to)),
            (Value::Object(from), Value::Object(to)) => {
                let keys: BTreeSet<&String> = from.keys().chain(to.keys()).collect();
                let parts = keys
                    .into_iter()
                    .filter(|key| from.get(*key) != to.get(*key))
                    .map(|key| match (from.get(key), to.get(key)) {
                        (None, _) => format!("+{key}"),
                        (_, None) => format!("-{key}"),
                        _ => format!("~{key}"),
                    });
                write!(f, "{name} {}", parts.collect::<Vec<_>>().join(" "))
            }
            (from, to) => match (short(from), short(to)) {
                (Some(from), Some(to)) => write!(f, "{name} {from} → {to}"),
                _ => write!(f, "{name} changes"),
            },
        }
    }
}

/// What comes and what goes.
fn moves(from: &[Value], to: &[Value]) -> String {
    let side = |sign: char, these: &[Value], those: &[Value]| -> Vec<String> {
        these
            .iter()
            .filter(|item| !those.contains(item))
            .map(|item| format!("{sign}{}", words(item)))
            .collect()
    };
    let parts = [side('+', to, from), side('-', from, to)].concat();
    if parts.is_empty() {
        "in another order".to_owned()
    } else {
        parts.join(" ")
    }
}

fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => fields
            .values()
            .filter_map(|field| match field {
                Value::String(text) if !text.is_empty() => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
            .collect::<Vec<_>>()
            .join(":"),
        other => other.to_string(),
    }
}

/// A value that fits into a line; documents do not.
fn short(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("none".to_owned()),
        Value::String(text) if text.starts_with('{') || text.chars().count() > 120 => None,
        Value::String(text) if text.is_empty() => Some("none".to_owned()),
        Value::String(text) => Some(in_words(text)),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Text with what is not known yet in words: `arn of keys.storage`.
fn in_words(text: &str) -> String {
    reference::find(text)
        .iter()
        .fold(text.to_owned(), |text, reference| {
            let words = format!("{} of {}", reference.output, reference.address);
            text.replace(&reference.to_string(), &words)
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_yet_is_said_in_words() {
        assert_eq!(
            change("encryption", "AES256".into(), "@{keys.storage:arn}".into()).to_string(),
            "encryption AES256 → arn of keys.storage"
        );
    }

    fn step(action: Action, disruption: Disruption, detail: &str) -> String {
        let address = Address::new(&["buckets", "data"]);
        Step {
            address,
            kind: Kind::AwsBucket,
            action,
            disruption,
            detail: detail.to_owned(),
        }
        .to_string()
    }

    fn change(property: &str, from: Value, to: Value) -> Change {
        Change {
            property: property.to_owned(),
            from,
            to,
        }
    }

    #[test]
    fn steps_print_as_lines_of_the_plan() {
        assert_eq!(
            step(Action::Create, Disruption::None, "gpu-small, 0..2"),
            "+ buckets.data: create (gpu-small, 0..2)"
        );
        let changes = vec![change("versioning", false.into(), true.into())];
        let foreign = vec!["foreign policy AdministratorAccess".to_owned()];
        assert_eq!(
            step(Action::Update { changes, foreign }, Disruption::None, ""),
            "~ buckets.data: versioning false → true; remove foreign policy AdministratorAccess"
        );
        assert_eq!(
            step(Action::Delete, Disruption::DataLoss, ""),
            "- buckets.data: delete [data loss]"
        );
    }

    #[test]
    fn documents_are_not_poured_into_a_line() {
        let text = change(
            "policy",
            json!("{\"Statement\":[]}"),
            json!("{\"Statement\":[1]}"),
        )
        .to_string();
        assert_eq!(text, "policy changes");
    }

    #[test]
    fn sets_and_maps_show_what_comes_and_goes() {
        assert_eq!(
            change("log_types", json!(["api"]), json!(["audit"])).to_string(),
            "log types +audit -api"
        );
        let rule = |days: i64| json!([{ "action": "expire", "days": days, "prefix": "" }]);
        assert_eq!(
            change("lifecycle", rule(30), rule(60)).to_string(),
            "lifecycle +expire:60 -expire:30"
        );
        let maps = change(
            "labels",
            json!({ "a": "1", "b": "2" }),
            json!({ "b": "3", "c": "4" }),
        );
        assert_eq!(maps.to_string(), "labels -a ~b +c");
    }
}
