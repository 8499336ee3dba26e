//! Takes a spec apart into components.

use std::collections::BTreeMap;

use mlops_access::generate::Document;
use mlops_access::generate::aws::Scope;
use serde::Serialize;

use super::Tags;
use crate::blueprint::{Blueprint, Wanted, want};
use crate::component::{Address, Component, Kind};
use crate::names::aws::Names;
use crate::reference;
use crate::spec::{AwsSpec, Late, Spec};

/// Takes a spec apart. References and `after` give the order:
/// logs bucket; keys; network, registry, buckets, secrets, boundaries, GitHub provider; log group and control plane's
/// role; cluster; pods' provider; node pools, pods' roles, access entries.
pub fn blueprint(spec: &Spec, aws: &AwsSpec) -> Blueprint {
    let mut draft = Draft {
        spec,
        aws,
        names: names(spec, aws),
        scope: super::scope(spec, aws),
        components: Vec::new(),
        incomplete: false,
    };
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
    match &spec.cluster.existing {
        None => super::cluster::add(&mut draft),
        Some(_) => super::cluster::add_existing(&mut draft),
    }
    super::node_pools::add(&mut draft);
    super::access::add(&mut draft);
    super::budget::add(&mut draft);
    Blueprint {
        components: draft.components,
        incomplete: draft.incomplete,
    }
}

/// Names of an environment's objects.
pub fn names<'a>(spec: &'a Spec, aws: &'a AwsSpec) -> Names<'a> {
    let existing = spec.cluster.existing.as_ref().map(Late::as_str);
    Names::new(&spec.id, &aws.partition, aws.role_path.as_str()).in_cluster(existing)
}

/// A blueprint being drawn.
pub(super) struct Draft<'a> {
    pub(super) spec: &'a Spec,
    pub(super) aws: &'a AwsSpec,
    pub(super) names: Names<'a>,
    pub(super) scope: Scope,
    components: Vec<Component>,
    pub(super) incomplete: bool,
}

impl Draft<'_> {
    /// The component at an address with what it wants; the rest is said by the methods of [`Wanted`].
    pub(super) fn want(&mut self, address: &[&str], kind: Kind, properties: &impl Serialize) -> Wanted<'_> {
        want(&mut self.components, address, kind, properties)
    }

    /// Tags of the component at an address: the user's and the mark of ownership.
    pub(super) fn tags(&self, address: &[&str]) -> Tags {
        let mut tags = self.spec.tags.clone();
        tags.extend(mark(&self.spec.id.to_string(), &Address::new(address)));
        tags
    }

    /// Reference to the key of a use, where keys are the customer's.
    pub(super) fn key(&self, usage: &str) -> Option<String> {
        self.spec
            .encryption
            .customer
            .then(|| reference::to(&Address::new(&["keys", usage]), "arn"))
    }
}

/// The mark of ownership that every object carries.
pub(super) fn mark(id: &str, address: &Address) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("mlops:environment".to_owned(), id.to_owned()),
        (
            "mlops:uid".to_owned(),
            reference::to(&Address::new(&[reference::ENVIRONMENT]), "uid"),
        ),
        ("mlops:component".to_owned(), address.to_string()),
        (
            "mlops:managed-by".to_owned(),
            "terraform-provider-mlops".to_owned(),
        ),
    ])
}

/// The canonical text of a document: sorted keys, no white space.
pub(crate) fn canonical(document: &Document) -> String {
    serde_json::to_value(document)
        .map(|value| value.to_string())
        .unwrap_or_default()
}
