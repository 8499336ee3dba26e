//! ValidateDataResourceConfig and ReadDataSource.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::guard::{self, Subject};
use crate::proto::tfplugin6 as proto;
use crate::serve::wire;
use proto::read_data_source::{Request, Response};
use proto::validate_data_resource_config as validation;

use super::{Service, deferral};

impl Service {
    pub(super) async fn validate_data_source(&self, request: validation::Request) -> Vec<proto::Diagnostic> {
        let source = self.catalog.data_sources.get(&request.type_name);
        let diagnostics = self
            .data_checked(&request)
            .await
            .unwrap_or_else(Diagnostics::from);
        wire::diagnostics(&diagnostics, source.map(|source| &source.schema))
    }

    async fn data_checked(&self, request: &validation::Request) -> Result<Diagnostics, Diagnostic> {
        let source = self.catalog.data_source(&request.type_name)?;
        let config = wire::value(request.config.as_ref(), &source.ty, "configuration")?;
        let doing = format!("checking the configuration of data.{}", request.type_name);
        let context = self.context(None);
        let handler = async move { source.implementation.validate(&config).await };
        self.run(&context, &doing, handler).await
    }

    pub(super) async fn read_data_source(&self, request: Request) -> Response {
        let source = self.catalog.data_sources.get(&request.type_name).cloned();
        let (mut response, diagnostics) = self
            .data(request)
            .await
            .unwrap_or_else(|errors| (Response::default(), errors));
        let schema = source.as_ref().map(|source| &source.schema);
        response.diagnostics = wire::diagnostics(&diagnostics, schema);
        response
    }

    async fn data(&self, request: Request) -> Result<(Response, Diagnostics), Diagnostics> {
        let source = self.catalog.data_source(&request.type_name)?;
        let config = wire::value(request.config.as_ref(), &source.ty, "configuration")?;
        let doing = format!("reading data.{}", request.type_name);
        let context = self.context(request.client_capabilities.as_ref());
        let (inner, entry) = (context.clone(), source.clone());
        let handler = async move { entry.implementation.read(&inner, config).await };
        let (state, said) = self.run(&context, &doing, handler).await??;
        let deferred = deferral(&context, &doing)?;
        let (state, said) = match deferred {
            // What is deferred need not be known.
            Some(_) => (state, said),
            None => guard::data(Subject::new(&request.type_name, &source.schema), state, said)?,
        };
        let response = Response {
            state: Some(wire::dynamic(&state, &source.ty, "data")?),
            deferred,
            ..Default::default()
        };
        Ok((response, said))
    }
}
