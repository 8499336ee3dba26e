//! Service accounts, policies, roles; and policies on everything else.

use serde_json::{Value, json};

use crate::cloud::{Cloud, PROJECT, add};

const ACCOUNTS: &str = "v1/projects/acme-ml/serviceAccounts";

fn policy_of(cloud: &mut Cloud, path: &str) -> Value {
    cloud.ok(
        "iam",
        &format!("POST {path}:getIamPolicy?options.requestedPolicyVersion=3"),
        Value::Null,
    )
}

#[test]
fn an_account_is_made_read_changed_and_found_under_the_wildcard() {
    let mut cloud = Cloud::new();
    let email = cloud.account("runtime-churn");
    assert_eq!(email, "runtime-churn@acme-ml.iam.gserviceaccount.com");
    let found = cloud.ok(
        "iam",
        &format!("GET v1/projects/-/serviceAccounts/{email}"),
        Value::Null,
    );
    assert_eq!(
        found["name"],
        format!("projects/{PROJECT}/serviceAccounts/{email}")
    );
    let unique = found["uniqueId"].as_str().unwrap().to_owned();
    assert_eq!(unique.len(), 21);
    cloud.ok("iam", &format!("GET {ACCOUNTS}/{unique}"), Value::Null);
    let patch = json!({"serviceAccount": {"description": "d"}, "updateMask": "description,displayName"});
    let changed = cloud.ok("iam", &format!("PATCH {ACCOUNTS}/{email}"), patch);
    assert_eq!(
        (changed["description"].as_str(), changed.get("displayName")),
        (Some("d"), None)
    );
    let stale = json!({"serviceAccount": {"description": "e", "etag": "b2xk"}, "updateMask": "description"});
    cloud.no(
        "iam",
        &format!("PATCH {ACCOUNTS}/{email}"),
        stale,
        (409, "ABORTED"),
    );
    cloud.no(
        "iam",
        &format!("GET {ACCOUNTS}/no@acme-ml.iam.gserviceaccount.com"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
    cloud.no(
        "iam",
        "GET v1/projects/-/serviceAccounts/no@acme-ml.iam.gserviceaccount.com",
        Value::Null,
        (403, "PERMISSION_DENIED"),
    );
    for id in [
        "short",
        "Upper-case",
        "ends-with-",
        "much-too-long-for-an-account-id",
    ] {
        let words = cloud.no(
            "iam",
            &format!("POST {ACCOUNTS}"),
            json!({"accountId": id}),
            (400, "INVALID_ARGUMENT"),
        );
        assert!(
            words.contains("does not have a length between 6 and 30"),
            "{words}"
        );
    }
    cloud.no(
        "iam",
        &format!("POST {ACCOUNTS}"),
        json!({"accountId": "runtime-churn"}),
        (409, "ALREADY_EXISTS"),
    );
    let long = json!({"accountId": "another", "serviceAccount": {"description": "x".repeat(257)}});
    cloud.no(
        "iam",
        &format!("POST {ACCOUNTS}"),
        long,
        (400, "INVALID_ARGUMENT"),
    );
}

#[test]
fn a_new_account_is_seen_late() {
    let mut cloud = Cloud::new();
    cloud.world.behaviour.lag = 60.0;
    let email = cloud.account("late-one");
    cloud.no(
        "iam",
        &format!("GET {ACCOUNTS}/{email}"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
    let target = format!("v1/projects/{PROJECT}:setIamPolicy");
    let policy = json!({"policy": {"bindings": [{"role": "roles/viewer", "members": [format!("serviceAccount:{email}")]}]}});
    let words = cloud.no(
        "cloudresourcemanager",
        &format!("POST {target}"),
        policy.clone(),
        (400, "INVALID_ARGUMENT"),
    );
    assert_eq!(words, format!("Service account {email} does not exist."));
    cloud.later(61);
    cloud.ok("cloudresourcemanager", &format!("POST {target}"), policy);
    cloud.ok("iam", &format!("GET {ACCOUNTS}/{email}"), Value::Null);
}

#[test]
fn a_deleted_account_leaves_its_mark_and_comes_back_by_its_unique_id() {
    let mut cloud = Cloud::new();
    let email = cloud.account("coming-and-going");
    cloud.grant_project("roles/viewer", &format!("serviceAccount:{email}"));
    let unique = cloud.ok("iam", &format!("GET {ACCOUNTS}/{email}"), Value::Null)["uniqueId"]
        .as_str()
        .unwrap()
        .to_owned();
    cloud.ok("iam", &format!("DELETE {ACCOUNTS}/{email}"), Value::Null);
    cloud.no(
        "iam",
        &format!("DELETE {ACCOUNTS}/{email}"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
    let read = |cloud: &mut Cloud| {
        let policy = cloud.ok(
            "cloudresourcemanager",
            &format!("POST v1/projects/{PROJECT}:getIamPolicy"),
            json!({}),
        );
        let bindings = policy["bindings"].as_array().unwrap();
        let viewer = bindings
            .iter()
            .find(|binding| binding["role"] == "roles/viewer")
            .unwrap();
        viewer["members"][0].as_str().unwrap().to_owned()
    };
    let deleted = format!("deleted:serviceAccount:{email}?uid={unique}");
    assert_eq!(read(&mut cloud), deleted);
    // A policy that holds it can be written back.
    let mut policy = cloud.ok(
        "cloudresourcemanager",
        &format!("POST v1/projects/{PROJECT}:getIamPolicy"),
        json!({}),
    );
    add(&mut policy, "roles/browser", "user:a@example.com");
    cloud.ok(
        "cloudresourcemanager",
        &format!("POST v1/projects/{PROJECT}:setIamPolicy"),
        json!({"policy": policy}),
    );
    cloud.no(
        "iam",
        &format!("POST {ACCOUNTS}/{email}:undelete"),
        json!({}),
        (404, "NOT_FOUND"),
    );
    // The same e-mail, made anew, has no grants and stands in the way.
    cloud.account("coming-and-going");
    assert_eq!(read(&mut cloud), deleted);
    cloud.no(
        "iam",
        &format!("POST {ACCOUNTS}/{unique}:undelete"),
        json!({}),
        (400, "FAILED_PRECONDITION"),
    );
    cloud.ok("iam", &format!("DELETE {ACCOUNTS}/{email}"), Value::Null);
    cloud.later(29 * 86_400);
    let back = cloud.ok("iam", &format!("POST {ACCOUNTS}/{unique}:undelete"), json!({}));
    assert_eq!(back["restoredAccount"]["uniqueId"], unique);
    assert_eq!(read(&mut cloud), format!("serviceAccount:{email}"));
    cloud.ok("iam", &format!("DELETE {ACCOUNTS}/{email}"), Value::Null);
    cloud.later(31 * 86_400);
    cloud.no(
        "iam",
        &format!("POST {ACCOUNTS}/{unique}:undelete"),
        json!({}),
        (404, "NOT_FOUND"),
    );
}

#[test]
fn a_policy_is_written_under_its_etag() {
    let mut cloud = Cloud::new();
    let email = cloud.account("target-one");
    let path = format!("{ACCOUNTS}/{email}");
    let fresh = policy_of(&mut cloud, &path);
    assert_eq!(fresh, json!({"etag": "ACAB"}));
    let mut first = fresh.clone();
    add(&mut first, "roles/iam.workloadIdentityUser", "user:b@example.com");
    add(&mut first, "roles/iam.workloadIdentityUser", "user:A@Example.com");
    let set = cloud.ok(
        "iam",
        &format!("POST {path}:setIamPolicy"),
        json!({"policy": first}),
    );
    assert_eq!(
        set["bindings"],
        json!([{"role": "roles/iam.workloadIdentityUser", "members": ["user:a@example.com", "user:b@example.com"]}])
    );
    assert_eq!(set["version"], 1);
    let words = cloud.no(
        "iam",
        &format!("POST {path}:setIamPolicy"),
        json!({"policy": fresh}),
        (409, "ABORTED"),
    );
    assert!(
        words.starts_with("There were concurrent policy changes."),
        "{words}"
    );
    // Without an etag it is a blind write.
    let blind = cloud.ok(
        "iam",
        &format!("POST {path}:setIamPolicy"),
        json!({"policy": {"bindings": []}}),
    );
    assert!(blind.get("bindings").is_none() && blind["etag"] != set["etag"]);
}

#[test]
fn conditions_need_version_three_and_are_hidden_from_others() {
    let mut cloud = Cloud::new();
    let target = format!("v3/projects/{PROJECT}");
    let condition =
        json!({"title": "one", "expression": "resource.name == 'projects/p/locations/l/clusters/c'"});
    let binding = json!([{"role": "roles/container.clusterViewer", "members": ["user:a@example.com"], "condition": condition}]);
    let set = format!("POST {target}:setIamPolicy");
    let old = json!({"policy": {"version": 1, "bindings": binding}});
    cloud.no("cloudresourcemanager", &set, old, (400, "INVALID_ARGUMENT"));
    let two = json!({"policy": {"version": 2, "bindings": []}});
    cloud.no("cloudresourcemanager", &set, two, (400, "INVALID_ARGUMENT"));
    let mut bad = binding.clone();
    bad[0]["condition"]["expression"] = json!("resource.name ==");
    cloud.no(
        "cloudresourcemanager",
        &set,
        json!({"policy": {"version": 3, "bindings": bad}}),
        (400, "INVALID_ARGUMENT"),
    );
    bad[0]["condition"] = json!({"expression": "true"});
    cloud.no(
        "cloudresourcemanager",
        &set,
        json!({"policy": {"version": 3, "bindings": bad}}),
        (400, "INVALID_ARGUMENT"),
    );
    let told = cloud.ok(
        "cloudresourcemanager",
        &set,
        json!({"policy": {"version": 3, "bindings": binding}}),
    );
    assert_eq!((told["version"].as_i64(), &told["bindings"]), (Some(3), &binding));
    let hidden = cloud.ok(
        "cloudresourcemanager",
        &format!("POST {target}:getIamPolicy"),
        json!({}),
    );
    assert_eq!(hidden["version"], 1);
    assert!(
        hidden["bindings"][0]["role"]
            .as_str()
            .unwrap()
            .starts_with("roles/container.clusterViewer_withcond_")
    );
    assert!(hidden["bindings"][0].get("condition").is_none());
}

#[test]
fn members_and_roles_must_exist() {
    let mut cloud = Cloud::swift();
    let set = format!("POST v1/projects/{PROJECT}:setIamPolicy");
    let number = cloud.number;
    let pool = "principalSet://iam.googleapis.com/projects/";
    for (member, words) in [
        ("bob".to_owned(), "unknown type"),
        ("owner:bob".to_owned(), "unknown type"),
        ("user:bob".to_owned(), "unknown type"),
        (
            "serviceAccount:no@acme-ml.iam.gserviceaccount.com".to_owned(),
            "Service account no@acme-ml.iam.gserviceaccount.com does not exist.",
        ),
        (
            "deleted:serviceAccount:no@acme-ml.iam.gserviceaccount.com?uid=1".to_owned(),
            "does not exist",
        ),
        (
            format!("serviceAccount:service-{number}@gcp-sa-secretmanager.iam.gserviceaccount.com"),
            "does not exist",
        ),
        (
            "serviceAccount:acme-ml.svc.id.goog[ns/sa]".to_owned(),
            "Identity Pool does not exist (acme-ml.svc.id.goog)",
        ),
        (
            format!("{pool}{number}/locations/global/workloadIdentityPools/none/*"),
            "Identity Pool does not exist",
        ),
    ] {
        let policy = json!({"policy": {"bindings": [{"role": "roles/viewer", "members": [member]}]}});
        let said = cloud.no("cloudresourcemanager", &set, policy, (400, "INVALID_ARGUMENT"));
        assert!(said.contains(words), "{said}");
    }
    let unknown = json!({"policy": {"bindings": [{"role": "roles/none.such", "members": ["allUsers"]}]}});
    assert!(
        cloud
            .no("cloudresourcemanager", &set, unknown, (400, "INVALID_ARGUMENT"))
            .contains("roles/none.such")
    );
    let many: Vec<String> = (0..1_501)
        .map(|number| format!("user:u{number}@example.com"))
        .collect();
    let crowd = json!({"policy": {"bindings": [{"role": "roles/viewer", "members": many}]}});
    cloud.no("cloudresourcemanager", &set, crowd, (400, "INVALID_ARGUMENT"));
    // The agent is there once it was asked for, the pool once a cluster has it.
    cloud.ok(
        "serviceusage",
        &format!(
            "POST v1beta1/projects/{number}/services/secretmanager.googleapis.com:generateServiceIdentity"
        ),
        json!({}),
    );
    cloud.grant_project(
        "roles/viewer",
        &format!("serviceAccount:service-{number}@gcp-sa-secretmanager.iam.gserviceaccount.com"),
    );
}

#[test]
fn keys_are_counted_disabled_and_deleted() {
    let mut cloud = Cloud::new();
    let email = cloud.account("with-keys");
    let keys = format!("{ACCOUNTS}/{email}/keys");
    let list = |cloud: &mut Cloud, query: &str| {
        let list = cloud.ok("iam", &format!("GET {keys}{query}"), Value::Null);
        list["keys"].as_array().cloned().unwrap_or_default()
    };
    assert_eq!(list(&mut cloud, "").len(), 1);
    assert!(list(&mut cloud, "?keyTypes=USER_MANAGED").is_empty());
    let made = cloud.ok("iam", &format!("POST {keys}"), json!({}));
    assert!(made["privateKeyData"].is_string());
    let name = made["name"].as_str().unwrap().to_owned();
    let told = list(&mut cloud, "?keyTypes=USER_MANAGED");
    assert_eq!(told.len(), 1);
    assert!(told[0].get("privateKeyData").is_none());
    cloud.ok("iam", &format!("POST v1/{name}:disable"), json!({}));
    assert_eq!(
        cloud.ok("iam", &format!("GET v1/{name}"), Value::Null)["disabled"],
        true
    );
    cloud.ok("iam", &format!("POST v1/{name}:enable"), json!({}));
    for _ in 0..9 {
        cloud.ok("iam", &format!("POST {keys}"), json!({}));
    }
    cloud.no(
        "iam",
        &format!("POST {keys}"),
        json!({}),
        (400, "FAILED_PRECONDITION"),
    );
    cloud.ok("iam", &format!("DELETE v1/{name}"), Value::Null);
    cloud.no("iam", &format!("GET v1/{name}"), Value::Null, (404, "NOT_FOUND"));
}

#[test]
fn custom_roles_keep_their_id_when_deleted() {
    let mut cloud = Cloud::new();
    let roles = format!("v1/projects/{PROJECT}/roles");
    let body = json!({"roleId": "metrics", "role": {"title": "m", "includedPermissions": ["monitoring.timeSeries.list"]}});
    cloud.ok("iam", &format!("POST {roles}"), body.clone());
    cloud.no(
        "iam",
        &format!("POST {roles}"),
        body.clone(),
        (409, "ALREADY_EXISTS"),
    );
    cloud.grant_project(&format!("projects/{PROJECT}/roles/metrics"), "user:a@example.com");
    cloud.ok("iam", &format!("DELETE {roles}/metrics"), Value::Null);
    cloud.no(
        "iam",
        &format!("POST {roles}"),
        body,
        (400, "FAILED_PRECONDITION"),
    );
    cloud.ok("iam", &format!("POST {roles}/metrics:undelete"), json!({}));
    let viewer = cloud.ok("iam", "GET v1/roles/storage.objectViewer", Value::Null);
    assert!(
        viewer["includedPermissions"]
            .as_array()
            .unwrap()
            .contains(&json!("storage.objects.get"))
    );
    cloud.no("iam", "GET v1/roles/none.such", Value::Null, (404, "NOT_FOUND"));
}

#[test]
fn an_identity_may_do_what_its_grants_say() {
    let mut cloud = Cloud::swift();
    let email = cloud.account("deployer");
    let other = cloud.account("somebody-else");
    cloud.grant_project(
        "roles/container.clusterViewer",
        &format!("serviceAccount:{email}"),
    );
    let list = "GET v1/projects/acme-ml/locations/-/clusters";
    cloud.as_account(&email);
    cloud.ok("container", list, Value::Null);
    let words = cloud.no(
        "container",
        "POST v1/projects/acme-ml/locations/europe-west1/clusters",
        json!({"cluster": {"name": "x", "initialNodeCount": 1}}),
        (403, "PERMISSION_DENIED"),
    );
    assert!(words.contains("container.clusters.create"), "{words}");
    cloud.no(
        "iam",
        &format!("POST {ACCOUNTS}"),
        json!({"accountId": "sneaky-one"}),
        (403, "PERMISSION_DENIED"),
    );
    cloud.no(
        "iam",
        &format!("POST {ACCOUNTS}/{other}/keys"),
        json!({}),
        (403, "PERMISSION_DENIED"),
    );
    let asked = json!({"permissions": ["container.clusters.get", "container.clusters.delete"]});
    let held = cloud.ok(
        "cloudresourcemanager",
        &format!("POST v1/projects/{PROJECT}:testIamPermissions"),
        asked,
    );
    assert_eq!(held, json!({"permissions": ["container.clusters.get"]}));
    cloud.as_account(&other);
    cloud.no("container", list, Value::Null, (403, "PERMISSION_DENIED"));
}
