//! What must stand before the first environment, and can have no state itself: the place for state, the way in for the
//! infrastructure repository, and for each environment who plans it and who makes it.
//!
//! Names are deterministic and ownership is on the objects, so there is nothing to remember: look, compare, repair. What
//! is decided here is carried out by the same drivers that make environments.
//!
//! | Who | Enters from | May |
//! |---|---|---|
//! | planner of a tier | GitHub environment `infra-<cloud>-<tier>-plan` | read its environment and its state, lock the state |
//! | provisioner of a tier | GitHub environment `infra-<cloud>-<tier>` | make, change and delete its environment, write its state |
//!
//! One prefix of the state bucket and one pair of identities per environment: who may plan dev reads no other's state.

pub mod aws;

use std::collections::BTreeSet;

use mlops_access::generate::{Github, SubjectFormat};

use crate::component::Component;
use crate::names::{EnvironmentId, Place};
use crate::plan::Decision;
use crate::spec::{AccountId, Cloud, EnvironmentName, Region, TextError, Tier};

/// The uid in the marks of what bootstrap makes: it keeps no state in which a random one could be found again.
pub const UID: &str = "bootstrap";

/// Days that a state's old versions are kept when nothing is said.
pub const RETENTION_DAYS: u32 = 365;

/// All tiers, in the order of promotion.
pub const TIERS: [Tier; 3] = [Tier::Dev, Tier::Staging, Tier::Prod];

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// Name of the system: environments are `<name>-<tier>`.
    pub name: EnvironmentName,
    /// Account.
    pub account: AccountId,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// Region of the state bucket and of the environments.
    pub region: Region,
    /// The tiers that live in this account.
    pub tiers: BTreeSet<Tier>,
    /// The infrastructure repository.
    pub repository: Repository,
    /// Days that a state's old versions are kept.
    pub retention_days: u32,
}

/// The repository whose workflows plan and apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `owner/name`.
    pub name: String,
    /// Numeric ids of owner and repository: they survive renames, and stop whoever registers the name later.
    pub ids: Option<(String, String)>,
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

/// One of the two who work on an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worker {
    /// Reads.
    Planner,
    /// Writes.
    Provisioner,
}

impl Worker {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Planner, Self::Provisioner];

    /// As it is called in names.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planner => "planner",
            Self::Provisioner => "provisioner",
        }
    }

    /// The GitHub environment whose jobs become it.
    #[must_use]
    pub fn github_environment(self, cloud: Cloud, tier: Tier) -> String {
        let base = format!("infra-{}-{}", cloud.as_str(), tier.as_str());
        match self {
            Self::Planner => format!("{base}-plan"),
            Self::Provisioner => base,
        }
    }
}

impl Spec {
    /// Id in the marks of what bootstrap makes: no environment has this one, so neither touches what is the other's.
    #[must_use]
    pub fn id(&self) -> String {
        format!("aws/{}/{}/{}/bootstrap", self.account, self.region, self.name)
    }

    /// The environment of a tier.
    ///
    /// # Errors
    /// The name becomes too long with the tier behind it.
    pub fn environment(&self, tier: Tier) -> Result<EnvironmentId, TextError> {
        Ok(EnvironmentId {
            place: Place::Aws {
                account: self.account.clone(),
                region: self.region.clone(),
            },
            name: format!("{}-{}", self.name, tier.as_str()).parse()?,
        })
    }

    /// What decisions depend on.
    #[must_use]
    pub fn decision(&self) -> Decision {
        Decision {
            environment: self.id(),
            uid: UID.to_owned(),
            ..Decision::default()
        }
    }

    /// Everything that shall stand, in an order in which it can be made.
    ///
    /// # Errors
    /// A name becomes too long.
    pub fn components(&self) -> Result<Vec<Component>, TextError> {
        aws::components(self)
    }
}
