use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::arbitrary::typed_value;
use crate::path::Path;

#[test]
fn sets_are_equal_without_order_and_duplicates() {
    let left = Value::set(["a", "b", "a"]);
    let right = Value::set(["b", "a"]);
    assert_eq!(left, right);
    assert_ne!(left, Value::set(["a", "c"]));
    assert_ne!(left, Value::list(["a", "b", "a"]));
    // Two unknown elements may turn out to differ.
    assert_ne!(
        Value::set([Value::unknown(), Value::unknown()]),
        Value::set([Value::unknown()])
    );
    let nested = |first, second| Value::set([Value::set([first, second]), Value::set(["x"])]);
    assert_eq!(nested("a", "b"), nested("b", "a"));
}

#[test]
fn refinements_count_for_equality_but_not_for_sameness() {
    let refined = Value::list([Value::unknown_not_null()]);
    let plain = Value::list([Value::unknown()]);
    assert_ne!(refined, plain);
    assert!(refined.same(&plain));
    assert!(!refined.same(&Value::list(["a"])));
}

#[test]
fn paths_lead_into_values() {
    let mut value = Value::object([("pools", Value::map([("a", Value::object([("size", 3)]))]))]);
    let path = Path::root().attribute("pools").key("a").attribute("size");
    assert_eq!(value.at(&path).and_then(Value::as_i64), Some(3));
    *value.at_mut(&path).unwrap() = Value::unknown();
    assert_eq!(value.unknown_paths(), std::slice::from_ref(&path));
    assert_eq!(value.unknown_as_null().at(&path), Some(&Value::Null));
    assert_eq!(value.at(&Path::root().attribute("pools").attribute("a")), None);
    assert_eq!(Value::set(["a"]).at(&Path::root().index(0)), None);
}

#[test]
fn numbers_are_read_as_asked() {
    assert_eq!(Value::from(2.0).as_i64(), Some(2));
    assert_eq!(Value::from(2.5).as_i64(), None);
    assert_eq!(Value::from(0.1).as_f64(), Some(0.1));
}

#[test]
fn json_keeps_what_it_can_hold() {
    let value = Value::object([
        ("tenth", Value::from(0.1)),
        ("big", Value::from(u64::MAX)),
        (
            "huge",
            Value::Number(Number::parse("1180591620717411303424").unwrap()),
        ),
        ("none", Value::Null),
    ]);
    let json = json!({"tenth": 0.1, "big": u64::MAX, "huge": "1180591620717411303424", "none": null});
    assert_eq!(value.to_json().unwrap(), json);
    let unknown = Value::object([("a", Value::list([Value::unknown()]))]);
    assert_eq!(
        unknown.to_json().unwrap_err().to_string(),
        "a[0]: the value is not known yet"
    );
}

#[test]
fn json_is_read_by_type() {
    let ty = Type::object([("sizes", Type::set(Type::Number)), ("name", Type::String)]);
    let value = Value::from_json(&ty, &json!({"sizes": [1, "2"], "more": true})).unwrap();
    assert_eq!(
        value,
        Value::object([("sizes", Value::set([2, 1])), ("name", Value::Null)])
    );
    let error = Value::from_json(&ty, &json!({"sizes": [true]})).unwrap_err();
    assert_eq!(error.to_string(), "sizes[0]: number is required, found a bool");
}

#[test]
fn a_known_value_becomes_a_struct() {
    #[derive(serde::Deserialize, PartialEq, Debug)]
    struct Pool {
        size: f64,
        #[serde(default)]
        labels: BTreeMap<String, String>,
        zone: Option<String>,
    }
    let value = Value::object([
        ("size", Value::from(0.1)),
        ("labels", Value::Null),
        ("zone", Value::Null),
    ]);
    let pool = Pool {
        size: 0.1,
        labels: BTreeMap::new(),
        zone: None,
    };
    assert_eq!(value.deserialize::<Pool>(), Ok(pool));
    let unknown = Value::object([("size", Value::unknown())]);
    assert_eq!(
        unknown.deserialize::<Pool>().unwrap_err().to_string(),
        "size: the value is not known yet"
    );
}

#[test]
fn refinements_admit_what_keeps_them() {
    let refinements = Refinements {
        prefix: Some("arn:".into()),
        null: Some(false),
        ..Refinements::default()
    };
    assert!(refinements.admits(&"arn:x".into()));
    assert!(!refinements.admits(&"x".into()));
    assert!(!refinements.admits(&Value::Null));
    let range = Refinements {
        min: Some((Number::Int(1), false)),
        max: Some((Number::Int(3), true)),
        ..Refinements::default()
    };
    assert_eq!(
        [1, 2, 3, 4].map(|n| range.admits(&n.into())),
        [false, true, true, false]
    );
    let length = Refinements {
        min_length: Some(1),
        max_length: Some(1),
        ..Refinements::default()
    };
    assert!(length.admits(&Value::list(["a"])));
    assert!(!length.admits(&Value::List(vec![])));
}

proptest! {
    #[test]
    fn equality_and_order_agree((_, left) in typed_value(true), (_, right) in typed_value(true)) {
        prop_assert_eq!(&left, &left);
        prop_assert_eq!(left == right, left.cmp(&right).is_eq());
        prop_assert_eq!(left.cmp(&right), right.cmp(&left).reverse());
        prop_assert!(left.same(&left.unrefined()));
    }

    #[test]
    fn conforming_a_value_of_the_type_changes_nothing((ty, value) in typed_value(true)) {
        let (conformed, changes) = ty.conform(value.clone());
        prop_assert_eq!(conformed, value);
        prop_assert!(changes.is_empty());
    }

    #[test]
    fn whatever_is_conformed_is_of_the_type((ty, _) in typed_value(true), (_, value) in typed_value(true)) {
        let (conformed, _) = ty.conform(value);
        prop_assert_eq!(ty.check(&conformed), Ok(()));
    }
}
