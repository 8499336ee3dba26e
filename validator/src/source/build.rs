//! From source to configuration and plan, and from configuration back to something that can be evaluated.
//!
//! - [`configuration`]: what `terraform show -json` would print as `configuration`, for a saved plan that is judged on its own.
//! - [`sketch`]: a plan of a configuration nobody planned: what the source alone says. Used for examples in rule pages and for
//!   fixtures whose provider cannot be had.
//! - [`sources_of`]: the `configuration` of a plan JSON as a source, so that one evaluator serves both. It has the references of an
//!   expression but not its text, so it answers only where one reference *is* the expression.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::eval::Evaluator;
use super::files::{Located, Module as SourceModule, Sources, module_key};
use super::syntax::{Attribute, Block as SourceBlock, Body, Expr, Kind, Piece};
use super::world::{Nothing, World};
use crate::address;
use crate::plan::configuration::{
    Block, Configuration, Expression, Expressions, Module, ModuleCall, Provider, Variable,
};
use crate::plan::{Action, Mode, Output, Plan, Raw, Resource};
use crate::value::{Text, Value};

type V = Value<'static>;

/// Arguments of a block that are Terraform's own, not the resource's.
const META: [&str; 8] = [
    "count",
    "for_each",
    "provider",
    "depends_on",
    "lifecycle",
    "provisioner",
    "connection",
    "providers",
];

/// The configuration of a source.
#[must_use]
pub fn configuration(sources: &Sources) -> Configuration<'static> {
    let mut providers = Vec::new();
    let root = module(sources, "", String::new(), &mut providers, 0);
    let mut c = Configuration {
        root,
        providers,
        blocks: HashMap::new(),
    };
    c.index();
    c
}

fn module(
    sources: &Sources,
    key: &str,
    path: String,
    providers: &mut Vec<Provider<'static>>,
    depth: usize,
) -> Module<'static> {
    let Some(m) = sources.modules.get(key).filter(|_| depth < 32) else {
        return Module {
            path,
            ..Module::default()
        };
    };
    let evaluator = Evaluator::new(sources, Nothing);
    let calls = m
        .calls
        .iter()
        .map(|(name, c)| {
            let child = if key.is_empty() {
                name.clone()
            } else {
                format!("{key}.{name}")
            };
            ModuleCall {
                name: Text::from(name.clone()),
                source: c
                    .block
                    .body
                    .get("source")
                    .map(|e| evaluator.eval(e, &super::Scope::default()))
                    .and_then(|v| v.as_str().map(|s| Text::from(s.to_owned()))),
                count: c.block.body.get("count").map_or(Expression::Absent, expression),
                for_each: c
                    .block
                    .body
                    .get("for_each")
                    .map_or(Expression::Absent, expression),
                arguments: body(
                    &c.block.body,
                    &[
                        "source",
                        "version",
                        "count",
                        "for_each",
                        "providers",
                        "depends_on",
                    ],
                ),
                module: module(
                    sources,
                    &child,
                    address::in_module(&path, &format!("module.{name}")),
                    providers,
                    depth + 1,
                ),
            }
        })
        .collect();
    for p in &m.providers {
        let name = p.block.labels.first().cloned().unwrap_or_default();
        let alias = p.block.body.get("alias").and_then(|e| {
            if let Kind::Literal(v) = &e.kind {
                v.as_str().map(str::to_owned)
            } else {
                None
            }
        });
        let own = alias
            .as_ref()
            .map_or_else(|| name.clone(), |a| format!("{name}.{a}"));
        providers.push(Provider {
            key: Text::from(if path.is_empty() {
                own
            } else {
                format!("{path}:{own}")
            }),
            full_name: None,
            alias: alias.map(Text::from),
            module: Text::from(path.clone()),
            expressions: body(&p.block.body, &["alias", "version"]),
            name: Text::from(name),
        });
    }
    let literal = |b: &Body, name: &str| b.get(name).map(|e| evaluator.eval(e, &super::Scope::default()));
    Module {
        blocks: m
            .resources
            .iter()
            .map(|(name, b)| block(name, &b.block))
            .collect(),
        variables: m
            .variables
            .iter()
            .map(|(name, v)| Variable {
                name: Text::from(name.clone()),
                default: literal(&v.block.body, "default").unwrap_or_default(),
                sensitive: literal(&v.block.body, "sensitive")
                    .and_then(|v| v.as_bool())
                    .unwrap_or(false),
            })
            .collect(),
        outputs: m
            .outputs
            .iter()
            .map(|(name, o)| {
                let e = o.block.body.get("value").map_or(Expression::Absent, expression);
                (
                    Text::from(name.clone()),
                    e,
                    literal(&o.block.body, "sensitive")
                        .and_then(|v| v.as_bool())
                        .unwrap_or(false),
                )
            })
            .collect(),
        calls,
        path,
    }
}

fn block(name: &str, b: &SourceBlock) -> Block<'static> {
    Block {
        address: Text::from(name.to_owned()),
        kind: Text::from(b.labels.first().cloned().unwrap_or_default()),
        provider: b
            .body
            .get("provider")
            .and_then(|e| references(e).into_iter().next())
            .map(Text::from),
        repeated: b.body.get("count").is_some() || b.body.get("for_each").is_some(),
        for_each: b.body.get("for_each").map_or(Expression::Absent, expression),
        expressions: Expressions::Made(body(&b.body, &META)),
        provisioners: None,
        made_provisioners: b
            .body
            .blocks_of("provisioner")
            .map(|p| {
                (
                    Text::from(p.labels.first().cloned().unwrap_or_default()),
                    body(&p.body, &["when", "on_failure", "connection"]),
                )
            })
            .collect(),
    }
}

fn body(b: &Body, without: &[&str]) -> Expression<'static> {
    let mut out: Vec<(Text<'static>, Expression<'static>)> = b
        .attributes
        .iter()
        .filter(|a| !without.contains(&a.name.as_str()))
        .map(|a| (Text::from(a.name.clone()), expression(&a.value)))
        .collect();
    for inner in &b.blocks {
        if without.contains(&inner.kind.as_str()) || inner.kind == "dynamic" {
            continue;
        }
        let e = body(&inner.body, &[]);
        match out.iter_mut().find(|(k, _)| **k == inner.kind) {
            Some((_, Expression::Blocks(list))) => list.push(e),
            _ => out.push((Text::from(inner.kind.clone()), Expression::Blocks(vec![e]))),
        }
    }
    Expression::Block(out)
}

fn expression(e: &Expr) -> Expression<'static> {
    let whole = references(e);
    if !whole.is_empty() {
        let mut out: Vec<Text<'static>> = Vec::new();
        for r in whole {
            let mut r = r.as_str();
            loop {
                if !out.iter().any(|o| **o == *r) {
                    out.push(Text::from(r.to_owned()));
                }
                // Each shorter prefix down to what names a thing.
                let parts = address::parts(r);
                let least = match parts.first() {
                    Some(&"data") => 3,
                    _ => 2,
                };
                if parts.len() <= least
                    || matches!(
                        parts.first(),
                        Some(&("var" | "local" | "each" | "count" | "path" | "terraform"))
                    )
                {
                    break;
                }
                r = &r[..r.len() - parts[parts.len() - 1].len() - 1];
            }
        }
        return Expression::References(out);
    }
    let nothing = Sources::default();
    match Evaluator::new(&nothing, Nothing).eval(e, &super::Scope::default()) {
        v if v.is_wholly_known() => Expression::Constant(v.bare().clone()),
        _ => Expression::Opaque,
    }
}

/// The references of an expression, each once and in full: `aws_s3_bucket.b.arn`.
#[must_use]
pub fn references(e: &Expr) -> Vec<String> {
    let mut out = Vec::new();
    collect(e, &mut Vec::new(), &mut out);
    out
}

fn collect(e: &Expr, bound: &mut Vec<String>, out: &mut Vec<String>) {
    if let Some(path) = traversal(e) {
        let root = path.split(['.', '[']).next().unwrap_or_default();
        if !bound.iter().any(|b| b == root) && path.contains('.') && !out.contains(&path) {
            out.push(path);
        }
        if let Kind::Index(_, i) = &e.kind {
            collect(i, bound, out);
        }
        return;
    }
    let mut each = |es: &[&Expr], bound: &mut Vec<String>| es.iter().for_each(|e| collect(e, bound, out));
    match &e.kind {
        Kind::List(items) | Kind::Call(_, items, _) => items.iter().for_each(|i| each(&[i], bound)),
        Kind::Object(entries) => entries.iter().for_each(|(k, v)| each(&[k, v], bound)),
        Kind::Template(pieces) => pieces_references(pieces, bound, out),
        Kind::Get(b, _) | Kind::Unary(_, b) => each(&[b], bound),
        Kind::Index(a, b) | Kind::Binary(a, _, b) | Kind::Splat(a, b) => each(&[a, b], bound),
        Kind::If(a, b, c) => each(&[a, b, c], bound),
        Kind::For(f) => {
            each(&[&f.collection], bound);
            let n = bound.len();
            bound.extend(f.key_name.clone());
            bound.push(f.value_name.clone());
            f.key
                .iter()
                .chain(&f.condition)
                .chain([&f.value])
                .for_each(|e| each(&[e], bound));
            bound.truncate(n);
        }
        _ => {}
    }
}

fn pieces_references(pieces: &[Piece], bound: &mut Vec<String>, out: &mut Vec<String>) {
    for p in pieces {
        match p {
            Piece::Text(_) => {}
            Piece::Value(e) => collect(e, bound, out),
            Piece::If(c, a, b) => {
                collect(c, bound, out);
                pieces_references(a, bound, out);
                pieces_references(b, bound, out);
            }
            Piece::For(k, v, c, body) => {
                collect(c, bound, out);
                let n = bound.len();
                bound.extend(k.clone());
                bound.push(v.clone());
                pieces_references(body, bound, out);
                bound.truncate(n);
            }
        }
    }
}

/// `a.b[0].c` as text; `None` when the expression is not a plain traversal. A splat ends it.
fn traversal(e: &Expr) -> Option<String> {
    match &e.kind {
        Kind::Name(n) => Some(n.clone()),
        Kind::Get(b, name) => Some(format!("{}.{name}", traversal(b)?)),
        Kind::Index(b, i) => {
            let base = traversal(b)?;
            Some(match &i.kind {
                Kind::Literal(Value::String(s)) => {
                    format!("{base}[{}]", serde_json::Value::String(s.to_string()))
                }
                Kind::Literal(Value::Number(n)) => format!("{base}[{n}]"),
                _ => base,
            })
        }
        Kind::Splat(b, rest) => {
            // `x[*].json` refers to x.json, as far as names go.
            fn names(e: &Expr) -> Option<String> {
                match &e.kind {
                    Kind::Element => Some(String::new()),
                    Kind::Get(b, n) => Some(format!("{}.{n}", names(b)?)),
                    _ => None,
                }
            }
            Some(format!("{}{}", traversal(b)?, names(rest)?))
        }
        _ => None,
    }
}

/// A plan of what a source says, as if all of it were created.
#[must_use]
pub fn sketch(sources: &Sources) -> Plan<'static> {
    let evaluator = Evaluator::new(sources, Nothing);
    let mut plan = Plan {
        format_version: "1.2".into(),
        configuration: configuration(sources),
        ..Plan::default()
    };
    sketch_module(sources, &evaluator, "", &mut plan, 0);
    if let Some(root) = sources.modules.get("") {
        for (name, o) in &root.outputs {
            let v = o
                .block
                .body
                .get("value")
                .map(|e| evaluator.eval(e, &super::Scope::default()))
                .unwrap_or_default();
            let sensitive = o
                .block
                .body
                .get("sensitive")
                .is_some_and(|e| evaluator.eval(e, &super::Scope::default()).as_bool() == Some(true));
            plan.outputs.push(Output {
                name: Text::from(name.clone()),
                sensitive,
                after: Raw::Value(v),
                after_unknown: Raw::Absent,
            });
        }
        for name in root.variables.keys() {
            let v = evaluator.variable("", name);
            if !v.is_unknown() {
                plan.variables.push((Text::from(name.clone()), Raw::Value(v)));
            }
        }
    }
    plan.index();
    plan
}

fn sketch_module(
    sources: &Sources,
    evaluator: &Evaluator<'_>,
    instance: &str,
    plan: &mut Plan<'static>,
    depth: usize,
) {
    let Some(m) = sources
        .module(instance)
        .filter(|_| depth < 32 && plan.resources.len() < 100_000)
    else {
        return;
    };
    for (name, b) in &m.resources {
        let base = address::in_module(instance, name);
        for a in evaluator.expand(instance, &base, &b.block.body) {
            plan.resources.push(sketch_resource(evaluator, &a, b));
        }
    }
    for (name, c) in &m.calls {
        let base = address::in_module(instance, &format!("module.{name}"));
        for path in evaluator.expand(instance, &base, &c.block.body) {
            if sources.modules.contains_key(&module_key(&path)) {
                sketch_module(sources, evaluator, &path, plan, depth + 1);
            }
        }
    }
}

fn sketch_resource(evaluator: &Evaluator<'_>, instance: &str, b: &Located) -> Resource<'static> {
    let data = b.block.kind == "data";
    let kind = b.block.labels.first().cloned().unwrap_or_default();
    let scope = evaluator.scope_of(instance, &b.block.body);
    let mut trimmed = Body {
        attributes: b.block.body.attributes.clone(),
        blocks: b.block.body.blocks.clone(),
    };
    trimmed.attributes.retain(|a| !META.contains(&a.name.as_str()));
    trimmed.blocks.retain(|b| !META.contains(&b.kind.as_str()));
    let mut values = evaluator.body(&trimmed, &scope);
    if data
        && kind == "aws_iam_policy_document"
        && let Value::Object(entries) = &mut values
    {
        entries.push((Text::from("json"), evaluator.attribute(instance, "json")));
    }
    Resource {
        address: Text::from(instance.to_owned()),
        previous_address: None,
        mode: if data { Mode::Data } else { Mode::Managed },
        name: Text::from(b.block.labels.get(1).cloned().unwrap_or_default()),
        provider: Text::from(format!(
            "registry.terraform.io/hashicorp/{}",
            kind.split('_').next().unwrap_or_default()
        )),
        kind: Text::from(kind),
        action: if data { Action::Read } else { Action::Create },
        importing: false,
        after: Raw::Value(values),
        after_unknown: Raw::Absent,
        after_sensitive: Raw::Absent,
        before: Raw::Absent,
        before_sensitive: Raw::Absent,
    }
}

/// The configuration of a plan JSON as a source to evaluate.
#[must_use]
pub fn sources_of(c: &Configuration<'_>) -> Sources {
    let mut out = Sources::default();
    for m in c.modules() {
        let mut module = SourceModule {
            first_party: true,
            ..SourceModule::default()
        };
        let located = |kind: &str, labels: Vec<String>, body: Body| Located {
            file: usize::MAX,
            block: SourceBlock {
                kind: kind.to_owned(),
                labels,
                body,
                span: 0..0,
                header: 0..0,
            },
        };
        for b in &m.blocks {
            let (kind, rest) = b
                .address
                .strip_prefix("data.")
                .map_or(("resource", &*b.address), |r| ("data", r));
            let labels = rest.split('.').map(str::to_owned).collect();
            let mut body = body_of(&b.expressions());
            if b.for_each.is_set() {
                body.attributes.push(attribute("for_each", &b.for_each));
            }
            module
                .resources
                .insert(b.address.to_string(), located(kind, labels, body));
        }
        for call in &m.calls {
            let mut body = body_of(&call.arguments);
            for (name, e) in [("count", &call.count), ("for_each", &call.for_each)] {
                if e.is_set() {
                    body.attributes.push(attribute(name, e));
                }
            }
            module.calls.insert(
                call.name.to_string(),
                located("module", vec![call.name.to_string()], body),
            );
            let key = module_key(&m.path);
            module.children.insert(
                call.name.to_string(),
                if key.is_empty() {
                    call.name.to_string()
                } else {
                    format!("{key}.{}", call.name)
                },
            );
        }
        for v in &m.variables {
            let mut body = Body::default();
            if !v.default.is_null() {
                body.attributes
                    .push(literal("default", v.default.clone().into_owned()));
            }
            body.attributes
                .push(literal("sensitive", Value::Bool(v.sensitive)));
            module.variables.insert(
                v.name.to_string(),
                located("variable", vec![v.name.to_string()], body),
            );
        }
        for (name, e, _) in &m.outputs {
            module.outputs.insert(
                name.to_string(),
                located(
                    "output",
                    vec![name.to_string()],
                    Body {
                        attributes: vec![attribute("value", e)],
                        blocks: Vec::new(),
                    },
                ),
            );
        }
        out.modules.insert(module_key(&m.path), module);
    }
    out
}

fn literal(name: &str, v: V) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value: Expr {
            kind: Kind::Literal(v),
            span: 0..0,
        },
        span: 0..0,
    }
}

fn attribute(name: &str, e: &Expression<'_>) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value: expr_of(e),
        span: 0..0,
    }
}

fn body_of(e: &Expression<'_>) -> Body {
    let mut out = Body::default();
    let Expression::Block(entries) = e else { return out };
    for (name, e) in entries {
        match e {
            Expression::Blocks(blocks) => {
                for b in blocks {
                    out.blocks.push(SourceBlock {
                        kind: name.to_string(),
                        labels: Vec::new(),
                        body: body_of(b),
                        span: 0..0,
                        header: 0..0,
                    });
                }
            }
            Expression::Block(_) => out.blocks.push(SourceBlock {
                kind: name.to_string(),
                labels: Vec::new(),
                body: body_of(e),
                span: 0..0,
                header: 0..0,
            }),
            e => out.attributes.push(attribute(name, e)),
        }
    }
    out
}

/// An expression of plan JSON as something to evaluate.
#[must_use]
pub fn expression_of(e: &Expression<'_>) -> Expr {
    expr_of(e)
}

fn expr_of(e: &Expression<'_>) -> Expr {
    let kind = match e {
        Expression::Constant(v) => Kind::Literal(v.clone().into_owned()),
        Expression::References(refs) => {
            let parsed = |r: &Text<'_>| {
                hcl_edit::parser::parse_expr(r)
                    .ok()
                    .map(|e| super::syntax::from_hcl(&e))
            };
            let key = refs
                .iter()
                .find(|r| matches!(&***r, "each.key" | "count.index"))
                .and_then(parsed);
            let whole: Vec<Expr> = refs
                .iter()
                .filter(|r| {
                    crate::references::is_whole(r, refs)
                        && !matches!(&***r, "each.key" | "each.value" | "count.index")
                })
                .filter_map(parsed)
                .map(|e| match &key {
                    Some(key) => paired(e, key),
                    None => e,
                })
                .collect();
            match (whole.len(), key) {
                (0, Some(key)) => key.kind,
                (0, None) => Kind::Opaque,
                (1, None) => whole.into_iter().next().map_or(Kind::Opaque, |e| e.kind),
                (1, Some(_)) if is_document(&whole[0]) => {
                    whole.into_iter().next().map_or(Kind::Opaque, |e| e.kind)
                }
                (_, _) => Kind::Call("\0one_of".into(), whole, false),
            }
        }
        _ => Kind::Opaque,
    };
    Expr { kind, span: 0..0 }
}

/// `x[each.key].attribute` is listed as `x` and `each.key`: the instance with that key is meant, and which attribute is lost. Of a policy
/// document only one is ever meant.
fn paired(e: Expr, key: &Expr) -> Expr {
    let one = |kind| Expr { kind, span: 0..0 };
    let (block, document) = match &e.kind {
        Kind::Get(inner, _) => match &inner.kind {
            Kind::Name(root) => (
                !matches!(
                    root.as_str(),
                    "var" | "local" | "module" | "each" | "count" | "path" | "data"
                ),
                false,
            ),
            Kind::Get(data, kind) => (
                matches!(&data.kind, Kind::Name(n) if n == "data"),
                kind == "aws_iam_policy_document",
            ),
            _ => (false, false),
        },
        _ => (false, false),
    };
    if !block {
        return e;
    }
    let element = one(Kind::Index(Box::new(e), Box::new(key.clone())));
    if document {
        one(Kind::Get(Box::new(element), "json".into()))
    } else {
        element
    }
}

/// The text of a policy document, as [`paired`] makes it.
fn is_document(e: &Expr) -> bool {
    matches!(&e.kind, Kind::Get(element, name) if name == "json" && matches!(element.kind, Kind::Index(..)))
}

/// What a plan knows, for the evaluator.
#[derive(Debug)]
pub struct Planned<'a> {
    plan: &'a Plan<'a>,
    values: RefCell<BTreeMap<String, Option<Arc<V>>>>,
}

/// So many instances' values are kept for the next question.
const KEPT: usize = 500;

impl<'a> Planned<'a> {
    /// A view of a plan.
    #[must_use]
    pub fn new(plan: &'a Plan<'a>) -> Self {
        Self {
            plan,
            values: RefCell::default(),
        }
    }
}

impl World for Planned<'_> {
    fn instance(&self, address: &str) -> Option<Arc<V>> {
        if let Some(v) = self.values.borrow().get(address) {
            return v.clone();
        }
        let v = self
            .plan
            .live_at(address)
            .map(|r| Arc::new(r.values().into_owned()));
        self.values.borrow_mut().insert(address.to_owned(), v.clone());
        v
    }

    fn has_instance(&self, address: &str) -> bool {
        self.plan.live_at(address).is_some()
    }

    fn instances(&self, module: &str, block: &str) -> Option<Vec<String>> {
        let base = address::in_module(module, block);
        let here: Vec<String> = self
            .plan
            .instances_in(&base)
            .iter()
            .map(|r| r.address.to_string())
            .collect();
        (!here.is_empty()).then_some(here)
    }

    fn module_instances(&self, module: &str, call: &str) -> Vec<String> {
        let base = address::in_module(module, &format!("module.{call}"));
        self.plan.module_instances(&base).map(str::to_owned).collect()
    }

    fn has_module(&self, path: &str) -> bool {
        self.plan.has_module(path)
    }

    fn variable(&self, name: &str) -> Option<V> {
        self.plan.variable(name).map(Value::into_owned)
    }

    fn tidy(&self) {
        if self.values.borrow().len() > KEPT {
            self.values.borrow_mut().clear();
        }
    }
}
