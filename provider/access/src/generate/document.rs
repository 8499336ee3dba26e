use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer, ser::SerializeMap};

/// Condition block: operator, then key, then values.
pub type Conditions = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// An AWS policy document that we write. Its [`Display`](fmt::Display) is the canonical text: compact, keys in a fixed
/// order, a list of one written as a string.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// The statements, in the order of the tables they come from.
    pub statements: Vec<Statement>,
}

impl Document {
    /// Number of characters that count against a quota (the text holds no free white space).
    ///
    /// Quotas: 10,240 for the inline policies of a role together, 6,144 for a managed policy, 2,048 for a trust policy
    /// (4,096 on request), 20,480 for a bucket policy, 32,768 for a key policy
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
    #[must_use]
    pub fn size(&self) -> usize {
        self.to_string().chars().count()
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A tree of strings always serialises.
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("Version", "2012-10-17")?;
        map.serialize_entry("Statement", &self.statements)?;
        map.end()
    }
}

/// Allow or Deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Effect {
    /// Grants.
    Allow,
    /// Refuses, whatever grants.
    Deny,
}

/// Whom a statement of a trust or resource policy speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principals {
    /// Everyone (only ever in a Deny).
    Everyone,
    /// An OIDC provider.
    Federated(String),
    /// A service principal.
    Service(String),
    /// Accounts, users or roles by ARN.
    Aws(Vec<String>),
}

impl Serialize for Principals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (key, value) = match self {
            Self::Everyone => return serializer.serialize_str("*"),
            Self::Federated(arn) => ("Federated", std::slice::from_ref(arn)),
            Self::Service(name) => ("Service", std::slice::from_ref(name)),
            Self::Aws(arns) => ("AWS", arns.as_slice()),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(key, &OneOrMany(value))?;
        map.end()
    }
}

/// One statement of a [`Document`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What the statement is for, in letters and digits.
    pub sid: String,
    /// Allow or Deny.
    pub effect: Effect,
    /// Whom it speaks of; none in an identity policy.
    pub principals: Option<Principals>,
    /// Actions.
    pub actions: Vec<String>,
    /// Resources; empty in a trust policy.
    pub resources: Vec<String>,
    /// When it applies.
    pub conditions: Conditions,
}

impl Statement {
    /// A statement that allows actions, so far on nothing.
    #[must_use]
    pub fn allow(sid: &str, actions: &[&str]) -> Self {
        Self::new(Effect::Allow, sid, actions)
    }

    /// A statement that denies actions, so far on nothing.
    #[must_use]
    pub fn deny(sid: &str, actions: &[&str]) -> Self {
        Self::new(Effect::Deny, sid, actions)
    }

    fn new(effect: Effect, sid: &str, actions: &[&str]) -> Self {
        Self {
            sid: sid.to_owned(),
            effect,
            principals: None,
            actions: actions.iter().map(|a| (*a).to_owned()).collect(),
            resources: Vec::new(),
            conditions: Conditions::new(),
        }
    }

    /// Names resources.
    #[must_use]
    pub fn on(mut self, resources: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.resources.extend(resources.into_iter().map(Into::into));
        self
    }

    /// Names whom the statement speaks of.
    #[must_use]
    pub fn to(mut self, principals: Principals) -> Self {
        self.principals = Some(principals);
        self
    }

    /// Adds a condition.
    #[must_use]
    pub fn when(
        mut self,
        operator: &str,
        key: &str,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.conditions
            .entry(operator.to_owned())
            .or_default()
            .entry(key.to_owned())
            .or_default()
            .extend(values.into_iter().map(Into::into));
        self
    }
}

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("Sid", &self.sid)?;
        map.serialize_entry("Effect", &self.effect)?;
        if let Some(principals) = &self.principals {
            map.serialize_entry("Principal", principals)?;
        }
        map.serialize_entry("Action", &OneOrMany(&self.actions))?;
        if !self.resources.is_empty() {
            map.serialize_entry("Resource", &OneOrMany(&self.resources))?;
        }
        if !self.conditions.is_empty() {
            let conditions: BTreeMap<_, BTreeMap<_, _>> = self
                .conditions
                .iter()
                .map(|(operator, keys)| (operator, keys.iter().map(|(k, v)| (k, OneOrMany(v))).collect()))
                .collect();
            map.serialize_entry("Condition", &conditions)?;
        }
        map.end()
    }
}

struct OneOrMany<'a>(&'a [String]);

impl Serialize for OneOrMany<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [one] => serializer.serialize_str(one),
            many => serializer.collect_seq(many),
        }
    }
}
