//! The provider as Terraform sees it.

use std::sync::Arc;

use async_trait::async_trait;
use tfplugin::schema::Schema;
use tfplugin::{
    CallContext, DataSource, Diagnostics, EphemeralResource, Function, Provider, Resource, Value,
};

use crate::clouds::Clouds;
use crate::resource::{Environment, Partings, Rhythm};
use crate::settings::{self, Settings};
use crate::state_backend::StateBackend;
use crate::{data, ephemeral, functions};

/// The provider.
#[derive(Debug, Clone, Default)]
pub struct Mlops {
    clouds: Arc<Clouds>,
    rhythm: Rhythm,
    partings: Arc<Partings>,
}

impl Mlops {
    /// A provider that has not been configured.
    pub fn new() -> Self {
        Self::default()
    }

    /// A provider over clouds that are open already: tests bring drivers of their own.
    pub fn with_clouds(clouds: Arc<Clouds>) -> Self {
        Self {
            clouds,
            ..Self::default()
        }
    }

    /// With another rhythm of the signs of life that an apply gives: tests have no minute to watch one.
    #[must_use]
    pub fn with_rhythm(self, rhythm: Rhythm) -> Self {
        Self { rhythm, ..self }
    }
}

#[async_trait]
impl Provider for Mlops {
    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn schema(&self) -> Schema {
        settings::schema()
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        let environment = Environment::new(Arc::clone(&self.clouds), self.rhythm);
        vec![
            Arc::new(environment.with_partings(Arc::clone(&self.partings))),
            Arc::new(StateBackend::new(Arc::clone(&self.clouds))),
        ]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![
            Arc::new(data::EnvironmentSource::new(Arc::clone(&self.clouds))),
            Arc::new(data::KubernetesManifests::new(Arc::clone(&self.clouds))),
            Arc::new(data::PermissionSets::new(Arc::clone(&self.clouds))),
        ]
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        functions::all()
    }

    fn ephemeral_resources(&self) -> Vec<Arc<dyn EphemeralResource>> {
        vec![Arc::new(ephemeral::ClusterToken::new(Arc::clone(&self.clouds)))]
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        Settings::validate(config)
    }

    async fn configure(&self, _: &CallContext, config: Value, _: &str) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        match Settings::read(&config) {
            Ok(settings) => diagnostics.0.extend(self.clouds.configure(settings).await),
            Err(error) => diagnostics.push(error),
        }
        diagnostics
    }

    async fn released(&self) {
        self.partings.say().await;
    }
}
