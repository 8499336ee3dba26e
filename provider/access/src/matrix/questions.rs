//! The matrix as plain questions, for whoever can answer them: a cloud's own simulator.

use super::resource::{Aims, Ask};
use super::{At, Cell, Enforcement, Expected, PROBES, Probe};
use crate::Purpose;
use crate::generate::RegistryMode;
use crate::generate::aws::{Principal, Scope};

/// One question to AWS: may the identity do this?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Row of the matrix.
    pub row: &'static str,
    /// What the row is about.
    pub what: &'static str,
    /// What the answer has to be.
    pub expected: Expected,
    /// For example `s3:GetObject`.
    pub action: String,
    /// ARN, or `*`.
    pub resource: String,
    /// Condition keys of the request; those that are not named are absent.
    pub keys: Vec<(String, String)>,
}

/// What a cell of a row asks for in an environment on AWS.
pub(super) fn cell(scope: &Scope, purpose: Purpose, probe: &Probe) -> Cell {
    let reference = scope.registry.mode == RegistryMode::Reference;
    match probe.id {
        "P01" if reference => Cell::Deny,
        // Nothing to reach without a cluster.
        "P05" if scope.cluster.is_none() => Cell::Deny,
        _ => probe.cell(purpose),
    }
}

/// The questions of the matrix to one identity: for each action of each row the first thing it aims at, of each service
/// that the identity has to do with. What the configuration leaves open is not asked.
///
/// ```
/// use mlops_access::{Purpose, generate::aws::{Principal, Scope}, matrix::{Expected, aws_questions}};
///
/// let questions = aws_questions(&Scope::example(), Principal::of_service(Purpose::Runtime, "churn"));
/// let own = questions.iter().find(|question| question.row == "P09").unwrap();
/// assert_eq!((own.expected, own.action.as_str()), (Expected::Allow, "s3:GetObject"));
/// assert!(own.resource.starts_with("arn:aws:s3:::shop-models-0a1b2c3d/churn/"));
/// ```
#[must_use]
pub fn aws_questions(scope: &Scope, principal: Principal<'_>) -> Vec<Question> {
    let services: Vec<&str> = match principal.service {
        Some(own) => vec![own],
        None => scope.services.keys().map(String::as_str).collect(),
    };
    let aims = Aims::new(scope);
    let mut questions = Vec::new();
    for probe in PROBES.iter().filter(|probe| probe.by == Enforcement::Documents) {
        for (action, at) in probe.aws {
            let expected = match cell(scope, principal.purpose, probe) {
                Cell::Allow => Expected::Allow,
                Cell::Deny => Expected::Deny,
                // A listed secret is one that the configuration lists for this purpose.
                Cell::Optional if *at == At::ListedSecret => Expected::Allow,
                Cell::Optional => continue,
            };
            for service in &services {
                let ask = Ask {
                    principal,
                    service,
                    action,
                    at: *at,
                    environment: &scope.environment,
                };
                let aims = aims.of(&ask, &|_| true);
                let Some(aim) = aims.first() else {
                    continue;
                };
                let given = aim
                    .keys
                    .iter()
                    .filter_map(|(key, value)| Some(((*key).to_owned(), value.clone()?)));
                let tls = ("aws:SecureTransport".to_owned(), "true".to_owned());
                let question = Question {
                    row: probe.id,
                    what: probe.what,
                    expected,
                    action: (*action).to_owned(),
                    resource: aim.resource.to_string(),
                    keys: [tls].into_iter().chain(given).collect(),
                };
                if !questions.contains(&question) {
                    questions.push(question);
                }
            }
        }
    }
    questions
}
