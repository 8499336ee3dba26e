//! ApplyResourceChange: create and update. Whatever happens, the answer carries what was reached.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mlops_environment::Environment as Model;
use mlops_environment::claim::{Admission, Operation};
use mlops_environment::component::{Address, Component, Observation, Outputs, Owner};
use mlops_environment::graph::Graph;
use mlops_environment::plan::{Action, Decision};
use mlops_environment::reference::{self, World};
use mlops_environment::spec::PartialCreate;
use serde_json::{Value as Json, json};
use tfplugin::{ApplyRequest, ApplyResponse, CallContext, Diagnostic, Diagnostics, Severity, Value};

use super::assemble::{self, Absent};
use super::claims::Claims;
use super::kept::with_kept;
use super::private::Private;
use super::wanted::{self, Wanted};
use super::{Environment, plan, read, report, state};
use crate::clouds::Cloud;
use crate::executor::{Approach, Converge, Destroy, Executor, Problem, Results};

/// What stands after an incomplete apply is never rebuilt.
const NEXT: &str =
    "Nothing that stands was rolled back, and nothing is lost: apply again, and it goes on where it stopped.";

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
    let cloud = match resource.clouds.of(&request.config).await {
        Ok(cloud) => cloud,
        Err(errors) => return unchanged(errors),
    };
    // The configuration is wholly known by now; what was decided once stands in the plan.
    let settings = with_kept(
        &resource.schema,
        &request.config,
        &request.planned.unknown_as_null(),
    );
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
struct Run<'a> {
    resource: &'a Environment,
    context: &'a CallContext,
    request: &'a ApplyRequest,
    executor: &'a Executor,
    claims: Claims<'a>,
    model: &'a Model,
}

impl Run<'_> {
    fn id(&self) -> String {
        self.model.spec.id.to_string()
    }

    fn logs(&self) -> Result<&Component, Diagnostics> {
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
        let mut private = Private::default();
        let decision = Arc::new(Decision::new(&self.model.spec, &own["uid"]));

        let approach = if resuming { Approach::Look } else { Approach::Fresh };
        let first = self
            .converge(vec![logs], approach, &world, &decision, &mut private)
            .await;
        if !first.complete() {
            if private.seen.is_empty() {
                return Err(report::failures(
                    &self.id(),
                    &first,
                    self.model.components.len(),
                    self.context,
                    NOTHING,
                ));
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
        let held = found.begin(&own).await?;
        let rest: Vec<&Component> = self
            .model
            .components
            .iter()
            .filter(|component| component.address != logs.address)
            .collect();
        world.extend(private.world());
        let mut results = self
            .converge(rest, approach, &world, &decision, &mut private)
            .await;
        results.done.extend(first.done);
        let generation = held.finish(results.complete(), self.context).await;
        Ok(self.finish(results, &private, &own, generation))
    }

    /// Changes what the plan said would change.
    async fn update(&self, cloud: &Cloud) -> Result<ApplyResponse, Diagnostics> {
        let mut private = Private::read(&self.request.private);
        let own = state::own_values(&self.request.prior);
        let world = read::world(&private, &self.request.prior);
        let prior = plan::prior_model(self.resource, &self.request.prior, &cloud.facts)?;
        let steps = plan::steps(prior.as_deref(), self.model, &self.request.prior, &private)?;
        let held = self
            .claims
            .ask(&self.request.prior, Operation::Update, false)
            .await?
            .begin(&own)
            .await?;

        let removed: BTreeSet<&Address> = steps
            .iter()
            .filter(|step| matches!(step.action, Action::Delete | Action::Retain))
            .map(|step| &step.address)
            .filter(|address| self.model.component(address.as_str()).is_none())
            .collect();
        let renewed: BTreeSet<Address> = steps
            .iter()
            .filter(|step| plan::renews(step))
            .map(|step| step.address.clone())
            .collect();
        let touched: BTreeSet<Address> = steps
            .iter()
            .map(|step| step.address.clone())
            .filter(|address| !removed.contains(address))
            .chain(state::not_ready(&self.request.prior))
            .chain(dependents(
                &Graph::of(&self.model.components),
                &self.model.components,
                &renewed,
            ))
            .collect();
        let before = prior
            .as_deref()
            .map(|model| model.components.as_slice())
            .unwrap_or_default();
        let decision = Arc::new(Decision {
            recorded: read::recorded(&private, &self.request.prior),
            before: before
                .iter()
                .map(|component| {
                    (
                        component.address.clone(),
                        reference::fill_component(component, &world).0.properties,
                    )
                })
                .collect(),
            ..Decision::new(&self.model.spec, own.get("uid").map_or("", String::as_str))
        });
        let work: Vec<&Component> = self
            .model
            .components
            .iter()
            .filter(|component| touched.contains(&component.address))
            .collect();
        // Outputs of what is made anew are not those of before.
        let mut known = world.clone();
        known.retain(|address, _| !renewed.contains(address));
        let mut results = self
            .converge(work, Approach::Look, &known, &decision, &mut private)
            .await;

        let gone: Vec<&Component> = before
            .iter()
            .filter(|component| removed.contains(&component.address))
            .collect();
        if results.complete() && !gone.is_empty() {
            let seen = private.seen.clone();
            let removal = Destroy {
                components: gone,
                seen,
                world,
                decision: Arc::clone(&decision),
            };
            let removals = self.executor.destroy(removal, |address| {
                private.seen.remove(address);
            });
            let removals = removals.await;
            results.problems.extend(removals.problems);
            results.not_started.extend(removals.not_started);
        }
        if results.complete() {
            private.drift.clear();
        }
        let generation = held.finish(results.complete(), self.context).await;
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
            report::failures(
                &self.id(),
                &results,
                self.model.components.len(),
                self.context,
                NOTHING,
            )
        })
    }

    /// Converges components; every one that is done goes into the private data and into a checkpoint.
    async fn converge(
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
        };
        let mut results = Results::default();
        let reached = self.executor.converge(work, |address, present, _| {
            private.remember(address, present);
            results.done.insert(address.clone(), Some(present.clone()));
            let value = self.state(private, &own, &results, false, None);
            self.context.checkpoint(value, private.bytes());
        });
        reached.await
    }

    /// The answer: complete, or incomplete with what failed and what comes next.
    fn finish(
        &self,
        results: Results,
        private: &Private,
        own: &Outputs,
        generation: Result<u64, Diagnostic>,
    ) -> ApplyResponse {
        match generation {
            Ok(generation) if results.complete() => ApplyResponse {
                state: self.state(private, own, &results, true, Some(generation)),
                private: private.bytes(),
                diagnostics: Diagnostics::new(),
            },
            Ok(_) => self.answer(results, private, own, None),
            Err(error) => self.answer(results, private, own, Some(error)),
        }
    }

    fn answer(
        &self,
        results: Results,
        private: &Private,
        own: &Outputs,
        error: Option<Diagnostic>,
    ) -> ApplyResponse {
        let creating = self.request.prior.is_null();
        let mut diagnostics = Diagnostics(error.into_iter().collect());
        if !results.complete() {
            let next = if creating {
                format!("{NEXT} Where a plan must never show a deletion, run terraform untaint first.")
            } else {
                NEXT.to_owned()
            };
            let all = report::failures(
                &self.id(),
                &results,
                self.model.components.len(),
                self.context,
                &next,
            );
            diagnostics.0.extend(all.0);
        }
        if creating && self.model.spec.partial_create == PartialCreate::Warn {
            for diagnostic in &mut diagnostics.0 {
                diagnostic.severity = Severity::Warning;
            }
        }
        ApplyResponse {
            state: self.state(private, own, &results, false, None),
            private: private.bytes(),
            diagnostics,
        }
    }

    /// The state's value for what was reached.
    fn state(
        &self,
        private: &Private,
        own: &Outputs,
        results: &Results,
        complete: bool,
        generation: Option<u64>,
    ) -> Value {
        let mut world: World = self
            .model
            .components
            .iter()
            .map(|component| (component.address.clone(), component.outputs.clone()))
            .collect();
        for (address, outputs) in private.world() {
            world.entry(address).or_default().extend(outputs);
        }
        world.insert(state::environment_address(), own.clone());
        let before = state::json(&self.request.prior, "generation");
        let mut values = state::settings(&self.model.spec);
        values.extend(state::computed(self.model));
        values.insert(
            "phase".into(),
            json!(if complete { "READY" } else { "INCOMPLETE" }),
        );
        values.insert(
            "generation".into(),
            generation.map_or(before.as_u64().unwrap_or(0).into(), Json::from),
        );
        values.insert(
            "last_change".into(),
            state::json(&self.request.planned, "last_change"),
        );
        let values: BTreeMap<String, Json> = values
            .iter()
            .map(|(name, value)| (name.clone(), reference::fill_value(value, &world)))
            .collect();
        let actual = assemble::object(
            &self.resource.schema,
            &self.request.config,
            &values,
            &self.request.prior,
            &Absent,
        );
        let mut value = state::settled(&self.request.planned, &actual);
        for component in &self.model.components {
            let found = if results.problems.contains_key(&component.address) {
                "failed"
            } else if private.seen.contains_key(&component.address) {
                "ready"
            } else {
                "pending"
            };
            if found != "ready" || !complete {
                state::set_component(&mut value, &component.address, "state", Value::from(found));
            }
        }
        value
    }
}

/// All that build, directly or not, on what is made anew: a new issuer goes into every trust.
fn dependents(graph: &Graph, components: &[Component], renewed: &BTreeSet<Address>) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    let mut reached = renewed.clone();
    loop {
        let more: BTreeSet<Address> = components
            .iter()
            .map(|component| component.address.clone())
            .filter(|address| {
                !reached.contains(address) && graph.needs(address).any(|need| reached.contains(need))
            })
            .collect();
        if more.is_empty() {
            return found;
        }
        reached.extend(more.iter().cloned());
        found.extend(more);
    }
}

/// Where the claim lives.
pub(super) const LOGS: &str = "buckets.logs";

const NOTHING: &str = "Nothing was made.";

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
