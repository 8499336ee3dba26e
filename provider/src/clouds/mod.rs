//! The clouds that the provider block opens, and who we are there.
//!
//! One process works on both at once: which cloud an environment is on is said by the block that it has.

mod aws;
mod gcp;

use std::collections::BTreeMap;
use std::sync::Arc;

use mlops_environment::Facts;
use mlops_environment::driver::Driver;
use mlops_environment::spec::{Cloud as Which, CloudFacts, Tier};
use tfplugin::{Diagnostic, Diagnostics, Path, Value};
use tokio::sync::{Mutex, OnceCell, RwLock};

use crate::credentials;
use crate::settings::Settings;

/// An open cloud.
#[derive(Clone)]
pub struct Cloud {
    /// The door to it.
    pub driver: Arc<dyn Driver>,
    /// What is known of the account or project.
    pub facts: Facts,
    /// Components worked on at a time.
    pub concurrency: usize,
    /// How long the credentials last, and whose they are.
    pub standing: Standing,
}

/// How long credentials last, and whose they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// They expire, and are a workload's or a role's.
    ShortLived,
    /// A person's own sign-in.
    Personal,
    /// Good until somebody deletes them; tolerated outside prod by the user's word.
    LongTerm,
}

impl Cloud {
    /// What stands against these credentials for a tier, and what should be thought of.
    pub(crate) fn judge(&self, tier: Tier) -> Option<Diagnostic> {
        match (self.standing, self.facts.cloud.cloud(), tier) {
            (Standing::LongTerm, Which::Aws, Tier::Prod) => Some(credentials::aws::refused_for_prod()),
            (Standing::LongTerm, Which::Gcp, Tier::Prod) => Some(credentials::gcp::refused_for_prod()),
            (Standing::Personal, Which::Gcp, Tier::Dev) => Some(credentials::gcp::personal()),
            (Standing::Personal, Which::Gcp, _) => Some(credentials::gcp::personal_refused(tier)),
            _ => None,
        }
    }
}

type Opened = OnceCell<Result<Cloud, Vec<Diagnostic>>>;

/// The clouds of one provider process. Configuring again (reattach) starts anew.
#[derive(Default)]
pub struct Clouds {
    current: RwLock<Arc<Current>>,
}

#[derive(Default)]
struct Current {
    settings: Settings,
    aws: Opened,
    gcp: Opened,
    /// AWS in regions that are not the provider block's: an environment may name its own.
    aws_elsewhere: Mutex<BTreeMap<String, Arc<Opened>>>,
    fixed: bool,
}

impl std::fmt::Debug for Clouds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clouds").finish_non_exhaustive()
    }
}

impl Clouds {
    /// Clouds that are open already, by what is known of them: tests bring drivers of their own.
    pub fn with(clouds: impl IntoIterator<Item = Cloud>) -> Self {
        let mut current = Current {
            fixed: true,
            ..Current::default()
        };
        for cloud in clouds {
            let opened = match cloud.facts.cloud.cloud() {
                Which::Aws => &mut current.aws,
                Which::Gcp => &mut current.gcp,
            };
            *opened = OnceCell::new_with(Some(Ok(cloud)));
        }
        Self {
            current: RwLock::new(Arc::new(current)),
        }
    }

    /// Takes the provider block. A cloud that has a block is opened at once, so that wrong credentials are told
    /// before anything else; another with the first environment that needs it.
    pub(crate) async fn configure(&self, settings: Settings) -> Vec<Diagnostic> {
        let (aws, gcp) = (settings.aws.is_some(), settings.gcp.is_some());
        {
            let mut current = self.current.write().await;
            if current.fixed {
                return Vec::new();
            }
            *current = Arc::new(Current {
                settings,
                ..Current::default()
            });
        }
        let aws = async {
            match aws {
                true => told(self.open(Which::Aws).await, credentials::aws::tolerated),
                false => Vec::new(),
            }
        };
        let gcp = async {
            match gcp {
                true => told(self.open(Which::Gcp).await, credentials::gcp::tolerated),
                false => Vec::new(),
            }
        };
        let (aws, gcp) = futures::join!(aws, gcp);
        aws.into_iter().chain(gcp).collect()
    }

    /// The cloud that an environment, configured or remembered, is on.
    ///
    /// # Errors
    /// Missing, refused or wrong credentials; no block, or two.
    pub(crate) async fn of(&self, environment: &Value) -> Result<Cloud, Diagnostics> {
        let has = |name: &str| environment.get(name).is_some_and(|block| !block.is_null());
        match (has("aws"), has("gcp")) {
            (true, false) => {
                let region = environment.get("aws").and_then(|block| block.get("region")?.as_str());
                self.within(Which::Aws, region).await
            }
            (false, true) => self.open(Which::Gcp).await,
            _ => Err(Diagnostics(vec![
                Diagnostic::error(
                    "An environment is on one cloud",
                    "Give either an aws block or a gcp block. For both clouds, write two environments; their outputs have \
                     the same shape.",
                )
                .at(Path::root().attribute("aws")),
            ])),
        }
    }

    /// A cloud, to work in a region of it. Clients of AWS are for one region; those of Google Cloud are for all.
    ///
    /// # Errors
    /// Missing, refused or wrong credentials.
    pub(crate) async fn within(&self, which: Which, region: Option<&str>) -> Result<Cloud, Diagnostics> {
        let usual = self.open(which).await;
        let current = Arc::clone(&*self.current.read().await);
        let Some(region) = region.filter(|_| which == Which::Aws && !current.fixed) else {
            return usual;
        };
        if usual.as_ref().is_ok_and(|cloud| works_in(cloud, region)) {
            return usual;
        }
        let opened = Arc::clone(
            current
                .aws_elsewhere
                .lock()
                .await
                .entry(region.to_owned())
                .or_default(),
        );
        let there = || async {
            let mut settings = current.settings.clone();
            settings.aws.get_or_insert_default().region = Some(region.to_owned());
            aws::open(&settings).await
        };
        opened.get_or_init(there).await.clone().map_err(Diagnostics)
    }

    /// A cloud, opened on first use.
    pub(crate) async fn open(&self, which: Which) -> Result<Cloud, Diagnostics> {
        let current = Arc::clone(&*self.current.read().await);
        let result = match which {
            Which::Aws => current.aws.get_or_init(|| aws::open(&current.settings)).await,
            Which::Gcp => current.gcp.get_or_init(|| gcp::open(&current.settings)).await,
        };
        result.clone().map_err(Diagnostics)
    }
}

/// Whether the clients of an open AWS are for a region.
fn works_in(cloud: &Cloud, region: &str) -> bool {
    matches!(&cloud.facts.cloud, CloudFacts::Aws { region: Some(own), .. } if own.as_str() == region)
}

/// What is said of a cloud that was opened.
fn told(opened: Result<Cloud, Diagnostics>, tolerated: fn() -> Diagnostic) -> Vec<Diagnostic> {
    match opened {
        Ok(cloud) if cloud.standing == Standing::LongTerm => vec![tolerated()],
        Ok(_) => Vec::new(),
        Err(errors) => errors.0,
    }
}
