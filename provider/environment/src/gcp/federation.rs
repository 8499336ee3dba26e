//! The pool and provider through which jobs of GitHub enter: the environment's own.

use mlops_access::gcp::Provider;
use mlops_access::generate::{Github, gcp::providers};

use super::blueprint::Draft;
use super::{WorkloadIdentityPool, WorkloadIdentityProvider};
use crate::component::Kind;

pub(super) const POOL: [&str; 2] = ["federation", "pool"];
pub(super) const GITHUB: [&str; 2] = ["federation", "github"];

pub(super) fn add(draft: &mut Draft<'_>) {
    let of_github = |provider: &Provider| provider.issuer == Github::ISSUER;
    let Some(wanted) = providers(&draft.scope).into_iter().find(of_github) else {
        return;
    };
    let pool = WorkloadIdentityPool {
        name: draft.names.pool(),
        display_name: draft.names.pool_id(),
        description: draft.mark(&POOL),
    };
    let by_number = draft.names.pool_by_number();
    draft
        .want(&POOL, Kind::GcpWorkloadIdentityPool, &pool)
        .id(pool.name.clone())
        .output("name", by_number.clone());
    let id = &draft.scope.provider;
    let output = format!("{by_number}/providers/{id}");
    let github = WorkloadIdentityProvider {
        name: format!("{}/providers/{id}", pool.name),
        issuer: format!("https://{}", wanted.issuer),
        audiences: wanted.audiences.into_iter().collect(),
        attribute_mapping: wanted.mapping,
        attribute_condition: wanted.condition.unwrap_or_default(),
        display_name: "GitHub Actions".to_owned(),
        description: draft.mark(&GITHUB),
    };
    draft
        .want(&GITHUB, Kind::GcpWorkloadIdentityProvider, &github)
        .id(github.name.clone())
        .output("name", output)
        .after(&POOL);
}
