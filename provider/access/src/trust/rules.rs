use std::fmt;

use super::{Caller, Entry, Overlap, Token, TokenSet};
use crate::{Purpose, verdict::Doubt};

/// Whom one identity of an environment lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusts {
    /// The environment.
    pub environment: String,
    /// What the identity is for.
    pub purpose: Purpose,
    /// Its service, where it has one.
    pub service: Option<String>,
    /// Who enters.
    pub tokens: TokenSet,
    /// The CI environment that may enter a workload identity, if that was asked for.
    pub ci_environment: Option<String>,
}

impl Trusts {
    fn label(&self) -> String {
        match &self.service {
            Some(service) => format!("{}/{service} of {}", self.purpose, self.environment),
            None => format!("{} of {}", self.purpose, self.environment),
        }
    }
}

/// A rule of separation that does not hold, or of which that cannot be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Number of the rule, see [`separation`].
    pub rule: u8,
    /// The identities it is about.
    pub identities: Vec<String>,
    /// What is wrong, in a sentence.
    pub message: String,
    /// A token that shows it.
    pub witness: Option<Token>,
    /// Set when it only may be so.
    pub doubt: Option<Doubt>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trust of {}: {}", self.identities.join(" and "), self.message)?;
        if let Some(token) = &self.witness {
            write!(f, "; for example the {token}")?;
        }
        if let Some(doubt) = &self.doubt {
            write!(f, " (cannot tell: {doubt})")?;
        }
        Ok(())
    }
}

/// Checks the separation of trusts and returns every violation:
///
/// 1. no token enters two identities of different purpose or environment, and no pod two identities at all;
/// 2. owner, repository and environment are spelled out; no pull request enters;
/// 3. deploy and the CI entrance of drift and retrain are environments, ci is refs;
/// 4. the audience is pinned;
/// 5. pods are named exactly;
/// 6. an identity trusts CI or a cluster, not both, unless a CI environment was asked for;
/// 7. no account, user, or everyone enters.
///
/// ```
/// use mlops_access::{Purpose, trust::{TokenSet, Trusts, separation}};
/// let trust = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",
///     "Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
///     "Condition":{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"},
///                  "StringLike":{"token.actions.githubusercontent.com:sub":"repo:acme/churn:*"}}}}"#;
/// let deploy = Trusts { environment: "shop".into(), purpose: Purpose::Deploy, service: None,
///     tokens: TokenSet::of_aws_trust(trust)?, ci_environment: None };
/// let violations = separation(&[deploy]);
/// assert!(violations.iter().any(|v| v.rule == 2) && violations.iter().any(|v| v.rule == 3));
/// # Ok::<(), mlops_access::trust::TrustError>(())
/// ```
#[must_use]
pub fn separation(trusts: &[Trusts]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let pods: Vec<Vec<&Entry>> = trusts
        .iter()
        .map(|trusts| trusts.tokens.entries.iter().filter(|e| is_pod(e)).collect())
        .collect();
    for (index, one) in trusts.iter().enumerate() {
        alone(one, &mut violations);
        for (two, pods_of_two) in trusts.iter().zip(&pods).skip(index + 1) {
            violations.extend(together((one, &pods[index]), (two, pods_of_two)));
        }
    }
    violations
}

/// Two trusts, each with those of its entries that are pods.
fn together(
    (one, pods_of_one): (&Trusts, &[&Entry]),
    (two, pods_of_two): (&Trusts, &[&Entry]),
) -> Option<Violation> {
    let same_purpose = one.purpose == two.purpose && one.environment == two.environment;
    let shared = if same_purpose {
        // A CI environment may enter the drift identity of every service; a pod enters one.
        TokenSet::overlap_of(pods_of_one.iter().copied(), || pods_of_two.iter().copied())
    } else {
        one.tokens.overlap(&two.tokens)
    };
    let (witness, doubt) = match shared {
        Overlap::None => return None,
        Overlap::Token(token) => (Some(token), None),
        Overlap::Unknown(token, doubt) => (token, Some(doubt)),
    };
    Some(Violation {
        rule: 1,
        identities: vec![one.label(), two.label()],
        message: "one token enters both".to_owned(),
        witness,
        doubt,
    })
}

fn alone(trusts: &Trusts, violations: &mut Vec<Violation>) {
    let mut classes = [false; 2];
    for entry in &trusts.tokens.entries {
        let witness = match (TokenSet {
            entries: vec![entry.clone()],
        })
        .witness()
        {
            Overlap::None => continue,
            Overlap::Token(token) => Some(token),
            Overlap::Unknown(token, _) => token,
        };
        let mut report = |rule, message: String| {
            violations.push(Violation {
                rule,
                identities: vec![trusts.label()],
                message: format!("{message} ({})", entry.source),
                witness: witness.clone(),
                doubt: entry.doubt.clone(),
            });
        };
        match entry.caller {
            Caller::Principal | Caller::Saml => {
                report(
                    7,
                    "it names accounts, users or everyone instead of a federated token".to_owned(),
                );
                continue;
            }
            // A service enters only what is a service's: nodes.
            Caller::Service => {
                if trusts.purpose != Purpose::Node {
                    report(7, "it lets a cloud service in".to_owned());
                }
                continue;
            }
            Caller::Oidc => {}
        }
        if !pinned(entry, "aud") {
            report(4, "the audience is not pinned".to_owned());
        }
        if is_pod(entry) {
            classes[0] = true;
            if !pinned(entry, "sub") {
                report(
                    5,
                    "it does not name one namespace and service account exactly".to_owned(),
                );
            }
            if !trusts.purpose.per_service() {
                report(6, "pods enter an identity of CI".to_owned());
            }
            continue;
        }
        classes[1] = true;
        if trusts.purpose.per_service() && trusts.ci_environment.is_none() {
            report(
                6,
                "CI enters an identity of pods, without a ci_environment".to_owned(),
            );
        }
        for (rule, problem) in repository_shape(entry, trusts.purpose) {
            report(rule, problem);
        }
    }
    if classes == [true, true] && trusts.ci_environment.is_none() {
        violations.push(Violation {
            rule: 6,
            identities: vec![trusts.label()],
            message: "it trusts both CI and a cluster".to_owned(),
            witness: None,
            doubt: None,
        });
    }
}

/// Rules 2 and 3 for a token of a Git host, which names its place in `sub` or in claims of its own.
fn repository_shape(entry: &Entry, purpose: Purpose) -> Vec<(u8, String)> {
    let wants_environment = purpose != Purpose::Ci;
    let mut problems = Vec::new();
    let subjects: Option<Vec<String>> = values(entry, "sub");
    if let Some(subjects) = subjects {
        for subject in subjects {
            let fixed = subject.split(['*', '?']).next().unwrap_or_default();
            let open = fixed.len() < subject.len();
            let environment = fixed.contains(":environment:")
                || (fixed.contains(":environment_protected:true:") && fixed.contains(":deployment_tier:"));
            // GitLab names the ref behind the environment, where it may be any.
            let behind = |part: &str| fixed.split_once(part).is_some_and(|(_, rest)| rest.contains(':'));
            let settled = fixed.contains(":ref:refs/tags/")
                || fixed.contains(":ref_type:tag:ref:")
                || (environment && behind(":deployment_tier:"));
            if open && !(settled && subject.len() == fixed.len() + 1) {
                problems.push((
                    2,
                    format!("{subject:?} leaves repository, branch or environment open"),
                ));
            }
            if subject.ends_with(":pull_request") {
                problems.push((2, "pull requests enter".to_owned()));
            }
            let git_ref = fixed.contains(":ref:") || fixed.contains(":ref_type:");
            if wants_environment && !environment {
                problems.push((3, format!("{subject:?} is not an environment")));
            } else if !wants_environment && !git_ref {
                problems.push((3, format!("{subject:?} is not a ref")));
            }
        }
        return problems;
    }
    let repository = ["repository_id", "repository", "project_id", "project_path"];
    if !repository.iter().any(|claim| pinned(entry, claim)) {
        problems.push((2, "any repository of the issuer enters".to_owned()));
    }
    let lets = |claim: &str, value: &str| {
        let constraint = entry.claims.get(claim);
        constraint.is_none_or(|c| c.accepts(Some(value)))
    };
    if lets("event_name", "pull_request") && lets("pipeline_source", "merge_request_event") {
        problems.push((2, "pull requests enter".to_owned()));
    }
    let environment = entry.claims.get("environment");
    if wants_environment && !pinned(entry, "environment") {
        problems.push((3, "jobs outside one named environment enter".to_owned()));
    } else if !wants_environment {
        if environment.is_none_or(|c| c.accepts(Some("\u{1}"))) {
            problems.push((3, "jobs of an environment enter".to_owned()));
        }
        let names_one = |claim| {
            let constraint = entry.claims.get(claim);
            constraint.is_some_and(|c| c.requires_value() && !c.groups().is_empty())
        };
        if !names_one("ref") && !names_one("ref_path") {
            problems.push((3, "jobs of any ref enter".to_owned()));
        }
    }
    problems
}

/// The patterns that a claim must match, when it must match some.
fn values(entry: &Entry, claim: &str) -> Option<Vec<String>> {
    let constraint = entry.claims.get(claim).filter(|c| c.requires_value())?;
    let group = constraint.groups().iter().min_by_key(|g| g.len())?;
    Some(group.iter().map(ToString::to_string).collect())
}

fn pinned(entry: &Entry, claim: &str) -> bool {
    entry.claims.get(claim).is_some_and(|c| {
        c.requires_value()
            && c.groups()
                .iter()
                .any(|g| g.iter().all(|p| p.as_literal().is_some()))
    })
}

/// Pods name themselves by namespace and service account.
fn is_pod(entry: &Entry) -> bool {
    let by_subject = values(entry, "sub")
        .is_some_and(|subjects| subjects.iter().any(|s| s.starts_with("system:serviceaccount")));
    let issuers: Vec<String> = entry
        .name
        .groups()
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    by_subject
        || issuers
            .iter()
            .any(|i| i.ends_with(".svc.id.goog") || i.contains("oidc.eks."))
}
