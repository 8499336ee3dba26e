//! Deletes components in the reverse of the order they were made in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::FutureExt;
use mlops_environment::component::{Address, Component, Observation, Present};
use mlops_environment::driver::{Driver, Monitor};
use mlops_environment::plan::{self, Action, Decision};
use mlops_environment::reference::{self, World};

use super::converge::awaited;
use super::progress::{Progress, with_heartbeat};
use super::schedule::{Ended, Then, run};
use super::{Executor, Problem, Results};

/// What to remove.
pub(crate) struct Destroy<'a> {
    /// The components, unresolved.
    pub(crate) components: Vec<&'a Component>,
    /// Where each was last seen. A component that is not in here is looked for first.
    pub(crate) seen: BTreeMap<Address, Present>,
    /// Outputs known beforehand.
    pub(crate) world: World,
    /// What decisions depend on.
    pub(crate) decision: Arc<Decision>,
}

impl Executor {
    /// Removes all of `work`: those that others build on last. `done` is told of every component that is gone (or
    /// retained), at once.
    pub(crate) async fn destroy(&self, work: Destroy<'_>, mut done: impl FnMut(&Address)) -> Results {
        let by_address: BTreeMap<&Address, &Component> = work
            .components
            .iter()
            .map(|component| (&component.address, *component))
            .collect();
        let mut waiting: BTreeMap<Address, BTreeSet<Address>> = by_address
            .keys()
            .map(|address| ((*address).clone(), BTreeSet::new()))
            .collect();
        for (address, component) in &by_address {
            for below in awaited(component) {
                if let Some(on) = waiting.get_mut(&below) {
                    on.insert((*address).clone());
                }
            }
        }
        let mut results = Results::default();
        results.not_started = run(
            waiting,
            self.limit,
            &self.cancelled,
            |address| {
                let (component, missing) = reference::fill_component(by_address[address], &work.world);
                let seen = work.seen.get(address).cloned();
                let driver = Arc::clone(&self.driver);
                let progress = Progress::new(address.clone(), self.cancelled.clone());
                let decision = Arc::clone(&work.decision);
                async move {
                    // What was never made leaves references open; what was seen can be deleted by its id.
                    if seen.is_none() && !missing.is_empty() {
                        return Ok(());
                    }
                    let result = with_heartbeat(
                        &progress,
                        one(driver.as_ref(), &component, seen, &decision, &progress),
                    )
                    .await;
                    match &result {
                        Ok(()) => progress.progress("gone"),
                        Err(problem) => progress.progress(&format!("not deleted: {problem}")),
                    }
                    result
                }
                .boxed()
            },
            |address, ended| {
                let problem = match ended {
                    Ended::Returned(Ok(())) => {
                        done(address);
                        results.done.insert(address.clone(), None);
                        return Then::Release;
                    }
                    Ended::Returned(Err(problem)) => problem,
                    Ended::Panicked(message) => Problem::Panicked(message),
                    Ended::Aborted => Problem::Aborted,
                };
                results.problems.insert(address.clone(), problem);
                Then::Block
            },
        )
        .await;
        results
    }

    /// What stands in the way of deleting these components, by component.
    pub(crate) async fn obstacles(
        &self,
        components: &[(Component, Present)],
    ) -> BTreeMap<Address, Result<Vec<String>, Problem>> {
        let by_address: BTreeMap<Address, (Component, Present)> = components
            .iter()
            .map(|pair| (pair.0.address.clone(), pair.clone()))
            .collect();
        let waiting = by_address
            .keys()
            .map(|address| (address.clone(), BTreeSet::new()))
            .collect();
        let mut found = BTreeMap::new();
        run(
            waiting,
            self.limit,
            &self.cancelled,
            |address| {
                let driver = Arc::clone(&self.driver);
                let (component, present) = by_address[address].clone();
                async move {
                    driver
                        .obstacles(&component, &present)
                        .await
                        .map_err(Problem::Cloud)
                }
                .boxed()
            },
            |address, ended| {
                let result = match ended {
                    Ended::Returned(result) => result,
                    Ended::Panicked(message) => Err(Problem::Panicked(message)),
                    Ended::Aborted => Err(Problem::Aborted),
                };
                found.insert(address.clone(), result);
                Then::Release
            },
        )
        .await;
        found
    }
}

async fn one(
    driver: &dyn Driver,
    component: &Component,
    seen: Option<Present>,
    decision: &Decision,
    monitor: &Progress,
) -> Result<(), Problem> {
    let observation = match seen {
        Some(present) => Observation::Present(present),
        None => driver.observe(component).await.map_err(Problem::Cloud)?,
    };
    let Observation::Present(found) = &observation else {
        return Ok(());
    };
    match plan::decide_removal(component, &observation, decision)
        .map_err(Problem::Refused)?
        .action
    {
        Action::Delete => {
            monitor.progress("deleting");
            driver
                .delete(component, found, monitor)
                .await
                .map_err(Problem::Cloud)
        }
        Action::Retain => driver.retain(component, found).await.map_err(Problem::Cloud),
        _ => Ok(()),
    }
}
