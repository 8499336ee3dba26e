//! A plan as the rules see it: instances that will exist, the configuration they come from, variables and outputs.
//!
//! Everything borrows from the text of the plan; the values of a resource are parsed when asked for
//! ([`Resource::values`]) and dropped again, so that a plan of any size costs its text and a small index.

pub mod configuration;
pub mod input;
pub mod json;
mod msgpack;
mod pieces;
pub mod saved;

pub use configuration::{Block, Configuration, Expression, Module, ModuleCall, Provider, Variable};

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use serde_json::value::RawValue;

use crate::address;
use crate::finding::Place;
use crate::value::{Path, Text, Value};

/// One plan.
#[derive(Debug, Default)]
pub struct Plan<'p> {
    /// Version of the JSON format (`1.2`).
    pub format_version: String,
    /// Version of Terraform (or OpenTofu) that made the plan.
    pub terraform_version: Option<String>,
    /// When the plan was made, as written (RFC 3339); plans since 1.5 have it.
    pub timestamp: Option<String>,
    /// Why the plan does not show all that will happen; a verdict on such a plan is never clean.
    pub incomplete: Vec<Incomplete>,
    /// Every instance the plan speaks of, managed and data, also those it deletes, in plan order.
    pub resources: Vec<Resource<'p>>,
    /// Data sources that were read before or during planning; their values are whole.
    pub read_data: Vec<Resource<'p>>,
    /// The configuration: the tree of modules.
    pub configuration: Configuration<'p>,
    /// Values of the root module's variables. Secret or not, the plan has them in clear text.
    pub(crate) variables: Vec<(Text<'p>, Raw<'p>)>,
    /// Root outputs that exist after apply.
    pub outputs: Vec<Output<'p>>,
    pub(crate) by_address: HashMap<Text<'p>, usize>,
    pub(crate) by_block: HashMap<String, Vec<usize>>,
    /// Keyed instances by their address without the last key: the instances of one block in one module instance.
    pub(crate) by_base: HashMap<String, Vec<usize>>,
    /// Every module instance that holds something, with all that stand above it.
    pub(crate) module_paths: BTreeSet<String>,
}

/// Why a plan does not show everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incomplete {
    /// Planning failed part of the way (`errored`).
    Errored,
    /// The plan leaves changes out (`complete: false`): `-target`, deferred changes, or a partial expansion.
    Targeted,
    /// A file of the saved plan's configuration cannot be parsed: provider blocks and defaults in it are not known.
    Unparsed,
    /// A refresh-only plan: it proposes no changes to resources, so nothing is shown.
    RefreshOnly,
}

/// What will be done with an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Nothing changes: it exists and stays.
    NoOp,
    /// It is made.
    Create,
    /// A data source that will be read during apply.
    Read,
    /// It is changed in place.
    Update,
    /// It is destroyed.
    Delete,
    /// It is destroyed and made again, in either order.
    Replace,
    /// Terraform lets go of it without destroying it.
    Forget,
    /// An action this version does not know; taken as "exists".
    Other,
}

/// Managed resource or data source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// `resource "…" "…"`.
    Managed,
    /// `data "…" "…"`.
    Data,
}

/// One instance of a resource or data source.
#[derive(Debug)]
pub struct Resource<'p> {
    /// Instance address, as Terraform writes it.
    pub address: Text<'p>,
    /// The address it had in the last run, when the plan moves it.
    pub previous_address: Option<Text<'p>>,
    /// Managed or data.
    pub mode: Mode,
    /// Type: `aws_iam_role`.
    pub kind: Text<'p>,
    /// Name of the block.
    pub name: Text<'p>,
    /// Full provider name: `registry.terraform.io/hashicorp/aws`.
    pub provider: Text<'p>,
    /// What happens to it.
    pub action: Action,
    /// The plan brings it under management by import.
    pub importing: bool,
    pub(crate) after: Raw<'p>,
    pub(crate) after_unknown: Raw<'p>,
    pub(crate) after_sensitive: Raw<'p>,
    pub(crate) before: Raw<'p>,
    pub(crate) before_sensitive: Raw<'p>,
}

/// Where a set of values comes from: text still to be parsed, or a value made by another reader (saved plan, source).
#[derive(Debug, Clone, Default)]
pub(crate) enum Raw<'p> {
    #[default]
    Absent,
    Json(&'p RawValue),
    Saved(saved::Change<'p>, saved::Side),
    Value(Value<'p>),
}

impl<'p> Raw<'p> {
    fn parse(&self) -> Value<'p> {
        match self {
            Self::Absent => Value::Null,
            // What cannot be parsed (nesting beyond the limit) is not known, and is never taken for absent.
            Self::Json(raw) => serde_json::from_str(raw.get()).unwrap_or_else(|_| Value::unknown()),
            Self::Saved(change, side) => change.value(*side),
            Self::Value(v) => v.clone(),
        }
    }

    fn bytes(&self) -> Option<&'p [u8]> {
        match self {
            Self::Json(raw) => Some(raw.get().as_bytes()),
            Self::Saved(change, side) => Some(change.bytes(*side)),
            Self::Absent | Self::Value(_) => None,
        }
    }
}

impl<'p> Resource<'p> {
    /// True when the instance exists once the plan is applied: created, changed, replaced, imported, moved or left alone.
    #[must_use]
    pub fn exists_after(&self) -> bool {
        !matches!(self.action, Action::Delete | Action::Forget)
    }

    /// True when it existed before the plan.
    #[must_use]
    pub fn existed_before(&self) -> bool {
        !matches!(self.action, Action::Create | Action::Read)
    }

    /// The planned values: what will be, with unknown and sensitive parts marked. Parses on every call: take it once.
    #[must_use]
    pub fn values(&self) -> Value<'p> {
        self.after
            .parse()
            .masked(&self.after_unknown.parse(), &self.after_sensitive.parse())
    }

    /// One planned string, without building the other values. `None` when it is not a known string, and for values that were made from
    /// source.
    #[must_use]
    pub fn string(&self, attribute: &str) -> Option<Cow<'p, str>> {
        match &self.after {
            Raw::Json(raw) => crate::value::string_of(raw.get(), attribute),
            Raw::Saved(change, side) => msgpack::string(change.bytes(*side), attribute).map(Cow::Borrowed),
            _ => None,
        }
    }

    /// The values before the plan.
    #[must_use]
    pub fn before(&self) -> Value<'p> {
        self.before
            .parse()
            .masked(&Value::Null, &self.before_sensitive.parse())
    }

    /// The planned values as the plan has them (JSON, or the MessagePack of a saved plan): for cheap searches before
    /// [`Resource::values`].
    #[must_use]
    pub fn bytes(&self) -> Option<&'p [u8]> {
        self.after.bytes()
    }

    /// True when the plan may call something in the planned values sensitive.
    #[must_use]
    pub fn marks_sensitive(&self) -> bool {
        match (&self.after, &self.after_sensitive) {
            (_, Raw::Json(marks)) => marks.get().contains("true"),
            (Raw::Saved(change, side), _) => change.marks_sensitive(*side),
            _ => false,
        }
    }

    /// The address of the block that makes it: no instance keys.
    #[must_use]
    pub fn block(&self) -> Cow<'_, str> {
        address::without_keys(&self.address)
    }

    /// Path of the module instance it stands in (`module.a["x"]`), empty for the root.
    #[must_use]
    pub fn module(&self) -> &str {
        address::split_module(&self.address).0
    }

    /// The place of an attribute of this instance, for a finding: `r.at("policy")`, `r.at("environment.0.variables")`, or
    /// `r.at("")` for the resource itself.
    #[must_use]
    pub fn at(&self, path: impl Into<Path>) -> Place {
        Place {
            address: self.address.to_string(),
            path: path.into(),
        }
    }
}

/// A root output that exists after apply.
#[derive(Debug)]
pub struct Output<'p> {
    /// Its name.
    pub name: Text<'p>,
    /// True when declared sensitive.
    pub sensitive: bool,
    pub(crate) after: Raw<'p>,
    pub(crate) after_unknown: Raw<'p>,
}

impl<'p> Output<'p> {
    /// The planned value.
    #[must_use]
    pub fn value(&self) -> Value<'p> {
        let v = self
            .after
            .parse()
            .masked(&self.after_unknown.parse(), &Value::Null);
        if self.sensitive {
            Value::Sensitive(Box::new(crate::value::Secret::new(v)))
        } else {
            v
        }
    }
}

impl<'p> Plan<'p> {
    /// Instances that exist once the plan is applied.
    pub fn live(&self) -> impl Iterator<Item = &Resource<'p>> {
        self.resources.iter().filter(|r| r.exists_after())
    }

    /// Live managed instances of one type.
    pub fn of_type(&self, kind: &str) -> impl Iterator<Item = &Resource<'p>> {
        self.live()
            .filter(move |r| r.mode == Mode::Managed && &*r.kind == kind)
    }

    /// The instance or data source at an exact instance address.
    #[must_use]
    pub fn resource(&self, address: &str) -> Option<&Resource<'p>> {
        let i = *self.by_address.get(address)?;
        self.resources
            .get(i)
            .or_else(|| self.read_data.get(i - self.resources.len()))
    }

    /// All live instances (and read data) that a configuration block makes, by its address without keys.
    #[must_use]
    pub fn instances(&self, block: &str) -> Vec<&Resource<'p>> {
        self.picked(self.by_block.get(block))
    }

    /// The live instances that a block makes in one module instance: `base` is the block's address with the keys of its
    /// modules, without its own (`module.a["x"].aws_iam_role.r`).
    #[must_use]
    pub fn instances_in(&self, base: &str) -> Vec<&Resource<'p>> {
        match self.live_at(base) {
            Some(one) => vec![one],
            None => self.picked(self.by_base.get(base)),
        }
    }

    /// The instance at an exact address, if it exists once the plan is applied.
    #[must_use]
    pub fn live_at(&self, address: &str) -> Option<&Resource<'p>> {
        self.resource(address).filter(|r| r.exists_after())
    }

    fn picked(&self, indices: Option<&Vec<usize>>) -> Vec<&Resource<'p>> {
        let n = self.resources.len();
        let one = |&i: &usize| match i.checked_sub(n) {
            None => self.resources.get(i),
            Some(read) => self.read_data.get(read),
        };
        indices.into_iter().flatten().filter_map(one).collect()
    }

    /// The instances of the module call at `base` (`module.a["x"].module.b`): itself, or one for each key.
    pub fn module_instances<'s>(&'s self, base: &'s str) -> impl Iterator<Item = &'s str> {
        // `[` sorts behind `.` and names, so instances of the call are among those that begin with its name.
        self.module_paths
            .range::<str, _>((Bound::Included(base), Bound::Unbounded))
            .take_while(move |p| p.starts_with(base))
            .filter(move |p| p.as_str() == base || address::base(p) == Some(base))
            .map(String::as_str)
    }

    /// True when something stands in the module instance at `path`.
    #[must_use]
    pub fn has_module(&self, path: &str) -> bool {
        self.module_paths.contains(path)
    }

    /// The expressions of the block that makes `resource`, when the plan carries its configuration.
    #[must_use]
    pub fn block_of(&self, resource: &Resource<'_>) -> Option<&configuration::Block<'p>> {
        self.configuration.block(&resource.block())
    }

    /// The value of a root variable, if the plan carries it.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<Value<'p>> {
        self.variables
            .iter()
            .find(|(n, _)| &**n == name)
            .map(|(_, raw)| raw.parse())
    }

    pub(crate) fn index(&mut self) {
        let all = || self.resources.iter().chain(&self.read_data);
        let mut by_address = HashMap::with_capacity(all().count());
        let mut by_block: HashMap<String, Vec<usize>> = HashMap::new();
        let mut by_base: HashMap<String, Vec<usize>> = HashMap::new();
        let mut module_paths: BTreeSet<String> = BTreeSet::new();
        for (i, r) in all().enumerate() {
            by_address.insert(r.address.clone(), i);
            // Only live ones: a block whose instances are all deleted makes nothing.
            if !r.exists_after() {
                continue;
            }
            push(&mut by_block, &r.block(), i);
            if let Some(base) = address::base(&r.address) {
                push(&mut by_base, base, i);
            }
            let mut module = r.module();
            while !module.is_empty() && !module_paths.contains(module) {
                module_paths.insert(module.to_owned());
                module = crate::references::parent(module).0;
            }
        }
        self.by_address = by_address;
        self.by_block = by_block;
        self.by_base = by_base;
        self.module_paths = module_paths;
    }
}

fn push(map: &mut HashMap<String, Vec<usize>>, key: &str, i: usize) {
    match map.get_mut(key) {
        Some(list) => list.push(i),
        None => {
            map.insert(key.to_owned(), vec![i]);
        }
    }
}
