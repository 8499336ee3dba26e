//! The pool and provider through which jobs of the infrastructure's repository enter.
//!
//! `attribute.gate` says from where a job runs, in one text, so that no job passes two gates. What is only proposed passes gates
//! of its own, which only planners have.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Forge, Project, Repository, Worker};
use super::Draft;
use crate::component::Kind;
use crate::gcp::{WorkloadIdentityPool, WorkloadIdentityProvider};
use crate::spec::{Cloud, Tier};

const POOL: [&str; 2] = ["federation", "pool"];

pub(super) fn add(draft: &mut Draft<'_>) {
    let name = draft.names.pool(draft.place.project.as_str());
    let pool = WorkloadIdentityPool {
        name: name.clone(),
        display_name: draft.names.pool_id(),
        description: draft.mark(&POOL),
    };
    let by_number = draft.names.pool(&draft.place.number);
    draft
        .want(&POOL, Kind::GcpWorkloadIdentityPool, &pool)
        .id(name.clone())
        .output("name", by_number);
    let forge = &draft.spec.forge;
    let address = forge.address();
    let provider = draft.names.provider();
    let door = Door::of(forge);
    let wanted = WorkloadIdentityProvider {
        name: format!("{name}/providers/{}", forge.as_str()),
        issuer: format!("https://{}", forge.issuer()),
        audiences: BTreeSet::from([format!("https://iam.googleapis.com/{provider}")]),
        attribute_mapping: BTreeMap::from([
            ("google.subject".to_owned(), door.subject),
            ("attribute.gate".to_owned(), door.gate),
        ]),
        attribute_condition: door.condition,
        display_name: door.display_name.to_owned(),
        description: described(draft.mark(&address), forge),
    };
    draft
        .want(&address, Kind::GcpWorkloadIdentityProvider, &wanted)
        .id(wanted.name.clone())
        .output("name", provider)
        .after(&POOL);
}

/// The longest description of a provider.
/// <https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers>
const DESCRIPTION_MAX: usize = 256;

/// The mark, with the repository's path where there is room: the condition may tell its ids alone.
fn described(mark: String, forge: &Forge) -> String {
    let told = format!(
        "{},\"{}\":\"{}\"}}",
        mark.trim_end_matches('}'),
        forge.as_str(),
        forge.path()
    );
    if told.len() <= DESCRIPTION_MAX { told } else { mark }
}

/// What a provider makes of a token.
struct Door {
    display_name: &'static str,
    /// At most 127 bytes; it names the run.
    subject: String,
    gate: String,
    /// Whose tokens are let in at all.
    condition: String,
}

impl Door {
    fn of(forge: &Forge) -> Self {
        match forge {
            Forge::Github(repository) => Self::of_github(repository),
            Forge::Gitlab(project) => Self::of_gitlab(project),
        }
    }

    /// Tokens of this repository alone, and none of workflows that run for strangers (`pull_request_target`,
    /// `issue_comment`).
    fn of_github(repository: &Repository) -> Self {
        let (claim, value) = match &repository.ids {
            Some((_, id)) => ("assertion.repository_id", id),
            None => ("assertion.repository", &repository.name),
        };
        let owner = repository.ids.as_ref().map_or_else(String::new, |(owner, _)| {
            format!("assertion.repository_owner_id == \"{owner}\" && ")
        });
        Self {
            display_name: "GitHub Actions",
            subject: "\"gh:\" + assertion.repository_id + \":\" + assertion.run_id".to_owned(),
            gate: format!(
                "has(assertion.environment) ? {claim} + (assertion.event_name == \"pull_request\" ? \"/pr/\" : \"/env/\") + \
                 assertion.environment : {claim} + \"/ref/\" + assertion.ref"
            ),
            condition: format!(
                "{owner}{claim} == \"{value}\" && assertion.event_name in [\"push\", \"pull_request\", \"workflow_dispatch\", \
                 \"schedule\", \"release\"]"
            ),
        }
    }

    /// Tokens of this project alone, and none of pipelines that another project or a trigger started. Only jobs of a protected
    /// environment and a protected ref, and none of a merge request, pass an environment's own gate.
    fn of_gitlab(project: &Project) -> Self {
        let (claim, value) = match &project.id {
            Some(id) => ("assertion.project_id", id.as_str()),
            None => ("assertion.project_path", project.path.as_str()),
        };
        Self {
            display_name: "GitLab CI/CD",
            subject: "\"gl:\" + assertion.project_id + \":\" + assertion.job_id".to_owned(),
            gate: format!(
                "has(assertion.environment) ? \"gl/\" + {claim} + (assertion.environment_protected == \"true\" && \
                 assertion.ref_protected == \"true\" && assertion.pipeline_source != \"merge_request_event\" ? \"/env/\" : \
                 \"/open/\") + assertion.environment : \"gl/\" + {claim} + \"/ref/\" + assertion.ref_path"
            ),
            condition: format!(
                "{claim} == \"{value}\" && assertion.pipeline_source in [\"push\", \"merge_request_event\", \"web\", \"schedule\", \
                 \"api\"]"
            ),
        }
    }
}

/// Gates through which a worker is entered. Those of GitLab begin with `gl/`, so none of them is a gate of GitHub.
pub(super) fn gates(forge: &Forge, tier: Tier, worker: Worker) -> Vec<String> {
    let environment = worker.environment(Cloud::Gcp, tier);
    let (repository, proposed) = match forge {
        Forge::Github(Repository { name, ids }) => {
            (ids.as_ref().map_or(name.as_str(), |(_, id)| id).to_owned(), "pr")
        }
        Forge::Gitlab(project) => {
            let id = project
                .id
                .as_ref()
                .map_or(project.path.as_str(), |id| id.as_str());
            (format!("gl/{id}"), "open")
        }
    };
    let own = format!("{repository}/env/{environment}");
    match worker {
        Worker::Planner => vec![own, format!("{repository}/{proposed}/{environment}")],
        Worker::Provisioner => vec![own],
    }
}
