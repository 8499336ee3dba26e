//! Values to MessagePack bytes.

use rmp::encode as mp;

use super::refinements::{MAX_PAYLOAD, REFINED, is_collection, key};
use crate::path::{Path, PathStep};
use crate::ty::Type;
use crate::value::{Number, Problem, Refinements, Value, ValueError};

/// Writing into memory cannot fail; lengths beyond 32 bits can.
fn length(length: usize, path: &Path) -> Result<u32, ValueError> {
    u32::try_from(length).map_err(|_| ValueError::malformed(path, "longer than the wire format allows"))
}

/// Turns the error type of writers that cannot fail into ours.
fn ok<T, E: std::fmt::Debug>(result: Result<T, E>, path: &Path) -> Result<(), ValueError> {
    result
        .map(drop)
        .map_err(|e| ValueError::malformed(path, format!("cannot be written: {e:?}")))
}

pub(super) fn value(out: &mut Vec<u8>, ty: &Type, value: &Value, path: &mut Path) -> Result<(), ValueError> {
    match (ty, value) {
        (_, Value::Null) => ok(mp::write_nil(out), path),
        (ty, Value::Unknown(refinements)) => unknown(out, ty, refinements, path),
        (Type::String, Value::String(text)) => string(out, text, path),
        (Type::Bool, Value::Bool(bool)) => ok(mp::write_bool(out, *bool), path),
        (Type::Number, Value::Number(value)) => number(out, value, path),
        (
            Type::List(element) | Type::Set(element),
            Value::List(items) | Value::Set(items) | Value::Tuple(items),
        ) => {
            ok(mp::write_array_len(out, length(items.len(), path)?), path)?;
            for (index, item) in (0..).zip(items) {
                inside(out, element, PathStep::Index(index), item, path)?;
            }
            Ok(())
        }
        (Type::Tuple(types), Value::List(items) | Value::Set(items) | Value::Tuple(items)) => {
            if types.len() != items.len() {
                let problem = Problem::Length {
                    expected: types.len(),
                    found: items.len(),
                };
                return Err(ValueError::new(path, problem));
            }
            ok(mp::write_array_len(out, length(items.len(), path)?), path)?;
            for ((index, ty), item) in (0..).zip(types).zip(items) {
                inside(out, ty, PathStep::Index(index), item, path)?;
            }
            Ok(())
        }
        (Type::Map(element), Value::Map(entries) | Value::Object(entries)) => {
            ok(mp::write_map_len(out, length(entries.len(), path)?), path)?;
            for (key, item) in entries {
                string(out, key, path)?;
                inside(out, element, PathStep::Key(key.clone()), item, path)?;
            }
            Ok(())
        }
        (Type::Object(types), Value::Map(entries) | Value::Object(entries)) => {
            if let Some(extra) = entries.keys().find(|name| !types.contains_key(*name)) {
                return Err(ValueError::new(path, Problem::Unsupported(extra.clone())));
            }
            ok(mp::write_map_len(out, length(types.len(), path)?), path)?;
            for (name, ty) in types {
                let Some(item) = entries.get(name) else {
                    return Err(ValueError::new(path, Problem::Missing(name.clone())));
                };
                string(out, name, path)?;
                inside(out, ty, PathStep::Attribute(name.clone()), item, path)?;
            }
            Ok(())
        }
        (Type::Dynamic, Value::Dynamic(boxed)) => {
            let json = boxed.0.to_json();
            ok(mp::write_array_len(out, 2), path)?;
            ok(mp::write_bin_len(out, length(json.len(), path)?), path)?;
            out.extend_from_slice(&json);
            self::value(out, &boxed.0, &boxed.1, path)
        }
        (ty, value) => Err(ValueError::new(
            path,
            Problem::WrongType {
                expected: ty.to_string(),
                found: value.kind(),
            },
        )),
    }
}

fn inside(
    out: &mut Vec<u8>,
    ty: &Type,
    step: PathStep,
    item: &Value,
    path: &mut Path,
) -> Result<(), ValueError> {
    path.push(step);
    value(out, ty, item, path)?;
    path.pop();
    Ok(())
}

fn string(out: &mut Vec<u8>, text: &str, path: &Path) -> Result<(), ValueError> {
    length(text.len(), path)?;
    ok(mp::write_str(out, text), path)
}

/// As go-cty does: an integer that fits, a fraction that is exactly a float, else decimal text.
fn number(out: &mut Vec<u8>, number: &Number, path: &Path) -> Result<(), ValueError> {
    match number.canonical() {
        Number::Int(int) => ok(mp::write_sint(out, int), path),
        Number::Float(float) if !float.is_nan() => ok(mp::write_f64(out, float), path),
        Number::Decimal(text) if number.is_valid() => string(out, &text, path),
        Number::Float(_) | Number::Decimal(_) => Err(ValueError::new(
            path,
            Problem::BadNumber(number.to_string().chars().take(40).collect()),
        )),
    }
}

fn unknown(out: &mut Vec<u8>, ty: &Type, refinements: &Refinements, path: &Path) -> Result<(), ValueError> {
    let payload = payload(ty, refinements, path)?;
    match payload {
        Some(payload) if payload.len() <= MAX_PAYLOAD => {
            ok(
                mp::write_ext_meta(out, length(payload.len(), path)?, REFINED),
                path,
            )?;
            out.extend_from_slice(&payload);
        }
        // Nothing is known, or more than the other side takes: knowing less is always true.
        _ => out.extend_from_slice(&[0xd4, 0, 0]),
    }
    Ok(())
}

/// The payload, if anything is known that goes with the type.
fn payload(ty: &Type, refinements: &Refinements, path: &Path) -> Result<Option<Vec<u8>>, ValueError> {
    if *ty == Type::Dynamic {
        return Ok(None);
    }
    let mut entries = 0;
    let mut body = Vec::new();
    let mut entry = |key: i64, body: &mut Vec<u8>| {
        entries += 1;
        ok(mp::write_sint(body, key), path)
    };
    if let Some(null) = refinements.null {
        entry(key::NULL, &mut body)?;
        ok(mp::write_bool(&mut body, null), path)?;
    }
    if let (Type::String, Some(prefix)) = (ty, &refinements.prefix) {
        entry(key::PREFIX, &mut body)?;
        string(&mut body, prefix, path)?;
    }
    if *ty == Type::Number {
        for (key, bound) in [(key::MIN, &refinements.min), (key::MAX, &refinements.max)] {
            if let Some((bound, inclusive)) = bound {
                entry(key, &mut body)?;
                ok(mp::write_array_len(&mut body, 2), path)?;
                number(&mut body, bound, path)?;
                ok(mp::write_bool(&mut body, *inclusive), path)?;
            }
        }
    }
    if is_collection(ty) {
        for (key, bound) in [
            (key::MIN_LENGTH, refinements.min_length),
            (key::MAX_LENGTH, refinements.max_length),
        ] {
            if let Some(bound) = bound {
                entry(key, &mut body)?;
                ok(mp::write_sint(&mut body, bound), path)?;
            }
        }
    }
    if entries == 0 {
        return Ok(None);
    }
    let mut payload = Vec::new();
    ok(mp::write_map_len(&mut payload, entries), path)?;
    payload.extend_from_slice(&body);
    Ok(Some(payload))
}
