//! Add-ons.

use serde_json::{Value, json};

use super::{Ground, merged};
use crate::cloud::{ACCOUNT, id};

fn of(name: &str, more: Value) -> Value {
    merged(json!({"clusterName": "a", "addonName": name}), more)
}

fn now(ground: &mut Ground, name: &str) -> Value {
    ground.ok("DescribeAddon", of(name, json!({})))["addon"].clone()
}

#[test]
fn an_add_on_is_made_updated_and_deleted() {
    let mut ground = Ground::with_nodes(json!({}));
    let made = ground.ok("CreateAddon", of("vpc-cni", json!({"clientRequestToken": "t"})))["addon"].clone();
    assert_eq!(made["status"], "CREATING");
    let again = of("vpc-cni", json!({"clientRequestToken": "t"}));
    ground.ok("CreateAddon", again);
    let (code, message) = ground.no("CreateAddon", of("vpc-cni", json!({})));
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("ResourceInUseException", "Addon already exists.")
    );
    assert_eq!(
        ground.no("UpdateAddon", of("vpc-cni", json!({}))).0,
        "ResourceInUseException"
    );
    ground.cloud.later(31.0);
    assert_eq!(now(&mut ground, "vpc-cni")["status"], "ACTIVE");
    let change = of(
        "vpc-cni",
        json!({"addonVersion": "v1.19.6-eksbuild.7", "configurationValues": "{\"env\":{}}"}),
    );
    let update = ground.ok("UpdateAddon", change.clone())["update"].clone();
    assert_eq!(update["type"], "AddonUpdate");
    assert_eq!(now(&mut ground, "vpc-cni")["status"], "UPDATING");
    assert_eq!(ground.no("UpdateAddon", change).0, "ResourceInUseException");
    ground.cloud.later(31.0);
    let asked = json!({"name": "a", "addonName": "vpc-cni", "updateId": update["id"]});
    assert_eq!(
        ground.ok("DescribeUpdate", asked)["update"]["status"],
        "Successful"
    );
    let addon = now(&mut ground, "vpc-cni");
    assert_eq!(addon["addonVersion"], "v1.19.6-eksbuild.7");
    assert_eq!(addon["configurationValues"], "{\"env\":{}}");
    let listed = ground.ok("ListAddons", json!({"clusterName": "a"}));
    assert_eq!(listed["addons"], json!(["vpc-cni"]));
    assert_eq!(
        ground.ok("DeleteAddon", of("vpc-cni", json!({})))["addon"]["status"],
        "DELETING"
    );
    ground.cloud.later(16.0);
    for operation in ["DescribeAddon", "UpdateAddon", "DeleteAddon"] {
        assert_eq!(
            ground.no(operation, of("vpc-cni", json!({}))).0,
            "ResourceNotFoundException"
        );
    }
}

#[test]
fn what_runs_as_a_deployment_is_degraded_without_nodes() {
    let mut ground = Ground::standing(json!({}));
    for name in ["coredns", "kube-proxy"] {
        ground.ok("CreateAddon", of(name, json!({})));
    }
    ground.cloud.later(31.0);
    assert_eq!(now(&mut ground, "kube-proxy")["status"], "ACTIVE");
    let addon = now(&mut ground, "coredns");
    assert_eq!(addon["status"], "DEGRADED");
    assert_eq!(
        addon["health"]["issues"][0]["code"],
        "InsufficientNumberOfReplicas"
    );
    let input = ground.group(json!({}));
    ground.ok("CreateNodegroup", input);
    ground.cloud.later(116.0);
    assert_eq!(now(&mut ground, "coredns")["status"], "ACTIVE");
}

#[test]
fn an_add_on_is_refused_where_it_does_not_fit() {
    let mut ground = Ground::standing(json!({}));
    let nobody = format!("arn:aws:iam::{ACCOUNT}:role/nobody");
    for (name, more, words) in [
        ("odd", json!({}), "not supported"),
        (
            "kube-proxy",
            json!({"addonVersion": "v1.34.1-eksbuild.2"}),
            "not supported in 1.33 kubernetes version",
        ),
        ("vpc-cni", json!({"configurationValues": "{"}), "not supported"),
        (
            "vpc-cni",
            json!({"serviceAccountRoleArn": nobody}),
            "does not exist",
        ),
        (
            "vpc-cni",
            json!({"podIdentityAssociations": [{"serviceAccount": "aws-node", "roleArn": nobody}]}),
            "does not exist",
        ),
        ("vpc-cni", json!({"tags": {"aws:x": "y"}}), "reserved"),
    ] {
        let (code, message) = ground.no("CreateAddon", of(name, more));
        assert_eq!(code, "InvalidParameterException");
        assert!(message.contains(words), "{message}");
    }
    let mut early = Ground::new();
    let input = early.cluster(json!({}));
    early.ok("CreateCluster", input);
    let (code, message) = early.no("CreateAddon", of("vpc-cni", json!({})));
    assert_eq!(code, "InvalidRequestException");
    assert!(message.contains("not in ACTIVE"), "{message}");
}

#[test]
fn an_add_on_owns_its_associations() {
    let mut ground = Ground::standing(json!({}));
    let role = ground.cloud.role("cni", "pods.eks.amazonaws.com");
    let with = json!({"podIdentityAssociations": [{"serviceAccount": "aws-node", "roleArn": role}]});
    ground.ok("CreateAddon", of("vpc-cni", with.clone()));
    ground.cloud.later(31.0);
    let arn = id(&now(&mut ground, "vpc-cni")["podIdentityAssociations"][0]);
    let association = arn.rsplit('/').next().unwrap().to_owned();
    let (code, message) = ground.no(
        "DeletePodIdentityAssociation",
        json!({"clusterName": "a", "associationId": association}),
    );
    assert_eq!(code, "InvalidRequestException");
    assert!(message.contains("owned by"), "{message}");
    // Named again it is the same; another add-on cannot have it.
    ground.ok("UpdateAddon", of("vpc-cni", with.clone()));
    let (code, _) = ground.no("CreateAddon", of("aws-ebs-csi-driver", with));
    assert_eq!(code, "ResourceInUseException");
    ground.cloud.later(31.0);
    ground.ok("DeleteAddon", of("vpc-cni", json!({})));
    ground.cloud.later(16.0);
    let left = ground.ok("ListPodIdentityAssociations", json!({"clusterName": "a"}));
    assert_eq!(left["associations"], json!([]));
}

#[test]
fn the_catalogue_is_asked_by_name_and_version() {
    let mut ground = Ground::new();
    let all = ground.cloud.all(
        "eks",
        "DescribeAddonVersions",
        json!({"maxResults": 2}),
        "addons",
        "nextToken",
    );
    assert!(all.len() > 5);
    let found = ground.ok(
        "DescribeAddonVersions",
        json!({"addonName": "kube-proxy", "kubernetesVersion": "1.33"}),
    );
    let versions = found["addons"][0]["addonVersions"].as_array().unwrap();
    assert_eq!(versions.len(), 2);
    assert_eq!(
        versions[0]["compatibilities"],
        json!([{"clusterVersion": "1.33", "platformVersions": ["*"], "defaultVersion": true}])
    );
    let none = ground.ok(
        "DescribeAddonVersions",
        json!({"types": ["storage"], "owners": ["others"]}),
    );
    assert_eq!(none["addons"], json!([]));
    assert_eq!(
        ground.no("DescribeAddonVersions", json!({"addonName": "odd"})).0,
        "ResourceNotFoundException"
    );
    assert_eq!(
        ground
            .no("DescribeAddonVersions", json!({"kubernetesVersion": "9"}))
            .0,
        "InvalidParameterException"
    );
    let asked = json!({"addonName": "vpc-cni", "addonVersion": "v1.20.4-eksbuild.1"});
    let configuration = ground.ok("DescribeAddonConfiguration", asked);
    assert_eq!(
        configuration["podIdentityConfiguration"][0]["serviceAccount"],
        "aws-node"
    );
    assert_eq!(
        ground
            .no(
                "DescribeAddonConfiguration",
                json!({"addonName": "vpc-cni", "addonVersion": "v0"})
            )
            .0,
        "ResourceNotFoundException"
    );
}
