//! Access policies: what an access entry may do in Kubernetes, in the whole cluster or in namespaces.
//!
//! <https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html>

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access_entry::no_entry;
use super::{known, known_mut, paged, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::output::said;
use crate::aws::{input, partition};
use crate::call::Call;
use crate::world::World;

/// Where a policy holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Everywhere.
    Cluster,
    /// In these namespaces, which may hold `*` at the end.
    Namespaces(Vec<String>),
}

/// A policy on an entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Associated {
    /// Where it holds.
    pub scope: Scope,
    /// Since when.
    pub since: Timestamp,
    /// When its scope was last changed.
    pub modified: Timestamp,
}

/// The policies that there are: <https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html>
const POLICIES: [&str; 9] = [
    "AmazonAIOpsAssistantPolicy",
    "AmazonARCRegionSwitchScalingPolicy",
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSSecretReaderPolicy",
    "AmazonEKSViewPolicy",
    "AmazonEMRJobPolicy",
];

/// Policies on one entry: <https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html>
const MOST: usize = 20;

fn arn_of(call: &Call, name: &str) -> String {
    format!(
        "arn:{}:eks::aws:cluster-access-policy/{name}",
        partition::of(&call.region)
    )
}

impl Associated {
    fn shown(&self, policy: &str) -> Value {
        let (kind, namespaces) = match &self.scope {
            Scope::Cluster => ("cluster", &[][..]),
            Scope::Namespaces(names) => ("namespace", &names[..]),
        };
        json!({
            "policyArn": policy,
            "accessScope": {"type": kind, "namespaces": namespaces},
            "associatedAt": self.since.to_string(),
            "modifiedAt": self.modified.to_string(),
        })
    }
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_ListAccessPolicies.html>
pub(super) fn list_known(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let entries = POLICIES.iter().map(|name| {
        (
            (*name).to_owned(),
            json!({"name": name, "arn": arn_of(call, name)}),
        )
    });
    paged(world, call, "accessPolicies", entries)
}

/// The sentences are guesses; what is refused is on the page of the API.
fn scope(call: &Call) -> Result<Scope, Refusal> {
    let scope = call.input.get("accessScope").unwrap_or(&Value::Null);
    let namespaces = input::strings(scope, "namespaces");
    match input::text(scope, "type") {
        Some("cluster") if namespaces.is_empty() => Ok(Scope::Cluster),
        Some("cluster") => Err(refusal::invalid(
            "Namespaces cannot be given with an access scope of type cluster",
        )),
        Some("namespace") if namespaces.is_empty() => Err(refusal::invalid(
            "The namespaces of an access scope of type namespace must not be empty",
        )),
        Some("namespace") => Ok(Scope::Namespaces(namespaces)),
        _ => Err(refusal::invalid("The accessScope must have a type")),
    }
}

/// Again with another scope replaces the scope.
///
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_AssociateAccessPolicy.html>
pub(super) fn associate(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, principal, policy) = (
        call.required("clusterName"),
        call.required("principalArn"),
        call.required("policyArn"),
    );
    let entry = known(world, call, name)?.known_entry(principal)?;
    if entry.kind != "STANDARD" {
        // The page above: only entries of type STANDARD (and EC2, of Auto Mode) take policies. The wording is a guess.
        return Err(refusal::request(format!(
            "Access policies cannot be associated with an access entry of type {}",
            entry.kind
        )));
    }
    let scope = scope(call)?;
    if !POLICIES.iter().any(|known| arn_of(call, known) == policy) {
        // The wording is a guess.
        return Err(refusal::invalid(format!(
            "The specified policyArn could not be found: {policy}. You can view the available access policies with 'list-access-policies'."
        )));
    }
    if entry.policies.len() >= MOST && !entry.policies.contains_key(policy) {
        // The wording is a guess.
        return Err(refusal::request(format!(
            "An access entry can have at most {MOST} access policies"
        )));
    }
    let entry = known_mut(world, call, name)?
        .access
        .get_mut(principal)
        .ok_or_else(|| no_entry(principal))?;
    let since = entry.policies.get(policy).map_or(call.at, |before| before.since);
    let associated = Associated {
        scope,
        since,
        modified: call.at,
    };
    let shown = associated.shown(policy);
    entry.policies.insert(policy.to_owned(), associated);
    Ok(said(json!({
        "clusterName": name,
        "principalArn": principal,
        "associatedAccessPolicy": shown,
    })))
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_ListAssociatedAccessPolicies.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let (name, principal) = (call.required("clusterName"), call.required("principalArn"));
    let entry = known(world, call, name)?.known_entry(principal)?;
    let entries = entry
        .policies
        .iter()
        .map(|(policy, associated)| (policy.clone(), associated.shown(policy)));
    let mut answer = paged(world, call, "associatedAccessPolicies", entries)?;
    answer.output["clusterName"] = name.into();
    answer.output["principalArn"] = principal.into();
    Ok(answer)
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DisassociateAccessPolicy.html>
pub(super) fn disassociate(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, principal, policy) = (
        call.required("clusterName"),
        call.required("principalArn"),
        call.required("policyArn"),
    );
    known(world, call, name)?.known_entry(principal)?;
    let entry = known_mut(world, call, name)?
        .access
        .get_mut(principal)
        .ok_or_else(|| no_entry(principal))?;
    if entry.policies.remove(policy).is_none() {
        // The wording is a guess.
        return Err(refusal::missing(format!(
            "The specified policyArn could not be found on the access entry: {policy}"
        )));
    }
    Ok(Answer::empty())
}
