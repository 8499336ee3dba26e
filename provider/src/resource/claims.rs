//! The claim before, while and after an apply holds it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mlops_environment::Environment as Model;
use mlops_environment::claim::{self, Admission, Claim, Claimant, Operation};
use mlops_environment::component::{Component, Outputs};
use mlops_environment::driver::{ClaimVersion, Driver, Failure, Reason};
use mlops_environment::reference;
use serde_json::Value as Json;
use tfplugin::{CallContext, Diagnostic, Diagnostics, Value};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::apply::LOGS;
use super::lease::{self, Own, Rhythm, Stopped};
use super::origin;
use super::parting::{Parting, Partings};
use super::state;

const PROVIDER: &str = env!("CARGO_PKG_VERSION");

/// After an interruption the answer must be out within seconds: the claim may not hold it up.
const LAST_WORD: Duration = Duration::from_millis(800);

/// The claim of one environment, as seen by one call.
pub(super) struct Claims<'a> {
    /// The door to the cloud.
    pub(super) driver: &'a Arc<dyn Driver>,
    /// The environment.
    pub(super) model: &'a Model,
    /// How signs of life are given and looked for.
    pub(super) rhythm: Rhythm,
    /// What is said once Terraform has the answer.
    pub(super) partings: &'a Partings,
    /// Stops the call's work; also cancelled by us when the claim is lost.
    pub(super) cancelled: &'a CancellationToken,
}

/// A claim as found, and what it allows.
pub(super) struct Found<'a> {
    claims: &'a Claims<'a>,
    stored: Option<(Claim, ClaimVersion)>,
    admission: Admission,
    /// Completed applies that the state knows of.
    known: u64,
}

/// A claim that says that we are at work.
pub(super) struct Held<'a> {
    claims: &'a Claims<'a>,
    current: Arc<Mutex<(Claim, ClaimVersion)>>,
    /// Applies completed before this one.
    before: u64,
    lost: CancellationToken,
    renewing: JoinHandle<()>,
    _own: Own,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

impl Claims<'_> {
    fn id(&self) -> String {
        self.model.spec.id.to_string()
    }

    fn bucket(&self) -> &str {
        self.model
            .component(LOGS)
            .and_then(|logs| logs.outputs.get("name"))
            .map_or("", String::as_str)
    }

    fn key(&self) -> String {
        self.model.spec.id.name.to_string()
    }

    /// Asks the claim whether an operation may go on, once nobody else is at work. `known_absent` spares the question
    /// where the bucket was made just now.
    ///
    /// # Errors
    /// Somebody at work, somebody else's claim, a newer one, or no answer.
    pub(super) async fn ask(
        &self,
        prior: &Value,
        operation: Operation,
        known_absent: bool,
    ) -> Result<Found<'_>, Diagnostics> {
        let id = self.id();
        let key = self.key();
        let stored = if known_absent {
            None
        } else {
            match self.driver.read_claim(self.bucket(), &key).await {
                Ok(stored) => stored,
                Err(failure) if failure.reason == Reason::NotFound => None,
                Err(failure) => return Err(unreachable(&id, &failure)),
            }
        };
        let place = (self.bucket(), key.as_str());
        let stored = lease::free(self.driver, place, stored, self.rhythm, self.cancelled)
            .await
            .map_err(|stopped| match stopped {
                Stopped::Busy(conflict) => in_the_way(&conflict),
                Stopped::Cloud(failure) => unreachable(&id, &failure),
                Stopped::Interrupted => interrupted(&id),
            })?;
        let configured = self.model.spec.owner.to_string();
        let claimant = Claimant {
            id,
            owner: reference::is_resolved(&configured).then_some(configured),
            uid: state::text(prior, "uid").map(str::to_owned),
            generation: state::json(prior, "generation").as_u64(),
            state: origin::address().filter(|_| {
                let origin = stored.as_ref().and_then(|(claim, _)| claim.origin.as_ref());
                let process = origin.and_then(|origin| origin.process.as_ref());
                !process.is_some_and(lease::runs)
            }),
        };
        let admission = claim::admit(stored.as_ref().map(|(claim, _)| claim), &claimant, operation)
            .map_err(|conflict| in_the_way(&conflict))?;
        Ok(Found {
            claims: self,
            stored,
            admission,
            known: claimant.generation.unwrap_or_default(),
        })
    }

    /// Writes a claim. Where the answer was lost, or a retry met its own first try, reading it back tells.
    async fn store(&self, claim: &Claim, expected: Option<&ClaimVersion>) -> Result<ClaimVersion, Failure> {
        store(self.driver, (self.bucket(), &self.key()), claim, expected).await
    }
}

impl<'a> Found<'a> {
    /// What it allows.
    pub(super) fn admission(&self) -> &Admission {
        &self.admission
    }

    /// The uid of the claim, where there is one.
    pub(super) fn uid(&self) -> Option<&str> {
        self.stored.as_ref().map(|(claim, _)| claim.uid.as_str())
    }

    /// What an apply that was cut off was about to make.
    pub(super) fn intents(&self) -> Vec<Component> {
        self.stored
            .as_ref()
            .map(|(claim, _)| claim.intents.clone())
            .unwrap_or_default()
    }

    /// Writes that an apply of these settings begins, if nobody else did meanwhile. What is about to be made is recorded
    /// first.
    ///
    /// # Errors
    /// A lost race, or no answer.
    pub(super) async fn begin(self, own: &Outputs, settings: Json) -> Result<Held<'a>, Diagnostics> {
        let own = |name: &str| own.get(name).map_or("", String::as_str);
        let standing = match self.admission.clone() {
            Admission::Resume(claim) | Admission::Continue(claim) | Admission::FinishDeletion(claim) => {
                Some(claim)
            }
            Admission::Fresh | Admission::Release => None,
        };
        let mut claim = match standing {
            Some(claim) => claim.begun(Some(own("owner")), PROVIDER, Timestamp::now()),
            None => {
                let now = Timestamp::now();
                let first = Claim::new(&self.claims.id(), own("uid"), own("owner"), PROVIDER, now);
                match self.known {
                    0 => first,
                    // The claim went with its bucket, the count goes on: an older state must not be taken for a newer one.
                    known => first.counted(known).begun(None, PROVIDER, now),
                }
            }
        }
        .with(settings)
        .applied_from(origin::here());
        if claim.generation == 0 {
            for component in &self.claims.model.components {
                claim.intend(component);
            }
        }
        self.hold(claim).await
    }

    /// Writes that a destroy begins.
    ///
    /// # Errors
    /// A lost race, or no answer.
    pub(super) async fn begin_destroy(self) -> Result<Option<Held<'a>>, Diagnostics> {
        let Some((claim, _)) = &self.stored else {
            return Ok(None);
        };
        let claim = claim.clone().deleting(Timestamp::now());
        self.hold(claim).await.map(Some)
    }

    /// Lets go of an incomplete environment: the create leg of the replacement goes on with it.
    ///
    /// # Errors
    /// A lost race, or no answer.
    pub(super) async fn release(self) -> Result<(), Diagnostics> {
        let Some((claim, _)) = &self.stored else {
            return Ok(());
        };
        let claim = claim.clone().released(Timestamp::now());
        self.write(&claim).await.map(|_| ())
    }

    async fn hold(self, claim: Claim) -> Result<Held<'a>, Diagnostics> {
        let (own, lease) = Own::take();
        let claim = claim.held(lease);
        let version = self.write(&claim).await?;
        let before = claim.generation;
        let current = Arc::new(Mutex::new((claim, version)));
        let lost = CancellationToken::new();
        let renewing = tokio::spawn(renew(
            Arc::clone(self.claims.driver),
            (self.claims.bucket().to_owned(), self.claims.key()),
            Arc::clone(&current),
            self.claims.rhythm.renew,
            (lost.clone(), self.claims.cancelled.clone()),
        ));
        Ok(Held {
            claims: self.claims,
            current,
            before,
            lost,
            renewing,
            _own: own,
        })
    }

    async fn write(&self, claim: &Claim) -> Result<ClaimVersion, Diagnostics> {
        let expected = self.stored.as_ref().map(|(_, version)| version);
        match self.claims.store(claim, expected).await {
            Ok(version) => Ok(version),
            Err(failure) if failure.reason == Reason::Conflict => Err(self.claims.lost_race().await),
            Err(failure) => Err(unreachable(&self.claims.id(), &failure)),
        }
    }
}

/// Gives signs of life until aborted. Where the claim was taken from us, stops the work.
async fn renew(
    driver: Arc<dyn Driver>,
    place: (String, String),
    current: Arc<Mutex<(Claim, ClaimVersion)>>,
    every: Duration,
    (lost, work): (CancellationToken, CancellationToken),
) {
    loop {
        tokio::time::sleep(every).await;
        let mut current = current.lock().await;
        let claim = current.0.clone().renewed(Timestamp::now());
        match store(&driver, (&place.0, &place.1), &claim, Some(&current.1)).await {
            Ok(version) => *current = (claim, version),
            Err(failure) if failure.reason == Reason::Conflict => {
                lost.cancel();
                work.cancel();
                return;
            }
            // The cloud may be slow for a while; others only take over after several signs are missing.
            Err(failure) => tracing::warn!("{}: the claim could not be renewed: {failure}", claim.id),
        }
    }
}

impl Held<'_> {
    /// Writes how the apply ended, and what the settings turned out to be, and gives the generation that the state records.
    ///
    /// # Errors
    /// The claim was taken by somebody else, or could not be written: everything that was made stands, but the next
    /// apply must say so again.
    pub(super) async fn finish(
        self,
        complete: bool,
        settings: Json,
        context: &CallContext,
    ) -> Result<u64, Diagnostic> {
        if self.lost.is_cancelled() {
            return Err(self.claims.taken().await);
        }
        let generation = if complete { self.before + 1 } else { self.before };
        let write = async {
            let current = self.current.lock().await;
            let claim = current.0.clone().with(settings);
            let claim = if complete {
                claim.completed(Timestamp::now())
            } else {
                claim.interrupted(Timestamp::now())
            };
            let version = self.claims.store(&claim, Some(&current.1)).await?;
            Ok::<_, Failure>((claim, version))
        };
        let result = if context.cancelled.is_cancelled() {
            match tokio::time::timeout(LAST_WORD, write).await {
                Ok(result) => result,
                // The claim still says that we are at work, by a lease that nobody renews any more.
                Err(_) => return Ok(generation),
            }
        } else {
            write.await
        };
        match result {
            Ok((claim, version)) => {
                if complete && claim.origin.is_some() {
                    self.claims.partings.add(Parting {
                        driver: Arc::clone(self.claims.driver),
                        bucket: self.claims.bucket().to_owned(),
                        key: self.claims.key(),
                        claim,
                        version,
                    });
                }
                Ok(generation)
            }
            Err(_) if !complete => Ok(generation),
            Err(failure) => Err(Diagnostic::error(
                "The environment stands, but its claim could not be written",
                format!(
                    "{}: {}. Everything was applied; apply again to have it recorded.",
                    failure.operation, failure.message
                ),
            )),
        }
    }

    /// Writes that a destroy ended early, so that the next one need not look for signs of life of this one. Where that
    /// fails, it looks.
    pub(super) async fn let_go(self) {
        let write = async {
            let current = self.current.lock().await;
            let claim = current.0.clone().deleting(Timestamp::now());
            self.claims.store(&claim, Some(&current.1)).await
        };
        match tokio::time::timeout(LAST_WORD, write).await {
            Ok(Ok(_)) => {}
            Ok(Err(failure)) => {
                tracing::warn!("{}: the claim could not be let go: {failure}", self.claims.id())
            }
            Err(_) => tracing::warn!("{}: the claim could not be let go in time", self.claims.id()),
        }
    }

    /// Writes that everything is gone but the bucket of the claim itself, which is kept: whoever makes the environment
    /// again goes on with what was kept, instead of meeting a destroy that looks cut off.
    ///
    /// # Errors
    /// The claim could not be written.
    pub(super) async fn left_behind(self) -> Result<(), Failure> {
        let current = self.current.lock().await;
        let claim = current.0.clone().released(Timestamp::now());
        self.claims.store(&claim, Some(&current.1)).await.map(|_| ())
    }
}

pub(super) async fn store(
    driver: &Arc<dyn Driver>,
    (bucket, key): (&str, &str),
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

impl Claims<'_> {
    async fn by_whom(&self) -> String {
        match self.driver.read_claim(self.bucket(), &self.key()).await {
            Ok(Some((claim, _))) => format!("by {} at {}", claim.owner, claim.updated_at),
            _ => "by somebody else".to_owned(),
        }
    }

    async fn lost_race(&self) -> Diagnostics {
        Diagnostics(vec![Diagnostic::error(
            "Somebody else is applying this environment",
            format!(
                "The claim of {} was taken {}. Nothing was touched. Wait until they are done, then plan again.",
                self.id(),
                self.by_whom().await
            ),
        )])
    }

    async fn taken(&self) -> Diagnostic {
        Diagnostic::error(
            "Somebody else took over this environment",
            format!(
                "While we were at work, the claim of {} was taken {}: for longer than {} s no sign of life of ours came \
                 through. We stopped at once; the state holds what was reached. Wait until they are done, then plan again.",
                self.id(),
                self.by_whom().await,
                self.rhythm.patience.as_secs()
            ),
        )
    }
}

fn in_the_way(conflict: &claim::Conflict) -> Diagnostics {
    let summary = if matches!(conflict, claim::Conflict::Busy { .. }) {
        "Somebody else is applying this environment"
    } else {
        "The environment's claim stands in the way"
    };
    Diagnostics(vec![Diagnostic::error(summary, conflict.to_string())])
}

fn interrupted(id: &str) -> Diagnostics {
    Diagnostics(vec![Diagnostic::error(
        format!("{id} was not touched"),
        "The apply was interrupted while it waited for somebody else's to end. Apply again when they are done.",
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
