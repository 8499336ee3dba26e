use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::aws::trial::{Trial, inputs};

fn create(trial: &mut Trial) -> String {
    let made = trial.ok(
        "CreateSecret",
        json!({"Name": "prod/db", "SecretString": "s3cret", "Tags": [{"Key": "a", "Value": "1"}]}),
    );
    made["ARN"].as_str().unwrap().to_owned()
}

#[test]
fn a_secret_waits_can_be_restored_and_goes() {
    let mut trial = Trial::of("secretsmanager");
    let arn = create(&mut trial);
    assert!(
        arn.starts_with("arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-"),
        "{arn}"
    );
    let deleted = trial.ok(
        "DeleteSecret",
        json!({"SecretId": "prod/db", "RecoveryWindowInDays": 7}),
    );
    assert_eq!(deleted["DeletionDate"], "2026-03-08T00:00:00Z");
    // It is still described, and its name is taken.
    assert!(trial.ok("DescribeSecret", json!({"SecretId": arn}))["DeletedDate"].is_string());
    let refusal = trial.refused("CreateSecret", json!({"Name": "prod/db"}));
    assert_eq!(refusal.code, "InvalidRequestException");
    assert!(
        refusal.message.contains("already scheduled for deletion"),
        "{refusal}"
    );
    for (operation, input) in [
        ("GetSecretValue", json!({"SecretId": arn})),
        ("PutSecretValue", json!({"SecretId": arn, "SecretString": "x"})),
        ("UpdateSecret", json!({"SecretId": arn, "Description": "x"})),
        ("TagResource", json!({"SecretId": arn, "Tags": []})),
        ("DeleteSecret", json!({"SecretId": arn})),
        (
            "PutResourcePolicy",
            json!({"SecretId": arn, "ResourcePolicy": "{}"}),
        ),
    ] {
        assert_eq!(
            trial.call(operation, input, b"").unwrap_err().code,
            "InvalidRequestException",
            "{operation}"
        );
    }
    assert_eq!(trial.ok("ListSecrets", json!({}))["SecretList"], json!([]));
    assert_eq!(
        trial.ok("ListSecrets", json!({"IncludePlannedDeletion": true}))["SecretList"][0]["Name"],
        "prod/db"
    );
    trial.ok("RestoreSecret", json!({"SecretId": "prod/db"}));
    assert_eq!(
        trial.ok("GetSecretValue", json!({"SecretId": "prod/db"}))["SecretString"],
        "s3cret"
    );
    trial.ok("DeleteSecret", json!({"SecretId": "prod/db"}));
    trial.days(30);
    let refusal = trial
        .call("DescribeSecret", json!({"SecretId": "prod/db"}), b"")
        .unwrap_err();
    assert_eq!(refusal.code, "ResourceNotFoundException");
    create(&mut trial);
}

#[test]
fn a_forced_deletion_blocks_the_name_for_moments() {
    let mut trial = Trial::of("secretsmanager");
    create(&mut trial);
    trial.ok(
        "DeleteSecret",
        json!({"SecretId": "prod/db", "ForceDeleteWithoutRecovery": true}),
    );
    assert_eq!(
        trial.code("DescribeSecret", json!({"SecretId": "prod/db"})),
        "ResourceNotFoundException"
    );
    let refusal = trial.refused("CreateSecret", json!({"Name": "prod/db"}));
    assert_eq!(refusal.code, "InvalidRequestException");
    assert!(refusal.message.contains("was deleted"), "{refusal}");
    trial.pass(SignedDuration::from_secs(5));
    create(&mut trial);
}

#[test]
fn odd_windows_are_refused() {
    let mut trial = Trial::of("secretsmanager");
    create(&mut trial);
    for input in [
        json!({"SecretId": "prod/db", "RecoveryWindowInDays": 6}),
        json!({"SecretId": "prod/db", "RecoveryWindowInDays": 31}),
        json!({"SecretId": "prod/db", "RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": true}),
    ] {
        assert_eq!(trial.code("DeleteSecret", input), "InvalidParameterException");
    }
    assert_eq!(
        trial.code("DeleteSecret", json!({"SecretId": "none"})),
        "ResourceNotFoundException"
    );
}

#[test]
fn versions_move_through_their_stages() {
    let mut trial = Trial::of("secretsmanager");
    create(&mut trial);
    let second = trial.ok(
        "PutSecretValue",
        json!({"SecretId": "prod/db", "SecretString": "second"}),
    );
    assert_eq!(second["VersionStages"], json!(["AWSCURRENT"]));
    let get = |trial: &mut Trial, stage: &str| {
        trial.ok(
            "GetSecretValue",
            json!({"SecretId": "prod/db", "VersionStage": stage}),
        )["SecretString"]
            .clone()
    };
    assert_eq!(get(&mut trial, "AWSCURRENT"), "second");
    assert_eq!(get(&mut trial, "AWSPREVIOUS"), "s3cret");
    trial.ok(
        "UpdateSecret",
        json!({"SecretId": "prod/db", "SecretString": "third"}),
    );
    assert_eq!(get(&mut trial, "AWSPREVIOUS"), "second");
    let versions = trial.ok("ListSecretVersionIds", json!({"SecretId": "prod/db"}));
    assert_eq!(versions["Versions"].as_array().unwrap().len(), 2);
    let all = trial.ok(
        "ListSecretVersionIds",
        json!({"SecretId": "prod/db", "IncludeDeprecated": true}),
    );
    assert_eq!(all["Versions"].as_array().unwrap().len(), 3);
    assert_eq!(
        trial.code(
            "GetSecretValue",
            json!({"SecretId": "prod/db", "VersionStage": "none"})
        ),
        "ResourceNotFoundException"
    );
    let back =
        json!({"SecretId": "prod/db", "VersionStage": "AWSCURRENT", "MoveToVersionId": second["VersionId"]});
    assert_eq!(
        trial.code("UpdateSecretVersionStage", back),
        "InvalidParameterException"
    );
}

#[test]
fn the_same_token_gives_the_same_secret() {
    let mut trial = Trial::of("secretsmanager");
    let token = "0123456789abcdef0123456789abcdef";
    let input = |text: &str| json!({"Name": "a", "SecretString": text, "ClientRequestToken": token});
    let first = trial.ok("CreateSecret", input("x"));
    assert_eq!(trial.ok("CreateSecret", input("x")), first);
    assert_eq!(trial.code("CreateSecret", input("y")), "ResourceExistsException");
    assert_eq!(
        trial.code("CreateSecret", json!({"Name": "a"})),
        "ResourceExistsException"
    );
    let put = json!({"SecretId": "a", "SecretString": "y", "ClientRequestToken": token});
    assert_eq!(trial.code("PutSecretValue", put), "ResourceExistsException");
}

#[test]
fn a_value_needs_a_usable_key() {
    let mut trial = Trial::of("secretsmanager");
    let made = trial.call_to("kms", "CreateKey", json!({}), b"").unwrap().output;
    let key = made["KeyMetadata"]["Arn"].clone();
    trial.ok(
        "CreateSecret",
        json!({"Name": "a", "SecretString": "x", "KmsKeyId": key}),
    );
    let read = trial.request("secretsmanager", "GetSecretValue", json!({"SecretId": "a"}), b"");
    let needs = super::needs(&trial.world, &read);
    assert_eq!(
        (needs.len(), needs[0].action, needs[0].context.0),
        (1, "kms:Decrypt", "SecretARN")
    );
    trial
        .call_to("kms", "DisableKey", json!({"KeyId": key}), b"")
        .unwrap();
    assert_eq!(
        trial.code(
            "CreateSecret",
            json!({"Name": "b", "SecretString": "x", "KmsKeyId": key})
        ),
        "EncryptionFailure"
    );
    assert_eq!(
        trial
            .call("GetSecretValue", json!({"SecretId": "a"}), b"")
            .unwrap_err()
            .code,
        "DecryptionFailure"
    );
    assert_eq!(
        trial
            .call(
                "PutSecretValue",
                json!({"SecretId": "a", "SecretString": "y"}),
                b""
            )
            .unwrap_err()
            .code,
        "EncryptionFailure"
    );
}

#[test]
fn a_secret_is_found_by_name_arn_and_part_of_it() {
    let mut trial = Trial::of("secretsmanager");
    let arn = create(&mut trial);
    for id in ["prod/db", &arn, arn.rsplit_once('-').unwrap().0] {
        assert_eq!(
            trial.ok("DescribeSecret", json!({"SecretId": id}))["Name"],
            "prod/db"
        );
    }
    assert_eq!(
        trial.code("DescribeSecret", json!({"SecretId": format!("{arn}x")})),
        "ResourceNotFoundException"
    );
}

#[test]
fn lists_filter_and_page() {
    let mut trial = Trial::of("secretsmanager");
    for name in ["prod/a", "prod/b", "dev/a"] {
        trial.ok(
            "CreateSecret",
            json!({"Name": name, "Description": format!("Of {name}")}),
        );
    }
    let names = |output: &Value| -> Vec<String> {
        output["SecretList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|secret| secret["Name"].as_str().unwrap().to_owned())
            .collect()
    };
    let filter = |key: &str, value: &str| json!({"Filters": [{"Key": key, "Values": [value]}]});
    assert_eq!(
        names(&trial.ok("ListSecrets", filter("name", "prod/"))),
        ["prod/a", "prod/b"]
    );
    assert_eq!(
        names(&trial.ok("ListSecrets", filter("name", "!prod/"))),
        ["dev/a"]
    );
    let first = trial.ok("ListSecrets", json!({"MaxResults": 2}));
    assert_eq!(names(&first), ["dev/a", "prod/a"]);
    assert_eq!(
        names(&trial.ok("ListSecrets", json!({"NextToken": first["NextToken"]}))),
        ["prod/b"]
    );
    assert_eq!(
        trial.code("ListSecrets", json!({"NextToken": "?"})),
        "InvalidNextTokenException"
    );
}

#[test]
fn resource_policies_are_checked() {
    let mut trial = Trial::of("secretsmanager");
    create(&mut trial);
    let policy = |principal: Value| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal,
        "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]})
        .to_string()
    };
    trial.ok(
        "PutResourcePolicy",
        json!({"SecretId": "prod/db", "ResourcePolicy": policy(json!({"AWS": "111122223333"}))}),
    );
    assert!(trial.ok("GetResourcePolicy", json!({"SecretId": "prod/db"}))["ResourcePolicy"].is_string());
    let public =
        json!({"SecretId": "prod/db", "ResourcePolicy": policy(json!("*")), "BlockPublicPolicy": true});
    assert_eq!(trial.code("PutResourcePolicy", public), "PublicPolicyException");
    for document in [
        "{",
        r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#,
    ] {
        let put = json!({"SecretId": "prod/db", "ResourcePolicy": document});
        assert_eq!(
            trial.code("PutResourcePolicy", put),
            "MalformedPolicyDocumentException"
        );
    }
    trial.ok("DeleteResourcePolicy", json!({"SecretId": "prod/db"}));
    assert!(
        trial
            .ok("GetResourcePolicy", json!({"SecretId": "prod/db"}))
            .get("ResourcePolicy")
            .is_none()
    );
}

#[test]
fn a_value_is_never_printed() {
    let mut trial = Trial::of("secretsmanager");
    create(&mut trial);
    assert!(!format!("{:?}", trial.world).contains("s3cret"));
}

#[test]
fn names_values_and_tags_have_rules() {
    let mut trial = Trial::of("secretsmanager");
    assert_eq!(
        trial.code("CreateSecret", json!({"Name": "a b"})),
        "ValidationException"
    );
    for input in [
        json!({"Name": "a", "SecretString": "x", "SecretBinary": "eA=="}),
        json!({"Name": "a", "SecretString": "x".repeat(65_537)}),
        json!({"Name": "a", "Tags": [{"Key": "aws:x", "Value": ""}]}),
    ] {
        assert_eq!(trial.code("CreateSecret", input), "InvalidParameterException");
    }
    let drawn = trial.ok(
        "GetRandomPassword",
        json!({"PasswordLength": 12, "ExcludePunctuation": true}),
    );
    assert_eq!(drawn["RandomPassword"].as_str().unwrap().len(), 12);
    let nothing = json!({"ExcludePunctuation": true, "ExcludeLowercase": true, "ExcludeUppercase": true, "ExcludeNumbers": true});
    assert_eq!(
        trial.code("GetRandomPassword", nothing),
        "InvalidParameterException"
    );
}

#[test]
fn values_and_stages_have_rules() {
    let mut trial = Trial::of("secretsmanager");
    create(&mut trial);
    let first = trial.ok("GetSecretValue", json!({"SecretId": "prod/db"}))["VersionId"].clone();
    let second = trial.ok(
        "PutSecretValue",
        json!({"SecretId": "prod/db", "SecretString": "x"}),
    )["VersionId"]
        .clone();
    for (operation, input, code) in [
        (
            "PutSecretValue",
            json!({"SecretId": "prod/db"}),
            "InvalidParameterException",
        ),
        (
            "GetSecretValue",
            json!({"SecretId": "prod/db", "VersionId": first, "VersionStage": "AWSCURRENT"}),
            "InvalidRequestException",
        ),
        (
            "GetSecretValue",
            json!({"SecretId": "prod/db", "VersionId": "none"}),
            "ResourceNotFoundException",
        ),
        (
            "UpdateSecretVersionStage",
            json!({"SecretId": "prod/db", "VersionStage": "AWSCURRENT", "RemoveFromVersionId": second}),
            "InvalidParameterException",
        ),
        (
            "UpdateSecretVersionStage",
            json!({"SecretId": "prod/db", "VersionStage": "AWSCURRENT", "RemoveFromVersionId": second, "MoveToVersionId": "none"}),
            "ResourceNotFoundException",
        ),
        (
            "UpdateSecret",
            json!({"SecretId": "prod/db", "Description": "x".repeat(2049)}),
            "InvalidParameterException",
        ),
        ("BatchGetSecretValue", json!({}), "InvalidParameterException"),
        (
            "ListSecretVersionIds",
            json!({"SecretId": "prod/db", "NextToken": "?"}),
            "InvalidNextTokenException",
        ),
    ] {
        assert_eq!(
            trial.call(operation, input.clone(), b"").unwrap_err().code,
            code,
            "{operation} {input}"
        );
    }
    trial.ok("UpdateSecretVersionStage", json!({"SecretId": "prod/db", "VersionStage": "AWSCURRENT", "RemoveFromVersionId": second, "MoveToVersionId": first}));
    assert_eq!(
        trial.ok("GetSecretValue", json!({"SecretId": "prod/db"}))["SecretString"],
        "s3cret"
    );
    let many = trial.ok(
        "BatchGetSecretValue",
        json!({"SecretIdList": ["prod/db", "none"]}),
    );
    assert_eq!(
        (
            many["SecretValues"].as_array().unwrap().len(),
            &many["Errors"][0]["ErrorCode"]
        ),
        (1, &json!("ResourceNotFoundException"))
    );
}

const OPERATIONS: [&str; 18] = [
    "CreateSecret",
    "DescribeSecret",
    "UpdateSecret",
    "ListSecrets",
    "DeleteSecret",
    "RestoreSecret",
    "GetSecretValue",
    "BatchGetSecretValue",
    "PutSecretValue",
    "ListSecretVersionIds",
    "UpdateSecretVersionStage",
    "GetResourcePolicy",
    "PutResourcePolicy",
    "DeleteResourcePolicy",
    "ValidateResourcePolicy",
    "TagResource",
    "UntagResource",
    "GetRandomPassword",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_input_panics(calls in proptest::collection::vec((proptest::sample::select(&OPERATIONS[..]), inputs(&[
        "Name", "SecretId", "SecretString", "SecretBinary", "ClientRequestToken", "KmsKeyId", "Description", "Tags", "Key", "Value",
        "TagKeys", "Filters", "Values", "MaxResults", "NextToken", "VersionStages", "VersionStage", "VersionId", "MoveToVersionId",
        "RecoveryWindowInDays", "ResourcePolicy", "PasswordLength", "ExcludeCharacters", "SecretIdList",
    ])), 1..12)) {
        let mut trial = Trial::of("secretsmanager");
        for (operation, input) in calls {
            let _ = trial.call(operation, input, b"");
        }
    }
}
