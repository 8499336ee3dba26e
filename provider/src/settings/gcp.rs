//! The provider's `gcp` block.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tfplugin::Type;
use tfplugin::schema::Attribute;

use super::{named, string_map, text};

/// How to reach Google Cloud. There is no attribute for a key file: there must be none.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Gcp {
    /// The project at work.
    pub project: Option<String>,
    /// Default region of environments.
    pub region: Option<String>,
    /// A service account to become.
    pub impersonate_service_account: Option<String>,
    /// The only projects that may be touched.
    pub allowed_projects: Option<BTreeSet<String>>,
    /// Service to URL: private endpoints, test doubles.
    pub endpoints: BTreeMap<String, String>,
}

/// Services whose endpoint can be set.
pub(super) const ENDPOINTS: [&str; 12] = mlops_gcp::SERVICES;

/// Schema of the block.
pub(super) fn schema() -> BTreeMap<String, Attribute> {
    named(vec![
        (
            "project",
            text("Id of the project of all environments of this provider. Default: `GOOGLE_CLOUD_PROJECT`."),
        ),
        (
            "region",
            text("Default region of environments, for example `europe-west1`. Default: `GOOGLE_CLOUD_REGION`."),
        ),
        (
            "impersonate_service_account",
            text("E-mail of a service account to become; its tokens last an hour. Default: `GOOGLE_IMPERSONATE_SERVICE_ACCOUNT`."),
        ),
        (
            "allowed_projects",
            Attribute::of(Type::Set(Box::new(Type::String)))
                .optional()
                .description("The only projects that may be touched; another one is an error before anything is called."),
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
