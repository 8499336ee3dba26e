//! Managed resources: ValidateResourceConfig, ReadResource, PlanResourceChange, ApplyResourceChange.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::plan;
use crate::proto::tfplugin6 as proto;
use crate::provider::{ApplyRequest, ApplyResponse, CallContext, PlanRequest, ReadRequest};
use crate::serve::call::{self, Ended};
use crate::serve::wire;
use proto::{apply_resource_change as apply, plan_resource_change as planning, read_resource as read};

use super::catalog::ResourceEntry;
use super::{Service, answer, deferral, overran, panicked};

impl Service {
    pub(super) async fn validate_resource(
        &self,
        request: proto::validate_resource_config::Request,
    ) -> Diagnostics {
        let resource = match self.catalog.resource(&request.type_name) {
            Ok(resource) => resource,
            Err(diagnostic) => return diagnostic.into(),
        };
        let config = match wire::value(request.config.as_ref(), &resource.entry.ty, "configuration") {
            Ok(config) => config,
            Err(diagnostic) => return diagnostic.into(),
        };
        let doing = format!("checking the configuration of {}", request.type_name);
        let implementation = resource.entry.implementation.clone();
        self.check(&doing, async move { implementation.validate(&config).await })
            .await
    }

    pub(super) async fn read_resource(&self, request: read::Request) -> read::Response {
        let kept = (
            request.current_state.clone(),
            request.private.clone(),
            request.current_identity.clone(),
        );
        self.read(request).await.unwrap_or_else(|errors| read::Response {
            new_state: kept.0,
            private: kept.1,
            new_identity: kept.2,
            diagnostics: wire::diagnostics(errors),
            deferred: None,
        })
    }

    async fn read(&self, request: read::Request) -> Result<read::Response, Diagnostics> {
        let resource = self.catalog.resource(&request.type_name)?;
        let state = wire::value(request.current_state.as_ref(), &resource.entry.ty, "stored state")?;
        let doing = format!("reading {}", request.type_name);
        let context = self.context(request.client_capabilities.as_ref());
        let (inner, implementation) = (context.clone(), resource.entry.implementation.clone());
        let asked = ReadRequest {
            state: state.clone(),
            private: request.private,
        };
        let handler = async move { implementation.read(&inner, asked).await };
        let response = self.run(&context, &doing, handler).await?;
        let deferred = deferral(&context, &doing)?;
        Ok(read::Response {
            new_state: Some(wire::dynamic(&response.state, &resource.entry.ty, "state read")?),
            new_identity: resource.identity_of(&response.state).or(request.current_identity),
            private: response.private,
            diagnostics: wire::diagnostics(response.diagnostics),
            deferred,
        })
    }

    pub(super) async fn plan_resource(&self, request: planning::Request) -> planning::Response {
        self.plan(request)
            .await
            .unwrap_or_else(|errors| planning::Response {
                diagnostics: wire::diagnostics(errors),
                ..Default::default()
            })
    }

    async fn plan(&self, request: planning::Request) -> Result<planning::Response, Diagnostics> {
        let resource = self.catalog.resource(&request.type_name)?;
        let ty = &resource.entry.ty;
        let prior = wire::value(request.prior_state.as_ref(), ty, "prior state")?;
        let config = wire::value(request.config.as_ref(), ty, "configuration")?;
        let doing = format!("planning {}", request.type_name);
        let context = self.context(request.client_capabilities.as_ref());
        let asked = PlanRequest {
            proposed: plan::propose(&resource.entry.schema, &prior, &config),
            prior,
            config,
            private: request.prior_private,
        };
        let (inner, implementation) = (context.clone(), resource.entry.implementation.clone());
        let handed = asked.clone();
        let handler = async move { implementation.plan(&inner, handed).await };
        let response = self.run(&context, &doing, handler).await?;
        let response = answer::plan(&resource.entry.schema, &asked, response);
        let deferred = deferral(&context, &doing)?;
        Ok(planning::Response {
            planned_state: Some(wire::dynamic(&response.planned, ty, "planned state")?),
            planned_identity: resource.identity_of(&response.planned).or(request.prior_identity),
            requires_replace: response.requires_replace.iter().map(wire::path).collect(),
            planned_private: response.private,
            diagnostics: wire::diagnostics(response.diagnostics),
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
                    diagnostics: wire::diagnostics(diagnostic.into()),
                    ..kept
                };
            }
        };
        let context = self.context(None);
        let timeout = match asked.planned.is_null() {
            true => resource.entry.implementation.timeout(&asked.prior),
            false => resource.entry.implementation.timeout(&asked.planned),
        };
        let handler = {
            let (context, resource, asked) = (context.clone(), resource.clone(), asked.clone());
            async move {
                let response = resource.entry.implementation.apply(&context, asked.clone()).await;
                answer::apply(&resource.entry.schema, &asked, response)
            }
        };
        let doing = format!("{} {}", verb(&asked), request.type_name);
        let response = match call::run(&self.lifetime, &context, timeout, handler).await {
            Ended::Answered(response) => response,
            Ended::Panicked(words) => salvaged(&context, &asked, panicked(&doing, &words)),
            Ended::Overran(reason) => salvaged(&context, &asked, overran(&doing, reason)),
        };
        sent(&resource, response, kept)
    }

    fn asked_to_apply(
        &self,
        request: &apply::Request,
    ) -> Result<(std::sync::Arc<ResourceEntry>, ApplyRequest), Diagnostic> {
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

fn verb(asked: &ApplyRequest) -> &'static str {
    match (asked.prior.is_null(), asked.planned.is_null()) {
        (true, _) => "creating",
        (false, true) => "destroying",
        (false, false) => "updating",
    }
}

/// The answer of a handler that gave none: its last checkpoint, else what there was before. A create that may have begun is
/// kept as planned, so that there is something to destroy or to continue.
fn salvaged(context: &CallContext, asked: &ApplyRequest, mut why: Diagnostic) -> ApplyResponse {
    let (state, private, source) = match context.last_checkpoint() {
        Some((state, private)) => (state, private, "the progress it had recorded"),
        None if asked.prior.is_null() => (asked.planned.clone(), asked.private.clone(), "the plan"),
        None => (asked.prior.clone(), asked.private.clone(), "the state before"),
    };
    why.detail = format!("{}\n\nSaved in the state: {source}.", why.detail);
    ApplyResponse {
        state: state.unknown_as_null(),
        private,
        diagnostics: why.into(),
    }
}

/// The response as a message. A state that cannot be encoded falls back to the one before.
fn sent(resource: &ResourceEntry, response: ApplyResponse, kept: apply::Response) -> apply::Response {
    let mut diagnostics = response.diagnostics;
    let (new_state, new_identity) = match wire::dynamic(&response.state, &resource.entry.ty, "new state") {
        Ok(state) => (
            Some(state),
            resource.identity_of(&response.state).or(kept.new_identity),
        ),
        Err(fault) => {
            diagnostics.push(fault);
            (kept.new_state, kept.new_identity)
        }
    };
    apply::Response {
        new_state,
        private: response.private,
        diagnostics: wire::diagnostics(diagnostics),
        legacy_type_system: false,
        new_identity,
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::value::Value;

    fn asked(prior: Value) -> ApplyRequest {
        ApplyRequest {
            prior,
            planned: Value::String("planned".to_owned()),
            config: Value::Null,
            private: b"planned".to_vec(),
        }
    }

    fn why() -> Diagnostic {
        Diagnostic::error("broken", "It broke.")
    }

    #[test]
    fn the_checkpoint_is_the_best_state() {
        let context = CallContext::new(CancellationToken::new());
        context.checkpoint(Value::String("half".to_owned()), b"half".to_vec());
        let saved = salvaged(&context, &asked(Value::Null), why());
        assert_eq!(saved.state, Value::String("half".to_owned()));
        assert_eq!(saved.private, b"half");
        assert!(saved.diagnostics.has_errors());
    }

    #[test]
    fn a_create_without_checkpoint_keeps_the_plan_and_an_update_the_state_before() {
        let context = CallContext::new(CancellationToken::new());
        let created = salvaged(&context, &asked(Value::Null), why());
        assert_eq!(created.state, Value::String("planned".to_owned()));
        let updated = salvaged(&context, &asked(Value::String("before".to_owned())), why());
        assert_eq!(updated.state, Value::String("before".to_owned()));
    }
}
