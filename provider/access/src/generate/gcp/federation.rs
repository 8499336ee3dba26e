use std::collections::BTreeMap;

use super::{Grant, Principal, Scope};
use crate::{
    Purpose,
    gcp::{Provider, Resource},
    generate::Github,
};

const ENTER: &str = "roles/iam.workloadIdentityUser";

/// Name of the environment's pool, `projects/<number>/locations/global/workloadIdentityPools/<pool>`.
#[must_use]
pub fn workload_pool(scope: &Scope) -> String {
    format!(
        "projects/{}/locations/global/workloadIdentityPools/{}",
        scope.project_number, scope.pool
    )
}

/// The provider that takes GitHub's tokens, with its mapping and condition; none without GitHub.
///
/// `attribute.gate` says from where a job runs, in one text: a pull request, an environment, or a ref. Bindings name one
/// gate each, so no token passes two of them. `google.subject` is short (at most 127 bytes are allowed) and names the run.
#[must_use]
pub fn provider(scope: &Scope) -> Option<Provider> {
    let github = scope.github.as_ref()?;
    let pool = workload_pool(scope);
    let repository = match github.repository_id {
        Some(_) => "assertion.repository_id",
        None => "assertion.repository",
    };
    let mut gate = format!(
        "assertion.event_name in [\"pull_request\", \"pull_request_target\"] ? {repository} + \"/pr\" : \
         has(assertion.environment) ? {repository} + \"/env/\" + assertion.environment : "
    );
    for pattern in patterns(github) {
        gate += &format!(
            "assertion.ref.startsWith({}) ? {repository} + {} : ",
            quoted(pattern),
            quoted(&format!("/ref/{pattern}"))
        );
    }
    gate += &format!("{repository} + \"/ref/\" + assertion.ref");
    let identity = match (&github.owner_id, &github.repository_id) {
        (Some(owner), Some(id)) => format!(
            "assertion.repository_owner_id == {} && assertion.repository_id == {}",
            quoted(owner),
            quoted(id)
        ),
        (None, Some(id)) => format!("assertion.repository_id == {}", quoted(id)),
        (_, None) => format!("assertion.repository == {}", quoted(&github.repository)),
    };
    Some(Provider {
        issuer: github.issuer.clone(),
        audiences: vec![format!(
            "https://iam.googleapis.com/{pool}/providers/{}",
            scope.provider
        )],
        pool,
        mapping: BTreeMap::from([
            (
                "google.subject".to_owned(),
                "\"gh:\" + assertion.repository_id + \":\" + assertion.run_id".to_owned(),
            ),
            ("attribute.gate".to_owned(), gate),
        ]),
        condition: Some(format!(
            "{identity} && assertion.event_name in [\"push\", \"workflow_dispatch\", \"schedule\", \"release\"]"
        )),
    })
}

/// Who may enter an identity: the grants on its service account.
#[must_use]
pub fn trust(scope: &Scope, principal: Principal<'_>) -> Vec<Grant> {
    let Some(email) = scope.account(principal) else {
        return Vec::new();
    };
    let mut members = Vec::new();
    let workload = principal
        .service
        .and_then(|name| scope.services.get(name))
        .and_then(|service| service.workload(principal.purpose));
    if let (Some(_), Some((namespace, account))) = (&scope.cluster, workload) {
        members.push(format!(
            "serviceAccount:{}.svc.id.goog[{namespace}/{account}]",
            scope.project
        ));
    }
    if let Some(github) = &scope.github {
        let repository = github.repository_id.as_ref().unwrap_or(&github.repository);
        let mut gates = Vec::new();
        if principal.purpose == Purpose::Ci {
            // A pattern's gate is the text before its star: the mapping computes the same.
            gates.extend(
                github
                    .ci_refs
                    .iter()
                    .map(|r| format!("ref/{}", r.strip_suffix('*').unwrap_or(r))),
            );
        }
        gates.extend(
            github
                .environment_of(principal.purpose)
                .map(|name| format!("env/{name}")),
        );
        members.extend(gates.into_iter().map(|gate| {
            format!(
                "principalSet://iam.googleapis.com/{}/attribute.gate/{repository}/{gate}",
                workload_pool(scope)
            )
        }));
    }
    members
        .into_iter()
        .map(|member| Grant {
            resource: Resource::ServiceAccount(email.to_owned()),
            role: ENTER.to_owned(),
            member,
            condition: None,
        })
        .collect()
}

/// Tag patterns, without their star.
fn patterns(github: &Github) -> impl Iterator<Item = &str> {
    github.ci_refs.iter().filter_map(|r| r.strip_suffix('*'))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
