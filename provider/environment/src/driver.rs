//! What a cloud's driver does: the only door through which an environment is read or changed.
//!
//! A driver never decides. It gets resolved components and the changes to make, and says what it found.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use jiff::Timestamp;
pub use mlops_access::matrix::Question;

use crate::claim::Claim;
use crate::component::{Address, Component, Observation, Present};
use crate::plan::Change;

/// A future without a runtime.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// How the executor is told about long work, and how work is told to stop.
pub trait Monitor: Send + Sync {
    /// Says what is going on, in words: `cluster: CREATING`.
    fn progress(&self, text: &str);
    /// Whether the work should stop at the next safe place.
    fn cancelled(&self) -> bool;
    /// Waits for so long, or shorter when cancelled. Tests pass a clock of their own.
    fn sleep(&self, duration: std::time::Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// One cloud.
///
/// Every method may be called again after a crash at any point: creates are idempotent by name (and by client token
/// where the cloud has them), deletes treat "gone" as success. Components are resolved: no reference is left in them.
pub trait Driver: Send + Sync {
    /// The same cloud for one look at many components at one moment: what tells of several at once (a cluster of its node
    /// pools, a list of its entries) is asked for once and told to all. Only [`Driver::observe`] is called on it, and it is
    /// dropped when the look is over. `None` where nothing is to be gained.
    fn glance(&self) -> Option<Arc<dyn Driver>> {
        None
    }

    /// Who is calling: for the audit line and the account check. One call, cached.
    fn caller(&self) -> Pending<'_, Caller>;

    /// Which of these components would be one and the same as something of another environment, although neither is there
    /// twice: on Google Cloud every cluster of a project shares one pool of pods' identities; on AWS all who use one cluster
    /// share its issuer, so a cluster of somebody else is among the components.
    fn rivals<'a>(&'a self, _components: &'a [Component]) -> Pending<'a, Vec<Rival>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Finds the component by its id or name.
    fn observe<'a>(&'a self, component: &'a Component) -> Pending<'a, Observation>;

    /// Makes it and waits until it is usable.
    fn create<'a>(&'a self, component: &'a Component, monitor: &'a dyn Monitor) -> Pending<'a, Present>;

    /// Makes exactly these changes and waits until they are in force. The deviations in `found.foreign` are removed too:
    /// hand in only those that shall go, which are the ones in [`crate::plan::Action::Update`].
    fn update<'a>(
        &'a self,
        component: &'a Component,
        found: &'a Present,
        changes: &'a [Change],
        monitor: &'a dyn Monitor,
    ) -> Pending<'a, Present>;

    /// Waits until work that the cloud has under way is over; brings back what somebody put out of use.
    fn settle<'a>(
        &'a self,
        component: &'a Component,
        found: &'a Present,
        monitor: &'a dyn Monitor,
    ) -> Pending<'a, Observation>;

    /// Deletes it (purging it first where `on_destroy` says so) and waits until it is gone.
    fn delete<'a>(
        &'a self,
        component: &'a Component,
        found: &'a Present,
        monitor: &'a dyn Monitor,
    ) -> Pending<'a, ()>;

    /// Marks it as retained and lets go of it.
    fn retain<'a>(&'a self, component: &'a Component, found: &'a Present) -> Pending<'a, ()>;

    /// What stands in the way of deleting it, in words with counts: `holds about 1,200 objects`.
    fn obstacles<'a>(&'a self, component: &'a Component, found: &'a Present) -> Pending<'a, Vec<String>>;

    /// Reads the environment's claim out of its logs bucket: the claim and its version for compare-and-swap.
    fn read_claim<'a>(&'a self, bucket: &'a str, name: &'a str)
    -> Pending<'a, Option<(Claim, ClaimVersion)>>;

    /// Writes the claim if the stored one still has version `expected` (`None`: if there is none).
    /// A lost race is [`Reason::Conflict`].
    fn write_claim<'a>(
        &'a self,
        bucket: &'a str,
        name: &'a str,
        claim: &'a Claim,
        expected: Option<&'a ClaimVersion>,
    ) -> Pending<'a, ClaimVersion>;

    /// Everything that decides what the identity of a component may do and who enters it, as it stands, foreign policies
    /// included; `None` where it is gone.
    ///
    /// Not every driver keeps such documents in one place; one that does not says so.
    fn access<'a>(&'a self, identity: &'a Component) -> Pending<'a, Option<Access>> {
        Box::pin(async move {
            Err(Failure {
                operation: "read access".to_owned(),
                reason: Reason::Invalid,
                code: String::new(),
                message: format!("this driver knows no documents of {}", identity.address),
                request_id: None,
            })
        })
    }

    /// What the cloud itself says to questions about what an identity may do, in their order; `None` where it answers no
    /// such questions.
    fn simulate<'a>(
        &'a self,
        principal: &'a str,
        questions: &'a [Question],
    ) -> Pending<'a, Option<Vec<bool>>> {
        let _ = (principal, questions);
        Box::pin(async { Ok(None) })
    }

    /// A token that lets the caller into the API of the cluster of this name.
    ///
    /// A driver that can give none says so; that is what this does unless told otherwise.
    fn cluster_token<'a>(&'a self, cluster: &'a str) -> Pending<'a, ClusterToken> {
        Box::pin(async move {
            Err(Failure {
                operation: "make a cluster token".to_owned(),
                reason: Reason::Invalid,
                code: String::new(),
                message: format!("this driver gives no tokens for {cluster}"),
                request_id: None,
            })
        })
    }
}

/// The documents of one identity, as they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Who enters.
    pub trust: String,
    /// Inline and attached policies: name or ARN, and document.
    pub policies: Vec<(String, String)>,
    /// The permissions boundary's document, if it has one.
    pub boundary: Option<String>,
}

/// What lets its holder into a cluster's API for a while.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterToken {
    /// The bearer token.
    pub token: String,
    /// When it runs out, where that is told.
    pub expires_at: Option<Timestamp>,
}

impl std::fmt::Debug for ClusterToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterToken")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Something that two environments would share without meaning to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rival {
    /// The component that would be shared.
    pub address: Address,
    /// What is shared, in words: `pods of ServiceAccount shop/churn-sa`.
    pub what: String,
    /// Id of the other environment; on AWS its identity.
    pub environment: String,
}

/// The claim's version as the store counts it: an ETag or a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimVersion(pub String);

/// Whose credentials are in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Account, or id of the project.
    pub account: String,
    /// Number of the project, by which Google Cloud names pools and service agents; empty elsewhere.
    pub number: String,
    /// `aws`, `aws-cn`, `aws-us-gov`; empty elsewhere.
    pub partition: String,
    /// ARN or e-mail.
    pub principal: String,
}

/// Why a call did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {message}")]
pub struct Failure {
    /// Service and API call, for example `eks:CreateCluster`.
    pub operation: String,
    /// What it means for us.
    pub reason: Reason,
    /// The cloud's code, for example `ResourceInUseException`.
    pub code: String,
    /// The cloud's words.
    pub message: String,
    /// The cloud's request id, for its support.
    pub request_id: Option<String>,
}

/// What a failure means for what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It exists already.
    AlreadyExists,
    /// It is not there.
    NotFound,
    /// Our credentials may not.
    Denied,
    /// Our credentials are over, or none that the cloud knows.
    Unauthenticated,
    /// The request is wrong or refused for good.
    Invalid,
    /// A limit of the account.
    Quota,
    /// Too many calls, after all retries.
    Throttled,
    /// The cloud or the network failed, after all retries.
    Unavailable,
    /// Somebody else changed it meanwhile.
    Conflict,
    /// The object ended in a failed state.
    Failed,
    /// Our own deadline passed.
    Timeout,
    /// We were told to stop.
    Cancelled,
}
