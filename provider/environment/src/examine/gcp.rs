//! On Google Cloud: the grants that were found on the environment's own objects and on its project.

use mlops_access::matrix::{DocumentError, Grid, check_gcp};

use super::{Findings, identities, principals};
use crate::component::Component;
use crate::environment::Environment;
use crate::guard;
use crate::spec::GcpSpec;

pub(super) fn examine(
    environment: &Environment,
    gcp: &GcpSpec,
    findings: &Findings,
) -> Result<Grid, DocumentError> {
    let spec = &environment.spec;
    let scope = crate::gcp::scope(spec, gcp);
    let found: Vec<Component> = environment
        .components
        .iter()
        .filter_map(|component| {
            let present = findings.present.get(&component.address)?;
            let mut found = component.clone();
            // What the cloud does not tell is as it was wanted.
            found.properties.extend(present.properties.clone());
            Some(found)
        })
        .collect();
    let breaches = check_gcp(&scope, &guard::gcp_documents(&scope, &found))?;
    let identities = identities(spec);
    Ok(Grid::new(&principals(&identities), &breaches))
}
