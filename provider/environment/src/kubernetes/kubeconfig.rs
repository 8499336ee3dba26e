//! `kubeconfig`: how to reach the cluster, without any credential inside.

use serde_json::{Value, json};

use super::yaml;
use crate::environment::Environment;
use crate::spec::Cloud;

impl Environment {
    /// A kubeconfig whose user is whoever the cloud's own command-line tool takes the caller for
    /// (<https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>).
    pub fn kubeconfig(&self) -> String {
        let cluster = self.cluster_info();
        let name = self.spec.id.name.to_string();
        let text = |field: &str| cluster[field].as_str().unwrap_or_default().to_owned();
        let exec = if self.spec.id.cloud() == Cloud::Aws {
            json!({
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": "aws",
                "args": ["eks", "get-token", "--output", "json", "--cluster-name", text("name"), "--region", text("location")],
                "interactiveMode": "Never",
                "installHint": "Install the AWS CLI, version 2: https://docs.aws.amazon.com/cli/",
            })
        } else {
            json!({
                // The only version that the plugin speaks, whatever it is asked for.
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "command": "gke-gcloud-auth-plugin",
                "provideClusterInfo": true,
                "interactiveMode": "Never",
                "installHint": "Install the plugin: gcloud components install gke-gcloud-auth-plugin",
            })
        };
        let mut server = json!({ "server": text("endpoint") });
        if let Value::String(certificate) = &cluster["ca_certificate"] {
            server["certificate-authority-data"] = json!(certificate);
        }
        yaml::documents(&[json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": name, "cluster": server }],
            "contexts": [{ "name": name, "context": { "cluster": name, "user": name } }],
            "current-context": name,
            "users": [{ "name": name, "user": { "exec": exec } }],
        })])
    }
}
