use std::collections::{BTreeMap, BTreeSet};

use super::{Grant, Principal, Scope};
use crate::{
    Purpose,
    gcp::{Provider, Resource},
    generate::{Github, Gitlab},
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

/// The providers of the environment's pool, each with its mapping and condition: GitHub's, GitLab's, as configured.
///
/// `attribute.gate` says from where a job runs, in one text: a pull request, an environment, or a ref. Bindings name one
/// gate each, so no token passes two of them. `google.subject` is short (at most 127 bytes are allowed) and names the run.
#[must_use]
pub fn providers(scope: &Scope) -> Vec<Provider> {
    let github = scope.github.as_ref().map(|github| of_github(scope, github));
    let gitlab = scope.gitlab.as_ref().map(|gitlab| of_gitlab(scope, gitlab));
    github.into_iter().chain(gitlab).collect()
}

/// The audience that the cloud expects where none is named: the provider itself.
fn audience(pool: &str, provider: &str) -> String {
    format!("https://iam.googleapis.com/{pool}/providers/{provider}")
}

fn of_github(scope: &Scope, github: &Github) -> Provider {
    let pool = workload_pool(scope);
    let repository = match github.repository_id {
        Some(_) => "assertion.repository_id",
        None => "assertion.repository",
    };
    let mut gate = format!(
        "assertion.event_name in [\"pull_request\", \"pull_request_target\"] ? {repository} + \"/pr\" : \
         has(assertion.environment) ? {repository} + \"/env/\" + assertion.environment : "
    );
    for pattern in patterns(&github.ci_refs) {
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
    Provider {
        issuer: github.issuer.clone(),
        audiences: vec![audience(&pool, &scope.provider)],
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
    }
}

/// Gates of GitLab begin with `gl/`, so none of them is a gate of GitHub, whatever the ids are. Merge requests come as
/// pipelines of their own source, and child pipelines do not say whose child they are.
fn of_gitlab(scope: &Scope, gitlab: &Gitlab) -> Provider {
    let pool = workload_pool(scope);
    let project = match gitlab.project_id {
        Some(_) => "assertion.project_id",
        None => "assertion.project_path",
    };
    let mut gate =
        format!("has(assertion.environment) ? \"gl/\" + {project} + \"/env/\" + assertion.environment : ");
    for pattern in patterns(&gitlab.ci_refs) {
        gate += &format!(
            "assertion.ref_path.startsWith({}) ? \"gl/\" + {project} + {} : ",
            quoted(pattern),
            quoted(&format!("/ref/{pattern}"))
        );
    }
    gate += &format!("\"gl/\" + {project} + \"/ref/\" + assertion.ref_path");
    let protected = if gitlab.protected_only {
        " && assertion.ref_protected == \"true\""
    } else {
        ""
    };
    Provider {
        issuer: gitlab.issuer.clone(),
        audiences: vec![audience(&pool, &gitlab.provider)],
        pool,
        mapping: BTreeMap::from([
            (
                "google.subject".to_owned(),
                "\"gl:\" + assertion.project_id + \":\" + assertion.job_id".to_owned(),
            ),
            ("attribute.gate".to_owned(), gate),
        ]),
        condition: Some(format!(
            "{project} == {}{protected} && assertion.pipeline_source in [\"push\", \"web\", \"schedule\", \"api\"] \
             && (!has(assertion.environment) || assertion.environment_protected == \"true\")",
            quoted(gitlab.project())
        )),
    }
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
    let mut gates: Vec<String> = Vec::new();
    if let Some(github) = &scope.github {
        let repository = github.repository_id.as_ref().unwrap_or(&github.repository);
        if principal.purpose == Purpose::Ci {
            gates.extend(refs(&github.ci_refs).map(|r| format!("{repository}/ref/{r}")));
        }
        let environment = github.environment_of(principal.purpose);
        gates.extend(environment.map(|name| format!("{repository}/env/{name}")));
    }
    if let Some(gitlab) = &scope.gitlab {
        let project = gitlab.project();
        match principal.purpose {
            Purpose::Ci => gates.extend(refs(&gitlab.ci_refs).map(|r| format!("gl/{project}/ref/{r}"))),
            Purpose::Deploy => gates.push(format!("gl/{project}/env/{}", gitlab.deploy_environment)),
            _ => {}
        }
    }
    members.extend(gates.into_iter().map(|gate| {
        format!(
            "principalSet://iam.googleapis.com/{}/attribute.gate/{gate}",
            workload_pool(scope)
        )
    }));
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
fn patterns(refs: &BTreeSet<String>) -> impl Iterator<Item = &str> {
    refs.iter().filter_map(|r| r.strip_suffix('*'))
}

/// A pattern's gate is the text before its star: the mapping computes the same.
fn refs(refs: &BTreeSet<String>) -> impl Iterator<Item = &str> {
    refs.iter().map(|r| r.strip_suffix('*').unwrap_or(r))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
