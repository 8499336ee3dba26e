//! Google Cloud, opened.

use std::sync::Arc;

use mlops_environment::Facts;
use mlops_environment::spec::{CloudFacts, GcpRegion, ProjectId};
use mlops_gcp::CredentialsKind;
use tfplugin::{Diagnostic, Path};

use super::{Cloud, Standing};
use crate::credentials::gcp as credentials;
use crate::settings::{DEFAULT_CONCURRENCY, Settings};

/// Finds credentials, judges them, and asks for the project's number: one call.
///
/// # Errors
/// Missing or refused credentials, a project that is not allowed or not there.
pub(super) async fn open(settings: &Settings) -> Result<Cloud, Vec<Diagnostic>> {
    let block = settings.gcp.clone().unwrap_or_default();
    let gcp = mlops_gcp::Gcp::connect(mlops_gcp::Settings {
        project: block.project,
        region: block.region,
        impersonate_service_account: block.impersonate_service_account,
        endpoints: block.endpoints,
        ..mlops_gcp::Settings::default()
    })
    .await
    .map_err(|failure| vec![credentials::unusable(&failure)])?;
    let kind = gcp.credentials_kind();
    credentials::judge(kind, gcp.at_google(), settings.static_credentials).map_err(|error| vec![error])?;
    // Before any call: a project that is not allowed does not even hear of us.
    if let Some(allowed) = &block.allowed_projects
        && !allowed.contains(gcp.project_id())
    {
        return Err(vec![credentials::wrong_project(gcp.project_id(), allowed)]);
    }
    let at = |name: &str| Path::root().attribute("gcp").attribute(name);
    let project: ProjectId = gcp.project_id().parse().map_err(|error| {
        vec![Diagnostic::error("The project cannot be", format!("{error}.")).at(at("project"))]
    })?;
    let region = match gcp.region() {
        Some(text) => Some(text.parse::<GcpRegion>().map_err(|error| {
            vec![Diagnostic::error("The region cannot be", format!("{error}.")).at(at("region"))]
        })?),
        None => None,
    };
    let number = gcp
        .project()
        .await
        .map_err(|failure| vec![credentials::unreachable(project.as_str(), &failure)])?
        .number
        .clone();
    Ok(Cloud {
        facts: Facts {
            cloud: CloudFacts::Gcp {
                project,
                number,
                region,
            },
            default_tags: settings.default_tags.clone(),
        },
        driver: Arc::new(gcp),
        concurrency: settings.max_concurrency.unwrap_or(DEFAULT_CONCURRENCY).max(1),
        standing: match kind {
            CredentialsKind::LongTerm => Standing::LongTerm,
            CredentialsKind::User => Standing::Personal,
            CredentialsKind::Temporary | CredentialsKind::Dummy => Standing::ShortLived,
        },
    })
}
