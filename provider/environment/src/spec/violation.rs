//! What is wrong with a configuration, where, and what to do about it.

use std::fmt;
use std::panic::Location;

/// One step of an attribute path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// An attribute.
    Attribute(String),
    /// A map key.
    Key(String),
    /// A list index.
    Index(usize),
}

/// Where in the configuration: prints as `node_pools["gpu"].min`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttributePath(pub Vec<Segment>);

impl AttributePath {
    /// The path of a top-level attribute.
    pub fn root(attribute: &str) -> Self {
        Self::default().attribute(attribute)
    }

    /// One attribute further.
    pub fn attribute(&self, name: &str) -> Self {
        self.then(Segment::Attribute(name.to_owned()))
    }

    /// One map key further.
    pub fn key(&self, key: &str) -> Self {
        self.then(Segment::Key(key.to_owned()))
    }

    /// One list element further.
    pub fn index(&self, index: usize) -> Self {
        self.then(Segment::Index(index))
    }

    fn then(&self, segment: Segment) -> Self {
        let mut path = self.clone();
        path.0.push(segment);
        path
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Attribute(name) if position == 0 => f.write_str(name)?,
                Segment::Attribute(name) => write!(f, ".{name}")?,
                Segment::Key(key) => write!(f, "[{key:?}]")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A rule of the configuration: the place in this crate's source where it is judged. Tests see by it that every rule refuses
/// something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule(&'static Location<'static>);

impl Rule {
    /// The source file, as the compiler was given it.
    pub fn file(self) -> &'static str {
        self.0.file()
    }

    /// Its line, from 1.
    pub fn line(self) -> u32 {
        self.0.line()
    }
}

/// Something in the configuration that cannot (or, as a warning, should not) be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{path}: {summary}: {detail}")]
pub struct Violation {
    /// Where.
    pub path: AttributePath,
    /// What, in a few words.
    pub summary: String,
    /// Why, and what to do.
    pub detail: String,
    /// By which rule.
    pub rule: Rule,
}

impl Violation {
    /// A violation of the rule that calls this.
    #[track_caller]
    pub fn new(path: AttributePath, summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            path,
            summary: summary.into(),
            detail: detail.into(),
            rule: Rule(Location::caller()),
        }
    }
}
