//! Who may enter from GitHub.

use std::collections::{BTreeMap, BTreeSet};

use mlops_access::Purpose;

use super::collector::{Collector, word_of};
use super::{
    AttributePath, Cloud, Context, GitRef, GithubEnvironment, GithubId, GithubRepository, IdentitySpec,
    SubjectFormat, Tier,
};
use crate::config;

const FORMATS: &[(&str, SubjectFormat)] = &[
    ("name", SubjectFormat::Name),
    ("immutable", SubjectFormat::Immutable),
    ("both", SubjectFormat::Both),
];

/// Whose the OIDC provider of GitHub is. On AWS there can be one per account only; on Google Cloud every environment has its
/// own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OidcProviderMode {
    /// Used if it is there, made if not, shared with other environments.
    Auto,
    /// Made by this environment.
    Create,
    /// Made by somebody else.
    Reference,
}

pub(super) const MODES: &[(&str, OidcProviderMode)] = &[
    ("auto", OidcProviderMode::Auto),
    ("create", OidcProviderMode::Create),
    ("reference", OidcProviderMode::Reference),
];

/// GitHub federation as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubSpec {
    /// `owner/name`.
    pub repository: GithubRepository,
    /// Survives renames.
    pub owner_id: Option<GithubId>,
    /// Survives renames.
    pub repository_id: Option<GithubId>,
    /// How tokens name the repository.
    pub subject_format: SubjectFormat,
    /// Refs that may build.
    pub ci_refs: BTreeSet<GitRef>,
    /// Environment whose jobs deploy.
    pub deploy_environment: GithubEnvironment,
    /// Whose the provider is.
    pub oidc_provider: OidcProviderMode,
}

pub(super) fn build(
    config: Option<&config::Github>,
    identities: &BTreeMap<Purpose, IdentitySpec>,
    gitlab: bool,
    context: &Context<'_>,
    collector: &mut Collector,
) -> Option<GithubSpec> {
    let path = AttributePath::root("federation").attribute("github");
    let Some(config) = config else {
        without(identities, gitlab, &path, collector);
        return None;
    };
    let at = path.attribute("repository");
    let repository = match config.repository.as_deref() {
        Some(text) => collector.known(&at, text),
        None => {
            collector.refuse(&at, "Missing", "Name the repository as \"owner/name\".");
            None
        }
    };
    let mut id = |attribute: &str, text: &Option<String>| -> Option<GithubId> {
        text.as_deref()
            .and_then(|text| collector.known(&path.attribute(attribute), text))
    };
    let owner_id = id("owner_id", &config.owner_id);
    let repository_id = id("repository_id", &config.repository_id);
    let ids = owner_id.is_some() && repository_id.is_some();
    let default = if ids {
        SubjectFormat::Immutable
    } else {
        SubjectFormat::Name
    };
    let at = path.attribute("subject_format");
    let subject_format = collector.word(&at, config.subject_format.as_deref(), default, FORMATS);
    if subject_format != SubjectFormat::Name && !ids {
        collector.refuse(
            &at,
            "Immutable subjects need the ids",
            "Give owner_id and repository_id: gh api repos/<owner>/<name> --jq '.owner.id, .id'.",
        );
    }
    if context.cloud == Cloud::Gcp && subject_format != default {
        let (form, why) = if ids {
            (
                "immutable",
                "owner_id and repository_id are given, so tokens are told by them",
            )
        } else {
            (
                "name",
                "without owner_id and repository_id tokens are told by the name",
            )
        };
        collector.refuse(
            &at,
            format!("Always {form:?} here"),
            format!("On Google Cloud {why}, whatever form their subject has. Remove subject_format."),
        );
    }
    if subject_format != SubjectFormat::Immutable {
        collector.warn(
            &at,
            "Trust by name survives a change of hands",
            "Whoever registers the repository's name after a rename or deletion can enter. Give owner_id and repository_id, \
             and let GitHub issue immutable subjects.",
        );
    }
    let ci_refs = ci_refs(config.ci_refs.as_ref(), context, &path, collector);
    let deploy = config
        .environments
        .as_ref()
        .and_then(|environments| environments.deploy.clone());
    let deploy = deploy.unwrap_or_else(|| format!("{}-{}", context.cloud.as_str(), context.tier.as_str()));
    let deploy_environment = collector.known(&path.attribute("environments").attribute("deploy"), &deploy);
    let oidc_provider = collector.word(
        &path.attribute("oidc_provider"),
        config.oidc_provider.as_deref(),
        OidcProviderMode::Auto,
        MODES,
    );
    if let Some(deploy) = &deploy_environment {
        refuse_shared_environments(identities, deploy, collector);
    }
    Some(GithubSpec {
        repository: repository?,
        owner_id,
        repository_id,
        subject_format,
        ci_refs,
        deploy_environment: deploy_environment?,
        oidc_provider,
    })
}

fn without(
    identities: &BTreeMap<Purpose, IdentitySpec>,
    gitlab: bool,
    path: &AttributePath,
    collector: &mut Collector,
) {
    let enabled = |purpose| {
        identities
            .get(&purpose)
            .is_some_and(|identity: &IdentitySpec| identity.enabled)
    };
    if !gitlab && (enabled(Purpose::Ci) || enabled(Purpose::Deploy)) {
        collector.warn(
            path,
            "Nobody can enter ci and deploy",
            "Their roles are not made. Give federation.github.repository or federation.gitlab.project_path, or set \
             identities.ci.enabled and identities.deploy.enabled to false.",
        );
    }
    for (purpose, identity) in identities {
        if identity.ci_environment.is_some() {
            collector.refuse(
                &AttributePath::root("identities")
                    .attribute(purpose.as_str())
                    .attribute("ci_environment"),
                "No GitHub repository given",
                "Give federation.github.repository, or remove ci_environment.",
            );
        }
    }
}

pub(super) fn ci_refs(
    given: Option<&BTreeSet<String>>,
    context: &Context<'_>,
    path: &AttributePath,
    collector: &mut Collector,
) -> BTreeSet<GitRef> {
    let at = path.attribute("ci_refs");
    let refs = match given {
        Some(refs) => refs.clone(),
        None => context
            .defaults
            .ci_refs
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
    };
    let mut built = BTreeSet::new();
    for text in &refs {
        let Some(name) = collector.known::<GitRef>(&at, text) else {
            continue;
        };
        if text.starts_with("refs/heads/") && text.ends_with('*') {
            collector.refuse(
                &at,
                format!("{text} lets anybody in who may push a branch"),
                "Name branches exactly; only tags may end in *, and tags are protected by rules of the repository.",
            );
        } else if text == "refs/tags/*" && context.tier == Tier::Prod {
            collector.warn(
                &at,
                "Any tag builds for production",
                "Use a prefix such as refs/tags/v* and protect it.",
            );
        }
        built.insert(name);
    }
    if refs.is_empty() {
        collector.refuse(
            &at,
            "Nobody could build",
            "Name at least one ref, or set identities.ci.enabled = false.",
        );
    }
    built
}

/// One environment's token may enter one purpose only.
fn refuse_shared_environments(
    identities: &BTreeMap<Purpose, IdentitySpec>,
    deploy: &GithubEnvironment,
    collector: &mut Collector,
) {
    // GitHub compares names of environments without case.
    let mut seen = BTreeMap::from([(deploy.as_str().to_lowercase(), Purpose::Deploy)]);
    for (purpose, identity) in identities {
        let Some(environment) = &identity.ci_environment else {
            continue;
        };
        if let Some(other) = seen.insert(environment.as_str().to_lowercase(), *purpose) {
            collector.refuse(
                &AttributePath::root("identities").attribute(purpose.as_str()).attribute("ci_environment"),
                format!("A job in {environment} could be {other} and {purpose}"),
                format!(
                    "A token must enter one purpose only. Give {purpose} a GitHub environment of its own, for example \
                     \"{environment}-{purpose}\"."
                ),
            );
        }
    }
}

impl GithubSpec {
    pub(super) fn resolved(&self) -> config::Github {
        config::Github {
            repository: Some(self.repository.to_string()),
            owner_id: self.owner_id.as_ref().map(ToString::to_string),
            repository_id: self.repository_id.as_ref().map(ToString::to_string),
            subject_format: word_of(&self.subject_format, FORMATS),
            ci_refs: Some(self.ci_refs.iter().map(ToString::to_string).collect()),
            environments: Some(config::GithubEnvironments {
                deploy: Some(self.deploy_environment.to_string()),
            }),
            oidc_provider: word_of(&self.oidc_provider, MODES),
        }
    }
}
