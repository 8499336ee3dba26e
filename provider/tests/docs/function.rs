//! A function as Markdown.

use std::fmt::Write as _;

use tfplugin::Type;
use tfplugin::provider::Function;

use crate::schema::plain;

/// The page below its head; `example` is a fenced block.
pub(crate) fn render(function: &dyn Function, example: &str) -> String {
    let name = function.name();
    let parameters = function.parameters();
    let variadic = function.variadic();
    let mut signature: Vec<String> = parameters
        .iter()
        .map(|parameter| format!("{} {}", parameter.name, keyword(&parameter.ty)))
        .collect();
    if let Some(last) = &variadic {
        signature.push(format!("{} {}...", last.name, keyword(&last.ty)));
    }
    let mut out = format!(
        "# function: {name}\n\n{}\n\n## Example Usage\n\n{example}## Signature\n\n```text\n{name}({}) {}\n```\n\n## Arguments\n\n",
        function.description(),
        signature.join(", "),
        keyword(&function.returns()),
    );
    for (number, parameter) in parameters.iter().chain(variadic.as_ref()).enumerate() {
        let nullable = if parameter.allow_null { ", Nullable" } else { "" };
        let repeated = if number == parameters.len() {
            ", Variadic"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "{}. `{}` ({}{nullable}{repeated}) {}",
            number + 1,
            parameter.name,
            plain(&parameter.ty),
            parameter.description
        );
    }
    out
}

/// A type as Terraform's own language writes it.
fn keyword(ty: &Type) -> String {
    match ty {
        Type::String => "string".into(),
        Type::Number => "number".into(),
        Type::Bool => "bool".into(),
        Type::Dynamic => "dynamic".into(),
        Type::List(inner) => format!("list of {}", keyword(inner)),
        Type::Set(inner) => format!("set of {}", keyword(inner)),
        Type::Map(inner) => format!("map of {}", keyword(inner)),
        Type::Object(_) => "object".into(),
        Type::Tuple(_) => "tuple".into(),
    }
}
