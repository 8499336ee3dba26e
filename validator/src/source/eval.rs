//! Partial evaluation of expressions: what is known is computed, what is not becomes a hole that remembers its reference.
//!
//! Nothing here fails: an expression that cannot be evaluated is unknown, with the references it hangs on. Evaluation is
//! bounded in depth and in the number of steps, because configurations come from outside.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use hcl_edit::expr::{BinaryOperator, UnaryOperator};

use super::computed;
use super::files::{Located, Module, Sources};
use super::functions;
use super::syntax::{Body, Expr, Kind, Piece};
use crate::address;
use crate::document;
use crate::value::{Part, Secret, Template, Text, Unknown, Value};

type V = Value<'static>;

/// What is known beside the source: planned values.
pub trait World {
    /// Planned values of an instance (or data source) at an instance address.
    fn instance(&self, address: &str) -> Option<Arc<V>>;
    /// Instance addresses that a block makes inside one module instance: `module.a["x"]` and `aws_iam_role.r`.
    fn instances(&self, module: &str, block: &str) -> Option<Vec<String>>;
    /// Instances of a module call inside one module instance, as paths.
    fn module_instances(&self, module: &str, call: &str) -> Vec<String>;
    /// The value of a root variable.
    fn variable(&self, name: &str) -> Option<V>;
    /// Whether there is an instance at an instance address.
    fn has_instance(&self, address: &str) -> bool {
        self.instance(address).is_some()
    }
    /// Whether there is a module instance at a path.
    fn has_module(&self, _path: &str) -> bool {
        false
    }
    /// Forgets what it keeps beside the plan, when that has become much.
    fn tidy(&self) {}
}

/// Nothing is known but the source.
#[derive(Debug)]
pub struct Nothing;

impl World for Nothing {
    fn instance(&self, _: &str) -> Option<Arc<V>> {
        None
    }
    fn instances(&self, _: &str, _: &str) -> Option<Vec<String>> {
        None
    }
    fn module_instances(&self, _: &str, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn variable(&self, _: &str) -> Option<V> {
        None
    }
}

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

    /// The scope in which the block of an instance is evaluated: its module, and `each`/`count` from its key.
    #[must_use]
    pub fn scope_of(&self, instance: &str, block: &Body) -> Scope {
        let module = address::split_module(instance).0;
        self.keyed(module, address::key(instance), block)
    }

    fn keyed(&self, module: &str, key: Option<&str>, block: &Body) -> Scope {
        let mut scope = Scope::of(module);
        match key {
            Some(k) if k.starts_with('"') => {
                let key: V = Value::string(
                    serde_json::from_str::<String>(k).unwrap_or_else(|_| k.trim_matches('"').to_owned()),
                );
                let value = match block.get("for_each") {
                    Some(e) => self
                        .element(e, &key, &scope)
                        .unwrap_or_else(|| self.ranged(e, &key, &scope)),
                    None => Value::unknown(),
                };
                scope.each = Some((key, value));
            }
            Some(k) => scope.count = k.parse().ok(),
            None => {}
        }
        scope
    }

    /// `each.value` for a key of what `for_each` ranges over.
    fn ranged(&self, for_each: &Expr, key: &V, scope: &Scope) -> V {
        let known = (scope.module.clone(), std::ptr::from_ref(for_each).addr());
        let remembered = self.ranges.borrow().get(&known).map(Arc::clone);
        let all = remembered.unwrap_or_else(|| {
            let all = Arc::new(self.eval(for_each, scope));
            self.ranges.borrow_mut().insert(known, Arc::clone(&all));
            all
        });
        match all.bare() {
            Value::Object(_) => all.get(key.as_str().unwrap_or_default()).clone(),
            Value::List(_) => key.clone(),
            _ => Value::unknown(),
        }
    }

    /// `base[index]` where base is a repeated block or module call: the one instance, without looking at the others.
    fn element(&self, base: &Expr, index: &V, scope: &Scope) -> Option<V> {
        let key = match index.bare() {
            Value::String(s) => serde_json::Value::String(s.to_string()).to_string(),
            Value::Number(n) => n.to_string(),
            _ => return None,
        };
        let Kind::Get(inner, name) = &base.kind else {
            return None;
        };
        let shadowed = |root: &str| scope.names.iter().any(|(n, _)| n == root);
        let (mark, path) = match &inner.kind {
            Kind::Name(root) if shadowed(root) => return None,
            Kind::Name(root) => match root.as_str() {
                "var" | "local" | "each" | "count" | "path" | "terraform" | "self" | "data" | "ephemeral" => {
                    return None;
                }
                "module" => (MODULE, format!("module.{name}")),
                kind => (INSTANCE, format!("{kind}.{name}")),
            },
            Kind::Get(data, kind) if matches!(&data.kind, Kind::Name(n) if n == "data" && !shadowed(n)) => {
                (INSTANCE, format!("data.{kind}.{name}"))
            }
            _ => return None,
        };
        let address = format!("{}[{key}]", address::in_module(&scope.module, &path));
        let there = if mark == MODULE {
            self.world.has_module(&address)
        } else {
            self.world.has_instance(&address)
        };
        there.then(|| Value::Object(vec![(Text::from(mark), Value::string(address))]))
    }

    /// The source block of an instance.
    #[must_use]
    pub fn block(&self, instance: &str) -> Option<&'a Located> {
        let (module, inner) = address::split_module(instance);
        self.sources
            .module(module)?
            .resources
            .get(&*address::without_keys(inner))
    }

    /// An attribute of an instance: planned, refined by the source where the plan does not know, computed where it is
    /// determined by what is known (the ARN of a bucket by its name), else a hole.
    #[must_use]
    pub fn attribute(&self, instance: &str, name: &str) -> V {
        // A reference back to this attribute while it is being evaluated is unknown.
        let v = self.once(
            format!("{instance}\0{name}"),
            || hole(format!("{instance}.{name}")),
            || self.attribute_uncached(instance, name),
        );
        V::clone(&v)
    }

    fn attribute_uncached(&self, instance: &str, name: &str) -> V {
        let planned = self.world.instance(instance);
        let from_plan = planned.as_ref().map(|v| v.get(name).clone());
        if let Some(v) = &from_plan
            && v.is_wholly_known()
            && !(v.is_null() && planned.is_none())
        {
            return v.clone();
        }
        let inner = address::split_module(instance).1;
        let kind = address::parts(inner);
        let (data, kind) = match kind.as_slice() {
            ["data", kind, ..] => (true, (*kind).to_owned()),
            [kind, ..] => (false, (*kind).to_owned()),
            [] => (false, String::new()),
        };
        let written = self.block(instance).and_then(|b| {
            let scope = self.scope_of(instance, &b.block.body);
            self.member(&b.block.body, name, &scope)
        });
        let value = match (from_plan, written) {
            (Some(p), Some(w)) => refine(p, w),
            (None, Some(w)) => w,
            (Some(p), None) if !p.is_unknown() => p,
            _ => Value::unknown(),
        };
        if !value.is_unknown() {
            return value;
        }
        if data && kind == "aws_iam_policy_document" && matches!(name, "json" | "minified_json") {
            let doc = document::of_data_source(&|argument| self.argument(instance, argument));
            return functions::jsonencode(&doc);
        }
        computed::attribute(&kind, data, name, &|attribute| {
            self.attribute(instance, attribute)
        })
        .unwrap_or_else(|| hole(format!("{instance}.{name}")))
    }

    /// An attribute that only the author sets: null when neither the plan nor the source has it.
    fn argument(&self, instance: &str, name: &str) -> V {
        let planned = self
            .world
            .instance(instance)
            .is_some_and(|v| !v.get(name).is_null());
        let written = self.block(instance).is_none_or(|b| {
            let body = &b.block.body;
            body.get(name).is_some()
                || body
                    .blocks
                    .iter()
                    .any(|b| b.kind == name || b.labels.first().is_some_and(|l| l == name))
        });
        if planned || written {
            self.attribute(instance, name)
        } else {
            Value::Null
        }
    }

    /// An attribute or the nested blocks of a name in a body; `None` when neither is written.
    fn member(&self, body: &Body, name: &str, scope: &Scope) -> Option<V> {
        if let Some(e) = body.get(name) {
            return Some(self.eval(e, scope));
        }
        let mut list = Vec::new();
        let mut any = false;
        for b in &body.blocks {
            if b.kind == name {
                any = true;
                list.push(self.body(&b.body, scope));
            } else if b.kind == "dynamic" && b.labels.first().is_some_and(|l| l == name) {
                any = true;
                self.dynamic(&b.body, name, scope, &mut list);
            }
        }
        any.then_some(Value::List(list))
    }

    fn dynamic(&self, body: &Body, name: &str, scope: &Scope, out: &mut Vec<V>) {
        let iterator = match body.get("iterator").map(|e| &e.kind) {
            Some(Kind::Name(n)) => n.clone(),
            _ => name.to_owned(),
        };
        let Some(content) = body.blocks_of("content").next() else {
            return;
        };
        let all = body
            .get("for_each")
            .map(|e| self.eval(e, scope))
            .unwrap_or_default();
        let mut one = |key: V, value: V| {
            let mut inner = scope.clone();
            inner.names.push((
                iterator.clone(),
                Value::Object(vec![(Text::from("key"), key), (Text::from("value"), value)]),
            ));
            out.push(self.body(&content.body, &inner));
        };
        match all.bare() {
            Value::List(items) => items.iter().for_each(|v| one(v.clone(), v.clone())),
            Value::Object(entries) => entries
                .iter()
                .for_each(|(k, v)| one(Value::String(k.clone()), v.clone())),
            Value::Unknown(_) | Value::Template(_) => out.push(all.clone()),
            _ => {}
        }
    }

    /// All attributes and nested blocks of a body as an object; nested blocks are lists.
    #[must_use]
    pub fn body(&self, body: &Body, scope: &Scope) -> V {
        let mut out: Vec<(Text<'static>, V)> = Vec::new();
        for a in &body.attributes {
            out.push((Text::from(a.name.clone()), self.eval(&a.value, scope)));
        }
        for b in &body.blocks {
            let name = if b.kind == "dynamic" {
                b.labels.first().map_or("", String::as_str)
            } else {
                &b.kind
            };
            if out.iter().any(|(k, _)| &**k == name) {
                continue;
            }
            if let Some(v) = self.member(body, name, scope) {
                out.push((Text::from(name.to_owned()), v));
            }
        }
        Value::Object(out)
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
            #[allow(clippy::cast_precision_loss)]
            "count" => scope.count.map_or_else(
                || hole("count.index"),
                |i| Value::Object(vec![(Text::from("index"), Value::Number(i as f64))]),
            ),
            other => hole(other),
        }
    }

    fn get(&self, base: &Expr, name: &str, scope: &Scope) -> V {
        if let Kind::Name(root) = &base.kind
            && !scope.names.iter().any(|(n, _)| n == root)
        {
            match root.as_str() {
                "var" => return self.variable(&scope.module, name),
                "local" => return V::clone(&self.local(&scope.module, name)),
                "module" => return self.module_call(&scope.module, name),
                "path" => {
                    let dir = self
                        .sources
                        .module(&scope.module)
                        .map(|m| m.dir.clone())
                        .unwrap_or_default();
                    return match name {
                        "module" => Value::string(if dir.is_empty() { ".".to_owned() } else { dir }),
                        "root" | "cwd" => Value::string("."),
                        _ => hole(format!("path.{name}")),
                    };
                }
                "terraform" | "self" | "data" | "ephemeral" => return hole(format!("{root}.{name}")),
                "each" | "count" => {}
                kind => return self.block_value(&scope.module, &format!("{kind}.{name}")),
            }
        }
        if let Kind::Get(inner, kind) = &base.kind
            && matches!(&inner.kind, Kind::Name(n) if n == "data")
        {
            return self.block_value(&scope.module, &format!("data.{kind}.{name}"));
        }
        match self.remembered(base, scope) {
            Some(all) => self.member_of(&all, name),
            None => self.member_of(&self.eval(base, scope), name),
        }
    }

    /// The value of `local.x` or `var.x` without a copy: such maps are large, and one element is asked for.
    fn remembered(&self, e: &Expr, scope: &Scope) -> Option<Arc<V>> {
        let Kind::Get(root, name) = &e.kind else {
            return None;
        };
        match &root.kind {
            Kind::Name(root) if scope.names.iter().any(|(n, _)| n == root) => None,
            Kind::Name(root) if root == "local" => Some(self.local(&scope.module, name)),
            Kind::Name(root) if root == "var" => Some(self.variable_shared(&scope.module, name)),
            _ => None,
        }
    }

    /// `x.name` of a value: of an instance its attribute, of a module its output.
    fn member_of(&self, base: &V, name: &str) -> V {
        match base.bare() {
            Value::Object(entries) => {
                if let Some((_, a)) = entries.first().filter(|(k, _)| &**k == INSTANCE) {
                    return self.attribute(a.as_str().unwrap_or_default(), name);
                }
                if let Some((_, m)) = entries.first().filter(|(k, _)| &**k == MODULE) {
                    return self.output(m.as_str().unwrap_or_default(), name);
                }
                rewrap(base, base.get(name).clone())
            }
            // An attribute of every element: legacy splat without the star is not valid, so this is an index by name.
            Value::Unknown(u) => Value::Unknown(Unknown {
                references: u.references.iter().map(|r| format!("{r}.{name}")).collect(),
            }),
            _ => Value::unknown(),
        }
    }

    fn index(&self, base: &V, index: &V) -> V {
        match (base.bare(), index.bare()) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            (Value::List(items), i) => match i.as_f64() {
                Some(n) => items.get(n as usize).cloned().unwrap_or_else(Value::unknown),
                None => functions::unknown_of(&[base.clone(), index.clone()]),
            },
            (Value::Object(entries), Value::String(k))
                if entries
                    .first()
                    .is_some_and(|(n, _)| &**n == INSTANCE || &**n == MODULE) =>
            {
                // `aws_x.n["arn"]` is the attribute.
                self.member_of(base, k)
            }
            // `x[0]` of a block that the source shows without count: take it as the block itself.
            (Value::Object(entries), Value::Number(_))
                if entries
                    .first()
                    .is_some_and(|(n, _)| &**n == INSTANCE || &**n == MODULE) =>
            {
                base.clone()
            }
            (Value::Object(_), i) => match functions::to_text(i) {
                Some(k) => {
                    let v = base.get(&k).clone();
                    if v.is_null() && !base.entries().iter().any(|(n, _)| **n == *k) {
                        Value::unknown()
                    } else {
                        rewrap(base, v)
                    }
                }
                None => functions::unknown_of(&[base.clone(), index.clone()]),
            },
            (Value::Unknown(u), i) => {
                let key = match i {
                    Value::String(s) => format!("[\"{s}\"]"),
                    Value::Number(n) => format!("[{n}]"),
                    _ => String::new(),
                };
                Value::Unknown(Unknown {
                    references: u.references.iter().map(|r| format!("{r}{key}")).collect(),
                })
            }
            _ => Value::unknown(),
        }
    }

    /// A reference to a whole resource or data source: one instance, or all by key.
    fn block_value(&self, module: &str, block: &str) -> V {
        let base = address::in_module(module, block);
        let marker = |a: &str| Value::Object(vec![(Text::from(INSTANCE), Value::string(a.to_owned()))]);
        let source = self.sources.module(module).and_then(|m| m.resources.get(block));
        let planned = self.world.instances(module, block).filter(|p| !p.is_empty());
        let addresses = planned.or_else(|| source.map(|b| self.expand(module, &base, &b.block.body)));
        let Some(addresses) = addresses else {
            return marker(&base);
        };
        by_key(&base, &addresses, &marker)
    }

    /// The instance addresses a body makes, by its `count` or `for_each`; one with an unknown key is given none.
    #[must_use]
    pub fn expand(&self, module: &str, base: &str, body: &Body) -> Vec<String> {
        let scope = Scope::of(module);
        if let Some(e) = body.get("count") {
            let n = self.eval(e, &scope);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            return match n.as_f64() {
                Some(n) => (0..(n.max(0.0) as usize).min(10_000))
                    .map(|i| format!("{base}[{i}]"))
                    .collect(),
                None => vec![format!("{base}[0]")],
            };
        }
        if let Some(e) = body.get("for_each") {
            let v = self.eval(e, &scope);
            let quoted = |k: &str| format!("{base}[{}]", serde_json::Value::String(k.to_owned()));
            return match v.bare() {
                Value::Object(entries) => entries.iter().map(|(k, _)| quoted(k)).collect(),
                Value::List(items) => items
                    .iter()
                    .filter_map(functions::to_text)
                    .map(|k| quoted(&k))
                    .collect(),
                _ => vec![base.to_owned()],
            };
        }
        vec![base.to_owned()]
    }

    fn module_call(&self, module: &str, call: &str) -> V {
        let base = address::in_module(module, &format!("module.{call}"));
        let marker = |a: &str| Value::Object(vec![(Text::from(MODULE), Value::string(a.to_owned()))]);
        let mut paths = self.world.module_instances(module, call);
        if paths.is_empty() {
            paths = match self.sources.module(module).and_then(|m| m.calls.get(call)) {
                Some(c) => self.expand(module, &base, &c.block.body),
                None => return hole(base),
            };
        }
        by_key(&base, &paths, &marker)
    }

    fn output(&self, module: &str, name: &str) -> V {
        let unknown = || hole(format!("{module}.{name}"));
        let v = self.once(format!("{module}\0output\0{name}"), unknown, || {
            self.sources
                .module(module)
                .and_then(|m| m.outputs.get(name))
                .and_then(|o| o.block.body.get("value"))
                .map_or_else(unknown, |e| self.eval(e, &Scope::of(module)))
        });
        V::clone(&v)
    }

    fn local(&self, module: &str, name: &str) -> Arc<V> {
        let unknown = || hole(address::in_module(module, &format!("local.{name}")));
        self.once(format!("{module}\0local\0{name}"), unknown, || {
            match self.sources.module(module).and_then(|m| m.locals.get(name)) {
                Some((_, a)) => self.eval(&a.value, &Scope::of(module)),
                None => unknown(),
            }
        })
    }

    /// The value of a variable in a module instance: the plan's for the root, the caller's argument below, else the default.
    #[must_use]
    pub fn variable(&self, module: &str, name: &str) -> V {
        V::clone(&self.variable_shared(module, name))
    }

    fn variable_shared(&self, module: &str, name: &str) -> Arc<V> {
        self.once(
            format!("{module}\0var\0{name}"),
            || hole(address::in_module(module, &format!("var.{name}"))),
            || self.variable_uncached(module, name),
        )
    }

    fn variable_uncached(&self, module: &str, name: &str) -> V {
        let declared = self
            .sources
            .module(module)
            .and_then(|m: &Module| m.variables.get(name));
        let given = if module.is_empty() {
            self.world.variable(name)
        } else {
            let (caller, call) = crate::references::parent(module);
            call.and_then(|c| self.sources.module(caller)?.calls.get(c))
                .and_then(|c| {
                    let scope = self.keyed(caller, address::key(module), &c.block.body);
                    c.block.body.get(name).map(|e| self.eval(e, &scope))
                })
        };
        let value = match given {
            Some(v) if !v.is_null() => Some(v),
            given => declared
                .and_then(|d| d.block.body.get("default"))
                .map(|e| self.eval(e, &Scope::of(module)))
                .or(given),
        };
        let value = value.unwrap_or_else(|| hole(address::in_module(module, &format!("var.{name}"))));
        let sensitive = declared.is_some_and(|d| {
            matches!(
                d.block.body.get("sensitive").map(|e| &e.kind),
                Some(Kind::Literal(Value::Bool(true)))
            )
        });
        if sensitive && !value.is_sensitive() {
            Value::Sensitive(Box::new(Secret::new(value)))
        } else {
            value
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
            #[allow(clippy::cast_precision_loss)]
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
                        #[allow(clippy::cast_precision_loss)]
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

/// Instances by key: the one without a key alone, indexed ones as a list, keyed ones as an object.
fn by_key(base: &str, addresses: &[String], marker: &dyn Fn(&str) -> V) -> V {
    if let [one] = addresses
        && one == base
    {
        return marker(one);
    }
    let key = |a: &str| {
        a.get(base.len() + 1..a.len().saturating_sub(1))
            .unwrap_or_default()
            .to_owned()
    };
    if addresses.iter().all(|a| key(a).parse::<usize>().is_ok()) {
        let mut sorted: Vec<(usize, &String)> = addresses
            .iter()
            .filter_map(|a| Some((key(a).parse().ok()?, a)))
            .collect();
        sorted.sort();
        return Value::List(sorted.into_iter().map(|(_, a)| marker(a)).collect());
    }
    Value::Object(
        addresses
            .iter()
            .map(|a| {
                (
                    Text::from(serde_json::from_str::<String>(&key(a)).unwrap_or_else(|_| key(a))),
                    marker(a),
                )
            })
            .collect(),
    )
}

fn rewrap(outer: &V, inner: V) -> V {
    if outer.is_sensitive() && !inner.is_sensitive() {
        Value::Sensitive(Box::new(Secret::new(inner)))
    } else {
        inner
    }
}

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

fn flush(known: &mut String, parts: &mut Vec<Part<'static>>) {
    if !known.is_empty() {
        parts.push(Part::Literal(Text::from(std::mem::take(known))));
    }
}

fn binary(a: &V, op: BinaryOperator, b: &V) -> V {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn value(source: &str, local: &str) -> V {
        let s = Sources::from_text(source);
        assert!(s.files[0].error.is_none(), "{:?}", s.files[0].error);
        V::clone(&Evaluator::new(&s, Nothing).local("", local))
    }

    fn text(source: &str, local: &str) -> String {
        functions::with_holes(&value(source, local))
            .unwrap_or_else(|| "(not a string)".into())
            .replace(functions::UNKNOWN_TEXT, "?")
    }

    #[test]
    fn json_with_an_unknown_reference_keeps_the_rest() {
        let src = r#"locals { p = jsonencode({ Action = "*", Resource = "${aws_kms_alias.b.arn}/*" }) }
            resource "aws_kms_alias" "b" {}"#;
        assert_eq!(text(src, "p"), r#"{"Action":"*","Resource":"?/*"}"#);
    }

    #[test]
    fn a_reference_back_to_itself_ends() {
        assert!(value("locals {\n a = local.b\n b = local.a\n}", "a").is_unknown());
    }

    #[test]
    fn the_arn_of_a_named_bucket_is_computed() {
        let src = "locals { p = \"${aws_s3_bucket.b.arn}/x\" }\nresource \"aws_s3_bucket\" \"b\" {\n  bucket = \"models\"\n}";
        assert_eq!(text(src, "p"), "arn:aws:s3:::models/x");
    }

    #[test]
    fn loops_conditionals_and_functions_are_evaluated() {
        assert_eq!(
            text(
                r#"locals { x = join(",", [for k, v in { b = 2, a = 1 } : "${k}=${v}" if v > 1]) }"#,
                "x"
            ),
            "b=2"
        );
        assert_eq!(
            text(
                r#"locals { x = true ? format("%s-%03d", upper("a"), 7) : "no" }"#,
                "x"
            ),
            "A-007"
        );
        assert_eq!(
            text(
                r#"locals { x = jsonencode(merge({ a = [1] }, { b = concat(["x"], ["y"]) })) }"#,
                "x"
            ),
            r#"{"a":[1],"b":["x","y"]}"#
        );
        assert_eq!(
            text(
                "locals {\n  x = <<-EOT\n    {\"a\": \"${lower(\"B\")}\"}\n  EOT\n}",
                "x"
            )
            .trim(),
            r#"{"a": "b"}"#
        );
    }

    #[test]
    fn a_data_document_is_built_from_its_blocks() {
        let src = r#"
            locals { p = data.aws_iam_policy_document.d.json }
            data "aws_iam_policy_document" "d" {
              statement {
                actions   = ["s3:GetObject"]
                resources = [aws_kms_alias.x.arn]
              }
              dynamic "statement" {
                for_each = toset(["a", "b"])
                content {
                  sid       = statement.value
                  actions   = ["${statement.key}:*"]
                  resources = ["*"]
                }
              }
            }
            resource "aws_kms_alias" "x" {}"#;
        assert_eq!(
            text(src, "p"),
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["?"]},{"Sid":"a","Effect":"Allow","Action":["a:*"],"Resource":["*"]},{"Sid":"b","Effect":"Allow","Action":["b:*"],"Resource":["*"]}]}"#
        );
    }

    #[test]
    fn sensitive_values_stay_sensitive_through_functions() {
        let v = value(
            "variable \"s\" {\n  default = \"hunter2\"\n  sensitive = true\n}\nlocals { x = upper(var.s) }",
            "x",
        );
        assert!(v.is_sensitive() && v.as_str() == Some("HUNTER2"));
        assert!(!format!("{v:?}").contains("HUNTER2"));
    }

    #[test]
    fn deep_nesting_is_unknown_and_does_not_overflow() {
        let src = format!("locals {{ x = {}1{} }}", "!".repeat(60), "");
        assert!(matches!(value(&src, "x"), Value::Unknown(_)));
    }
}
