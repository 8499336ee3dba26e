//! On AWS: the documents of the roles, the bucket policies, and what IAM's simulator says.

use std::collections::BTreeMap;

use mlops_access::Purpose;
use mlops_access::aws::Policy;
use mlops_access::generate::aws::Scope;
use mlops_access::generate::kubernetes::deployer_rules;
use mlops_access::matrix::{
    AwsDocuments, AwsIdentity, Breach, DocumentError, Expected, Grid, Question, aws_questions, check_aws,
};
use mlops_access::trust::TokenSet;

use super::{Findings, Identity, identities, principals};
use crate::component::Kind;
use crate::driver::Access;
use crate::environment::Environment;
use crate::guard;
use crate::spec::{AwsSpec, Bucket, CloudSpec, Spec};

pub(super) fn examine(
    environment: &Environment,
    aws: &AwsSpec,
    findings: &Findings,
) -> Result<Grid, DocumentError> {
    let spec = &environment.spec;
    let scope = scope(spec, aws, findings);
    let mut documents = AwsDocuments {
        identities: Vec::new(),
        boundaries: BTreeMap::new(),
        buckets: buckets(environment, findings)?,
        deployer_rules: deployer_rules(),
    };
    let identities = identities(spec);
    let mut gone = Vec::new();
    for identity in &identities {
        match findings.access.get(&identity.address) {
            Some(access) => add(&mut documents, environment, identity, access)?,
            None => gone.push(missing(identity)),
        }
    }
    let mut breaches = check_aws(&scope, &documents);
    breaches.extend(gone);
    Ok(Grid::new(&principals(&identities), &breaches))
}

/// The scope of the documents, with what is known of what stands.
fn scope(spec: &Spec, aws: &AwsSpec, findings: &Findings) -> Scope {
    guard::aws_scope(spec, aws, &findings.world())
}

/// Takes up the documents of one identity. What the environment itself attaches of AWS's policies (the nodes need them) is
/// not judged as if somebody had added it.
fn add(
    documents: &mut AwsDocuments,
    environment: &Environment,
    identity: &Identity,
    access: &Access,
) -> Result<(), DocumentError> {
    let address = &identity.address;
    let wanted = environment
        .component(address.as_str())
        .and_then(|component| component.properties.get("managed_policies")?.as_array());
    let own = |name: &str| wanted.is_some_and(|wanted| wanted.iter().any(|arn| arn == name));
    let permissions = access
        .policies
        .iter()
        .filter(|(name, _)| !own(name))
        .map(|(name, text)| read(&format!("the policy {name} of {address}"), text))
        .collect::<Result<_, _>>()?;
    // The matrix judges the boundaries of the five; that of the nodes has to let them serve every pod.
    if let Some(text) = access
        .boundary
        .as_ref()
        .filter(|_| identity.purpose != Purpose::Node)
    {
        let boundary = read(&format!("the boundary of {address}"), text)?;
        documents.boundaries.insert(identity.purpose, boundary);
    }
    documents.identities.push(AwsIdentity {
        purpose: identity.purpose,
        service: identity.service.as_ref().map(ToString::to_string),
        permissions,
        trust: TokenSet::of_aws_trust(&access.trust).map_err(|error| DocumentError::Trust {
            document: format!("the trust of {address}"),
            error,
        })?,
    });
    Ok(())
}

fn read(document: &str, text: &str) -> Result<Policy, DocumentError> {
    Policy::parse(text).map_err(|error| DocumentError::Policy {
        document: document.to_owned(),
        error,
    })
}

fn buckets(
    environment: &Environment,
    findings: &Findings,
) -> Result<BTreeMap<Bucket, Policy>, DocumentError> {
    let mut policies = BTreeMap::new();
    for component in environment
        .components
        .iter()
        .filter(|component| component.kind == Kind::AwsBucket)
    {
        let usage = component
            .address
            .as_str()
            .strip_prefix("buckets.")
            .unwrap_or_default();
        let Some(bucket) = Bucket::ALL.into_iter().find(|bucket| bucket.as_str() == usage) else {
            continue;
        };
        let text = findings
            .present
            .get(&component.address)
            .and_then(|present| present.properties.get("policy")?.as_str());
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            policies.insert(bucket, read(&format!("the policy of bucket {usage}"), text)?);
        }
    }
    Ok(policies)
}

fn missing(identity: &Identity) -> Breach {
    Breach {
        row: "I00",
        what: "every identity stands".to_owned(),
        identity: identity.principal().to_string(),
        expected: Expected::Allow,
        ask: "be there".to_owned(),
        because: "it is gone".to_owned(),
    }
}

/// What to ask IAM's simulator of each identity.
pub fn questions(environment: &Environment, findings: &Findings) -> Vec<(Identity, Vec<Question>)> {
    let CloudSpec::Aws(aws) = &environment.spec.cloud else {
        return Vec::new();
    };
    let scope = scope(&environment.spec, aws, findings);
    identities(&environment.spec)
        .into_iter()
        .filter(|identity| findings.access.contains_key(&identity.address))
        // The nodes hold policies of AWS's own, which EKS asks for and which say more than the matrix.
        .filter(|identity| identity.purpose != Purpose::Node)
        .map(|identity| {
            let questions = aws_questions(&scope, identity.principal());
            (identity, questions)
        })
        .collect()
}

/// The grid with the simulator's answers: where it contradicts the matrix and our own evaluator found nothing, it has the
/// last word.
#[must_use]
pub fn with_simulation(grid: Grid, identity: &str, questions: &[Question], allowed: &[bool]) -> Grid {
    let mut grid = grid;
    let Some(column) = grid.columns.iter().position(|column| column == identity) else {
        return grid;
    };
    for (question, allowed) in questions.iter().zip(allowed) {
        let wanted = question.expected == Expected::Allow;
        if wanted == *allowed {
            continue;
        }
        let Some(mark) = grid
            .rows
            .iter_mut()
            .find(|row| row.id == question.row)
            .and_then(|row| row.cells.get_mut(column))
        else {
            continue;
        };
        if mark.breaches.is_empty() {
            mark.breaches.push(Breach {
                row: question.row,
                what: question.what.to_owned(),
                identity: identity.to_owned(),
                expected: question.expected,
                ask: format!("{} on {}", question.action, question.resource),
                because: format!(
                    "IAM's policy simulator {} it",
                    if *allowed { "allows" } else { "denies" }
                ),
            });
        }
    }
    grid
}
