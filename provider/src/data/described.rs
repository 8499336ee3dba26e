//! An environment described in a data source: by its settings, or as the resource itself.

use std::sync::Arc;

use mlops_environment::Environment as Model;
use mlops_environment::component::Address;
use mlops_environment::reference::World;
use serde_json::Value as Json;
use tfplugin::schema::{Attribute, Mode, Schema};
use tfplugin::{Diagnostic, Diagnostics, Path, Resource, Type, Value};

use crate::clouds::Clouds;
use crate::decode;
use crate::resource::{Environment, Rhythm, Wanted, wanted};

/// The attribute by which it is described.
const ENVIRONMENT: &str = "environment";

/// Takes environments apart that are described.
#[derive(Debug)]
pub(super) struct Described {
    clouds: Arc<Clouds>,
    schema: Schema,
}

impl Described {
    pub(super) fn new(clouds: Arc<Clouds>) -> Self {
        let schema = Resource::schema(&Environment::new(Arc::clone(&clouds), Rhythm::default()));
        Self { clouds, schema }
    }

    /// A schema with the attribute in it.
    pub(super) fn schema(&self, description: &str) -> Schema {
        Schema::new().describe(description).attribute(
            ENVIRONMENT,
            Attribute::of(Type::Dynamic).required().describe(
                "The environment: an object of its settings, as `mlops_environment` takes them, or the resource itself \
                 (`mlops_environment.<name>`).",
            ),
        )
    }

    /// What is wrong with the description as far as it is known.
    pub(super) fn validate(&self, config: &Value) -> Diagnostics {
        let given = config.get(ENVIRONMENT).unwrap_or(&Value::Null);
        let known = decode::partial(given, &Type::Dynamic);
        match known.json {
            Json::Object(fields) => self.strangers(&fields).map_or_else(Diagnostics::new, at_it),
            // Nothing of it is known yet.
            Json::Null if !given.is_null() => Diagnostics::new(),
            _ => at_it(Diagnostic::error(
                "Not an environment",
                "Give an object of settings, for example { name = \"churn-dev\", tier = \"dev\", aws = { … } }, or the resource itself.",
            )),
        }
    }

    /// Attributes that no environment has.
    fn strangers(&self, fields: &serde_json::Map<String, Json>) -> Option<Diagnostic> {
        let known = |name: &String| self.schema.attributes.contains_key(name) || name == "timeouts";
        let strangers: Vec<&str> = fields
            .keys()
            .filter(|name| !known(name))
            .map(String::as_str)
            .collect();
        (!strangers.is_empty()).then(|| {
            Diagnostic::error(
                format!("An environment has no {}", strangers.join(", ")),
                "Take it out, or correct the name: an environment has the attributes of mlops_environment.",
            )
        })
    }

    /// What it is made of, and what is known of what stands of it.
    ///
    /// # Errors
    /// What is wrong with its settings, or with the credentials that tell the account.
    pub(super) async fn model(&self, config: &Value) -> Result<(Box<Model>, World), Diagnostics> {
        let given = config.get(ENVIRONMENT).unwrap_or(&Value::Null);
        let unreadable = |why: String| {
            at_it(Diagnostic::error(
                "Not an environment",
                format!("{why}. Write its settings as mlops_environment takes them."),
            ))
        };
        let settings = decode::known(given, &Type::Dynamic)
            .map_err(|path| unreadable(format!("{} is not known yet", decode::dotted(&path))))?;
        let Json::Object(mut fields) = settings else {
            return Err(unreadable("it is no object".to_owned()));
        };
        if let Some(strangers) = self.strangers(&fields) {
            return Err(at_it(strangers));
        }
        let world = told(&fields);
        let settable = |name: &String| {
            self.schema
                .attributes
                .get(name)
                .is_some_and(|of| of.mode != Mode::Computed)
        };
        fields.retain(|name, _| settable(name));
        let value = Value::from_json(&self.schema.ty(), &Json::Object(fields))
            .map_err(|error| unreadable(error.to_string()))?;
        let cloud = self.clouds.of(&value).await.map_err(inside)?;
        match wanted(&self.schema, &value, &cloud.facts).map_err(inside)? {
            Wanted::Environment(model) => Ok((model, world)),
            Wanted::Open(paths) => {
                let open: Vec<String> = paths.iter().map(decode::dotted).collect();
                Err(unreadable(format!("{} is not known", open.join(", "))))
            }
        }
    }
}

fn at_it(diagnostic: Diagnostic) -> Diagnostics {
    diagnostic.at(Path::root().attribute(ENVIRONMENT)).into()
}

/// Diagnostics about settings, where the settings stand here. The attribute has no schema, so Terraform points at the whole
/// of it: the words name the setting.
fn inside(diagnostics: Diagnostics) -> Diagnostics {
    let moved = diagnostics.0.into_iter().map(|mut diagnostic| {
        let place = diagnostic.path.take().map(|path| decode::dotted(&path));
        if let Some(place) = place.filter(|place| !place.is_empty()) {
            diagnostic.summary = format!("{place}: {}", diagnostic.summary);
        }
        diagnostic.at(Path::root().attribute(ENVIRONMENT))
    });
    Diagnostics(moved.collect())
}

/// What the description tells of what stands, where it is the resource itself.
fn told(fields: &serde_json::Map<String, Json>) -> World {
    let mut world = World::new();
    let mut tell = |address: &[&str], output: &str, value: &Json| {
        if let Some(text) = value.as_str() {
            let outputs = world.entry(Address::new(address)).or_default();
            outputs.insert(output.to_owned(), text.to_owned());
        }
    };
    let entries = |name: &str| fields.get(name).and_then(Json::as_object).into_iter().flatten();
    for (usage, arn) in entries("keys") {
        tell(&["keys", usage], "arn", arn);
    }
    for (address, component) in entries("components") {
        let parts: Vec<&str> = address.split('.').collect();
        if component["id"].as_str().is_some_and(|id| id.starts_with("arn:")) {
            tell(&parts, "arn", &component["id"]);
        }
    }
    for (name, value) in entries("federation_info") {
        match name.as_str() {
            "github_provider" => tell(&["federation", "github"], "arn", value),
            "pod_provider" => tell(&["federation", "pods"], "arn", value),
            _ => {}
        }
    }
    for (name, value) in entries("cluster_info") {
        let issuer = value.as_str().unwrap_or_default();
        if name == "oidc_issuer" && !issuer.is_empty() {
            let bare = issuer.trim_start_matches("https://").into();
            tell(&["federation", "pods"], "issuer", &bare);
        }
    }
    world
}
