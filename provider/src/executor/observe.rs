//! Looks at components: what stands in the cloud, each independent of the others.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt;
use mlops_environment::component::{Address, Component, Observation, Present};
use mlops_environment::reference::{self, Unresolved, World};

use super::schedule::{Ended, Then, run};
use super::{Executor, Problem, telling};

/// A component as wanted, resolved as far as possible, and as found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sighting {
    /// As wanted.
    pub(crate) wanted: Component,
    /// As found, or why it could not be looked at.
    pub(crate) found: Result<Observation, Problem>,
}

/// A component as it can be looked for. What it builds on may be gone; by its own name it is found all the same, and only
/// what hangs on the others stays open.
fn visible(component: &Component, world: &World) -> Result<Component, Unresolved> {
    reference::resolve(component, world).or_else(|unresolved| {
        let (filled, _) = reference::fill_component(component, world);
        if reference::is_resolved(&filled.handle()) {
            Ok(filled)
        } else {
            Err(unresolved)
        }
    })
}

impl Executor {
    /// Observes all components concurrently. `world` holds the outputs known beforehand; a component whose references
    /// it does not cover waits until those it refers to have been seen.
    pub(crate) async fn observe(
        &self,
        components: &[Component],
        world: &World,
    ) -> BTreeMap<Address, Sighting> {
        let by_address: BTreeMap<Address, Component> = components
            .iter()
            .map(|component| (component.address.clone(), component.clone()))
            .collect();
        let waiting = by_address
            .iter()
            .map(|(address, component)| {
                let (_, missing) = reference::fill_component(component, world);
                let on: BTreeSet<Address> = missing.into_iter().map(|reference| reference.address).collect();
                (address.clone(), on)
            })
            .collect();
        let driver = self
            .driver
            .glance()
            .unwrap_or_else(|| std::sync::Arc::clone(&self.driver));
        let world = std::sync::Mutex::new(world.clone());
        let lock = || world.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut seen = BTreeMap::new();
        let left = run(
            waiting,
            self.limit,
            &self.cancelled,
            |address| {
                let driver = std::sync::Arc::clone(&driver);
                let resolved = visible(&by_address[address], &lock());
                async move {
                    let wanted = resolved.map_err(Problem::Unresolved)?;
                    match driver.observe(&wanted).await {
                        Ok(Observation::Present(found)) => {
                            let found = telling(&wanted, found);
                            Ok((wanted, Observation::Present(found)))
                        }
                        Ok(Observation::Absent) => Ok((wanted, Observation::Absent)),
                        Err(failure) => Err(Problem::Cloud(failure)),
                    }
                }
                .boxed()
            },
            |address, ended| {
                let sighting = match ended {
                    Ended::Returned(Ok((wanted, found))) => {
                        if let Observation::Present(Present { outputs, .. }) = &found {
                            lock().entry(address.clone()).or_default().extend(outputs.clone());
                        }
                        Sighting {
                            wanted,
                            found: Ok(found),
                        }
                    }
                    Ended::Returned(Err(problem)) => Sighting {
                        wanted: by_address[address].clone(),
                        found: Err(problem),
                    },
                    Ended::Panicked(message) => Sighting {
                        wanted: by_address[address].clone(),
                        found: Err(Problem::Panicked(message)),
                    },
                    Ended::Aborted => Sighting {
                        wanted: by_address[address].clone(),
                        found: Err(Problem::Aborted),
                    },
                };
                seen.insert(address.clone(), sighting);
                Then::Release
            },
        )
        .await;
        for address in left {
            let wanted = by_address[&address].clone();
            seen.insert(
                address,
                Sighting {
                    wanted,
                    found: Err(Problem::Aborted),
                },
            );
        }
        seen
    }
}
