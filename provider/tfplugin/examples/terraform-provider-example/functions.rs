//! `provider::example::join` and `provider::example::positive`.

use tfplugin::provider::{FunctionError, Parameter};
use tfplugin::{Function, Type, Value};

pub(crate) struct Join;

fn parameter(name: &str, ty: Type) -> Parameter {
    Parameter {
        name: name.to_owned(),
        ty,
        description: String::new(),
        allow_null: false,
    }
}

impl Function for Join {
    fn name(&self) -> &str {
        "join"
    }

    fn parameters(&self) -> Vec<Parameter> {
        vec![parameter("separator", Type::String)]
    }

    fn variadic(&self) -> Option<Parameter> {
        Some(parameter("parts", Type::String))
    }

    fn returns(&self) -> Type {
        Type::String
    }

    fn summary(&self) -> String {
        "Joins texts".to_owned()
    }

    fn description(&self) -> String {
        "Joins any number of texts with a separator.".to_owned()
    }

    fn call(&self, arguments: Vec<Value>) -> Result<Value, FunctionError> {
        let texts: Vec<&str> = arguments.iter().filter_map(Value::as_str).collect();
        match texts.split_first() {
            Some((_, [])) | None => Err(FunctionError {
                text: "nothing to join".to_owned(),
                argument: None,
            }),
            Some((separator, parts)) => Ok(Value::String(parts.join(separator))),
        }
    }
}

pub(crate) struct Positive;

impl Function for Positive {
    fn name(&self) -> &str {
        "positive"
    }

    fn parameters(&self) -> Vec<Parameter> {
        vec![parameter("number", Type::Number)]
    }

    fn returns(&self) -> Type {
        Type::Number
    }

    fn summary(&self) -> String {
        "The number, if it is positive".to_owned()
    }

    fn description(&self) -> String {
        "Gives the number back; anything but a positive one is an error at the argument, and 42 a panic."
            .to_owned()
    }

    fn call(&self, mut arguments: Vec<Value>) -> Result<Value, FunctionError> {
        let number = arguments.pop().unwrap_or(Value::Null);
        match number.as_f64() {
            Some(42.0) => panic!("no answer may be 42"),
            Some(value) if value > 0.0 => Ok(number),
            _ => Err(FunctionError {
                text: "must be greater than 0".to_owned(),
                argument: Some(0),
            }),
        }
    }
}
