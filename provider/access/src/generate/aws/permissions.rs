use super::{AdditionalPermission, Bucket, Principal, Scope};
use crate::{
    Purpose,
    generate::{Document, RegistryMode, Service, Statement},
};

/// Characters that the inline policies of a role may have together.
const INLINE_LIMIT: usize = 10_240;

const READ: &[&str] = &["s3:GetObject"];
const READ_VERSIONS: &[&str] = &["s3:GetObject", "s3:GetObjectVersion"];
const APPEND: &[&str] = &["s3:PutObject", "s3:AbortMultipartUpload"];
const APPEND_PARTS: &[&str] = &[
    "s3:PutObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
];

pub(super) const PULL: &[&str] = &["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
const PUSH: &[&str] = &[
    "ecr:InitiateLayerUpload",
    "ecr:UploadLayerPart",
    "ecr:CompleteLayerUpload",
    "ecr:PutImage",
];
const INSPECT: &[&str] = &["ecr:DescribeImages", "ecr:DescribeImageScanFindings"];
const BROWSE: &[&str] = &[
    "ecr:BatchCheckLayerAvailability",
    "ecr:DescribeRepositories",
    "ecr:ListImages",
];

/// What an identity may do: its inline policy.
///
/// A principal whose service is not in the scope gets an empty document, which IAM refuses, so a mistake shows.
#[must_use]
pub fn permissions(scope: &Scope, principal: Principal<'_>) -> Document {
    let service = principal
        .service
        .and_then(|name| Some((name, scope.services.get(name)?)));
    let mut statements = match (principal.purpose, service) {
        (Purpose::Ci, _) => ci(scope, repositories(scope)),
        (Purpose::Deploy, _) => deploy(scope, repositories(scope)),
        (Purpose::Runtime, Some((name, service))) => runtime(scope, name, service),
        (Purpose::Drift, Some((name, service))) => drift(scope, name, service),
        (Purpose::Retrain, Some((name, service))) => retrain(scope, name, service),
        (Purpose::Node, _) => return super::node_permissions(scope),
        (Purpose::Runtime | Purpose::Drift | Purpose::Retrain, None) => Vec::new(),
    };
    statements.extend(
        scope
            .additional_permissions
            .get(&principal.purpose)
            .into_iter()
            .flatten()
            .map(additional),
    );
    let document = Document { statements };
    if document.size() <= INLINE_LIMIT {
        return document;
    }
    // Too many repositories for one inline policy: the environment's prefix holds nothing else.
    let prefix = format!("{}*", scope.registry.prefix);
    let mut document = document;
    for statement in &mut document.statements {
        if statement
            .resources
            .iter()
            .any(|r| r.starts_with(&scope.registry.prefix))
        {
            statement.resources = vec![prefix.clone()];
        }
    }
    document
}

fn additional(permission: &AdditionalPermission) -> Statement {
    let letters: String = permission
        .id
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let actions: Vec<&str> = permission.actions.iter().map(String::as_str).collect();
    let mut statement = Statement::allow(&format!("Additional{letters}"), &actions).on(&permission.resources);
    statement.conditions = permission.conditions.clone();
    statement
}

/// ARNs of the environment's repositories, in order.
pub(super) fn repositories(scope: &Scope) -> Vec<String> {
    let mut names: Vec<&String> = scope.services.values().flat_map(|s| &s.repositories).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .map(|name| format!("{}{name}", scope.registry.prefix))
        .collect()
}

pub(super) fn ci(scope: &Scope, repositories: Vec<String>) -> Vec<Statement> {
    let mut statements = vec![registry_login()];
    if repositories.is_empty() {
        return statements;
    }
    statements
        .push(Statement::allow("ReadImages", &[BROWSE, PULL, INSPECT].concat()).on(repositories.clone()));
    if scope.registry.mode == RegistryMode::Create {
        statements.push(Statement::allow("PushImages", PUSH).on(repositories));
    }
    statements
}

pub(super) fn deploy(scope: &Scope, repositories: Vec<String>) -> Vec<Statement> {
    let mut statements = Vec::new();
    if let Some(cluster) = &scope.cluster {
        statements.push(Statement::allow("ReachCluster", &["eks:DescribeCluster"]).on([&cluster.arn]));
    }
    statements.push(registry_login());
    if !repositories.is_empty() {
        statements.push(Statement::allow("VerifyImages", &[PULL, INSPECT].concat()).on(repositories));
    }
    statements
}

/// The action has no resource to scope it by; it yields a login, not a right to any repository.
pub(super) fn registry_login() -> Statement {
    Statement::allow("RegistryLogin", &["ecr:GetAuthorizationToken"]).on(["*"])
}

fn runtime(scope: &Scope, name: &str, service: &Service) -> Vec<Statement> {
    let own = format!("{name}/*");
    let mut statements = Vec::new();
    statements.extend(objects(
        scope,
        "ReadOwnModels",
        READ_VERSIONS,
        &[(Bucket::Models, &own)],
    ));
    statements.extend(list(scope, "ListOwnModels", &[Bucket::Models], &own));
    statements.extend(append_predictions(scope, &own));
    statements.extend(decrypt(scope, "DecryptModels", &[Bucket::Models]));
    statements.extend(encrypt(scope, "EncryptPredictions", &[Bucket::Predictions]));
    statements.extend(secrets(scope, service.secrets_of(Purpose::Runtime)));
    statements
}

/// With write-once a new object must say that it replaces nothing. The parts of a multipart upload carry no such
/// header and create nothing yet, so they are told apart by `s3:ObjectCreationOperation`
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html>).
pub(super) fn append_predictions(scope: &Scope, own: &str) -> Vec<Statement> {
    let target = [(Bucket::Predictions, own)];
    let Some(append) = objects(scope, "AppendOwnPredictions", APPEND, &target) else {
        return Vec::new();
    };
    if !scope.options.write_once {
        return vec![append];
    }
    let create = objects(scope, "AppendOwnPredictions", &["s3:PutObject"], &target)
        .map(|s| s.when("Null", "s3:if-none-match", ["false"]));
    let parts = objects(scope, "UploadPredictionParts", &["s3:PutObject"], &target)
        .map(|s| s.when("BoolIfExists", "s3:ObjectCreationOperation", ["false"]));
    let abort = objects(
        scope,
        "AbortPredictionUploads",
        &["s3:AbortMultipartUpload"],
        &target,
    );
    create.into_iter().chain(parts).chain(abort).collect()
}

fn drift(scope: &Scope, name: &str, service: &Service) -> Vec<Statement> {
    let (own, reference) = (format!("{name}/*"), format!("{name}/reference/*"));
    let read = [
        (Bucket::Data, reference.as_str()),
        (Bucket::Predictions, own.as_str()),
    ];
    let mut statements = Vec::new();
    statements.extend(objects(scope, "ReadReferenceAndPredictions", READ, &read));
    statements.extend(list(scope, "ListReference", &[Bucket::Data], &reference));
    statements.extend(list(scope, "ListPredictions", &[Bucket::Predictions], &own));
    statements.extend(objects(
        scope,
        "AppendOwnReports",
        APPEND,
        &[(Bucket::Reports, &own)],
    ));
    statements.extend(decrypt(
        scope,
        "DecryptReferenceAndPredictions",
        &[Bucket::Data, Bucket::Predictions],
    ));
    statements.extend(encrypt(scope, "EncryptReports", &[Bucket::Reports]));
    statements.extend(metrics(scope, name));
    statements.extend(secrets(scope, service.secrets_of(Purpose::Drift)));
    statements
}

/// `PutMetricData` takes no resource; its namespace is the scope. Reading metrics cannot be scoped at all.
pub(super) fn metrics(scope: &Scope, service: &str) -> Vec<Statement> {
    let namespace = format!("mlops/{}/{service}", scope.environment);
    let operator = if service.contains('*') {
        "StringLike"
    } else {
        "StringEquals"
    };
    let mut statements = vec![
        Statement::allow("PutOwnMetrics", &["cloudwatch:PutMetricData"])
            .on(["*"])
            .when(operator, "cloudwatch:namespace", [namespace]),
    ];
    if scope.options.metrics_read {
        statements.push(
            Statement::allow(
                "ReadMetrics",
                &["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"],
            )
            .on(["*"]),
        );
    }
    statements
}

fn retrain(scope: &Scope, name: &str, service: &Service) -> Vec<Statement> {
    let (own, versions) = (format!("{name}/*"), format!("{name}/versions/*"));
    let readable = [Bucket::Data, Bucket::Predictions, Bucket::Models, Bucket::Mlflow];
    let written = [Bucket::Models, Bucket::Mlflow];
    let mut statements = Vec::new();
    statements.extend(objects(
        scope,
        "ReadOwnHistory",
        READ_VERSIONS,
        &readable.map(|b| (b, own.as_str())),
    ));
    statements.extend(list(scope, "ListOwnHistory", &readable, &own));
    statements.extend(objects(
        scope,
        "CreateModelVersionsAndRecords",
        APPEND_PARTS,
        &[
            (Bucket::Models, versions.as_str()),
            (Bucket::Mlflow, own.as_str()),
        ],
    ));
    statements.extend(decrypt(scope, "DecryptHistory", &readable));
    statements.extend(encrypt(scope, "EncryptModelsAndRecords", &written));
    statements.extend(secrets(scope, service.secrets_of(Purpose::Retrain)));
    statements
}

/// Actions on objects under a prefix. The owner of the bucket is pinned: a bucket that was deleted and re-created by
/// someone else under the same name must get nothing.
pub(super) fn objects(
    scope: &Scope,
    sid: &str,
    actions: &[&str],
    targets: &[(Bucket, &str)],
) -> Option<Statement> {
    let resources: Vec<String> = targets
        .iter()
        .filter_map(|(bucket, keys)| Some(format!("{}/{keys}", scope.bucket_arn(*bucket)?)))
        .collect();
    (!resources.is_empty()).then(|| {
        Statement::allow(sid, actions)
            .on(resources)
            .when("StringEquals", OWNER, [&scope.account])
    })
}

pub(super) fn list(scope: &Scope, sid: &str, buckets: &[Bucket], prefix: &str) -> Option<Statement> {
    let resources: Vec<String> = buckets.iter().filter_map(|b| scope.bucket_arn(*b)).collect();
    (!resources.is_empty()).then(|| {
        Statement::allow(sid, &["s3:ListBucket"])
            .on(resources)
            .when("StringEquals", OWNER, [&scope.account])
            .when("StringLike", "s3:prefix", [prefix])
    })
}

const OWNER: &str = "aws:ResourceAccount";

pub(super) fn decrypt(scope: &Scope, sid: &str, buckets: &[Bucket]) -> Option<Statement> {
    through_s3(scope, sid, &["kms:Decrypt"], buckets)
}

/// Writing needs a data key, and decryption of it for the later parts of a multipart upload.
pub(super) fn encrypt(scope: &Scope, sid: &str, buckets: &[Bucket]) -> Option<Statement> {
    through_s3(scope, sid, &["kms:GenerateDataKey", "kms:Decrypt"], buckets)
}

/// Use of the storage key by S3 only, for these buckets only. With bucket keys (which our buckets have) the encryption
/// context is the bucket's ARN, not the object's.
fn through_s3(scope: &Scope, sid: &str, actions: &[&str], buckets: &[Bucket]) -> Option<Statement> {
    let key = scope.storage_key_arn.as_ref()?;
    let contexts: Vec<String> = buckets.iter().filter_map(|b| scope.bucket_arn(*b)).collect();
    (!contexts.is_empty()).then(|| {
        Statement::allow(sid, actions)
            .on([key])
            .when(
                "StringEquals",
                "kms:ViaService",
                [format!("s3.{}.{}", scope.region, scope.dns_suffix())],
            )
            .when("StringEquals", "kms:EncryptionContext:aws:s3:arn", contexts)
    })
}

/// Secrets by their whole ARN: a pattern for the random suffix would also match a secret whose name goes on with a
/// hyphen and six characters.
pub(super) fn secrets<'a>(scope: &Scope, arns: impl Iterator<Item = &'a str>) -> Vec<Statement> {
    let arns: Vec<&str> = arns.collect();
    if arns.is_empty() {
        return Vec::new();
    }
    let operator = if arns.iter().any(|a| a.contains('*')) {
        "StringLike"
    } else {
        "StringEquals"
    };
    let mut statements = vec![
        Statement::allow(
            "OwnSecrets",
            &["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"],
        )
        .on(arns.clone()),
    ];
    if let Some(key) = &scope.secrets_key_arn {
        let service = format!("secretsmanager.{}.{}", scope.region, scope.dns_suffix());
        statements.push(
            Statement::allow("DecryptSecrets", &["kms:Decrypt"])
                .on([key])
                .when("StringEquals", "kms:ViaService", [service])
                .when(operator, "kms:EncryptionContext:SecretARN", arns),
        );
    }
    statements
}
