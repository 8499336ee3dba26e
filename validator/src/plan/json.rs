//! Reads the JSON of `terraform show -json PLAN`, format 0.1 to 1.x.
//!
//! Borrowed throughout: addresses and values point into the text, values stay unparsed until a rule asks for them.
//! `planned_values` (45 % of a plan) repeats `resource_changes` and is skipped; `resource_drift` is noise and is skipped.

use std::sync::OnceLock;

use serde::Deserialize;
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

// One `borrow` in a struct lets every field of it borrow: they share the one lifetime.
#[derive(Deserialize)]
struct RawPlan<'p> {
    #[serde(borrow)]
    format_version: Option<Text<'p>>,
    terraform_version: Option<Text<'p>>,
    timestamp: Option<Text<'p>>,
    errored: Option<bool>,
    complete: Option<bool>,
    planned_values: Option<Skipped<'p>>,
    resource_changes: Option<Vec<RawChange<'p>>>,
    deferred_changes: Option<Vec<&'p RawValue>>,
    output_changes: Option<Map<'p, RawOutput<'p>>>,
    variables: Option<Map<'p, RawVariableValue<'p>>>,
    prior_state: Option<RawState<'p>>,
    configuration: Option<RawConfiguration<'p>>,
}

/// Present, but not looked at.
#[derive(Deserialize)]
struct Skipped<'p> {
    #[serde(skip)]
    _p: std::marker::PhantomData<&'p ()>,
}

#[derive(Deserialize)]
struct RawChange<'p> {
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
    let raw: RawPlan<'_> = serde_json::from_str(text)?;
    let version = raw.format_version.ok_or(ReadError::NotAPlan)?;
    let major = version.split('.').next().and_then(|m| m.parse::<u32>().ok());
    if !matches!(major, Some(0 | 1)) {
        return Err(ReadError::Version(version.to_string()));
    }
    if raw.resource_changes.is_none() && raw.configuration.is_none() && raw.planned_values.is_none() {
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
        resources: raw
            .resource_changes
            .unwrap_or_default()
            .into_iter()
            .map(resource)
            .collect(),
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

fn resource(r: RawChange<'_>) -> Resource<'_> {
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
