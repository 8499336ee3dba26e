use proptest::prelude::*;

use super::*;
use crate::arbitrary::{any_type, typed_value};
use crate::value::Refinements;

fn error(ty: &Type, bytes: &[u8]) -> String {
    decode(ty, bytes).unwrap_err().to_string()
}

#[test]
fn numbers_are_written_as_terraform_does() {
    let bytes = |number: &str| encode(&Type::Number, &Value::Number(Number::parse(number).unwrap())).unwrap();
    assert_eq!(bytes("5"), [0x05]);
    assert_eq!(bytes("-1"), [0xff]);
    assert_eq!(bytes("200"), [0xcc, 200]);
    assert_eq!(bytes("1.5"), [0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes("0.1"), b"\xa30.1");
    assert_eq!(bytes("1180591620717411303424"), b"\xb61180591620717411303424");
    assert_eq!(bytes("1.50"), bytes("1.5"));
}

#[test]
fn large_numbers_arrive_as_text_and_unsigned() {
    assert_eq!(decode(&Type::Number, b"\xa31e3"), Ok(Value::from(1000)));
    assert_eq!(
        decode(&Type::Number, &[0xcf, 255, 255, 255, 255, 255, 255, 255, 255]),
        Ok(Value::from(u64::MAX))
    );
    assert_eq!(
        decode(&Type::Number, &[0xca, 0x3f, 0xc0, 0, 0]),
        Ok(Value::from(1.5))
    );
}

#[test]
fn every_extension_type_is_an_unknown_value() {
    assert_eq!(decode(&Type::String, &[0xd4, 0, 0]), Ok(Value::unknown()));
    assert_eq!(decode(&Type::String, &[0xd4, 77, 9]), Ok(Value::unknown()));
    assert_eq!(decode(&Type::Bool, &[0xc7, 0, 0]), Ok(Value::unknown()));
    assert_eq!(encode(&Type::Bool, &Value::unknown()), Ok(vec![0xd4, 0, 0]));
}

#[test]
fn refinements_are_kept_and_handed_back() {
    // {1: false, 2: "ami-"}
    let bytes = [0xc7, 9, 12, 0x82, 0x01, 0xc2, 0x02, 0xa4, b'a', b'm', b'i', b'-'];
    let value = decode(&Type::String, &bytes).unwrap();
    let refinements = Refinements {
        null: Some(false),
        prefix: Some("ami-".into()),
        ..Refinements::default()
    };
    assert_eq!(value, Value::Unknown(refinements));
    assert_eq!(encode(&Type::String, &value).unwrap(), bytes);
    assert!(value.same(&Value::unknown()));
}

#[test]
fn refinements_from_the_future_are_read_over() {
    // {9: [1, {"a": nil}], 1: false}
    let bytes = [
        0xc7, 10, 12, 0x82, 0x09, 0x92, 0x01, 0x81, 0xa1, b'a', 0xc0, 0x01, 0xc2,
    ];
    assert_eq!(decode(&Type::String, &bytes), Ok(Value::unknown_not_null()));
}

#[test]
fn a_refinement_too_long_is_left_out() {
    let refinements = Refinements {
        prefix: Some("x".repeat(2000)),
        ..Refinements::default()
    };
    assert_eq!(
        encode(&Type::String, &Value::Unknown(refinements)),
        Ok(vec![0xd4, 0, 0])
    );
}

#[test]
fn nothing_is_known_of_a_dynamic_unknown() {
    assert_eq!(
        encode(&Type::Dynamic, &Value::unknown_not_null()),
        Ok(vec![0xd4, 0, 0])
    );
    assert_eq!(
        decode(&Type::Dynamic, &[0xc7, 3, 12, 0x81, 0x01, 0xc2]),
        Ok(Value::unknown())
    );
}

#[test]
fn refuses_refinements_of_another_type_and_oversized_ones() {
    let length_of_string = [0xc7, 3, 12, 0x81, 0x05, 0x01];
    assert_eq!(
        error(&Type::String, &length_of_string),
        "(root): refinement 5 does not go with string"
    );
    let mut oversized = vec![0xc8, 0x04, 0x01, 12];
    oversized.resize(4 + 1025, 0);
    assert!(error(&Type::String, &oversized).contains("more than 1024"));
}

#[test]
fn dynamic_values_carry_their_type() {
    let bytes = b"\x92\xc4\x11[\"list\",\"string\"]\x91\xa1a";
    let value = decode(&Type::Dynamic, bytes).unwrap();
    assert_eq!(
        value,
        Value::Dynamic(Box::new((Type::list(Type::String), Value::list(["a"]))))
    );
    assert_eq!(encode(&Type::Dynamic, &value).unwrap(), bytes);
}

#[test]
fn an_object_needs_exactly_its_attributes() {
    let ty = Type::object([(
        "pools",
        Type::map(Type::object([("size", Type::Number), ("on", Type::Bool)])),
    )]);
    let missing = b"\x81\xa5pools\x81\xa1a\x81\xa4size\x01";
    assert_eq!(error(&ty, missing), r#"pools["a"]: attribute "on" is missing"#);
    let extra = b"\x81\xa5pools\x81\xa1a\x81\xa4zise\x01";
    assert_eq!(error(&ty, extra), r#"pools["a"]: unsupported attribute "zise""#);
    let wrong = b"\x81\xa5pools\x81\xa1a\x81\xa4size\xa1x";
    assert_eq!(
        error(&ty, wrong),
        r#"pools["a"].size: number is required, found a string"#
    );
}

#[test]
fn refuses_bytes_that_are_no_value() {
    assert_eq!(
        error(&Type::String, &[0xa5, b'a']),
        "(root): the bytes end inside a value"
    );
    assert_eq!(
        error(&Type::String, &[0xc1]),
        "(root): 0xc1 is never used in MessagePack"
    );
    assert_eq!(
        error(&Type::String, &[0xa1, 0xff]),
        "(root): a string is not valid UTF-8"
    );
    assert_eq!(
        error(&Type::String, &[0xc0, 0xc0]),
        "(root): 1 bytes follow the value"
    );
    // An array that claims four thousand million elements.
    assert_eq!(
        error(&Type::list(Type::Bool), &[0xdd, 255, 255, 255, 255]),
        "(root): the bytes end inside a value"
    );
    assert!(error(&Type::Number, &[0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]).contains("number is required"));
}

#[test]
fn nothing_is_null() {
    assert_eq!(decode(&Type::String, &[]), Ok(Value::Null));
}

#[test]
fn nesting_without_end_is_refused() {
    // dynamic in dynamic in dynamic ...
    let mut bytes = Vec::new();
    for _ in 0..100_000 {
        bytes.extend_from_slice(b"\x92\xc4\x09\"dynamic\"");
    }
    bytes.push(0xc0);
    assert!(error(&Type::Dynamic, &bytes).contains("nested deeper"));
}

#[test]
fn a_bomb_of_small_values_is_refused() {
    let mut bytes = vec![0xdd];
    bytes.extend_from_slice(&5_000_000u32.to_be_bytes());
    bytes.resize(5 + 5_000_000, 0xc0);
    // An empty tuple of Rust values would still need hundreds of megabytes.
    assert!(error(&Type::list(Type::Bool), &bytes).contains("more than 4000000 values"));
}

proptest! {
    #[test]
    fn every_value_survives_the_wire((ty, value) in typed_value(true)) {
        let bytes = encode(&ty, &value).unwrap();
        let back = decode(&ty, &bytes).unwrap();
        prop_assert_eq!(&back, &value);
        prop_assert_eq!(encode(&ty, &back).unwrap(), bytes);
        prop_assert_eq!(ty.check(&back), Ok(()));
    }

    #[test]
    fn random_bytes_never_panic(ty in any_type(), bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(value) = decode(&ty, &bytes) {
            prop_assert_eq!(decode(&ty, &encode(&ty, &value).unwrap()).unwrap(), value);
        }
    }

    #[test]
    fn mutated_bytes_never_panic(
        (ty, value) in typed_value(true),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encode(&ty, &value).unwrap();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = decode(&ty, &bytes[..cut.index(bytes.len())]);
        if let Ok(value) = decode(&ty, &bytes) {
            prop_assert_eq!(ty.check(&value), Ok(()));
            prop_assert_eq!(decode(&ty, &encode(&ty, &value).unwrap()).unwrap(), value);
        }
    }

    #[test]
    fn the_fuzz_entry_holds(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        crate::codec::fuzz(&bytes);
    }
}
