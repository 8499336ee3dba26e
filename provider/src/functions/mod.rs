//! Provider functions: `provider::mlops::<name>(…)`. Pure, offline, and the same code as the provider's own decisions.

mod github_subject;
mod parse_id;
mod policy_allows;
mod provisioner_policy;
mod resource_name;
mod service_account_annotations;
mod trust_overlap;

use std::str::FromStr;
use std::sync::Arc;

use tfplugin::provider::{FunctionError, Parameter};
use tfplugin::{Function, Type, Value};

/// All functions.
pub(crate) fn all() -> Vec<Arc<dyn Function>> {
    [
        github_subject::function(),
        parse_id::function(),
        policy_allows::function(),
        provisioner_policy::function(),
        resource_name::function(),
        service_account_annotations::function(),
        trust_overlap::function(),
    ]
    .into_iter()
    .map(|function| Arc::new(function) as Arc<dyn Function>)
    .collect()
}

/// A function as a value.
struct Pure {
    name: &'static str,
    summary: &'static str,
    description: &'static str,
    parameters: Vec<Parameter>,
    variadic: Option<Parameter>,
    returns: Type,
    call: fn(&Arguments) -> Result<Value, FunctionError>,
}

impl Function for Pure {
    fn name(&self) -> &str {
        self.name
    }

    fn parameters(&self) -> Vec<Parameter> {
        self.parameters.clone()
    }

    fn variadic(&self) -> Option<Parameter> {
        self.variadic.clone()
    }

    fn returns(&self) -> Type {
        self.returns.clone()
    }

    fn summary(&self) -> String {
        self.summary.to_owned()
    }

    fn description(&self) -> String {
        self.description.to_owned()
    }

    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError> {
        (self.call)(&Arguments(arguments))
    }
}

fn text(name: &str, description: &str) -> Parameter {
    Parameter {
        name: name.to_owned(),
        ty: Type::String,
        description: description.to_owned(),
        allow_null: false,
    }
}

/// A map of texts that may be null.
fn optional_texts(name: &str, description: &str) -> Parameter {
    Parameter {
        name: name.to_owned(),
        ty: Type::map(Type::String),
        description: description.to_owned(),
        allow_null: true,
    }
}

/// The arguments of a call, wholly known: Terraform does not call with anything else.
struct Arguments(Vec<Value>);

impl Arguments {
    fn text(&self, at: usize) -> &str {
        self.0.get(at).and_then(Value::as_str).unwrap_or_default()
    }

    /// An argument read as what it must be.
    fn parsed<T: FromStr>(&self, at: usize) -> Result<T, FunctionError>
    where
        T::Err: std::fmt::Display,
    {
        self.text(at).parse().map_err(|error: T::Err| wrong(at, error))
    }

    /// Entries of a map that are not null.
    fn texts(&self, at: usize) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.0.get(at).and_then(Value::entries);
        entries
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }
}

/// An argument is wrong.
fn wrong(at: usize, why: impl std::fmt::Display) -> FunctionError {
    FunctionError {
        text: why.to_string(),
        argument: i64::try_from(at).ok(),
    }
}
