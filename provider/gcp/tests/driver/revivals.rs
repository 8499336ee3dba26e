//! What was deleted and is not gone: pools, providers, keys, log buckets.

use std::sync::atomic::{AtomicBool, Ordering};

use mlops_environment::component::{Component, Kind, Observation};
use mlops_environment::driver::{Driver, Reason};
use mlops_environment::gcp::{Key, LogBucket, Network, WorkloadIdentityPool};
use serde_json::{Value, json};

use crate::harness::{FAMILY, Hurry, MARK, component, driver};
use crate::server::{Reply, Server, error};

const POOL: &str = "projects/acme/locations/global/workloadIdentityPools/mlops-shop";

fn pool() -> Component {
    let pool = WorkloadIdentityPool {
        name: POOL.into(),
        display_name: "shop".into(),
        description: MARK.into(),
    };
    component("federation.pool", Kind::GcpWorkloadIdentityPool, &pool)
}

/// A pool in the trash that carries `description`.
fn trash(description: &'static str) -> Server {
    Server::start(move |_, request| {
        let line = request.line.as_str();
        if line.contains(":undelete") || line.starts_with("PATCH ") {
            Reply::Json(
                200,
                json!({"name": format!("{POOL}/operations/o1"), "done": true}),
            )
        } else if line.starts_with("POST ") {
            error(409, "ALREADY_EXISTS", "Requested entity already exists.")
        } else if line.contains("cloudresourcemanager") {
            Reply::Json(200, json!({"name": "projects/42", "projectId": "acme"}))
        } else {
            Reply::Json(
                200,
                json!({"name": POOL.replace("acme", "42"), "state": "DELETED", "description": description,
                       "expireTime": "2026-12-24T00:00:00Z"}),
            )
        }
    })
}

#[tokio::test]
async fn a_deleted_pool_of_ours_is_brought_back_and_up_to_date() {
    let server = trash(MARK);
    let gcp = driver(&server).await;
    assert_eq!(gcp.observe(&pool()).await.unwrap(), Observation::Absent);
    let monitor = Hurry::default();
    let present = gcp.create(&pool(), &monitor).await.unwrap();
    assert_eq!(present.outputs["name"], POOL.replace("acme", "42"));
    assert_eq!(
        gcp.calls().log(),
        [
            "iam:GetWorkloadIdentityPool",
            "iam:CreateWorkloadIdentityPool",
            "iam:GetWorkloadIdentityPool",
            "iam:UndeleteWorkloadIdentityPool",
            "iam:UpdateWorkloadIdentityPool",
            "cloudresourcemanager:GetProject",
        ]
    );
    let patch = server
        .seen()
        .into_iter()
        .find(|request| request.line.starts_with("PATCH "))
        .unwrap();
    assert_eq!(patch.body["disabled"], json!(false));
    assert!(monitor.0.lock().unwrap()[0].contains("brings it back"));
}

#[tokio::test]
async fn a_deleted_pool_of_others_is_left_where_it_is() {
    let server = trash("the data team's");
    let gcp = driver(&server).await;
    let failure = gcp.create(&pool(), &Hurry::default()).await.unwrap_err();
    assert_eq!(failure.reason, Reason::AlreadyExists);
    assert!(
        failure.message.contains("until 2026-12-24") && failure.message.contains("did not belong"),
        "{failure}"
    );
    assert_eq!(server.seen().len(), 2);
}

const KEY: &str = "projects/acme/locations/europe-west4/keyRings/shop/cryptoKeys/storage";

fn key() -> Component {
    let key = Key {
        name: KEY.into(),
        rotation_days: 90,
        agents: Default::default(),
        grants: Default::default(),
        family: FAMILY.into(),
        tags: [
            (
                "mlops_environment".to_owned(),
                "gcp_acme_europe-west4_shop".to_owned(),
            ),
            ("mlops_uid".to_owned(), "u2".to_owned()),
        ]
        .into(),
    };
    component("keys.storage", Kind::GcpKey, &key)
}

/// A key of an earlier life whose versions are in these states.
fn left_behind(states: &'static [&'static str]) -> Server {
    let key = |state: &str, uid: &str| -> Value {
        json!({"name": KEY, "purpose": "ENCRYPT_DECRYPT", "rotationPeriod": "7776000s",
               "labels": {"mlops_environment": "gcp_acme_europe-west4_shop", "mlops_uid": uid},
               "primary": {"name": format!("{KEY}/cryptoKeyVersions/1"), "state": state}})
    };
    let lives = AtomicBool::new(false);
    Server::start(move |_, request| {
        let line = request.line.as_str();
        if line.contains(":updatePrimaryVersion") {
            lives.store(true, Ordering::SeqCst);
        }
        if line.contains("cloudresourcemanager") {
            return Reply::Json(200, json!({"name": "projects/42", "projectId": "acme"}));
        }
        if line.contains("IamPolicy") {
            return Reply::Json(200, json!({"etag": "YQ=="}));
        }
        if line.starts_with("POST ") && line.contains("/cryptoKeys?") {
            return error(409, "ALREADY_EXISTS", "CryptoKey already exists.");
        }
        if line.starts_with("GET ") && line.contains("/cryptoKeyVersions") {
            let versions: Vec<Value> = states
                .iter()
                .enumerate()
                .map(|(index, state)| json!({"name": format!("{KEY}/cryptoKeyVersions/{}", index + 1), "state": state}))
                .collect();
            return Reply::Json(200, json!({"cryptoKeyVersions": versions}));
        }
        if line.starts_with("POST ") && line.contains("/cryptoKeyVersions") && !line.contains(":restore") {
            return Reply::Json(
                200,
                json!({"name": format!("{KEY}/cryptoKeyVersions/9"), "state": "ENABLED"}),
            );
        }
        if line.starts_with("GET ") {
            let (state, uid) = if lives.load(Ordering::SeqCst) {
                ("ENABLED", "u2")
            } else {
                ("DESTROY_SCHEDULED", "u1")
            };
            return Reply::Json(200, key(state, uid));
        }
        Reply::Json(200, json!({}))
    })
}

#[tokio::test]
async fn a_key_on_its_way_out_is_brought_back() {
    let server = left_behind(&["DESTROYED", "DESTROY_SCHEDULED"]);
    let gcp = driver(&server).await;
    assert_eq!(gcp.observe(&key()).await.unwrap(), Observation::Absent);
    gcp.calls().clear();
    let present = gcp.create(&key(), &Hurry::default()).await.unwrap();
    assert_eq!(present.properties["rotation_days"], 90);
    assert_eq!(
        gcp.calls().log()[..7],
        [
            "cloudkms:CreateCryptoKey",
            "cloudkms:GetCryptoKey",
            "cloudkms:ListCryptoKeyVersions",
            "cloudkms:RestoreCryptoKeyVersion",
            "cloudkms:UpdateCryptoKeyVersion",
            "cloudkms:UpdateCryptoKeyPrimaryVersion",
            "cloudkms:UpdateCryptoKey",
        ]
    );
    let primary = server
        .seen()
        .into_iter()
        .find(|request| request.line.contains(":updatePrimaryVersion"))
        .unwrap();
    assert_eq!(primary.body["cryptoKeyVersionId"], "2");
}

#[tokio::test]
async fn a_dead_key_gets_a_new_version() {
    let server = left_behind(&["DESTROYED"]);
    let gcp = driver(&server).await;
    gcp.create(&key(), &Hurry::default()).await.unwrap();
    let calls = gcp.calls().counts();
    assert_eq!(calls["cloudkms:CreateCryptoKeyVersion"], 1);
    assert!(!calls.contains_key("cloudkms:RestoreCryptoKeyVersion"));
}

#[tokio::test]
async fn a_deleted_log_bucket_of_ours_is_brought_back() {
    let name = "projects/acme/locations/europe-west4/buckets/shop";
    let server = Server::start(move |_, request| {
        let line = request.line.as_str();
        if line.starts_with("POST ") && line.contains("/buckets?") {
            error(409, "ALREADY_EXISTS", "exists")
        } else if line.starts_with("GET ") {
            Reply::Json(
                200,
                json!({"name": name, "lifecycleState": "DELETE_REQUESTED", "description": MARK}),
            )
        } else {
            Reply::Json(200, json!({}))
        }
    });
    let bucket = LogBucket {
        name: name.into(),
        retention_days: 90,
        kms_key: None,
        sink: "shop".into(),
        filter: "resource.type=k8s_container".into(),
        description: MARK.into(),
    };
    let bucket = component("logs", Kind::GcpLogBucket, &bucket);
    let gcp = driver(&server).await;
    gcp.create(&bucket, &Hurry::default()).await.unwrap();
    assert_eq!(
        gcp.calls().log(),
        [
            "logging:CreateBucket",
            "logging:GetBucket",
            "logging:UndeleteBucket",
            "logging:UpdateBucket",
            "logging:CreateSink",
        ]
    );
    let sink = &server.seen()[4].body;
    assert_eq!(sink["destination"], format!("logging.googleapis.com/{name}"));
}

#[tokio::test]
async fn a_subnetwork_without_the_range_is_told() {
    let server = Server::start(|_, request| {
        let network = "https://www.googleapis.com/compute/v1/projects/acme/global/networks/vpc";
        if request.line.contains("/subnetworks/") {
            Reply::Json(
                200,
                json!({"network": network, "secondaryIpRanges": [{"rangeName": "pods"}]}),
            )
        } else {
            Reply::Json(200, json!({"name": "vpc"}))
        }
    });
    let network = Network {
        network: "projects/acme/global/networks/vpc".into(),
        subnetwork: "projects/acme/regions/europe-west4/subnetworks/nodes".into(),
        pods_range: "pods".into(),
        services_range: "services".into(),
    };
    let gcp = driver(&server).await;
    let failure = gcp
        .observe(&component("network", Kind::GcpNetwork, &network))
        .await
        .unwrap_err();
    assert!(
        failure.message.contains("no secondary range \"services\"")
            && failure.message.contains("it has pods"),
        "{failure}"
    );
}
