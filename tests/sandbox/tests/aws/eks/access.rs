//! Access entries and access policies.

use serde_json::{Value, json};

use super::{Ground, merged};
use crate::cloud::{ACCOUNT, REGION, id};

const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";

fn entry(principal: &str, more: Value) -> Value {
    merged(json!({"clusterName": "a", "principalArn": principal}), more)
}

/// A cluster where nobody is let in, and a role.
fn closed() -> (Ground, String) {
    let mut ground = Ground::standing(json!({
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": false},
    }));
    let role = ground.cloud.role("human", "ec2.amazonaws.com");
    (ground, role)
}

fn entries(ground: &mut Ground) -> Vec<Value> {
    ground.cloud.all(
        "eks",
        "ListAccessEntries",
        json!({"clusterName": "a"}),
        "accessEntries",
        "nextToken",
    )
}

#[test]
fn the_creator_is_an_administrator_unless_told_otherwise() {
    let mut ground = Ground::standing(json!({}));
    let operator = format!("arn:aws:iam::{ACCOUNT}:user/operator");
    assert_eq!(entries(&mut ground), [operator.as_str()]);
    let policies = ground.ok("ListAssociatedAccessPolicies", entry(&operator, json!({})));
    assert!(
        id(&policies["associatedAccessPolicies"][0]["policyArn"]).ends_with("AmazonEKSClusterAdminPolicy")
    );
    assert_eq!(
        policies["associatedAccessPolicies"][0]["accessScope"],
        json!({"type": "cluster", "namespaces": []})
    );
    assert!(entries(&mut closed().0).is_empty());
}

#[test]
fn nodes_are_let_in_by_eks_itself_and_go_with_the_last_group() {
    let (mut ground, _) = closed();
    for name in ["n", "m"] {
        let input = ground.group(json!({"nodegroupName": name}));
        ground.ok("CreateNodegroup", input);
    }
    ground.cloud.later(116.0);
    let nodes = ground.nodes.clone();
    assert_eq!(entries(&mut ground), [nodes.as_str()]);
    let shown = ground.ok("DescribeAccessEntry", entry(&nodes, json!({})))["accessEntry"].clone();
    assert_eq!(shown["type"], "EC2_LINUX");
    assert_eq!(shown["kubernetesGroups"], json!(["system:nodes"]));
    assert_eq!(shown["username"], "system:node:{{EC2PrivateDNSName}}");
    let (code, message) = ground.no(
        "AssociateAccessPolicy",
        entry(
            &nodes,
            json!({"policyArn": VIEW, "accessScope": {"type": "cluster"}}),
        ),
    );
    assert_eq!(code, "InvalidRequestException");
    assert!(message.contains("EC2_LINUX"), "{message}");
    for (name, left) in [("n", 1), ("m", 0)] {
        ground.ok(
            "DeleteNodegroup",
            json!({"clusterName": "a", "nodegroupName": name}),
        );
        ground.cloud.later(151.0);
        assert_eq!(entries(&mut ground).len(), left);
    }
}

#[test]
fn an_entry_is_made_read_changed_and_deleted() {
    let (mut ground, role) = closed();
    let made = ground.ok(
        "CreateAccessEntry",
        entry(
            &role,
            json!({"kubernetesGroups": ["ml"], "tags": {"x": "y"}, "clientRequestToken": "t"}),
        ),
    )["accessEntry"]
        .clone();
    assert_eq!(
        made["username"],
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/human/{{{{SessionName}}}}")
    );
    assert!(id(&made["accessEntryArn"]).starts_with(&format!(
        "arn:aws:eks:{REGION}:{ACCOUNT}:access-entry/a/role/{ACCOUNT}/human/"
    )));
    let again = ground.ok(
        "CreateAccessEntry",
        entry(&role, json!({"clientRequestToken": "t"})),
    );
    assert_eq!(again["accessEntry"], made);
    assert_eq!(
        ground.no("CreateAccessEntry", entry(&role, json!({}))).0,
        "ResourceInUseException"
    );
    ground.cloud.later(5.0);
    let changed = ground.ok(
        "UpdateAccessEntry",
        entry(&role, json!({"kubernetesGroups": ["ops"], "username": "human"})),
    )["accessEntry"]
        .clone();
    assert_eq!(
        (&changed["kubernetesGroups"], &changed["username"]),
        (&json!(["ops"]), &json!("human"))
    );
    assert_ne!(changed["modifiedAt"], made["modifiedAt"]);
    ground.ok("DeleteAccessEntry", entry(&role, json!({})));
    for operation in [
        "DescribeAccessEntry",
        "DeleteAccessEntry",
        "UpdateAccessEntry",
        "ListAssociatedAccessPolicies",
    ] {
        let (code, message) = ground.no(operation, entry(&role, json!({})));
        assert_eq!(code, "ResourceNotFoundException", "{operation}");
        assert!(message.contains("could not be found"), "{message}");
    }
}

#[test]
fn an_entry_is_refused_for_nobody_and_under_reserved_names() {
    let (mut ground, role) = closed();
    for (principal, more, code, words) in [
        (
            format!("arn:aws:iam::{ACCOUNT}:role/nobody"),
            json!({}),
            "InvalidParameterException",
            "invalid principal",
        ),
        (
            format!("arn:aws:sts::{ACCOUNT}:assumed-role/human/x"),
            json!({}),
            "InvalidParameterException",
            "invalid principal",
        ),
        (
            format!("arn:aws:iam::{ACCOUNT}:root"),
            json!({}),
            "InvalidParameterException",
            "invalid principal",
        ),
        (
            role.clone(),
            json!({"type": "ODD"}),
            "InvalidParameterException",
            "not one of",
        ),
        (
            role.clone(),
            json!({"kubernetesGroups": ["system:masters"]}),
            "InvalidParameterException",
            "cannot start with",
        ),
        (
            role.clone(),
            json!({"username": "eks:x"}),
            "InvalidParameterException",
            "cannot start with",
        ),
        (
            role.clone(),
            json!({"type": "EC2_LINUX", "username": "x"}),
            "InvalidRequestException",
            "EC2_LINUX",
        ),
        (
            role.clone(),
            json!({"tags": {"aws:x": "y"}}),
            "InvalidParameterException",
            "reserved",
        ),
    ] {
        let (said, message) = ground.no("CreateAccessEntry", entry(&principal, more));
        assert_eq!(said, code);
        assert!(message.contains(words), "{message}");
    }
    ground.cloud.world.behaviour.lag = 5.0;
    let fresh = ground.cloud.role("fresh", "ec2.amazonaws.com");
    assert!(
        ground
            .no("CreateAccessEntry", entry(&fresh, json!({})))
            .1
            .contains("invalid principal")
    );
    ground.cloud.later(5.0);
    ground.ok("CreateAccessEntry", entry(&fresh, json!({})));
}

#[test]
fn an_entry_waits_for_the_cluster() {
    let mut ground = Ground::new();
    let role = ground.cloud.role("human", "ec2.amazonaws.com");
    let input = ground.cluster(json!({}));
    ground.ok("CreateCluster", input);
    let (code, message) = ground.no("CreateAccessEntry", entry(&role, json!({})));
    assert_eq!(code, "InvalidRequestException");
    assert!(message.contains("not in ACTIVE"), "{message}");
}

#[test]
fn policies_hold_in_the_cluster_or_in_namespaces() {
    let (mut ground, role) = closed();
    ground.ok("CreateAccessEntry", entry(&role, json!({})));
    let with = |policy: &str, scope: Value| entry(&role, json!({"policyArn": policy, "accessScope": scope}));
    ground.ok("AssociateAccessPolicy", with(VIEW, json!({"type": "cluster"})));
    let narrowed = ground.ok(
        "AssociateAccessPolicy",
        with(VIEW, json!({"type": "namespace", "namespaces": ["ml"]})),
    );
    assert_eq!(
        narrowed["associatedAccessPolicy"]["accessScope"],
        json!({"type": "namespace", "namespaces": ["ml"]})
    );
    let listed = ground.ok("ListAssociatedAccessPolicies", entry(&role, json!({})));
    assert_eq!(listed["associatedAccessPolicies"].as_array().unwrap().len(), 1);
    let by_policy = ground.ok(
        "ListAccessEntries",
        json!({"clusterName": "a", "associatedPolicyArn": VIEW}),
    );
    assert_eq!(by_policy["accessEntries"], json!([role]));
    for (policy, scope, words) in [
        (VIEW, json!({"type": "namespace"}), "must not be empty"),
        (
            VIEW,
            json!({"type": "cluster", "namespaces": ["a"]}),
            "cannot be given",
        ),
        (VIEW, json!({}), "must have a type"),
        (
            "arn:aws:iam::aws:policy/AmazonEKSViewPolicy",
            json!({"type": "cluster"}),
            "could not be found",
        ),
    ] {
        let (code, message) = ground.no("AssociateAccessPolicy", with(policy, scope));
        assert_eq!(code, "InvalidParameterException");
        assert!(message.contains(words), "{message}");
    }
    let part = entry(&role, json!({"policyArn": VIEW}));
    ground.ok("DisassociateAccessPolicy", part.clone());
    assert_eq!(
        ground.no("DisassociateAccessPolicy", part).0,
        "ResourceNotFoundException"
    );
}

#[test]
fn the_policies_that_there_are_come_in_pages() {
    let mut ground = Ground::new();
    let all = ground.cloud.all(
        "eks",
        "ListAccessPolicies",
        json!({"maxResults": 2}),
        "accessPolicies",
        "nextToken",
    );
    assert!(all.iter().any(|policy| policy["arn"] == VIEW));
}
