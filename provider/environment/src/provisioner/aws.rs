//! On AWS: three managed policies: about data and machines, about identities and keys, about a network of the environment's own.

use mlops_access::generate::aws::Bucket;
use mlops_access::generate::{Document, Github, Gitlab, Statement};

use crate::names::aws::Names;
use crate::names::{EnvironmentId, claim_key};

/// Actions that an ordinary life does without, and when they are needed.
pub const BEYOND_CALLS: [(&str, &str); 7] = [
    (
        "ec2:DeleteNetworkInterface",
        "nodes that die early leave interfaces behind, which keep their subnets",
    ),
    (
        "ec2:RunInstances",
        "EKS asks whether the caller may start the machines of a launch template: \
         https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html",
    ),
    (
        "ecr:ListImages",
        "repositories of staging and prod are deleted only when they are empty",
    ),
    (
        "iam:CreateServiceLinkedRole",
        "EKS makes its service-linked roles as the caller with an account's first cluster and node group: \
         https://docs.aws.amazon.com/eks/latest/userguide/using-service-linked-roles-eks.html",
    ),
    (
        "kms:ListAliases",
        "a key whose making was cut off before it had a name is found by its tags",
    ),
    ("kms:ListKeys", "the same"),
    (
        "s3:ListBucket",
        "who may not list is told that they may not read, where there is nothing to read",
    ),
];

/// The policies of the principal that applies, changes and destroys the environment `id`.
///
/// Everything is confined to this environment by name, path or mark, but for what IAM cannot confine: keys before they have
/// a mark, and lists. The provisioner writes the roles' permissions and boundaries, so whoever controls it controls what
/// the environment's identities may do: set `aws.permissions_boundary` to a policy of somebody else to cap that.
pub fn policies(id: &EnvironmentId, partition: &str) -> [Document; 3] {
    let path = format!("/mlops/{}/", id.name);
    let scope = Scope::new(id, partition, &path);
    [
        Document {
            statements: scope.objects().into_iter().chain(scope.machines()).collect(),
        },
        Document {
            statements: scope.identities().into_iter().chain(scope.keys()).collect(),
        },
        Document {
            statements: [look_at_networks()].into_iter().chain(scope.network()).collect(),
        },
    ]
}

/// The same for an environment in a cluster of somebody else: no machines, no network, and of the cluster no more than to
/// look at it and to let identities of this environment in.
///
/// Whoever holds them can let somebody into that cluster, as its administrator too: say `eks:policyArn` in a policy of the
/// cluster's owner to cap that.
pub fn policies_in_cluster(id: &EnvironmentId, partition: &str, cluster: &str) -> [Document; 2] {
    let path = format!("/mlops/{}/", id.name);
    let mut scope = Scope::new(id, partition, &path);
    scope.names = scope.names.in_cluster(Some(cluster));
    let unneeded = [
        "Logs",
        "ListLogs",
        "AttachAwsPolicies",
        "PassRoles",
        "LeftProfiles",
        "ServiceRoles",
    ];
    let needed = |statement: &Statement| !unneeded.contains(&statement.sid.as_str());
    let objects = scope.objects().into_iter().chain(scope.guests());
    let identities = scope.identities().into_iter().chain(scope.keys());
    [
        Document {
            statements: objects.filter(needed).collect(),
        },
        Document {
            statements: identities.filter(needed).collect(),
        },
    ]
}

/// What a network of an environment's own is found by; lists cannot be narrowed.
pub(crate) fn look_at_networks() -> Statement {
    Statement::allow(
        "LookAtNetworks",
        &[
            "ec2:DescribeAddresses",
            "ec2:DescribeAvailabilityZones",
            "ec2:DescribeInternetGateways",
            "ec2:DescribeNatGateways",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeRouteTables",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeVpcs",
        ],
    )
    .on(["*"])
}

/// What a network of the environment's own takes: what carries its mark, and new objects that get it.
pub(crate) fn network(id: &EnvironmentId, partition: &str) -> Vec<Statement> {
    Scope::new(id, partition, &format!("/mlops/{}/", id.name)).network()
}

/// What a budget takes.
const BUDGET: [&str; 5] = [
    "budgets:ListTagsForResource",
    "budgets:ModifyBudget",
    "budgets:TagResource",
    "budgets:UntagResource",
    "budgets:ViewBudget",
];

/// ARN of an environment's budget.
pub(crate) fn budget_arn(id: &EnvironmentId, partition: &str) -> String {
    let name = crate::names::budget(id);
    format!("arn:{partition}:budgets::{}:budget/{name}", id.account())
}

struct Scope<'a> {
    id: &'a EnvironmentId,
    partition: &'a str,
    names: Names<'a>,
    suffix: &'static str,
}

impl<'a> Scope<'a> {
    fn new(id: &'a EnvironmentId, partition: &'a str, path: &'a str) -> Self {
        Self {
            id,
            partition,
            names: Names::new(id, partition, path),
            suffix: if partition == "aws-cn" {
                "amazonaws.com.cn"
            } else {
                "amazonaws.com"
            },
        }
    }
    fn regional(&self, service: &str, resource: &str) -> String {
        let (region, account) = (self.id.region(), self.id.account());
        format!("arn:{}:{service}:{region}:{account}:{resource}", self.partition)
    }

    fn iam(&self, resource: &str) -> String {
        format!("arn:{}:iam::{}:{resource}", self.partition, self.id.account())
    }

    fn service(&self, name: &str) -> String {
        format!("{name}.{}", self.suffix)
    }

    /// Buckets, the claim, images, secrets, logs.
    fn objects(&self) -> Vec<Statement> {
        let name = &self.id.name;
        let bucket = |bucket| self.names.bucket_arn(&self.names.bucket(bucket));
        let buckets = Bucket::ALL.map(bucket);
        let objects = buckets.clone().map(|bucket| format!("{bucket}/*"));
        let claim = format!("{}/{}", bucket(Bucket::Logs), claim_key(name));
        vec![
            Statement::allow(
                "Buckets",
                &[
                    "s3:CreateBucket",
                    "s3:DeleteBucket",
                    "s3:GetBucketLogging",
                    "s3:GetBucketObjectLockConfiguration",
                    "s3:GetBucketOwnershipControls",
                    "s3:GetBucketPolicy",
                    "s3:GetBucketPublicAccessBlock",
                    "s3:GetBucketTagging",
                    "s3:GetBucketVersioning",
                    "s3:GetEncryptionConfiguration",
                    "s3:GetLifecycleConfiguration",
                    "s3:ListBucket",
                    "s3:ListBucketMultipartUploads",
                    "s3:ListBucketVersions",
                    "s3:PutBucketLogging",
                    "s3:PutBucketObjectLockConfiguration",
                    "s3:PutBucketOwnershipControls",
                    "s3:PutBucketPolicy",
                    "s3:PutBucketPublicAccessBlock",
                    "s3:PutBucketTagging",
                    "s3:PutBucketVersioning",
                    "s3:PutEncryptionConfiguration",
                    "s3:PutLifecycleConfiguration",
                    "s3:TagResource",
                ],
            )
            .on(buckets),
            Statement::allow("Claim", &["s3:GetObject", "s3:PutObject"]).on([claim]),
            Statement::allow(
                "EmptyBuckets",
                &["s3:AbortMultipartUpload", "s3:DeleteObjectVersion"],
            )
            .on(objects),
            Statement::allow(
                "Repositories",
                &[
                    "ecr:CreateRepository",
                    "ecr:DeleteRepository",
                    "ecr:DescribeRepositories",
                    "ecr:GetLifecyclePolicy",
                    "ecr:ListImages",
                    "ecr:ListTagsForResource",
                    "ecr:PutImageScanningConfiguration",
                    "ecr:PutImageTagMutability",
                    "ecr:PutLifecyclePolicy",
                    "ecr:TagResource",
                    "ecr:UntagResource",
                ],
            )
            .on([self.regional("ecr", &format!("repository/{name}/*"))]),
            Statement::allow(
                "Secrets",
                &[
                    "secretsmanager:CreateSecret",
                    "secretsmanager:DeleteSecret",
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:RestoreSecret",
                    "secretsmanager:TagResource",
                    "secretsmanager:UntagResource",
                    "secretsmanager:UpdateSecret",
                ],
            )
            .on([self.regional("secretsmanager", &format!("secret:{name}/*"))]),
            Statement::allow(
                "Logs",
                &[
                    "logs:AssociateKmsKey",
                    "logs:CreateLogGroup",
                    "logs:DeleteLogGroup",
                    "logs:ListTagsForResource",
                    "logs:PutRetentionPolicy",
                    "logs:TagResource",
                    "logs:UntagResource",
                ],
            )
            .on([
                self.names.log_group_arn(&self.names.cluster_log_group()),
                format!("{}:*", self.names.log_group_arn(&self.names.cluster_log_group())),
            ]),
            Statement::allow("ListLogs", &["logs:DescribeLogGroups"]).on(["*"]),
            Statement::allow("Budget", &BUDGET).on([budget_arn(self.id, self.partition)]),
        ]
    }

    /// The cluster and its nodes.
    fn machines(&self) -> Vec<Statement> {
        let name = self.names.cluster();
        let under = |kind: &str| self.regional("eks", &format!("{kind}/{name}/*"));
        let template = self.regional("ec2", "launch-template/*");
        vec![
            Statement::allow(
                "Cluster",
                &[
                    "eks:AssociateAccessPolicy",
                    "eks:CreateAccessEntry",
                    "eks:CreateCluster",
                    "eks:CreateNodegroup",
                    "eks:DeleteAccessEntry",
                    "eks:DeleteCluster",
                    "eks:DeleteNodegroup",
                    "eks:DescribeAccessEntry",
                    "eks:DescribeCluster",
                    "eks:DescribeNodegroup",
                    "eks:DescribeUpdate",
                    "eks:DisassociateAccessPolicy",
                    "eks:ListAssociatedAccessPolicies",
                    "eks:ListNodegroups",
                    "eks:TagResource",
                    "eks:UntagResource",
                    "eks:UpdateAccessEntry",
                    "eks:UpdateClusterConfig",
                    "eks:UpdateClusterVersion",
                    "eks:UpdateNodegroupConfig",
                    "eks:UpdateNodegroupVersion",
                ],
            )
            .on([
                self.names.cluster_arn(),
                under("nodegroup"),
                under("access-entry"),
            ]),
            Statement::allow(
                "LookAtNetworkAndTemplates",
                &[
                    "ec2:DescribeLaunchTemplateVersions",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                ],
            )
            .on(["*"]),
            Statement::allow("NewTemplates", &["ec2:CreateLaunchTemplate", "ec2:CreateTags"])
                .on([template.clone()])
                .when(
                    "StringEquals",
                    "aws:RequestTag/mlops:environment",
                    [self.id.to_string()],
                ),
            Statement::allow(
                "Templates",
                &[
                    "ec2:CreateLaunchTemplateVersion",
                    "ec2:DeleteLaunchTemplate",
                    "ec2:CreateTags",
                ],
            )
            .on([template])
            .when(
                "StringEquals",
                "aws:ResourceTag/mlops:environment",
                [self.id.to_string()],
            ),
            Statement::allow("StartNodes", &["ec2:RunInstances"]).on(["*"]),
        ]
    }

    /// In a cluster of somebody else: who is let in by this environment.
    fn guests(&self) -> Vec<Statement> {
        let entries = self.regional("eks", &format!("access-entry/{}/*", self.names.cluster()));
        let id = self.id.to_string();
        vec![
            Statement::allow("LookAtCluster", &["eks:DescribeCluster"]).on([self.names.cluster_arn()]),
            // Whether others of the cluster let the same pods in; lists cannot be narrowed.
            Statement::allow("LookForSamePods", &["iam:ListRoles"]).on(["*"]),
            Statement::allow("NewGuests", &["eks:CreateAccessEntry", "eks:TagResource"])
                .on([self.names.cluster_arn(), entries.clone()])
                .when("StringEquals", "aws:RequestTag/mlops:environment", [id.clone()]),
            // One that is not there has no tag: asking for it is not refused, but answered.
            Statement::allow(
                "LookAtGuests",
                &["eks:DescribeAccessEntry", "eks:ListAssociatedAccessPolicies"],
            )
            .on([entries.clone()]),
            Statement::allow(
                "Guests",
                &[
                    "eks:AssociateAccessPolicy",
                    "eks:DeleteAccessEntry",
                    "eks:DisassociateAccessPolicy",
                    "eks:TagResource",
                    "eks:UntagResource",
                    "eks:UpdateAccessEntry",
                ],
            )
            .on([entries])
            .when("StringEquals", "aws:ResourceTag/mlops:environment", [id]),
        ]
    }

    /// Roles, boundaries, federation.
    fn identities(&self) -> Vec<Statement> {
        let path = format!("/mlops/{}/", self.id.name);
        let roles = self.iam(&format!("role{path}*"));
        let policies = self.iam(&format!("policy{path}*"));
        let issuer = format!("oidc-provider/oidc.eks.{}.{}/id/*", self.id.region(), self.suffix);
        vec![
            Statement::allow(
                "Roles",
                &[
                    "iam:CreateRole",
                    "iam:DeleteRole",
                    "iam:DeleteRolePermissionsBoundary",
                    "iam:DeleteRolePolicy",
                    "iam:DetachRolePolicy",
                    "iam:GetRole",
                    "iam:GetRolePolicy",
                    "iam:ListAttachedRolePolicies",
                    "iam:ListInstanceProfilesForRole",
                    "iam:ListRolePolicies",
                    "iam:PutRolePermissionsBoundary",
                    "iam:PutRolePolicy",
                    "iam:TagRole",
                    "iam:UntagRole",
                    "iam:UpdateAssumeRolePolicy",
                    "iam:UpdateRole",
                ],
            )
            .on([roles.clone()]),
            Statement::allow("AttachAwsPolicies", &["iam:AttachRolePolicy"])
                .on([roles])
                .when(
                    "ArnEquals",
                    "iam:PolicyARN",
                    [
                        "AmazonEKSClusterPolicy",
                        "AmazonEKSWorkerNodePolicy",
                        "AmazonEKS_CNI_Policy",
                    ]
                    .map(|name| self.names.aws_policy_arn(name)),
                ),
            Statement::allow("PassRoles", &["iam:PassRole"])
                .on([
                    self.names.role_arn(&self.names.cluster_role()),
                    self.names
                        .role_arn(&self.names.role(mlops_access::Purpose::Node, None)),
                ])
                .when(
                    "StringEquals",
                    "iam:PassedToService",
                    [self.service("eks"), self.service("ec2")],
                ),
            Statement::allow(
                "Boundaries",
                &[
                    "iam:CreatePolicy",
                    "iam:CreatePolicyVersion",
                    "iam:DeletePolicy",
                    "iam:DeletePolicyVersion",
                    "iam:GetPolicy",
                    "iam:GetPolicyVersion",
                    "iam:ListPolicyVersions",
                    "iam:TagPolicy",
                    "iam:UntagPolicy",
                ],
            )
            .on([policies]),
            Statement::allow(
                "Federation",
                &[
                    "iam:AddClientIDToOpenIDConnectProvider",
                    "iam:CreateOpenIDConnectProvider",
                    "iam:DeleteOpenIDConnectProvider",
                    "iam:GetOpenIDConnectProvider",
                    "iam:RemoveClientIDFromOpenIDConnectProvider",
                    "iam:TagOpenIDConnectProvider",
                    "iam:UntagOpenIDConnectProvider",
                ],
            )
            .on([
                self.names.oidc_provider_arn(Github::ISSUER),
                self.names.oidc_provider_arn(Gitlab::ISSUER),
                self.iam(&issuer),
            ]),
            // Node groups leave instance profiles behind, which keep the role of the nodes from being deleted.
            Statement::allow("LeftProfiles", &["iam:RemoveRoleFromInstanceProfile"])
                .on([self.iam("instance-profile/eks-*")]),
            Statement::allow("ServiceRoles", &["iam:CreateServiceLinkedRole"]).on([
                self.iam(&format!("role/aws-service-role/{}/*", self.service("eks"))),
                self.iam(&format!(
                    "role/aws-service-role/{}/*",
                    self.service("eks-nodegroup")
                )),
            ]),
        ]
    }

    /// See [`network`]. Not needed in an existing network.
    fn network(&self) -> Vec<Statement> {
        let kinds = [
            "elastic-ip",
            "internet-gateway",
            "natgateway",
            "route-table",
            "security-group",
            "subnet",
            "vpc",
            "vpc-endpoint",
        ];
        let objects = kinds.map(|kind| self.regional("ec2", &format!("{kind}/*")));
        let made = [
            "ec2:AllocateAddress",
            "ec2:CreateInternetGateway",
            "ec2:CreateNatGateway",
            "ec2:CreateRouteTable",
            "ec2:CreateSecurityGroup",
            "ec2:CreateSubnet",
            "ec2:CreateTags",
            "ec2:CreateVpc",
            "ec2:CreateVpcEndpoint",
        ];
        let id = self.id.to_string();
        vec![
            Statement::allow("NewNetwork", &made).on(objects.clone()).when(
                "StringEquals",
                "aws:RequestTag/mlops:environment",
                [id.clone()],
            ),
            Statement::allow(
                "Network",
                &[
                    "ec2:AssociateRouteTable",
                    "ec2:AttachInternetGateway",
                    "ec2:AuthorizeSecurityGroupIngress",
                    "ec2:CreateNatGateway",
                    "ec2:CreateRoute",
                    "ec2:CreateRouteTable",
                    "ec2:CreateSecurityGroup",
                    "ec2:CreateSubnet",
                    "ec2:CreateTags",
                    "ec2:CreateVpcEndpoint",
                    "ec2:DeleteInternetGateway",
                    "ec2:DeleteNatGateway",
                    "ec2:DeleteRoute",
                    "ec2:DeleteRouteTable",
                    "ec2:DeleteSecurityGroup",
                    "ec2:DeleteSubnet",
                    "ec2:DeleteTags",
                    "ec2:DeleteVpc",
                    "ec2:DeleteVpcEndpoints",
                    "ec2:DetachInternetGateway",
                    "ec2:DisassociateRouteTable",
                    "ec2:ModifyVpcAttribute",
                    "ec2:ModifyVpcEndpoint",
                    "ec2:ReleaseAddress",
                    "ec2:ReplaceRoute",
                    "ec2:RevokeSecurityGroupIngress",
                ],
            )
            .on(objects)
            .when("StringEquals", "aws:ResourceTag/mlops:environment", [id]),
            Statement::allow("LeftInterfaces", &["ec2:DeleteNetworkInterface"])
                .on([self.regional("ec2", "network-interface/*")])
                .when(
                    "Null",
                    "aws:ResourceTag/node.k8s.amazonaws.com/instance_id",
                    ["false"],
                ),
        ]
    }

    /// Keys: those with this environment's mark, and new ones that get it.
    fn keys(&self) -> Vec<Statement> {
        let any = self.regional("kms", "key/*");
        let aliases = self.regional("kms", &format!("alias/{}-*", self.id.name));
        let id = self.id.to_string();
        vec![
            Statement::allow("NewKeys", &["kms:CreateKey", "kms:TagResource"])
                .on(["*"])
                .when("StringEquals", "aws:RequestTag/mlops:environment", [id.clone()]),
            Statement::allow(
                "Keys",
                &[
                    "kms:CancelKeyDeletion",
                    "kms:CreateAlias",
                    "kms:CreateGrant",
                    "kms:Decrypt",
                    "kms:DeleteAlias",
                    "kms:DescribeKey",
                    "kms:EnableKey",
                    "kms:EnableKeyRotation",
                    "kms:GenerateDataKey",
                    "kms:GetKeyPolicy",
                    "kms:GetKeyRotationStatus",
                    "kms:ListResourceTags",
                    "kms:PutKeyPolicy",
                    "kms:ScheduleKeyDeletion",
                    "kms:TagResource",
                    "kms:UntagResource",
                    "kms:UpdateKeyDescription",
                ],
            )
            .on([any])
            .when("StringEquals", "aws:ResourceTag/mlops:environment", [id]),
            Statement::allow("Aliases", &["kms:CreateAlias", "kms:DeleteAlias"]).on([aliases]),
            Statement::allow("ListKeys", &["kms:ListAliases", "kms:ListKeys"]).on(["*"]),
        ]
    }
}
