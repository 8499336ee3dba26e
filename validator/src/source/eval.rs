//! Partial evaluation of expressions: what is known is computed, what is not becomes a hole that remembers its reference.
//!
//! Expressions are here; what names lead to is in [`lookup`], blocks and their repetition in [`blocks`], what is done with values in
//! [`combine`].
//!
//! Nothing here fails: an expression that cannot be evaluated is unknown, with the references it hangs on. Evaluation is
//! bounded in depth and in the number of steps, because configurations come from outside.

mod blocks;
mod combine;
mod lookup;
#[cfg(test)]
mod tests;

pub use combine::refine;
pub(crate) use combine::template;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use hcl_edit::expr::UnaryOperator;

use super::files::Sources;
use super::functions;
use super::syntax::{Expr, Kind, Piece};
use super::world::World;
use crate::document;
use crate::value::{Secret, Text, Unknown, Value};

use combine::binary;

type V = Value<'static>;

/// Deeper than any real configuration nests or chains.
const DEPTH: u32 = 96;
/// Steps one evaluator may take: about a second's work.
const STEPS: u32 = 2_000_000;

/// Object keys that mark a reference to a whole instance or module. NUL cannot stand in a Terraform name.
const INSTANCE: &str = "\0instance";
const MODULE: &str = "\0module";

/// Evaluates expressions of one configuration.
pub struct Evaluator<'a> {
    sources: &'a Sources,
    world: Box<dyn World + Send + 'a>,
    memo: RefCell<HashMap<String, Memo>>,
    /// What `for_each` of a body ranges over in a module instance: it is the same for every key.
    ranges: RefCell<HashMap<(String, usize), Arc<V>>>,
    /// A value was asked for while it was being worked out: what was made of the answer holds for that question only.
    circular: Cell<bool>,
    depth: Cell<u32>,
    steps: Cell<u32>,
}

/// A remembered value; one that is still being worked out stands for its own reference.
#[derive(Clone)]
enum Memo {
    Begun(V),
    Known(Arc<V>),
}

/// So many values are remembered from one question to the next.
const REMEMBERED: usize = 2_000;

impl std::fmt::Debug for Evaluator<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evaluator").finish_non_exhaustive()
    }
}

/// The names an expression can see beside the module's own.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The module instance: `module.a["x"]`, empty for the root.
    pub module: String,
    /// `each.key` and `each.value`.
    pub each: Option<(V, V)>,
    /// `count.index`.
    pub count: Option<usize>,
    /// `for` variables and dynamic iterators, innermost last.
    pub names: Vec<(String, V)>,
    pub(crate) element: Option<V>,
}

impl Scope {
    /// The scope of what stands in a module instance outside of repeated blocks.
    #[must_use]
    pub fn of(module: &str) -> Self {
        Self {
            module: module.to_owned(),
            ..Self::default()
        }
    }
}

/// Unknown because of a reference.
#[must_use]
pub fn hole(reference: impl Into<String>) -> V {
    Value::Unknown(Unknown {
        references: vec![reference.into()],
    })
}

impl<'a> Evaluator<'a> {
    /// An evaluator of `sources` that knows what `world` knows.
    #[must_use]
    pub fn new(sources: &'a Sources, world: impl World + Send + 'a) -> Self {
        Self {
            sources,
            world: Box::new(world),
            memo: RefCell::default(),
            ranges: RefCell::default(),
            circular: Cell::new(false),
            depth: Cell::new(0),
            steps: Cell::new(0),
        }
    }

    /// Begins another question: what was worked out for earlier ones is kept, as far as it holds for all and is not too much.
    pub fn begin(&self) {
        let exhausted = self.steps.get() >= STEPS;
        if exhausted || self.circular.get() || self.memo.borrow().len() > REMEMBERED || self.depth.get() > 0 {
            self.memo.borrow_mut().clear();
            self.ranges.borrow_mut().clear();
        }
        self.world.tidy();
        self.circular.set(false);
        self.depth.set(0);
        self.steps.set(0);
    }

    /// The value under a key of the memory; worked out the first time. A question that leads back to itself gets `own`.
    fn once(&self, key: String, own: impl FnOnce() -> V, work: impl FnOnce() -> V) -> Arc<V> {
        match self.memo.borrow().get(&key) {
            Some(Memo::Known(v)) => return Arc::clone(v),
            Some(Memo::Begun(own)) => {
                self.circular.set(true);
                return Arc::new(own.clone());
            }
            None => {}
        }
        self.memo.borrow_mut().insert(key.clone(), Memo::Begun(own()));
        let v = Arc::new(work());
        self.memo.borrow_mut().insert(key, Memo::Known(Arc::clone(&v)));
        v
    }

    /// Evaluates an expression.
    #[must_use]
    pub fn eval(&self, e: &Expr, scope: &Scope) -> V {
        if self.depth.get() >= DEPTH || self.steps.get() >= STEPS {
            return Value::unknown();
        }
        self.depth.set(self.depth.get() + 1);
        self.steps.set(self.steps.get() + 1);
        let v = self.eval_kind(&e.kind, scope);
        self.depth.set(self.depth.get() - 1);
        v
    }

    fn eval_kind(&self, kind: &Kind, scope: &Scope) -> V {
        match kind {
            Kind::Literal(v) => v.clone(),
            Kind::List(items) => Value::List(items.iter().map(|i| self.eval(i, scope)).collect()),
            Kind::Object(entries) => self.object(entries, scope),
            Kind::Template(pieces) => {
                let mut parts = Vec::new();
                self.pieces(pieces, scope, &mut parts);
                template(parts)
            }
            Kind::Name(name) => self.name(name, scope),
            Kind::Get(base, name) => self.get(base, name, scope),
            Kind::Index(base, index) => {
                let index = self.eval(index, scope);
                if let Some(one) = self.element(base, &index, scope) {
                    return one;
                }
                match self.remembered(base, scope) {
                    Some(all) => self.index(&all, &index),
                    None => self.index(&self.eval(base, scope), &index),
                }
            }
            Kind::Splat(base, rest) => {
                let base = self.eval(base, scope);
                let one = |v: &V| {
                    let mut inner = scope.clone();
                    inner.element = Some(v.clone());
                    self.eval(rest, &inner)
                };
                match base.bare() {
                    Value::List(items) => Value::List(items.iter().map(one).collect()),
                    Value::Null => Value::List(Vec::new()),
                    Value::Unknown(_) => base.clone(),
                    _ => Value::List(vec![one(&base)]),
                }
            }
            Kind::Element => scope.element.clone().unwrap_or_else(Value::unknown),
            Kind::Call(name, args, expand) => self.call(name, args, *expand, scope),
            Kind::If(condition, yes, no) => {
                let c = self.eval(condition, scope);
                match c.as_bool() {
                    Some(true) => self.eval(yes, scope),
                    Some(false) => self.eval(no, scope),
                    None => {
                        let (a, b) = (self.eval(yes, scope), self.eval(no, scope));
                        // The same either way is known whatever the condition.
                        if a == b && a.is_wholly_known() {
                            a
                        } else {
                            functions::unknown_of(&[c, a, b])
                        }
                    }
                }
            }
            Kind::Unary(op, e) => {
                let v = self.eval(e, scope);
                match op {
                    UnaryOperator::Not => v.as_bool().map_or_else(
                        || functions::unknown_of(std::slice::from_ref(&v)),
                        |b| Value::Bool(!b),
                    ),
                    UnaryOperator::Neg => v.as_f64().map_or_else(
                        || functions::unknown_of(std::slice::from_ref(&v)),
                        |n| Value::Number(-n),
                    ),
                }
            }
            Kind::Binary(a, op, b) => binary(&self.eval(a, scope), *op, &self.eval(b, scope)),
            Kind::For(f) => self.for_expr(f, scope),
            Kind::Opaque => Value::unknown(),
        }
    }

    fn object(&self, entries: &[(Expr, Expr)], scope: &Scope) -> V {
        let mut out: Vec<(Text<'static>, V)> = Vec::with_capacity(entries.len());
        for (k, v) in entries {
            let key = self.eval(k, scope);
            let value = self.eval(v, scope);
            match functions::to_text(&key) {
                Some(k) => match out.iter_mut().find(|(have, _)| **have == *k) {
                    Some(slot) => slot.1 = value,
                    None => out.push((Text::from(k), value)),
                },
                // A key that is not known makes the set of keys unknown; the object is kept with the hole in the key.
                None => match functions::with_holes(&key) {
                    Some(k) => out.push((Text::from(k), value)),
                    None => return functions::unknown_of(&[key, value]),
                },
            }
        }
        Value::Object(out)
    }

    fn name(&self, name: &str, scope: &Scope) -> V {
        if let Some((_, v)) = scope.names.iter().rev().find(|(n, _)| n == name) {
            return v.clone();
        }
        match name {
            "each" => scope.each.as_ref().map_or_else(
                || hole("each"),
                |(k, v)| {
                    Value::Object(vec![
                        (Text::from("key"), k.clone()),
                        (Text::from("value"), v.clone()),
                    ])
                },
            ),
            "count" => scope.count.map_or_else(
                || hole("count.index"),
                |i| Value::Object(vec![(Text::from("index"), Value::Number(i as f64))]),
            ),
            other => hole(other),
        }
    }

    fn call(&self, name: &str, args: &[Expr], expand: bool, scope: &Scope) -> V {
        // These decide by whether an argument can be evaluated.
        if matches!(name, "try" | "can") {
            for a in args {
                let v = self.eval(a, scope);
                if !v.is_unknown() {
                    return if name == "can" { Value::Bool(true) } else { v };
                }
            }
            return Value::unknown();
        }
        // From plan JSON: an expression of which only the references are known.
        if name == "\0one_of" {
            let values: Vec<V> = args.iter().map(|a| self.eval(a, scope)).collect();
            return document::worst_case(&values)
                .map_or_else(|| functions::unknown_of(&values), |d| functions::jsonencode(&d));
        }
        let mut values: Vec<V> = args.iter().map(|a| self.eval(a, scope)).collect();
        if expand && let Some(last) = values.pop() {
            match last.bare() {
                Value::List(items) => values.extend(items.iter().cloned()),
                _ => return functions::unknown_of(&[last]),
            }
        }
        if matches!(name, "file" | "templatefile") {
            return self.file(name, &values, scope);
        }
        let sensitive = values.iter().any(Value::is_sensitive) && name != "nonsensitive";
        let v = functions::call(name, &values);
        if sensitive && !v.is_sensitive() {
            Value::Sensitive(Box::new(Secret::new(v)))
        } else {
            v
        }
    }

    /// `file(path)`, and `templatefile(path, names)` with its names in scope.
    fn file(&self, name: &str, args: &[V], scope: &Scope) -> V {
        let Some(text) = args
            .first()
            .and_then(Value::as_str)
            .and_then(|p| self.sources.file(p))
        else {
            return functions::unknown_of(args);
        };
        if name == "file" {
            return Value::string(text);
        }
        let Ok(parsed) = hcl_edit::parser::parse_template(&text) else {
            return Value::unknown();
        };
        let mut inner = Scope {
            module: scope.module.clone(),
            ..Scope::default()
        };
        for (k, v) in args.get(1).map(Value::entries).unwrap_or_default() {
            inner.names.push((k.to_string(), v.clone()));
        }
        let mut parts = Vec::new();
        self.pieces(&super::syntax::template_pieces(&parsed), &inner, &mut parts);
        template(parts)
    }

    fn for_expr(&self, f: &super::syntax::For, scope: &Scope) -> V {
        let all = self.eval(&f.collection, scope);
        let pairs: Vec<(V, V)> = match all.bare() {
            Value::List(items) => items
                .iter()
                .enumerate()
                .map(|(i, v)| (Value::Number(i as f64), v.clone()))
                .collect(),
            Value::Object(entries) if !entries.first().is_some_and(|(k, _)| k.starts_with('\0')) => entries
                .iter()
                .map(|(k, v)| (Value::String(k.clone()), v.clone()))
                .collect(),
            _ => return functions::unknown_of(&[all]),
        };
        let mut list = Vec::new();
        let mut object: Vec<(Text<'static>, V)> = Vec::new();
        for (k, v) in pairs {
            let mut inner = scope.clone();
            if let Some(name) = &f.key_name {
                inner.names.push((name.clone(), k));
            }
            inner.names.push((f.value_name.clone(), v));
            if let Some(c) = &f.condition {
                let c = self.eval(c, &inner);
                match c.as_bool() {
                    Some(false) => continue,
                    Some(true) => {}
                    None => return functions::unknown_of(&[c, all]),
                }
            }
            let value = self.eval(&f.value, &inner);
            match &f.key {
                None => list.push(value),
                Some(key) => {
                    let key = self.eval(key, &inner);
                    let Some(key) = functions::to_text(&key) else {
                        return functions::unknown_of(&[key]);
                    };
                    match (f.grouping, object.iter_mut().find(|(have, _)| **have == *key)) {
                        (true, Some((_, Value::List(l)))) => l.push(value),
                        (true, _) => object.push((Text::from(key), Value::List(vec![value]))),
                        (false, _) => object.push((Text::from(key), value)),
                    }
                }
            }
        }
        if f.key.is_some() {
            Value::Object(object)
        } else {
            Value::List(list)
        }
    }

    fn pieces(&self, pieces: &[Piece], scope: &Scope, out: &mut Vec<V>) {
        for p in pieces {
            match p {
                Piece::Text(s) => out.push(Value::string(s.clone())),
                Piece::Value(e) => out.push(self.eval(e, scope)),
                Piece::If(c, yes, no) => match self.eval(c, scope).as_bool() {
                    Some(true) => self.pieces(yes, scope, out),
                    Some(false) => self.pieces(no, scope, out),
                    None => out.push(Value::unknown()),
                },
                Piece::For(key, value, collection, body) => {
                    let all = self.eval(collection, scope);
                    let mut one = |k: V, v: V| {
                        let mut inner = scope.clone();
                        if let Some(name) = key {
                            inner.names.push((name.clone(), k));
                        }
                        inner.names.push((value.clone(), v));
                        self.pieces(body, &inner, out);
                    };
                    match all.bare() {
                        Value::List(items) => items
                            .iter()
                            .enumerate()
                            .for_each(|(i, v)| one(Value::Number(i as f64), v.clone())),
                        Value::Object(entries) => entries
                            .iter()
                            .for_each(|(k, v)| one(Value::String(k.clone()), v.clone())),
                        _ => out.push(Value::unknown()),
                    }
                }
            }
        }
    }
}
