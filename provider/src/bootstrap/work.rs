//! Looking, comparing, bringing about: what the command and the resource do alike.

use std::sync::Arc;

use mlops_environment::bootstrap::{Place, Spec, aws, gcp};
use mlops_environment::component::{Address, Component};
use mlops_environment::reference::World;
use mlops_environment::spec::CloudFacts;

use super::report::{Finding, compare, problem, whose};
use crate::executor::{Approach, Converge, Executor, Problem};

/// Where the credentials and the provider's region lead.
pub(crate) fn place(facts: &CloudFacts) -> Option<Place> {
    match facts.clone() {
        CloudFacts::Aws {
            account,
            partition,
            region: Some(region),
        } => Some(Place::Aws(aws::Place {
            account,
            partition,
            region,
        })),
        CloudFacts::Gcp {
            project,
            number,
            region: Some(region),
        } => Some(Place::Gcp(gcp::Place {
            project,
            number,
            region,
        })),
        _ => None,
    }
}

/// What stands, compared with what shall stand. What builds on something that is not there yet cannot be compared, but
/// whose it is can be told.
pub(crate) async fn look(executor: &Executor, spec: &Spec, components: &[Component]) -> Vec<Finding> {
    let sightings = executor.observe(components, &known(components)).await;
    let decision = spec.decision();
    let mut findings = Vec::with_capacity(components.len());
    for component in components {
        findings.push(match sightings.get(&component.address) {
            Some(sighting) if !matches!(sighting.found, Err(Problem::Unresolved(_))) => {
                compare(component, sighting, &decision)
            }
            _ => whose(component, executor.driver.observe(component).await, &decision),
        });
    }
    findings
}

/// Brings everything about, telling of each component that is ready. What could not be is an error that names each.
pub(crate) async fn bring_about(
    executor: &Executor,
    spec: &Spec,
    components: &[Component],
    ready: impl Fn(&Address),
) -> Result<(), String> {
    let work = Converge {
        components: components.iter().collect(),
        approach: Approach::Look,
        world: known(components),
        decision: Arc::new(spec.decision()),
        lost: Default::default(),
    };
    let results = executor
        .converge(work, |address: &Address, _, _| ready(address))
        .await;
    if results.complete() {
        return Ok(());
    }
    let problems = results
        .problems
        .iter()
        .map(|(address, why)| format!("{address}: {}", problem(why)));
    let waiting = results
        .not_started
        .iter()
        .map(|address| format!("{address}: not begun"));
    Err(problems.chain(waiting).collect::<Vec<_>>().join("\n"))
}

/// Outputs that can be computed beforehand.
pub(crate) fn known(components: &[Component]) -> World {
    let outputs = components
        .iter()
        .map(|component| (component.address.clone(), component.outputs.clone()));
    outputs.collect()
}
