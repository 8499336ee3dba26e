//! `trust_overlap`: whether one token could enter two roles, by the algebra that keeps our own apart.

use mlops_access::trust::{Overlap, TokenSet};
use tfplugin::provider::FunctionError;
use tfplugin::{Type, Value};

use super::{Arguments, Pure, text, wrong};

pub(super) fn function() -> Pure {
    Pure {
        name: "trust_overlap",
        summary: "A token that enters two roles, if there is one",
        description: "Compares two AWS trust policies (JSON) as sets of tokens: issuers, audiences, subjects with their \
            wildcards, denials. `disjoint` is true when it is proven that no token, service or principal enters both; else \
            `token` shows one that does, or `doubt` says why it cannot be told. Roles of different purposes should be disjoint.",
        parameters: vec![
            text("a", "A trust policy, as JSON."),
            text("b", "Another trust policy, as JSON."),
        ],
        variadic: None,
        returns: Type::object([
            ("disjoint", Type::Bool),
            ("token", Type::String),
            ("doubt", Type::String),
        ]),
        call,
    }
}

fn call(arguments: &Arguments) -> Result<Value, FunctionError> {
    let read = |at: usize| TokenSet::of_aws_trust(arguments.text(at)).map_err(|error| wrong(at, error));
    let (disjoint, token, doubt) = match read(0)?.overlap(&read(1)?) {
        Overlap::None => (true, None, None),
        Overlap::Token(token) => (false, Some(token), None),
        Overlap::Unknown(token, doubt) => (false, token, Some(doubt)),
    };
    Ok(Value::object([
        ("disjoint", Value::from(disjoint)),
        ("token", Value::from(token.map(|token| token.to_string()))),
        ("doubt", Value::from(doubt.map(|doubt| doubt.to_string()))),
    ]))
}
