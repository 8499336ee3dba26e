//! `terraform-provider-mlops bootstrap`: what must stand before there is a place for state.
//!
//! What shall stand is decided in [`mlops_environment::bootstrap`]; here it is looked at, compared, and brought about by
//! the executor and driver that make environments. Steps go to standard error, what is to be copied to standard output.

mod arguments;
mod report;

use std::process::ExitCode;
use std::sync::Arc;

use arguments::{Arguments, Asked, Mode};
use mlops_environment::bootstrap::Spec;
use mlops_environment::bootstrap::aws::ready;
use mlops_environment::component::{Address, Component};
use mlops_environment::reference::World;
use mlops_environment::spec::{Cloud as Which, CloudFacts};
use report::{Finding, compare, documents, problem, whose};
use tokio_util::sync::CancellationToken;

use crate::clouds::{Cloud, Clouds};
use crate::executor::{Approach, Converge, Executor, Problem};
use crate::settings::{Aws, Settings};

/// Exit code for a command line that cannot be.
const USAGE: u8 = 2;

/// Runs the subcommand with the arguments behind its name.
pub fn run(arguments: impl IntoIterator<Item = String>) -> ExitCode {
    let arguments = match arguments::parse(arguments) {
        Ok(Asked::Help) => {
            print!("{}", arguments::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Asked::Work(arguments)) => arguments,
        Err(error) => {
            eprintln!("error: {error}\n\nTry 'terraform-provider-mlops bootstrap --help'.");
            return ExitCode::from(USAGE);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads can be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(work(&arguments)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything is as it shall be.
async fn work(arguments: &Arguments) -> Result<bool, String> {
    let cloud = open(arguments).await?;
    let spec = spec(arguments, &cloud.facts.cloud)?;
    let components = spec.components().map_err(|error| error.to_string())?;
    if arguments.mode == Mode::PrintPolicy {
        print!("{}", documents(&components));
        return Ok(true);
    }
    let cancelled = CancellationToken::new();
    stop_when_interrupted(cancelled.clone());
    let executor = Executor {
        driver: cloud.driver,
        limit: cloud.concurrency,
        cancelled,
    };
    let findings = look(&executor, &spec, &components).await;
    for finding in &findings {
        eprintln!("{finding}");
    }
    let settled = findings.iter().all(Finding::settled);
    if arguments.mode == Mode::Check {
        eprintln!("\n{}", summary(&findings));
        return Ok(settled);
    }
    if let Some(refused) = findings.iter().find(|finding| finding.refused()) {
        return Err(format!(
            "nothing was changed, because {} is in the way",
            refused.address()
        ));
    }
    if !settled {
        converge(&executor, &spec, &components).await?;
    }
    let standing = look(&executor, &spec, &components).await;
    if let Some(left) = standing.iter().find(|finding| !finding.settled()) {
        return Err(format!(
            "{left}\nIt was changed by somebody else meanwhile, or the cloud shows it late: run this again"
        ));
    }
    let key = standing.iter().find_map(Finding::key_arn);
    let key = key.ok_or("the key of the states has no ARN: this is a bug, please report it")?;
    eprintln!("\n{}", summary(&standing));
    for ready in ready(&spec, &key).map_err(|error| error.to_string())? {
        println!("{ready}");
    }
    Ok(true)
}

async fn open(arguments: &Arguments) -> Result<Cloud, String> {
    let settings = Settings {
        aws: Some(Aws {
            region: Some(arguments.region.clone()),
            profile: arguments.profile.clone(),
            ..Aws::default()
        }),
        ..Settings::default()
    };
    let clouds = Clouds::default();
    let said = |diagnostics: &[tfplugin::Diagnostic]| {
        let lines = diagnostics
            .iter()
            .map(|one| format!("{}\n{}", one.summary, one.detail));
        lines.collect::<Vec<_>>().join("\n")
    };
    clouds.configure(settings).await;
    let opened = clouds.open(Which::Aws).await;
    opened.map_err(|diagnostics| said(&diagnostics.0))
}

fn spec(arguments: &Arguments, facts: &CloudFacts) -> Result<Spec, String> {
    match facts {
        CloudFacts::Aws {
            account,
            partition,
            region: Some(region),
        } => Ok(Spec {
            name: arguments.name.clone(),
            account: account.clone(),
            partition: partition.clone(),
            region: region.clone(),
            tiers: arguments.tiers.clone(),
            repository: arguments.repository.clone(),
            retention_days: arguments.retention_days,
        }),
        _ => Err(format!("{} is no region of AWS", arguments.region)),
    }
}

/// What stands, compared with what shall stand. What builds on something that is not there yet cannot be compared, but
/// whose it is can be told.
async fn look(executor: &Executor, spec: &Spec, components: &[Component]) -> Vec<Finding> {
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

/// Brings everything about; what could not be is an error that names each.
async fn converge(executor: &Executor, spec: &Spec, components: &[Component]) -> Result<(), String> {
    let work = Converge {
        components: components.iter().collect(),
        approach: Approach::Look,
        world: known(components),
        decision: Arc::new(spec.decision()),
    };
    let results = executor
        .converge(work, |address: &Address, _, _| eprintln!("  {address}: ready"))
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
    Err(format!(
        "not everything stands yet; what does is kept, and running this again goes on from here\n{}",
        problems.chain(waiting).collect::<Vec<_>>().join("\n")
    ))
}

/// Outputs that can be computed beforehand.
fn known(components: &[Component]) -> World {
    let outputs = components
        .iter()
        .map(|component| (component.address.clone(), component.outputs.clone()));
    outputs.collect()
}

fn summary(findings: &[Finding]) -> String {
    let open = findings.iter().filter(|finding| !finding.settled()).count();
    match open {
        0 => format!("{} objects, all as they shall be", findings.len()),
        _ => format!("{} objects, {open} not as they shall be", findings.len()),
    }
}

/// The first Ctrl-C stops the work at the next safe place.
fn stop_when_interrupted(cancelled: CancellationToken) {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            eprintln!("stopping; running this again goes on from here");
            cancelled.cancel();
        }
    });
}
