//! Paths into values.

/// One step of a [`Path`]. There is no step into a set: address the set itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathStep {
    /// Into an object by attribute name.
    Attribute(String),
    /// Into a map by key.
    Key(String),
    /// Into a list or tuple by index.
    Index(i64),
}

/// A path from the root of a resource's value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Path(Vec<PathStep>);

impl Path {
    /// The root itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// This path and one attribute further.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>) -> Self {
        self.0.push(PathStep::Attribute(name.into()));
        self
    }

    /// This path and one map key further.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.0.push(PathStep::Key(key.into()));
        self
    }

    /// This path and one index further.
    #[must_use]
    pub fn index(mut self, index: i64) -> Self {
        self.0.push(PathStep::Index(index));
        self
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[PathStep] {
        &self.0
    }
}
