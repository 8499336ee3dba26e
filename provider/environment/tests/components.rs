//! What an environment is made of.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

mod fixtures;

use std::collections::BTreeSet;

use fixtures::{environment, full, minimal, with};
use mlops_environment::component::{Component, Management};
use mlops_environment::graph::Graph;
use mlops_environment::spec::Purpose;
use mlops_environment::{Environment, kubernetes, names};
use serde_json::{Value, json};

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
    insta::assert_yaml_snapshot!(environment(minimal()).components);
}

#[test]
fn the_components_of_a_full_environment() {
    insta::assert_yaml_snapshot!(environment(full()).components);
}

#[test]
fn everything_that_can_be_marked_is_marked() {
    for component in environment(full()).components {
        if component.address.as_str() == "network" {
            continue;
        }
        let tags = &component.properties["tags"];
        assert_eq!(tags["mlops:environment"], "aws/111122223333/eu-west-1/shop-prod");
        assert_eq!(tags["mlops:uid"], "@{environment:uid}");
        assert_eq!(tags["mlops:component"], component.address.as_str());
        let shared = component.management == Management::Shared;
        assert_eq!(tags["team"] == "ml", !shared);
        assert_eq!(tags["cost-center"] == "42", !shared);
    }
}

#[test]
fn the_logs_bucket_comes_first_and_the_log_group_before_the_cluster() {
    let environment = environment(full());
    let place = |name: &str| {
        environment
            .components
            .iter()
            .position(|component| component.address.as_str() == name)
            .expect(name)
    };
    assert_eq!(place("buckets.logs"), 0);
    assert!(place("keys.logs") < place("log_groups.cluster"));
    assert!(place("log_groups.cluster") < place("cluster"));
    assert!(place("identities.cluster") < place("cluster"));
    assert!(place("cluster") < place("federation.pods"));
    assert!(place("federation.pods") < place("identities.runtime.churn"));
    assert!(place("cluster") < place("node_pools.gpu"));
}

#[test]
fn ci_and_deploy_do_not_wait_for_the_cluster() {
    let environment = environment(full());
    let graph = Graph::of(&environment.components);
    for name in ["identities.ci", "identities.deploy", "identities.node"] {
        let needs: Vec<&str> = graph
            .needs(&component(&environment, name).address)
            .map(|a| a.as_str())
            .collect();
        assert!(!needs.contains(&"cluster"), "{name} needs {needs:?}");
    }
}

#[test]
fn never_expires_the_claim() {
    let environment = environment(minimal());
    let lifecycle = property(&environment, "buckets.logs", "lifecycle");
    for (id, rule) in lifecycle.as_object().expect("rules") {
        let expires = !rule["expire_days"].is_null();
        assert!(!expires || rule["prefix"] == "access-logs/", "{id}: {rule}");
    }
    // The claim is a current object outside that prefix.
    assert!(!environment.spec.claim_key().starts_with("access-logs/"));
}

#[test]
fn the_logs_bucket_takes_access_logs() {
    let environment = environment(minimal());
    assert_eq!(property(&environment, "buckets.logs", "encryption"), "AES256");
    let policy = property(&environment, "buckets.logs", "policy")
        .as_str()
        .expect("text");
    assert!(policy.contains("logging.s3.amazonaws.com"), "{policy}");
    let logs = property(&environment, "buckets.logs", "name");
    assert_eq!(property(&environment, "buckets.data", "logging")["bucket"], *logs);
}

#[test]
fn managed_access_without_services_reaches_nothing() {
    let environment = environment(with(minimal(), "/services", json!({})));
    assert_eq!(*property(&environment, "access.deploy", "policies"), json!({}));
}

#[test]
fn managed_access_is_limited_to_the_service_namespaces() {
    let environment = environment(minimal());
    let policies = property(&environment, "access.deploy", "policies");
    assert_eq!(
        *policies,
        json!({ "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy": ["churn-dev"] })
    );
}

#[test]
fn nodes_give_pods_no_credentials() {
    let environment = environment(full());
    for pool in ["node_pools.system", "node_pools.serving", "node_pools.gpu"] {
        assert_eq!(property(&environment, pool, "metadata_tokens"), "required");
        assert_eq!(property(&environment, pool, "metadata_hop_limit"), 1);
    }
}

#[test]
fn every_role_of_the_five_has_a_boundary() {
    for component in environment(full()).components {
        let name = component.address.as_str();
        if name.starts_with("identities.") && name != "identities.cluster" {
            let boundary = component.properties["permissions_boundary"]
                .as_str()
                .unwrap_or_default();
            assert!(boundary.starts_with("@{boundaries."), "{name}: {boundary}");
        }
    }
}

#[test]
fn a_boundary_of_the_user_replaces_ours_everywhere() {
    let arn = "arn:aws:iam::111122223333:policy/org-boundary";
    let environment = environment(with(minimal(), "/aws/permissions_boundary", arn.into()));
    for component in &environment.components {
        assert!(!component.address.as_str().starts_with("boundaries."));
        if component.address.as_str().starts_with("identities.") {
            assert_eq!(component.properties["permissions_boundary"], arn);
        }
    }
}

#[test]
fn cloud_keys_leave_no_key_component() {
    let environment = environment(with(minimal(), "/encryption/mode", "cloud".into()));
    assert!(
        !environment
            .components
            .iter()
            .any(|c| c.address.as_str().starts_with("keys."))
    );
    assert_eq!(property(&environment, "buckets.data", "encryption"), "AES256");
    assert!(property(&environment, "cluster", "encryption_key").is_null());
}

#[test]
fn a_referenced_registry_makes_no_repository_and_lets_ci_push_nowhere() {
    let registry =
        json!({ "mode": "reference", "reference": "999988887777.dkr.ecr.eu-west-1.amazonaws.com/build" });
    let environment = environment(with(minimal(), "/registry", registry));
    assert!(
        !environment
            .components
            .iter()
            .any(|c| c.address.as_str().starts_with("registry."))
    );
    let policy = property(&environment, "identities.ci", "inline_policies")["ci"]
        .as_str()
        .expect("text");
    assert!(
        policy.contains("arn:aws:ecr:eu-west-1:999988887777:repository/build/churn-predictor"),
        "{policy}"
    );
    assert!(!policy.contains("ecr:PutImage"), "{policy}");
}

#[test]
fn what_belongs_to_others_is_never_ours_to_change() {
    let environment = environment(full());
    let existing: BTreeSet<&str> = environment
        .components
        .iter()
        .filter(|c| c.management == Management::Existing)
        .map(|c| c.address.as_str())
        .collect();
    assert_eq!(
        existing,
        BTreeSet::from(["network", "buckets.mlflow", "keys.storage"])
    );
    assert_eq!(
        component(&environment, "buckets.data").management,
        Management::Adopted
    );
    assert_eq!(
        *property(&environment, "buckets.data", "name"),
        json!("acme-data")
    );
    assert_eq!(
        component(&environment, "federation.github").management,
        Management::Shared
    );
}

#[test]
fn an_administrator_who_is_not_known_yet_makes_the_list_incomplete() {
    let admins = json!(["@{unknown:cluster.admins}"]);
    let environment = environment(with(minimal(), "/cluster/admins", admins));
    assert!(environment.incomplete);
    assert!(!fixtures::environment(minimal()).incomplete);
}

#[test]
fn names_on_both_sides_agree() {
    let environment = environment(full());
    let scope = mlops_environment::aws::scope(&environment.spec, fixtures::aws(&environment.spec));
    for principal in scope.principals() {
        let address = match principal.service {
            Some(service) => format!("identities.{}.{service}", principal.purpose),
            None => format!("identities.{}", principal.purpose),
        };
        let expected = mlops_access::generate::aws::role_arn(&scope, principal);
        assert_eq!(component(&environment, &address).outputs["arn"], expected);
    }
}

#[test]
fn names_are_told_by_the_id_alone() {
    for config in [minimal(), fixtures::gcp_minimal()] {
        let environment = environment(config);
        let id = &environment.spec.id;
        let mut told = 0;
        for component in &environment.components {
            // Their names are nobody's to choose, or made from more than the id.
            let kinds = [
                "network",
                "node_pools",
                "access",
                "trust",
                "apis",
                "project_grants",
                "federation",
            ];
            let address = component.address.as_str();
            if kinds.contains(&address.split('.').next().unwrap_or_default()) {
                continue;
            }
            let name =
                names::component::name(id, address).unwrap_or_else(|error| panic!("{address}: {error}"));
            let own = [component.outputs.get("name"), component.id.as_ref()]
                .into_iter()
                .flatten()
                .any(|own| *own == name || own.ends_with(&format!("/{name}")));
            let alias = component
                .properties
                .get("alias")
                .is_some_and(|alias| *alias == name.as_str());
            assert!(own || alias, "{address}: {name} is not in {component:#?}");
            told += 1;
        }
        assert!(told > 15, "{told}");
    }
}

#[test]
fn annotations_are_those_of_the_outputs() {
    for config in [minimal(), fixtures::gcp_minimal()] {
        let environment = environment(config);
        let service = "churn".parse().expect("a service");
        for purpose in [Purpose::Runtime, Purpose::Drift, Purpose::Retrain] {
            let told = kubernetes::service_account_annotations(&environment.spec.id, purpose, &service)
                .expect("pods");
            let output = &environment.outputs()["identity_info"][purpose.as_str()]["churn"]["annotation"];
            assert_eq!(*output, json!(told), "{purpose}");
        }
    }
}

#[test]
fn adopting_what_is_not_there_is_refused() {
    for (address, id) in [
        ("buckets.other", "acme-other"),
        ("network", "vpc-0123456789abcdef0"),
        ("cluster", "elsewhere"),
    ] {
        let config = with(minimal(), "/adopt", json!({ address: id }));
        let violations = Environment::new(fixtures::spec(config).expect("a spec")).expect_err("refused");
        assert_eq!(violations[0].path.to_string(), format!("adopt[{address:?}]"));
    }
}
