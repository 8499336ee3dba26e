//! What an environment on Google Cloud is made of, what it tells, and that it keeps to the matrix.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

mod fixtures;

use std::collections::BTreeSet;

use fixtures::{environment, gcp, gcp_full, gcp_minimal, spec, with};
use mlops_environment::Environment;
use mlops_environment::component::{Component, Kind, Management, OnDestroy};
use mlops_environment::graph::Graph;
use mlops_environment::names::gcp::label;
use mlops_environment::outputs::fingerprint;
use mlops_environment::reference::find_in;
use serde_json::{Value, json};

const ID: &str = "gcp/acme-ml-dev/europe-west1/shop-prod";

fn component<'a>(environment: &'a Environment, address: &str) -> &'a Component {
    environment
        .component(address)
        .unwrap_or_else(|| panic!("no component {address}"))
}

fn property<'a>(environment: &'a Environment, address: &str, name: &str) -> &'a Value {
    &component(environment, address).properties[name]
}

#[test]
fn the_components_of_a_minimal_environment() {
    insta::assert_yaml_snapshot!(environment(gcp_minimal()).components);
}

#[test]
fn the_components_of_a_full_environment() {
    insta::assert_yaml_snapshot!(environment(gcp_full()).components);
}

#[test]
fn the_outputs_of_a_full_environment() {
    insta::assert_yaml_snapshot!(environment(gcp_full()).outputs());
}

#[test]
fn everything_says_whose_it_is() {
    for component in environment(gcp_full()).components {
        let address = component.address.as_str();
        if address == "network" {
            continue;
        }
        let text = |name: &str| component.properties.get(name).and_then(Value::as_str);
        if let Some(tags) = component.properties.get("tags") {
            assert_eq!(tags["mlops_environment"], label(ID), "{address}");
            assert_eq!(tags["mlops_uid"], "@{environment:uid}");
            assert_eq!(tags["mlops_component"], label(address));
            assert_eq!(
                (&tags["team"], &tags["cost-center"]),
                (&json!("ml"), &json!("42"))
            );
        } else if let Some(mark) = text("description") {
            let mark: Value = serde_json::from_str(mark).expect("JSON");
            assert_eq!(mark["environment"], ID, "{address}");
            assert_eq!(mark["component"], address);
            assert_eq!(mark["uid"], "@{environment:uid}");
        } else {
            assert_eq!(text("owner"), Some(ID), "{address}");
        }
    }
}

#[test]
fn a_mark_fits_its_description_however_long_the_names() {
    let mut config = with(gcp_minimal(), "/name", "a2345678901234567890".into());
    config = with(config, "/services", json!({ "a23456789012345678901234": {} }));
    for component in environment(config).components {
        if let Some(text) = component.properties.get("description").and_then(Value::as_str) {
            let filled = text.replace("@{environment:uid}", "5f0c6a34-0000-4000-8000-000000000000");
            assert!(filled.len() <= 256, "{}: {}", component.address, filled.len());
        }
    }
}

#[test]
fn the_claim_comes_first_then_the_apis_and_pods_enter_after_the_cluster() {
    let environment = environment(gcp_full());
    let place = |name: &str| {
        environment
            .components
            .iter()
            .position(|component| component.address.as_str() == name)
            .expect(name)
    };
    assert_eq!((place("buckets.logs"), place("apis")), (0, 1));
    assert!(place("key_ring") < place("keys.cluster"));
    assert!(place("keys.cluster") < place("cluster"));
    assert!(place("log_groups.cluster") < place("cluster"));
    assert!(place("identities.node") < place("cluster"));
    assert!(place("identities.runtime.churn") < place("buckets.models"));
    assert!(place("federation.pool") < place("federation.github"));
    assert!(place("federation.github") < place("trust.ci"));
    assert!(place("cluster") < place("trust.runtime.churn"));
    assert!(place("cluster") < place("node_pools.gpu"));
}

#[test]
fn only_what_pods_need_waits_for_the_cluster() {
    let environment = environment(gcp_full());
    let graph = Graph::of(&environment.components);
    let waiting: BTreeSet<&str> = environment
        .components
        .iter()
        .filter(|component| {
            graph
                .needs(&component.address)
                .any(|needed| needed.as_str() == "cluster")
        })
        .map(|component| component.address.as_str())
        .collect();
    let expected = [
        "node_pools.gpu",
        "node_pools.serving",
        "node_pools.system",
        "trust.drift.churn",
        "trust.drift.fraud",
        "trust.retrain.churn",
        "trust.retrain.fraud",
        "trust.runtime.churn",
        "trust.runtime.fraud",
    ];
    assert_eq!(waiting, expected.into());
}

#[test]
fn pools_are_made_with_the_cluster_and_change_its_fingerprint_by_nothing() {
    let environment = environment(gcp_minimal());
    let initial = property(&environment, "cluster", "initial_pools");
    for pool in ["node_pools.system", "node_pools.serving"] {
        let own = &component(&environment, pool).properties;
        assert_eq!(initial[pool], json!(own), "{pool}");
    }
    let more = json!({ "system": { "purpose": "system" }, "gpu": { "purpose": "gpu" } });
    let other = fixtures::environment(with(gcp_minimal(), "/node_pools", more));
    assert_eq!(
        fingerprint(component(&environment, "cluster")),
        fingerprint(component(&other, "cluster"))
    );
}

#[test]
fn nodes_have_an_account_of_their_own_and_pods_never_get_its_tokens() {
    let environment = environment(gcp_full());
    let node = component(&environment, "identities.node");
    for pool in ["node_pools.system", "node_pools.serving", "node_pools.gpu"] {
        assert_eq!(property(&environment, pool, "metadata_mode"), "GKE_METADATA");
        assert_eq!(
            property(&environment, pool, "service_account"),
            &json!(node.outputs["email"])
        );
    }
    assert_eq!(
        property(&environment, "node_pools.gpu", "accelerator"),
        &json!({ "type": "nvidia-l4", "count": 1 })
    );
}

#[test]
fn project_wide_there_are_only_the_three_grants_that_cannot_be_narrower() {
    let environment = environment(gcp_full());
    let grants = property(&environment, "project_grants", "grants");
    let roles: BTreeSet<(&str, bool)> = grants
        .as_array()
        .expect("a list")
        .iter()
        .map(|grant| {
            (
                grant["role"].as_str().expect("text"),
                !grant["condition"].is_null(),
            )
        })
        .collect();
    assert_eq!(
        roles,
        [
            ("roles/container.clusterViewer", true),
            ("roles/container.defaultNodeServiceAccount", false),
            ("roles/monitoring.metricWriter", false),
        ]
        .into()
    );
}

#[test]
fn every_grant_of_ours_is_to_an_account_of_the_family() {
    let environment = environment(gcp_full());
    for component in &environment.components {
        let Some(family) = component.properties.get("family").and_then(Value::as_str) else {
            continue;
        };
        let folders = component.properties.get("folders").and_then(Value::as_object);
        let grants = folders
            .into_iter()
            .flatten()
            .map(|(_, grants)| grants)
            .chain(component.properties.get("grants"));
        for grant in grants.filter_map(Value::as_array).flatten() {
            let member = grant["member"].as_str().expect("text");
            assert!(member.ends_with(family), "{}: {member}", component.address);
        }
    }
}

#[test]
fn objects_are_granted_by_folder_and_never_on_the_whole_bucket() {
    let environment = environment(gcp_full());
    for bucket in ["data", "models", "predictions", "reports", "mlflow", "logs"] {
        let address = format!("buckets.{bucket}");
        assert_eq!(property(&environment, &address, "grants"), &json!([]), "{bucket}");
        let folders = property(&environment, &address, "folders");
        for (folder, grants) in folders.as_object().expect("folders") {
            assert!(folder.ends_with('/') && !grants.as_array().expect("a list").is_empty());
        }
    }
    let models = property(&environment, "buckets.models", "folders");
    let folders: Vec<&String> = models.as_object().expect("folders").keys().collect();
    assert_eq!(
        folders,
        ["churn/", "churn/versions/", "fraud/", "fraud/versions/"]
    );
    assert_eq!(property(&environment, "buckets.logs", "folders"), &json!({}));
}

#[test]
fn never_expires_the_claim() {
    let environment = environment(gcp_minimal());
    let rules = property(&environment, "buckets.logs", "lifecycle");
    for rule in rules.as_array().expect("rules") {
        let live = ["expire", "transition"].contains(&rule["action"].as_str().expect("text"));
        assert!(!live || rule["prefix"] == "access-logs/", "{rule}");
    }
    assert!(!environment.spec.claim_key().starts_with("access-logs/"));
}

#[test]
fn what_cannot_be_made_again_outlives_the_environment() {
    let environment = environment(gcp_full());
    for address in ["apis", "key_ring", "keys.cluster", "keys.secrets"] {
        assert_eq!(
            component(&environment, address).on_destroy,
            OnDestroy::Retain,
            "{address}"
        );
    }
    let existing: Vec<&str> = environment
        .components
        .iter()
        .filter(|c| c.management == Management::Existing)
        .map(|c| c.address.as_str())
        .collect();
    assert_eq!(existing, ["keys.storage", "network"]);
    assert_eq!(
        component(&environment, "buckets.data").management,
        Management::Adopted
    );
}

#[test]
fn keys_are_open_to_the_agents_that_encrypt_and_to_nobody_else() {
    let environment = environment(gcp_minimal());
    assert_eq!(
        property(&environment, "keys.storage", "agents"),
        &json!(["artifact_registry", "storage"])
    );
    for usage in ["cluster", "logs", "secrets", "storage"] {
        assert_eq!(
            property(&environment, &format!("keys.{usage}"), "grants"),
            &json!([])
        );
    }
}

#[test]
fn apis_are_enabled_as_they_are_needed() {
    let names = |config: Value| -> BTreeSet<String> {
        let environment = environment(config);
        let services = property(&environment, "apis", "services");
        serde_json::from_value(services.clone()).expect("names")
    };
    let minimal = names(gcp_minimal());
    assert!(minimal.contains("container.googleapis.com"));
    assert!(!minimal.contains("secretmanager.googleapis.com"));
    let secret = json!({ "db": { "readers": ["runtime"] } });
    assert!(
        names(with(gcp_minimal(), "/services/churn/secrets", secret))
            .contains("secretmanager.googleapis.com")
    );
    assert!(
        !names(with(gcp_minimal(), "/registry/scan_on_push", false.into()))
            .contains("containerscanning.googleapis.com")
    );
    let own = environment(with(gcp_minimal(), "/gcp/manage_apis", false.into()));
    assert!(own.component("apis").is_none());
    assert!(
        !own.components
            .iter()
            .any(|c| c.after.iter().any(|address| address.as_str() == "apis"))
    );
}

#[test]
fn a_referenced_repository_is_left_alone_and_who_must_be_let_in_is_said() {
    let registry =
        json!({ "mode": "reference", "reference": "europe-west1-docker.pkg.dev/acme-build/images" });
    let environment = environment(with(gcp_minimal(), "/registry", registry));
    assert!(environment.component("registry").is_none());
    assert_eq!(
        environment.outputs()["registry_info"]["repositories"]["churn-predictor"],
        "europe-west1-docker.pkg.dev/acme-build/images/churn-predictor"
    );
    let warned = environment
        .spec
        .warnings
        .iter()
        .any(|warning| warning.detail.contains("roles/artifactregistry.reader"));
    assert!(warned, "{:#?}", environment.spec.warnings);
}

#[test]
fn everything_that_can_be_computed_is_known_on_the_first_plan() {
    fn unknown(value: &Value, at: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => fields
                .iter()
                .for_each(|(key, value)| unknown(value, &format!("{at}.{key}"), found)),
            other => {
                let mut references = BTreeSet::new();
                find_in(other, &mut references);
                if !references.is_empty() {
                    found.insert(at.to_owned());
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    for (name, value) in environment(gcp_minimal()).outputs() {
        unknown(&value, name, &mut found);
    }
    let expected = [
        "cluster_info.ca_certificate",
        "cluster_info.endpoint",
        "cluster_info.version",
        "kubeconfig",
    ];
    assert_eq!(found, expected.map(str::to_owned).into());
}

#[test]
fn an_annotation_names_the_account_that_trusts_the_kubernetes_account() {
    let environment = environment(gcp_full());
    let workload = &environment.outputs()["identity_info"]["retrain"]["churn"];
    assert_eq!(
        workload["annotation"]["iam.gke.io/gcp-service-account"],
        workload["principal"]
    );
    let members = property(&environment, "trust.retrain.churn", "members");
    let member = format!(
        "serviceAccount:acme-ml-dev.svc.id.goog[{}/{}]",
        workload["namespace"].as_str().expect("text"),
        workload["service_account"].as_str().expect("text")
    );
    assert_eq!(members, &json!([member]));
    assert_eq!(
        property(&environment, "trust.retrain.churn", "account"),
        &workload["principal"]
    );
}

#[test]
fn variables_of_a_github_environment_hold_the_account_it_enters() {
    let outputs = environment(gcp_full()).outputs();
    let (github, info) = (&outputs["github"], &outputs["identity_info"]);
    assert_eq!(
        github["gcp-production"]["GCP_SERVICE_ACCOUNT"],
        info["deploy"]["principal"]
    );
    assert_eq!(github[""]["GCP_SERVICE_ACCOUNT"], info["ci"]["principal"]);
    assert_eq!(
        github["gcp-prod-drift"]["GCP_SERVICE_ACCOUNT_CHURN"],
        info["drift"]["churn"]["principal"]
    );
    assert_eq!(
        github[""]["GCP_WIF_PROVIDER"],
        "projects/123456789012/locations/global/workloadIdentityPools/mlops-shop-prod/providers/github"
    );
}

#[test]
fn what_we_generate_satisfies_the_matrix() {
    let reference =
        json!({ "mode": "reference", "reference": "europe-west1-docker.pkg.dev/acme-build/images" });
    for config in [
        gcp_minimal(),
        gcp_full(),
        with(gcp_minimal(), "/federation", Value::Null),
        with(
            gcp_minimal(),
            "/federation/github",
            json!({ "repository": "acme/churn" }),
        ),
        with(gcp_minimal(), "/services", json!({})),
        with(gcp_minimal(), "/encryption/mode", "cloud".into()),
        with(gcp_minimal(), "/registry", reference),
        with(gcp_minimal(), "/buckets/mlflow/write_once", "versioned".into()),
        with(gcp_minimal(), "/identities/retrain/enabled", false.into()),
        with(
            gcp_minimal(),
            "/identities/drift/ci_environment",
            "gcp-dev-drift".into(),
        ),
    ] {
        let spec = spec(config.clone()).unwrap_or_else(|violations| panic!("{violations:#?}"));
        if let Err(violations) = Environment::new(spec) {
            panic!("{config}: {violations:#?}");
        }
    }
}

fn permission(purpose: &str, role: &str, resource: &str) -> Value {
    let permission = json!([{ "id": "Extra", "roles": [role], "resources": [resource] }]);
    with(
        gcp_minimal(),
        &format!("/identities/{purpose}/additional_permissions"),
        permission,
    )
}

#[track_caller]
fn breaks(config: Value, purpose: &str, row: &str) {
    let violations = Environment::new(spec(config).expect("a spec")).expect_err("refused");
    let path = format!("identities.{purpose}.additional_permissions[0]");
    let hit = violations
        .iter()
        .any(|v| v.path.to_string() == path && v.summary.contains(&format!("row {row} ")));
    assert!(hit, "expected {path} {row}, found {violations:#?}");
}

#[test]
fn additional_permissions_are_judged_by_the_matrix() {
    let spec = spec(gcp_minimal()).expect("a spec");
    let scope = mlops_environment::gcp::scope(&spec, gcp(&spec));
    let bucket = |purpose| {
        let name = &scope.buckets[&purpose];
        format!("projects/_/buckets/{name}")
    };
    use mlops_environment::spec::Bucket::{Data, Models, Predictions, Reports};
    let models = bucket(Models);
    breaks(
        permission(
            "runtime",
            "roles/storage.objectCreator",
            &format!("{models}/managedFolders/churn/versions/"),
        ),
        "runtime",
        "P11",
    );
    breaks(
        permission("drift", "roles/storage.admin", &bucket(Reports)),
        "drift",
        "I06",
    );
    breaks(
        permission("ci", "roles/storage.objectViewer", &bucket(Data)),
        "ci",
        "P14",
    );
    breaks(
        permission("retrain", "roles/storage.objectUser", &bucket(Predictions)),
        "retrain",
        "P18",
    );
    breaks(
        permission(
            "deploy",
            "roles/artifactregistry.writer",
            "projects/acme-ml-dev/locations/europe-west1/repositories/shop",
        ),
        "deploy",
        "P01",
    );
    breaks(
        permission("runtime", "roles/editor", "projects/acme-ml-dev"),
        "runtime",
        "I07",
    );
    let fine = permission(
        "retrain",
        "roles/storage.objectViewer",
        &format!("{}/managedFolders/shared/", bucket(Data)),
    );
    assert!(Environment::new(fixtures::spec(fine).expect("a spec")).is_ok());
}

#[test]
fn a_permission_on_somebody_elses_things_is_not_silently_dropped() {
    let config = permission(
        "retrain",
        "roles/storage.objectViewer",
        "projects/_/buckets/someone-elses",
    );
    let violations = Environment::new(spec(config).expect("a spec")).expect_err("refused");
    let hit = violations
        .iter()
        .any(|v| v.summary.contains("someone-elses is not of this environment"));
    assert!(hit, "{violations:#?}");
}

#[test]
fn what_was_judged_is_what_is_written() {
    let environment = environment(gcp_full());
    let scope = mlops_environment::gcp::scope(&environment.spec, gcp(&environment.spec));
    let text = serde_json::to_string(&environment.components).expect("JSON");
    for principal in scope.principals() {
        for grant in mlops_access::generate::gcp::permissions(&scope, principal) {
            let written = json!({ "member": grant.member, "role": grant.role });
            let (member, role) = (&written["member"], &written["role"]);
            assert!(
                text.contains(&format!("\"member\":{member},")) && text.contains(&role.to_string()),
                "{grant}"
            );
        }
    }
    let count: usize = environment
        .components
        .iter()
        .filter(|component| component.kind != Kind::GcpTrust)
        .map(|component| {
            let text = serde_json::to_string(&component.properties).expect("JSON");
            text.matches("\"member\":").count()
        })
        .sum();
    let node = mlops_access::generate::gcp::Principal::of_environment(mlops_access::Purpose::Node);
    let generated: usize = scope
        .principals()
        .into_iter()
        .chain([node])
        .map(|principal| mlops_access::generate::gcp::permissions(&scope, principal).len())
        .sum();
    // What the user added may be granted already: one grant then.
    assert!(
        count == generated || count + 1 == generated,
        "{count} of {generated}"
    );
}
