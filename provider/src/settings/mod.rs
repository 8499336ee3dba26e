//! The provider block: schema and typed settings.

mod aws;
mod gcp;

use std::collections::BTreeMap;

pub use aws::{AssumeRole, AssumeRoleWithWebIdentity, Aws};
pub use gcp::Gcp;
use serde::Deserialize;
use tfplugin::schema::{Attribute, Schema};
use tfplugin::{Diagnostic, Diagnostics, Path, Type, Value};

/// The provider block as written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Set where AWS is used; else the SDK's own defaults apply.
    pub aws: Option<Aws>,
    /// Set where Google Cloud is used; else application default credentials apply.
    pub gcp: Option<Gcp>,
    /// What to do about long-term credentials.
    pub static_credentials: StaticCredentials,
    /// Components worked on at a time.
    pub max_concurrency: Option<usize>,
    /// Tags on every object.
    pub default_tags: BTreeMap<String, String>,
}

/// What to do about long-term credentials.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaticCredentials {
    /// Refuse them.
    #[default]
    Forbid,
    /// Warn; still refused for prod.
    Warn,
}

/// Components worked on at a time when nothing is said.
pub const DEFAULT_CONCURRENCY: usize = 8;

impl Settings {
    /// Reads the wholly known provider block.
    ///
    /// # Errors
    /// Where a value does not fit.
    pub fn read(config: &Value) -> Result<Self, Diagnostic> {
        if config.is_null() {
            return Ok(Self::default());
        }
        let json = crate::decode::known(config, &schema().ty()).map_err(|path| {
            Diagnostic::error(
                "A provider setting is not known yet",
                "The provider is needed for planning, so its settings must be known at plan: use variables or data \
                 read during plan, not attributes of resources that do not exist yet.",
            )
            .at(path)
        })?;
        serde_json::from_value(json)
            .map_err(|error| Diagnostic::error("The provider block cannot be read", error.to_string()))
    }

    /// Checks the block without I/O; values may be unknown.
    pub fn validate(config: &Value) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        if config.is_null() {
            return diagnostics;
        }
        if let Some(mode) = config.get("static_credentials").and_then(Value::as_str)
            && !["forbid", "warn"].contains(&mode)
        {
            diagnostics.push(
                Diagnostic::error(
                    "Unknown value of static_credentials",
                    format!("\"{mode}\" is neither \"forbid\" (default) nor \"warn\"."),
                )
                .at(Path::root().attribute("static_credentials")),
            );
        }
        if let Some(limit) = config.get("max_concurrency").and_then(Value::as_i64)
            && !(1..=64).contains(&limit)
        {
            diagnostics.push(
                Diagnostic::error(
                    "max_concurrency is out of range",
                    format!("{limit} is not between 1 and 64."),
                )
                .at(Path::root().attribute("max_concurrency")),
            );
        }
        diagnostics.0.extend(endpoints(config, "aws", &aws::ENDPOINTS));
        diagnostics.0.extend(endpoints(config, "gcp", &gcp::ENDPOINTS));
        diagnostics
    }
}

/// Checks the endpoints of one cloud.
fn endpoints(config: &Value, cloud: &str, services: &[&str]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let Some(Value::Map(endpoints)) = config.get(cloud).and_then(|block| block.get("endpoints")) else {
        return diagnostics;
    };
    for (service, url) in endpoints {
        let path = Path::root()
            .attribute(cloud)
            .attribute("endpoints")
            .key(service.clone());
        if !services.contains(&service.as_str()) {
            diagnostics.push(
                Diagnostic::error(
                    "Unknown service in endpoints",
                    format!("\"{service}\" is not one of {}.", services.join(", ")),
                )
                .at(path),
            );
        } else if let Some(url) = url.as_str()
            && !url.starts_with("http://")
            && !url.starts_with("https://")
        {
            diagnostics.push(
                Diagnostic::error(
                    "An endpoint is not a URL",
                    format!(
                        "The endpoint of {service} is \"{url}\"; it must begin with https:// or http://."
                    ),
                )
                .at(path),
            );
        }
    }
    diagnostics
}

fn text(description: &str) -> Attribute {
    Attribute::string().optional().description(description)
}

fn named(list: Vec<(&str, Attribute)>) -> BTreeMap<String, Attribute> {
    list.into_iter()
        .map(|(name, attribute)| (name.to_owned(), attribute))
        .collect()
}

fn string_map() -> Type {
    Type::Map(Box::new(Type::String))
}

/// Schema of the provider block.
pub fn schema() -> Schema {
    Schema {
        version: 0,
        description: "ML environments on AWS and Google Cloud, without static keys. Credentials come from where they are \
                      short-lived: OIDC in CI, SSO, an assumed role or impersonation at a desk, the instance or pod elsewhere."
            .into(),
        attributes: named(vec![
            (
                "aws",
                Attribute::object(aws::schema()).optional().description(
                    "How to reach AWS. There is no attribute for an access key: credentials come from the SDK's chain.",
                ),
            ),
            (
                "gcp",
                Attribute::object(gcp::schema()).optional().description(
                    "How to reach Google Cloud. There is no attribute for a key file: credentials are the application default ones.",
                ),
            ),
            (
                "static_credentials",
                text("Long-term credentials: `forbid` (default) or `warn`. They are always refused for tier prod."),
            ),
            (
                "max_concurrency",
                Attribute::number().optional().description(format!("Components worked on at a time, 1 to 64. Default: {DEFAULT_CONCURRENCY}.")),
            ),
            (
                "default_tags",
                Attribute::of(string_map()).optional().description("Tags on every object of every environment."),
            ),
        ]),
        ..Schema::default()
    }
}
