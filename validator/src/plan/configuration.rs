//! The `configuration` part of a plan: blocks and their expressions, modules, providers, variables.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::address;
use crate::finding::Place;
use crate::value::{Path, Text, Value};

/// The configuration of a plan.
#[derive(Debug, Default)]
pub struct Configuration<'p> {
    /// The root module.
    pub root: Module<'p>,
    /// Provider blocks, by the plan's own order.
    pub providers: Vec<Provider<'p>>,
    pub(crate) blocks: HashMap<String, BlockAt>,
}

#[derive(Debug, Clone)]
pub(crate) struct BlockAt {
    modules: Vec<usize>,
    index: usize,
}

/// One module: the root or a called one. Addresses inside `references` are relative to the module.
#[derive(Debug, Default)]
pub struct Module<'p> {
    /// Path without instance keys (`module.a.module.b`), empty for the root.
    pub path: String,
    /// Resource and data blocks.
    pub blocks: Vec<Block<'p>>,
    /// Declared variables.
    pub variables: Vec<Variable<'p>>,
    /// Outputs: name and expression.
    pub outputs: Vec<(Text<'p>, Expression<'p>, bool)>,
    /// Calls of other modules.
    pub calls: Vec<ModuleCall<'p>>,
}

/// A resource or data block.
#[derive(Debug)]
pub struct Block<'p> {
    /// Address inside its module, without keys: `data.aws_iam_policy_document.d`.
    pub address: Text<'p>,
    /// Type: `aws_iam_role`.
    pub kind: Text<'p>,
    /// Key of the provider block it uses.
    pub provider: Option<Text<'p>>,
    /// `count` or `for_each` is set.
    pub repeated: bool,
    /// `for_each`, when written.
    pub for_each: Expression<'p>,
    pub(crate) expressions: Expressions<'p>,
    pub(crate) provisioners: Option<&'p RawValue>,
    pub(crate) made_provisioners: Vec<(Text<'p>, Expression<'p>)>,
}

/// The arguments of a block: text still to be parsed, or made from source.
#[derive(Debug)]
pub(crate) enum Expressions<'p> {
    /// Read when asked for, every time: the block makes one instance.
    Json(Option<&'p RawValue>),
    /// Read when asked for and kept: the block may make many instances.
    Kept(Option<&'p RawValue>, OnceLock<Expression<'static>>),
    Made(Expression<'p>),
}

impl<'p> Block<'p> {
    /// The expressions of the block's arguments.
    #[must_use]
    pub fn expressions(&self) -> Cow<'_, Expression<'p>> {
        match &self.expressions {
            Expressions::Json(raw) => Cow::Owned(Expression::parse(*raw)),
            Expressions::Kept(raw, read) => {
                Cow::Borrowed(read.get_or_init(|| Expression::parse(*raw).into_owned()))
            }
            Expressions::Made(e) => Cow::Borrowed(e),
        }
    }

    /// Provisioners: type (`local-exec`) and expressions.
    #[must_use]
    pub fn provisioners(&self) -> Vec<(Text<'p>, Expression<'p>)> {
        #[derive(Deserialize)]
        struct P<'p> {
            #[serde(borrow, rename = "type")]
            kind: Text<'p>,
            #[serde(borrow)]
            expressions: Option<&'p RawValue>,
        }
        if !self.made_provisioners.is_empty() {
            return self.made_provisioners.clone();
        }
        self.provisioners
            .and_then(|raw| serde_json::from_str::<Vec<P<'p>>>(raw.get()).ok())
            .unwrap_or_default()
            .into_iter()
            .map(|p| (p.kind, Expression::parse(p.expressions)))
            .collect()
    }
}

/// A call of a module.
#[derive(Debug)]
pub struct ModuleCall<'p> {
    /// Name of the call.
    pub name: Text<'p>,
    /// Source as written.
    pub source: Option<Text<'p>>,
    /// Arguments.
    pub arguments: Expression<'p>,
    /// `count`, when written.
    pub count: Expression<'p>,
    /// `for_each`, when written.
    pub for_each: Expression<'p>,
    /// What is called.
    pub module: Module<'p>,
}

/// A declared variable.
#[derive(Debug)]
pub struct Variable<'p> {
    /// Its name.
    pub name: Text<'p>,
    /// The default, null when there is none.
    pub default: Value<'p>,
    /// Declared `sensitive`.
    pub sensitive: bool,
}

impl<'p> Module<'p> {
    /// The place of a variable of this module, for a finding: `var.name`, `module.x.var.name`.
    #[must_use]
    pub fn variable_at(&self, name: &str) -> Place {
        Place::new(address::in_module(&self.path, &format!("var.{name}")), "")
    }
}

/// A provider block.
#[derive(Debug)]
pub struct Provider<'p> {
    /// Key in the plan: `aws`, `aws.alias`, `module.m:aws`.
    pub key: Text<'p>,
    /// Local name: `aws`.
    pub name: Text<'p>,
    /// Full name: `registry.terraform.io/hashicorp/aws`.
    pub full_name: Option<Text<'p>>,
    /// Alias, if any.
    pub alias: Option<Text<'p>>,
    /// Path of the module it stands in, empty for the root.
    pub module: Text<'p>,
    /// Its arguments.
    pub expressions: Expression<'p>,
}

impl Provider<'_> {
    /// The place of an argument of this provider block: `provider.aws`, `module.x.provider.aws.alias`.
    #[must_use]
    pub fn at(&self, path: impl Into<Path>) -> Place {
        let own = self.alias.as_ref().map_or_else(
            || format!("provider.{}", self.name),
            |a| format!("provider.{}.{a}", self.name),
        );
        Place::new(address::in_module(&self.module, &own), path)
    }
}

/// An expression as the plan tells it: a constant, a list of references (constants beside them are lost), nested blocks, or
/// nothing at all (a function call without references).
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Expression<'p> {
    /// Not set in this block.
    #[default]
    Absent,
    /// Set, but the plan tells nothing (`jsonencode({…})` of literals).
    Opaque,
    /// A literal.
    Constant(Value<'p>),
    /// References, each full path followed by its shorter prefixes.
    References(Vec<Text<'p>>),
    /// A nested block, or the arguments of a whole block.
    Block(Vec<(Text<'p>, Expression<'p>)>),
    /// Repeated nested blocks.
    Blocks(Vec<Expression<'p>>),
}

impl<'p> Expression<'p> {
    pub(crate) fn parse(raw: Option<&'p RawValue>) -> Self {
        raw.and_then(|r| serde_json::from_str::<Value<'p>>(r.get()).ok())
            .map_or(Self::Absent, Self::from_value)
    }

    pub(crate) fn from_value(v: Value<'p>) -> Self {
        match v {
            Value::Object(entries) if entries.is_empty() => Self::Opaque,
            Value::Object(mut entries) => {
                let refs = entries
                    .iter()
                    .position(|(k, v)| &**k == "references" && matches!(v, Value::List(_)));
                // `.tf.json` gives both, and its constant is the text of the template: references win.
                if let Some(i) = refs {
                    let list = entries.swap_remove(i).1;
                    let Value::List(items) = list else {
                        return Self::Opaque;
                    };
                    return Self::References(
                        items
                            .into_iter()
                            .filter_map(|v| if let Value::String(s) = v { Some(s) } else { None })
                            .collect(),
                    );
                }
                if entries.len() == 1 && &*entries[0].0 == "constant_value" {
                    return Self::Constant(entries.swap_remove(0).1);
                }
                Self::Block(
                    entries
                        .into_iter()
                        .map(|(k, v)| (k, Self::from_value(v)))
                        .collect(),
                )
            }
            Value::List(items) => Self::Blocks(items.into_iter().map(Self::from_value).collect()),
            _ => Self::Opaque,
        }
    }

    /// The same expression, owning its strings.
    #[must_use]
    pub fn into_owned(self) -> Expression<'static> {
        let text = |t: Text<'p>| Text::from(t.0.into_owned());
        match self {
            Self::Absent => Expression::Absent,
            Self::Opaque => Expression::Opaque,
            Self::Constant(v) => Expression::Constant(v.into_owned()),
            Self::References(refs) => Expression::References(refs.into_iter().map(text).collect()),
            Self::Block(entries) => Expression::Block(
                entries
                    .into_iter()
                    .map(|(k, e)| (text(k), e.into_owned()))
                    .collect(),
            ),
            Self::Blocks(blocks) => Expression::Blocks(blocks.into_iter().map(Self::into_owned).collect()),
        }
    }

    /// The argument `name` of a block; of the first block, when there are several.
    #[must_use]
    pub fn get(&self, name: &str) -> &Self {
        match self {
            Self::Block(entries) => entries
                .iter()
                .find(|(k, _)| &**k == name)
                .map_or(&Self::Absent, |(_, v)| v),
            Self::Blocks(blocks) => blocks.first().map_or(&Self::Absent, |b| b.get(name)),
            _ => &Self::Absent,
        }
    }

    /// The expression at a path of names and element numbers.
    #[must_use]
    pub fn path(&self, path: &Path) -> &Self {
        use crate::value::Step;
        path.0.iter().fold(self, |e, step| match (step, e) {
            (Step::Name(n), e) => e.get(n),
            (Step::Index(i), Self::Blocks(blocks)) => blocks.get(*i).unwrap_or(&Self::Absent),
            // A single nested block is an object, not a list.
            (Step::Index(0), block @ Self::Block(_)) => block,
            _ => &Self::Absent,
        })
    }

    /// The literal, if it is one.
    #[must_use]
    pub fn constant(&self) -> Option<&Value<'p>> {
        match self {
            Self::Constant(v) => Some(v),
            _ => None,
        }
    }

    /// The references of this expression alone.
    #[must_use]
    pub fn references(&self) -> &[Text<'p>] {
        match self {
            Self::References(r) => r,
            _ => &[],
        }
    }

    /// True when the argument is written in the block, whatever its value.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// Every constant in it, at any depth, with its path.
    #[must_use]
    pub fn constants(&self) -> Vec<(Path, &Value<'p>)> {
        self.parts()
            .into_iter()
            .filter_map(|(path, e)| match e {
                Expression::Constant(v) => Some((path, v)),
                _ => None,
            })
            .collect()
    }

    /// Every expression in it that is no block, at any depth, with its path.
    #[must_use]
    pub fn parts(&self) -> Vec<(Path, &Self)> {
        fn walk<'a, 'p>(e: &'a Expression<'p>, at: &Path, out: &mut Vec<(Path, &'a Expression<'p>)>) {
            match e {
                Expression::Block(entries) => entries.iter().for_each(|(k, e)| walk(e, &at.name(k), out)),
                Expression::Blocks(blocks) => blocks
                    .iter()
                    .enumerate()
                    .for_each(|(i, e)| walk(e, &at.index(i), out)),
                part => out.push((at.clone(), part)),
            }
        }
        let mut out = Vec::new();
        walk(self, &Path::default(), &mut out);
        out
    }
}

impl<'p> Configuration<'p> {
    /// The block at an address without instance keys.
    #[must_use]
    pub fn block(&self, address: &str) -> Option<&Block<'p>> {
        let at = self.blocks.get(address)?;
        let mut m = &self.root;
        for &i in &at.modules {
            m = &m.calls.get(i)?.module;
        }
        m.blocks.get(at.index)
    }

    /// The module at a path without instance keys; the root for the empty path.
    #[must_use]
    pub fn module(&self, path: &str) -> Option<&Module<'p>> {
        let mut m = &self.root;
        if path.is_empty() {
            return Some(m);
        }
        for name in path.split('.').filter(|p| *p != "module") {
            m = &m.calls.iter().find(|c| &*c.name == name)?.module;
        }
        Some(m)
    }

    /// Every module, callers before called.
    #[must_use]
    pub fn modules(&self) -> Vec<&Module<'p>> {
        fn walk<'a, 'p>(m: &'a Module<'p>, out: &mut Vec<&'a Module<'p>>) {
            out.push(m);
            m.calls.iter().for_each(|c| walk(&c.module, out));
        }
        let mut out = Vec::new();
        walk(&self.root, &mut out);
        out
    }

    pub(crate) fn index(&mut self) {
        fn walk(m: &Module<'_>, at: &mut Vec<usize>, out: &mut HashMap<String, BlockAt>) {
            for (index, b) in m.blocks.iter().enumerate() {
                out.insert(
                    address::in_module(&m.path, &b.address),
                    BlockAt {
                        modules: at.clone(),
                        index,
                    },
                );
            }
            for (i, c) in m.calls.iter().enumerate() {
                at.push(i);
                walk(&c.module, at, out);
                at.pop();
            }
        }
        let mut out = HashMap::new();
        walk(&self.root, &mut Vec::new(), &mut out);
        self.blocks = out;
    }
}
