//! Syntax of a configuration file: blocks, attributes and expressions with byte spans, from native syntax or `.tf.json`.
//!
//! A tree of our own between the parser and the evaluator: both syntaxes become the same thing, and what the evaluator does
//! not understand is [`Kind::Opaque`], which is unknown and never absent.

use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::expr::{BinaryOperator, Expression, ObjectKey, TraversalOperator, UnaryOperator};
use hcl_edit::structure::{Body as HclBody, Structure};
use hcl_edit::template::{Directive, Element, Template};

use crate::value::{Text, Value};

/// An expression and where it stands.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: Kind,
    /// Byte range in the file; empty in `.tf.json`.
    pub span: Range<usize>,
}

/// The forms of an expression.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A literal.
    Literal(Value<'static>),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `{ a = b }`; keys are expressions.
    Object(Vec<(Expr, Expr)>),
    /// A string with interpolations.
    Template(Vec<Piece>),
    /// A root name: `var`, `local`, `aws_iam_role`, a `for` variable.
    Name(String),
    /// `x.name`.
    Get(Box<Expr>, String),
    /// `x[i]`.
    Index(Box<Expr>, Box<Expr>),
    /// `x[*].a.b` or `x.*.a`: what comes after the splat is applied to every element (the inner name is `\u{0}`).
    Splat(Box<Expr>, Box<Expr>),
    /// The element inside a [`Kind::Splat`].
    Element,
    /// `f(a, b...)`; the flag is the expansion.
    Call(String, Vec<Expr>, bool),
    /// `c ? a : b`.
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `!x`, `-x`.
    Unary(UnaryOperator, Box<Expr>),
    /// `a == b` and the like.
    Binary(Box<Expr>, BinaryOperator, Box<Expr>),
    /// `[for k, v in c : v if w]`, `{for k, v in c : key => v...}`.
    For(Box<For>),
    /// Not understood: unknown.
    Opaque,
}

/// The parts of a `for` expression.
#[derive(Clone, Debug)]
pub struct For {
    /// Name of the key variable.
    pub key_name: Option<String>,
    /// Name of the value variable.
    pub value_name: String,
    /// What is iterated.
    pub collection: Expr,
    /// Key, for objects.
    pub key: Option<Expr>,
    /// Value.
    pub value: Expr,
    /// `...`.
    pub grouping: bool,
    /// Filter.
    pub condition: Option<Expr>,
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Characters.
    Text(String),
    /// `${…}`.
    Value(Expr),
    /// `%{ if }`.
    If(Expr, Vec<Piece>, Vec<Piece>),
    /// `%{ for }`.
    For(Option<String>, String, Expr, Vec<Piece>),
}

/// An attribute: name, expression, span of the whole.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its expression.
    pub value: Expr,
    /// Byte range of `name = expression`.
    pub span: Range<usize>,
}

/// A block.
#[derive(Clone, Debug)]
pub struct Block {
    /// `resource`, `statement`, …
    pub kind: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// What is inside.
    pub body: Body,
    /// Byte range of the whole block.
    pub span: Range<usize>,
    /// Byte range of its first line, up to the brace.
    pub header: Range<usize>,
}

/// Attributes and blocks.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// Attributes, in order.
    pub attributes: Vec<Attribute>,
    /// Blocks, in order.
    pub blocks: Vec<Block>,
}

impl Body {
    /// The expression of an attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Expr> {
        self.attribute(name).map(|a| &a.value)
    }
    /// An attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }
    /// Blocks of a kind.
    pub fn blocks_of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |b| b.kind == kind)
    }
}

/// Why a file could not be parsed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct SyntaxError {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What the parser says.
    pub message: String,
}

/// Parses native syntax.
///
/// Terraform accepts a byte order mark and repeated keys in an object constructor; the parser does not. The mark is
/// skipped, a repeated key is renamed in place (same length, so spans stay) to something no policy element is called.
///
/// # Errors
/// When the text is not valid; the file's content is then unknown, never empty.
pub fn parse(text: &str) -> Result<Body, SyntaxError> {
    let bom = text.starts_with('\u{feff}');
    // Same length as the mark: spans stay.
    let mut owned = if bom {
        format!("   {}", &text[3..])
    } else {
        text.to_owned()
    };
    for _ in 0..16 {
        match hcl_edit::parser::parse_body(&owned) {
            Ok(body) => return Ok(convert_body(&body)),
            Err(e) => {
                let at = e.location();
                let repeated = e.message().contains("duplicate")
                    || e.message().contains("found") && e.message().contains("object item");
                if !(repeated && mask_key(&mut owned, at.offset())) {
                    return Err(SyntaxError {
                        line: at.line(),
                        column: at.column(),
                        message: e.message().to_owned(),
                    });
                }
            }
        }
    }
    Err(SyntaxError {
        line: 1,
        column: 1,
        message: "more than 16 repeated object keys".into(),
    })
}

/// Renames the identifier at `offset` to `_` characters and digits of the same length.
fn mask_key(text: &mut String, offset: usize) -> bool {
    let end = text[offset..]
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .map_or(text.len(), |n| offset + n);
    if end <= offset || text[offset..end].starts_with('_') {
        return false;
    }
    let name = format!("{:_<width$}", format!("_{}", offset % 97), width = end - offset);
    let name: String = name.chars().take(end - offset).collect();
    text.replace_range(offset..end, &name);
    true
}

fn span<T: Span>(t: &T) -> Range<usize> {
    t.span().unwrap_or(0..0)
}

fn convert_body(body: &HclBody) -> Body {
    let mut out = Body::default();
    for s in body {
        match s {
            Structure::Attribute(a) => out.attributes.push(Attribute {
                name: a.key.to_string().trim().to_owned(),
                value: convert(&a.value),
                span: span(a),
            }),
            Structure::Block(b) => {
                let whole = span(b);
                let start = whole.start;
                let header_end = b.labels.last().map_or_else(
                    || span(&b.ident).end,
                    |l| match l {
                        hcl_edit::structure::BlockLabel::Ident(i) => span(i).end,
                        hcl_edit::structure::BlockLabel::String(s) => span(s).end,
                    },
                );
                out.blocks.push(Block {
                    kind: b.ident.as_str().to_owned(),
                    labels: b.labels.iter().map(|l| l.as_str().to_owned()).collect(),
                    body: convert_body(&b.body),
                    header: start..header_end.max(start),
                    span: whole,
                });
            }
        }
    }
    out
}

/// Converts an expression of the parser.
pub(crate) fn from_hcl(e: &Expression) -> Expr {
    convert(e)
}

fn literal(v: Value<'static>, span: Range<usize>) -> Expr {
    Expr {
        kind: Kind::Literal(v),
        span,
    }
}

fn convert(e: &Expression) -> Expr {
    let at = span(e);
    let kind = match e {
        Expression::Null(_) => Kind::Literal(Value::Null),
        Expression::Bool(b) => Kind::Literal(Value::Bool(*b.value())),
        Expression::Number(n) => Kind::Literal(Value::Number(n.value().as_f64().unwrap_or(f64::NAN))),
        Expression::String(s) => Kind::Literal(Value::String(Text::from(s.value().clone()))),
        Expression::Array(a) => Kind::List(a.iter().map(convert).collect()),
        Expression::Object(o) => Kind::Object(
            o.iter()
                .map(|(k, v)| {
                    let key = match k {
                        ObjectKey::Ident(i) => {
                            literal(Value::String(Text::from(i.as_str().to_owned())), span(i))
                        }
                        // A bare name in parentheses is an expression; without them hcl-edit gives an identifier.
                        ObjectKey::Expression(e) => convert(e),
                    };
                    (key, convert(v.expr()))
                })
                .collect(),
        ),
        Expression::StringTemplate(t) => Kind::Template(pieces(t.iter())),
        Expression::HeredocTemplate(h) => Kind::Template(template(&h.template)),
        Expression::Parenthesis(p) => return convert(p.inner()),
        Expression::Variable(v) => Kind::Name(v.as_str().to_owned()),
        Expression::Conditional(c) => Kind::If(
            Box::new(convert(&c.cond_expr)),
            Box::new(convert(&c.true_expr)),
            Box::new(convert(&c.false_expr)),
        ),
        Expression::FuncCall(f) => {
            let mut name = String::new();
            for n in &f.name.namespace {
                name.push_str(n.as_str());
                name.push_str("::");
            }
            name.push_str(f.name.name.as_str());
            Kind::Call(name, f.args.iter().map(convert).collect(), f.args.expand_final())
        }
        Expression::Traversal(t) => {
            return traversal(
                convert(&t.expr),
                t.operators
                    .iter()
                    .map(|o| o.value())
                    .collect::<Vec<_>>()
                    .as_slice(),
                at,
            );
        }
        Expression::UnaryOp(u) => Kind::Unary(*u.operator.value(), Box::new(convert(&u.expr))),
        Expression::BinaryOp(b) => Kind::Binary(
            Box::new(convert(&b.lhs_expr)),
            *b.operator.value(),
            Box::new(convert(&b.rhs_expr)),
        ),
        Expression::ForExpr(f) => Kind::For(Box::new(For {
            key_name: f.intro.key_var.as_ref().map(|i| i.as_str().to_owned()),
            value_name: f.intro.value_var.as_str().to_owned(),
            collection: convert(&f.intro.collection_expr),
            key: f.key_expr.as_ref().map(convert),
            value: convert(&f.value_expr),
            grouping: f.grouping,
            condition: f.cond.as_ref().map(|c| convert(&c.expr)),
        })),
    };
    Expr { kind, span: at }
}

fn traversal(base: Expr, operators: &[&TraversalOperator], at: Range<usize>) -> Expr {
    let mut e = base;
    for (i, op) in operators.iter().enumerate() {
        let kind = match op {
            TraversalOperator::GetAttr(name) => Kind::Get(Box::new(e), name.as_str().to_owned()),
            TraversalOperator::Index(index) => Kind::Index(Box::new(e), Box::new(convert(index))),
            TraversalOperator::LegacyIndex(n) => {
                let n = **n as f64;
                Kind::Index(Box::new(e), Box::new(literal(Value::Number(n), at.clone())))
            }
            TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                let rest = traversal(
                    Expr {
                        kind: Kind::Element,
                        span: at.clone(),
                    },
                    &operators[i + 1..],
                    at.clone(),
                );
                return Expr {
                    kind: Kind::Splat(Box::new(e), Box::new(rest)),
                    span: at,
                };
            }
        };
        e = Expr {
            kind,
            span: at.clone(),
        };
    }
    e
}

/// The pieces of a template of the parser.
pub(crate) fn template_pieces(t: &Template) -> Vec<Piece> {
    template(t)
}

fn template(t: &Template) -> Vec<Piece> {
    pieces(t.iter())
}

fn pieces<'a>(elements: impl Iterator<Item = &'a Element>) -> Vec<Piece> {
    elements
        .map(|e| match e {
            Element::Literal(s) => Piece::Text(s.value().clone()),
            Element::Interpolation(i) => Piece::Value(convert(&i.expr)),
            Element::Directive(d) => match &**d {
                Directive::If(i) => Piece::If(
                    convert(&i.if_expr.cond_expr),
                    template(&i.if_expr.template),
                    i.else_expr
                        .as_ref()
                        .map_or_else(Vec::new, |e| template(&e.template)),
                ),
                Directive::For(f) => Piece::For(
                    f.for_expr.key_var.as_ref().map(|i| i.as_str().to_owned()),
                    f.for_expr.value_var.as_str().to_owned(),
                    convert(&f.for_expr.collection_expr),
                    template(&f.for_expr.template),
                ),
            },
        })
        .collect()
}

/// Parses `.tf.json`. Strings are templates; spans are not kept.
///
/// # Errors
/// When the text is not JSON, or its top level is not an object.
pub fn parse_json(text: &str) -> Result<Body, SyntaxError> {
    let v: serde_json::Value =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|e| SyntaxError {
            line: e.line(),
            column: e.column(),
            message: e.to_string(),
        })?;
    let mut body = Body::default();
    let serde_json::Value::Object(top) = v else {
        return Err(SyntaxError {
            line: 1,
            column: 1,
            message: "the top level of a .tf.json file is an object".into(),
        });
    };
    for (kind, inner) in top {
        let depth = match kind.as_str() {
            "resource" | "data" | "ephemeral" => 2,
            "module" | "variable" | "output" | "provider" => 1,
            "terraform" | "locals" => 0,
            _ => continue,
        };
        labelled(&kind, &inner, depth, &mut Vec::new(), &mut body.blocks);
    }
    Ok(body)
}

fn labelled(kind: &str, v: &serde_json::Value, depth: usize, labels: &mut Vec<String>, out: &mut Vec<Block>) {
    match v {
        serde_json::Value::Array(items) => items.iter().for_each(|i| labelled(kind, i, depth, labels, out)),
        serde_json::Value::Object(entries) if depth > 0 => {
            for (k, v) in entries {
                labels.push(k.clone());
                labelled(kind, v, depth - 1, labels, out);
                labels.pop();
            }
        }
        serde_json::Value::Object(entries) => {
            let mut body = Body::default();
            for (k, v) in entries {
                match (kind, k.as_str(), v) {
                    ("terraform", "backend", v) => {
                        labelled("backend", v, 1, &mut Vec::new(), &mut body.blocks)
                    }
                    ("terraform", "cloud", v) => labelled("cloud", v, 0, &mut Vec::new(), &mut body.blocks),
                    _ => body.attributes.push(Attribute {
                        name: k.clone(),
                        value: json_expr(v),
                        span: 0..0,
                    }),
                }
            }
            out.push(Block {
                kind: kind.to_owned(),
                labels: labels.clone(),
                body,
                span: 0..0,
                header: 0..0,
            });
        }
        _ => {}
    }
}

fn json_expr(v: &serde_json::Value) -> Expr {
    let kind = match v {
        serde_json::Value::Null => Kind::Literal(Value::Null),
        serde_json::Value::Bool(b) => Kind::Literal(Value::Bool(*b)),
        serde_json::Value::Number(n) => Kind::Literal(Value::Number(n.as_f64().unwrap_or(f64::NAN))),
        serde_json::Value::String(s) if s.contains("${") || s.contains("%{") => {
            match hcl_edit::parser::parse_template(s) {
                Ok(t) => {
                    let mut p = template(&t);
                    match (p.len(), p.pop()) {
                        (1, Some(Piece::Value(e))) => e.kind,
                        (_, Some(last)) => {
                            p.push(last);
                            Kind::Template(p)
                        }
                        (_, None) => Kind::Literal(Value::String(Text::default())),
                    }
                }
                Err(_) => Kind::Opaque,
            }
        }
        serde_json::Value::String(s) => Kind::Literal(Value::String(Text::from(s.clone()))),
        serde_json::Value::Array(items) => Kind::List(items.iter().map(json_expr).collect()),
        serde_json::Value::Object(entries) => Kind::Object(
            entries
                .iter()
                .map(|(k, v)| (json_expr(&serde_json::Value::String(k.clone())), json_expr(v)))
                .collect(),
        ),
    };
    Expr { kind, span: 0..0 }
}
