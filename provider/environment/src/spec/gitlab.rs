//! Who may enter from GitLab.
//!
//! The clouds see different things in a job's token: Google Cloud reads every claim, STS only audience and subject. What one of
//! them cannot see is refused there, or it would be accepted and not honoured.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::Purpose;

use super::collector::{Collector, word_of};
use super::federation::{MODES, ci_refs};
use super::{
    AttributePath, Audience, Cloud, Context, GitRef, GitlabEnvironment, GitlabId, GitlabProject, GitlabUrl,
    IdentitySpec, OidcProviderMode,
};
use crate::config;

/// <https://docs.gitlab.com/ci/environments/#deployment-tier-of-environments>
const TIERS: &[(&str, Option<&str>)] = &[
    ("production", Some("production")),
    ("staging", Some("staging")),
    ("testing", Some("testing")),
    ("development", Some("development")),
    ("other", Some("other")),
];

/// GitLab federation as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitlabSpec {
    /// The instance.
    pub url: GitlabUrl,
    /// `group/project`.
    pub project_path: GitlabProject,
    /// Survives renames; where the cloud sees it.
    pub project_id: Option<GitlabId>,
    /// Refs that may build.
    pub ci_refs: BTreeSet<GitRef>,
    /// Environment whose jobs deploy.
    pub deploy_environment: GitlabEnvironment,
    /// AWS: the deployment tier that subjects of those jobs name; without one nobody deploys.
    pub deploy_tier: Option<&'static str>,
    /// Google Cloud: jobs of protected refs only.
    pub protected_only: bool,
    /// AWS: what jobs ask their token for.
    pub audience: Audience,
    /// Whose the provider is.
    pub oidc_provider: OidcProviderMode,
    cloud: Cloud,
}

pub(super) fn build(
    config: Option<&config::Gitlab>,
    identities: &BTreeMap<Purpose, IdentitySpec>,
    github: bool,
    context: &Context<'_>,
    collector: &mut Collector,
) -> Option<GitlabSpec> {
    let config = config?;
    let path = AttributePath::root("federation").attribute("gitlab");
    refuse_unseen(config, context.cloud, &path, collector);
    let url = config.url.as_deref().unwrap_or("https://gitlab.com");
    let url: Option<GitlabUrl> = collector.known(&path.attribute("url"), url);
    let at = path.attribute("project_path");
    let project_path = match config.project_path.as_deref() {
        Some(text) => collector.known(&at, text),
        None => {
            collector.refuse(&at, "Missing", "Name the project as \"group/project\".");
            None
        }
    };
    let project_id: Option<GitlabId> = config
        .project_id
        .as_deref()
        .and_then(|text| collector.known(&path.attribute("project_id"), text));
    if context.cloud == Cloud::Gcp && config.project_id.is_none() {
        collector.warn(
            &path.attribute("project_id"),
            "Trust by path survives a change of hands",
            "Whoever registers the project's path after a rename or deletion can enter. Give project_id, the number on the \
             project's page.",
        );
    }
    let ci_refs = ci_refs(config.ci_refs.as_ref(), context, &path, collector);
    let environments = config.environments.clone().unwrap_or_default();
    let in_environments = path.attribute("environments");
    let deploy = environments
        .deploy
        .unwrap_or_else(|| format!("{}-{}", context.cloud.as_str(), context.tier.as_str()));
    let deploy_environment = collector.known(&in_environments.attribute("deploy"), &deploy);
    let tier = in_environments.attribute("tier");
    let deploy_tier = collector.word(&tier, environments.tier.as_deref(), None, TIERS);
    let deploys = identities
        .get(&Purpose::Deploy)
        .is_some_and(|identity| identity.enabled);
    if context.cloud == Cloud::Aws && environments.tier.is_none() && deploys && !github {
        collector.warn(
            &tier,
            "Nobody can enter deploy",
            "Its role is not made. AWS tells jobs of an environment only by a subject that says so: set the project's \
             ci_id_token_sub_claim_components to project_path, environment_protected, deployment_tier, ref_type, ref, and name \
             the tier of the protected environment here. Or set identities.deploy.enabled to false.",
        );
    }
    let audience = config
        .audience
        .clone()
        .or_else(|| url.as_ref().map(ToString::to_string));
    let audience = audience.and_then(|text| collector.known(&path.attribute("audience"), &text));
    let oidc_provider = collector.word(
        &path.attribute("oidc_provider"),
        config.oidc_provider.as_deref(),
        OidcProviderMode::Auto,
        MODES,
    );
    Some(GitlabSpec {
        url: url?,
        project_path: project_path?,
        project_id,
        ci_refs,
        deploy_environment: deploy_environment?,
        deploy_tier,
        protected_only: config.protected_only.unwrap_or(true),
        audience: audience?,
        oidc_provider,
        cloud: context.cloud,
    })
}

/// What the cloud cannot tell from a token.
fn refuse_unseen(config: &config::Gitlab, cloud: Cloud, path: &AttributePath, collector: &mut Collector) {
    let tier = config
        .environments
        .as_ref()
        .is_some_and(|environments| environments.tier.is_some());
    let mut refuse = |given: bool, attribute: AttributePath, summary: &str, detail: &str| {
        if given {
            collector.refuse(&attribute, summary, detail);
        }
    };
    match cloud {
        Cloud::Aws => {
            refuse(
                config.project_id.is_some(),
                path.attribute("project_id"),
                "AWS does not see the project's number",
                "STS reads audience and subject of a token of GitLab, and the subject names the project by its path. Remove \
                 project_id.",
            );
            refuse(
                config.protected_only.is_some(),
                path.attribute("protected_only"),
                "AWS does not see whether a ref is protected",
                "STS reads audience and subject of a token of GitLab. Protect the refs of ci_refs in the project, and remove \
                 protected_only.",
            );
        }
        Cloud::Gcp => {
            refuse(
                tier,
                path.attribute("environments").attribute("tier"),
                "Google Cloud sees the environment itself",
                "Jobs are told by the name of their environment, environments.deploy, and only a protected one enters. Remove \
                 tier.",
            );
            refuse(
                config.audience.is_some(),
                path.attribute("audience"),
                "The audience is the provider itself",
                "On Google Cloud jobs ask for a token for federation_info.gitlab_audience. Remove audience.",
            );
            refuse(
                config.oidc_provider.as_deref() == Some("reference"),
                path.attribute("oidc_provider"),
                "Every environment has a workload identity pool of its own",
                "Nothing is shared with others, so there is nothing to refer to. Remove it.",
            );
        }
    }
}

impl GitlabSpec {
    /// Whether some job may enter deploy.
    pub fn deploys(&self) -> bool {
        self.cloud == Cloud::Gcp || self.deploy_tier.is_some()
    }

    /// What names the instance in trust policies and providers: the URL without its scheme.
    pub fn issuer(&self) -> &str {
        self.url.as_str().trim_start_matches("https://")
    }

    pub(super) fn resolved(&self) -> config::Gitlab {
        let gcp = self.cloud == Cloud::Gcp;
        config::Gitlab {
            url: Some(self.url.to_string()),
            project_path: Some(self.project_path.to_string()),
            project_id: self.project_id.as_ref().map(ToString::to_string),
            ci_refs: Some(self.ci_refs.iter().map(ToString::to_string).collect()),
            environments: Some(config::GitlabEnvironments {
                deploy: Some(self.deploy_environment.to_string()),
                tier: self.deploy_tier.map(str::to_owned),
            }),
            protected_only: gcp.then_some(self.protected_only),
            audience: (!gcp).then(|| self.audience.to_string()),
            oidc_provider: word_of(&self.oidc_provider, MODES),
        }
    }
}
