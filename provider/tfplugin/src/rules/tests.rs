use super::*;
use crate::schema::{Attribute, Block};
use crate::ty::Type;
use crate::value::Refinements;

fn schema() -> Schema {
    Schema::new()
        .attribute("name", Attribute::string().required())
        .attribute("size", Attribute::number().optional_computed())
        .attribute("arn", Attribute::string().computed())
        .attribute("key", Attribute::string().sensitive())
        .attribute("password", Attribute::string().write_only())
        .attribute("zones", Attribute::set_of(Type::String))
        .attribute(
            "pools",
            Attribute::map_nested([
                ("size", Attribute::number()),
                ("id", Attribute::string().computed()),
            ]),
        )
        .attribute("steps", Attribute::list_nested([("run", Attribute::string())]))
        .block("rule", Block::list([("days", Attribute::number())]))
        .block("tag", Block::set([("key", Attribute::string())]))
        .block("timeouts", Block::single([("create", Attribute::string())]))
}

/// A configuration with `changes` over a plain one.
fn object<V: Into<Value>>(changes: impl IntoIterator<Item = (&'static str, V)>) -> Value {
    let mut value = Value::object([
        ("name", Value::from("n")),
        ("size", Value::Null),
        ("arn", Value::Null),
        ("key", Value::Null),
        ("password", Value::Null),
        ("zones", Value::Null),
        ("pools", Value::Null),
        ("steps", Value::Null),
        ("rule", Value::List(Vec::new())),
        ("tag", Value::Set(Vec::new())),
        ("timeouts", Value::Null),
    ]);
    for (name, change) in changes {
        value.set_entry(name, change);
    }
    value
}

fn one<V: Into<Value>>(name: &'static str, value: V) -> Value {
    object([(name, value)])
}

fn plain() -> Value {
    one("name", "n")
}

fn texts(violations: &[Violation]) -> Vec<String> {
    violations
        .iter()
        .map(|violation| format!("{}: {}", violation.path, violation.text))
        .collect()
}

fn plan(prior: &Value, config: &Value, planned: &Value) -> Vec<String> {
    texts(&check_plan(&schema(), prior, config, planned))
}

fn apply(planned: &Value, state: &Value) -> Vec<String> {
    texts(&check_apply(&schema(), planned, state))
}

fn pools(entries: &[(&str, i64, Value)]) -> Value {
    let entries = entries.iter().map(|(key, size, id)| {
        (
            *key,
            Value::object([("size", Value::from(*size)), ("id", id.clone())]),
        )
    });
    one("pools", Value::map(entries))
}

mod of_a_plan {
    use super::*;

    #[test]
    fn the_configuration_and_computed_values_may_be_planned() {
        let planned = object([("arn", Value::unknown()), ("size", 3.into())]);
        assert_eq!(plan(&Value::Null, &plain(), &planned), [""; 0]);
    }

    #[test]
    fn a_value_must_be_the_configured_or_the_prior_one() {
        let (config, planned) = (one("name", "b"), one("name", "c"));
        assert_eq!(
            plan(&Value::Null, &config, &planned),
            [r#"name: planned value "c" does not match config value "b""#]
        );
        assert_eq!(
            plan(&one("name", "a"), &config, &planned),
            [r#"name: planned value "c" does not match config value "b" nor prior value "a""#]
        );
        assert_eq!(plan(&one("name", "a"), &config, &one("name", "a")), [""; 0]);
    }

    #[test]
    fn numbers_are_compared_by_what_they_mean() {
        let config = one("size", crate::Number::parse("1.50").unwrap());
        assert_eq!(plan(&Value::Null, &config, &one("size", 1.5)), [""; 0]);
    }

    #[test]
    fn what_is_not_computed_stays_null() {
        let planned = one("zones", Value::set(["z"]));
        assert_eq!(
            plan(&plain(), &plain(), &planned),
            [r#"zones: planned value ["z"] for a non-computed attribute"#]
        );
    }

    #[test]
    fn sensitive_values_are_not_shown() {
        let (config, planned) = (one("key", "hunter2"), one("key", "hunter3"));
        let found = plan(&one("key", "hunter1"), &config, &planned).join(" ");
        assert!(
            found.contains("(sensitive value)") && !found.contains("hunter"),
            "{found}"
        );
    }

    #[test]
    fn write_only_values_are_null() {
        let config = one("password", "hunter2");
        assert_eq!(
            plan(&Value::Null, &config, &config),
            ["password: planned value for write-only attribute is not null"]
        );
        assert_eq!(plan(&Value::Null, &config, &plain()), [""; 0]);
    }

    #[test]
    fn presence_follows_the_configuration() {
        assert_eq!(
            plan(&plain(), &plain(), &Value::Null),
            ["(root): planned for absence but config wants existence"]
        );
        assert_eq!(
            plan(&plain(), &Value::Null, &plain()),
            ["(root): planned for existence but config wants absence"]
        );
        assert_eq!(
            texts(&check_destroy_plan(&schema(), &plain())),
            ["(root): planned a non-null destroy value"]
        );
        assert_eq!(check_destroy_plan(&schema(), &Value::Null), []);
    }

    #[test]
    fn nested_objects_are_compared_by_key() {
        let config = pools(&[("a", 1, Value::Null), ("b", 2, Value::Null)]);
        assert_eq!(
            plan(
                &Value::Null,
                &config,
                &pools(&[("a", 1, Value::unknown()), ("b", 2, "x".into())])
            ),
            [""; 0]
        );
        assert_eq!(
            plan(&Value::Null, &config, &pools(&[("a", 1, Value::Null)])),
            ["pools: count in plan (1) disagrees with count in config (2)"]
        );
        assert_eq!(
            plan(
                &Value::Null,
                &config,
                &pools(&[("a", 9, Value::Null), ("c", 2, Value::Null)])
            ),
            [
                r#"pools["a"].size: planned value 9 does not match config value 1"#,
                r#"pools: map key "c" from plan is not present in config"#,
                r#"pools: map key "b" from config is not present in plan"#,
            ]
        );
        assert_eq!(
            plan(&Value::Null, &config, &one("pools", Value::unknown())),
            ["pools: planned unknown for configured value"]
        );
    }

    #[test]
    fn nested_lists_keep_their_count() {
        let steps = |runs: &[&str]| {
            one(
                "steps",
                Value::list(runs.iter().map(|run| Value::object([("run", *run)]))),
            )
        };
        assert_eq!(
            plan(&Value::Null, &steps(&["a"]), &steps(&["a", "b"])),
            ["steps: count in plan (2) disagrees with count in config (1)"]
        );
        assert_eq!(
            plan(&Value::Null, &one("steps", Value::unknown()), &steps(&["a"])),
            ["steps: count in plan (1) disagrees with count in config (unknown)"]
        );
    }

    #[test]
    fn blocks_stand_as_configured() {
        let rules = |days: &[i64]| {
            one(
                "rule",
                Value::list(days.iter().map(|days| Value::object([("days", *days)]))),
            )
        };
        assert_eq!(
            plan(&Value::Null, &rules(&[1]), &rules(&[1, 2])),
            ["rule: block count in plan (2) disagrees with count in config (1)"]
        );
        assert_eq!(
            plan(&Value::Null, &rules(&[1]), &one("rule", Value::Null)),
            ["rule: the value of nested blocks must be empty to indicate no blocks, not null"]
        );
        assert_eq!(
            plan(&Value::Null, &rules(&[1]), &one("rule", Value::unknown())),
            ["rule: attribute representing nested block must not be unknown itself"]
        );
        assert_eq!(
            plan(&Value::Null, &one("rule", Value::unknown()), &rules(&[1])),
            [r#"rule: planned value [{"days":1}] for unknown dynamic block"#]
        );
        assert_eq!(
            plan(
                &Value::Null,
                &one("tag", Value::set([Value::object([("key", "a")])])),
                &one("tag", Value::set([Value::unknown()]))
            ),
            [
                "tag: an element representing a nested block must not be unknown itself; make its attributes unknown instead"
            ]
        );
        let timeouts = one("timeouts", Value::object([("create", "1h")]));
        assert_eq!(
            plan(&Value::Null, &timeouts, &plain()),
            ["timeouts: planned for absence but config wants existence"]
        );
    }

    #[test]
    fn refinements_do_not_matter_for_the_configuration() {
        let config = one("name", Value::unknown_not_null());
        assert_eq!(
            plan(&Value::Null, &config, &one("name", Value::unknown())),
            [""; 0]
        );
    }

    #[test]
    fn the_type_comes_first() {
        let mut planned = plain();
        planned.entries_mut().unwrap().remove("size");
        planned.set_entry("extra", 1);
        assert_eq!(
            plan(&Value::Null, &plain(), &planned),
            [
                r#"(root): attribute "size" is missing"#,
                r#"(root): unsupported attribute "extra""#
            ]
        );
    }

    #[test]
    fn replacement_paths_lead_somewhere() {
        let prior = pools(&[("a", 1, "x".into())]);
        let check = |path: Path| texts(&check_replace_paths(&schema(), &prior, &plain(), &[path])).len();
        assert_eq!(
            check(Path::root().attribute("pools").key("a").attribute("size")),
            0
        );
        assert_eq!(check(Path::root().attribute("name")), 0);
        assert_eq!(check(Path::root().attribute("pools").key("b")), 1);
        assert_eq!(check(Path::root().attribute("zones").index(0)), 1);
        assert_eq!(check(Path::root().attribute("zone")), 1);
        let unknown = one("pools", Value::unknown());
        let below = [Path::root().attribute("pools").key("b").attribute("size")];
        assert_eq!(check_replace_paths(&schema(), &Value::Null, &unknown, &below), []);
    }
}

mod of_an_apply {
    use super::*;

    #[test]
    fn unknown_values_become_known_and_known_ones_stay() {
        let planned = object([("arn", Value::unknown()), ("size", 3.into())]);
        assert_eq!(
            apply(
                &planned,
                &object([("arn", "a".into()), ("size", Value::from(3.0))])
            ),
            [""; 0]
        );
        assert_eq!(
            apply(&planned, &object([("arn", "a".into()), ("size", Value::from(4))])),
            ["size: was 3, but now 4"]
        );
        assert_eq!(apply(&planned, &one("arn", "a")), ["size: was 3, but now null"]);
        assert_eq!(
            apply(&plain(), &one("arn", "a")),
            [r#"arn: was null, but now "a""#]
        );
    }

    #[test]
    fn a_refinement_binds() {
        let refinements = Refinements {
            prefix: Some("arn:".into()),
            ..Refinements::default()
        };
        let planned = one("arn", Value::Unknown(refinements));
        assert_eq!(apply(&planned, &one("arn", "arn:x")), [""; 0]);
        assert_eq!(
            apply(&planned, &one("arn", "x")),
            [r#"arn: final value "x" does not keep what the plan said of it"#]
        );
    }

    #[test]
    fn nothing_stays_unknown() {
        let planned = one("arn", Value::unknown());
        let found = check_apply(&schema(), &planned, &planned);
        assert_eq!(texts(&found), ["arn: still unknown after apply"]);
        assert_eq!(found[0].rule, Rule::InvalidResult);
    }

    #[test]
    fn presence_follows_the_plan() {
        assert_eq!(
            apply(&plain(), &Value::Null),
            ["(root): a null value was returned after create or update"]
        );
        assert_eq!(
            apply(&Value::Null, &plain()),
            ["(root): a non-null value was returned after the object was destroyed"]
        );
        assert_eq!(apply(&Value::Null, &Value::Null), [""; 0]);
    }

    #[test]
    fn write_only_values_never_reach_the_state() {
        assert_eq!(
            apply(&plain(), &one("password", "hunter2")),
            ["password: the write-only attribute is not null"]
        );
        assert_eq!(write_only_as_null(&schema(), one("password", "hunter2")), plain());
    }

    #[test]
    fn elements_neither_vanish_nor_appear() {
        let planned = pools(&[("a", 1, Value::unknown()), ("b", 1, Value::unknown())]);
        assert_eq!(
            apply(&planned, &pools(&[("a", 1, "x".into()), ("c", 1, "x".into())])),
            [
                r#"pools: element "b" has vanished"#,
                r#"pools: new element "c" has appeared"#
            ]
        );
        let steps = |runs: &[&str]| {
            one(
                "steps",
                Value::list(runs.iter().map(|run| Value::object([("run", *run)]))),
            )
        };
        assert_eq!(
            apply(&steps(&["a"]), &steps(&["a", "b"])),
            ["steps: new element 1 has appeared"]
        );
        assert_eq!(
            apply(&steps(&["a"]), &steps(&[])),
            ["steps: element 0 has vanished"]
        );
    }

    #[test]
    fn sets_may_shrink_but_not_grow() {
        let zones = |zones: Vec<Value>| one("zones", Value::Set(zones));
        let planned = zones(vec![Value::unknown(), "a".into()]);
        assert_eq!(apply(&planned, &zones(vec!["a".into()])), [""; 0]);
        assert_eq!(apply(&planned, &zones(vec!["b".into(), "a".into()])), [""; 0]);
        assert_eq!(
            apply(&planned, &zones(vec!["b".into(), "a".into(), "c".into()])),
            ["zones: length changed from 2 to 3"]
        );
        assert_eq!(
            apply(&zones(vec!["a".into()]), &zones(vec!["b".into()])),
            [r#"zones: planned set element "a" does not correlate with any element in actual"#]
        );
    }

    #[test]
    fn blocks_keep_their_count() {
        let rules = |days: &[i64]| {
            one(
                "rule",
                Value::list(days.iter().map(|days| Value::object([("days", *days)]))),
            )
        };
        assert_eq!(
            apply(&rules(&[1]), &rules(&[1, 2])),
            ["rule: block count changed from 1 to 2"]
        );
        assert_eq!(apply(&one("rule", Value::unknown()), &rules(&[1, 2])), [""; 0]);
        assert_eq!(
            apply(&rules(&[1]), &rules(&[2])),
            ["rule[0].days: was 1, but now 2"]
        );
        let tags = |keys: &[&str]| {
            one(
                "tag",
                Value::set(keys.iter().map(|key| Value::object([("key", *key)]))),
            )
        };
        assert_eq!(apply(&tags(&["a", "b"]), &tags(&["b", "a"])), [""; 0]);
        assert_eq!(apply(&tags(&["a"]), &tags(&["b"])).len(), 1);
    }

    #[test]
    fn sensitive_values_are_not_shown() {
        let found = apply(&one("key", "hunter1"), &one("key", "hunter2")).join(" ");
        assert_eq!(found, "key: was (sensitive value), but now (sensitive value)");
    }

    #[test]
    fn a_second_plan_keeps_what_the_first_one_said() {
        let first = object([("arn", Value::unknown()), ("size", 3.into())]);
        let second = object([("arn", Value::unknown()), ("size", 4.into())]);
        let found = check_final_plan(&schema(), &first, &second);
        assert_eq!(texts(&found), ["size: was 3, but now 4"]);
        assert_eq!(found[0].rule, Rule::InconsistentFinalPlan);
        assert_eq!(check_final_plan(&schema(), &first, &first), []);
        let back = check_final_plan(&schema(), &one("arn", "a"), &one("arn", Value::unknown()));
        assert_eq!(texts(&back), ["arn: was known, but now unknown"]);
    }

    #[test]
    fn a_dynamic_value_keeps_its_type() {
        let schema = Schema::new().attribute("any", Attribute::dynamic().computed());
        let value = |value: Value| Value::object([("any", Type::Dynamic.conform(value).0)]);
        assert_eq!(
            check_apply(&schema, &value(Value::unknown()), &value(1.into())),
            []
        );
        let found = check_apply(&schema, &value(1.into()), &value("1".into()));
        assert_eq!(
            texts(&found),
            ["any: wrong final value type: number was planned, now string"]
        );
    }
}

mod of_everything_else {
    use super::*;

    #[test]
    fn a_state_is_known_and_of_its_type() {
        assert_eq!(check_state(&schema(), &plain()), []);
        assert_eq!(check_state(&schema(), &Value::Null), []);
        let found = check_state(&schema(), &one("arn", Value::unknown()));
        assert_eq!(
            texts(&found),
            ["arn: unknown where only known values are allowed"]
        );
        assert_eq!(check_state(&schema(), &one("size", "x")).len(), 1);
        assert_eq!(check_state(&schema(), &one("password", "x")).len(), 1);
    }

    #[test]
    fn upgrades_imports_and_data_are_not_null() {
        assert_eq!(
            check_upgrade(&schema(), &Value::Null)[0].rule,
            Rule::InvalidUpgrade
        );
        assert_eq!(check_import(&schema(), &Value::Null)[0].rule, Rule::InvalidImport);
        assert_eq!(check_data(&schema(), &Value::Null)[0].rule, Rule::NullObject);
        assert_eq!(check_data(&schema(), &one("arn", Value::unknown())).len(), 1);
        assert_eq!(check_upgrade(&schema(), &plain()), []);
        assert_eq!(check_import(&schema(), &plain()), []);
        assert_eq!(check_data(&schema(), &plain()), []);
    }

    #[test]
    fn an_ephemeral_result_agrees_with_its_configuration() {
        assert_eq!(check_ephemeral(&schema(), &plain(), &one("arn", "a")), []);
        assert_eq!(
            check_ephemeral(&schema(), &plain(), &one("name", "x"))[0].rule,
            Rule::InvalidEphemeral
        );
    }

    #[test]
    fn an_identity_is_whole() {
        let identity = Schema::new().attribute("id", Attribute::string().required());
        let value = |id: Value| Value::object([("id", id)]);
        assert_eq!(check_identity(&identity, &value("a".into()), true), []);
        assert_eq!(check_identity(&identity, &value(Value::unknown()), false), []);
        assert_eq!(check_identity(&identity, &value(Value::unknown()), true).len(), 1);
        assert_eq!(check_identity(&identity, &Value::Null, true).len(), 1);
        assert_eq!(check_identity(&identity, &value(1.into()), true).len(), 1);
    }

    #[test]
    fn long_values_are_cut() {
        assert!(show(&Value::from("x".repeat(5000))).len() < 300);
    }
}
