//! What the user is told.

use std::fmt;

use crate::path::{Path, PathStep};
use crate::schema::{Block, Nesting, Schema};
use crate::value::ValueError;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The operation fails.
    Error,
    /// The operation goes on.
    Warning,
}

/// One message to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// One line.
    pub summary: String,
    /// What was being done, what the other side said, what to do next.
    pub detail: String,
    /// Where in the configuration; sent cut to what Terraform can show at the right line.
    pub path: Option<Path>,
}

/// Messages of one call, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostic {
    /// An error.
    pub fn error(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            summary: summary.into(),
            detail: detail.into(),
            path: None,
        }
    }

    /// A warning.
    pub fn warning(summary: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            summary: summary.into(),
            detail: detail.into(),
            path: None,
        }
    }

    /// The same message, pointing at `path`.
    #[must_use]
    pub fn at(mut self, path: Path) -> Self {
        self.path = Some(path);
        self
    }

    /// An error about a value that cannot be used, pointing at it.
    pub fn of_value(summary: impl Into<String>, error: &ValueError) -> Self {
        Self::error(summary, error.to_string()).at(error.path.clone())
    }

    /// The message as it is sent: its path cut to what Terraform 1.11 shows at the right line (`attr`, `attr[key]`, and
    /// through blocks `block[1].attr`), and where that loses something, the whole path in words.
    ///
    /// Terraform before 1.15 looks a longer path up by its last name: `pools["a"].name` would point at the resource's own
    /// `name` (`hashicorp/terraform:internal/tfdiags/contextual.go`). Sets have no places inside, so a path is also cut
    /// at a set. `schema` tells blocks and sets from attributes; without it every step counts as an attribute.
    #[must_use]
    pub fn for_wire(&self, schema: Option<&Schema>) -> Diagnostic {
        let mut sent = self.clone();
        if sent.summary.trim().is_empty() {
            sent.summary = "The provider reported a problem without a title".to_owned();
        }
        if let Some(path) = &self.path {
            let cut = shown(path, schema);
            let words = path.to_string();
            if cut != *path && !sent.detail.contains(&words) {
                let gap = if sent.detail.is_empty() { "" } else { "\n\n" };
                sent.detail = format!("{}{gap}The value in question is {words}.", sent.detail);
            }
            sent.path = if cut.is_root() { None } else { Some(cut) };
        }
        sent
    }
}

/// The part of `path` that Terraform 1.11 finds the right line for.
fn shown(path: &Path, schema: Option<&Schema>) -> Path {
    let mut blocks = schema.map(|schema| &schema.blocks);
    let mut steps = path.steps().iter().peekable();
    let mut kept = Vec::new();
    while let Some(step) = steps.next() {
        kept.push(step.clone());
        let PathStep::Attribute(name) = step else { break };
        let block: Option<&Block> = blocks.and_then(|blocks| blocks.get(name));
        let Some(block) = block else {
            // An attribute: its element may follow, nothing else.
            let set = schema
                .and_then(|schema| schema.attribute_at(&kept.iter().cloned().collect()))
                .is_some_and(|attribute| matches!(attribute.ty(), crate::ty::Type::Set(_)));
            match steps.next() {
                Some(element @ (PathStep::Key(_) | PathStep::Index(_))) if !set => kept.push(element.clone()),
                _ => {}
            }
            break;
        };
        match (block.nesting, steps.peek()) {
            (Nesting::Single, _) => {}
            (Nesting::List | Nesting::Map, Some(PathStep::Key(_) | PathStep::Index(_))) => {
                kept.extend(steps.next().cloned());
            }
            _ => break,
        }
        blocks = Some(&block.blocks);
    }
    kept.into_iter().collect()
}

impl Diagnostics {
    /// No messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a message.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds an error.
    pub fn error(&mut self, summary: impl Into<String>, detail: impl Into<String>) {
        self.push(Diagnostic::error(summary, detail));
    }

    /// Adds a warning.
    pub fn warning(&mut self, summary: impl Into<String>, detail: impl Into<String>) {
        self.push(Diagnostic::warning(summary, detail));
    }

    /// Whether any message is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there is no message at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// The messages as they are sent: each [cut](Diagnostic::for_wire), the same one only once.
    pub fn for_wire(&self, schema: Option<&Schema>) -> Vec<Diagnostic> {
        let mut sent: Vec<Diagnostic> = Vec::with_capacity(self.0.len());
        for diagnostic in &self.0 {
            let diagnostic = diagnostic.for_wire(schema);
            if !sent.contains(&diagnostic) {
                sent.push(diagnostic);
            }
        }
        sent
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(diagnostics: I) -> Self {
        Self(diagnostics.into_iter().collect())
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, diagnostics: I) {
        self.0.extend(diagnostics);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// `error: summary: detail (at path)`, for logs and tests.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}: {}", self.summary, self.detail)?;
        match &self.path {
            Some(path) => write!(f, " (at {path})"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Attribute;
    use crate::ty::Type;

    fn sent(path: Path, schema: Option<&Schema>) -> (Option<String>, String) {
        let sent = Diagnostic::error("Bad size", "It must be even.")
            .at(path)
            .for_wire(schema);
        (sent.path.map(|path| path.to_string()), sent.detail)
    }

    fn schema() -> Schema {
        Schema::new()
            .attribute("name", Attribute::string())
            .attribute("zones", Attribute::set_of(Type::String))
            .attribute("pools", Attribute::map_nested([("name", Attribute::string())]))
            .block("timeouts", Block::single([("create", Attribute::string())]))
            .block("rules", Block::list([("days", Attribute::list_of(Type::Number))]))
            .block("tags", Block::set([("key", Attribute::string())]))
    }

    #[test]
    fn short_paths_are_sent_as_they_are() {
        for path in [
            Path::root().attribute("name"),
            Path::root().attribute("pools").key("a"),
            Path::root().attribute("timeouts").attribute("create"),
            Path::root().attribute("rules").index(1).attribute("days"),
            Path::root()
                .attribute("rules")
                .index(1)
                .attribute("days")
                .index(0),
        ] {
            assert_eq!(
                sent(path.clone(), Some(&schema())),
                (Some(path.to_string()), "It must be even.".into())
            );
        }
    }

    #[test]
    fn long_paths_are_cut_and_said_in_words() {
        let path = Path::root().attribute("pools").key("a").attribute("name");
        let (shown, detail) = sent(path.clone(), Some(&schema()));
        assert_eq!(shown.as_deref(), Some(r#"pools["a"]"#));
        assert_eq!(
            detail,
            "It must be even.\n\nThe value in question is pools[\"a\"].name."
        );
        assert_eq!(sent(path, None).0.as_deref(), Some(r#"pools["a"]"#));
        let single = Path::root().attribute("network").attribute("name");
        assert_eq!(sent(single, None).0.as_deref(), Some("network"));
    }

    #[test]
    fn sets_are_pointed_at_as_a_whole() {
        let element = Path::root().attribute("zones").index(1);
        assert_eq!(sent(element, Some(&schema())).0.as_deref(), Some("zones"));
        let block = Path::root().attribute("tags").index(1).attribute("key");
        assert_eq!(sent(block, Some(&schema())).0.as_deref(), Some("tags"));
    }

    #[test]
    fn the_root_is_no_path_and_a_title_is_never_empty() {
        let sent = Diagnostic::error(" ", "d").at(Path::root()).for_wire(None);
        assert_eq!(sent.path, None);
        assert!(!sent.summary.trim().is_empty());
    }

    #[test]
    fn the_same_message_is_sent_once() {
        let mut diagnostics = Diagnostics::new();
        for name in ["a", "b"] {
            let path = Path::root().attribute("pools").key("x").attribute(name);
            diagnostics.push(Diagnostic::error("s", "d: pools[\"x\"].a pools[\"x\"].b").at(path));
        }
        diagnostics.warning("s", "d");
        assert_eq!(diagnostics.for_wire(None).len(), 2);
    }
}
