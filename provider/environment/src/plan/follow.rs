//! What is made anew takes others along: whoever holds what it tells has to be told again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::decide::{Decision, change, step};
use super::refusal::Refusal;
use super::rules::{self, Comparison, Treatment};
use super::step::{Action, Change, Disruption, Step};
use crate::component::{Address, Component, Kind, Management, Outputs, Properties};
use crate::reference;

/// Steps with those that follow from them: a new cluster has a new issuer, which goes into every trust.
///
/// * `prior`, `next`: components with their references, in the order in which they are made.
///
/// # Errors
/// What cannot be told again, only made anew: an image repository keeps the key that it was made with.
pub fn follow(
    prior: &[Component],
    next: &[Component],
    steps: Vec<Step>,
    decision: &Decision,
) -> Result<Vec<Step>, Vec<Refusal>> {
    let stood: BTreeSet<&Address> = prior.iter().map(|component| &component.address).collect();
    let known: BTreeMap<&Address, &Outputs> = next
        .iter()
        .map(|component| (&component.address, &component.outputs))
        .collect();
    let mut renewed: BTreeSet<Address> = steps
        .iter()
        .filter(|step| step.action == Action::Create && stood.contains(&step.address))
        .map(|step| step.address.clone())
        .collect();
    if renewed.is_empty() {
        return Ok(steps);
    }
    let replaced: BTreeSet<Address> = steps
        .iter()
        .filter(|step| step.action == Action::Delete && renewed.contains(&step.address))
        .map(|step| step.address.clone())
        .collect();
    let (mut all, mut refusals) = (Vec::new(), Vec::new());
    let (mut own, going): (Vec<Step>, Vec<Step>) = steps
        .into_iter()
        .partition(|step| known.contains_key(&step.address));
    for component in next {
        let (mine, others): (Vec<Step>, Vec<Step>) = own
            .into_iter()
            .partition(|step| step.address == component.address);
        own = others;
        let home = component.stands_in().filter(|home| replaced.contains(home));
        let comes_anyway = mine.iter().any(|step| step.action == Action::Create);
        if let Some(home) = home.filter(|_| stood.contains(&component.address) && !comes_anyway) {
            let detail = format!("with {home}");
            all.push(step(component, Action::Delete, Disruption::Restart, &detail));
            all.push(step(component, Action::Create, Disruption::None, ""));
            renewed.insert(component.address.clone());
            continue;
        }
        let untouched = mine.is_empty();
        all.extend(mine);
        let ours = component.management == Management::Create && stood.contains(&component.address);
        if !untouched || !ours {
            continue;
        }
        let stale = |value: &Value| {
            let mut references = BTreeSet::new();
            reference::find_in(value, &mut references);
            references.iter().any(|reference| {
                let told = known.get(&reference.address);
                renewed.contains(&reference.address)
                    && !told.is_some_and(|outputs| outputs.contains_key(&reference.output))
            })
        };
        let changes: Vec<Change> = component
            .properties
            .iter()
            .filter(|(_, value)| stale(value))
            .map(|(property, to)| Change {
                property: property.clone(),
                // What it was is gone with what told it.
                from: json!({}),
                to: to.clone(),
            })
            .collect();
        if component.kind == Kind::AwsOidcProvider && !changes.is_empty() {
            let detail = "in place of the old one";
            all.push(step(component, Action::Create, Disruption::None, detail));
            renewed.insert(component.address.clone());
            continue;
        }
        let rule = |change: &Change| rules::of(component.kind, &change.property);
        let (fixed, changes): (Vec<Change>, Vec<Change>) = changes
            .into_iter()
            .filter(|change| rule(change).0 != Comparison::Never)
            .partition(|change| rule(change).1 == Treatment::Fixed);
        if !fixed.is_empty() {
            let before = decision.before.get(&component.address);
            let fixed = fixed.iter().map(|change| lost(change, before)).collect();
            match change(component, fixed, Vec::new(), None, false, decision) {
                Ok(delete) => {
                    all.push(delete);
                    all.push(step(component, Action::Create, Disruption::None, ""));
                    renewed.insert(component.address.clone());
                }
                Err(refusal) => refusals.push(refusal),
            }
            continue;
        }
        if !changes.is_empty() {
            let foreign = Vec::new();
            all.push(step(
                component,
                Action::Update { changes, foreign },
                Disruption::None,
                "",
            ));
        }
    }
    all.extend(going);
    if refusals.is_empty() {
        Ok(all)
    } else {
        Err(refusals)
    }
}

/// The change of a property to something that is not there yet, from what it was as far as that is still known.
pub(super) fn lost(change: &Change, before: Option<&Properties>) -> Change {
    let before = before.and_then(|before| before.get(&change.property));
    let known = before.filter(|value| {
        let mut references = BTreeSet::new();
        reference::find_in(value, &mut references);
        references.is_empty()
    });
    Change {
        from: known.cloned().unwrap_or_else(|| "lost".into()),
        ..change.clone()
    }
}
