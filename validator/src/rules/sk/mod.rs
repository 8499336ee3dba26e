//! Static credentials. One line per rule: keep the lists sorted by code.

mod aws_access_key;

use super::Rule;

/// The rules of this family.
pub static RULES: &[&dyn Rule] = &[
    &aws_access_key::AwsAccessKey, // SK01
];
