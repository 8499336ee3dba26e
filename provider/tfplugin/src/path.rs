//! Paths into values.

use std::fmt;

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

/// A path from the root of a resource's value. Shown as Terraform writes it: `pools["a"].size`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Path(Vec<PathStep>);

impl Path {
    /// The root itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// This path and one attribute further.
    #[must_use]
    pub fn attribute(self, name: impl Into<String>) -> Self {
        self.step(PathStep::Attribute(name.into()))
    }

    /// This path and one map key further.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        self.step(PathStep::Key(key.into()))
    }

    /// This path and one index further.
    #[must_use]
    pub fn index(self, index: i64) -> Self {
        self.step(PathStep::Index(index))
    }

    /// This path and one step further.
    #[must_use]
    pub fn step(mut self, step: PathStep) -> Self {
        self.0.push(step);
        self
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[PathStep] {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path without its last step; `None` at the root.
    pub fn parent(&self) -> Option<Path> {
        let (_, rest) = self.0.split_last()?;
        Some(Path(rest.to_vec()))
    }

    /// The first `steps` steps of this path.
    #[must_use]
    pub fn cut(&self, steps: usize) -> Path {
        Path(self.0.iter().take(steps).cloned().collect())
    }

    /// Whether `prefix` leads to this path or to something that contains it.
    pub fn starts_with(&self, prefix: &Path) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// Adds a step in place, for walks; undone by [`Path::pop`].
    pub(crate) fn push(&mut self, step: PathStep) {
        self.0.push(step);
    }

    /// Takes the last step away.
    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }
}

impl FromIterator<PathStep> for Path {
    fn from_iter<I: IntoIterator<Item = PathStep>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for PathStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathStep::Attribute(name) => write!(f, ".{name}"),
            PathStep::Key(key) => write!(f, "[{key:?}]"),
            PathStep::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("(root)");
        }
        for (position, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Attribute(name) if position == 0 => f.write_str(name)?,
                step => write!(f, "{step}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_in_a_configuration() {
        let path = Path::root()
            .attribute("pools")
            .key("a \"b\"")
            .attribute("sizes")
            .index(3);
        assert_eq!(path.to_string(), r#"pools["a \"b\""].sizes[3]"#);
        assert_eq!(Path::root().to_string(), "(root)");
    }

    #[test]
    fn knows_what_contains_it() {
        let path = Path::root().attribute("pools").key("a").attribute("size");
        assert!(path.starts_with(&Path::root()));
        assert!(path.starts_with(&path.parent().unwrap()));
        assert!(!path.parent().unwrap().starts_with(&path));
        assert_eq!(path.cut(2), path.parent().unwrap());
    }
}
