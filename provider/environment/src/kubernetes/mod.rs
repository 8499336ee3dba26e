//! What an environment needs inside its cluster, as files: derived from the same spec as trusts and policies, so names,
//! namespaces and annotations are exactly those that the trusts name.
//!
//! Nothing here is applied by us: private endpoints are out of reach of most pipelines, and an administrator applies the
//! files once. Values that only the cloud knows stay references until they are known.

mod admission;
mod annotations;
mod kubeconfig;
mod kustomize;
mod manifests;
mod yaml;

pub(crate) use annotations::annotation;
pub use annotations::{AnnotationError, service_account_annotations};
use serde_json::{Map, Value, json};

use crate::environment::Environment;

/// Label of every object: which environment it belongs to.
const ENVIRONMENT_LABEL: &str = "mlops/environment";

impl Environment {
    fn labels(&self) -> Map<String, Value> {
        Map::from_iter([
            (
                "app.kubernetes.io/managed-by".to_owned(),
                json!("terraform-provider-mlops"),
            ),
            (ENVIRONMENT_LABEL.to_owned(), json!(self.spec.id.name.to_string())),
        ])
    }

    /// An object of the Kubernetes API with our labels; `namespace` is left out of cluster-wide ones.
    fn object(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
        namespace: Option<&str>,
    ) -> Map<String, Value> {
        let mut metadata = Map::from_iter([
            ("name".to_owned(), json!(name)),
            ("labels".to_owned(), self.labels().into()),
        ]);
        if let Some(namespace) = namespace {
            metadata.insert("namespace".to_owned(), json!(namespace));
        }
        Map::from_iter([
            ("apiVersion".to_owned(), json!(api_version)),
            ("kind".to_owned(), json!(kind)),
            ("metadata".to_owned(), metadata.into()),
        ])
    }
}
