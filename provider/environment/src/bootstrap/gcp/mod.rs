//! On Google Cloud: bucket and key for state, a pool that lets tokens of GitHub or GitLab in, and accounts with custom roles.
//!
//! A project is the border: Google Cloud confines buckets and keys to one environment by conditions, and what is granted on the
//! project to the roles that environments grant, but clusters, accounts and networks of a project are one. So give each tier a
//! project of its own, and bootstrap each.

mod federation;
mod grants;
mod names;
mod ready;
mod roles;
mod state;
mod workers;

use std::collections::BTreeSet;

pub use names::Names;
pub(super) use ready::ready;
use serde::Serialize;

use super::{Spec, UID};
use crate::blueprint::{Wanted, want};
use crate::component::{Address, Component, Kind, OnDestroy};
use crate::gcp::{ALWAYS, Mark, Services, Tags};
use crate::names::gcp::label;
use crate::spec::{GcpRegion, ProjectId, TextError};

/// Where on Google Cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Id of the project.
    pub project: ProjectId,
    /// Its number.
    pub number: String,
    /// Region of the state bucket and of the environments.
    pub region: GcpRegion,
}

const APIS: [&str; 1] = ["apis"];

/// Everything that shall stand on Google Cloud.
pub(super) fn components(spec: &Spec, place: &Place) -> Result<Vec<Component>, TextError> {
    let mut draft = Draft {
        spec,
        place,
        names: Names::new(spec, place),
        components: Vec::new(),
    };
    add_apis(&mut draft);
    federation::add(&mut draft);
    workers::add(&mut draft)?;
    roles::add(&mut draft);
    state::add(&mut draft)?;
    grants::add(&mut draft)?;
    Ok(draft.components)
}

/// What bootstrap and the first plan of an environment call.
fn add_apis(draft: &mut Draft<'_>) {
    let project = draft.place.project.to_string();
    let wanted = Services {
        project: project.clone(),
        services: ALWAYS
            .into_iter()
            .chain(["cloudkms", "secretmanager"])
            .map(|name| format!("{name}.googleapis.com"))
            .collect::<BTreeSet<_>>(),
        owner: draft.spec.id(),
    };
    want(&mut draft.components, &APIS, Kind::GcpServices, &wanted)
        .id(format!("projects/{project}/services"))
        .on_destroy(OnDestroy::Retain);
}

struct Draft<'a> {
    spec: &'a Spec,
    place: &'a Place,
    names: Names<'a>,
    components: Vec<Component>,
}

impl Draft<'_> {
    fn want(&mut self, address: &[&str], kind: Kind, properties: &impl Serialize) -> Wanted<'_> {
        want(&mut self.components, address, kind, properties).after(&APIS)
    }

    /// The mark of what has labels.
    fn tags(&self, address: &[&str]) -> Tags {
        Tags::from([
            ("mlops_environment".to_owned(), label(&self.spec.id())),
            ("mlops_uid".to_owned(), UID.to_owned()),
            (
                "mlops_component".to_owned(),
                label(Address::new(address).as_str()),
            ),
            (
                "mlops_managed_by".to_owned(),
                "terraform-provider-mlops".to_owned(),
            ),
        ])
    }

    /// The mark of what has no labels but a description.
    fn mark(&self, address: &[&str]) -> String {
        let mark = Mark {
            environment: self.spec.id(),
            uid: UID.to_owned(),
            component: Address::new(address).to_string(),
        };
        // Three texts always serialise.
        serde_json::to_string(&mark).unwrap_or_default()
    }
}
