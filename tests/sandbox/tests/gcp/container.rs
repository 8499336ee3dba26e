//! Kubernetes Engine: operations, what they stand in the way of, what they end in.

use serde_json::{Value, json};

use crate::cloud::{Cloud, PROJECT};

const PLACE: &str = "v1/projects/acme-ml/locations/europe-west1";

fn pool(name: &str) -> Value {
    json!({
        "name": name,
        "initialNodeCount": 1,
        "autoscaling": {"enabled": true, "totalMinNodeCount": 1, "totalMaxNodeCount": 4},
        "management": {"autoUpgrade": true, "autoRepair": true},
        "config": {
            "machineType": "e2-standard-4",
            "oauthScopes": ["https://www.googleapis.com/auth/cloud-platform"],
            "workloadMetadataConfig": {"mode": "GKE_METADATA"},
            "taints": [{"key": "k", "value": "v", "effect": "NO_SCHEDULE"}],
        },
    })
}

fn cluster(name: &str) -> Value {
    json!({"cluster": {
        "name": name,
        "releaseChannel": {"channel": "REGULAR"},
        "workloadIdentityConfig": {"workloadPool": format!("{PROJECT}.svc.id.goog")},
        "resourceLabels": {"mlops_environment": "x"},
        "nodePools": [pool("system")],
    }})
}

fn create(cloud: &mut Cloud, name: &str) -> Value {
    cloud.ok("container", &format!("POST {PLACE}/clusters"), cluster(name))
}

fn operation(cloud: &mut Cloud, answer: &Value) -> Value {
    let name = answer["name"].as_str().unwrap();
    cloud.ok(
        "container",
        &format!("GET {PLACE}/operations/{name}"),
        Value::Null,
    )
}

fn get(cloud: &mut Cloud, path: &str) -> Value {
    cloud.ok("container", &format!("GET {PLACE}/clusters/{path}"), Value::Null)
}

#[test]
fn a_cluster_comes_with_its_pools_in_its_own_time() {
    let mut cloud = Cloud::new();
    let begun = create(&mut cloud, "prod");
    assert_eq!(
        (begun["operationType"].as_str(), begun["status"].as_str()),
        (Some("CREATE_CLUSTER"), Some("PENDING"))
    );
    cloud.later(10);
    assert_eq!(operation(&mut cloud, &begun)["status"], "RUNNING");
    assert_eq!(get(&mut cloud, "prod")["status"], "PROVISIONING");
    cloud.later(400);
    let done = operation(&mut cloud, &begun);
    assert_eq!(done["status"], "DONE");
    assert!(done["error"].is_null() && done["endTime"].is_string());
    let found = get(&mut cloud, "prod");
    assert_eq!(found["status"], "RUNNING");
    assert_eq!(found["nodePools"][0]["status"], "RUNNING");
    assert_eq!(found["currentNodeCount"], 3);
    assert_eq!(found["currentMasterVersion"], found["currentNodeVersion"]);
    assert_eq!(
        found["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["allowExternalTraffic"],
        false
    );
    assert_eq!(found["databaseEncryption"]["state"], "DECRYPTED");
    let list = cloud.ok(
        "container",
        "GET v1/projects/acme-ml/locations/-/clusters",
        Value::Null,
    );
    assert_eq!(list["clusters"].as_array().unwrap().len(), 1);
}

#[test]
fn one_operation_at_a_time_on_a_cluster_and_one_on_a_pool() {
    let mut cloud = Cloud::new();
    let begun = create(&mut cloud, "prod");
    let busy = cloud.no(
        "container",
        &format!("POST {PLACE}/clusters/prod/nodePools"),
        json!({"nodePool": pool("gpu")}),
        (400, "FAILED_PRECONDITION"),
    );
    let name = begun["name"].as_str().unwrap();
    assert_eq!(
        busy,
        format!(
            "Operation {name} is currently creating cluster prod. Please wait and try again once it is done."
        )
    );
    cloud.later(500);
    for pool_name in ["a", "b", "c", "d", "e"] {
        cloud.ok(
            "container",
            &format!("POST {PLACE}/clusters/prod/nodePools"),
            json!({"nodePool": pool(pool_name)}),
        );
    }
    let full = cloud.no(
        "container",
        &format!("POST {PLACE}/clusters/prod/nodePools"),
        json!({"nodePool": pool("f")}),
        (429, "RESOURCE_EXHAUSTED"),
    );
    assert!(full.contains("concurrent operations quota 5"), "{full}");
    let same = cloud.no(
        "container",
        &format!("DELETE {PLACE}/clusters/prod/nodePools/a"),
        Value::Null,
        (400, "FAILED_PRECONDITION"),
    );
    assert!(
        same.starts_with("Cluster is running incompatible operation operation-"),
        "{same}"
    );
    cloud.no(
        "container",
        &format!("DELETE {PLACE}/clusters/prod"),
        Value::Null,
        (400, "FAILED_PRECONDITION"),
    );
    cloud.later(100);
    cloud.ok("container", &format!("DELETE {PLACE}/clusters/prod"), Value::Null);
    assert_eq!(get(&mut cloud, "prod")["status"], "STOPPING");
    cloud.later(300);
    cloud.no(
        "container",
        &format!("GET {PLACE}/clusters/prod"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
}

#[test]
fn a_doomed_operation_ends_in_its_error() {
    let mut cloud = Cloud::new();
    let project = cloud.world.gcp.projects.get_mut(PROJECT).unwrap();
    project.container.doomed.insert(
        "prod".into(),
        "GCE_STOCKOUT: no capacity in europe-west1-b.".into(),
    );
    let begun = create(&mut cloud, "prod");
    cloud.later(500);
    let done = operation(&mut cloud, &begun);
    assert_eq!(
        done["error"]["message"],
        "GCE_STOCKOUT: no capacity in europe-west1-b."
    );
    assert_eq!(get(&mut cloud, "prod")["status"], "ERROR");
    assert!(!cloud.world.gcp.projects[PROJECT].workload_pool);
}

#[test]
fn what_no_cluster_can_be_is_refused() {
    let mut cloud = Cloud::swift();
    create(&mut cloud, "stands");
    let path = format!("POST {PLACE}/clusters");
    let mut refuse = |change: &dyn Fn(&mut Value), status: (u16, &str), words: &str| {
        let mut body = cluster("prod");
        change(&mut body["cluster"]);
        let message = cloud.no("container", &path, body, status);
        assert!(message.contains(words), "{message}");
    };
    let invalid = (400, "INVALID_ARGUMENT");
    refuse(&|c| c["name"] = json!("Prod"), invalid, "cluster.name");
    refuse(
        &|c| c["name"] = json!("stands"),
        (409, "ALREADY_EXISTS"),
        "Already exists",
    );
    refuse(
        &|c| c["nodePools"] = json!([]),
        invalid,
        "initial_node_count must be greater than zero",
    );
    refuse(
        &|c| c["initialNodeCount"] = json!(1),
        invalid,
        "must not be specified if",
    );
    refuse(
        &|c| c["nodePools"] = json!([pool("a"), pool("a")]),
        invalid,
        "not unique",
    );
    refuse(
        &|c| c["network"] = json!("nowhere"),
        invalid,
        "has no network named \"nowhere\"",
    );
    refuse(
        &|c| c["subnetwork"] = json!("nowhere"),
        invalid,
        "Subnetwork \"nowhere\" does not exist",
    );
    refuse(
        &|c| c["ipAllocationPolicy"] = json!({"clusterSecondaryRangeName": "pods"}),
        invalid,
        "Pod secondary range \"pods\" does not exist",
    );
    refuse(
        &|c| c["workloadIdentityConfig"] = json!({"workloadPool": "other.svc.id.goog"}),
        invalid,
        "only supported workload pool",
    );
    refuse(
        &|c| c["initialClusterVersion"] = json!("1.19"),
        invalid,
        "No valid versions with the prefix \"1.19\"",
    );
    refuse(
        &|c| {
            c["databaseEncryption"] = json!({"state": "ENCRYPTED", "keyName": "projects/acme-ml/locations/l/keyRings/r/cryptoKeys/k"})
        },
        invalid,
        "useToEncrypt is denied",
    );
    refuse(
        &|c| c["nodePools"][0]["config"]["machineType"] = json!("huge"),
        invalid,
        "Machine type with name 'huge'",
    );
    refuse(
        &|c| c["nodePools"][0]["config"]["serviceAccount"] = json!("no@acme-ml.iam.gserviceaccount.com"),
        invalid,
        "does not exist",
    );
    refuse(
        &|c| {
            c["nodePools"][0]["config"]["accelerators"] =
                json!([{"acceleratorType": "abacus", "acceleratorCount": "1"}])
        },
        invalid,
        "abacus",
    );
    refuse(
        &|c| c["nodePools"][0]["autoscaling"]["minNodeCount"] = json!(1),
        invalid,
        "mutually exclusive",
    );
    refuse(
        &|c| c["nodePools"][0]["autoscaling"]["totalMaxNodeCount"] = json!(0),
        invalid,
        "Invalid autoscaling",
    );
    refuse(
        &|c| c["nodePools"][0]["version"] = json!("1.35"),
        invalid,
        "must not be greater than master version",
    );
    cloud.no(
        "container",
        "POST v1/projects/acme-ml/locations/mars/clusters",
        cluster("x"),
        (403, "PERMISSION_DENIED"),
    );
    cloud.no(
        "container",
        "GET v1/projects/nobodys/locations/europe-west1/clusters/x",
        Value::Null,
        (403, "PERMISSION_DENIED"),
    );
}

#[test]
fn a_cluster_is_changed_one_thing_at_a_time() {
    let mut cloud = Cloud::swift();
    create(&mut cloud, "prod");
    let path = format!("PUT {PLACE}/clusters/prod");
    let two =
        json!({"update": {"desiredMasterVersion": "1.34", "desiredReleaseChannel": {"channel": "STABLE"}}});
    assert!(
        cloud
            .no("container", &path, two, (400, "INVALID_ARGUMENT"))
            .contains("Exactly one update")
    );
    cloud.no(
        "container",
        &path,
        json!({"update": {}}),
        (400, "INVALID_ARGUMENT"),
    );
    let skip = json!({"update": {"desiredMasterVersion": "1.33"}});
    assert!(
        cloud
            .no("container", &path, skip, (400, "INVALID_ARGUMENT"))
            .contains("downgraded")
    );
    cloud.no(
        "container",
        &path,
        json!({"update": {"desiredNodeVersion": "1.35"}}),
        (400, "INVALID_ARGUMENT"),
    );
    cloud.no(
        "container",
        &path,
        json!({"update": {"desiredReleaseChannel": {"channel": "RAPID"}, "etag": "old"}}),
        (400, "FAILED_PRECONDITION"),
    );
    let change = json!({"update": {"desiredLoggingConfig": {"componentConfig": {"enableComponents": ["SYSTEM_COMPONENTS"]}}}});
    cloud.ok("container", &path, change);
    let found = get(&mut cloud, "prod");
    assert_eq!(
        found["loggingConfig"]["componentConfig"]["enableComponents"],
        json!(["SYSTEM_COMPONENTS"])
    );
    assert_eq!(found["status"], "RUNNING");
    let upgrade = cloud.ok(
        "container",
        &path,
        json!({"update": {"desiredMasterVersion": "1.35"}}),
    );
    assert_eq!(upgrade["operationType"], "UPGRADE_MASTER");
    assert!(
        get(&mut cloud, "prod")["currentMasterVersion"]
            .as_str()
            .unwrap()
            .starts_with("1.35")
    );

    let labels = format!("POST {PLACE}/clusters/prod:setResourceLabels");
    let body = |print: &str| json!({"resourceLabels": {"a": "b"}, "labelFingerprint": print});
    assert!(
        cloud
            .no("container", &labels, body("old"), (400, "INVALID_ARGUMENT"))
            .contains("fingerprint mismatch")
    );
    let print = get(&mut cloud, "prod")["labelFingerprint"]
        .as_str()
        .unwrap()
        .to_owned();
    cloud.ok("container", &labels, body(&print));
    assert_eq!(get(&mut cloud, "prod")["resourceLabels"], json!({"a": "b"}));
}

#[test]
fn a_pool_is_changed_sized_and_deleted() {
    let mut cloud = Cloud::new();
    create(&mut cloud, "prod");
    cloud.later(500);
    let path = format!("{PLACE}/clusters/prod/nodePools/system");
    let change = json!({
        "nodeVersion": "-",
        "machineType": "e2-standard-8",
        "labels": {"labels": {"team": "ml"}},
        "taints": {"taints": []},
        "resourceLabels": {"labels": {"mlops_uid": "1"}},
        "diskSizeGb": "200",
    });
    cloud.ok("container", &format!("PUT {path}"), change);
    assert_eq!(get(&mut cloud, "prod/nodePools/system")["status"], "RECONCILING");
    cloud.later(400);
    let found = get(&mut cloud, "prod/nodePools/system");
    assert_eq!(found["status"], "RUNNING");
    assert_eq!(found["config"]["machineType"], "e2-standard-8");
    assert_eq!(found["config"]["diskSizeGb"], 200);
    assert_eq!(found["config"]["labels"], json!({"team": "ml"}));
    assert_eq!(found["config"]["taints"], json!([]));
    assert_eq!(found["config"]["workloadMetadataConfig"]["mode"], "GKE_METADATA");
    cloud.ok(
        "container",
        &format!("POST {path}:setAutoscaling"),
        json!({"autoscaling": {"enabled": true, "totalMaxNodeCount": 9}}),
    );
    cloud.later(60);
    let found = get(&mut cloud, "prod/nodePools/system");
    assert_eq!(
        found["autoscaling"],
        json!({"enabled": true, "totalMaxNodeCount": 9})
    );
    let off = json!({"management": {"autoUpgrade": false, "autoRepair": true}});
    assert!(
        cloud
            .no(
                "container",
                &format!("POST {path}:setManagement"),
                off,
                (400, "INVALID_ARGUMENT")
            )
            .contains("release_channel")
    );
    cloud.ok(
        "container",
        &format!("POST {path}:setSize"),
        json!({"nodeCount": 2}),
    );
    cloud.later(100);
    cloud.no(
        "container",
        &format!("PUT {path}"),
        json!({"etag": "old", "nodeVersion": "-", "imageType": "COS_CONTAINERD"}),
        (400, "FAILED_PRECONDITION"),
    );
    cloud.no(
        "container",
        &format!("PUT {path}"),
        json!({"nodeVersion": "1.35", "imageType": "COS_CONTAINERD"}),
        (400, "INVALID_ARGUMENT"),
    );
    cloud.ok("container", &format!("DELETE {path}"), Value::Null);
    cloud.later(200);
    cloud.no(
        "container",
        &format!("GET {path}"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
    assert!(get(&mut cloud, "prod").get("nodePools").is_none());
}

#[test]
fn an_upgrade_of_nodes_can_be_cancelled_and_nothing_else() {
    let mut cloud = Cloud::new();
    let begun = create(&mut cloud, "prod");
    let cancel = |answer: &Value| {
        format!(
            "POST {PLACE}/operations/{}:cancel",
            answer["name"].as_str().unwrap()
        )
    };
    cloud.no(
        "container",
        &cancel(&begun),
        json!({}),
        (400, "FAILED_PRECONDITION"),
    );
    cloud.later(500);
    cloud.ok(
        "container",
        &format!("PUT {PLACE}/clusters/prod"),
        json!({"update": {"desiredMasterVersion": "1.35"}}),
    );
    cloud.later(700);
    let upgrade = cloud.ok(
        "container",
        &format!("PUT {PLACE}/clusters/prod"),
        json!({"update": {"desiredNodeVersion": "-"}}),
    );
    cloud.later(5);
    cloud.ok("container", &cancel(&upgrade), json!({}));
    let done = operation(&mut cloud, &upgrade);
    assert_eq!(
        (done["status"].as_str(), done["error"]["message"].as_str()),
        (Some("DONE"), Some("Operation was cancelled."))
    );
    let list = cloud.ok("container", &format!("GET {PLACE}/operations"), Value::Null);
    assert_eq!(list["operations"].as_array().unwrap().len(), 3);
}

#[test]
fn versions_are_told() {
    let mut cloud = Cloud::swift();
    let config = cloud.ok("container", &format!("GET {PLACE}/serverConfig"), Value::Null);
    assert_eq!(config["channels"].as_array().unwrap().len(), 4);
    create(&mut cloud, "prod");
    let issuer = cloud.ok(
        "container",
        &format!("GET {PLACE}/clusters/prod/.well-known/openid-configuration"),
        Value::Null,
    );
    assert_eq!(
        issuer["issuer"],
        format!("https://container.googleapis.com/{PLACE}/clusters/prod")
    );
    cloud.ok(
        "container",
        &format!("GET {PLACE}/clusters/prod/jwks"),
        Value::Null,
    );
}
