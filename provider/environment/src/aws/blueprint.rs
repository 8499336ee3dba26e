//! Takes a spec apart into components.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::generate::Document;
use mlops_access::generate::aws::Scope;
use serde::Serialize;
use serde_json::Value;

use super::Tags;
use crate::component::{Address, Component, Kind, Management, OnDestroy, Outputs, Properties};
use crate::names::Names;
use crate::reference;
use crate::spec::Spec;

/// All components of an environment, in no particular order.
#[derive(Debug, Clone, PartialEq)]
pub struct Blueprint {
    /// The components.
    pub components: Vec<Component>,
    /// Whether some cannot be named yet.
    pub incomplete: bool,
}

/// Takes a spec apart. References and `after` give the order:
/// logs bucket; keys; network, registry, buckets, secrets, boundaries, GitHub provider; log group and control plane's
/// role; cluster; pods' provider; node pools, pods' roles, access entries.
pub fn blueprint(spec: &Spec) -> Blueprint {
    let mut draft = Draft {
        spec,
        names: spec.names(),
        scope: super::scope(spec),
        components: Vec::new(),
        incomplete: false,
    };
    super::buckets::add(&mut draft);
    super::keys::add(&mut draft);
    super::network::add(&mut draft);
    super::registry::add(&mut draft);
    super::secrets::add(&mut draft);
    super::log_groups::add(&mut draft);
    super::federation::add(&mut draft);
    super::identities::add(&mut draft);
    super::cluster::add(&mut draft);
    super::node_pools::add(&mut draft);
    super::access::add(&mut draft);
    Blueprint {
        components: draft.components,
        incomplete: draft.incomplete,
    }
}

/// A blueprint being drawn.
pub(super) struct Draft<'a> {
    pub(super) spec: &'a Spec,
    pub(super) names: Names<'a>,
    pub(super) scope: Scope,
    components: Vec<Component>,
    pub(super) incomplete: bool,
}

/// Where the logs bucket stands: the first component to be made, the last to go, because it holds the claim.
pub(super) const LOGS: [&str; 2] = ["buckets", "logs"];

impl Draft<'_> {
    /// The component at an address with what it wants; the rest is said by the methods of [`Wanted`].
    pub(super) fn want(&mut self, address: &[&str], kind: Kind, properties: &impl Serialize) -> Wanted<'_> {
        let address = Address::new(address);
        let logs = Address::new(&LOGS);
        let after = if address == logs {
            BTreeSet::new()
        } else {
            BTreeSet::from([logs])
        };
        self.components.push(Component {
            address,
            kind,
            management: Management::Create,
            on_destroy: OnDestroy::Delete,
            id: None,
            properties: properties_of(properties),
            outputs: Outputs::new(),
            after,
        });
        Wanted {
            component: self.components.last_mut(),
        }
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

/// The component just added.
pub(super) struct Wanted<'a> {
    component: Option<&'a mut Component>,
}

impl Wanted<'_> {
    fn with(mut self, change: impl FnOnce(&mut Component)) -> Self {
        if let Some(component) = self.component.as_deref_mut() {
            change(component);
        }
        self
    }

    /// Its id is known beforehand.
    pub(super) fn id(self, id: impl Into<String>) -> Self {
        self.with(|component| component.id = Some(id.into()))
    }

    /// An output is known beforehand.
    pub(super) fn output(self, name: &str, value: impl Into<String>) -> Self {
        self.with(|component| {
            component.outputs.insert(name.to_owned(), value.into());
        })
    }

    /// It must come after another, though it refers to nothing of it.
    pub(super) fn after(self, address: &[&str]) -> Self {
        self.with(|component| {
            component.after.insert(Address::new(address));
        })
    }

    /// How it came to be ours.
    pub(super) fn managed(self, management: Management) -> Self {
        self.with(|component| component.management = management)
    }

    /// What destroy does with it.
    pub(super) fn on_destroy(self, on_destroy: OnDestroy) -> Self {
        self.with(|component| component.on_destroy = on_destroy)
    }
}

/// The serialised form of a property struct.
fn properties_of(properties: &impl Serialize) -> Properties {
    match serde_json::to_value(properties) {
        Ok(Value::Object(fields)) => fields.into_iter().collect(),
        // Structs of strings, numbers and maps with text keys always serialise to an object.
        _ => Properties::new(),
    }
}

/// The canonical text of a document: sorted keys, no white space.
pub(super) fn canonical(document: &Document) -> String {
    serde_json::to_value(document)
        .map(|value| value.to_string())
        .unwrap_or_default()
}
