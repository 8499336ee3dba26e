//! `mlops_environment`: one concern of the protocol a file.

mod apply;
mod assemble;
mod claims;
mod destroy;
mod import;
mod kept;
mod lease;
mod origin;
mod parting;
mod plan;
mod private;
mod reached;
mod read;
mod report;
pub mod schema;
mod standing;
mod state;
mod timeouts;
mod update;
mod upgrade;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mlops_environment::{Environment as Model, Spec};
use tfplugin::provider::ImportTarget;
use tfplugin::schema::Schema;
use tfplugin::{
    ApplyRequest, ApplyResponse, CallContext, Diagnostic, Diagnostics, Imported, Path, PlanRequest,
    PlanResponse, ReadRequest, ReadResponse, Resource, Value,
};

pub use lease::Rhythm;
pub(crate) use parting::Partings;
pub(crate) use standing::Standing;
pub(crate) use wanted::{Wanted, wanted};

use self::claims::Claims;
use crate::clouds::{Cloud, Clouds};
use crate::executor::Executor;

/// The resource.
#[derive(Debug)]
pub struct Environment {
    clouds: Arc<Clouds>,
    schema: Schema,
    rhythm: Rhythm,
    partings: Arc<Partings>,
}

impl Environment {
    /// The resource over these clouds.
    pub fn new(clouds: Arc<Clouds>, rhythm: Rhythm) -> Self {
        Self {
            clouds,
            schema: schema::schema(),
            rhythm,
            partings: Arc::default(),
        }
    }

    /// With this place for what is to be said once Terraform has the answers.
    #[must_use]
    pub(crate) fn with_partings(self, partings: Arc<Partings>) -> Self {
        Self { partings, ..self }
    }

    /// The hands of one call. They stop with the call, and by themselves when the claim is lost.
    fn executor(&self, cloud: &Cloud, context: &CallContext) -> Executor {
        Executor {
            driver: Arc::clone(&cloud.driver),
            limit: cloud.concurrency,
            cancelled: context.cancelled.child_token(),
        }
    }

    fn claims<'a>(&'a self, executor: &'a Executor, model: &'a Model) -> Claims<'a> {
        Claims {
            driver: &executor.driver,
            model,
            rhythm: self.rhythm,
            partings: &self.partings,
            cancelled: &executor.cancelled,
        }
    }
}

/// Whether a complaint is about something that is not known yet, about a part of it, or about what holds it.
fn speaks_of(path: &Path, unknown: &[Path]) -> bool {
    unknown
        .iter()
        .any(|other| path.steps().starts_with(other.steps()) || other.steps().starts_with(path.steps()))
}

#[async_trait]
impl Resource for Environment {
    fn type_name(&self) -> &str {
        "mlops_environment"
    }

    fn schema(&self) -> Schema {
        self.schema.clone()
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        let mut diagnostics = timeouts::validate(config);
        match wanted::config(&self.schema, config) {
            Ok((settings, unknown)) => {
                let mut complaints = wanted::errors(&Spec::check(&settings));
                // What is not known yet is not missing.
                complaints.0.retain(|complaint| {
                    !complaint
                        .path
                        .as_ref()
                        .is_some_and(|path| speaks_of(path, &unknown))
                });
                diagnostics.0.extend(complaints.0);
            }
            Err(errors) => diagnostics.0.extend(errors.0),
        }
        diagnostics
    }

    fn identity_schema(&self) -> Option<Schema> {
        Some(import::identity_schema())
    }

    fn identity(&self, state: &Value) -> Option<Value> {
        import::identity(state)
    }

    async fn import(&self, _: &CallContext, target: ImportTarget) -> Result<Imported, Diagnostic> {
        import::import(self, target).await
    }

    async fn upgrade(&self, from: u64, state: serde_json::Value) -> Result<serde_json::Value, Diagnostic> {
        upgrade::upgrade(from, state)
    }

    async fn read(&self, context: &CallContext, request: ReadRequest) -> ReadResponse {
        read::read(self, context, request).await
    }

    async fn plan(&self, _: &CallContext, request: PlanRequest) -> PlanResponse {
        plan::plan(self, request).await
    }

    async fn apply(&self, context: &CallContext, request: ApplyRequest) -> ApplyResponse {
        if request.planned.is_null() {
            destroy::destroy(self, context, request).await
        } else {
            apply::apply(self, context, request).await
        }
    }

    fn timeout(&self, prior: &Value, planned: &Value) -> Option<Duration> {
        Some(match (prior.is_null(), planned.is_null()) {
            (true, _) => timeouts::of(planned, "create"),
            (false, false) => timeouts::of(planned, "update"),
            (false, true) => timeouts::of(prior, "delete"),
        })
    }
}
