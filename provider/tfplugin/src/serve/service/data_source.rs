//! ValidateDataResourceConfig and ReadDataSource.

use crate::diagnostic::Diagnostics;
use crate::proto::tfplugin6 as proto;
use crate::serve::wire;
use proto::read_data_source::{Request, Response};

use super::{Service, deferral};

impl Service {
    pub(super) async fn validate_data_source(
        &self,
        request: proto::validate_data_resource_config::Request,
    ) -> Diagnostics {
        let source = match self.catalog.data_source(&request.type_name) {
            Ok(source) => source,
            Err(diagnostic) => return diagnostic.into(),
        };
        let config = match wire::value(request.config.as_ref(), &source.ty, "configuration") {
            Ok(config) => config,
            Err(diagnostic) => return diagnostic.into(),
        };
        let doing = format!("checking the configuration of data.{}", request.type_name);
        self.check(
            &doing,
            async move { source.implementation.validate(&config).await },
        )
        .await
    }

    pub(super) async fn read_data_source(&self, request: Request) -> Response {
        let mut diagnostics = Diagnostics::new();
        let mut response = match self.data(request, &mut diagnostics).await {
            Ok(response) => response,
            Err(errors) => {
                diagnostics.0.extend(errors.0);
                Response::default()
            }
        };
        response.diagnostics = wire::diagnostics(diagnostics);
        response
    }

    async fn data(&self, request: Request, warnings: &mut Diagnostics) -> Result<Response, Diagnostics> {
        let source = self.catalog.data_source(&request.type_name)?;
        let config = wire::value(request.config.as_ref(), &source.ty, "configuration")?;
        let doing = format!("reading data.{}", request.type_name);
        let context = self.context(request.client_capabilities.as_ref());
        let (inner, implementation) = (context.clone(), source.implementation.clone());
        let handler = async move { implementation.read(&inner, config).await };
        let (state, said) = self.run(&context, &doing, handler).await??;
        *warnings = said;
        let deferred = deferral(&context, &doing)?;
        Ok(Response {
            state: Some(wire::dynamic(&state, &source.ty, "data")?),
            deferred,
            ..Default::default()
        })
    }
}
