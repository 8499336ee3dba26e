//! No environment whose documents break the rules can be planned.
//!
//! Judged is what will be written, with what the user added to it: the whole matrix and trust table of
//! [`mlops_access::matrix`], and what the cloud takes. What is known only while applying is stood in for by text of
//! the same form; it is judged again once it is known.

mod aws;
mod gcp;

pub(crate) use aws::scope_in as aws_scope;
pub(crate) use gcp::documents_of as gcp_documents;

use mlops_access::Purpose;
use mlops_access::matrix::{Breach, DocumentError};

use crate::component::Component;
use crate::spec::{AttributePath, Cloud, CloudSpec, Spec, Violation};

/// Everything that must not be.
pub fn judge(spec: &Spec, components: &[Component]) -> Vec<Violation> {
    match &spec.cloud {
        CloudSpec::Aws(aws) => aws::judge(spec, aws, components),
        CloudSpec::Gcp(gcp) => gcp::judge(spec, gcp, components),
    }
}

fn unjudgeable(error: &DocumentError) -> Violation {
    Violation::new(
        AttributePath::root("identities"),
        "A policy cannot be judged",
        format!("{error}. Correct the additional permission that it comes from."),
    )
}

fn violation(spec: &Spec, breach: &Breach) -> Violation {
    let purpose = breach
        .identity
        .split('/')
        .next()
        .unwrap_or_default()
        .parse::<Purpose>()
        .ok();
    let added = purpose.and_then(|purpose| {
        let identity = spec.identities.get(&purpose)?;
        match spec.id.cloud() {
            Cloud::Aws => identity
                .additional_permissions
                .iter()
                .position(|permission| breach.because.contains(&format!("Additional{}", permission.id))),
            // The breach names the grant that did it, not the permission that it came from.
            Cloud::Gcp => {
                let text = breach.to_string();
                identity
                    .additional_roles
                    .iter()
                    .position(|permission| permission.roles.iter().any(|role| text.contains(role)))
            }
        }
    });
    let identities = AttributePath::root("identities");
    let path = purpose.map_or(identities.clone(), |purpose| {
        identities.attribute(purpose.as_str())
    });
    let remedy = match added {
        Some(_) => {
            "Remove the additional permission, or narrow its actions, resources or conditions to what the matrix allows."
        }
        None => {
            "The permissions follow from the configuration: please report this as a mistake of the provider."
        }
    };
    Violation::new(
        added.map_or(path.clone(), |index| {
            path.attribute("additional_permissions").index(index)
        }),
        format!("Breaks row {} of the matrix: {}", breach.row, breach.what),
        format!("{breach}. {remedy}"),
    )
}
