//! # MI17 cluster-admin
//!
//! Rejects full power over a cluster: bindings to `cluster-admin` or `system:masters`, the EKS access policies
//! `AmazonEKSClusterAdminPolicy` and `AmazonEKSAdminPolicy`, roles of Kubernetes with `*` verbs or resources, with `escalate`, `bind` or
//! `impersonate`, and those that read secrets or exec into pods.
//!
//! ## Why
//!
//! Who rules the cluster is every workload in it, and has every secret of every namespace.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_eks_access_policy_association" "deploy" {
//!   cluster_name  = "ml"
//!   principal_arn = "arn:aws:iam::111122223333:role/deploy"
//!   policy_arn    = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
//!   access_scope {
//!     type = "cluster"
//!   }
//! }
//! ```
//!
//! ```hcl
//! resource "kubernetes_cluster_role_binding" "deploy" {
//!   metadata {
//!     name = "deploy"
//!   }
//!   role_ref {
//!     api_group = "rbac.authorization.k8s.io"
//!     kind      = "ClusterRole"
//!     name      = "cluster-admin"
//!   }
//!   subject {
//!     kind      = "ServiceAccount"
//!     name      = "deploy"
//!     namespace = "ci"
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "kubernetes_role" "deploy" {
//!   metadata {
//!     name      = "deploy"
//!     namespace = "churn"
//!   }
//!   rule {
//!     api_groups = ["apps"]
//!     resources  = ["deployments"]
//!     verbs      = ["get", "list", "watch", "create", "update", "patch"]
//!   }
//! }
//!
//! resource "aws_eks_access_entry" "deploy" {
//!   cluster_name      = "ml"
//!   principal_arn     = "arn:aws:iam::111122223333:role/deploy"
//!   kubernetes_groups = ["mlops:dev:deployers"]
//! }
//! ```
//!
//! ## Reads
//!
//! `aws_eks_access_policy_association`, `aws_eks_access_entry`, `aws_eks_cluster`: `access_config`; `kubernetes_cluster_role_binding`,
//! `kubernetes_role_binding`, `kubernetes_cluster_role`, `kubernetes_role`; the ConfigMap `aws-auth`.
//!
//! ## Limits
//!
//! For people who sign in through Identity Center (`AWSReservedSSO_…`) and for groups of people it is a note. Roles of operators that
//! read secrets are a warning.
//!
//! ## References
//!
//! - <https://kubernetes.io/docs/concepts/security/rbac-good-practices/>
//! - <https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct ClusterAdmin;

static META: Meta = Meta {
    code: "MI17",
    name: "cluster-admin",
    family: Family::MonolithicIam,
    level: Level::Error,
    title: "full power over a cluster",
    why: "who rules the cluster is every workload in it and has every secret of every namespace",
    invariants: &["D-31"],
    since: "0.1.0",
    source: include_str!("cluster_admin.rs"),
};

const ROLE: &str = "resource \"kubernetes_role\" \"deploy\" { # in each namespace it deploys to\n  rule {\n    api_groups = [\"apps\"]\n    resources  = [\"deployments\"]\n    verbs      = [\"get\", \"list\", \"watch\", \"create\", \"update\", \"patch\"]\n  }\n}";

impl Rule for ClusterAdmin {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &[
            "aws_eks_access_policy_association",
            "aws_eks_access_entry",
            "aws_eks_cluster",
            "kubernetes_cluster_role_binding",
            "kubernetes_cluster_role_binding_v1",
            "kubernetes_role_binding",
            "kubernetes_role_binding_v1",
            "kubernetes_cluster_role",
            "kubernetes_cluster_role_v1",
            "kubernetes_role",
            "kubernetes_role_v1",
            "kubernetes_config_map",
            "kubernetes_config_map_v1",
            "kubernetes_config_map_v1_data",
        ]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let person = values
            .get("principal_arn")
            .as_str()
            .is_some_and(|p| p.contains("AWSReservedSSO_"));
        match &*r.kind {
            "aws_eks_access_policy_association" => {
                let policy = cx.resolve(r, values, "policy_arn").into_owned();
                if policy.is_unknown() {
                    out.undecided(
                        r.at("policy_arn"),
                        "which cluster policy is given is not known before apply",
                    );
                }
                let name = policy
                    .as_str()
                    .and_then(|p| p.rsplit('/').next())
                    .unwrap_or_default();
                let cluster = values.path("access_scope.0.type").as_str() != Some("namespace");
                if name == "AmazonEKSClusterAdminPolicy" || name == "AmazonEKSAdminPolicy" && cluster {
                    let finding = out.report(r.at("policy_arn"), format!("gives `{name}` on the cluster"));
                    finding.fix(format!(
                        "resource \"aws_eks_access_policy_association\" \"{}\" {{\n  policy_arn = \"arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy\" # dev; in prod a group with a namespaced role\n  access_scope {{\n    type       = \"namespace\"\n    namespaces = [\"<namespace>\"]\n  }}\n}}",
                        r.name
                    ));
                    if person {
                        finding.level(Level::Note);
                    }
                }
            }
            "aws_eks_access_entry" => {
                for (i, g) in values.get("kubernetes_groups").items().iter().enumerate() {
                    if g.as_str() == Some("system:masters") {
                        out.report(r.at(format!("kubernetes_groups.{i}").as_str()), "puts the principal into `system:masters`").fix(format!("resource \"aws_eks_access_entry\" \"{}\" {{\n  kubernetes_groups = [\"<a group with a namespaced role>\"]\n}}", r.name));
                    }
                }
            }
            "aws_eks_cluster" => {
                if values
                    .path("access_config.0.bootstrap_cluster_creator_admin_permissions")
                    .as_bool()
                    == Some(true)
                    && cx.is_set(r, "access_config")
                {
                    out.report(r.at("access_config.0.bootstrap_cluster_creator_admin_permissions"), "whoever creates the cluster stays its administrator").level(Level::Warning).fix(format!(
                        "resource \"aws_eks_cluster\" \"{}\" {{\n  access_config {{\n    authentication_mode                         = \"API\"\n    bootstrap_cluster_creator_admin_permissions = false\n  }}\n}}",
                        r.name
                    ));
                }
            }
            k if k.contains("role_binding") => binding(cx, r, values, out),
            k if k.contains("_role") => role(r, values, out),
            _ => {
                if values.path("metadata.0.name").as_str() == Some("aws-auth") {
                    for (path, leaf, _) in values.get("data").leaves() {
                        if leaf.as_str().is_some_and(|t| t.contains("system:masters")) {
                            out.report(r.at(crate::value::Path::from("data").join(&path)), "maps a principal to `system:masters`").fix("resource \"aws_eks_access_entry\" \"deploy\" {\n  kubernetes_groups = [\"<a group with a namespaced role>\"]\n}");
                        }
                    }
                }
            }
        }
    }
}

fn binding(cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
    let role = cx.resolve(r, values, "role_ref.0.name").into_owned();
    if role.is_unknown() {
        out.undecided(
            r.at("role_ref.0.name"),
            "which role is bound is not known before apply",
        );
    }
    let role = role.as_str().unwrap_or_default().to_owned();
    let subjects = values.get("subject").items();
    if role == "cluster-admin" {
        let people = !subjects.is_empty()
            && subjects.iter().all(|s| {
                s.get("kind").as_str() == Some("Group")
                    && !s.get("name").as_str().is_some_and(|n| n.starts_with("system:"))
            });
        let finding = out.report(r.at("role_ref.0.name"), "binds `cluster-admin`");
        finding.fix(ROLE);
        if people {
            finding.level(Level::Note);
        }
    }
    for (i, s) in subjects.iter().enumerate() {
        if s.get("name").as_str() == Some("system:masters") {
            out.report(
                r.at(format!("subject.{i}.name").as_str()),
                "binds the group `system:masters`",
            )
            .fix(ROLE);
        }
        if matches!(
            s.get("name").as_str(),
            Some("system:anonymous" | "system:unauthenticated")
        ) {
            out.report(
                r.at(format!("subject.{i}.name").as_str()),
                "binds everybody who reaches the API",
            )
            .fix(ROLE);
        }
    }
}

fn role(r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
    for (i, rule) in values.get("rule").items().iter().enumerate() {
        let has = |attribute: &str, what: &str| {
            rule.get(attribute)
                .items()
                .iter()
                .any(|v| v.as_str() == Some(what))
        };
        let (all_verbs, all_resources) = (has("verbs", "*"), has("resources", "*"));
        let at = |a: &str| r.at(format!("rule.{i}.{a}").as_str());
        let writes = ["create", "update", "patch", "delete", "*"]
            .iter()
            .any(|v| has("verbs", v));
        if all_verbs && all_resources {
            out.report(at("resources"), "allows every verb on every resource")
                .fix(ROLE);
        } else if all_resources && writes {
            out.report(at("resources"), "allows writing every resource")
                .fix(ROLE);
        } else if let Some(verb) = ["escalate", "bind", "impersonate"]
            .iter()
            .find(|v| has("verbs", v))
        {
            out.report(
                at("verbs"),
                format!("allows `{verb}`: its holder can give itself any role"),
            )
            .fix(ROLE);
        } else {
            let core = has("api_groups", "") || has("api_groups", "*");
            let narrowed = !rule.get("resource_names").is_empty();
            for (resource, verbs, what) in [
                (
                    "secrets",
                    &["get", "list", "watch", "*"][..],
                    "reads every secret",
                ),
                (
                    "pods/exec",
                    &["create", "get", "*"][..],
                    "executes commands in every pod",
                ),
                (
                    "serviceaccounts/token",
                    &["create", "*"][..],
                    "makes tokens of every service account",
                ),
            ] {
                if core
                    && !narrowed
                    && (has("resources", resource) || all_resources)
                    && verbs.iter().any(|v| has("verbs", v))
                {
                    let finding = out.report(
                        at("resources"),
                        format!(
                            "{what} {}",
                            if r.kind.contains("cluster_role") {
                                "of the cluster"
                            } else {
                                "of the namespace"
                            }
                        ),
                    );
                    finding.fix(ROLE);
                    if resource == "secrets" {
                        finding.level(Level::Warning);
                    }
                }
            }
        }
    }
}
