//! The documents that are in force for a role.

use mlops_access::aws::Policy;

use super::{Role, State, policy};

/// A document with where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source {
    /// Name of an inline policy, ARN of a managed one.
    pub(crate) name: String,
    /// The document.
    pub(crate) policy: Policy,
}

/// Inline and attached policies. What cannot be read grants nothing: it was held against the grammar when it came.
pub(crate) fn identity(iam: &State, role: &Role) -> Vec<Source> {
    let inline = role
        .inline
        .iter()
        .map(|(name, text)| (name.clone(), text.clone()));
    let attached = role
        .attached
        .iter()
        .filter_map(|arn| Some((arn.clone(), policy::document_of(iam, arn)?.into_owned())));
    inline
        .chain(attached)
        .filter_map(|(name, text)| {
            let policy = Policy::parse(&text).ok()?;
            Some(Source { name, policy })
        })
        .collect()
}

/// The permissions boundary. One whose policy is gone allows nothing.
pub(crate) fn boundary(iam: &State, role: &Role) -> Option<Policy> {
    let arn = role.boundary.as_ref()?;
    let nothing = Policy::new([]);
    Some(
        policy::document_of(iam, arn)
            .and_then(|text| Policy::parse(&text).ok())
            .unwrap_or(nothing),
    )
}
