//! A local Google Cloud for one test, with a project, a network, and a driver.

use std::time::Duration;

use mlops_environment::component::{Component, Observation, Present};
use mlops_environment::driver::Driver;
use mlops_environment::plan::Change;
use mlops_gcp::{CredentialsSource, Gcp, Retry, SERVICES, Settings};
use mlops_sandbox::Sandbox;
use serde_json::json;

use crate::harness::Hurry;

/// A project `acme` with the network that the tests' clusters use.
pub(crate) fn cloud() -> Sandbox {
    let sandbox = Sandbox::builder().start().unwrap();
    sandbox.world(|world| {
        let project = world
            .gcp
            .projects
            .entry("acme".to_owned())
            .or_insert_with(|| mlops_sandbox::gcp::Project::new(42));
        let url = "https://www.googleapis.com/compute/v1/projects/acme";
        project.network.insert(
            "global/networks/vpc".into(),
            json!({"kind": "compute#network", "name": "vpc", "autoCreateSubnetworks": false,
                   "selfLink": format!("{url}/global/networks/vpc")}),
        );
        project.network.insert(
            "regions/europe-west4/subnetworks/nodes".into(),
            json!({"kind": "compute#subnetwork", "name": "nodes", "ipCidrRange": "10.0.0.0/20",
            "network": format!("{url}/global/networks/vpc"), "region": format!("{url}/regions/europe-west4"),
            "privateIpGoogleAccess": true,
            "selfLink": format!("{url}/regions/europe-west4/subnetworks/nodes"),
            "secondaryIpRanges": [
                {"rangeName": "pods", "ipCidrRange": "10.4.0.0/14"},
                {"rangeName": "services", "ipCidrRange": "10.8.0.0/20"},
            ]}),
        );
    });
    sandbox
}

/// A driver at a local cloud.
pub(crate) async fn driver(cloud: &Sandbox) -> Gcp {
    driver_at_pace(cloud, Duration::ZERO).await
}

/// A driver that makes and deletes buckets at a pace.
pub(crate) async fn driver_at_pace(cloud: &Sandbox, pace: Duration) -> Gcp {
    Gcp::connect(Settings {
        bucket_pace: Some(pace),
        project: Some("acme".into()),
        credentials: Some(CredentialsSource::Token("dummy".into())),
        endpoints: SERVICES
            .iter()
            .map(|service| ((*service).to_owned(), cloud.gcp(service)))
            .collect(),
        retry: Retry {
            first_pause: Duration::from_millis(2),
            longest_pause: Duration::from_millis(10),
            ..Retry::default()
        },
        ..Settings::default()
    })
    .await
    .unwrap()
}

/// Where the cloud tells something else than is wanted.
pub(crate) fn diff(wanted: &Component, found: &Present) -> Vec<Change> {
    wanted
        .properties
        .iter()
        .filter_map(|(property, to)| {
            let from = found.properties.get(property)?;
            // Empty means: whatever it is, as the planner has it.
            (from != to && *to != "").then(|| Change {
                property: property.clone(),
                from: from.clone(),
                to: to.clone(),
            })
        })
        .collect()
}

pub(crate) async fn look(gcp: &Gcp, wanted: &Component) -> Present {
    match gcp
        .observe(wanted)
        .await
        .unwrap_or_else(|f| panic!("{}: {f} {f:?}", wanted.address))
    {
        Observation::Present(present) => present,
        Observation::Absent => panic!("{} is absent", wanted.address),
    }
}

/// Makes it, and checks that it stands as wanted.
pub(crate) async fn made(gcp: &Gcp, wanted: &Component) -> Present {
    let present = gcp
        .create(wanted, &Hurry::default())
        .await
        .unwrap_or_else(|f| panic!("{}: {f} {f:?}", wanted.address));
    let found = look(gcp, wanted).await;
    assert_eq!(diff(wanted, &found), [], "{}", wanted.address);
    assert!(
        found.foreign.is_empty(),
        "{}: {:?}",
        wanted.address,
        found.foreign
    );
    assert_eq!(present.outputs, found.outputs, "{}", wanted.address);
    assert_eq!(present.owner, found.owner, "{}", wanted.address);
    found
}

/// Makes what must stand first.
pub(crate) async fn prepared(gcp: &Gcp, before: &[Component]) {
    for component in before {
        made(gcp, component).await;
    }
}

/// Changes it, and checks that it stands as wanted.
pub(crate) async fn changed(gcp: &Gcp, wanted: &Component) -> Present {
    let found = look(gcp, wanted).await;
    let changes = diff(wanted, &found);
    gcp.update(wanted, &found, &changes, &Hurry::default())
        .await
        .unwrap_or_else(|f| panic!("{}: {f} {f:?}", wanted.address));
    let found = look(gcp, wanted).await;
    assert_eq!(diff(wanted, &found), [], "{}", wanted.address);
    assert!(
        found.foreign.is_empty(),
        "{}: {:?}",
        wanted.address,
        found.foreign
    );
    found
}
