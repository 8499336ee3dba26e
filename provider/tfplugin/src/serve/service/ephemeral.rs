//! Ephemeral resources: ValidateEphemeralResourceConfig, Open-, Renew- and CloseEphemeralResource.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::guard::{self, Subject};
use crate::proto::tfplugin6 as proto;
use crate::serve::wire;
use proto::{
    close_ephemeral_resource as close, open_ephemeral_resource as open, renew_ephemeral_resource as renew,
};

use proto::validate_ephemeral_resource_config as validation;

use super::{Service, deferral};

impl Service {
    pub(super) async fn validate_ephemeral(&self, request: validation::Request) -> Vec<proto::Diagnostic> {
        let entry = self.catalog.ephemeral_resources.get(&request.type_name);
        let diagnostics = self
            .ephemeral_checked(&request)
            .await
            .unwrap_or_else(Diagnostics::from);
        wire::diagnostics(&diagnostics, entry.map(|entry| &entry.schema))
    }

    async fn ephemeral_checked(&self, request: &validation::Request) -> Result<Diagnostics, Diagnostic> {
        let entry = self.catalog.ephemeral(&request.type_name)?;
        let config = wire::value(request.config.as_ref(), &entry.ty, "configuration")?;
        let doing = format!("checking the configuration of ephemeral.{}", request.type_name);
        let context = self.context(None);
        let handler = async move { entry.implementation.validate(&config).await };
        self.run(&context, &doing, handler).await
    }

    pub(super) async fn open_ephemeral(&self, request: open::Request) -> open::Response {
        let entry = self.catalog.ephemeral_resources.get(&request.type_name).cloned();
        self.opened(request)
            .await
            .unwrap_or_else(|errors| open::Response {
                diagnostics: wire::diagnostics(&errors, entry.as_ref().map(|entry| &entry.schema)),
                ..Default::default()
            })
    }

    async fn opened(&self, request: open::Request) -> Result<open::Response, Diagnostics> {
        let entry = self.catalog.ephemeral(&request.type_name)?;
        let config = wire::value(request.config.as_ref(), &entry.ty, "configuration")?;
        let doing = format!("opening ephemeral.{}", request.type_name);
        let context = self.context(request.client_capabilities.as_ref());
        let (inner, implementation) = (context.clone(), entry.implementation.clone());
        let asked = config.clone();
        let handler = async move { implementation.open(&inner, asked).await };
        let opened = self.run(&context, &doing, handler).await??;
        let judged = deferral(&context, &doing).and_then(|deferred| {
            let subject = Subject::new(&request.type_name, &entry.schema);
            let result = match deferred {
                Some(_) => opened.result,
                None => guard::ephemeral(subject, &config, opened.result)?,
            };
            Ok((deferred, wire::dynamic(&result, &entry.ty, "result")?))
        });
        match judged {
            Ok((deferred, result)) => Ok(open::Response {
                diagnostics: Vec::new(),
                renew_at: opened.renew_at.map(timestamp),
                result: Some(result),
                private: Some(opened.private),
                deferred,
            }),
            Err(refused) => {
                // Terraform never closes what it was told could not be opened.
                let closing = close::Request {
                    type_name: request.type_name,
                    private: Some(opened.private),
                };
                let mut diagnostics = Diagnostics::from(refused);
                diagnostics.extend(self.close_ephemeral(closing).await);
                Err(diagnostics)
            }
        }
    }

    pub(super) async fn renew_ephemeral(&self, request: renew::Request) -> renew::Response {
        self.renewed(request)
            .await
            .unwrap_or_else(|errors| renew::Response {
                diagnostics: wire::diagnostics(&errors, None),
                ..Default::default()
            })
    }

    async fn renewed(&self, request: renew::Request) -> Result<renew::Response, Diagnostics> {
        let entry = self.catalog.ephemeral(&request.type_name)?;
        let doing = format!("renewing ephemeral.{}", request.type_name);
        let context = self.context(None);
        let inner = context.clone();
        let private = request.private.unwrap_or_default();
        let handler = async move { entry.implementation.renew(&inner, private).await };
        let (private, renew_at) = self.run(&context, &doing, handler).await??;
        Ok(renew::Response {
            diagnostics: Vec::new(),
            renew_at: renew_at.map(timestamp),
            private: Some(private),
        })
    }

    pub(super) async fn close_ephemeral(&self, request: close::Request) -> Diagnostics {
        let entry = match self.catalog.ephemeral(&request.type_name) {
            Ok(entry) => entry,
            Err(diagnostic) => return diagnostic.into(),
        };
        let doing = format!("closing ephemeral.{}", request.type_name);
        let context = self.context(None);
        let inner = context.clone();
        let private = request.private.unwrap_or_default();
        let handler = async move { entry.implementation.close(&inner, private).await };
        match self.run(&context, &doing, handler).await {
            Ok(diagnostics) => diagnostics,
            Err(diagnostic) => diagnostic.into(),
        }
    }
}

fn timestamp(seconds: i64) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds, nanos: 0 }
}
