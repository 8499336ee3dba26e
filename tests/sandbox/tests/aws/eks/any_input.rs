//! Whatever an input is made of, EKS answers or refuses, and the world can be saved.

use mlops_sandbox::{World, aws};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Ground;

const OPERATIONS: [&str; 40] = [
    "AssociateAccessPolicy",
    "AssociateEncryptionConfig",
    "CreateAccessEntry",
    "CreateAddon",
    "CreateCluster",
    "CreateNodegroup",
    "CreatePodIdentityAssociation",
    "DeleteAccessEntry",
    "DeleteAddon",
    "DeleteCluster",
    "DeleteNodegroup",
    "DeletePodIdentityAssociation",
    "DescribeAccessEntry",
    "DescribeAddon",
    "DescribeAddonConfiguration",
    "DescribeAddonVersions",
    "DescribeCluster",
    "DescribeClusterVersions",
    "DescribeNodegroup",
    "DescribePodIdentityAssociation",
    "DescribeUpdate",
    "DisassociateAccessPolicy",
    "ListAccessEntries",
    "ListAccessPolicies",
    "ListAddons",
    "ListAssociatedAccessPolicies",
    "ListClusters",
    "ListNodegroups",
    "ListPodIdentityAssociations",
    "ListTagsForResource",
    "ListUpdates",
    "TagResource",
    "UntagResource",
    "UpdateAccessEntry",
    "UpdateAddon",
    "UpdateClusterConfig",
    "UpdateClusterVersion",
    "UpdateNodegroupConfig",
    "UpdateNodegroupVersion",
    "UpdatePodIdentityAssociation",
];

const MEMBERS: [&str; 26] = [
    "name",
    "clusterName",
    "nodegroupName",
    "addonName",
    "principalArn",
    "policyArn",
    "accessScope",
    "resourcesVpcConfig",
    "subnetIds",
    "securityGroupIds",
    "publicAccessCidrs",
    "logging",
    "clusterLogging",
    "types",
    "encryptionConfig",
    "provider",
    "scalingConfig",
    "labels",
    "taints",
    "launchTemplate",
    "tags",
    "version",
    "nextToken",
    "maxResults",
    "podIdentityAssociations",
    "kubernetesNetworkConfig",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!("a")),
        Just(json!("n")),
        Just(json!("1.34")),
        Just(json!("arn:aws:kms:eu-central-1:111122223333:key/x")),
        "\\PC{0,9}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(proptest::sample::select(&MEMBERS[..]), inner, 0..4).prop_map(
                |members| members
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect()
            ),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn nothing_panics(calls in proptest::collection::vec(
        (
            proptest::sample::select(&OPERATIONS[..]),
            proptest::collection::btree_map(proptest::sample::select(&MEMBERS[..]), value(), 0..6),
            0.0..900.0_f64,
        ),
        1..24,
    )) {
        let mut ground = Ground::with_nodes(json!({}));
        for (operation, members, seconds) in calls {
            ground.cloud.later(seconds);
            let mut input: Value = json!({"name": "a", "clusterName": "a", "nodegroupName": "n"});
            for (member, value) in members {
                input[member] = value;
            }
            let call = ground.cloud.request("eks", operation, input);
            if let Err(refusal) = aws::answer(&mut ground.cloud.world, &call) {
                prop_assert!((400..500).contains(&refusal.status), "{operation}: {refusal}");
                prop_assert_ne!(&refusal.code, "UnknownOperationException");
            }
        }
        let saved = serde_json::to_string(&ground.cloud.world).unwrap();
        prop_assert_eq!(serde_json::from_str::<World>(&saved).unwrap(), ground.cloud.world);
    }
}
