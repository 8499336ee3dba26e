//! Policy documents as types. Reading is in [`read`](super::read), writing in [`write`](super::write).

use super::condition::Condition;
use super::json::Place;
use super::principal::Principals;
use super::template::{Template, UNKNOWN_TEXT};
use crate::pattern::Pattern;
use std::fmt;

/// A policy document: identity, resource, trust, boundary, session or organisation policy; the grammar is one.
///
/// Source: IAM user guide, "Grammar of the IAM JSON policy language".
///
/// ```
/// use mlops_access::aws::{Policy, Statement};
///
/// let policy = Policy::new([
///     Statement::allow(["s3:GetObject"]).on(["arn:aws:s3:::models/churn/*"]).when("StringEquals", "aws:ResourceAccount", ["123456789012"]),
/// ]);
/// assert_eq!(Policy::parse(&policy.to_json()).unwrap(), policy);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    /// Which language it is written in. A document that names none is read by the rules of 2008.
    pub version: Version,
    /// The document's `Id`.
    pub id: Option<String>,
    /// Its statements, in order.
    pub statements: Vec<Statement>,
    /// Top-level elements that this crate does not know.
    pub unread: Vec<Unread>,
}

/// The version of the policy language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Version {
    /// `2008-10-17`, also meant when the element is missing: no policy variables.
    V2008,
    /// `2012-10-17`.
    #[default]
    V2012,
}

/// What a statement does when it applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// Allows, unless something denies.
    Allow,
    /// Denies, whatever allows.
    Deny,
    /// Could not be read: it may be either.
    Unread,
}

/// An element that lists what a statement is about, or what it is not about (`NotAction`, `NotResource`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope<T> {
    /// These.
    Only(Vec<T>),
    /// Everything else.
    AllBut(Vec<T>),
}

/// One statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Statement {
    /// Its `Sid`.
    pub sid: Option<String>,
    /// Allow or deny.
    pub effect: Effect,
    /// `Principal` or `NotPrincipal`; only in resource and trust policies.
    pub principals: Option<Principals>,
    /// `Action` or `NotAction`. Missing only in a statement that also holds the complaint in `unread`.
    pub actions: Scope<ActionPattern>,
    /// `Resource` or `NotResource`; trust policies have none.
    pub resources: Option<Scope<Template>>,
    /// All of them must hold. Sorted by operator and key, as they are read and as [`Statement::when`] adds them.
    pub conditions: Vec<Condition>,
    /// What could not be read. While there is any, the statement may apply or not where the rest of it would.
    pub unread: Vec<Unread>,
    /// Where it begins in the document it was read from.
    pub at: Place,
}

/// A piece of a document that this crate does not understand, kept as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unread {
    /// The element's key.
    pub element: String,
    /// Its JSON as written.
    pub json: String,
    /// Why it was not understood.
    pub why: String,
    /// Where it stands.
    pub at: Place,
}

/// An action of a statement, such as `s3:Get*`. Case does not matter.
#[derive(Debug, Clone)]
pub struct ActionPattern {
    text: Box<str>,
    folded: Pattern,
    unknown: bool,
}

impl Policy {
    /// A document of 2012 with these statements.
    pub fn new(statements: impl IntoIterator<Item = Statement>) -> Self {
        Policy {
            version: Version::V2012,
            id: None,
            statements: statements.into_iter().collect(),
            unread: Vec::new(),
        }
    }
}

impl Statement {
    /// Allows these actions, on nothing yet.
    pub fn allow<T: AsRef<str>>(actions: impl IntoIterator<Item = T>) -> Self {
        Statement::new(
            Effect::Allow,
            Scope::Only(
                actions
                    .into_iter()
                    .map(|a| ActionPattern::new(a.as_ref()))
                    .collect(),
            ),
        )
    }

    /// Denies these actions, on nothing yet.
    pub fn deny<T: AsRef<str>>(actions: impl IntoIterator<Item = T>) -> Self {
        Statement::new(
            Effect::Deny,
            Scope::Only(
                actions
                    .into_iter()
                    .map(|a| ActionPattern::new(a.as_ref()))
                    .collect(),
            ),
        )
    }

    /// A statement with this effect on these actions.
    pub fn new(effect: Effect, actions: Scope<ActionPattern>) -> Self {
        Statement {
            sid: None,
            effect,
            principals: None,
            actions,
            resources: None,
            conditions: Vec::new(),
            unread: Vec::new(),
            at: Place::default(),
        }
    }

    /// Names the statement.
    #[must_use]
    pub fn sid(mut self, sid: impl Into<String>) -> Self {
        self.sid = Some(sid.into());
        self
    }

    /// Sets `Resource`.
    #[must_use]
    pub fn on<T: AsRef<str>>(mut self, resources: impl IntoIterator<Item = T>) -> Self {
        let resources = resources
            .into_iter()
            .map(|r| Template::wild(r.as_ref(), Version::V2012));
        self.resources = Some(Scope::Only(resources.collect()));
        self
    }

    /// Sets `NotResource`.
    #[must_use]
    pub fn on_all_but<T: AsRef<str>>(mut self, resources: impl IntoIterator<Item = T>) -> Self {
        let resources = resources
            .into_iter()
            .map(|r| Template::wild(r.as_ref(), Version::V2012));
        self.resources = Some(Scope::AllBut(resources.collect()));
        self
    }

    /// Sets `Principal` or `NotPrincipal`.
    #[must_use]
    pub fn to(mut self, principals: Principals) -> Self {
        self.principals = Some(principals);
        self
    }

    /// Adds a condition: operator as AWS spells it (`ForAnyValue:StringLikeIfExists`), key, accepted values. All conditions of
    /// a statement must hold; one operator can name one key once only, so say it once.
    #[must_use]
    pub fn when<T: AsRef<str>>(
        mut self,
        operator: &str,
        key: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.add_condition(Condition::new(operator, key, values, Version::V2012));
        self
    }

    /// Adds a condition in its canonical place: by operator, then key. Their order means nothing.
    pub(crate) fn add_condition(&mut self, condition: Condition) {
        let place = self
            .conditions
            .partition_point(|known| known.canonical_order(&condition).is_le());
        self.conditions.insert(place, condition);
    }

    /// What to call it in a message: its `Sid`, or its place.
    pub fn label(&self) -> String {
        match &self.sid {
            Some(sid) => format!("\"{sid}\""),
            None => format!("at {}", self.at),
        }
    }
}

impl<T> Scope<T> {
    /// What is listed, whichever way it is meant.
    pub fn items(&self) -> &[T] {
        match self {
            Scope::Only(items) | Scope::AllBut(items) => items,
        }
    }

    /// Whether it is the `Not…` form.
    pub fn is_negated(&self) -> bool {
        matches!(self, Scope::AllBut(_))
    }
}

impl ActionPattern {
    /// An action or a pattern of actions, `service:Name` with `*` and `?`.
    pub fn new(text: &str) -> Self {
        let unknown = text.contains(UNKNOWN_TEXT);
        let mut folded = if unknown {
            text.replace(UNKNOWN_TEXT, "*")
        } else {
            text.to_owned()
        };
        folded.make_ascii_lowercase();
        ActionPattern {
            text: text.into(),
            folded: Pattern::read(folded.into()),
            unknown,
        }
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The pattern in lower case; of one with unknown text, everything it could be.
    pub fn folded(&self) -> &Pattern {
        &self.folded
    }

    /// Whether part of it is not known yet.
    pub fn is_unknown(&self) -> bool {
        self.unknown
    }

    /// Whether it accepts an action, written in any case. An unknown part counts as accepting.
    pub fn matches(&self, action: &str) -> bool {
        self.folded.matches(&action.to_ascii_lowercase())
    }
}

/// Case does not matter to what it means.
impl PartialEq for ActionPattern {
    fn eq(&self, other: &Self) -> bool {
        self.unknown == other.unknown && self.folded == other.folded
    }
}

impl Eq for ActionPattern {}

impl std::hash::Hash for ActionPattern {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.folded.hash(state);
    }
}

impl fmt::Display for ActionPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text.replace(UNKNOWN_TEXT, "(known after apply)"))
    }
}

impl Version {
    /// As AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V2008 => "2008-10-17",
            Version::V2012 => "2012-10-17",
        }
    }
}

impl Effect {
    /// As AWS spells it; an unread one has no spelling and reads `Unread`.
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
            Effect::Unread => "Unread",
        }
    }
}
