//! A whole environment: its spec and the components that make it up.

use std::collections::BTreeMap;

use crate::blueprint::Blueprint;
use crate::component::{Address, Component, Management};
use crate::graph::Graph;
use crate::spec::{AttributePath, CloudSpec, Spec, Violation};
use crate::{aws, gcp};

/// An environment, taken apart into components.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// What it was made from.
    pub spec: Spec,
    /// Its components in an order in which they can be made.
    pub components: Vec<Component>,
    /// Whether there will be components that cannot be named yet, because the configuration holds unknown values where
    /// addresses come from (`cluster.admins`). The maps of components are unknown then.
    pub incomplete: bool,
}

impl Environment {
    /// Takes a spec apart.
    ///
    /// # Errors
    /// What can only be judged with the components at hand: `adopt` lines that fit nothing, and whatever
    /// [`crate::guard`] finds in the documents.
    pub fn new(spec: Spec) -> Result<Self, Vec<Violation>> {
        Self::assemble(spec, true)
    }

    /// An environment as the state remembers it: it stands already, so its documents are not judged again by rules that
    /// may be younger than it.
    ///
    /// # Errors
    /// As [`Environment::new`], without the guard's.
    pub fn remembered(spec: Spec) -> Result<Self, Vec<Violation>> {
        Self::assemble(spec, false)
    }

    fn assemble(spec: Spec, judged: bool) -> Result<Self, Vec<Violation>> {
        let Blueprint {
            mut components,
            incomplete,
        } = match &spec.cloud {
            CloudSpec::Aws(aws) => aws::blueprint(&spec, aws),
            CloudSpec::Gcp(gcp) => gcp::blueprint(&spec, gcp),
        };
        let mut violations = adopt(&spec, &mut components, incomplete);
        let order = match Graph::of(&components).order() {
            Ok(order) => order,
            Err(cycle) => {
                // No configuration can cause this: references only go one way. Still it is no reason to panic.
                return Err(vec![Violation::new(
                    AttributePath::root("name"),
                    "Components depend on each other in a circle",
                    format!("{cycle}. This is a mistake in the provider: please report it."),
                )]);
            }
        };
        let places: BTreeMap<&Address, usize> =
            order.iter().enumerate().map(|(at, name)| (name, at)).collect();
        components.sort_by_key(|component| places.get(&component.address).copied());
        if judged {
            violations.extend(crate::guard::judge(&spec, &components));
        }
        if violations.is_empty() {
            Ok(Self {
                spec,
                components,
                incomplete,
            })
        } else {
            violations.sort();
            Err(violations)
        }
    }

    /// Few words about components, for the lines of a plan.
    pub fn summaries(&self) -> BTreeMap<Address, String> {
        let pools = self.spec.node_pools.iter();
        let pools = pools.map(|(name, pool)| (Address::new(&["node_pools", name.as_str()]), pool.summary()));
        let budget = self.spec.budget.iter();
        let cloud = self.spec.id.cloud();
        let buckets = self.spec.buckets.iter().filter_map(|(usage, bucket)| {
            let days = bucket.locked_days()?;
            let words = format!("retention locked {}", crate::plan::irrevocable(days.into()));
            Some((Address::new(&["buckets", usage.as_str()]), words))
        });
        pools
            .chain(buckets)
            .chain(budget.map(|budget| (Address::new(&["budget"]), budget.summary(cloud))))
            .collect()
    }

    /// The component at an address.
    pub fn component(&self, address: &str) -> Option<&Component> {
        self.components
            .iter()
            .find(|component| component.address.as_str() == address)
    }
}

/// Marks what the user takes over.
fn adopt(spec: &Spec, components: &mut [Component], incomplete: bool) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (address, id) in &spec.adopt {
        let path = AttributePath::root("adopt").key(address.as_str());
        let Some(component) = components
            .iter_mut()
            .find(|component| component.address == *address)
        else {
            if !incomplete {
                violations.push(Violation::new(
                    path,
                    format!("There is no component {address}"),
                    "Nothing was taken over. Correct the address, for example \"buckets.data\", or remove the line.",
                ));
            }
            continue;
        };
        if component.management != Management::Create {
            violations.push(Violation::new(
                path,
                format!("{address} is not made by this environment"),
                "It is used as it is; remove the adopt line.",
            ));
            continue;
        }
        let handle = component.handle();
        if handle != *id {
            violations.push(Violation::new(
                path,
                format!("{address} can only be taken over as {handle}"),
                format!(
                    "Only buckets may keep another name. Write adopt = {{ \"{address}\" = \"{handle}\" }}, or remove the line."
                ),
            ));
            continue;
        }
        component.management = Management::Adopted;
    }
    violations
}
