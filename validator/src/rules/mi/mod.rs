//! Monolithic IAM. One line per rule: keep the lists sorted by code.

mod managed_full_access;

use super::Rule;

/// The rules of this family.
pub static RULES: &[&dyn Rule] = &[
    &managed_full_access::ManagedFullAccess, // MI03
];
