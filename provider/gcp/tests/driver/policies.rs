//! IAM policies that others write too.

use mlops_environment::component::{Component, Kind, Observation};
use mlops_environment::driver::{Driver, Reason};
use mlops_environment::gcp::{Condition, Grant, ProjectGrants};
use serde_json::{Value, json};

use crate::harness::{ENVIRONMENT, FAMILY, Hurry, component, driver, found};
use crate::server::{Reply, Server, error};

fn member() -> String {
    format!("serviceAccount:dp{FAMILY}")
}

fn grants() -> Component {
    let grants = ProjectGrants {
        project: "acme".into(),
        grants: [Grant {
            role: "roles/container.clusterViewer".into(),
            member: member(),
            condition: Some(Condition {
                title: "this cluster".into(),
                expression: "resource.name == 'c'".into(),
            }),
        }]
        .into(),
        family: FAMILY.into(),
        owner: ENVIRONMENT.into(),
    };
    component("project_grants", Kind::GcpProjectGrants, &grants)
}

/// A policy with much in it that is not ours.
fn theirs(etag: &str) -> Value {
    json!({
        "etag": etag,
        "version": 3,
        "auditConfigs": [{"service": "allServices", "auditLogConfigs": [{"logType": 2}]}],
        "bindings": [
            {"role": "roles/owner", "members": ["user:owner@example.com"]},
            {"role": "roles/viewer", "members": ["group:all@example.com"],
             "condition": {"title": "until then", "description": "d", "expression": "request.time < timestamp('2030-01-01T00:00:00Z')"}},
        ],
    })
}

#[tokio::test]
async fn a_lost_race_reads_again_and_keeps_what_others_wrote() {
    let server = Server::start(|number, _| match number {
        0 => Reply::Json(200, theirs("YQ==")),
        1 => error(409, "ABORTED", "There were concurrent policy changes."),
        2 => Reply::Json(200, theirs("Yg==")),
        _ => Reply::Json(200, json!({})),
    });
    let gcp = driver(&server).await;
    gcp.create(&grants(), &Hurry::default()).await.unwrap();
    let written = &server.seen()[3].body["policy"];
    let before = theirs("Yg==");
    assert_eq!(written["etag"], "Yg==");
    assert_eq!(written["version"], 3);
    assert_eq!(written["auditConfigs"], before["auditConfigs"]);
    assert_eq!(written["bindings"][0], before["bindings"][0]);
    assert_eq!(written["bindings"][1], before["bindings"][1]);
    assert_eq!(
        written["bindings"][2],
        json!({"role": "roles/container.clusterViewer", "members": [member()],
               "condition": {"title": "this cluster", "expression": "resource.name == 'c'"}})
    );
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_policy_that_is_so_already_is_not_written() {
    let server = Server::start(|_, _| {
        let mut policy = theirs("YQ==");
        policy["bindings"].as_array_mut().unwrap().push(json!({
            "role": "roles/container.clusterViewer", "members": [member()],
            "condition": {"title": "this cluster", "expression": "resource.name == 'c'"}}));
        Reply::Json(200, policy)
    });
    let gcp = driver(&server).await;
    gcp.create(&grants(), &Hurry::default()).await.unwrap();
    assert_eq!(gcp.calls().log(), ["cloudresourcemanager:GetIamPolicy"]);
}

#[tokio::test]
async fn more_than_was_granted_is_told_and_taken_away() {
    let server = Server::start(|_, request| {
        if request.line.contains(":setIamPolicy") {
            return Reply::Json(200, json!({}));
        }
        let mut policy = theirs("YQ==");
        policy["bindings"].as_array_mut().unwrap().extend([
            json!({"role": "roles/container.clusterViewer", "members": [member()],
                   "condition": {"title": "this cluster", "expression": "resource.name == 'c'"}}),
            json!({"role": "roles/editor", "members": [member(), "user:someone@example.com"]}),
        ]);
        Reply::Json(200, policy)
    });
    let gcp = driver(&server).await;
    let wanted = grants();
    let present = found(&gcp, &wanted).await;
    assert_eq!(
        present.foreign,
        [format!("grant of roles/editor to {}", member())]
    );
    gcp.update(&wanted, &present, &[], &Hurry::default())
        .await
        .unwrap();
    let written = server.seen()[2].body["policy"]["bindings"].clone();
    assert_eq!(
        written[3],
        json!({"role": "roles/editor", "members": ["user:someone@example.com"]})
    );
}

#[tokio::test]
async fn nothing_of_ours_in_a_policy_is_absence() {
    let server = Server::start(|_, _| Reply::Json(200, theirs("YQ==")));
    let gcp = driver(&server).await;
    assert_eq!(gcp.observe(&grants()).await.unwrap(), Observation::Absent);
}

#[tokio::test]
async fn a_member_who_is_gone_for_good_is_named() {
    let server = Server::start(|_, request| {
        if request.line.contains(":setIamPolicy") {
            return error(
                400,
                "INVALID_ARGUMENT",
                "Service account old@gone.iam.gserviceaccount.com does not exist.",
            );
        }
        Reply::Json(200, theirs("YQ=="))
    });
    let gcp = driver(&server).await;
    let failure = gcp.create(&grants(), &Hurry::default()).await.unwrap_err();
    assert_eq!(failure.reason, Reason::Invalid);
    assert!(
        failure.message.contains("old@gone") && failure.message.contains("remove it from the policy"),
        "{failure}"
    );
    assert_eq!(server.seen().len(), 2);
}
