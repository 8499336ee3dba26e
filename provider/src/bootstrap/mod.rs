//! `terraform-provider-mlops bootstrap`: what must stand before there is a place for state.
//!
//! What shall stand is decided in [`mlops_environment::bootstrap`]; here it is looked at, compared, and brought about by
//! the executor and driver that make environments. Steps go to standard error, what is to be copied to standard output.

mod arguments;
mod report;
mod work;

use std::process::ExitCode;

use arguments::{Arguments, Asked, Mode};
use mlops_environment::bootstrap::Spec;
use mlops_environment::spec::{Cloud as Which, CloudFacts};
pub(crate) use report::Finding;
use report::documents;
use tokio_util::sync::CancellationToken;

pub(crate) use work::{bring_about, known, look, place};

use crate::clouds::{Cloud, Clouds};
use crate::executor::Executor;
use crate::settings::{Aws, Gcp, Settings};

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
    let standing = if settled {
        findings
    } else {
        let ready = |address: &_| eprintln!("  {address}: ready");
        bring_about(&executor, &spec, &components, ready).await.map_err(|why| {
            format!("not everything stands yet; what does is kept, and running this again goes on from here\n{why}")
        })?;
        look(&executor, &spec, &components).await
    };
    if let Some(left) = standing.iter().find(|finding| !finding.settled()) {
        return Err(format!(
            "{left}\nIt was changed by somebody else meanwhile, or the cloud shows it late: run this again"
        ));
    }
    let key = standing.iter().find_map(Finding::key);
    let key = key.ok_or("the key of the states has no name: this is a bug, please report it")?;
    eprintln!("\n{}", summary(&standing));
    if arguments.cloud == Which::Gcp && spec.tiers.len() > 1 {
        eprintln!(
            "note: {} tiers share this project, and whoever makes one of them can reach the clusters and accounts of the others; \
             give each tier a project of its own with --project and --tiers",
            spec.tiers.len()
        );
    }
    let ready = spec.ready(&key).map_err(|error| error.to_string())?;
    for ready in &ready {
        println!("{ready}");
    }
    if let Some(preparation) = spec.preparation() {
        println!("{preparation}");
    }
    print!("{}", spec.described(&ready));
    Ok(true)
}

async fn open(arguments: &Arguments) -> Result<Cloud, String> {
    let (region, endpoints) = (Some(arguments.region.clone()), arguments.endpoints.clone());
    let mut settings = Settings::default();
    match arguments.cloud {
        Which::Aws => {
            settings.aws = Some(Aws {
                region,
                profile: arguments.profile.clone(),
                endpoints,
                ..Aws::default()
            });
        }
        Which::Gcp => {
            settings.gcp = Some(Gcp {
                project: arguments.project.clone(),
                region,
                endpoints,
                ..Gcp::default()
            });
        }
    }
    let clouds = Clouds::default();
    let said = |diagnostics: &[tfplugin::Diagnostic]| {
        let lines = diagnostics
            .iter()
            .map(|one| format!("{}\n{}", one.summary, one.detail));
        lines.collect::<Vec<_>>().join("\n")
    };
    clouds.configure(settings).await;
    let opened = clouds.open(arguments.cloud).await;
    opened.map_err(|diagnostics| said(&diagnostics.0))
}

fn spec(arguments: &Arguments, facts: &CloudFacts) -> Result<Spec, String> {
    let place = place(facts).ok_or_else(|| format!("{} is no region", arguments.region))?;
    Ok(Spec {
        name: arguments.name.clone(),
        place,
        tiers: arguments.tiers.clone(),
        forge: arguments.forge.clone(),
        retention_days: arguments.retention_days,
    })
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
