//! From configuration and state to what shall stand, and back.

use std::collections::{BTreeMap, BTreeSet};

use mlops_environment::bootstrap::{Forge, Place, Setting, Spec, TIERS, Worker};
use mlops_environment::component::{Component, Properties};
use mlops_environment::spec::{Cloud, Tier};
use serde::Deserialize;
use tfplugin::{Diagnostic, Diagnostics, Path, Value};

use super::forge::{self, Github, Gitlab, forge};

/// Longest name: with `-staging` behind it, it names an environment.
const NAME_MAX: usize = 12;
/// Longest time that old versions are kept.
const DAYS_MAX: u32 = 3650;

/// What the configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Settings {
    name: String,
    cloud: String,
    github: Option<Github>,
    gitlab: Option<Gitlab>,
    tiers: Option<BTreeSet<String>>,
    retention_days: Option<i64>,
    #[serde(default)]
    allow_destroy: Option<bool>,
}

impl Settings {
    /// Whether a destroy may delete.
    pub(super) fn allow_destroy(&self) -> bool {
        self.allow_destroy.unwrap_or(false)
    }

    /// What is wrong, whatever the account is.
    pub(super) fn complaints(&self) -> Diagnostics {
        let mut found = Diagnostics::new();
        let mut wrong = |path: Path, summary: &str, detail: String| {
            found.push(Diagnostic::error(summary, detail).at(path));
        };
        let at = |name: &str| Path::root().attribute(name);
        if cloud(&self.cloud).is_none() {
            wrong(
                at("cloud"),
                "Not a cloud",
                format!("\"{}\" is neither aws nor gcp.", self.cloud),
            );
        }
        match self.name.parse::<mlops_environment::spec::EnvironmentName>() {
            Err(error) => wrong(at("name"), "The name cannot be", format!("{error}.")),
            Ok(_) if self.name.len() > NAME_MAX => wrong(
                at("name"),
                "The name is too long",
                format!(
                    "It has {} letters, and {NAME_MAX} is the most: with -staging behind it, it names an environment.",
                    self.name.len()
                ),
            ),
            Ok(_) => {}
        }
        for tier in self.tiers.iter().flatten().filter(|text| tier(text).is_none()) {
            wrong(
                at("tiers"),
                "Not a tier",
                format!("\"{tier}\" is not dev, staging or prod."),
            );
        }
        if self.tiers.as_ref().is_some_and(BTreeSet::is_empty) {
            wrong(
                at("tiers"),
                "No tier",
                "Name at least one of dev, staging and prod.".to_owned(),
            );
        }
        if self
            .retention_days
            .is_some_and(|days| !(1..=i64::from(DAYS_MAX)).contains(&days))
        {
            wrong(
                at("retention_days"),
                "Not a time to keep versions",
                format!("It is 1 to {DAYS_MAX} days."),
            );
        }
        found.0.extend(self.forge().err().into_iter().flatten());
        found
    }

    fn forge(&self) -> Result<Forge, Vec<Diagnostic>> {
        forge(self.github.as_ref(), self.gitlab.as_ref(), self.cloud())
    }

    /// Which cloud.
    pub(super) fn cloud(&self) -> Option<Cloud> {
        cloud(&self.cloud)
    }

    /// What shall stand there.
    ///
    /// # Errors
    /// Those of [`Settings::complaints`].
    pub(super) fn spec(&self, place: Place) -> Result<Spec, Diagnostics> {
        let complaints = self.complaints();
        let (false, Ok(name), Ok(forge)) = (complaints.has_errors(), self.name.parse(), self.forge()) else {
            return Err(complaints);
        };
        let named = |texts: &BTreeSet<String>| texts.iter().filter_map(|text| tier(text)).collect();
        Ok(Spec {
            name,
            place,
            tiers: self
                .tiers
                .as_ref()
                .map_or_else(|| TIERS.into_iter().collect(), named),
            forge,
            retention_days: self
                .retention_days
                .and_then(|days| u32::try_from(days).ok())
                .unwrap_or(mlops_environment::bootstrap::RETENTION_DAYS),
        })
    }
}

/// A cloud by its word.
pub(super) fn cloud(text: &str) -> Option<Cloud> {
    [Cloud::Aws, Cloud::Gcp]
        .into_iter()
        .find(|cloud| cloud.as_str() == text)
}

fn tier(text: &str) -> Option<Tier> {
    TIERS.into_iter().find(|tier| tier.as_str() == text)
}

/// Reads a wholly known configuration, plan or state.
///
/// # Errors
/// It is none of this resource.
pub(super) fn settings(value: &Value) -> Result<Settings, Diagnostics> {
    value
        .deserialize()
        .map_err(|error| Diagnostics(vec![Diagnostic::of_value("The settings cannot be read", &error)]))
}

/// The settings of a spec that was read back from the cloud, as attributes.
pub(super) fn attributes(spec: &Spec) -> BTreeMap<String, Value> {
    let others = [
        ("name".to_owned(), Value::from(spec.name.to_string())),
        ("cloud".to_owned(), Value::from(spec.cloud().as_str())),
        (
            "tiers".to_owned(),
            Value::set(spec.tiers.iter().map(|tier| tier.as_str())),
        ),
        (
            "retention_days".to_owned(),
            Value::from(i64::from(spec.retention_days)),
        ),
        ("allow_destroy".to_owned(), Value::from(false)),
    ];
    others.into_iter().chain(forge::attributes(&spec.forge)).collect()
}

/// What is computed; without the key, what it is in is not known yet.
pub(super) fn computed(
    spec: &Spec,
    components: &[Component],
    key: Option<&str>,
) -> Vec<(&'static str, Value)> {
    let property = |address: &str, name: &str| {
        let component = components.iter().find(|one| one.address.as_str() == address);
        component.and_then(|component| text_of(&component.properties, name))
    };
    // On Google Cloud a key's name says where it is; on AWS its ARN is known once it stands.
    let named = components
        .iter()
        .find(|one| one.address.as_str() == "state.key")
        .and_then(|component| component.outputs.get("name").map(String::as_str));
    let key = key.or(named);
    let ready = spec.ready(key.unwrap_or_default()).unwrap_or_default();
    let environments = spec.tiers.iter().zip(&ready).map(|(tier, ready)| {
        let config = ready.backend.iter().map(|(name, setting)| {
            let value = match setting {
                Setting::Text(text) if text.is_empty() => Value::unknown(),
                Setting::Text(text) => Value::from(text.clone()),
                Setting::On => Value::from("true"),
            };
            (name.clone(), value)
        });
        let who = |worker: Worker| {
            let address = format!("{}.{}", worker.plural(), tier.as_str());
            let component = components.iter().find(|one| one.address.as_str() == address);
            let outputs = component.map(|component| &component.outputs);
            let told = outputs.and_then(|outputs| outputs.get("arn").or_else(|| outputs.get("email")));
            Value::from(told.cloned())
        };
        let door = |worker: Worker| Value::from(worker.environment(spec.cloud(), *tier));
        let environment = Value::object([
            ("name", Value::from(ready.environment.clone())),
            ("backend_config", Value::map(config)),
            ("planner", who(Worker::Planner)),
            ("provisioner", who(Worker::Provisioner)),
            ("planner_environment", door(Worker::Planner)),
            ("provisioner_environment", door(Worker::Provisioner)),
        ]);
        (tier.as_str().to_owned(), environment)
    });
    vec![
        ("id", Value::from(spec.system().to_string())),
        ("bucket", Value::from(property("state.bucket", "name"))),
        ("key", key.map_or_else(Value::unknown, Value::from)),
        ("environments", Value::map(environments)),
        ("deviations", Value::List(Vec::new())),
    ]
}

fn text_of(properties: &Properties, name: &str) -> Option<String> {
    properties
        .get(name)
        .and_then(serde_json::Value::as_str)
        .map(str::to_owned)
}
