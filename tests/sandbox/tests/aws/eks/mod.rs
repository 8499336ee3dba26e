//! EKS: clusters and what belongs to them, over a network and roles of their own.

mod access;
mod addons;
mod any_input;
mod changes;
mod clusters;
mod node_groups;
mod pods;
mod tagging;

use serde_json::{Value, json};

use super::cloud::{Cloud, id};

/// What a cluster stands on.
pub(super) struct Ground {
    pub(super) cloud: Cloud,
    pub(super) vpc: String,
    pub(super) subnets: Vec<String>,
    pub(super) plane: String,
    pub(super) nodes: String,
}

impl Ground {
    pub(super) fn new() -> Self {
        let mut cloud = Cloud::new();
        let vpc = cloud.vpc("10.0.0.0/16");
        let subnets = ["a", "b", "c"]
            .iter()
            .enumerate()
            .map(|(number, zone)| cloud.subnet(&vpc, &format!("10.0.{number}.0/24"), zone))
            .collect();
        let plane = cloud.role("plane", "eks.amazonaws.com");
        let nodes = cloud.role("nodes", "ec2.amazonaws.com");
        for policy in ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryReadOnly"] {
            let arn = format!("arn:aws:iam::aws:policy/{policy}");
            cloud.ok(
                "iam",
                "AttachRolePolicy",
                json!({"RoleName": "nodes", "PolicyArn": arn}),
            );
        }
        Self {
            cloud,
            vpc,
            subnets,
            plane,
            nodes,
        }
    }

    pub(super) fn ok(&mut self, operation: &str, input: Value) -> Value {
        self.cloud.ok("eks", operation, input)
    }

    pub(super) fn no(&mut self, operation: &str, input: Value) -> (String, String) {
        self.cloud.no("eks", operation, input)
    }

    /// The input that makes a cluster, with more members, or others.
    pub(super) fn cluster(&self, more: Value) -> Value {
        merged(
            json!({
                "name": "a",
                "roleArn": self.plane,
                "version": "1.33",
                "resourcesVpcConfig": {"subnetIds": self.subnets[..2]},
                "accessConfig": {"authenticationMode": "API"},
            }),
            more,
        )
    }

    /// A cluster that stands.
    pub(super) fn standing(more: Value) -> Self {
        let mut ground = Self::new();
        let input = ground.cluster(more);
        ground.ok("CreateCluster", input);
        ground.cloud.later(541.0);
        assert_eq!(ground.described()["status"], "ACTIVE");
        ground
    }

    pub(super) fn described(&mut self) -> Value {
        self.ok("DescribeCluster", json!({"name": "a"}))["cluster"].clone()
    }

    /// The input that makes a node group.
    pub(super) fn group(&self, more: Value) -> Value {
        merged(
            json!({
                "clusterName": "a",
                "nodegroupName": "n",
                "subnets": self.subnets[..2],
                "nodeRole": self.nodes,
            }),
            more,
        )
    }

    /// A cluster with a node group.
    pub(super) fn with_nodes(more: Value) -> Self {
        let mut ground = Self::standing(json!({}));
        let input = ground.group(more);
        ground.ok("CreateNodegroup", input);
        ground.cloud.later(116.0);
        assert_eq!(ground.nodes_now()["status"], "ACTIVE");
        ground
    }

    pub(super) fn nodes_now(&mut self) -> Value {
        self.ok(
            "DescribeNodegroup",
            json!({"clusterName": "a", "nodegroupName": "n"}),
        )["nodegroup"]
            .clone()
    }

    /// An update that is begun and waited for.
    pub(super) fn updated(&mut self, operation: &str, input: Value, asked: Value) -> Value {
        let update = self.ok(operation, input)["update"].clone();
        assert_eq!(update["status"], "InProgress");
        let asked = merged(json!({"name": "a", "updateId": id(&update["id"])}), asked);
        self.cloud.later(601.0);
        let over = self.ok("DescribeUpdate", asked)["update"].clone();
        assert_eq!(over["status"], "Successful");
        over
    }

    pub(super) fn key(&mut self) -> String {
        id(&self.cloud.ok("kms", "CreateKey", json!({}))["KeyMetadata"]["Arn"])
    }
}

fn merged(mut value: Value, more: Value) -> Value {
    for (member, new) in more.as_object().unwrap() {
        value[member] = new.clone();
    }
    value
}
