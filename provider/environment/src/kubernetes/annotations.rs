//! What a service account says about the identity that its pods enter.

use std::collections::BTreeMap;

use mlops_access::Purpose;

use crate::names::{EnvironmentId, Place, aws, gcp};
use crate::spec::{Cloud, ServiceName};

/// The annotation that names the identity of a service account's pods.
pub(crate) const fn annotation(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Aws => "eks.amazonaws.com/role-arn",
        Cloud::Gcp => "iam.gke.io/gcp-service-account",
    }
}

/// The purpose is not one of pods.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} has no pods: use runtime, drift or retrain")]
pub struct AnnotationError(pub Purpose);

/// Annotations of the service account of a purpose's pods, from names alone; on AWS in the usual role path
/// `/mlops/<environment>/`.
///
/// # Errors
/// For purposes that are not pods.
pub fn service_account_annotations(
    id: &EnvironmentId,
    purpose: Purpose,
    service: &ServiceName,
) -> Result<BTreeMap<String, String>, AnnotationError> {
    if !purpose.per_service() {
        return Err(AnnotationError(purpose));
    }
    let principal = match &id.place {
        Place::Aws { region, .. } => {
            let path = format!("/mlops/{}/", id.name);
            let names = aws::Names::new(id, aws::partition_of(region), &path);
            names.role_arn(&names.role(purpose, Some(service)))
        }
        Place::Gcp { region, .. } => {
            let names = gcp::Names::new(id, "", region.as_str());
            names.email(&names.account_id(purpose, Some(service)))
        }
    };
    Ok(BTreeMap::from([(annotation(id.cloud()).to_owned(), principal)]))
}
