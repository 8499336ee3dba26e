//! # MI15 node-identity
//!
//! Rejects cluster nodes whose identity may do more than a node needs (read or write buckets, secrets or tables, push images), and
//! nodes or machines of Google Cloud that run as the default compute account.
//!
//! ## Why
//!
//! Every pod on the node is the node, as soon as one of them reaches its metadata.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_iam_role" "node" {
//!   name = "node"
//!   assume_role_policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
//!   })
//! }
//!
//! resource "aws_iam_role_policy" "node" {
//!   name = "data"
//!   role = aws_iam_role.node.name
//!   policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = "s3:GetObject", Resource = "arn:aws:s3:::acme-data/*" }]
//!   })
//! }
//!
//! resource "aws_eks_node_group" "default" {
//!   cluster_name  = "ml"
//!   node_role_arn = aws_iam_role.node.arn
//!   subnet_ids    = ["subnet-1"]
//!   scaling_config {
//!     desired_size = 1
//!     max_size     = 1
//!     min_size     = 1
//!   }
//! }
//! ```
//!
//! ```hcl
//! resource "google_container_node_pool" "default" {
//!   name    = "default"
//!   cluster = "ml"
//!   node_config {
//!     machine_type = "e2-standard-4"
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_iam_role" "node" {
//!   name = "node"
//!   assume_role_policy = jsonencode({
//!     Version   = "2012-10-17"
//!     Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
//!   })
//! }
//!
//! resource "aws_iam_role_policy_attachment" "node" {
//!   for_each = toset([
//!     "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
//!     "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
//!     "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
//!   ])
//!   role       = aws_iam_role.node.name
//!   policy_arn = each.value
//! }
//!
//! resource "aws_eks_node_group" "default" {
//!   cluster_name  = "ml"
//!   node_role_arn = aws_iam_role.node.arn
//!   subnet_ids    = ["subnet-1"]
//!   scaling_config {
//!     desired_size = 1
//!     max_size     = 1
//!     min_size     = 1
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! Roles of `aws_eks_node_group`, with all their policies; `google_container_node_pool`, `google_container_cluster`,
//! `google_compute_instance`, `google_compute_instance_template`: service account; grants of node accounts.
//!
//! ## Limits
//!
//! A single machine may need data: only nodes of clusters are judged by their rights. Policies of AWS for nodes, agents and drivers are accepted.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html>
//! - <https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa>

use mlops_access::gcp::role;
use mlops_access::pattern::Pattern;

use super::effective::Effective;
use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::graph::{Graph, Identity, IdentityKind, UseKind};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct NodeIdentity;

static META: Meta = Meta {
    code: "MI15",
    name: "node-identity",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "nodes with more than a node needs",
    why: "every pod on the node is the node, as soon as one of them reaches its metadata",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("node_identity.rs"),
};

/// What no node needs.
const NOT_FOR_NODES: &[&str] = &[
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "secretsmanager:GetSecretValue",
    "ssm:PutParameter",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "ecr:PutImage",
    "sqs:ReceiveMessage",
    "kms:Decrypt",
    "iam:PassRole",
    "iam:CreateRole",
    "sts:AssumeRole",
    "lambda:InvokeFunction",
    "rds-data:ExecuteStatement",
    "sagemaker:CreateTrainingJob",
];

const NOT_FOR_GOOGLE_NODES: &[&str] = &[
    "storage.objects.get",
    "storage.objects.create",
    "secretmanager.versions.access",
    "artifactregistry.repositories.uploadArtifacts",
    "iam.serviceAccounts.actAs",
    "iam.serviceAccounts.getAccessToken",
    "bigquery.tables.getData",
    "cloudkms.cryptoKeyVersions.useToDecrypt",
    "container.clusters.update",
];

impl Rule for NodeIdentity {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &[
            "google_container_node_pool",
            "google_container_cluster",
            "google_compute_instance",
            "google_compute_instance_template",
        ]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let (block, argument) = match &*r.kind {
            "google_container_node_pool" | "google_container_cluster" => ("node_config", "service_account"),
            _ => ("service_account", "email"),
        };
        let autopilot = values.get("enable_autopilot").as_bool() == Some(true);
        // The default pool that is removed at once has no nodes.
        let removed = values.get("remove_default_node_pool").as_bool() == Some(true);
        let written = !values.get(block).is_empty()
            && (cx.is_set(r, block)
                || r.action == crate::plan::Action::Create && !values.get(block).is_unknown());
        if autopilot || removed || !written && &*r.kind != "google_container_node_pool" {
            return;
        }
        let path = format!("{block}.0.{argument}");
        let account = values.path(&path);
        let default = match account.as_str() {
            Some(a) => {
                a == "default"
                    || a.ends_with("-compute@developer.gserviceaccount.com")
                    || a.ends_with("@appspot.gserviceaccount.com")
            }
            None => {
                let targets = cx.targets(r, &path);
                let data = targets.iter().any(|t| {
                    matches!(
                        &*t.kind,
                        "google_compute_default_service_account"
                            | "google_app_engine_default_service_account"
                    )
                });
                data || (account.is_null() || account.is_unknown())
                    && !cx.is_set(r, &path)
                    && !(account.is_null() && !written && cx.is_set(r, block))
            }
        };
        if default {
            out.report(r.at(path.as_str()), "runs as the default compute account, an editor of the whole project by default").fix(format!(
                "resource \"google_service_account\" \"{n}_node\" {{\n  account_id = \"{n}-node\"\n}}\n\nresource \"google_project_iam_member\" \"{n}_node\" {{\n  project = <project>\n  role    = \"roles/container.defaultNodeServiceAccount\"\n  member  = google_service_account.{n}_node.member\n}}\n\nresource \"{k}\" \"{n}\" {{\n  {block} {{\n    {argument} = google_service_account.{n}_node.email\n  }}\n}}",
                n = r.name,
                k = r.kind
            ));
        }
    }

    fn identity(&self, cx: &Context<'_>, graph: &Graph, identity: &Identity, out: &mut Findings<'_>) {
        let nodes = [
            "aws_eks_node_group",
            "google_container_node_pool",
            "google_container_cluster",
        ];
        let Some(node) = identity
            .uses
            .iter()
            .find(|u| u.kind == UseKind::Node && nodes.iter().any(|n| u.workload.contains(n)))
        else {
            return;
        };
        let Some(place) = identity.place() else { return };
        let held: Vec<String> = if identity.kind == IdentityKind::ServiceAccount {
            let roles: Vec<_> = identity.grants.iter().map(|&g| &graph.grants[g]).collect();
            let too_much = |p: &&&str| {
                roles
                    .iter()
                    .any(|g| role(&g.role).is_some_and(|r| r.holds(p)) && g.condition.is_none())
            };
            NOT_FOR_GOOGLE_NODES
                .iter()
                .filter(too_much)
                .map(|p| (*p).to_owned())
                .collect()
        } else {
            let written = Effective::written(cx, graph, identity);
            let grants = written.grants();
            NOT_FOR_NODES
                .iter()
                .filter(|a| grants.may(a, &Pattern::any()).verdict().is_yes())
                .map(|a| (*a).to_owned())
                .collect()
        };
        if held.is_empty() {
            return;
        }
        out.report(place, format!("the nodes of {} may {}", node.workload, super::fix::listed(&held)))
            .related(node.place.clone(), "the nodes")
            .fix("# give it to the workload that needs it: a role of its own, entered by its service account\ncondition {\n  test     = \"StringEquals\"\n  variable = \"<issuer>:sub\"\n  values   = [\"system:serviceaccount:<namespace>:<service account>\"]\n}");
    }
}
