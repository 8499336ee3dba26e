//! A cluster of somebody else: what is wired to it, what is not made then, and when it will not do.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

mod fixtures;

use std::collections::{BTreeMap, BTreeSet};

use fixtures::cloud::{Cloud, UID};
use fixtures::{environment, gcp_full, gcp_minimal, in_cluster, minimal, spec, with};
use mlops_environment::component::{Component, Kind, Management, Observation, Status};
use mlops_environment::plan::{Action, Decision, Foresight, Refusal, decide, plan_change};
use mlops_environment::reference::{fill_component, is_resolved};
use mlops_environment::{Environment, Spec};
use serde_json::Value;

const NAME: &str = "shared-1";

fn aws() -> Environment {
    environment(in_cluster(minimal(), NAME))
}

fn gcp() -> Environment {
    environment(in_cluster(gcp_minimal(), NAME))
}

fn both() -> [Environment; 2] {
    [aws(), gcp()]
}

fn component<'a>(environment: &'a Environment, address: &str) -> &'a Component {
    environment
        .component(address)
        .unwrap_or_else(|| panic!("no {address}"))
}

fn families(environment: &Environment) -> BTreeSet<&str> {
    let addresses = environment
        .components
        .iter()
        .map(|component| component.address.as_str());
    addresses
        .map(|address| address.split('.').next().unwrap_or_default())
        .collect()
}

#[test]
fn nothing_of_a_cluster_is_made_but_what_identities_take() {
    let environment = aws();
    let cluster = component(&environment, "cluster");
    assert_eq!(cluster.kind, Kind::AwsExistingCluster);
    assert_eq!(cluster.management, Management::Existing);
    assert_eq!(cluster.id.as_deref(), Some(NAME));
    let wanted = [
        "access",
        "boundaries",
        "buckets",
        "cluster",
        "federation",
        "identities",
        "keys",
        "registry",
    ];
    assert_eq!(families(&environment), BTreeSet::from(wanted));
    for gone in [
        "identities.node",
        "identities.cluster",
        "boundaries.node",
        "keys.cluster",
        "keys.logs",
        "network",
    ] {
        assert!(environment.component(gone).is_none(), "{gone}");
    }

    let environment = gcp();
    let cluster = component(&environment, "cluster");
    assert_eq!(cluster.kind, Kind::GcpExistingCluster);
    assert_eq!(
        cluster.id.as_deref(),
        Some("projects/acme-ml-dev/locations/europe-west1/clusters/shared-1")
    );
    let wanted = [
        "apis",
        "buckets",
        "cluster",
        "federation",
        "identities",
        "key_ring",
        "keys",
        "project_grants",
        "registry",
        "trust",
    ];
    assert_eq!(families(&environment), BTreeSet::from(wanted));
    for gone in ["identities.node", "keys.cluster", "keys.logs", "network"] {
        assert!(environment.component(gone).is_none(), "{gone}");
    }
}

#[test]
fn identities_are_wired_to_the_cluster_that_is_named() {
    let environment = aws();
    let entry = component(&environment, "access.deploy");
    let role = "arn:aws:iam::111122223333:role/mlops/shop/shop-deploy";
    assert_eq!(entry.id, Some(format!("{NAME}/{role}")));
    assert_eq!(entry.management, Management::Create);
    let deploy = component(&environment, "identities.deploy").properties["inline_policies"].to_string();
    assert!(
        deploy.contains("arn:aws:eks:eu-west-1:111122223333:cluster/shared-1"),
        "{deploy}"
    );
    let pods = component(&environment, "federation.pods");
    assert_eq!(
        pods.management,
        Management::Shared,
        "other users of the cluster need it too"
    );
    assert_eq!(pods.properties["url"], "@{cluster:issuer}");
    let trust = component(&environment, "identities.runtime.churn").properties["trust"].to_string();
    assert!(trust.contains("@{federation.pods:arn}"), "{trust}");

    let environment = gcp();
    let grants = component(&environment, "project_grants").properties["grants"].to_string();
    assert!(grants.contains("clusters/shared-1"), "{grants}");
    assert!(
        !grants.contains("defaultNodeServiceAccount"),
        "its nodes are not ours: {grants}"
    );
    let trust = component(&environment, "trust.runtime.churn");
    assert!(trust.after.iter().any(|address| address.as_str() == "cluster"));
}

#[test]
fn outputs_have_the_same_shape_and_name_the_cluster() {
    for environment in both() {
        let own = fixtures::environment(if environment.component("trust.ci").is_some() {
            gcp_minimal()
        } else {
            minimal()
        });
        let (mine, others) = (environment.outputs(), own.outputs());
        assert_eq!(mine.keys().collect::<Vec<_>>(), others.keys().collect::<Vec<_>>());
        assert_eq!(mine["cluster_info"]["name"], NAME);
        let fields = |value: &Value| {
            value
                .as_object()
                .expect("an object")
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        for name in ["cluster_info", "network_info", "federation_info", "log_groups"] {
            assert_eq!(fields(&mine[name]), fields(&others[name]), "{name}");
        }
        assert_eq!(mine["log_groups"]["cluster"], Value::Null);
        assert_eq!(mine["network_info"]["vpc_id"], Value::Null);
        assert_eq!(mine["manifests"], others["manifests"]);
        let kubeconfig = mine["kubeconfig"].as_str().expect("a text");
        assert!(kubeconfig.contains("@{cluster:endpoint}"), "{kubeconfig}");
    }
    let aws = aws();
    assert_eq!(aws.outputs()["github"]["aws-dev"]["EKS_CLUSTER"], NAME);
    assert!(aws.kubeconfig().contains(NAME));
    assert_eq!(gcp().outputs()["github"]["gcp-dev"]["GKE_CLUSTER"], NAME);
}

#[test]
fn what_is_remembered_is_what_was_wanted() {
    for config in [in_cluster(minimal(), NAME), in_cluster(gcp_minimal(), NAME)] {
        let wanted = spec(config).expect("no violations");
        let config = wanted.resolved_config();
        let again = Spec::build(&config, &fixtures::facts_for(&config)).expect("its own words are legal");
        assert_eq!(again.resolved_config(), config);
        assert_eq!(Environment::new(again), Environment::new(wanted));
    }
}

#[test]
fn gke_takes_the_full_name_too() {
    let full = "projects/acme-ml-dev/locations/europe-west1/clusters/shared-1";
    assert_eq!(
        environment(in_cluster(gcp_minimal(), full)).components,
        gcp().components
    );
}

#[test]
fn a_cluster_that_is_made_by_the_same_apply_is_named_later() {
    for base in [minimal(), gcp_minimal()] {
        let environment = environment(in_cluster(base, "@{unknown:cluster.existing}"));
        let cluster = component(&environment, "cluster");
        assert!(
            !is_resolved(&cluster.handle()),
            "there is nothing to look for yet"
        );
    }
}

#[test]
fn it_is_used_and_left_as_it_is() {
    for environment in both() {
        let decision = Decision::new(&environment.spec, UID);
        let mut cloud = Cloud::with_existing(&environment);
        let before = cloud.clone();
        cloud.apply(&environment, &decision).expect("applies");
        assert!(
            cloud.writes.iter().all(|write| !write.contains(" cluster")),
            "{:?}",
            cloud.writes
        );
        cloud.writes.clear();
        cloud.apply(&environment, &decision).expect("applies");
        assert_eq!(cloud.writes, [""; 0], "a second time there is nothing to do");
        let world = cloud.world(&environment);
        cloud.remove(environment.components.iter(), &world, &decision);
        let theirs = |cloud: &Cloud| {
            let of = |(kind, _): &(&(Kind, String), _)| kind.0.looked_at();
            cloud
                .objects
                .iter()
                .filter(of)
                .map(|(key, found)| (key.clone(), found.clone()))
                .collect::<BTreeMap<_, _>>()
        };
        assert_eq!(theirs(&cloud), theirs(&before));
        assert_eq!(theirs(&cloud).len(), 1);
    }
}

/// What deciding, and planning, say of a cluster that is otherwise than it has to be.
fn judged(
    environment: &Environment,
    change: impl Fn(&Observation) -> Observation,
) -> [Result<(), Refusal>; 2] {
    let cloud = Cloud::with_existing(environment);
    let decision = Decision::new(&environment.spec, UID);
    let (component, _) = fill_component(component(environment, "cluster"), &cloud.world(environment));
    let found = change(&cloud.observe(&component));
    let decided = decide(&component, &found, &decision).map(drop);
    let standing = BTreeMap::from([(component.address, found)]);
    let summaries = BTreeMap::new();
    let foresight = Foresight {
        prior: &[],
        next: &environment.components,
        drift: &[],
        standing: &standing,
        summaries: &summaries,
    };
    let planned = plan_change(&foresight, &decision);
    let planned = planned.map(drop).map_err(|mut refusals| {
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        refusals.remove(0)
    });
    [decided, planned]
}

fn found(
    change: impl Fn(&mut mlops_environment::component::Present),
) -> impl Fn(&Observation) -> Observation {
    move |observation| {
        let Observation::Present(found) = observation else {
            panic!("it stands")
        };
        let mut found = found.clone();
        change(&mut found);
        Observation::Present(found)
    }
}

#[test]
fn one_that_will_not_do_is_refused_while_planning_and_again_while_applying() {
    let without = |property: &'static str, value: Value| {
        found(move |found| {
            found.properties.insert(property.to_owned(), value.clone());
        })
    };
    let being = |status: Status| found(move |found| found.status = status.clone());
    let failed = Status::Failed {
        reason: "no addresses left".to_owned(),
    };
    let mut said = Vec::new();
    let mut hear = |results: [Result<(), Refusal>; 2]| {
        let [decided, planned] = results;
        let decided = decided.expect_err("refused").to_string();
        assert_eq!(decided, planned.expect_err("refused").to_string());
        said.push(decided);
    };
    hear(judged(&aws(), |_| Observation::Absent));
    hear(judged(&aws(), without("issuer", false.into())));
    hear(judged(&aws(), without("access_entries", false.into())));
    hear(judged(&aws(), being(Status::Deleting)));
    hear(judged(&aws(), being(failed)));
    hear(judged(&gcp(), without("workload_pool", "".into())));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn access_entries_are_asked_for_only_where_somebody_is_let_in() {
    let config = with(
        in_cluster(minimal(), NAME),
        "/identities/deploy/enabled",
        false.into(),
    );
    let environment = environment(config);
    let [decided, planned] = judged(
        &environment,
        found(|found| {
            found.properties.insert("access_entries".to_owned(), false.into());
        }),
    );
    decided.expect("usable");
    planned.expect("usable");
}

#[test]
fn one_that_is_being_made_is_waited_for() {
    for environment in both() {
        let cloud = Cloud::with_existing(&environment);
        let (component, _) = fill_component(component(&environment, "cluster"), &cloud.world(&environment));
        let making = found(|found| {
            found.status = Status::InProgress {
                what: "CREATING".to_owned(),
                operation: None,
            };
        });
        let step = decide(
            &component,
            &making(&cloud.observe(&component)),
            &Decision::new(&environment.spec, UID),
        );
        assert_eq!(step.expect("not refused").action, Action::Settle);
    }
}

fn change(prior: Value, next: Value) -> Vec<String> {
    let (prior, next) = (environment(prior), environment(next));
    let (standing, summaries) = (BTreeMap::new(), BTreeMap::new());
    let foresight = Foresight {
        prior: &prior.components,
        next: &next.components,
        drift: &[],
        standing: &standing,
        summaries: &summaries,
    };
    let refused = plan_change(&foresight, &Decision::new(&next.spec, UID)).expect_err("refused");
    refused.iter().map(ToString::to_string).collect()
}

#[test]
fn another_cluster_and_a_cluster_of_ones_own_are_refused() {
    for base in [minimal(), gcp_minimal()] {
        let shared = in_cluster(base.clone(), NAME);
        let [other, ours, theirs] = [
            change(shared.clone(), in_cluster(base.clone(), "other")),
            change(base.clone(), shared.clone()),
            change(shared, base),
        ];
        let has =
            |said: &[String], words: &str| assert!(said.iter().any(|line| line.contains(words)), "{said:#?}");
        has(&other, "cluster: name");
        has(&other, "everything of the environment stands in it");
        has(
            &ours,
            "cluster: made by this environment, it cannot be swapped for an existing one",
        );
        has(&theirs, "cluster: an existing one is in use");
    }
}

#[test]
fn what_a_full_environment_says_of_its_cluster_is_refused_word_by_word() {
    let config = with(gcp_full(), "/cluster/existing", NAME.into());
    let violations = spec(config).expect_err("refused");
    let paths: BTreeSet<String> = violations
        .iter()
        .map(|violation| violation.path.to_string())
        .collect();
    let wanted = [
        "cluster.log_types",
        "cluster.release_channel",
        "cluster.version",
        "gcp.dns_endpoint",
        "gcp.existing_network",
        "logging",
        "node_pools",
    ];
    assert_eq!(paths, wanted.map(str::to_owned).into());
}
