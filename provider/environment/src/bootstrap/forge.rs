//! Where the infrastructure's code lives, and by which environment a job of it is told.

use std::collections::BTreeSet;

use mlops_access::generate::{Github, SubjectFormat};

use super::Worker;
use crate::spec::{Cloud, GitlabId, GitlabUrl, Tier};

/// The repository whose jobs plan and apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forge {
    /// On GitHub.
    Github(Repository),
    /// On GitLab.
    Gitlab(Project),
}

/// A repository on GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `owner/name`.
    pub name: String,
    /// Numeric ids of owner and repository: they survive renames, and stop whoever registers the name later.
    pub ids: Option<(String, String)>,
}

/// A project on GitLab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The instance.
    pub url: GitlabUrl,
    /// `group/project`; groups nest.
    pub path: String,
    /// Google Cloud: the project's number, which survives renames. AWS does not see it.
    pub id: Option<GitlabId>,
}

impl Forge {
    /// As it is called in addresses and names: `github`, `gitlab`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Github(_) => "github",
            Self::Gitlab(_) => "gitlab",
        }
    }

    /// As people call it.
    #[must_use]
    pub fn called(&self) -> &'static str {
        match self {
            Self::Github(_) => "GitHub",
            Self::Gitlab(_) => "GitLab",
        }
    }

    /// Who issues its tokens: host, and perhaps a path, without scheme.
    #[must_use]
    pub fn issuer(&self) -> &str {
        match self {
            Self::Github(_) => Github::ISSUER,
            Self::Gitlab(project) => project.url.as_str().trim_start_matches("https://"),
        }
    }

    /// Path of the repository.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Github(repository) => &repository.name,
            Self::Gitlab(project) => &project.path,
        }
    }

    /// AWS: the audience that jobs ask their token for.
    #[must_use]
    pub fn audience(&self) -> &str {
        match self {
            Self::Github(_) => "sts.amazonaws.com",
            Self::Gitlab(project) => project.url.as_str(),
        }
    }

    /// Where its provider stands among what bootstrap makes.
    pub(super) fn address(&self) -> [&'static str; 2] {
        ["federation", self.as_str()]
    }
}

impl Repository {
    /// How subjects of its tokens begin: `repo:acme/infra`, or with ids `repo:acme@1/infra@2`.
    #[must_use]
    pub fn subject(&self) -> String {
        let (owner_id, repository_id) = match self.ids.clone() {
            Some((owner, repository)) => (Some(owner), Some(repository)),
            None => (None, None),
        };
        let github = Github {
            repository: self.name.clone(),
            subject_format: if self.ids.is_some() {
                SubjectFormat::Immutable
            } else {
                SubjectFormat::Name
            },
            owner_id,
            repository_id,
            ci_refs: BTreeSet::new(),
            deploy_environment: String::new(),
            drift_environment: None,
            retrain_environment: None,
            issuer: Github::ISSUER.to_owned(),
            provider_arn: String::new(),
        };
        github.subjects().swap_remove(0)
    }
}

impl Worker {
    /// The environment of GitHub or GitLab whose jobs become it.
    #[must_use]
    pub fn environment(self, cloud: Cloud, tier: Tier) -> String {
        let base = format!("infra-{}-{}", cloud.as_str(), tier.as_str());
        match self {
            Self::Planner => format!("{base}-plan"),
            Self::Provisioner => base,
        }
    }

    /// Whether that environment is a protected one. On AWS this tells a planner's job of GitLab from a provisioner's.
    #[must_use]
    pub fn protected(self) -> bool {
        self == Self::Provisioner
    }
}

/// GitLab's word for a tier of ours.
/// <https://docs.gitlab.com/ci/environments/#deployment-tier-of-environments>
#[must_use]
pub fn deployment_tier(tier: Tier) -> &'static str {
    match tier {
        Tier::Dev => "development",
        Tier::Staging => "staging",
        Tier::Prod => "production",
    }
}
