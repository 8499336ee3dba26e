//! `terraform-provider-mlops doctor ID`: whether the identities of an environment still may exactly what they should,
//! judged by what really stands.
//!
//! On AWS every policy of every role is read, foreign ones included, and judged by the evaluator that also guards the plan;
//! then IAM's policy simulator is asked the same questions. On Google Cloud the grants that were found on the environment's
//! objects are judged. Nothing is changed.

mod table;

use std::process::ExitCode;

use futures::stream::{StreamExt, TryStreamExt};
use mlops_access::matrix::Grid;
use mlops_environment::component::Observation;
use mlops_environment::driver::Failure;
use mlops_environment::examine::{Findings, examine, identities, questions, with_simulation};
use mlops_environment::spec::Cloud as Which;
use tfplugin::CallContext;
use tokio_util::sync::CancellationToken;

use crate::command::{self, Problem, Reach};
use crate::resource::Standing;

const HELP: &str = "\
Check what the identities of an environment may really do.

Usage: terraform-provider-mlops doctor ID [OPTIONS]

Reads the policies, trusts and grants that stand in the cloud now, foreign ones included, and puts the whole allow/deny matrix
to them: 40 rows of what may be attempted by each identity, tokens that may or may not enter, and rules over all of them. On
AWS, IAM's policy simulator is asked too, where the caller may ask it. Nothing is changed.

Arguments:
  ID                      aws/<account>/<region>/<name> or gcp/<project>/<region>/<name>: the attribute id of the environment;
                          <id>@<bucket> where its logs bucket was taken over

Options:
  --profile NAME          Profile of the AWS configuration
  --endpoint SERVICE=URL  Where a service is reached instead (repeatable), for private endpoints and local clouds
  -h, --help              Print this help

Exit status:
  0  every identity may exactly what it should
  1  something deviates: the cells in capitals, explained below the table
  2  it could not be judged: wrong usage, no such environment, something could not be read

Examples:
  terraform-provider-mlops doctor aws/111122223333/eu-west-1/churn-dev
  terraform-provider-mlops doctor gcp/acme-ml-dev/europe-west1/churn-dev
";

/// Simulator calls of different identities under way at once.
const IDENTITIES_AT_ONCE: usize = 4;

/// Runs the command; `arguments` are those after its name.
pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let (id, reach) = match command::with_id(arguments) {
        Ok(command::Asked::Run { id, reach }) => (id, reach),
        Ok(command::Asked::Help) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(words) => return command::misused("doctor", &words),
    };
    let Some(id) = id else {
        return command::misused("doctor", "the id of the environment is missing");
    };
    match command::block_on(judged(&id, &reach)) {
        Ok(Ok(report)) => {
            print!("{}", table::render(&report, command::colours()));
            match (report.grid.holds(), report.unread.is_empty()) {
                (false, _) => ExitCode::FAILURE,
                (true, false) => ExitCode::from(2),
                (true, true) => ExitCode::SUCCESS,
            }
        }
        Ok(Err(problem)) | Err(problem) => command::failed(&problem),
    }
}

/// What is told.
pub(crate) struct Report {
    id: String,
    phase: String,
    grid: Grid,
    /// Components that could not be read.
    unread: Vec<String>,
    /// Whether IAM's simulator answered; none where there is no such thing.
    simulated: Option<bool>,
}

async fn judged(id: &str, reach: &Reach) -> Result<Report, Problem> {
    let environment = reach.environment(id).await?;
    let context = CallContext::new(CancellationToken::new());
    let standing = environment.standing(&context, id).await?;
    let (findings, unread) = found(&standing, &context).await;
    let model = &standing.model;
    let grid = examine(model, &findings)
        .map_err(|error| Problem::new("A document cannot be judged", error.to_string()))?;
    let (grid, simulated) = simulated(&standing, &findings, grid).await?;
    let phase = standing.state.get("phase").and_then(tfplugin::Value::as_str);
    Ok(Report {
        id: model.spec.id.to_string(),
        phase: phase.unwrap_or_default().to_owned(),
        grid,
        unread,
        simulated,
    })
}

/// Everything that stands and speaks of access, and what could not be read.
async fn found(standing: &Standing, context: &CallContext) -> (Findings, Vec<String>) {
    let mut findings = Findings::default();
    let mut unread = Vec::new();
    let sightings = standing.look(context).await;
    let identities = identities(&standing.model.spec);
    for sighting in &sightings {
        let address = &sighting.wanted.address;
        match &sighting.found {
            Ok(Observation::Present(present)) => {
                findings.present.insert(address.clone(), present.clone());
            }
            Ok(Observation::Absent) => {}
            Err(problem) => unread.push(format!("{address}: {problem}")),
        }
    }
    if standing.model.spec.id.cloud() == Which::Aws {
        for sighting in &sightings {
            let role = &sighting.wanted;
            if !identities.iter().any(|identity| identity.address == role.address) {
                continue;
            }
            match standing.cloud.driver.access(role).await {
                Ok(Some(access)) => {
                    findings.access.insert(role.address.clone(), access);
                }
                Ok(None) => {}
                Err(failure) => unread.push(format!("{}: {failure}", role.address)),
            }
        }
    }
    (findings, unread)
}

/// The grid with the answers of IAM's simulator, where it gives some.
async fn simulated(
    standing: &Standing,
    findings: &Findings,
    grid: Grid,
) -> Result<(Grid, Option<bool>), Problem> {
    if standing.model.spec.id.cloud() != Which::Aws {
        return Ok((grid, None));
    }
    let asked = questions(&standing.model, findings);
    let driver = &standing.cloud.driver;
    let answers: Vec<_> = futures::stream::iter(&asked)
        .map(|(identity, questions)| async move {
            let arn = findings
                .present
                .get(&identity.address)
                .and_then(|present| present.outputs.get("arn"));
            let Some(arn) = arn else {
                return Ok::<_, Failure>((identity, questions, None));
            };
            Ok((identity, questions, driver.simulate(arn, questions).await?))
        })
        .buffered(IDENTITIES_AT_ONCE)
        .try_collect()
        .await
        .map_err(|failure| Problem::new("IAM's policy simulator failed", failure.to_string()))?;
    let mut grid = grid;
    let mut answered = !answers.is_empty();
    for (identity, questions, allowed) in answers {
        match allowed {
            Some(allowed) => {
                grid = with_simulation(grid, &identity.principal().to_string(), questions, &allowed);
            }
            None => answered = false,
        }
    }
    Ok((grid, Some(answered)))
}
