//! The pool and provider through which jobs of the infrastructure repository enter.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::generate::Github;

use super::super::{Repository, Worker};
use super::Draft;
use super::names::PROVIDER;
use crate::component::Kind;
use crate::gcp::{WorkloadIdentityPool, WorkloadIdentityProvider};
use crate::spec::{Cloud, Tier};

pub(super) const POOL: [&str; 2] = ["federation", "pool"];
pub(super) const GITHUB: [&str; 2] = ["federation", "github"];

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
    let repository = &draft.spec.repository;
    let provider = draft.names.provider();
    let github = WorkloadIdentityProvider {
        name: format!("{name}/providers/{PROVIDER}"),
        issuer: format!("https://{}", Github::ISSUER),
        audiences: BTreeSet::from([format!("https://iam.googleapis.com/{provider}")]),
        attribute_mapping: mapping(repository),
        attribute_condition: condition(repository),
        display_name: "GitHub Actions".to_owned(),
        description: described(draft.mark(&GITHUB), &repository.name),
    };
    draft
        .want(&GITHUB, Kind::GcpWorkloadIdentityProvider, &github)
        .id(github.name.clone())
        .output("name", provider)
        .after(&POOL);
}

/// The longest description of a provider.
/// <https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers>
const DESCRIPTION_MAX: usize = 256;

/// The mark, with the repository's name where there is room: the condition tells its ids alone.
fn described(mark: String, repository: &str) -> String {
    let told = format!("{},\"github\":\"{repository}\"}}", mark.trim_end_matches('}'));
    if told.len() <= DESCRIPTION_MAX { told } else { mark }
}

/// The claim that tells the repository: the number survives renames.
fn claim(repository: &Repository) -> (&'static str, &str) {
    match &repository.ids {
        Some((_, id)) => ("assertion.repository_id", id),
        None => ("assertion.repository", &repository.name),
    }
}

/// `attribute.gate` says from where a job runs, in one text, so that no job passes two gates. What a pull request proposes
/// passes gates of its own, which only planners have.
fn mapping(repository: &Repository) -> BTreeMap<String, String> {
    let (claim, _) = claim(repository);
    BTreeMap::from([
        (
            "google.subject".to_owned(),
            "\"gh:\" + assertion.repository_id + \":\" + assertion.run_id".to_owned(),
        ),
        (
            "attribute.gate".to_owned(),
            format!(
                "has(assertion.environment) ? {claim} + (assertion.event_name == \"pull_request\" ? \"/pr/\" : \"/env/\") + \
                 assertion.environment : {claim} + \"/ref/\" + assertion.ref"
            ),
        ),
    ])
}

/// Tokens of this repository alone, and none of workflows that run for strangers (`pull_request_target`, `issue_comment`).
fn condition(repository: &Repository) -> String {
    let (claim, value) = claim(repository);
    let owner = repository.ids.as_ref().map_or_else(String::new, |(owner, _)| {
        format!("assertion.repository_owner_id == \"{owner}\" && ")
    });
    format!(
        "{owner}{claim} == \"{value}\" && assertion.event_name in [\"push\", \"pull_request\", \"workflow_dispatch\", \
         \"schedule\", \"release\"]"
    )
}

/// Gates through which a worker is entered.
pub(super) fn gates(repository: &Repository, tier: Tier, worker: Worker) -> Vec<String> {
    let (_, value) = claim(repository);
    let environment = worker.github_environment(Cloud::Gcp, tier);
    let own = format!("{value}/env/{environment}");
    match worker {
        Worker::Planner => vec![own, format!("{value}/pr/{environment}")],
        Worker::Provisioner => vec![own],
    }
}
