use super::{Bucket, Principal, Scope, role_arn};
use crate::{
    Purpose,
    generate::{Document, Principals, Statement},
};

/// What a key protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Kubernetes secrets of the cluster.
    Cluster,
    /// The buckets.
    Storage,
    /// Secrets Manager.
    Secrets,
    /// Log groups.
    Logs,
}

/// The policy of a bucket: what is refused whoever asks, and for the logs bucket who may deliver.
///
/// An empty document (a bucket that is not in the scope, or no guardrail switched on) means no policy is needed.
#[must_use]
pub fn bucket_policy(scope: &Scope, bucket: Bucket) -> Document {
    let Some(arn) = scope.bucket_arn(bucket) else {
        return Document::default();
    };
    let everything = [arn.clone(), format!("{arn}/*")];
    let mut statements = Vec::new();
    if scope.options.tls_only {
        statements.push(
            Statement::deny("OnlyTls", &["s3:*"])
                .to(Principals::Everyone)
                .on(everything.clone())
                .when("Bool", "aws:SecureTransport", ["false"]),
        );
    }
    // An anonymous caller has no account, so "not equals" holds for it as well. Services act for an account that
    // their own statement pins.
    statements.push(
        Statement::deny("OnlyThisAccount", &["s3:*"])
            .to(Principals::Everyone)
            .on(everything)
            .when("StringNotEquals", "aws:PrincipalAccount", [&scope.account])
            .when("BoolIfExists", "aws:PrincipalIsAWSService", ["false"]),
    );
    if bucket == Bucket::Models && scope.options.exclusive_writers {
        let writers = scope
            .services
            .keys()
            .map(|s| role_arn(scope, Principal::of_service(Purpose::Retrain, s)))
            .chain(scope.provisioner_arns.iter().cloned());
        statements.push(
            Statement::deny(
                "OnlyRetrainWrites",
                &["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"],
            )
            .to(Principals::Everyone)
            .on([format!("{arn}/*")])
            .when("ArnNotEquals", "aws:PrincipalArn", writers),
        );
    }
    if bucket == Bucket::Logs {
        let sources = Bucket::ALL
            .into_iter()
            .filter(|b| *b != Bucket::Logs)
            .filter_map(|b| scope.bucket_arn(b));
        statements.push(
            Statement::allow("DeliverAccessLogs", &["s3:PutObject"])
                .to(Principals::Service("logging.s3.amazonaws.com".to_owned()))
                .on([format!("{arn}/*")])
                .when("StringEquals", "aws:SourceAccount", [&scope.account])
                .when("ArnEquals", "aws:SourceArn", sources),
        );
    }
    Document { statements }
}

/// The policy of a key: administration through IAM and by the provisioner; a service only for this environment's
/// things.
#[must_use]
pub fn key_policy(scope: &Scope, use_: KeyUse) -> Document {
    let mut statements = vec![
        Statement::allow("AdministeredByIam", &["kms:*"])
            .to(Principals::Aws(vec![format!(
                "arn:{}:iam::{}:root",
                scope.partition, scope.account
            )]))
            .on(["*"]),
    ];
    if !scope.provisioner_arns.is_empty() {
        statements.push(
            Statement::allow(
                "ManagedByProvisioner",
                &[
                    "kms:DescribeKey",
                    "kms:GetKeyPolicy",
                    "kms:GetKeyRotationStatus",
                    "kms:ListResourceTags",
                    "kms:PutKeyPolicy",
                    "kms:EnableKeyRotation",
                    "kms:ScheduleKeyDeletion",
                    "kms:CancelKeyDeletion",
                    "kms:TagResource",
                    "kms:UntagResource",
                    "kms:UpdateKeyDescription",
                ],
            )
            .to(Principals::Aws(scope.provisioner_arns.iter().cloned().collect()))
            .on(["*"]),
        );
    }
    if use_ == KeyUse::Logs {
        statements.push(
            Statement::allow(
                "LogGroupsOfTheCluster",
                &[
                    "kms:Encrypt*",
                    "kms:Decrypt*",
                    "kms:ReEncrypt*",
                    "kms:GenerateDataKey*",
                    "kms:Describe*",
                ],
            )
            .to(Principals::Service(format!(
                "logs.{}.{}",
                scope.region,
                scope.dns_suffix()
            )))
            .on(["*"])
            .when(
                "ArnLike",
                "kms:EncryptionContext:aws:logs:arn",
                [format!(
                    "arn:{}:logs:{}:{}:log-group:/aws/eks/{}/*",
                    scope.partition, scope.region, scope.account, scope.environment
                )],
            ),
        );
    }
    Document { statements }
}
