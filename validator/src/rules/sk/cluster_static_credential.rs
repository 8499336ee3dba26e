//! # SK10 cluster-static-credential
//!
//! Rejects credentials of a cluster that never expire: a Secret of type `kubernetes.io/service-account-token`, a client certificate or a
//! user name with password for the control plane of GKE, and a kubeconfig with a token, key or password in an output or a file.
//!
//! ## Why
//!
//! Whoever has a copy of it is that account, for as long as the cluster lives.
//!
//! ## Bad
//!
//! ```hcl
//! resource "kubernetes_secret" "deployer" {
//!   metadata {
//!     name      = "deployer-token"
//!     namespace = "churn"
//!     annotations = {
//!       "kubernetes.io/service-account.name" = "deployer"
//!     }
//!   }
//!   type = "kubernetes.io/service-account-token"
//! }
//! ```
//!
//! ```hcl
//! resource "google_container_cluster" "ml" {
//!   name     = "ml"
//!   location = "europe-west1"
//!   master_auth {
//!     client_certificate_config {
//!       issue_client_certificate = true
//!     }
//!   }
//!   workload_identity_config {
//!     workload_pool = "acme-ml.svc.id.goog"
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! output "kubeconfig" {
//!   value = yamlencode({
//!     apiVersion = "v1"
//!     kind       = "Config"
//!     users = [{
//!       name = "ml"
//!       user = { exec = {
//!         apiVersion = "client.authentication.k8s.io/v1beta1"
//!         command    = "aws"
//!         args       = ["eks", "get-token", "--cluster-name", "ml"]
//!       } }
//!     }]
//!   })
//! }
//! ```
//!
//! ## Reads
//!
//! `kubernetes_secret`: `type`. `google_container_cluster`: `master_auth`. `kubernetes_manifest`: `manifest`. Root outputs, `local_file`,
//! `local_sensitive_file`: `content`.
//!
//! ## Limits
//!
//! A kubeconfig whose parts are unknown until apply is judged only where it is written, not by its content.
//!
//! ## References
//!
//! - <https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets>
//! - <https://cloud.google.com/kubernetes-engine/docs/how-to/api-server-authentication>

use crate::context::Context;
use crate::finding::{Family, Findings, Level, Place};
use crate::plan::{Output, Resource};
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct ClusterStaticCredential;

static META: Meta = Meta {
    code: "SK10",
    name: "cluster-static-credential",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "static credential of a cluster",
    why: "whoever has a copy of it is that account for as long as the cluster lives",
    invariants: &["D-18", "D-17"],
    since: "0.1.0",
    source: include_str!("cluster_static_credential.rs"),
};

const EXEC: &str = "users:\n  - name: <cluster>\n    user:\n      exec:\n        apiVersion: client.authentication.k8s.io/v1beta1\n        command: aws # or gke-gcloud-auth-plugin\n        args: [eks, get-token, --cluster-name, <cluster>]";

/// A kubeconfig that holds a credential itself.
fn holds_credential(text: &str) -> bool {
    let kubeconfig = text.contains("clusters") && text.contains("users") && text.contains("apiVersion");
    let credential = [
        "client-key-data",
        "\"token\"",
        "token:",
        "password:",
        "\"password\"",
    ]
    .iter()
    .any(|k| text.contains(k));
    kubeconfig && credential && !text.contains("token: \"\"")
}

impl Rule for ClusterStaticCredential {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &[
            "kubernetes_secret",
            "kubernetes_secret_v1",
            "kubernetes_manifest",
            "google_container_cluster",
            "local_file",
            "local_sensitive_file",
        ]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        match &*r.kind {
            "google_container_cluster" => {
                let auth = values.path("master_auth.0");
                let certificate = auth.path("client_certificate_config.0.issue_client_certificate");
                if certificate.as_bool() == Some(true) {
                    out.report(r.at("master_auth.0.client_certificate_config.0.issue_client_certificate"), "issues a client certificate for the control plane").fix(format!(
                        "resource \"google_container_cluster\" \"{}\" {{\n  master_auth {{\n    client_certificate_config {{\n      issue_client_certificate = false\n    }}\n  }}\n}}",
                        r.name
                    ));
                } else if certificate.is_unknown() && cx.is_set(r, "master_auth") {
                    out.undecided(
                        r.at("master_auth.0.client_certificate_config"),
                        "whether a client certificate is issued is unknown until apply",
                    );
                }
                if !auth.get("username").is_empty()
                    && cx.is_set(r, "master_auth")
                    && auth.get("username").as_str().is_some()
                {
                    out.report(r.at("master_auth.0.username"), "lets a user name and password into the control plane")
                        .fix(format!("resource \"google_container_cluster\" \"{}\" {{\n  # remove master_auth: people and pipelines enter with their Google identity\n}}", r.name));
                }
            }
            "kubernetes_manifest" => {
                let m = values.get("manifest");
                if m.get("kind").as_str() == Some("Secret") && m.get("type").as_str() == Some(TOKEN) {
                    token(r, "manifest", out);
                }
            }
            "kubernetes_secret" | "kubernetes_secret_v1" => {
                if cx.resolve(r, values, "type").as_str() == Some(TOKEN) {
                    token(r, "type", out);
                }
            }
            _ => {
                let content = cx.resolve(r, values, "content").into_owned().into_owned();
                let text = content
                    .as_str()
                    .map(str::to_owned)
                    .or_else(|| crate::source::with_holes(&content));
                if text.is_some_and(|t| holds_credential(&t)) {
                    out.report(
                        r.at("content"),
                        "writes a kubeconfig with a credential in it to the disk",
                    )
                    .fix(EXEC);
                }
            }
        }
    }

    fn output(&self, _: &Context<'_>, output: &Output<'_>, out: &mut Findings<'_>) {
        let value = output.value();
        if value
            .leaves()
            .iter()
            .any(|(_, v, _)| v.as_str().is_some_and(holds_credential))
        {
            out.report(
                Place::new(format!("output.{}", output.name), ""),
                format!(
                    "output `{}` holds a kubeconfig with a credential in it",
                    output.name
                ),
            )
            .fix(EXEC);
        }
    }
}

const TOKEN: &str = "kubernetes.io/service-account-token";

fn token(r: &Resource<'_>, path: &str, out: &mut Findings<'_>) {
    out.report(r.at(path), "asks for a service account token that never expires").fix(format!(
        "# remove {}; a pipeline asks for a token when it needs one, for minutes:\nephemeral \"kubernetes_token_request_v1\" \"{}\" {{\n  metadata {{\n    name      = \"<service account>\"\n    namespace = \"<namespace>\"\n  }}\n}}",
        r.address, r.name
    ));
}
