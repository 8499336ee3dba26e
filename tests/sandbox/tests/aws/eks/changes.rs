//! Updates of clusters: one at a time, each with an id, each seen when it is over.

use serde_json::{Value, json};

use super::{Ground, merged};
use crate::cloud::id;

fn change(ground: &mut Ground, change: Value) -> Value {
    let input = merged(json!({"name": "a"}), change);
    ground.updated("UpdateClusterConfig", input, json!({}))
}

fn refused(ground: &mut Ground, change: Value) -> (String, String) {
    ground.no("UpdateClusterConfig", merged(json!({"name": "a"}), change))
}

#[test]
fn the_endpoint_changes_and_the_rest_stays() {
    let mut ground = Ground::standing(json!({}));
    let before = ground.described();
    let update = ground.ok(
        "UpdateClusterConfig",
        json!({"name": "a", "resourcesVpcConfig": {"endpointPrivateAccess": true}}),
    )["update"]
        .clone();
    assert_eq!(update["type"], "EndpointAccessUpdate");
    let during = ground.described();
    assert_eq!(during["status"], "UPDATING");
    assert_eq!(during["resourcesVpcConfig"], before["resourcesVpcConfig"]);
    ground.cloud.later(121.0);
    let after = ground.described();
    assert_eq!(after["status"], "ACTIVE");
    assert_eq!(after["resourcesVpcConfig"]["endpointPrivateAccess"], true);
    assert_eq!(
        after["resourcesVpcConfig"]["subnetIds"],
        before["resourcesVpcConfig"]["subnetIds"]
    );
    change(
        &mut ground,
        json!({"resourcesVpcConfig": {"endpointPublicAccess": false}}),
    );
    assert_eq!(
        ground.described()["resourcesVpcConfig"]["publicAccessCidrs"],
        json!([])
    );
}

#[test]
fn one_update_at_a_time() {
    let mut ground = Ground::standing(json!({}));
    let update = ground.ok(
        "UpdateClusterConfig",
        json!({"name": "a", "logging": {"clusterLogging": [{"types": ["api"], "enabled": true}]}}),
    )["update"]
        .clone();
    let running = id(&update["id"]);
    let (code, message) = ground.no("UpdateClusterVersion", json!({"name": "a", "version": "1.34"}));
    assert_eq!(code, "ResourceInUseException");
    assert_eq!(
        message,
        format!("Cannot VersionUpdate because cluster a currently has update {running} in progress")
    );
    let (code, message) = ground.no("DeleteCluster", json!({"name": "a"}));
    assert_eq!(code, "ResourceInUseException");
    assert!(message.contains("an update in progress"), "{message}");
    ground.cloud.later(61.0);
    ground.ok("UpdateClusterVersion", json!({"name": "a", "version": "1.34"}));
}

#[test]
fn each_kind_of_change_comes_by_itself_and_changes_something() {
    let mut ground = Ground::standing(json!({}));
    let all = ground.subnets.clone();
    let now = ground.described()["resourcesVpcConfig"]["subnetIds"].clone();
    for (change, words) in [
        (
            json!({"deletionProtection": true, "upgradePolicy": {"supportType": "STANDARD"}}),
            "Only one type of update",
        ),
        (
            json!({"resourcesVpcConfig": {"subnetIds": all, "endpointPrivateAccess": true}}),
            "Only one type of update",
        ),
        (json!({}), "No changes needed"),
        (json!({"resourcesVpcConfig": {}}), "No changes needed"),
        (
            json!({"logging": {"clusterLogging": [{"types": ["api"], "enabled": false}]}}),
            "No changes needed for the logging config provided",
        ),
        (
            json!({"resourcesVpcConfig": {"endpointPublicAccess": true}}),
            "already at the desired configuration",
        ),
        (
            json!({"resourcesVpcConfig": {"subnetIds": now}}),
            "already at the desired configuration",
        ),
        (
            json!({"resourcesVpcConfig": {"subnetIds": [all[0]]}}),
            "two different AZs",
        ),
        (
            json!({"resourcesVpcConfig": {"endpointPublicAccess": false}}),
            "cannot be false",
        ),
        (
            json!({"accessConfig": {"authenticationMode": "API_AND_CONFIG_MAP"}}),
            "Unsupported authentication mode update from API to API_AND_CONFIG_MAP",
        ),
        (json!({"computeConfig": {"enabled": true}}), "not carried"),
    ] {
        let (code, message) = refused(&mut ground, change.clone());
        assert_eq!(code, "InvalidParameterException", "{change}");
        assert!(message.contains(words), "{change}: {message}");
    }
    let other = ground.cloud.vpc("10.9.0.0/16");
    let strange = [
        ground.cloud.subnet(&other, "10.9.0.0/24", "a"),
        ground.cloud.subnet(&other, "10.9.1.0/24", "b"),
    ];
    let (_, message) = refused(&mut ground, json!({"resourcesVpcConfig": {"subnetIds": strange}}));
    assert!(message.contains("VPC of the cluster"), "{message}");
}

#[test]
fn subnets_change_with_the_interfaces_in_them() {
    let mut ground = Ground::standing(json!({}));
    let wanted = ground.subnets[1..].to_vec();
    let update = change(&mut ground, json!({"resourcesVpcConfig": {"subnetIds": wanted}}));
    assert_eq!(update["type"], "VpcConfigUpdate");
    assert_eq!(
        ground.described()["resourcesVpcConfig"]["subnetIds"],
        json!(wanted)
    );
    let left = ground.subnets[0].clone();
    ground.cloud.ok("ec2", "DeleteSubnet", json!({"SubnetId": left}));
}

#[test]
fn policies_logs_and_protection_change() {
    let mut ground = Ground::standing(json!({}));
    change(&mut ground, json!({"upgradePolicy": {"supportType": "STANDARD"}}));
    change(&mut ground, json!({"deletionProtection": true}));
    change(&mut ground, json!({"zonalShiftConfig": {"enabled": true}}));
    change(
        &mut ground,
        json!({"logging": {"clusterLogging": [{"types": ["audit"], "enabled": true}]}}),
    );
    let cluster = ground.described();
    assert_eq!(cluster["upgradePolicy"], json!({"supportType": "STANDARD"}));
    assert_eq!(cluster["deletionProtection"], true);
    assert_eq!(cluster["zonalShiftConfig"], json!({"enabled": true}));
    assert_eq!(
        cluster["logging"]["clusterLogging"][0],
        json!({"types": ["audit"], "enabled": true})
    );
}

#[test]
fn the_way_to_access_entries_leads_over_both() {
    let mut ground = Ground::standing(json!({"accessConfig": {"authenticationMode": "CONFIG_MAP"}}));
    let (code, message) = ground.no("ListAccessEntries", json!({"clusterName": "a"}));
    assert_eq!(code, "InvalidRequestException");
    assert!(
        message.contains("must be set to one of [API, API_AND_CONFIG_MAP]"),
        "{message}"
    );
    let (_, message) = refused(
        &mut ground,
        json!({"accessConfig": {"authenticationMode": "API"}}),
    );
    assert!(message.contains("from CONFIG_MAP to API"), "{message}");
    for mode in ["API_AND_CONFIG_MAP", "API"] {
        change(&mut ground, json!({"accessConfig": {"authenticationMode": mode}}));
        assert_eq!(ground.described()["accessConfig"]["authenticationMode"], mode);
    }
    // The creator, who was an administrator all along, is seen now.
    let entries = ground.ok("ListAccessEntries", json!({"clusterName": "a"}));
    assert_eq!(entries["accessEntries"].as_array().unwrap().len(), 1);
}

#[test]
fn versions_go_up_one_by_one_and_never_back() {
    let mut ground = Ground::standing(json!({"version": "1.32"}));
    for (version, words) in [
        (
            "1.34",
            "Unsupported Kubernetes minor version update from 1.32 to 1.34",
        ),
        (
            "1.31",
            "Unsupported Kubernetes minor version update from 1.32 to 1.31",
        ),
        ("1.32", "already at version"),
        ("9", "unsupported Kubernetes version"),
    ] {
        let (code, message) = ground.no("UpdateClusterVersion", json!({"name": "a", "version": version}));
        assert_eq!(code, "InvalidParameterException");
        assert!(message.contains(words), "{message}");
    }
    let input = json!({"name": "a", "version": "1.33"});
    ground.ok("UpdateClusterVersion", input);
    assert_eq!(ground.described()["version"], "1.32");
    ground.cloud.later(601.0);
    assert_eq!(ground.described()["version"], "1.33");
}

#[test]
fn nodes_that_are_too_old_hold_a_cluster_back() {
    let mut ground = Ground::standing(json!({"version": "1.31"}));
    let input = ground.group(json!({}));
    ground.ok("CreateNodegroup", input);
    ground.cloud.later(120.0);
    for version in ["1.32", "1.33", "1.34"] {
        ground.updated(
            "UpdateClusterVersion",
            json!({"name": "a", "version": version}),
            json!({}),
        );
    }
    let (code, message) = ground.no("UpdateClusterVersion", json!({"name": "a", "version": "1.35"}));
    assert_eq!(code, "InvalidRequestException");
    assert!(message.contains("Nodegroup n"), "{message}");
    ground.ok(
        "UpdateClusterVersion",
        json!({"name": "a", "version": "1.35", "force": true}),
    );
}

#[test]
fn secrets_get_a_key_once() {
    let mut ground = Ground::standing(json!({}));
    let key = ground.key();
    let input = json!({
        "clusterName": "a",
        "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": key}}],
    });
    let empty = json!({"clusterName": "a", "encryptionConfig": []});
    assert_eq!(
        ground.no("AssociateEncryptionConfig", empty).0,
        "InvalidParameterException"
    );
    ground.updated("AssociateEncryptionConfig", input.clone(), json!({}));
    assert_eq!(
        ground.described()["encryptionConfig"][0]["provider"]["keyArn"],
        key.as_str()
    );
    let (code, message) = ground.no("AssociateEncryptionConfig", input);
    assert_eq!(code, "InvalidRequestException");
    assert!(message.contains("already"), "{message}");
}

#[test]
fn the_same_token_is_the_same_update() {
    let mut ground = Ground::standing(json!({}));
    let input = json!({"name": "a", "deletionProtection": true, "clientRequestToken": "t"});
    let first = ground.ok("UpdateClusterConfig", input.clone());
    assert_eq!(ground.ok("UpdateClusterConfig", input), first);
    let listed = ground.cloud.all(
        "eks",
        "ListUpdates",
        json!({"name": "a"}),
        "updateIds",
        "nextToken",
    );
    assert_eq!(listed, [first["update"]["id"].clone()]);
}

#[test]
fn an_update_is_found_where_it_belongs() {
    let mut ground = Ground::with_nodes(json!({}));
    let update = ground.ok(
        "UpdateNodegroupConfig",
        json!({"clusterName": "a", "nodegroupName": "n", "scalingConfig": {"maxSize": 5}}),
    )["update"]["id"]
        .clone();
    let of_nodes = json!({"name": "a", "nodegroupName": "n", "updateId": update});
    assert_eq!(
        ground.ok("DescribeUpdate", of_nodes)["update"]["type"],
        "ConfigUpdate"
    );
    for (asked, words) in [
        (json!({"name": "a", "updateId": update}), "No update found for ID"),
        (
            json!({"name": "a", "updateId": "x", "nodegroupName": "n"}),
            "No update found for ID",
        ),
        (
            json!({"name": "a", "updateId": update, "nodegroupName": "m"}),
            "No node group found",
        ),
        (
            json!({"name": "a", "updateId": update, "addonName": "m"}),
            "No addon",
        ),
        (json!({"name": "b", "updateId": update}), "No cluster found"),
    ] {
        let (code, message) = ground.no("DescribeUpdate", asked);
        assert_eq!(code, "ResourceNotFoundException");
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(
        ground
            .no(
                "ListUpdates",
                json!({"name": "a", "nodegroupName": "n", "addonName": "x"})
            )
            .0,
        "InvalidParameterException"
    );
}
