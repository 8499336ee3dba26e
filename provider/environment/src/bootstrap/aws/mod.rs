//! On AWS: bucket and key for state, GitHub's provider, and roles with their boundaries.

mod identities;
mod names;
mod permissions;
mod ready;
mod state;

use std::collections::BTreeMap;

pub use names::Names;
pub use ready::{Ready, ready};
use serde::Serialize;

use super::{Spec, UID};
use crate::aws::Tags;
use crate::blueprint::{LOGS, Wanted, want};
use crate::component::{Address, Component, Kind};
use crate::spec::TextError;

/// Everything that shall stand on AWS.
pub(super) fn components(spec: &Spec) -> Result<Vec<Component>, TextError> {
    let mut draft = Draft {
        spec,
        names: Names::new(spec),
        components: Vec::new(),
    };
    state::add(&mut draft);
    identities::add(&mut draft)?;
    // Components of an environment wait for its logs bucket, which holds the claim; here is none.
    let logs = Address::new(&LOGS);
    for component in &mut draft.components {
        component.after.remove(&logs);
    }
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
