//! ReadResource: what stands, component by component, each independent of the others.

use std::collections::BTreeMap;

use mlops_environment::component::{Address, Management, Observation};
use mlops_environment::plan::{self, Decision, Finding};
use mlops_environment::reference::World;
use tfplugin::{CallContext, Diagnostic, Diagnostics, ReadRequest, ReadResponse, Value};

use super::assemble::{self, Absent};
use super::private::Private;
use super::wanted::{self, Wanted};
use super::{Environment, state, timeouts};
use crate::executor::{Executor, Problem, Sighting};

/// Reads every component and says what differs from what was asked for.
pub(super) async fn read(
    resource: &Environment,
    context: &CallContext,
    request: ReadRequest,
) -> ReadResponse {
    let mut private = Private::read(&request.private);
    let keep = |diagnostics| ReadResponse {
        state: request.state.clone(),
        private: request.private.clone(),
        diagnostics,
    };
    let cloud = match resource.clouds.of(&request.state).await {
        Ok(cloud) => cloud,
        Err(errors) => return keep(errors),
    };
    let model = match wanted::remembered(&resource.schema, &request.state, &cloud.facts) {
        Ok(Wanted::Environment(model)) => model,
        Ok(Wanted::Open(_)) => return keep(Diagnostics::new()),
        Err(errors) => return keep(errors),
    };
    let executor = Executor {
        limit: READS,
        cancelled: context.cancelled.child_token(),
        ..resource.executor(&cloud, context)
    };
    let world = world(&private, &request.state);
    let observing = executor.observe(&model.components, &world);
    tokio::pin!(observing);
    let allowed = timeouts::of(&request.state, "read");
    let (sightings, in_time) = tokio::select! {
        sightings = &mut observing => (sightings, true),
        // What was not seen by then is told so, and keeps its last state.
        () = tokio::time::sleep(allowed) => {
            executor.cancelled.cancel();
            (observing.await, false)
        }
    };

    if sightings
        .values()
        .all(|sighting| matches!(sighting.found, Ok(Observation::Absent)) || not_ours(sighting))
    {
        // Nothing of it is left: Terraform plans a create.
        return ReadResponse {
            state: Value::Null,
            private: Vec::new(),
            diagnostics: Diagnostics::new(),
        };
    }
    let decision = Decision {
        recorded: recorded(&private, &request.state),
        ..Decision::new(
            &model.spec,
            state::text(&request.state, "uid").unwrap_or_default(),
        )
    };
    let mut diagnostics = Diagnostics::new();
    let mut states: BTreeMap<Address, &'static str> = BTreeMap::new();
    private.drift.clear();
    private.operation = None;
    for (address, sighting) in &sightings {
        let found = match &sighting.found {
            Ok(found) => found,
            Err(problem) => {
                let why = match problem {
                    problem if !in_time && problem.is_interruption() => format!(
                        "No answer came within timeouts.read ({} s). Look again when the cloud answers, or allow more.",
                        allowed.as_secs()
                    ),
                    problem => problem.to_string(),
                };
                diagnostics.push(unreadable(address, &why));
                continue;
            }
        };
        if let Observation::Present(present) = found {
            private.remember(address, present);
        } else {
            private.lose(address);
        }
        let deviations = plan::deviations(&sighting.wanted, found, &decision);
        let missing = deviations
            .iter()
            .any(|deviation| deviation.finding == Finding::Missing);
        let component = std::slice::from_ref(&sighting.wanted);
        let left_alone = plan::reported(&deviations, component, &decision).len();
        states.insert(
            address.clone(),
            match (deviations.len() == left_alone, missing) {
                (true, _) => "ready",
                (_, true) => "missing",
                (_, false) => "drifted",
            },
        );
        private.drift.extend(deviations);
    }
    // What an incomplete apply has not made yet is not missing: the plan makes it.
    let complete = state::phase(&request.state) == Some("READY");
    if state::phase(&request.state) == Some("INCOMPLETE") {
        diagnostics.push(resumed(&model.spec.id.to_string(), &states));
    }
    let drift = if complete {
        private.drift.iter().map(ToString::to_string).collect()
    } else {
        Vec::new()
    };
    let read = if private.imported {
        private.imported = sightings.values().any(|sighting| sighting.found.is_err());
        let own = state::own_values(&request.state);
        let told = state::told(&model, private.world(), own);
        let known = state::claimed(&resource.schema, &request.state);
        assemble::object(&resource.schema, &known, &told, &Value::Null, &Absent)
    } else {
        request.state.clone()
    };
    ReadResponse {
        state: state::refreshed(&read, &states, drift),
        private: private.bytes(),
        diagnostics,
    }
}

/// Said while planning, since Terraform shows the replacement of a tainted resource as a deletion and asks us about the
/// create leg as if nothing stood.
fn resumed(id: &str, states: &BTreeMap<Address, &'static str>) -> Diagnostic {
    let ready = states.values().filter(|state| **state == "ready").count();
    Diagnostic::warning(
        format!("{id} is incomplete and will be resumed: nothing is deleted"),
        format!(
            "{ready} of {} components are ready. Where the plan shows a replacement (-/+, \"is tainted\"), apply goes on with \
             what stands and makes only what is missing. To see a change in place instead, run terraform untaint first.",
            states.len()
        ),
    )
}

/// Reads under way at once. They are cheap for the cloud; the driver caps the services that are not.
pub(super) const READS: usize = 32;

/// Ids of the objects that the state says are ours.
pub(super) fn recorded(private: &Private, state: &Value) -> BTreeMap<Address, String> {
    let components = state.get("components").and_then(Value::entries);
    let mut recorded: BTreeMap<Address, String> = components
        .into_iter()
        .flatten()
        .filter_map(|(address, component)| {
            Some((
                Address::new(&[address]),
                component.get("id")?.as_str()?.to_owned(),
            ))
        })
        .collect();
    recorded.extend(
        private
            .seen
            .iter()
            .map(|(address, present)| (address.clone(), present.id.clone())),
    );
    recorded
}

/// Existing objects are there whoever else is, and so is what is never deleted: they say nothing about whether the
/// environment stands.
fn not_ours(sighting: &Sighting) -> bool {
    matches!(
        sighting.wanted.management,
        Management::Existing | Management::Shared
    ) || sighting.wanted.kind.lasts()
        || matches!(&sighting.found, Err(Problem::Unresolved(_)))
}

/// What is known before anything is read: outputs as last seen, and the environment's own values.
pub(super) fn world(private: &Private, state: &Value) -> World {
    let mut world = private.world();
    world.insert(state::environment_address(), state::own_values(state));
    world
}

fn unreadable(address: &Address, why: &str) -> Diagnostic {
    Diagnostic::warning(
        format!("{address} could not be read"),
        format!(
            "{why}\n\nIts last known state is kept; nothing is planned for it out of ignorance. All other components were read."
        ),
    )
}
