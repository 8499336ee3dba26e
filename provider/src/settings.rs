//! The provider block: schema and typed settings.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tfplugin::schema::{Attribute, Schema};
use tfplugin::{Diagnostic, Diagnostics, Path, Type, Value};

/// The provider block as written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Set where AWS is used; else the SDK's own defaults apply.
    pub aws: Option<Aws>,
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

/// How to reach AWS. There is no attribute for a key: there must be none.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Aws {
    /// Default region of environments.
    pub region: Option<String>,
    /// Profile of the shared configuration.
    pub profile: Option<String>,
    /// A role to become.
    pub assume_role: Option<AssumeRole>,
    /// A role to become by an OIDC token.
    pub assume_role_with_web_identity: Option<AssumeRoleWithWebIdentity>,
    /// The only accounts that may be touched.
    pub allowed_account_ids: Option<BTreeSet<String>>,
    /// Service to URL: private endpoints, test doubles.
    pub endpoints: BTreeMap<String, String>,
}

/// A role to become.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AssumeRole {
    /// ARN.
    pub role_arn: String,
    /// Name of the session.
    pub session_name: Option<String>,
    /// External id.
    pub external_id: Option<String>,
}

/// A role to become by an OIDC token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AssumeRoleWithWebIdentity {
    /// ARN.
    pub role_arn: String,
    /// File with the token.
    pub token_file: String,
}

/// AWS services whose endpoint can be set.
pub const ENDPOINTS: [&str; 9] = [
    "ec2",
    "ecr",
    "eks",
    "iam",
    "kms",
    "logs",
    "s3",
    "secretsmanager",
    "sts",
];

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
        if let Some(Value::Map(endpoints)) = config.get("aws").and_then(|aws| aws.get("endpoints")) {
            for (service, url) in endpoints {
                let path = Path::root()
                    .attribute("aws")
                    .attribute("endpoints")
                    .key(service.clone());
                if !ENDPOINTS.contains(&service.as_str()) {
                    diagnostics.push(
                        Diagnostic::error(
                            "Unknown service in endpoints",
                            format!("\"{service}\" is not one of {}.", ENDPOINTS.join(", ")),
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
                            format!("The endpoint of {service} is \"{url}\"; it must begin with https:// or http://."),
                        )
                        .at(path),
                    );
                }
            }
        }
        diagnostics
    }
}

/// Schema of the provider block.
pub fn schema() -> Schema {
    let text = |description: &str| Attribute::string().optional().description(description);
    let named = |list: Vec<(&str, Attribute)>| -> BTreeMap<String, Attribute> {
        list.into_iter()
            .map(|(name, attribute)| (name.to_owned(), attribute))
            .collect()
    };
    let string_map = || Type::Map(Box::new(Type::String));
    let aws = named(vec![
        ("region", text("Default region of environments. Default: the SDK's (environment, profile).")),
        ("profile", text("Profile of the shared AWS configuration.")),
        (
            "assume_role",
            Attribute::object(named(vec![
                ("role_arn", Attribute::string().required().description("ARN of the role.")),
                ("session_name", text("Name of the session. Default: `terraform-provider-mlops`.")),
                ("external_id", text("External id that the role's trust asks for.")),
            ]))
            .optional()
            .description("A role to become."),
        ),
        (
            "assume_role_with_web_identity",
            Attribute::object(named(vec![
                ("role_arn", Attribute::string().required().description("ARN of the role.")),
                ("token_file", Attribute::string().required().description("File that holds the OIDC token.")),
            ]))
            .optional()
            .description("A role to become by an OIDC token, as in CI."),
        ),
        (
            "allowed_account_ids",
            Attribute::of(Type::Set(Box::new(Type::String)))
                .optional()
                .description("The only accounts that may be touched; another one is an error before anything is written."),
        ),
        (
            "endpoints",
            Attribute::of(string_map()).optional().description(format!(
                "Service to URL, for private endpoints and test doubles: {}.",
                ENDPOINTS.map(|service| format!("`{service}`")).join(", ")
            )),
        ),
    ]);
    Schema {
        version: 0,
        description: "ML environments on AWS, without static keys. Credentials come from where they are short-lived: \
                      OIDC in CI, SSO or an assumed role at a desk, the instance or pod elsewhere."
            .into(),
        attributes: named(vec![
            (
                "aws",
                Attribute::object(aws).optional().description(
                    "How to reach AWS. There is no attribute for an access key: credentials come from the SDK's chain.",
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
