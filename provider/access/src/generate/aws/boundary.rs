use super::{
    Bucket, Scope,
    permissions::{append_predictions, ci, decrypt, deploy, encrypt, list, metrics, objects, secrets},
};
use crate::{
    Purpose,
    generate::{Document, Statement},
};

/// What no identity of the five may ever do, whatever is attached to it.
const NEVER: &[&str] = &[
    "iam:*",
    "organizations:*",
    "account:*",
    "sts:AssumeRole",
    "sts:GetFederationToken",
    "kms:CreateGrant",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:Disable*",
    "s3:Put*Policy",
    "s3:PutBucketAcl",
    "s3:PutObjectAcl",
    "s3:PutBucketPublicAccessBlock",
    "s3:DeleteBucket*",
    "s3:BypassGovernanceRetention",
    "ecr:SetRepositoryPolicy",
    "ecr:DeleteRepository",
    "ecr:PutLifecyclePolicy",
    "eks:Create*",
    "eks:Update*",
    "eks:Delete*",
    "eks:AssociateAccessPolicy",
    "ec2:*",
    "cloudtrail:*",
    "logs:Delete*",
    "logs:PutRetentionPolicy",
];

/// The permissions boundary of a purpose: the most that any role of it can ever have in this environment.
///
/// Resources are the environment's, by prefix, so one boundary serves all services and stays small. If somebody
/// attaches `AdministratorAccess`, what remains is this purpose's rights on the environment's other services.
#[must_use]
pub fn boundary(scope: &Scope, purpose: Purpose) -> Document {
    let repositories = || vec![format!("{}*", scope.registry.prefix)];
    let all_secrets = format!(
        "arn:{}:secretsmanager:{}:{}:secret:{}/*",
        scope.partition, scope.region, scope.account, scope.environment
    );
    let any = "*/*";
    let mut statements = match purpose {
        Purpose::Ci => ci(scope, repositories()),
        Purpose::Deploy => deploy(scope, repositories()),
        Purpose::Runtime => {
            let mut s = Vec::new();
            s.extend(objects(
                scope,
                "ReadModels",
                &["s3:GetObject", "s3:GetObjectVersion"],
                &[(Bucket::Models, any)],
            ));
            s.extend(list(scope, "ListModels", &[Bucket::Models], any));
            s.extend(append_predictions(scope, any));
            s.extend(decrypt(scope, "DecryptModels", &[Bucket::Models]));
            s.extend(encrypt(scope, "EncryptPredictions", &[Bucket::Predictions]));
            s
        }
        Purpose::Drift => {
            let reference = "*/reference/*";
            let read = [(Bucket::Data, reference), (Bucket::Predictions, any)];
            let mut s = Vec::new();
            s.extend(objects(
                scope,
                "ReadReferenceAndPredictions",
                &["s3:GetObject"],
                &read,
            ));
            s.extend(list(scope, "ListReference", &[Bucket::Data], reference));
            s.extend(list(scope, "ListPredictions", &[Bucket::Predictions], any));
            s.extend(objects(
                scope,
                "AppendReports",
                &["s3:PutObject", "s3:AbortMultipartUpload"],
                &[(Bucket::Reports, any)],
            ));
            s.extend(decrypt(
                scope,
                "DecryptReferenceAndPredictions",
                &[Bucket::Data, Bucket::Predictions],
            ));
            s.extend(encrypt(scope, "EncryptReports", &[Bucket::Reports]));
            s.extend(metrics(scope, "*"));
            s
        }
        Purpose::Retrain => {
            let readable = [Bucket::Data, Bucket::Predictions, Bucket::Models, Bucket::Mlflow];
            let mut s = Vec::new();
            s.extend(objects(
                scope,
                "ReadHistory",
                &["s3:GetObject", "s3:GetObjectVersion"],
                &readable.map(|b| (b, any)),
            ));
            s.extend(list(scope, "ListHistory", &readable, any));
            s.extend(objects(
                scope,
                "CreateModelVersionsAndRecords",
                &[
                    "s3:PutObject",
                    "s3:AbortMultipartUpload",
                    "s3:ListMultipartUploadParts",
                ],
                &[(Bucket::Models, "*/versions/*"), (Bucket::Mlflow, any)],
            ));
            s.extend(decrypt(scope, "DecryptHistory", &readable));
            s.extend(encrypt(
                scope,
                "EncryptModelsAndRecords",
                &[Bucket::Models, Bucket::Mlflow],
            ));
            s
        }
        Purpose::Node => return super::node_boundary(scope),
    };
    if purpose.per_service() {
        statements.extend(secrets(scope, std::iter::once(all_secrets.as_str())));
    }
    for permission in scope.additional_permissions.get(&purpose).into_iter().flatten() {
        let actions: Vec<&str> = permission.actions.iter().map(String::as_str).collect();
        let letters: String = permission
            .id
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        let mut statement =
            Statement::allow(&format!("Additional{letters}"), &actions).on(&permission.resources);
        statement.conditions = permission.conditions.clone();
        statements.push(statement);
    }
    statements.push(Statement::deny("Never", NEVER).on(["*"]));
    Document { statements }
}
