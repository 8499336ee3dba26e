//! The matrix put to what really stands: whether the identities of an environment still may exactly what they should.
//!
//! Unlike the guard, which judges what is planned, this judges what was found: policies that somebody attached, trusts
//! that somebody opened. Reading is done elsewhere; here nothing is asked of a cloud.

mod aws;
mod gcp;

use std::collections::BTreeMap;

use mlops_access::Purpose;
use mlops_access::generate::aws::Principal;
use mlops_access::matrix::{DocumentError, Grid};

pub use aws::{questions, with_simulation};

use crate::component::{Address, Present};
use crate::driver::Access;
use crate::environment::Environment;
use crate::spec::{CloudSpec, ServiceName, Spec};

/// What was found of an environment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// Components as they stand; those that are gone or could not be read are left out.
    pub present: BTreeMap<Address, Present>,
    /// On AWS: the documents of each identity.
    pub access: BTreeMap<Address, Access>,
}

/// Puts the whole matrix to what was found.
///
/// # Errors
/// A document that stands and cannot be read.
pub fn examine(environment: &Environment, findings: &Findings) -> Result<Grid, DocumentError> {
    match &environment.spec.cloud {
        CloudSpec::Aws(aws) => aws::examine(environment, aws, findings),
        CloudSpec::Gcp(gcp) => gcp::examine(environment, gcp, findings),
    }
}

impl Findings {
    /// The outputs of what stands.
    fn world(&self) -> crate::reference::World {
        self.present
            .iter()
            .map(|(address, present)| (address.clone(), present.outputs.clone()))
            .collect()
    }
}

/// One identity that an environment has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its component.
    pub address: Address,
    /// What it is for.
    pub purpose: Purpose,
    /// Its service, where the purpose has an identity for each.
    pub service: Option<ServiceName>,
}

impl Identity {
    /// As the matrix names it: `ci`, `runtime/churn`.
    pub fn principal(&self) -> Principal<'_> {
        Principal {
            purpose: self.purpose,
            service: self.service.as_ref().map(ServiceName::as_str),
        }
    }
}

/// The identities that an environment has, the nodes' among them.
pub fn identities(spec: &Spec) -> Vec<Identity> {
    let mut all = Vec::new();
    for purpose in Purpose::ALL
        .into_iter()
        .filter(|purpose| spec.has_identity(*purpose))
    {
        let services: Vec<Option<ServiceName>> = if purpose.per_service() {
            spec.services.keys().cloned().map(Some).collect()
        } else {
            vec![None]
        };
        for service in services {
            let parts = ["identities", purpose.as_str()].into_iter();
            let parts: Vec<&str> = parts.chain(service.as_ref().map(ServiceName::as_str)).collect();
            all.push(Identity {
                address: Address::new(&parts),
                purpose,
                service: service.clone(),
            });
        }
    }
    all
}

fn principals(identities: &[Identity]) -> Vec<Principal<'_>> {
    identities.iter().map(Identity::principal).collect()
}
