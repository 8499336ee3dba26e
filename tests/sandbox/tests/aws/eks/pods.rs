//! Pod Identity associations.

use serde_json::{Value, json};

use super::{Ground, merged};
use crate::cloud::{ACCOUNT, id};

fn wanted(role: &str, more: Value) -> Value {
    merged(
        json!({"clusterName": "a", "namespace": "ml", "serviceAccount": "s", "roleArn": role}),
        more,
    )
}

#[test]
fn an_association_is_made_changed_and_deleted() {
    let mut ground = Ground::standing(json!({}));
    let role = ground.cloud.role("pods", "pods.eks.amazonaws.com");
    let other = ground.cloud.role("others", "pods.eks.amazonaws.com");
    let input = wanted(&role, json!({"clientRequestToken": "t", "tags": {"x": "y"}}));
    let made = ground.ok("CreatePodIdentityAssociation", input.clone())["association"].clone();
    assert!(id(&made["associationId"]).starts_with("a-"));
    assert_eq!(
        ground.ok("CreatePodIdentityAssociation", input)["association"],
        made
    );
    let (code, message) = ground.no("CreatePodIdentityAssociation", wanted(&role, json!({})));
    assert_eq!(code, "ResourceInUseException");
    assert!(message.contains("already exists"), "{message}");
    let of = json!({"clusterName": "a", "associationId": made["associationId"]});
    let changed = merged(of.clone(), json!({"roleArn": other, "disableSessionTags": true}));
    ground.ok("UpdatePodIdentityAssociation", changed);
    let shown = ground.ok("DescribePodIdentityAssociation", of.clone())["association"].clone();
    assert_eq!(
        (&shown["roleArn"], &shown["disableSessionTags"]),
        (&json!(other), &json!(true))
    );
    for (filter, count) in [
        (json!({}), 1),
        (json!({"namespace": "ml"}), 1),
        (json!({"namespace": "x"}), 0),
        (json!({"serviceAccount": "x"}), 0),
    ] {
        let listed = ground.ok(
            "ListPodIdentityAssociations",
            merged(json!({"clusterName": "a"}), filter),
        );
        assert_eq!(listed["associations"].as_array().unwrap().len(), count);
    }
    ground.ok("DeletePodIdentityAssociation", of.clone());
    for operation in [
        "DescribePodIdentityAssociation",
        "UpdatePodIdentityAssociation",
        "DeletePodIdentityAssociation",
    ] {
        assert_eq!(ground.no(operation, of.clone()).0, "ResourceNotFoundException");
    }
}

#[test]
fn the_role_must_trust_pods() {
    let mut ground = Ground::standing(json!({}));
    let nobody = format!("arn:aws:iam::{ACCOUNT}:role/nobody");
    let wrong = ground.cloud.role("wrong", "ec2.amazonaws.com");
    for (role, words) in [
        (&nobody, "Role provided in the request does not exist"),
        (&wrong, "pods.eks.amazonaws.com"),
    ] {
        let (code, message) = ground.no("CreatePodIdentityAssociation", wanted(role, json!({})));
        assert_eq!(code, "InvalidParameterException");
        assert!(message.contains(words), "{message}");
    }
    let right = ground.cloud.role("right", "pods.eks.amazonaws.com");
    assert!(
        ground
            .no(
                "CreatePodIdentityAssociation",
                wanted(&right, json!({"policy": "{}"}))
            )
            .1
            .contains("not carried")
    );
    assert!(
        ground
            .no(
                "CreatePodIdentityAssociation",
                wanted(&right, json!({"tags": {"aws:x": "y"}}))
            )
            .1
            .contains("reserved")
    );
    let made = ground.ok("CreatePodIdentityAssociation", wanted(&right, json!({})));
    let of = json!({"clusterName": "a", "associationId": made["association"]["associationId"]});
    let (code, _) = ground.no(
        "UpdatePodIdentityAssociation",
        merged(of.clone(), json!({"roleArn": nobody})),
    );
    assert_eq!(code, "InvalidParameterException");
    assert!(
        ground
            .no(
                "UpdatePodIdentityAssociation",
                merged(of, json!({"policy": "{}"}))
            )
            .1
            .contains("not carried")
    );
}

#[test]
fn an_association_waits_for_the_cluster() {
    let mut ground = Ground::new();
    let role = ground.cloud.role("pods", "pods.eks.amazonaws.com");
    let input = ground.cluster(json!({}));
    ground.ok("CreateCluster", input);
    assert_eq!(
        ground
            .no("CreatePodIdentityAssociation", wanted(&role, json!({})))
            .0,
        "InvalidRequestException"
    );
}
