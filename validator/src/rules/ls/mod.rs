//! State backend. One line per rule: keep the lists sorted by code.

mod local_backend;

use super::Rule;

/// The rules of this family.
pub static RULES: &[&dyn Rule] = &[
    &local_backend::LocalBackend, // LS01
];
