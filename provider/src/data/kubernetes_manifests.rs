//! `data.mlops_kubernetes_manifests`: the files of one service, in the shape of an overlay.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use mlops_environment::reference;
use tfplugin::schema::{Attribute, Schema};
use tfplugin::{CallContext, DataSource, Diagnostic, Diagnostics, Path, Type, Value};

use super::described::Described;
use crate::clouds::Clouds;

/// The data source.
#[derive(Debug)]
pub(crate) struct KubernetesManifests(Described);

impl KubernetesManifests {
    pub(crate) fn new(clouds: Arc<Clouds>) -> Self {
        Self(Described::new(clouds))
    }
}

#[async_trait]
impl DataSource for KubernetesManifests {
    fn type_name(&self) -> &str {
        "mlops_kubernetes_manifests"
    }

    fn schema(&self) -> Schema {
        let texts = || Attribute::of(Type::Map(Box::new(Type::String)));
        self.0
            .schema(
                "Kubernetes manifests of one service of an environment, as a kustomize base: its namespaces with Pod Security \
                 labels, its ServiceAccounts with the annotations by which its pods enter their identities, its quotas and network \
                 policies. For the repository of the service, which neither needs nor gets those of others. Nothing has to \
                 stand.\n\nWhat the whole environment shares (deploy's rights, the admission policy) is in `manifests` of \
                 `mlops_environment`, applied once by an administrator.",
            )
            .attribute(
                "service",
                Attribute::string().required().describe("The service, a key of the environment's `services`."),
            )
            .attribute(
                "overlay",
                Attribute::string().computed().describe("Name of the overlay that these files are for: `<cloud>-<tier>`."),
            )
            .attribute(
                "manifests",
                texts().computed().describe("The files by name, `kustomization.yaml` among them."),
            )
            .attribute(
                "service_account_patch",
                Attribute::string().computed().describe(
                    "A patch of its annotated ServiceAccounts alone, for an overlay that has the rest already.",
                ),
            )
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        self.0.validate(config)
    }

    async fn read(&self, _: &CallContext, config: Value) -> Result<(Value, Diagnostics), Diagnostics> {
        let (model, world) = self.0.model(&config).await?;
        let service = config.get("service").and_then(Value::as_str).unwrap_or_default();
        let Some(files) = model.service_files(service) else {
            let known: Vec<&str> = model.spec.services.keys().map(|name| name.as_str()).collect();
            return Err(Diagnostic::error(
                format!("There is no service {service:?}"),
                format!(
                    "The environment has: {}. Name one of them, or add it to services.",
                    known.join(", ")
                ),
            )
            .at(Path::root().attribute("service"))
            .into());
        };
        let known = |text: String| Value::from(reference::fill(&text, &world));
        let patch = model.kustomize().remove(service).unwrap_or_default();
        let files: BTreeMap<String, Value> = files
            .into_iter()
            .map(|(name, text)| (name, known(text)))
            .collect();
        let mut result = config;
        result.set_entry("overlay", model.overlay());
        result.set_entry("manifests", Value::Map(files));
        result.set_entry("service_account_patch", known(patch));
        Ok((result, Diagnostics::new()))
    }
}
