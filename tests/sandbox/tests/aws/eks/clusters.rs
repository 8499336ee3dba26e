//! Clusters: made, described, deleted, and what is refused.

use serde_json::{Value, json};

use super::Ground;
use crate::cloud::{ACCOUNT, Cloud, REGION, id, trust};

#[test]
fn a_cluster_takes_minutes_and_shows_where_it_is_only_then() {
    let mut ground = Ground::new();
    let input = ground.cluster(json!({"tags": {"team": "a"}}));
    let made = ground.ok("CreateCluster", input)["cluster"].clone();
    assert_eq!(made["status"], "CREATING");
    assert_eq!(made["arn"], format!("arn:aws:eks:{REGION}:{ACCOUNT}:cluster/a"));
    ground.cloud.later(530.0);
    let early = ground.described();
    assert_eq!(early["status"], "CREATING");
    for member in ["endpoint", "identity"] {
        assert!(early.get(member).is_none(), "{member}");
    }
    assert_eq!(early["certificateAuthority"], json!({}));
    ground.cloud.later(11.0);
    let late = ground.described();
    assert_eq!(late["status"], "ACTIVE");
    let issuer = id(&late["identity"]["oidc"]["issuer"]);
    let unique = issuer.rsplit('/').next().unwrap().to_owned();
    assert_eq!(unique.len(), 32);
    assert!(id(&late["endpoint"]).starts_with(&format!("https://{unique}.")));
    assert!(!id(&late["certificateAuthority"]["data"]).is_empty());
    assert_eq!(late["resourcesVpcConfig"]["vpcId"], ground.vpc.as_str());
    assert_eq!(late["tags"], json!({"team": "a"}));
}

#[test]
fn a_cluster_has_the_defaults_of_the_api() {
    let mut ground = Ground::new();
    let input = json!({
        "name": "a",
        "roleArn": ground.plane,
        "resourcesVpcConfig": {"subnetIds": ground.subnets[..2]},
    });
    ground.ok("CreateCluster", input);
    ground.cloud.later(541.0);
    let cluster = ground.described();
    assert_eq!(cluster["version"], "1.34");
    assert_eq!(
        cluster["accessConfig"],
        json!({"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": true})
    );
    assert_eq!(cluster["upgradePolicy"], json!({"supportType": "EXTENDED"}));
    assert_eq!(cluster["deletionProtection"], false);
    assert_eq!(
        cluster["kubernetesNetworkConfig"]["serviceIpv4Cidr"],
        "172.20.0.0/16"
    );
    assert_eq!(cluster["logging"]["clusterLogging"][0]["enabled"], false);
    let vpc = &cluster["resourcesVpcConfig"];
    assert_eq!(
        (
            &vpc["endpointPublicAccess"],
            &vpc["endpointPrivateAccess"],
            &vpc["publicAccessCidrs"]
        ),
        (&json!(true), &json!(false), &json!(["0.0.0.0/0"]))
    );
}

#[test]
fn each_cluster_has_an_issuer_of_its_own() {
    let mut ground = Ground::new();
    let issuers: Vec<Value> = ["a", "b"]
        .iter()
        .map(|name| {
            let input = ground.cluster(json!({"name": name}));
            ground.ok("CreateCluster", input);
            ground.cloud.later(541.0);
            ground.ok("DescribeCluster", json!({"name": name}))["cluster"]["identity"].clone()
        })
        .collect();
    assert_ne!(issuers[0], issuers[1]);
}

#[test]
fn what_a_cluster_stands_on_must_exist() {
    let mut ground = Ground::new();
    let other = ground.cloud.vpc("10.9.0.0/16");
    let stranger = ground.cloud.subnet(&other, "10.9.0.0/24", "b");
    let outside = id(&ground.cloud.ok(
        "ec2",
        "CreateSecurityGroup",
        json!({"GroupName": "x", "Description": "x", "VpcId": other}),
    )["GroupId"]);
    ground.cloud.role("lambda", "lambda.amazonaws.com");
    let role = |name: &str| format!("arn:aws:iam::{ACCOUNT}:role/{name}");
    let one = &ground.subnets[0].clone();
    for (more, words) in [
        (
            json!({"roleArn": role("nobody")}),
            "could not be assumed because it does not exist",
        ),
        (
            json!({"roleArn": role("lambda")}),
            "the trusted entity is not correct",
        ),
        (
            json!({"resourcesVpcConfig": {"subnetIds": [one]}}),
            "at least two different AZs",
        ),
        (
            json!({"resourcesVpcConfig": {"subnetIds": []}}),
            "at least two different AZs",
        ),
        (
            json!({"resourcesVpcConfig": {"subnetIds": [one, "subnet-0"]}}),
            "The subnet ID 'subnet-0' does not exist",
        ),
        (
            json!({"resourcesVpcConfig": {"subnetIds": [one, stranger]}}),
            "same VPC",
        ),
        (
            json!({"resourcesVpcConfig": {"subnetIds": ground.subnets, "securityGroupIds": ["sg-0"]}}),
            "security group 'sg-0' does not exist",
        ),
        (
            json!({"resourcesVpcConfig": {"subnetIds": ground.subnets, "securityGroupIds": [outside]}}),
            "does not belong to the VPC",
        ),
        (
            json!({"resourcesVpcConfig": {"subnetIds": ground.subnets, "endpointPublicAccess": false}}),
            "cannot be false",
        ),
        (
            json!({"resourcesVpcConfig": {"subnetIds": ground.subnets, "publicAccessCidrs": ["10.0.0.0/8"]}}),
            "publicAccessCidrs",
        ),
        (json!({"version": "1.29"}), "unsupported Kubernetes version"),
        (json!({"version": "1.99"}), "unsupported Kubernetes version"),
        (
            json!({"kubernetesNetworkConfig": {"serviceIpv4Cidr": "8.8.0.0/16"}}),
            "serviceIpv4Cidr",
        ),
        (json!({"tags": {"aws:x": "y"}}), "reserved"),
        (json!({"outpostConfig": {"outpostArns": []}}), "not carried"),
        (json!({"computeConfig": {"enabled": true}}), "not carried"),
        (
            json!({"kubernetesNetworkConfig": {"ipFamily": "ipv6"}}),
            "not carried",
        ),
    ] {
        // The last day on which 1.29 is out of support already.
        ground.cloud.at = "2026-06-01T00:00:00Z".parse().unwrap();
        let input = ground.cluster(more.clone());
        let (code, message) = ground.no("CreateCluster", input);
        assert_eq!(code, "InvalidParameterException", "{more}");
        assert!(message.contains(words), "{more}: {message}");
    }
}

#[test]
fn the_key_for_secrets_must_be_usable() {
    let mut ground = Ground::new();
    let key = ground.key();
    let with = |key: &str, resource: &str| json!({"encryptionConfig": [{"resources": [resource], "provider": {"keyArn": key}}]});
    let far = key.replace(REGION, "us-east-1");
    for (more, words) in [
        (with(&key, "configmaps"), "only resource"),
        (with("alias/x", "secrets"), "ARN"),
        (with(&far, "secrets"), "region"),
        (with(&format!("{key}x"), "secrets"), "does not exist"),
    ] {
        let input = ground.cluster(more);
        let (code, message) = ground.no("CreateCluster", input);
        assert_eq!(code, "InvalidParameterException");
        assert!(message.contains(words), "{message}");
    }
    ground.cloud.ok("kms", "DisableKey", json!({"KeyId": key}));
    let input = ground.cluster(with(&key, "secrets"));
    assert!(
        ground
            .no("CreateCluster", input.clone())
            .1
            .contains("is disabled")
    );
    ground.cloud.ok("kms", "EnableKey", json!({"KeyId": key}));
    ground.ok("CreateCluster", input);
    ground.cloud.later(541.0);
    assert_eq!(
        ground.described()["encryptionConfig"],
        json!([{"resources": ["secrets"], "provider": {"keyArn": key}}])
    );
    ground.cloud.ok(
        "kms",
        "ScheduleKeyDeletion",
        json!({"KeyId": key, "PendingWindowInDays": 7}),
    );
    assert_eq!(
        ground.described()["health"]["issues"][0]["code"],
        "KmsKeyMarkedForDeletion"
    );
}

#[test]
fn a_fresh_role_is_not_seen_at_first() {
    let mut ground = Ground::new();
    ground.cloud.world.behaviour.lag = 10.0;
    ground.plane = ground.cloud.role("fresh", "eks.amazonaws.com");
    let input = ground.cluster(json!({}));
    let (code, message) = ground.no("CreateCluster", input.clone());
    assert_eq!(code, "InvalidParameterException");
    assert!(message.contains("does not exist"), "{message}");
    ground.cloud.later(10.0);
    ground.ok("CreateCluster", input);
}

#[test]
fn the_same_token_is_the_same_cluster_and_another_is_a_duplicate() {
    let mut ground = Ground::new();
    let input = ground.cluster(json!({"clientRequestToken": "t"}));
    let first = ground.ok("CreateCluster", input.clone());
    assert_eq!(ground.ok("CreateCluster", input), first);
    for more in [json!({}), json!({"clientRequestToken": "u"})] {
        let input = ground.cluster(more);
        let (code, message) = ground.no("CreateCluster", input);
        assert_eq!(code, "ResourceInUseException");
        assert_eq!(message, "Cluster already exists with name: a");
    }
}

#[test]
fn a_cluster_whose_role_goes_while_it_is_made_fails() {
    let mut ground = Ground::new();
    let input = ground.cluster(json!({}));
    ground.ok("CreateCluster", input);
    ground.cloud.ok("iam", "DeleteRole", json!({"RoleName": "plane"}));
    ground.cloud.later(541.0);
    let failed = ground.described();
    assert_eq!(failed["status"], "FAILED");
    assert_eq!(failed["health"]["issues"][0]["code"], "IamRoleNotFound");
    assert!(failed.get("endpoint").is_none());
    let (code, message) = ground.no(
        "UpdateClusterConfig",
        json!({"name": "a", "deletionProtection": true}),
    );
    assert_eq!(code, "ResourceInUseException");
    assert!(message.contains("not in ACTIVE"), "{message}");
    ground.ok("DeleteCluster", json!({"name": "a"}));
}

#[test]
fn deleting_takes_minutes_and_takes_what_eks_made() {
    let mut ground = Ground::standing(json!({}));
    let own = id(&ground.described()["resourcesVpcConfig"]["clusterSecurityGroupId"]);
    let interfaces = |ground: &mut Ground| {
        ground.cloud.ok("ec2", "DescribeNetworkInterfaces", json!({}))["NetworkInterfaces"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(interfaces(&mut ground), 2);
    let subnet = ground.subnets[0].clone();
    let (code, _) = ground
        .cloud
        .no("ec2", "DeleteSubnet", json!({"SubnetId": subnet}));
    assert_eq!(code, "DependencyViolation");
    let going = ground.ok("DeleteCluster", json!({"name": "a"}));
    assert_eq!(going["cluster"]["status"], "DELETING");
    ground.cloud.later(170.0);
    assert_eq!(ground.described()["status"], "DELETING");
    ground.cloud.later(11.0);
    assert_eq!(interfaces(&mut ground), 0);
    let (code, message) = ground.no("DescribeCluster", json!({"name": "a"}));
    assert_eq!(code, "ResourceNotFoundException");
    assert_eq!(message, "No cluster found for name: a.");
    let (code, _) = ground
        .cloud
        .no("ec2", "DescribeSecurityGroups", json!({"GroupIds": [own]}));
    assert_eq!(code, "InvalidGroup.NotFound");
    ground
        .cloud
        .ok("ec2", "DeleteSubnet", json!({"SubnetId": subnet}));
}

#[test]
fn a_protected_cluster_is_not_deleted_until_it_is_protected_no_more() {
    let mut ground = Ground::standing(json!({"deletionProtection": true}));
    let (code, message) = ground.no("DeleteCluster", json!({"name": "a"}));
    assert_eq!(code, "InvalidRequestException");
    assert!(message.contains("deletion protection"), "{message}");
    ground.updated(
        "UpdateClusterConfig",
        json!({"name": "a", "deletionProtection": false}),
        json!({}),
    );
    ground.ok("DeleteCluster", json!({"name": "a"}));
}

#[test]
fn protection_does_not_count_while_a_cluster_is_made() {
    let mut ground = Ground::new();
    let input = ground.cluster(json!({"deletionProtection": true}));
    ground.ok("CreateCluster", input);
    ground.ok("DeleteCluster", json!({"name": "a"}));
    ground.cloud.later(181.0);
    assert_eq!(
        ground.no("DescribeCluster", json!({"name": "a"})).0,
        "ResourceNotFoundException"
    );
}

#[test]
fn lists_come_in_pages() {
    let mut ground = Ground::new();
    for name in ["c", "a", "b"] {
        let input = ground.cluster(json!({"name": name}));
        ground.ok("CreateCluster", input);
    }
    for size in 1..4 {
        let all = ground.cloud.all(
            "eks",
            "ListClusters",
            json!({"maxResults": size}),
            "clusters",
            "nextToken",
        );
        assert_eq!(all, ["a", "b", "c"]);
    }
    assert_eq!(
        ground.no("ListClusters", json!({"nextToken": "?"})).0,
        "InvalidParameterException"
    );
}

#[test]
fn the_log_group_is_made_by_eks_where_logs_are_on_and_comes_back() {
    let logging = json!({"logging": {"clusterLogging": [{"types": ["api"], "enabled": true}]}});
    let mut ground = Ground::standing(logging);
    let groups = |cloud: &mut Cloud| {
        let found = cloud.ok("logs", "DescribeLogGroups", json!({}));
        found["logGroups"].as_array().unwrap().len()
    };
    assert_eq!(groups(&mut ground.cloud), 0);
    ground.cloud.later(61.0);
    assert_eq!(groups(&mut ground.cloud), 1);
    let name = "/aws/eks/a/cluster";
    ground
        .cloud
        .ok("logs", "DeleteLogGroup", json!({"logGroupName": name}));
    assert_eq!(groups(&mut ground.cloud), 0);
    ground.cloud.later(61.0);
    let (code, _) = ground
        .cloud
        .no("logs", "CreateLogGroup", json!({"logGroupName": name}));
    assert_eq!(code, "ResourceAlreadyExistsException");
    ground.ok("DeleteCluster", json!({"name": "a"}));
    ground.cloud.later(200.0);
    ground
        .cloud
        .ok("logs", "DeleteLogGroup", json!({"logGroupName": name}));
    ground.cloud.later(200.0);
    assert_eq!(groups(&mut ground.cloud), 0);
}

#[test]
fn the_last_lines_of_a_cluster_that_is_gone_may_make_its_log_group_anew() {
    let logging = json!({"logging": {"clusterLogging": [{"types": ["api"], "enabled": true}]}});
    let mut ground = Ground::standing(logging);
    ground
        .cloud
        .world
        .behaviour
        .durations
        .insert("eks.logs.late".into(), 30.0);
    let name = "/aws/eks/a/cluster";
    ground.cloud.later(61.0);
    ground.ok("DeleteCluster", json!({"name": "a"}));
    ground.cloud.later(200.0);
    let groups = |cloud: &mut Cloud| cloud.ok("logs", "DescribeLogGroups", json!({}))["logGroups"].clone();
    ground
        .cloud
        .ok("logs", "DeleteLogGroup", json!({"logGroupName": name}));
    assert_eq!(groups(&mut ground.cloud), json!([]));
    // Gone after 180 seconds, the lines 30 later.
    ground.cloud.later(20.0);
    assert_eq!(groups(&mut ground.cloud)[0]["logGroupName"], name);
    ground
        .cloud
        .ok("logs", "DeleteLogGroup", json!({"logGroupName": name}));
    ground.cloud.later(200.0);
    assert_eq!(groups(&mut ground.cloud), json!([]));
}

#[test]
fn a_log_group_that_stands_is_taken_as_it_is() {
    let mut ground = Ground::new();
    let name = "/aws/eks/a/cluster";
    ground.cloud.ok(
        "logs",
        "CreateLogGroup",
        json!({"logGroupName": name, "tags": {"mine": "yes"}}),
    );
    let logging = json!({"logging": {"clusterLogging": [{"types": ["api"], "enabled": true}]}});
    let input = ground.cluster(logging);
    ground.ok("CreateCluster", input);
    ground.cloud.later(2_000.0);
    let found = ground
        .cloud
        .ok("logs", "ListTagsLogGroup", json!({"logGroupName": name}));
    assert_eq!(found["tags"], json!({"mine": "yes"}));
}

#[test]
fn the_service_linked_role_stays_while_a_cluster_needs_it() {
    let mut ground = Ground::standing(json!({}));
    let delete = |ground: &mut Ground| {
        let task = ground.cloud.ok(
            "iam",
            "DeleteServiceLinkedRole",
            json!({"RoleName": "AWSServiceRoleForAmazonEKS"}),
        )["DeletionTaskId"]
            .clone();
        ground.cloud.ok(
            "iam",
            "GetServiceLinkedRoleDeletionStatus",
            json!({"DeletionTaskId": task}),
        )["Status"]
            .clone()
    };
    assert_eq!(delete(&mut ground), "FAILED");
    ground.ok("DeleteCluster", json!({"name": "a"}));
    ground.cloud.later(181.0);
    assert_eq!(delete(&mut ground), "SUCCEEDED");
}

#[test]
fn versions_follow_the_calendar() {
    let mut ground = Ground::new();
    let names = |ground: &mut Ground, input: Value| -> Vec<String> {
        ground
            .cloud
            .all(
                "eks",
                "DescribeClusterVersions",
                input,
                "clusterVersions",
                "nextToken",
            )
            .iter()
            .map(|version| id(&version["clusterVersion"]))
            .collect()
    };
    ground.cloud.at = "2026-04-01T00:00:00Z".parse().unwrap();
    assert_eq!(
        names(&mut ground, json!({"maxResults": 2})),
        ["1.35", "1.34", "1.33", "1.32", "1.31", "1.30"]
    );
    assert_eq!(
        names(&mut ground, json!({"versionStatus": "STANDARD_SUPPORT"})),
        ["1.35", "1.34", "1.33"]
    );
    assert_eq!(names(&mut ground, json!({"defaultOnly": true})), ["1.34"]);
    assert_eq!(
        names(&mut ground, json!({"includeAll": true})).last().unwrap(),
        "1.29"
    );
    assert_eq!(names(&mut ground, json!({"clusterVersions": ["1.29"]})), ["1.29"]);
    assert_eq!(
        ground
            .no("DescribeClusterVersions", json!({"clusterVersions": ["2"]}))
            .0,
        "InvalidParameterException"
    );
}

#[test]
fn a_trust_with_a_condition_on_the_account_lets_eks_in() {
    let mut ground = Ground::new();
    let mut document: Value = serde_json::from_str(&trust("eks.amazonaws.com")).unwrap();
    document["Statement"][0]["Condition"] = json!({"StringEquals": {"aws:SourceAccount": ACCOUNT}});
    let update = |ground: &mut Ground, document: &Value| {
        ground.cloud.ok(
            "iam",
            "UpdateAssumeRolePolicy",
            json!({"RoleName": "plane", "PolicyDocument": document.to_string()}),
        );
    };
    update(&mut ground, &document);
    let input = ground.cluster(json!({}));
    ground.ok("CreateCluster", input);
    document["Statement"][0]["Condition"] = json!({"StringEquals": {"aws:SourceAccount": "999999999999"}});
    update(&mut ground, &document);
    let input = ground.cluster(json!({"name": "b"}));
    assert!(ground.no("CreateCluster", input).1.contains("trusted entity"));
}
