//! What a cloud's blueprint is drawn with.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::component::{Address, Component, Kind, Management, OnDestroy, Outputs, Properties};

/// All components of an environment, in no particular order.
#[derive(Debug, Clone, PartialEq)]
pub struct Blueprint {
    /// The components.
    pub components: Vec<Component>,
    /// Whether some cannot be named yet.
    pub incomplete: bool,
}

/// Where the logs bucket stands: the first component to be made, the last to go, because it holds the claim.
pub const LOGS: [&str; 2] = ["buckets", "logs"];

/// Adds the component at an address with what it wants; the rest is said by the methods of [`Wanted`].
pub(crate) fn want<'a>(
    components: &'a mut Vec<Component>,
    address: &[&str],
    kind: Kind,
    properties: &impl Serialize,
) -> Wanted<'a> {
    let address = Address::new(address);
    let logs = Address::new(&LOGS);
    let after = if address == logs {
        BTreeSet::new()
    } else {
        BTreeSet::from([logs])
    };
    components.push(Component {
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
        component: components.last_mut(),
    }
}

/// The component just added.
pub(crate) struct Wanted<'a> {
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
    pub(crate) fn id(self, id: impl Into<String>) -> Self {
        self.with(|component| component.id = Some(id.into()))
    }

    /// An output is known beforehand.
    pub(crate) fn output(self, name: &str, value: impl Into<String>) -> Self {
        self.with(|component| {
            component.outputs.insert(name.to_owned(), value.into());
        })
    }

    /// It must come after another, though it refers to nothing of it.
    pub(crate) fn after(self, address: &[&str]) -> Self {
        self.with(|component| {
            component.after.insert(Address::new(address));
        })
    }

    /// It must come after others, though it refers to nothing of them.
    pub(crate) fn after_all(self, addresses: &[Vec<String>]) -> Self {
        self.with(|component| {
            component.after.extend(addresses.iter().map(|address| {
                let parts: Vec<&str> = address.iter().map(String::as_str).collect();
                Address::new(&parts)
            }));
        })
    }

    /// How it came to be ours.
    pub(crate) fn managed(self, management: Management) -> Self {
        self.with(|component| component.management = management)
    }

    /// What destroy does with it.
    pub(crate) fn on_destroy(self, on_destroy: OnDestroy) -> Self {
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
