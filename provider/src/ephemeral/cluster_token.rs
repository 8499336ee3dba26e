//! `ephemeral.mlops_cluster_token`: a way into a cluster's API for the `kubernetes` and `helm` providers.
//!
//! It is made from `cluster_info`, whose endpoint is not known before the cluster stands: so Terraform opens it after the
//! environment is made, also in the first apply, and the token is fresh when it is used.

use std::sync::Arc;

use async_trait::async_trait;
use mlops_environment::driver::Reason;
use mlops_environment::spec::Cloud as Which;
use serde::{Deserialize, Serialize};
use tfplugin::provider::Opened;
use tfplugin::schema::{Attribute, Schema};
use tfplugin::{CallContext, Diagnostic, Diagnostics, EphemeralResource, Path, Value};

use crate::clouds::Clouds;

/// The ephemeral resource.
#[derive(Debug)]
pub(crate) struct ClusterToken {
    clouds: Arc<Clouds>,
}

impl ClusterToken {
    pub(crate) fn new(clouds: Arc<Clouds>) -> Self {
        Self { clouds }
    }
}

/// Which cluster, out of its ARN or full name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cluster {
    cloud: Which,
    name: String,
}

impl Cluster {
    fn of(text: &str) -> Option<Self> {
        let (cloud, name) = if text.starts_with("arn:") {
            let resource = text.splitn(6, ':').nth(5)?;
            (Which::Aws, resource.strip_prefix("cluster/")?)
        } else {
            let parts: Vec<&str> = text.split('/').collect();
            match parts[..] {
                ["projects", _, "locations", _, "clusters", name] => (Which::Gcp, name),
                _ => return None,
            }
        };
        (!name.is_empty()).then(|| Self {
            cloud,
            name: name.to_owned(),
        })
    }
}

/// What is kept between opening and closing: nothing secret.
#[derive(Debug, Serialize, Deserialize)]
struct Private {
    cluster: String,
    expires_at: String,
}

#[async_trait]
impl EphemeralResource for ClusterToken {
    fn type_name(&self) -> &str {
        "mlops_cluster_token"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .describe(
                "A short-lived token for a cluster's API, for the `kubernetes` and `helm` providers. It is in no plan and no \
                 state. On AWS it is a signed question to STS that the cluster takes for fourteen minutes, on Google Cloud the \
                 access token of the provider's credentials.\n\n\
                 Whoever applies needs a way in: `cluster.admins` on AWS, `roles/container.developer` or more on Google Cloud. \
                 Terraform hands a token to a provider once and cannot exchange it; where a run works on the cluster for longer, \
                 use the exec plugin as in `kubeconfig`.",
            )
            .attribute(
                "cluster",
                Attribute::object([
                    (
                        "arn",
                        Attribute::string()
                            .required()
                            .describe("ARN of the EKS cluster, or full name of the GKE cluster."),
                    ),
                    (
                        "endpoint",
                        Attribute::string().required().describe("Where its API is reached."),
                    ),
                    (
                        "ca_certificate",
                        Attribute::string()
                            .optional()
                            .describe("Certificate of its authority, base64."),
                    ),
                ])
                .required()
                .describe(
                    "The cluster: `mlops_environment.<name>.cluster_info`. Its endpoint is not known before the cluster stands, so \
                     that the token is made only then.",
                ),
            )
            .attribute(
                "host",
                Attribute::string().computed().describe("URL of the cluster's API."),
            )
            .attribute(
                "ca_certificate",
                Attribute::string()
                    .computed()
                    .describe("Certificate of the cluster's authority, base64: use `base64decode`."),
            )
            .attribute(
                "token",
                Attribute::string().computed().sensitive().describe("The bearer token."),
            )
            .attribute(
                "expires_at",
                Attribute::string().computed().describe(
                    "When the token runs out (RFC 3339). Null on Google Cloud, whose tokens live for an hour at most.",
                ),
            )
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        let arn = config.get("cluster").and_then(|cluster| cluster.get("arn"));
        match arn.and_then(Value::as_str) {
            Some(text) if Cluster::of(text).is_none() => not_a_cluster(text).into(),
            _ => Diagnostics::new(),
        }
    }

    async fn open(&self, _: &CallContext, config: Value) -> Result<Opened, Diagnostics> {
        let given = config.get("cluster").cloned().unwrap_or(Value::Null);
        let text = |name: &str| given.get(name).and_then(Value::as_str).map(str::to_owned);
        let arn = text("arn").unwrap_or_default();
        let cluster = Cluster::of(&arn).ok_or_else(|| Diagnostics::from(not_a_cluster(&arn)))?;
        let cloud = self.clouds.open(cluster.cloud).await?;
        let made = cloud
            .driver
            .cluster_token(&cluster.name)
            .await
            .map_err(|failure| {
                let next = match failure.reason {
                    Reason::Denied | Reason::Unauthenticated => {
                        "Sign in again, or check the credentials of the provider."
                    }
                    _ => "Check the provider's configuration.",
                };
                Diagnostics::from(
                    Diagnostic::error(
                        format!("No token for cluster {}", cluster.name),
                        format!("{failure}. {next}"),
                    )
                    .at(Path::root().attribute("cluster")),
                )
            })?;
        let endpoint = text("endpoint").unwrap_or_default();
        let host = if endpoint.contains("://") {
            endpoint
        } else {
            format!("https://{endpoint}")
        };
        let expires_at = made.expires_at.map(|at| at.to_string());
        let mut result = config;
        result.set_entry("host", host);
        result.set_entry("ca_certificate", text("ca_certificate"));
        result.set_entry("token", made.token);
        result.set_entry("expires_at", expires_at.clone());
        let private = Private {
            cluster: cluster.name,
            expires_at: expires_at.unwrap_or_default(),
        };
        Ok(Opened {
            result,
            private: serde_json::to_vec(&private).unwrap_or_default(),
            // Terraform asks a minute before: at the end exactly.
            renew_at: made.expires_at.map(|at| at.as_second() + 60),
        })
    }

    /// Terraform cannot take another token for one that is in use. All that can be done is to say why things will fail.
    async fn renew(&self, _: &CallContext, private: Vec<u8>) -> Result<(Vec<u8>, Option<i64>), Diagnostics> {
        let Ok(kept) = serde_json::from_slice::<Private>(&private) else {
            return Ok((private, None));
        };
        Err(Diagnostics(vec![Diagnostic::warning(
            format!("The token of cluster {} has run out", kept.cluster),
            format!(
                "It was good until {}, and providers that were configured with it cannot be given another one in this run: what \
                 they still ask of the cluster is refused as unauthorized. Apply again to go on, or configure them with the exec \
                 plugin of kubeconfig, which gets a token whenever one is needed.",
                kept.expires_at
            ),
        )]))
    }

    async fn close(&self, _: &CallContext, _: Vec<u8>) -> Diagnostics {
        // Neither cloud takes such a token back: it runs out.
        Diagnostics::new()
    }
}

fn not_a_cluster(text: &str) -> Diagnostic {
    Diagnostic::error(
        "Not a cluster",
        format!(
            "\"{text}\" is neither the ARN of an EKS cluster (arn:aws:eks:<region>:<account>:cluster/<name>) nor the full name of a \
             GKE cluster (projects/<project>/locations/<location>/clusters/<name>). Write cluster = \
             mlops_environment.<name>.cluster_info."
        ),
    )
    .at(Path::root().attribute("cluster").attribute("arn"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_told_by_its_name() {
        let of = |text: &str| Cluster::of(text).map(|cluster| (cluster.cloud, cluster.name));
        assert_eq!(
            of("arn:aws:eks:eu-west-1:111122223333:cluster/shop"),
            Some((Which::Aws, "shop".to_owned()))
        );
        assert_eq!(
            of("projects/acme/locations/europe-west1/clusters/shop"),
            Some((Which::Gcp, "shop".to_owned()))
        );
        for text in [
            "shop",
            "arn:aws:eks:eu-west-1:111122223333:nodegroup/shop",
            "projects/p/clusters/shop",
            "",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
