//! Who may do what: an identity acts in each service, and is refused or allowed by what stands in the world.

use mlops_access::aws::actions;
use mlops_sandbox::protocol::description::{SERVICES, service};
use mlops_sandbox::{Caller, Refusal, aws};
use serde_json::{Value, json};

use super::cloud::{ACCOUNT, Cloud, REGION, allow, id, operator};

const ACTOR: &str = "arn:aws:sts::111122223333:assumed-role/actor/session";

/// A world with a role that may nothing, and its session as caller.
struct Stage {
    cloud: Cloud,
}

impl Stage {
    fn new() -> Self {
        let mut cloud = Cloud::new();
        cloud.role("actor", "ec2.amazonaws.com");
        Self { cloud }
    }

    /// As the operator.
    fn ok(&mut self, service: &str, operation: &str, input: Value) -> Value {
        self.cloud.ok(service, operation, input)
    }

    fn grant(&mut self, document: &str) {
        self.ok(
            "iam",
            "PutRolePolicy",
            json!({"RoleName": "actor", "PolicyName": "p", "PolicyDocument": document}),
        );
    }

    fn may(&mut self, service: &str, operation: &str, input: Value) -> Result<(), Refusal> {
        self.may_as(ACTOR, service, operation, input)
    }

    fn may_as(&mut self, who: &str, service: &str, operation: &str, input: Value) -> Result<(), Refusal> {
        self.cloud.caller = Caller {
            principal: who.to_owned(),
            operator: false,
        };
        let call = self.cloud.request(service, operation, input);
        self.cloud.caller = operator();
        aws::authorize::authorize(&self.cloud.world, &call)
    }

    fn words(&mut self, service: &str, operation: &str, input: Value) -> String {
        self.may(service, operation, input.clone())
            .map(|()| panic!("{operation} {input} was allowed"))
            .unwrap_err()
            .message
    }
}

fn regional(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}")
}

fn statement(effect: &str, actions: &[&str], resource: &str, condition: Value) -> Value {
    json!({"Effect": effect, "Action": actions, "Resource": resource, "Condition": condition})
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// One operation of each kind in each service: what it needs, on what.
fn table() -> Vec<(&'static str, &'static str, Value, &'static str, String)> {
    let iam = |resource: &str| format!("arn:aws:iam::{ACCOUNT}:{resource}");
    vec![
        (
            "eks",
            "DescribeCluster",
            json!({"name": "a"}),
            "eks:DescribeCluster",
            regional("eks", "cluster/a"),
        ),
        ("eks", "ListClusters", json!({}), "eks:ListClusters", "*".into()),
        (
            "eks",
            "CreateNodegroup",
            json!({"clusterName": "a", "nodegroupName": "n"}),
            "eks:CreateNodegroup",
            regional("eks", "cluster/a"),
        ),
        (
            "eks",
            "DescribeNodegroup",
            json!({"clusterName": "a", "nodegroupName": "n"}),
            "eks:DescribeNodegroup",
            regional("eks", "nodegroup/a/n/*"),
        ),
        (
            "iam",
            "GetRole",
            json!({"RoleName": "r"}),
            "iam:GetRole",
            iam("role/r"),
        ),
        (
            "iam",
            "CreateRole",
            json!({"RoleName": "r", "Path": "/ml/"}),
            "iam:CreateRole",
            iam("role/ml/r"),
        ),
        ("iam", "ListRoles", json!({}), "iam:ListRoles", iam("role/")),
        (
            "iam",
            "CreateOpenIDConnectProvider",
            json!({"Url": "https://a.example.com"}),
            "iam:CreateOpenIDConnectProvider",
            iam("oidc-provider/a.example.com"),
        ),
        ("ec2", "DescribeVpcs", json!({}), "ec2:DescribeVpcs", "*".into()),
        (
            "ec2",
            "DeleteVpc",
            json!({"VpcId": "vpc-1"}),
            "ec2:DeleteVpc",
            regional("ec2", "vpc/vpc-1"),
        ),
        (
            "ec2",
            "CreateVpc",
            json!({"CidrBlock": "10.0.0.0/16"}),
            "ec2:CreateVpc",
            regional("ec2", "vpc/*"),
        ),
        (
            "ecr",
            "DescribeRepositories",
            json!({"repositoryNames": ["ml/a"]}),
            "ecr:DescribeRepositories",
            regional("ecr", "repository/ml/a"),
        ),
        (
            "ecr",
            "GetAuthorizationToken",
            json!({}),
            "ecr:GetAuthorizationToken",
            "*".into(),
        ),
        (
            "s3",
            "GetObject",
            json!({"Bucket": "b", "Key": "k"}),
            "s3:GetObject",
            "arn:aws:s3:::b/k".into(),
        ),
        (
            "s3",
            "GetObject",
            json!({"Bucket": "b", "Key": "k", "VersionId": "v"}),
            "s3:GetObjectVersion",
            "arn:aws:s3:::b/k".into(),
        ),
        (
            "s3",
            "ListObjectsV2",
            json!({"Bucket": "b"}),
            "s3:ListBucket",
            "arn:aws:s3:::b".into(),
        ),
        (
            "s3",
            "PutBucketEncryption",
            json!({"Bucket": "b"}),
            "s3:PutEncryptionConfiguration",
            "arn:aws:s3:::b".into(),
        ),
        ("s3", "ListBuckets", json!({}), "s3:ListAllMyBuckets", "*".into()),
        (
            "s3",
            "DeleteObjects",
            json!({"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}]}}),
            "s3:DeleteObject",
            "arn:aws:s3:::b/k".into(),
        ),
        ("kms", "CreateKey", json!({}), "kms:CreateKey", "*".into()),
        (
            "kms",
            "DescribeKey",
            json!({"KeyId": "k"}),
            "kms:DescribeKey",
            regional("kms", "key/k"),
        ),
        (
            "logs",
            "CreateLogGroup",
            json!({"logGroupName": "/a"}),
            "logs:CreateLogGroup",
            regional("logs", "log-group:/a:log-stream:"),
        ),
        (
            "logs",
            "ListTagsForResource",
            json!({"resourceArn": regional("logs", "log-group:/a")}),
            "logs:ListTagsForResource",
            regional("logs", "log-group:/a"),
        ),
        (
            "secretsmanager",
            "CreateSecret",
            json!({"Name": "s"}),
            "secretsmanager:CreateSecret",
            regional("secretsmanager", "secret:s"),
        ),
        (
            "secretsmanager",
            "ListSecrets",
            json!({}),
            "secretsmanager:ListSecrets",
            "*".into(),
        ),
        (
            "sts",
            "GetAccessKeyInfo",
            json!({"AccessKeyId": "x"}),
            "sts:GetAccessKeyInfo",
            "*".into(),
        ),
    ]
}

#[test]
fn every_service_asks_for_its_action_on_its_resource() {
    for (service, operation, input, action, resource) in table() {
        let mut stage = Stage::new();
        let refusal = stage.may(service, operation, input.clone()).unwrap_err();
        let code = match service {
            "ec2" => "UnauthorizedOperation",
            "s3" | "iam" | "sts" => "AccessDenied",
            _ => "AccessDeniedException",
        };
        assert_eq!(refusal.code, code, "{operation}");
        let named = if service == "s3" && resource != "*" {
            format!("\"{resource}\"")
        } else {
            resource.clone()
        };
        let words = format!(
            "User: {ACTOR} is not authorized to perform: {action} on resource: {named} because no identity-based policy allows the {action} action"
        );
        assert!(refusal.message.ends_with(&words), "{}", refusal.message);
        stage.grant(&allow(&[action], &resource));
        stage
            .may(service, operation, input.clone())
            .unwrap_or_else(|refusal| panic!("{operation}: {refusal}"));
        if resource != "*" {
            stage.grant(&allow(&[action], &format!("{resource}-other")));
            assert!(stage.may(service, operation, input).is_err(), "{operation}");
        }
    }
}

#[test]
fn every_operation_that_is_described_asks_for_an_action_that_exists() {
    let mut stage = Stage::new();
    for &name in SERVICES {
        let described = service(name).unwrap();
        for operation in described.operations.keys() {
            let input = json!({
                "Bucket": "b", "Key": "k", "name": "a", "clusterName": "a", "RoleName": "r", "KeyId": "k",
                "SourceKeyId": "k", "DestinationKeyId": "k", "Delete": {"Objects": [{"Key": "k"}]},
            });
            let Err(refusal) = stage.may(name, operation, input) else {
                assert_eq!(name, "sts", "{operation} needs nothing");
                continue;
            };
            let action = refusal.message.split("perform: ").nth(1).unwrap();
            let action = action.split(' ').next().unwrap();
            assert!(
                actions::lookup(action).is_some(),
                "{name} {operation}: no action {action}"
            );
        }
    }
}

#[test]
fn what_is_denied_is_denied_whatever_else_allows_it() {
    let mut stage = Stage::new();
    stage.grant(&document(&[
        statement("Allow", &["eks:*"], "*", json!({})),
        statement("Deny", &["eks:DeleteCluster"], "*", json!({})),
    ]));
    assert!(stage.may("eks", "DescribeCluster", json!({"name": "a"})).is_ok());
    let words = stage.words("eks", "DeleteCluster", json!({"name": "a"}));
    assert!(
        words.ends_with("with an explicit deny in an identity-based policy"),
        "{words}"
    );
}

#[test]
fn a_boundary_limits_and_says_so() {
    let mut stage = Stage::new();
    stage.grant(&allow(&["iam:*", "eks:*"], "*"));
    let boundary = id(&stage.ok(
        "iam",
        "CreatePolicy",
        json!({"PolicyName": "limit", "PolicyDocument": allow(&["eks:*"], "*")}),
    )["Policy"]["Arn"]);
    stage.ok(
        "iam",
        "PutRolePermissionsBoundary",
        json!({"RoleName": "actor", "PermissionsBoundary": boundary}),
    );
    assert!(stage.may("eks", "ListClusters", json!({})).is_ok());
    let words = stage.words("iam", "GetRole", json!({"RoleName": "r"}));
    assert!(
        words.ends_with("because no permissions boundary allows the iam:GetRole action"),
        "{words}"
    );
}

#[test]
fn a_session_policy_limits_and_says_so() {
    let mut stage = Stage::new();
    stage.grant(&allow(&["eks:*"], "*"));
    stage.ok(
        "iam",
        "UpdateAssumeRolePolicy",
        json!({"RoleName": "actor", "PolicyDocument": json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "sts:AssumeRole"}],
        }).to_string()}),
    );
    stage.ok(
        "sts",
        "AssumeRole",
        json!({
            "RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/actor"),
            "RoleSessionName": "session",
            "Policy": allow(&["eks:ListClusters"], "*"),
        }),
    );
    assert!(stage.may("eks", "ListClusters", json!({})).is_ok());
    let words = stage.words("eks", "DescribeCluster", json!({"name": "a"}));
    assert!(
        words.ends_with("because no session policy allows the eks:DescribeCluster action"),
        "{words}"
    );
}

#[test]
fn a_role_that_is_gone_may_nothing() {
    let mut stage = Stage::new();
    stage.grant(&allow(&["eks:*"], "*"));
    stage.ok(
        "iam",
        "DeleteRolePolicy",
        json!({"RoleName": "actor", "PolicyName": "p"}),
    );
    stage.ok("iam", "DeleteRole", json!({"RoleName": "actor"}));
    assert!(stage.may("eks", "ListClusters", json!({})).is_err());
}

#[test]
fn whoever_hands_over_a_role_must_be_allowed_to() {
    let mut stage = Stage::new();
    let role = format!("arn:aws:iam::{ACCOUNT}:role/plane");
    let input = json!({"name": "a", "roleArn": role});
    stage.grant(&allow(&["eks:CreateCluster"], "*"));
    let words = stage.words("eks", "CreateCluster", input.clone());
    assert!(
        words.contains(&format!("iam:PassRole on resource: {role}")),
        "{words}"
    );
    let to = |service: &str| {
        document(&[
            statement("Allow", &["eks:CreateCluster"], "*", json!({})),
            statement(
                "Allow",
                &["iam:PassRole"],
                &role,
                json!({"StringEquals": {"iam:PassedToService": service}}),
            ),
        ])
    };
    stage.grant(&to("ec2.amazonaws.com"));
    assert!(stage.may("eks", "CreateCluster", input.clone()).is_err());
    stage.grant(&to("eks.amazonaws.com"));
    assert!(stage.may("eks", "CreateCluster", input).is_ok());
}

#[test]
fn tags_at_creation_are_asked_for_and_can_be_demanded() {
    for (service, operation, input, create, tag) in [
        (
            "iam",
            "CreateRole",
            json!({"RoleName": "r", "Tags": [{"Key": "owner", "Value": "ml"}]}),
            "iam:CreateRole",
            "iam:TagRole",
        ),
        (
            "ec2",
            "CreateVpc",
            json!({"CidrBlock": "10.0.0.0/16", "TagSpecifications": [
                {"ResourceType": "vpc", "Tags": [{"Key": "owner", "Value": "ml"}]},
            ]}),
            "ec2:CreateVpc",
            "ec2:CreateTags",
        ),
        (
            "kms",
            "CreateKey",
            json!({"Tags": [{"TagKey": "owner", "TagValue": "ml"}]}),
            "kms:CreateKey",
            "kms:TagResource",
        ),
        (
            "logs",
            "CreateLogGroup",
            json!({"logGroupName": "/a", "tags": {"owner": "ml"}}),
            "logs:CreateLogGroup",
            "logs:TagResource",
        ),
        (
            "secretsmanager",
            "CreateSecret",
            json!({"Name": "s", "Tags": [{"Key": "owner", "Value": "ml"}]}),
            "secretsmanager:CreateSecret",
            "secretsmanager:TagResource",
        ),
        (
            "ecr",
            "CreateRepository",
            json!({"repositoryName": "r", "tags": [{"Key": "owner", "Value": "ml"}]}),
            "ecr:CreateRepository",
            "ecr:TagResource",
        ),
        (
            "eks",
            "CreateCluster",
            json!({"name": "a", "tags": {"owner": "ml"}}),
            "eks:CreateCluster",
            "eks:TagResource",
        ),
        (
            "s3",
            "CreateBucket",
            json!({"Bucket": "b", "CreateBucketConfiguration": {"Tags": [{"Key": "owner", "Value": "ml"}]}}),
            "s3:CreateBucket",
            "s3:TagResource",
        ),
    ] {
        let mut stage = Stage::new();
        stage.grant(&allow(&[create], "*"));
        let words = stage.words(service, operation, input.clone());
        assert!(words.contains(&format!("perform: {tag} ")), "{words}");
        let tagged = |value: &str| {
            document(&[statement(
                "Allow",
                &[create, tag],
                "*",
                json!({"StringEquals": {"aws:RequestTag/owner": value}}),
            )])
        };
        stage.grant(&tagged("other"));
        assert!(
            stage.may(service, operation, input.clone()).is_err(),
            "{operation}"
        );
        stage.grant(&tagged("ml"));
        stage
            .may(service, operation, input)
            .unwrap_or_else(|refusal| panic!("{operation}: {refusal}"));
    }
}

#[test]
fn what_stands_is_told_apart_by_its_tags() {
    let mut stage = Stage::new();
    for (name, owner) in [("ours", "ml"), ("theirs", "web")] {
        stage.ok(
            "secretsmanager",
            "CreateSecret",
            json!({"Name": name, "SecretString": "x", "Tags": [{"Key": "owner", "Value": owner}]}),
        );
    }
    stage.grant(&document(&[statement(
        "Allow",
        &["secretsmanager:GetSecretValue"],
        "*",
        json!({"StringEquals": {"aws:ResourceTag/owner": "ml"}}),
    )]));
    assert!(
        stage
            .may("secretsmanager", "GetSecretValue", json!({"SecretId": "ours"}))
            .is_ok()
    );
    assert!(
        stage
            .may("secretsmanager", "GetSecretValue", json!({"SecretId": "theirs"}))
            .is_err()
    );
}

#[test]
fn a_keys_policy_has_the_first_word() {
    let mut stage = Stage::new();
    let key = id(&stage.ok("kms", "CreateKey", json!({}))["KeyMetadata"]["Arn"]);
    let decrypt = json!({"KeyId": key, "CiphertextBlob": ""});
    assert!(stage.may("kms", "Decrypt", decrypt.clone()).is_err());
    stage.grant(&allow(&["kms:Decrypt"], &key));
    assert!(stage.may("kms", "Decrypt", decrypt.clone()).is_ok());
    // A policy that names the operator alone leaves identity policies nothing to say.
    let closed = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:user/operator")},
        "Action": "kms:*",
        "Resource": "*",
    }]});
    stage.ok(
        "kms",
        "PutKeyPolicy",
        json!({"KeyId": key, "PolicyName": "default", "Policy": closed.to_string()}),
    );
    let words = stage.words("kms", "Decrypt", decrypt.clone());
    assert!(
        words.ends_with("because no resource-based policy allows the kms:Decrypt action"),
        "{words}"
    );
    stage.ok(
        "kms",
        "CreateGrant",
        json!({
            "KeyId": key,
            "GranteePrincipal": format!("arn:aws:iam::{ACCOUNT}:role/actor"),
            "Operations": ["Decrypt"],
        }),
    );
    assert!(stage.may("kms", "Decrypt", decrypt).is_ok());
    assert!(
        stage
            .may("kms", "Encrypt", json!({"KeyId": key, "Plaintext": ""}))
            .is_err()
    );
}

#[test]
fn a_bucket_of_another_account_opens_only_by_its_policy() {
    let mut stage = Stage::new();
    stage.grant(&allow(&["s3:GetObject", "s3:ListBucket"], "*"));
    stage.ok(
        "s3",
        "CreateBucket",
        json!({"Bucket": "theirs", "CreateBucketConfiguration": {"LocationConstraint": REGION}}),
    );
    stage
        .cloud
        .world
        .aws
        .s3
        .buckets
        .get_mut("theirs")
        .unwrap()
        .account = "444455556666".into();
    let get = json!({"Bucket": "theirs", "Key": "k"});
    let words = stage.words("s3", "GetObject", get.clone());
    assert!(words.contains("no resource-based policy"), "{words}");
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:role/actor")},
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": ["arn:aws:s3:::theirs", "arn:aws:s3:::theirs/*"],
    }]});
    stage.cloud.world.aws.s3.buckets.get_mut("theirs").unwrap().policy = Some(policy.to_string());
    assert!(stage.may("s3", "GetObject", get).is_ok());
}

#[test]
fn who_may_not_list_learns_nothing_of_what_is_not_there() {
    let mut stage = Stage::new();
    stage.ok(
        "s3",
        "CreateBucket",
        json!({"Bucket": "ours", "CreateBucketConfiguration": {"LocationConstraint": REGION}}),
    );
    stage.ok("s3", "PutObject", json!({"Bucket": "ours", "Key": "there"}));
    stage.grant(&allow(&["s3:GetObject"], "arn:aws:s3:::ours/*"));
    let get = |key: &str| json!({"Bucket": "ours", "Key": key});
    assert!(stage.may("s3", "GetObject", get("there")).is_ok());
    assert!(
        stage
            .words("s3", "GetObject", get("missing"))
            .contains("s3:ListBucket")
    );
}

#[test]
fn writing_under_a_key_needs_the_key() {
    let mut stage = Stage::new();
    let key = id(&stage.ok("kms", "CreateKey", json!({}))["KeyMetadata"]["Arn"]);
    stage.ok(
        "s3",
        "CreateBucket",
        json!({"Bucket": "ours", "CreateBucketConfiguration": {"LocationConstraint": REGION}}),
    );
    let put = json!({"Bucket": "ours", "Key": "k", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key});
    stage.grant(&allow(&["s3:PutObject"], "*"));
    assert!(
        stage
            .words("s3", "PutObject", put.clone())
            .contains("kms:GenerateDataKey")
    );
    let via = json!({"StringEquals": {"kms:ViaService": format!("s3.{REGION}.amazonaws.com")}});
    stage.grant(&document(&[
        statement("Allow", &["s3:PutObject"], "*", json!({})),
        statement("Allow", &["kms:GenerateDataKey"], &key, via),
    ]));
    assert!(stage.may("s3", "PutObject", put).is_ok());
    // Only through S3.
    assert!(
        stage
            .may(
                "kms",
                "GenerateDataKey",
                json!({"KeyId": key, "KeySpec": "AES_256"})
            )
            .is_err()
    );
}

#[test]
fn strangers_read_only_what_is_shown_to_all() {
    let mut stage = Stage::new();
    stage.ok(
        "s3",
        "CreateBucket",
        json!({"Bucket": "ours", "CreateBucketConfiguration": {"LocationConstraint": REGION}}),
    );
    stage.ok("s3", "PutObject", json!({"Bucket": "ours", "Key": "k"}));
    let get = json!({"Bucket": "ours", "Key": "k"});
    let refusal = stage
        .may_as("anonymous", "s3", "GetObject", get.clone())
        .unwrap_err();
    assert_eq!(
        (refusal.status, refusal.code.as_str(), refusal.message.as_str()),
        (403, "AccessDenied", "Access Denied")
    );
    stage.ok("s3", "DeletePublicAccessBlock", json!({"Bucket": "ours"}));
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ours/*",
    }]});
    stage.ok(
        "s3",
        "PutBucketPolicy",
        json!({"Bucket": "ours", "Policy": policy.to_string()}),
    );
    assert!(stage.may_as("anonymous", "s3", "GetObject", get.clone()).is_ok());
    // Under RestrictPublicBuckets the policy that stands counts no more.
    stage.ok(
        "s3",
        "PutPublicAccessBlock",
        json!({"Bucket": "ours", "PublicAccessBlockConfiguration": {"RestrictPublicBuckets": true}}),
    );
    assert!(stage.may_as("anonymous", "s3", "GetObject", get).is_err());
}

#[test]
fn everybody_may_ask_who_they_are() {
    let mut stage = Stage::new();
    assert!(stage.may("sts", "GetCallerIdentity", json!({})).is_ok());
}
