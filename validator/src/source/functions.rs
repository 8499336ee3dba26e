//! The functions of the language that policies and names are built with. What is not here is unknown.

use base64::Engine;

use crate::value::{Part, Text, Unknown, Value};

type V = Value<'static>;

/// Stands in a policy's text for what is not known, as the `access` crate reads it.
pub const UNKNOWN_TEXT: char = '\u{fffc}';

/// Unknown, hanging on everything that the given values hang on.
#[must_use]
pub(super) fn unknown_of(values: &[V]) -> V {
    let mut references = Vec::new();
    for v in values {
        collect(v, &mut references);
    }
    references.sort();
    references.dedup();
    references.truncate(16);
    Value::Unknown(Unknown { references })
}

fn collect(v: &V, out: &mut Vec<String>) {
    match v.bare() {
        Value::Unknown(u) => out.extend(u.references.iter().cloned()),
        Value::Template(t) => t.0.iter().for_each(|p| {
            if let Part::Hole(u) = p {
                out.extend(u.references.iter().cloned());
            }
        }),
        Value::List(l) => l.iter().for_each(|v| collect(v, out)),
        Value::Object(o) => o.iter().for_each(|(k, v)| {
            if &**k == "\0instance"
                && let Value::String(s) = v
            {
                out.push(s.to_string());
            }
            collect(v, out);
        }),
        _ => {}
    }
}

/// The string form of a known primitive.
#[must_use]
pub(super) fn to_text(v: &V) -> Option<String> {
    match v.bare() {
        Value::String(s) => Some(s.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        Value::Number(n) => Some(number(*n)),
        _ => None,
    }
}

fn number(n: f64) -> String {
    if n.fract() == 0.0 && n.abs() < 1e15 {
        format!("{}", n as i64)
    } else {
        format!("{n}")
    }
}

/// The string form of a string known in part, with [`UNKNOWN_TEXT`] where it is not.
#[must_use]
pub fn with_holes(v: &V) -> Option<String> {
    match v.bare() {
        Value::Unknown(_) => Some(UNKNOWN_TEXT.to_string()),
        Value::Template(t) => Some(
            t.0.iter()
                .map(|p| match p {
                    Part::Literal(s) => s.to_string(),
                    Part::Hole(_) => UNKNOWN_TEXT.to_string(),
                })
                .collect(),
        ),
        other => to_text(other),
    }
}

/// `jsonencode`: a string when everything is known, else a template whose text is JSON with holes inside its strings.
#[must_use]
pub(super) fn jsonencode(v: &V) -> V {
    let mut parts = Vec::new();
    encode(v, &mut parts);
    super::eval::template(if parts.len() == 1 {
        vec![Value::string(""), parts.remove(0)]
    } else {
        parts
    })
}

fn encode(v: &V, out: &mut Vec<V>) {
    let quoted = |s: &str| Value::string(serde_json::Value::String(s.to_owned()).to_string());
    match v.bare() {
        Value::Null => out.push(Value::string("null")),
        Value::Bool(b) => out.push(Value::string(b.to_string())),
        Value::Number(n) => out.push(Value::string(number(*n))),
        Value::String(s) => out.push(quoted(s)),
        Value::Unknown(u) => {
            out.push(Value::string("\""));
            out.push(Value::Unknown(u.clone()));
            out.push(Value::string("\""));
        }
        Value::Template(t) => {
            out.push(Value::string("\""));
            for p in &t.0 {
                match p {
                    Part::Literal(s) => {
                        let q = serde_json::Value::String(s.to_string()).to_string();
                        out.push(Value::string(q[1..q.len() - 1].to_owned()));
                    }
                    Part::Hole(u) => out.push(Value::Unknown(u.clone())),
                }
            }
            out.push(Value::string("\""));
        }
        Value::List(items) => {
            out.push(Value::string("["));
            for (i, v) in items.iter().enumerate() {
                if i > 0 {
                    out.push(Value::string(","));
                }
                encode(v, out);
            }
            out.push(Value::string("]"));
        }
        Value::Object(entries) if entries.first().is_some_and(|(k, _)| k.starts_with('\0')) => {
            encode(&unknown_of(std::slice::from_ref(v)), out)
        }
        Value::Object(entries) => {
            out.push(Value::string("{"));
            for (i, (k, v)) in entries.iter().enumerate() {
                if i > 0 {
                    out.push(Value::string(","));
                }
                out.push(quoted(k));
                out.push(Value::string(":"));
                encode(v, out);
            }
            out.push(Value::string("}"));
        }
        Value::Sensitive(_) => out.push(Value::unknown()),
    }
}

/// Calls a function. Unknown functions, and known ones on values they cannot work with, are unknown.
#[must_use]
pub(super) fn call(name: &str, args: &[V]) -> V {
    let name = name.strip_prefix("core::").unwrap_or(name);
    if !args.iter().all(Value::is_wholly_known) && !matches!(name, "jsonencode") && !structural(name) {
        return unknown_of(args);
    }
    known(name, args).unwrap_or_else(|| unknown_of(args))
}

/// Functions that work on collections whose elements may be unknown.
fn structural(name: &str) -> bool {
    matches!(
        name,
        "concat"
            | "merge"
            | "flatten"
            | "toset"
            | "tolist"
            | "tomap"
            | "distinct"
            | "compact"
            | "element"
            | "lookup"
            | "keys"
            | "values"
            | "length"
            | "one"
            | "coalesce"
            | "coalescelist"
            | "format"
            | "join"
            | "zipmap"
            | "slice"
            | "reverse"
            | "sensitive"
            | "nonsensitive"
            | "tostring"
            | "formatlist"
            | "setunion"
            | "setproduct"
            | "base64encode"
            | "trimspace"
            | "jsondecode"
            | "contains"
    )
}

fn text(v: Option<&V>) -> Option<&str> {
    v.and_then(Value::as_str)
}

fn list(v: &V) -> Option<Vec<V>> {
    match v.bare() {
        Value::List(l) => Some(l.clone()),
        Value::Null => Some(Vec::new()),
        _ => None,
    }
}

fn strings(v: Vec<String>) -> V {
    Value::List(v.into_iter().map(Value::string).collect())
}

fn known(name: &str, args: &[V]) -> Option<V> {
    let first = args.first();
    let s = || text(first);
    Some(match name {
        "jsonencode" => jsonencode(first?),
        "jsondecode" => serde_json::from_str::<Value<'_>>(s()?).ok()?.into_owned(),
        "concat" => Value::List(args.iter().map(list).collect::<Option<Vec<_>>>()?.concat()),
        "merge" => {
            let mut out: Vec<(Text<'static>, V)> = Vec::new();
            for a in args {
                if a.is_null() {
                    continue;
                }
                let Value::Object(entries) = a.bare() else {
                    return None;
                };
                for (k, v) in entries {
                    out.retain(|(have, _)| have != k);
                    out.push((k.clone(), v.clone()));
                }
            }
            Value::Object(out)
        }
        "flatten" => {
            fn deep(v: &V, out: &mut Vec<V>) {
                match v.bare() {
                    Value::List(l) => l.iter().for_each(|v| deep(v, out)),
                    other => out.push(other.clone()),
                }
            }
            list(first?)?;
            let mut out = Vec::new();
            deep(first?, &mut out);
            Value::List(out)
        }
        "toset" | "distinct" | "setunion" => {
            let mut out: Vec<V> = Vec::new();
            for a in args {
                for v in list(a)? {
                    if !v.is_wholly_known() || !out.contains(&v) {
                        out.push(v);
                    }
                }
            }
            if name != "distinct" {
                out.sort_by_key(to_text);
            }
            Value::List(out)
        }
        "tolist" | "tomap" | "nonsensitive" | "ephemeralasnull" => first?.bare().clone(),
        "sensitive" => Value::Sensitive(Box::new(crate::value::Secret::new(first?.bare().clone()))),
        "tostring" => match first?.bare() {
            v @ (Value::Template(_) | Value::Unknown(_) | Value::Null) => v.clone(),
            v => Value::string(to_text(v)?),
        },
        "tonumber" => Value::Number(first?.as_f64()?),
        "tobool" => Value::Bool(first?.as_bool()?),
        "compact" => Value::List(
            list(first?)?
                .into_iter()
                .filter(|v| !(v.is_null() || v.as_str() == Some("")))
                .collect(),
        ),
        "reverse" => Value::List(list(first?)?.into_iter().rev().collect()),
        "element" => {
            let l = list(first?)?;
            let i = args.get(1)?.as_f64()? as usize;
            l.get(i % l.len().max(1))?.clone()
        }
        "slice" => {
            let (from, to) = (args.get(1)?.as_f64()? as usize, args.get(2)?.as_f64()? as usize);
            Value::List(list(first?)?.get(from..to)?.to_vec())
        }
        "one" => {
            let l = list(first?)?;
            match l.len() {
                0 => Value::Null,
                1 => l.into_iter().next()?,
                _ => return None,
            }
        }
        "length" => match first?.bare() {
            Value::List(l) => Value::Number(l.len() as f64),
            Value::Object(o) if !o.first().is_some_and(|(k, _)| k.starts_with('\0')) => {
                Value::Number(o.len() as f64)
            }
            Value::String(s) => Value::Number(s.chars().count() as f64),
            _ => return None,
        },
        "keys" => match first?.bare() {
            Value::Object(o) => {
                let mut k: Vec<String> = o.iter().map(|(k, _)| k.to_string()).collect();
                k.sort();
                strings(k)
            }
            _ => return None,
        },
        "values" => match first?.bare() {
            Value::Object(o) => {
                let mut o = o.clone();
                o.sort_by(|a, b| a.0.cmp(&b.0));
                Value::List(o.into_iter().map(|(_, v)| v).collect())
            }
            _ => return None,
        },
        "lookup" => {
            let k = text(args.get(1))?;
            match first?.bare() {
                Value::Object(o) => o
                    .iter()
                    .find(|(n, _)| &**n == k)
                    .map(|(_, v)| v.clone())
                    .or_else(|| args.get(2).cloned())?,
                _ => return None,
            }
        }
        "contains" => {
            let l = list(first?)?;
            let wanted = args.get(1)?;
            if l.iter().any(|v| v.is_wholly_known() && v.bare() == wanted.bare()) {
                Value::Bool(true)
            } else if l.iter().all(Value::is_wholly_known) && wanted.is_wholly_known() {
                Value::Bool(false)
            } else {
                return None;
            }
        }
        "coalesce" | "coalescelist" => {
            for v in args {
                if v.is_unknown() {
                    return None;
                }
                if !v.is_empty() {
                    return Some(v.clone());
                }
            }
            return None;
        }
        "zipmap" => {
            let keys = list(first?)?.iter().map(to_text).collect::<Option<Vec<_>>>()?;
            Value::Object(
                keys.into_iter()
                    .map(Text::from)
                    .zip(list(args.get(1)?)?)
                    .collect(),
            )
        }
        "setproduct" => {
            let mut rows: Vec<Vec<V>> = vec![Vec::new()];
            for a in args {
                let l = list(a)?;
                rows = rows
                    .into_iter()
                    .flat_map(|r| l.iter().map(move |v| [r.clone(), vec![v.clone()]].concat()))
                    .collect();
                if rows.len() > 10_000 {
                    return None;
                }
            }
            Value::List(rows.into_iter().map(Value::List).collect())
        }
        "join" => {
            let sep = s()?.to_owned();
            let mut parts = vec![Value::string("")];
            for a in &args[1..] {
                for v in list(a)? {
                    if parts.len() > 1 {
                        parts.push(Value::string(sep.clone()));
                    }
                    parts.push(v);
                }
            }
            // `join("", data.x[*].json)` of one element is that element.
            if parts.len() == 2 {
                parts.pop()?
            } else {
                super::eval::template(parts)
            }
        }
        "split" => strings(text(args.get(1))?.split(s()?).map(str::to_owned).collect()),
        "format" => format_text(s()?, &args[1..])?,
        "formatlist" => {
            let n = args[1..].iter().filter_map(|a| list(a).map(|l| l.len())).max()?;
            let mut out = Vec::new();
            for i in 0..n {
                let row: Vec<V> = args[1..]
                    .iter()
                    .map(|a| list(a).map_or_else(|| a.clone(), |l| l.get(i).cloned().unwrap_or_default()))
                    .collect();
                out.push(format_text(s()?, &row)?);
            }
            Value::List(out)
        }
        "lower" => Value::string(s()?.to_lowercase()),
        "upper" => Value::string(s()?.to_uppercase()),
        "title" => Value::string(
            s()?.split(' ')
                .map(|w| {
                    w.chars()
                        .enumerate()
                        .map(|(i, c)| if i == 0 { c.to_ascii_uppercase() } else { c })
                        .collect::<String>()
                })
                .collect::<Vec<_>>()
                .join(" "),
        ),
        "trimspace" => match first?.bare() {
            Value::String(s) => Value::string(s.trim().to_owned()),
            v @ Value::Template(_) => v.clone(),
            _ => return None,
        },
        "chomp" => Value::string(s()?.trim_end_matches(['\n', '\r']).to_owned()),
        "trim" => {
            let cut: Vec<char> = text(args.get(1))?.chars().collect();
            Value::string(s()?.trim_matches(cut.as_slice()).to_owned())
        }
        "trimprefix" => Value::string(s()?.strip_prefix(text(args.get(1))?).unwrap_or(s()?).to_owned()),
        "trimsuffix" => Value::string(s()?.strip_suffix(text(args.get(1))?).unwrap_or(s()?).to_owned()),
        "startswith" => Value::Bool(s()?.starts_with(text(args.get(1))?)),
        "endswith" => Value::Bool(s()?.ends_with(text(args.get(1))?)),
        "strcontains" => Value::Bool(s()?.contains(text(args.get(1))?)),
        "replace" => {
            let (from, to) = (text(args.get(1))?, text(args.get(2))?);
            if from.len() > 1 && from.starts_with('/') && from.ends_with('/') {
                let re = regex::Regex::new(&from[1..from.len() - 1]).ok()?;
                Value::string(re.replace_all(s()?, to).into_owned())
            } else {
                Value::string(s()?.replace(from, to))
            }
        }
        "substr" => {
            let (from, n) = (args.get(1)?.as_f64()? as usize, args.get(2)?.as_f64()?);
            let n = if n < 0.0 { usize::MAX } else { n as usize };
            Value::string(s()?.chars().skip(from).take(n).collect::<String>())
        }
        "base64encode" => match first?.bare() {
            Value::String(s) => Value::string(base64::engine::general_purpose::STANDARD.encode(s.as_bytes())),
            // The content matters more than its coding: rules decode before they look, and text in part stays readable.
            v @ Value::Template(_) => v.clone(),
            _ => return None,
        },
        "base64decode" => Value::string(
            String::from_utf8(base64::engine::general_purpose::STANDARD.decode(s()?).ok()?).ok()?,
        ),
        "range" => {
            let nums: Vec<i64> = args
                .iter()
                .map(|a| a.as_f64().map(|n| n as i64))
                .collect::<Option<_>>()?;
            let (from, to) = if nums.len() == 1 {
                (0, nums[0])
            } else {
                (*nums.first()?, *nums.get(1)?)
            };
            Value::List(
                (from..to.min(from.saturating_add(10_000)))
                    .map(|n| Value::Number(n as f64))
                    .collect(),
            )
        }
        "min" => Value::Number(
            args.iter()
                .map(Value::as_f64)
                .collect::<Option<Vec<_>>>()?
                .into_iter()
                .fold(f64::INFINITY, f64::min),
        ),
        "max" => Value::Number(
            args.iter()
                .map(Value::as_f64)
                .collect::<Option<Vec<_>>>()?
                .into_iter()
                .fold(f64::NEG_INFINITY, f64::max),
        ),
        _ => return None,
    })
}

fn format_text(pattern: &str, args: &[V]) -> Option<V> {
    let mut out = vec![Value::string("")];
    let mut known = String::new();
    let mut args = args.iter();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            known.push(c);
            continue;
        }
        let mut spec = String::new();
        let verb = loop {
            let c = chars.next()?;
            if c.is_ascii_alphabetic() || c == '%' {
                break c;
            }
            spec.push(c);
        };
        match verb {
            '%' => known.push('%'),
            's' | 'v' | 'd' if spec.is_empty() => {
                let a = args.next()?;
                out.push(Value::string(std::mem::take(&mut known)));
                out.push(a.clone());
            }
            'q' if spec.is_empty() => {
                out.push(Value::string(std::mem::take(&mut known) + "\""));
                out.push(args.next()?.clone());
                known.push('"');
            }
            'd' if spec.starts_with('0') => {
                let n = args.next()?.as_f64()? as i64;
                known.push_str(&format!(
                    "{n:0width$}",
                    width = spec.parse::<usize>().ok()?.min(64)
                ));
            }
            _ => return None,
        }
    }
    out.push(Value::string(known));
    Some(super::eval::template(out))
}
