use proptest::prelude::*;
use serde_json::{Value, json};

use super::usage::{Obstacle, own_key, usable};
use crate::aws::trial::{ACCOUNT, OTHER, REGION, Trial, inputs};

fn key(trial: &mut Trial) -> String {
    let made = trial.ok("CreateKey", json!({"Description": "data"}));
    made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
}

fn policy(principal: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"}]})
    .to_string()
}

#[test]
fn a_key_lives_rotates_and_goes_after_its_window() {
    let mut trial = Trial::of("kms");
    let id = key(&mut trial);
    trial.ok(
        "CreateAlias",
        json!({"AliasName": "alias/data", "TargetKeyId": id}),
    );
    trial.ok(
        "EnableKeyRotation",
        json!({"KeyId": id, "RotationPeriodInDays": 100}),
    );
    let status = trial.ok("GetKeyRotationStatus", json!({"KeyId": id}));
    assert_eq!(
        (
            &status["KeyRotationEnabled"],
            &status["RotationPeriodInDays"],
            &status["NextRotationDate"]
        ),
        (&json!(true), &json!(100), &json!("2026-06-09T00:00:00Z"))
    );
    let described = trial.ok("DescribeKey", json!({"KeyId": "alias/data"}));
    assert_eq!(described["KeyMetadata"]["KeyState"], "Enabled");
    let scheduled = trial.ok(
        "ScheduleKeyDeletion",
        json!({"KeyId": id, "PendingWindowInDays": 7}),
    );
    assert_eq!(scheduled["DeletionDate"], "2026-03-08T00:00:00Z");
    let status = trial.ok("GetKeyRotationStatus", json!({"KeyId": id}));
    assert_eq!(status["KeyRotationEnabled"], json!(false));
    trial.days(6);
    assert_eq!(
        trial.ok("DescribeKey", json!({"KeyId": id}))["KeyMetadata"]["KeyState"],
        "PendingDeletion"
    );
    trial.days(1);
    assert_eq!(
        trial
            .call("DescribeKey", json!({"KeyId": id}), b"")
            .unwrap_err()
            .code,
        "NotFoundException"
    );
    // The alias went with it.
    assert_eq!(trial.ok("ListAliases", json!({}))["Aliases"], json!([]));
}

#[test]
fn a_cancelled_deletion_leaves_the_key_disabled() {
    let mut trial = Trial::of("kms");
    let id = key(&mut trial);
    trial.ok("EnableKeyRotation", json!({"KeyId": id}));
    trial.ok("ScheduleKeyDeletion", json!({"KeyId": id}));
    trial.ok("CancelKeyDeletion", json!({"KeyId": id}));
    assert_eq!(
        trial.ok("DescribeKey", json!({"KeyId": id}))["KeyMetadata"]["KeyState"],
        "Disabled"
    );
    assert_eq!(
        trial.ok("GetKeyRotationStatus", json!({"KeyId": id}))["KeyRotationEnabled"],
        json!(true)
    );
    assert_eq!(
        trial.code("CancelKeyDeletion", json!({"KeyId": id})),
        "KMSInvalidStateException"
    );
}

#[test]
fn a_key_that_waits_for_its_deletion_refuses_to_be_changed() {
    let mut trial = Trial::of("kms");
    let id = key(&mut trial);
    trial.ok("ScheduleKeyDeletion", json!({"KeyId": id}));
    for (operation, input) in [
        (
            "CreateAlias",
            json!({"AliasName": "alias/late", "TargetKeyId": id}),
        ),
        ("ScheduleKeyDeletion", json!({"KeyId": id})),
        ("EnableKey", json!({"KeyId": id})),
        ("DisableKey", json!({"KeyId": id})),
        ("EnableKeyRotation", json!({"KeyId": id})),
        (
            "TagResource",
            json!({"KeyId": id, "Tags": [{"TagKey": "a", "TagValue": "b"}]}),
        ),
        ("UntagResource", json!({"KeyId": id, "TagKeys": ["a"]})),
        ("UpdateKeyDescription", json!({"KeyId": id, "Description": "x"})),
        ("Encrypt", json!({"KeyId": id, "Plaintext": "YQ=="})),
        (
            "CreateGrant",
            json!({"KeyId": id, "GranteePrincipal": "arn:aws:iam::111122223333:role/x", "Operations": ["Encrypt"]}),
        ),
    ] {
        let refusal = trial.call(operation, input, b"").unwrap_err();
        assert_eq!(refusal.code, "KMSInvalidStateException", "{operation}");
        assert!(refusal.message.contains("is pending deletion"), "{refusal}");
    }
    // Reading and the policy still work.
    trial.ok("GetKeyPolicy", json!({"KeyId": id, "PolicyName": "default"}));
    trial.ok("ListResourceTags", json!({"KeyId": id}));
}

#[test]
fn windows_and_periods_outside_their_range_are_refused() {
    let mut trial = Trial::of("kms");
    let id = key(&mut trial);
    for days in [3, 6, 31] {
        let input = json!({"KeyId": id, "PendingWindowInDays": days});
        assert_eq!(trial.code("ScheduleKeyDeletion", input), "ValidationException");
    }
    let input = json!({"KeyId": id, "RotationPeriodInDays": 89});
    assert_eq!(trial.code("EnableKeyRotation", input), "ValidationException");
}

#[test]
fn a_policy_that_locks_out_or_names_nobody_known_is_refused() {
    let mut trial = Trial::of("kms");
    let id = key(&mut trial);
    let root = json!({"AWS": format!("arn:aws:iam::{ACCOUNT}:root")});
    trial.ok(
        "PutKeyPolicy",
        json!({"KeyId": id, "PolicyName": "default", "Policy": policy(&root)}),
    );
    let refused = |trial: &mut Trial, document: String| {
        let refusal = trial.refused("PutKeyPolicy", json!({"KeyId": id, "Policy": document}));
        assert_eq!(refusal.code, "MalformedPolicyDocumentException");
        refusal.message
    };
    let elsewhere = json!({"AWS": format!("arn:aws:iam::{OTHER}:root")});
    assert!(refused(&mut trial, policy(&elsewhere)).contains("update the key policy in the future"));
    let odd = json!({"Service": "logs.example.com"});
    assert!(refused(&mut trial, policy(&odd)).contains("invalid principals"));
    let gone =
        json!({"AWS": [format!("arn:aws:iam::{ACCOUNT}:root"), format!("arn:aws:iam::{ACCOUNT}:role/none")]});
    assert!(refused(&mut trial, policy(&gone)).contains("invalid principals"));
    refused(&mut trial, "{".into());
    refused(
        &mut trial,
        json!({"Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}).to_string(),
    );
    // Whoever insists may lock everybody out.
    let input = json!({"KeyId": id, "Policy": policy(&elsewhere), "BypassPolicyLockoutSafetyCheck": true});
    trial.ok("PutKeyPolicy", input);
    let long = policy(&json!({"AWS": "*"})) + &" ".repeat(32_768);
    assert_eq!(
        trial.code("CreateKey", json!({"Policy": long})),
        "LimitExceededException"
    );
}

#[test]
fn aliases_have_rules() {
    let mut trial = Trial::of("kms");
    let (one, two) = (key(&mut trial), key(&mut trial));
    trial.ok("CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": one}));
    for (name, code) in [
        ("alias/a", "AlreadyExistsException"),
        ("a", "ValidationException"),
        ("alias/", "InvalidAliasNameException"),
        ("alias/a b", "InvalidAliasNameException"),
        ("alias/aws/s3", "NotAuthorizedException"),
    ] {
        assert_eq!(
            trial.code("CreateAlias", json!({"AliasName": name, "TargetKeyId": one})),
            code,
            "{name}"
        );
    }
    let unknown = json!({"AliasName": "alias/b", "TargetKeyId": "01234567-89ab-4def-a123-456789abcdef"});
    assert_eq!(trial.code("CreateAlias", unknown), "NotFoundException");
    let to_alias = json!({"AliasName": "alias/b", "TargetKeyId": "alias/a"});
    assert_eq!(trial.code("CreateAlias", to_alias), "ValidationException");
    trial.ok("UpdateAlias", json!({"AliasName": "alias/a", "TargetKeyId": two}));
    let listed = trial.ok("ListAliases", json!({"KeyId": two}));
    assert_eq!(
        listed["Aliases"][0]["AliasArn"],
        "arn:aws:kms:eu-west-1:111122223333:alias/a"
    );
    trial.ok("DeleteAlias", json!({"AliasName": "alias/a"}));
    let refusal = trial.refused("DeleteAlias", json!({"AliasName": "alias/a"}));
    assert_eq!(refusal.code, "NotFoundException");
    assert!(refusal.message.contains("alias/a is not found"), "{refusal}");
    // Operations on keys themselves do not take aliases.
    trial.ok("CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": one}));
    assert_eq!(
        trial.code("ScheduleKeyDeletion", json!({"KeyId": "alias/a"})),
        "NotFoundException"
    );
}

#[test]
fn what_is_encrypted_opens_with_the_key_and_the_context_only() {
    let mut trial = Trial::of("kms");
    let (id, other) = (key(&mut trial), key(&mut trial));
    let context = json!({"a": "1", "b": "2"});
    let made = trial.ok(
        "GenerateDataKey",
        json!({"KeyId": id, "KeySpec": "AES_256", "EncryptionContext": context}),
    );
    let blob = &made["CiphertextBlob"];
    let open = |context: &Value| json!({"CiphertextBlob": blob, "EncryptionContext": context});
    assert_eq!(
        trial.ok("Decrypt", open(&context))["Plaintext"],
        made["Plaintext"]
    );
    assert_eq!(
        trial.code("Decrypt", open(&json!({"a": "1"}))),
        "InvalidCiphertextException"
    );
    assert_eq!(
        trial.code("Decrypt", json!({"CiphertextBlob": "YWJj"})),
        "InvalidCiphertextException"
    );
    let wrong = json!({"CiphertextBlob": blob, "EncryptionContext": context, "KeyId": other});
    assert_eq!(trial.code("Decrypt", wrong), "IncorrectKeyException");
    let again = trial.ok(
        "ReEncrypt",
        json!({"CiphertextBlob": blob, "SourceEncryptionContext": context, "DestinationKeyId": other}),
    );
    let opened = trial.ok("Decrypt", json!({"CiphertextBlob": again["CiphertextBlob"]}));
    assert_eq!(opened["Plaintext"], made["Plaintext"]);
    trial.ok("DisableKey", json!({"KeyId": id}));
    assert_eq!(trial.code("Decrypt", open(&context)), "DisabledException");
    for input in [
        json!({"KeyId": id}),
        json!({"KeyId": id, "KeySpec": "AES_256", "NumberOfBytes": 3}),
    ] {
        let refusal = trial.call("GenerateDataKey", input, b"").unwrap_err();
        assert_eq!(refusal.code, "ValidationException");
    }
}

#[test]
fn the_logs_service_comes_in_only_where_the_policy_says_so() {
    let mut trial = Trial::of("kms");
    let id = key(&mut trial);
    let arn = "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/eks/prod/cluster";
    let admits = |trial: &Trial, arn: &str| {
        usable(&trial.world, ACCOUNT, REGION, &id, trial.now)
            .unwrap()
            .admits_service(
                "logs.eu-west-1.amazonaws.com",
                &["kms:Encrypt", "kms:GenerateDataKey"],
                ("aws:logs:arn", arn),
                ACCOUNT,
            )
    };
    assert!(!admits(&trial, arn));
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"Service": "logs.eu-west-1.amazonaws.com"}, "Action": ["kms:Encrypt*", "kms:GenerateDataKey*"],
         "Resource": "*", "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/eks/prod/*"}}}]});
    trial.ok(
        "PutKeyPolicy",
        json!({"KeyId": id, "Policy": document.to_string()}),
    );
    assert!(admits(&trial, arn));
    assert!(!admits(
        &trial,
        "arn:aws:logs:eu-west-1:111122223333:log-group:other"
    ));
}

#[test]
fn services_learn_why_a_key_cannot_be_used() {
    let mut trial = Trial::of("kms");
    let id = key(&mut trial);
    let obstacle = |trial: &Trial, text: &str| {
        usable(&trial.world, ACCOUNT, REGION, text, trial.now)
            .map(|_| ())
            .unwrap_err()
    };
    assert_eq!(obstacle(&trial, "alias/none"), Obstacle::Missing);
    trial.ok("DisableKey", json!({"KeyId": id}));
    assert_eq!(obstacle(&trial, &id), Obstacle::Disabled);
    trial.ok(
        "ScheduleKeyDeletion",
        json!({"KeyId": id, "PendingWindowInDays": 7}),
    );
    assert_eq!(obstacle(&trial, &id), Obstacle::PendingDeletion);
    trial.days(7);
    assert_eq!(obstacle(&trial, &id), Obstacle::Missing);
    let signing = trial.ok(
        "CreateKey",
        json!({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}),
    );
    let signing = signing["KeyMetadata"]["Arn"].as_str().unwrap();
    assert_eq!(obstacle(&trial, signing), Obstacle::WrongKind);
}

#[test]
fn a_services_own_key_is_made_once_and_not_ours_to_delete() {
    let mut trial = Trial::of("kms");
    let first = own_key(&mut trial.world, ACCOUNT, REGION, "s3", trial.now)
        .arn
        .clone();
    let second = own_key(&mut trial.world, ACCOUNT, REGION, "s3", trial.now)
        .arn
        .clone();
    assert_eq!(first, second);
    assert_eq!(
        trial.ok("DescribeKey", json!({"KeyId": "alias/aws/s3"}))["KeyMetadata"]["KeyManager"],
        "AWS"
    );
    assert_eq!(
        trial.code("ScheduleKeyDeletion", json!({"KeyId": first})),
        "AccessDeniedException"
    );
}

#[test]
fn grants_are_given_once_and_end() {
    let mut trial = Trial::of("kms");
    let id = key(&mut trial);
    let grant = json!({"KeyId": id, "GranteePrincipal": "arn:aws:iam::111122223333:role/nodes", "Operations": ["Decrypt"], "Name": "n"});
    let first = trial.ok("CreateGrant", grant.clone());
    assert_eq!(trial.ok("CreateGrant", grant), first);
    assert_eq!(
        trial.ok("ListGrants", json!({"KeyId": id}))["Grants"][0]["Operations"],
        json!(["Decrypt"])
    );
    trial.ok("RevokeGrant", json!({"KeyId": id, "GrantId": first["GrantId"]}));
    assert_eq!(
        trial.code("RevokeGrant", json!({"KeyId": id, "GrantId": first["GrantId"]})),
        "NotFoundException"
    );
    assert_eq!(
        trial.code("RetireGrant", json!({"GrantToken": first["GrantToken"]})),
        "InvalidGrantTokenException"
    );
}

#[test]
fn a_service_takes_its_grant_once() {
    let mut trial = Trial::of("kms");
    let made = trial.ok("CreateKey", json!({}));
    let arn = made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let mut take = |arn: &str| {
        super::usage::grant(
            &mut trial.world,
            arn,
            "eks.amazonaws.com",
            &["Encrypt", "Decrypt"],
            trial.now,
        )
    };
    let first = take(&arn);
    assert!(first.is_some());
    assert_eq!(take(&arn), first);
    assert_eq!(take("arn:aws:kms:eu-west-1:111122223333:key/none"), None);
    assert_eq!(
        trial.ok("ListGrants", json!({"KeyId": arn}))["Grants"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn lists_come_in_pages() {
    let mut trial = Trial::of("kms");
    for _ in 0..5 {
        key(&mut trial);
    }
    trial.world.behaviour.page = 2;
    let (mut marker, mut all) = (Value::Null, Vec::new());
    loop {
        let page = trial.ok("ListKeys", json!({"Marker": marker}));
        all.extend(page["Keys"].as_array().unwrap().clone());
        marker = page["NextMarker"].clone();
        assert_eq!(page["Truncated"], json!(!marker.is_null()));
        if marker.is_null() {
            break;
        }
    }
    all.dedup();
    assert_eq!(all.len(), 5);
    assert_eq!(
        trial.code("ListKeys", json!({"Marker": "?"})),
        "InvalidMarkerException"
    );
}

#[test]
fn tags_are_kept_and_checked() {
    let mut trial = Trial::of("kms");
    let made = trial.ok("CreateKey", json!({"Tags": [{"TagKey": "a", "TagValue": "1"}]}));
    let id = &made["KeyMetadata"]["KeyId"];
    trial.ok(
        "TagResource",
        json!({"KeyId": id, "Tags": [{"TagKey": "b", "TagValue": "2"}]}),
    );
    trial.ok("UntagResource", json!({"KeyId": id, "TagKeys": ["a"]}));
    assert_eq!(
        trial.ok("ListResourceTags", json!({"KeyId": id}))["Tags"],
        json!([{"TagKey": "b", "TagValue": "2"}])
    );
    let reserved = json!({"KeyId": id, "Tags": [{"TagKey": "aws:x", "TagValue": "2"}]});
    assert_eq!(trial.code("TagResource", reserved), "TagException");
}

#[test]
fn keys_of_others_and_of_other_regions_are_not_found() {
    let mut trial = Trial::of("kms");
    let made = trial.ok("CreateKey", json!({}));
    let (id, arn) = (
        made["KeyMetadata"]["KeyId"].clone(),
        made["KeyMetadata"]["Arn"].clone(),
    );
    trial.region = "us-east-1".into();
    assert_eq!(
        trial.code("DescribeKey", json!({"KeyId": id})),
        "NotFoundException"
    );
    assert_eq!(
        trial.code("DescribeKey", json!({"KeyId": arn})),
        "NotFoundException"
    );
    assert_eq!(
        trial.code("DescribeKey", json!({"KeyId": "arn:aws:s3:::x"})),
        "InvalidArnException"
    );
    trial.region = REGION.into();
    trial.be(OTHER);
    assert_eq!(
        trial.code("DescribeKey", json!({"KeyId": id})),
        "NotFoundException"
    );
}

#[test]
fn keys_of_other_kinds_refuse_what_is_not_theirs() {
    let mut trial = Trial::of("kms");
    let make = |trial: &mut Trial, input: Value| {
        trial.ok("CreateKey", input)["KeyMetadata"]["KeyId"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let signing = make(
        &mut trial,
        json!({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"}),
    );
    let sealing = make(
        &mut trial,
        json!({"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"}),
    );
    let outside = make(&mut trial, json!({"Origin": "EXTERNAL"}));
    for (operation, input, code) in [
        ("CreateKey", json!({"KeySpec": "RSA_2048"}), "ValidationException"),
        (
            "CreateKey",
            json!({"KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "SIGN_VERIFY"}),
            "ValidationException",
        ),
        (
            "EnableKeyRotation",
            json!({"KeyId": signing}),
            "UnsupportedOperationException",
        ),
        (
            "DisableKeyRotation",
            json!({"KeyId": signing}),
            "UnsupportedOperationException",
        ),
        (
            "EnableKeyRotation",
            json!({"KeyId": outside}),
            "KMSInvalidStateException",
        ),
        (
            "Encrypt",
            json!({"KeyId": signing, "Plaintext": "YQ=="}),
            "InvalidKeyUsageException",
        ),
        (
            "GenerateDataKey",
            json!({"KeyId": sealing, "KeySpec": "AES_256"}),
            "InvalidKeyUsageException",
        ),
        (
            "Encrypt",
            json!({"KeyId": sealing, "Plaintext": "?"}),
            "SerializationException",
        ),
        (
            "GetKeyPolicy",
            json!({"KeyId": signing, "PolicyName": "other"}),
            "NotFoundException",
        ),
        ("GenerateRandom", json!({}), "ValidationException"),
    ] {
        assert_eq!(
            trial.call(operation, input.clone(), b"").unwrap_err().code,
            code,
            "{operation} {input}"
        );
    }
    let symmetric = key(&mut trial);
    trial.ok(
        "CreateAlias",
        json!({"AliasName": "alias/a", "TargetKeyId": symmetric}),
    );
    let other = json!({"AliasName": "alias/a", "TargetKeyId": signing});
    assert_eq!(trial.code("UpdateAlias", other), "ValidationException");
    let missing = json!({"AliasName": "alias/none", "TargetKeyId": symmetric});
    assert_eq!(trial.code("UpdateAlias", missing), "NotFoundException");
    let many: Vec<Value> = (0..51)
        .map(|n| json!({"TagKey": n.to_string(), "TagValue": ""}))
        .collect();
    assert_eq!(
        trial.code("CreateKey", json!({"Tags": many})),
        "LimitExceededException"
    );
}

const OPERATIONS: [&str; 31] = [
    "CreateKey",
    "DescribeKey",
    "ListKeys",
    "UpdateKeyDescription",
    "EnableKey",
    "DisableKey",
    "ScheduleKeyDeletion",
    "CancelKeyDeletion",
    "GetKeyPolicy",
    "PutKeyPolicy",
    "ListKeyPolicies",
    "EnableKeyRotation",
    "DisableKeyRotation",
    "GetKeyRotationStatus",
    "CreateAlias",
    "UpdateAlias",
    "DeleteAlias",
    "ListAliases",
    "TagResource",
    "UntagResource",
    "ListResourceTags",
    "CreateGrant",
    "ListGrants",
    "RevokeGrant",
    "RetireGrant",
    "ListRetirableGrants",
    "Encrypt",
    "Decrypt",
    "ReEncrypt",
    "GenerateDataKey",
    "GenerateRandom",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_input_panics(calls in proptest::collection::vec((proptest::sample::select(&OPERATIONS[..]), inputs(&[
        "KeyId", "Policy", "PolicyName", "Tags", "TagKeys", "TagKey", "TagValue", "AliasName", "TargetKeyId", "Limit", "Marker",
        "PendingWindowInDays", "RotationPeriodInDays", "KeySpec", "KeyUsage", "Plaintext", "CiphertextBlob", "EncryptionContext",
        "NumberOfBytes", "GrantId", "GrantToken", "MultiRegion", "Origin",
    ])), 1..12)) {
        let mut trial = Trial::of("kms");
        for (operation, input) in calls {
            let _ = trial.call(operation, input, b"");
        }
    }
}
