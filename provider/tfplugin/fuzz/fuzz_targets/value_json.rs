//! A type in JSON, a line feed, and any bytes as a stored value of it: refused, or read, written and read again the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tfplugin::Type;
use tfplugin::codec::{json, msgpack};

fuzz_target!(|bytes: &[u8]| {
    let Some(at) = bytes.iter().position(|b| *b == b'\n') else { return };
    let Ok(ty) = Type::from_json(&bytes[..at]) else { return };
    let Ok(value) = json::decode(&ty, &bytes[at + 1..]) else { return };
    let written = json::encode(&ty, &value).expect("what is stored is known");
    assert_eq!(json::decode(&ty, &written).expect("what was written can be read"), value);
    let wire = msgpack::encode(&ty, &value).expect("what is stored can be sent");
    assert_eq!(msgpack::decode(&ty, &wire).expect("what was sent can be read"), value);
});
