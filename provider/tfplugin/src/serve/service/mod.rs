//! The service `tfplugin6.Provider` over the traits of [`crate::provider`].
//!
//! Every handler runs as a task of its own ([`super::call`]): a panic, a timeout or an interruption becomes a diagnostic, and
//! no call ever answers with a gRPC status, for that would lose the state that came with it.

mod catalog;
mod data_source;
mod ephemeral;
mod function;
mod resource;
mod state;

use std::future::Future;
use std::sync::Arc;

use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::call::{self, Ended};
use super::{Lifetime, MESSAGE_LIMIT, wire};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::proto::tfplugin6 as proto;
use crate::provider::{CallContext, Provider, StopReason};
use crate::value::Value;
use catalog::Catalog;
use proto::provider_server::ProviderServer;

/// The service. Clones share the provider.
#[derive(Clone)]
pub(crate) struct Service {
    provider: Arc<dyn Provider>,
    catalog: Arc<Catalog>,
    lifetime: Arc<Lifetime>,
}

impl Service {
    /// Takes stock of what `provider` offers and checks its schemas.
    pub(crate) fn new(provider: Arc<dyn Provider>, lifetime: Arc<Lifetime>) -> Self {
        let catalog = Catalog::new(provider.as_ref());
        for fault in &catalog.faults.0 {
            tracing::error!(detail = fault.detail, "{}", fault.summary);
        }
        Self {
            provider,
            catalog: Arc::new(catalog),
            lifetime,
        }
    }

    /// The gRPC service, with the limits of Go providers.
    pub(crate) fn into_server(self) -> ProviderServer<Self> {
        ProviderServer::new(self)
            .max_decoding_message_size(MESSAGE_LIMIT)
            .max_encoding_message_size(MESSAGE_LIMIT)
    }

    /// A context for one call.
    fn context(&self, capabilities: Option<&proto::ClientCapabilities>) -> CallContext {
        let mut context = CallContext::new(self.lifetime.call());
        context.deferral_allowed = capabilities.is_some_and(|client| client.deferral_allowed);
        context
    }

    /// Runs a handler that has no state to lose: whatever goes wrong is a diagnostic. `doing` completes "while ...".
    async fn run<T, F>(&self, context: &CallContext, doing: &str, handler: F) -> Result<T, Diagnostic>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        match call::run(&self.lifetime, context, None, handler).await {
            Ended::Answered(answer) => Ok(answer),
            Ended::Panicked(words) => Err(panicked(doing, &words)),
            Ended::Overran(reason) => Err(overran(doing, reason)),
        }
    }

    /// Messages about the provider block.
    fn of_provider(&self, said: Result<Diagnostics, Diagnostic>) -> Vec<proto::Diagnostic> {
        let diagnostics = said.unwrap_or_else(Diagnostics::from);
        wire::diagnostics(&diagnostics, Some(&self.catalog.provider_schema))
    }

    fn get_metadata(&self) -> proto::get_metadata::Response {
        use proto::get_metadata as metadata;
        let catalog = &self.catalog;
        metadata::Response {
            server_capabilities: Some(catalog::CAPABILITIES),
            diagnostics: wire::diagnostics(&catalog.faults, None),
            data_sources: names(&catalog.data_sources, |type_name| metadata::DataSourceMetadata {
                type_name,
            }),
            resources: names(&catalog.resources, |type_name| metadata::ResourceMetadata {
                type_name,
            }),
            functions: names(&catalog.functions, |name| metadata::FunctionMetadata { name }),
            ephemeral_resources: names(&catalog.ephemeral_resources, |type_name| {
                metadata::EphemeralMetadata { type_name }
            }),
        }
    }

    async fn validate_provider_config(
        &self,
        request: proto::validate_provider_config::Request,
    ) -> Result<Diagnostics, Diagnostic> {
        let config = self.provider_config(request.config.as_ref())?;
        let provider = self.provider.clone();
        let context = self.context(None);
        let handler = async move { provider.validate(&config).await };
        self.run(&context, "checking the provider configuration", handler)
            .await
    }

    async fn configure_provider(
        &self,
        request: proto::configure_provider::Request,
    ) -> Result<Diagnostics, Diagnostic> {
        let config = self.provider_config(request.config.as_ref())?;
        let provider = self.provider.clone();
        let context = self.context(request.client_capabilities.as_ref());
        let inner = context.clone();
        let handler = async move {
            provider
                .configure(&inner, config, &request.terraform_version)
                .await
        };
        self.run(&context, "configuring the provider", handler).await
    }

    fn provider_config(&self, config: Option<&proto::DynamicValue>) -> Result<Value, Diagnostic> {
        wire::value(config, &self.catalog.provider_type, "provider configuration")
    }
}

fn names<V, T>(map: &std::collections::BTreeMap<String, V>, make: impl Fn(String) -> T) -> Vec<T> {
    map.keys().cloned().map(make).collect()
}

/// What a panic becomes.
fn panicked(doing: &str, words: &str) -> Diagnostic {
    Diagnostic::error(
        "The provider panicked",
        format!(
            "While {doing}, the provider panicked: {words}\n\nThis is a bug in the provider. The place is in the log \
             (TF_LOG=error)."
        ),
    )
}

/// What an unheeded stop becomes.
fn overran(doing: &str, reason: StopReason) -> Diagnostic {
    let (summary, why) = match reason {
        StopReason::Interrupted => ("Interrupted", "was interrupted".to_owned()),
        StopReason::TimedOut(limit) => ("Timed out", format!("took longer than its timeout of {limit:?}")),
    };
    Diagnostic::error(
        summary,
        format!("While {doing}, the provider {why} and did not stop in order; it was cut off."),
    )
}

/// What a deferral becomes: `Ok` where Terraform allows it.
fn deferral(context: &CallContext, doing: &str) -> Result<Option<proto::Deferred>, Diagnostic> {
    match context.deferred() {
        None => Ok(None),
        Some(reason) if context.deferral_allowed => Ok(Some(wire::deferred(reason))),
        Some(reason) => Err(Diagnostic::error(
            "More must be known first",
            format!(
                "While {doing}, the provider found that this must wait for a later run ({reason:?}), which this Terraform \
                 run does not allow. Apply what it depends on first, for example with -target."
            ),
        )),
    }
}

/// One method of the trait: a span with the call's name, and an answer whatever happens.
macro_rules! rpc {
    ($($(#[$attribute:meta])* $name:ident: $request:path => $response:path, |$self:ident, $input:ident| $body:expr;)+) => {
        #[tonic::async_trait]
        impl proto::provider_server::Provider for Service {
            $(
                $(#[$attribute])*
                async fn $name(&self, request: Request<$request>) -> Result<Response<$response>, Status> {
                    let ($self, $input) = (self, request.into_inner());
                    let span = tracing::debug_span!("call", tf_rpc = stringify!($name));
                    let answer = async move {
                        tracing::trace!("called");
                        $body
                    };
                    Ok(Response::new(answer.instrument(span).await))
                }
            )+
        }
    };
}

rpc! {
    get_metadata: proto::get_metadata::Request => proto::get_metadata::Response,
        |this, _request| this.get_metadata();
    get_provider_schema: proto::get_provider_schema::Request => proto::get_provider_schema::Response,
        |this, _request| this.catalog.schemas();
    get_resource_identity_schemas:
        proto::get_resource_identity_schemas::Request => proto::get_resource_identity_schemas::Response,
        |this, _request| this.catalog.identity_schemas();
    validate_provider_config: proto::validate_provider_config::Request => proto::validate_provider_config::Response,
        |this, request| proto::validate_provider_config::Response {
            diagnostics: this.of_provider(this.validate_provider_config(request).await),
        };
    configure_provider: proto::configure_provider::Request => proto::configure_provider::Response,
        |this, request| proto::configure_provider::Response {
            diagnostics: this.of_provider(this.configure_provider(request).await),
        };
    stop_provider: proto::stop_provider::Request => proto::stop_provider::Response,
        |this, _request| {
            tracing::info!("Terraform was interrupted: stopping the calls that run");
            this.lifetime.stop();
            proto::stop_provider::Response::default()
        };
    validate_resource_config: proto::validate_resource_config::Request => proto::validate_resource_config::Response,
        |this, request| proto::validate_resource_config::Response {
            diagnostics: this.validate_resource(request).await,
        };
    upgrade_resource_state: proto::upgrade_resource_state::Request => proto::upgrade_resource_state::Response,
        |this, request| this.upgrade_state(request).await;
    upgrade_resource_identity: proto::upgrade_resource_identity::Request => proto::upgrade_resource_identity::Response,
        |this, request| this.upgrade_identity(request).await;
    read_resource: proto::read_resource::Request => proto::read_resource::Response,
        |this, request| this.read_resource(request).await;
    plan_resource_change: proto::plan_resource_change::Request => proto::plan_resource_change::Response,
        |this, request| this.plan_resource(request).await;
    apply_resource_change: proto::apply_resource_change::Request => proto::apply_resource_change::Response,
        |this, request| this.apply_resource(request).await;
    import_resource_state: proto::import_resource_state::Request => proto::import_resource_state::Response,
        |this, request| this.import_resource(request).await;
    move_resource_state: proto::move_resource_state::Request => proto::move_resource_state::Response,
        |this, request| this.move_resource(request).await;
    validate_data_resource_config:
        proto::validate_data_resource_config::Request => proto::validate_data_resource_config::Response,
        |this, request| proto::validate_data_resource_config::Response {
            diagnostics: this.validate_data_source(request).await,
        };
    read_data_source: proto::read_data_source::Request => proto::read_data_source::Response,
        |this, request| this.read_data_source(request).await;
    validate_ephemeral_resource_config:
        proto::validate_ephemeral_resource_config::Request => proto::validate_ephemeral_resource_config::Response,
        |this, request| proto::validate_ephemeral_resource_config::Response {
            diagnostics: this.validate_ephemeral(request).await,
        };
    open_ephemeral_resource: proto::open_ephemeral_resource::Request => proto::open_ephemeral_resource::Response,
        |this, request| this.open_ephemeral(request).await;
    renew_ephemeral_resource: proto::renew_ephemeral_resource::Request => proto::renew_ephemeral_resource::Response,
        |this, request| this.renew_ephemeral(request).await;
    close_ephemeral_resource: proto::close_ephemeral_resource::Request => proto::close_ephemeral_resource::Response,
        |this, request| proto::close_ephemeral_resource::Response {
            diagnostics: wire::diagnostics(&this.close_ephemeral(request).await, None),
        };
    get_functions: proto::get_functions::Request => proto::get_functions::Response,
        |this, _request| this.catalog.function_signatures();
    call_function: proto::call_function::Request => proto::call_function::Response,
        |this, request| this.call_function(request).await;
}

#[cfg(test)]
mod tests;
