use super::{Principal, Scope};
use crate::{
    Purpose,
    generate::{Document, Github, Principals, Statement},
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
            &cluster.oidc_issuer,
            "StringEquals",
            vec![format!("system:serviceaccount:{namespace}:{account}")],
        ));
    }
    if let Some(github) = &scope.github {
        if principal.purpose == Purpose::Ci {
            statements.extend(refs(github));
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
/// must both hold.
fn refs(github: &Github) -> impl Iterator<Item = Statement> {
    let (patterns, exact): (Vec<&String>, Vec<&String>) =
        github.ci_refs.iter().partition(|r| r.ends_with('*'));
    let subjects = |refs: Vec<&String>| -> Vec<String> {
        refs.iter()
            .flat_map(|r| {
                github
                    .subjects()
                    .into_iter()
                    .map(move |repository| format!("{repository}:ref:{r}"))
            })
            .collect()
    };
    [
        ("Refs", "StringEquals", subjects(exact)),
        ("TagPatterns", "StringLike", subjects(patterns)),
    ]
    .into_iter()
    .filter(|(_, _, subjects)| !subjects.is_empty())
    .map(|(sid, operator, subjects)| from_github(github, sid, operator, subjects))
}

fn from_github(github: &Github, sid: &str, operator: &str, subjects: Vec<String>) -> Statement {
    web_identity(sid, &github.provider_arn, &github.issuer, operator, subjects)
}

fn web_identity(sid: &str, provider: &str, issuer: &str, operator: &str, subjects: Vec<String>) -> Statement {
    Statement::allow(sid, ENTER)
        .to(Principals::Federated(provider.to_owned()))
        .when("StringEquals", &format!("{issuer}:aud"), [AUDIENCE])
        .when(operator, &format!("{issuer}:sub"), subjects)
}
