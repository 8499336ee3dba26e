//! A cluster of somebody else is looked at, and nothing more.

use mlops_environment::component::{Component, Kind, Observation};
use mlops_environment::driver::{Driver, Reason};
use mlops_environment::gcp::ExistingCluster;

use crate::environment::{account, cluster};
use crate::harness::{Hurry, component};
use crate::local::{cloud, diff, driver, look, made, prepared};

fn given(cluster: &Component) -> Component {
    let name = cluster.properties["name"].as_str().unwrap();
    let given = ExistingCluster {
        name: name.into(),
        workload_pool: "acme.svc.id.goog".into(),
    };
    component("cluster", Kind::GcpExistingCluster, &given)
}

#[tokio::test]
async fn a_given_cluster_is_looked_at_and_nothing_more() {
    let cloud = cloud();
    let gcp = driver(&cloud).await;
    let own = cluster();
    let given = given(&own);
    assert_eq!(gcp.observe(&given).await.unwrap(), Observation::Absent);
    prepared(&gcp, &[account("nd-shop")]).await;
    made(&gcp, &own).await;
    let before = look(&gcp, &own).await;
    let found = look(&gcp, &given).await;
    assert_eq!(diff(&given, &found), []);
    assert_eq!(
        found.outputs, before.outputs,
        "it tells what one of our own tells"
    );
    let monitor = Hurry::default();
    let tried = [
        gcp.create(&given, &monitor).await.map(drop),
        gcp.update(&given, &found, &[], &monitor).await.map(drop),
        gcp.delete(&given, &found, &monitor).await,
    ];
    for failure in tried.map(Result::unwrap_err) {
        assert_eq!(failure.reason, Reason::Invalid, "{failure:?}");
        assert!(failure.message.contains("somebody else"), "{failure}");
    }
    gcp.retain(&given, &found).await.unwrap();
    assert_eq!(look(&gcp, &own).await, before);
}
