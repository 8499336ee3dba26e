//! What is refused beside a cluster of somebody else, where, and with which way out.
use serde_json::{Value, json};

use crate::fixtures::{gcp_minimal, in_cluster, minimal, with};
use crate::refuses;

/// Those that break rules: see the top.
pub(crate) const TESTS: &[fn()] = &[names_that_are_none, what_would_not_be_honoured];

#[test]
fn names_that_are_none() {
    let path = "cluster.existing";
    let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/shared";
    refuses(in_cluster(minimal(), arn), path, "not its ARN");
    refuses(
        in_cluster(minimal(), "-shared"),
        path,
        "beginning with a letter or digit",
    );
    refuses(
        in_cluster(gcp_minimal(), "Shared"),
        path,
        "its name, or projects/",
    );
    for elsewhere in [
        "projects/acme-other/locations/europe-west1/clusters/shared",
        "projects/acme-ml-dev/locations/europe-west1-b/clusters/shared",
    ] {
        refuses(in_cluster(gcp_minimal(), elsewhere), path, "stands elsewhere");
    }
}

#[test]
fn what_would_not_be_honoured() {
    let words = "be honoured";
    let aws: [(&str, Value); 10] = [
        ("/cluster/version", "1.33".into()),
        ("/cluster/endpoint", json!({ "public": true })),
        ("/cluster/log_types", json!(["api"])),
        ("/node_pools", json!({})),
        ("/logging", json!({ "retention_days": 30 })),
        ("/aws/existing_network", json!({})),
        ("/aws/extended_support", true.into()),
        ("/encryption/cluster", json!({})),
        ("/encryption/logs", json!({})),
        ("/network", json!({})),
    ];
    for (pointer, value) in aws {
        let path = pointer[1..].replace('/', ".");
        refuses(
            with(in_cluster(minimal(), "shared"), pointer, value),
            &path,
            words,
        );
    }
    let gcp: [(&str, Value); 3] = [
        ("/cluster/release_channel", "STABLE".into()),
        ("/gcp/existing_network", json!({})),
        ("/gcp/dns_endpoint", true.into()),
    ];
    for (pointer, value) in gcp {
        let path = pointer[1..].replace('/', ".");
        refuses(
            with(in_cluster(gcp_minimal(), "shared"), pointer, value),
            &path,
            words,
        );
    }
    refuses(
        with(
            in_cluster(minimal(), "shared"),
            "/aws/vpc_endpoints",
            json!(["s3"]),
        ),
        "aws.vpc_endpoints",
        "The cluster stands in a network already",
    );
}
