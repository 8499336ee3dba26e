//! The network, clusters, access entries and node pools.

use std::collections::{BTreeMap, BTreeSet};

use mlops_aws::Aws;
use mlops_environment::aws::{AccessEntry, Cluster, ExistingCluster, Network, NodePool, Role, Taint};
use mlops_environment::component::{Component, Kind, Observation, Status};
use mlops_environment::driver::{Driver, Reason};
use serde_json::json;

use crate::documents::{other_trust, trust};
use crate::harness::{
    Hurry, changed, component, deleted, diff, driver, made, present, refused_in_turn, tags,
};
use crate::server::{Emulator, emulator};

pub(crate) async fn role(aws: &Aws, name: &str) -> String {
    role_for(aws, name, other_trust(), &["AmazonEKSClusterPolicy"]).await
}

/// A role that nodes can join a cluster with.
pub(crate) async fn node_role(aws: &Aws, name: &str) -> String {
    let policies = ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryReadOnly"];
    role_for(aws, name, trust(), &policies).await
}

async fn role_for(aws: &Aws, name: &str, trust: String, policies: &[&str]) -> String {
    let role = Role {
        name: name.into(),
        path: "/mlops/test/".into(),
        description: "plane".into(),
        trust,
        inline_policies: BTreeMap::new(),
        managed_policies: policies
            .iter()
            .map(|policy| format!("arn:aws:iam::aws:policy/{policy}"))
            .collect(),
        permissions_boundary: None,
        max_session_seconds: 3600,
        tags: tags("roles.plane"),
    };
    made(aws, &component("roles.plane", Kind::AwsRole, &role))
        .await
        .outputs["arn"]
        .clone()
}

pub(crate) fn cluster(emulator: &Emulator, name: &str, role_arn: &str) -> Cluster {
    Cluster {
        name: name.into(),
        role_arn: role_arn.into(),
        version: "1.33".into(),
        subnet_ids: emulator.network.private_subnet_ids.iter().cloned().collect(),
        endpoint_private: true,
        endpoint_public: false,
        public_cidrs: BTreeSet::new(),
        encryption_key: Some(emulator.key.clone()),
        log_types: ["api", "audit"].map(str::to_owned).into(),
        deletion_protection: true,
        extended_support: false,
        tags: tags("cluster"),
    }
}

pub(crate) async fn standing(aws: &Aws, emulator: &Emulator, name: &str) -> (Component, String) {
    let role_arn = role(aws, name).await;
    let wanted = Cluster {
        deletion_protection: false,
        ..cluster(emulator, name, &role_arn)
    };
    let wanted = component("cluster", Kind::AwsCluster, &wanted);
    made(aws, &wanted).await;
    (wanted, role_arn)
}

/// A cluster of somebody else is looked at, and nothing more.
#[tokio::test]
async fn a_given_cluster_is_looked_at_and_nothing_more() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let (cluster, _) = standing(&aws, emulator, "given").await;
    let before = present(&aws, &cluster).await;
    let given = ExistingCluster {
        name: "given".into(),
        issuer: true,
        access_entries: true,
    };
    let given = component("cluster", Kind::AwsExistingCluster, &given);
    let found = refused_in_turn(&aws, "look at a given cluster", async |aws| {
        aws.observe(&given).await
    })
    .await;
    let Observation::Present(found) = found else {
        panic!("it stands")
    };
    assert_eq!(diff(&given, &found), []);
    assert_eq!(
        found.outputs, before.outputs,
        "it tells what one of our own tells"
    );
    let monitor = Hurry::default();
    let tried = [
        aws.create(&given, &monitor).await.map(drop),
        aws.update(&given, &found, &[], &monitor).await.map(drop),
        aws.delete(&given, &found, &monitor).await,
    ];
    for failure in tried.map(Result::unwrap_err) {
        assert_eq!(failure.reason, Reason::Invalid, "{failure:?}");
        assert!(failure.message.contains("somebody else"), "{failure}");
    }
    aws.retain(&given, &found).await.unwrap();
    assert_eq!(present(&aws, &cluster).await, before);
    aws.delete(&cluster, &before, &monitor).await.unwrap();
    assert_eq!(aws.observe(&given).await.unwrap(), Observation::Absent);
}

pub(crate) fn pool(emulator: &Emulator, cluster: &str, role_arn: &str, name: &str) -> NodePool {
    NodePool {
        cluster: cluster.into(),
        name: name.into(),
        role_arn: role_arn.into(),
        subnet_ids: emulator.network.private_subnet_ids.iter().cloned().collect(),
        instance_types: vec!["m6i.large".into(), "m5.large".into()],
        spot: false,
        ami_type: "AL2023_x86_64_STANDARD".into(),
        disk_gb: 50,
        disk_type: "gp3".into(),
        min: 0,
        max: 3,
        version: "1.33".into(),
        labels: [
            ("purpose".to_owned(), "serving".to_owned()),
            ("old".to_owned(), "1".to_owned()),
        ]
        .into(),
        taints: [Taint {
            key: "gpu".into(),
            value: "a".into(),
            effect: "NO_SCHEDULE".into(),
        }]
        .into(),
        max_unavailable: 1,
        metadata_tokens: "required".into(),
        metadata_hop_limit: 1,
        tags: tags("node_pools.serving"),
    }
}

#[tokio::test]
async fn a_network_is_looked_at_and_never_touched() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let network = Network {
        vpc_id: emulator.network.vpc_id.clone(),
        private_subnet_ids: emulator.network.private_subnet_ids.iter().cloned().collect(),
        public_subnet_ids: emulator.network.public_subnet_ids.iter().cloned().collect(),
    };
    let wanted = component("network", Kind::AwsNetwork, &network);
    let found = present(&aws, &wanted).await;
    assert_eq!(diff(&wanted, &found), []);
    assert_eq!(
        found.outputs["zones"],
        "eu-central-1a,eu-central-1b,eu-central-1c"
    );
    assert_eq!(aws.calls().counts()["ec2:DescribeSubnets"], 1);
    for outcome in [
        aws.create(&wanted, &Hurry::default()).await.map(drop),
        aws.delete(&wanted, &found, &Hurry::default()).await,
    ] {
        assert_eq!(outcome.unwrap_err().reason, Reason::Invalid);
    }
    let missing = Network {
        private_subnet_ids: ["subnet-0123456789abcdef0".to_owned()].into(),
        ..network
    };
    let failure = aws
        .observe(&component("network", Kind::AwsNetwork, &missing))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.operation.as_str(), failure.reason),
        ("ec2:DescribeSubnets", Reason::NotFound)
    );
    assert_eq!(failure.code, "InvalidSubnetID.NotFound");
}

#[tokio::test]
async fn a_cluster_lives() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let role_arn = role(&aws, "cluster-life").await;
    let first = cluster(emulator, "life", &role_arn);
    let wanted = component("cluster", Kind::AwsCluster, &first);
    let found = made(&aws, &wanted).await;
    assert!(
        found.outputs["issuer"].starts_with("https://oidc.eks."),
        "{:?}",
        found.outputs
    );
    assert!(
        found.outputs.values().all(|value| !value.is_empty()),
        "{:?}",
        found.outputs
    );
    let seen = emulator.boto3(
        "c = client('eks').describe_cluster(name='life')['cluster']\n\
         show([c['accessConfig']['authenticationMode'], c['resourcesVpcConfig']['endpointPublicAccess'], \
         c['encryptionConfig'][0]['provider']['keyArn'], c['upgradePolicy']['supportType'], c['tags']])",
    );
    assert_eq!(
        seen,
        json!(["API", false, emulator.key, "STANDARD", tags("cluster")])
    );
    let failure = aws.delete(&wanted, &found, &Hurry::default()).await.unwrap_err();
    assert_eq!(
        (failure.operation.as_str(), failure.code.as_str()),
        ("eks:DeleteCluster", "InvalidRequestException")
    );
    assert_eq!(
        aws.obstacles(&wanted, &found).await.unwrap(),
        ["deletion protection is on: apply protection = { deletion = false }"]
    );

    let mut second = Cluster {
        version: "1.34".into(),
        endpoint_public: true,
        public_cidrs: ["192.0.2.0/24".to_owned()].into(),
        log_types: ["audit", "scheduler"].map(str::to_owned).into(),
        subnet_ids: emulator
            .network
            .private_subnet_ids
            .iter()
            .take(2)
            .cloned()
            .collect(),
        deletion_protection: false,
        extended_support: true,
        ..first
    };
    second.tags.insert("team".into(), "a".into());
    let second = component("cluster", Kind::AwsCluster, &second);
    changed(&aws, &second).await;
    deleted(&aws, &second).await;
}

/// Somebody was faster, or an answer was lost and what we saw is old: what is wanted is so.
#[tokio::test]
async fn a_cluster_that_is_at_the_version_already_is_done() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let (wanted, role_arn) = standing(&aws, emulator, "already").await;
    let seen = present(&aws, &wanted).await;
    let newer = Cluster {
        version: "1.34".into(),
        deletion_protection: false,
        ..cluster(emulator, "already", &role_arn)
    };
    let newer = component("cluster", Kind::AwsCluster, &newer);
    let changes = diff(&newer, &seen);
    for _ in 0..2 {
        // The second time from what was seen before the first.
        aws.update(&newer, &seen, &changes, &Hurry::default())
            .await
            .unwrap();
    }
    assert_eq!(present(&aws, &newer).await.outputs["version"], "1.34");
    deleted(&aws, &newer).await;
}

#[tokio::test]
async fn a_cluster_cut_off_while_it_is_made_is_waited_for() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let role_arn = role(&aws, "cut-off").await;
    let wanted = cluster(emulator, "cut-off", &role_arn);
    emulator.boto3(&format!(
        "client('eks').create_cluster(name='cut-off', roleArn={role_arn:?}, resourcesVpcConfig={{'subnetIds': {:?}}})",
        emulator.network.private_subnet_ids
    ));
    let wanted = component("cluster", Kind::AwsCluster, &wanted);
    let found = present(&aws, &wanted).await;
    let Observation::Present(settled) = aws.settle(&wanted, &found, &Hurry::default()).await.unwrap() else {
        panic!("settled to nothing")
    };
    assert_eq!(settled.status, Status::Ready);
    // Made without our access mode: told, and put right.
    assert_eq!(
        settled.foreign,
        ["authentication mode CONFIG_MAP: the aws-auth config map grants access too"]
    );
    let failure = aws.create(&wanted, &Hurry::default()).await.unwrap_err();
    assert_eq!(
        (failure.operation.as_str(), failure.reason),
        ("eks:CreateCluster", Reason::AlreadyExists)
    );
    let changes: Vec<_> = diff(&wanted, &settled)
        .into_iter()
        .filter(|change| change.property == "log_types")
        .collect();
    let after = aws
        .update(&wanted, &settled, &changes, &Hurry::default())
        .await
        .unwrap();
    assert_eq!(after.foreign, Vec::<String>::new());
}

#[tokio::test]
async fn an_access_entry_lives() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let (_, role_arn) = standing(&aws, emulator, "access").await;
    let view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".to_owned();
    let edit = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy".to_owned();
    let admin = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy".to_owned();
    let first = AccessEntry {
        cluster: "access".into(),
        principal_arn: role_arn,
        groups: ["mlops:test:deployers".to_owned()].into(),
        policies: [
            (view, BTreeSet::new()),
            (edit.clone(), ["churn".to_owned()].into()),
        ]
        .into(),
        tags: tags("access.deploy"),
    };
    let mut second = AccessEntry {
        groups: BTreeSet::new(),
        policies: [
            (admin, BTreeSet::new()),
            (edit, ["churn".to_owned(), "fraud".to_owned()].into()),
        ]
        .into(),
        ..first.clone()
    };
    second.tags.insert("team".into(), "a".into());
    let first = component("access.deploy", Kind::AwsAccessEntry, &first);
    let second = component("access.deploy", Kind::AwsAccessEntry, &second);
    made(&aws, &first).await;
    changed(&aws, &second).await;
    deleted(&aws, &second).await;
}

#[tokio::test]
async fn a_node_pool_lives() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    let (owner, _) = standing(&aws, emulator, "pools").await;
    let role_arn = node_role(&aws, "pools-nodes").await;
    let first = pool(emulator, "pools", &role_arn, "serving-1a2b3c");
    let wanted = component("node_pools.serving", Kind::AwsNodePool, &first);
    made(&aws, &wanted).await;
    let seen = emulator.boto3(
        "ec2 = client('ec2')\ng = client('eks').describe_nodegroup(clusterName='pools', nodegroupName='serving-1a2b3c')['nodegroup']\n\
         v = ec2.describe_launch_template_versions(LaunchTemplateId=g['launchTemplate']['id'], \
         Versions=[g['launchTemplate']['version']])['LaunchTemplateVersions'][0]['LaunchTemplateData']\n\
         show([v['MetadataOptions']['HttpTokens'], v['MetadataOptions']['HttpPutResponseHopLimit'], \
         v['BlockDeviceMappings'][0]['Ebs']['Encrypted'], g['tags'], g['scalingConfig']])",
    );
    assert_eq!(
        seen,
        json!(["required", 1, true, tags("node_pools.serving"), {"minSize": 0, "maxSize": 3, "desiredSize": 0}])
    );
    let mut second = NodePool {
        disk_gb: 80,
        min: 1,
        max: 5,
        labels: [("purpose".to_owned(), "training".to_owned())].into(),
        taints: [
            Taint {
                key: "gpu".into(),
                value: "b".into(),
                effect: "NO_SCHEDULE".into(),
            },
            Taint {
                key: "x".into(),
                value: "y".into(),
                effect: "NO_EXECUTE".into(),
            },
        ]
        .into(),
        max_unavailable: 2,
        ..first.clone()
    };
    second.tags.insert("team".into(), "a".into());
    let second = component("node_pools.serving", Kind::AwsNodePool, &second);
    changed(&aws, &second).await;

    deleted(&aws, &second).await;

    // A cluster with node groups is not deleted: those of its environment go first.
    made(&aws, &wanted).await;
    let found = present(&aws, &owner).await;
    aws.delete(&owner, &found, &Hurry::default()).await.unwrap();
    let left = emulator.boto3("show(client('ec2').describe_launch_templates()['LaunchTemplates'])");
    assert!(!left.to_string().contains("pools-serving-1a2b3c"), "{left}");
}

#[tokio::test]
async fn a_rotated_pool_finds_its_old_group_and_removes_it() {
    let Some(emulator) = emulator() else { return };
    let aws = driver(emulator).await;
    standing(&aws, emulator, "rotated").await;
    let role_arn = node_role(&aws, "rotated-nodes").await;
    let old = component(
        "node_pools.serving",
        Kind::AwsNodePool,
        &pool(emulator, "rotated", &role_arn, "serving-1a2b3c"),
    );
    made(&aws, &old).await;
    let new = NodePool {
        instance_types: vec!["c6i.large".into()],
        ..pool(emulator, "rotated", &role_arn, "serving-4d5e6f")
    };
    let new = component("node_pools.serving", Kind::AwsNodePool, &new);
    // Under the new name the old group is found, and differs in what cannot be changed.
    let found = present(&aws, &new).await;
    assert_eq!(found.outputs["name"], "serving-1a2b3c");
    let failure = aws
        .update(&new, &found, &diff(&new, &found), &Hurry::default())
        .await
        .unwrap_err();
    assert_eq!(failure.reason, Reason::Invalid);
    aws.create(&new, &Hurry::default()).await.unwrap();
    let found = present(&aws, &new).await;
    assert_eq!(found.foreign, ["superseded node group serving-1a2b3c"]);
    assert_eq!(diff(&new, &found), []);
    changed(&aws, &new).await;
    let groups = emulator.boto3("show(client('eks').list_nodegroups(clusterName='rotated')['nodegroups'])");
    assert_eq!(groups, json!(["serving-4d5e6f"]));
}
