//! What is stored beside the state, unseen: where each component was last seen, and what a plan was for.

use std::collections::BTreeMap;

use mlops_environment::component::{Address, Present};
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
    /// What the last refresh found to be otherwise than it was left.
    pub(crate) drift: Vec<Deviation>,
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
            ..Private::default()
        };
        assert_eq!(Private::read(&private.bytes()), private);
    }
}
