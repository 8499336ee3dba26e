//! The whole life of each kind: made, found as wanted, changed, found as wanted, marked, deleted, gone, and made again.

use mlops_environment::claim::Claim;
use mlops_environment::component::{Observation, OnDestroy, Owner};
use mlops_environment::driver::{Driver, Reason};
use mlops_environment::gcp::Grant;

use crate::environment::{Case, account, bucket, cluster, locked_bucket, network};
use crate::harness::{ENVIRONMENT, Hurry};
use crate::local::{changed, cloud, driver, look, made, prepared};

mod lives_as_told {
    crate::environment::each_kind!(live);
}

async fn live(case: &Case) {
    let cloud = cloud();
    let gcp = driver(&cloud).await;
    prepared(&gcp, &case.before).await;
    let found = made(&gcp, &case.first).await;
    assert!(
        matches!(&found.owner, Owner::Environment { id, .. } if id == ENVIRONMENT),
        "{}: {:?}",
        case.name,
        found.owner
    );
    let found = changed(&gcp, &case.second).await;
    gcp.retain(&case.second, &found)
        .await
        .unwrap_or_else(|f| panic!("{}: {f}", case.name));
    let found = look(&gcp, &case.second).await;
    assert!(matches!(found.owner, Owner::Environment { .. }), "{}", case.name);
    gcp.delete(&case.second, &found, &Hurry::default())
        .await
        .unwrap_or_else(|f| panic!("{}: {f} {f:?}", case.name));
    if case.stays {
        look(&gcp, &case.second).await;
        return;
    }
    assert_eq!(
        gcp.observe(&case.second).await.unwrap(),
        Observation::Absent,
        "{}",
        case.name
    );
    // Again, as after a lost answer.
    gcp.delete(&case.second, &found, &Hurry::default())
        .await
        .unwrap_or_else(|f| panic!("{}: {f} {f:?}", case.name));
    made(&gcp, &case.first).await;
}

#[tokio::test]
async fn a_network_is_looked_at_and_never_touched() {
    let cloud = cloud();
    let gcp = driver(&cloud).await;
    let found = look(&gcp, &network()).await;
    assert_eq!(found.outputs["network"], "projects/acme/global/networks/vpc");
    for refused in [
        gcp.create(&network(), &Hurry::default()).await.map(drop),
        gcp.delete(&network(), &found, &Hurry::default()).await,
    ] {
        assert!(refused.unwrap_err().message.contains("never made"));
    }
}

#[tokio::test]
async fn a_claim_is_written_only_over_what_was_read() {
    let cloud = cloud();
    let gcp = driver(&cloud).await;
    let name = "shop-logs-1a2b3c4d";
    made(&gcp, &account("rt-shop")).await;
    made(&gcp, &bucket(name)).await;
    assert_eq!(gcp.read_claim(name, "shop").await.unwrap(), None);
    let first = Claim::new(
        ENVIRONMENT,
        "u1",
        "platform",
        "0.1.0",
        jiff::Timestamp::UNIX_EPOCH,
    );
    let version = gcp.write_claim(name, "shop", &first, None).await.unwrap();
    assert_eq!(
        gcp.read_claim(name, "shop").await.unwrap(),
        Some((first.clone(), version.clone()))
    );
    let second = Claim::new(ENVIRONMENT, "u2", "other", "0.1.0", jiff::Timestamp::UNIX_EPOCH);
    let lost = gcp.write_claim(name, "shop", &second, None).await.unwrap_err();
    assert_eq!(
        (lost.reason, lost.operation.as_str()),
        (Reason::Conflict, "storage:WriteObject")
    );
    let newer = gcp
        .write_claim(name, "shop", &second, Some(&version))
        .await
        .unwrap();
    let lost = gcp
        .write_claim(name, "shop", &first, Some(&version))
        .await
        .unwrap_err();
    assert_eq!(lost.reason, Reason::Conflict);
    assert_eq!(gcp.read_claim(name, "shop").await.unwrap(), Some((second, newer)));
    let absent = gcp.read_claim("no-such-bucket-at-all", "shop").await.unwrap();
    assert_eq!(absent, None);
}

#[tokio::test]
async fn a_bucket_is_emptied_only_where_that_is_wanted() {
    let cloud = cloud();
    let gcp = driver(&cloud).await;
    let mut wanted = bucket("shop-models-1a2b3c4d");
    made(&gcp, &account("rt-shop")).await;
    let found = made(&gcp, &wanted).await;
    // Three versions: the bucket keeps old ones.
    let claim = |uid: &str| Claim::new(ENVIRONMENT, uid, "p", "0.1.0", jiff::Timestamp::UNIX_EPOCH);
    let mut version = None;
    for uid in ["a", "b", "c"] {
        version = Some(
            gcp.write_claim("shop-models-1a2b3c4d", "shop", &claim(uid), version.as_ref())
                .await
                .unwrap(),
        );
    }
    assert_eq!(
        gcp.obstacles(&wanted, &found).await.unwrap(),
        ["holds 3 object versions"]
    );
    let refused = gcp.delete(&wanted, &found, &Hurry::default()).await.unwrap_err();
    assert_eq!(
        (refused.reason, refused.operation.as_str()),
        (Reason::Conflict, "storage:DeleteBucket")
    );
    wanted.on_destroy = OnDestroy::Purge;
    assert!(gcp.obstacles(&wanted, &found).await.unwrap().is_empty());
    let monitor = Hurry::default();
    gcp.delete(&wanted, &found, &monitor).await.unwrap();
    assert_eq!(gcp.observe(&wanted).await.unwrap(), Observation::Absent);
    let lines = monitor.0.lock().unwrap().clone();
    assert!(
        lines.iter().any(|line| line.contains("removed 3 objects")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn what_a_locked_bucket_holds_stays_and_it_is_said_until_when() {
    let cloud = cloud();
    let gcp = driver(&cloud).await;
    let wanted = locked_bucket().first;
    let found = made(&gcp, &wanted).await;
    let claim = Claim::new(ENVIRONMENT, "u1", "p", "0.1.0", jiff::Timestamp::UNIX_EPOCH);
    let version = gcp
        .write_claim("shop-data-1a2b3c4d", "shop", &claim, None)
        .await
        .unwrap();
    let refused = gcp
        .write_claim("shop-data-1a2b3c4d", "shop", &claim, Some(&version))
        .await
        .unwrap_err();
    assert!(refused.message.contains("retention policy"), "{refused}");
    let until = cloud.now() + jiff::SignedDuration::from_hours(30 * 24);
    let obstacles = gcp.obstacles(&wanted, &found).await.unwrap();
    let said = "holds 1 object version under a retention policy, all of it can be deleted from ";
    let named = obstacles[0]
        .strip_prefix(said)
        .and_then(|rest| rest.strip_suffix(" on"));
    let named: jiff::Timestamp = named.unwrap_or_else(|| panic!("{obstacles:?}")).parse().unwrap();
    assert!(until.duration_since(named).as_secs().abs() < 120, "{obstacles:?}");
    let mut emptied = wanted.clone();
    emptied.on_destroy = OnDestroy::Purge;
    let refused = gcp.delete(&emptied, &found, &Hurry::default()).await.unwrap_err();
    assert_eq!(
        (refused.reason, refused.operation.as_str()),
        (Reason::Denied, "storage:DeleteObject")
    );
    // Locked means locked: the cloud itself takes no less.
    let mut shorter = wanted.clone();
    shorter.properties.insert("retention_lock".into(), 7.into());
    let changes = crate::local::diff(&shorter, &found);
    let refused = gcp
        .update(&shorter, &found, &changes, &Hurry::default())
        .await
        .unwrap_err();
    assert!(refused.message.contains("Cannot reduce retention"), "{refused}");
}

#[tokio::test]
async fn what_others_granted_on_a_folder_is_told_and_taken_away() {
    let cloud = cloud();
    let gcp = driver(&cloud).await;
    let wanted = bucket("shop-models-1a2b3c4d");
    made(&gcp, &account("rt-shop")).await;
    made(&gcp, &wanted).await;
    let mut wider = wanted.clone();
    let everybody = Grant {
        role: "roles/storage.objectViewer".into(),
        member: "allAuthenticatedUsers".into(),
        condition: None,
    };
    let folders = wider.properties.get_mut("folders").unwrap();
    folders["shop/"]
        .as_array_mut()
        .unwrap()
        .push(serde_json::to_value(&everybody).unwrap());
    wider
        .properties
        .insert("public_access_prevention".into(), "inherited".into());
    let found = look(&gcp, &wider).await;
    let changes = crate::local::diff(&wider, &found);
    gcp.update(&wider, &found, &changes, &Hurry::default())
        .await
        .unwrap();
    let found = look(&gcp, &wanted).await;
    assert_eq!(
        found.foreign,
        ["grant of roles/storage.objectViewer to allAuthenticatedUsers on folder shop/"]
    );
    changed(&gcp, &wanted).await;
}

#[tokio::test]
async fn pools_made_with_their_cluster_stand_as_wanted() {
    let cloud = cloud();
    let gcp = driver(&cloud).await;
    made(&gcp, &account("nd-shop")).await;
    gcp.calls().clear();
    let wanted = cluster();
    made(&gcp, &wanted).await;
    assert_eq!(gcp.calls().counts()["container:CreateCluster"], 1);
    let initial = wanted.properties["initial_pools"]["node_pools.serving"].clone();
    let mut pool = cluster();
    pool.kind = mlops_environment::component::Kind::GcpNodePool;
    pool.properties = initial.as_object().unwrap().clone().into_iter().collect();
    let found = look(&gcp, &pool).await;
    assert_eq!(crate::local::diff(&pool, &found), []);
    assert!(!gcp.calls().counts().contains_key("container:CreateNodePool"));
}
