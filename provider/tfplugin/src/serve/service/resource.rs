//! Managed resources: ValidateResourceConfig, ReadResource, PlanResourceChange, ApplyResourceChange.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::guard::{self, Subject};
use crate::plan;
use crate::proto::tfplugin6 as proto;
use crate::provider::{ApplyRequest, PlanRequest, ReadRequest};
use crate::serve::call::{self, Ended};
use crate::serve::wire;
use proto::{apply_resource_change as apply, plan_resource_change as planning, read_resource as read};

use super::catalog::ResourceEntry;
use super::{Service, deferral, overran, panicked};

impl Service {
    pub(super) async fn validate_resource(
        &self,
        request: proto::validate_resource_config::Request,
    ) -> Vec<proto::Diagnostic> {
        let schema = self.catalog.resource_schema(&request.type_name);
        let diagnostics = self.validated(&request).await.unwrap_or_else(Diagnostics::from);
        wire::diagnostics(&diagnostics, schema)
    }

    async fn validated(
        &self,
        request: &proto::validate_resource_config::Request,
    ) -> Result<Diagnostics, Diagnostic> {
        let resource = self.catalog.resource(&request.type_name)?;
        let config = wire::value(request.config.as_ref(), &resource.entry.ty, "configuration")?;
        let doing = format!("checking the configuration of {}", request.type_name);
        let context = self.context(None);
        let handler = async move { resource.entry.implementation.validate(&config).await };
        self.run(&context, &doing, handler).await
    }

    pub(super) async fn read_resource(&self, request: read::Request) -> read::Response {
        let schema = self.catalog.resource_schema(&request.type_name);
        let kept = read::Response {
            new_state: request.current_state.clone(),
            private: request.private.clone(),
            new_identity: request.current_identity.clone(),
            ..Default::default()
        };
        let mut diagnostics = Diagnostics::new();
        let mut response = match self.read(request, &mut diagnostics).await {
            Ok(response) => response,
            Err(error) => {
                diagnostics.push(error);
                kept
            }
        };
        response.diagnostics = wire::diagnostics(&diagnostics, schema);
        response
    }

    async fn read(
        &self,
        request: read::Request,
        said: &mut Diagnostics,
    ) -> Result<read::Response, Diagnostic> {
        let resource = self.catalog.resource(&request.type_name)?;
        let asked = ReadRequest {
            state: wire::value(request.current_state.as_ref(), &resource.entry.ty, "stored state")?,
            private: request.private,
        };
        let doing = format!("reading {}", request.type_name);
        let context = self.context(request.client_capabilities.as_ref());
        let (inner, entry) = (context.clone(), resource.clone());
        let handler = async move {
            let response = entry.entry.implementation.read(&inner, asked.clone()).await;
            guard::read(entry.subject(), &asked, response)
        };
        let response = self.run(&context, &doing, handler).await?;
        said.extend(response.diagnostics);
        let deferred = deferral(&context, &doing)?;
        Ok(read::Response {
            new_state: Some(wire::dynamic(&response.state, &resource.entry.ty, "state read")?),
            new_identity: resource.identity_of(&response.state).or(request.current_identity),
            private: response.private,
            diagnostics: Vec::new(),
            deferred,
        })
    }

    pub(super) async fn plan_resource(&self, request: planning::Request) -> planning::Response {
        let schema = self.catalog.resource_schema(&request.type_name);
        let mut diagnostics = Diagnostics::new();
        let mut response = match self.plan(request, &mut diagnostics).await {
            Ok(response) => response,
            Err(error) => {
                diagnostics.push(error);
                planning::Response::default()
            }
        };
        response.diagnostics = wire::diagnostics(&diagnostics, schema);
        response
    }

    async fn plan(
        &self,
        request: planning::Request,
        said: &mut Diagnostics,
    ) -> Result<planning::Response, Diagnostic> {
        let resource = self.catalog.resource(&request.type_name)?;
        let ty = &resource.entry.ty;
        let prior = wire::value(request.prior_state.as_ref(), ty, "prior state")?;
        let config = wire::value(request.config.as_ref(), ty, "configuration")?;
        let doing = format!("planning {}", request.type_name);
        let context = self.context(request.client_capabilities.as_ref());
        let (inner, entry) = (context.clone(), resource.clone());
        let private = request.prior_private;
        let handler = async move {
            let asked = PlanRequest {
                proposed: plan::propose(&entry.entry.schema, &prior, &config),
                prior,
                config,
                private,
            };
            let response = entry.entry.implementation.plan(&inner, asked.clone()).await;
            guard::plan(entry.subject(), &asked, response)
        };
        let response = self.run(&context, &doing, handler).await?;
        said.extend(response.diagnostics);
        let deferred = deferral(&context, &doing)?;
        Ok(planning::Response {
            planned_state: Some(wire::dynamic(&response.planned, ty, "planned state")?),
            planned_identity: resource.identity_of(&response.planned).or(request.prior_identity),
            requires_replace: response.requires_replace.iter().map(wire::path).collect(),
            planned_private: response.private,
            diagnostics: Vec::new(),
            legacy_type_system: false,
            deferred,
        })
    }

    /// Applies. Whatever happens, the answer carries the best state there is: an error without it would orphan what the call has
    /// already made.
    pub(super) async fn apply_resource(&self, request: apply::Request) -> apply::Response {
        let kept = apply::Response {
            new_state: request.prior_state.clone(),
            private: request.planned_private.clone(),
            new_identity: request.planned_identity.clone(),
            ..Default::default()
        };
        let (resource, asked) = match self.asked_to_apply(&request) {
            Ok(asked) => asked,
            // Nothing was touched: the prior state, in the very bytes it came in.
            Err(diagnostic) => {
                return apply::Response {
                    diagnostics: wire::diagnostics(&diagnostic.into(), None),
                    ..kept
                };
            }
        };
        let doing = format!("{} {}", verb(&asked), request.type_name);
        let mut response = self.applied(&resource, asked, &doing).await;
        // The guard fits every state to the schema, so this does not fail; if it did, the prior state is what is left.
        let (new_state, new_identity) = match wire::dynamic(&response.state, &resource.entry.ty, "new state")
        {
            Ok(state) => (
                Some(state),
                resource.identity_of(&response.state).or(kept.new_identity),
            ),
            Err(fault) => {
                response.diagnostics.push(fault);
                (kept.new_state, kept.new_identity)
            }
        };
        apply::Response {
            new_state,
            private: response.private,
            diagnostics: wire::diagnostics(&response.diagnostics, Some(&resource.entry.schema)),
            legacy_type_system: false,
            new_identity,
        }
    }

    async fn applied(
        &self,
        resource: &Arc<ResourceEntry>,
        asked: ApplyRequest,
        doing: &str,
    ) -> crate::provider::ApplyResponse {
        let context = self.context(None);
        let timeout = resource
            .entry
            .implementation
            .timeout(&asked.prior, &asked.planned);
        let handler = {
            let (context, resource, asked) = (context.clone(), resource.clone(), asked.clone());
            async move {
                let response = resource.entry.implementation.apply(&context, asked.clone()).await;
                guard::apply(resource.subject(), &asked, response, context.last_checkpoint())
            }
        };
        let why = match call::run(&self.lifetime, &context, timeout, handler).await {
            Ended::Answered(response) => return response,
            Ended::Panicked(words) => panicked(doing, &words),
            Ended::Overran(reason) => overran(doing, reason),
        };
        guard::interrupted_apply(resource.subject(), &asked, context.last_checkpoint(), why)
    }

    fn asked_to_apply(
        &self,
        request: &apply::Request,
    ) -> Result<(Arc<ResourceEntry>, ApplyRequest), Diagnostic> {
        let resource = self.catalog.resource(&request.type_name)?;
        let ty = &resource.entry.ty;
        let asked = ApplyRequest {
            prior: wire::value(request.prior_state.as_ref(), ty, "prior state")?,
            planned: wire::value(request.planned_state.as_ref(), ty, "planned state")?,
            config: wire::value(request.config.as_ref(), ty, "configuration")?,
            private: request.planned_private.clone(),
        };
        Ok((resource, asked))
    }
}

impl ResourceEntry {
    /// For the guard.
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject::new(self.entry.implementation.type_name(), &self.entry.schema)
    }
}

fn verb(asked: &ApplyRequest) -> &'static str {
    match (asked.prior.is_null(), asked.planned.is_null()) {
        (true, _) => "creating",
        (false, true) => "destroying",
        (false, false) => "updating",
    }
}
