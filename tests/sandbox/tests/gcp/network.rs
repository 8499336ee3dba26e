//! Compute Engine's networks, enabled APIs, projects, budgets.

use serde_json::{Value, json};

use crate::cloud::{Cloud, PROJECT};

const GLOBAL: &str = "compute/v1/projects/acme-ml/global";
const REGION: &str = "compute/v1/projects/acme-ml/regions/europe-west1";

fn subnetwork(name: &str, range: &str) -> Value {
    json!({
        "name": name,
        "network": "projects/acme-ml/global/networks/prod",
        "ipCidrRange": range,
        "secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.4.0.0/14"}],
    })
}

#[test]
fn a_network_is_made_used_and_cannot_go_while_it_is() {
    let mut cloud = Cloud::new();
    let body = json!({"name": "prod", "autoCreateSubnetworks": false});
    let id = "8a3b2a44-1111-4222-8333-444455556666";
    let begun = cloud.ok(
        "compute",
        &format!("POST {GLOBAL}/networks?requestId={id}"),
        body.clone(),
    );
    assert_eq!(begun["status"], "PENDING");
    let repeated = cloud.ok(
        "compute",
        &format!("POST {GLOBAL}/networks?requestId={id}"),
        body.clone(),
    );
    assert_eq!(repeated["name"], begun["name"]);
    cloud.no(
        "compute",
        &format!("POST {GLOBAL}/networks"),
        body.clone(),
        (409, "ALREADY_EXISTS"),
    );
    let early = cloud.no(
        "compute",
        &format!("POST {REGION}/subnetworks"),
        subnetwork("nodes", "10.0.0.0/20"),
        (400, "INVALID_ARGUMENT"),
    );
    assert!(early.contains("is not ready"), "{early}");
    cloud.later(20);
    let operation = begun["name"].as_str().unwrap();
    assert_eq!(
        cloud.ok(
            "compute",
            &format!("POST {GLOBAL}/operations/{operation}/wait"),
            Value::Null
        )["status"],
        "DONE"
    );
    cloud.ok(
        "compute",
        &format!("POST {REGION}/subnetworks"),
        subnetwork("nodes", "10.0.0.0/20"),
    );
    cloud.later(20);
    let taken = cloud.no(
        "compute",
        &format!("POST {REGION}/subnetworks"),
        subnetwork("more", "10.0.8.0/21"),
        (400, "INVALID_ARGUMENT"),
    );
    assert!(
        taken.contains("conflicts with existing subnetwork 'nodes'"),
        "{taken}"
    );
    cloud.no(
        "compute",
        &format!("POST {REGION}/subnetworks"),
        subnetwork("more", "10.0.0.1/20"),
        (400, "INVALID_ARGUMENT"),
    );
    cloud.no(
        "compute",
        &format!("POST {REGION}/subnetworks"),
        subnetwork("Bad", "10.1.0.0/20"),
        (400, "INVALID_ARGUMENT"),
    );
    let router = json!({"name": "nat", "network": "projects/acme-ml/global/networks/prod", "nats": [{"name": "nat", "natIpAllocateOption": "AUTO_ONLY", "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES"}]});
    cloud.ok("compute", &format!("POST {REGION}/routers"), router);
    cloud.later(20);
    let used = cloud.no(
        "compute",
        &format!("DELETE {GLOBAL}/networks/prod"),
        Value::Null,
        (400, "INVALID_ARGUMENT"),
    );
    assert!(used.contains("is already being used by"), "{used}");
    let found = cloud.ok("compute", &format!("GET {GLOBAL}/networks/prod"), Value::Null);
    assert_eq!(found["subnetworks"].as_array().unwrap().len(), 1);
    for path in [
        format!("{REGION}/routers/nat"),
        format!("{REGION}/subnetworks/nodes"),
    ] {
        cloud.ok("compute", &format!("DELETE {path}"), Value::Null);
    }
    cloud.later(20);
    cloud.ok("compute", &format!("DELETE {GLOBAL}/networks/prod"), Value::Null);
    cloud.later(20);
    cloud.no(
        "compute",
        &format!("GET {GLOBAL}/networks/prod"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
}

#[test]
fn the_default_network_reaches_every_region() {
    let mut cloud = Cloud::swift();
    let found = cloud.ok(
        "compute",
        &format!("GET {REGION}/subnetworks/default"),
        Value::Null,
    );
    assert!(
        found["network"]
            .as_str()
            .unwrap()
            .ends_with("/global/networks/default")
    );
    cloud.no(
        "compute",
        "GET compute/v1/projects/acme-ml/regions/mars/subnetworks/default",
        Value::Null,
        (400, "INVALID_ARGUMENT"),
    );
    cloud.ok("compute", "GET compute/v1/projects/acme-ml/regions", Value::Null);
    cloud.ok(
        "compute",
        "GET compute/v1/projects/acme-ml/zones/europe-west1-b/machineTypes/e2-standard-4",
        Value::Null,
    );
    cloud.no(
        "compute",
        "GET compute/v1/projects/acme-ml/zones/europe-west1-b/machineTypes/x9-huge-1",
        Value::Null,
        (404, "NOT_FOUND"),
    );
}

#[test]
fn a_disabled_api_refuses_until_it_is_enabled_and_known() {
    let mut cloud = Cloud::new();
    cloud.world.behaviour.lag = 60.0;
    let number = cloud.number;
    cloud
        .world
        .gcp
        .projects
        .get_mut(PROJECT)
        .unwrap()
        .services
        .remove("container.googleapis.com");
    let list = "GET v1/projects/acme-ml/locations/-/clusters";
    let words = cloud.no("container", list, Value::Null, (403, "PERMISSION_DENIED"));
    assert!(
        words.contains(&format!(
            "Kubernetes Engine API has not been used in project {number} before or it is disabled"
        )),
        "{words}"
    );
    let refusal = cloud.call("container", list, Value::Null).unwrap_err();
    let info = &refusal.members["details"][1];
    assert_eq!(info["reason"], "SERVICE_DISABLED");
    assert_eq!(info["metadata"]["consumer"], format!("projects/{number}"));
    assert_eq!(info["metadata"]["service"], "container.googleapis.com");
    let parent = format!("v1/projects/{PROJECT}");
    let got = cloud.ok(
        "serviceusage",
        &format!("GET {parent}/services:batchGet?names=projects/{PROJECT}/services/container.googleapis.com&names=projects/{PROJECT}/services/iam.googleapis.com"),
        Value::Null,
    );
    assert_eq!(got["services"][0]["state"], "DISABLED");
    assert_eq!(got["services"][1]["state"], "ENABLED");
    let begun = cloud.ok(
        "serviceusage",
        &format!("POST {parent}/services:batchEnable"),
        json!({"serviceIds": ["container.googleapis.com"]}),
    );
    let operation = begun["name"].as_str().unwrap().to_owned();
    cloud.later(15);
    assert_eq!(
        cloud.ok("serviceusage", &format!("GET v1/{operation}"), Value::Null)["done"],
        true
    );
    cloud.no("container", list, Value::Null, (403, "PERMISSION_DENIED"));
    cloud.later(60);
    cloud.ok("container", list, Value::Null);
    cloud.no(
        "serviceusage",
        &format!("POST {parent}/services:batchEnable"),
        json!({"serviceIds": ["none.googleapis.com"]}),
        (403, "PERMISSION_DENIED"),
    );
    let many: Vec<String> = (0..21).map(|n| format!("a{n}.googleapis.com")).collect();
    cloud.no(
        "serviceusage",
        &format!("POST {parent}/services:batchEnable"),
        json!({"serviceIds": many}),
        (400, "INVALID_ARGUMENT"),
    );
    cloud.no(
        "serviceusage",
        &format!("GET {parent}/services:batchGet"),
        Value::Null,
        (400, "INVALID_ARGUMENT"),
    );
}

#[test]
fn a_project_is_known_by_id_and_number() {
    let mut cloud = Cloud::new();
    let number = cloud.number;
    let by_id = cloud.ok(
        "cloudresourcemanager",
        &format!("GET v3/projects/{PROJECT}"),
        Value::Null,
    );
    let by_number = cloud.ok(
        "cloudresourcemanager",
        &format!("GET v3/projects/{number}"),
        Value::Null,
    );
    assert_eq!(
        (&by_id, by_id["name"].as_str()),
        (&by_number, Some(format!("projects/{number}").as_str()))
    );
    let old = cloud.ok(
        "cloudresourcemanager",
        &format!("GET v1/projects/{PROJECT}"),
        Value::Null,
    );
    assert_eq!(old["projectNumber"], number.to_string());
    cloud.no(
        "cloudresourcemanager",
        "GET v3/projects/nobodys",
        Value::Null,
        (403, "PERMISSION_DENIED"),
    );
}

#[test]
fn firewall_rules_are_listed_by_expressions_and_keep_their_network() {
    let mut cloud = Cloud::new();
    let body = json!({"name": "prod", "autoCreateSubnetworks": false});
    cloud.ok("compute", &format!("POST {GLOBAL}/networks"), body);
    cloud.later(20);
    let at = format!("{GLOBAL}/firewalls");
    let rule = |name: &str, description: &str| {
        json!({
            "name": name,
            "description": description,
            "network": "global/networks/prod",
            "targetTags": ["gke-a-01234567-node"],
            "allowed": [{"IPProtocol": "tcp", "ports": ["80"]}],
        })
    };
    for (name, description) in [("web", "of a service"), ("nodes", "of the cluster")] {
        cloud.ok("compute", &format!("POST {at}"), rule(name, description));
    }
    cloud.later(20);
    let made = cloud.ok("compute", &format!("GET {at}/web"), Value::Null);
    assert_eq!(
        (&made["direction"], &made["priority"]),
        (&json!("INGRESS"), &json!(1000))
    );
    let listed = cloud.ok(
        "compute",
        &format!("GET {at}?filter=description%20eq%20%22.*service%22"),
        Value::Null,
    );
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["name"], "web");
    // Nothing is listed by an expression that is not understood.
    cloud.no(
        "compute",
        &format!("GET {at}?filter=description%3Aservice"),
        Value::Null,
        (400, "INVALID_ARGUMENT"),
    );
    cloud.no(
        "compute",
        &format!("GET {at}?filter=(name%20eq%20a)%20(name%20eq%20b)"),
        Value::Null,
        (501, "UNIMPLEMENTED"),
    );
    cloud.no(
        "compute",
        &format!("POST {at}"),
        json!({"name": "x", "direction": "SIDEWAYS"}),
        (400, "INVALID_ARGUMENT"),
    );
    let used = cloud.no(
        "compute",
        &format!("DELETE {GLOBAL}/networks/prod"),
        Value::Null,
        (400, "INVALID_ARGUMENT"),
    );
    assert!(used.contains("already being used by"), "{used}");
    for name in ["web", "nodes"] {
        cloud.ok("compute", &format!("DELETE {at}/{name}"), Value::Null);
    }
    cloud.later(20);
    cloud.ok("compute", &format!("DELETE {GLOBAL}/networks/prod"), Value::Null);
}

#[test]
fn a_budget_belongs_to_the_projects_billing_account() {
    let mut cloud = Cloud::new();
    let account = cloud.world.gcp.projects[PROJECT].billing.clone();
    let number = cloud.number;
    let body = json!({
        "displayName": "prod",
        "amount": {"specifiedAmount": {"currencyCode": "EUR", "units": "500"}},
        "budgetFilter": {"projects": [format!("projects/{number}")]},
        "thresholdRules": [{"thresholdPercent": 0.8}],
    });
    let made = cloud.ok(
        "billingbudgets",
        &format!("POST v1/{account}/budgets"),
        body.clone(),
    );
    assert_eq!(made["thresholdRules"][0]["spendBasis"], "CURRENT_SPEND");
    let name = made["name"].as_str().unwrap().to_owned();
    cloud.no(
        "billingbudgets",
        &format!("PATCH v1/{name}"),
        json!({"displayName": "x", "etag": "old"}),
        (409, "ABORTED"),
    );
    let changed = cloud.ok(
        "billingbudgets",
        &format!("PATCH v1/{name}?updateMask=displayName"),
        json!({"displayName": "x"}),
    );
    assert_eq!(
        (changed["displayName"].as_str(), &changed["amount"]),
        (Some("x"), &body["amount"])
    );
    cloud.no(
        "billingbudgets",
        "POST v1/billingAccounts/000000-000000-000000/budgets",
        body.clone(),
        (403, "PERMISSION_DENIED"),
    );
    let mut bad = body.clone();
    bad["budgetFilter"]["projects"] = json!(["projects/1"]);
    cloud.no(
        "billingbudgets",
        &format!("POST v1/{account}/budgets"),
        bad,
        (400, "INVALID_ARGUMENT"),
    );
    cloud.ok("billingbudgets", &format!("DELETE v1/{name}"), Value::Null);
    cloud.no(
        "billingbudgets",
        &format!("GET v1/{name}"),
        Value::Null,
        (404, "NOT_FOUND"),
    );
}
