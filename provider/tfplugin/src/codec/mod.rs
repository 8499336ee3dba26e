//! Values to and from bytes.
//!
//! Both decoders are typed, bounded in depth and in the number of values, and never panic: the bytes come from
//! outside. Every error names the place it was found.

pub mod json;
pub mod msgpack;

/// Deepest nesting of a value.
pub const MAX_DEPTH: usize = 100;

/// Most values (leaves and containers together) in one message. A hostile 256 MiB message of one-byte values would
/// otherwise need tens of gigabytes.
pub const MAX_VALUES: usize = 4_000_000;

/// Decodes `bytes` both ways with a type that comes out of the bytes themselves: the entry for a fuzzer. What decodes
/// must encode, and decode again to the same.
///
/// # Panics
/// When that does not hold, which is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first() else {
        return;
    };
    let (ty, rest) = rest.split_at(usize::from(*length).min(rest.len()));
    let ty = crate::ty::Type::from_json(ty).unwrap_or(crate::ty::Type::Dynamic);
    if let Ok(value) = msgpack::decode(&ty, rest) {
        let again = msgpack::encode(&ty, &value).and_then(|bytes| msgpack::decode(&ty, &bytes));
        assert_eq!(again.as_ref(), Ok(&value), "msgpack round trip");
    }
    if let Ok(value) = json::decode(&ty, rest) {
        let again = json::encode(&ty, &value).and_then(|bytes| json::decode(&ty, &bytes));
        assert_eq!(again.as_ref(), Ok(&value), "JSON round trip");
    }
}
