//! Reads the JSON of `terraform show -json PLAN`, format 0.1 to 1.x.
//!
//! Borrowed throughout: addresses and values point into the text, values stay unparsed until a rule asks for them.
//! `planned_values` (45 % of a plan) repeats `resource_changes` and is skipped; `resource_drift` is noise and is skipped.

use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::configuration::{
    Block, Configuration, Expression, Expressions, Module, ModuleCall, Provider, Variable,
};
use super::{Action, Incomplete, Mode, Output, Plan, Raw, Resource};
use crate::address;
use crate::value::{Text, Value};

/// Why a plan cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Not JSON, or not of the shape a plan has.
    #[error("not a readable plan: {0}")]
    Json(#[from] serde_json::Error),
    /// A major version of the format that is not known.
    #[error("plan format {0} is not known to this version (0.x and 1.x are); update tfplan-check")]
    Version(String),
    /// JSON, but no plan.
    #[error(
        "this is JSON, but not a plan: it has no `format_version` of a plan with `resource_changes`, `planned_values` or `configuration`"
    )]
    NotAPlan,
}

/// Where the members of a plan are read from: the parser, or a place in the text ([`super::pieces`]).
pub(super) trait Members<'p> {
    /// What can go wrong.
    type Error: serde::de::Error;
    /// The value of the member whose key was read last.
    fn value<T: Deserialize<'p>>(&mut self) -> Result<T, Self::Error>;
}

/// Everything of a plan but its changes.
#[derive(Default)]
pub(super) struct Head<'p> {
    format_version: Option<Text<'p>>,
    terraform_version: Option<Text<'p>>,
    timestamp: Option<Text<'p>>,
    errored: Option<bool>,
    complete: Option<bool>,
    planned_values: Option<IgnoredAny>,
    deferred_changes: Option<Vec<&'p RawValue>>,
    output_changes: Option<Map<'p, RawOutput<'p>>>,
    variables: Option<Map<'p, RawVariableValue<'p>>>,
    prior_state: Option<RawState<'p>>,
    configuration: Option<RawConfiguration<'p>>,
}

impl<'p> Head<'p> {
    /// Reads the member `key`. One that stands there twice is an error: readers differ on which of them counts.
    pub(super) fn read<M: Members<'p>>(&mut self, key: &str, from: &mut M) -> Result<(), M::Error> {
        match key {
            "format_version" => once("format_version", &mut self.format_version, from),
            "terraform_version" => once("terraform_version", &mut self.terraform_version, from),
            "timestamp" => once("timestamp", &mut self.timestamp, from),
            "errored" => once("errored", &mut self.errored, from),
            "complete" => once("complete", &mut self.complete, from),
            "planned_values" => once("planned_values", &mut self.planned_values, from),
            "deferred_changes" => once("deferred_changes", &mut self.deferred_changes, from),
            "output_changes" => once("output_changes", &mut self.output_changes, from),
            "variables" => once("variables", &mut self.variables, from),
            "prior_state" => once("prior_state", &mut self.prior_state, from),
            "configuration" => once("configuration", &mut self.configuration, from),
            // They are read apart from the head, and once.
            "resource_changes" => Err(serde::de::Error::duplicate_field("resource_changes")),
            _ => from.value::<IgnoredAny>().map(|_| ()),
        }
    }

    /// Takes in what stands behind the changes; `None` when a member stands in both.
    pub(super) fn join(&mut self, tail: Self) -> Option<()> {
        fn one<T>(mine: &mut Option<T>, theirs: Option<T>) -> Option<()> {
            match (&mine, theirs) {
                (Some(_), Some(_)) => None,
                (_, None) => Some(()),
                (None, theirs) => {
                    *mine = theirs;
                    Some(())
                }
            }
        }
        one(&mut self.format_version, tail.format_version)?;
        one(&mut self.terraform_version, tail.terraform_version)?;
        one(&mut self.timestamp, tail.timestamp)?;
        one(&mut self.errored, tail.errored)?;
        one(&mut self.complete, tail.complete)?;
        one(&mut self.planned_values, tail.planned_values)?;
        one(&mut self.deferred_changes, tail.deferred_changes)?;
        one(&mut self.output_changes, tail.output_changes)?;
        one(&mut self.variables, tail.variables)?;
        one(&mut self.prior_state, tail.prior_state)?;
        one(&mut self.configuration, tail.configuration)
    }

    /// How many outputs change, and whether the plan says it is complete.
    #[cfg(test)]
    pub(super) fn told(&self) -> (usize, Option<bool>) {
        (
            self.output_changes.as_ref().map_or(0, |o| o.0.len()),
            self.complete,
        )
    }
}

fn once<'p, T: Deserialize<'p>, M: Members<'p>>(
    name: &'static str,
    slot: &mut Option<T>,
    from: &mut M,
) -> Result<(), M::Error> {
    if slot.is_some() {
        return Err(serde::de::Error::duplicate_field(name));
    }
    *slot = from.value::<Option<T>>()?;
    Ok(())
}

/// A plan read from its first byte to its last; the changes are absent where the plan has none.
struct Whole<'p>(Head<'p>, Option<Changes<'p>>);

struct Changes<'p>(Vec<Resource<'p>>);

impl<'de: 'p, 'p> Deserialize<'de> for Changes<'p> {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> serde::de::Visitor<'de> for V {
            type Value = Changes<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list of changes")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut out = Vec::new();
                while let Some(change) = seq.next_element::<RawChange<'de>>()? {
                    out.push(resource(change));
                }
                Ok(Changes(out))
            }
        }
        d.deserialize_seq(V)
    }
}

impl<'de: 'p, 'p> Deserialize<'de> for Whole<'p> {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        struct FromMap<A>(A);
        impl<'de, A: serde::de::MapAccess<'de>> Members<'de> for FromMap<A> {
            type Error = A::Error;
            fn value<T: Deserialize<'de>>(&mut self) -> Result<T, A::Error> {
                self.0.next_value()
            }
        }
        impl<'de> serde::de::Visitor<'de> for V {
            type Value = Whole<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a plan")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let (mut head, mut changes) = (Head::default(), None);
                let mut map = FromMap(map);
                while let Some(key) = map.0.next_key::<Text<'de>>()? {
                    match &*key {
                        "resource_changes" => once("resource_changes", &mut changes, &mut map)?,
                        key => head.read(key, &mut map)?,
                    }
                }
                Ok(Whole(head, changes))
            }
        }
        d.deserialize_map(V)
    }
}

// One `borrow` in a struct lets every field of it borrow: they share the one lifetime.
#[derive(Deserialize)]
pub(super) struct RawChange<'p> {
    #[serde(borrow)]
    address: Text<'p>,
    previous_address: Option<Text<'p>>,
    mode: Option<Text<'p>>,
    #[serde(rename = "type")]
    kind: Text<'p>,
    name: Text<'p>,
    provider_name: Option<Text<'p>>,
    deposed: Option<Text<'p>>,
    change: RawChangeBody<'p>,
}

#[derive(Deserialize)]
struct RawChangeBody<'p> {
    #[serde(borrow)]
    actions: Vec<Text<'p>>,
    before: Option<&'p RawValue>,
    after: Option<&'p RawValue>,
    after_unknown: Option<&'p RawValue>,
    before_sensitive: Option<&'p RawValue>,
    after_sensitive: Option<&'p RawValue>,
    importing: Option<&'p RawValue>,
}

#[derive(Deserialize)]
struct RawOutput<'p> {
    #[serde(borrow)]
    actions: Vec<Text<'p>>,
    after: Option<&'p RawValue>,
    after_unknown: Option<&'p RawValue>,
    after_sensitive: Option<&'p RawValue>,
}

#[derive(Deserialize)]
struct RawVariableValue<'p> {
    #[serde(borrow)]
    value: Option<&'p RawValue>,
}

#[derive(Deserialize)]
struct RawState<'p> {
    #[serde(borrow)]
    values: Option<RawStateValues<'p>>,
}

#[derive(Deserialize)]
struct RawStateValues<'p> {
    #[serde(borrow)]
    root_module: Option<RawStateModule<'p>>,
}

#[derive(Deserialize)]
struct RawStateModule<'p> {
    #[serde(borrow)]
    resources: Option<Vec<RawStateResource<'p>>>,
    child_modules: Option<Vec<RawStateModule<'p>>>,
}

#[derive(Deserialize)]
struct RawStateResource<'p> {
    #[serde(borrow)]
    address: Text<'p>,
    mode: Text<'p>,
    #[serde(rename = "type")]
    kind: Text<'p>,
    name: Text<'p>,
    provider_name: Option<Text<'p>>,
    values: Option<&'p RawValue>,
    sensitive_values: Option<&'p RawValue>,
}

#[derive(Deserialize)]
struct RawConfiguration<'p> {
    #[serde(borrow)]
    provider_config: Option<Map<'p, RawProvider<'p>>>,
    root_module: Option<RawModule<'p>>,
}

#[derive(Deserialize)]
struct RawProvider<'p> {
    #[serde(borrow)]
    name: Option<Text<'p>>,
    full_name: Option<Text<'p>>,
    alias: Option<Text<'p>>,
    module_address: Option<Text<'p>>,
    expressions: Option<&'p RawValue>,
}

#[derive(Deserialize, Default)]
struct RawModule<'p> {
    #[serde(borrow)]
    resources: Option<Vec<RawBlock<'p>>>,
    module_calls: Option<Map<'p, RawCall<'p>>>,
    variables: Option<Map<'p, RawVariable<'p>>>,
    outputs: Option<Map<'p, RawConfigOutput<'p>>>,
}

#[derive(Deserialize)]
struct RawBlock<'p> {
    #[serde(borrow)]
    address: Text<'p>,
    #[serde(rename = "type")]
    kind: Text<'p>,
    provider_config_key: Option<Text<'p>>,
    expressions: Option<&'p RawValue>,
    count_expression: Option<&'p RawValue>,
    for_each_expression: Option<&'p RawValue>,
    provisioners: Option<&'p RawValue>,
}

#[derive(Deserialize)]
struct RawCall<'p> {
    #[serde(borrow)]
    source: Option<Text<'p>>,
    expressions: Option<&'p RawValue>,
    count_expression: Option<&'p RawValue>,
    for_each_expression: Option<&'p RawValue>,
    module: Option<RawModule<'p>>,
}

#[derive(Deserialize)]
struct RawVariable<'p> {
    #[serde(borrow)]
    default: Option<&'p RawValue>,
    sensitive: Option<bool>,
}

#[derive(Deserialize)]
struct RawConfigOutput<'p> {
    #[serde(borrow)]
    expression: Option<&'p RawValue>,
    sensitive: Option<bool>,
}

/// A JSON object kept in its order.
struct Map<'p, V>(Vec<(Text<'p>, V)>);

impl<'de: 'p, 'p, V: Deserialize<'de>> Deserialize<'de> for Map<'p, V> {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Entries<V>(std::marker::PhantomData<V>);
        impl<'de, V: Deserialize<'de>> serde::de::Visitor<'de> for Entries<V> {
            type Value = Map<'de, V>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut out = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    out.push(entry);
                }
                Ok(Map(out))
            }
        }
        d.deserialize_map(Entries(std::marker::PhantomData))
    }
}

/// Reads a plan from its JSON text.
///
/// # Errors
/// When the text is not JSON of a plan's shape, or its format has an unknown major version.
pub fn read(text: &str) -> Result<Plan<'_>, ReadError> {
    let (raw, changes) = match super::pieces::read(text) {
        Some((head, changes)) => (head, Some(changes)),
        None => {
            let Whole(head, changes) = serde_json::from_str(text)?;
            (head, changes.map(|c| c.0))
        }
    };
    let version = raw.format_version.ok_or(ReadError::NotAPlan)?;
    let major = version.split('.').next().and_then(|m| m.parse::<u32>().ok());
    if !matches!(major, Some(0 | 1)) {
        return Err(ReadError::Version(version.to_string()));
    }
    if changes.is_none() && raw.configuration.is_none() && raw.planned_values.is_none() {
        return Err(ReadError::NotAPlan);
    }

    let mut incomplete = Vec::new();
    if raw.errored == Some(true) {
        incomplete.push(Incomplete::Errored);
    } else if raw.complete == Some(false) || raw.deferred_changes.is_some_and(|d| !d.is_empty()) {
        incomplete.push(Incomplete::Targeted);
    }

    let mut plan = Plan {
        format_version: version.to_string(),
        terraform_version: raw.terraform_version.map(|t| t.to_string()),
        timestamp: raw.timestamp.map(|t| t.to_string()),
        incomplete,
        resources: changes.unwrap_or_default(),
        read_data: Vec::new(),
        configuration: raw
            .configuration
            .map_or_else(Configuration::default, configuration),
        variables: raw.variables.map_or_else(Vec::new, |m| {
            m.0.into_iter()
                .filter_map(|(k, v)| Some((k, Raw::Json(v.value?))))
                .collect()
        }),
        outputs: raw.output_changes.map_or_else(Vec::new, |m| {
            m.0.into_iter().filter_map(|(k, v)| output(k, &v)).collect()
        }),
        ..Plan::default()
    };
    if let Some(root) = raw.prior_state.and_then(|s| s.values).and_then(|v| v.root_module) {
        read_data(root, &mut plan.read_data);
    }
    plan.index();
    Ok(plan)
}

fn action(actions: &[Text<'_>]) -> Action {
    match actions {
        [one] => match &**one {
            "no-op" => Action::NoOp,
            "create" => Action::Create,
            "read" => Action::Read,
            "update" => Action::Update,
            "delete" => Action::Delete,
            "forget" => Action::Forget,
            _ => Action::Other,
        },
        [_, _] if actions.iter().any(|a| &**a == "create") => Action::Replace,
        _ => Action::Other,
    }
}

fn json<'p>(raw: Option<&'p RawValue>) -> Raw<'p> {
    raw.map_or(Raw::Absent, Raw::Json)
}

pub(super) fn resource(r: RawChange<'_>) -> Resource<'_> {
    // A deposed object is what a failed replacement left behind: it is only ever deleted or let go.
    let action = if r.deposed.is_some() {
        Action::Delete
    } else {
        action(&r.change.actions)
    };
    Resource {
        address: r.address,
        previous_address: r.previous_address,
        mode: if r.mode.as_deref() == Some("data") {
            Mode::Data
        } else {
            Mode::Managed
        },
        kind: r.kind,
        name: r.name,
        provider: r.provider_name.unwrap_or_default(),
        action,
        importing: r.change.importing.is_some_and(|i| i.get() != "null"),
        after: json(r.change.after),
        after_unknown: json(r.change.after_unknown),
        after_sensitive: json(r.change.after_sensitive),
        before: json(r.change.before),
        before_sensitive: json(r.change.before_sensitive),
    }
}

fn output<'p>(name: Text<'p>, o: &RawOutput<'p>) -> Option<Output<'p>> {
    if action(&o.actions) == Action::Delete {
        return None;
    }
    Some(Output {
        name,
        sensitive: o.after_sensitive.is_some_and(|s| s.get() == "true"),
        after: json(o.after),
        after_unknown: json(o.after_unknown),
    })
}

fn read_data<'p>(module: RawStateModule<'p>, out: &mut Vec<Resource<'p>>) {
    for r in module
        .resources
        .into_iter()
        .flatten()
        .filter(|r| &*r.mode == "data")
    {
        out.push(Resource {
            address: r.address,
            previous_address: None,
            mode: Mode::Data,
            kind: r.kind,
            name: r.name,
            provider: r.provider_name.unwrap_or_default(),
            action: Action::Read,
            importing: false,
            after: json(r.values),
            after_unknown: Raw::Absent,
            after_sensitive: json(r.sensitive_values),
            before: Raw::Absent,
            before_sensitive: Raw::Absent,
        });
    }
    for m in module.child_modules.into_iter().flatten() {
        read_data(m, out);
    }
}

fn configuration(raw: RawConfiguration<'_>) -> Configuration<'_> {
    let providers = raw.provider_config.map_or_else(Vec::new, |m| {
        m.0.into_iter().map(|(k, p)| provider(k, p)).collect()
    });
    let mut c = Configuration {
        root: module(raw.root_module.unwrap_or_default(), String::new()),
        providers,
        blocks: std::collections::HashMap::new(),
    };
    c.index();
    c
}

fn provider<'p>(key: Text<'p>, p: RawProvider<'p>) -> Provider<'p> {
    let name = p.name.unwrap_or_else(|| {
        Text::from(
            key.rsplit(':')
                .next()
                .unwrap_or(&key)
                .split('.')
                .next()
                .unwrap_or_default()
                .to_owned(),
        )
    });
    Provider {
        name,
        full_name: p.full_name,
        alias: p.alias,
        module: p.module_address.unwrap_or_default(),
        expressions: Expression::parse(p.expressions),
        key,
    }
}

fn module(raw: RawModule<'_>, path: String) -> Module<'_> {
    let calls = raw
        .module_calls
        .map_or_else(Vec::new, |m| m.0)
        .into_iter()
        .map(|(name, c)| {
            let inner = address::in_module(&path, &format!("module.{name}"));
            ModuleCall {
                name,
                source: c.source,
                arguments: Expression::parse(c.expressions),
                count: Expression::parse(c.count_expression),
                for_each: Expression::parse(c.for_each_expression),
                module: module(c.module.unwrap_or_default(), inner),
            }
        })
        .collect();
    Module {
        blocks: raw
            .resources
            .unwrap_or_default()
            .into_iter()
            .map(|b| block(b, !path.is_empty()))
            .collect(),
        variables: raw
            .variables
            .map_or_else(Vec::new, |m| m.0)
            .into_iter()
            .map(|(name, v)| Variable {
                name,
                default: v.default.map_or(Value::Null, |d| Raw::Json(d).parse()),
                sensitive: v.sensitive.unwrap_or(false),
            })
            .collect(),
        outputs: raw
            .outputs
            .map_or_else(Vec::new, |m| m.0)
            .into_iter()
            .map(|(name, o)| {
                (
                    name,
                    Expression::parse(o.expression),
                    o.sensitive.unwrap_or(false),
                )
            })
            .collect(),
        calls,
        path,
    }
}

fn block(b: RawBlock<'_>, in_module: bool) -> Block<'_> {
    let repeated = b.count_expression.is_some() || b.for_each_expression.is_some();
    Block {
        address: b.address,
        kind: b.kind,
        provider: b.provider_config_key,
        repeated,
        for_each: Expression::parse(b.for_each_expression),
        expressions: if repeated || in_module {
            Expressions::Kept(b.expressions, OnceLock::new())
        } else {
            Expressions::Json(b.expressions)
        },
        provisioners: b.provisioners,
        made_provisioners: Vec::new(),
    }
}
