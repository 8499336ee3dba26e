//! Data sources, ephemeral resources and functions.

use serde_json::Value as Json;

use crate::proto::tfplugin6 as proto;
use crate::provider::FunctionError;
use crate::rules;
use crate::value::Value;

use super::{Failure, FakeCore, calls};

/// An ephemeral resource that is open.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What it gave.
    pub result: Value,
    /// When it must be renewed, seconds since the epoch.
    pub renew_at: Option<i64>,
    type_name: String,
    private: Option<Vec<u8>>,
}

impl FakeCore {
    /// Reads a data source with `config`, JSON by its schema.
    ///
    /// # Errors
    /// `config` does not fit, the provider refused, or its answer breaks core's rules.
    pub async fn read_data(&mut self, type_name: &str, config: Json) -> Result<Value, Failure> {
        let sources = self.provider.data_sources();
        let schema = sources
            .iter()
            .find(|source| source.type_name() == type_name)
            .map(|source| source.schema())
            .ok_or_else(|| Failure::Config(format!("the provider has no data source {type_name:?}")))?;
        let ty = schema.ty();
        let config = Value::from_json(&ty, &config).map_err(|error| Failure::Config(error.to_string()))?;
        let config = Some(calls::dynamic(&config, &ty)?);
        let validated = self
            .client
            .validate_data_resource_config(proto::validate_data_resource_config::Request {
                type_name: type_name.to_owned(),
                config: config.clone(),
            })
            .await?;
        calls::accepted(validated.diagnostics)?;
        let read = self
            .client
            .read_data_source(proto::read_data_source::Request {
                type_name: type_name.to_owned(),
                config,
                provider_meta: None,
                client_capabilities: calls::capabilities(),
            })
            .await?;
        calls::accepted(read.diagnostics)?;
        let state = calls::value(read.state.as_ref(), &ty)?;
        super::resource::unbroken("ReadDataSource", rules::check_data(&schema, &state))?;
        Ok(state)
    }

    /// Opens an ephemeral resource with `config`, JSON by its schema.
    ///
    /// # Errors
    /// `config` does not fit, the provider refused, or its answer breaks core's rules.
    pub async fn open(&mut self, type_name: &str, config: Json) -> Result<Opened, Failure> {
        let offered = self.provider.ephemeral_resources();
        let schema = offered
            .iter()
            .find(|ephemeral| ephemeral.type_name() == type_name)
            .map(|ephemeral| ephemeral.schema())
            .ok_or_else(|| {
                Failure::Config(format!("the provider has no ephemeral resource {type_name:?}"))
            })?;
        let ty = schema.ty();
        let config = Value::from_json(&ty, &config).map_err(|error| Failure::Config(error.to_string()))?;
        let wire = Some(calls::dynamic(&config, &ty)?);
        let validated = self
            .client
            .validate_ephemeral_resource_config(proto::validate_ephemeral_resource_config::Request {
                type_name: type_name.to_owned(),
                config: wire.clone(),
            })
            .await?;
        calls::accepted(validated.diagnostics)?;
        let opened = self
            .client
            .open_ephemeral_resource(proto::open_ephemeral_resource::Request {
                type_name: type_name.to_owned(),
                config: wire,
                client_capabilities: calls::capabilities(),
            })
            .await?;
        calls::accepted(opened.diagnostics)?;
        let result = calls::value(opened.result.as_ref(), &ty)?;
        super::resource::unbroken(
            "OpenEphemeralResource",
            rules::check_ephemeral(&schema, &config, &result),
        )?;
        Ok(Opened {
            result,
            renew_at: opened.renew_at.map(|time| time.seconds),
            type_name: type_name.to_owned(),
            private: opened.private,
        })
    }

    /// Renews what is open.
    ///
    /// # Errors
    /// The provider refused.
    pub async fn renew(&mut self, opened: &mut Opened) -> Result<(), Failure> {
        let renewed = self
            .client
            .renew_ephemeral_resource(proto::renew_ephemeral_resource::Request {
                type_name: opened.type_name.clone(),
                private: opened.private.clone(),
            })
            .await?;
        calls::accepted(renewed.diagnostics)?;
        opened.private = renewed.private;
        opened.renew_at = renewed.renew_at.map(|time| time.seconds);
        Ok(())
    }

    /// Closes what is open.
    ///
    /// # Errors
    /// The provider refused.
    pub async fn close(&mut self, opened: Opened) -> Result<(), Failure> {
        let closed = self
            .client
            .close_ephemeral_resource(proto::close_ephemeral_resource::Request {
                type_name: opened.type_name,
                private: opened.private,
            })
            .await?;
        calls::accepted(closed.diagnostics).map(drop)
    }

    /// Calls a function of the provider.
    ///
    /// # Errors
    /// The outer one when the scenario is wrong or the answer cannot be decoded, the inner one is the function's own.
    pub async fn call(
        &mut self,
        name: &str,
        arguments: &[Value],
    ) -> Result<Result<Value, FunctionError>, Failure> {
        let functions = self.provider.functions();
        let function = functions
            .iter()
            .find(|function| function.name() == name)
            .ok_or_else(|| Failure::Config(format!("the provider has no function {name:?}")))?;
        let parameters = function.parameters();
        let types = parameters.iter().map(|parameter| parameter.ty.clone()).chain(
            function
                .variadic()
                .into_iter()
                .flat_map(|last| std::iter::repeat(last.ty)),
        );
        let encoded: Result<Vec<_>, _> = arguments
            .iter()
            .zip(types)
            .map(|(argument, ty)| calls::dynamic(argument, &ty))
            .collect();
        let answer = self
            .client
            .call_function(proto::call_function::Request {
                name: name.to_owned(),
                arguments: encoded?,
            })
            .await?;
        match answer.error {
            Some(error) => Ok(Err(FunctionError {
                text: error.text,
                argument: error.function_argument,
            })),
            None => calls::value(answer.result.as_ref(), &function.returns()).map(Ok),
        }
    }
}
