//! What planners and provisioners may do, and what bounds them and what they make. A test holds it to what applying needs
//! ([`crate::provisioner`]).
//!
//! A provisioner makes roles, so whoever holds it could make one that may do more: therefore every role that it makes or
//! changes must carry the tier's boundary, which it cannot change, and its own role lies in a path that it cannot reach.
//! Actions: <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>

use std::collections::BTreeSet;

use mlops_access::generate::aws::Bucket;
use mlops_access::generate::{Document, Github, Gitlab, Statement};

use super::super::Worker;
use super::Names;
use super::state::key_arn;
use crate::names::{EnvironmentId, bucket};
use crate::provisioner;
use crate::spec::{KEY_USES, Tier};

/// What is an environment's.
pub(super) struct Scope<'a> {
    names: Names<'a>,
    tier: Tier,
    environment: &'a EnvironmentId,
}

/// Policies of AWS that a role of an environment may have.
const ATTACHED: [&str; 3] = [
    "AmazonEKSClusterPolicy",
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
];

impl<'a> Scope<'a> {
    pub(super) fn new(names: Names<'a>, tier: Tier, environment: &'a EnvironmentId) -> Self {
        Self {
            names,
            tier,
            environment,
        }
    }

    fn name(&self) -> &str {
        self.environment.name.as_str()
    }

    fn bucket_arn(&self, usage: Bucket) -> String {
        format!(
            "arn:{}:s3:::{}",
            self.names.place.partition,
            bucket(self.environment, usage)
        )
    }

    fn buckets(&self) -> Vec<String> {
        Bucket::ALL.iter().map(|usage| self.bucket_arn(*usage)).collect()
    }

    fn objects(&self) -> Vec<String> {
        self.buckets().iter().map(|arn| format!("{arn}/*")).collect()
    }

    fn roles(&self) -> String {
        self.names
            .arn("iam", "", &format!("role/mlops/{}/*", self.name()))
    }

    fn role(&self, of: &str) -> String {
        let name = self.name();
        self.names
            .arn("iam", "", &format!("role/mlops/{name}/{name}-{of}"))
    }

    /// Of the cluster, whose pods become identities.
    fn pods_provider(&self) -> String {
        let issuer = format!(
            "oidc.eks.{}.{}/*",
            self.names.place.region,
            self.names.dns_suffix()
        );
        self.names.oidc_provider_arn(&issuer)
    }

    /// Of GitHub and GitLab, whose jobs become identities: shared by all of an account, and read here alone.
    fn forge_providers(&self) -> BTreeSet<String> {
        let issuers = [Github::ISSUER, Gitlab::ISSUER, self.names.issuer()];
        issuers
            .into_iter()
            .map(|issuer| self.names.oidc_provider_arn(issuer))
            .collect()
    }

    fn cluster(&self) -> [String; 3] {
        ["cluster/{}", "nodegroup/{}/*", "access-entry/{}/*"]
            .map(|resource| self.names.regional("eks", &resource.replace("{}", self.name())))
    }

    fn repositories(&self) -> String {
        self.names
            .regional("ecr", &format!("repository/{}/*", self.name()))
    }

    fn log_groups(&self) -> String {
        self.names
            .regional("logs", &format!("log-group:/aws/eks/{}/cluster*", self.name()))
    }

    fn secrets(&self) -> String {
        self.names
            .regional("secretsmanager", &format!("secret:{}/*", self.name()))
    }

    fn budget(&self) -> String {
        provisioner::budget_arn(self.environment, &self.names.place.partition)
    }

    fn keys(&self) -> String {
        self.names.regional("kms", "key/*")
    }

    fn marked(&self, statement: Statement) -> Statement {
        statement.when(
            "StringEquals",
            "aws:ResourceTag/mlops:environment",
            [self.environment.to_string()],
        )
    }

    fn bounded(&self, statement: Statement) -> Statement {
        let boundary = self.names.policy_arn(&self.names.boundary(self.tier));
        statement.when("StringEquals", "iam:PermissionsBoundary", [boundary])
    }

    fn claim(&self) -> String {
        format!("{}/mlops/{}/*", self.bucket_arn(Bucket::Logs), self.name())
    }
}

/// Inline policies of a worker, by name; beside them it has [`reading`].
pub(super) fn permissions(scope: &Scope<'_>, worker: Worker) -> Vec<(&'static str, Document)> {
    let document = |statements| Document { statements };
    let mut all = vec![("state", document(state(scope, worker)))];
    if worker == Worker::Provisioner {
        all.push(("write", document(write(scope))));
    }
    all
}

/// Policy of a provisioner for a network of the environment's own: one of its own, for inline there is no room.
pub(super) fn network(scope: &Scope<'_>) -> Document {
    Document {
        statements: provisioner::network(scope.environment, &scope.names.place.partition),
    }
}

/// What both workers read: a managed policy, because a role's inline policies have room for 10,240 characters together
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
pub(super) fn reading(scope: &Scope<'_>) -> Document {
    Document {
        statements: read(scope),
    }
}

/// The environment's own prefix of the state bucket. The native lock is an object beside the state that is written and
/// deleted: <https://developer.hashicorp.com/terraform/language/backend/s3#permissions-required>.
fn state(scope: &Scope<'_>, worker: Worker) -> Vec<Statement> {
    let bucket = scope.names.bucket_arn();
    let prefix = format!("{bucket}/{}", scope.name());
    let written: &[&str] = match worker {
        Worker::Planner => &["s3:GetObject"],
        Worker::Provisioner => &["s3:GetObject", "s3:PutObject"],
    };
    vec![
        Statement::allow("State", written).on([format!("{prefix}/*")]),
        Statement::allow("Lock", &["s3:GetObject", "s3:PutObject", "s3:DeleteObject"])
            .on([format!("{prefix}/*.tflock")]),
        // Terraform looks for workspaces below env:/, of which there are none. To be told that there is no state yet, which
        // asks no prefix, takes the right to list too: else the answer is 403
        // (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
        Statement::allow("ListState", &["s3:ListBucket"])
            .on([bucket.clone()])
            .when(
                "StringLikeIfExists",
                "s3:prefix",
                [format!("{}/*", scope.name()), "env:/*".to_owned()],
            ),
        Statement::allow("OpenState", &["kms:Decrypt", "kms:GenerateDataKey"])
            .on([key_arn()])
            .when(
                "StringEquals",
                "kms:ViaService",
                [format!(
                    "s3.{}.{}",
                    scope.names.place.region,
                    scope.names.dns_suffix()
                )],
            ),
    ]
}

/// What a refresh asks: how things are set up, never what they hold.
fn read(scope: &Scope<'_>) -> Vec<Statement> {
    vec![
        Statement::allow(
            "Buckets",
            &[
                "s3:GetBucket*",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:ListBucket",
                "s3:ListBucketMultipartUploads",
                "s3:ListBucketVersions",
            ],
        )
        .on(scope.buckets()),
        Statement::allow("Claim", &["s3:GetObject"]).on([scope.claim()]),
        Statement::allow("FindKeys", &["kms:ListAliases", "kms:ListKeys"]).on(["*"]),
        Statement::allow("TellKeysApart", &["kms:DescribeKey", "kms:ListResourceTags"]).on([scope.keys()]),
        scope.marked(
            Statement::allow("Keys", &["kms:GetKeyPolicy", "kms:GetKeyRotationStatus"]).on([scope.keys()]),
        ),
        Statement::allow(
            "Roles",
            &[
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
                "iam:ListRolePolicies",
            ],
        )
        .on([scope.roles()]),
        Statement::allow("Providers", &["iam:GetOpenIDConnectProvider"])
            .on([scope.pods_provider()])
            .on(scope.forge_providers()),
        Statement::allow("Cluster", &["eks:Describe*", "eks:List*"]).on(scope.cluster()),
        Statement::allow(
            "Network",
            &[
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
            ],
        )
        .on(["*"]),
        Statement::allow(
            "Repositories",
            &[
                "ecr:DescribeRepositories",
                "ecr:GetLifecyclePolicy",
                "ecr:ListImages",
                "ecr:ListTagsForResource",
            ],
        )
        .on([scope.repositories()]),
        // Cannot be narrowed to groups.
        Statement::allow("LogGroups", &["logs:DescribeLogGroups"]).on(["*"]),
        Statement::allow("LogGroup", &["logs:ListTagsForResource"]).on([scope.log_groups()]),
        Statement::allow("Secrets", &["secretsmanager:DescribeSecret"]).on([scope.secrets()]),
        Statement::allow("Budget", &["budgets:ListTagsForResource", "budgets:ViewBudget"])
            .on([scope.budget()]),
        provisioner::look_at_networks(),
    ]
}

/// What making, changing and deleting an environment takes.
fn write(scope: &Scope<'_>) -> Vec<Statement> {
    let name = scope.name();
    let id = scope.environment.to_string();
    let requested = |statement: Statement| {
        statement.when("StringEquals", "aws:RequestTag/mlops:environment", [id.clone()])
    };
    let attached =
        ATTACHED.map(|policy| format!("arn:{}:iam::aws:policy/{policy}", scope.names.place.partition));
    let aliases = KEY_USES.map(|(usage, _)| scope.names.regional("kms", &format!("alias/{name}-{usage}")));
    let templates = scope.names.regional("ec2", "launch-template/*");
    vec![
        Statement::allow(
            "WriteBuckets",
            &[
                "s3:CreateBucket",
                "s3:DeleteBucket",
                "s3:PutBucket*",
                "s3:PutEncryptionConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:TagResource",
            ],
        )
        .on(scope.buckets()),
        Statement::allow("WriteClaim", &["s3:PutObject"]).on([scope.claim()]),
        // Buckets that may be purged are emptied; nothing in them is read or written.
        Statement::allow("Empty", &["s3:AbortMultipartUpload", "s3:DeleteObjectVersion"]).on(scope.objects()),
        requested(Statement::allow("MakeKeys", &["kms:CreateKey", "kms:TagResource"]).on(["*"])),
        Statement::allow("NameKeys", &["kms:CreateAlias", "kms:DeleteAlias"]).on(aliases),
        scope.marked(
            Statement::allow(
                "WriteKeys",
                &[
                    "kms:CancelKeyDeletion",
                    "kms:CreateAlias",
                    "kms:DeleteAlias",
                    "kms:EnableKey*",
                    "kms:PutKeyPolicy",
                    "kms:ScheduleKeyDeletion",
                    "kms:TagResource",
                    "kms:UntagResource",
                    "kms:UpdateKeyDescription",
                ],
            )
            .on([scope.keys()]),
        ),
        // Services take a key over by a grant, or try it, in the caller's name.
        scope
            .marked(
                Statement::allow(
                    "LendKeys",
                    &["kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey"],
                )
                .on([scope.keys()]),
            )
            .when(
                "StringLike",
                "kms:ViaService",
                ["ecr", "eks", "secretsmanager"].map(|service| {
                    format!(
                        "{service}.{}.{}",
                        scope.names.place.region,
                        scope.names.dns_suffix()
                    )
                }),
            ),
        scope.bounded(
            Statement::allow(
                "MakeBoundedRoles",
                &[
                    "iam:CreateRole",
                    "iam:DeleteRolePolicy",
                    "iam:DetachRolePolicy",
                    "iam:PutRolePermissionsBoundary",
                    "iam:PutRolePolicy",
                ],
            )
            .on([scope.roles()]),
        ),
        scope
            .bounded(Statement::allow("Attach", &["iam:AttachRolePolicy"]).on([scope.roles()]))
            .when("ArnEquals", "iam:PolicyARN", attached),
        Statement::allow(
            "WriteRoles",
            &[
                "iam:DeleteRole",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
            ],
        )
        .on([scope.roles()]),
        Statement::allow("ReleaseRoles", &["iam:RemoveRoleFromInstanceProfile"]).on([scope.names.arn(
            "iam",
            "",
            "instance-profile/eks-*",
        )]),
        Statement::allow("PassRoles", &["iam:PassRole"])
            .on([scope.role("cluster"), scope.role("node")])
            .when(
                "StringEquals",
                "iam:PassedToService",
                ["ec2.amazonaws.com", "eks.amazonaws.com"],
            ),
        Statement::allow(
            "WriteProviders",
            &[
                "iam:AddClientIDToOpenIDConnectProvider",
                "iam:CreateOpenIDConnectProvider",
                "iam:DeleteOpenIDConnectProvider",
                "iam:RemoveClientIDFromOpenIDConnectProvider",
                "iam:TagOpenIDConnectProvider",
                "iam:UntagOpenIDConnectProvider",
            ],
        )
        .on([scope.pods_provider()]),
        Statement::allow("ServiceLinkedRoles", &["iam:CreateServiceLinkedRole"])
            .on([scope.names.arn("iam", "", "role/aws-service-role/*")])
            .when(
                "StringEquals",
                "iam:AWSServiceName",
                [
                    "eks.amazonaws.com",
                    "eks-nodegroup.amazonaws.com",
                    "autoscaling.amazonaws.com",
                ],
            ),
        Statement::allow(
            "WriteCluster",
            &[
                "eks:AssociateAccessPolicy",
                "eks:Create*",
                "eks:Delete*",
                "eks:DisassociateAccessPolicy",
                "eks:TagResource",
                "eks:UntagResource",
                "eks:Update*",
            ],
        )
        .on(scope.cluster()),
        requested(Statement::allow("MakeTemplates", &["ec2:CreateLaunchTemplate"]).on([templates.clone()])),
        requested(Statement::allow("TagTemplates", &["ec2:CreateTags"]).on([templates.clone()])).when(
            "StringEquals",
            "ec2:CreateAction",
            ["CreateLaunchTemplate"],
        ),
        scope.marked(
            Statement::allow(
                "WriteTemplates",
                &[
                    "ec2:CreateLaunchTemplateVersion",
                    "ec2:CreateTags",
                    "ec2:DeleteLaunchTemplate",
                ],
            )
            .on([templates]),
        ),
        // EKS tries the template in the caller's name:
        // https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html
        Statement::allow("TryTemplates", &["ec2:RunInstances"])
            .on(["*"])
            .when("Bool", "ec2:IsLaunchTemplateResource", ["true"]),
        Statement::allow(
            "WriteBudget",
            &[
                "budgets:ModifyBudget",
                "budgets:TagResource",
                "budgets:UntagResource",
            ],
        )
        .on([scope.budget()]),
        Statement::allow(
            "WriteRepositories",
            &[
                "ecr:CreateRepository",
                "ecr:DeleteRepository",
                "ecr:PutImageScanningConfiguration",
                "ecr:PutImageTagMutability",
                "ecr:PutLifecyclePolicy",
                "ecr:TagResource",
                "ecr:UntagResource",
            ],
        )
        .on([scope.repositories()]),
        Statement::allow(
            "WriteLogGroup",
            &[
                "logs:AssociateKmsKey",
                "logs:CreateLogGroup",
                "logs:DeleteLogGroup",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
                "logs:UntagResource",
            ],
        )
        .on([scope.log_groups()]),
        // Names, never values.
        Statement::allow(
            "WriteSecrets",
            &[
                "secretsmanager:CreateSecret",
                "secretsmanager:DeleteSecret",
                "secretsmanager:RestoreSecret",
                "secretsmanager:TagResource",
                "secretsmanager:UntagResource",
                "secretsmanager:UpdateSecret",
            ],
        )
        .on([scope.secrets()]),
    ]
}

/// The most that any role of an environment can ever do, whatever is written into its policies: use this environment's
/// things, never manage them. Inside it the environment's own policies decide who does what.
pub(super) fn boundary(scope: &Scope<'_>) -> Document {
    let name = scope.name();
    let by =
        |statement: Statement, of: &str| statement.when("ArnEquals", "aws:PrincipalArn", [scope.role(of)]);
    Document {
        statements: vec![
            Statement::allow(
                "Objects",
                &[
                    "s3:AbortMultipartUpload",
                    "s3:GetObject",
                    "s3:GetObjectVersion",
                    "s3:ListBucket",
                    "s3:ListMultipartUploadParts",
                    "s3:PutObject",
                ],
            )
            .on(scope.buckets().into_iter().chain(scope.objects())),
            scope.marked(
                Statement::allow(
                    "Keys",
                    &[
                        "kms:CreateGrant",
                        "kms:Decrypt",
                        "kms:DescribeKey",
                        "kms:Encrypt",
                        "kms:GenerateDataKey",
                        "kms:ListGrants",
                    ],
                )
                .on([scope.keys()]),
            ),
            Statement::allow(
                "Secrets",
                &["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            )
            .on([scope.secrets()]),
            Statement::allow(
                "Push",
                &[
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:CompleteLayerUpload",
                    "ecr:DescribeImageScanFindings",
                    "ecr:DescribeImages",
                    "ecr:DescribeRepositories",
                    "ecr:InitiateLayerUpload",
                    "ecr:ListImages",
                    "ecr:PutImage",
                    "ecr:UploadLayerPart",
                ],
            )
            .on([scope.repositories()]),
            // Images of other accounts too, where their own policy lets us: add-ons of AWS, a build account.
            Statement::allow(
                "Pull",
                &[
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:DescribeImageScanFindings",
                    "ecr:DescribeImages",
                    "ecr:GetAuthorizationToken",
                    "ecr:GetDownloadUrlForLayer",
                ],
            )
            .on(["*"]),
            Statement::allow("Metrics", &["cloudwatch:PutMetricData"])
                .on(["*"])
                .when("StringLike", "cloudwatch:namespace", [format!("mlops/{name}/*")]),
            Statement::allow(
                "ReadMetrics",
                &["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"],
            )
            .on(["*"]),
            Statement::allow("Cluster", &["eks:DescribeCluster"]).on([scope.cluster()[0].clone()]),
            by(
                Statement::allow(
                    "Node",
                    &[
                        "ec2:AssignPrivateIpAddresses",
                        "ec2:AttachNetworkInterface",
                        "ec2:CreateNetworkInterface",
                        "ec2:DeleteNetworkInterface",
                        "ec2:Describe*",
                        "ec2:DetachNetworkInterface",
                        "ec2:ModifyNetworkInterfaceAttribute",
                        "ec2:UnassignPrivateIpAddresses",
                        "eks-auth:AssumeRoleForPodIdentity",
                    ],
                )
                .on(["*"]),
                "node",
            ),
            by(
                Statement::allow("TagPodNetwork", &["ec2:CreateTags"])
                    .on(["arn:*:ec2:*:*:network-interface/*"]),
                "node",
            ),
            by(
                Statement::allow(
                    "ControlPlane",
                    &[
                        "autoscaling:*",
                        "ec2:*",
                        "elasticloadbalancing:*",
                        "iam:CreateServiceLinkedRole",
                        "kms:DescribeKey",
                    ],
                )
                .on(["*"]),
                "cluster",
            ),
        ],
    }
}

/// The most that a planner or provisioner can ever do. Their own policies say less; this holds where one of those is
/// changed: the way in, the boundaries and people's accounts stay out of reach.
pub(super) fn worker_boundary(names: Names<'_>) -> Document {
    let own = ["role", "policy"].map(|kind| names.arn("iam", "", &format!("{kind}/mlops-bootstrap/*")));
    let bucket = names.bucket_arn();
    Document {
        statements: vec![
            Statement::allow(
                "Services",
                &[
                    "ec2:*",
                    "ecr:*",
                    "eks:*",
                    "iam:*",
                    "kms:*",
                    "logs:*",
                    "s3:*",
                    "secretsmanager:*",
                    "sts:GetCallerIdentity",
                ],
            )
            .on(["*"]),
            Statement::deny(
                "NeverItself",
                &[
                    "iam:Attach*",
                    "iam:Create*",
                    "iam:Delete*",
                    "iam:Detach*",
                    "iam:PassRole",
                    "iam:Put*",
                    "iam:SetDefaultPolicyVersion",
                    "iam:Tag*",
                    "iam:Untag*",
                    "iam:Update*",
                ],
            )
            .on(own),
            Statement::deny(
                "NeverPeople",
                &[
                    "iam:*AccessKey*",
                    "iam:*Group*",
                    "iam:*LoginProfile*",
                    "iam:*SAMLProvider*",
                    "iam:*User*",
                    "iam:DeleteRolePermissionsBoundary",
                    "secretsmanager:GetSecretValue",
                ],
            )
            .on(["*"]),
            Statement::deny(
                "NeverTheStateBucket",
                &[
                    "s3:DeleteBucket*",
                    "s3:DeleteObjectVersion",
                    "s3:PutBucket*",
                    "s3:PutEncryptionConfiguration",
                    "s3:PutLifecycleConfiguration",
                ],
            )
            .on([bucket.clone(), format!("{bucket}/*")]),
        ],
    }
}
