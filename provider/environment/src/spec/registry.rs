//! The image registry.

use std::str::FromStr;

use super::collector::{Collector, word_of};
use super::{
    AccountId, Arn, AttributePath, Cloud, Context, GcpRegion, Late, ProjectId, Region, RegistryMode,
    RepositoryName, Text, TextError, Tier,
};
use crate::config;
use crate::names::{self, Place};

const MODES: &[(&str, RegistryMode)] = &[
    ("create", RegistryMode::Create),
    ("reference", RegistryMode::Reference),
];

/// The registry as it shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrySpec {
    /// Made here, or elsewhere.
    pub mode: RegistryMode,
    /// Where it is, if made elsewhere.
    pub reference: Option<Late<RegistryReference>>,
    /// Tags cannot be moved.
    pub immutable_tags: bool,
    /// Scan each push.
    pub scan_on_push: bool,
    /// Untagged images are kept so many days.
    pub untagged_days: u32,
    /// So many tagged images are kept; all of them if none.
    pub keep_tagged: Option<u32>,
}

/// Images of somebody else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RegistryReference {
    /// On AWS.
    Ecr(EcrPrefix),
    /// On Google Cloud.
    Artifact(ArtifactRepository),
}

impl std::fmt::Display for RegistryReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ecr(prefix) => prefix.fmt(f),
            Self::Artifact(repository) => repository.fmt(f),
        }
    }
}

/// An Artifact Registry repository, written as full name or as URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArtifactRepository {
    /// As written.
    text: String,
    /// Project of the repository.
    pub project: ProjectId,
    /// Its location.
    pub region: GcpRegion,
    /// Its id.
    pub repository: RepositoryName,
}

impl Text for ArtifactRepository {
    const WHAT: &'static str = "a repository of images";
    const RULE: &'static str = "<region>-docker.pkg.dev/<project>/<repository> or \
                                projects/<project>/locations/<region>/repositories/<repository>";
}

impl std::fmt::Display for ArtifactRepository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for ArtifactRepository {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let error = || TextError {
            text: text.to_owned(),
            what: Self::WHAT,
            rule: Self::RULE,
        };
        let parts: Vec<&str> = text.trim_end_matches('/').split('/').collect();
        let (project, region, repository) = match parts[..] {
            [
                "projects",
                project,
                "locations",
                region,
                "repositories",
                repository,
            ] => (project, region, repository),
            [host, project, repository] => {
                let region = host.strip_suffix("-docker.pkg.dev").ok_or_else(error)?;
                (project, region, repository)
            }
            _ => return Err(error()),
        };
        Ok(Self {
            text: text.to_owned(),
            project: project.parse().map_err(|_| error())?,
            region: region.parse().map_err(|_| error())?,
            repository: repository.parse().map_err(|_| error())?,
        })
    }
}

impl ArtifactRepository {
    /// Its full name.
    pub fn name(&self) -> String {
        format!(
            "projects/{}/locations/{}/repositories/{}",
            self.project, self.region, self.repository
        )
    }

    /// Where its images are pulled from.
    pub fn url(&self) -> String {
        names::gcp::registry_url(
            self.region.as_str(),
            self.project.as_str(),
            self.repository.as_str(),
        )
    }
}

/// A prefix of ECR repositories, written as ARN or as URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EcrPrefix {
    /// As written.
    text: String,
    /// Account of the registry.
    pub account: AccountId,
    /// Region of the registry.
    pub region: Region,
    /// Repositories begin so, without slash at the end.
    pub prefix: RepositoryName,
}

impl Text for EcrPrefix {
    const WHAT: &'static str = "a prefix of repositories";
    const RULE: &'static str = "arn:aws:ecr:<region>:<account>:repository/<prefix> or \
                                <account>.dkr.ecr.<region>.amazonaws.com/<prefix>";
}

impl std::fmt::Display for EcrPrefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for EcrPrefix {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        let error = || TextError {
            text: text.to_owned(),
            what: Self::WHAT,
            rule: Self::RULE,
        };
        let trimmed = text
            .strip_suffix("/*")
            .or_else(|| text.strip_suffix('/'))
            .unwrap_or(text);
        let (region, account, prefix) = if trimmed.starts_with("arn:") {
            trimmed.parse::<Arn>().map_err(|_| error())?;
            let parts: Vec<&str> = trimmed.splitn(6, ':').collect();
            let [_, _, "ecr", region, account, resource] = parts[..] else {
                return Err(error());
            };
            (
                region,
                account,
                resource.strip_prefix("repository/").ok_or_else(error)?,
            )
        } else {
            let (host, prefix) = trimmed.split_once('/').ok_or_else(error)?;
            let (account, rest) = host.split_once(".dkr.ecr.").ok_or_else(error)?;
            let region = rest
                .strip_suffix(".amazonaws.com.cn")
                .or_else(|| rest.strip_suffix(".amazonaws.com"));
            (region.ok_or_else(error)?, account, prefix)
        };
        Ok(Self {
            text: text.to_owned(),
            account: account.parse().map_err(|_| error())?,
            region: region.parse().map_err(|_| error())?,
            prefix: prefix.parse().map_err(|_| error())?,
        })
    }
}

impl EcrPrefix {
    /// What stands before a repository's name in its ARN.
    pub fn arn_prefix(&self, partition: &str) -> String {
        format!(
            "arn:{partition}:ecr:{}:{}:repository/{}/",
            self.region, self.account, self.prefix
        )
    }

    /// What stands before a repository's name in its URL, without slash.
    pub fn url(&self, partition: &str) -> String {
        let host = names::aws::registry_host(self.account.as_str(), self.region.as_str(), partition);
        format!("{host}/{}", self.prefix)
    }
}

pub(super) fn build(
    config: Option<&config::Registry>,
    context: &Context<'_>,
    collector: &mut Collector,
) -> Option<RegistrySpec> {
    let path = AttributePath::root("registry");
    let config = config.cloned().unwrap_or_default();
    let default = if config.reference.is_some() {
        RegistryMode::Reference
    } else {
        RegistryMode::Create
    };
    let example = match context.cloud {
        Cloud::Aws => "<account>.dkr.ecr.<region>.amazonaws.com/<prefix>",
        Cloud::Gcp => "<region>-docker.pkg.dev/<project>/<repository>",
    };
    if config.mode.is_none() && !context.defaults.registry_create {
        let tier = context.tier.as_str();
        collector.refuse(
            &path.attribute("mode"),
            format!("Say where the images of {tier} are"),
            format!(
                "mode = \"create\" builds and keeps images here; mode = \"reference\" with reference = \"{example}\" only \
                 pulls what was built and tested elsewhere."
            ),
        );
    }
    let mode = collector.word(&path.attribute("mode"), config.mode.as_deref(), default, MODES);
    let at = path.attribute("reference");
    let reference = config.reference.as_deref().and_then(|text| match context.cloud {
        Cloud::Aws => collector
            .late::<EcrPrefix>(&at, text)
            .map(|late| late.map(RegistryReference::Ecr)),
        Cloud::Gcp => collector
            .late::<ArtifactRepository>(&at, text)
            .map(|late| late.map(RegistryReference::Artifact)),
    });
    if mode == RegistryMode::Reference && config.reference.is_none() {
        collector.refuse(
            &at,
            "Missing",
            match context.cloud {
                Cloud::Aws => "mode = \"reference\" needs the prefix of the repositories to pull from, as URL or ARN.",
                Cloud::Gcp => {
                    "mode = \"reference\" needs the repository to pull from, as <region>-docker.pkg.dev/<project>/<repository>."
                }
            },
        );
    }
    if mode == RegistryMode::Create && config.reference.is_some() {
        collector.refuse(
            &at,
            "Contradicts mode",
            "mode = \"create\" makes repositories here: remove reference.",
        );
    }
    let immutable_tags = config.immutable_tags.unwrap_or(true);
    if !immutable_tags && context.tier == Tier::Prod {
        collector.warn(
            &path.attribute("immutable_tags"),
            "Tags of production images can be moved",
            "What a tag means may change after it was tested. Leave immutable_tags on and deploy by digest.",
        );
    }
    let defaults = context.defaults;
    let days = path.attribute("untagged_days");
    let keep = path.attribute("keep_tagged");
    // Artifact Registry deletes no version that an immutable tag points at.
    // https://cloud.google.com/artifact-registry/docs/repositories/cleanup-policy-overview
    let keeps_all = context.cloud == Cloud::Gcp && immutable_tags;
    if keeps_all && config.keep_tagged.is_some() {
        collector.refuse(
            &keep,
            "Immutable tags cannot be cleaned up on Google Cloud",
            "Every tagged image is kept for as long as its tag is there. Remove keep_tagged, or set immutable_tags = false.",
        );
    }
    Some(RegistrySpec {
        mode,
        reference,
        immutable_tags,
        scan_on_push: config.scan_on_push.unwrap_or(true),
        untagged_days: collector.number(&days, config.untagged_days, defaults.untagged_days, 1, 3650),
        keep_tagged: (!keeps_all)
            .then(|| collector.number(&keep, config.keep_tagged, defaults.keep_tagged, 1, 10_000)),
    })
}

impl RegistrySpec {
    pub(super) fn resolved(&self) -> config::Registry {
        config::Registry {
            mode: word_of(&self.mode, MODES),
            reference: self.reference.as_ref().map(ToString::to_string),
            immutable_tags: Some(self.immutable_tags),
            scan_on_push: Some(self.scan_on_push),
            untagged_days: Some(self.untagged_days.into()),
            keep_tagged: self.keep_tagged.map(Into::into),
        }
    }
}

/// Images of another account are not ours to open: who must be let in there is said.
pub(super) fn warn_of_another_account(spec: &RegistrySpec, place: Option<&Place>, collector: &mut Collector) {
    let path = AttributePath::root("registry").attribute("reference");
    match (spec.reference.as_ref().and_then(Late::known), place) {
        (Some(RegistryReference::Ecr(prefix)), Some(Place::Aws { account, .. })) if prefix.account != *account => {
            collector.warn(
                &path,
                format!("Images come from account {}", prefix.account),
                format!("Its repositories must let account {account} pull, by a repository policy made there."),
            );
        }
        (Some(RegistryReference::Artifact(repository)), Some(_)) => collector.warn(
            &path,
            format!("Images come from {}", repository.name()),
            "Who may pull is written on the repository, which is somebody else's: grant roles/artifactregistry.reader there to \
             the accounts of identity_info.ci and identity_info.deploy, and to the nodes' account (component identities.node).",
        ),
        _ => {}
    }
}
