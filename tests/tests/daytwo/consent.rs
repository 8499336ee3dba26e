//! What cannot be changed is made anew with consent, and takes along what the cloud has as a part of it.

use http::Method;
use mlops_e2e::gcp::{PROJECT, REGION};
use mlops_e2e::ground::{Ground, NAME, On, flat};
use serde_json::{Value, json};

use crate::SERVICE;

/// Another range of addresses for pods.
const RANGE: &str = "pods-2";

fn configure(ground: &Ground, changed: bool, consent: &str) {
    let cloud = if changed && ground.on == On::Aws {
        "encryption = { mode = \"cloud\" }"
    } else {
        ""
    };
    ground.configure(&format!("{SERVICE}\n  {cloud}\n  {consent}\n"));
    if changed && ground.on == On::Gcp {
        let main = std::fs::read_to_string(ground.workspace.path("main.tf")).unwrap();
        let moved = main.replace("pods_range = \"pods\"", &format!("pods_range = \"{RANGE}\""));
        assert_ne!(main, moved, "the block says its ranges in other words");
        ground.workspace.write("main.tf", &moved);
    }
}

fn furnish(ground: &Ground) {
    if ground.on == On::Gcp {
        ground.sandbox().world(|world| {
            let project = world.gcp.projects.get_mut(PROJECT).expect("a project");
            let place = format!("regions/{REGION}/subnetworks/ml-nodes");
            let ranges = &mut project.network.get_mut(&place).expect("a subnetwork")["secondaryIpRanges"];
            let ranges = ranges.as_array_mut().expect("ranges");
            ranges.push(json!({ "rangeName": RANGE, "ipCidrRange": "10.12.0.0/14" }));
        });
    }
}

/// Every line of consent that a refusal asks for.
fn asked_for(said: &str) -> String {
    let asked = said.split("replace_components = { ").skip(1);
    let lines: Vec<&str> = asked.filter_map(|rest| rest.split(" }").next()).collect();
    assert!(!lines.is_empty(), "{said}");
    format!("replace_components = {{ {} }}", lines.join(", "))
}

/// What tells one cluster from another of the same name, and the pools in it.
fn stands(ground: &Ground) -> (Value, Vec<String>) {
    let names = |list: &Value, name: fn(&Value) -> String| {
        let mut names: Vec<String> = list.as_array().into_iter().flatten().map(name).collect();
        names.sort();
        names
    };
    match ground.on {
        On::Aws => {
            let cluster = ground.ask_aws("eks", "DescribeCluster", json!({ "name": NAME }));
            let groups = ground.ask_aws("eks", "ListNodegroups", json!({ "clusterName": NAME }));
            let names = names(&groups["nodegroups"], |name| {
                name.as_str().unwrap_or_default().to_owned()
            });
            (cluster["cluster"]["createdAt"].clone(), names)
        }
        On::Gcp => {
            let arn = ground.environment()["cluster_info"]["arn"].clone();
            let path = format!("container/v1/{}", arn.as_str().unwrap_or_default());
            let cluster = ground.ask_gcp(&Method::GET, &path, None);
            let names = names(&cluster["nodePools"], |pool| {
                pool["name"].as_str().unwrap_or_default().to_owned()
            });
            (cluster["createTime"].clone(), names)
        }
    }
}

/// B24: EKS keeps a cluster as long as it has node groups, GKE takes its pools along. The plan says both, and both are there
/// again afterwards.
#[test]
fn a_cluster_that_is_made_anew_takes_its_pools_along() {
    for ground in Ground::both("a_cluster_that_is_made_anew_takes_its_pools_along") {
        let on = ground.on;
        furnish(&ground);
        configure(&ground, false, "");
        ground.settle();
        let (old, pools) = stands(&ground);
        configure(&ground, true, "");
        let said = flat(&ground.plan().expect(1).text());
        assert!(said.contains("cluster: "), "{on}: {said}");
        configure(&ground, true, &asked_for(&said));
        let lines = ground.planned();
        let has = |start: &str| lines.iter().any(|line| line.starts_with(start));
        for start in [
            "- cluster: delete (made anew, as consented)",
            "+ cluster: create",
            "- node_pools.serving: delete (with cluster) [restart]",
            "+ node_pools.serving: create",
        ] {
            assert!(has(start), "{on}: {start} is missing: {lines:#?}");
        }
        ground.settle();
        let (new, again) = stands(&ground);
        assert_ne!(old, new, "{on}: another cluster");
        assert_eq!(pools.len(), again.len(), "{on}: {pools:?} {again:?}");
        ground.destroy().expect(0);
    }
}
