//! Roles that clusters, nodes and pods are given: they must exist, be seen, and trust who will enter them.

use jiff::Timestamp;
use mlops_access::aws::{Arn, Caller, Policies, Policy, Request, evaluate};

use super::refusal;
use crate::answer::Refusal;
use crate::aws::iam::{Role, document, effective};
use crate::call::Call;
use crate::world::World;

/// The role of this ARN, if it is of the caller's account and seen by EKS.
fn seen<'w>(world: &'w World, call: &Call, arn: &str) -> Option<&'w Role> {
    world
        .aws
        .account(&call.account)
        .iam
        .role_by_arn(arn)
        .filter(|role| document::seen(role.created, call.at, world.behaviour.lag))
}

/// Whether a service may do `action` on a role by the role's trust policy.
fn trusts(role: &Role, service: &str, action: &str, account: &str) -> bool {
    let Ok(trust) = Policy::parse(&role.trust) else {
        return false;
    };
    let request = Request::new(Caller::Service(service.to_owned()), action, &role.arn)
        .with("aws:SourceAccount", account)
        .with("aws:SecureTransport", "true");
    evaluate(&request, &Policies::resource(&trust)).is_allowed()
}

/// The role that a cluster acts with. The sentence is the one that hashicorp/aws waits out
/// (`internal/service/eks/cluster.go`).
///
/// # Errors
/// `InvalidParameterException`.
pub(super) fn of_cluster(world: &World, call: &Call, arn: &str) -> Result<(), Refusal> {
    seen(world, call, arn)
        .filter(|role| trusts(role, "eks.amazonaws.com", "sts:AssumeRole", &call.account))
        .map(drop)
        .ok_or_else(|| {
            refusal::invalid(format!(
                "Role with arn: {arn}, could not be assumed because it does not exist or the trusted entity is not correct"
            ))
        })
}

/// The role that nodes act with: <https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html>. That a missing
/// role and missing trust are told apart is known; the first sentence is a guess.
///
/// # Errors
/// `InvalidParameterException`.
pub(super) fn of_nodes(world: &World, call: &Call, arn: &str) -> Result<(), Refusal> {
    let role = seen(world, call, arn).ok_or_else(|| {
        refusal::invalid(format!(
            "Role with arn: {arn}, could not be assumed because it does not exist or the trusted entity is not correct"
        ))
    })?;
    if !trusts(role, "ec2.amazonaws.com", "sts:AssumeRole", &call.account) {
        return Err(refusal::invalid(format!(
            "Following required service principals [ec2.amazonaws.com] were not found in the trust relationships of nodeRole {arn}"
        )));
    }
    Ok(())
}

/// The role that pods act with: <https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html>. The first sentence is
/// the one that hashicorp/aws waits out (`internal/service/eks/pod_identity_association.go`), the second a guess.
///
/// # Errors
/// `InvalidParameterException`.
pub(super) fn of_pods(world: &World, call: &Call, arn: &str) -> Result<(), Refusal> {
    let role = seen(world, call, arn)
        .ok_or_else(|| refusal::invalid("Role provided in the request does not exist."))?;
    let both = ["sts:AssumeRole", "sts:TagSession"];
    if !both
        .iter()
        .all(|action| trusts(role, "pods.eks.amazonaws.com", action, &call.account))
    {
        return Err(refusal::invalid(format!(
            "Trust policy of role {arn} must allow pods.eks.amazonaws.com to perform sts:AssumeRole and sts:TagSession"
        )));
    }
    Ok(())
}

/// What a node needs to join: to describe its cluster's network and to pull its images.
///
/// <https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html>
const NODE_NEEDS: [&str; 2] = ["ec2:DescribeInstances", "ecr:GetAuthorizationToken"];

/// Why nodes with this role cannot join a cluster; `None` when they can. `account` owns the role.
pub(super) fn keeps_nodes_out(world: &World, account: &str, arn: &str, at: Timestamp) -> Option<String> {
    let iam = &world.aws.account(account).iam;
    let Some(role) = iam.role_by_arn(arn) else {
        return Some(format!("The role {arn} does not exist"));
    };
    let held: Vec<Policy> = effective::identity(iam, role)
        .into_iter()
        .map(|source| source.policy)
        .collect();
    let boundary = effective::boundary(iam, role);
    let policies = Policies {
        boundary: boundary.as_ref(),
        ..Policies::identity(&held)
    };
    NODE_NEEDS.iter().find_map(|action| {
        let request = Request::new(Caller::role(arn), action, "*")
            .with("aws:SecureTransport", "true")
            .with("aws:CurrentTime", at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        (!evaluate(&request, &policies).is_allowed())
            .then(|| "Instances failed to join the kubernetes cluster".to_owned())
    })
}

/// The last part of a role's ARN.
pub(super) fn name(arn: &str) -> &str {
    Arn::parse(arn).map_or(arn, |parsed| parsed.name())
}

/// A role that need only exist.
///
/// # Errors
/// `InvalidParameterException`; the wording is a guess after Pod Identity's.
pub(super) fn exists(world: &World, call: &Call, arn: &str) -> Result<(), Refusal> {
    seen(world, call, arn)
        .map(drop)
        .ok_or_else(|| refusal::invalid("Role provided in the request does not exist."))
}
