//! The plan engine before the real Terraform: a provider of random resources that plans just what the engine proposes is
//! never told off, and a second plan is always empty.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::propose;
use crate::arbitrary::{Dice, fill, known_config, some_schema};
use crate::diagnostic::Diagnostics;
use crate::provider::{
    ApplyRequest, ApplyResponse, CallContext, PlanRequest, PlanResponse, Provider, ReadRequest, ReadResponse,
    Resource,
};
use crate::rules::write_only_as_null;
use crate::schema::Schema;
use crate::serve::ServeOptions;
use crate::value::Value;

/// How many resources of different schemas one run has.
const RESOURCES: u64 = 60;
/// Tells this test's own program to be the provider.
const SERVE: &str = "TFPLUGIN_TEST_SERVES_SEED";

struct Random {
    name: String,
    seed: u64,
    schema: Schema,
}

/// A resource of a random schema, and two configurations for it.
fn random(number: u64, seed: u64) -> (Random, Value, Value) {
    // Skip those where an apply makes elements of a set equal: no plan is stable then.
    for attempt in 0.. {
        let seed = seed.wrapping_mul(1_000_003).wrapping_add(number * 1009 + attempt);
        let mut dice = Dice::new(seed);
        // Terraform 1.11.4 crashes on those where an attribute in the element is sensitive.
        dice.null_elements = false;
        let schema = some_schema(&mut dice);
        let (first, second) = (known_config(&schema, &mut dice), known_config(&schema, &mut dice));
        let resource = Random {
            name: format!("random_r{number}"),
            seed,
            schema,
        };
        let created = resource.applied(&propose(&resource.schema, &Value::Null, &first));
        let updated = created
            .as_ref()
            .and_then(|created| resource.applied(&propose(&resource.schema, created, &second)))
            .and_then(|_| resource.applied(&propose(&resource.schema, &Value::Null, &second)));
        if updated.is_some() {
            return (resource, first, second);
        }
    }
    unreachable!("there is always another attempt")
}

impl Random {
    /// What an apply of `planned` makes; `None` where elements of a set become equal.
    fn applied(&self, planned: &Value) -> Option<Value> {
        let mut dice = Dice::new(self.seed);
        let state = write_only_as_null(&self.schema, fill(&self.schema.ty(), planned, &mut dice));
        (!dice.collapsed).then_some(state)
    }
}

#[async_trait]
impl Resource for Random {
    fn type_name(&self) -> &str {
        &self.name
    }

    fn schema(&self) -> Schema {
        self.schema.clone()
    }

    async fn validate(&self, _: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn read(&self, _: &CallContext, request: ReadRequest) -> ReadResponse {
        ReadResponse {
            state: request.state,
            private: request.private,
            diagnostics: Diagnostics::new(),
        }
    }

    async fn plan(&self, _: &CallContext, request: PlanRequest) -> PlanResponse {
        PlanResponse {
            planned: request.proposed,
            requires_replace: Vec::new(),
            private: Vec::new(),
            diagnostics: Diagnostics::new(),
        }
    }

    async fn apply(&self, _: &CallContext, request: ApplyRequest) -> ApplyResponse {
        let state = if request.planned.is_null() {
            Value::Null
        } else {
            self.applied(&request.planned).unwrap()
        };
        ApplyResponse {
            state,
            private: Vec::new(),
            diagnostics: Diagnostics::new(),
        }
    }
}

struct Randoms(u64);

#[async_trait]
impl Provider for Randoms {
    fn version(&self) -> &str {
        "0.0.0"
    }

    fn schema(&self) -> Schema {
        Schema::new()
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        (0..RESOURCES)
            .map(|number| Arc::new(random(number, self.0).0) as Arc<dyn Resource>)
            .collect()
    }

    async fn validate(&self, _: &Value) -> Diagnostics {
        Diagnostics::new()
    }

    async fn configure(&self, _: &CallContext, _: Value, _: &str) -> Diagnostics {
        Diagnostics::new()
    }
}

/// Not a test of its own: the provider's process, when [`SERVE`] says so.
#[test]
fn serves_when_asked() {
    if let Some(seed) = std::env::var(SERVE).ok().and_then(|seed| seed.parse().ok()) {
        let mut options = ServeOptions::new("registry.terraform.io/hashicorp/random");
        options.debug = true;
        crate::serve::serve(Randoms(seed), options);
    }
}

/// The provider's process and what Terraform needs to find it.
struct Served(Child, String);

impl Served {
    fn start(seed: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "plan::terraform::serves_when_asked"])
            .env(SERVE, seed.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let document = lines
            .filter_map(|line| {
                Some(
                    line.split_once("TF_REATTACH_PROVIDERS='")?
                        .1
                        .trim_end_matches('\'')
                        .to_owned(),
                )
            })
            .next();
        Self(child, document.expect("the provider says where it is"))
    }

    fn terraform(&self, folder: &Path, arguments: &[&str]) -> Output {
        let program = std::env::var_os("TERRAFORM").unwrap_or_else(|| "terraform".into());
        let output = Command::new(program)
            .args(arguments)
            .args(["-no-color", "-input=false"])
            .current_dir(folder)
            .env("TF_REATTACH_PROVIDERS", &self.1)
            .output();
        output.expect("terraform must be installed (or set TERRAFORM)")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A value as an argument or block body of the JSON syntax: what is null is left out.
fn written(value: &Value) -> Json {
    match value.inner() {
        Value::Object(attributes) => attributes
            .iter()
            .filter(|(name, value)| !value.is_null() && !no_blocks(name, value))
            .map(|(name, value)| (name.clone(), written(value)))
            .collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), written(value)))
            .collect(),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => items.iter().map(written).collect(),
        value => value.to_json().unwrap(),
    }
}

/// Labelled blocks of which there are none: the JSON syntax cannot say that other than by leaving them out.
fn no_blocks(name: &str, value: &Value) -> bool {
    (name.starts_with("block_") || name == "inner")
        && matches!(value, Value::Map(blocks) if blocks.is_empty())
}

fn configuration(seed: u64, second: bool) -> Json {
    let resources = (0..RESOURCES).map(|number| {
        let (resource, first, other) = random(number, seed);
        let config = if second { other } else { first };
        (resource.name, json!({"it": written(&config)}))
    });
    json!({"resource": resources.collect::<serde_json::Map<_, _>>()})
}

fn told(output: &Output) -> String {
    format!(
        "{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    )
}

#[test]
fn terraform_takes_what_is_proposed_and_the_next_plan_is_empty() {
    let seed = std::env::var("TFPLUGIN_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(7);
    let served = Served::start(seed);
    let folder = tempfile::tempdir().unwrap();
    for second in [false, true] {
        let text = serde_json::to_string_pretty(&configuration(seed, second)).unwrap();
        std::fs::write(folder.path().join("main.tf.json"), text).unwrap();
        let apply = served.terraform(folder.path(), &["apply", "-auto-approve"]);
        assert!(
            apply.status.success(),
            "seed {seed}, second {second}: {}",
            told(&apply)
        );
        let plan = served.terraform(folder.path(), &["plan", "-detailed-exitcode"]);
        assert_eq!(
            plan.status.code(),
            Some(0),
            "seed {seed}, second {second}: {}",
            told(&plan)
        );
    }
}
