//! Values out of values: templates, operators, and what a plan and its source know together.

use std::collections::HashMap;

use hcl_edit::expr::BinaryOperator;

use super::V;
use crate::source::functions;
use crate::value::{Part, Secret, Template, Text, Unknown, Value};

/// Joins the values of a template: a string when all are known, one hole alone stays what it is, else a template.
pub(crate) fn template(values: Vec<V>) -> V {
    if values.len() == 1 && !matches!(values[0].bare(), Value::Number(_) | Value::Bool(_)) {
        return values.into_iter().next().unwrap_or_default();
    }
    let sensitive = values.iter().any(Value::is_sensitive);
    let mut parts: Vec<Part<'static>> = Vec::new();
    let mut known = String::new();
    for v in values {
        match v.bare() {
            Value::Unknown(u) => {
                flush(&mut known, &mut parts);
                parts.push(Part::Hole(u.clone()));
            }
            Value::Template(t) => {
                for p in &t.0 {
                    match p {
                        Part::Literal(s) => known.push_str(s),
                        Part::Hole(u) => {
                            flush(&mut known, &mut parts);
                            parts.push(Part::Hole(u.clone()));
                        }
                    }
                }
            }
            other => match functions::to_text(other) {
                Some(s) => known.push_str(&s),
                None => {
                    flush(&mut known, &mut parts);
                    parts.push(Part::Hole(Unknown::default()));
                }
            },
        }
    }
    let v = if parts.is_empty() {
        Value::string(known)
    } else {
        flush(&mut known, &mut parts);
        Value::Template(Template(parts))
    };
    if sensitive {
        Value::Sensitive(Box::new(Secret::new(v)))
    } else {
        v
    }
}

pub(super) fn flush(known: &mut String, parts: &mut Vec<Part<'static>>) {
    if !known.is_empty() {
        parts.push(Part::Literal(Text::from(std::mem::take(known))));
    }
}

pub(super) fn binary(a: &V, op: BinaryOperator, b: &V) -> V {
    use BinaryOperator as O;
    let both = || functions::unknown_of(&[a.clone(), b.clone()]);
    match op {
        O::Eq | O::NotEq => {
            if !(a.is_wholly_known() && b.is_wholly_known()) {
                return both();
            }
            Value::Bool((a.bare() == b.bare()) == (op == O::Eq))
        }
        O::And => match (a.as_bool(), b.as_bool()) {
            (Some(false), _) | (_, Some(false)) => Value::Bool(false),
            (Some(true), Some(true)) => Value::Bool(true),
            _ => both(),
        },
        O::Or => match (a.as_bool(), b.as_bool()) {
            (Some(true), _) | (_, Some(true)) => Value::Bool(true),
            (Some(false), Some(false)) => Value::Bool(false),
            _ => both(),
        },
        _ => {
            let (Some(x), Some(y)) = (a.as_f64(), b.as_f64()) else {
                return both();
            };
            match op {
                O::Plus => Value::Number(x + y),
                O::Minus => Value::Number(x - y),
                O::Mul => Value::Number(x * y),
                O::Div => Value::Number(x / y),
                O::Mod => Value::Number(x % y),
                O::Less => Value::Bool(x < y),
                O::LessEq => Value::Bool(x <= y),
                O::Greater => Value::Bool(x > y),
                O::GreaterEq => Value::Bool(x >= y),
                _ => both(),
            }
        }
    }
}

/// What the plan knows, completed where it does not by what the source says.
#[must_use]
pub fn refine(planned: V, written: V) -> V {
    match (planned, written) {
        (Value::Unknown(_), w) => w,
        (Value::Sensitive(p), w) => Value::Sensitive(Box::new(Secret::new(refine(p.into_inner(), w)))),
        (p, Value::Sensitive(w)) => refine(p, w.into_inner()),
        (Value::Object(p), Value::Object(w)) => {
            let mut w: HashMap<String, V> = w.into_iter().map(|(k, v)| (k.to_string(), v)).collect();
            Value::Object(
                p.into_iter()
                    .map(|(k, v)| {
                        let v = match w.remove(&*k) {
                            Some(other) if !v.is_wholly_known() => refine(v, other),
                            _ => v,
                        };
                        (k, v)
                    })
                    .collect(),
            )
        }
        (Value::List(p), Value::List(w)) if p.len() == w.len() => {
            Value::List(p.into_iter().zip(w).map(|(p, w)| refine(p, w)).collect())
        }
        (p, _) => p,
    }
}
