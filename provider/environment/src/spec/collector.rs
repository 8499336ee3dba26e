//! Collects everything that is wrong, so that the user sees it all at once.
//!
//! Everything here tracks its caller: the rule that is broken stands there.

use super::text::{Late, Text};
use super::violation::{AttributePath, Violation};
use crate::reference;

/// Violations and warnings found so far.
#[derive(Debug, Default)]
pub(super) struct Collector {
    pub(super) violations: Vec<Violation>,
    pub(super) warnings: Vec<Violation>,
    /// While validating without a plan nothing needs to be known yet.
    pub(super) lenient: bool,
}

impl Collector {
    /// Records an error.
    #[track_caller]
    pub(super) fn refuse(
        &mut self,
        path: &AttributePath,
        summary: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.violations
            .push(Violation::new(path.clone(), summary, detail));
    }

    /// Records a warning.
    #[track_caller]
    pub(super) fn warn(
        &mut self,
        path: &AttributePath,
        summary: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.warnings.push(Violation::new(path.clone(), summary, detail));
    }

    /// A text that must be known while planning, because names or the set of components depend on it.
    #[track_caller]
    pub(super) fn known<T: Text>(&mut self, path: &AttributePath, text: &str) -> Option<T> {
        if reference::is_placeholder(text) {
            if !self.lenient {
                self.refuse(
                    path,
                    "Value must be known while planning",
                    "Names and the list of components are computed from it. Give it as a value that does not depend on \
                     another resource's computed attribute, or apply that resource first.",
                );
            }
            return None;
        }
        self.parse(path, text)
    }

    /// A text that may become known only while applying.
    #[track_caller]
    pub(super) fn late<T: Text>(&mut self, path: &AttributePath, text: &str) -> Option<Late<T>> {
        if reference::is_placeholder(text) {
            return Some(Late::Unknown(text.to_owned()));
        }
        self.parse(path, text).map(Late::Known)
    }

    #[track_caller]
    fn parse<T: Text>(&mut self, path: &AttributePath, text: &str) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(_) => {
                self.refuse(
                    path,
                    format!("{text:?} is not {}", T::WHAT),
                    format!("Expected {}.", T::RULE),
                );
                None
            }
        }
    }

    /// One word of a few; the default where none is given.
    #[track_caller]
    pub(super) fn word<T: Copy>(
        &mut self,
        path: &AttributePath,
        text: Option<&str>,
        default: T,
        words: &[(&str, T)],
    ) -> T {
        let Some(text) = text else { return default };
        if reference::is_placeholder(text) {
            if !self.lenient {
                self.refuse(path, "Value must be known while planning", one_of(words));
            }
            return default;
        }
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            *value
        } else {
            self.refuse(path, format!("{text:?} is not possible here"), one_of(words));
            default
        }
    }

    /// A whole number within limits; the default where none is given.
    #[track_caller]
    pub(super) fn number(
        &mut self,
        path: &AttributePath,
        number: Option<i64>,
        default: u32,
        least: u32,
        most: u32,
    ) -> u32 {
        match number {
            None => default,
            Some(number) => {
                if let Some(number) = u32::try_from(number).ok().filter(|n| (least..=most).contains(n)) {
                    number
                } else {
                    self.refuse(
                        path,
                        format!("{number} is out of range"),
                        format!("Give a whole number from {least} to {most}."),
                    );
                    default
                }
            }
        }
    }
}

fn one_of<T>(words: &[(&str, T)]) -> String {
    let words: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
    format!("Use one of {}.", words.join(", "))
}

/// The word that stands for a value: the inverse of [`Collector::word`].
pub(super) fn word_of<T: PartialEq>(value: &T, words: &[(&'static str, T)]) -> Option<String> {
    words
        .iter()
        .find(|(_, known)| known == value)
        .map(|(word, _)| (*word).to_owned())
}
