//! What is known of an unknown value, as the payload of extension type 12.

use super::read::{Reader, Token};
use crate::ty::Type;
use crate::value::{Number, Refinements};

/// Extension type of a refined unknown value.
pub(super) const REFINED: i8 = 12;
/// Largest payload the other side takes.
pub(super) const MAX_PAYLOAD: usize = 1024;

/// Keys of the payload's map.
pub(super) mod key {
    pub(in super::super) const NULL: i64 = 1;
    pub(in super::super) const PREFIX: i64 = 2;
    pub(in super::super) const MIN: i64 = 3;
    pub(in super::super) const MAX: i64 = 4;
    pub(in super::super) const MIN_LENGTH: i64 = 5;
    pub(in super::super) const MAX_LENGTH: i64 = 6;
}

/// Reads the payload of an unknown value of type `ty`. Keys from the future are read over.
pub(super) fn decode(ty: &Type, kind: i8, body: &[u8]) -> Result<Refinements, String> {
    let mut refinements = Refinements::default();
    if body.len() <= 1 {
        return Ok(refinements);
    }
    if kind != REFINED {
        return Err(format!(
            "unsupported extension type {kind} with a payload of {} bytes",
            body.len()
        ));
    }
    if body.len() > MAX_PAYLOAD {
        return Err(format!(
            "refinements of {} bytes, more than {MAX_PAYLOAD}",
            body.len()
        ));
    }
    let mut reader = Reader::new(body);
    let Token::Map(entries) = reader.token()? else {
        return Err("refinements are not a map".to_owned());
    };
    // Nothing can be known of a value whose type is open.
    if *ty == Type::Dynamic {
        return Ok(refinements);
    }
    for _ in 0..entries {
        let Token::Int(key) = reader.token()? else {
            return Err("a refinement's key is not an integer".to_owned());
        };
        match key {
            key::NULL => match reader.token()? {
                Token::Bool(null) => refinements.null = Some(null),
                _ => return Err("the refinement of null is not a bool".to_owned()),
            },
            key::PREFIX if *ty == Type::String => match reader.token()? {
                Token::String(bytes) => {
                    let prefix = std::str::from_utf8(bytes).map_err(|_| "a prefix is not valid UTF-8")?;
                    refinements.prefix = Some(prefix.to_owned());
                }
                _ => return Err("the refinement of a prefix is not a string".to_owned()),
            },
            key::MIN if *ty == Type::Number => refinements.min = Some(bound(&mut reader)?),
            key::MAX if *ty == Type::Number => refinements.max = Some(bound(&mut reader)?),
            key::MIN_LENGTH if is_collection(ty) => refinements.min_length = Some(length(&mut reader)?),
            key::MAX_LENGTH if is_collection(ty) => refinements.max_length = Some(length(&mut reader)?),
            key::PREFIX | key::MIN | key::MAX | key::MIN_LENGTH | key::MAX_LENGTH => {
                return Err(format!("refinement {key} does not go with {ty}"));
            }
            _ => skip(&mut reader)?,
        }
    }
    Ok(refinements)
}

/// Whether the number of elements is not part of the type.
pub(super) fn is_collection(ty: &Type) -> bool {
    matches!(ty, Type::List(_) | Type::Set(_) | Type::Map(_))
}

fn bound(reader: &mut Reader<'_>) -> Result<(Number, bool), String> {
    let malformed = || "a bound is not [number, bool]".to_owned();
    if reader.token()? != Token::Array(2) {
        return Err(malformed());
    }
    let number = super::number(&reader.token()?).ok_or_else(malformed)?;
    match reader.token()? {
        Token::Bool(inclusive) => Ok((number, inclusive)),
        _ => Err(malformed()),
    }
}

fn length(reader: &mut Reader<'_>) -> Result<i64, String> {
    match reader.token()? {
        Token::Int(length) => Ok(length),
        _ => Err("a bound of a length is not an integer".to_owned()),
    }
}

/// Reads over one value, however nested.
fn skip(reader: &mut Reader<'_>) -> Result<(), String> {
    let mut pending = 1usize;
    while pending > 0 {
        pending -= 1;
        match reader.token()? {
            Token::Array(length) => pending += length,
            Token::Map(length) => pending += 2 * length,
            _ => {}
        }
    }
    Ok(())
}
