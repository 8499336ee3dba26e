//! CallFunction.

use crate::proto::tfplugin6 as proto;
use crate::provider::{Function, FunctionError, Parameter};
use crate::serve::wire;
use crate::value::Value;

use super::Service;

impl Service {
    pub(super) async fn call_function(
        &self,
        request: proto::call_function::Request,
    ) -> proto::call_function::Response {
        match self.function_result(request).await {
            Ok(result) => proto::call_function::Response {
                result: Some(result),
                error: None,
            },
            Err(error) => proto::call_function::Response {
                result: None,
                error: Some(proto::FunctionError {
                    text: error.text,
                    function_argument: error.argument,
                }),
            },
        }
    }

    async fn function_result(
        &self,
        request: proto::call_function::Request,
    ) -> Result<proto::DynamicValue, FunctionError> {
        let function = self
            .catalog
            .functions
            .get(&request.name)
            .cloned()
            .ok_or_else(|| {
                error(format!(
                    "this version of the provider has no function {:?}",
                    request.name
                ))
            })?;
        let arguments = arguments(function.as_ref(), &request.arguments)?;
        let returns = function.returns();
        let doing = format!("calling the function {}", request.name);
        let context = self.context(None);
        let handler = async move { function.call(arguments) };
        let result = self
            .run(&context, &doing, handler)
            .await
            .map_err(|diagnostic| error(diagnostic.detail))??;
        wire::dynamic(&result, &returns, "result").map_err(|diagnostic| error(diagnostic.detail))
    }
}

/// Decodes the arguments by the parameters, the last of which may be repeated.
fn arguments(
    function: &dyn Function,
    arguments: &[proto::DynamicValue],
) -> Result<Vec<Value>, FunctionError> {
    let fixed = function.parameters();
    let variadic = function.variadic();
    if arguments.len() < fixed.len() || (variadic.is_none() && arguments.len() > fixed.len()) {
        return Err(error(format!(
            "{} takes {} arguments, {} were given",
            function.name(),
            fixed.len(),
            arguments.len()
        )));
    }
    let parameters: Vec<&Parameter> = fixed
        .iter()
        .chain(std::iter::repeat_n(&variadic, arguments.len() - fixed.len()).flatten())
        .collect();
    arguments
        .iter()
        .zip(parameters)
        .zip(0..)
        .map(|((argument, parameter), position)| {
            wire::value(
                Some(argument),
                &parameter.ty,
                &format!("argument {:?}", parameter.name),
            )
            .map_err(|diagnostic| FunctionError {
                text: diagnostic.detail,
                argument: Some(position),
            })
        })
        .collect()
}

fn error(text: String) -> FunctionError {
    FunctionError { text, argument: None }
}
