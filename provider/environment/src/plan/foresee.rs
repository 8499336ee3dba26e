//! What an apply will do, told from the last wish and the next one, without a look at the cloud.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::{Decision, change, leaving, may_be_made_anew, removal, step};
use super::diff::{diff, foreseen};
use super::drift::{Deviation, Finding};
use super::existing::judge;
use super::refusal::{Bound, Cause, Refusal};
use super::rules::{self, Comparison, Treatment};
use super::step::{Action, Change, Disruption, Step};
use crate::component::{Address, Component, Kind, Management, Observation, Owner};

/// What a plan starts from.
#[derive(Debug, Clone, Copy)]
pub struct Foresight<'a> {
    /// Components as wanted last time, in the order in which they are made; none on create. References filled in as far as
    /// the state allows.
    pub prior: &'a [Component],
    /// Components as wanted now, in the same way.
    pub next: &'a [Component],
    /// What the refresh found to be otherwise than `prior`.
    pub drift: &'a [Deviation],
    /// What stands in the place of components that are to be taken over, as far as it was looked at.
    pub standing: &'a BTreeMap<Address, Observation>,
    /// Few words about a component that will be made, for example `gpu-small, 0..2`.
    pub summaries: &'a BTreeMap<Address, String>,
}

/// The steps of the next apply: first what is made and changed, in order, then what goes, in reverse order.
///
/// # Errors
/// Every change that is refused, with its way forward.
pub fn plan_change(foresight: &Foresight<'_>, decision: &Decision) -> Result<Vec<Step>, Vec<Refusal>> {
    let prior: BTreeMap<&Address, &Component> = foresight
        .prior
        .iter()
        .map(|component| (&component.address, component))
        .collect();
    let next: BTreeSet<&Address> = foresight
        .next
        .iter()
        .map(|component| &component.address)
        .collect();
    let mut steps = Vec::new();
    let mut refusals = Vec::new();
    for component in foresight.next {
        let address = &component.address;
        let drift: Vec<&Finding> = foresight
            .drift
            .iter()
            .filter(|deviation| deviation.address == *address)
            .map(|deviation| &deviation.finding)
            .collect();
        let summary = foresight.summaries.get(address).map_or("", String::as_str);
        let prior = prior.get(address).copied();
        let standing = foresight.standing.get(address);
        match foresee(component, prior, &drift, standing, summary, decision) {
            Ok(planned) => steps.extend(planned.into_iter().filter(|step| step.action != Action::Keep)),
            Err(refusal) => refusals.push(refusal),
        }
    }
    let gone = foresight.prior.iter().rev();
    for component in gone.filter(|component| !next.contains(&component.address)) {
        match component.management {
            Management::Existing => {}
            Management::Adopted => {
                steps.push(step(
                    component,
                    Action::Retain,
                    Disruption::None,
                    "was taken over",
                ));
            }
            Management::Shared => {
                let mut step = removal(component);
                step.detail = "if we made it and nobody else uses it".to_owned();
                steps.push(step);
            }
            Management::Create => steps.push(removal(&leaving(component))),
        }
    }
    if refusals.is_empty() {
        Ok(steps)
    } else {
        Err(refusals)
    }
}

fn foresee(
    component: &Component,
    prior: Option<&Component>,
    drift: &[&Finding],
    standing: Option<&Observation>,
    summary: &str,
    decision: &Decision,
) -> Result<Vec<Step>, Refusal> {
    let missing = drift.iter().any(|finding| matches!(finding, Finding::Missing));
    if let Some(prior) = prior {
        moved(component, prior)?;
    }
    let Some(prior) = prior.filter(|_| !missing) else {
        return match standing {
            Some(found) if component.management == Management::Adopted && !missing => {
                Ok(vec![taken_over(component, found, decision)?])
            }
            Some(found) if component.management == Management::Existing => {
                judge(component, found).map(|()| Vec::new())
            }
            None if component.management == Management::Existing && missing => {
                judge(component, &Observation::Absent).map(|()| Vec::new())
            }
            _ => Ok(made(component, summary, missing)),
        };
    };
    if let Some(reason) = drift.iter().find_map(|finding| match finding {
        Finding::Failed(reason) => Some(reason),
        _ => None,
    }) {
        if !may_be_made_anew(component) {
            return Err(Refusal {
                address: component.address.clone(),
                cause: Cause::Failed {
                    reason: reason.clone(),
                },
            });
        }
        let detail = format!("made anew, it failed: {reason}");
        return Ok(vec![
            step(component, Action::Delete, Disruption::None, &detail),
            create(component, summary),
        ]);
    }
    if let Some(what) = drift.iter().find_map(|finding| match finding {
        Finding::Suspended(what) => Some(what),
        _ => None,
    }) {
        // What else differs shows only once it is back.
        return Ok(vec![step(component, Action::Restore, Disruption::None, what)]);
    }
    if let Some(owner) = drift.iter().find_map(|finding| match finding {
        Finding::Lost { owner } => Some(owner),
        _ => None,
    }) {
        return Err(Refusal {
            address: component.address.clone(),
            cause: Cause::Foreign {
                handle: component.handle(),
                owner: owner.clone(),
            },
        });
    }
    let existing_now = component.management == Management::Existing;
    if existing_now != (prior.management == Management::Existing) && component.kind != Kind::AwsOidcProvider {
        let cause = Cause::Switched {
            was_ours: existing_now,
        };
        return Err(Refusal {
            address: component.address.clone(),
            cause,
        });
    }
    if component.management == Management::Existing && prior.management == Management::Existing {
        return existing(component, prior, decision);
    }
    let mut changes = differences(component, prior);
    let mut foreign = Vec::new();
    for finding in drift {
        match finding {
            Finding::Changed(found) => merge(&mut changes, found, component),
            Finding::Foreign(what) if !decision.reports_only(component.kind) => foreign.push(what.clone()),
            _ => {}
        }
    }
    let adopting = component.management == Management::Adopted && prior.management != Management::Adopted;
    let planned = change(
        component,
        changes,
        foreign,
        Some(&prior.properties),
        adopting,
        decision,
    )?;
    if planned.action == Action::Delete {
        return Ok(vec![planned, create(component, summary)]);
    }
    Ok(vec![planned])
}

/// One object cannot step into another's place: what that holds would be left behind.
fn moved(component: &Component, prior: &Component) -> Result<(), Refusal> {
    let any = |management| component.management == management || prior.management == management;
    let bound = if any(Management::Adopted) {
        Bound::Adopted
    } else if any(Management::Shared) {
        Bound::Shared
    } else {
        return Ok(());
    };
    let (from, to) = (prior.handle(), component.handle());
    if from == to {
        return Ok(());
    }
    Err(Refusal {
        address: component.address.clone(),
        cause: Cause::Moved { from, to, bound },
    })
}

/// The step that takes over what was looked at, with every setting that it changes.
fn taken_over(component: &Component, found: &Observation, decision: &Decision) -> Result<Step, Refusal> {
    let refuse = |cause| Refusal {
        address: component.address.clone(),
        cause,
    };
    let Observation::Present(found) = found else {
        return Err(refuse(Cause::NothingToAdopt {
            handle: component.handle(),
        }));
    };
    match &found.owner {
        owner @ Owner::Environment { id, .. } if !owner.is(&decision.environment) => {
            Err(refuse(Cause::Foreign {
                handle: component.handle(),
                owner: id.clone(),
            }))
        }
        _ => {
            let changes = foreseen(component, &found.properties);
            let mut step = change(component, changes, Vec::new(), None, true, decision)?;
            step.detail = match step.detail.as_str() {
                "" => component.handle(),
                warning => format!("{}; {warning}", component.handle()),
            };
            Ok(step)
        }
    }
}

/// Steps for a component that is not there yet.
fn made(component: &Component, summary: &str, again: bool) -> Vec<Step> {
    match component.management {
        Management::Existing => Vec::new(),
        Management::Adopted if !again => {
            let detail = component.handle();
            vec![step(
                component,
                Action::Adopt { changes: Vec::new() },
                Disruption::None,
                &detail,
            )]
        }
        Management::Shared if !again => {
            vec![step(
                component,
                Action::Create,
                Disruption::None,
                "unless the account has it already",
            )]
        }
        _ => vec![create(component, summary)],
    }
}

fn create(component: &Component, summary: &str) -> Step {
    step(component, Action::Create, Disruption::None, summary)
}

/// The last wish stands in for what would be found. Text with references is compared as it stands: equal text will be
/// equal once filled in, other text will mostly not.
fn differences(component: &Component, prior: &Component) -> Vec<Change> {
    let mut changes = diff(component, &prior.properties, Some(&prior.properties));
    for (property, to) in &component.properties {
        let from = prior.properties.get(property);
        let known = changes.iter().any(|change| change.property == *property);
        let mut references = BTreeSet::new();
        crate::reference::find_in(to, &mut references);
        let counts = rules::of(component.kind, property).0 != Comparison::Never;
        let pending = counts && !references.is_empty() && from.is_some_and(|from| from != to);
        if pending && !known && component.management == Management::Create {
            let from = from.cloned().unwrap_or_default();
            changes.push(Change {
                property: property.clone(),
                from,
                to: to.clone(),
            });
        }
    }
    changes
}

/// Drift of a property that changes anyway is told once, from what was found.
fn merge(changes: &mut Vec<Change>, found: &Change, component: &Component) {
    let wanted = component.properties.get(&found.property);
    if let Some(change) = changes
        .iter_mut()
        .find(|change| change.property == found.property)
    {
        change.from = found.from.clone();
    } else if wanted.is_some_and(|wanted| *wanted != found.from) {
        changes.push(Change {
            to: wanted.cloned().unwrap_or_default(),
            ..found.clone()
        });
    }
    changes.retain(|change| change.from != change.to);
}

/// Another object of somebody else in the same place: the network's subnets, a given key.
fn existing(component: &Component, prior: &Component, decision: &Decision) -> Result<Vec<Step>, Refusal> {
    let mut fixed: Vec<Change> = component
        .properties
        .iter()
        .filter(|(property, _)| {
            let treatment = rules::of(component.kind, property).1;
            matches!(treatment, Treatment::Fixed | Treatment::Lasting)
        })
        .filter_map(|(property, to)| {
            let from = prior.properties.get(property).filter(|from| *from != to)?;
            Some(Change {
                property: property.clone(),
                from: from.clone(),
                to: to.clone(),
            })
        })
        .collect();
    if fixed.is_empty() && component.id != prior.id {
        fixed.push(Change {
            property: "id".to_owned(),
            from: prior.id.clone().into(),
            to: component.id.clone().into(),
        });
    }
    if fixed.is_empty() {
        return Ok(Vec::new());
    }
    let mut mine = component.clone();
    mine.management = Management::Create;
    match change(&mine, fixed, Vec::new(), None, false, decision)? {
        // With consent we use the other object; the old one stays where it is.
        planned if planned.action == Action::Delete => Ok(vec![step(
            component,
            Action::Update {
                changes: Vec::new(),
                foreign: Vec::new(),
            },
            Disruption::Restart,
            "another one is used",
        )]),
        planned => Ok(vec![planned]),
    }
}
