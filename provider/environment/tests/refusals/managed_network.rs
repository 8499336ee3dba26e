//! What is refused of a network of the environment's own, where, and with which way out.
use crate::fixtures::{gcp_minimal, minimal, with};
use crate::refuses;
use serde_json::{Value, json};

/// Those that break rules: see the top.
pub(crate) const TESTS: &[fn()] = &[what_cannot_be_is_refused_with_the_way_out];

fn own() -> Value {
    with(minimal(), "/aws", json!({}))
}

fn gcp_own() -> Value {
    with(gcp_minimal(), "/gcp", json!({}))
}

#[test]
fn what_cannot_be_is_refused_with_the_way_out() {
    for (config, path, words) in [
        (
            with(own(), "/network/cidr", "10.0.0.0/8".into()),
            "network.cidr",
            "/16 to /20",
        ),
        (
            with(own(), "/network/cidr", "10.0.0.0/24".into()),
            "network.cidr",
            "/16 to /20",
        ),
        (
            with(own(), "/network/cidr", "10.0.0.1/16".into()),
            "network.cidr",
            "no bits set after the prefix",
        ),
        (with(own(), "/network/zones", json!(1)), "network.zones", "2 to 4"),
        (with(own(), "/network/zones", json!(5)), "network.zones", "2 to 4"),
        (
            with(own(), "/network/egress", "nat".into()),
            "network.egress",
            "\"nat_per_zone\"",
        ),
        (
            with(
                with(own(), "/network/egress", "none".into()),
                "/aws/vpc_endpoints",
                json!(["s3"]),
            ),
            "aws.vpc_endpoints",
            "Add ec2, eks, registry, sts",
        ),
        (
            with(own(), "/aws/vpc_endpoints", json!(["s4"])),
            "aws.vpc_endpoints",
            "Use any of",
        ),
        (
            with(minimal(), "/network/zones", json!(2)),
            "network",
            "Remove it",
        ),
        (
            with(minimal(), "/aws/vpc_endpoints", json!(["s3"])),
            "aws.vpc_endpoints",
            "Remove vpc_endpoints",
        ),
        (
            with(gcp_minimal(), "/network/egress", "none".into()),
            "network",
            "Remove it",
        ),
        (
            with(gcp_own(), "/network/zones", json!(3)),
            "network.zones",
            "Remove zones",
        ),
        (
            with(gcp_own(), "/network/egress", "nat_per_zone".into()),
            "network.egress",
            "\"nat_single\"",
        ),
        (
            with(gcp_own(), "/network/cidr", "10.0.0.0/11".into()),
            "network.cidr",
            "/12 to /20",
        ),
    ] {
        refuses(config, path, words);
    }
}
