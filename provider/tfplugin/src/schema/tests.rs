use super::*;
use crate::path::Path;

fn faults(schema: &Schema, role: Role) -> Vec<String> {
    schema.faults(role).iter().map(ToString::to_string).collect()
}

#[test]
fn the_type_follows_from_the_schema() {
    let schema = Schema::new()
        .attribute("name", Attribute::string().required())
        .attribute("pools", Attribute::map_nested([("size", Attribute::number())]))
        .block("timeouts", Block::single([("create", Attribute::string())]));
    let ty = Type::object([
        ("name", Type::String),
        ("pools", Type::map(Type::object([("size", Type::Number)]))),
        ("timeouts", Type::object([("create", Type::String)])),
    ]);
    assert_eq!(schema.ty(), ty);
    assert_eq!(faults(&schema, Role::Resource), [""; 0]);
}

#[test]
fn every_fault_is_named() {
    let schema = Schema::new()
        .attribute("Name", Attribute::string())
        .attribute("count", Attribute::number())
        .attribute("both", Attribute::string())
        .attribute("any", Attribute::of(Type::list(Type::Dynamic)))
        .attribute("secret", Attribute::string().computed().write_only())
        .attribute("kept", Attribute::string().keep())
        .attribute("size", Attribute::number().default("three"))
        .attribute("odd", Attribute::number().default(3).required())
        .attribute("url", Attribute::string().computed().requires_replace())
        .attribute(
            "rules",
            Attribute::set_nested([
                ("key", Attribute::string().write_only()),
                ("value", Attribute::dynamic()),
                ("days", Attribute::number().default(3)),
            ]),
        )
        .block("both", Block::single([("a", Attribute::string())]).at_most(1))
        .block(
            "many",
            Block::list([("a", Attribute::string())]).at_least(3).at_most(2),
        )
        .block("keyed", Block::map([("a", Attribute::string())]).at_least(1))
        .block(
            "more",
            Block::set([(
                "deep",
                Attribute::object([("k", Attribute::string().write_only())]),
            )]),
        );
    assert_eq!(
        faults(&schema, Role::Resource),
        [
            "count: the name belongs to Terraform's language",
            "Name: a name is made of lower-case letters, digits and underscores, not starting with a digit",
            "any: a collection must not contain values of dynamic type",
            "kept: only a computed value can be kept",
            "odd: an attribute with a default must be optional and computed",
            "rules: a set must not contain write-only attributes",
            "rules: a collection must not contain values of dynamic type",
            "rules.days: defaults inside a set would change which element is which",
            "secret: a write-only attribute cannot be computed, nor have a default",
            "size: the default does not fit the type: (root): number is required, found a string",
            "url: a computed value that is replaced by itself would replace the resource on any change",
            "both: is both an attribute and a block",
            "both: min_items and max_items of a single block must be equal",
            "keyed: min_items and max_items of a map of blocks must be 0",
            "many: min_items is greater than max_items",
            "more: a set must not contain write-only attributes",
            "more.deep: a nested attribute in a repeated block makes Terraform crash",
        ]
    );
}

#[test]
fn identities_are_plain() {
    let schema = Schema::new()
        .attribute("id", Attribute::string().required())
        .attribute("zones", Attribute::list_of(Type::String))
        .attribute("labels", Attribute::map_of(Type::String))
        .attribute("pools", Attribute::map_nested([("a", Attribute::string())]));
    let text = "an identity is made of strings, numbers, bools and lists of them";
    assert_eq!(
        faults(&schema, Role::Identity),
        [format!("labels: {text}"), format!("pools: {text}")]
    );
}

#[test]
fn sensitive_places_are_found_from_above_and_below() {
    let schema = Schema::new()
        .attribute("plain", Attribute::string())
        .attribute(
            "creds",
            Attribute::object([("key", Attribute::map_of(Type::String).sensitive())]),
        )
        .block(
            "login",
            Block::list([("password", Attribute::string().write_only())]),
        );
    let key = Path::root().attribute("creds").attribute("key");
    assert!(schema.is_sensitive(&key.clone().key("x")));
    assert!(!schema.is_sensitive(&key.parent().unwrap()));
    assert!(schema.holds_sensitive(&key.parent().unwrap()));
    assert!(schema.is_sensitive(&Path::root().attribute("login").index(0).attribute("password")));
    assert!(!schema.holds_sensitive(&Path::root().attribute("plain")));
    assert!(schema.holds_sensitive(&Path::root()));
}
