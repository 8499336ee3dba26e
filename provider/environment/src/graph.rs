//! The order of components: who needs whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::component::{Address, Component};
use crate::reference;

/// Who depends on whom, through references and `after`. Addresses that are no component are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    needs: BTreeMap<Address, BTreeSet<Address>>,
}

/// Components that need each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Cycle(pub Vec<Address>);

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(Address::as_str).collect();
        write!(f, "{} need each other", names.join(", "))
    }
}

impl Graph {
    /// The graph of these components.
    pub fn of(components: &[Component]) -> Self {
        let known: BTreeSet<&Address> = components.iter().map(|component| &component.address).collect();
        let needs = components
            .iter()
            .map(|component| {
                let referred = reference::of(component)
                    .into_iter()
                    .map(|reference| reference.address);
                let needs = referred
                    .chain(component.after.iter().cloned())
                    .filter(|address| known.contains(address) && *address != component.address)
                    .collect();
                (component.address.clone(), needs)
            })
            .collect();
        Self { needs }
    }

    /// What a component needs.
    pub fn needs(&self, address: &Address) -> impl Iterator<Item = &Address> {
        self.needs.get(address).into_iter().flatten()
    }

    /// Groups of components: each needs only earlier groups, and is as early as can be.
    ///
    /// # Errors
    /// [`Cycle`] with those that need each other.
    pub fn waves(&self) -> Result<Vec<Vec<Address>>, Cycle> {
        let mut left = self.needs.clone();
        let mut waves = Vec::new();
        while !left.is_empty() {
            let wave: Vec<Address> = left
                .iter()
                .filter(|(_, needs)| needs.is_empty())
                .map(|(address, _)| address.clone())
                .collect();
            if wave.is_empty() {
                return Err(Cycle(left.into_keys().collect()));
            }
            for address in &wave {
                left.remove(address);
            }
            for needs in left.values_mut() {
                needs.retain(|address| !wave.contains(address));
            }
            waves.push(wave);
        }
        Ok(waves)
    }

    /// The order in which components can be made; backwards, the order in which they can be deleted.
    ///
    /// # Errors
    /// [`Cycle`] with those that need each other.
    pub fn order(&self) -> Result<Vec<Address>, Cycle> {
        Ok(self.waves()?.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::component::{Kind, Management, OnDestroy, Outputs, Properties};

    fn component(name: &str, refers_to: &str, after: &[&str]) -> Component {
        Component {
            address: Address::new(&[name]),
            kind: Kind::AwsRole,
            management: Management::Create,
            on_destroy: OnDestroy::Delete,
            id: None,
            properties: Properties::from([("x".to_owned(), refers_to.into())]),
            outputs: Outputs::new(),
            after: after.iter().map(|name| Address::new(&[name])).collect(),
        }
    }

    #[test]
    fn references_and_after_both_count() {
        let graph = Graph::of(&[
            component("a", "@{b:arn} @{environment:uid}", &[]),
            component("b", "", &["c"]),
            component("c", "", &["elsewhere"]),
        ]);
        let waves: Vec<Vec<String>> = graph
            .waves()
            .expect("no cycle")
            .iter()
            .map(|wave| wave.iter().map(ToString::to_string).collect())
            .collect();
        assert_eq!(waves, [["c"], ["b"], ["a"]]);
    }

    #[test]
    fn a_circle_is_named() {
        let error = Graph::of(&[component("a", "@{b:arn}", &[]), component("b", "", &["a"])])
            .waves()
            .expect_err("a circle");
        assert_eq!(error.to_string(), "a, b need each other");
    }
}
