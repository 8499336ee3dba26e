//! The wire format of values: MessagePack, typed.
//!
//! Source: `hashicorp/terraform:docs/plugin-protocol/object-wire-format.md`; the details (which number becomes what,
//! refinements of unknown values) follow `zclconf/go-cty:cty/msgpack`.

mod read;
mod refinements;
mod write;

use crate::path::{Path, PathStep};
use crate::ty::Type;
use crate::value::{Number, Problem, Value, ValueError};

use super::{MAX_DEPTH, MAX_VALUES};
use read::{Reader, Token};

/// Decodes a value of type `ty`. Empty bytes are null, as on the wire.
///
/// # Errors
/// When the bytes are no MessagePack, do not fit `ty` (an object needs exactly its attributes), nest or count beyond
/// the limits, or go on after the value.
pub fn decode(ty: &Type, bytes: &[u8]) -> Result<Value, ValueError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let mut decoder = Decoder {
        reader: Reader::new(bytes),
        path: Path::root(),
        values: 0,
    };
    let value = decoder.value(ty, 0)?;
    if decoder.reader.is_empty() {
        Ok(value)
    } else {
        Err(ValueError::malformed(
            &Path::root(),
            format!("{} bytes follow the value", decoder.reader.remaining()),
        ))
    }
}

/// Encodes a value of type `ty`. A list, set or tuple is written alike, and so are map and object.
///
/// # Errors
/// When the value is not of the type.
pub fn encode(ty: &Type, value: &Value) -> Result<Vec<u8>, ValueError> {
    let mut out = Vec::new();
    write::value(&mut out, ty, value, &mut Path::root())?;
    Ok(out)
}

struct Decoder<'a> {
    reader: Reader<'a>,
    path: Path,
    values: usize,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, ty: &Type, depth: usize) -> Result<Value, ValueError> {
        self.values += 1;
        if depth > MAX_DEPTH {
            return Err(self.error(Problem::TooDeep(MAX_DEPTH)));
        }
        if self.values > MAX_VALUES {
            return Err(self.error(Problem::TooMany(MAX_VALUES)));
        }
        let token = self.token()?;
        match (ty, token) {
            // Any extension type is an unknown value.
            (ty, Token::Extension(kind, body)) => refinements::decode(ty, kind, body)
                .map(Value::Unknown)
                .map_err(|what| ValueError::malformed(&self.path, what)),
            (_, Token::Nil) => Ok(Value::Null),
            (Type::String, Token::String(bytes)) => Ok(Value::String(self.text(bytes)?)),
            (Type::Bool, Token::Bool(bool)) => Ok(Value::Bool(bool)),
            (Type::Number, token) => number(&token)
                .map(Value::Number)
                .ok_or_else(|| self.wrong(ty, &token)),
            (Type::List(element), Token::Array(length)) => {
                Ok(Value::List(self.sequence(element, length, depth)?))
            }
            (Type::Set(element), Token::Array(length)) => {
                Ok(Value::Set(self.sequence(element, length, depth)?))
            }
            (Type::Tuple(types), Token::Array(length)) => {
                if length != types.len() {
                    return Err(self.error(Problem::Length {
                        expected: types.len(),
                        found: length,
                    }));
                }
                let mut items = Vec::with_capacity(length);
                for (index, ty) in (0..).zip(types) {
                    items.push(self.inside(PathStep::Index(index), ty, depth)?);
                }
                Ok(Value::Tuple(items))
            }
            (Type::Map(element), Token::Map(length)) => {
                let mut entries = std::collections::BTreeMap::new();
                for _ in 0..length {
                    let key = self.key()?;
                    let item = self.inside(PathStep::Key(key.clone()), element, depth)?;
                    entries.insert(key, item);
                }
                Ok(Value::Map(entries))
            }
            (Type::Object(types), Token::Map(length)) => {
                let mut entries = std::collections::BTreeMap::new();
                for _ in 0..length {
                    let name = self.key()?;
                    let Some(ty) = types.get(&name) else {
                        return Err(self.error(Problem::Unsupported(name)));
                    };
                    let item = self.inside(PathStep::Attribute(name.clone()), ty, depth)?;
                    entries.insert(name, item);
                }
                match types.keys().find(|name| !entries.contains_key(*name)) {
                    Some(missing) => Err(self.error(Problem::Missing(missing.clone()))),
                    None => Ok(Value::Object(entries)),
                }
            }
            (Type::Dynamic, Token::Array(2)) => {
                let json = match self.token()? {
                    Token::Binary(bytes) | Token::String(bytes) => bytes,
                    other => return Err(self.wrong_kind("a type", &other)),
                };
                let ty =
                    Type::from_json(json).map_err(|e| ValueError::malformed(&self.path, e.to_string()))?;
                let value = self.value(&ty, depth + 1)?;
                Ok(Value::Dynamic(Box::new((ty, value))))
            }
            (ty, token) => Err(self.wrong(ty, &token)),
        }
    }

    fn sequence(&mut self, element: &Type, length: usize, depth: usize) -> Result<Vec<Value>, ValueError> {
        // The reader has made sure that `length` bytes remain, and no element is shorter than that; still, a Value
        // takes far more than a byte, so the vector grows as elements come.
        let mut items = Vec::with_capacity(length.min(1024));
        for index in 0..length {
            let step = PathStep::Index(i64::try_from(index).unwrap_or(i64::MAX));
            items.push(self.inside(step, element, depth)?);
        }
        Ok(items)
    }

    fn inside(&mut self, step: PathStep, ty: &Type, depth: usize) -> Result<Value, ValueError> {
        self.path.push(step);
        let value = self.value(ty, depth + 1)?;
        self.path.pop();
        Ok(value)
    }

    fn key(&mut self) -> Result<String, ValueError> {
        match self.token()? {
            Token::String(bytes) => self.text(bytes),
            other => Err(self.wrong_kind("a string as key", &other)),
        }
    }

    fn token(&mut self) -> Result<Token<'a>, ValueError> {
        self.reader
            .token()
            .map_err(|what| ValueError::malformed(&self.path, what))
    }

    fn text(&self, bytes: &[u8]) -> Result<String, ValueError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(ValueError::malformed(&self.path, "a string is not valid UTF-8")),
        }
    }

    fn error(&self, problem: Problem) -> ValueError {
        ValueError::new(&self.path, problem)
    }

    fn wrong(&self, ty: &Type, token: &Token<'_>) -> ValueError {
        self.wrong_kind(&ty.to_string(), token)
    }

    fn wrong_kind(&self, expected: &str, token: &Token<'_>) -> ValueError {
        self.error(Problem::WrongType {
            expected: expected.to_owned(),
            found: token.kind(),
        })
    }
}

/// The number of a token: an integer, a float, or decimal text.
fn number(token: &Token<'_>) -> Option<Number> {
    match token {
        Token::Int(int) => Some(Number::Int(*int)),
        Token::Unsigned(int) => Some(Number::from(*int)),
        Token::Float(float) if !float.is_nan() => Some(Number::Float(*float)),
        Token::String(bytes) => Number::parse(std::str::from_utf8(bytes).ok()?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
