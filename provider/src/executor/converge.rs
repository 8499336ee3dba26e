//! Brings components to what is wanted of them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use mlops_environment::component::{Address, Component, Management, Observation, Outputs, Present};
use mlops_environment::driver::{Driver, Monitor, Reason};
use mlops_environment::plan::{self, Action, Decision};
use mlops_environment::reference::{self, World};

use super::progress::{Progress, with_heartbeat};
use super::schedule::{Ended, Then, run};
use super::{Executor, Problem, Results, telling};

/// How to begin with a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Approach {
    /// Nothing of ours can exist: make it, and look only if the cloud says that it is there.
    Fresh,
    /// Look first.
    Look,
}

/// What to bring about.
pub(crate) struct Converge<'a> {
    /// The components to work on, unresolved.
    pub(crate) components: Vec<&'a Component>,
    /// How to begin with each.
    pub(crate) approach: Approach,
    /// Outputs known beforehand.
    pub(crate) world: World,
    /// What decisions depend on.
    pub(crate) decision: Arc<Decision>,
    /// Outputs that components had which are gone, for a driver that can bring them back.
    pub(crate) lost: BTreeMap<Address, Outputs>,
}

/// How often a component is looked at again before we say that it does not settle.
const ROUNDS: usize = 6;

impl Executor {
    /// Brings all of `work` about, in order, as concurrently as allowed. `done` is told of every component that is as
    /// wanted, at once: that is where state is recorded.
    pub(crate) async fn converge(
        &self,
        work: Converge<'_>,
        mut done: impl FnMut(&Address, &Present, &World),
    ) -> Results {
        let by_address: BTreeMap<&Address, &Component> = work
            .components
            .iter()
            .map(|component| (&component.address, *component))
            .collect();
        let waiting = by_address
            .iter()
            .map(|(address, component)| ((*address).clone(), awaited(component)))
            .collect();
        let world = Mutex::new(work.world);
        let mut results = Results::default();
        results.not_started = run(
            waiting,
            self.limit,
            &self.cancelled,
            |address| {
                let resolved = reference::resolve(
                    by_address[address],
                    &world.lock().unwrap_or_else(PoisonError::into_inner),
                );
                let driver = Arc::clone(&self.driver);
                let progress = Progress::new(address.clone(), self.cancelled.clone());
                let decision = Arc::clone(&work.decision);
                let approach = work.approach;
                let lost = work.lost.get(address).cloned().unwrap_or_default();
                async move {
                    let component = resolved.map_err(Problem::Unresolved)?;
                    let result = with_heartbeat(
                        &progress,
                        one(driver.as_ref(), &component, &lost, approach, &decision, &progress),
                    )
                    .await
                    .map(|present| telling(&component, present));
                    match &result {
                        Ok(_) => progress.progress("ready"),
                        Err(problem) => progress.progress(&format!("not ready: {problem}")),
                    }
                    result
                }
                .boxed()
            },
            |address, ended| match ended {
                Ended::Returned(Ok(present)) => {
                    let mut world = world.lock().unwrap_or_else(PoisonError::into_inner);
                    world
                        .entry(address.clone())
                        .or_default()
                        .extend(present.outputs.clone());
                    done(address, &present, &world);
                    results.done.insert(address.clone(), Some(present));
                    Then::Release
                }
                Ended::Returned(Err(problem)) => {
                    results.problems.insert(address.clone(), problem);
                    Then::Block
                }
                Ended::Panicked(message) => {
                    results
                        .problems
                        .insert(address.clone(), Problem::Panicked(message));
                    Then::Block
                }
                Ended::Aborted => {
                    results.problems.insert(address.clone(), Problem::Aborted);
                    Then::Block
                }
            },
        )
        .await;
        results
    }
}

/// What a component waits for: those it refers to and those it must come after.
pub(crate) fn awaited(component: &Component) -> BTreeSet<Address> {
    let mut on: BTreeSet<Address> = reference::of(component)
        .into_iter()
        .map(|reference| reference.address)
        .collect();
    on.extend(component.after.iter().cloned());
    on.remove(&component.address);
    on
}

/// The component with what it told of itself before it was lost, next to what can be computed.
fn as_it_was<'a>(component: &'a Component, lost: &Outputs) -> Cow<'a, Component> {
    if lost.is_empty() {
        return Cow::Borrowed(component);
    }
    let mut component = component.clone();
    for (name, value) in lost {
        let known = component.outputs.entry(name.clone());
        known.or_insert_with(|| value.clone());
    }
    Cow::Owned(component)
}

/// Brings one component about.
async fn one(
    driver: &dyn Driver,
    component: &Component,
    lost: &Outputs,
    approach: Approach,
    decision: &Decision,
    monitor: &Progress,
) -> Result<Present, Problem> {
    // What somebody else made can be there however new the environment is.
    let theirs = matches!(component.management, Management::Existing | Management::Adopted);
    let mut looked = approach == Approach::Look || theirs || component.kind.found_standing();
    let mut observation = if looked {
        monitor.progress("looking for it");
        driver.observe(component).await.map_err(Problem::Cloud)?
    } else {
        Observation::Absent
    };
    for _ in 0..ROUNDS {
        let step = plan::decide(component, &observation, decision).map_err(Problem::Refused)?;
        observation = match (step.action, observation) {
            (Action::Keep | Action::Retain, Observation::Present(found)) => return Ok(found),
            (Action::Keep | Action::Retain, Observation::Absent) => {
                return Err(Problem::Panicked(format!(
                    "{} is to be kept but is not there",
                    component.address
                )));
            }
            (Action::Create, _) => {
                monitor.progress("creating");
                match driver.create(&as_it_was(component, lost), monitor).await {
                    Ok(found) => return Ok(found),
                    Err(failure) if failure.reason == Reason::AlreadyExists && !looked => {
                        looked = true;
                        driver.observe(component).await.map_err(Problem::Cloud)?
                    }
                    Err(failure) => return Err(Problem::Cloud(failure)),
                }
            }
            (Action::Update { changes, foreign }, Observation::Present(found)) => {
                // The driver removes the deviations that it is handed: those that are only reported stay out.
                let found = Present { foreign, ..found };
                monitor.progress("updating");
                return driver
                    .update(component, &found, &changes, monitor)
                    .await
                    .map_err(Problem::Cloud);
            }
            (Action::Adopt { changes }, Observation::Present(found)) => {
                monitor.progress("taking over");
                return driver
                    .update(component, &found, &changes, monitor)
                    .await
                    .map_err(Problem::Cloud);
            }
            (Action::Rotate { .. }, Observation::Present(old)) => {
                // The new one stands before the old one goes. Cut off in between, the old one is found superseded.
                monitor.progress("building the new one beside the old");
                let new = driver.create(component, monitor).await.map_err(Problem::Cloud)?;
                monitor.progress("removing the old one");
                driver
                    .delete(component, &old, monitor)
                    .await
                    .map_err(Problem::Cloud)?;
                return Ok(new);
            }
            (action @ (Action::Settle | Action::Restore), Observation::Present(found)) => {
                monitor.progress(if action == Action::Restore {
                    "bringing it back"
                } else {
                    "waiting for what the cloud has under way"
                });
                looked = true;
                driver
                    .settle(component, &found, monitor)
                    .await
                    .map_err(Problem::Cloud)?
            }
            (Action::Delete, Observation::Present(found)) => {
                monitor.progress("deleting what failed");
                driver
                    .delete(component, &found, monitor)
                    .await
                    .map_err(Problem::Cloud)?;
                Observation::Absent
            }
            (action, Observation::Absent) => {
                return Err(Problem::Panicked(format!(
                    "{}: {action:?} of what is not there",
                    component.address
                )));
            }
        };
    }
    Err(Problem::Panicked(format!(
        "{} does not settle after {ROUNDS} rounds",
        component.address
    )))
}
