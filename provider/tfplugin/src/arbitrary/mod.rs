//! Random types, values and resources for property tests.

mod resource;

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

pub(crate) use resource::{Dice, fill, known_config, some_config, some_schema};

use crate::ty::Type;
use crate::value::{Number, Refinements, Value};

/// Any type, a few levels deep.
pub(crate) fn any_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::String),
        Just(Type::Number),
        Just(Type::Bool),
        Just(Type::Dynamic)
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            btree_map("[a-c]", inner.clone(), 0..4).prop_map(Type::Object),
            vec(inner, 0..3).prop_map(Type::Tuple),
        ]
    })
}

/// Any number Terraform can hold.
pub(crate) fn any_number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::Int),
        (-3i64..3).prop_map(Number::Int),
        any::<f64>()
            .prop_filter("NaN is no number", |f| !f.is_nan())
            .prop_map(Number::Float),
        "-?[0-9]{1,30}(\\.[0-9]{1,10})?(e-?[0-9]{1,3})?".prop_map(|text| Number::parse(&text).unwrap()),
    ]
}

/// Any value of `ty`; `unknown` allows unknown ones.
pub(crate) fn any_value(ty: &Type, unknown: bool) -> BoxedStrategy<Value> {
    let known = match ty {
        Type::String => "[a-c\u{e4}]{0,3}".prop_map(Value::String).boxed(),
        Type::Number => any_number().prop_map(Value::Number).boxed(),
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Dynamic => prop_oneof![
            Just(Type::String),
            Just(Type::Number),
            Just(Type::list(Type::Bool))
        ]
        .prop_flat_map(move |ty| {
            any_value(&ty, unknown).prop_map(move |value| Value::Dynamic(Box::new((ty.clone(), value))))
        })
        .boxed(),
        Type::List(element) => vec(any_value(element, unknown), 0..3)
            .prop_map(Value::List)
            .boxed(),
        Type::Set(element) => vec(any_value(element, unknown), 0..3)
            .prop_map(Value::Set)
            .boxed(),
        Type::Map(element) => btree_map("[a-c]", any_value(element, unknown), 0..3)
            .prop_map(Value::Map)
            .boxed(),
        Type::Object(types) => {
            let names: Vec<String> = types.keys().cloned().collect();
            let values: Vec<_> = types.values().map(|ty| any_value(ty, unknown)).collect();
            values
                .prop_map(move |values| {
                    Value::Object(names.iter().cloned().zip(values).collect::<BTreeMap<_, _>>())
                })
                .boxed()
        }
        Type::Tuple(types) => {
            let values: Vec<_> = types.iter().map(|ty| any_value(ty, unknown)).collect();
            values.prop_map(Value::Tuple).boxed()
        }
    };
    if unknown {
        prop_oneof![6 => known, 1 => Just(Value::Null), 1 => any_refinements(ty).prop_map(Value::Unknown)]
            .boxed()
    } else {
        prop_oneof![6 => known, 1 => Just(Value::Null)].boxed()
    }
}

fn any_refinements(ty: &Type) -> BoxedStrategy<Refinements> {
    let none = Just(Refinements::default());
    let not_null = Just(Refinements {
        null: Some(false),
        ..Refinements::default()
    });
    match ty {
        Type::Dynamic => none.boxed(),
        Type::String => prop_oneof![
            none,
            not_null,
            "[a-c]{1,3}".prop_map(|p| Refinements {
                prefix: Some(p),
                ..Refinements::default()
            })
        ]
        .boxed(),
        Type::Number => prop_oneof![
            none,
            not_null,
            (any_number(), any::<bool>()).prop_map(|min| Refinements {
                min: Some(min),
                ..Refinements::default()
            })
        ]
        .boxed(),
        Type::List(_) | Type::Set(_) | Type::Map(_) => prop_oneof![
            none,
            not_null,
            (0i64..5, 5i64..300).prop_map(|(min, max)| Refinements {
                null: Some(false),
                min_length: Some(min),
                max_length: Some(max),
                ..Refinements::default()
            })
        ]
        .boxed(),
        Type::Bool | Type::Object(_) | Type::Tuple(_) => prop_oneof![none, not_null].boxed(),
    }
}

/// A type and a value of it.
pub(crate) fn typed_value(unknown: bool) -> impl Strategy<Value = (Type, Value)> {
    any_type().prop_flat_map(move |ty| {
        let values = any_value(&ty, unknown);
        (Just(ty), values)
    })
}
