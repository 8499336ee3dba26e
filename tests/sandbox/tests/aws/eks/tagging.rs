//! Tags of every kind of thing, by ARN.

use std::collections::BTreeMap;

use serde_json::json;

use super::Ground;
use crate::cloud::{ACCOUNT, REGION, id};

#[test]
fn everything_with_an_arn_has_tags() {
    let mut ground = Ground::with_nodes(json!({}));
    let role = ground.cloud.role("pods", "pods.eks.amazonaws.com");
    ground.ok(
        "CreateAccessEntry",
        json!({"clusterName": "a", "principalArn": role}),
    );
    ground.ok("CreateAddon", json!({"clusterName": "a", "addonName": "vpc-cni"}));
    let association = ground.ok(
        "CreatePodIdentityAssociation",
        json!({"clusterName": "a", "namespace": "n", "serviceAccount": "s", "roleArn": role}),
    );
    let entry = ground.ok(
        "DescribeAccessEntry",
        json!({"clusterName": "a", "principalArn": role}),
    );
    let addon = ground.ok(
        "DescribeAddon",
        json!({"clusterName": "a", "addonName": "vpc-cni"}),
    );
    let arns = [
        id(&ground.described()["arn"]),
        id(&ground.nodes_now()["nodegroupArn"]),
        id(&entry["accessEntry"]["accessEntryArn"]),
        id(&addon["addon"]["addonArn"]),
        id(&association["association"]["associationArn"]),
    ];
    for arn in arns {
        ground.ok(
            "TagResource",
            json!({"resourceArn": arn, "tags": {"a": "1", "b": "2"}}),
        );
        ground.ok("UntagResource", json!({"resourceArn": arn, "tagKeys": ["a"]}));
        let found = ground.ok("ListTagsForResource", json!({"resourceArn": arn}));
        assert_eq!(found["tags"], json!({"b": "2"}), "{arn}");
    }
}

#[test]
fn what_is_not_there_has_no_tags() {
    let mut ground = Ground::new();
    let arn = format!("arn:aws:eks:{REGION}:{ACCOUNT}:cluster/a");
    for (operation, input) in [
        ("TagResource", json!({"resourceArn": arn, "tags": {"a": "1"}})),
        ("UntagResource", json!({"resourceArn": arn, "tagKeys": ["a"]})),
        ("ListTagsForResource", json!({"resourceArn": arn})),
    ] {
        assert_eq!(ground.no(operation, input).0, "NotFoundException");
    }
}

#[test]
fn tags_are_few_and_not_reserved() {
    let mut ground = Ground::standing(json!({}));
    let arn = id(&ground.described()["arn"]);
    let many: BTreeMap<String, &str> = (0..51).map(|number| (number.to_string(), "")).collect();
    for tags in [json!({"aws:a": "1"}), json!(many)] {
        let (code, _) = ground.no("TagResource", json!({"resourceArn": arn, "tags": tags}));
        assert_eq!(code, "BadRequestException");
    }
}
