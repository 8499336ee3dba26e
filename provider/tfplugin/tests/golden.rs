//! The wire format as Terraform and another provider really use it. How the vectors came about: `tests/golden/README.md`.

// A test that panics has failed, also in its helpers.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use tfplugin::codec::{json, msgpack};
use tfplugin::plan::proposed_new;
use tfplugin::schema::{Block, Mode};
use tfplugin::value::Refinements;
use tfplugin::{Attribute, Nesting, Number, Path, Schema, Type, Value, rules};

const ALARM: &str = "aws_cloudwatch_metric_alarm";
const LIFECYCLE: &str = "aws_s3_bucket_lifecycle_configuration";
const GROUP: &str = "aws_security_group";

const SCENARIOS: &[(&str, &str)] = &[
    ("alarm-create", ALARM),
    ("alarm-numbers", ALARM),
    ("alarm-update", ALARM),
    ("lifecycle-create", LIFECYCLE),
    ("lifecycle-update", LIFECYCLE),
    ("blocks-unknown", LIFECYCLE),
    ("blocks-as-attributes", GROUP),
];

const VALUES: &[&str] = &[
    "config",
    "prior_state",
    "proposed_new_state",
    "planned_state",
    "upgraded_state",
];

fn file(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    std::fs::read(path).ok()
}

fn bytes(scenario: &str, value: &str) -> Option<Vec<u8>> {
    file(&format!("{scenario}/{value}.msgpack"))
}

fn value(scenario: &str, name: &str) -> Value {
    let (_, resource) = SCENARIOS.iter().find(|(known, _)| *known == scenario).unwrap();
    msgpack::decode(&schema(resource).ty(), &bytes(scenario, name).unwrap()).unwrap()
}

/// A schema as `terraform providers schema -json` shows it.
#[derive(Deserialize)]
struct ShownSchema {
    version: u64,
    block: ShownBlock,
}

#[derive(Deserialize)]
struct ShownBlock {
    #[serde(default)]
    attributes: BTreeMap<String, ShownAttribute>,
    #[serde(default)]
    block_types: BTreeMap<String, ShownBlockType>,
}

#[derive(Deserialize)]
struct ShownBlockType {
    nesting_mode: String,
    block: ShownBlock,
    #[serde(default)]
    min_items: u32,
    #[serde(default)]
    max_items: u32,
}

#[derive(Deserialize)]
struct ShownAttribute {
    r#type: serde_json::Value,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    computed: bool,
}

impl ShownBlock {
    fn attributes(&self) -> Vec<(String, Attribute)> {
        let attribute = |shown: &ShownAttribute| {
            let mode = match (shown.required, shown.optional, shown.computed) {
                (true, ..) => Mode::Required,
                (_, true, true) => Mode::OptionalComputed,
                (_, true, false) => Mode::Optional,
                _ => Mode::Computed,
            };
            Attribute::of(Type::from_json_value(&shown.r#type).unwrap()).mode(mode)
        };
        self.attributes
            .iter()
            .map(|(name, shown)| (name.clone(), attribute(shown)))
            .collect()
    }

    fn blocks(&self) -> Vec<(String, Block)> {
        let block = |shown: &ShownBlockType| {
            let nesting = match shown.nesting_mode.as_str() {
                "single" => Nesting::Single,
                "list" => Nesting::List,
                "set" => Nesting::Set,
                "map" => Nesting::Map,
                other => panic!("nesting mode {other}"),
            };
            Block {
                nesting,
                attributes: shown.block.attributes().into_iter().collect(),
                blocks: shown.block.blocks().into_iter().collect(),
                description: String::new(),
                min_items: shown.min_items,
                max_items: shown.max_items,
            }
        };
        self.block_types
            .iter()
            .map(|(name, shown)| (name.clone(), block(shown)))
            .collect()
    }
}

fn schema(resource: &str) -> Schema {
    let shown: BTreeMap<String, ShownSchema> =
        serde_json::from_slice(&file("schemas.json").unwrap()).unwrap();
    let shown = &shown[resource];
    let mut schema = Schema::new()
        .version(shown.version)
        .attributes(shown.block.attributes());
    for (name, block) in shown.block.blocks() {
        schema = schema.block(name, block);
    }
    schema
}

#[test]
fn every_captured_value_is_read_and_written_back_to_the_same_bytes() {
    let mut seen = 0;
    for (scenario, resource) in SCENARIOS {
        let ty = schema(resource).ty();
        for (name, bytes) in VALUES
            .iter()
            .filter_map(|name| Some((name, bytes(scenario, name)?)))
        {
            let value = msgpack::decode(&ty, &bytes).unwrap_or_else(|e| panic!("{scenario}/{name}: {e}"));
            assert_eq!(ty.check(&value), Ok(()), "{scenario}/{name}");
            assert_eq!(msgpack::encode(&ty, &value).unwrap(), bytes, "{scenario}/{name}");
            seen += 1;
        }
    }
    assert_eq!(seen, 30);
}

#[test]
fn unknown_values_arrive_with_what_is_known_of_them() {
    let config = value("alarm-create", "config");
    let prefix = Refinements {
        null: Some(false),
        prefix: Some("drift-".into()),
        ..Refinements::default()
    };
    assert_eq!(config.get("alarm_name"), Some(&Value::Unknown(prefix)));
    let actions = config.get("alarm_actions").unwrap().elements().unwrap();
    assert_eq!(actions.len(), 3);
    assert_eq!(actions[2], Value::unknown_not_null());
    assert!(
        value("blocks-unknown", "config")
            .get("rule")
            .unwrap()
            .is_unknown()
    );
}

#[test]
fn numbers_arrive_exactly() {
    let tenth = value("alarm-create", "config");
    assert_eq!(
        tenth.get("threshold"),
        Some(&Value::Number(Number::parse("0.1").unwrap()))
    );
    let large = value("alarm-numbers", "config");
    assert_eq!(
        large.get("threshold").unwrap().as_number().unwrap().to_string(),
        "1180591620717411303424"
    );
    assert_eq!(large.get("period").unwrap().as_i64(), Some(86_400));
    let half = value("alarm-update", "config");
    assert_eq!(half.get("threshold"), Some(&Value::from(1.5)));
}

#[test]
fn text_arrives_as_it_was_written() {
    let config = value("alarm-create", "config");
    assert_eq!(
        config.at(&Path::root().attribute("dimensions").key("größe")),
        Some(&"1.50".into())
    );
}

#[test]
fn our_merge_is_the_one_terraform_made() {
    for (scenario, resource) in SCENARIOS {
        let (prior, config) = (value(scenario, "prior_state"), value(scenario, "config"));
        let ours = proposed_new(&schema(resource), &prior, &config);
        assert_eq!(ours, value(scenario, "proposed_new_state"), "{scenario}");
    }
}

#[test]
fn stored_json_is_what_the_provider_upgraded_it_to() {
    for (scenario, resource) in [("alarm-update", ALARM), ("lifecycle-update", LIFECYCLE)] {
        let ty = schema(resource).ty();
        let stored = json::decode(&ty, &file(&format!("{scenario}/state.json")).unwrap()).unwrap();
        assert_eq!(stored, value(scenario, "upgraded_state"), "{scenario}");
        assert_eq!(stored, value(scenario, "prior_state"), "{scenario}");
        let back = json::encode(&ty, &stored).unwrap();
        assert_eq!(json::decode(&ty, &back).unwrap(), stored, "{scenario}");
    }
}

#[test]
fn the_plan_of_a_provider_that_terraform_took_breaks_no_rule() {
    // The others use the older SDK, which Terraform forgives some rules.
    for scenario in ["lifecycle-create", "lifecycle-update", "blocks-unknown"] {
        let (prior, config) = (value(scenario, "prior_state"), value(scenario, "config"));
        let planned = value(scenario, "planned_state");
        assert_eq!(
            rules::check_plan(&schema(LIFECYCLE), &prior, &config, &planned),
            [],
            "{scenario}"
        );
    }
}

#[test]
fn a_refinement_the_provider_dropped_does_not_break_the_plan() {
    let config = value("alarm-create", "config");
    let planned = value("alarm-create", "planned_state");
    let name = Path::root().attribute("alarm_name");
    assert_ne!(config.at(&name), planned.at(&name));
    assert!(config.at(&name).unwrap().same(planned.at(&name).unwrap()));
}
