//! The network: somebody else's, or the environment's own.

use std::collections::BTreeSet;

use super::blueprint::Draft;
use super::{Endpoint, InternetGateway, NatGateway, Network, RouteTable, SecurityGroup, Subnet, Tags, Vpc};
use crate::component::{Address, Kind, Management, OnDestroy};
use crate::reference;
use crate::spec::{AwsNetworkSpec, Egress, ManagedNetwork, NetworkSpec};

pub(super) fn add(draft: &mut Draft<'_>) {
    let aws = draft.aws;
    match &aws.network {
        AwsNetworkSpec::OfCluster => {}
        AwsNetworkSpec::Existing(spec) => existing(draft, spec),
        AwsNetworkSpec::Managed(network) => managed(draft, network),
    }
}

fn existing(draft: &mut Draft<'_>, spec: &NetworkSpec) {
    let vpc_id = spec.vpc_id.to_string();
    let network = Network {
        vpc_id: vpc_id.clone(),
        private_subnet_ids: spec.private_subnet_ids.iter().map(ToString::to_string).collect(),
        public_subnet_ids: spec.public_subnet_ids.iter().map(ToString::to_string).collect(),
    };
    draft
        .want(&["network"], Kind::AwsNetwork, &network)
        .id(vpc_id.clone())
        .output("vpc_id", vpc_id)
        .managed(Management::Existing)
        .on_destroy(OnDestroy::Retain);
}

/// Private subnets: ids, or references to them.
pub(crate) fn private_subnets(network: &AwsNetworkSpec) -> Vec<String> {
    match network {
        AwsNetworkSpec::OfCluster => Vec::new(),
        AwsNetworkSpec::Existing(spec) => spec.private_subnet_ids.iter().map(ToString::to_string).collect(),
        AwsNetworkSpec::Managed(network) => subnets(network, "private"),
    }
}

/// Public subnets in the same way.
pub(crate) fn public_subnets(network: &AwsNetworkSpec) -> Vec<String> {
    match network {
        AwsNetworkSpec::OfCluster => Vec::new(),
        AwsNetworkSpec::Existing(spec) => spec.public_subnet_ids.iter().map(ToString::to_string).collect(),
        AwsNetworkSpec::Managed(network) if network.egress == Egress::None => Vec::new(),
        AwsNetworkSpec::Managed(network) => subnets(network, "public"),
    }
}

fn subnets(network: &ManagedNetwork, side: &str) -> Vec<String> {
    network
        .each_zone()
        .map(|zone| to(&["subnets", side, &zone.to_string()], "id"))
        .collect()
}

/// What nodes need to have before they start, or they would not reach the cluster.
pub(super) fn ways_out(network: &AwsNetworkSpec) -> Vec<Vec<String>> {
    let Some(network) = network.managed() else {
        return Vec::new();
    };
    let address = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
    let routes = network
        .each_zone()
        .map(|zone| address(&["routes", "private", &zone.to_string()]));
    let endpoints = network
        .endpoint_services()
        .map(|(name, _)| address(&["endpoints", name]));
    routes.chain(endpoints).collect()
}

fn to(address: &[&str], output: &str) -> String {
    reference::to(&Address::new(address), output)
}

fn managed(draft: &mut Draft<'_>, network: &ManagedNetwork) {
    let vpc = Vpc {
        cidr: network.block.to_string(),
        zones: network.zones,
        dns: true,
        tags: tags(draft, &["network"], ""),
    };
    draft.want(&["network"], Kind::AwsVpc, &vpc);
    for zone in network.each_zone() {
        let block = network.private(zone).to_string();
        add_subnet(draft, "private", zone, block, "kubernetes.io/role/internal-elb");
    }
    if network.egress != Egress::None {
        add_public(draft, network);
    }
    for zone in network.each_zone() {
        // The one gateway serves all zones where there is only one.
        let gateway = match network.egress {
            Egress::NatSingle => to(&["nat", "1"], "id"),
            Egress::NatPerZone => to(&["nat", &zone.to_string()], "id"),
            Egress::None => String::new(),
        };
        let zone = zone.to_string();
        let subnets = BTreeSet::from([to(&["subnets", "private", &zone], "id")]);
        add_routes(draft, &["routes", "private", &zone], gateway, subnets);
    }
    add_endpoints(draft, network);
}

/// What faces the internet: NAT gateways and load balancers.
fn add_public(draft: &mut Draft<'_>, network: &ManagedNetwork) {
    let address = ["internet_gateway"];
    let gateway = InternetGateway {
        vpc_id: to(&["network"], "vpc_id"),
        tags: tags(draft, &address, ""),
    };
    draft.want(&address, Kind::AwsInternetGateway, &gateway);
    for zone in network.each_zone() {
        let block = network.public(zone).to_string();
        add_subnet(draft, "public", zone, block, "kubernetes.io/role/elb");
    }
    let subnets = subnets(network, "public").into_iter().collect();
    add_routes(draft, &["routes", "public"], to(&address, "id"), subnets);
    for zone in network.nat_zones() {
        let zone = zone.to_string();
        let address = ["nat", &zone];
        let gateway = NatGateway {
            subnet_id: to(&["subnets", "public", &zone], "id"),
            tags: tags(draft, &address, &format!("nat-{zone}")),
        };
        draft
            .want(&address, Kind::AwsNatGateway, &gateway)
            .after(&["internet_gateway"])
            .after(&["routes", "public"]);
    }
}

fn add_subnet(draft: &mut Draft<'_>, side: &str, zone: u32, cidr: String, role: &str) {
    let number = zone.to_string();
    let address = ["subnets", side, &number];
    let mut tags = tags(draft, &address, &format!("{side}-{zone}"));
    // Load balancers find their subnets by it:
    // https://docs.aws.amazon.com/eks/latest/userguide/network-load-balancing.html
    tags.insert(role.to_owned(), "1".to_owned());
    let subnet = Subnet {
        vpc_id: to(&["network"], "vpc_id"),
        cidr,
        zone,
        tags,
    };
    draft.want(&address, Kind::AwsSubnet, &subnet);
}

fn add_routes(draft: &mut Draft<'_>, address: &[&str], default_route: String, subnet_ids: BTreeSet<String>) {
    let table = RouteTable {
        vpc_id: to(&["network"], "vpc_id"),
        default_route,
        subnet_ids,
        tags: tags(draft, address, &address[1..].join("-")),
    };
    draft.want(address, Kind::AwsRouteTable, &table);
}

fn add_endpoints(draft: &mut Draft<'_>, network: &ManagedNetwork) {
    let services: Vec<(&str, &str)> = network.endpoint_services().collect();
    let group = ["security_groups", "endpoints"];
    if services.iter().any(|(_, service)| *service != "s3") {
        let wanted = SecurityGroup {
            vpc_id: to(&["network"], "vpc_id"),
            name: format!("{}-endpoints", draft.spec.id.name),
            description: "HTTPS from inside the network to the endpoints of AWS".to_owned(),
            ingress: BTreeSet::from([format!("tcp/443/{}", network.block)]),
            tags: tags(draft, &group, "endpoints"),
        };
        draft.want(&group, Kind::AwsSecurityGroup, &wanted);
    }
    for (name, service) in services {
        let address = ["endpoints", name];
        let gateway = service == "s3";
        let tables = network
            .each_zone()
            .map(|zone| to(&["routes", "private", &zone.to_string()], "id"));
        let endpoint = Endpoint {
            vpc_id: to(&["network"], "vpc_id"),
            service: service.to_owned(),
            interface: !gateway,
            route_table_ids: tables.filter(|_| gateway).collect(),
            subnet_ids: subnets(network, "private")
                .into_iter()
                .filter(|_| !gateway)
                .collect(),
            security_group_ids: BTreeSet::from([to(&group, "id")])
                .into_iter()
                .filter(|_| !gateway)
                .collect(),
            tags: tags(draft, &address, name),
        };
        draft.want(&address, Kind::AwsVpcEndpoint, &endpoint);
    }
}

/// The component's tags with the name that the console shows; the user's own name wins.
fn tags(draft: &Draft<'_>, address: &[&str], name: &str) -> Tags {
    let mut tags = draft.tags(address);
    let name = match name {
        "" => draft.spec.id.name.to_string(),
        name => format!("{}-{name}", draft.spec.id.name),
    };
    tags.entry("Name".to_owned()).or_insert(name);
    tags
}
