//! The update: what the plan said would change, and what an earlier apply left undone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mlops_environment::Environment as Model;
use mlops_environment::claim::Operation;
use mlops_environment::component::{Address, Component, Kind, Management, Present, Properties};
use mlops_environment::graph::Graph;
use mlops_environment::plan::{Action, Decision, leaving, reported};
use mlops_environment::reference::{self, World};
use serde_json::Value as Json;
use tfplugin::{ApplyResponse, Diagnostics};

use super::apply::Run;
use super::private::Private;
use super::{plan, read, state};
use crate::clouds::Cloud;
use crate::executor::{Approach, Destroy, Results};

impl Run<'_> {
    /// Removes what is no longer wanted, once all else is done.
    pub(super) async fn remove(
        &self,
        gone: Vec<&Component>,
        world: World,
        decision: &Arc<Decision>,
        private: &mut Private,
        results: &mut Results,
    ) {
        if !results.complete() {
            results
                .not_started
                .extend(gone.iter().map(|component| component.address.clone()));
            return;
        }
        if gone.is_empty() {
            return;
        }
        let removal = Destroy {
            components: gone,
            seen: private.seen.clone(),
            world,
            decision: Arc::clone(decision),
        };
        let removals = self
            .executor
            .destroy(removal, |address| private.forget(address))
            .await;
        results.done.extend(removals.done);
        results.problems.extend(removals.problems);
        results.not_started.extend(removals.not_started);
    }

    /// Changes what the plan said would change.
    pub(super) async fn update(&self, cloud: &Cloud) -> Result<ApplyResponse, Diagnostics> {
        let mut private = Private::read(&self.request.private);
        let own = state::own_values(&self.request.prior);
        let world = read::world(&private, &self.request.prior);
        let prior = plan::prior_model(self.resource, &self.request.prior, &cloud.facts)?;
        // The plan looked at what is to be taken over; now each is looked at again when its turn comes.
        let steps = plan::steps(
            prior.as_deref(),
            self.model,
            &self.request.prior,
            &private,
            &plan::Standing::new(),
        )?;
        let stood = private.seen.clone();
        let found = self
            .claims
            .ask(&self.request.prior, Operation::Update, false)
            .await?;

        let before = plan::wanted_before(prior.as_deref(), &private);
        let wishes = wishes(prior.as_deref(), &private);
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
            .chain(private.unfinished.keys().cloned())
            .chain(dependents(
                &Graph::of(&self.model.components),
                &self.model.components,
                &renewed,
            ))
            .collect();
        for component in prior.iter().flat_map(|model| &model.components) {
            if touched.contains(&component.address) || removed.contains(&component.address) {
                private.begins(component);
            }
        }
        let decision = Arc::new(Decision {
            recorded: read::recorded(&private, &self.request.prior),
            before: ours(&wishes, &world),
            pending: plan::properties(&self.model.components),
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
        // The claim went with its bucket: without that nobody could say that we are at work.
        let logs = self.logs()?;
        if renewed.contains(&logs.address) {
            let mut first = self
                .converge(vec![logs], Approach::Look, &known, &decision, &mut private)
                .await;
            if !first.complete() {
                let rest = work.iter().map(|component| component.address.clone());
                first
                    .not_started
                    .extend(rest.filter(|address| *address != logs.address));
                return Ok(self.answer(first, &private, &own, None));
            }
        }
        let begun = self.settings(&private, &own, &Results::default());
        let held = found.begin(&own, begun).await?;
        let mut results = self
            .converge(work, Approach::Look, &known, &decision, &mut private)
            .await;

        let replaced = replaced(&before, &stood, &private);
        if results.complete() && !replaced.is_empty() {
            let removal = Destroy {
                components: before
                    .iter()
                    .filter(|component| replaced.contains_key(&component.address))
                    .collect(),
                seen: replaced,
                world: world.clone(),
                decision: Arc::clone(&decision),
            };
            let removals = self.executor.destroy(removal, |_| {}).await;
            results.problems.extend(removals.problems);
            results.not_started.extend(removals.not_started);
        }
        let gone: Vec<Component> = before
            .iter()
            .filter(|component| removed.contains(&component.address))
            .map(leaving)
            .collect();
        self.remove(
            gone.iter().collect(),
            world,
            &decision,
            &mut private,
            &mut results,
        )
        .await;
        if results.complete() {
            private.drift = reported(&private.drift, &self.model.components, &decision)
                .into_iter()
                .cloned()
                .collect();
        }
        let ended = self.settings(&private, &own, &results);
        let generation = held.finish(results.complete(), ended, self.context).await;
        Ok(self.finish(results, &private, &own, generation))
    }
}

/// Providers of tokens that stood for the issuer of a cluster that is gone: another stands in their place.
fn replaced(
    before: &[Component],
    stood: &BTreeMap<Address, Present>,
    private: &Private,
) -> BTreeMap<Address, Present> {
    before
        .iter()
        .filter(|component| component.kind == Kind::AwsOidcProvider)
        .filter(|component| component.management == Management::Create)
        .filter_map(|component| {
            let old = stood.get(&component.address)?;
            let new = private.seen.get(&component.address)?;
            (old.id != new.id).then(|| (component.address.clone(), old.clone()))
        })
        .collect()
}

/// Every wish for each component that may have left something: the last one finished, all since, and the state's.
fn wishes(prior: Option<&Model>, private: &Private) -> Vec<Component> {
    let unfinished = private.unfinished.values().flatten();
    let prior = prior.into_iter().flat_map(|model| &model.components);
    unfinished.chain(prior).cloned().collect()
}

/// What is ours of each component's properties: tags and grants of any of these wishes.
pub(super) fn ours(wishes: &[Component], world: &World) -> BTreeMap<Address, Properties> {
    let mut ours: BTreeMap<Address, Properties> = BTreeMap::new();
    for component in wishes {
        let properties = ours.entry(component.address.clone()).or_default();
        for (name, newer) in reference::fill_component(component, world).0.properties {
            let older = properties.remove(&name);
            properties.insert(name, older.map_or(newer.clone(), |older| united(newer, older)));
        }
    }
    ours
}

/// Both values in one: maps and lists hold what is in either, anything else is as it was wanted last.
fn united(newer: Json, older: Json) -> Json {
    match (newer, older) {
        (Json::Object(mut newer), Json::Object(older)) => {
            for (name, older) in older {
                let value = match newer.remove(&name) {
                    Some(newer) => united(newer, older),
                    None => older,
                };
                newer.insert(name, value);
            }
            newer.into()
        }
        (Json::Array(mut newer), Json::Array(older)) => {
            let more: Vec<Json> = older.into_iter().filter(|item| !newer.contains(item)).collect();
            newer.extend(more);
            newer.into()
        }
        (newer, _) => newer,
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
