//! The pool and providers through which jobs of GitHub and GitLab enter: the environment's own.

use mlops_access::gcp::Provider;
use mlops_access::generate::{Github, gcp::providers};

use super::blueprint::Draft;
use super::{WorkloadIdentityPool, WorkloadIdentityProvider};
use crate::component::Kind;

pub(super) const POOL: [&str; 2] = ["federation", "pool"];

pub(super) fn add(draft: &mut Draft<'_>) {
    let wanted = providers(&draft.scope);
    if wanted.is_empty() {
        return;
    }
    let pool = WorkloadIdentityPool {
        name: draft.names.pool(),
        display_name: draft.names.pool_id(),
        description: draft.mark(&POOL),
    };
    let by_number = draft.names.pool_by_number();
    draft
        .want(&POOL, Kind::GcpWorkloadIdentityPool, &pool)
        .id(pool.name.clone())
        .output("name", by_number);
    for provider in wanted {
        add_provider(draft, &pool.name, provider);
    }
}

fn add_provider(draft: &mut Draft<'_>, pool: &str, wanted: Provider) {
    let (id, display_name) = if wanted.issuer == Github::ISSUER {
        (draft.scope.provider.clone(), "GitHub Actions")
    } else {
        ("gitlab".to_owned(), "GitLab CI/CD")
    };
    let address = [
        "federation",
        if wanted.issuer == Github::ISSUER {
            "github"
        } else {
            "gitlab"
        },
    ];
    let provider = WorkloadIdentityProvider {
        name: format!("{pool}/providers/{id}"),
        issuer: format!("https://{}", wanted.issuer),
        audiences: wanted.audiences.into_iter().collect(),
        attribute_mapping: wanted.mapping,
        attribute_condition: wanted.condition.unwrap_or_default(),
        display_name: display_name.to_owned(),
        description: draft.mark(&address),
    };
    let output = format!("{}/providers/{id}", draft.names.pool_by_number());
    draft
        .want(&address, Kind::GcpWorkloadIdentityProvider, &provider)
        .id(provider.name.clone())
        .output("name", output)
        .after(&POOL);
}
