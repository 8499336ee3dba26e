use proptest::prelude::*;

use super::*;
use crate::arbitrary::{Dice, fill, known_config, some_config, some_schema};
use crate::path::Path;
use crate::rules;
use crate::schema::{Role, Schema};
use crate::ty::Type;

fn schema() -> Schema {
    Schema::new()
        .attribute("name", Attribute::string().required().requires_replace())
        .attribute("size", Attribute::number().default(3))
        .attribute("region", Attribute::string().optional_computed())
        .attribute("secret", Attribute::string().write_only())
        .attribute("arn", Attribute::string().computed().keep())
        .attribute("etag", Attribute::string().computed())
        .attribute(
            "pools",
            Attribute::map_nested([
                ("zone", Attribute::string().requires_replace()),
                ("disk", Attribute::number().default(20)),
                ("id", Attribute::string().computed().keep()),
                ("status", Attribute::string().computed()),
            ]),
        )
}

fn config(pools: &[(&str, &str)]) -> Value {
    let pools = pools.iter().map(|(key, zone)| {
        let pool = [
            ("zone", Value::from(*zone)),
            ("disk", Value::Null),
            ("id", Value::Null),
            ("status", Value::Null),
        ];
        (*key, Value::object(pool))
    });
    Value::object([
        ("name", Value::from("n")),
        ("size", Value::Null),
        ("region", Value::Null),
        ("secret", Value::from("s3cret")),
        ("arn", Value::Null),
        ("etag", Value::Null),
        ("pools", Value::map(pools)),
    ])
}

fn applied(planned: &Value) -> Value {
    planned.map_leaves(&mut |leaf| {
        if leaf.is_unknown() {
            "done".into()
        } else {
            leaf.clone()
        }
    })
}

fn pool(value: &Value, key: &str, name: &str) -> Value {
    value
        .at(&Path::root().attribute("pools").key(key).attribute(name))
        .cloned()
        .unwrap()
}

#[test]
fn on_create_everything_computed_is_unknown_and_defaults_are_in() {
    let planned = propose(&schema(), &Value::Null, &config(&[("a", "z1")]));
    assert_eq!(planned.get("size"), Some(&3.into()));
    for name in ["region", "arn", "etag"] {
        assert!(child(&planned, name).is_unknown(), "{name}");
    }
    assert_eq!(pool(&planned, "a", "disk"), 20.into());
    assert!(pool(&planned, "a", "id").is_unknown());
    assert_eq!(planned.get("secret"), Some(&Value::Null));
}

#[test]
fn nothing_is_planned_when_nothing_changed() {
    let config = config(&[("a", "z1"), ("b", "z2")]);
    let prior = applied(&propose(&schema(), &Value::Null, &config));
    assert_eq!(propose(&schema(), &prior, &config), prior);
    assert_eq!(replace_paths(&schema(), &prior, &prior), []);
}

#[test]
fn a_change_leaves_kept_values_and_the_other_pools_ids_alone() {
    let before = config(&[("a", "z1")]);
    let prior = applied(&propose(&schema(), &Value::Null, &before));
    let planned = propose(&schema(), &prior, &config(&[("a", "z1"), ("b", "z2")]));
    assert_eq!(planned.get("arn"), Some(&"done".into()));
    assert_eq!(planned.get("region"), Some(&"done".into()));
    assert!(child(&planned, "etag").is_unknown());
    assert_eq!(pool(&planned, "a", "id"), "done".into());
    assert!(pool(&planned, "a", "status").is_unknown());
    assert!(pool(&planned, "b", "id").is_unknown());
    assert_eq!(pool(&planned, "b", "disk"), 20.into());
}

#[test]
fn a_removed_setting_goes_back_to_its_default() {
    let mut before = config(&[]);
    before.set_entry("size", 7);
    let prior = applied(&propose(&schema(), &Value::Null, &before));
    assert_eq!(prior.get("size"), Some(&7.into()));
    let planned = propose(&schema(), &prior, &config(&[]));
    assert_eq!(planned.get("size"), Some(&3.into()));
}

#[test]
fn a_destroy_is_null() {
    let prior = applied(&propose(&schema(), &Value::Null, &config(&[])));
    assert_eq!(propose(&schema(), &prior, &Value::Null), Value::Null);
}

#[test]
fn an_attribute_added_to_the_schema_is_computed_with_the_next_change_only() {
    let config = config(&[]);
    let mut prior = applied(&propose(&schema(), &Value::Null, &config));
    prior.set_entry("arn", Value::Null);
    assert_eq!(propose(&schema(), &prior, &config), prior);
    let mut changed = config;
    changed.set_entry("size", 9);
    assert!(child(&propose(&schema(), &prior, &changed), "arn").is_unknown());
}

#[test]
fn replacement_is_asked_for_where_an_object_stays_and_its_attribute_changes() {
    let prior = applied(&propose(
        &schema(),
        &Value::Null,
        &config(&[("a", "z1"), ("c", "z1")]),
    ));
    let planned = propose(&schema(), &prior, &config(&[("a", "z2"), ("b", "z1")]));
    let zone = Path::root().attribute("pools").key("a").attribute("zone");
    assert_eq!(replace_paths(&schema(), &prior, &planned), [zone]);
    assert_eq!(replace_paths(&schema(), &Value::Null, &planned), []);
    assert_eq!(replace_paths(&schema(), &prior, &Value::Null), []);
}

#[test]
fn an_unknown_value_replaces_because_it_may_differ() {
    let before = config(&[]);
    let prior = applied(&propose(&schema(), &Value::Null, &before));
    let mut unknown = before;
    unknown.set_entry("name", Value::unknown());
    let planned = propose(&schema(), &prior, &unknown);
    assert_eq!(
        replace_paths(&schema(), &prior, &planned),
        [Path::root().attribute("name")]
    );
}

#[test]
fn a_set_is_replaced_as_a_whole() {
    let schema = Schema::new().attribute(
        "rules",
        Attribute::set_nested([("port", Attribute::number().required().requires_replace())]),
    );
    let value = |port: i64| Value::object([("rules", Value::set([Value::object([("port", port)])]))]);
    assert_eq!(
        replace_paths(&schema, &value(1), &value(2)),
        [Path::root().attribute("rules")]
    );
    assert_eq!(replace_paths(&schema, &value(1), &value(1)), []);
}

mod proposed_new {
    use super::*;

    fn object(name: &str, id: impl Into<Value>) -> Value {
        Value::object([("name", name.into()), ("id", id.into())])
    }

    fn nested(nesting: crate::schema::Nesting) -> Schema {
        let attributes = [
            ("name", Attribute::string()),
            ("id", Attribute::string().computed()),
        ];
        Schema::new().attribute("things", Attribute::nested(nesting, attributes))
    }

    fn things(value: Value) -> Value {
        Value::object([("things", value)])
    }

    #[test]
    fn both_null_is_null() {
        assert_eq!(
            super::super::proposed_new(&Schema::new(), &Value::Null, &Value::Null),
            Value::Null
        );
    }

    #[test]
    fn lists_go_by_index() {
        let schema = nested(crate::schema::Nesting::List);
        let prior = things(Value::list([object("a", "1"), object("b", "2")]));
        let config = things(Value::list([
            object("c", Value::Null),
            object("b", Value::Null),
            object("d", Value::Null),
        ]));
        let expected = things(Value::list([
            object("c", "1"),
            object("b", "2"),
            object("d", Value::Null),
        ]));
        assert_eq!(super::super::proposed_new(&schema, &prior, &config), expected);
    }

    #[test]
    fn maps_go_by_key() {
        let schema = nested(crate::schema::Nesting::Map);
        let prior = things(Value::map([("x", object("a", "1")), ("y", object("b", "2"))]));
        let config = things(Value::map([
            ("y", object("c", Value::Null)),
            ("z", object("d", Value::Null)),
        ]));
        let expected = things(Value::map([
            ("y", object("c", "2")),
            ("z", object("d", Value::Null)),
        ]));
        assert_eq!(super::super::proposed_new(&schema, &prior, &config), expected);
    }

    #[test]
    fn sets_go_by_what_was_configured() {
        let schema = nested(crate::schema::Nesting::Set);
        let prior = things(Value::set([object("a", "1"), object("b", "2")]));
        let config = things(Value::set([object("b", Value::Null), object("c", Value::Null)]));
        let expected = things(Value::set([object("b", "2"), object("c", Value::Null)]));
        assert_eq!(super::super::proposed_new(&schema, &prior, &config), expected);
    }

    #[test]
    fn a_computed_object_that_was_configured_goes_with_its_configuration() {
        let attributes = [
            ("name", Attribute::string()),
            ("id", Attribute::string().computed()),
        ];
        let schema = Schema::new().attribute("things", Attribute::object(attributes).optional_computed());
        let config = things(Value::Null);
        let configured = things(object("a", "1"));
        assert_eq!(super::super::proposed_new(&schema, &configured, &config), config);
        let computed = things(Value::object([("name", Value::Null), ("id", "1".into())]));
        assert_eq!(super::super::proposed_new(&schema, &computed, &config), computed);
    }

    #[test]
    fn an_unknown_block_stays_unknown() {
        let schema = Schema::new().block("rule", crate::schema::Block::list([("a", Attribute::string())]));
        let config = Value::object([("rule", Value::unknown())]);
        assert_eq!(super::super::proposed_new(&schema, &Value::Null, &config), config);
    }
}

/// A resource after its first apply, and dice for what comes next.
fn resource(seed: u64) -> (Schema, Type, Value, Value, Dice) {
    let mut dice = Dice::new(seed);
    let schema = some_schema(&mut dice);
    let ty = schema.ty();
    let config = known_config(&schema, &mut dice);
    let planned = propose(&schema, &Value::Null, &config);
    let prior = rules::write_only_as_null(&schema, fill(&ty, &planned, &mut dice));
    (schema, ty, config, prior, dice)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn random_schemas_are_taken_by_terraform(seed in any::<u64>()) {
        let (schema, ..) = resource(seed);
        prop_assert_eq!(schema.faults(Role::Resource), []);
    }

    #[test]
    fn proposing_never_breaks_the_rules_of_a_plan(seed in any::<u64>()) {
        let (schema, _, _, prior, mut dice) = resource(seed);
        let config = some_config(&schema, &mut dice);
        for prior in [Value::Null, prior] {
            let planned = propose(&schema, &prior, &config);
            prop_assert_eq!(rules::check_plan(&schema, &prior, &config, &planned), []);
            let paths = replace_paths(&schema, &prior, &planned);
            prop_assert_eq!(rules::check_replace_paths(&schema, &prior, &planned, &paths), []);
        }
    }

    #[test]
    fn what_was_applied_plans_nothing(seed in any::<u64>()) {
        let (schema, _, config, prior, dice) = resource(seed);
        // Two elements of a set that became equal cannot be told apart again.
        prop_assume!(!dice.collapsed);
        prop_assert_eq!(propose(&schema, &prior, &config), prior);
    }

    #[test]
    fn applying_what_was_planned_never_breaks_the_rules_of_an_apply(seed in any::<u64>()) {
        let (schema, ty, _, prior, mut dice) = resource(seed);
        let config = known_config(&schema, &mut dice);
        let planned = propose(&schema, &prior, &config);
        let state = rules::write_only_as_null(&schema, fill(&ty, &planned, &mut dice));
        prop_assert_eq!(rules::check_apply(&schema, &planned, &state), []);
        prop_assume!(!dice.collapsed);
        prop_assert_eq!(propose(&schema, &state, &config), state);
    }

    #[test]
    fn the_plan_made_at_apply_agrees_with_the_one_shown(seed in any::<u64>()) {
        let (schema, ty, _, prior, mut dice) = resource(seed);
        let config = some_config(&schema, &mut dice);
        let resolved = fill(&ty, &config, &mut dice);
        for prior in [Value::Null, prior] {
            let first = propose(&schema, &prior, &config);
            let second = propose(&schema, &prior, &resolved);
            prop_assert_eq!(rules::check_final_plan(&schema, &first, &second), []);
        }
    }
}
