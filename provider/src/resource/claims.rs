//! The claim while an apply holds it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mlops_environment::Environment as Model;
use mlops_environment::claim::{self, Admission, Claim, Claimant, Operation};
use mlops_environment::component::Outputs;
use mlops_environment::driver::{ClaimVersion, Driver, Failure, Reason};
use mlops_environment::reference;
use tfplugin::{CallContext, Diagnostic, Diagnostics, Value};

use super::apply::LOGS;
use super::state;

const PROVIDER: &str = env!("CARGO_PKG_VERSION");

/// After an interruption the answer must be out within seconds: the claim may not hold it up.
const LAST_WORD: Duration = Duration::from_millis(800);

/// A claim that says that we are at work.
pub(super) struct Held {
    claim: Claim,
    version: ClaimVersion,
    bucket: String,
    key: String,
}

/// A claim as found, and what it allows.
pub(super) struct Found {
    stored: Option<(Claim, ClaimVersion)>,
    admission: Admission,
    bucket: String,
    key: String,
}

/// Asks the claim whether an operation may go on. `known_absent` spares the question where the bucket was made just now.
///
/// # Errors
/// Somebody else's claim, a newer one, or no answer.
pub(super) async fn ask(
    driver: &Arc<dyn Driver>,
    model: &Model,
    prior: &Value,
    operation: Operation,
    known_absent: bool,
) -> Result<Found, Diagnostics> {
    let id = model.spec.id.to_string();
    let bucket = model
        .component(LOGS)
        .and_then(|logs| logs.outputs.get("name").cloned())
        .unwrap_or_default();
    let key = model.spec.id.name.to_string();
    let stored = if known_absent {
        None
    } else {
        match driver.read_claim(&bucket, &key).await {
            Ok(stored) => stored,
            Err(failure) if failure.reason == Reason::NotFound => None,
            Err(failure) => return Err(unreachable(&id, &failure)),
        }
    };
    let configured = model.spec.owner.to_string();
    let claimant = Claimant {
        id,
        owner: reference::is_resolved(&configured).then_some(configured),
        uid: state::text(prior, "uid").map(str::to_owned),
        generation: state::json(prior, "generation").as_u64(),
    };
    let admission =
        claim::admit(stored.as_ref().map(|(claim, _)| claim), &claimant, operation).map_err(|conflict| {
            Diagnostics(vec![Diagnostic::error(
                "The environment's claim stands in the way",
                conflict.to_string(),
            )])
        })?;
    Ok(Found {
        stored,
        admission,
        bucket,
        key,
    })
}

impl Found {
    /// What it allows.
    pub(super) fn admission(&self) -> &Admission {
        &self.admission
    }

    /// The uid of the claim, where there is one.
    pub(super) fn uid(&self) -> Option<&str> {
        self.stored.as_ref().map(|(claim, _)| claim.uid.as_str())
    }

    /// Writes that an apply begins, if nobody else did meanwhile. What is about to be made is recorded first.
    ///
    /// # Errors
    /// A lost race, or no answer.
    pub(super) async fn begin(
        self,
        driver: &Arc<dyn Driver>,
        model: &Model,
        own: &Outputs,
    ) -> Result<Held, Diagnostics> {
        let own = |name: &str| own.get(name).map_or("", String::as_str);
        let id = model.spec.id.to_string();
        let mut claim = match &self.stored {
            Some((claim, _)) => claim
                .clone()
                .begun(Some(own("owner")), PROVIDER, Timestamp::now()),
            None => Claim::new(&id, own("uid"), own("owner"), PROVIDER, Timestamp::now()),
        };
        if claim.generation == 0 {
            for component in &model.components {
                claim.intend(&component.address, component.id.as_deref().unwrap_or_default());
            }
        }
        self.write(driver, &id, claim).await
    }

    /// Writes that a destroy begins.
    ///
    /// # Errors
    /// A lost race, or no answer.
    pub(super) async fn begin_destroy(
        self,
        driver: &Arc<dyn Driver>,
        model: &Model,
    ) -> Result<Option<Held>, Diagnostics> {
        let Some((claim, _)) = &self.stored else {
            return Ok(None);
        };
        let claim = claim.clone().deleting(Timestamp::now());
        self.write(driver, &model.spec.id.to_string(), claim)
            .await
            .map(Some)
    }

    /// Lets go of an incomplete environment: the create leg of the replacement goes on with it.
    ///
    /// # Errors
    /// A lost race, or no answer.
    pub(super) async fn release(self, driver: &Arc<dyn Driver>, model: &Model) -> Result<(), Diagnostics> {
        let Some((claim, _)) = &self.stored else {
            return Ok(());
        };
        let claim = claim.clone().released(Timestamp::now());
        self.write(driver, &model.spec.id.to_string(), claim)
            .await
            .map(|_| ())
    }

    async fn write(self, driver: &Arc<dyn Driver>, id: &str, claim: Claim) -> Result<Held, Diagnostics> {
        let expected = self.stored.map(|(_, version)| version);
        match store(driver, &self.bucket, &self.key, &claim, expected.as_ref()).await {
            Ok(version) => Ok(Held {
                claim,
                version,
                bucket: self.bucket,
                key: self.key,
            }),
            Err(failure) if failure.reason == Reason::Conflict => {
                Err(lost_race(driver, id, &self.bucket, &self.key).await)
            }
            Err(failure) => Err(unreachable(id, &failure)),
        }
    }
}

impl Held {
    /// Writes how the apply ended and gives the generation that the state records.
    ///
    /// # Errors
    /// The claim could not be written: everything stands, but the next apply must say so again.
    pub(super) async fn finish(
        self,
        driver: &Arc<dyn Driver>,
        complete: bool,
        context: &CallContext,
    ) -> Result<u64, Diagnostic> {
        let now = Timestamp::now();
        let claim = if complete {
            self.claim.completed(now)
        } else {
            self.claim.interrupted(now)
        };
        let write = store(driver, &self.bucket, &self.key, &claim, Some(&self.version));
        let result = if context.cancelled.is_cancelled() {
            match tokio::time::timeout(LAST_WORD, write).await {
                Ok(result) => result,
                // The claim still says that an apply is under way: the next one goes on with it all the same.
                Err(_) => return Ok(claim.generation),
            }
        } else {
            write.await
        };
        match result {
            Ok(_) => Ok(claim.generation),
            Err(_) if !complete => Ok(claim.generation),
            Err(failure) => Err(Diagnostic::error(
                "The environment stands, but its claim could not be written",
                format!(
                    "{}: {}. Everything was applied; apply again to have it recorded.",
                    failure.operation, failure.message
                ),
            )),
        }
    }
}

/// Writes a claim. Where the answer was lost, or a retry met its own first try, reading it back tells.
async fn store(
    driver: &Arc<dyn Driver>,
    bucket: &str,
    key: &str,
    claim: &Claim,
    expected: Option<&ClaimVersion>,
) -> Result<ClaimVersion, Failure> {
    match driver.write_claim(bucket, key, claim, expected).await {
        Ok(version) => Ok(version),
        Err(failure) => match driver.read_claim(bucket, key).await {
            Ok(Some((stored, version))) if stored == *claim => Ok(version),
            _ => Err(failure),
        },
    }
}

impl Held {
    /// Writes that everything is gone but the bucket of the claim itself, which is kept: whoever makes the environment
    /// again goes on with what was kept, instead of meeting a destroy that looks cut off.
    ///
    /// # Errors
    /// The claim could not be written.
    pub(super) async fn left_behind(self, driver: &Arc<dyn Driver>) -> Result<(), Failure> {
        let claim = self.claim.released(Timestamp::now());
        store(driver, &self.bucket, &self.key, &claim, Some(&self.version))
            .await
            .map(|_| ())
    }
}

async fn lost_race(driver: &Arc<dyn Driver>, id: &str, bucket: &str, key: &str) -> Diagnostics {
    let who = match driver.read_claim(bucket, key).await {
        Ok(Some((claim, _))) => format!("by {} at {}", claim.owner, claim.updated_at),
        _ => "by somebody else".to_owned(),
    };
    Diagnostics(vec![Diagnostic::error(
        "Somebody else is applying this environment",
        format!(
            "The claim of {id} was taken {who}. Nothing was touched. Wait until they are done, then plan again."
        ),
    )])
}

fn unreachable(id: &str, failure: &Failure) -> Diagnostics {
    Diagnostics(vec![Diagnostic::error(
        "The environment's claim cannot be reached",
        format!(
            "{}: {}. Without the claim of {id} we cannot know whether somebody else is at work on it, so nothing was \
             touched. Restore access to the logs bucket, then apply again.",
            failure.operation, failure.message
        ),
    )])
}
