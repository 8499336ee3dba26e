//! A network of the environment's own: what it consists of, in which order, and what can be said of it.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

mod fixtures;

use std::collections::BTreeSet;

use fixtures::{environment, gcp_minimal, minimal, spec, with};
use mlops_environment::Environment;
use mlops_environment::component::{Component, Kind, Management};
use mlops_environment::plan::{Decision, Foresight, plan_change};
use serde_json::{Value, json};

fn own() -> Value {
    with(minimal(), "/aws", json!({}))
}

fn gcp_own() -> Value {
    with(gcp_minimal(), "/gcp", json!({}))
}

fn in_tier(config: Value, tier: &str) -> Value {
    let config = with(config, "/registry/mode", "create".into());
    with(config, "/tier", tier.into())
}

fn of_kinds<'a>(environment: &'a Environment, kinds: &[Kind]) -> Vec<&'a str> {
    let components = environment.components.iter();
    components
        .filter(|component| kinds.contains(&component.kind))
        .map(|component| component.address.as_str())
        .collect()
}

const NETWORK: [Kind; 7] = [
    Kind::AwsVpc,
    Kind::AwsSubnet,
    Kind::AwsInternetGateway,
    Kind::AwsNatGateway,
    Kind::AwsRouteTable,
    Kind::AwsSecurityGroup,
    Kind::AwsVpcEndpoint,
];

fn place(environment: &Environment, address: &str) -> usize {
    let found = environment
        .components
        .iter()
        .position(|component| component.address.as_str() == address);
    found.unwrap_or_else(|| panic!("no {address}"))
}

fn component<'a>(environment: &'a Environment, address: &str) -> &'a Component {
    environment
        .component(address)
        .unwrap_or_else(|| panic!("no {address}"))
}

#[test]
fn dev_has_two_zones_one_gateway_and_the_endpoint_that_costs_nothing() {
    let environment = environment(own());
    let found: BTreeSet<&str> = of_kinds(&environment, &NETWORK).into_iter().collect();
    let wanted = [
        "endpoints.s3",
        "internet_gateway",
        "nat.1",
        "network",
        "routes.private.1",
        "routes.private.2",
        "routes.public",
        "subnets.private.1",
        "subnets.private.2",
        "subnets.public.1",
        "subnets.public.2",
    ];
    assert_eq!(found, BTreeSet::from(wanted));
    assert!(of_kinds(&environment, &[Kind::AwsNetwork]).is_empty());
    assert!(
        environment
            .components
            .iter()
            .all(|component| component.management != Management::Existing)
    );
}

#[test]
fn prod_outlasts_a_zone_and_keeps_traffic_to_aws_inside() {
    let environment = environment(in_tier(own(), "prod"));
    assert_eq!(
        of_kinds(&environment, &[Kind::AwsNatGateway]),
        ["nat.1", "nat.2", "nat.3"]
    );
    for zone in ["1", "2", "3"] {
        let table = component(&environment, &format!("routes.private.{zone}"));
        assert_eq!(table.properties["default_route"], format!("@{{nat.{zone}:id}}"));
    }
    let endpoints: BTreeSet<&str> = of_kinds(&environment, &[Kind::AwsVpcEndpoint])
        .into_iter()
        .collect();
    let wanted = [
        "kms",
        "logs",
        "registry_api",
        "registry_dkr",
        "s3",
        "secrets",
        "sts",
    ];
    assert_eq!(
        endpoints,
        wanted
            .map(|name| format!("endpoints.{name}"))
            .iter()
            .map(String::as_str)
            .collect()
    );
    let dkr = component(&environment, "endpoints.registry_dkr");
    assert_eq!(dkr.properties["service"], "ecr.dkr");
    assert_eq!(
        dkr.properties["security_group_ids"],
        json!(["@{security_groups.endpoints:id}"])
    );
    let s3 = component(&environment, "endpoints.s3");
    assert_eq!(s3.properties["interface"], false);
    assert_eq!(s3.properties["route_table_ids"].as_array().map(Vec::len), Some(3));
}

#[test]
fn nodes_wait_for_the_way_out_and_the_cluster_for_its_subnets_only() {
    let environment = environment(own());
    let (cluster, pool) = (
        place(&environment, "cluster"),
        place(&environment, "node_pools.system"),
    );
    for address in ["routes.private.1", "routes.private.2", "endpoints.s3", "nat.1"] {
        assert!(place(&environment, address) < pool, "{address}");
    }
    let wanted = &component(&environment, "cluster").properties["subnet_ids"];
    assert_eq!(
        wanted,
        &json!(["@{subnets.private.1:id}", "@{subnets.private.2:id}"])
    );
    assert!(place(&environment, "subnets.private.2") < cluster);
    assert!(place(&environment, "internet_gateway") < place(&environment, "nat.1"));
    let outputs = environment.outputs();
    assert_eq!(outputs["network_info"]["vpc_id"], "@{network:vpc_id}");
    assert_eq!(
        outputs["network_info"]["public_subnet_ids"],
        json!(["@{subnets.public.1:id}", "@{subnets.public.2:id}"])
    );
}

#[test]
fn load_balancers_find_their_subnets_and_people_their_names() {
    let environment = environment(with(own(), "/tags", json!({ "team": "ml" })));
    let tags = |address: &str| component(&environment, address).properties["tags"].clone();
    assert_eq!(tags("subnets.public.1")["kubernetes.io/role/elb"], "1");
    assert_eq!(tags("subnets.private.1")["kubernetes.io/role/internal-elb"], "1");
    assert_eq!(tags("subnets.private.2")["Name"], "shop-private-2");
    assert_eq!(tags("network")["mlops:component"], "network");
    assert_eq!(tags("nat.1")["team"], "ml");
}

#[test]
fn without_a_way_out_there_is_nothing_public_and_all_that_nodes_need() {
    let environment = environment(with(own(), "/network/egress", "none".into()));
    let kinds = [Kind::AwsInternetGateway, Kind::AwsNatGateway];
    assert!(of_kinds(&environment, &kinds).is_empty());
    assert!(environment.component("subnets.public.1").is_none());
    let table = component(&environment, "routes.private.1");
    assert_eq!(table.properties["default_route"], "");
    for name in ["ec2", "eks", "registry_api", "registry_dkr", "s3", "sts"] {
        component(&environment, &format!("endpoints.{name}"));
    }
}

#[test]
fn google_cloud_gets_ranges_for_pods_and_services_and_a_nat() {
    let environment = environment(with(gcp_own(), "/network/cidr", "10.20.0.0/16".into()));
    let subnetwork = component(&environment, "subnetwork");
    assert_eq!(
        subnetwork.id.as_deref(),
        Some("projects/acme-ml-dev/regions/europe-west1/subnetworks/shop")
    );
    for (property, wanted) in [
        ("cidr", json!("10.20.0.0/20")),
        ("services_cidr", json!("10.20.16.0/20")),
        ("pods_cidr", json!("10.20.128.0/17")),
        ("private_google_access", json!(true)),
    ] {
        assert_eq!(subnetwork.properties[property], wanted, "{property}");
    }
    let cluster = component(&environment, "cluster");
    assert_eq!(cluster.properties["pods_range"], "pods");
    assert!(place(&environment, "router") < place(&environment, "cluster"));
    assert!(place(&environment, "network") < place(&environment, "subnetwork"));
    let outputs = environment.outputs();
    assert_eq!(
        outputs["network_info"]["private_subnet_ids"],
        json!(["projects/acme-ml-dev/regions/europe-west1/subnetworks/shop"])
    );
    let closed = fixtures::environment(with(gcp_own(), "/network/egress", "none".into()));
    assert!(closed.component("router").is_none());
}

fn planned(before: &Environment, after: &Environment) -> Result<Vec<String>, Vec<String>> {
    let foresight = Foresight {
        prior: &before.components,
        next: &after.components,
        drift: &[],
        standing: &Default::default(),
        summaries: &Default::default(),
    };
    plan_change(&foresight, &Decision::new(&after.spec, "uid"))
        .map(|steps| steps.iter().map(ToString::to_string).collect())
        .map_err(|refusals| refusals.iter().map(ToString::to_string).collect())
}

#[test]
fn more_gateways_are_a_change_in_place() {
    let (before, after) = (
        environment(own()),
        environment(with(own(), "/network/egress", "nat_per_zone".into())),
    );
    let lines = planned(&before, &after).expect("in place");
    assert!(lines.iter().any(|line| line.starts_with("+ nat.2")), "{lines:#?}");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("~ routes.private.2: default route")),
        "{lines:#?}"
    );
    assert!(lines.iter().all(|line| !line.contains("cluster")), "{lines:#?}");
    let lines = planned(&after, &before).expect("in place");
    assert!(lines.iter().any(|line| line.starts_with("- nat.2")), "{lines:#?}");
}

#[test]
fn what_everything_stands_in_is_not_changed_whatever_is_consented_to() {
    let before = environment(own());
    for (pointer, value) in [
        ("/network/cidr", json!("10.99.0.0/16")),
        ("/network/zones", json!(3)),
    ] {
        let refusals = planned(&before, &environment(with(own(), pointer, value))).expect_err("refused");
        let told = refusals
            .iter()
            .find(|line| line.starts_with("network: "))
            .expect("of the network");
        assert!(
            told.contains("everything of the environment stands in it"),
            "{told}"
        );
        assert!(!told.contains("replace_components"), "{told}");
    }
    let existing = environment(minimal());
    let refusals = planned(&existing, &before).expect_err("refused");
    assert!(
        refusals
            .iter()
            .any(|line| line.starts_with("network: an existing one is in use")),
        "{refusals:#?}"
    );
}

#[test]
fn the_state_holds_what_is_in_force() {
    let config = spec(own()).expect("legal").resolved_config();
    let network = config.network.expect("there");
    assert_eq!(
        (network.zones, network.egress.as_deref()),
        (Some(2), Some("nat_single"))
    );
    assert!(network.cidr.expect("there").ends_with(".0.0/16"));
    let aws = config.aws.expect("there");
    assert_eq!(aws.existing_network, None);
    assert_eq!(aws.vpc_endpoints, Some(BTreeSet::from(["s3".to_owned()])));
    assert_eq!(spec(minimal()).expect("legal").resolved_config().network, None);
}
