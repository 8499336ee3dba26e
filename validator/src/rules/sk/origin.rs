//! Where a value was written: in the code, in a default, or elsewhere.
//!
//! A secret that a data source reads is no secret in the code, a sensitive variable without a default neither. What the
//! configuration writes as a constant is, however many modules it passes on its way.

use crate::address;
use crate::context::Context;
use crate::finding::Place;
use crate::plan::{Action, Expression, Resource};
use crate::value::Path;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Origin {
    /// A constant, or a function of constants, in the configuration.
    Literal,
    /// The default of a variable; the place is that variable's.
    Default(Place),
    /// A constant handed to a module; the place is the call's argument.
    Argument(Place),
    /// Locals and loops, of which the plan does not say what they hold.
    Unclear,
    /// A data source, a resource, or a variable without a default: not in the code.
    Elsewhere,
    /// Not written at all: the provider made it.
    Computed,
}

impl Origin {
    /// True when the value stands in the code, as far as can be seen.
    pub(super) const fn is_written(&self) -> bool {
        matches!(
            self,
            Self::Literal | Self::Default(_) | Self::Argument(_) | Self::Unclear
        )
    }

    /// How it got there, for a message: ` (the default of var.password)`.
    pub(super) fn note(&self) -> String {
        match self {
            Self::Default(p) => format!(" (the default of {p})"),
            Self::Argument(p) => format!(" (handed over by {p})"),
            _ => String::new(),
        }
    }

    /// The place where it is written, when that is not where it lands.
    pub(super) const fn written_at(&self) -> Option<&Place> {
        match self {
            Self::Default(p) | Self::Argument(p) => Some(p),
            _ => None,
        }
    }
}

/// Deeper than real configurations nest modules; a guard against cycles.
const DEPTH: usize = 16;

/// The origin of the attribute at `path` of `r`.
pub(super) fn of(cx: &Context<'_>, r: &Resource<'_>, path: &Path) -> Origin {
    let Some(block) = cx.plan.block_of(r) else {
        return Origin::Unclear;
    };
    let expressions = block.expressions();
    // The path may lead into a constant map or a JSON text: the nearest expression on the way speaks for what is below it.
    let mut nearest = &Expression::Absent;
    for n in (1..=path.0.len()).rev() {
        nearest = expressions.path(&Path(path.0[..n].to_vec()));
        if !matches!(
            nearest,
            Expression::Absent | Expression::Block(_) | Expression::Blocks(_)
        ) {
            break;
        }
    }
    match nearest {
        // `dynamic` blocks are not in the configuration of a plan. On create a provider's own values are unknown, so what is
        // known was written.
        Expression::Absent | Expression::Block(_) | Expression::Blocks(_) if r.action == Action::Create => {
            Origin::Unclear
        }
        Expression::Absent | Expression::Block(_) | Expression::Blocks(_) => Origin::Computed,
        e => expression(cx, &address::without_keys(r.module()), e, DEPTH),
    }
}

/// The origin of an expression that stands in the module at `module` (a path without keys).
pub(super) fn expression(cx: &Context<'_>, module: &str, e: &Expression<'_>, depth: usize) -> Origin {
    let refs = match e {
        Expression::Constant(_) | Expression::Opaque => return Origin::Literal,
        Expression::References(refs) => refs,
        Expression::Absent => return Origin::Computed,
        Expression::Block(_) | Expression::Blocks(_) => return Origin::Unclear,
    };
    let mut best = Origin::Elsewhere;
    let mut seen = false;
    for r in refs {
        let parts = address::parts(r);
        let one = match parts.as_slice() {
            ["var", name, ..] if depth > 0 => variable(cx, module, &address::without_keys(name), depth - 1),
            // The key says which of several, not what.
            ["each", "key"] | ["count", "index"] if refs.len() > 1 => continue,
            ["local" | "each" | "count", ..] => Origin::Unclear,
            ["path" | "terraform" | "self", ..] => continue,
            ["module", call, output, ..] if depth > 0 => {
                let inner = address::in_module(module, &format!("module.{}", address::without_keys(call)));
                let output = address::without_keys(output);
                let found = cx
                    .plan
                    .configuration
                    .module(&inner)
                    .and_then(|m| m.outputs.iter().find(|(n, _, _)| **n == *output));
                found.map_or(Origin::Elsewhere, |(_, e, _)| {
                    expression(cx, &inner, e, depth - 1)
                })
            }
            _ => Origin::Elsewhere,
        };
        seen = true;
        // One part in the code is enough to be in the code; the most telling place wins.
        let rank = |o: &Origin| match o {
            Origin::Default(_) | Origin::Argument(_) => 3,
            Origin::Literal => 2,
            Origin::Unclear => 1,
            Origin::Elsewhere | Origin::Computed => 0,
        };
        if rank(&one) > rank(&best) {
            best = one;
        }
    }
    if seen { best } else { Origin::Literal }
}

fn variable(cx: &Context<'_>, module: &str, name: &str, depth: usize) -> Origin {
    let (caller, call) = match module.rfind("module.") {
        Some(at) => (
            module[..at].trim_end_matches('.'),
            Some(&module[at + "module.".len()..]),
        ),
        None => ("", None),
    };
    if let Some(call) = call {
        let argument = cx
            .plan
            .configuration
            .module(caller)
            .and_then(|m| m.calls.iter().find(|c| &*c.name == call))
            .map(|c| c.arguments.get(name).clone())
            .unwrap_or_default();
        if argument.is_set() {
            return match expression(cx, caller, &argument, depth) {
                Origin::Literal => Origin::Argument(Place::new(
                    address::in_module(caller, &format!("module.{call}")),
                    Path::default().name(name),
                )),
                other => other,
            };
        }
    }
    let Some(m) = cx.plan.configuration.module(module) else {
        return Origin::Unclear;
    };
    match m.variables.iter().find(|v| &*v.name == name) {
        // A default that another value replaced is not what lands here.
        Some(v)
            if !v.default.is_empty()
                && (call.is_some() || cx.plan.variable(name).is_none_or(|given| given == v.default)) =>
        {
            Origin::Default(m.variable_at(name))
        }
        _ => Origin::Elsewhere,
    }
}
