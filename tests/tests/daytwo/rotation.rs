//! Nodes are exchanged by surge: the new ones stand before the old ones go, and the pool keeps its key.

use std::process::{Child, Stdio};
use std::time::Duration;

use http::Method;
use mlops_e2e::ground::{Ground, NAME, On};
use mlops_e2e::terraform::ran;
use mlops_sandbox::{Effect, Fault};
use serde_json::{Value, json};

use crate::SERVICE;

fn pools(serving: &str) -> String {
    format!(
        "{SERVICE}\n  node_pools = {{\n    system  = {{ purpose = \"system\", size = \"small\", min = 1, max = 3 }}\n    \
         serving = {{ purpose = \"serving\", size = \"medium\", min = 1, max = 3, {serving} }}\n  }}\n"
    )
}

/// Names and states of what stands for the pool `serving`.
fn serving(ground: &Ground) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found: Vec<(String, String)> = match ground.on {
        On::Aws => {
            let cluster = json!({ "clusterName": NAME });
            let listed = ground.ask_aws("eks", "ListNodegroups", cluster);
            let names = listed["nodegroups"].as_array().cloned().unwrap_or_default();
            names
                .iter()
                .map(|name| {
                    let this = json!({ "clusterName": NAME, "nodegroupName": name });
                    let group = ground.ask_aws("eks", "DescribeNodegroup", this);
                    (text(name), text(&group["nodegroup"]["status"]))
                })
                .collect()
        }
        On::Gcp => {
            let cluster = text(&ground.environment()["cluster_info"]["arn"]);
            let listed = ground.ask_gcp(&Method::GET, &format!("container/v1/{cluster}/nodePools"), None);
            let pools = listed["nodePools"].as_array().cloned().unwrap_or_default();
            pools
                .iter()
                .map(|pool| (text(&pool["name"]), text(&pool["status"])))
                .collect()
        }
    };
    found
        .into_iter()
        .filter(|(name, _)| name.starts_with("serving"))
        .collect()
}

fn usable(on: On) -> &'static str {
    match on {
        On::Aws => "ACTIVE",
        On::Gcp => "RUNNING",
    }
}

fn removal(on: On) -> Fault {
    let fault = Fault::new(Effect::HoldBefore);
    match on {
        On::Aws => fault.on("eks", "DeleteNodegroup"),
        On::Gcp => fault.on("container", "*nodePools.delete"),
    }
}

fn applying(ground: &Ground) -> Child {
    let mut command = ground.workspace.command(&["apply", "-auto-approve"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("terraform starts")
}

/// Each way of exchanging nodes, from one environment that stands.
fn exchanged(on: On, test: &str) {
    let Some(ground) = Ground::new(on, test) else {
        return;
    };
    ground.configure(&pools("spot = true"));
    ground.settle();
    let ready = ground.moment();
    for way in [built_anew, cut_off, rolled, patched] {
        ground.back_to(&ready);
        way(&ground);
    }
}

/// B17.
#[test]
fn new_nodes_stand_before_old_ones_go() {
    exchanged(On::Aws, "new_nodes_stand_before_old_ones_go");
}

/// B17.
#[test]
fn new_nodes_stand_before_old_ones_go_on_google_cloud() {
    exchanged(On::Gcp, "new_nodes_stand_before_old_ones_go_on_google_cloud");
}

/// Where the API cannot change nodes, others are made beside them, and the old ones go when those are usable.
fn built_anew(ground: &Ground) {
    let (before, old) = (ground.environment(), serving(ground));
    assert_eq!(old.len(), 1, "{old:?}");
    ground.configure(&pools("spot = false"));
    let lines = ground.planned();
    assert_eq!(lines.len(), 1, "nothing else is touched: {lines:#?}");
    assert!(lines[0].contains(" node_pools.serving: "), "{lines:#?}");
    assert!(lines[0].ends_with("[rotate]"), "{lines:#?}");
    // At the moment in which the old one shall go, both stand and the new one is usable.
    ground.sandbox().fault(removal(ground.on).nth(1, 1));
    let apply = applying(ground);
    assert!(
        ground.sandbox().wait_held(Duration::from_secs(120)),
        "the old one was never to go"
    );
    let both = serving(ground);
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(
        both.iter().all(|(_, status)| status == usable(ground.on)),
        "{both:?}"
    );
    ground.sandbox().heal();
    ground.sandbox().release();
    let output = apply.wait_with_output().expect("terraform ends");
    ran(&output, Duration::ZERO).expect(0);

    ground.plan().expect(0);
    let new = serving(ground);
    assert_eq!(new.len(), 1, "{new:?}");
    assert_ne!(new, old, "other nodes");
    let after = ground.environment();
    let ids = |environment: &Value| -> Vec<Value> {
        let components = environment["components"].as_object().into_iter().flatten();
        components
            .map(|(address, component)| json!([address, component["id"]]))
            .collect()
    };
    assert_eq!(
        ids(&before),
        ids(&after),
        "every component, the pool too, is the same"
    );
}

/// A rotation that was cut off when both stood is finished by the next apply: one pool is left, and it is the new one.
fn cut_off(ground: &Ground) {
    let old = serving(ground);
    ground.configure(&pools("spot = false"));
    let (status, code) = match ground.on {
        On::Aws => (400, "AccessDeniedException"),
        On::Gcp => (403, "PERMISSION_DENIED"),
    };
    let refused = Fault {
        effect: Effect::Refused {
            status,
            code: code.to_owned(),
            message: "refused by the test".to_owned(),
            retry_after: None,
        },
        ..removal(ground.on)
    };
    ground.sandbox().fault(refused.nth(1, 1));
    let failed = ground.apply().expect(1);
    assert!(
        failed.text().contains("node_pools.serving"),
        "{}",
        failed.reasons()
    );
    assert_eq!(serving(ground).len(), 2);
    ground.settle();
    let new = serving(ground);
    assert_eq!(new.len(), 1, "{new:?}");
    assert_ne!(new, old);
}

/// What the cloud exchanges itself keeps the pool: bigger disks roll through the same one.
fn rolled(ground: &Ground) {
    let old = serving(ground);
    ground.configure(&pools("spot = true, disk_gb = 120"));
    let lines = ground.planned();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(
        lines[0].contains("→ 120") && lines[0].ends_with("[rotate]"),
        "{lines:#?}"
    );
    ground.settle();
    assert_eq!(serving(ground), old);
}

/// B16: what the cloud patches by itself is no difference.
fn patched(ground: &Ground) {
    ground.configure(&pools("spot = true"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let versions: Vec<String> = match ground.on {
        On::Aws => {
            let this = json!({ "clusterName": NAME, "nodegroupName": serving(ground)[0].0 });
            let group = ground.ask_aws("eks", "DescribeNodegroup", this);
            let cluster = ground.ask_aws("eks", "DescribeCluster", json!({ "name": NAME }));
            vec![
                text(&group["nodegroup"]["releaseVersion"]),
                text(&cluster["cluster"]["platformVersion"]),
            ]
        }
        On::Gcp => {
            let cluster = text(&ground.environment()["cluster_info"]["arn"]);
            let found = ground.ask_gcp(&Method::GET, &format!("container/v1/{cluster}"), None);
            vec![text(&found["currentMasterVersion"])]
        }
    };
    ground.sandbox().world(|world| {
        let mut all = serde_json::to_string(&*world).expect("a world");
        for version in &versions {
            assert!(!version.is_empty(), "{versions:?}");
            // 1.33.5-gke.1 becomes 1.33.5-gke.19, eks.3 becomes eks.39.
            all = all.replace(&format!("\"{version}\""), &format!("\"{version}9\""));
        }
        *world = serde_json::from_str(&all).expect("a world");
    });
    ground.plan().expect(0);
}
