//! ApplyResourceChange: create and update. Whatever happens, the answer carries what was reached.

use std::sync::Arc;

use mlops_environment::Environment as Model;
use mlops_environment::claim::{Admission, Operation};
use mlops_environment::component::{Component, Observation, Outputs, Owner};
use mlops_environment::plan::Decision;
use mlops_environment::reference::{self, World};
use tfplugin::{ApplyRequest, ApplyResponse, CallContext, Diagnostic, Diagnostics};

use super::claims::{Claims, Found};
use super::kept::with_kept;
use super::private::Private;
use super::wanted::{self, Wanted};
use super::{Environment, report, state, update};
use crate::executor::{Approach, Converge, Executor, Problem, Results};

/// Creates or updates.
pub(super) async fn apply(
    resource: &Environment,
    context: &CallContext,
    request: ApplyRequest,
) -> ApplyResponse {
    let unchanged = |diagnostics| ApplyResponse {
        state: request.prior.clone(),
        private: request.private.clone(),
        diagnostics,
    };
    // The configuration is wholly known by now; what was decided once stands in the plan.
    let settings = with_kept(
        &resource.schema,
        &request.config,
        &request.planned.unknown_as_null(),
    );
    let cloud = match resource.clouds.of(&settings).await {
        Ok(cloud) => cloud,
        Err(errors) => return unchanged(errors),
    };
    let model = match wanted::wanted(&resource.schema, &settings, &cloud.facts) {
        Ok(Wanted::Environment(model)) => model,
        Ok(Wanted::Open(paths)) => return unchanged(Diagnostics(vec![still_open(&paths)])),
        Err(errors) => return unchanged(errors),
    };
    let executor = resource.executor(&cloud, context);
    let run = Run {
        resource,
        context,
        request: &request,
        claims: resource.claims(&executor, &model),
        executor: &executor,
        model: &model,
    };
    let outcome = if request.prior.is_null() {
        run.create().await
    } else {
        run.update(&cloud).await
    };
    match outcome {
        Ok(response) => response,
        Err(errors) => unchanged(errors),
    }
}

/// One create or update.
pub(super) struct Run<'a> {
    pub(super) resource: &'a Environment,
    pub(super) context: &'a CallContext,
    pub(super) request: &'a ApplyRequest,
    pub(super) executor: &'a Executor,
    pub(super) claims: Claims<'a>,
    pub(super) model: &'a Model,
}

impl Run<'_> {
    pub(super) fn id(&self) -> String {
        self.model.spec.id.to_string()
    }

    pub(super) fn logs(&self) -> Result<&Component, Diagnostics> {
        self.model.component(LOGS).ok_or_else(|| {
            Diagnostics(vec![Diagnostic::error(
                "The environment has no logs bucket",
                "This is a mistake in the provider: please report it.",
            )])
        })
    }

    /// Makes the environment, or goes on with one of ours that was left half-made.
    async fn create(&self) -> Result<ApplyResponse, Diagnostics> {
        let logs = self.logs()?;
        let mut own = self.own_values(uuid::Uuid::new_v4().to_string());
        let mut world = World::from([(state::environment_address(), own.clone())]);
        let seen = self.look(logs, &world).await?;
        let resuming = match &seen {
            Observation::Present(present) => match &present.owner {
                owner @ Owner::Environment { uid, .. } if owner.is(&self.id()) => {
                    own = self.own_values(uid.clone());
                    world.insert(state::environment_address(), own.clone());
                    true
                }
                _ => false,
            },
            Observation::Absent => false,
        };
        // An environment that stands, or is somebody else's, is refused before anything is written.
        let found = if resuming {
            Some(
                self.claims
                    .ask(&self.request.prior, Operation::Create, false)
                    .await?,
            )
        } else {
            None
        };
        if found
            .as_ref()
            .is_some_and(|found| matches!(found.admission(), Admission::FinishDeletion(_)))
        {
            return Err(half_deleted(&self.id()));
        }
        if let Some(uid) = found.as_ref().and_then(|found| found.uid()) {
            own = self.own_values(uid.to_owned());
            world.insert(state::environment_address(), own.clone());
        }
        // What an earlier apply of this create was about to make, perhaps by another configuration.
        let intended = found.as_ref().map(Found::intents).unwrap_or_default();
        let mut private = Private::default();
        for component in &intended {
            let wanted = self.model.component(component.address.as_str());
            if wanted != Some(component) {
                private.begins(component);
            }
        }
        let leftovers = private.leftovers(&self.model.components);
        let decision = Arc::new(Decision {
            before: update::ours(&intended, &world),
            ..Decision::new(&self.model.spec, &own["uid"])
        });

        let approach = if resuming { Approach::Look } else { Approach::Fresh };
        let rest: Vec<&Component> = self
            .model
            .components
            .iter()
            .filter(|component| component.address != logs.address)
            .collect();
        let mut first = self
            .converge(vec![logs], approach, &world, &decision, &mut private)
            .await;
        if !first.complete() {
            first
                .not_started
                .extend(rest.iter().map(|component| component.address.clone()));
            // It may stand although it is not as wanted: then it is in the state, where a destroy finds it.
            if private.seen.is_empty() {
                let fate = match self.look(logs, &world).await {
                    Ok(Observation::Present(present)) if made_by(&present.owner, &own) => {
                        private.remember(&logs.address, &present);
                        None
                    }
                    Ok(_) => Some(NOTHING),
                    Err(_) => Some(UNSEEN),
                };
                if let Some(fate) = fate {
                    return Err(report::failures(&self.id(), &first, self.context, fate));
                }
            }
            return Ok(self.answer(first, &private, &own, None));
        }
        // The bucket was made a moment ago, or is an environment's that stands: either way, where the claim says no, it
        // is not this state's business, and the next apply recognises it.
        let found = match found {
            Some(found) => found,
            None => {
                self.claims
                    .ask(&self.request.prior, Operation::Create, true)
                    .await?
            }
        };
        let begun = self.settings(&private, &own, &first);
        let held = found.begin(&own, begun).await?;
        world.extend(private.world());
        let mut results = self
            .converge(rest, approach, &world, &decision, &mut private)
            .await;
        results.done.extend(first.done);
        world.extend(private.world());
        let gone = self
            .find(&leftovers, &mut world, &mut private, &mut results)
            .await;
        self.remove(gone, world, &decision, &mut private, &mut results)
            .await;
        let ended = self.settings(&private, &own, &results);
        let generation = held.finish(results.complete(), ended, self.context).await;
        Ok(self.finish(results, &private, &own, generation))
    }

    /// The environment's own values: a default owner is as good as the uid.
    fn own_values(&self, uid: String) -> Outputs {
        let owner = self.model.spec.owner.to_string();
        let owner = if reference::is_resolved(&owner) {
            owner
        } else {
            format!("terraform:{uid}")
        };
        Outputs::from([("uid".to_owned(), uid), ("owner".to_owned(), owner)])
    }

    async fn look(&self, component: &Component, world: &World) -> Result<Observation, Diagnostics> {
        let resolved = reference::resolve(component, world).map_err(|unresolved| {
            Diagnostics(vec![Diagnostic::error(
                format!("{} cannot be looked for", component.address),
                unresolved.to_string(),
            )])
        })?;
        self.executor.driver.observe(&resolved).await.map_err(|failure| {
            let mut results = Results::default();
            results
                .problems
                .insert(component.address.clone(), Problem::Cloud(failure));
            report::failures(&self.id(), &results, self.context, NOTHING)
        })
    }

    /// Of these, the ones that stand.
    async fn find<'a>(
        &self,
        components: &'a [Component],
        world: &mut World,
        private: &mut Private,
        results: &mut Results,
    ) -> Vec<&'a Component> {
        if components.is_empty() || !results.complete() {
            return components.iter().collect();
        }
        let mut standing = Vec::new();
        let mut sightings = self.executor.observe(components, world).await;
        for component in components {
            let address = &component.address;
            match sightings.remove(address).map(|sighting| sighting.found) {
                Some(Ok(Observation::Present(present))) => {
                    private.remember(address, &present);
                    world.entry(address.clone()).or_default().extend(present.outputs);
                    standing.push(component);
                }
                // What refers to something that was never made was never made itself.
                Some(Ok(Observation::Absent) | Err(Problem::Unresolved(_))) | None => private.forget(address),
                Some(Err(problem)) => {
                    results.problems.insert(address.clone(), problem);
                }
            }
        }
        standing
    }

    /// Converges components; every one that is done goes into the private data and into a checkpoint.
    pub(super) async fn converge(
        &self,
        components: Vec<&Component>,
        approach: Approach,
        world: &World,
        decision: &Arc<Decision>,
        private: &mut Private,
    ) -> Results {
        let own = world
            .get(&state::environment_address())
            .cloned()
            .unwrap_or_default();
        let work = Converge {
            components,
            approach,
            world: world.clone(),
            decision: Arc::clone(decision),
            lost: private.lost.clone(),
        };
        let mut results = Results::default();
        let reached = self.executor.converge(work, |address, present, _| {
            private.finished(address, present);
            results.done.insert(address.clone(), Some(present.clone()));
            let value = self.state(private, &own, &results, false, None);
            self.context.checkpoint(value, private.bytes());
        });
        reached.await
    }
}

/// Where the claim lives.
pub(super) const LOGS: &str = "buckets.logs";

const NOTHING: &str = "Nothing was made.";

const UNSEEN: &str = "Whether its bucket was made could not be seen. If so, it carries this environment's mark: apply again, and it goes on \
                      from there.";

/// Whether this very run made it: somebody else who makes the same environment at this moment does it under another uid.
fn made_by(owner: &Owner, own: &Outputs) -> bool {
    matches!(owner, Owner::Environment { uid, .. } if Some(uid) == own.get("uid"))
}

fn half_deleted(id: &str) -> Diagnostics {
    Diagnostics(vec![Diagnostic::error(
        format!("{id} is half deleted"),
        "A destroy of it was cut off. Nothing was touched. Run terraform destroy with the state that it was made with to \
         finish that, then apply again.",
    )])
}

fn still_open(paths: &[tfplugin::Path]) -> Diagnostic {
    let list = paths
        .iter()
        .map(crate::decode::dotted)
        .collect::<Vec<_>>()
        .join(", ");
    Diagnostic::error(
        "Settings are not known while applying",
        format!(
            "{list} should be known by now. This is a mistake in the provider or in Terraform: please report it."
        ),
    )
}
