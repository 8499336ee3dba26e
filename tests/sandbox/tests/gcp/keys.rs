//! Keys and what is encrypted with them: Cloud KMS, Secret Manager, Artifact Registry, Logging.

use serde_json::{Value, json};

use crate::cloud::{Cloud, PROJECT, add};

const PLACE: &str = "v1/projects/acme-ml/locations/europe-west1";
const ENCRYPTER: &str = "roles/cloudkms.cryptoKeyEncrypterDecrypter";

/// A key, and its name.
fn key(cloud: &mut Cloud) -> String {
    cloud.ok(
        "cloudkms",
        &format!("POST {PLACE}/keyRings?keyRingId=prod"),
        json!({}),
    );
    let body = json!({"purpose": "ENCRYPT_DECRYPT", "labels": {"mlops_uid": "1"}});
    let key = cloud.ok(
        "cloudkms",
        &format!("POST {PLACE}/keyRings/prod/cryptoKeys?cryptoKeyId=storage"),
        body,
    );
    assert_eq!(key["primary"]["state"], "ENABLED");
    key["name"].as_str().unwrap().to_owned()
}

fn grant_key(cloud: &mut Cloud, key: &str, member: &str) {
    let mut policy = cloud.ok(
        "cloudkms",
        &format!("GET v1/{key}:getIamPolicy?options.requestedPolicyVersion=3"),
        Value::Null,
    );
    add(&mut policy, ENCRYPTER, member);
    cloud.ok(
        "cloudkms",
        &format!("POST v1/{key}:setIamPolicy"),
        json!({"policy": policy}),
    );
}

fn identity(cloud: &mut Cloud, host: &str) -> String {
    let number = cloud.number;
    let path = format!("POST v1beta1/projects/{number}/services/{host}:generateServiceIdentity");
    let answer = cloud.ok("serviceusage", &path, json!({}));
    assert_eq!(answer["done"], true);
    let name = answer["name"].as_str().unwrap();
    cloud.ok("serviceusage", &format!("GET v1beta1/{name}"), Value::Null);
    answer["response"]["email"].as_str().unwrap().to_owned()
}

#[test]
fn rings_and_keys_keep_their_names_for_ever() {
    let mut cloud = Cloud::new();
    let key = key(&mut cloud);
    cloud.no(
        "cloudkms",
        &format!("POST {PLACE}/keyRings?keyRingId=prod"),
        json!({}),
        (409, "ALREADY_EXISTS"),
    );
    let again = json!({"purpose": "ENCRYPT_DECRYPT"});
    let path = format!("POST {PLACE}/keyRings/prod/cryptoKeys?cryptoKeyId=storage");
    cloud.no("cloudkms", &path, again.clone(), (409, "ALREADY_EXISTS"));
    cloud.no(
        "cloudkms",
        &format!("DELETE {PLACE}/keyRings/prod"),
        Value::Null,
        (400, "FAILED_PRECONDITION"),
    );
    cloud.no(
        "cloudkms",
        &format!("DELETE v1/{key}"),
        Value::Null,
        (400, "FAILED_PRECONDITION"),
    );
    let version = format!("v1/{key}/cryptoKeyVersions/1");
    let scheduled = cloud.ok("cloudkms", &format!("POST {version}:destroy"), json!({}));
    assert_eq!(scheduled["state"], "DESTROY_SCHEDULED");
    cloud.no(
        "cloudkms",
        &format!("POST {version}:destroy"),
        json!({}),
        (400, "FAILED_PRECONDITION"),
    );
    assert_eq!(
        cloud.ok("cloudkms", &format!("POST {version}:restore"), json!({}))["state"],
        "DISABLED"
    );
    cloud.no(
        "cloudkms",
        &format!("POST {version}:restore"),
        json!({}),
        (400, "FAILED_PRECONDITION"),
    );
    cloud.ok("cloudkms", &format!("POST {version}:destroy"), json!({}));
    cloud.later(31 * 86_400);
    assert_eq!(
        cloud.ok("cloudkms", &format!("GET {version}"), Value::Null)["state"],
        "DESTROYED"
    );
    cloud.ok("cloudkms", &format!("DELETE v1/{key}"), Value::Null);
    cloud.no(
        "cloudkms",
        &format!("GET v1/{key}"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
    cloud.no("cloudkms", &path, again, (409, "ALREADY_EXISTS"));
    cloud.ok("cloudkms", &format!("DELETE {PLACE}/keyRings/prod"), Value::Null);
    cloud.no(
        "cloudkms",
        &format!("GET {PLACE}/keyRings/prod"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
    cloud.no(
        "cloudkms",
        &format!("POST {PLACE}/keyRings?keyRingId=prod"),
        json!({}),
        (409, "ALREADY_EXISTS"),
    );
}

#[test]
fn rotation_has_rules_and_can_be_changed() {
    let mut cloud = Cloud::new();
    let key = key(&mut cloud);
    let path = format!("POST {PLACE}/keyRings/prod/cryptoKeys?cryptoKeyId=other");
    let next = (cloud.at + jiff::SignedDuration::from_hours(2_160)).to_string();
    for body in [
        json!({"purpose": "ENCRYPT_DECRYPT", "rotationPeriod": "7776000s"}),
        json!({"purpose": "ENCRYPT_DECRYPT", "rotationPeriod": "60s", "nextRotationTime": next}),
        json!({"purpose": "ENCRYPT_DECRYPT", "rotationPeriod": "7776000s", "nextRotationTime": "2020-01-01T00:00:00Z"}),
        json!({"purpose": "ASYMMETRIC_SIGN", "rotationPeriod": "7776000s", "nextRotationTime": next}),
        json!({}),
    ] {
        cloud.no("cloudkms", &path, body, (400, "INVALID_ARGUMENT"));
    }
    cloud.no(
        "cloudkms",
        &format!("POST {PLACE}/keyRings?keyRingId=bad.id"),
        json!({}),
        (400, "INVALID_ARGUMENT"),
    );
    let mask = format!("PATCH v1/{key}?updateMask=rotationPeriod,nextRotationTime,labels");
    let changed = cloud.ok(
        "cloudkms",
        &mask,
        json!({"rotationPeriod": "7776000s", "nextRotationTime": next}),
    );
    assert_eq!(
        (changed["rotationPeriod"].as_str(), changed.get("labels")),
        (Some("7776000s"), None)
    );
    cloud.no(
        "cloudkms",
        &format!("PATCH v1/{key}?updateMask=purpose"),
        json!({"purpose": "MAC"}),
        (400, "INVALID_ARGUMENT"),
    );
    let second = cloud.ok("cloudkms", &format!("POST v1/{key}/cryptoKeyVersions"), json!({}));
    assert!(second["name"].as_str().unwrap().ends_with("/2"));
    cloud.ok(
        "cloudkms",
        &format!("POST v1/{key}:updatePrimaryVersion"),
        json!({"cryptoKeyVersionId": "2"}),
    );
    cloud.no(
        "cloudkms",
        &format!("POST v1/{key}:updatePrimaryVersion"),
        json!({"cryptoKeyVersionId": "9"}),
        (404, "NOT_FOUND"),
    );
    let sealed = cloud.ok(
        "cloudkms",
        &format!("POST v1/{key}:encrypt"),
        json!({"plaintext": "aGk="}),
    );
    let opened = cloud.ok(
        "cloudkms",
        &format!("POST v1/{key}:decrypt"),
        json!({"ciphertext": sealed["ciphertext"]}),
    );
    assert_eq!(opened["plaintext"], "aGk=");
    cloud.no(
        "cloudkms",
        &format!("POST v1/{key}:decrypt"),
        json!({"ciphertext": "aGk="}),
        (400, "INVALID_ARGUMENT"),
    );
}

#[test]
fn a_secret_needs_its_agent_and_the_agent_the_key() {
    let mut cloud = Cloud::new();
    let key = key(&mut cloud);
    let secret = json!({"replication": {"userManaged": {"replicas": [
        {"location": "europe-west1", "customerManagedEncryption": {"kmsKeyName": key}},
    ]}}, "labels": {"mlops_uid": "1"}});
    let path = format!("POST v1/projects/{PROJECT}/secrets?secretId=prod-churn-token");
    let words = cloud.no("secretmanager", &path, secret.clone(), (400, "INVALID_ARGUMENT"));
    assert!(
        words.starts_with("Secret Manager service identity for project not found."),
        "{words}"
    );
    let agent = identity(&mut cloud, "secretmanager.googleapis.com");
    cloud.no(
        "secretmanager",
        &path,
        secret.clone(),
        (400, "FAILED_PRECONDITION"),
    );
    grant_key(&mut cloud, &key, &format!("serviceAccount:{agent}"));
    let made = cloud.ok("secretmanager", &path, secret.clone());
    assert_eq!(
        made["name"],
        format!("projects/{}/secrets/prod-churn-token", cloud.number)
    );
    cloud.no("secretmanager", &path, secret.clone(), (409, "ALREADY_EXISTS"));
    let elsewhere = json!({"replication": {"userManaged": {"replicas": [
        {"location": "europe-west4", "customerManagedEncryption": {"kmsKeyName": key}},
    ]}}});
    cloud.no(
        "secretmanager",
        &path.replace("token", "other"),
        elsewhere,
        (400, "INVALID_ARGUMENT"),
    );
    cloud.no(
        "secretmanager",
        &path.replace("token", "other"),
        json!({}),
        (400, "INVALID_ARGUMENT"),
    );
    cloud.no(
        "secretmanager",
        &path.replace("token", "a.b"),
        json!({"replication": {"automatic": {}}}),
        (400, "INVALID_ARGUMENT"),
    );
    let bad = json!({"replication": {"automatic": {}}, "labels": {"A": "b"}});
    cloud.no(
        "secretmanager",
        &path.replace("token", "other"),
        bad,
        (400, "INVALID_ARGUMENT"),
    );

    let secret = format!("v1/projects/{PROJECT}/secrets/prod-churn-token");
    let access = format!("GET {secret}/versions/latest:access");
    cloud.no("secretmanager", &access, Value::Null, (404, "NOT_FOUND"));
    cloud.ok(
        "secretmanager",
        &format!("POST {secret}:addVersion"),
        json!({"payload": {"data": "aHVudGVyMg=="}}),
    );
    assert_eq!(
        cloud.ok("secretmanager", &access, Value::Null)["payload"]["data"],
        "aHVudGVyMg=="
    );
    cloud.no(
        "secretmanager",
        &format!("POST {secret}:addVersion"),
        json!({"payload": {"data": ""}}),
        (400, "INVALID_ARGUMENT"),
    );
    cloud.ok(
        "secretmanager",
        &format!("POST {secret}/versions/1:disable"),
        json!({}),
    );
    cloud.no(
        "secretmanager",
        &access,
        Value::Null,
        (400, "FAILED_PRECONDITION"),
    );
    cloud.ok(
        "secretmanager",
        &format!("POST {secret}/versions/1:destroy"),
        json!({}),
    );
    cloud.no(
        "secretmanager",
        &format!("POST {secret}/versions/1:enable"),
        json!({}),
        (400, "FAILED_PRECONDITION"),
    );

    let changed = cloud.ok(
        "secretmanager",
        &format!("PATCH {secret}?updateMask=labels"),
        json!({"labels": {"a": "b"}}),
    );
    assert_eq!(changed["labels"], json!({"a": "b"}));
    cloud.no(
        "secretmanager",
        &format!("PATCH {secret}?updateMask=labels"),
        json!({"labels": {}, "etag": "\"old\""}),
        (400, "FAILED_PRECONDITION"),
    );
    cloud.no(
        "secretmanager",
        &format!("PATCH {secret}?updateMask=replication"),
        json!({"replication": {"automatic": {}}}),
        (400, "INVALID_ARGUMENT"),
    );
    cloud.no(
        "secretmanager",
        &format!("DELETE {secret}?etag=old"),
        Value::Null,
        (400, "FAILED_PRECONDITION"),
    );
    cloud.ok("secretmanager", &format!("DELETE {secret}"), Value::Null);
    cloud.no(
        "secretmanager",
        &format!("GET {secret}"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
}

#[test]
fn a_secret_is_read_by_whom_it_is_granted() {
    let mut cloud = Cloud::new();
    let reader = cloud.account("runtime-churn");
    cloud.ok(
        "secretmanager",
        &format!("POST v1/projects/{PROJECT}/secrets?secretId=own"),
        json!({"replication": {"automatic": {}}}),
    );
    cloud.ok(
        "secretmanager",
        &format!("POST v1/projects/{PROJECT}/secrets?secretId=others"),
        json!({"replication": {"automatic": {}}}),
    );
    for secret in ["own", "others"] {
        let path = format!("POST v1/projects/{PROJECT}/secrets/{secret}:addVersion");
        cloud.ok("secretmanager", &path, json!({"payload": {"data": "eA=="}}));
    }
    let mut policy = cloud.ok(
        "secretmanager",
        &format!("GET v1/projects/{PROJECT}/secrets/own:getIamPolicy"),
        Value::Null,
    );
    add(
        &mut policy,
        "roles/secretmanager.secretAccessor",
        &format!("serviceAccount:{reader}"),
    );
    cloud.ok(
        "secretmanager",
        &format!("POST v1/projects/{PROJECT}/secrets/own:setIamPolicy"),
        json!({"policy": policy}),
    );
    cloud.as_account(&reader);
    cloud.ok(
        "secretmanager",
        &format!("GET v1/projects/{PROJECT}/secrets/own/versions/1:access"),
        Value::Null,
    );
    let denied = (403, "PERMISSION_DENIED");
    cloud.no(
        "secretmanager",
        &format!("GET v1/projects/{PROJECT}/secrets/others/versions/1:access"),
        Value::Null,
        denied,
    );
    cloud.no(
        "secretmanager",
        &format!("POST v1/projects/{PROJECT}/secrets/own:addVersion"),
        json!({"payload": {"data": "eA=="}}),
        denied,
    );
    cloud.no(
        "secretmanager",
        &format!("GET v1/projects/{PROJECT}/secrets"),
        Value::Null,
        denied,
    );
}

#[test]
fn a_repository_appears_when_its_operation_is_done() {
    let mut cloud = Cloud::new();
    let path = format!("{PLACE}/repositories");
    let body =
        json!({"format": "DOCKER", "dockerConfig": {"immutableTags": true}, "labels": {"mlops_uid": "1"}});
    let begun = cloud.ok(
        "artifactregistry",
        &format!("POST {path}?repositoryId=prod"),
        body.clone(),
    );
    assert!(begun.get("done").is_none());
    cloud.no(
        "artifactregistry",
        &format!("GET {path}/prod"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
    cloud.no(
        "artifactregistry",
        &format!("POST {path}?repositoryId=prod"),
        body.clone(),
        (409, "ALREADY_EXISTS"),
    );
    cloud.later(10);
    let operation = begun["name"].as_str().unwrap();
    let done = cloud.ok("artifactregistry", &format!("GET v1/{operation}"), Value::Null);
    assert_eq!(
        done["response"]["registryUri"],
        "europe-west1-docker.pkg.dev/acme-ml/prod"
    );
    let found = cloud.ok("artifactregistry", &format!("GET {path}/prod"), Value::Null);
    assert_eq!(found["mode"], "STANDARD_REPOSITORY");
    assert_eq!(
        found["vulnerabilityScanningConfig"]["enablementState"],
        "SCANNING_DISABLED"
    );
    cloud.no(
        "artifactregistry",
        &format!("PATCH {path}/prod?updateMask=format"),
        json!({"format": "NPM"}),
        (400, "INVALID_ARGUMENT"),
    );
    let change = json!({"dockerConfig": {"immutableTags": false}, "cleanupPolicies": {"untagged": {"id": "untagged", "action": "DELETE", "condition": {"tagState": "UNTAGGED", "olderThan": "1209600s"}}}});
    let changed = cloud.ok(
        "artifactregistry",
        &format!("PATCH {path}/prod?updateMask=dockerConfig.immutableTags,cleanupPolicies"),
        change,
    );
    assert_eq!(changed["dockerConfig"]["immutableTags"], false);
    assert_eq!(changed["labels"], json!({"mlops_uid": "1"}));
    for id in ["Bad", "-x", "ends-"] {
        cloud.no(
            "artifactregistry",
            &format!("POST {path}?repositoryId={id}"),
            body.clone(),
            (400, "INVALID_ARGUMENT"),
        );
    }
    cloud.no(
        "artifactregistry",
        &format!("POST {path}?repositoryId=x"),
        json!({}),
        (400, "INVALID_ARGUMENT"),
    );
    cloud.ok("artifactregistry", &format!("DELETE {path}/prod"), Value::Null);
    cloud.later(10);
    cloud.no(
        "artifactregistry",
        &format!("GET {path}/prod"),
        Value::Null,
        (404, "NOT_FOUND"),
    );

    let key = key(&mut cloud);
    let sealed = json!({"format": "DOCKER", "kmsKeyName": key});
    let sealing = format!("POST {path}?repositoryId=sealed");
    cloud.no(
        "artifactregistry",
        &sealing,
        sealed.clone(),
        (400, "FAILED_PRECONDITION"),
    );
    let agent = identity(&mut cloud, "artifactregistry.googleapis.com");
    grant_key(&mut cloud, &key, &format!("serviceAccount:{agent}"));
    cloud.ok("artifactregistry", &sealing, sealed);
}

#[test]
fn a_log_bucket_can_be_brought_back_for_seven_days() {
    let mut cloud = Cloud::new();
    let buckets = "v2/projects/acme-ml/locations/europe-west1/buckets";
    cloud.ok(
        "logging",
        &format!("POST {buckets}?bucketId=prod"),
        json!({"retentionDays": 30, "description": "d"}),
    );
    cloud.no(
        "logging",
        &format!("POST {buckets}?bucketId=prod"),
        json!({}),
        (409, "ALREADY_EXISTS"),
    );
    cloud.no(
        "logging",
        &format!("POST {buckets}?bucketId=other"),
        json!({"retentionDays": 4_000}),
        (400, "INVALID_ARGUMENT"),
    );
    cloud.no(
        "logging",
        &format!("POST {buckets}?bucketId=_bad"),
        json!({}),
        (400, "INVALID_ARGUMENT"),
    );
    let sink = json!({"name": "prod", "destination": "logging.googleapis.com/projects/acme-ml/locations/europe-west1/buckets/prod", "filter": "x"});
    let nowhere = json!({"name": "nowhere", "destination": "logging.googleapis.com/projects/acme-ml/locations/europe-west1/buckets/none"});
    cloud.no(
        "logging",
        "POST v2/projects/acme-ml/sinks",
        nowhere,
        (400, "INVALID_ARGUMENT"),
    );
    let made = cloud.ok("logging", "POST v2/projects/acme-ml/sinks", sink.clone());
    assert!(made.get("writerIdentity").is_none());
    cloud.no(
        "logging",
        "POST v2/projects/acme-ml/sinks",
        sink,
        (409, "ALREADY_EXISTS"),
    );
    let patch = json!({"filter": "y", "destination": made["destination"]});
    assert_eq!(
        cloud.ok(
            "logging",
            "PATCH v2/projects/acme-ml/sinks/prod?updateMask=filter",
            patch
        )["filter"],
        "y"
    );
    cloud.no(
        "logging",
        "GET v2/projects/acme-ml/sinks/none",
        Value::Null,
        (404, "NOT_FOUND"),
    );
    cloud.ok("logging", "DELETE v2/projects/acme-ml/sinks/prod", Value::Null);

    cloud.ok("logging", &format!("DELETE {buckets}/prod"), Value::Null);
    assert_eq!(
        cloud.ok("logging", &format!("GET {buckets}/prod"), Value::Null)["lifecycleState"],
        "DELETE_REQUESTED"
    );
    cloud.no(
        "logging",
        &format!("DELETE {buckets}/prod"),
        Value::Null,
        (400, "FAILED_PRECONDITION"),
    );
    cloud.no(
        "logging",
        &format!("PATCH {buckets}/prod?updateMask=retentionDays"),
        json!({"retentionDays": 7}),
        (400, "FAILED_PRECONDITION"),
    );
    cloud.no(
        "logging",
        &format!("POST {buckets}?bucketId=prod"),
        json!({}),
        (409, "ALREADY_EXISTS"),
    );
    cloud.ok("logging", &format!("POST {buckets}/prod:undelete"), json!({}));
    cloud.no(
        "logging",
        &format!("POST {buckets}/prod:undelete"),
        json!({}),
        (400, "FAILED_PRECONDITION"),
    );
    cloud.ok(
        "logging",
        &format!("PATCH {buckets}/prod?updateMask=retentionDays"),
        json!({"retentionDays": 7}),
    );
    cloud.ok("logging", &format!("DELETE {buckets}/prod"), Value::Null);
    cloud.later(8 * 86_400);
    cloud.no(
        "logging",
        &format!("GET {buckets}/prod"),
        Value::Null,
        (404, "NOT_FOUND"),
    );

    let built_in = "v2/projects/acme-ml/locations/global/buckets";
    cloud.ok(
        "logging",
        &format!("PATCH {built_in}/_Default?updateMask=retentionDays"),
        json!({"retentionDays": 60}),
    );
    cloud.ok("logging", &format!("GET {built_in}/_Required"), Value::Null);
    cloud.no(
        "logging",
        &format!("PATCH {built_in}/_Required?updateMask=retentionDays"),
        json!({"retentionDays": 60}),
        (400, "FAILED_PRECONDITION"),
    );
    cloud.no(
        "logging",
        &format!("DELETE {built_in}/_Default"),
        Value::Null,
        (400, "INVALID_ARGUMENT"),
    );
}

#[test]
fn logging_encrypts_in_the_name_of_the_account_that_it_tells() {
    let mut cloud = Cloud::new();
    let key = key(&mut cloud);
    let body = json!({"cmekSettings": {"kmsKeyName": key}});
    let path = "POST v2/projects/acme-ml/locations/europe-west1/buckets?bucketId=prod";
    cloud.no("logging", path, body.clone(), (400, "INVALID_ARGUMENT"));
    let settings = cloud.ok("logging", "GET v2/projects/acme-ml/settings", Value::Null);
    let agent = settings["kmsServiceAccountId"].as_str().unwrap();
    grant_key(&mut cloud, &key, &format!("serviceAccount:{agent}"));
    cloud.ok("logging", path, body);
    let away = "PATCH v2/projects/acme-ml/locations/europe-west1/buckets/prod?updateMask=cmekSettings";
    cloud.no("logging", away, json!({}), (400, "INVALID_ARGUMENT"));
}
