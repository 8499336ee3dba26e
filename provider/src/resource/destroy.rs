//! ApplyResourceChange to nothing: destroy, or the delete leg of a replacement.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mlops_environment::claim::{Admission, Operation as ClaimOperation};
use mlops_environment::component::{Address, Component, Kind, Management, OnDestroy, Present};
use mlops_environment::driver::Failure;
use mlops_environment::plan::Decision;
use mlops_environment::reference;
use tfplugin::{ApplyRequest, ApplyResponse, CallContext, Diagnostic, Diagnostics, Value};

use super::apply::LOGS;
use super::private::{Operation, Private};
use super::wanted::{self, Wanted};
use super::{Environment, plan, read, report, state};
use crate::executor::{Destroy, Results};

/// Deletes what stands, or lets go of what the create leg will go on with.
pub(super) async fn destroy(
    resource: &Environment,
    context: &CallContext,
    request: ApplyRequest,
) -> ApplyResponse {
    match try_destroy(resource, context, &request).await {
        Ok(response) => response,
        Err(diagnostics) => ApplyResponse {
            state: request.prior.clone(),
            private: request.private.clone(),
            diagnostics,
        },
    }
}

async fn try_destroy(
    resource: &Environment,
    context: &CallContext,
    request: &ApplyRequest,
) -> Result<ApplyResponse, Diagnostics> {
    let gone = |diagnostics| ApplyResponse {
        state: Value::Null,
        private: Vec::new(),
        diagnostics,
    };
    let mut private = Private::read(&request.private);
    let cloud = resource.clouds.of(&request.prior).await?;
    let Wanted::Environment(model) = wanted::remembered(&resource.schema, &request.prior, &cloud.facts)?
    else {
        return Err(unreadable_state());
    };
    let id = model.spec.id.to_string();
    let executor = resource.executor(&cloud, context);
    let claims = resource.claims(&executor, &model);
    let incomplete = state::phase(&request.prior) == Some("INCOMPLETE");
    match private.operation {
        // The delete leg of a replacement that only happens because a create was cut off: nothing is deleted, the
        // create leg goes on with what stands.
        Some(Operation::Create) if incomplete => {
            let found = claims.ask(&request.prior, ClaimOperation::Update, false).await?;
            if found
                .uid()
                .is_some_and(|uid| Some(uid) != state::text(&request.prior, "uid"))
            {
                return Err(ambiguous(&id));
            }
            found.release().await?;
            return Ok(gone(Diagnostics::new()));
        }
        Some(Operation::Destroy) => {}
        // A replacement of what is complete: the address changed, or the user said -replace.
        Some(Operation::Create) => {}
        _ if incomplete => return Err(ambiguous(&id)),
        _ => {}
    }
    let protection = plan::protection(&request.prior, "destroyed");
    if protection.has_errors() {
        return Err(protection);
    }

    let world = read::world(&private, &request.prior);
    let held = {
        let found = claims.ask(&request.prior, ClaimOperation::Destroy, false).await?;
        if matches!(found.admission(), Admission::Release) {
            return Ok(gone(Diagnostics(vec![released(&id)])));
        }
        preflight(&executor, &model.components, &private, &world).await?;
        found.begin_destroy().await?
    };
    // An update that was not finished may have left what the state no longer names.
    let mut components = model.components.clone();
    components.extend(private.leftovers(&model.components));
    let decision = Arc::new(Decision {
        recorded: read::recorded(&private, &request.prior),
        ..Decision::new(
            &model.spec,
            state::text(&request.prior, "uid").unwrap_or_default(),
        )
    });
    // What goes with another needs no deletion of its own, as long as the other is deleted.
    let carrier = |component: &Component| {
        let carrier = model.component(component.goes_with()?.as_str())?;
        let deleted = carrier.management == Management::Create && carrier.on_destroy != OnDestroy::Retain;
        deleted.then(|| carrier.address.clone())
    };
    let carried: BTreeMap<Address, Address> = components
        .iter()
        .filter_map(|component| Some((component.address.clone(), carrier(component)?)))
        .collect();
    let work = Destroy {
        components: components
            .iter()
            .filter(|component| !carried.contains_key(&component.address))
            .collect(),
        seen: private.seen.clone(),
        world,
        decision,
    };
    let mut left: Vec<Address> = components
        .iter()
        .map(|component| component.address.clone())
        .collect();
    let results = executor
        .destroy(work, |address| {
            let went = |other: &Address| other == address || carried.get(other) == Some(address);
            left.retain(|other| !went(other));
            private.seen.retain(|other, _| !went(other));
            private.unfinished.retain(|other, _| !went(other));
            context.checkpoint(remaining(&request.prior, &left), private.bytes());
        })
        .await;
    if results.complete() {
        let mut diagnostics = Diagnostics(remaining_by_design(&id, &components).into_iter().collect());
        let kept = model
            .component(LOGS)
            .is_some_and(|logs| logs.on_destroy == OnDestroy::Retain);
        if let Some(held) = held.filter(|_| kept)
            && let Err(failure) = held.left_behind().await
        {
            diagnostics.push(claim_left(&id, &failure));
        }
        return Ok(gone(diagnostics));
    }
    if let Some(held) = held {
        held.let_go().await;
    }
    Ok(stopped(request, context, &id, &results, &left, &private))
}

/// Says what remains by design.
fn remaining_by_design(id: &str, components: &[Component]) -> Option<Diagnostic> {
    let mut lines = Vec::new();
    for component in components {
        let name = component.id.as_deref().unwrap_or(component.address.as_str());
        match (component.management, component.on_destroy, component.kind) {
            (Management::Adopted, _, _) | (Management::Create, OnDestroy::Retain, _) => {
                lines.push(format!("{}: {name} is kept", component.address));
            }
            (Management::Create, _, Kind::AwsKey) => {
                let days = component
                    .properties
                    .get("deletion_window_days")
                    .and_then(serde_json::Value::as_i64);
                lines.push(format!(
                    "{}: deleted in {} days, until then it can be brought back",
                    component.address,
                    days.unwrap_or(30)
                ));
            }
            (Management::Create, _, Kind::AwsSecret) => {
                let days = component
                    .properties
                    .get("recovery_window_days")
                    .and_then(serde_json::Value::as_i64);
                if let Some(days) = days.filter(|days| *days > 0) {
                    lines.push(format!(
                        "{}: deleted in {days} days, until then it can be brought back",
                        component.address
                    ));
                }
            }
            (Management::Shared, ..) => {
                lines.push(format!("{}: stays while others use it", component.address))
            }
            _ => {}
        }
    }
    (!lines.is_empty())
        .then(|| Diagnostic::warning(format!("{id} is gone; this remains by design"), lines.join("\n")))
}

/// Everything that stands in the way is said before the first deletion.
async fn preflight(
    executor: &crate::executor::Executor,
    components: &[Component],
    private: &Private,
    world: &reference::World,
) -> Result<(), Diagnostics> {
    let pairs: Vec<(Component, Present)> = components
        .iter()
        // What was taken over is kept, whatever it holds.
        .filter(|component| component.management == Management::Create)
        .filter(|component| {
            let cluster = matches!(component.kind, Kind::AwsCluster | Kind::GcpCluster);
            component.on_destroy == OnDestroy::Refuse || cluster
        })
        .filter_map(|component| {
            let present = private.seen.get(&component.address)?.clone();
            Some((reference::fill_component(component, world).0, present))
        })
        .collect();
    let clusters: BTreeSet<Address> = pairs
        .iter()
        .filter(|(component, _)| component.on_destroy != OnDestroy::Refuse)
        .map(|(component, _)| component.address.clone())
        .collect();
    let locked: BTreeSet<Address> = pairs
        .iter()
        .filter(|(component, _)| {
            let lock = component.properties.get("retention_lock");
            lock.is_some_and(|lock| !lock.is_null())
        })
        .map(|(component, _)| component.address.clone())
        .collect();
    let mut diagnostics = Diagnostics::new();
    for (address, found) in executor.obstacles(&pairs).await {
        match found {
            Ok(obstacles) if obstacles.is_empty() => {}
            Ok(obstacles) if clusters.contains(&address) => diagnostics.push(Diagnostic::error(
                format!("{address} is still in use"),
                format!(
                    "{}. Nothing was deleted, here or elsewhere. Run terraform destroy again when that is done.",
                    obstacles.join("; ")
                ),
            )),
            Ok(obstacles) if locked.contains(&address) => diagnostics.push(Diagnostic::error(
                format!("{address} is not empty, and its retention is locked"),
                format!(
                    "{}. Nothing was deleted, here or elsewhere. Nobody can empty it before: run terraform destroy again \
                     then, when it is empty; or apply on_destroy = \"retain\" (keeps it) first.",
                    obstacles.join("; ")
                ),
            )),
            Ok(obstacles) => diagnostics.push(Diagnostic::error(
                format!("{address} is not empty"),
                format!(
                    "{}. Nothing was deleted, here or elsewhere. Move what you need; then either empty it, or apply \
                     on_destroy = \"purge\" (deletes everything in it) or \"retain\" (keeps it) first.",
                    obstacles.join("; ")
                ),
            )),
            Err(problem) => diagnostics.push(Diagnostic::error(
                format!("{address} could not be checked before the destroy"),
                format!("{problem}\n\nNothing was deleted."),
            )),
        }
    }
    if diagnostics.has_errors() {
        Err(diagnostics)
    } else {
        Ok(())
    }
}

/// The state after a destroy that ended early: what is left, on its way out.
fn remaining(prior: &Value, left: &[Address]) -> Value {
    let mut value = prior.clone();
    value.set_entry("phase", "DELETING");
    if let Some(components) = value
        .entries_mut()
        .and_then(|fields| fields.get_mut("components"))
        .and_then(Value::entries_mut)
    {
        components.retain(|address, _| left.iter().any(|other| other.as_str() == address));
    }
    value
}

fn stopped(
    request: &ApplyRequest,
    context: &CallContext,
    id: &str,
    results: &Results,
    left: &[Address],
    private: &Private,
) -> ApplyResponse {
    let next = "What is gone is gone; nothing else was touched. Run terraform destroy again: it goes on with the rest.";
    ApplyResponse {
        state: remaining(&request.prior, left),
        private: private.bytes(),
        diagnostics: report::failures(id, results, context, next),
    }
}

fn released(id: &str) -> Diagnostic {
    Diagnostic::warning(
        format!("{id} was only removed from the state"),
        "Its claim is newer than this state: somebody applied it since, or it was destroyed and made again. Nothing was \
         deleted. If it should go, destroy it from the state that made it.",
    )
}

fn claim_left(id: &str, failure: &Failure) -> Diagnostic {
    Diagnostic::warning(
        format!("{id} is gone, but its claim still says that it is being deleted"),
        format!(
            "{}: {}. An environment of this name can be made again only once the object claim.json under mlops/ in its \
             logs bucket is removed.",
            failure.operation, failure.message
        ),
    )
}

fn ambiguous(id: &str) -> Diagnostics {
    Diagnostics(vec![Diagnostic::error(
        format!("{id} is incomplete, and it is not clear what this delete is for"),
        "Nothing was deleted. To go on with the environment: run terraform untaint on the resource, then apply. To be rid \
         of it: run terraform destroy.",
    )])
}

fn unreadable_state() -> Diagnostics {
    Diagnostics(vec![Diagnostic::error(
        "The state of the environment cannot be read",
        "Settings are missing from it. Nothing was deleted. This is a mistake in the provider: please report it.",
    )])
}
