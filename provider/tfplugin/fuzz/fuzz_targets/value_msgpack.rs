//! A type in JSON, a line feed, and any bytes as a value of it on the wire: refused, or read, written and read again the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tfplugin::Type;
use tfplugin::codec::msgpack::{decode, encode};

fuzz_target!(|bytes: &[u8]| {
    let Some(at) = bytes.iter().position(|b| *b == b'\n') else { return };
    let Ok(ty) = Type::from_json(&bytes[..at]) else { return };
    assert_eq!(Type::from_json(&ty.to_json()).as_ref(), Ok(&ty));
    let Ok(value) = decode(&ty, &bytes[at + 1..]) else { return };
    assert!(ty.check(&value).is_ok(), "what was read is of the type: {value:?}");
    let written = encode(&ty, &value).expect("what was read can be written");
    assert_eq!(decode(&ty, &written).expect("what was written can be read"), value);
});
