//! The provider's `aws` block.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tfplugin::Type;
use tfplugin::schema::Attribute;

use super::{named, string_map, text};

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
pub(super) const ENDPOINTS: [&str; 10] = [
    "budgets",
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

/// Schema of the block.
pub(super) fn schema() -> BTreeMap<String, Attribute> {
    named(vec![
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
    ])
}
