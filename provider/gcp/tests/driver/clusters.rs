//! Clusters and pools: one operation at a time, waited for by name.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use mlops_environment::component::{Component, Kind, Observation, Status};
use mlops_environment::driver::{Driver, Reason};
use mlops_environment::gcp::{Cluster, NodePool};
use serde_json::{Value, json};

use crate::harness::{Hurry, component, driver, found};
use crate::server::{Reply, Server, error};

const CLUSTER: &str = "projects/acme/locations/europe-west4/clusters/shop";

fn tags(component: &str) -> BTreeMap<String, String> {
    [
        ("mlops_environment", "gcp_acme_europe-west4_shop"),
        ("mlops_uid", "u1"),
        ("mlops_component", component),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

fn pool_properties(name: &str) -> NodePool {
    NodePool {
        cluster: CLUSTER.into(),
        name: name.into(),
        service_account: "nd-1a2b3c@acme.iam.gserviceaccount.com".into(),
        machine_type: "e2-standard-4".into(),
        spot: false,
        accelerator: None,
        image_type: "COS_CONTAINERD".into(),
        disk_gb: 100,
        disk_type: "pd-balanced".into(),
        min: 1,
        max: 3,
        initial_count: 1,
        version: String::new(),
        labels: BTreeMap::new(),
        taints: Default::default(),
        max_surge: 1,
        max_unavailable: 0,
        metadata_mode: "GKE_METADATA".into(),
        tags: tags("node_pools_serving"),
    }
}

fn pool(name: &str) -> Component {
    component("node_pools.serving", Kind::GcpNodePool, &pool_properties(name))
}

fn cluster() -> Component {
    let cluster = Cluster {
        name: CLUSTER.into(),
        version: "1.33".into(),
        release_channel: "REGULAR".into(),
        network: "projects/acme/global/networks/vpc".into(),
        subnetwork: "projects/acme/regions/europe-west4/subnetworks/nodes".into(),
        pods_range: "pods".into(),
        services_range: "services".into(),
        private_nodes: true,
        dns_endpoint: true,
        endpoint_private: false,
        endpoint_public: false,
        public_cidrs: Default::default(),
        workload_pool: "acme.svc.id.goog".into(),
        database_encryption_key: None,
        shielded_nodes: true,
        log_components: ["SYSTEM_COMPONENTS".to_owned(), "WORKLOADS".to_owned()].into(),
        tags: tags("cluster"),
        initial_pools: [("node_pools.serving".to_owned(), pool_properties("serving-1a"))].into(),
    };
    component("cluster", Kind::GcpCluster, &cluster)
}

/// A cluster as GKE tells it: what was sent, plus what GKE adds.
fn answered(sent: &Value, status: &str) -> Value {
    let mut cluster = sent.clone();
    cluster["status"] = json!(status);
    cluster["currentMasterVersion"] = json!("1.33.4-gke.1000");
    cluster["networkConfig"]["network"] = sent["network"].clone();
    cluster["networkConfig"]["subnetwork"] = sent["subnetwork"].clone();
    cluster["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["endpoint"] =
        json!("gke-1.europe-west4.gke.goog");
    cluster["masterAuth"] = json!({"clusterCaCertificate": "Y2E="});
    cluster
}

fn operation(name: &str, kind: &str, status: &str) -> Reply {
    Reply::Json(
        200,
        json!({"name": name, "operationType": kind, "status": status}),
    )
}

#[tokio::test]
async fn a_cluster_is_made_with_its_pools_after_what_is_in_the_way() {
    let (asked, sent) = (AtomicUsize::new(0), std::sync::Mutex::new(Value::Null));
    let server = Server::start(move |_, request| {
        let line = request.line.as_str();
        if line.starts_with("POST ") {
            return if asked.fetch_add(1, Ordering::SeqCst) == 0 {
                error(
                    400,
                    "FAILED_PRECONDITION",
                    "Operation operation-9-zz is currently deleting cluster shop. Please wait and try again once it is done.",
                )
            } else {
                *sent.lock().unwrap() = request.body["cluster"].clone();
                operation("operation-10-aa", "CREATE_CLUSTER", "PENDING")
            };
        }
        if line.contains("/operations/operation-9-zz") {
            return operation("operation-9-zz", "DELETE_CLUSTER", "DONE");
        }
        if line.contains("/operations/") {
            let done = asked.fetch_add(1, Ordering::SeqCst) > 3;
            return operation(
                "operation-10-aa",
                "CREATE_CLUSTER",
                if done { "DONE" } else { "RUNNING" },
            );
        }
        Reply::Json(200, answered(&sent.lock().unwrap(), "RUNNING"))
    });
    let gcp = driver(&server).await;
    let (wanted, monitor) = (cluster(), Hurry::default());
    let present = gcp.create(&wanted, &monitor).await.unwrap();
    assert_eq!(present.status, Status::Ready);
    assert_eq!(present.outputs["endpoint"], "https://gke-1.europe-west4.gke.goog");
    assert_eq!(present.outputs["version"], "1.33");
    for (property, found) in &present.properties {
        assert_eq!(found, &wanted.properties[property], "{property}");
    }
    let lines = monitor.0.lock().unwrap().clone();
    assert!(
        lines.contains(&"cluster shop: waits for operation-9-zz".to_owned()),
        "{lines:?}"
    );
    assert!(
        lines.contains(&"cluster shop: CREATE_CLUSTER RUNNING".to_owned()),
        "{lines:?}"
    );
    let create = |request: &crate::server::Request| request.line.starts_with("POST ");
    let body = server.seen().into_iter().rfind(create).unwrap().body;
    assert_eq!(body["cluster"]["nodePools"][0]["name"], "serving-1a");
    assert_eq!(body["cluster"]["nodePools"].as_array().unwrap().len(), 1);
    assert!(
        body["cluster"]
            .get("initialNodeCount")
            .is_none_or(|count| count == 0)
    );
    assert_eq!(
        body["cluster"]["nodePools"][0]["config"]["oauthScopes"],
        json!(["https://www.googleapis.com/auth/cloud-platform"])
    );
}

#[tokio::test]
async fn a_cluster_that_cannot_be_made_says_why() {
    let server = Server::start(|_, request| {
        if request.line.starts_with("POST ") {
            return operation("operation-1-a", "CREATE_CLUSTER", "RUNNING");
        }
        Reply::Json(
            200,
            json!({"name": "operation-1-a", "operationType": "CREATE_CLUSTER", "status": "DONE",
                   "error": {"code": 8, "message": "Insufficient regional quota to satisfy request: resource \"CPUS\""}}),
        )
    });
    let gcp = driver(&server).await;
    let failure = gcp.create(&cluster(), &Hurry::default()).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Quota);
    assert!(
        failure.message.contains("CREATE_CLUSTER of cluster shop failed") && failure.message.contains("CPUS"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_create_that_was_cut_off_is_waited_for_by_its_operation() {
    let looks = AtomicUsize::new(0);
    let server = Server::start(move |_, request| {
        let line = request.line.as_str();
        if line.contains("/operations?") || line.ends_with("/operations") {
            return Reply::Json(
                200,
                json!({"operations": [
                    {"name": "operation-1-old", "status": "DONE", "targetLink": format!("https://x/v1/{CLUSTER}")},
                    {"name": "operation-2-new", "status": "RUNNING",
                     "targetLink": format!("https://x/v1/{}", CLUSTER.replace("acme", "42"))},
                    {"name": "operation-3-other", "status": "RUNNING", "targetLink": format!("https://x/v1/{CLUSTER}-b")},
                ]}),
            );
        }
        if line.contains("/operations/") {
            assert!(line.contains("operation-2-new"), "{line}");
            return operation("operation-2-new", "CREATE_CLUSTER", "DONE");
        }
        let status = if looks.fetch_add(1, Ordering::SeqCst) == 0 {
            "PROVISIONING"
        } else {
            "RUNNING"
        };
        Reply::Json(
            200,
            answered(
                &json!({"networkConfig": {}, "controlPlaneEndpointsConfig": {"dnsEndpointConfig": {}}}),
                status,
            ),
        )
    });
    let gcp = driver(&server).await;
    let wanted = cluster();
    let present = found(&gcp, &wanted).await;
    assert!(
        matches!(present.status, Status::InProgress { .. }),
        "{:?}",
        present.status
    );
    let settled = gcp.settle(&wanted, &present, &Hurry::default()).await.unwrap();
    let Observation::Present(settled) = settled else {
        panic!("absent")
    };
    assert_eq!(settled.status, Status::Ready);
}

#[tokio::test]
async fn a_pool_is_found_under_its_old_name_and_beside_its_successor() {
    let listed = |names: &'static [&'static str]| {
        Server::start(move |_, _| {
            let pools: Vec<Value> = names
                .iter()
                .map(|name| {
                    json!({"name": name, "status": "RUNNING", "config": {
                        "resourceLabels": tags("node_pools_serving"), "machineType": "e2-standard-4"}})
                })
                .chain([json!({"name": "theirs", "status": "RUNNING", "config": {}})])
                .collect();
            Reply::Json(200, json!({"nodePools": pools}))
        })
    };
    let gcp = driver(&listed(&["serving-0a"])).await;
    let present = found(&gcp, &pool("serving-1a")).await;
    assert_eq!(present.outputs["name"], "serving-0a");
    assert!(present.foreign.is_empty());
    let gcp = driver(&listed(&["serving-0a", "serving-1a"])).await;
    let present = found(&gcp, &pool("serving-1a")).await;
    assert_eq!(present.outputs["name"], "serving-1a");
    assert_eq!(present.foreign, ["superseded node pool serving-0a"]);
    let gcp = driver(&listed(&[])).await;
    assert_eq!(
        gcp.observe(&pool("serving-1a")).await.unwrap(),
        Observation::Absent
    );
}

#[tokio::test]
async fn a_pool_of_a_cluster_that_is_gone_is_gone() {
    let server = Server::start(|_, _| error(404, "NOT_FOUND", "Not found: cluster"));
    let gcp = driver(&server).await;
    let wanted = pool("serving-1a");
    assert_eq!(gcp.observe(&wanted).await.unwrap(), Observation::Absent);
    let present = mlops_environment::component::Present {
        id: format!("{CLUSTER}/nodePools/serving-1a"),
        owner: mlops_environment::component::Owner::Unmarked,
        status: Status::Ready,
        properties: Default::default(),
        outputs: Default::default(),
        foreign: Vec::new(),
    };
    gcp.delete(&wanted, &present, &Hurry::default()).await.unwrap();
}
