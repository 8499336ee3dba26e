//! Many components at once: what tells of several is asked for once, and what a service takes slowly is made slowly.

use std::time::Duration;

use mlops_environment::component::{Component, Kind, Observation};
use mlops_environment::driver::Driver;
use mlops_environment::gcp::{Bucket, Key};
use mlops_gcp::Gcp;
use mlops_sandbox::{Behaviour, Effect, Fault, Sandbox};
use serde_json::{Value, json};

use crate::environment::{account, bucket, cluster, key, ring, tags};
use crate::harness::Hurry;
use crate::local::{cloud, driver, driver_at_pace, made, prepared};

/// The pool that was made with its cluster, as a component of its own.
fn pool() -> Component {
    let mut pool = cluster();
    pool.kind = Kind::GcpNodePool;
    pool.properties = cluster().properties["initial_pools"]["node_pools.serving"]
        .as_object()
        .unwrap()
        .clone()
        .into_iter()
        .collect();
    pool
}

fn second_key() -> Component {
    let mut second = key().first;
    let mut properties: Key = serde_json::from_value(json!(second.properties)).unwrap();
    properties.name = properties.name.replace("/storage", "/logs");
    properties.tags = tags("keys_logs", "ml");
    second.properties = crate::harness::properties(&properties);
    second
}

async fn standing(gcp: &Gcp) -> Vec<Component> {
    prepared(gcp, &[account("nd-shop"), account("rt-shop"), ring()]).await;
    let all = [
        account("nd-shop"),
        account("rt-shop"),
        key().first,
        second_key(),
        cluster(),
        pool(),
    ];
    for component in [&all[2], &all[3], &all[4]] {
        made(gcp, component).await;
    }
    all.into()
}

#[tokio::test]
async fn a_look_at_many_asks_once_for_what_tells_of_several() {
    let cloud = cloud();
    let gcp = driver(&cloud).await;
    let all = standing(&gcp).await;
    let mut alone = Vec::new();
    for component in &all {
        alone.push(gcp.observe(component).await.unwrap());
    }
    gcp.calls().clear();
    let glance = gcp.glance().expect("there is something to be gained");
    for (component, alone) in all.iter().zip(alone) {
        assert_eq!(
            glance.observe(component).await.unwrap(),
            alone,
            "{}",
            component.address
        );
    }
    let calls = gcp.calls().counts();
    for once in [
        "container:GetCluster",
        "iam:ListServiceAccounts",
        "cloudkms:ListCryptoKeys",
    ] {
        assert_eq!(calls.get(once), Some(&1), "{once}: {calls:#?}");
    }
    for never in ["iam:GetServiceAccount", "cloudkms:GetCryptoKey"] {
        assert_eq!(calls.get(never), None, "{never}: {calls:#?}");
    }
}

/// Whoever may read an account but not list them all still sees it; and what is not in the list is asked for by its name.
#[tokio::test]
async fn a_list_that_is_refused_or_late_costs_a_call_and_nothing_else() {
    let cloud = cloud();
    let gcp = driver(&cloud).await;
    let all = standing(&gcp).await;
    let denied = Effect::Refused {
        status: 403,
        code: "PERMISSION_DENIED".into(),
        message: "Permission 'list' denied on resource (or it may not exist).".into(),
        retry_after: None,
    };
    for (service, operation) in [("iam", "*serviceAccounts.list"), ("cloudkms", "*cryptoKeys.list")] {
        cloud.fault(Fault::new(denied.clone()).on(service, operation));
    }
    let glance = gcp.glance().unwrap();
    for component in &all {
        assert!(
            matches!(glance.observe(component).await.unwrap(), Observation::Present(_)),
            "{}",
            component.address
        );
    }
}

/// Nothing is remembered from one look to the next.
#[tokio::test]
async fn the_next_look_sees_what_changed() {
    let cloud = cloud();
    let gcp = driver(&cloud).await;
    let all = standing(&gcp).await;
    let (wanted, found) = (&all[4], gcp.glance().unwrap());
    let Observation::Present(present) = found.observe(wanted).await.unwrap() else {
        panic!("absent")
    };
    gcp.delete(wanted, &present, &Hurry::default()).await.unwrap();
    let next = gcp.glance().unwrap();
    for component in [&all[4], &all[5]] {
        assert_eq!(next.observe(component).await.unwrap(), Observation::Absent);
    }
}

/// The cloud takes one bucket in so long and refuses the rest: we do not ask for more.
#[tokio::test(flavor = "multi_thread")]
async fn buckets_are_made_and_deleted_at_the_pace_that_the_cloud_takes_them() {
    const PACE: Duration = Duration::from_millis(60);
    let cloud = cloud();
    cloud.behave(|behaviour: &mut Behaviour| {
        behaviour.durations.insert("storage.bucket.pace".into(), 0.05);
    });
    let gcp = driver_at_pace(&cloud, PACE).await;
    prepared(&gcp, &[account("rt-shop")]).await;
    let wanted: Vec<Component> = (0..4)
        .map(|number| bucket(&format!("shop-models-{number}")))
        .collect();
    let made = futures::future::join_all(
        wanted
            .iter()
            .map(|wanted| async { gcp.create(wanted, &Patient).await.unwrap() }),
    )
    .await;
    futures::future::join_all(
        wanted
            .iter()
            .zip(&made)
            .map(|(wanted, found)| async { gcp.delete(wanted, found, &Patient).await.unwrap() }),
    )
    .await;
    let calls = gcp.calls().counts();
    assert_eq!(calls["storage:CreateBucket"], 4, "none was refused: {calls:#?}");
    assert!(refused(&cloud).is_empty(), "{:?}", refused(&cloud));
}

/// The same without a pace: the cloud does refuse then.
#[tokio::test(flavor = "multi_thread")]
async fn the_cloud_refuses_buckets_that_come_too_fast() {
    let cloud = cloud();
    cloud.behave(|behaviour: &mut Behaviour| {
        behaviour.durations.insert("storage.bucket.pace".into(), 0.05);
    });
    let gcp = driver(&cloud).await;
    prepared(&gcp, &[account("rt-shop")]).await;
    for number in 0..3 {
        let wanted = bucket(&format!("shop-models-{number}"));
        gcp.create(&wanted, &Patient).await.unwrap();
    }
    assert!(!refused(&cloud).is_empty());
}

fn refused(cloud: &Sandbox) -> Vec<String> {
    cloud
        .journal()
        .into_iter()
        .filter(|entry| entry.code.as_deref() == Some("RESOURCE_EXHAUSTED"))
        .map(|entry| entry.name())
        .collect()
}

/// Waits as long as it is told.
struct Patient;

impl mlops_environment::driver::Monitor for Patient {
    fn progress(&self, _: &str) {}
    fn cancelled(&self) -> bool {
        false
    }
    fn sleep(
        &self,
        duration: Duration,
    ) -> std::pin::Pin<Box<dyn std::future::Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Accounts of the environment go; their grants on what stays would be somebody else's tomorrow.
#[tokio::test]
async fn a_bucket_that_is_kept_keeps_no_grant_of_the_environment() {
    let cloud = cloud();
    let gcp = driver(&cloud).await;
    let wanted = bucket("shop-models-1a2b3c4d");
    prepared(&gcp, &[account("rt-shop")]).await;
    let found = made(&gcp, &wanted).await;
    let folders = |cloud: &Sandbox| -> Value {
        cloud.snapshot()["gcp"]["buckets"]["shop-models-1a2b3c4d"]["folders"].clone()
    };
    assert!(folders(&cloud).to_string().contains("rt-shop"));
    let theirs = json!({"role": "roles/storage.objectViewer", "members": ["user:analyst@example.com"]});
    cloud.world(|world| {
        let mut value = serde_json::to_value(&*world).unwrap();
        value["gcp"]["buckets"]["shop-models-1a2b3c4d"]["folders"]["shop/"]["policy"]["bindings"]
            .as_array_mut()
            .unwrap()
            .push(theirs.clone());
        *world = serde_json::from_value(value).unwrap();
    });
    gcp.retain(&wanted, &found).await.unwrap();
    let standing = folders(&cloud).to_string();
    assert!(!standing.contains("rt-shop"), "{standing}");
    assert!(standing.contains("analyst@example.com"), "{standing}");
    let properties: Bucket = serde_json::from_value(json!(wanted.properties)).unwrap();
    assert_eq!(
        folders(&cloud).as_object().unwrap().len(),
        properties.folders.len(),
        "folders stay"
    );
    let labels = cloud.snapshot()["gcp"]["buckets"]["shop-models-1a2b3c4d"]["body"]["labels"].clone();
    assert!(labels["mlops_retained_at"].is_string(), "{labels}");
}
