//! MessagePack bytes to tokens.

use rmp::Marker;

/// One item; containers are only opened.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    /// Only what does not fit an `i64`.
    Unsigned(u64),
    Float(f64),
    /// Not checked for UTF-8.
    String(&'a [u8]),
    Binary(&'a [u8]),
    Array(usize),
    Map(usize),
    Extension(i8, &'a [u8]),
}

impl Token<'_> {
    /// In words, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Token::Nil => "null",
            Token::Bool(_) => "a bool",
            Token::Int(_) | Token::Unsigned(_) | Token::Float(_) => "a number",
            Token::String(_) => "a string",
            Token::Binary(_) => "bytes",
            Token::Array(_) => "an array",
            Token::Map(_) => "a map",
            Token::Extension(..) => "an unknown value",
        }
    }
}

/// Bytes not read yet.
pub(super) struct Reader<'a>(&'a [u8]);

type Read<T> = Result<T, &'static str>;

const ENDS_EARLY: &str = "the bytes end inside a value";

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn remaining(&self) -> usize {
        self.0.len()
    }

    /// The next item.
    pub(super) fn token(&mut self) -> Read<Token<'a>> {
        let [marker] = self.fixed()?;
        Ok(match Marker::from_u8(marker) {
            Marker::Null => Token::Nil,
            Marker::True => Token::Bool(true),
            Marker::False => Token::Bool(false),
            Marker::FixPos(int) => Token::Int(i64::from(int)),
            Marker::FixNeg(int) => Token::Int(i64::from(int)),
            Marker::U8 => Token::Int(i64::from(u8::from_be_bytes(self.fixed()?))),
            Marker::U16 => Token::Int(i64::from(u16::from_be_bytes(self.fixed()?))),
            Marker::U32 => Token::Int(i64::from(u32::from_be_bytes(self.fixed()?))),
            Marker::U64 => {
                let int = u64::from_be_bytes(self.fixed()?);
                i64::try_from(int).map_or(Token::Unsigned(int), Token::Int)
            }
            Marker::I8 => Token::Int(i64::from(i8::from_be_bytes(self.fixed()?))),
            Marker::I16 => Token::Int(i64::from(i16::from_be_bytes(self.fixed()?))),
            Marker::I32 => Token::Int(i64::from(i32::from_be_bytes(self.fixed()?))),
            Marker::I64 => Token::Int(i64::from_be_bytes(self.fixed()?)),
            Marker::F32 => Token::Float(f64::from(f32::from_be_bytes(self.fixed()?))),
            Marker::F64 => Token::Float(f64::from_be_bytes(self.fixed()?)),
            Marker::FixStr(length) => Token::String(self.take(usize::from(length))?),
            Marker::Str8 => Token::String(self.sized::<1>()?),
            Marker::Str16 => Token::String(self.sized::<2>()?),
            Marker::Str32 => Token::String(self.sized::<4>()?),
            Marker::Bin8 => Token::Binary(self.sized::<1>()?),
            Marker::Bin16 => Token::Binary(self.sized::<2>()?),
            Marker::Bin32 => Token::Binary(self.sized::<4>()?),
            Marker::FixArray(length) => Token::Array(self.count(usize::from(length), 1)?),
            Marker::Array16 => self
                .length::<2>()
                .and_then(|n| self.count(n, 1))
                .map(Token::Array)?,
            Marker::Array32 => self
                .length::<4>()
                .and_then(|n| self.count(n, 1))
                .map(Token::Array)?,
            Marker::FixMap(length) => Token::Map(self.count(usize::from(length), 2)?),
            Marker::Map16 => self
                .length::<2>()
                .and_then(|n| self.count(n, 2))
                .map(Token::Map)?,
            Marker::Map32 => self
                .length::<4>()
                .and_then(|n| self.count(n, 2))
                .map(Token::Map)?,
            Marker::FixExt1 => self.extension(1)?,
            Marker::FixExt2 => self.extension(2)?,
            Marker::FixExt4 => self.extension(4)?,
            Marker::FixExt8 => self.extension(8)?,
            Marker::FixExt16 => self.extension(16)?,
            Marker::Ext8 => self.length::<1>().and_then(|n| self.extension(n))?,
            Marker::Ext16 => self.length::<2>().and_then(|n| self.extension(n))?,
            Marker::Ext32 => self.length::<4>().and_then(|n| self.extension(n))?,
            Marker::Reserved => return Err("0xc1 is never used in MessagePack"),
        })
    }

    fn take(&mut self, length: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(ENDS_EARLY)?;
        self.0 = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(ENDS_EARLY)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// A length of `N` bytes.
    fn length<const N: usize>(&mut self) -> Read<usize> {
        let bytes: [u8; N] = self.fixed()?;
        Ok(bytes
            .iter()
            .fold(0, |length, byte| (length << 8) | usize::from(*byte)))
    }

    fn sized<const N: usize>(&mut self) -> Read<&'a [u8]> {
        let length = self.length::<N>()?;
        self.take(length)
    }

    /// A claimed number of items of at least `smallest` bytes each must fit what is left.
    fn count(&self, items: usize, smallest: usize) -> Read<usize> {
        if items.saturating_mul(smallest) <= self.0.len() {
            Ok(items)
        } else {
            Err(ENDS_EARLY)
        }
    }

    fn extension(&mut self, length: usize) -> Read<Token<'a>> {
        let kind = i8::from_be_bytes(self.fixed()?);
        Ok(Token::Extension(kind, self.take(length)?))
    }
}
