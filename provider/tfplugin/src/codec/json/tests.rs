use proptest::prelude::*;

use super::*;
use crate::arbitrary::typed_value;

fn error(ty: &Type, json: &str) -> String {
    decode(ty, json.as_bytes()).unwrap_err().to_string()
}

#[test]
fn numbers_are_not_rounded() {
    let text = "[1180591620717411303424,0.1,1.50,9007199254740993,1e3]";
    let value = decode(&Type::list(Type::Number), text.as_bytes()).unwrap();
    let expected = ["1180591620717411303424", "0.1", "1.5", "9007199254740993", "1000"];
    assert_eq!(value, Value::list(expected.map(|n| Number::parse(n).unwrap())));
    let back = encode(&Type::list(Type::Number), &value).unwrap();
    assert_eq!(
        String::from_utf8(back).unwrap(),
        "[1180591620717411303424,0.1,1.5,9007199254740993,1000]"
    );
}

#[test]
fn state_of_another_shape_is_filled_and_trimmed() {
    let ty = Type::object([
        ("a", Type::String),
        ("new", Type::map(Type::object([("x", Type::Bool)]))),
    ]);
    let value = decode(&ty, br#" {"a":"1","gone":{"deep":[1]}} "#).unwrap();
    assert_eq!(
        value,
        Value::object([("a", Value::from("1")), ("new", Value::Null)])
    );
    assert_eq!(ty.check(&value), Ok(()));
    let value = decode(&ty, br#"{"a":null,"new":{"k":{}}}"#).unwrap();
    assert_eq!(
        value.at(&Path::root().attribute("new").key("k").attribute("x")),
        Some(&Value::Null)
    );
}

#[test]
fn scalars_are_converted_as_terraform_does() {
    let ty = Type::Tuple(vec![Type::String, Type::String, Type::Number, Type::Bool]);
    let value = decode(&ty, br#"[5,true,"7","false"]"#).unwrap();
    assert_eq!(
        value.elements().unwrap(),
        ["5".into(), "true".into(), 7.into(), false.into()]
    );
}

#[test]
fn errors_name_the_place() {
    let ty = Type::object([("pools", Type::map(Type::object([("size", Type::Number)])))]);
    assert_eq!(
        error(&ty, r#"{"pools":{"a":{"size":[1]}}}"#),
        r#"pools["a"].size: number is required, found an array"#
    );
    assert_eq!(
        error(&ty, r#"{"pools":{"a":{"size":"x"}}}"#),
        r#"pools["a"].size: "x" is not a number"#
    );
    assert_eq!(
        error(&ty, r#"{"pools":7}"#),
        "pools: map of object is required, found a number"
    );
    assert!(error(&ty, r#"{"pools":"#).starts_with("(root): not JSON"));
}

#[test]
fn dynamic_values_carry_their_type() {
    let json = r#"{"value":["a",1],"type":["tuple",["string","number"]]}"#;
    let value = decode(&Type::Dynamic, json.as_bytes()).unwrap();
    assert_eq!(encode(&Type::Dynamic, &value).unwrap(), json.as_bytes());
    assert!(decode(&Type::Dynamic, br#"{"value":1}"#).is_err());
}

#[test]
fn unknown_values_have_no_json() {
    let ty = Type::object([("a", Type::list(Type::String))]);
    let value = Value::object([("a", Value::list([Value::from("x"), Value::unknown()]))]);
    assert_eq!(
        encode(&ty, &value).unwrap_err().to_string(),
        "a[1]: the value is not known yet"
    );
}

#[test]
fn nesting_without_end_is_refused() {
    let deep = format!(
        "{}null{}",
        r#"{"type":"dynamic","value":"#.repeat(20_000),
        "}".repeat(20_000)
    );
    assert!(error(&Type::Dynamic, &deep).contains("nested deeper"));
}

proptest! {
    #[test]
    fn every_known_value_survives((ty, value) in typed_value(false)) {
        match encode(&ty, &value) {
            Ok(bytes) => prop_assert_eq!(decode(&ty, &bytes).unwrap(), value),
            // JSON has no infinity.
            Err(error) => prop_assert!(error.to_string().contains("Infinity"), "{}", error),
        }
    }

    #[test]
    fn random_text_never_panics((ty, _) in typed_value(false), json in "[\\[\\]{}\",:0-9a-etrufnls.\\\\-]{0,40}") {
        let _ = decode(&ty, json.as_bytes());
    }
}
