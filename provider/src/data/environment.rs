//! `data.mlops_environment`: an environment by its id, without its state.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use mlops_environment::names::EnvironmentId;
use tfplugin::schema::{Attribute, Kind, Mode, Schema};
use tfplugin::{CallContext, DataSource, Diagnostic, Diagnostics, Path, Resource, Value};

use crate::clouds::Clouds;
use crate::resource::{Environment, Rhythm};

/// The data source.
#[derive(Debug)]
pub(crate) struct EnvironmentSource {
    resource: Environment,
}

/// What speaks of a change to come, or of how the resource is to be handled: nothing that stands.
const OF_THE_RESOURCE_ALONE: [&str; 5] = [
    "adopt",
    "last_change",
    "partial_create",
    "replace_components",
    "timeouts",
];

impl EnvironmentSource {
    pub(crate) fn new(clouds: Arc<Clouds>) -> Self {
        Self {
            resource: Environment::new(clouds, Rhythm::default()),
        }
    }

    fn attributes(&self) -> BTreeMap<String, Attribute> {
        let mut attributes = Resource::schema(&self.resource).attributes;
        attributes.retain(|name, attribute| {
            !OF_THE_RESOURCE_ALONE.contains(&name.as_str()) && !attribute.write_only
        });
        attributes.values_mut().for_each(told);
        attributes.insert(
            "id".to_owned(),
            Attribute::string().required().describe(
                "Id of the environment: `aws/<account>/<region>/<name>` or `gcp/<project>/<region>/<name>`; \
                 `<id>@<bucket>` where its logs bucket was taken over.",
            ),
        );
        attributes
    }
}

/// An attribute of the resource as one that is read.
fn told(attribute: &mut Attribute) {
    attribute.mode = Mode::Computed;
    attribute.default = None;
    attribute.requires_replace = false;
    if let Kind::Nested(_, children) = &mut attribute.kind {
        children.values_mut().for_each(told);
    }
}

#[async_trait]
impl DataSource for EnvironmentSource {
    fn type_name(&self) -> &str {
        "mlops_environment"
    }

    fn schema(&self) -> Schema {
        Schema {
            version: 0,
            description: "An environment by its id, without its state: for stacks of other teams, which need its cluster, its \
                identities and its registry. It is read from its claim in the cloud and looked at; the outputs are those of the \
                resource."
                .to_owned(),
            attributes: self.attributes(),
            blocks: BTreeMap::new(),
        }
    }

    async fn validate(&self, config: &Value) -> Diagnostics {
        let id = config.get("id").and_then(Value::as_str);
        match id.map(|id| id.split('@').next().unwrap_or_default().parse::<EnvironmentId>()) {
            Some(Err(error)) => Diagnostic::error("Not an environment", format!("{error}."))
                .at(Path::root().attribute("id"))
                .into(),
            _ => Diagnostics::new(),
        }
    }

    async fn read(&self, context: &CallContext, config: Value) -> Result<(Value, Diagnostics), Diagnostics> {
        let id = config
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let standing = self.resource.standing(context, &id).await.map_err(|errors| {
            let at = |diagnostic: Diagnostic| diagnostic.at(Path::root().attribute("id"));
            Diagnostics(errors.0.into_iter().map(at).collect())
        })?;
        let fields = self.attributes().into_keys().map(|name| {
            let value = standing.state.get(&name).cloned().unwrap_or(Value::Null);
            (name, value)
        });
        let mut value = Value::Object(fields.collect());
        value.set_entry("id", id);
        Ok((value.unknown_as_null(), standing.diagnostics))
    }
}
