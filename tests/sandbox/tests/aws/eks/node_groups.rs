//! Node groups: made, changed, deleted, and what is refused.

use serde_json::{Value, json};

use super::{Ground, merged};
use crate::cloud::{ACCOUNT, id};

#[test]
fn a_node_group_takes_minutes_and_has_the_defaults_of_the_api() {
    let mut ground = Ground::standing(json!({}));
    let input = ground.group(json!({"labels": {"team": "a"}, "tags": {"x": "y"}}));
    let made = ground.ok("CreateNodegroup", input)["nodegroup"].clone();
    assert_eq!(made["status"], "CREATING");
    ground.cloud.later(116.0);
    let group = ground.nodes_now();
    assert_eq!(group["status"], "ACTIVE");
    for (member, value) in [
        ("version", json!("1.33")),
        ("amiType", json!("AL2023_x86_64_STANDARD")),
        ("capacityType", json!("ON_DEMAND")),
        ("instanceTypes", json!(["t3.medium"])),
        ("diskSize", json!(20)),
        (
            "scalingConfig",
            json!({"minSize": 1, "maxSize": 2, "desiredSize": 2}),
        ),
        ("updateConfig", json!({"maxUnavailable": 1})),
        ("labels", json!({"team": "a"})),
        ("health", json!({"issues": []})),
    ] {
        assert_eq!(group[member], value, "{member}");
    }
    assert!(group.get("remoteAccess").is_none());
    assert!(id(&group["releaseVersion"]).starts_with("1.33."));
    assert!(id(&group["resources"]["autoScalingGroups"][0]["name"]).starts_with("eks-n-"));
}

#[test]
fn what_a_node_group_needs_must_be_there() {
    let mut ground = Ground::standing(json!({}));
    let other = ground.cloud.vpc("10.9.0.0/16");
    let stranger = ground.cloud.subnet(&other, "10.9.0.0/24", "a");
    ground.cloud.role("lambda", "lambda.amazonaws.com");
    let role = |name: &str| format!("arn:aws:iam::{ACCOUNT}:role/{name}");
    for (more, words) in [
        (json!({"nodeRole": role("nobody")}), "does not exist"),
        (
            json!({"nodeRole": role("lambda")}),
            "[ec2.amazonaws.com] were not found",
        ),
        (json!({"subnets": []}), "must not be empty"),
        (json!({"subnets": ["subnet-0"]}), "'subnet-0' does not exist"),
        (json!({"subnets": [stranger]}), "VPC of the cluster"),
        (json!({"instanceTypes": ["z9.huge"]}), "do not exist: [z9.huge]"),
        (
            json!({"instanceTypes": ["t4g.medium"]}),
            "not a valid instance type for requested amiType",
        ),
        (
            json!({"amiType": "AL2023_ARM_64_STANDARD"}),
            "[t3.medium] is not a valid instance type",
        ),
        (json!({"amiType": "CUSTOM"}), "needs a launch template"),
        (json!({"version": "1.34"}), "must not be above"),
        (json!({"version": "1.29"}), "three minor versions behind"),
        (
            json!({"releaseVersion": "1.32.1-20260101"}),
            "not valid for kubernetes version 1.33",
        ),
        (
            json!({"scalingConfig": {"minSize": 3, "maxSize": 2, "desiredSize": 3}}),
            "greater than maximum capacity",
        ),
        (
            json!({"scalingConfig": {"minSize": 2, "maxSize": 3, "desiredSize": 1}}),
            "Minimum capacity 2 can't be greater than desired size 1",
        ),
        (
            json!({"scalingConfig": {"minSize": 0, "maxSize": 3, "desiredSize": 4}}),
            "greater than max size",
        ),
        (
            json!({"scalingConfig": {"minSize": 0, "maxSize": 0, "desiredSize": 0}}),
            "at least 1",
        ),
        (json!({"labels": {"kubernetes.io/x": "y"}}), "reserved prefixes"),
        (
            json!({"taints": [
                {"key": "a", "value": "1", "effect": "NO_SCHEDULE"},
                {"key": "a", "value": "2", "effect": "NO_SCHEDULE"},
            ]}),
            "twice",
        ),
        (
            json!({"updateConfig": {"maxUnavailable": 1, "maxUnavailablePercentage": 10}}),
            "Exactly one",
        ),
        (
            json!({"updateConfig": {"maxUnavailable": 101}}),
            "greater than 100",
        ),
        (json!({"launchTemplate": {"id": "lt-0"}}), "does not exist"),
        (json!({"launchTemplate": {}}), "must be present"),
        (json!({"nodegroupName": "-x"}), "must begin with"),
        (json!({"nodegroupName": "x".repeat(64)}), "at most 63"),
        (json!({"tags": {"aws:x": "y"}}), "reserved"),
        (json!({"warmPoolConfig": {"enabled": true}}), "not carried"),
    ] {
        let input = ground.group(more.clone());
        let (code, message) = ground.no("CreateNodegroup", input);
        assert_eq!(code, "InvalidParameterException", "{more}");
        assert!(message.contains(words), "{more}: {message}");
    }
}

#[test]
fn a_cluster_takes_node_groups_only_while_it_is_active() {
    let mut ground = Ground::new();
    let input = ground.group(json!({}));
    assert_eq!(
        ground.no("CreateNodegroup", input.clone()).0,
        "ResourceNotFoundException"
    );
    let cluster = ground.cluster(json!({}));
    ground.ok("CreateCluster", cluster);
    let (code, message) = ground.no("CreateNodegroup", input);
    assert_eq!(code, "InvalidRequestException");
    assert_eq!(message, "Cluster 'a' is not in ACTIVE status");
}

#[test]
fn names_and_tokens_are_unique() {
    let mut ground = Ground::with_nodes(json!({"clientRequestToken": "t"}));
    let again = ground.group(json!({"clientRequestToken": "t"}));
    ground.ok("CreateNodegroup", again);
    let other = ground.group(json!({}));
    let (code, message) = ground.no("CreateNodegroup", other);
    assert_eq!(code, "ResourceInUseException");
    assert_eq!(message, "NodeGroup already exists with name n and cluster name a");
}

#[test]
fn nodes_without_rights_do_not_join() {
    let mut ground = Ground::standing(json!({}));
    ground.nodes = ground.cloud.role("bare", "ec2.amazonaws.com");
    let input = ground.group(json!({}));
    ground.ok("CreateNodegroup", input);
    ground.cloud.later(116.0);
    let group = ground.nodes_now();
    assert_eq!(group["status"], "CREATE_FAILED");
    let issue = &group["health"]["issues"][0];
    assert_eq!(issue["code"], "NodeCreationFailure");
    assert!(id(&issue["message"]).contains("failed to join"));
    // It stays, and blocks the cluster.
    assert_eq!(
        ground.no("DeleteCluster", json!({"name": "a"})).0,
        "ResourceInUseException"
    );
    let (code, _) = ground.no(
        "UpdateNodegroupConfig",
        json!({"clusterName": "a", "nodegroupName": "n", "scalingConfig": {"maxSize": 9}}),
    );
    assert_eq!(code, "ResourceInUseException");
    ground.ok(
        "DeleteNodegroup",
        json!({"clusterName": "a", "nodegroupName": "n"}),
    );
    ground.cloud.later(151.0);
    ground.ok("DeleteCluster", json!({"name": "a"}));
}

#[test]
fn a_cluster_with_node_groups_stays() {
    let mut ground = Ground::with_nodes(json!({}));
    let (code, message) = ground.no("DeleteCluster", json!({"name": "a"}));
    assert_eq!(code, "ResourceInUseException");
    assert_eq!(message, "Cluster has nodegroups attached");
    let of = json!({"clusterName": "a", "nodegroupName": "n"});
    assert_eq!(
        ground.ok("DeleteNodegroup", of.clone())["nodegroup"]["status"],
        "DELETING"
    );
    assert_eq!(
        ground.no("DeleteCluster", json!({"name": "a"})).0,
        "ResourceInUseException"
    );
    ground.cloud.later(151.0);
    let (code, message) = ground.no("DescribeNodegroup", of.clone());
    assert_eq!(code, "ResourceNotFoundException");
    assert_eq!(message, "No node group found for name: n.");
    assert_eq!(ground.no("DeleteNodegroup", of).0, "ResourceNotFoundException");
    ground.ok("DeleteCluster", json!({"name": "a"}));
}

#[test]
fn lists_of_a_missing_cluster_are_refused() {
    let mut ground = Ground::with_nodes(json!({}));
    let listed = ground.cloud.all(
        "eks",
        "ListNodegroups",
        json!({"clusterName": "a"}),
        "nodegroups",
        "nextToken",
    );
    assert_eq!(listed, ["n"]);
    let (code, _) = ground.no("ListNodegroups", json!({"clusterName": "b"}));
    assert_eq!(code, "ResourceNotFoundException");
}

fn template(ground: &mut Ground, name: &str, data: Value) -> String {
    let made = ground.cloud.ok(
        "ec2",
        "CreateLaunchTemplate",
        json!({"LaunchTemplateName": name, "LaunchTemplateData": data}),
    );
    id(&made["LaunchTemplate"]["LaunchTemplateId"])
}

#[test]
fn a_launch_template_is_held_against_the_guide() {
    let mut ground = Ground::standing(json!({}));
    let disk = json!([{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 50}}]);
    let plain = template(&mut ground, "plain", json!({"BlockDeviceMappings": disk}));
    let sized = template(&mut ground, "sized", json!({"InstanceType": "m6i.large"}));
    let image = template(&mut ground, "image", json!({"ImageId": "ami-0"}));
    let profile = template(
        &mut ground,
        "profile",
        json!({"IamInstanceProfile": {"Name": "x"}}),
    );
    let spot = template(
        &mut ground,
        "spot",
        json!({"InstanceMarketOptions": {"MarketType": "spot"}}),
    );
    let placed = template(
        &mut ground,
        "placed",
        json!({"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": "subnet-0"}]}),
    );
    let guarded = template(&mut ground, "guarded", json!({"SecurityGroupIds": ["sg-0"]}));
    let with = |id: &str, more: Value| merged(json!({"launchTemplate": {"id": id}}), more);
    for (more, code, words) in [
        (
            with(&plain, json!({"diskSize": 20})),
            "InvalidParameterException",
            "Disk size must be specified within the launch template.",
        ),
        (
            with(&plain, json!({"remoteAccess": {"ec2SshKey": "k"}})),
            "InvalidParameterException",
            "Remote access configuration cannot be specified with a launch template.",
        ),
        (
            with(&sized, json!({"instanceTypes": ["m5.large"]})),
            "InvalidRequestException",
            "Cannot specify instance types in launch template",
        ),
        (
            with(&image, json!({"version": "1.33"})),
            "InvalidParameterException",
            "image id",
        ),
        (
            with(&image, json!({"amiType": "AL2023_x86_64_STANDARD"})),
            "InvalidRequestException",
            "image id",
        ),
        (
            with(&profile, json!({})),
            "InvalidRequestException",
            "instance profile",
        ),
        (with(&spot, json!({})), "InvalidRequestException", "market type"),
        (with(&placed, json!({})), "InvalidRequestException", "subnet"),
        (
            with(&guarded, json!({})),
            "InvalidParameterException",
            "'sg-0' does not exist",
        ),
        (
            json!({"launchTemplate": {"id": plain, "version": "7"}}),
            "InvalidParameterException",
            "specified version 7",
        ),
        (
            json!({"launchTemplate": {"id": plain, "name": "plain"}}),
            "InvalidParameterException",
            "not both",
        ),
    ] {
        let input = ground.group(more.clone());
        let (said, message) = ground.no("CreateNodegroup", input);
        assert_eq!(said, code, "{more}: {message}");
        assert!(message.contains(words), "{more}: {message}");
    }
    let input = ground.group(json!({"launchTemplate": {"name": "plain", "version": "$Latest"}}));
    let made = ground.ok("CreateNodegroup", input)["nodegroup"].clone();
    assert_eq!(
        made["launchTemplate"],
        json!({"id": plain, "name": "plain", "version": "1"})
    );
    assert!(made.get("diskSize").is_none());
    let input = ground.group(json!({"nodegroupName": "i", "launchTemplate": {"id": image}}));
    let made = ground.ok("CreateNodegroup", input)["nodegroup"].clone();
    assert_eq!(
        (&made["amiType"], &made["releaseVersion"]),
        (&json!("CUSTOM"), &json!("ami-0"))
    );
    let input = ground.group(json!({"nodegroupName": "s", "launchTemplate": {"id": sized}}));
    let made = ground.ok("CreateNodegroup", input)["nodegroup"].clone();
    assert!(made.get("instanceTypes").is_none());
}

#[test]
fn a_configuration_changes_by_parts() {
    let mut ground = Ground::with_nodes(json!({
        "labels": {"a": "1", "b": "2"},
        "taints": [{"key": "x", "value": "1", "effect": "NO_SCHEDULE"}],
    }));
    let of = json!({"clusterName": "a", "nodegroupName": "n"});
    let update = ground.ok(
        "UpdateNodegroupConfig",
        merged(
            of.clone(),
            json!({
                "scalingConfig": {"maxSize": 5},
                "labels": {"addOrUpdateLabels": {"b": "3", "c": "4"}, "removeLabels": ["a"]},
                "taints": {
                    "addOrUpdateTaints": [{"key": "y", "value": "1", "effect": "NO_EXECUTE"}],
                    "removeTaints": [{"key": "x", "value": "1", "effect": "NO_SCHEDULE"}],
                },
                "updateConfig": {"maxUnavailablePercentage": 33},
                "nodeRepairConfig": {"enabled": true},
            }),
        ),
    )["update"]
        .clone();
    assert_eq!(update["type"], "ConfigUpdate");
    assert_eq!(ground.nodes_now()["status"], "UPDATING");
    assert_eq!(ground.nodes_now()["labels"], json!({"a": "1", "b": "2"}));
    let (code, _) = ground.no(
        "UpdateNodegroupConfig",
        merged(of.clone(), json!({"scalingConfig": {"maxSize": 6}})),
    );
    assert_eq!(code, "ResourceInUseException");
    assert_eq!(
        ground.no("DeleteNodegroup", of.clone()).0,
        "ResourceInUseException"
    );
    ground.cloud.later(16.0);
    let group = ground.nodes_now();
    assert_eq!(group["status"], "ACTIVE");
    assert_eq!(group["labels"], json!({"b": "3", "c": "4"}));
    assert_eq!(
        group["taints"],
        json!([{"key": "y", "value": "1", "effect": "NO_EXECUTE"}])
    );
    assert_eq!(
        group["scalingConfig"],
        json!({"minSize": 1, "maxSize": 5, "desiredSize": 2})
    );
    assert_eq!(group["updateConfig"], json!({"maxUnavailablePercentage": 33}));
    assert_eq!(group["nodeRepairConfig"], json!({"enabled": true}));
    for (change, words) in [
        (json!({}), "No changes needed"),
        (
            json!({"labels": {"addOrUpdateLabels": {"b": "3"}, "removeLabels": ["b"]}}),
            "added and removed",
        ),
        (
            json!({"labels": {"addOrUpdateLabels": {"k8s.io/b": "3"}}}),
            "reserved prefixes",
        ),
        (json!({"scalingConfig": {"minSize": 9}}), "greater than maximum"),
        (json!({"updateConfig": {}}), "Exactly one"),
        (json!({"warmPoolConfig": {"enabled": true}}), "not carried"),
    ] {
        let (code, message) = ground.no("UpdateNodegroupConfig", merged(of.clone(), change.clone()));
        assert_eq!(code, "InvalidParameterException", "{change}");
        assert!(message.contains(words), "{change}: {message}");
    }
}

#[test]
fn nodes_follow_the_cluster_and_never_lead() {
    let mut ground = Ground::with_nodes(json!({}));
    let of = |more: Value| merged(json!({"clusterName": "a", "nodegroupName": "n"}), more);
    for (more, words) in [
        (json!({"version": "1.34"}), "equal to or less than the cluster's"),
        (json!({"version": "1.32"}), "cannot be taken back"),
        (
            json!({"releaseVersion": "1.32.1-1"}),
            "not valid for kubernetes version",
        ),
        (json!({"launchTemplate": {"id": "lt-0"}}), "does not exist"),
    ] {
        let (code, message) = ground.no("UpdateNodegroupVersion", of(more));
        assert_eq!(code, "InvalidParameterException");
        assert!(message.contains(words), "{message}");
    }
    ground.updated(
        "UpdateClusterVersion",
        json!({"name": "a", "version": "1.34"}),
        json!({}),
    );
    assert_eq!(ground.nodes_now()["version"], "1.33");
    let update = ground.updated(
        "UpdateNodegroupVersion",
        of(json!({})),
        json!({"nodegroupName": "n"}),
    );
    assert_eq!(update["type"], "VersionUpdate");
    let group = ground.nodes_now();
    assert_eq!(group["version"], "1.34");
    assert!(id(&group["releaseVersion"]).starts_with("1.34."));
}

#[test]
fn only_the_version_of_a_template_changes() {
    let mut ground = Ground::standing(json!({}));
    let first = template(&mut ground, "first", json!({"KeyName": "a"}));
    let second = template(&mut ground, "second", json!({"KeyName": "a"}));
    let input = ground.group(json!({"launchTemplate": {"id": first}}));
    ground.ok("CreateNodegroup", input);
    let input = ground.group(json!({"nodegroupName": "bare"}));
    ground.ok("CreateNodegroup", input);
    ground.cloud.later(116.0);
    ground.cloud.ok(
        "ec2",
        "CreateLaunchTemplateVersion",
        json!({"LaunchTemplateId": first, "LaunchTemplateData": {"KeyName": "b"}}),
    );
    ground.cloud.ok(
        "ec2",
        "CreateLaunchTemplateVersion",
        json!({"LaunchTemplateId": first, "LaunchTemplateData": {"ImageId": "ami-0"}}),
    );
    let of = |group: &str, id: &str, version: &str| json!({"clusterName": "a", "nodegroupName": group, "launchTemplate": {"id": id, "version": version}});
    for (input, words) in [
        (of("n", &second, "1"), "only its version"),
        (of("bare", &first, "1"), "without a launch template"),
        (of("n", &first, "3"), "cannot change between"),
    ] {
        let (code, message) = ground.no("UpdateNodegroupVersion", input);
        assert_eq!(code, "InvalidParameterException");
        assert!(message.contains(words), "{message}");
    }
    ground.updated(
        "UpdateNodegroupVersion",
        of("n", &first, "2"),
        json!({"nodegroupName": "n"}),
    );
    let group = ground.nodes_now();
    assert_eq!(group["launchTemplate"]["version"], "2");
    assert_eq!(group["version"], "1.33");
}
