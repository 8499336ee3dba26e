//! # SK09 kubernetes-static-credential
//!
//! Rejects static credentials put into a cluster: Secrets, ConfigMaps, environments of pods, manifests and Helm values that hold cloud
//! keys (by their names or their structure), pull secrets with a JSON key, or other secrets written as literals.
//!
//! ## Why
//!
//! They stand in etcd, in the release history of Helm and in the Terraform state, readable by every editor of the namespace.
//!
//! ## Bad
//!
//! ```hcl
//! variable "secret_key" {
//!   type      = string
//!   sensitive = true
//! }
//!
//! resource "kubernetes_secret" "s3" {
//!   metadata {
//!     name      = "s3"
//!     namespace = "churn"
//!   }
//!   data = {
//!     AWS_ACCESS_KEY_ID     = "AKIAQ7XK2LMR9VTZ4WBJ"
//!     AWS_SECRET_ACCESS_KEY = var.secret_key
//!   }
//! }
//! ```
//!
//! ```hcl
//! resource "helm_release" "mlflow" {
//!   name  = "mlflow"
//!   chart = "mlflow"
//!   set {
//!     name  = "artifactRoot.s3.awsSecretAccessKey"
//!     value = "q7Xk2LmR9vTz4WbJ8sHcN3fYdG6pAeU5iQoKtVyM"
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "kubernetes_service_account" "churn" {
//!   metadata {
//!     name      = "churn-sa"
//!     namespace = "churn"
//!     annotations = {
//!       "eks.amazonaws.com/role-arn" = "arn:aws:iam::111122223333:role/mlops-dev-runtime-churn"
//!     }
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! `kubernetes_secret`, `kubernetes_config_map`: `data`, `binary_data`. Pods, deployments, stateful sets, jobs, cron jobs: `spec`.
//! `kubernetes_manifest`: `manifest`, `kubectl_manifest`: `yaml_body`. `helm_release`: `values`, `set`, `set_sensitive`.
//!
//! ## Limits
//!
//! Other secrets than cloud keys are reported only when they are written as literals or have a structure.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html>
//! - <https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity>

use super::origin;
use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::secrets::{self, name};
use crate::value::{Path, Step, Value};

/// See the page above.
pub(super) struct KubernetesStaticCredential;

static META: Meta = Meta {
    code: "SK09",
    name: "kubernetes-static-credential",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "static credential in a cluster",
    why: "it stands in etcd, in the release history and in the state, readable by every editor of the namespace, and nothing expires it",
    invariants: &["D-18", "D-17"],
    since: "0.1.0",
    source: include_str!("kubernetes_static_credential.rs"),
};

const PARTS: &[&str] = &[
    "data",
    "binary_data",
    "string_data",
    "spec",
    "manifest",
    "yaml_body",
    "values",
    "set",
    "set_sensitive",
    "set_list",
];

impl Rule for KubernetesStaticCredential {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &[
            "kubernetes_secret",
            "kubernetes_secret_v1",
            "kubernetes_config_map",
            "kubernetes_config_map_v1",
            "kubernetes_pod",
            "kubernetes_pod_v1",
            "kubernetes_deployment",
            "kubernetes_deployment_v1",
            "kubernetes_stateful_set",
            "kubernetes_stateful_set_v1",
            "kubernetes_job",
            "kubernetes_job_v1",
            "kubernetes_cron_job",
            "kubernetes_cron_job_v1",
            "kubernetes_manifest",
            "kubectl_manifest",
            "helm_release",
        ]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        let mut cloud_reported = false;
        for part in PARTS {
            for (inner, leaf, _) in values.get(part).leaves() {
                let path = Path::from(*part).join(&inner);
                // `env { name = "…"; value = "…" }` and `set { name = "…"; value = "…" }`.
                let called = entry_name(values, &path);
                let cloud = name::promise(&called).is_cloud();
                let set = !leaf.is_null()
                    && !leaf
                        .as_str()
                        .is_some_and(|t| t.is_empty() || secrets::lookalike::is_name(t) && t.len() < 16);
                if cloud && set && !leaf.as_str().is_some_and(secrets::lookalike::is_reference) {
                    if !cloud_reported {
                        out.report(
                            r.at(path.clone()),
                            format!("puts a static cloud credential into the cluster: `{called}`"),
                        )
                        .fix(service_account(r));
                        cloud_reported = true;
                    }
                    continue;
                }
                let Some(text) = leaf.as_str() else { continue };
                let origin = origin::of(cx, r, &path);
                for f in secrets::inspect(&called, text) {
                    if cloud_reported && f.kind.is_cloud() || !f.kind.is_structural() && !origin.is_written()
                    {
                        continue;
                    }
                    out.report(
                        r.at(path.clone()),
                        format!("`{path}` holds {}{}", f.describe(), origin.note()),
                    )
                    .fix(service_account(r));
                }
            }
        }
    }
}

/// The name under which a leaf stands, with the one that a sibling `name` gives it.
fn entry_name(values: &Value<'_>, path: &Path) -> String {
    let own = path.last_name().unwrap_or_default();
    if own != "value" {
        return own.to_owned();
    }
    let mut block = values;
    for step in &path.0[..path.0.len() - 1] {
        block = match step {
            Step::Name(n) => block.get(n),
            Step::Index(i) => block.at(*i),
        };
    }
    block.get("name").as_str().map_or_else(
        || own.to_owned(),
        |n| n.rsplit('.').next().unwrap_or(n).to_owned(),
    )
}

fn service_account(r: &Resource<'_>) -> String {
    format!(
        "# remove the key from {}; the pod takes the identity of its service account\nresource \"kubernetes_service_account\" \"{n}\" {{\n  metadata {{\n    name      = \"{n}\"\n    namespace = \"<namespace>\"\n    annotations = {{\n      \"eks.amazonaws.com/role-arn\" = aws_iam_role.{n}.arn # GKE: \"iam.gke.io/gcp-service-account\"\n    }}\n  }}\n}}",
        r.address,
        n = r.name
    )
}
