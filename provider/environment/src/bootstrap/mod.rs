//! What must stand before the first environment, and can have no state itself: the place for state, the way in for the
//! infrastructure repository, and for each environment who plans it and who makes it.
//!
//! Names are deterministic and ownership is on the objects, so there is nothing to remember: look, compare, repair. What
//! is decided here is carried out by the same drivers that make environments.
//!
//! | Who | Enters from | May |
//! |---|---|---|
//! | planner of a tier | environment `infra-<cloud>-<tier>-plan` of GitHub or GitLab | read its environment and its state, lock the state |
//! | provisioner of a tier | environment `infra-<cloud>-<tier>` | make, change and delete its environment, write its state |
//!
//! One prefix of the state bucket and one pair of identities per environment: who may plan dev reads no other's state.

pub mod aws;
mod forge;
pub mod gcp;
mod ready;
mod recover;

use std::collections::BTreeSet;

use crate::blueprint::LOGS;
use crate::component::{Address, Component};
pub use forge::{Forge, Project, Repository, deployment_tier};
pub use ready::{Door, Ready, Setting};
pub use recover::{Found, candidates};

use crate::names::{self, EnvironmentId};
use crate::plan::Decision;
use crate::spec::{Cloud, EnvironmentName, TextError, Tier};

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
    /// Account or project, and the region of the state bucket and of the environments.
    pub place: Place,
    /// The tiers that live in this account or project.
    pub tiers: BTreeSet<Tier>,
    /// Where the infrastructure's code lives.
    pub forge: Forge,
    /// Days that a state's old versions are kept.
    pub retention_days: u32,
}

/// Where things shall stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On AWS.
    Aws(aws::Place),
    /// On Google Cloud.
    Gcp(gcp::Place),
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

    /// Where all of them stand.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Planner => "planners",
            Self::Provisioner => "provisioners",
        }
    }
}

impl Spec {
    /// Cloud.
    #[must_use]
    pub fn cloud(&self) -> Cloud {
        match self.place {
            Place::Aws(_) => Cloud::Aws,
            Place::Gcp(_) => Cloud::Gcp,
        }
    }

    /// Id in the marks of what bootstrap makes: no environment has this one, so neither touches what is the other's.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/bootstrap", self.system())
    }

    /// Id of the system, as the resource that describes all this is imported by: `<cloud>/<account>/<region>/<name>`.
    #[must_use]
    pub fn system(&self) -> EnvironmentId {
        self.within(self.name.clone())
    }

    /// The environment of a tier.
    ///
    /// # Errors
    /// The name becomes too long with the tier behind it.
    pub fn environment(&self, tier: Tier) -> Result<EnvironmentId, TextError> {
        Ok(self.within(format!("{}-{}", self.name, tier.as_str()).parse()?))
    }

    fn within(&self, name: EnvironmentName) -> EnvironmentId {
        let place = match &self.place {
            Place::Aws(place) => names::Place::Aws {
                account: place.account.clone(),
                region: place.region.clone(),
            },
            Place::Gcp(place) => names::Place::Gcp {
                project: place.project.clone(),
                region: place.region.clone(),
            },
        };
        EnvironmentId { place, name }
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
        let mut components = match &self.place {
            Place::Aws(place) => aws::components(self, place)?,
            Place::Gcp(place) => gcp::components(self, place)?,
        };
        // Components of an environment wait for its logs bucket, which holds the claim; here is none.
        let logs = Address::new(&LOGS);
        for component in &mut components {
            component.after.remove(&logs);
        }
        Ok(components)
    }

    /// What a team copies, for each tier; `key` names the states' key, which is known once it stands.
    ///
    /// # Errors
    /// A name becomes too long.
    pub fn ready(&self, key: &str) -> Result<Vec<Ready>, TextError> {
        let all = self.tiers.iter().map(|tier| {
            let environment = self.environment(*tier)?;
            Ok(match &self.place {
                Place::Aws(place) => aws::ready(self, place, *tier, &environment, key),
                Place::Gcp(place) => gcp::ready(self, place, *tier, &environment),
            })
        });
        all.collect()
    }
}
