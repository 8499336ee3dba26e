//! Service-linked roles: made for a service, changed by it alone, deleted by a task.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html>

use std::collections::BTreeMap;

use serde_json::json;

use super::{Role, State, refusal};
use crate::answer::{Answer, Refusal};
use crate::aws::{arn, partition};
use crate::call::Call;
use crate::random::Random;
use crate::world::World;

/// The services that our calls meet: name of the role and of its policy. Each from the service's own page on
/// service-linked roles, such as <https://docs.aws.amazon.com/eks/latest/userguide/using-service-linked-roles-eks.html>.
const KNOWN: [(&str, &str, &str); 6] = [
    (
        "eks.amazonaws.com",
        "AWSServiceRoleForAmazonEKS",
        "AmazonEKSServiceRolePolicy",
    ),
    (
        "eks-nodegroup.amazonaws.com",
        "AWSServiceRoleForAmazonEKSNodegroup",
        "AWSServiceRoleForAmazonEKSNodegroup",
    ),
    (
        "autoscaling.amazonaws.com",
        "AWSServiceRoleForAutoScaling",
        "AutoScalingServiceRolePolicy",
    ),
    (
        "spot.amazonaws.com",
        "AWSServiceRoleForEC2Spot",
        "AWSEC2SpotServiceRolePolicy",
    ),
    (
        "elasticloadbalancing.amazonaws.com",
        "AWSServiceRoleForElasticLoadBalancing",
        "AWSElasticLoadBalancingServiceRolePolicy",
    ),
    (
        "inspector2.amazonaws.com",
        "AWSServiceRoleForAmazonInspector2",
        "AmazonInspector2ServiceRolePolicy",
    ),
];

/// Makes the role of a service unless it stands: what a service does itself when it needs one.
pub(crate) fn ensure(iam: &mut State, random: &mut Random, call: &Call, service: &str) {
    let Some((service, name, policy)) = KNOWN.iter().find(|known| known.0 == service) else {
        return;
    };
    if iam.role(name).is_none() {
        let role = make(random, call, service, name, policy, None);
        iam.roles.insert(name.to_lowercase(), role);
    }
}

fn make(
    random: &mut Random,
    call: &Call,
    service: &str,
    name: &str,
    policy: &str,
    description: Option<&str>,
) -> Role {
    let path = format!("/aws-service-role/{service}/");
    let partition = partition::of(&call.region);
    Role {
        name: name.to_owned(),
        id: format!("AROA{}", random.upper(17)),
        arn: arn::iam(&call.region, &call.account, &format!("role{path}{name}")),
        path,
        created: call.at,
        trust: json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
        })
        .to_string(),
        description: description.map(str::to_owned),
        max_session: 3_600,
        boundary: None,
        tags: BTreeMap::new(),
        inline: BTreeMap::new(),
        attached: [format!(
            "arn:{partition}:iam::aws:policy/aws-service-role/{policy}"
        )]
        .into(),
        service: Some(service.to_owned()),
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let service = call.required("AWSServiceName");
    let Some((service, name, policy)) = KNOWN.iter().find(|known| known.0 == service) else {
        return Err(refusal::invalid(format!(
            "{service} has no service-linked role that this sandbox knows"
        )));
    };
    if call.text("CustomSuffix").is_some() {
        return Err(refusal::invalid("Custom suffix is not allowed for this service"));
    }
    if world.aws.account_mut(&call.account).iam.role(name).is_some() {
        return Err(refusal::invalid(format!(
            "Service role name {name} has been taken in this account, please try a different suffix."
        )));
    }
    let role = make(
        &mut world.random,
        call,
        service,
        name,
        policy,
        call.text("Description"),
    );
    let answer = Answer::of(json!({"Role": role.whole()}));
    world
        .aws
        .account_mut(&call.account)
        .iam
        .roles
        .insert(name.to_lowercase(), role);
    Ok(answer)
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteServiceLinkedRole.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("RoleName");
    let task = world.random.uuid();
    let iam = &mut world.aws.account_mut(&call.account).iam;
    let role = iam.known_role(name)?;
    let Some(service) = role.service.clone() else {
        return Err(refusal::missing(format!("{name} is not a service-linked role.")));
    };
    let task = format!("task/aws-service-role/{service}/{}/{task}", role.name);
    iam.deletions.insert(task.clone(), role.name.to_lowercase());
    Ok(Answer::of(json!({"DeletionTaskId": task})))
}

/// The task is done when it is looked at: it fails while the service still has something that needs the role.
///
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLinkedRoleDeletionStatus.html>
pub(super) fn deletion(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let task = call.required("DeletionTaskId");
    let account = world.aws.account_mut(&call.account);
    let Some(key) = account.iam.deletions.get(task).cloned() else {
        return Err(refusal::missing(format!("Deletion task {task} cannot be found.")));
    };
    let service = account
        .iam
        .roles
        .get(&key)
        .and_then(|role| role.service.clone())
        .unwrap_or_default();
    let used = crate::aws::uses_of_service_role(account, &service);
    if !used.is_empty() {
        let used: Vec<_> = used
            .into_iter()
            .map(|(region, resources)| json!({"Region": region, "Resources": resources}))
            .collect();
        return Ok(Answer::of(json!({
            "Status": "FAILED",
            "Reason": {
                "Reason": "The role is in use by the following resources.",
                "RoleUsageList": used,
            },
        })));
    }
    account.iam.roles.remove(&key);
    Ok(Answer::of(json!({"Status": "SUCCEEDED"})))
}
