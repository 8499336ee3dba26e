//! Takes a spec apart into components.

use mlops_access::generate::aws::Principal;
use mlops_access::generate::gcp::Scope;
use serde::Serialize;

use super::grants::Granted;
use crate::blueprint::{Blueprint, LOGS, Wanted, want};
use crate::component::{Address, Component, Kind};
use crate::names::gcp::Names;
use crate::reference;
use crate::spec::{GcpSpec, Late, ServiceName, Spec};

/// Takes a spec apart. References and `after` give the order:
/// logs bucket; APIs; key ring, network, accounts, workload identity pool; keys, provider, project-wide grants; registry,
/// buckets, secrets, log bucket; cluster with its pools; who may enter the accounts.
pub fn blueprint(spec: &Spec, gcp: &GcpSpec) -> Blueprint {
    let scope = super::scope(spec, gcp);
    let mut draft = Draft {
        spec,
        gcp,
        names: names(spec, gcp),
        granted: Granted::of(&scope),
        scope,
        components: Vec::new(),
    };
    super::apis::add(&mut draft);
    super::buckets::add(&mut draft);
    super::keys::add(&mut draft);
    super::network::add(&mut draft);
    super::registry::add(&mut draft);
    super::secrets::add(&mut draft);
    if spec.cluster.existing.is_none() {
        super::log_groups::add(&mut draft);
    }
    super::federation::add(&mut draft);
    super::identities::add(&mut draft);
    super::grants::add(&mut draft);
    match &spec.cluster.existing {
        None => super::cluster::add(&mut draft),
        Some(_) => super::cluster::add_existing(&mut draft),
    }
    super::node_pools::add(&mut draft);
    super::budget::add(&mut draft);
    Blueprint {
        components: draft.components,
        incomplete: false,
    }
}

/// Names of an environment's objects.
pub fn names<'a>(spec: &'a Spec, gcp: &'a GcpSpec) -> Names<'a> {
    let existing = spec.cluster.existing.as_ref().map(Late::as_str);
    Names::new(&spec.id, &gcp.number, gcp.location.as_str()).in_cluster(existing)
}

/// A blueprint being drawn.
pub(super) struct Draft<'a> {
    pub(super) spec: &'a Spec,
    pub(super) gcp: &'a GcpSpec,
    pub(super) names: Names<'a>,
    pub(super) scope: Scope,
    pub(super) granted: Granted,
    components: Vec<Component>,
}

/// Where the APIs stand.
pub(super) const APIS: [&str; 1] = ["apis"];

impl Draft<'_> {
    /// The component at an address with what it wants; the rest is said by the methods of [`Wanted`].
    pub(super) fn want(&mut self, address: &[&str], kind: Kind, properties: &impl Serialize) -> Wanted<'_> {
        let wanted = want(&mut self.components, address, kind, properties);
        // Storage is the one API that every new project has: the claim comes before the others are switched on.
        if self.gcp.manage_apis && address != LOGS && address != APIS {
            wanted.after(&APIS)
        } else {
            wanted
        }
    }

    /// Id of the environment, for kinds that carry no mark.
    pub(super) fn owner(&self) -> String {
        self.spec.id.to_string()
    }

    /// Reference to the key of a use, where keys are the customer's.
    pub(super) fn key(&self, usage: &str) -> Option<String> {
        self.spec
            .encryption
            .customer
            .then(|| reference::to(&Address::new(&["keys", usage]), "name"))
    }

    /// The identities that have an account here, nodes among them.
    pub(super) fn principals(&self) -> Vec<(Principal<'static>, Option<ServiceName>)> {
        super::identities::principals(self.spec)
    }
}
