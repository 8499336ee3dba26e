//! On AWS: bucket and key for state, GitHub's provider, and roles with their boundaries.

mod identities;
mod names;
mod permissions;
mod ready;
mod state;

use std::collections::BTreeMap;

pub use names::Names;
pub(super) use ready::ready;
use serde::Serialize;

use super::{Spec, UID};
use crate::aws::Tags;
use crate::blueprint::{Wanted, want};
use crate::component::{Address, Component, Kind};
use crate::spec::{AccountId, Region, TextError};

/// Where on AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Account.
    pub account: AccountId,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// Region of the state bucket and of the environments.
    pub region: Region,
}

/// Everything that shall stand on AWS.
pub(super) fn components(spec: &Spec, place: &Place) -> Result<Vec<Component>, TextError> {
    let mut draft = Draft {
        spec,
        names: Names::new(spec, place),
        components: Vec::new(),
    };
    state::add(&mut draft);
    identities::add(&mut draft)?;
    Ok(draft.components)
}

struct Draft<'a> {
    spec: &'a Spec,
    names: Names<'a>,
    components: Vec<Component>,
}

impl Draft<'_> {
    fn want(&mut self, address: &[&str], kind: Kind, properties: &impl Serialize) -> Wanted<'_> {
        want(&mut self.components, address, kind, properties)
    }

    /// The mark of ownership.
    fn tags(&self, address: &[&str]) -> Tags {
        BTreeMap::from([
            ("mlops:environment".to_owned(), self.spec.id()),
            ("mlops:uid".to_owned(), UID.to_owned()),
            ("mlops:component".to_owned(), Address::new(address).to_string()),
            (
                "mlops:managed-by".to_owned(),
                "terraform-provider-mlops".to_owned(),
            ),
        ])
    }
}
