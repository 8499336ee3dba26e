//! What the arguments of provider blocks hold, as far as a plan tells.

use super::origin::{self, Origin};
use crate::context::Context;
use crate::plan::{Expression, Provider};

/// How the value of a credential argument is given, in words that end a sentence; none when it is not set, empty, or comes from
/// an ephemeral resource.
pub(super) fn written(cx: &Context<'_>, provider: &Provider<'_>, e: &Expression<'_>) -> Option<String> {
    match e {
        Expression::Absent | Expression::Block(_) | Expression::Blocks(_) => None,
        Expression::Constant(v) if v.is_empty() => None,
        Expression::Constant(_) => Some("a literal".to_owned()),
        Expression::Opaque => Some("computed from literals or read from a file".to_owned()),
        Expression::References(refs) => {
            let first = refs.first()?;
            if refs.iter().any(|r| r.starts_with("ephemeral.")) {
                return None;
            }
            // A variable that is null by default and given nowhere sets nothing.
            let name = first.strip_prefix("var.").filter(|_| provider.module.is_empty());
            let unset = name.is_some_and(|n| cx.plan.variable(n).is_some_and(|v| v.is_empty()));
            if unset {
                return None;
            }
            Some(match origin::expression(cx, &provider.module, e, 16) {
                Origin::Default(p) => format!("the default of {p}"),
                Origin::Argument(p) => format!("handed over as a literal by {p}"),
                _ => format!("taken from {first}"),
            })
        }
    }
}
