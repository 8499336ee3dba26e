use super::{
    Scope,
    permissions::{PULL, registry_login, repositories},
};
use crate::generate::{Document, Statement};

/// What the machines may do beyond `AmazonEKSWorkerNodePolicy`: pull this environment's images, and those of the
/// accounts that publish the add-ons (never a repository of this account that is not the environment's).
#[must_use]
pub fn node_permissions(scope: &Scope) -> Document {
    let pull = [PULL, &["ecr:BatchCheckLayerAvailability"]].concat();
    let mut statements = vec![registry_login()];
    let own = repositories(scope);
    if !own.is_empty() {
        statements.push(Statement::allow("PullImages", &pull).on(own));
    }
    statements.push(Statement::allow("PullAddonImages", &pull).on(["*"]).when(
        "StringNotEquals",
        "aws:ResourceAccount",
        [&scope.account],
    ));
    let mut document = Document { statements };
    if document.size() > 10_240 {
        for statement in &mut document.statements {
            if statement.sid == "PullImages" {
                statement.resources = vec![format!("{}*", scope.registry.prefix)];
            }
        }
    }
    document
}

/// The boundary of the machines' role: pull, describe itself, exchange pod identity tokens; no data, no IAM.
#[must_use]
pub fn node_boundary(scope: &Scope) -> Document {
    let pull = [PULL, &["ecr:BatchCheckLayerAvailability"]].concat();
    Document {
        statements: vec![
            registry_login(),
            Statement::allow("PullImages", &pull).on([format!("{}*", scope.registry.prefix)]),
            Statement::allow("PullAddonImages", &pull).on(["*"]).when(
                "StringNotEquals",
                "aws:ResourceAccount",
                [&scope.account],
            ),
            Statement::allow(
                "BeANode",
                &[
                    "ec2:DescribeInstances",
                    "ec2:DescribeInstanceTypes",
                    "ec2:DescribeRouteTables",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeVolumes",
                    "ec2:DescribeVolumesModifications",
                    "ec2:DescribeVpcs",
                    "eks:DescribeCluster",
                    "eks-auth:AssumeRoleForPodIdentity",
                ],
            )
            .on(["*"]),
        ],
    }
}
