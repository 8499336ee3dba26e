//! Cloud Storage by its JSON API.

use bytes::Bytes;
use mlops_sandbox::gcp::description::{self, Query};
use mlops_sandbox::{Call, Refusal, gcp};
use serde_json::{Value, json};

use crate::cloud::{Cloud, PROJECT, add};

const B: &str = "storage/v1/b";

fn bucket(name: &str) -> Value {
    json!({
        "name": name,
        "location": "europe-west1",
        "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": true}, "publicAccessPrevention": "enforced"},
        "versioning": {"enabled": true},
        "labels": {"mlops_uid": "1"},
    })
}

fn make(cloud: &mut Cloud, name: &str) -> Value {
    cloud.ok("storage", &format!("POST {B}?project={PROJECT}"), bucket(name))
}

/// Writes an object as a simple upload does.
fn put(cloud: &mut Cloud, bucket: &str, name: &str, content: &str, query: &str) -> Result<Value, Refusal> {
    let found = description::find("storage", "POST", &format!("upload/{B}/{bucket}/o")).unwrap();
    let query = Query(mlops_sandbox::exchange::parameters(&format!(
        "uploadType=media&name={name}&{query}"
    )));
    let mut input = description::read(&found, &query, b"")?;
    input["name"] = json!(name);
    input["$upload"] = json!("media");
    let call = Call {
        service: "storage".into(),
        operation: found.id.into(),
        input,
        payload: Bytes::copy_from_slice(content.as_bytes()),
        caller: cloud.caller.clone(),
        account: String::new(),
        region: String::new(),
        at: cloud.at,
        request_id: "r".into(),
        origin: String::new(),
    };
    gcp::authorize(&cloud.world, &call)?;
    gcp::answer(&mut cloud.world, &call).map(|answer| answer.output)
}

#[test]
fn a_bucket_gets_what_a_fresh_one_gets() {
    let mut cloud = Cloud::new();
    let made = make(&mut cloud, "acme-models");
    assert_eq!(made["location"], "EUROPE-WEST1");
    assert_eq!(
        (made["locationType"].as_str(), made["storageClass"].as_str()),
        (Some("region"), Some("STANDARD"))
    );
    assert_eq!(made["softDeletePolicy"]["retentionDurationSeconds"], "604800");
    assert_eq!(
        (made["metageneration"].as_str(), made["etag"].as_str()),
        (Some("1"), Some("CAE="))
    );
    assert_eq!(made["projectNumber"], cloud.number.to_string());
    let policy = cloud.ok(
        "storage",
        &format!("GET {B}/acme-models/iam?optionsRequestedPolicyVersion=3"),
        Value::Null,
    );
    assert_eq!(policy["bindings"][0]["role"], "roles/storage.legacyBucketOwner");
    let list = cloud.ok("storage", &format!("GET {B}?project={PROJECT}"), Value::Null);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[test]
fn what_no_bucket_can_be_is_refused() {
    let mut cloud = Cloud::new();
    cloud.world.gcp.add_project("somebody-else");
    make(&mut cloud, "acme-taken");
    let path = format!("POST {B}?project={PROJECT}");
    let mut refuse = |change: &dyn Fn(&mut Value), status: (u16, &str), words: &str| {
        let mut body = bucket("acme-new");
        change(&mut body);
        let said = cloud.no("storage", &path, body, status);
        assert!(said.contains(words), "{said}");
    };
    let invalid = (400, "INVALID_ARGUMENT");
    refuse(
        &|b| b["name"] = json!("acme-taken"),
        (409, "FAILED_PRECONDITION"),
        "you already own it",
    );
    refuse(&|b| b["name"] = json!("Upper"), invalid, "Invalid bucket name");
    refuse(
        &|b| b["name"] = json!("my-google-bucket"),
        invalid,
        "Invalid bucket name",
    );
    refuse(
        &|b| b["name"] = json!("models.acme.example"),
        (403, "PERMISSION_DENIED"),
        "domain",
    );
    refuse(&|b| b["location"] = json!("mars"), invalid, "location constraint");
    refuse(&|b| b["storageClass"] = json!("WARM"), invalid, "storage class");
    refuse(&|b| b["labels"] = json!({"A": "b"}), invalid, "Invalid label");
    refuse(
        &|b| b["softDeletePolicy"] = json!({"retentionDurationSeconds": "60"}),
        invalid,
        "Soft delete policy",
    );
    refuse(
        &|b| b["iamConfiguration"]["publicAccessPrevention"] = json!("maybe"),
        invalid,
        "publicAccessPrevention",
    );
    refuse(
        &|b| b["lifecycle"] = json!({"rule": [{"action": {"type": "Delete"}, "condition": {}}]}),
        invalid,
        "lifecycle",
    );
    refuse(
        &|b| b["lifecycle"] = json!({"rule": [{"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"isLive": true}}]}),
        invalid,
        "AbortIncompleteMultipartUpload",
    );
    refuse(
        &|b| {
            b["hierarchicalNamespace"] = json!({"enabled": true});
            b["iamConfiguration"] = json!({});
        },
        invalid,
        "uniform",
    );
    let key = "projects/acme-ml/locations/europe-west1/keyRings/r/cryptoKeys/k";
    refuse(
        &|b| b["encryption"] = json!({"defaultKmsKeyName": key}),
        (403, "PERMISSION_DENIED"),
        "Permission denied on Cloud KMS key",
    );
    refuse(
        &|b| b["encryption"] = json!({"defaultKmsKeyName": key.replace("west1", "west4")}),
        invalid,
        "location",
    );
    let theirs = cloud.no(
        "storage",
        &format!("POST {B}?project=somebody-else"),
        bucket("acme-taken"),
        (409, "FAILED_PRECONDITION"),
    );
    assert!(theirs.contains("is not available"), "{theirs}");
    cloud.no(
        "storage",
        &format!("POST {B}?project=nobodys"),
        bucket("acme-new"),
        (400, "INVALID_ARGUMENT"),
    );
}

#[test]
fn settings_change_under_their_metageneration() {
    let mut cloud = Cloud::new();
    make(&mut cloud, "acme-models");
    let path = format!("PATCH {B}/acme-models");
    let rule = json!({"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]}, "labels": {"b": "c", "mlops_uid": null}});
    let changed = cloud.ok(
        "storage",
        &format!("{path}?ifMetagenerationMatch=1"),
        rule.clone(),
    );
    assert_eq!(
        (changed["metageneration"].as_str(), &changed["labels"]),
        (Some("2"), &json!({"b": "c"}))
    );
    cloud.no(
        "storage",
        &format!("{path}?ifMetagenerationMatch=1"),
        rule,
        (412, "FAILED_PRECONDITION"),
    );
    cloud.no(
        "storage",
        &path,
        json!({"location": "US"}),
        (400, "INVALID_ARGUMENT"),
    );
    cloud.no(
        "storage",
        &format!("PATCH {B}/acme-none"),
        json!({}),
        (404, "NOT_FOUND"),
    );
}

#[test]
fn a_bucket_that_is_not_empty_stays_and_an_empty_one_can_be_restored() {
    let mut cloud = Cloud::new();
    let made = make(&mut cloud, "acme-models");
    put(&mut cloud, "acme-models", "a/b", "x", "").unwrap();
    cloud.ok("storage", &format!("DELETE {B}/acme-models/o/a%2Fb"), Value::Null);
    let words = cloud.no(
        "storage",
        &format!("DELETE {B}/acme-models"),
        Value::Null,
        (409, "FAILED_PRECONDITION"),
    );
    assert_eq!(words, "The bucket you tried to delete is not empty.");
    let old = cloud.ok(
        "storage",
        &format!("GET {B}/acme-models/o?versions=true"),
        Value::Null,
    );
    let generation = old["items"][0]["generation"].as_str().unwrap();
    cloud.ok(
        "storage",
        &format!("DELETE {B}/acme-models/o/a%2Fb?generation={generation}"),
        Value::Null,
    );
    cloud.ok("storage", &format!("DELETE {B}/acme-models"), Value::Null);
    cloud.no(
        "storage",
        &format!("GET {B}/acme-models"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
    let gone = cloud.ok(
        "storage",
        &format!("GET {B}?project={PROJECT}&softDeleted=true"),
        Value::Null,
    );
    assert_eq!(gone["items"][0]["name"], "acme-models");
    let generation = made["generation"].as_str().unwrap();
    cloud.ok(
        "storage",
        &format!("POST {B}/acme-models/restore?generation={generation}"),
        Value::Null,
    );
    cloud.ok("storage", &format!("GET {B}/acme-models"), Value::Null);
    cloud.ok("storage", &format!("DELETE {B}/acme-models"), Value::Null);
    cloud.later(8 * 86_400);
    cloud.no(
        "storage",
        &format!("POST {B}/acme-models/restore?generation={generation}"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
}

#[test]
fn versions_conditions_lists_and_soft_deletion() {
    let mut cloud = Cloud::new();
    make(&mut cloud, "acme-models");
    let first = put(
        &mut cloud,
        "acme-models",
        "churn/versions/1/m",
        "one",
        "ifGenerationMatch=0",
    )
    .unwrap();
    assert_eq!(
        (first["size"].as_str(), first["md5Hash"].as_str()),
        (Some("3"), Some("+XxdKZQb+xsv2rCHSQargg=="))
    );
    let again = put(
        &mut cloud,
        "acme-models",
        "churn/versions/1/m",
        "two",
        "ifGenerationMatch=0",
    )
    .unwrap_err();
    assert_eq!(
        (again.status, again.members["reason"].as_str()),
        (412, Some("conditionNotMet"))
    );
    put(&mut cloud, "acme-models", "churn/versions/1/m", "two", "").unwrap();
    put(&mut cloud, "acme-models", "churn/readme", "x", "").unwrap();
    let generation = first["generation"].as_str().unwrap();
    let path = format!("{B}/acme-models/o/churn%2Fversions%2F1%2Fm");
    let old = cloud.ok(
        "storage",
        &format!("GET {path}?generation={generation}"),
        Value::Null,
    );
    assert!(old["timeDeleted"].is_string());
    let list = |cloud: &mut Cloud, query: &str| {
        cloud.ok("storage", &format!("GET {B}/acme-models/o?{query}"), Value::Null)
    };
    assert_eq!(
        list(&mut cloud, "versions=true")["items"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let folders = list(&mut cloud, "prefix=churn/&delimiter=/");
    assert_eq!(folders["prefixes"], json!(["churn/versions/"]));
    assert_eq!(folders["items"][0]["name"], "churn/readme");
    let page = list(&mut cloud, "maxResults=1");
    let token = page["nextPageToken"].as_str().unwrap();
    assert_eq!(
        list(&mut cloud, &format!("pageToken={token}"))["items"][0]["name"],
        "churn/versions/1/m"
    );
    cloud.no(
        "storage",
        &format!("GET {B}/acme-models/o?pageToken=made-up"),
        Value::Null,
        (400, "INVALID_ARGUMENT"),
    );
    cloud.no(
        "storage",
        &format!("GET {B}/acme-models/o?matchGlob=**"),
        Value::Null,
        (501, "UNIMPLEMENTED"),
    );

    cloud.no(
        "storage",
        &format!("DELETE {path}?ifGenerationMatch=1"),
        Value::Null,
        (412, "FAILED_PRECONDITION"),
    );
    cloud.ok(
        "storage",
        &format!("DELETE {path}?generation={generation}"),
        Value::Null,
    );
    let soft = list(&mut cloud, "softDeleted=true");
    assert_eq!(soft["items"][0]["generation"], generation);
    cloud.ok(
        "storage",
        &format!("POST {path}/restore?generation={generation}"),
        json!({}),
    );
    assert_eq!(
        cloud.ok("storage", &format!("GET {path}"), Value::Null)["md5Hash"],
        first["md5Hash"]
    );
    let held = cloud.ok(
        "storage",
        &format!("PATCH {path}"),
        json!({"temporaryHold": true, "metadata": {"a": "b"}}),
    );
    assert_eq!(held["metageneration"], "2");
    cloud.no(
        "storage",
        &format!("DELETE {path}"),
        Value::Null,
        (403, "PERMISSION_DENIED"),
    );
    let joined = json!({"sourceObjects": [{"name": "churn/readme"}, {"name": "churn/versions/1/m"}]});
    let whole = cloud.ok(
        "storage",
        &format!("POST {B}/acme-models/o/joined/compose"),
        joined,
    );
    assert_eq!(
        (whole["size"].as_str(), whole["componentCount"].as_i64()),
        (Some("4"), Some(2))
    );
    let copied = cloud.ok(
        "storage",
        &format!("POST {path}/rewriteTo/b/acme-models/o/copy"),
        json!({}),
    );
    assert_eq!(copied["resource"]["metadata"], json!({"a": "b"}));
    cloud.no(
        "storage",
        &format!("GET {B}/acme-models/o/none"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
}

#[test]
fn lifecycle_rules_do_their_work() {
    let mut cloud = Cloud::new();
    let mut body = bucket("acme-data");
    body["lifecycle"] = json!({"rule": [
        {"action": {"type": "Delete"}, "condition": {"age": 30, "isLive": true, "matchesPrefix": ["tmp/"]}},
        {"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 5}},
        {"action": {"type": "SetStorageClass", "storageClass": "NEARLINE"}, "condition": {"age": 10, "isLive": true}},
    ]});
    cloud.ok("storage", &format!("POST {B}?project={PROJECT}"), body);
    for name in ["tmp/a", "kept"] {
        put(&mut cloud, "acme-data", name, "x", "").unwrap();
    }
    put(&mut cloud, "acme-data", "kept", "y", "").unwrap();
    let names = |cloud: &mut Cloud| -> Vec<String> {
        let list = cloud.ok(
            "storage",
            &format!("GET {B}/acme-data/o?versions=true"),
            Value::Null,
        );
        let items = list["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .map(|item| {
                format!(
                    "{} {}",
                    item["name"].as_str().unwrap(),
                    item["storageClass"].as_str().unwrap()
                )
            })
            .collect()
    };
    assert_eq!(names(&mut cloud).len(), 3);
    cloud.later(11 * 86_400);
    assert_eq!(names(&mut cloud), ["kept NEARLINE", "tmp/a NEARLINE"]);
    cloud.later(20 * 86_400);
    assert_eq!(names(&mut cloud), ["kept NEARLINE"]);
}

#[test]
fn a_locked_retention_policy_is_only_made_longer_and_keeps_what_it_holds() {
    let mut cloud = Cloud::new();
    let (forbidden, invalid) = ((403, "PERMISSION_DENIED"), (400, "INVALID_ARGUMENT"));
    let days = |days: u32| json!({"retentionPolicy": {"retentionPeriod": (days * 86_400).to_string()}});
    make(&mut cloud, "acme-data");
    let patch = format!("PATCH {B}/acme-data");
    let said = cloud.no("storage", &patch, days(10), invalid);
    assert!(said.contains("Object Versioning"), "{said}");
    let off = json!({"versioning": {"enabled": false}, "lifecycle": {"rule": [
        {"action": {"type": "Delete"}, "condition": {"age": 5}}]}});
    cloud.ok("storage", &patch, off);
    let said = cloud.no("storage", &patch, days(0), invalid);
    assert!(said.contains("retention period"), "{said}");
    let lock = |number: &Value| {
        format!(
            "POST {B}/acme-data/lockRetentionPolicy?ifMetagenerationMatch={}",
            number.as_str().unwrap()
        )
    };
    let plain = cloud.ok("storage", &format!("GET {B}/acme-data"), Value::Null);
    cloud.no("storage", &lock(&plain["metageneration"]), Value::Null, invalid);
    // Not locked yet: it goes and comes, and who sets it does not lock it.
    cloud.ok("storage", &patch, days(10));
    cloud.ok("storage", &patch, json!({"retentionPolicy": null}));
    let mut meant = days(10);
    meant["retentionPolicy"]["isLocked"] = json!(true);
    let policy = cloud.ok("storage", &patch, meant)["retentionPolicy"].clone();
    assert_eq!(policy["retentionPeriod"], "864000");
    assert_eq!(policy.get("isLocked"), None);
    // Only the bucket that was read is locked.
    cloud.no(
        "storage",
        &lock(&plain["metageneration"]),
        Value::Null,
        (412, "FAILED_PRECONDITION"),
    );
    let number = cloud.ok("storage", &format!("GET {B}/acme-data"), Value::Null)["metageneration"].clone();
    let locked = cloud.ok("storage", &lock(&number), Value::Null);
    assert_eq!(locked["retentionPolicy"]["isLocked"], true);
    for less in [days(9), json!({"retentionPolicy": null})] {
        cloud.no("storage", &patch, less, forbidden);
    }
    cloud.no(
        "storage",
        &patch,
        json!({"versioning": {"enabled": true}}),
        invalid,
    );
    let longer = cloud.ok("storage", &patch, days(20));
    assert_eq!(longer["retentionPolicy"]["isLocked"], true);

    let written = put(&mut cloud, "acme-data", "a", "x", "").unwrap();
    assert!(written["retentionExpirationTime"].is_string(), "{written}");
    let object = format!("{B}/acme-data/o/a");
    let generation = written["generation"].as_str().unwrap();
    for path in [object.clone(), format!("{object}?generation={generation}")] {
        let said = cloud.no("storage", &format!("DELETE {path}"), Value::Null, forbidden);
        assert!(said.contains("retention policy"), "{said}");
    }
    let said = put(&mut cloud, "acme-data", "a", "y", "").unwrap_err();
    assert_eq!(said.code, "PERMISSION_DENIED");
    // Rules wait, too.
    cloud.later(19 * 86_400);
    cloud.ok("storage", &format!("GET {object}"), Value::Null);
    cloud.no(
        "storage",
        &format!("DELETE {B}/acme-data"),
        Value::Null,
        (409, "FAILED_PRECONDITION"),
    );
    cloud.later(86_400);
    cloud.no(
        "storage",
        &format!("GET {object}"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
    cloud.ok("storage", &format!("DELETE {B}/acme-data"), Value::Null);
}

#[test]
fn a_folder_has_a_policy_of_its_own_that_decides() {
    let mut cloud = Cloud::new();
    make(&mut cloud, "acme-models");
    let reader = cloud.account("runtime-churn");
    let folders = format!("{B}/acme-models/managedFolders");
    cloud.ok("storage", &format!("POST {folders}"), json!({"name": "churn/"}));
    cloud.no(
        "storage",
        &format!("POST {folders}"),
        json!({"name": "churn/"}),
        (409, "ALREADY_EXISTS"),
    );
    cloud.no(
        "storage",
        &format!("POST {folders}"),
        json!({"name": "/"}),
        (400, "INVALID_ARGUMENT"),
    );
    let iam = format!("{folders}/churn%2F/iam");
    let mut policy = cloud.ok("storage", &format!("GET {iam}"), Value::Null);
    let mut stale = policy.clone();
    stale["bindings"] = json!([]);
    add(
        &mut policy,
        "roles/storage.objectViewer",
        &format!("serviceAccount:{reader}"),
    );
    add(
        &mut policy,
        "roles/storage.objectCreator",
        &format!("serviceAccount:{reader}"),
    );
    cloud.ok("storage", &format!("PUT {iam}"), policy);
    cloud.no("storage", &format!("PUT {iam}"), stale, (412, "ABORTED"));
    put(&mut cloud, "acme-models", "churn/m", "x", "").unwrap();
    put(&mut cloud, "acme-models", "fraud/m", "x", "").unwrap();
    cloud.no(
        "storage",
        &format!("DELETE {folders}/churn%2F"),
        Value::Null,
        (409, "FAILED_PRECONDITION"),
    );

    cloud.as_account(&reader);
    let denied = (403, "PERMISSION_DENIED");
    cloud.ok(
        "storage",
        &format!("GET {B}/acme-models/o/churn%2Fm"),
        Value::Null,
    );
    cloud.ok(
        "storage",
        &format!("GET {B}/acme-models/o?prefix=churn/"),
        Value::Null,
    );
    put(&mut cloud, "acme-models", "churn/new", "x", "").unwrap();
    assert_eq!(
        put(&mut cloud, "acme-models", "churn/new", "y", "")
            .unwrap_err()
            .status,
        403,
        "overwriting is deleting"
    );
    cloud.no(
        "storage",
        &format!("GET {B}/acme-models/o/fraud%2Fm"),
        Value::Null,
        denied,
    );
    cloud.no("storage", &format!("GET {B}/acme-models/o"), Value::Null, denied);
    cloud.no(
        "storage",
        &format!("DELETE {B}/acme-models/o/churn%2Fm"),
        Value::Null,
        denied,
    );
    cloud.no("storage", &format!("PATCH {B}/acme-models"), json!({}), denied);
    cloud.caller = crate::cloud::operator();

    let public = json!({"bindings": [{"role": "roles/storage.objectViewer", "members": ["allUsers"]}]});
    let words = cloud.no(
        "storage",
        &format!("PUT {B}/acme-models/iam"),
        public,
        (412, "FAILED_PRECONDITION"),
    );
    assert!(words.contains("public access prevention is enforced"), "{words}");
    cloud.ok(
        "storage",
        &format!("DELETE {folders}/churn%2F?allowNonEmpty=true"),
        Value::Null,
    );
    cloud.no(
        "storage",
        &format!("GET {folders}/churn%2F"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
}

#[test]
fn folders_and_conditions_need_uniform_access() {
    let mut cloud = Cloud::new();
    cloud.ok(
        "storage",
        &format!("POST {B}?project={PROJECT}"),
        json!({"name": "acme-old"}),
    );
    cloud.no(
        "storage",
        &format!("POST {B}/acme-old/managedFolders"),
        json!({"name": "a/"}),
        (412, "FAILED_PRECONDITION"),
    );
    let policy = json!({"version": 3, "bindings": [{"role": "roles/storage.objectViewer", "members": ["user:a@example.com"], "condition": {"title": "t", "expression": "true"}}]});
    cloud.no(
        "storage",
        &format!("PUT {B}/acme-old/iam"),
        policy,
        (412, "FAILED_PRECONDITION"),
    );
}

#[test]
fn the_agent_is_made_by_asking_and_opens_a_key() {
    let mut cloud = Cloud::new();
    let place = "v1/projects/acme-ml/locations/europe-west1";
    cloud.ok(
        "cloudkms",
        &format!("POST {place}/keyRings?keyRingId=r"),
        json!({}),
    );
    cloud.ok(
        "cloudkms",
        &format!("POST {place}/keyRings/r/cryptoKeys?cryptoKeyId=k"),
        json!({"purpose": "ENCRYPT_DECRYPT"}),
    );
    let agent = cloud.ok(
        "storage",
        &format!("GET storage/v1/projects/{PROJECT}/serviceAccount"),
        Value::Null,
    );
    let mut policy = json!({});
    add(
        &mut policy,
        "roles/cloudkms.cryptoKeyEncrypterDecrypter",
        &format!("serviceAccount:{}", agent["email_address"].as_str().unwrap()),
    );
    let key = format!("{place}/keyRings/r/cryptoKeys/k");
    cloud.ok(
        "cloudkms",
        &format!("POST {key}:setIamPolicy"),
        json!({"policy": policy}),
    );
    let mut body = bucket("acme-sealed");
    body["encryption"] = json!({"defaultKmsKeyName": key.trim_start_matches("v1/")});
    cloud.ok("storage", &format!("POST {B}?project={PROJECT}"), body);
}
