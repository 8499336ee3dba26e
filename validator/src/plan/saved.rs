//! Reads the file that `terraform plan -out` writes: a zip with the plan (protobuf), the state and every source file.
//!
//! It is not a stable format, but what is read here has been the same since Terraform 1.1 (version 3 of the message); anything
//! else is refused. Nothing is unpacked to disk; sizes and counts are bounded before they are allocated.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::PathBuf;

use prost::Message;
use rmpv::ValueRef;

use super::{Action, Incomplete, Mode, Output, Plan, Raw, Resource};
use crate::address;
use crate::backend::{Backend, Source, hide_secrets};
use crate::source::{Sources, build};
use crate::value::{Secret, Text, Value};

/// What a saved plan holds.
#[derive(Debug)]
pub struct SavedPlan {
    /// The plan; its configuration is made from the sources.
    pub plan: Plan<'static>,
    /// The sources of all modules.
    pub sources: Sources,
    /// The backend that apply will use.
    pub backend: Backend,
}

/// Why a saved plan cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    /// Not a zip, or a damaged one.
    #[error("the archive cannot be read: {0}")]
    Zip(String),
    /// A zip, but without a plan in it.
    #[error("this is a zip archive without a `tfplan` member, so it is not a saved plan")]
    NoPlan,
    /// More than any plan needs.
    #[error(
        "{what} is larger than {limit} MiB when unpacked; refused, as an archive made to exhaust memory would be"
    )]
    TooLarge {
        /// Which member.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// A member that no plan has.
    #[error("the archive has a member with an unexpected name: {0:?}")]
    Member(String),
    /// The message cannot be decoded.
    #[error("the plan in the archive cannot be decoded: {0}")]
    Decode(String),
    /// A version that is not known.
    #[error("the saved plan has format version {0}; version 3 is known (Terraform 0.12 to 1.x, OpenTofu)")]
    Version(u64),
    /// Terraform before 1.1 wrote addresses differently.
    #[error(
        "the saved plan was written by Terraform {0}; saved plans are read from 1.1 on: give its JSON (terraform show -json) instead"
    )]
    TooOld(String),
}

/// Most bytes the plan message may unpack to.
const PLAN_LIMIT: u64 = 1 << 30;
/// Most bytes any other member may unpack to.
const MEMBER_LIMIT: u64 = 256 << 20;
/// Most bytes of source together.
const SOURCE_LIMIT: u64 = 256 << 20;
/// Most members.
const MEMBERS: usize = 20_000;

#[derive(Clone, PartialEq, Message)]
struct Dynamic {
    #[prost(bytes = "vec", tag = "1")]
    msgpack: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct PlanMessage {
    #[prost(uint64, tag = "1")]
    version: u64,
    #[prost(map = "string, message", tag = "2")]
    variables: HashMap<String, Dynamic>,
    #[prost(message, repeated, tag = "3")]
    resource_changes: Vec<ResourceChange>,
    #[prost(message, repeated, tag = "4")]
    output_changes: Vec<OutputChange>,
    #[prost(string, repeated, tag = "5")]
    targets: Vec<String>,
    #[prost(message, optional, tag = "13")]
    backend: Option<BackendMessage>,
    #[prost(string, tag = "14")]
    terraform_version: String,
    #[prost(int32, tag = "17")]
    ui_mode: i32,
    #[prost(bool, tag = "20")]
    errored: bool,
    #[prost(string, tag = "21")]
    timestamp: String,
    #[prost(bool, optional, tag = "26")]
    complete: Option<bool>,
    #[prost(message, optional, tag = "29")]
    state_store: Option<BackendMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct BackendMessage {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(message, optional, tag = "2")]
    config: Option<Dynamic>,
    #[prost(string, tag = "3")]
    workspace: String,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceChange {
    #[prost(string, tag = "7")]
    deposed: String,
    #[prost(string, tag = "8")]
    provider: String,
    #[prost(message, optional, tag = "9")]
    change: Option<Change>,
    #[prost(string, tag = "13")]
    address: String,
    #[prost(string, tag = "14")]
    previous_address: String,
}

#[derive(Clone, PartialEq, Message)]
struct OutputChange {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    change: Option<Change>,
    #[prost(bool, tag = "3")]
    sensitive: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Change {
    #[prost(int32, tag = "1")]
    action: i32,
    #[prost(message, repeated, tag = "2")]
    values: Vec<Dynamic>,
    #[prost(message, repeated, tag = "3")]
    before_sensitive: Vec<PathMessage>,
    #[prost(message, repeated, tag = "4")]
    after_sensitive: Vec<PathMessage>,
    #[prost(message, optional, tag = "5")]
    importing: Option<Importing>,
}

#[derive(Clone, PartialEq, Message)]
struct Importing {
    #[prost(string, tag = "1")]
    id: String,
}

#[derive(Clone, PartialEq, Message)]
struct PathMessage {
    #[prost(message, repeated, tag = "1")]
    steps: Vec<StepMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct StepMessage {
    #[prost(string, optional, tag = "1")]
    attribute: Option<String>,
    #[prost(message, optional, tag = "2")]
    key: Option<Dynamic>,
}

/// Reads a saved plan.
///
/// # Errors
/// When the archive, or the plan in it, cannot be read or is of an unknown version. Never a partial result.
pub fn read(bytes: &[u8]) -> Result<SavedPlan, SavedError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| SavedError::Zip(e.to_string()))?;
    if archive.len() > MEMBERS {
        return Err(SavedError::Member(format!("{} members", archive.len())));
    }
    let mut plan_bytes = None;
    let mut state = None;
    let mut modules = None;
    let mut files: Vec<(String, String, String)> = Vec::new();
    let mut source_bytes = 0;
    for i in 0..archive.len() {
        let mut member = archive.by_index(i).map_err(|e| SavedError::Zip(e.to_string()))?;
        let name = member
            .name()
            .map_err(|e| SavedError::Zip(e.to_string()))?
            .to_string();
        match name.as_str() {
            "tfplan" => plan_bytes = Some(unpack(&mut member, "tfplan", PLAN_LIMIT)?),
            "tfstate" => state = Some(unpack(&mut member, "tfstate", MEMBER_LIMIT)?),
            "tfconfig/modules.json" => modules = Some(unpack(&mut member, &name, MEMBER_LIMIT)?),
            other => {
                let Some(rest) = other.strip_prefix("tfconfig/m-") else {
                    continue;
                };
                let Some((key, file)) = rest.split_once('/') else {
                    return Err(SavedError::Member(name));
                };
                if file.is_empty() || file.contains(['/', '\\', '\0']) || file == ".." {
                    return Err(SavedError::Member(name));
                }
                let content = unpack(&mut member, &name, SOURCE_LIMIT - source_bytes)?;
                source_bytes += content.len() as u64;
                files.push((
                    key.to_owned(),
                    file.to_owned(),
                    String::from_utf8_lossy(&content).into_owned(),
                ));
            }
        }
    }
    let message = PlanMessage::decode(plan_bytes.ok_or(SavedError::NoPlan)?.as_slice())
        .map_err(|e| SavedError::Decode(e.to_string()))?;
    if message.version != 3 {
        return Err(SavedError::Version(message.version));
    }
    let sources = sources(files, modules.as_deref());
    let backend = backend(&message, &sources)?;
    let plan = plan(message, &sources, state.as_deref())?;
    Ok(SavedPlan {
        plan,
        sources,
        backend,
    })
}

fn unpack(member: &mut impl Read, what: &str, limit: u64) -> Result<Vec<u8>, SavedError> {
    let mut out = Vec::new();
    member
        .take(limit + 1)
        .read_to_end(&mut out)
        .map_err(|e| SavedError::Zip(format!("{what}: {e}")))?;
    if out.len() as u64 > limit {
        return Err(SavedError::TooLarge {
            what: format!("{what:?}"),
            limit: limit >> 20,
        });
    }
    Ok(out)
}

fn sources(files: Vec<(String, String, String)>, modules: Option<&[u8]>) -> Sources {
    #[derive(serde::Deserialize)]
    struct Entry {
        #[serde(rename = "Key")]
        key: String,
        #[serde(rename = "Dir", default)]
        dir: String,
    }
    let dirs: HashMap<String, String> = modules
        .and_then(|m| serde_json::from_slice::<Vec<Entry>>(m).ok())
        .unwrap_or_default()
        .into_iter()
        .map(|e| (e.key, e.dir))
        .collect();
    let mut by_key: std::collections::BTreeMap<String, Vec<(String, String)>> =
        std::collections::BTreeMap::new();
    for (key, file, text) in files {
        let dir = dirs.get(&key).map_or("", String::as_str);
        by_key
            .entry(key)
            .or_default()
            .push((crate::source::files::join(dir, &file), text));
    }
    let parts = by_key
        .into_iter()
        .map(|(key, texts)| {
            let dir = dirs.get(&key).cloned().unwrap_or_default();
            let first_party = !dir.starts_with(".terraform");
            (
                key,
                if dir == "." { String::new() } else { dir },
                first_party,
                texts,
            )
        })
        .collect();
    Sources::from_parts(parts)
}

fn backend(m: &PlanMessage, sources: &Sources) -> Result<Backend, SavedError> {
    let b = m
        .backend
        .as_ref()
        .or(m.state_store.as_ref())
        .ok_or_else(|| SavedError::Decode("it names no backend".into()))?;
    let config = b.config.as_ref().map_or(Ok(Value::Null), decode)?;
    // "No block" and an empty local block give the same bytes: the source tells them apart.
    let no_block =
        b.kind == "local" && Backend::from_sources(sources, PathBuf::new()).is_some_and(|s| s.no_block);
    Ok(Backend {
        kind: b.kind.clone(),
        config: hide_secrets(without_nulls(config)),
        workspace: Some(b.workspace.clone()),
        source: Source::SavedPlan,
        partial: false,
        no_block,
    })
}

pub(crate) fn without_nulls(v: Value<'static>) -> Value<'static> {
    match v {
        Value::Object(entries) => Value::Object(
            entries
                .into_iter()
                .filter(|(_, v)| !v.is_null())
                .map(|(k, v)| (k, without_nulls(v)))
                .collect(),
        ),
        other => other,
    }
}

fn plan(m: PlanMessage, sources: &Sources, state: Option<&[u8]>) -> Result<Plan<'static>, SavedError> {
    let mut incomplete = Vec::new();
    if m.errored {
        incomplete.push(Incomplete::Errored);
    } else if m.complete == Some(false) || !m.targets.is_empty() {
        incomplete.push(Incomplete::Targeted);
    }
    if m.ui_mode == 2 {
        incomplete.push(Incomplete::RefreshOnly);
    }
    if sources.files.iter().any(|f| f.error.is_some()) {
        incomplete.push(Incomplete::Unparsed);
    }
    let mut resources = Vec::with_capacity(m.resource_changes.len());
    for change in m.resource_changes {
        if change.address.is_empty() {
            return Err(SavedError::TooOld(m.terraform_version));
        }
        resources.push(resource(change)?);
    }
    let mut outputs = Vec::new();
    for o in m.output_changes {
        let Some(change) = o.change.filter(|c| c.action != 5) else {
            continue;
        };
        let after = change.values.last().map_or(Ok(Value::Null), decode)?;
        outputs.push(Output {
            name: Text::from(o.name),
            sensitive: o.sensitive,
            after: Raw::Value(after),
            after_unknown: Raw::Absent,
        });
    }
    let mut variables: Vec<(Text<'static>, Raw<'static>)> = Vec::new();
    for (name, v) in m.variables {
        variables.push((Text::from(name), Raw::Value(decode(&v)?)));
    }
    variables.sort_by(|a, b| a.0.cmp(&b.0));
    let mut plan = Plan {
        format_version: "saved plan, version 3".into(),
        terraform_version: Some(m.terraform_version),
        timestamp: Some(m.timestamp).filter(|t| !t.is_empty()),
        incomplete,
        resources,
        read_data: state.map_or_else(Vec::new, read_data),
        configuration: build::configuration(sources),
        variables,
        outputs,
        ..Plan::default()
    };
    plan.index();
    Ok(plan)
}

fn resource(r: ResourceChange) -> Result<Resource<'static>, SavedError> {
    let change = r.change.unwrap_or_default();
    let action = match change.action {
        _ if !r.deposed.is_empty() => Action::Delete,
        0 => Action::NoOp,
        1 => Action::Create,
        2 => Action::Read,
        3 => Action::Update,
        5 => Action::Delete,
        6 | 7 => Action::Replace,
        8 => Action::Forget,
        _ => Action::Other,
    };
    let mut values = change.values.iter().map(decode).collect::<Result<Vec<_>, _>>()?;
    let (before, after) = match (action, values.len()) {
        (Action::Delete | Action::Forget, _) => (values.drain(..).next().unwrap_or_default(), Value::Null),
        (Action::NoOp, 1) => (values[0].clone(), values.pop().unwrap_or_default()),
        (_, 0) => (Value::Null, Value::Null),
        (_, 1) => (Value::Null, values.pop().unwrap_or_default()),
        _ => {
            let after = values.pop().unwrap_or_default();
            (values.pop().unwrap_or_default(), after)
        }
    };
    let inner = address::split_module(&r.address).1.to_owned();
    let parts = address::parts(&inner);
    let (mode, kind, name) = match parts.as_slice() {
        ["data", kind, name, ..] => (Mode::Data, *kind, *name),
        [kind, name, ..] => (Mode::Managed, *kind, *name),
        _ => (Mode::Managed, "", ""),
    };
    let provider = r.provider.split('"').nth(1).unwrap_or_default().to_owned();
    Ok(Resource {
        mode,
        kind: Text::from(kind.to_owned()),
        name: Text::from(name.split('[').next().unwrap_or_default().to_owned()),
        provider: Text::from(provider),
        action,
        importing: change.importing.is_some(),
        after: Raw::Value(mark(after, &change.after_sensitive)),
        after_unknown: Raw::Absent,
        after_sensitive: Raw::Absent,
        before: Raw::Value(mark(before, &change.before_sensitive)),
        before_sensitive: Raw::Absent,
        previous_address: Some(r.previous_address)
            .filter(|p| !p.is_empty() && *p != r.address)
            .map(Text::from),
        address: Text::from(r.address),
    })
}

/// Wraps what the paths name as sensitive.
fn mark(mut v: Value<'static>, paths: &[PathMessage]) -> Value<'static> {
    for p in paths {
        v = mark_one(v, &p.steps);
    }
    v
}

fn mark_one(v: Value<'static>, steps: &[StepMessage]) -> Value<'static> {
    let Some((first, rest)) = steps.split_first() else {
        return if v.is_sensitive() {
            v
        } else {
            Value::Sensitive(Box::new(Secret::new(v)))
        };
    };
    let key = first.key.as_ref().and_then(|k| decode(k).ok());
    let name = first
        .attribute
        .clone()
        .or_else(|| key.as_ref().and_then(|k| k.as_str().map(str::to_owned)));
    match v {
        Value::Object(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(k, v)| {
                    if Some(&*k) == name.as_deref() {
                        (k, mark_one(v, rest))
                    } else {
                        (k, v)
                    }
                })
                .collect(),
        ),
        Value::List(items) => {
            let index = key.as_ref().and_then(Value::as_f64);
            #[allow(clippy::cast_precision_loss)]
            // A set is keyed by its elements, not by number: then all of it is taken as sensitive.
            Value::List(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(i, v)| {
                        if index.is_none_or(|n| n == i as f64) {
                            mark_one(v, rest)
                        } else {
                            v
                        }
                    })
                    .collect(),
            )
        }
        other => other,
    }
}

/// Values nested deeper than this are refused.
const DEPTH: usize = 128;

fn decode(d: &Dynamic) -> Result<Value<'static>, SavedError> {
    if d.msgpack.is_empty() {
        return Ok(Value::Null);
    }
    let v = rmpv::decode::read_value_ref_with_max_depth(&mut d.msgpack.as_slice(), DEPTH)
        .map_err(|e| SavedError::Decode(format!("a value: {e}")))?;
    Ok(convert(&v))
}

fn convert(v: &ValueRef<'_>) -> Value<'static> {
    match v {
        ValueRef::Nil => Value::Null,
        ValueRef::Boolean(b) => Value::Bool(*b),
        ValueRef::Integer(i) => i.as_f64().map_or(Value::Null, Value::Number),
        ValueRef::F32(f) => Value::Number(f64::from(*f)),
        ValueRef::F64(f) => Value::Number(*f),
        ValueRef::String(s) => s
            .as_str()
            .map_or_else(Value::unknown, |s| Value::string(s.to_owned())),
        // Raw bytes only occur as the type of a dynamic value.
        ValueRef::Binary(_) => Value::unknown(),
        ValueRef::Array(items) => match items.as_slice() {
            [ValueRef::Binary(_), inner] => convert(inner),
            items => Value::List(items.iter().map(convert).collect()),
        },
        ValueRef::Map(entries) => Value::Object(
            entries
                .iter()
                .map(|(k, v)| {
                    (
                        Text::from(if let ValueRef::String(s) = k {
                            s.as_str().unwrap_or_default().to_owned()
                        } else {
                            String::new()
                        }),
                        convert(v),
                    )
                })
                .collect(),
        ),
        // 0 is unknown, 12 unknown with refinements.
        ValueRef::Ext(_, _) => Value::unknown(),
    }
}

/// Data sources of a state file (version 4).
fn read_data(bytes: &[u8]) -> Vec<Resource<'static>> {
    #[derive(serde::Deserialize)]
    struct State {
        #[serde(default)]
        resources: Vec<Entry>,
    }
    #[derive(serde::Deserialize)]
    struct Entry {
        module: Option<String>,
        mode: String,
        #[serde(rename = "type")]
        kind: String,
        name: String,
        #[serde(default)]
        provider: String,
        #[serde(default)]
        instances: Vec<Instance>,
    }
    #[derive(serde::Deserialize)]
    struct Instance {
        index_key: Option<serde_json::Value>,
        attributes: Option<Box<serde_json::value::RawValue>>,
    }
    let Ok(state) = serde_json::from_slice::<State>(bytes) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for e in state.resources.into_iter().filter(|e| e.mode == "data") {
        for i in e.instances {
            let key = i.index_key.map_or_else(String::new, |k| format!("[{k}]"));
            let address = address::in_module(
                e.module.as_deref().unwrap_or_default(),
                &format!("data.{}.{}{key}", e.kind, e.name),
            );
            let values = i
                .attributes
                .and_then(|a| {
                    serde_json::from_str::<Value<'_>>(a.get())
                        .ok()
                        .map(Value::into_owned)
                })
                .unwrap_or_else(Value::unknown);
            out.push(Resource {
                address: Text::from(address),
                previous_address: None,
                mode: Mode::Data,
                kind: Text::from(e.kind.clone()),
                name: Text::from(e.name.clone()),
                provider: Text::from(e.provider.split('"').nth(1).unwrap_or_default().to_owned()),
                action: Action::Read,
                importing: false,
                after: Raw::Value(values),
                after_unknown: Raw::Absent,
                after_sensitive: Raw::Absent,
                before: Raw::Absent,
                before_sensitive: Raw::Absent,
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn dynamic(v: &rmpv::Value) -> Dynamic {
        let mut msgpack = Vec::new();
        rmpv::encode::write_value(&mut msgpack, v).unwrap();
        Dynamic { msgpack }
    }

    fn map(entries: &[(&str, rmpv::Value)]) -> rmpv::Value {
        rmpv::Value::Map(
            entries
                .iter()
                .map(|(k, v)| (rmpv::Value::from(*k), v.clone()))
                .collect(),
        )
    }

    fn backend(kind: &str, config: rmpv::Value, workspace: &str) -> BackendMessage {
        BackendMessage {
            kind: kind.into(),
            config: Some(dynamic(&config)),
            workspace: workspace.into(),
        }
    }

    fn zipped(message: &PlanMessage, files: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        zip.start_file("tfplan", options).unwrap();
        zip.write_all(&message.encode_to_vec()).unwrap();
        for (name, text) in files {
            zip.start_file(*name, options).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn message(b: BackendMessage) -> PlanMessage {
        PlanMessage {
            version: 3,
            terraform_version: "1.11.4".into(),
            timestamp: "2026-01-01T00:00:00Z".into(),
            backend: Some(b),
            ..PlanMessage::default()
        }
    }

    #[test]
    fn reads_type_settings_and_workspace_of_the_backend_and_hides_its_secrets() {
        let config = map(&[
            ("bucket", "b".into()),
            ("key", "k".into()),
            ("encrypt", true.into()),
            ("access_key", "AKIAQ3EGRPLANTED2B7X".into()),
            ("dynamodb_table", rmpv::Value::Nil),
            ("endpoints", map(&[("s3", "http://localhost".into())])),
        ]);
        let saved = read(&zipped(
            &message(backend("s3", config, "staging")),
            &[("tfconfig/m-/main.tf", "terraform {\n  backend \"s3\" {}\n}\n")],
        ))
        .unwrap();
        let b = &saved.backend;
        assert_eq!(
            (b.kind.as_str(), b.workspace.as_deref(), b.partial, b.no_block),
            ("s3", Some("staging"), false, false)
        );
        assert_eq!(b.config.get("bucket").as_str(), Some("b"));
        assert_eq!(b.config.path("endpoints.s3").as_str(), Some("http://localhost"));
        assert!(b.config.get("dynamodb_table").is_null());
        assert!(b.config.get("access_key").is_sensitive() && !format!("{b:?}").contains("PLANTED"));
    }

    #[test]
    fn tells_no_block_from_an_empty_local_block() {
        let nulls = || map(&[("path", rmpv::Value::Nil), ("workspace_dir", rmpv::Value::Nil)]);
        let none = read(&zipped(
            &message(backend("local", nulls(), "default")),
            &[("tfconfig/m-/main.tf", "locals {}\n")],
        ))
        .unwrap();
        let empty = read(&zipped(
            &message(backend("local", nulls(), "default")),
            &[("tfconfig/m-/main.tf", "terraform {\n  backend \"local\" {}\n}\n")],
        ))
        .unwrap();
        assert!(none.backend.no_block && !empty.backend.no_block);
    }

    #[test]
    fn state_stores_of_newer_versions_are_backends() {
        let mut m = message(backend("x", map(&[]), ""));
        m.backend = None;
        m.state_store = Some(backend("aws_s3", map(&[]), "default"));
        assert_eq!(read(&zipped(&m, &[])).unwrap().backend.kind, "aws_s3");
        m.state_store = None;
        assert!(
            read(&zipped(&m, &[]))
                .unwrap_err()
                .to_string()
                .contains("names no backend")
        );
    }

    #[test]
    fn values_keep_unknown_dynamic_and_sensitive_apart() {
        let after = map(&[
            ("known", "x".into()),
            ("unknown", rmpv::Value::Ext(0, vec![0])),
            ("refined", rmpv::Value::Ext(12, vec![0x81, 1, 0xc2])),
            (
                "dynamic",
                rmpv::Value::Array(vec![rmpv::Value::Binary(b"\"string\"".to_vec()), "abc".into()]),
            ),
            ("secret", "PLANTED".into()),
        ]);
        let mut m = message(backend("s3", map(&[]), "default"));
        m.resource_changes.push(ResourceChange {
            address: "module.m[\"a\"].aws_x.y[0]".into(),
            provider: "provider[\"registry.terraform.io/hashicorp/aws\"]".into(),
            change: Some(Change {
                action: 1,
                values: vec![dynamic(&after)],
                after_sensitive: vec![PathMessage {
                    steps: vec![StepMessage {
                        attribute: Some("secret".into()),
                        key: None,
                    }],
                }],
                ..Change::default()
            }),
            ..ResourceChange::default()
        });
        let saved = read(&zipped(&m, &[])).unwrap();
        let r = &saved.plan.resources[0];
        assert_eq!(
            (&*r.kind, &*r.name, r.module(), &*r.provider),
            (
                "aws_x",
                "y",
                "module.m[\"a\"]",
                "registry.terraform.io/hashicorp/aws"
            )
        );
        let v = r.values();
        assert_eq!(v.get("known").as_str(), Some("x"));
        assert!(v.get("unknown").is_unknown() && v.get("refined").is_unknown());
        assert_eq!(v.get("dynamic").as_str(), Some("abc"));
        assert!(v.get("secret").is_sensitive() && !format!("{v:?}").contains("PLANTED"));
    }

    #[test]
    fn other_versions_and_older_address_forms_are_refused() {
        let mut m = message(backend("s3", map(&[]), "default"));
        m.version = 4;
        assert!(matches!(read(&zipped(&m, &[])), Err(SavedError::Version(4))));
        m.version = 3;
        m.resource_changes.push(ResourceChange::default());
        assert!(matches!(read(&zipped(&m, &[])), Err(SavedError::TooOld(_))));
    }
}
