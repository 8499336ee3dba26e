//! Values as a saved plan keeps them: MessagePack with Terraform's extensions, borrowed from the bytes of the plan.

use crate::value::{Text, Value};

/// Values nested deeper than this are refused.
const DEPTH: usize = 128;

/// The value in `bytes`; none for bytes that are no value, and for a value nested too deep.
pub(super) fn read(bytes: &[u8]) -> Option<Value<'_>> {
    if bytes.is_empty() {
        return Some(Value::Null);
    }
    let mut reader = Reader(bytes);
    reader.value(DEPTH)
}

/// True when [`read`] finds a value: nothing is built for the answer.
pub(super) fn is_value(bytes: &[u8]) -> bool {
    bytes.is_empty() || Reader(bytes).pass(DEPTH).is_some()
}

/// The string under `key` of the map in `bytes`, everything else passed over.
pub(super) fn string<'p>(bytes: &'p [u8], key: &str) -> Option<&'p str> {
    let mut reader = Reader(bytes);
    let Head::Map(n) = reader.head()? else { return None };
    for _ in 0..n {
        let Head::Text(name) = reader.head()? else {
            return None;
        };
        if name == key.as_bytes() {
            let Head::Text(value) = reader.head()? else {
                return None;
            };
            return std::str::from_utf8(value).ok();
        }
        reader.pass(DEPTH)?;
    }
    None
}

/// What a value begins with; scalars whole.
enum Head<'p> {
    Nil,
    Bool(bool),
    Number(f64),
    Text(&'p [u8]),
    Binary,
    /// Terraform's extensions: 0 is unknown, 12 unknown with refinements.
    Extension,
    List(usize),
    Map(usize),
}

struct Reader<'p>(&'p [u8]);

impl<'p> Reader<'p> {
    fn take(&mut self, n: usize) -> Option<&'p [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn length(&mut self, width: u8) -> Option<usize> {
        Some(match width {
            0 => usize::from(u8::from_be_bytes(self.bytes()?)),
            1 => usize::from(u16::from_be_bytes(self.bytes()?)),
            _ => usize::try_from(u32::from_be_bytes(self.bytes()?)).ok()?,
        })
    }

    fn head(&mut self) -> Option<Head<'p>> {
        let [marker] = self.bytes()?;
        Some(match marker {
            0x00..=0x7f => Head::Number(f64::from(marker)),
            0xe0..=0xff => Head::Number(f64::from(i8::from_be_bytes([marker]))),
            0x80..=0x8f => Head::Map(usize::from(marker & 0x0f)),
            0x90..=0x9f => Head::List(usize::from(marker & 0x0f)),
            0xa0..=0xbf => Head::Text(self.take(usize::from(marker & 0x1f))?),
            0xc0 => Head::Nil,
            0xc1 => return None,
            0xc2 | 0xc3 => Head::Bool(marker == 0xc3),
            0xc4..=0xc6 => {
                let n = self.length(marker - 0xc4)?;
                self.take(n)?;
                Head::Binary
            }
            0xc7..=0xc9 => {
                let n = self.length(marker - 0xc7)?;
                self.take(n.checked_add(1)?)?;
                Head::Extension
            }
            0xca => Head::Number(f64::from(f32::from_be_bytes(self.bytes()?))),
            0xcb => Head::Number(f64::from_be_bytes(self.bytes()?)),
            0xcc => Head::Number(f64::from(u8::from_be_bytes(self.bytes()?))),
            0xcd => Head::Number(f64::from(u16::from_be_bytes(self.bytes()?))),
            0xce => Head::Number(f64::from(u32::from_be_bytes(self.bytes()?))),
            0xcf => Head::Number(u64::from_be_bytes(self.bytes()?) as f64),
            0xd0 => Head::Number(f64::from(i8::from_be_bytes(self.bytes()?))),
            0xd1 => Head::Number(f64::from(i16::from_be_bytes(self.bytes()?))),
            0xd2 => Head::Number(f64::from(i32::from_be_bytes(self.bytes()?))),
            0xd3 => Head::Number(i64::from_be_bytes(self.bytes()?) as f64),
            0xd4..=0xd8 => {
                self.take(1 + (1 << (marker - 0xd4)))?;
                Head::Extension
            }
            0xd9..=0xdb => {
                let n = self.length(marker - 0xd9)?;
                Head::Text(self.take(n)?)
            }
            0xdc | 0xdd => Head::List(self.length(marker - 0xdc + 1)?),
            0xde | 0xdf => Head::Map(self.length(marker - 0xde + 1)?),
        })
    }

    fn value(&mut self, depth: usize) -> Option<Value<'p>> {
        let depth = depth.checked_sub(1)?;
        Some(match self.head()? {
            Head::Nil => Value::Null,
            Head::Bool(b) => Value::Bool(b),
            Head::Number(n) => Value::Number(n),
            Head::Text(text) => std::str::from_utf8(text)
                .map_or_else(|_| Value::unknown(), |s| Value::String(Text::borrowed(s))),
            // Raw bytes only occur as the type of a dynamic value.
            Head::Binary | Head::Extension => Value::unknown(),
            Head::List(n) => {
                let dynamic = n == 2 && matches!(self.0.first(), Some(0xc4..=0xc6));
                if dynamic {
                    self.head()?;
                    return self.value(depth);
                }
                // A length may be a lie: what is reserved is bounded by what is there.
                let mut items = Vec::with_capacity(n.min(self.0.len()));
                for _ in 0..n {
                    items.push(self.value(depth)?);
                }
                Value::List(items)
            }
            Head::Map(n) => {
                let mut entries = Vec::with_capacity(n.min(self.0.len() / 2));
                for _ in 0..n {
                    let key = match self.head()? {
                        Head::Text(key) => std::str::from_utf8(key).unwrap_or_default(),
                        _ => return None,
                    };
                    entries.push((Text::borrowed(key), self.value(depth)?));
                }
                Value::Object(entries)
            }
        })
    }

    fn pass(&mut self, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let n = match self.head()? {
            Head::List(n) => n,
            Head::Map(n) => {
                for _ in 0..n {
                    let Head::Text(_) = self.head()? else { return None };
                    self.pass(depth)?;
                }
                0
            }
            _ => 0,
        };
        (0..n).try_for_each(|_| self.pass(depth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(v: &rmpv::Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, v).unwrap();
        bytes
    }

    #[test]
    fn every_form_of_a_number_a_string_and_a_list_is_read() {
        for n in [
            0_i64,
            1,
            127,
            128,
            255,
            256,
            65_535,
            65_536,
            4_294_967_296,
            -1,
            -32,
            -33,
            -128,
            -129,
            -32_769,
            -2_147_483_649,
        ] {
            let bytes = encoded(&rmpv::Value::from(n));
            let want = n as f64;
            assert_eq!(read(&bytes), Some(Value::Number(want)));
        }
        for n in [0, 1, 31, 32, 255, 256, 65_536] {
            let text = "x".repeat(n);
            assert_eq!(
                read(&encoded(&rmpv::Value::from(text.as_str())))
                    .unwrap()
                    .as_str(),
                Some(text.as_str())
            );
            let list = rmpv::Value::Array(vec![rmpv::Value::Nil; n]);
            assert_eq!(read(&encoded(&list)).unwrap().items().len(), n);
        }
    }

    #[test]
    fn what_is_nested_too_deep_or_ends_early_is_no_value() {
        let mut deep = vec![0x91; 200];
        deep.push(0xc0);
        assert!(read(&deep).is_none() && !is_value(&deep));
        let whole = encoded(&rmpv::Value::Map(vec![(
            "a".into(),
            rmpv::Value::Array(vec!["b".into(), 7.into()]),
        )]));
        for end in 1..whole.len() {
            assert!(read(&whole[..end]).is_none() && !is_value(&whole[..end]), "{end}");
        }
        // A list that says it has four thousand million elements.
        assert!(read(&[0xdd, 0xff, 0xff, 0xff, 0xff]).is_none());
    }

    #[test]
    fn one_string_is_picked() {
        let map = encoded(&rmpv::Value::Map(vec![
            ("a".into(), rmpv::Value::Array(vec!["policy".into(), "no".into()])),
            ("policy".into(), "yes".into()),
            ("n".into(), 7.into()),
        ]));
        assert_eq!(string(&map, "policy"), Some("yes"));
        assert_eq!((string(&map, "n"), string(&map, "z")), (None, None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_value_or_not_and_both_readers_agree(bytes in prop::collection::vec(any::<u8>(), 1..80)) {
            prop_assert_eq!(read(&bytes).is_some(), is_value(&bytes));
            let _ = string(&bytes, "a");
        }
    }
}
