//! A provider under a Terraform core that is played: whole scenarios in a test, in milliseconds, without terraform.
//!
//! [`FakeCore`] speaks to the provider over the real gRPC service, does what core does (upgrade, read, validate, plan, plan
//! again, apply) and judges every answer by [core's rules](crate::rules). It keeps the state, also after failures, as core
//! would.
//!
//! ```
//! # use tfplugin::{ApplyRequest, ApplyResponse, Attribute, CallContext, Diagnostics, PlanRequest, PlanResponse, Provider};
//! # use tfplugin::{ReadRequest, ReadResponse, Resource, Schema, Value};
//! # struct Thing;
//! # #[async_trait::async_trait]
//! # impl Resource for Thing {
//! #     fn type_name(&self) -> &str { "example_thing" }
//! #     fn schema(&self) -> Schema {
//! #         Schema::new()
//! #             .attribute("name", Attribute::string().required())
//! #             .attribute("id", Attribute::string().computed().keep())
//! #     }
//! #     async fn validate(&self, _: &Value) -> Diagnostics { Diagnostics::new() }
//! #     async fn read(&self, _: &CallContext, r: ReadRequest) -> ReadResponse {
//! #         ReadResponse { state: r.state, private: r.private, diagnostics: Diagnostics::new() }
//! #     }
//! #     async fn plan(&self, _: &CallContext, r: PlanRequest) -> PlanResponse {
//! #         PlanResponse { planned: r.proposed, requires_replace: vec![], private: vec![], diagnostics: Diagnostics::new() }
//! #     }
//! #     async fn apply(&self, _: &CallContext, r: ApplyRequest) -> ApplyResponse {
//! #         let mut state = r.planned;
//! #         if !state.is_null() { state.set_entry("id", "1"); }
//! #         ApplyResponse { state, private: vec![], diagnostics: Diagnostics::new() }
//! #     }
//! # }
//! # struct Example;
//! # #[async_trait::async_trait]
//! # impl Provider for Example {
//! #     fn version(&self) -> &str { "0" }
//! #     fn schema(&self) -> Schema { Schema::new() }
//! #     fn resources(&self) -> Vec<std::sync::Arc<dyn Resource>> { vec![std::sync::Arc::new(Thing)] }
//! #     async fn validate(&self, _: &Value) -> Diagnostics { Diagnostics::new() }
//! #     async fn configure(&self, _: &CallContext, _: Value, _: &str) -> Diagnostics { Diagnostics::new() }
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use serde_json::json;
//! use tfplugin::testing::{Action, FakeCore};
//!
//! let mut core = FakeCore::start(Example, json!({})).await?;
//! let config = core.config("example_thing", json!({ "name": "a" }))?;
//! let applied = core.converge("example_thing.a", &config).await?;
//! assert_eq!(applied.action, Action::Create);
//! core.destroy("example_thing.a").await?;
//! # Ok::<_, tfplugin::testing::Failure>(())
//! # }).unwrap();
//! ```

mod calls;
mod failure;
mod lookup;
mod raw;
mod resource;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::proto::tfplugin6 as proto;
use crate::provider::Provider;
use crate::schema::Schema;
use crate::serve::service::Service;
use crate::serve::{GRACE, Lifetime};
use crate::value::Value;
use calls::Client;
pub use failure::Failure;
pub use lookup::Opened;
pub use raw::RawClient;
pub use resource::{Action, Applied, Planned};

/// What is stored of one resource instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its attributes.
    pub value: Value,
    /// The provider's private data.
    pub private: Vec<u8>,
    /// Its creation failed: the next plan replaces it.
    pub tainted: bool,
    /// Version of the schema it was stored with.
    pub version: u64,
}

/// Terraform core, played. See the [module](self).
pub struct FakeCore {
    client: Client,
    provider: Arc<dyn Provider>,
    schemas: BTreeMap<String, Schema>,
    objects: BTreeMap<String, Object>,
    lifetime: Arc<Lifetime>,
}

/// Interrupts a [`FakeCore`] whose calls run, as Ctrl-C does.
#[derive(Debug, Clone)]
pub struct Interrupt(Arc<Lifetime>);

impl Interrupt {
    /// What StopProvider does: the calls that run are told to stop.
    pub fn stop(&self) {
        self.0.stop();
    }
}

impl FakeCore {
    /// Starts `provider`: asks for its schemas, validates and configures it with `config` (an object by its schema).
    ///
    /// # Errors
    /// The schemas have faults, `config` does not fit, or the provider refused it.
    pub async fn start(provider: impl Provider, config: Json) -> Result<Self, Failure> {
        let provider: Arc<dyn Provider> = Arc::new(provider);
        let lifetime = Arc::new(Lifetime::new(GRACE));
        let schemas = provider
            .resources()
            .into_iter()
            .map(|resource| (resource.type_name().to_owned(), resource.schema()));
        let mut core = Self {
            schemas: schemas.collect(),
            client: Client::new(Service::new(provider.clone(), lifetime.clone())),
            objects: BTreeMap::new(),
            provider,
            lifetime,
        };
        core.client.schema().await?;
        core.configure(config).await?;
        Ok(core)
    }

    /// Validates and configures the provider, again and again if need be.
    ///
    /// # Errors
    /// `config` does not fit the provider's schema, or the provider refused it.
    pub async fn configure(&mut self, config: Json) -> Result<(), Failure> {
        let ty = self.provider.schema().ty();
        let config = Value::from_json(&ty, &config).map_err(|error| Failure::Config(error.to_string()))?;
        let config = Some(calls::dynamic(&config, &ty)?);
        let validated = self
            .client
            .validate_provider_config(proto::validate_provider_config::Request {
                config: config.clone(),
            })
            .await?;
        calls::accepted(validated.diagnostics)?;
        let configured = self
            .client
            .configure_provider(proto::configure_provider::Request {
                terraform_version: "1.11.4".to_owned(),
                config,
                client_capabilities: None,
            })
            .await?;
        calls::accepted(configured.diagnostics)?;
        Ok(())
    }

    /// A configuration of a resource type out of JSON: what is left out is null.
    ///
    /// # Errors
    /// No such type, or the JSON does not fit it.
    pub fn config(&self, type_name: &str, config: Json) -> Result<Value, Failure> {
        let ty = self.schema(type_name)?.ty();
        if let (Some(given), Some(known)) = (config.as_object(), self.schemas.get(type_name))
            && let Some(name) = given
                .keys()
                .find(|name| !known.attributes.contains_key(*name) && !known.blocks.contains_key(*name))
        {
            return Err(Failure::Config(format!("{type_name} has no attribute {name:?}")));
        }
        Value::from_json(&ty, &config).map_err(|error| Failure::Config(error.to_string()))
    }

    /// What is stored, by address.
    pub fn objects(&self) -> &BTreeMap<String, Object> {
        &self.objects
    }

    /// What is stored under an address.
    pub fn object(&self, address: &str) -> Option<&Object> {
        self.objects.get(address)
    }

    /// Puts something into the state, for example what an older version stored, or what another `FakeCore` had.
    pub fn store(&mut self, address: &str, object: Object) {
        self.objects.insert(address.to_owned(), object);
    }

    /// Takes something out of the state, as `terraform state rm` does.
    pub fn forget(&mut self, address: &str) -> Option<Object> {
        self.objects.remove(address)
    }

    /// Takes the mark of a failed create away, as `terraform untaint` does.
    pub fn untaint(&mut self, address: &str) {
        if let Some(object) = self.objects.get_mut(address) {
            object.tainted = false;
        }
    }

    /// Something to interrupt a running call with, from another task.
    pub fn interrupt(&self) -> Interrupt {
        Interrupt(self.lifetime.clone())
    }

    fn schema(&self, type_name: &str) -> Result<Schema, Failure> {
        self.schemas
            .get(type_name)
            .cloned()
            .ok_or_else(|| Failure::Config(format!("the provider has no resource type {type_name:?}")))
    }
}
