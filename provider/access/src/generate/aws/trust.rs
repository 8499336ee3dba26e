use std::collections::BTreeSet;

use super::{Principal, Scope};
use crate::{
    Purpose,
    generate::{Document, Github, Gitlab, Principals, Statement},
};

const AUDIENCE: &str = "sts.amazonaws.com";
const ENTER: &[&str] = &["sts:AssumeRoleWithWebIdentity"];

/// Who may enter an identity: its role's trust policy. Audience and subject are always both pinned; the only pattern
/// is a tag that ends in `*`.
///
/// An empty document means that nobody can enter yet (no federation, or no cluster); IAM does not accept it, so make
/// the role only when there is a way in.
#[must_use]
pub fn trust(scope: &Scope, principal: Principal<'_>) -> Document {
    let mut statements = Vec::new();
    let workload = principal
        .service
        .and_then(|name| scope.services.get(name))
        .and_then(|service| service.workload(principal.purpose));
    if let (Some(cluster), Some((namespace, account))) = (&scope.cluster, workload) {
        statements.push(web_identity(
            "Pods",
            &cluster.oidc_provider_arn,
            (&cluster.oidc_issuer, AUDIENCE),
            "StringEquals",
            vec![format!("system:serviceaccount:{namespace}:{account}")],
        ));
    }
    if let Some(github) = &scope.github {
        if principal.purpose == Purpose::Ci {
            let of = |r: &str| -> Vec<String> {
                let subjects = github.subjects().into_iter();
                subjects
                    .map(|repository| format!("{repository}:ref:{r}"))
                    .collect()
            };
            let refs = split(&github.ci_refs, of);
            statements
                .extend(refs.map(|(sid, operator, subjects)| from_github(github, sid, operator, subjects)));
        }
        if let Some(environment) = github.environment_of(principal.purpose) {
            let subjects = github
                .subjects()
                .into_iter()
                .map(|r| format!("{r}:environment:{environment}"));
            statements.push(from_github(
                github,
                "Environment",
                "StringEquals",
                subjects.collect(),
            ));
        }
    }
    if let Some(gitlab) = &scope.gitlab {
        if principal.purpose == Purpose::Ci {
            let refs = split(&gitlab.ci_refs, |r| vec![gitlab.subject_of_ref(r)]);
            statements.extend(refs.map(|(sid, operator, subjects)| {
                from_gitlab(gitlab, &format!("Gitlab{sid}"), operator, subjects)
            }));
        }
        if principal.purpose == Purpose::Deploy {
            statements.extend(
                gitlab
                    .subject_of_deploy()
                    .map(|subject| from_gitlab(gitlab, "GitlabEnvironment", "StringLike", vec![subject])),
            );
        }
    }
    if principal.purpose == Purpose::Node {
        return service_trust(&format!("ec2.{}", scope.dns_suffix()));
    }
    Document { statements }
}

/// The trust of a role that an AWS service enters, such as `eks.amazonaws.com`.
#[must_use]
pub fn service_trust(service: &str) -> Document {
    Document {
        statements: vec![
            Statement::allow("Service", &["sts:AssumeRole"]).to(Principals::Service(service.to_owned())),
        ],
    }
}

/// Branches and exact tags in one statement, tag patterns in another: two operators on one key within a statement
/// must both hold. Each with its Sid, operator and subjects.
fn split(
    refs: &BTreeSet<String>,
    subjects: impl Fn(&str) -> Vec<String>,
) -> impl Iterator<Item = (&'static str, &'static str, Vec<String>)> {
    let (patterns, exact): (Vec<&String>, Vec<&String>) = refs.iter().partition(|r| r.ends_with('*'));
    let of = |refs: Vec<&String>| refs.into_iter().flat_map(|r| subjects(r)).collect();
    [
        ("Refs", "StringEquals", of(exact)),
        ("TagPatterns", "StringLike", of(patterns)),
    ]
    .into_iter()
    .filter(|(_, _, subjects): &(_, _, Vec<String>)| !subjects.is_empty())
}

fn from_github(github: &Github, sid: &str, operator: &str, subjects: Vec<String>) -> Statement {
    web_identity(
        sid,
        &github.provider_arn,
        (&github.issuer, AUDIENCE),
        operator,
        subjects,
    )
}

fn from_gitlab(gitlab: &Gitlab, sid: &str, operator: &str, subjects: Vec<String>) -> Statement {
    web_identity(
        sid,
        &gitlab.provider,
        (&gitlab.issuer, &gitlab.audience),
        operator,
        subjects,
    )
}

fn web_identity(
    sid: &str,
    provider: &str,
    (issuer, audience): (&str, &str),
    operator: &str,
    subjects: Vec<String>,
) -> Statement {
    Statement::allow(sid, ENTER)
        .to(Principals::Federated(provider.to_owned()))
        .when("StringEquals", &format!("{issuer}:aud"), [audience])
        .when(operator, &format!("{issuer}:sub"), subjects)
}
