//! What is stored beside the state, unseen: where each component was last seen, and what a plan was for.

use std::collections::BTreeMap;

use mlops_environment::component::{Address, Component, Outputs, Present};
use mlops_environment::plan::Deviation;
use mlops_environment::reference::World;
use serde::{Deserialize, Serialize};

/// Private data, as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Private {
    /// Set by a plan: what the apply is for. Terraform hands the private data of a replacement's create leg to its
    /// delete leg too, and that of a plain destroy is its own: this tells the two deletes apart.
    pub(crate) operation: Option<Operation>,
    /// Components as last seen, without their properties.
    pub(crate) seen: BTreeMap<Address, Present>,
    /// Components whose change or removal was begun and not finished: as wanted by every apply since it was last finished,
    /// oldest first. The state holds the newest wish alone; without these, what an older one made could not be told from
    /// somebody else's, and what was to go would stay.
    pub(crate) unfinished: BTreeMap<Address, Vec<Component>>,
    /// Outputs of components that a refresh found gone: some can be brought back by them, as what they were.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) lost: BTreeMap<Address, Outputs>,
    /// What the last refresh found to be otherwise than it was left.
    pub(crate) drift: Vec<Deviation>,
    /// Imported, and not every component read since: what is computed has yet to be filled in.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) imported: bool,
}

/// What an apply is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Operation {
    /// Create, alone or as the second half of a replacement.
    Create,
    /// Update in place.
    Update,
    /// A plain destroy.
    Destroy,
}

impl Private {
    /// Reads private data; what is not ours (a new or tainted object has none) counts as nothing.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// As bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Remembers where a component was seen.
    pub(crate) fn remember(&mut self, address: &Address, present: &Present) {
        let present = Present {
            properties: BTreeMap::new(),
            foreign: Vec::new(),
            ..present.clone()
        };
        self.seen.insert(address.clone(), present);
        self.lost.remove(address);
    }

    /// A component is gone, and nobody wanted that.
    pub(crate) fn lose(&mut self, address: &Address) {
        if let Some(present) = self.seen.remove(address) {
            self.lost.insert(address.clone(), present.outputs);
        }
    }

    /// An apply begins to change or remove a component, which until now was wanted so.
    pub(crate) fn begins(&mut self, component: &Component) {
        let wishes = self.unfinished.entry(component.address.clone()).or_default();
        if wishes.last() != Some(component) {
            wishes.push(component.clone());
        }
    }

    /// A component is as wanted, and there.
    pub(crate) fn finished(&mut self, address: &Address, present: &Present) {
        self.remember(address, present);
        self.unfinished.remove(address);
    }

    /// A component is gone, as wanted.
    pub(crate) fn forget(&mut self, address: &Address) {
        self.seen.remove(address);
        self.lost.remove(address);
        self.unfinished.remove(address);
    }

    /// Unfinished components that these are not, as last wanted: they are to go.
    pub(crate) fn leftovers(&self, components: &[Component]) -> Vec<Component> {
        self.unfinished
            .iter()
            .filter(|(address, _)| components.iter().all(|component| component.address != **address))
            .filter_map(|(_, wishes)| wishes.last().cloned())
            .collect()
    }

    /// Outputs of the components as last seen, `id` among them.
    pub(crate) fn world(&self) -> World {
        self.seen
            .iter()
            .map(|(address, present)| {
                let mut outputs = present.outputs.clone();
                outputs.insert("id".to_owned(), present.id.clone());
                (address.clone(), outputs)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use mlops_environment::component::{Owner, Status};

    use super::*;

    #[test]
    fn foreign_bytes_count_as_nothing() {
        assert_eq!(Private::read(b"\x00\xff"), Private::default());
        assert_eq!(Private::read(b""), Private::default());
    }

    #[test]
    fn survives_a_round_trip() {
        let private = Private {
            operation: Some(Operation::Create),
            lost: BTreeMap::from([(address(), outputs())]),
            ..Private::default()
        };
        assert_eq!(Private::read(&private.bytes()), private);
    }

    fn address() -> Address {
        Address::new(&["identities", "ci"])
    }

    fn outputs() -> Outputs {
        Outputs::from([("unique_id".to_owned(), "1042".to_owned())])
    }

    #[test]
    fn what_is_lost_is_remembered_until_it_is_there_again_or_no_longer_wanted() {
        let present = Present {
            id: "a@b".into(),
            owner: Owner::Unmarked,
            status: Status::Ready,
            properties: BTreeMap::new(),
            outputs: outputs(),
            foreign: Vec::new(),
        };
        let mut private = Private::default();
        private.lose(&address());
        assert_eq!(private.lost, BTreeMap::new(), "it was never there");
        let ends: [&dyn Fn(&mut Private); 2] = [&|private| private.forget(&address()), &|private| {
            private.remember(&address(), &present)
        }];
        for end in ends {
            private.remember(&address(), &present);
            private.lose(&address());
            // A second refresh finds the same.
            private.lose(&address());
            assert_eq!(private.lost[&address()], outputs());
            assert!(!private.seen.contains_key(&address()));
            end(&mut private);
            assert_eq!(private.lost, BTreeMap::new());
        }
    }
}
