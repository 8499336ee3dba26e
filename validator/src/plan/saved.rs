//! Reads the file that `terraform plan -out` writes: a zip with the plan (protobuf), the state and every source file.
//!
//! It is not a stable format, but what is read here has been the same since Terraform 1.1 (version 3 of the message); anything
//! else is refused. Nothing is unpacked to disk; sizes and counts are bounded before they are allocated. The plan is kept as the bytes of its
//! message: addresses and values borrow from them, and a value is built when a rule asks for it.

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::PathBuf;

use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint};
use rayon::prelude::*;

use super::{Action, Incomplete, Mode, Output, Plan, Raw, Resource, msgpack};
use crate::address;
use crate::backend::{Backend, Source, hide_secrets};
use crate::source::{Sources, build};
use crate::value::{Secret, Text, Value};

/// The members of a saved plan, unpacked.
#[derive(Debug)]
pub struct Archive {
    /// The message of the plan.
    pub message: Vec<u8>,
    /// Everything else.
    pub rest: Rest,
}

/// What a saved plan holds beside the plan.
#[derive(Debug)]
pub struct Rest {
    /// The sources of all modules.
    sources: Sources,
    read_data: Vec<Resource<'static>>,
}

/// What a saved plan holds.
#[derive(Debug)]
pub struct SavedPlan<'p> {
    /// The plan; its configuration is made from the sources.
    pub plan: Plan<'p>,
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

/// The plan without its changes, which are read where they stand.
#[derive(Clone, PartialEq, Message)]
struct PlanMessage {
    #[prost(uint64, tag = "1")]
    version: u64,
    #[prost(map = "string, message", tag = "2")]
    variables: HashMap<String, Dynamic>,
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
pub(super) struct PathMessage {
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

/// Unpacks a saved plan.
///
/// # Errors
/// When the archive cannot be read, is larger than any plan, or holds none.
pub fn unpack(bytes: &[u8]) -> Result<Archive, SavedError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| SavedError::Zip(e.to_string()))?;
    if archive.len() > MEMBERS {
        return Err(SavedError::Member(format!("{} members", archive.len())));
    }
    let mut plan = None;
    let mut data = Vec::new();
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
            // The largest member, unpacked when the state is gone again.
            "tfplan" => plan = Some(i),
            "tfstate" => data = read_data(&inflate(&mut member, "tfstate", MEMBER_LIMIT)?),
            "tfconfig/modules.json" => modules = Some(inflate(&mut member, &name, MEMBER_LIMIT)?),
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
                let content = inflate(&mut member, &name, SOURCE_LIMIT - source_bytes)?;
                source_bytes += content.len() as u64;
                files.push((
                    key.to_owned(),
                    file.to_owned(),
                    String::from_utf8_lossy(&content).into_owned(),
                ));
            }
        }
    }
    let mut member = archive
        .by_index(plan.ok_or(SavedError::NoPlan)?)
        .map_err(|e| SavedError::Zip(e.to_string()))?;
    Ok(Archive {
        message: inflate(&mut member, "tfplan", PLAN_LIMIT)?,
        rest: Rest {
            sources: sources(files, modules.as_deref()),
            read_data: data,
        },
    })
}

/// Reads an unpacked plan, borrowing from its message.
///
/// # Errors
/// When the plan cannot be read or is of an unknown version. Never a partial result.
pub fn read(message: &[u8], rest: Rest) -> Result<SavedPlan<'_>, SavedError> {
    let told = PlanMessage::decode(message).map_err(|e| SavedError::Decode(e.to_string()))?;
    if told.version != 3 {
        return Err(SavedError::Version(told.version));
    }
    let backend = backend(&told, &rest.sources)?;
    let plan = plan(told, message, &rest.sources, rest.read_data)?;
    Ok(SavedPlan {
        plan,
        sources: rest.sources,
        backend,
    })
}

fn inflate(member: &mut impl Read, what: &str, limit: u64) -> Result<Vec<u8>, SavedError> {
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
    let config = b.config.as_ref().map_or(Ok(Value::Null), decode)?.into_owned();
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

fn plan<'p>(
    m: PlanMessage,
    message: &'p [u8],
    sources: &Sources,
    read_data: Vec<Resource<'static>>,
) -> Result<Plan<'p>, SavedError> {
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
    let (mut resources, mut outputs) = (Vec::new(), Vec::new());
    for field in Fields(message) {
        match field? {
            (3, Field::Bytes(change)) => match resource(change)? {
                Some(r) => resources.push(r),
                None => return Err(SavedError::TooOld(m.terraform_version)),
            },
            (4, Field::Bytes(change)) => outputs.extend(output(change)?),
            _ => {}
        }
    }
    // All values are tried once, so that a plan with one that cannot be read is refused as a whole.
    let broken = resources.par_iter().find_any(|r| !sound(r));
    if let Some(r) = broken {
        return Err(SavedError::Decode(format!("the values of {}", r.address)));
    }
    let mut variables: Vec<(Text<'p>, Raw<'p>)> = Vec::new();
    for (name, v) in m.variables {
        variables.push((Text::from(name), Raw::Value(decode(&v)?.into_owned())));
    }
    variables.sort_by(|a, b| a.0.cmp(&b.0));
    let mut plan = Plan {
        format_version: "saved plan, version 3".into(),
        terraform_version: Some(m.terraform_version),
        timestamp: Some(m.timestamp).filter(|t| !t.is_empty()),
        incomplete,
        resources,
        read_data,
        configuration: build::configuration(sources),
        variables,
        outputs,
        ..Plan::default()
    };
    plan.index();
    Ok(plan)
}

fn sound(r: &Resource<'_>) -> bool {
    [&r.before, &r.after]
        .iter()
        .all(|raw| !matches!(raw, Raw::Saved(change, _) if !change.is_sound()))
}

/// A field of a protobuf message, as far as it is looked at.
enum Field<'p> {
    Bytes(&'p [u8]),
    Number(u64),
    Other,
}

/// The fields of a protobuf message, in order, borrowed.
struct Fields<'p>(&'p [u8]);

impl<'p> Fields<'p> {
    fn field(&mut self) -> Result<(u32, Field<'p>), SavedError> {
        let broken = |e: prost::DecodeError| SavedError::Decode(e.to_string());
        let (tag, wire) = decode_key(&mut self.0).map_err(broken)?;
        let field = match wire {
            WireType::LengthDelimited => {
                let n = decode_varint(&mut self.0).map_err(broken)?;
                Field::Bytes(self.take(usize::try_from(n).unwrap_or(usize::MAX))?)
            }
            WireType::Varint => Field::Number(decode_varint(&mut self.0).map_err(broken)?),
            WireType::SixtyFourBit => self.take(8).map(|_| Field::Other)?,
            WireType::ThirtyTwoBit => self.take(4).map(|_| Field::Other)?,
            // Not in use since before Terraform: what is inside a group are fields of their own.
            WireType::StartGroup | WireType::EndGroup => Field::Other,
        };
        Ok((tag, field))
    }

    fn take(&mut self, n: usize) -> Result<&'p [u8], SavedError> {
        let early = || SavedError::Decode("a field is longer than the message".into());
        let (taken, rest) = self.0.split_at_checked(n).ok_or_else(early)?;
        self.0 = rest;
        Ok(taken)
    }
}

impl<'p> Iterator for Fields<'p> {
    type Item = Result<(u32, Field<'p>), SavedError>;
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// The message of a change, where it stands in the plan.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Change<'p>(&'p [u8]);

/// A side of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// What was.
    Before,
    /// What will be.
    After,
}

/// What a change holds.
#[derive(Default)]
struct Parts<'p> {
    action: u64,
    values: Vec<&'p [u8]>,
    before_sensitive: Vec<&'p [u8]>,
    after_sensitive: Vec<&'p [u8]>,
    importing: bool,
}

impl<'p> Change<'p> {
    fn parts(self) -> Result<Parts<'p>, SavedError> {
        let mut parts = Parts::default();
        for field in Fields(self.0) {
            match field? {
                (1, Field::Number(n)) => parts.action = n,
                (2, Field::Bytes(dynamic)) => parts.values.push(packed(dynamic)?),
                (3, Field::Bytes(path)) => parts.before_sensitive.push(path),
                (4, Field::Bytes(path)) => parts.after_sensitive.push(path),
                (5, Field::Bytes(_)) => parts.importing = true,
                _ => {}
            }
        }
        Ok(parts)
    }

    /// The bytes of the value on a side; none for null. What cannot be read has none: see [`Change::is_sound`].
    pub(super) fn bytes(self, side: Side) -> &'p [u8] {
        self.parts().map_or(&[], |p| p.side(side))
    }

    /// The value on a side, what the plan calls sensitive marked.
    pub(super) fn value(self, side: Side) -> Value<'p> {
        let Ok(parts) = self.parts() else {
            return Value::unknown();
        };
        let value = msgpack::read(parts.side(side)).unwrap_or_else(Value::unknown);
        parts
            .sensitive(side)
            .iter()
            .fold(value, |v, path| match PathMessage::decode(*path) {
                Ok(path) => mark(v, &path.steps),
                // Nobody knows which part is meant: all of it.
                Err(_) => mark(v, &[]),
            })
    }

    /// True when something of the value on a side is sensitive.
    pub(super) fn marks_sensitive(self, side: Side) -> bool {
        self.parts().is_ok_and(|p| !p.sensitive(side).is_empty())
    }

    /// True when both sides can be read.
    fn is_sound(self) -> bool {
        self.parts()
            .is_ok_and(|p| p.values.iter().all(|v| msgpack::is_value(v)))
    }
}

impl<'p> Parts<'p> {
    fn side(&self, side: Side) -> &'p [u8] {
        let (before, after): (&[u8], &[u8]) = match (self.action, &self.values[..]) {
            (_, []) => (&[], &[]),
            (DELETE | FORGET, [one, ..]) => (one, &[]),
            (NO_OP, [one]) => (one, one),
            (_, [one]) => (&[], one),
            (_, [.., before, after]) => (before, after),
        };
        match side {
            Side::Before => before,
            Side::After => after,
        }
    }

    fn sensitive(&self, side: Side) -> &[&'p [u8]] {
        match side {
            Side::Before => &self.before_sensitive,
            Side::After => &self.after_sensitive,
        }
    }
}

const NO_OP: u64 = 0;
const DELETE: u64 = 5;
const FORGET: u64 = 8;

/// The MessagePack inside a dynamic value.
fn packed(dynamic: &[u8]) -> Result<&[u8], SavedError> {
    let mut found: &[u8] = &[];
    for field in Fields(dynamic) {
        if let (1, Field::Bytes(bytes)) = field? {
            found = bytes;
        }
    }
    Ok(found)
}

fn text(bytes: &[u8]) -> Result<&str, SavedError> {
    std::str::from_utf8(bytes).map_err(|_| SavedError::Decode("a name is not UTF-8".into()))
}

/// An output that exists after apply.
fn output(message: &[u8]) -> Result<Option<Output<'_>>, SavedError> {
    let (mut name, mut change, mut sensitive) = ("", None, false);
    for field in Fields(message) {
        match field? {
            (1, Field::Bytes(bytes)) => name = text(bytes)?,
            (2, Field::Bytes(bytes)) => change = Some(Change(bytes)),
            (3, Field::Number(n)) => sensitive = n != 0,
            _ => {}
        }
    }
    let Some(change) = change else { return Ok(None) };
    let parts = change.parts()?;
    if parts.action == DELETE {
        return Ok(None);
    }
    let after = parts.values.last().copied().unwrap_or_default();
    let after =
        msgpack::read(after).ok_or_else(|| SavedError::Decode(format!("the value of output {name}")))?;
    Ok(Some(Output {
        name: Text::borrowed(name),
        sensitive,
        after: Raw::Value(after),
        after_unknown: Raw::Absent,
    }))
}

/// A change; none when it has no address, which Terraform before 1.1 wrote otherwise.
fn resource(message: &[u8]) -> Result<Option<Resource<'_>>, SavedError> {
    let (mut deposed, mut provider, mut address, mut previous) = (false, "", "", "");
    let mut change = Change::default();
    for field in Fields(message) {
        match field? {
            (7, Field::Bytes(bytes)) => deposed = !bytes.is_empty(),
            (8, Field::Bytes(bytes)) => provider = text(bytes)?,
            (9, Field::Bytes(bytes)) => change = Change(bytes),
            (13, Field::Bytes(bytes)) => address = text(bytes)?,
            (14, Field::Bytes(bytes)) => previous = text(bytes)?,
            _ => {}
        }
    }
    if address.is_empty() {
        return Ok(None);
    }
    let parts = change.parts()?;
    let action = match parts.action {
        _ if deposed => Action::Delete,
        NO_OP => Action::NoOp,
        1 => Action::Create,
        2 => Action::Read,
        3 => Action::Update,
        DELETE => Action::Delete,
        6 | 7 => Action::Replace,
        FORGET => Action::Forget,
        _ => Action::Other,
    };
    let inner = address::split_module(address).1;
    let (mode, kind, name) = match address::parts(inner).as_slice() {
        ["data", kind, name, ..] => (Mode::Data, *kind, *name),
        [kind, name, ..] => (Mode::Managed, *kind, *name),
        _ => (Mode::Managed, "", ""),
    };
    let side = |side: Side| match parts.side(side) {
        [] => Raw::Absent,
        _ => Raw::Saved(change, side),
    };
    Ok(Some(Resource {
        mode,
        kind: Text::borrowed(kind),
        name: Text::borrowed(name.split('[').next().unwrap_or_default()),
        provider: Text::borrowed(provider.split('"').nth(1).unwrap_or_default()),
        action,
        importing: parts.importing,
        after: side(Side::After),
        after_unknown: Raw::Absent,
        after_sensitive: Raw::Absent,
        before: side(Side::Before),
        before_sensitive: Raw::Absent,
        previous_address: Some(previous)
            .filter(|p| !p.is_empty() && *p != address)
            .map(Text::borrowed),
        address: Text::borrowed(address),
    }))
}

/// Wraps what a path names as sensitive.
fn mark<'p>(v: Value<'p>, steps: &[StepMessage]) -> Value<'p> {
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
                        (k, mark(v, rest))
                    } else {
                        (k, v)
                    }
                })
                .collect(),
        ),
        Value::List(items) => {
            let index = key.as_ref().and_then(Value::as_f64);
            // A set is keyed by its elements, not by number: then all of it is taken as sensitive.
            let meant = |i: usize| index.is_none_or(|n| n == f64::from(u32::try_from(i).unwrap_or(u32::MAX)));
            Value::List(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(i, v)| if meant(i) { mark(v, rest) } else { v })
                    .collect(),
            )
        }
        other => other,
    }
}

fn decode(d: &Dynamic) -> Result<Value<'_>, SavedError> {
    msgpack::read(&d.msgpack).ok_or_else(|| SavedError::Decode("a value".into()))
}

/// Data sources of a state file (version 4).
fn read_data(bytes: &[u8]) -> Vec<Resource<'static>> {
    #[derive(serde::Deserialize)]
    struct State<'s> {
        #[serde(borrow, default)]
        resources: Vec<Entry<'s>>,
    }
    #[derive(serde::Deserialize)]
    struct Entry<'s> {
        #[serde(borrow)]
        module: Option<Text<'s>>,
        mode: Text<'s>,
        #[serde(rename = "type")]
        kind: Text<'s>,
        name: Text<'s>,
        #[serde(default)]
        provider: Text<'s>,
        #[serde(default)]
        instances: Vec<Instance<'s>>,
    }
    #[derive(serde::Deserialize)]
    struct Instance<'s> {
        index_key: Option<serde_json::Value>,
        #[serde(borrow)]
        attributes: Option<&'s serde_json::value::RawValue>,
    }
    let Ok(state) = serde_json::from_slice::<State<'_>>(bytes) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for e in state.resources.into_iter().filter(|e| &*e.mode == "data") {
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
                kind: Text::from(e.kind.to_string()),
                name: Text::from(e.name.to_string()),
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

    /// A change as Terraform writes it.
    #[derive(Clone, PartialEq, Message)]
    struct ResourceChange {
        #[prost(string, tag = "7")]
        deposed: String,
        #[prost(string, tag = "8")]
        provider: String,
        #[prost(message, optional, tag = "9")]
        change: Option<ChangeMessage>,
        #[prost(string, tag = "13")]
        address: String,
        #[prost(string, tag = "14")]
        previous_address: String,
    }

    #[derive(Clone, PartialEq, Message)]
    struct ChangeMessage {
        #[prost(int32, tag = "1")]
        action: i32,
        #[prost(message, repeated, tag = "2")]
        values: Vec<Dynamic>,
        #[prost(message, repeated, tag = "3")]
        before_sensitive: Vec<PathMessage>,
        #[prost(message, repeated, tag = "4")]
        after_sensitive: Vec<PathMessage>,
    }

    /// The changes of a plan: what is written behind a message is part of it.
    #[derive(Clone, PartialEq, Message)]
    struct Changes {
        #[prost(message, repeated, tag = "3")]
        all: Vec<ResourceChange>,
    }

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
        with_changes(message, Vec::new(), files)
    }

    fn with_changes(message: &PlanMessage, all: Vec<ResourceChange>, files: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        zip.start_file("tfplan", options).unwrap();
        zip.write_all(&message.encode_to_vec()).unwrap();
        zip.write_all(&Changes { all }.encode_to_vec()).unwrap();
        for (name, text) in files {
            zip.start_file(*name, options).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// Reads an archive, which lives as long as the test.
    fn read(bytes: &[u8]) -> Result<SavedPlan<'static>, SavedError> {
        let archive = unpack(bytes)?;
        super::read(Vec::leak(archive.message), archive.rest)
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
        let m = message(backend("s3", map(&[]), "default"));
        let change = ResourceChange {
            address: "module.m[\"a\"].aws_x.y[0]".into(),
            provider: "provider[\"registry.terraform.io/hashicorp/aws\"]".into(),
            change: Some(ChangeMessage {
                action: 1,
                values: vec![dynamic(&after)],
                after_sensitive: vec![PathMessage {
                    steps: vec![StepMessage {
                        attribute: Some("secret".into()),
                        key: None,
                    }],
                }],
                ..ChangeMessage::default()
            }),
            ..ResourceChange::default()
        };
        let saved = read(&with_changes(&m, vec![change], &[])).unwrap();
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
        let old = with_changes(&m, vec![ResourceChange::default()], &[]);
        assert!(matches!(read(&old), Err(SavedError::TooOld(_))));
    }

    #[test]
    fn a_value_that_cannot_be_read_refuses_the_plan() {
        let m = message(backend("s3", map(&[]), "default"));
        let change = |msgpack: Vec<u8>| ResourceChange {
            address: "aws_x.y".into(),
            change: Some(ChangeMessage {
                action: 1,
                values: vec![Dynamic { msgpack }],
                ..ChangeMessage::default()
            }),
            ..ResourceChange::default()
        };
        assert!(read(&with_changes(&m, vec![change(vec![0x80])], &[])).is_ok());
        for broken in [vec![0xc1], vec![0x81, 0xa1, b'a'], vec![0x91; 400]] {
            let e = read(&with_changes(&m, vec![change(vec![0x80]), change(broken)], &[])).unwrap_err();
            assert!(e.to_string().contains("the values of aws_x.y"), "{e}");
        }
    }

    #[test]
    fn each_action_tells_which_values_were_and_will_be() {
        let m = message(backend("s3", map(&[]), "default"));
        let value = |n: &str| dynamic(&map(&[("v", n.into())]));
        let seen = |action: i32, values: Vec<Dynamic>| {
            let change = ResourceChange {
                address: "aws_x.y".into(),
                change: Some(ChangeMessage {
                    action,
                    values,
                    ..ChangeMessage::default()
                }),
                ..ResourceChange::default()
            };
            let saved = read(&with_changes(&m, vec![change], &[])).unwrap();
            let r = &saved.plan.resources[0];
            let of = |v: Value<'_>| v.get("v").as_str().map(str::to_owned);
            (of(r.before()), of(r.values()))
        };
        let some = |s: &str| Some(s.to_owned());
        assert_eq!(seen(0, vec![value("a")]), (some("a"), some("a")));
        assert_eq!(seen(1, vec![value("a")]), (None, some("a")));
        assert_eq!(seen(3, vec![value("a"), value("b")]), (some("a"), some("b")));
        assert_eq!(seen(5, vec![value("a")]), (some("a"), None));
        assert_eq!(seen(6, vec![value("a"), value("b")]), (some("a"), some("b")));
        assert_eq!(seen(8, vec![value("a")]), (some("a"), None));
    }
}
